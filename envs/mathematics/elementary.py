"""Sums of monomials times sin, cos, exp, ln or a power of a polynomial: text, derivatives and antiderivatives.

A function maps atoms to polynomials: `3x^2*sin(2x)+x` has the atom sin(2x) with 3x^2, and the atom 1 with x. Everything
is exact. Derivatives stay in the class, with 1/x for ln(x); antiderivatives are known for polynomials, 1/x, powers of
linear inner functions, ln(x), and sin, cos and exp of multiples of the letter. Nothing is evaluated or simplified
beyond collecting equal atoms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from envs.mathematics.polynomials import (
    Polynomial,
    antiderivative,
    coefficient_times,
    degree,
    derivative,
    joined,
    power_of,
    product,
    read,
    scaled,
    summed,
    written,
)

_TERM = re.compile(
    r"([+-]?)([1-9][0-9]?)?(?:([a-z])(?![a-z])(?:\^([2-9]))?)?(\*?)"
    r"(?:(sin|cos|exp|ln)\(([^()]+)\)|\(([^()]+)\)\^([2-9])|(/[a-z]))?"
)


class Atom(NamedTuple):
    """A function of an inner polynomial; `name` is empty for the constant 1, `^3` for a power, `ln|` for ln|x|."""

    name: str
    inner: tuple[tuple[int, Fraction], ...]


Function = dict[Atom, Polynomial]

ONE = Atom("", ())


class NoRuleError(ValueError):
    """There is no rule here for this antiderivative."""


def atom(name: str, inner: Mapping[int, Fraction]) -> Atom:
    return Atom(name, tuple(sorted(inner.items())))


def term(coefficient: Fraction | int, power: int, of: Atom = ONE) -> Function:
    """coefficient * letter^power * atom."""
    return {of: {power: Fraction(coefficient)}}


def plus(*parts: Function) -> Function:
    total: Function = {}
    for part in parts:
        for one, factor in part.items():
            total[one] = summed(total.get(one, {}), factor)
    return {one: factor for one, factor in total.items() if factor}


def times(factor: Mapping[int, Fraction], one: Function) -> Function:
    return {of: product(factor, beside) for of, beside in one.items()}


def terms(one: Function) -> list[tuple[Fraction, int, Atom]]:
    """(coefficient, power, atom) in the order of writing: the constant atom last, high powers first."""
    ordered = sorted(one, key=lambda of: (of == ONE, of))
    return [(one[of][power], power, of) for of in ordered for power in sorted(one[of], reverse=True)]


# Rules


def differentiate(one: Function) -> Function:
    """Sum, product and chain rule."""
    return plus(*(plus({of: derivative(factor)}, times(factor, _derivative_of(of))) for of, factor in one.items()))


def _derivative_of(of: Atom) -> Function:
    inner = dict(of.inner)
    slope = derivative(inner)
    if of.name == "sin":
        return {atom("cos", inner): slope}
    if of.name == "cos":
        return {atom("sin", inner): scaled(slope, -1)}
    if of.name == "exp":
        return {of: slope}
    if of.name == "ln":  # of a multiple of the letter: 1/x
        return {ONE: {-1: Fraction(1)}}
    if of.name.startswith("^"):
        power = int(of.name[1:])
        below = {ONE: inner} if power == 2 else {atom(f"^{power - 1}", inner): {0: Fraction(1)}}
        return times(scaled(slope, power), below)
    return {}


def integrate(one: Function) -> Function:
    """The antiderivative without a constant; raises NoRuleError."""
    return plus(*(_antiderivative_of(of, factor) for of, factor in one.items()))


def _antiderivative_of(of: Atom, factor: Polynomial) -> Function:
    inner = dict(of.inner)
    if of == ONE:
        rest = {power: value for power, value in factor.items() if power != -1}
        logarithm = {Atom("ln|", ((1, Fraction(1)),)): {0: factor[-1]}} if -1 in factor else {}
        return plus({ONE: antiderivative(rest)}, logarithm)
    if of.name.startswith("^") and degree(inner) == 1 and set(factor) == {0}:
        power = int(of.name[1:]) + 1
        return {atom(f"^{power}", inner): {0: factor[0] / (power * inner[1])}}
    if of.name == "ln" and inner == {1: 1}:
        whole = antiderivative(factor)
        over = {power - 1: value for power, value in whole.items()}
        return plus({of: whole}, {ONE: scaled(antiderivative(over), -1)})
    if of.name in ("sin", "cos", "exp") and set(inner) == {1}:
        return _by_parts(of, factor, inner[1])
    raise NoRuleError(of.name)


def _by_parts(of: Atom, factor: Polynomial, slope: Fraction) -> Function:
    """Integrate sin, cos or exp, differentiate the factor, until it is gone."""
    found: Function = {}
    sign = Fraction(1)
    while factor:
        following = {"sin": "cos", "cos": "sin", "exp": "exp"}[of.name]
        sign = sign * (-1 if of.name == "sin" else 1) / slope
        of = Atom(following, of.inner)
        found = plus(found, {of: scaled(factor, sign)})
        factor, sign = derivative(factor), -sign
    return found


# Text


def write(one: Function, letter: str) -> str:
    return joined(_write_term(*part, letter) for part in terms(one))


def _write_term(coefficient: Fraction, power: int, of: Atom, letter: str) -> str:
    if of == ONE:
        return written({power: coefficient}, letter)
    inner = written(dict(of.inner), letter)
    text = f"({inner}){of.name}" if of.name.startswith("^") else f"{of.name}{inner}|" if of.name == "ln|" else ""
    text = text or f"{of.name}({inner})"
    front = power_of(letter, power)
    return coefficient_times(coefficient, f"{front}*{text}" if front else text)


def read_function(text: str, letter: str) -> Function | None:
    """The function that a text is, no term twice; None for any other text."""
    found: Function = {}
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or match[0] in ("", "+", "-") or (match[1] != "-" and bool(position) != bool(match[1])):
            return None
        one = _read_term(match, letter)
        if one is None or any(power in found.get(of, {}) for of, factor in one.items() for power in factor):
            return None
        found = plus(found, one)
        position = match.end()
    return found or None


def _read_term(match: re.Match[str], letter: str) -> Function | None:
    sign, number, name, raised, star, function, inner, base, exponent, over = match.groups()
    if (name and name != letter) or (over and (over != f"/{letter}" or name or star or not number)):
        return None
    inside = read(inner or base, letter) if inner or base else None
    if bool(star) != bool(name and (function or base)) or ((inner or base) and not inside):
        return None
    power = -1 if over else int(raised) if raised else 1 if name else 0
    coefficient = Fraction(int(number or 1) * (-1 if sign == "-" else 1))
    if inside is None:
        return term(coefficient, power) if number or name else None
    return term(coefficient, power, atom(function or f"^{exponent}", inside))
