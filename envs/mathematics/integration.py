"""The task `antiderivative` of `calculus`: `integrate(x*exp(2x)+3,x)`.

Levels add rules: 1 a sum of two monomials; 2 of three; 3 a function of a multiple of x, or a/x, and a monomial;
4 a power of ax+b; 5 by parts, for x times sin, cos or exp, or a monomial times ln(x); 6 by parts twice. The reply has
the antiderivative of every term. Any constant of integration is right, or none.
"""

from __future__ import annotations

from collections.abc import Sequence

from envs.base import reject
from envs.mathematics.calculus_task import COEFFICIENTS, POWERS, SLOPES, Task, body_of, in_box, linear
from envs.mathematics.differentiation import OUTER_POWERS, sums_of
from envs.mathematics.elementary import ONE, Function, atom, integrate, read_function, term, terms, write
from envs.mathematics.polynomials import polynomial
from envs.mathematics.spaces import LETTERS, Space, Work
from selfplay.types import Rejection

WAVES = ("sin", "cos", "exp")
LOGARITHM_POWERS = (1, 2, 3)


class Antiderivative(Task):
    """See the module."""

    head = "integrate("
    example = "integrate(x*exp(2x)+3x,x)"
    check = "antiderivative"
    pieces = (",", ":", ";", "sin(", "cos(", "exp(", "ln(", "ln|", "|")

    def spaces(self, level: int) -> Sequence[Space]:
        monomial = (COEFFICIENTS, POWERS)
        if level <= 2:
            return [sums_of(level + 1)]
        if level == 3:
            inverse = Space((LETTERS, COEFFICIENTS, *monomial), _inverse)
            return [inverse, Space((LETTERS, WAVES, COEFFICIENTS, (0,), SLOPES, *monomial), _wave)]
        if level == 4:
            return [Space((LETTERS, OUTER_POWERS, COEFFICIENTS, SLOPES, COEFFICIENTS, *monomial), _power)]
        waves = Space((LETTERS, WAVES, COEFFICIENTS, (level - 4,), SLOPES, *monomial), _wave)
        logarithms = Space((LETTERS, ("ln",), COEFFICIENTS, LOGARITHM_POWERS, (1,), *monomial), _wave)
        return [waves, logarithms] if level == 5 else [waves]

    def read(self, body: str, letter: str) -> tuple[str, int] | Rejection:
        """Body and level, or `grammar`, `shape` or `range`."""
        text, comma, name = body.rpartition(",")
        one = read_function(text, letter) if comma and name == letter else None
        if one is None:
            return reject("grammar", body)
        if not all(in_box(value, power) for value, power, _ in terms(one)):
            return reject("range", body)
        level = _level(one)
        return (f"{write(one, letter)},{letter}", level) if isinstance(level, int) else reject(level, body)

    def work(self, body: str, letter: str) -> Work:
        one = read_function(body.rpartition(",")[0], letter) or {}
        return Work(tuple(steps_of(one, letter)), write(integrate(one), letter), {})

    def question(self, body: str, letter: str) -> str:
        return f"Find an antiderivative of {body.rpartition(',')[0]} with respect to {letter}."


def _level(one: Function) -> int | str:
    parts = terms(one)
    functions = [part for part in parts if part[2] != ONE or part[1] < 0]
    if not functions:
        return {2: 1, 3: 2}.get(len(parts), "shape")
    plain = [power for _, power, of in parts if of == ONE and power >= 0]
    if len(functions) != 1 or len(plain) != 1 or plain[0] == 0:
        return "shape"
    _, front, of = functions[0]
    inner = dict(of.inner)
    if of == ONE:
        return 3
    if any(abs(value) > SLOPES[-1] for value in inner.values()):
        return "range"
    if of.name.startswith("^"):
        fits = set(inner) == {0, 1} and front == 0 and inner[1] > 0 and int(of.name[1:]) in OUTER_POWERS
        return 4 if fits else "shape"
    if of.name == "ln":
        return 5 if inner == {1: 1} and front in LOGARITHM_POWERS else "shape"
    return {0: 3, 1: 5, 2: 6}.get(front, "range") if set(inner) == {1} and inner[1] > 0 else "shape"


def steps_of(one: Function, letter: str) -> list[str]:
    """The antiderivative of every term."""
    parts = [term(*part) for part in terms(one)]
    return [f"{write(part, letter)}:{write(integrate(part), letter)}" for part in parts]


def _wave(letter: str, name: str, value: int, front: int, slope: int, other: int, power: int) -> str:
    return body_of(letter, linear(name, value, front, slope), term(other, power))


def _inverse(letter: str, value: int, other: int, power: int) -> str:
    return body_of(letter, term(value, -1), term(other, power))


def _power(letter: str, raised: int, value: int, slope: int, number: int, other: int, power: int) -> str:
    return body_of(letter, term(value, 0, atom(f"^{raised}", polynomial(slope, number))), term(other, power))
