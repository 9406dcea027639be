"""Runs that train two models by the command: full ones and adapters, twice alike, resumed, and both in the folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from real_runs import TINY, metrics_of, records_of, sha256, train, with_model, write_config

from scripts.checks import check
from selfplay.config_file import load_config
from selfplay.errors import ConfigError

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft, on transformers 5
OPTIONS = {
    "challenger_rounds": 1, "solver_rounds": 2, "num_prompts": 6, "group_size": 4, "challenger_votes": 4,
    "num_candidates": 24, "solver_votes": 4, "kept": [0.1, 0.9], "num_problems": 6, "num_attempts": 4,
    "proposer_max_new_tokens": 28, "solver_max_new_tokens": 16,
}  # fmt: skip
LEARNER = {"name": "policy_gradient", "learning_rate": 1e-3, "batch_size": 16, "trl": {"beta": 0.01}}


def two(config: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**config, "recipe": "r_zero", "options": OPTIONS, "learner": LEARNER, "rounds": 4, **changes}


def files_of(run: Path) -> dict[str, str]:
    """Hashes of what was trained: weights and optimizers of both models, in the last checkpoint and at the end."""
    return {
        str(path.relative_to(run)): sha256(path)
        for folder in ("model", "model-challenger", "checkpoints/0003")
        for path in sorted((run / folder).rglob("*"))
        if path.suffix in (".safetensors", ".pt")
    }


@pytest.fixture(scope="module")
def warm_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("warm")
    assert train(write_config(folder / "tiny.yaml", {**TINY, "rounds": 1}), folder / "run") == 0
    return folder / "run" / "model"


@pytest.mark.parametrize("adapters", [False, True])
def test_both_models_learn_and_a_stopped_run_goes_on_to_the_same_end(
    warm_model: Path, tmp_path: Path, adapters: bool
) -> None:
    start = with_model(warm_model)
    model = {**start["model"], "lora": {"rank": 2}} if adapters else start["model"]
    config = write_config(tmp_path / "run.yaml", two(start, model=model))
    assert train(config, tmp_path / "whole") == 0
    for rounds in (1, 2, 4):
        assert train(config, tmp_path / "stopped", f"rounds={rounds}", *(["--resume"] if rounds > 1 else [])) == 0
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert records_of(stopped) == records_of(whole)
    found = files_of(whole)
    assert files_of(stopped) == found
    weights = "adapter_model.safetensors" if adapters else "model.safetensors"
    assert found[f"model/{weights}"] != found[f"model-challenger/{weights}"]
    assert {f"checkpoints/0003/{weights}", f"checkpoints/0003/challenger/{weights}"} <= found.keys()
    turns = [line["r_zero"]["turn"] for line in metrics_of(whole)]
    assert turns == ["challenger", "solver", "solver", "challenger"]
    assert not list(whole.glob("trainer*"))


def test_a_learner_that_would_misread_the_rows_is_refused(tmp_path: Path) -> None:
    config = write_config(tmp_path / "run.yaml", two(TINY))
    assert check(load_config(config, [])).recipe.ABOUT.policies == ("solver", "challenger")
    with pytest.raises(ConfigError, match=r"learner\.name: got supervised, expected policy_gradient.*r_zero"):
        check(load_config(config, ["learner.name=supervised", "learner.trl={}"]))
