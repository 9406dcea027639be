"""Two linear equations in two unknowns: their text, and solving them by elimination, with the steps.

Numbers are whole or fractions; the equations must have exactly one solution and no coefficient 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction

from envs.mathematics.polynomials import coefficient_times, joined

Row = tuple[Fraction, Fraction, Fraction]
"""a, b and c of ax+by=c."""
Side = tuple[int, int, int]
"""Coefficients of the two unknowns on one side of an equation, and the number there."""

_TERM = re.compile(r"([+-]?)(?:([1-9][0-9]{0,2})([a-z])?|([a-z]))")


def eliminated(rows: Sequence[Row], letters: str) -> tuple[list[str], tuple[Fraction, Fraction]]:
    """Steps and solution: eliminate the unknown whose coefficients need the smaller factors, the second if equal."""
    costs = []
    for place in (1, 0):
        first, second = int(rows[0][place]), int(rows[1][place])
        common = math.lcm(first, second)
        costs.append((common // abs(first) * (common // abs(second)), place, common // first, common // second))
    _, gone, factor, other = min(costs, key=lambda cost: cost[0])
    if factor < 0:
        factor, other = -factor, -other
    one, two = (tuple(value * by for value in numbers) for numbers, by in zip(rows, (factor, other), strict=True))
    steps = [row(numbers, letters) for numbers, by in ((one, factor), (two, other)) if abs(by) != 1]
    kept, right = one[1 - gone] - two[1 - gone], one[2] - two[2]
    known = right / kept
    steps += [f"{coefficient_times(kept, letters[1 - gone])}={right}"] * (kept != 1)
    steps.append(f"{letters[1 - gone]}={known}")
    beside, rest = rows[0][gone], rows[0][2] - rows[0][1 - gone] * known
    steps += [f"{coefficient_times(beside, letters[gone])}={rest}"] * (beside != 1)
    found = rest / beside
    steps.append(f"{letters[gone]}={found}")
    return steps, (known, found) if gone else (found, known)


def row(numbers: Sequence[Fraction], letters: str) -> str:
    return f"{side((numbers[0], numbers[1], 0), letters)}={numbers[2]}"


def side(numbers: Sequence[Fraction | int], letters: str) -> str:
    things = zip(numbers, (*letters, ""), strict=True)
    return joined(coefficient_times(Fraction(value), thing) for value, thing in things if value)


def read_side(text: str, letters: str) -> Side | None:
    """Coefficients of the two unknowns, and the number; None for any other text."""
    if text == "0":
        return 0, 0, 0
    found: dict[str, int] = {}
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or (position and not match[1]) or (not position and match[1] == "+"):
            return None
        name = match[3] or match[4] or ""
        if name in found or (name and name not in letters):
            return None
        found[name] = int(match[2] or 1) * (-1 if match[1] == "-" else 1)
        position = match.end()
    return (found.get(letters[0], 0), found.get(letters[1], 0), found.get("", 0)) if found else None
