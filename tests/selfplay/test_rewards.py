"""Rewards: hand-computed values, bounds, and what is never rewarded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from builders import attempt, episode, problem, proposal, solved

from selfplay.errors import FieldError
from selfplay.learnability import FORMULAS, Context, azr_code, azr_paper, one_minus_p, r_zero_code
from selfplay.reward_functions import RewardFunctionError
from selfplay.rewards import SOLVER_REWARDS, Pay, SolverPay, check_reward, reward_attempt, reward_proposals
from selfplay.types import Rejection, Reward, Status


@pytest.mark.parametrize(("status", "total"), [
    (Status.CORRECT, 1.0), (Status.WRONG, 0.0), (Status.MALFORMED, 0.0), (Status.TIMEOUT, 0.0),
])  # fmt: skip
def test_an_attempt_is_paid_for_being_correct_only(status: Status, total: float) -> None:
    reward = reward_attempt(attempt(status))
    assert reward == Reward((("correct", total),))


@pytest.mark.parametrize("status", [Status.FAULT, Status.UNDECIDED])
def test_an_undecided_attempt_has_no_reward_at_all(status: Status) -> None:
    assert reward_attempt(attempt(status)) is None


def test_undecided_attempts_are_not_in_the_n_of_a_proposer_reward() -> None:
    one = episode([Status.CORRECT, Status.WRONG, Status.FAULT, Status.UNDECIDED])
    assert reward_proposals([proposal(one.problem)], [one], one_minus_p) == [Reward((("learnability", 0.5),))]


def test_a_proposal_without_a_decided_attempt_has_no_reward_at_all() -> None:
    one = episode([Status.FAULT, Status.UNDECIDED])
    unattempted = proposal(problem("never attempted"))
    assert reward_proposals([proposal(one.problem), unattempted], [one], one_minus_p) == [None, None]


@pytest.mark.parametrize("reason", ["duplicate", "held_out"])
def test_a_well_formed_proposal_that_was_refused_gets_0_whatever_an_invalid_one_gets(reason: str) -> None:
    rewards = reward_proposals([proposal(Rejection(reason)), proposal(Rejection("grammar"))], [], azr_paper)
    assert [reward.total for reward in rewards if reward] == [0.0, -1.0]


def test_rewards_are_parallel_to_proposals() -> None:
    hard, easy = solved(1, 4, problem("hard")), solved(4, 4, problem("easy"))
    proposals = [proposal(easy.problem), proposal(Rejection("grammar")), proposal(hard.problem)]
    rewards = reward_proposals(proposals, [hard, easy], one_minus_p)
    assert [reward.total for reward in rewards if reward] == [0.0, 0.0, 0.75]


def test_an_episode_that_nobody_proposed_pays_no_proposal() -> None:
    one = episode([Status.CORRECT, Status.WRONG], proposed=False)
    assert reward_proposals([proposal(one.problem)], [one], one_minus_p) == [None]


SOLVER_TABLE = {  # right, wrong, malformed, out of time
    "correct": (1.0, 0.0, 0.0, 0.0),
    "azr": (1.0, -0.5, -1.0, -0.5),
    "r_zero": (1.0, 0.1, 0.0, 0.1),
    "well_formed": (1.0, 1.0, 0.0, 1.0),
}


def test_the_table_names_every_solver_reward() -> None:
    assert SOLVER_TABLE.keys() == SOLVER_REWARDS.keys()


@pytest.mark.parametrize("name", SOLVER_TABLE)
def test_solver_rewards_have_their_values_computed_by_hand(name: str) -> None:
    statuses = (Status.CORRECT, Status.WRONG, Status.MALFORMED, Status.TIMEOUT)
    rewards = [reward_attempt(attempt(status), SOLVER_REWARDS[name]) for status in statuses]
    assert [reward.total for reward in rewards if reward] == pytest.approx(list(SOLVER_TABLE[name]))
    assert reward_attempt(attempt(Status.FAULT), SOLVER_REWARDS[name]) is None


@pytest.mark.parametrize(
    ("spec", "totals"),
    [
        ({"weighted": [[0.9, "correct"], [0.1, "well_formed"]]}, (1.0, 0.1, 0.0)),  # R-Zero's, composed
        ({"gate": ["well_formed", "azr"], "otherwise": -2.0}, (1.0, -0.5, -2.0)),
        ({"clip": "azr", "low": 0.0}, (1.0, 0.0, 0.0)),
    ],
)
def test_rewards_of_attempts_compose_by_the_same_algebra(spec: dict[str, Any], totals: tuple[float, ...]) -> None:
    one = episode([Status.CORRECT, Status.WRONG, Status.MALFORMED, Status.FAULT])
    (rewards,) = SolverPay(spec).attempts([one])
    assert [reward.total for reward in rewards if reward] == pytest.approx(list(totals))
    assert rewards[3] is None


@pytest.mark.parametrize("name", SOLVER_REWARDS)
def test_a_plain_solver_pay_is_its_formula(name: str) -> None:
    one = episode([Status.CORRECT, Status.WRONG, Status.MALFORMED, Status.TIMEOUT, Status.UNDECIDED])
    assert SolverPay(name).attempts([one, one]) == [[reward_attempt(a, SOLVER_REWARDS[name]) for a in one.attempts]] * 2


def test_rewards_move_with_their_proposals_and_attempts() -> None:
    episodes = [solved(k, 4, problem(f"p{k}")) for k in range(5)]
    proposals = [proposal(one.problem) for one in episodes] + [proposal(Rejection("grammar"))]
    order = [3, 0, 5, 4, 2, 1]
    for name in FORMULAS:
        found = Pay(name).proposals(proposals, episodes)
        assert Pay(name).proposals([proposals[place] for place in order], episodes[::-1]) == [found[p] for p in order]
    paid = SolverPay("azr").attempts(episodes)
    assert SolverPay("azr").attempts(episodes[::-1]) == paid[::-1]


def test_contexts_are_parallel_to_proposals() -> None:
    one, other = solved(2, 4, problem("one")), solved(2, 4, problem("other"))
    contexts = [Context(repetition=0.25), Context()]
    proposals = [proposal(one.problem), proposal(other.problem)]
    rewards = reward_proposals(proposals, [one, other], r_zero_code, contexts)
    assert [reward.total for reward in rewards if reward] == [0.25, 0.5]


def test_a_plain_pay_is_its_formula() -> None:
    one = solved(4, 4)
    proposals = [proposal(one.problem), proposal(Rejection("grammar"))]
    assert Pay("azr_code").proposals(proposals, [one]) == reward_proposals(proposals, [one], azr_code)


@pytest.fixture
def my_rewards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with reward functions of a user."""
    (tmp_path / "rewards_of_a_user.py").write_text(
        "def easy(prompts, completions, level, num_correct, num_decided, problem, **kwargs):\n"
        "    return [None if p is None else c / n / v for p, v, c, n in\n"
        "            zip(problem, level, num_correct, num_decided)]\n"
        "def seen(completions, level, correct, solution, reference, problem, completion_ids, **kwargs):\n"
        "    assert solution == reference and [type(c) for c in correct] == [bool] * len(level)\n"
        "    return [len(completions) + 0.1 * v for v in level]\n"
        "def broken(completions, **kwargs):\n"
        "    return ['good'] * len(completions)\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return "rewards_of_a_user"


def test_a_users_function_is_a_term_of_a_composed_reward(my_rewards: str) -> None:
    one = solved(3, 4, problem("hard", level=2))
    pay = Pay({"weighted": [[1.0, "azr_paper"], [2.0, f"{my_rewards}:easy"]]})
    rewards = pay.proposals([proposal(one.problem), proposal(Rejection("grammar"))], [one])
    assert rewards == [
        Reward((("learnability", 0.25), (f"{my_rewards}:easy", 0.75))),
        Reward((("invalid", -1.0), (f"{my_rewards}:easy", 0.0))),
    ]


def test_a_users_function_pays_attempts_and_is_asked_once_about_those_that_were_decided(my_rewards: str) -> None:
    episodes = [
        episode([Status.CORRECT, Status.FAULT, Status.WRONG], problem("one", level=2)),
        episode([Status.UNDECIDED, Status.MALFORMED], problem("other", level=5)),
    ]
    name = f"{my_rewards}:seen"
    first, second = SolverPay({"weighted": [[1.0, "correct"], [10.0, name]]}).attempts(episodes)
    assert first == [Reward((("correct", 1.0), (name, 32.0))), None, Reward((("correct", 0.0), (name, 32.0)))]
    assert second == [None, Reward((("correct", 0.0), (name, 35.0)))]  # 3 rows asked about, and the level


def test_a_function_of_trl_pays_attempts() -> None:
    one = episode([Status.CORRECT, Status.WRONG])
    pay = SolverPay({"gate": ["correct", "trl.rewards:think_format_reward"], "otherwise": -1.0})
    assert [[reward.total for reward in group if reward] for group in pay.attempts([one])] == [[0.0, -1.0]]


def test_a_users_function_that_gives_no_numbers_stops_with_its_name_and_the_row(my_rewards: str) -> None:
    pay = Pay(f"{my_rewards}:broken")
    with pytest.raises(RewardFunctionError, match=rf"{my_rewards}:broken returned 'good' for row 0"):
        pay.proposals([proposal(problem())], [])


def test_a_wrong_description_is_reported_under_its_key() -> None:
    with pytest.raises(FieldError, match=r"^no reward is called 'azr_papr'; did you mean azr_paper"):
        check_reward("azr_papr")
    with pytest.raises(FieldError, match="there is no module"):
        check_reward("nowhere_at_all:f")
    with pytest.raises(FieldError, match=r"^no reward is called 'azr_paper'; .*one of correct, azr, r_zero") as raised:
        check_reward("azr_paper", "solver_reward")
    assert raised.value.key == "solver_reward"
