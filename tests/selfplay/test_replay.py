"""Replaying a run with another reward: hand-computed changes, and what an equal reward changes (nothing)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from builders import problem, proposal, scripted_run, solved

from envs.programs import Programs
from selfplay.recipes import RECIPES
from selfplay.replay import Change, compare, replay, together
from selfplay.rewards import Pay
from selfplay.types import Rejection, Reward
from verifiers import ClosingVerifier


def rewards(*values: float | None) -> list[Reward | None]:
    return [None if value is None else Reward((("x", value),)) for value in values]


ONE, TWO, THREE = problem("one"), problem("two"), problem("three", level=2)
PROPOSALS = [proposal(ONE), proposal(TWO), proposal(THREE), proposal(Rejection("grammar"))]


def test_an_equal_reward_changes_nothing() -> None:
    same = rewards(0.5, 0.0, 1.0, -1.0)
    change = compare(PROPOSALS, same, same)
    assert (change.num_paid, change.turned, change.rank_correlation) == (4, 0.0, pytest.approx(1.0))
    assert change.kept == {1: (1, 1, 1), 2: (1, 1, 1)}


def test_signs_ranks_and_kept_problems_are_those_computed_by_hand() -> None:
    # means 0.5 and 0.5: advantages 0.5, -0.5, 0, 0 against -0.5, 0.5, 0, 0
    change = compare(PROPOSALS, rewards(1.0, 0.0, 0.5, 0.5), rewards(0.0, 1.0, 0.5, 0.5))
    assert change.turned == 0.5
    assert change.rank_correlation == pytest.approx(-1.0)
    assert change.kept == {1: (1, 1, 0), 2: (1, 1, 1)}


def test_what_either_reward_leaves_out_is_left_out() -> None:
    change = compare(PROPOSALS, rewards(1.0, None, 0.0, 0.0), rewards(1.0, 1.0, None, 0.0))
    assert change.num_paid == 2
    assert change.kept == {1: (1, 1, 1)}


def test_a_constant_reward_has_no_rank_correlation_and_nothing_is_no_share() -> None:
    assert math.isnan(compare(PROPOSALS, rewards(1, 1, 1, 1), rewards(0, 1, 0, 1)).rank_correlation)
    assert math.isnan(Change().turned)


def test_rounds_add_up() -> None:
    first = compare(PROPOSALS, rewards(1.0, 0.0, 0.5, 0.5), rewards(0.0, 1.0, 0.5, 0.5))
    total = together([first, first])
    assert (total.num_paid, total.num_turned, len(total.ranks)) == (8, 4, 2)
    assert total.kept == {1: (2, 2, 0), 2: (2, 2, 2)}
    assert first.num_paid == 4


@pytest.fixture
def run_folder(tmp_path: Path, programs: Programs, exact: ClosingVerifier) -> Path:
    """A finished scripted run."""
    lab = scripted_run(tmp_path / "run", programs, exact, rounds=3)
    RECIPES["expert_iteration"].run(lab, RECIPES["expert_iteration"].Config(num_proposals=24, steps=2))
    return tmp_path / "run"


def test_the_recorded_reward_replayed_is_what_was_recorded(run_folder: Path) -> None:
    from selfplay.record import Record

    record = Record.open(run_folder)
    changes = replay((record.read(number) for number in record.whole_rounds()), Pay("one_minus_p"))
    assert [number for number, _ in changes] == [0, 1, 2]
    total = together(change for _, change in changes)
    assert total.num_paid > 30
    assert total.turned == 0.0
    assert all(old == new == both for old, new, both in total.kept.values())


def test_the_command_prints_a_table_or_one_object(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from scripts.rewards import main

    assert main(["replay", str(run_folder), "--reward", "azr_code", "--json"]) == 0
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert set(content["rounds"]) == {"0", "1", "2"}
    assert 0.0 < content["all"]["turned"] <= 1.0
    assert main(["replay", str(run_folder), "--reward", "azr_code"]) == 0
    assert "rank" in capsys.readouterr().out


def test_an_unproposed_or_unsolved_round_replays(tmp_path: Path) -> None:
    one = solved(0, 4)
    assert Pay("azr_paper").proposals([proposal(one.problem)], [one]) == [Reward((("learnability", 0.0),))]
