"""What an answer is once it is read: a tree of nodes, and the errors of reading and comparing.

Kinds of expressions: number (value: Number), symbol (name), constant (pi, e, i, infinity), add, mul, div, neg, pow,
call (name of a function), mixed, percent, degree, plusminus, operator (an integral, sum, … that was left standing).
Kinds of other objects: text, list (bare, value: its connective), set, bracketed (value: its two brackets), builder
(variable, condition), setop (value: cup, cap or minus), empty, reals, relation (value: its signs), matrix (value:
delimiter and number of columns), quantity (value: unit), ratio, time, based (value: digits and base).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple


class Node(NamedTuple):
    """One node of a tree."""

    kind: str
    args: tuple[Node, ...] = ()
    value: Any = None


class Number(NamedTuple):
    """A number literal."""

    value: Fraction
    places: int | None = None
    """Digits after the decimal point; None for an integer."""
    significant: int = 0
    """Significant digits given."""


class UnreadableError(ValueError):
    """The text is not an answer of the grammar: a parenthesis that is not closed, an operator without operand, …"""


class UnsupportedError(ValueError):
    """The text uses notation that may well mean something, but that the grammar does not know."""


class UnknownError(ValueError):
    """Two objects could not be compared; another method might."""


class TooLargeError(ValueError):
    """A value would be larger than we are willing to compute, here or elsewhere."""


class UndefinedError(ValueError):
    """An expression has no value: division by zero, log of 0, …"""


def integer(value: int) -> Node:
    return Node("number", (), Number(Fraction(value), None, len(str(abs(value))) if abs(value) < 10**30 else 31))


def walk(node: Node) -> Iterator[Node]:
    """All nodes of a tree."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(one.args)


def commuted(node: Node) -> str:
    """A text that is the same for trees that differ only in the order of terms and factors."""
    parts = [commuted(child) for child in node.args]
    if node.kind in ("add", "mul"):
        parts.sort()
    value = node.value.value if node.kind == "number" else node.value
    return f"{node.kind}<{value}>({','.join(parts)})"


def deeper_than(node: Node, limit: int) -> bool:
    """Whether a tree has more levels than that; does not recurse."""
    level = [node]
    for _ in range(limit):
        level = [child for one in level for child in one.args]
        if not level:
            return False
    return True


def symbols(node: Node) -> set[str]:
    """Names of the letters in a tree."""
    return {one.value for one in walk(node) if one.kind == "symbol"}
