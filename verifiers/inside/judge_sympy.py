"""Whether an expression equals the reference, or a number solves the problem's equation. Exact; undecided if not sure.

A third kind of job names a check, for answers that must be equal and more (`judge_checks`).

Where both sides are rational numbers the decision is made in exact fractions (the same answer, hundreds of times
faster); everything else goes through sympy. The option `always_sympy` switches the fast way off, for checking it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from verifiers.inside import algebra
from verifiers.inside.expression import (
    Node,
    NotRationalError,
    TooLargeError,
    UndefinedError,
    UnreadableError,
    parse,
    rational,
)
from verifiers.inside.judge_checks import judge_check
from verifiers.inside.substitution import Judged, Substitution, read
from verifiers.inside.worker import Handler, each

NO_VALUE = "no value"


def open_handler(options: Mapping[str, Any]) -> tuple[Handler, list[str]]:
    always_sympy = bool(options["always_sympy"])
    algebra.compare(parse("sqrt(2)*x + 1/3"), parse("x*2**(1/2) + 1/4"), {})  # pays sympy's first-call costs now

    judge_check("antiderivative", "ln|x|+x^2", "x^2+ln(x)+C", "x")

    def judge(
        reference: str, answer: str, equation: str | None = None, unknown: str | None = None, check: str | None = None
    ) -> Judged:
        if check is not None:
            return judge_check(check, reference, answer, unknown or "x")
        if equation is not None:
            return judge_solution(equation, unknown or "x", answer, always_sympy)
        return judge_expression(reference, answer, always_sympy)

    return each(judge), ["sympy"]


def judge_expression(reference: str, answer: str, always_sympy: bool) -> Judged:
    """Compare two expressions."""
    try:
        right = parse(reference)
    except UnreadableError as error:
        return "fault", None, f"the reference {reference[:80]!r} cannot be read: {error}"
    try:
        left = parse(answer)
    except UnreadableError as error:
        return "malformed", None, str(error)
    status, extracted, detail = _verdict(left, right, {}, answer.strip(), always_sympy)
    if detail.startswith(NO_VALUE) and not algebra.has_value(right):
        return "fault", None, f"the reference {reference[:80]!r} has no value"
    return status, extracted, detail


def judge_solution(equation: str, unknown: str, answer: str, always_sympy: bool) -> Judged:
    """Substitute an answer such as `4` or `x=4` for the unknown."""
    given = read(equation, unknown, answer)
    if not isinstance(given, Substitution):
        return given
    left, right, value = given
    return _verdict(left, right, {unknown: value}, str(value), always_sympy)


def _verdict(left: Node, right: Node, values: dict[str, Fraction], extracted: str, always_sympy: bool) -> Judged:
    try:
        equal = None if always_sympy else _rational_equal(left, right, values)
        if equal is None:
            equal = algebra.compare(left, right, values, fold=not always_sympy)
    except TooLargeError as error:
        return "undecided", extracted, f"too large to decide: {error}"
    except UndefinedError as error:
        return "wrong", extracted, f"{NO_VALUE}: {error}"
    if equal is None:
        return "undecided", extracted, "equality could not be decided"
    return ("correct" if equal else "wrong"), extracted, ""


def _rational_equal(left: Node, right: Node, values: dict[str, Fraction]) -> bool | None:
    try:
        return rational(left, values) == rational(right, values)
    except NotRationalError:
        return None
