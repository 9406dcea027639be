"""Intervals and paired tests of a handful of runs, against values computed by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay.comparison import bootstrap_interval, curve, rows, sign_flip_test


def test_the_paired_test_counts_sign_patterns() -> None:
    assert sign_flip_test([1.0]) == 1.0
    assert sign_flip_test([1.0, 1.0, 1.0]) == 2 / 8
    assert sign_flip_test([1.0, 2.0, -0.5]) == 4 / 8  # |2.5| is reached by ++-, +++ and their mirror images
    assert sign_flip_test([0.1] * 5) == 2 / 32
    assert sign_flip_test([0.0, 0.0]) == 1.0
    assert math.isnan(sign_flip_test([]))


def test_many_pairs_are_tested_by_random_patterns_and_never_give_zero() -> None:
    assert sign_flip_test([1.0] * 30) == pytest.approx(1 / 10_001)
    assert sign_flip_test([1.0, -1.0] * 15) == 1.0


@given(st.lists(st.integers(-10, 10), min_size=1, max_size=8))
def test_the_paired_test_does_not_care_for_direction_order_or_scale(values: list[int]) -> None:
    chance = sign_flip_test([value / 10 for value in values])
    assert 0.0 < chance <= 1.0
    assert sign_flip_test([-value / 10 for value in reversed(values)]) == pytest.approx(chance)
    assert sign_flip_test([value * 3.0 for value in values]) == pytest.approx(chance)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_an_interval_lies_within_the_values_and_holds_their_mean(values: list[float]) -> None:
    low, high = bootstrap_interval(values)
    assert min(values) - 1e-9 <= low <= sum(values) / len(values) + 1e-9
    assert sum(values) / len(values) - 1e-9 <= high <= max(values) + 1e-9


def test_one_value_has_no_interval() -> None:
    assert all(math.isnan(bound) for bound in bootstrap_interval([0.5]))


def test_rows_compare_shared_seeds_with_the_first_design() -> None:
    table = rows({"a": {0: 0.5, 1: 0.7}, "b": {1: 0.9, 2: 0.1}, "none": {}, "c": {5: 1.0}})
    assert [(row.name, row.scores, row.num_pairs) for row in table] == [
        ("a", (0.5, 0.7), 0),
        ("b", (0.9, 0.1), 1),
        ("c", (1.0,), 0),
    ]
    assert table[1].difference == pytest.approx(0.2)
    assert [math.isnan(row.p_value) for row in table] == [True, False, True]


def test_without_any_run_there_is_no_table() -> None:
    with pytest.raises(ValueError, match="no run has finished"):
        rows({"a": {}})


def test_a_curve_is_linear_between_its_points_and_says_nothing_outside() -> None:
    values = curve([(0.0, 0.0), (10.0, 1.0), (20.0, 0.5)], [5.0, 15.0, 20.0, 30.0])
    assert values[:3] == pytest.approx([0.5, 0.75, 0.5])
    assert math.isnan(values[3])
