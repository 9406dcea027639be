"""Quadratic equations in one unknown, solved by discriminant: the kind `quadratic` of `equations`.

A problem is `x^2+3x-10=0` or, with terms on both sides, `3x^2+x-5=2x^2-2x+5`. Each level adds work to the one before:

1. leading coefficient 1 and whole solutions from -9 to 9;
2. whole solutions and another leading coefficient, up to 12, so that the formula has to divide;
3. a solution that is a fraction, with a denominator up to 4, so that there is something to cancel;
4. terms on both sides, to be gathered first; the equation is then one of levels 1 to 3;
5. irrational solutions, where a root has to be simplified and carried along, or none at all;
6. terms on both sides and an equation of level 5.

Without rational solutions coefficients are at most 5, 12 and 12; those of a right-hand side are at most 3, 9 and 9. The
reply gathers, gives the discriminant, its root and each solution, and then all solutions, `x=-5 or x=2`. `math_answer`
judges: a set, a list and ± say the same, and a solution too few or too many is wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, product

from envs.base import reject
from envs.mathematics.polynomials import (
    Polynomial,
    coefficients,
    degree,
    polynomial,
    read,
    scaled,
    summed,
    written,
)
from envs.mathematics.spaces import LETTERS, Space, Work
from envs.mathematics.surds import Triple, solved
from envs.mathematics.worked import WorkedProblems
from selfplay.types import Problem, Rejection

NONE = "no real solutions"
MAX_ROOT, MAX_LEADING = 9, 12
SURDS = (5, 12, 12)
"""Largest coefficients of an equation without rational solutions."""
RIGHT = (3, 9, 9)
"""Largest coefficients of a right-hand side."""

_NUMBERED = re.compile(r"(?<![A-Za-z])([a-z])_(?:[12]|\{[12]\})")
_NO_SOLUTIONS = re.compile(r"(?:there (?:are|is) )?no real (?:solutions?|roots?)(?: exists?)?\.?", re.IGNORECASE)


class QuadraticEquations(WorkedProblems):
    """The environment `equations`, kind `quadratic`."""

    name = "equations"
    verifier = "math_answer"
    highest = 6
    proposal = (
        "Write one quadratic equation in one unknown for somebody to solve, on one line and without spaces. Its "
        f"unknown is one of {' '.join(LETTERS)} and its coefficients are whole numbers: either {MAX_LEADING} at most "
        f"before the square, with solutions from -{MAX_ROOT} to {MAX_ROOT} (fractions have a denominator up to 4), or "
        "at most 5, 12 and 12. There may be terms on both sides. For example: 2x^2+3x-5=0"
    )

    def spaces(self, level: int) -> Sequence[Space]:
        if level in (4, 6):
            gathered = [one for below in ((1, 2, 3) if level == 4 else (5,)) for one in equations_of(below)]
            return [Space((LETTERS, gathered, right_sides()), _two_sided)]
        return [Space((LETTERS, equations_of(level)), _one_sided)]

    def read(self, text: str) -> tuple[str, int] | Rejection:
        """Text and level, or `grammar`, `degree` (not 2) or `range` (the square's coefficient is negative, too)."""
        sides = _sides(text)
        if sides is None:
            return reject("grammar", text)
        letter, left, right = sides
        gathered = summed(left, scaled(right, -1))
        if max(degree(left), degree(right), degree(gathered)) != 2 or degree(gathered) != 2:
            return reject("degree", text)
        level = level_of(_triple(gathered))
        fits = all(abs(value) <= most for value, most in zip(_triple(right), RIGHT, strict=True))
        if level is None or not fits:
            return reject("range", text)
        if right:
            level = 6 if level == 5 else 4
        return f"{written(left, letter)}={written(right, letter)}", level

    def letters(self, text: str) -> str:
        return next(character for character in text if character in LETTERS)

    def question(self, text: str) -> str:
        letter = self.letters(text)
        form = f"as in `{letter}=-5 or {letter}=2`; if there are none, write `{NONE}`"
        return f"Find all real solutions of this equation, {form}.\n\n{text}"

    def work(self, text: str) -> Work | Rejection:
        sides = _sides(text)
        if sides is None:
            return reject("grammar", text)
        letter, left, right = sides
        gathered = summed(left, scaled(right, -1))
        steps = [f"{written(gathered, letter)}=0"] if right else []
        formula, solutions = solved(_triple(gathered))
        reference = " or ".join(f"{letter}={one}" for one in solutions) or NONE
        return Work((*steps, *formula), reference, {"extraction": "whole"})

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        """As elsewhere; `x_1` is x, and a sentence that there are no solutions is `no real solutions`."""
        said = super().read_answer(problem, completion)
        if said is None or _NO_SOLUTIONS.fullmatch(said):
            return NONE if said else None
        return _NUMBERED.sub(r"\1", said)

    def vocabulary(self) -> list[str]:
        if self.options.style == "instruct":
            return super().vocabulary()
        pieces = ["^2", "=", "+", "-", "/", "(", ")", ";"]
        words = ["D=", "r=", " or "]
        if self.levels[-1] >= 5:
            words += ["sqrt(", NONE]
        return ["<solve>", "<propose>", *"0123456789", *LETTERS, *pieces, *words]


def level_of(equation: Triple) -> int | None:
    """The level of ax^2+bx+c=0, or None if its numbers are out of range. The leading coefficient is positive."""
    a, b, c = equation
    if not 0 < a <= MAX_LEADING or abs(b) > 1000 or abs(c) > 1000:
        return None
    root = math.isqrt(max(0, b * b - 4 * a * c))
    if root * root == b * b - 4 * a * c:
        solutions = [Fraction(-b + sign * root, 2 * a) for sign in (-1, 1)]
        if any(abs(one.numerator) > MAX_ROOT or one.denominator > 4 for one in solutions):
            return None
        if any(one.denominator > 1 for one in solutions):
            return 3
        return 1 if a == 1 else 2
    return 5 if all(abs(value) <= most for value, most in zip(equation, SURDS, strict=True)) else None


@cache
def equations_of(level: int) -> tuple[Triple, ...]:
    """All of level 1, 2, 3 or 5."""
    if level == 5:
        a, b, c = SURDS
        box = product(range(1, a + 1), range(-b, b + 1), range(-c, c + 1))
        return tuple((a, b, c) for a, b, c in box if level_of((a, b, c)) == 5)
    values = sorted({Fraction(n, d) for d in range(1, 5) for n in range(-MAX_ROOT, MAX_ROOT + 1)})
    found: list[Triple] = []
    for first, second in combinations_with_replacement(values, 2):
        smallest = first.denominator * second.denominator
        unit = _triple(polynomial(1, -(first + second), first * second), scale=smallest)
        primitive = math.gcd(*unit)
        for leading in range(1, MAX_LEADING + 1):
            if leading * primitive % unit[0] == 0:
                one = (leading, unit[1] * leading // unit[0], unit[2] * leading // unit[0])
                if level_of(one) == level:
                    found.append(one)
    return tuple(found)


@cache
def right_sides() -> tuple[Triple, ...]:
    """All right-hand sides but zero."""
    boxes = [range(-most, most + 1) for most in RIGHT]
    return tuple((a, b, c) for a, b, c in product(*boxes) if a or b or c)


def _triple(one: Polynomial, scale: int = 1) -> Triple:
    a, b, c = coefficients(one, 2)
    return int(a * scale), int(b * scale), int(c * scale)


def _sides(text: str) -> tuple[str, Polynomial, Polynomial] | None:
    letter = next((character for character in text if character.isalpha()), "")
    sides = text.split("=")
    if letter not in LETTERS or not letter or len(sides) != 2:
        return None
    left, right = (read(side, letter) for side in sides)
    return (letter, left, right) if left is not None and right is not None else None


def _one_sided(letter: str, equation: Triple) -> str:
    return f"{written(polynomial(*equation), letter)}=0"


def _two_sided(letter: str, gathered: Triple, right: Triple) -> str:
    left = summed(polynomial(*gathered), polynomial(*right))
    return f"{written(left, letter)}={written(polynomial(*right), letter)}"
