"""The task `integral` of `calculus`: `integrate(3x^2+1,x,0,2)`.

Levels add terms, numbers and rules: 1 a monomial from 0; 2 two monomials from 0; 3 two from another number; 4 three
from another number; 5 a monomial and exp of a multiple of x; 6 the same with x*exp, by parts. The reply has the
antiderivative of every term, the values at the upper and the lower end, and their difference: a fraction, or with
powers of e.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

from envs.base import reject
from envs.mathematics.calculus_task import COEFFICIENTS, POWERS, Task, body_of, in_box, linear
from envs.mathematics.differentiation import sums_of
from envs.mathematics.elementary import ONE, Function, integrate, read_function, term, terms, write
from envs.mathematics.integration import steps_of
from envs.mathematics.polynomials import coefficient_times, joined, value_at
from envs.mathematics.spaces import LETTERS, Space, Work
from selfplay.types import Rejection

MAX_END = 5
EXPONENTS = (1, 2, 3)
"""Slopes and upper ends where exp is integrated."""


class Integral(Task):
    """See the module."""

    head = "integrate("
    example = "integrate(3x^2+1,x,0,2)"
    check = "value"
    pieces = (",", ":", ";", "exp(")

    def spaces(self, level: int) -> Sequence[Space]:
        zero, above = (0,), tuple(range(1, MAX_END + 1))
        if level == 1:
            return [Space((LETTERS, COEFFICIENTS, POWERS, zero, above), _monomial)]
        if level <= 4:
            ends = [(0, end) for end in above] if level == 2 else list(combinations(range(-MAX_END, MAX_END + 1), 2))
            chosen = [pair for pair in ends if level == 2 or pair[0]]
            return [_between(sums_of(3 if level == 4 else 2, 4), chosen)]
        return [Space((LETTERS, COEFFICIENTS, (level - 5,), EXPONENTS, COEFFICIENTS, POWERS, EXPONENTS), _exponential)]

    def read(self, body: str, letter: str) -> tuple[str, int] | Rejection:
        """Body and level, or `grammar`, `shape` or `range`."""
        text, name, low, high = body.rsplit(",", 3) if body.count(",") == 3 else ("", "", "", "")
        ends = [_end(end) for end in (low, high)]
        one = read_function(text, letter) if name == letter else None
        if one is None or ends[0] is None or ends[1] is None:
            return reject("grammar", body)
        if not ends[0] < ends[1] or not all(in_box(value, power) and power >= 0 for value, power, _ in terms(one)):
            return reject("range", body)
        level = _definite_level(one, ends[0], ends[1])
        canonical = f"{write(one, letter)},{letter},{ends[0]},{ends[1]}"
        return (canonical, level) if isinstance(level, int) else reject(level, body)

    def work(self, body: str, letter: str) -> Work:
        text, _, low, high = body.rsplit(",", 3)
        one = read_function(text, letter) or {}
        whole = integrate(one)
        upper, lower = (_value(whole, int(end)) for end in (high, low))
        steps = [*steps_of(one, letter), f"{high}:{_number(upper)}", f"{low}:{_number(lower)}"]
        difference = {power: upper.get(power, Fraction(0)) - lower.get(power, Fraction(0)) for power in upper | lower}
        return Work(tuple(steps), _number(difference), {})

    def question(self, body: str, letter: str) -> str:
        text, _, low, high = body.rsplit(",", 3)
        return f"Find the exact value of the integral of {text} with respect to {letter} from {low} to {high}."


def _definite_level(one: Function, low: int, high: int) -> int | str:
    parts = terms(one)
    functions = [part for part in parts if part[2] != ONE]
    if not functions:
        if max(abs(low), abs(high)) > MAX_END or (len(parts) > 1 and parts[0][1] > 4):
            return "range"
        if len(parts) == 1:
            return 1 if low == 0 and parts[0][1] else "shape"
        return {2: 3 if low else 2, 3: 4 if low else "shape"}.get(len(parts), "shape")
    (_, front, of), *rest = parts
    inner = dict(of.inner)
    if of.name != "exp" or len(rest) != 1 or rest[0][2] != ONE or rest[0][1] == 0 or set(inner) != {1} or low != 0:
        return "shape"
    return 5 + front if inner[1] in EXPONENTS and high in EXPONENTS and front <= 1 else "range"


def _end(text: str) -> int | None:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) == 1 and text != "-0" else None


def _value(one: Function, point: int) -> dict[int, Fraction]:
    """The value at a point, as coefficients of powers of e."""
    total: dict[int, Fraction] = {}
    for of, factor in one.items():
        power = int(value_at(dict(of.inner), point)) if of.name == "exp" else 0
        total[power] = total.get(power, Fraction(0)) + value_at(factor, point)
    return total


def _number(value: dict[int, Fraction]) -> str:
    ordered = [power for power in sorted(value, reverse=True) if value[power]]
    return joined(coefficient_times(value[power], f"exp({power})" if power else "") for power in ordered)


def _monomial(letter: str, value: int, power: int, low: int, high: int) -> str:
    return f"{body_of(letter, term(value, power))},{low},{high}"


def _exponential(letter: str, value: int, front: int, slope: int, other: int, power: int, high: int) -> str:
    return f"{body_of(letter, linear('exp', value, front, slope), term(other, power))},0,{high}"


def _between(sums: Space, ends: Sequence[tuple[int, int]]) -> Space:
    def write_between(pair: tuple[int, int], *choice: object) -> str:
        return f"{sums.write(*choice)},{pair[0]},{pair[1]}"

    return Space((ends, *sums.choices), write_between)
