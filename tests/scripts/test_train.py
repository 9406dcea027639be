"""scripts.train as a person meets it: the plan, every mistake as one message, and everything that a run leaves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from real_runs import TINY, metrics_of, records_of, train, weights_of, with_model, write_config

from scripts import train as command
from scripts.cli import run_main
from selfplay.record import Record
from verifiers.sandbox import SandboxError

ROOT = Path(__file__).parents[2]
ADAPTERS = ("model.lora={rank: 2}", "learner.optimizer=adamw")
BLOCK_TORCH = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "trl", "accelerate", "peft", "datasets"}:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Block())
from scripts.cli import run_main
from scripts.train import main
run_main(main)
"""


def launch(*arguments: str, code: str | None = None, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """The real command line."""
    program = ["-m", "scripts.train"] if code is None else ["-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path / "tiny.yaml", TINY)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The message with which the command ends in this process."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        run_main(command.main, arguments)
    said = capsys.readouterr()
    assert caught.value.code == 2
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    return said.err


# The plan


def test_a_dry_run_prints_configuration_and_plan_without_torch_and_starts_nothing(config: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done = launch("--config", str(config), "rounds=7", "--dry-run", "--run-dir", str(folder), code=BLOCK_TORCH)
    assert (done.returncode, done.stderr) == (0, "")
    assert yaml.safe_load(done.stdout)["rounds"] == 7
    assert "# recipe expert_iteration on programs, seed 0: 7 rounds" in done.stdout
    assert "evaluate: <= 12 prompts" in done.stdout
    assert not folder.exists()


def test_the_command_runs_by_path_from_another_folder(config: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "train.py"), "--config", str(config), "--dry-run"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", sorted(ROOT.glob("configs/**/*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_of_a_run_passes_a_dry_run(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if path.parent.name == "accelerate":
        assert "num_machines" in yaml.safe_load(path.read_text())
        return
    assert command.main(["--config", str(path), "--dry-run"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["recipe"]


# Mistakes: one message, status 2, no traceback


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("recipe=expert_iterations", "error: recipe: got 'expert_iterations', expected a recipe; did you mean"),
        (
            "bootstrap=null",
            "error: bootstrap: got nothing, expected a mapping with learning_rate and max_steps, because",
        ),
        ("env.name=program", "error: env.name: got 'program', expected an environment; did you mean programs?"),
        ("env.options.max_levels=3", "error: env.options.max_levels: got an unknown key"),
        ("options.num_proposal=3", "error: options.num_proposal: got an unknown key"),
        (
            "options.proposer=random",
            "error: options.proposer: no proposer is called 'random'; did you mean random_texts?",
        ),
        (
            "evaluation.levels=[1,6]",
            "error: evaluation.levels: got or needs level 6, expected levels 1 to 5 of programs",
        ),
        ("bootstrap.seed_levels=[1,5]", "error: bootstrap.seed_levels: got or needs level 6, expected levels 1 to 5"),
        ("bootstrap.proposer_levels=[1,9]", "error: bootstrap.proposer_levels: got or needs level 9, expected levels"),
        ("model.lora={rank: 2}", "error: model.lora: got adapters together with a bootstrap, expected one of them"),
        ("rounds=many", 'rounds: got "many" (text), expected a whole number >= 1'),
    ],
)
def test_a_mistake_in_the_configuration_is_one_message(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], override: str, message: str
) -> None:
    folder = tmp_path / "run"
    assert message in refused(capsys, "--config", str(config), override, "--run-dir", str(folder))
    assert not folder.exists()


def test_a_mistake_needs_no_torch_and_leaves_no_traceback(config: Path) -> None:
    done = launch("--config", str(config), "env.name=program", code=BLOCK_TORCH)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_missing_configuration_is_one_message(tmp_path: Path) -> None:
    done = launch("--config", str(tmp_path / "missing.yaml"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "missing.yaml" in done.stderr


def spoil(folder: Path, how: str) -> None:
    """Make a good model folder one that cannot be used."""
    weights = folder / "model.safetensors"
    if how == "bert":
        from transformers import BertConfig

        BertConfig().save_pretrained(folder)
    elif how == "cut weights":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif how == "no weights":
        weights.unlink()
    elif how == "other weights":
        from safetensors.torch import load_file, save_file

        kept = {name: value for name, value in load_file(weights).items() if "layers.1" not in name}
        save_file(kept, weights, {"format": "pt"})
    elif how == "no tokenizer":
        for path in folder.glob("tokenizer*"):
            path.unlink()
    else:
        (folder / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("how", "message", "is_early"),
    [
        ("bert", "is a bert model, expected a causal language model", True),
        ("no tokenizer", "cannot load", True),
        ("broken config", "not a valid JSON file", True),
        ("no weights", "no file named model.safetensors", False),
        ("cut weights", "cannot load", False),
        ("other weights", "has no weights for 9 tensors of its model, such as model.layers.1.", False),
    ],
)
def test_a_model_that_cannot_be_used_is_one_message(
    warm_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str, message: str, is_early: bool
) -> None:
    model = tmp_path / "model"
    shutil.copytree(warm_model, model)
    spoil(model, how)
    config = write_config(tmp_path / "run.yaml", with_model(model))
    said = refused(capsys, "--config", str(config), "--run-dir", str(tmp_path / "run"))
    assert said.startswith("error: model.name: ")
    assert message in said
    assert str(model) in said
    assert (tmp_path / "run").exists() == (not is_early)


def test_a_missing_model_folder_is_one_message_and_the_corrected_command_then_works(
    warm_model: Path, tmp_path: Path
) -> None:
    config = write_config(tmp_path / "run.yaml", with_model(tmp_path / "missing"))
    done = launch("--config", str(config), "--run-dir", str(tmp_path / "run"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: model.name: cannot load {tmp_path / 'missing'} as a causal language model: ")
    assert done.stderr.count("\n") == 1
    assert train(config, tmp_path / "run", f"model.name={warm_model}", "rounds=1") == 0


def test_a_run_folder_with_something_in_it_is_refused(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    said = refused(capsys, "--config", str(config), "--run-dir", str(folder))
    assert "is not an empty folder" in said
    assert "--resume" in said
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_there_must_be_something_to_resume(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "--config", str(config), "--run-dir", str(tmp_path / "run"), "--resume")
    assert f"{tmp_path / 'run'} is not a run folder" in said
    assert not (tmp_path / "run").exists()


def test_a_run_is_resumed_with_its_own_configuration_only(
    warm_run: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (warm_run / "config.yaml").read_bytes()
    said = refused(capsys, "--config", str(config), "seed=9", "--run-dir", str(warm_run), "--resume")
    assert said.startswith(f"error: seed: the run in {warm_run} was started with 0, got 9.")
    assert (warm_run / "config.yaml").read_bytes() == before


def test_a_bootstrap_that_does_not_get_there_says_what_is_missing(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = ["bootstrap.max_steps=2", "bootstrap.warmup_steps=1", "bootstrap.criterion.min_steps=0"]
    said = refused(capsys, "--config", str(config), *short, "--run-dir", str(tmp_path / "run"))
    assert said.startswith("error: the bootstrap is not ready after 2 steps: ")
    assert "pass@64 at level 4 is 0.00, expected more than 0.0" in said


# What a run leaves


def test_a_run_leaves_every_file_that_is_promised(warm_run: Path) -> None:
    names = {
        "config.yaml", "environment.json", "start.json", "metrics.jsonl", "rounds", "checkpoints", "start", "model",
        "summary.json", "report.html",
    }  # fmt: skip
    assert names <= {path.name for path in warm_run.iterdir()}
    tables = {f"{name}.parquet" for name in ("problems", "proposals", "episodes", "attempts", "verdicts", "rewards")}
    for number in range(2):
        folder = warm_run / "rounds" / f"{number:04d}"
        assert {path.name for path in folder.iterdir()} == tables | {"metrics.json", "state.json"}
        checkpoint = warm_run / "checkpoints" / f"{number:04d}"
        assert {"model.safetensors", "optimizer.pt", "config.json"} <= {path.name for path in checkpoint.iterdir()}
    assert [path.name for path in warm_run.rglob(".tmp-*")] == []
    assert "<svg" in (warm_run / "report.html").read_text() or "data:image" in (warm_run / "report.html").read_text()


def test_the_recorded_configuration_is_whole_and_can_be_run_again(warm_run: Path) -> None:
    recorded = yaml.safe_load((warm_run / "config.yaml").read_text())
    assert recorded["learner"]["betas"] == [0.9, 0.98]
    assert command.main(["--config", str(warm_run / "config.yaml"), "--dry-run"]) == 0


def test_the_environment_of_a_run_is_recorded(warm_run: Path) -> None:
    environment = json.loads((warm_run / "environment.json").read_text())
    assert {"seed", "num_processes", "git", "python", "hardware", "packages", "start_time"} <= environment.keys()
    assert environment["num_processes"] == 1
    assert {"torch", "trl", "transformers"} <= environment["packages"].keys()


def test_how_programs_were_confined_is_recorded(warm_run: Path) -> None:
    isolation = Record.open(warm_run).environment()["isolation"]
    assert isolation["tier"] in ("A", "B")
    assert "seccomp" in isolation["layers"]
    assert isolation["not_blocked"] == []


def test_a_machine_that_cannot_confine_programs_is_refused_before_anything_is_made(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_layers(setup: Any, *rest: Any, **more: Any) -> None:
        raise SandboxError("programs would run in tier D here, and tier B is required")

    monkeypatch.setattr("verifiers.sandbox.Sandbox.isolation", no_layers)
    said = refused(capsys, "--config", str(config), "--run-dir", str(tmp_path / "run"))
    assert said.startswith("error: verifier.allow_unsafe: programs would run in tier D here")
    assert not (tmp_path / "run").exists()


def test_the_final_model_is_a_plain_folder_with_a_card(warm_run: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(warm_run / "model")
    tokenizer = AutoTokenizer.from_pretrained(warm_run / "model")
    attempt = records_of(warm_run)[0].episodes[0].attempts[0].transcript
    text = attempt.messages[0].text + attempt.completion[:2]
    inputs = tokenizer(text, return_tensors="pt")
    assert tokenizer.decode(inputs["input_ids"][0]) == text
    output = model.generate(
        inputs["input_ids"], attention_mask=inputs["attention_mask"], max_new_tokens=3, do_sample=False
    )
    assert output.shape[1] > inputs["input_ids"].shape[1]
    card = (warm_run / "model" / "README.md").read_text()
    assert "| programs 4 |" in card
    assert (
        weights_of(warm_run)["model/model.safetensors"]
        == weights_of(warm_run, ["checkpoints/0001"])["checkpoints/0001/model.safetensors"]
    )


def test_the_summary_adds_up(warm_run: Path) -> None:
    summary = json.loads((warm_run / "summary.json").read_text())
    lines = Record.open(warm_run).metrics()
    assert summary["rounds"] == len(lines) == 2
    assert summary["held_out"]["after"] == lines[-1]["held_out"]
    assert summary["held_out"]["before"].keys() == {"programs"}
    assert summary["held_out"]["num_problems"] == 6
    assert summary["tokens"]["train"] == sum(line["tokens"]["train"] for line in lines) > 0
    assert summary["bootstrap"]["next_level_pass"] >= 0.0
    assert {"bootstrap", "propose", "solve", "verify", "train", "evaluate"} <= summary["seconds"].keys()
    assert sum(summary["seconds"].values()) <= summary["wall_seconds"]
    assert summary["peak_rss_mb"] > 100
    assert len(summary["mean_level_proposed"]) == 2


def test_the_model_moved_and_its_problems_are_real(warm_run: Path) -> None:
    start, final = weights_of(warm_run, ["start"]), weights_of(warm_run)
    assert start["start/model.safetensors"] != final["model/model.safetensors"]
    records = records_of(warm_run)
    assert sum(len(record.episodes) for record in records) >= 3
    assert all(record.metrics["learner"]["steps"] == 2 for record in records)


# Twice alike


@pytest.mark.parametrize("learner", ["supervised", "policy_gradient"])
@pytest.mark.parametrize("sampler", ["compact", "hf"])
def test_the_same_run_twice_leaves_the_same_weights_metrics_and_records(
    warm_model: Path, tmp_path: Path, learner: str, sampler: str
) -> None:
    settings = [f"learner.name={learner}", f"model.sampler={sampler}"]
    config = write_config(tmp_path / "run.yaml", with_model(warm_model))
    runs = [tmp_path / name for name in ("first", "second")]
    for run in runs:
        assert train(config, run, *settings) == 0
    first, second = ((weights_of(run, ["model", "checkpoints/0001"]), metrics_of(run), records_of(run)) for run in runs)
    assert first == second
    assert len(first[0]) == 3


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft, on this transformers
def test_adapters_begin_as_the_seed_says(warm_model: Path, tmp_path: Path) -> None:
    import torch

    config = write_config(tmp_path / "run.yaml", with_model(warm_model))
    hashes: list[Any] = []
    for name, seed in (("first", 0), ("second", 0), ("other", 1)):
        torch.manual_seed(len(hashes))  # what ran before must not matter
        assert train(config, tmp_path / name, *ADAPTERS, f"seed={seed}", "rounds=1") == 0
        hashes.append((tmp_path / name / "model" / "adapter_model.safetensors").read_bytes())
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_a_run_with_adapters_goes_on_to_the_same_end(warm_model: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "run.yaml", with_model(warm_model))
    assert train(config, tmp_path / "stopped", *ADAPTERS, "rounds=1") == 0
    assert train(config, tmp_path / "stopped", *ADAPTERS, "rounds=2", "--resume") == 0
    assert train(config, tmp_path / "whole", *ADAPTERS, "rounds=2") == 0
    weights = [(tmp_path / name / "model" / "adapter_model.safetensors").read_bytes() for name in ("stopped", "whole")]
    assert weights[0] == weights[1]
    assert metrics_of(tmp_path / "stopped") == metrics_of(tmp_path / "whole")


def test_a_finished_run_can_be_given_more_rounds(warm_model: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "run.yaml", with_model(warm_model))
    assert train(config, tmp_path / "run", "rounds=1") == 0
    assert train(config, tmp_path / "run", "rounds=2", "--resume") == 0
    assert train(config, tmp_path / "whole", "rounds=2") == 0
    assert weights_of(tmp_path / "run") == weights_of(tmp_path / "whole")
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["rounds"] == 2
