"""Answers that must be equal and more: `value`, `antiderivative`, `expanded`, `factored`. Exact; undecided if not sure.

Texts are read by `math_answer`'s grammar, LaTeX or plain, with `oo` for infinity.

- `value`: equal, and worked out: a number literal where the reference is one, no integral, limit or derivative left, no
  sum or product of numbers that the reference does not have; infinity only where the reference is.
- `antiderivative`: the derivative is the reference's; other letters than the unknown are constants.
- `expanded`: equal, and a sum of different monomials.
- `factored`: equal, and a product whose factors, in whole numbers, can be factored no further.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from verifiers.inside import algebra, expression
from verifiers.inside.calculus import is_irreducible, same_derivative
from verifiers.inside.math.forms import literal, undone
from verifiers.inside.math.nodes import Node, UnknownError, UnreadableError, UnsupportedError, symbols, walk
from verifiers.inside.math.nodes import TooLargeError as TooLargeToReadError
from verifiers.inside.math.policy import MathPolicy
from verifiers.inside.math.reading import read
from verifiers.inside.math.scalars import NOT_FINAL, is_expression
from verifiers.inside.polynomial_forms import NotThisFormError, check_expanded, factors_of
from verifiers.inside.substitution import Judged
from verifiers.inside.translation import translated

_POLICY = MathPolicy()
_INFINITY = re.compile(r"(?<![A-Za-z\\])oo(?![A-Za-z])")
_CONSTANT = re.compile(r"\+\s*(?:\\(?:text|mathrm)\s*\{\s*)?(?:constant|const)\b\.?\s*\}?\s*$", re.IGNORECASE)
_DERIVATIVE = re.compile(r"(?<![A-Za-z])d\s*/\s*d\s*[a-z](?![a-z])")


class _WrongError(Exception):
    """The answer is wrong, and why."""


def judge_check(check: str, reference: str, answer: str, unknown: str) -> Judged:
    """The verdict under one check."""
    if check not in CHECKS:
        return "fault", None, f"no check is called {check[:40]!r}; expected one of {', '.join(CHECKS)}"
    try:
        expected = _read(reference)
    except (UnreadableError, UnsupportedError, UnknownError) as error:
        return "fault", None, f"the reference {reference[:80]!r} cannot be read: {error}"
    shown = answer.strip()[:200]
    if _DERIVATIVE.search(answer):
        return "wrong", shown, NOT_FINAL
    try:
        got = _read(answer)
    except UnreadableError as error:
        return "malformed", shown, str(error)
    except (UnsupportedError, UnknownError) as error:
        return "undecided", shown, f"the answer has {error}"
    try:
        equal = CHECKS[check](expected, got, unknown)
    except _WrongError as error:
        return "wrong", shown, str(error)
    except NotThisFormError as error:
        return "wrong", shown, f"{NOT_FINAL}: {error}"
    except expression.UndefinedError as error:
        return "wrong", shown, f"no value: {error}"
    except (expression.TooLargeError, TooLargeToReadError) as error:
        return "undecided", shown, f"too large to decide: {error}"
    except UnknownError as error:
        return "undecided", shown, f"equality could not be decided: {error}"
    if equal is None:
        return "undecided", shown, "equality could not be decided"
    return ("correct" if equal else "wrong"), shown, ""


def _read(text: str) -> Node:
    """The expression that a text is."""
    node = read(_CONSTANT.sub("+C", _INFINITY.sub(r"\\infty ", text)), _POLICY).node
    if not is_expression(node):
        raise UnreadableError(f"expected one expression, got {node.kind}")
    return node


def _check_letters(got: Node, allowed: set[str]) -> None:
    if others := symbols(got) - allowed:
        raise _WrongError(f"letters that are not asked about: {', '.join(sorted(others))[:40]}")


def _check_worked_out(got: Node) -> None:
    if any(one.kind == "operator" for one in walk(got)):
        raise _WrongError(NOT_FINAL)


def _infinite(node: Node) -> int:
    """1 or -1 for infinity with its sign, 2 for an expression with infinity in it, 0 for none."""
    if not any(one.kind == "constant" and one.value == "infinity" for one in walk(node)):
        return 0
    sign, inner = (-1, node.args[0]) if node.kind == "neg" else (1, node)
    return sign if inner.kind == "constant" else 2


def _value(expected: Node, got: Node, unknown: str) -> bool | None:
    _check_worked_out(got)
    if _infinite(expected) or _infinite(got):
        return _infinite(expected) == _infinite(got) != 2
    _check_letters(got, symbols(expected) & {unknown})
    known, said = literal(expected), literal(got)
    if known is not None and not symbols(got):
        if said is None:
            raise _WrongError(NOT_FINAL)
        return known.value == said.value
    if not symbols(expected) and undone(got) - undone(expected):
        raise _WrongError(NOT_FINAL)
    return algebra.compare(translated(got), translated(expected), {})


def _antiderivative(expected: Node, got: Node, unknown: str) -> bool | None:
    _check_worked_out(got)
    if _infinite(got):
        raise _WrongError("infinity")
    return same_derivative(translated(got), translated(expected), unknown)


def _expanded(expected: Node, got: Node, unknown: str) -> bool | None:
    _check_letters(got, symbols(expected))
    check_expanded(got)
    return algebra.compare(translated(got), translated(expected), {})


def _factored(expected: Node, got: Node, unknown: str) -> bool | None:
    _check_letters(got, symbols(expected))
    factors = [translated(factor) for factor in factors_of(got)]
    if not algebra.compare(translated(got), translated(expected), {}):
        return False
    if not all(map(is_irreducible, factors)):
        raise _WrongError(f"{NOT_FINAL}: a factor can be factored further")
    return True


CHECKS: dict[str, Callable[[Node, Node, str], bool | None]] = {
    "value": _value,
    "antiderivative": _antiderivative,
    "expanded": _expanded,
    "factored": _factored,
}
