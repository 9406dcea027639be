"""Whether a returned value is the expected one, by a declared policy, and whether two runs gave the same.

Types count: 1, 1.0 and True are three values, and so are a list and a tuple, unless the policy says otherwise. Both
values must be of the codec's exact types, so no `__eq__` of anybody's runs here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from verifiers.sandbox.records import Call, Run, RunStatus

POLICY_VERSION = 1


@dataclass(frozen=True, slots=True)
class EqualityPolicy:
    """When two values are equal. Stamp `version` with the policy into what depends on it."""

    nan_equal: bool = True
    """nan is equal to nan."""
    relative_tolerance: float = 0.0
    """Floats (and parts of complex numbers) may differ by this share of the expected one."""
    int_equals_float: bool = False
    """1 is equal to 1.0."""
    bool_equals_int: bool = False
    """True is equal to 1 (and to 1.0 if that is equal to 1)."""
    absolute_tolerance: float = 0.0
    """Floats may differ by this much."""
    version: int = POLICY_VERSION


STRICT = EqualityPolicy()
PYTHON = EqualityPolicy(nan_equal=False, int_equals_float=True, bool_equals_int=True)
"""What Python's `==` says: the policy of assert-style tests."""


def equal(expected: Any, got: Any, policy: EqualityPolicy = STRICT) -> bool:
    """Whether `got` is `expected`."""
    kind, other = type(expected), type(got)
    if kind is not other:
        return _numbers_equal(expected, got, policy)
    if kind is float:
        return _floats_equal(expected, got, policy)
    if kind is complex:
        return _floats_equal(expected.real, got.real, policy) and _floats_equal(expected.imag, got.imag, policy)
    if kind is list or kind is tuple:
        if len(expected) != len(got):
            return False
        kinds = set(map(type, expected))
        if len(kinds) == 1 and kinds <= _EXACT and set(map(type, got)) == kinds:
            return bool(expected == got)  # no policy speaks of these: compare them all at once
        return all(equal(one, another, policy) for one, another in zip(expected, got, strict=True))
    if kind is dict:
        return len(expected) == len(got) and _dicts_equal(expected, got, policy)
    if kind is set or kind is frozenset:
        return len(expected) == len(got) and _sets_equal(expected, got, policy)
    return bool(expected == got)


_NUMBERS = (bool, int, float)
_EXACT = {type(None), bool, int, str, bytes}


def _numbers_equal(expected: Any, got: Any, policy: EqualityPolicy) -> bool:
    """Numbers of different types."""
    kinds = {type(expected), type(got)}
    if not kinds <= set(_NUMBERS) or (bool in kinds and not policy.bool_equals_int):
        return False
    if float not in kinds:
        return bool(expected == got)
    if not policy.int_equals_float:
        return False
    if expected == got:
        return True
    if not (policy.relative_tolerance or policy.absolute_tolerance):
        return False
    try:
        return _floats_equal(float(expected), float(got), policy)
    except OverflowError:
        return False


def _floats_equal(expected: float, got: float, policy: EqualityPolicy) -> bool:
    if expected == got:
        return True
    if math.isnan(expected) or math.isnan(got):
        return policy.nan_equal and math.isnan(expected) and math.isnan(got)
    if math.isinf(expected) or math.isinf(got):
        return False
    return abs(expected - got) <= max(policy.relative_tolerance * abs(expected), policy.absolute_tolerance)


def _dicts_equal(expected: dict[Any, Any], got: dict[Any, Any], policy: EqualityPolicy) -> bool:
    """Order does not count. Keys are matched by Python's equality first, and then by the policy."""
    keys = {key: key for key in got}
    for key, value in expected.items():
        if key not in keys or not equal(key, keys[key], policy) or not equal(value, got[key], policy):
            break
    else:
        return True
    return _matched(list(expected.items()), list(got.items()), policy)


def _sets_equal(expected: Any, got: Any, policy: EqualityPolicy) -> bool:
    own = {element: element for element in got}
    if all(element in own and equal(element, own[element], policy) for element in expected):
        return True
    return _matched(list(expected), list(got), policy)


def _matched(expected: list[Any], got: list[Any], policy: EqualityPolicy, max_size: int = 200) -> bool:
    """Whether elements can be paired: for nan and tolerances, where hashing finds nothing. Greedy, and bounded."""
    if len(expected) > max_size:
        return False
    left = list(got)
    for one in expected:
        for position, another in enumerate(left):
            if equal(one, another, policy):
                del left[position]
                break
        else:
            return False
    return True


def differences(first: Run, second: Run) -> Run:
    """The first of two runs of one program, with NONDETERMINISTIC in place of what differs.

    A run that we lost, or that hit a limit of time or memory, says nothing about determinism and is returned as it is.
    """
    limits = (RunStatus.INFRA_ERROR, RunStatus.TIMEOUT, RunStatus.MEMORY)
    for run in (first, second):
        if run.status in limits:
            return run
    if first.status is not second.status:
        return replace(
            first, status=RunStatus.NONDETERMINISTIC, detail=f"{first.status} in one run, {second.status} in another"
        )
    if first.status is not RunStatus.OK:
        return first
    calls = tuple(_differing(one, other) for one, other in zip(first.calls, second.calls, strict=True))
    changed = sum(call.status is RunStatus.NONDETERMINISTIC for call in calls)
    if changed:
        detail = f"{changed} of {len(calls)} calls differ between two runs"
        return replace(first, status=RunStatus.NONDETERMINISTIC, calls=calls, detail=detail)
    if first.stdout != second.stdout or not equal(dict(first.values), dict(second.values)):
        return replace(first, status=RunStatus.NONDETERMINISTIC, detail="what it printed differs between two runs")
    return first


def _differing(one: Call, other: Call) -> Call:
    if RunStatus.MEMORY in (one.status, other.status):
        return one if one.status is RunStatus.MEMORY else other
    if one.status is other.status and equal(one.value, other.value):
        return one
    return Call(RunStatus.NONDETERMINISTIC, None, "differs between two runs")
