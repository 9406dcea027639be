"""Equality is type-strict by default, and what a policy allows is allowed everywhere in a value."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from test_sandbox_values import VALUES

from verifiers.sandbox import Call, EqualityPolicy, Run, RunStatus, equal
from verifiers.sandbox.compare import STRICT, differences


@given(VALUES)
@settings(max_examples=100, deadline=None)
def test_a_value_is_equal_to_itself(value: Any) -> None:
    assert equal(value, value)


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (1, 1.0), (1, True), (0.0, False), ([1], (1,)), ({1}, frozenset([1])), ("1", 1), (b"a", "a"), (None, 0),
        ([1, 1], [1, True]), ([True], [1]), (["a", "b"], ["a", "c"]),
        ([1, 2], [1]), ([1, 2], [2, 1]), ({"a": 1}, {"a": True}), ({1: 0}, {True: 0}), ({1}, {1.0}),
        (0.3, 0.1 + 0.2),
        ({"a": 1}, {"b": 1}), ([[1]], [[1.0]]), (1 + 0j, 1.0), ({(1, 2)}, {(1, True)}),
    ],
)  # fmt: skip
def test_values_of_other_types_or_content_are_not_equal(expected: Any, got: Any) -> None:
    assert not equal(expected, got)
    assert not equal(got, expected)


def test_nan_and_the_sign_of_zero() -> None:
    assert equal([math.nan], [math.nan])
    assert equal({math.nan: 1}, {float("nan"): 1})
    assert equal({math.nan}, {float("nan")})
    assert not equal(math.nan, 1.0)
    assert not equal(math.nan, math.nan, EqualityPolicy(nan_equal=False))
    assert equal(0.0, -0.0)


def test_a_tolerance_is_relative_to_the_expected_value_and_goes_inside() -> None:
    policy = EqualityPolicy(relative_tolerance=1e-6)
    assert equal([1e20, (1e-20,)], [1e20 * (1 + 1e-7), (1e-20 * (1 + 1e-7),)], policy)
    assert not equal(1e-20, 2e-20, policy)
    assert not equal(math.inf, 1e308, policy)
    assert not equal(1, 1.0, policy)
    assert equal({1.0, 5.0}, {1.0 + 1e-9, 5.0}, policy)
    assert not equal("a", "b", policy)


def test_numbers_of_other_types_are_equal_only_by_policy() -> None:
    policy = EqualityPolicy(int_equals_float=True)
    assert equal([1], [1.0], policy)
    assert not equal(10**400, math.inf, policy)
    assert not equal(2**53 + 1, float(2**53), policy)
    assert not equal(1, True, policy)
    assert equal(1, True, EqualityPolicy(bool_equals_int=True))
    assert not equal(1.0, True, EqualityPolicy(bool_equals_int=True))


def test_the_default_policy_and_its_version_are_part_of_the_record() -> None:
    assert EqualityPolicy() == STRICT
    assert STRICT.version >= 1


OK = RunStatus.OK


def test_two_runs_that_differ_are_named_and_what_we_lost_is_not() -> None:
    one = Run(OK, (Call(OK, 1), Call(OK, {2})))
    assert differences(one, replace(one, seconds=3.0)) == one
    other = differences(one, Run(OK, (Call(OK, 1), Call(OK, {3}))))
    assert other.status is RunStatus.NONDETERMINISTIC
    assert [call.status for call in other.calls] == [OK, RunStatus.NONDETERMINISTIC]
    assert differences(one, Run(RunStatus.ERROR)).status is RunStatus.NONDETERMINISTIC
    assert differences(Run(OK, stdout="a"), Run(OK, stdout="b")).status is RunStatus.NONDETERMINISTIC
    for ours in (RunStatus.INFRA_ERROR, RunStatus.TIMEOUT):
        assert differences(one, Run(ours)).status is ours
