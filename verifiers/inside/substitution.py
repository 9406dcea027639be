"""Reading an equation in one unknown and an answer to substitute, for the judges that check by substitution.

It decides nothing: what is not an equation or not a number is said, the rest is for the judge.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from verifiers.inside.expression import Node, UnreadableError, parse, symbols
from verifiers.inside.number import read_canonical

Judged = tuple[str, str | None, str]
"""Status, answer as it was read, detail."""


class Substitution(NamedTuple):
    """Both sides of the equation, and the number that is to make them equal."""

    left: Node
    right: Node
    value: Fraction


def read(equation: str, unknown: str, answer: str) -> Substitution | Judged:
    """The equation with an answer such as `4` or `x=4`; the verdict (fault or malformed) where one cannot be read."""
    sides = equation.split("=")
    try:
        if len(sides) != 2:
            raise UnreadableError(f"{len(sides) - 1} equals signs")
        left, right = parse(sides[0]), parse(sides[1])
        if others := (symbols(left) | symbols(right)) - {unknown}:
            raise UnreadableError(f"letters besides the unknown {unknown!r}: {', '.join(sorted(others))}")
    except UnreadableError as error:
        return "fault", None, f"the equation {equation[:80]!r} cannot be read: {error}"
    name, equals, after = answer.partition("=")
    if equals and name.strip() != unknown:
        return "malformed", None, f"expected a number or `{unknown}=` and a number"
    value = read_canonical(after if equals else answer)
    return ("malformed", None, value) if isinstance(value, str) else Substitution(left, right, value)
