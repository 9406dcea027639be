"""Runs that say `sampler: vllm`: refused where it cannot run, and whole over a stand-in for vLLM."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import vllm_stand_in
import yaml
from real_runs import TINY, metrics_of, train, weights_of, with_model, write_config
from vllm_stand_in import LLM

from envs import ENVIRONMENTS
from scripts import train as command
from scripts.cli import run_main
from scripts.workers import judges
from selfplay import models, vllm_sampler
from selfplay.config import ScratchConfig

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft, on transformers 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was made from scratch, and has learned nothing."""
    path = tmp_path_factory.mktemp("model")
    options, make = ENVIRONMENTS["programs"]
    tokenizer = models.make_tokenizer(make(options(max_level=5), None).vocabulary())
    models.make_model(ScratchConfig(hidden_size=48, intermediate_size=144), tokenizer, 0).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def config_of(folder: Path, **changes: Any) -> dict[str, Any]:
    """Two rounds on seed data, evaluated greedily."""
    options = {"steps": 12, "proposer_share": 0.2, "filler": 0}
    levels = {**TINY["evaluation"], "levels": [1, 2], "max_new_tokens": 8}
    learner = {"optimizer": "adamw", "learning_rate": 5e-3, "batch_size": 32}
    config = {**with_model(folder), "recipe": "seed_data", "options": options, "learner": learner, "evaluation": levels}
    return {**config, **changes}


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """vLLM's stand-in, which needs no CUDA: what is left of the check is tested apart."""
    vllm_stand_in.install(monkeypatch)
    monkeypatch.setattr(vllm_sampler, "check_vllm", lambda config, processes: None)


def vllm(config: dict[str, Any]) -> dict[str, Any]:
    return {**config, "model": {**config["model"], "sampler": "vllm", "device": "auto"}}


def test_a_run_writes_with_vllm_and_is_measured_as_with_the_usual_sampler(
    folder: Path, tmp_path: Path, stand_in: None
) -> None:
    """Greedy text decides the metrics and seed data the weights, so both runs are the same; with vLLM also resumed."""
    usual = write_config(tmp_path / "usual.yaml", config_of(folder))
    served = write_config(tmp_path / "vllm.yaml", vllm(config_of(folder)))
    assert train(usual, tmp_path / "usual") == 0
    assert LLM.made == []
    assert train(served, tmp_path / "whole") == 0
    (llm,) = LLM.made
    assert llm.resets == 2  # once a round; the first evaluation is of the weights that vLLM has read itself
    assert len(llm.calls) == 3
    assert train(served, tmp_path / "stopped", "rounds=1") == 0
    assert train(served, tmp_path / "stopped", "--resume") == 0
    for run in ("whole", "stopped"):
        assert metrics_of(tmp_path / run) == metrics_of(tmp_path / "usual")
        assert weights_of(tmp_path / run) == weights_of(tmp_path / "usual")
    lengths = [line["tokens"]["evaluate"] for line in metrics_of(tmp_path / "whole")]
    start = json.loads((tmp_path / "whole" / "start.json").read_text())["tokens"]["evaluate"]
    assert len({start, *lengths}) == 3  # what is written changes as the weights do


@pytest.mark.parametrize("adapters", [False, True])
def test_two_models_share_one_engine(folder: Path, tmp_path: Path, stand_in: None, adapters: bool) -> None:
    options = {
        "challenger_rounds": 1, "solver_rounds": 1, "num_prompts": 2, "group_size": 2, "challenger_votes": 2,
        "num_candidates": 2, "solver_votes": 2, "num_problems": 2, "num_attempts": 2,
        "proposer_max_new_tokens": 8, "solver_max_new_tokens": 8,
    }  # fmt: skip
    learner = {"name": "policy_gradient", "learning_rate": 1e-3, "batch_size": 16}
    config = vllm(config_of(folder, recipe="r_zero", options=options, learner=learner))
    if adapters:
        config["model"]["lora"] = {"rank": 2}
    assert train(write_config(tmp_path / "run.yaml", config), tmp_path / "run") == 0
    assert len(LLM.made) == 1
    assert len(LLM.made[0].calls) >= 4
    assert (tmp_path / "run" / "model-challenger").is_dir()


def test_without_vllm_a_run_ends_with_one_message_and_leaves_no_folder(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(tmp_path / "run.yaml", vllm(config_of(folder)))
    with pytest.raises(SystemExit) as caught:
        run_main(command.main, ["--config", str(config), "--run-dir", str(tmp_path / "run")])
    said = capsys.readouterr().err
    assert caught.value.code == 2
    assert said.startswith("error: model.sampler: got vllm, which is not installed here, expected the extra")
    assert said.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_dry_run_needs_no_vllm(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_config(tmp_path / "run.yaml", vllm(config_of(folder)))
    assert command.main(["--config", str(config), "--dry-run", "model.vllm.mode=server"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)["model"]
    assert (shown["sampler"], shown["vllm"]["mode"], shown["vllm"]["server_port"]) == ("vllm", "server", 8000)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.device=cpu", "model.sampler: got vllm with device cpu, expected hf or compact, or a CUDA device"),
        ("model.vllm.memory_share=1.5", "model.vllm.memory_share: got 1.5"),
        ("model.vllm.mode=remote", 'model.vllm.mode: got "remote" (text), expected one of colocate, server'),
        (
            "model={scratch: {}, sampler: vllm}",
            "model.sampler: got vllm with scratch, expected compact or hf: vLLM reads a model from `name`",
        ),
        (
            "model.vllm={mode: server, tensor_parallel_size: 2}",
            "model.vllm.tensor_parallel_size: got 2 with mode server, expected 1",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_at_once(
    folder: Path, tmp_path: Path, override: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(tmp_path / "run.yaml", vllm(config_of(folder)))
    with pytest.raises(SystemExit):
        run_main(command.main, ["--config", str(config), override, "--dry-run"])
    assert message in capsys.readouterr().err


def test_only_what_is_trained_has_the_engine(folder: Path, stand_in: None, tmp_path: Path) -> None:
    from scripts.checks import check
    from scripts.policies import make_engine, make_policy, other_policy
    from selfplay.config_file import load_config
    from selfplay.processes import OneProcess

    config = load_config(write_config(tmp_path / "run.yaml", vllm(config_of(folder))), [])
    check(config)
    processes = OneProcess()
    engine = make_engine(config, processes)
    with judges(check(config), processes) as (env, _):
        trained = make_policy(config, env, None, processes, engine)
        frozen = make_policy(config, env, None, processes)
    teacher = other_policy(config, str(folder), processes)
    assert (trained.engine, frozen.engine, teacher.engine) == (engine, None, None)
    assert {frozen.sampler, teacher.sampler} == {"hf"}
