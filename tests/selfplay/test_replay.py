"""Replaying a run with another reward: hand-computed changes, and what an equal reward changes (nothing)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from builders import episode, play, problem, proposal, scripted_run, solved

from envs.programs import Programs
from selfplay.errors import ConfigError, RecordError
from selfplay.recipes import RECIPES
from selfplay.replay import Change, compare, of_attempts, replay, together
from selfplay.rewards import Pay, SolverPay
from selfplay.tables import RoundRecord
from selfplay.types import Problem, Reward, Status
from verifiers import ClosingVerifier


def rewards(*values: float | None) -> list[Reward | None]:
    return [None if value is None else Reward((("x", value),)) for value in values]


ONE, TWO, THREE = problem("one"), problem("two"), problem("three", level=2)
POSED: list[Problem | None] = [ONE, TWO, THREE, None]


def test_an_equal_reward_changes_nothing() -> None:
    same = rewards(0.5, 0.0, 1.0, -1.0)
    change = compare(POSED, same, same)
    assert (change.num_paid, change.turned, change.rank_correlation) == (4, 0.0, pytest.approx(1.0))
    assert change.kept == {1: (1, 1, 1), 2: (1, 1, 1)}


def test_signs_ranks_and_kept_problems_are_those_computed_by_hand() -> None:
    # means 0.5 and 0.5: advantages 0.5, -0.5, 0, 0 against -0.5, 0.5, 0, 0
    change = compare(POSED, rewards(1.0, 0.0, 0.5, 0.5), rewards(0.0, 1.0, 0.5, 0.5))
    assert change.turned == 0.5
    assert change.rank_correlation == pytest.approx(-1.0)
    assert change.kept == {1: (1, 1, 0), 2: (1, 1, 1)}


def test_what_either_reward_leaves_out_is_left_out() -> None:
    change = compare(POSED, rewards(1.0, None, 0.0, 0.0), rewards(1.0, 1.0, None, 0.0))
    assert change.num_paid == 2
    assert change.kept == {1: (1, 1, 1)}


def test_a_constant_reward_has_no_rank_correlation_and_nothing_is_no_share() -> None:
    assert math.isnan(compare(POSED, rewards(1, 1, 1, 1), rewards(0, 1, 0, 1)).rank_correlation)
    assert math.isnan(Change().turned)


def test_rounds_add_up() -> None:
    first = compare(POSED, rewards(1.0, 0.0, 0.5, 0.5), rewards(0.0, 1.0, 0.5, 0.5))
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


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        ("expert_iteration", {}),
        ("azr", {"num_problems": 8}),
        ("r_zero", {"challenger_rounds": 1, "solver_rounds": 2, "num_prompts": 6, "num_candidates": 20}),
        ("sgs", {"target_levels": (3, 4, 5), "num_targets": 24, "num_tried": 6, "guide": "rules"}),
        ("sqlm", {}),
    ],
)
def test_the_recorded_reward_replayed_is_what_was_recorded(
    recipe: str, options: dict[str, Any], tmp_path: Path, programs: Programs, exact: ClosingVerifier
) -> None:
    """Of proposals and of attempts, to the last bit: also where near copies, a guide or groups had a say."""
    kind = RECIPES[recipe].ABOUT.learners[0]
    lab = scripted_run(tmp_path / "run", programs, exact, rounds=4, recipe=recipe, learner_name=kind)
    play(lab, **options)
    config = RECIPES[recipe].Config()
    solver_reward = getattr(config, "solver_reward", "correct")
    for pay in (Pay(config.reward), SolverPay(solver_reward)):
        total = together(change for _, change in replay(lab.past(), pay))
        assert total.num_paid >= 32
        assert total.turned == 0.0
        assert total.ranks == [pytest.approx(1.0)] * len(total.ranks)
        assert total.ranks
        assert all(old == new == both for old, new, both in total.kept.values())


def test_groups_decide_about_advantages() -> None:
    old, new = rewards(1.0, 0.0, 1.0, 0.0), rewards(1.0, 0.0, 3.0, 2.0)
    assert compare(POSED, old, new).turned == 0.5  # of one group the means are 0.5 and 1.5
    assert compare(POSED, old, new, ["a", "a", "b", "b"]).turned == 0.0


def test_the_solver_s_rewards_are_replayed_by_problem() -> None:
    one = episode([Status.CORRECT, Status.WRONG, Status.FAULT], ONE)
    two = episode([Status.MALFORMED, Status.WRONG], THREE)
    old = tuple(map(tuple, SolverPay("correct").attempts([one, two])))
    change = of_attempts(RoundRecord(0, (), (one, two), (), old, {}, {}), SolverPay("azr"))
    # 1, 0 against 1, -0.5: the same signs; 0, 0 against -1, -0.5: both have other signs now
    assert (change.num_paid, change.num_turned) == (4, 2)
    assert change.kept == {1: (1, 1, 1), 2: (0, 0, 0)}


def test_the_command_prints_a_table_or_one_object(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from scripts.rewards import main

    assert main(["replay", str(run_folder), "--reward", "azr_code", "--json"]) == 0
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert set(content["rounds"]) == {"0", "1", "2"}
    assert 0.0 < content["all"]["turned"] <= 1.0
    assert (content["reward"], content["recorded"]) == ("azr_code", "one_minus_p")
    assert main(["replay", str(run_folder), "--reward", "azr_code"]) == 0
    assert "rank" in capsys.readouterr().out
    assert main(["replay", str(run_folder), "--reward", "azr", "--role", "solver"]) == 0
    assert "recorded with correct, paid again by azr" in capsys.readouterr().out
    with pytest.raises(ConfigError, match=r"no reward is called 'azr_code'.*one of correct"):
        main(["replay", str(run_folder), "--reward", "azr_code", "--role", "solver"])


def test_a_run_without_proposals_says_so(tmp_path: Path, programs: Programs, exact: ClosingVerifier) -> None:
    from scripts.rewards import main

    play(scripted_run(tmp_path / "run", programs, exact, rounds=1, recipe="ttrl", learner_name="policy_gradient"))
    with pytest.raises(RecordError, match="has no proposals that were paid"):
        main(["replay", str(tmp_path / "run"), "--reward", "azr_code"])


def test_an_unproposed_or_unsolved_round_replays(tmp_path: Path) -> None:
    one = solved(0, 4)
    assert Pay("azr_paper").proposals([proposal(one.problem)], [one]) == [Reward((("learnability", 0.0),))]
