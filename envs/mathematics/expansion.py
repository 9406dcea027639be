"""The task `expand` of `calculus`: `expand((x+1)(2x-3))`.

Levels by how many products of terms have to be made and how large they are: 1 two factors x+a; 2 two linear factors
with another leading coefficient; 3 a linear and a quadratic factor (6 products); 4 two quadratic ones (9); 5 three
linear ones (10); 6 two linear and a quadratic one (13). The reply multiplies each term of a factor by what is there so
far, and then has their sum. Factors are in the order of degree and coefficients.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import combinations_with_replacement, product

from envs.base import reject
from envs.mathematics.calculus_task import Task
from envs.mathematics.polynomials import coefficients, degree, polynomial, read, written
from envs.mathematics.polynomials import product as multiplied
from envs.mathematics.spaces import LETTERS, Space, Work
from selfplay.types import Rejection

Coefficients = tuple[int, ...]

LINEAR, SMALL_LINEAR, QUADRATIC = (5, 9), (3, 5), (3, 5, 5)
"""Largest coefficients; the small ones where there are three factors."""
LEVELS = {(1, 1): 1, (1, 2): 3, (2, 2): 4, (1, 1, 1): 5, (1, 1, 2): 6}

_FACTORS = re.compile(r"(?:\([^()]+\)){2,3}")


class Expansion(Task):
    """See the module."""

    head = "expand("
    example = "expand((x+1)(2x-3))"
    check = "expanded"
    pieces = (":", ";")

    def spaces(self, level: int) -> Sequence[Space]:
        monic = [one for one in boxed(LINEAR) if one[0] == 1]
        pairs: Sequence[tuple[Coefficients, ...]]
        if level <= 2:
            pairs = pairs_of(LINEAR)
            return [
                Space(
                    (LETTERS, [pair for pair in pairs if (pair[0] in monic and pair[1] in monic) == (level == 1)]),
                    _text,
                )
            ]
        if level == 3:
            return [Space((LETTERS, boxed(LINEAR), boxed(QUADRATIC)), lambda letter, *both: _text(letter, both))]
        if level == 4:
            return [Space((LETTERS, pairs_of(QUADRATIC)), _text)]
        if level == 5:
            return [Space((LETTERS, list(combinations_with_replacement(boxed(SMALL_LINEAR), 3))), _text)]
        small = pairs_of(SMALL_LINEAR)
        return [Space((LETTERS, small, boxed(QUADRATIC)), lambda letter, pair, last: _text(letter, (*pair, last)))]

    def read(self, body: str, letter: str) -> tuple[str, int] | Rejection:
        """Body and level, or `grammar`, `shape` (which degrees) or `range`."""
        if not _FACTORS.fullmatch(body):
            return reject("grammar", body)
        read_ones = [read(text, letter) for text in body[1:-1].split(")(")]
        factors = [one for one in read_ones if one]
        if len(factors) < len(read_ones):
            return reject("grammar", body)
        found = sorted(tuple(int(value) for value in coefficients(one, degree(one))) for one in factors)
        found.sort(key=len)
        level = LEVELS.get(tuple(len(one) - 1 for one in found))
        if level is None or not all(one[-1] for one in found):
            return reject("shape", body)
        linear = LINEAR if len(found) == 2 else SMALL_LINEAR
        if not all(_fits(one, linear if len(one) == 2 else QUADRATIC) for one in found):
            return reject("range", body)
        return _text(letter, found), 2 if level == 1 and any(one[0] > 1 for one in found) else level

    def work(self, body: str, letter: str) -> Work:
        first, *others = (read(text, letter) or {} for text in body[1:-1].split(")("))
        steps = []
        for other in others:
            for power in sorted(other, reverse=True):
                part = {power: other[power]}
                steps.append(f"{written(part, letter)}:{written(multiplied(part, first), letter)}")
            first = multiplied(first, other)
            if len(others) > 1:
                steps.append(written(first, letter))
        return Work(tuple(steps[:-1] if len(others) > 1 else steps), written(first, letter), {})

    def question(self, body: str, letter: str) -> str:
        return f"Expand {body} and collect like terms."


def _fits(one: Coefficients, box: Coefficients) -> bool:
    """Whether coefficients are in a box, the first positive and the last not 0."""
    return one[0] > 0 and all(abs(value) <= most for value, most in zip(one, box, strict=True))


@cache
def boxed(box: Coefficients) -> tuple[Coefficients, ...]:
    """All polynomials of a box, in order."""
    ranges = [range(1, box[0] + 1), *(range(-most, most + 1) for most in box[1:])]
    return tuple(one for one in product(*ranges) if one[-1])


@cache
def pairs_of(box: Coefficients) -> tuple[tuple[Coefficients, Coefficients], ...]:
    return tuple(combinations_with_replacement(boxed(box), 2))


def _text(letter: str, factors: Sequence[Coefficients]) -> str:
    return "".join(f"({written(polynomial(*one), letter)})" for one in factors)
