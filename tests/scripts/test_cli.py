"""The command line: how a program ends, what it is told, and what --dry-run says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.cli import (
    TrainArguments,
    dry_run_text,
    model_shape,
    num_evaluations,
    plan,
    resume_command,
    run_main,
    train_arguments,
)
from selfplay.checking import build
from selfplay.config import ModelConfig, RunConfig
from selfplay.config_file import load_config
from selfplay.errors import ConfigError, RecordError

ROOT = Path(__file__).parents[2]
GOOD = {
    "recipe": "star",
    "rounds": 20,
    "env": {"name": "programs"},
    "model": {"scratch": {}},
    "bootstrap": {"learning_rate": 4e-3, "max_steps": 400},
    "learner": {"learning_rate": 2e-3, "batch_size": 128},
    "options": {"num_proposals": 384, "attempts": 6, "steps": 20, "max_new_tokens": 80},
}
LLAMA = {
    "hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 100, "tie_word_embeddings": False,
}  # fmt: skip


def run(code: str, *arguments: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    """A program of one statement after the usual imports."""
    head = (
        "import sys; from pathlib import Path; from scripts.cli import run_main, train_arguments; "
        "from selfplay.config_file import load_config\n"
    )
    return subprocess.run(
        [sys.executable, "-c", head + code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, **kwargs
    )


def exit_of(main: Any, *arguments: str, **kwargs: Any) -> int | str | None:
    with pytest.raises(SystemExit) as caught:
        run_main(main, arguments, **kwargs)
    return caught.value.code


# How a program ends


@pytest.mark.parametrize("status", [0, 1, 7])
def test_the_status_of_the_command_is_the_status_of_the_process(status: int) -> None:
    assert exit_of(lambda arguments: status) == status


@pytest.mark.parametrize("error", [ConfigError("a: got 1"), RecordError("a: got 1")])
def test_a_mistake_is_its_message_on_standard_error_and_status_2(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(arguments: Any) -> int:
        raise error

    assert exit_of(main) == 2
    assert capsys.readouterr() == ("", "error: a: got 1\n")


def test_a_defect_keeps_its_exception() -> None:
    def main(arguments: Any) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_main(main, [])


def test_an_interruption_prints_the_command_that_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    def main(arguments: Any) -> int:
        raise KeyboardInterrupt

    assert exit_of(main, "--config", "a b.yaml") == 130
    message = capsys.readouterr().err
    assert message.startswith("stopped; resume with: python ")
    assert message.endswith(" --config 'a b.yaml' --resume\n")


def test_an_interruption_may_name_its_own_command_or_none(capsys: pytest.CaptureFixture[str]) -> None:
    def main(arguments: Any) -> int:
        raise KeyboardInterrupt("train --run-dir x")

    assert exit_of(main) == 130
    assert exit_of(main, resumable=False) == 130
    assert capsys.readouterr().err == "stopped; resume with: train --run-dir x\nstopped\n"


def test_resume_is_not_added_twice() -> None:
    assert resume_command(["--resume", "a=1"]).endswith(" --resume a=1")


MAIN = """\
def main(arguments):
    given = train_arguments(arguments)
    load_config(given.config, given.overrides)
    return 0
run_main(main)
"""


def test_wrong_configurations_end_a_process_with_status_2_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(json.dumps({**GOOD, "rouns": 3}), encoding="utf-8")
    done = run(MAIN, "--config", str(path), "seed=x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"error: {path}: rouns: got an unknown key, expected one of recipe, rounds, env, model, learner, seed, "
        "token_budget, bootstrap, evaluation, options, report_to, wandb, checkpoint_every, keep_checkpoints, verifier, "
        "judge; "
        "did you mean rounds?",
        'override seed=x: seed: got "x" (text), expected a whole number >= 0',
    ]


def test_a_reader_that_went_away_ends_the_program_quietly() -> None:
    for flag in ("0", "1"):
        read, write = os.pipe()
        os.close(read)
        head = "from scripts.cli import run_main\n"
        done = subprocess.run(
            [sys.executable, "-c", head + "run_main(lambda arguments: print('x' * 100000) or 0)"],
            cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONUNBUFFERED": flag if flag == "1" else ""},
        )  # fmt: skip
        os.close(write)
        assert (done.returncode, done.stderr) == (141, "")


def test_a_broken_pipe_that_is_not_standard_output_is_a_defect() -> None:
    code = "import os\ndef main(arguments):\n    r, w = os.pipe(); os.close(r); os.write(w, b'x')\nrun_main(main)"
    done = run(code)
    assert done.returncode == 1
    assert "BrokenPipeError" in done.stderr


def test_importing_the_command_line_does_not_import_torch() -> None:
    assert run("sys.exit('torch' in sys.modules)").returncode == 0


# Arguments


def test_options_and_overrides_may_be_mixed() -> None:
    given = train_arguments(["a=1", "--config", "c.yaml", "b.c=2", "--dry-run", "d=-3", "--run-dir", "r", "--resume"])
    assert given == TrainArguments(Path("c.yaml"), ("a=1", "b.c=2", "d=-3"), True, True, Path("r"))


def test_only_the_configuration_is_needed() -> None:
    assert train_arguments(["--config", "c.yaml"]) == TrainArguments(Path("c.yaml"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: --config"),
        (["--config"], "argument --config: expected one argument"),
        (["--config", "c", "--dryrun"], "got the unknown option --dryrun; did you mean --dry-run? one of --config, "),
        (["--conf", "c", "--config", "c"], "got the unknown option --conf; did you mean --config?"),
    ],
)
def test_a_wrong_command_line_ends_with_status_2_and_says_why(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        train_arguments(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


# The plan


@dataclass(frozen=True)
class Options:
    num_proposals: int = 10
    num_attempts: int = 2
    num_steps: int = 3
    proposer_max_new_tokens: int = 5
    solver_max_new_tokens: int = 7


def config(**changes: Any) -> RunConfig:
    return build(RunConfig, {**GOOD, **changes})


def test_the_plan_bounds_prompts_and_tokens_of_every_phase() -> None:
    assert plan(config(), num_levels=12)[:6] == [
        "recipe star on programs, seed 0: 20 rounds",
        "  bootstrap: <= 51,200 sequences, <= 26,214,400 tokens trained",
        "  propose: <= 384 prompts a round x 20, <= 614,400 tokens generated in all",
        "  solve: <= 2,304 prompts a round x 20, <= 3,686,400 tokens generated in all",
        "  train: <= 2,560 sequences a round x 20, <= 26,214,400 tokens trained in all",
        "  evaluate: <= 2,400 prompts an evaluation x 5, <= 768,000 tokens generated in all",
    ]


def test_the_recipes_own_options_win_over_those_of_the_file() -> None:
    lines = plan(config(), Options())
    assert lines[2:5] == [
        "  propose: <= 10 prompts a round x 20, <= 1,000 tokens generated in all",
        "  solve: <= 20 prompts a round x 20, <= 2,800 tokens generated in all",
        "  train: <= 384 sequences a round x 20, <= 3,932,160 tokens trained in all",
    ]


def test_what_the_configuration_does_not_say_is_called_unknown() -> None:
    lines = plan(config(options={"num_proposals": "many"}, model={"name": "some/model"}, bootstrap=None))
    assert lines[1:] == [
        "  propose: an unknown number of prompts a round x 20, an unknown number of tokens generated in all",
        "  solve: an unknown number of prompts a round x 20, an unknown number of tokens generated in all",
        "  train: an unknown number of sequences a round x 20, an unknown number of tokens trained in all",
        "  evaluate: an unknown number of prompts an evaluation x 5, an unknown number of tokens generated in all",
        "  model some/model: parameters and memory unknown (not a local folder; a hub id is not looked up)",
    ]


@pytest.mark.parametrize(
    ("rounds", "every", "count"), [(20, 5, 5), (21, 5, 6), (3, 5, 2), (5, 5, 2), (7, 0, 2), (3, 1, 4)]
)
def test_evaluations_are_counted_before_during_and_after_the_run(rounds: int, every: int, count: int) -> None:
    done = {0, rounds} | {one for one in range(1, rounds + 1) if every and one % every == 0}
    assert num_evaluations(rounds, every) == count == len(done)


def test_memory_of_a_scratch_model_follows_from_its_shape() -> None:
    assert plan(config(), vocabulary_size=59)[-2:] == [
        "  model from scratch: about 110,592 parameters, 110,592 trained, float32",
        "  memory in each process, without activations: weights 432.0 KiB, gradients 432.0 KiB, adamw states <= "
        "864.0 KiB, KV cache <= 256.0 MiB (512 sequences x 512 tokens)",
    ]


def test_adapters_are_all_that_is_trained() -> None:
    model = {"scratch": {}, "lora": {"rank": 2, "target_modules": ["q_proj", "up_proj"]}}
    assert ", 1,536 trained, float32" in plan(config(model=model), vocabulary_size=59)[-2]  # 2 * 2 * (64+64 + 64+192)
    model["lora"] = {"target_modules": ["c_attn"]}
    lines = plan(config(model=model), vocabulary_size=59)
    assert ", an unknown number trained, float32" in lines[-2]
    assert "gradients unknown" in lines[-1]


def test_a_local_model_has_the_parameters_that_transformers_counts(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    made = transformers.LlamaForCausalLM(transformers.LlamaConfig(**LLAMA))
    (tmp_path / "config.json").write_text(json.dumps(LLAMA), encoding="utf-8")
    shape = model_shape(ModelConfig(name=str(tmp_path)))
    assert not isinstance(shape, str)
    assert shape.num_parameters() == made.num_parameters()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "config.json cannot be read: "),
        ("{", "config.json cannot be read: "),
        ("[]", "config.json is not a mapping"),
        (json.dumps({**LLAMA, "hidden_size": "a", "vocab_size": 0}), "config.json has no hidden_size, vocab_size"),
        (
            json.dumps({**LLAMA, "num_experts": 8}),
            "a mixture of experts (num_experts in config.json) is not counted here",
        ),
        (json.dumps({**LLAMA, "head_dim": "a"}), "config.json has no usable head_dim"),
    ],
)
def test_a_config_json_that_cannot_be_used_is_unknown_with_the_reason(
    tmp_path: Path, text: str | None, reason: str
) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text, encoding="utf-8")
    shape = model_shape(ModelConfig(name=str(tmp_path)))
    assert isinstance(shape, str)
    assert shape.startswith(reason)


def test_a_dry_run_prints_a_file_that_loads_as_the_same_run(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(dry_run_text(config()), encoding="utf-8")
    assert load_config(path) == config()


# Launch configurations of accelerate

LAUNCHES = sorted((ROOT / "configs" / "accelerate").glob("*.yaml"))
KINDS = {
    "single_gpu": (False, False, False),
    "ddp": (True, False, False),
    "fsdp2": (False, True, False),
    "deepspeed_zero2": (False, False, True),
    "deepspeed_zero3": (False, False, True),
}


def test_every_launch_configuration_is_tested() -> None:
    assert {path.stem for path in LAUNCHES} == set(KINDS)


@pytest.mark.parametrize("path", LAUNCHES, ids=lambda path: path.stem)
def test_accelerate_loads_the_launch_configuration_and_knows_every_key(path: Path) -> None:
    launch = pytest.importorskip("accelerate.commands.launch")
    from accelerate.commands.config.config_args import load_config_from_file

    loaded = load_config_from_file(str(path))  # refuses unknown keys at the top level
    known = {action.dest for action in launch.launch_command_parser()._actions}
    assert set(loaded.fsdp_config) | set(loaded.deepspeed_config) <= known

    arguments = launch.launch_command_parser().parse_args(["--config_file", str(path), "program.py"])
    chosen, _, _ = launch._validate_launch_command(arguments)
    assert (bool(chosen.multi_gpu), bool(chosen.use_fsdp), bool(chosen.use_deepspeed)) == KINDS[path.stem]
    for key, value in {**loaded.fsdp_config, **loaded.deepspeed_config}.items():
        assert getattr(chosen, key) == value
    assert chosen.num_processes == (1 if path.stem == "single_gpu" else 8)


def test_the_number_of_processes_can_be_changed_at_launch() -> None:
    launch = pytest.importorskip("accelerate.commands.launch")
    path = ROOT / "configs" / "accelerate" / "ddp.yaml"
    arguments = ["--config_file", str(path), "--num_processes", "2", "program.py"]
    chosen, _, _ = launch._validate_launch_command(launch.launch_command_parser().parse_args(arguments))
    assert chosen.num_processes == 2
