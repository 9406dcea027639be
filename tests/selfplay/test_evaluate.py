"""Evaluation: frozen splits, and measures checked against brute force."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import combinations

import pytest
from builders import Classroom, episode, solved
from hypothesis import given
from hypothesis import strategies as st

from envs.programs import Options, Programs
from selfplay.evaluate import accuracy, evaluate, held_out_split, pass_at_k, wilson_interval
from selfplay.scripted import ScriptedPolicy
from selfplay.seeds import SeedData, seed_split
from selfplay.types import Draft, Origin, Problem, Rejection, Status
from verifiers import ClosingVerifier

# Splits


class Numbers(Programs):
    """An environment whose problems are numbers, so that no change of a real one moves this table."""

    name = "numbers"

    def __init__(self) -> None:
        self.levels = range(1, 4)

    def draw(self, level: int, rng: random.Random) -> Draft:
        return Draft(f"{rng.randrange(10**level)}", level)

    def ground(self, drafts: Sequence[Draft]) -> list[Problem | Rejection]:
        return [Problem(self.name, one.prompt, one.prompt, Origin.GENERATED, one.level) for one in drafts]


def test_splits_have_literal_values_that_never_change() -> None:
    held_out = held_out_split(Numbers(), [1, 3], 3)
    assert {level: [one.prompt for one in problems] for level, problems in held_out.items()} == {
        1: ["8", "3", "5"],
        3: ["560", "950", "802"],
    }
    seeds = [one.prompt for one in seed_split(Numbers(), [2, 3], 6, set())]
    assert seeds == ["21", "66", "98", "191", "237", "388"]


def test_a_split_has_as_many_distinct_problems_of_each_level_as_asked(programs: Programs) -> None:
    split = held_out_split(programs, [1, 5], 60)
    assert {level: len({one.id for one in problems}) for level, problems in split.items()} == {1: 60, 5: 60}
    assert all(one.level == level for level, problems in split.items() for one in problems)


def test_a_larger_split_extends_a_smaller_one_and_levels_do_not_touch_each_other(programs: Programs) -> None:
    small, large = held_out_split(programs, [3], 10), held_out_split(programs, [2, 3], 25)
    assert large[3][:10] == small[3]


def test_a_split_does_not_depend_on_how_far_the_environment_goes(programs: Programs) -> None:
    shorter = Programs(Options(max_level=3), programs.executor)
    assert held_out_split(shorter, [3], 5) == held_out_split(programs, [3], 5)


def test_a_level_that_is_too_small_gives_what_it_has(programs: Programs) -> None:
    size = programs.num_problems(1)
    (problems,) = held_out_split(programs, [1], size).values()
    assert 0.99 * size <= len(problems) <= size


def test_seed_problems_are_distinct_spread_over_levels_and_never_held_out(programs: Programs) -> None:
    held_out = {one.id for one in held_out_split(programs, [1], 300)[1]}
    seeds = seed_split(programs, [1, 2, 3], 600, held_out)
    ids = {one.id for one in seeds}
    assert len(ids) == len(seeds)
    assert not ids & held_out
    counts = [sum(one.level == level for one in seeds) for level in (1, 2, 3)]
    assert counts[1:] == [200, 200]
    assert 80 <= counts[0] <= 160  # about 300 of the 768 short programs are held out


def test_seed_data_needs_a_problem(programs: Programs) -> None:
    with pytest.raises(ValueError, match="empty"):
        SeedData(ScriptedPolicy(programs), programs, [])


# Measures


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_all_choices_of_k_with_a_correct_one(counts: tuple[int, int, int]) -> None:
    num_correct, num_attempts, k = counts
    outcomes = [True] * num_correct + [False] * (num_attempts - num_correct)
    choices = [any(choice) for choice in combinations(outcomes, k)]
    assert pass_at_k(num_correct, num_attempts, k) == pytest.approx(sum(choices) / len(choices))


def test_pass_at_k_needs_k_attempts() -> None:
    with pytest.raises(ValueError, match="pass@5 needs at least 5 attempts, got 4"):
        pass_at_k(1, 4, 5)


def test_accuracy_is_the_mean_over_problems_with_a_decided_attempt() -> None:
    undecided = episode([Status.FAULT, Status.UNDECIDED])
    assert accuracy([solved(1, 2), solved(1, 1), undecided]) == 0.75
    assert math.isnan(accuracy([undecided]))
    assert math.isnan(accuracy([]))


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_interval_follows_its_formula(counts: tuple[int, int]) -> None:
    k, n = counts
    z, p = 1.959963984540054, k / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = wilson_interval(k, n)
    assert (low, high) == pytest.approx((centre - half, centre + half), abs=1e-9)
    assert low - 1e-12 <= p <= high + 1e-12


# Evaluation


def test_evaluation_gives_every_level_its_episodes(programs: Programs, exact: ClosingVerifier) -> None:
    env = Classroom(programs)
    policy = ScriptedPolicy(env, reach=2.0)
    env.pupils.append(policy)
    split = held_out_split(env, [1, 2, 3, 4], 4)
    by_level = evaluate(policy, env, exact, split, 64)
    assert {level: [one.problem for one in episodes] for level, episodes in by_level.items()} == split
    assert {level: accuracy(episodes) for level, episodes in by_level.items()} == {1: 1.0, 2: 1.0, 3: 1.0, 4: 0.0}
    assert all(len(one.attempts) == 1 for episodes in by_level.values() for one in episodes)


def test_evaluation_may_sample_several_attempts(programs: Programs, exact: ClosingVerifier) -> None:
    split: dict[int, list[Problem]] = held_out_split(programs, [1], 2)
    policy = ScriptedPolicy(programs)
    by_level = evaluate(policy, programs, exact, split, 64, num_attempts=5, temperature=1.0, seed=4)
    assert [len(one.attempts) for one in by_level[1]] == [5, 5]
