"""Assert-style tests as calls whose values the trainer compares, so that a program does not grade itself.

Tests are read and their literals evaluated in a sandbox child (`verifiers.inside.sandbox.rewrite_asserts`), without the
program that they test; only values come back. Comparison is Python's `==` on plain values. Tests that are more than
calls and values are `SelfGraded`: nothing that runs in one process with a program can be hidden from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from verifiers.inside.sandbox.values import DecodeError, check_hashes
from verifiers.sandbox.records import Job, Run, RunStatus, Value

_REWRITER = (Path(__file__).parents[1] / "inside" / "sandbox" / "rewrite_asserts.py").read_text(encoding="utf-8")
_RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equal": lambda got, expected: bool(got == expected),
    "not_equal": lambda got, expected: bool(got != expected),
    "is": lambda got, expected: type(got) is type(expected) and bool(got == expected),
    "is_not": lambda got, expected: not (type(got) is type(expected) and got == expected),
    "in": lambda got, expected: got in expected,
    "not_in": lambda got, expected: got not in expected,
    "less": lambda got, expected: bool(got < expected),
    "at_most": lambda got, expected: bool(got <= expected),
    "greater": lambda got, expected: bool(got > expected),
    "at_least": lambda got, expected: bool(got >= expected),
    "truthy": lambda got, expected: bool(got),
    "falsy": lambda got, expected: not got,
    "close": lambda got, expected: math.isclose(got, expected[0], rel_tol=expected[1], abs_tol=expected[2]),
    "near_less": lambda got, expected: bool(abs(got - expected[0]) < expected[1]),
    "near_at_most": lambda got, expected: bool(abs(got - expected[0]) <= expected[1]),
}


def add_up(values: Any, start: Any = 0) -> Any:
    """`sum`, but in linear time also for lists."""
    if type(start) is not list:
        if type(start) not in (int, float):
            raise TypeError("sums begin with a number or a list")
        return sum(values, start)
    parts = list(values)
    if not all(type(part) is list for part in parts):
        raise TypeError("only lists can be added to a list")
    return [*start, *chain.from_iterable(parts)]


_WRAPPERS: Mapping[str, Callable[..., Any]] = {
    "abs": abs, "bool": bool, "float": float, "frozenset": frozenset, "int": int, "len": len, "list": list, "max": max,
    "min": min, "round": round, "set": set, "sorted": sorted, "str": str, "sum": add_up, "tuple": tuple,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One assertion: what a call must return."""

    entry: str
    arguments: tuple[Value, ...] = field(hash=False)
    relation: str
    expected: Value = field(hash=False)
    wrappers: tuple[tuple[str, tuple[Value, ...]], ...] = field(default=(), hash=False)
    """Functions around the call, innermost first, with their further arguments."""

    def holds(self, got: Value) -> bool:
        """Whether a returned value satisfies it. What the comparison cannot take is not what was expected."""
        try:
            for name, more in self.wrappers:
                if name in ("set", "frozenset"):
                    check_hashes(list(got))
                got = _WRAPPERS[name](got, *more)
            return _RELATIONS[self.relation](got, self.expected)
        except (TypeError, ValueError, ArithmeticError, AttributeError, LookupError, DecodeError):
            return False


@dataclass(frozen=True, slots=True)
class SelfGraded:
    """Tests that only their own process could decide."""

    reason: str


class BrokenTestsError(ValueError):
    """Tests that are not Python; the message says why."""


class LostTestsError(RuntimeError):
    """Tests that could not be read for a reason of ours."""


class Runner(Protocol):
    """A sandbox."""

    def run(self, jobs: Sequence[Job]) -> list[Run]: ...


Reading = tuple[Check, ...] | SelfGraded | BrokenTestsError | LostTestsError


def read_tests(sandbox: Runner, tests: Sequence[str]) -> list[Reading]:
    """For each text of tests: its checks, or why there are none (errors are returned, not raised)."""
    runs = sandbox.run([Job(_REWRITER, "rewrite", ((text,),)) for text in tests])
    return [_reading(run) for run in runs]


def _reading(run: Run) -> Reading:
    if run.status is RunStatus.INFRA_ERROR:
        return LostTestsError(run.detail)
    call = run.calls[0] if run.status is RunStatus.OK else None
    if call is None or call.status is not RunStatus.OK:
        status, detail = (run.status, run.detail) if call is None else (call.status, call.detail)
        return SelfGraded(f"its literals cannot be read ({status}: {detail})")
    answer = call.value
    if type(answer) is not dict:  # the tests are somebody's data, and their expressions are run beside their reader
        return SelfGraded("the tests changed how they are read")
    if "broken" in answer:
        return BrokenTestsError(str(answer["broken"]))
    if "reason" in answer:
        return SelfGraded(str(answer["reason"]))
    try:
        return tuple(_check(*parts) for parts in answer["checks"])
    except (TypeError, ValueError, KeyError) as error:
        return SelfGraded(f"the tests changed how they are read: {error}")


def _check(entry: str, arguments: list[Any], wrappers: list[Any], relation: str, expected: Any) -> Check:
    if type(entry) is not str or relation not in _RELATIONS or not all(name in _WRAPPERS for name, _ in wrappers):
        raise ValueError("not a check")
    if relation == "close" and not all(type(bound) in (int, float) and bound >= 0 for bound in expected[1:]):
        raise ValueError("a tolerance that is no number")
    return Check(entry, tuple(arguments), relation, expected, tuple((name, tuple(more)) for name, more in wrappers))
