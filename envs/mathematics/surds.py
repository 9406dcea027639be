"""The quadratic formula with exact roots: its steps and its solutions as text, such as `9/4-sqrt(73)/4`.

Coefficients are whole numbers of a few digits, the first one positive. Complex solutions are not given.
"""

from __future__ import annotations

import math
from fractions import Fraction

from envs.mathematics.polynomials import coefficient_times, joined

Triple = tuple[int, int, int]
"""a, b and c of ax^2+bx+c."""


def solved(equation: Triple) -> tuple[list[str], list[str]]:
    """The steps by the formula, and the real solutions, the smaller one first."""
    a, b, c = equation
    discriminant = b * b - 4 * a * c
    steps = [f"D={b * b}{-4 * a * c:+d}={discriminant}"]
    solutions: list[str] = []
    if discriminant >= 0:
        outside, inside = simplified_root(discriminant)
        steps.append(f"r={surd(Fraction(outside), inside)}")
        for sign in (-1, 1)[: 2 if discriminant else 1]:
            above = joined([str(-b)] * (b != 0) + [surd(Fraction(sign * outside), inside)] * (outside != 0))
            solutions.append(with_surd(Fraction(-b, 2 * a), Fraction(sign * outside, 2 * a), inside))
            steps.append(f"({above})/{2 * a}={solutions[-1]}")
    return steps, solutions


def simplified_root(number: int) -> tuple[int, int]:
    """(m, n) with m * sqrt(n) the root of a whole number, n as small as possible.

    >>> simplified_root(72)
    (6, 2)
    """
    outside = max((one for one in range(1, math.isqrt(number) + 1) if number % (one * one) == 0), default=0)
    return outside, number // (outside * outside) if outside else 1


def surd(factor: Fraction, inside: int) -> str:
    """factor * sqrt(inside) as text."""
    return coefficient_times(factor, f"sqrt({inside})" if inside > 1 else "")


def with_surd(whole: Fraction, factor: Fraction, inside: int) -> str:
    """whole + factor * sqrt(inside) as text, one number where the root is whole."""
    if inside == 1:
        return str(whole + factor)
    return joined([str(whole)] * (whole != 0) + [surd(factor, inside)])
