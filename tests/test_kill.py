"""kill -9 at random moments: the run that is resumed again and again ends exactly as the one that was left alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from real_runs import TINY, metrics_of, records_of, train, weights_of, with_model, write_config

HERE = Path(__file__).parent
NUM_KILLS = 24
ROUNDS = 8


@pytest.fixture(scope="module")
def config(warm_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warm model that is bootstrapped a little more, so that kills meet that phase too."""
    bootstrap = {
        **TINY["bootstrap"],
        "seed_levels": [1, 1],
        "warmup_steps": 3,
        "check_every": 5,
        "cooldown_steps": 4,
        "criterion": {"accuracy": 0.0, "valid": 0.0, "attempts": 16, "problems": 12},
    }
    settings = {
        **with_model(warm_model),
        "rounds": ROUNDS,
        "bootstrap": bootstrap,
        "checkpoint_every": 2,
        "options": {**TINY["options"], "num_proposals": 24, "steps": 3},
        "evaluation": {"every": 2, "num_problems": 4, "levels": [1, 4], "max_new_tokens": 16},
    }
    return write_config(tmp_path_factory.mktemp("kill") / "run.yaml", settings)


@pytest.fixture(scope="module")
def whole(config: Path) -> Path:
    """The run that was left alone."""
    run_dir = config.parent / "whole"
    assert train(config, run_dir) == 0
    return run_dir


@pytest.fixture(scope="module")
def killed(config: Path, whole: Path) -> dict[str, Any]:
    """What `kill_again` did. Moments are uniform over the time that the run took when it was left alone."""
    seconds = json.loads((whole / "summary.json").read_text())["wall_seconds"]
    arguments = [config, config.parent, NUM_KILLS, 20250103, seconds]
    done = subprocess.run(
        [sys.executable, str(HERE / "kill_again.py"), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def folders(killed: dict[str, Any], config: Path) -> list[Path]:
    return [config.parent / name for name in killed["runs"]]


def test_kills_fell_before_the_first_round_between_rounds_and_into_writing(killed: dict[str, Any]) -> None:
    kills = killed["kills"]
    assert len(kills) >= NUM_KILLS
    assert any(not kill["started"] for kill in kills)
    assert any(0 < kill["rounds"] < ROUNDS for kill in kills)
    assert len({kill["rounds"] for kill in kills}) >= 3
    half_written = [name for kill in kills for name in kill["half_written"]]
    assert any(name.startswith("rounds/") for name in half_written)
    assert any(name.startswith("checkpoints/") for name in half_written)


def test_the_final_weights_are_those_of_the_run_that_was_left_alone(
    killed: dict[str, Any], config: Path, whole: Path
) -> None:
    last = f"checkpoints/{ROUNDS - 1:04d}"
    expected = weights_of(whole, ["start", "model", last])
    assert len(expected) == 4
    for run_dir in folders(killed, config):
        assert weights_of(run_dir, ["start", "model", last]) == expected


def test_every_round_is_recorded_as_in_the_run_that_was_left_alone(
    killed: dict[str, Any], config: Path, whole: Path
) -> None:
    expected = records_of(whole)
    assert [record.number for record in expected] == list(range(ROUNDS))
    for run_dir in folders(killed, config):
        assert records_of(run_dir) == expected


def test_the_metrics_are_those_of_the_run_that_was_left_alone(
    killed: dict[str, Any], config: Path, whole: Path
) -> None:
    for run_dir in folders(killed, config):
        assert metrics_of(run_dir) == metrics_of(whole)
        summaries = [json.loads((folder / "summary.json").read_text()) for folder in (run_dir, whole)]
        for key in ("held_out", "bootstrap", "tokens", "rounds", "mean_level_proposed"):
            assert summaries[0][key] == summaries[1][key]


def test_nothing_half_written_and_no_old_checkpoint_is_left(killed: dict[str, Any], config: Path, whole: Path) -> None:
    for run_dir in folders(killed, config):
        assert list(run_dir.rglob(".tmp-*")) == []
        names = [sorted(path.name for path in folder.glob("checkpoints/*")) for folder in (run_dir, whole)]
        assert names[0] == names[1]


def test_no_worker_outlives_a_killed_run(killed: dict[str, Any]) -> None:
    assert killed["orphans"] == 0
