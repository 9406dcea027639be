"""Whether a reference can be read by the verifier that will compare with it, told before any answer is judged.

Only text is read, by the verifiers' own grammars, in bounded time: nothing is computed, run or evaluated, no process is
started and sympy is not imported. A reference that passes may still be wrong.
"""

from __future__ import annotations

from collections.abc import Callable

from verifiers.inside import expression
from verifiers.inside.math.extraction import reference_text
from verifiers.inside.math.nodes import UnknownError, UnreadableError, UnsupportedError
from verifiers.inside.math.policy import MathPolicy
from verifiers.inside.math.reading import read
from verifiers.inside.math.text import MAX_CHARACTERS
from verifiers.inside.number import read_literal

_POLICY = MathPolicy()


def reference_mistake(verifier: str, reference: str) -> str:
    """Why the verifier cannot use this reference; "" if it can, or if that takes more than reading to tell."""
    check = _CHECKS.get(verifier)
    return check(reference) if check is not None else ""


def _text(reference: str) -> str:
    return "" if reference.strip() else "it is empty"


def _number(reference: str) -> str:
    found = read_literal(reference)
    return found if isinstance(found, str) else ""


def _expression(reference: str) -> str:
    try:
        expression.parse(reference)
    except expression.UnreadableError as error:
        return str(error)
    return ""


def _mathematics(reference: str) -> str:
    text = reference_text(reference)
    if len(text) > MAX_CHARACTERS:
        return f"it is longer than {MAX_CHARACTERS} characters"
    try:
        read(text, _POLICY)
    except UnreadableError as error:
        return str(error)
    except (UnsupportedError, UnknownError):
        return ""  # compared by spelling, or by the slow path
    return ""


_CHECKS: dict[str, Callable[[str], str]] = {
    "exact": _text,
    "numeric": _number,
    "sympy_equal": _expression,
    "math_answer": _mathematics,
}
