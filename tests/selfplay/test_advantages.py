"""Advantages, against values computed by hand, and properties that hold for all of them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Hashable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay.advantages import (
    Advantages,
    RoleBaselines,
    best_and_worst,
    by_difficulty,
    group_mean,
    keep,
    leave_one_out,
    min_max,
    percentile,
    whitened,
)
from selfplay.learnability import FORMULAS, Context

Grouped = Callable[[Sequence[float | None], Sequence[Hashable]], Advantages]
ALL: dict[str, Grouped] = {
    "group_mean": group_mean,
    "group_mean_scaled": lambda rewards, groups: group_mean(rewards, groups, scale=True),
    "leave_one_out": leave_one_out,
    "whitened": lambda rewards, groups: whitened(rewards, groups, [3] * len(rewards)),
    "by_difficulty": by_difficulty,
}


def test_the_group_mean_is_taken_within_groups() -> None:
    assert group_mean([1, 0, 0, 1, 5], "aaabb") == pytest.approx([2 / 3, -1 / 3, -1 / 3, -2, 2])


def test_scaling_divides_by_the_deviation_of_the_group() -> None:
    assert group_mean([1, 0, 0, 1], "aaaa", scale=True) == pytest.approx([1, -1, -1, 1])


def test_leaving_one_out_compares_with_the_others() -> None:
    assert leave_one_out([1, 0, 0.5], "aaa") == pytest.approx([0.75, -0.75, 0.0])


def test_whitening_counts_a_transcript_as_often_as_it_has_tokens() -> None:
    # returns 1, 1, 1, 0: mean 3/4; squares 3/16 + 9/16 = 3/4; over n - 1 = 3 the deviation is 1/2
    assert whitened([1, 0], "aa", [3, 1]) == pytest.approx([0.5, -1.5])


def test_whitening_leaves_no_mean_over_tokens_and_no_token_changes_a_group_of_equals() -> None:
    # returns 1, 1, -0.5 x 4: mean 0; squares 2 + 1 = 3; over 5 the deviation is sqrt(0.6)
    assert whitened([1.0, -0.5], "aa", [2, 4]) == pytest.approx([1 / math.sqrt(0.6), -0.5 / math.sqrt(0.6)])
    assert whitened([0.7, 0.7, 0.1], "aab", [3, 9, 1]) == [0.0, 0.0, 0.0]
    assert whitened([1.0, 0.0], "aa", [0, 0]) == [0.0, 0.0]


def test_hierarchical_groups_are_siblings_on_a_problem_and_proposals_from_a_seed() -> None:
    # prime-rl: no deviation, and a group of one has none; attempts at p and q, proposals from prompts x and y
    attempts = group_mean([1, 0, 0, 0, 1], ["p", "p", "p", "p", "q"])
    assert attempts == pytest.approx([0.75, -0.25, -0.25, -0.25, 0.0])
    assert group_mean([0.75, 1.0, 0.0], ["x", "x", "y"]) == pytest.approx([-0.125, 0.125, 0.0])


def test_language_self_play_pays_both_sides_against_the_value_of_a_question() -> None:
    # V(q) = 0.75, 0.25: the solver gets R - V(q), the challenger mean V - V(q)
    assert group_mean([1, 1, 1, 0, 0, 0, 0, 1], "aaaabbbb") == pytest.approx(
        [0.25] * 3 + [-0.75] + [-0.25] * 3 + [0.75]
    )
    proposals = [FORMULAS["lsp"](k, 4, Context()).total for k in (3, 1)]
    assert group_mean(proposals, "qq") == pytest.approx([-0.25, 0.25])


def test_difficulty_classes_with_dr_zeros_own_rewards() -> None:
    # n = 5: k = 1, 3 pay 1 and 0.5 in one class; k = 4 is alone in its own
    rewards = [FORMULAS["dr_zero"](k, 5, Context()).total for k in (1, 3, 4)]
    assert by_difficulty(rewards, [2, 2, 3]) == pytest.approx([0.25 / (0.25 + 1e-6), -0.25 / (0.25 + 1e-6), 0.0])


def test_whitening_keeps_roles_and_tasks_apart() -> None:
    groups = [("proposer", "deduction"), ("proposer", "deduction"), ("solver", "deduction"), ("solver", "deduction")]
    first, second, third, fourth = whitened([0.5, 0.0, 1.0, -1.0], groups, [1, 1, 1, 1])
    assert (first, second, third, fourth) == pytest.approx((math.sqrt(0.5), -math.sqrt(0.5)) * 2)


def test_difficulty_classes_are_compared_within_themselves() -> None:
    found = by_difficulty([1.0, 0.0, 10.0, 8.0], [1, 1, 2, 2])
    assert found == pytest.approx([1, -1, 1, -1], abs=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_a_group_of_one_or_of_equals_has_no_advantage(name: str) -> None:
    assert ALL[name]([0.3, 0.1, 0.1, 0.1], "abbb") == [0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("name", ALL)
def test_what_was_not_decided_gets_none_and_changes_nothing(name: str) -> None:
    with_gap = ALL[name]([1.0, None, 0.0, None], "aaaa")
    assert [with_gap[0], with_gap[2]] == ALL[name]([1.0, 0.0], "aa")
    assert (with_gap[1], with_gap[3]) == (None, None)
    assert ALL[name]([None, None], "aa") == [None, None]


@pytest.mark.parametrize("name", ALL)
@given(
    rows=st.lists(st.tuples(st.integers(-8, 8), st.sampled_from("abc")), min_size=1, max_size=12), seed=st.integers()
)
def test_advantages_move_with_their_rows_and_sum_to_zero(name: str, rows: list[tuple[int, str]], seed: int) -> None:
    rewards = [reward / 4 for reward, _ in rows]
    found = ALL[name](rewards, [group for _, group in rows])
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    moved = ALL[name]([rewards[place] for place in order], [rows[place][1] for place in order])
    assert moved == pytest.approx([found[place] for place in order])
    for group in "abc":
        own = [value or 0.0 for value, (_, key) in zip(found, rows, strict=True) if key == group]
        assert math.fsum(own) == pytest.approx(0.0, abs=1e-6)


def test_min_max_spreads_a_round_over_zero_to_one() -> None:
    assert min_max([2.0, None, 4.0, 3.0]) == [0.0, None, 1.0, 0.5]
    assert min_max([2.0, 2.0]) == [0.0, 0.0]
    assert min_max([]) == []


def test_percentiles_are_interpolated() -> None:
    assert percentile([0.0, 1.0], 0.7) == pytest.approx(0.7)
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    with pytest.raises(ValueError, match="at least one"):
        percentile([], 0.7)


def test_the_best_and_the_worst_are_a_pair_and_ties_are_none() -> None:
    assert best_and_worst([2.0, 5.0, None, 1.0, 5.0, 1.0]) == (1, 3)
    assert best_and_worst([1.0, 1.0]) is None
    assert best_and_worst([1.0, None]) is None
    assert best_and_worst([]) is None


def test_keeping_takes_the_first_that_are_high_enough() -> None:
    assert keep([1.0, 0.0, None, 1.0, 1.0]) == [0, 3, 4]
    assert keep([1.0, 0.0, None, 1.0, 1.0], at_most=2) == [0, 3]
    assert keep([0.4, 0.6], at_least=0.5) == [1]


def test_role_baselines_pay_against_the_mean_before_the_game() -> None:
    baselines = RoleBaselines()
    found = baselines.advantages([1.0, -1.0, 1.0], ["kuhn/0", "kuhn/1", "kuhn/0"])
    assert found == pytest.approx([1.0, -1.0, 1.0 - 0.05])
    assert baselines.state() == pytest.approx({"kuhn/0": 0.95 * 0.05 + 0.05, "kuhn/1": -0.05})


def test_role_baselines_move_as_spirals_code_moves_them() -> None:
    # b = 0; 0.05·1 = 0.05; 0.95·0.05 - 0.05·1.5 = -0.0275; each advantage is against the one before
    baselines = RoleBaselines()
    assert baselines.advantages([1.0, -1.5, 0.5], ["g/0"] * 3) == pytest.approx([1.0, -1.55, 0.5275])
    assert baselines.state() == {"g/0": pytest.approx(0.95 * -0.0275 + 0.05 * 0.5)}
    swapped = RoleBaselines()
    assert swapped.advantages([0.3, 1.0, -1.5, 0.5], ["g/1", "g/0", "g/0", "g/0"])[1:] == pytest.approx(
        [1.0, -1.55, 0.5275]
    )


def test_role_baselines_go_on_from_their_state_and_ignore_what_was_not_decided() -> None:
    whole, first, second = RoleBaselines(), RoleBaselines(), RoleBaselines()
    returns, keys = [1.0, None, -1.0, 1.0], ["a", "a", "b", "a"]
    expected = whole.advantages(returns, keys)
    begun = first.advantages(returns[:2], keys[:2])
    second.restore(first.state())
    assert [*begun, *second.advantages(returns[2:], keys[2:])] == expected
    assert expected[1] is None
    assert second.state() == whole.state()
