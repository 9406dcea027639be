"""Rewards: hand-computed values, bounds, and what is never rewarded."""

from __future__ import annotations

import pytest
from builders import attempt, episode, problem, proposal, solved
from hypothesis import given
from hypothesis import strategies as st

from selfplay.rewards import PROPOSER_REWARDS, one_minus_p, reward_attempt, reward_proposals
from selfplay.types import Rejection, Reward, Status

TABLE = {
    # k/n:                              0/4   1/4     2/4    3/4     4/4
    "one_minus_p": (0.0, 0.75, 0.5, 0.25, 0.0),
    "four_p_one_minus_p": (0.0, 0.75, 1.0, 0.75, 0.0),
    "variance": (0.0, 0.25, 1 / 3, 0.25, 0.0),
    "neither_trivial_nor_impossible": (0.0, 1.0, 1.0, 1.0, 0.0),
}


def test_every_proposer_reward_has_a_row_in_the_table() -> None:
    assert TABLE.keys() == PROPOSER_REWARDS.keys()


@pytest.mark.parametrize("name", TABLE)
def test_proposer_rewards_have_their_values_computed_by_hand(name: str) -> None:
    assert [PROPOSER_REWARDS[name](k, 4) for k in range(5)] == pytest.approx(list(TABLE[name]), abs=1e-12)


@pytest.mark.parametrize(("name", "unsolved", "solved_once"), [
    ("one_minus_p", 0.0, 0.0), ("four_p_one_minus_p", 0.0, 0.0), ("variance", 0.0, 0.0),
    ("neither_trivial_nor_impossible", 0.0, 0.0),
])  # fmt: skip
def test_a_single_attempt_tells_no_proposer_anything(name: str, unsolved: float, solved_once: float) -> None:
    assert (PROPOSER_REWARDS[name](0, 1), PROPOSER_REWARDS[name](1, 1)) == (unsolved, solved_once)


@given(
    st.sampled_from(sorted(PROPOSER_REWARDS)),
    st.integers(1, 64).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
)
def test_proposer_rewards_lie_between_0_and_1_and_are_0_at_both_ends(name: str, counts: tuple[int, int]) -> None:
    k, n = counts
    value = PROPOSER_REWARDS[name](k, n)
    assert 0.0 <= value <= 1.0
    if k in (0, n):
        assert value == 0.0


@given(st.integers(1, 63))
def test_one_minus_p_pays_more_for_each_attempt_that_fails_until_none_succeeds(k: int) -> None:
    assert one_minus_p(k, 64) > one_minus_p(k + 1, 64)


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
    rewards = reward_proposals([proposal(Rejection(reason)), proposal(Rejection("grammar"))], [], one_minus_p, -0.5)
    assert [reward.total for reward in rewards if reward] == [0.0, -0.5]


def test_rewards_are_parallel_to_proposals() -> None:
    hard, easy = solved(1, 4, problem("hard")), solved(4, 4, problem("easy"))
    proposals = [proposal(easy.problem), proposal(Rejection("grammar")), proposal(hard.problem)]
    rewards = reward_proposals(proposals, [hard, easy], one_minus_p)
    assert [reward.total for reward in rewards if reward] == [0.0, 0.0, 0.75]


def test_an_episode_that_nobody_proposed_pays_no_proposal() -> None:
    one = episode([Status.CORRECT, Status.WRONG], proposed=False)
    assert reward_proposals([proposal(one.problem)], [one], one_minus_p) == [None]
