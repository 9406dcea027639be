"""Polynomials in one letter with exact fractions: arithmetic, text, rational roots. Read without evaluating anything.

A polynomial maps powers to coefficients that are not zero; powers may be negative where a term such as 3/x is meant.
Text is `3x^2-x/2+1`: highest power first, a coefficient before its letter, a denominator after it. Only whole
coefficients of up to three digits are read. It factors no further than into linear factors and a rest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache

Polynomial = dict[int, Fraction]

MAX_DEGREE = 9

_TERM = re.compile(r"([+-]?)(?:([1-9][0-9]{0,2})([a-z])?|([a-z]))(?:\^([2-9]))?")


def polynomial(*coefficients: int | Fraction) -> Polynomial:
    """From coefficients, the highest power first."""
    top = len(coefficients) - 1
    return {top - place: Fraction(value) for place, value in enumerate(coefficients) if value}


def summed(*parts: Mapping[int, Fraction]) -> Polynomial:
    total: Polynomial = {}
    for part in parts:
        for power, value in part.items():
            total[power] = total.get(power, Fraction(0)) + value
    return {power: value for power, value in total.items() if value}


def scaled(one: Mapping[int, Fraction], factor: int | Fraction) -> Polynomial:
    return {power: value * factor for power, value in one.items() if factor}


def product(*factors: Mapping[int, Fraction]) -> Polynomial:
    total: Polynomial = {0: Fraction(1)}
    for factor in factors:
        total = summed(*({p + q: v * w for q, w in factor.items()} for p, v in total.items()))
    return total


def degree(one: Mapping[int, Fraction]) -> int:
    """The highest power; -1 for zero."""
    return max(one, default=-1)


def coefficients(one: Mapping[int, Fraction], top: int) -> list[Fraction]:
    """From the power `top` down to the constant."""
    return [one.get(power, Fraction(0)) for power in range(top, -1, -1)]


def derivative(one: Mapping[int, Fraction]) -> Polynomial:
    return {power - 1: value * power for power, value in one.items() if power}


def antiderivative(one: Mapping[int, Fraction]) -> Polynomial:
    """The one without a constant; there must be no power -1."""
    return {power + 1: value / (power + 1) for power, value in one.items()}


def value_at(one: Mapping[int, Fraction], point: Fraction | int) -> Fraction:
    return sum((value * Fraction(point) ** power for power, value in one.items()), Fraction(0))


def shifted(one: Mapping[int, Fraction], point: Fraction | int) -> Polynomial:
    """The polynomial in h that `one` is at point + h."""
    parts = []
    for power, value in one.items():
        choices = (math.comb(power, k) * value * Fraction(point) ** (power - k) for k in range(power + 1))
        parts.append(dict(enumerate(choices)))
    return summed(*parts)


def divided_by_root(one: Mapping[int, Fraction], root: Fraction) -> Polynomial:
    """one / (x - root), the remainder left out."""
    quotient, carry = [], Fraction(0)
    for value in coefficients(one, degree(one))[:-1]:
        carry = carry * root + value
        quotient.append(carry)
    return polynomial(*quotient)


def content(one: Mapping[int, Fraction]) -> int:
    """The greatest common divisor of whole coefficients, with the sign of the first."""
    found = math.gcd(*(value.numerator for value in one.values()))
    return -found if one[degree(one)] < 0 else found


@lru_cache(maxsize=4096)
def _divisors(number: int) -> tuple[int, ...]:
    return tuple(one for one in range(1, number + 1) if number % one == 0)


def rational_roots(one: Mapping[int, Fraction]) -> tuple[list[Fraction], Polynomial]:
    """Roots of a polynomial with whole coefficients (of up to six digits), with multiplicity, and what is left.

    The rest is one divided by (x - root) for every root; it has no rational root.
    """
    roots: list[Fraction] = []
    rest = dict(one)
    while degree(rest) > 0:
        root = Fraction(0) if 0 not in rest else _one_root(rest)
        if root is None:
            break
        roots.append(root)
        rest = divided_by_root(rest, root)
    return sorted(roots), rest


def _one_root(one: Mapping[int, Fraction]) -> Fraction | None:
    scale = math.lcm(*(value.denominator for value in one.values()))
    first, last = (abs(int(value * scale)) for value in (one[degree(one)], one[0]))
    for below in _divisors(first):
        for above in _divisors(last):
            for root in (Fraction(above, below), Fraction(-above, below)):
                if value_at(one, root) == 0:
                    return root
    return None


# Text


def coefficient_times(value: Fraction, thing: str) -> str:
    """`-3x/2` from -3/2 and `x`; the number itself if there is no thing."""
    above, below = value.numerator, value.denominator
    front = str(above) if not thing or abs(above) != 1 else "-" if above < 0 else ""
    return f"{front}{thing}" + (f"/{below}" if below != 1 else "")


def power_of(letter: str, power: int) -> str:
    """`x^2`, `x`, or nothing for the power 0."""
    return "" if power == 0 else letter if power == 1 else f"{letter}^{power}"


def joined(terms: Iterable[str]) -> str:
    """A sum: terms with a plus sign before each that has no sign; `0` if there are none."""
    text = "".join(term if term.startswith("-") else f"+{term}" for term in terms)
    return text.removeprefix("+") or "0"


def written(one: Mapping[int, Fraction], letter: str) -> str:
    terms = []
    for power in sorted(one, reverse=True):
        if power >= 0:
            terms.append(coefficient_times(one[power], power_of(letter, power)))
        else:
            below = power_of(letter, -power)
            value = one[power]
            terms.append(f"{value.numerator}/{below if value.denominator == 1 else f'({value.denominator}{below})'}")
    return joined(terms)


def read(text: str, letter: str) -> Polynomial | None:
    """The polynomial that a text is in whole coefficients, no power twice; None for any other text."""
    if text == "0":
        return {}
    found: Polynomial = {}
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or (position and not match[1]):
            return None
        sign, number, name, alone, raised = match.groups()
        name = name or alone
        if (name and name != letter) or (raised and not name):
            return None
        power = int(raised) if raised else 1 if name else 0
        if power in found:
            return None
        found[power] = Fraction(int(number or 1) * (-1 if sign == "-" else 1))
        position = match.end()
    return found if text and not text.startswith("+") else None
