"""The task `derivative` of `calculus`: `diff(3x^2*sin(2x)+x,x)`.

Levels add rules: 1 a sum of two monomials; 2 of three; 3 a function of a multiple of x, with a monomial; 4 the
chain rule, for a power of ax+b or a function of ax^2+b; 5 the product rule, for a monomial times a function of a
multiple of x; 6 both. The reply has the derivative of every term, then the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

from envs.base import reject
from envs.mathematics.calculus_task import COEFFICIENTS, HIGHEST, POWERS, SLOPES, Task, body_of, in_box, linear
from envs.mathematics.elementary import ONE, Function, atom, differentiate, read_function, term, terms, write
from envs.mathematics.polynomials import polynomial
from envs.mathematics.spaces import LETTERS, Space, Work
from selfplay.types import Rejection

INNER_NUMBERS = tuple(range(-9, 10))
OUTER_POWERS = (3, 4, 5)
FRONT_POWERS = (1, 2, 3)
SMOOTH = ("sin", "cos", "exp")


class Derivative(Task):
    """See the module."""

    head = "diff("
    example = "diff(3x^2*sin(2x)+x,x)"
    check = "value"
    pieces = (",", ":", ";", "sin(", "cos(", "exp(", "ln(")

    def spaces(self, level: int) -> Sequence[Space]:
        monomial = (COEFFICIENTS, POWERS)
        if level <= 2:
            return [sums_of(level + 1)]
        if level in (3, 5):
            fronts = (0,) if level == 3 else FRONT_POWERS
            return [Space((LETTERS, (*SMOOTH, "ln"), COEFFICIENTS, fronts, SLOPES, *monomial), _simple)]
        if level == 4:
            powers = Space((LETTERS, OUTER_POWERS, COEFFICIENTS, SLOPES, COEFFICIENTS, *monomial), _power)
            return [powers, Space((LETTERS, SMOOTH, COEFFICIENTS, (0,), SLOPES, INNER_NUMBERS, *monomial), _chain)]
        return [Space((LETTERS, SMOOTH, COEFFICIENTS, FRONT_POWERS, SLOPES, INNER_NUMBERS, *monomial), _chain)]

    def read(self, body: str, letter: str) -> tuple[str, int] | Rejection:
        """Body and level, or `grammar`, `shape` or `range`."""
        text, comma, name = body.rpartition(",")
        one = read_function(text, letter) if comma and name == letter else None
        if one is None:
            return reject("grammar", body)
        parts = terms(one)
        if not all(in_box(value, power) and power >= 0 for value, power, _ in parts):
            return reject("range", body)
        level = _level(one)
        return (f"{write(one, letter)},{letter}", level) if isinstance(level, int) else reject(level, body)

    def work(self, body: str, letter: str) -> Work:
        one = read_function(body.rpartition(",")[0], letter) or {}
        steps = []
        for value, power, of in terms(one):
            part = term(value, power, of)
            steps.append(f"{write(part, letter)}:{write(differentiate(part), letter)}")
        return Work(tuple(steps), write(differentiate(one), letter), {})

    def question(self, body: str, letter: str) -> str:
        return f"Find the derivative of {body.rpartition(',')[0]} with respect to {letter}."


def _level(one: Function) -> int | str:
    parts = terms(one)
    functions = [part for part in parts if part[2] != ONE]
    if not functions:
        return {2: 1, 3: 2}.get(len(parts), "shape")
    if len(functions) > 1 or len(parts) != 2 or parts[1][1] == 0:
        return "shape"
    _, front, of = functions[0]
    inner = dict(of.inner)
    if any(abs(value) > SLOPES[-1] for value in inner.values()) or front not in (0, *FRONT_POWERS):
        return "range"
    if of.name.startswith("^"):
        fits = set(inner) == {0, 1} and front == 0 and inner[1] > 0 and int(of.name[1:]) in OUTER_POWERS
        return 4 if fits else "shape"
    if set(inner) == {1} and inner[1] > 0:
        return 5 if front else 3
    if set(inner) <= {0, 2} and inner.get(2, Fraction(0)) > 0 and of.name in SMOOTH:
        return 6 if front else 4
    return "shape"


def sums_of(count: int, highest: int = HIGHEST) -> Space:
    """Polynomials of so many terms."""
    powers = list(combinations(range(highest, -1, -1), count))
    return Space((LETTERS, powers, *[COEFFICIENTS] * count), _sum)


def _sum(letter: str, powers: Sequence[int], *values: int) -> str:
    return body_of(letter, *(term(value, power) for value, power in zip(values, powers, strict=True)))


def _simple(letter: str, name: str, value: int, front: int, slope: int, other: int, power: int) -> str:
    return body_of(letter, linear(name, value, front, slope), term(other, power))


def _chain(letter: str, name: str, value: int, front: int, slope: int, number: int, other: int, power: int) -> str:
    return body_of(letter, term(value, front, atom(name, polynomial(slope, 0, number))), term(other, power))


def _power(letter: str, raised: int, value: int, slope: int, number: int, other: int, power: int) -> str:
    return body_of(letter, term(value, 0, atom(f"^{raised}", polynomial(slope, number))), term(other, power))
