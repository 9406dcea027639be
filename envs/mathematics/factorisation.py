"""The task `factor` of `calculus`: `factor(2x^2-4x-6)`, completely and in whole numbers.

Levels add things to find: 1 two factors x+a; 2 a common factor besides; 3 two linear factors with another leading
coefficient; 4 three factors x+a; 5 three linear ones, one with another leading coefficient; 6 two factors x+a and a
quadratic one that has no rational root. Numbers in factors are at most 9, with three or more factors 6, and never 0.

A polynomial that somebody proposes is factored by its rational roots; what is left must be quadratic at most. The reply
takes out the common factor, then divides by one linear factor after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, groupby, product
from math import gcd, isqrt

from envs.base import reject
from envs.mathematics.calculus_task import Task
from envs.mathematics.polynomials import (
    Polynomial,
    content,
    degree,
    divided_by_root,
    polynomial,
    rational_roots,
    read,
    scaled,
    written,
)
from envs.mathematics.polynomials import product as multiplied
from envs.mathematics.spaces import LETTERS, Space, Work
from selfplay.types import Rejection

Root = Fraction

MAX_COMMON, MAX_NUMBER, MAX_SMALL = 5, 9, 6
MAX_LEADING = {3: 4, 5: 3}
REST = (3, 9)
"""Of x^2+cx+d without a rational root: |c| and d at most; d is positive."""
MAX_DEGREE = 4


class Factorisation(Task):
    """See the module."""

    head = "factor("
    example = "factor(2x^2-4x-6)"
    check = "factored"
    pieces = (":", ";", "=")

    def spaces(self, level: int) -> Sequence[Space]:
        if level == 6:
            return [
                Space((LETTERS, root_sets(4, 2), rests()), lambda letter, roots, rest: _text(letter, 1, roots, rest))
            ]
        common = range(2, MAX_COMMON + 1) if level == 2 else (1,)
        sets = root_sets(level, 3 if level >= 4 else 2)
        return [Space((LETTERS, common, sets), _text)]

    def read(self, body: str, letter: str) -> tuple[str, int] | Rejection:
        """Body and level, or `grammar`, `degree`, `shape` (its factors are of no level) or `range`."""
        one = read(body, letter)
        if one is None:
            return reject("grammar", body)
        if not 2 <= degree(one) <= MAX_DEGREE:
            return reject("degree", body)
        if 0 not in one or content(one) < 1:
            return reject("range", body)
        common = content(one)
        roots, rest = rational_roots(scaled(one, Fraction(1, common)))
        level = _level(common, roots, rest)
        if level is None:
            return reject("shape", body)
        largest = MAX_NUMBER if len(roots) == 2 and level < 4 else MAX_SMALL
        if max(abs(root.numerator) for root in roots) > largest:
            return reject("range", body)
        return written(one, letter), level

    def work(self, body: str, letter: str) -> Work:
        left = read(body, letter) or {}
        common, steps = content(left), []
        left = scaled(left, Fraction(1, common))
        if common > 1:
            steps.append(f"{common}({written(left, letter)})")
        roots, _ = rational_roots(left)
        for root in roots[: degree(left) - 1]:
            left = scaled(divided_by_root(left, root), Fraction(1, root.denominator))
            steps.append(f"{letter}={root}:{written(left, letter)}")
        linear = [f"({written(_linear(root), letter)})" for root in roots]
        parts = [(factor, len(list(same))) for factor, same in groupby(linear)]
        text = "".join(factor if count == 1 else f"{factor}^{count}" for factor, count in parts)
        rest = f"({written(left, letter)})" if degree(left) == 2 else ""
        return Work(tuple(steps), f"{common if common > 1 else ''}{text}{rest}", {})

    def question(self, body: str, letter: str) -> str:
        return f"Factor {body} completely, with whole numbers."


def _level(common: int, roots: Sequence[Root], rest: Polynomial) -> int | None:
    leading = [root.denominator for root in roots]
    if degree(rest) == 2:
        value = {power: int(number) for power, number in rest.items()}
        fits = abs(value.get(1, 0)) <= REST[0] and 0 < value[0] <= REST[1] and rest[2] == 1
        return 6 if fits and common == 1 and leading == [1, 1] else None
    if degree(rest) > 0 or len(roots) not in (2, 3):
        return None
    if len(roots) == 3:
        many = [value for value in leading if value > 1]
        return {0: 4, 1: 5 if many and many[0] <= MAX_LEADING[5] else None}.get(len(many)) if common == 1 else None
    if max(leading) == 1:
        return 1 if common == 1 else 2 if common <= MAX_COMMON else None
    return 3 if common == 1 and max(leading) <= MAX_LEADING[3] else None


@cache
def root_sets(level: int, count: int) -> tuple[tuple[Root, ...], ...]:
    """All roots, with multiplicity and in order, of the linear factors of a level."""
    largest = MAX_SMALL if level >= 4 else MAX_NUMBER
    leading = range(1, MAX_LEADING.get(level, 1) + 1)
    numbers = [value for value in range(-largest, largest + 1) if value]
    roots = sorted({Fraction(value, below) for value in numbers for below in leading if gcd(value, below) == 1})
    wanted = {3: (1, 2), 5: (1,)}.get(level, (0,))
    sets = combinations_with_replacement(roots, count)
    return tuple(one for one in sets if sum(root.denominator > 1 for root in one) in wanted)


@cache
def rests() -> tuple[tuple[int, int], ...]:
    """(c, d) of every x^2+cx+d without a rational root."""
    box = product(range(-REST[0], REST[0] + 1), range(1, REST[1] + 1))
    return tuple((c, d) for c, d in box if c * c < 4 * d or isqrt(c * c - 4 * d) ** 2 != c * c - 4 * d)


def _linear(root: Root) -> Polynomial:
    return polynomial(root.denominator, -root.numerator)


def _text(letter: str, common: int, roots: Sequence[Root], rest: tuple[int, int] | None = None) -> str:
    factors = [_linear(root) for root in roots] + ([polynomial(1, *rest)] if rest else [])
    return written(multiplied({0: Fraction(common)}, *factors), letter)
