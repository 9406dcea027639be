"""Credit: what is imitated and with which weight, and which advantage each transcript gets."""

from __future__ import annotations

import statistics

import pytest
from builders import episode, problem, proposal, solved, transcript
from hypothesis import given
from hypothesis import strategies as st

from selfplay.advantages import group_mean, leave_one_out
from selfplay.credit import (
    credit_attempts,
    credit_proposals,
    first_answers,
    group_advantages,
    proposer_items,
    solver_items,
    verdict_counts,
)
from selfplay.rewards import reward_attempt
from selfplay.types import Origin, Problem, Rejection, Reward, Status, Transcript

REWARDS = st.lists(st.floats(-10, 10), max_size=12)


def test_only_correct_attempts_are_imitated() -> None:
    one = episode([Status.WRONG, Status.CORRECT, Status.FAULT, Status.CORRECT, Status.TIMEOUT])
    (item,) = solver_items([one, episode([Status.WRONG])], 7)
    assert [found.completion for _, found in item.choices] == ["1", "3"]
    assert item.born == 7


@pytest.mark.parametrize(("k", "n", "level", "weight"), [
    (1, 4, 1, 1 + 0.2 - 0.25), (4, 4, 1, 0.2), (2, 4, 9, 3 * 0.7), (1, 2, 0, 0.7),
])  # fmt: skip
def test_solver_items_weigh_more_the_longer_and_the_rarer_solved(k: int, n: int, level: int, weight: float) -> None:
    (item,) = solver_items([solved(k, n, problem("a", level))], 0)
    assert item.weight == pytest.approx(weight)


def test_the_weight_of_a_solver_item_leaves_out_undecided_attempts() -> None:
    (item,) = solver_items([episode([Status.CORRECT, Status.WRONG, Status.FAULT, Status.FAULT])], 0)
    assert item.weight == pytest.approx(1 + 0.2 - 0.5)


def test_proposals_are_imitated_as_admitted_if_they_were_paid() -> None:
    outcomes = [problem("paid"), problem("unpaid"), Rejection("grammar"), problem("fault")]
    rewards = [Reward((("x", 0.5),)), Reward((("x", 0.0),)), Reward((("x", 1.0),)), None]
    items = proposer_items(
        [proposal(o) for o in outcomes], rewards, 3, lambda some: [transcript(f"pose {one.prompt}") for one in some]
    )
    assert [(item.choices[0].completion, item.weight, item.born) for item in items] == [("pose paid", 0.5, 3)]


@given(REWARDS)
def test_advantages_of_a_group_add_up_to_nothing(rewards: list[float]) -> None:
    assert sum(group_advantages(rewards)) == pytest.approx(0.0, abs=1e-9)


@given(REWARDS.filter(lambda rewards: len(rewards) > 1))
def test_leave_one_out_subtracts_the_mean_of_the_others(rewards: list[float]) -> None:
    expected = [
        reward - statistics.fmean(rewards[:index] + rewards[index + 1 :]) for index, reward in enumerate(rewards)
    ]
    assert group_advantages(rewards, leave_one_out=True) == pytest.approx(expected, abs=1e-9)


def test_scaled_advantages_have_deviation_one() -> None:
    assert group_advantages([0.0, 0.0, 0.0, 1.0], scale=True) == pytest.approx([-(3**-0.5)] * 3 + [3**0.5])


@pytest.mark.parametrize("rewards", [[], [3.0], *([value] * n for value in (0.1, 0.7, 1 / 3) for n in range(2, 12))])
@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("leave_one_out", [False, True])
def test_a_group_of_one_or_of_equals_has_no_advantage_at_all(
    rewards: list[float], scale: bool, leave_one_out: bool
) -> None:
    """Exactly none, whatever rounding says of the mean: a row with any is trained on."""
    assert group_advantages(rewards, scale=scale, leave_one_out=leave_one_out) == [0.0] * len(rewards)


@given(REWARDS)
def test_both_ways_to_group_agree(rewards: list[float]) -> None:
    """Lists of one group here, keys in `advantages`."""
    keys = ["a"] * len(rewards)
    assert group_advantages(rewards) == pytest.approx(group_mean(rewards, keys), abs=1e-9)
    assert group_advantages(rewards, leave_one_out=True) == pytest.approx(leave_one_out(rewards, keys), abs=1e-9)
    if len(set(rewards)) > 1 and statistics.pstdev(rewards) > 1e-6:
        assert group_advantages(rewards, scale=True) == pytest.approx(group_mean(rewards, keys, scale=True), rel=1e-6)


def test_an_attempt_is_compared_with_the_other_attempts_at_its_problem_only() -> None:
    episodes = [solved(1, 4, problem("hard")), solved(3, 4, problem("easy"))]
    rows = credit_attempts(episodes, [[reward_attempt(a) for a in one.attempts] for one in episodes])
    assert [row.advantage for row in rows] == [0.75, -0.25, -0.25, -0.25, 0.25, 0.25, 0.25, -0.75]
    assert [row.transcript for row in rows] == [a.transcript for one in episodes for a in one.attempts]


def test_undecided_attempts_get_no_credit_and_do_not_move_the_others() -> None:
    one = episode([Status.FAULT, Status.CORRECT, Status.UNDECIDED, Status.WRONG])
    rows = credit_attempts([one], [[reward_attempt(a) for a in one.attempts]])
    assert [(row.transcript.completion, row.advantage) for row in rows] == [("1", 0.5), ("3", -0.5)]


def test_proposals_are_compared_with_all_proposals_of_the_round_that_have_a_reward() -> None:
    proposals = [proposal(problem("a")), proposal(Rejection("grammar")), proposal(problem("fault"))]
    rows = credit_proposals(proposals, [Reward((("x", 1.0),)), Reward((("x", 0.0),)), None])
    assert [(row.transcript, row.advantage) for row in rows] == [
        (proposals[0].transcript, 0.5),
        (proposals[1].transcript, -0.5),
    ]


def test_first_answers_take_the_solvers_own_word_and_say_so() -> None:
    def read(_: Problem, completion: str) -> str | None:
        return completion if completion.isdigit() else None

    attempts: list[list[Transcript]] = [
        [transcript("7"), transcript("8")],
        [transcript("no"), transcript("8")],
        [transcript("9", stopped=False), transcript("8")],
    ]
    claimed = first_answers([problem(name) for name in "abc"], attempts, read)
    assert [one.reference for one in claimed] == ["7", "", ""]
    assert {one.origin for one in claimed} == {Origin.CLAIMED}
    assert [one.id for one in claimed] == [problem(name).id for name in "abc"]


def test_every_status_is_counted_also_those_that_did_not_happen() -> None:
    counts = verdict_counts([episode([Status.CORRECT, Status.FAULT]), episode([Status.CORRECT])])
    assert counts == {**{status.value: 0 for status in Status}, "correct": 2, "fault": 1}
