"""What seats are paid and how turns are credited, by hand-computed tables."""

from __future__ import annotations

import math

import pytest
from games import match, turn

from selfplay.advantages import RoleBaselines
from selfplay.credit import credit_turns, credit_turns_by_group, merged
from selfplay.recipes.spiral import GROUPS
from selfplay.rewards import reward_match
from selfplay.types import Credited, Ending, Reading

TWO = (turn(0, "a"), turn(1, "b"), turn(0, "c"))


def test_a_seat_is_paid_its_return() -> None:
    assert [reward.terms for reward in reward_match(match(TWO, (2.0, -2.0)))] == [
        (("return", 2.0),),
        (("return", -2.0),),
    ]
    forfeited = match((turn(0, "x", reading=Reading.ILLEGAL),), (-1.5, 0.5), ending=Ending.FORFEITED)
    assert [reward.total for reward in reward_match(forfeited)] == [-1.5, 0.5]


def test_regularisation_pays_for_surprise_and_sums_to_zero() -> None:
    played = match((turn(0, logprob=math.log(0.25)), turn(1, logprob=math.log(0.5))), (1.0, -1.0))
    first, second = reward_match(played, 0.1)
    # seat 0 moved with probability 1/4 where uniform is 1/2: -0.1 log(1/2); seat 1 with exactly 1/2: nothing
    assert dict(first.terms) == {"return": 1.0, "entropy": pytest.approx(0.1 * math.log(2))}
    assert dict(second.terms) == {"return": -1.0, "entropy": pytest.approx(-0.1 * math.log(2))}


def test_a_reply_that_was_no_legal_move_is_not_paid_for_its_surprise() -> None:
    played = match((turn(0, logprob=-5.0, reading=Reading.ILLEGAL),), (-1.5, 0.5))
    assert [reward.total for reward in reward_match(played, 0.1)] == [-1.5, 0.5]


def test_every_turn_of_a_seat_gets_its_advantage_and_the_baseline_moves_after_it() -> None:
    baselines = RoleBaselines(0.95)
    matches = [match(TWO, (1.0, -1.0)), match(TWO, (1.0, -1.0)), match(TWO, (-1.0, 1.0))]
    rows = credit_turns(matches, [reward_match(one) for one in matches], ["self"], baselines)
    first, second, third = 1.0, 1.0 - 0.05, -1.0 - (0.95 * 0.05 + 0.05)
    assert [row.advantage for row in rows] == pytest.approx(
        [first, -first, first, second, -second, second, third, -third, third]
    )
    assert baselines.state() == {"made/0": pytest.approx(0.042625), "made/1": pytest.approx(-0.042625)}
    assert [row.transcript.role for row in rows[:3]] == ["first", "second", "first"]


def test_only_seats_of_learners_are_credited_and_move_a_baseline() -> None:
    baselines = RoleBaselines()
    matches = [match(TWO, (1.0, -1.0), ("self", "past-3"))]
    rows = credit_turns(matches, [reward_match(one) for one in matches], ["self"], baselines)
    assert [row.transcript.completion for row in rows] == ["a", "c"]
    assert baselines.state() == {"made/0": pytest.approx(0.05)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("none", [1.0, -1.0, -1.0, 1.0]), ("observation", [1.0, -1.0, -1.0, 1.0]), ("situation", [0.0, -1.0, 0.0, 1.0])],
)
def test_turns_are_compared_within_their_group(name: str, expected: list[float]) -> None:
    matches = [
        match((turn(0, "a", situation="x"), turn(1, "b", situation="z")), (1.0, -1.0)),
        match((turn(0, "a", situation="y"), turn(1, "c", situation="z")), (-1.0, 1.0)),
    ]
    rows = credit_turns_by_group(matches, [reward_match(one) for one in matches], ["self"], GROUPS[name])
    assert [row.advantage for row in rows] == expected


def test_equal_rows_become_one_with_the_same_mean_of_weighted_gradients() -> None:
    one, other = turn(0, "a").transcript, turn(0, "b").transcript
    assert one is not None
    assert other is not None
    rows = [Credited(one, 1.0), Credited(other, 3.0), Credited(one, -0.5), Credited(one, 2.0)]
    found = merged(rows)
    assert [row.transcript.completion for row in found] == ["a", "b"]
    # (1 - 0.5 + 2) / 4 of the gradient of a and 3 / 4 of that of b, as the mean over the four rows has them
    assert [row.advantage / len(found) for row in found] == pytest.approx([2.5 / 4, 3.0 / 4])
    assert merged([]) == []
