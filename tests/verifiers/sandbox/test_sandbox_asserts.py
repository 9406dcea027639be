"""Assert-style tests become calls and values, or a reason why they cannot."""

from __future__ import annotations

import math
import time

import pytest

from verifiers.sandbox import Sandbox
from verifiers.sandbox.asserts import BrokenTestsError, Check, Reading, SelfGraded, read_tests


def read(sandbox: Sandbox, tests: str) -> Reading:
    (reading,) = read_tests(sandbox, [tests])
    return reading


@pytest.mark.parametrize(
    ("tests", "check"),
    [
        ("assert f(1, 'a') == 3, 'message'", Check("f", (1, "a"), "equal", 3)),
        ("assert 3 == f(1)", Check("f", (1,), "equal", 3)),
        ("assert (f([1] * 3)) == (1, 2 ** 70)", Check("f", ([1, 1, 1],), "equal", (1, 2**70))),
        ("assert f(float('inf')) is True", Check("f", (math.inf,), "is", True)),
        ("assert f(1) is not None", Check("f", (1,), "is_not", None)),
        ("assert not f({1: {2}})", Check("f", ({1: {2}},), "falsy", None)),
        ("assert f(b'x')", Check("f", (b"x",), "truthy", None)),
        ("assert f(1) != -1", Check("f", (1,), "not_equal", -1)),
        ("assert 5 > f(1)", Check("f", (1,), "less", 5)),
        ("assert f(1) in [1, 2]", Check("f", (1,), "in", [1, 2])),
        ("import math\nassert math.isclose(f(1), 0.5, rel_tol=1e-3)", Check("f", (1,), "close", [0.5, 1e-3, 0.0])),
        ("assert abs(f(1) - 0.5) < 1e-6", Check("f", (1,), "near_less", [0.5, 1e-6])),
        ("assert set(f(1)) == set([1, 2])", Check("f", (1,), "equal", {1, 2}, (("set", ()),))),
        ("assert round(f(1), 2) == 0.12", Check("f", (1,), "equal", 0.12, (("round", (2,)),))),
        ("x = [3, 4]\nassert f(x) == sum([1, 2])", Check("f", ([3, 4],), "equal", 3)),
        ("M = {'author': 'x'}\ndef check(candidate):\n    'doc'\n    assert True, 'x'\n    assert candidate(1) == 2\n"
         "check(f)", Check("f", (1,), "equal", 2)),
    ],
)  # fmt: skip
def test_an_assertion_is_read_as_a_call_and_a_value(tier_b: Sandbox, tests: str, check: Check) -> None:
    assert read(tier_b, tests) == (check,)


def test_several_functions_and_joined_assertions_are_several_checks(tier_b: Sandbox) -> None:
    reading = read(tier_b, "assert f(1) == 1 and g(2) == 2\nassert f(3)")
    assert isinstance(reading, tuple)
    assert [(check.entry, check.arguments) for check in reading] == [("f", (1,)), ("g", (2,)), ("f", (3,))]


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        ("for i in range(3):\n    assert f(i) == i", "For"),
        ("assert f(g(1)) == 2", "no value of its own"),
        ("assert f(1) == f(2)", "two calls"),
        ("assert f(x=1) == 2", "plain arguments"),
        ("assert f(lambda: 1) == 2", "function"),
        ("assert f(open('/etc/passwd').read()) == 2", "no value of its own"),
        ("assert f(10 ** 10 ** 10) == 1", "timeout"),
        ("assert f(1).real == 1", "plain arguments"),
        ("x = [1]\nassert f(x) == 1\nassert f(x) == 2", "may have changed"),
        ("assert 1 == 2", "false of its own"),
        ("", "nothing is asserted"),
        ("import os\nassert f(1) == 1", "Import"),
        ("f(1)", "other than a check"),
    ],
)
def test_what_is_more_than_calls_and_values_says_what(tier_b: Sandbox, tests: str, reason: str) -> None:
    reading = read(tier_b, tests)
    assert isinstance(reading, SelfGraded)
    assert reason in reading.reason


def test_tests_that_are_not_python_are_broken(tier_b: Sandbox) -> None:
    assert isinstance(read(tier_b, "assert f(1"), BrokenTestsError)


@pytest.mark.parametrize(
    ("check", "holds", "fails"),
    [
        (Check("f", (), "equal", 1), [1, 1.0, True], [2, "1", None, [1]]),
        (Check("f", (), "is", True), [True], [1, 1.0, "True"]),
        (Check("f", (), "is_not", None), [0, ""], [None]),
        (Check("f", (), "close", [0.5, 1e-3, 0.0]), [0.5, 0.5001], [0.6, "0.5", None, math.nan]),
        (Check("f", (), "near_less", [0.5, 0.1]), [0.5, 0.55], [0.7, "x", [0.5]]),
        (Check("f", (), "in", [1, 2]), [1, 2.0], [3, []]),
        (Check("f", (), "truthy", None), [1, "x", [0]], [0, "", [], None]),
        (Check("f", (), "less", 3), [2, -math.inf], [3, "2", math.nan]),
        (
            Check("f", (), "equal", [1, 2], (("sum", ([],)),)),
            [[[1], [2]], ([], [1, 2])],
            [[1, 2], [[2], [1]], [(1, 2)]],
        ),
        (Check("f", (), "equal", 3, (("sum", ()),)), [[1, 2], {3: 0}], [[[1], [2]], ["3"], 3]),
        (Check("f", (), "equal", {1}, (("set", ()),)), [[1, 1], (1,), {1: 2}], [[2], 1, [[1]]]),
    ],
)
def test_a_check_holds_as_pythons_assertion_would(check: Check, holds: list[object], fails: list[object]) -> None:
    assert [value for value in holds if not check.holds(value)] == []
    assert [value for value in fails if check.holds(value)] == []


def test_colliding_elements_do_not_make_a_check_slow() -> None:
    began = time.process_time()
    colliding = [number * (2**61 - 1) for number in range(1, 40_000)]
    assert not Check("f", (), "equal", {1}, (("set", ()),)).holds(colliding)
    assert Check("f", (), "equal", 150_000, (("sum", ([],)), ("len", ()))).holds([[1]] * 150_000)
    assert time.process_time() - began < 2
