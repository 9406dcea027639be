"""The task `limit` of `calculus`: `limit((x^2-1)/(x-1),x,1)`; a numerator over a denominator, both in parentheses.

Levels add ideas: 1 put in the number; 2 a quotient of linear or quadratic polynomials at oo, by the leading terms; 3 a
factor of numerator and denominator to cancel, the denominator being linear; 4 the same with a quadratic one; 5 a
function at 0 over ax, by the first term of its series, as in `(exp(2x)-1)/(3x)`; 6 a function less its first terms over
a higher power. The reply has what is left after that, and the limit: a number, oo or -oo.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import product

from envs.base import reject
from envs.mathematics.calculus_task import COEFFICIENTS, SLOPES, Task
from envs.mathematics.elementary import ONE, Function, read_function, write
from envs.mathematics.limits_at_zero import (
    DIVISORS,
    by_series,
    first_order,
    level_of_series,
    quotient,
    ratio,
    second_order,
)
from envs.mathematics.polynomials import (
    Polynomial,
    coefficients,
    degree,
    divided_by_root,
    polynomial,
    value_at,
    written,
)
from envs.mathematics.polynomials import product as multiplied
from envs.mathematics.spaces import LETTERS, Space, Work
from selfplay.types import Rejection

INFINITY = "oo"
MAX_POINT, MAX_NUMBER, MAX_LEADING = 5, 9, 3

_BODY = re.compile(r"\(((?:[^()]|\([^()]*\))+)\)/\(([^()]+)\),([a-z]),(-?[0-9]|oo)")


class Limit(Task):
    """See the module."""

    head = "limit("
    example = "limit((x^2-1)/(x-1),x,1)"
    check = "value"
    pieces = (",", ":", ";", "sin(", "cos(", "exp(", "ln(", INFINITY)

    def spaces(self, level: int) -> Sequence[Space]:
        numbers = range(-MAX_NUMBER, MAX_NUMBER + 1)
        leading = tuple(value for value in range(-MAX_LEADING, MAX_LEADING + 1) if value)
        if level in (1, 4):
            return [Space((LETTERS, nonzero_at_a_point(), leading, numbers), _direct if level == 1 else _cancelled)]
        if level == 2:
            tops = [(a, b, c) for a, b, c in product(range(-MAX_LEADING, MAX_LEADING + 1), numbers, numbers) if a or b]
            return [Space((LETTERS, tops, tops), _at_infinity)]
        if level == 3:
            points = [(point, 0, 1) for point in range(-MAX_POINT, MAX_POINT + 1)]
            return [Space((LETTERS, points, leading, numbers), _cancelled)]
        names = ("sin", "exp", "ln") if level == 5 else ("sin", "cos", "exp")
        return [Space((LETTERS, names, COEFFICIENTS, SLOPES, DIVISORS), first_order if level == 5 else second_order)]

    def read(self, body: str, letter: str) -> tuple[str, int] | Rejection:
        """Body and level, or `grammar`, `shape` or `range` (also where there is no limit)."""
        parts = _parts(body, letter)
        if parts is None:
            return reject("grammar", body)
        above, below, point = parts
        if min(above.get(ONE, {0: 1})) < 0:
            return reject("shape", body)
        if set(above) == {ONE}:
            level = _level_of_quotient(above[ONE], below, point)
        else:
            level = level_of_series(above, below, point)
        canonical = f"({write(above, letter)})/({written(below, letter)}),{letter},{point}"
        return (canonical, level) if isinstance(level, int) else reject(level, body)

    def work(self, body: str, letter: str) -> Work:
        above, below, point = _parts(body, letter) or ({}, {}, "")
        if set(above) != {ONE}:
            return by_series(above, below, letter)
        top = above[ONE]
        if point == INFINITY:
            top, bottom = ({degree(side): side[degree(side)]} for side in (top, below))
            return Work((f"({written(top, letter)})/({written(bottom, letter)})",), _at_end(top, bottom), {})
        place, steps = Fraction(point), []
        if value_at(below, place) == 0:
            top, below = divided_by_root(top, place), divided_by_root(below, place)
            steps.append(f"({written(top, letter)})/({written(below, letter)})")
        one, other = value_at(top, place), value_at(below, place)
        return Work((*steps, f"{one}/({other})" if other < 0 else f"{one}/{other}"), str(one / other), {})

    def question(self, body: str, letter: str) -> str:
        quotient, _, point = body.rsplit(",", 2)
        return f"Find the limit of {quotient} as {letter} goes to {point}."


def _level_of_quotient(above: Polynomial, below: Polynomial, point: str) -> int | str:
    if point == INFINITY:
        both = [coefficients(side, 2) for side in (above, below)]
        sizes = [abs(side[0]) <= MAX_LEADING and max(map(abs, side)) <= MAX_NUMBER for side in both]
        return 2 if all(sizes) and 1 <= degree(above) <= 2 and 1 <= degree(below) <= 2 else "range"
    place = Fraction(point)
    if abs(place) > MAX_POINT:
        return "range"
    if value_at(below, place) != 0:
        fits = degree(above) == degree(below) == 1 and all(_small(side) for side in (above, below))
        return 1 if fits else "shape"
    if value_at(above, place) != 0 or degree(above) != 2:
        return "shape"
    top, bottom = divided_by_root(above, place), divided_by_root(below, place)
    if not _small(top) or value_at(bottom, place) == 0:
        return "range"
    if bottom == {0: 1}:
        return 3
    return 4 if degree(bottom) == 1 and _small(bottom) else "shape"


def _small(side: Polynomial) -> bool:
    first, second = coefficients(side, 1)
    return abs(first) <= MAX_LEADING and abs(second) <= MAX_NUMBER


def _at_end(above: Polynomial, below: Polynomial) -> str:
    """The limit at oo of a quotient of two terms."""
    if degree(above) < degree(below):
        return "0"
    if degree(above) == degree(below):
        return ratio(above, below)
    return INFINITY if above[degree(above)] * below[degree(below)] > 0 else f"-{INFINITY}"


def _parts(body: str, letter: str) -> tuple[Function, Polynomial, str] | None:
    match = _BODY.fullmatch(body)
    if match is None or match[3] != letter or match[4] == "-0":
        return None
    above, below = read_function(match[1], letter), read_function(match[2], letter)
    if above is None or below is None or set(below) != {ONE} or min(below[ONE]) < 0:
        return None
    return above, below[ONE], match[4]


# Texts of combinations


@cache
def nonzero_at_a_point() -> tuple[tuple[int, int, int], ...]:
    """(point, c, d) with cx+d not zero at the point."""
    points, leading = range(-MAX_POINT, MAX_POINT + 1), range(-MAX_LEADING, MAX_LEADING + 1)
    box = product(points, leading, range(-MAX_NUMBER, MAX_NUMBER + 1))
    return tuple((p, c, d) for p, c, d in box if c and c * p + d)


def _direct(letter: str, where: tuple[int, int, int], a: int, b: int) -> str:
    return quotient(letter, {ONE: polynomial(a, b)}, polynomial(*where[1:]), where[0])


def _cancelled(letter: str, where: tuple[int, int, int], a: int, b: int) -> str:
    root = polynomial(1, -where[0])
    above, below = multiplied(root, polynomial(a, b)), multiplied(root, polynomial(*where[1:]))
    return quotient(letter, {ONE: above}, below, where[0])


def _at_infinity(letter: str, above: Sequence[int], below: Sequence[int]) -> str:
    return quotient(letter, {ONE: polynomial(*above)}, polynomial(*below), INFINITY)
