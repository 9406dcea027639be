"""Power series around 0 of the functions of `envs.mathematics.elementary`, exact up to a fixed order."""

from __future__ import annotations

import math
from fractions import Fraction

from envs.mathematics.elementary import ONE, Atom, Function, NoRuleError
from envs.mathematics.polynomials import Polynomial, product, scaled, summed

NAMES = ("sin", "cos", "exp", "ln")
MAX_ORDER = 6
"""How far a series is computed."""


def series(one: Function) -> Polynomial:
    """Powers of the letter up to `MAX_ORDER`, around 0; raises NoRuleError where a logarithm or 1/x has none."""
    total: Polynomial = {}
    for of, factor in one.items():
        if min(factor) < 0:
            raise NoRuleError("1/x at 0")
        total = summed(total, product(factor, _series_of(of)))
    return {power: value for power, value in total.items() if power <= MAX_ORDER}


def _series_of(of: Atom) -> Polynomial:
    inner = dict(of.inner)
    start = inner.pop(0, Fraction(0))
    if of == ONE:
        return {0: Fraction(1)}
    if of.name.startswith("^"):
        return product(*[dict(of.inner)] * int(of.name[1:]))
    if start != (1 if of.name == "ln" else 0) or of.name not in NAMES:
        raise NoRuleError(f"{of.name} that is not expanded here")
    total: Polynomial = {}
    power: Polynomial = {0: Fraction(1)}
    for order in range(MAX_ORDER + 1):
        total = summed(total, scaled(power, _taylor(of.name, order)))
        power = {raised: value for raised, value in product(power, inner).items() if raised <= MAX_ORDER}
    return total


def _taylor(name: str, order: int) -> Fraction:
    if name == "ln":
        return Fraction((-1) ** (order + 1), order) if order else Fraction(0)
    if name == "exp":
        return Fraction(1, math.factorial(order))
    odd = name == "sin"
    return Fraction((-1) ** (order // 2), math.factorial(order)) if order % 2 == odd else Fraction(0)
