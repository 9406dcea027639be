"""Inequalities in one unknown, linear and quadratic: the kind `inequality` of `equations`.

A problem is `-2x+3<=x+9` or `x^2-x-6>0`. Each level adds to the work or to the care that is needed:

1. `x+3<5`: move a number;
2. `2x+3<5`: move a number, divide by a positive one;
3. `-2x+3<5`: divide by a negative one, which turns the sign;
4. the unknown on both sides: gather, then as in level 2 or 3;
5. `x^2-x-6>0` with whole solutions of the equation, from -9 to 9: find them, and say where the sign is right;
6. the same with another leading coefficient, negative (turn the sign first) or with fractions.

The reply transforms, and then says the solutions as `x<3`, `-2<x<3` or `x<-2 or x>3`. `math_answer` judges: intervals,
unions and relations say the same, in solved form only. Inequalities that hold for every or no number are not drawn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations

from envs.base import reject
from envs.mathematics.polynomials import Polynomial, coefficients, degree, polynomial, read, written
from envs.mathematics.quadratics import MAX_ROOT, equations_of, level_of
from envs.mathematics.spaces import LETTERS, Space, Work
from envs.mathematics.surds import Triple, solved
from envs.mathematics.worked import WorkedProblems
from selfplay.types import Problem, Rejection

SIGNS = ("<", ">", "<=", ">=")
TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
MAX_NUMBER, MAX_RIGHT = 9, 20

_SIGN = re.compile("<=|>=|<|>")
_INFINITY = re.compile(r"(?<![A-Za-z\\])oo(?![A-Za-z])")
_UNION = re.compile(r"(?<=[)\]])\s*[Uu]\s*(?=[(\[])")


class Inequalities(WorkedProblems):
    """The environment `equations`, kind `inequality`."""

    name = "equations"
    verifier = "math_answer"
    highest = 6
    proposal = (
        "Write one inequality in one unknown for somebody to solve, on one line and without spaces. Its unknown is one "
        f"of {' '.join(LETTERS)}, its sign one of {' '.join(SIGNS)}. It is linear with whole numbers up to "
        f"{MAX_NUMBER}, or quadratic with 0 on the right-hand side and two different solutions of the equation from "
        f"-{MAX_ROOT} to {MAX_ROOT} (fractions have a denominator up to 4). For example: -2x+3<=x+9"
    )

    def spaces(self, level: int) -> Sequence[Space]:
        numbers = range(-MAX_NUMBER, MAX_NUMBER + 1)
        if level <= 3:
            slopes = {1: [1], 2: range(2, MAX_NUMBER + 1), 3: range(-MAX_NUMBER, 0)}[level]
            added_numbers = [one for one in numbers if one or level > 1]
            right = range(-MAX_RIGHT, MAX_RIGHT + 1)
            return [Space((LETTERS, slopes, added_numbers, SIGNS, [0], right), _linear)]
        if level == 4:
            pairs = [(a, c) for a in numbers for c in numbers if a and c and a != c]
            return [Space((LETTERS, pairs, numbers, SIGNS, numbers), _two_sided)]
        return [Space((LETTERS, quadratics_of(level), SIGNS), _quadratic)]

    def read(self, text: str) -> tuple[str, int] | Rejection:
        """Text and level, or `grammar`, `range`, or `shape`: solved already, the unknown on the right only, ..."""
        parts = _parts(text)
        if parts is None:
            return reject("grammar", text)
        letter, left, sign, right = parts
        if degree(left) == 2 and not right:
            level = quadratic_level(_triple(left))
        elif degree(left) == 1 and degree(right) <= 1 and left[1] != right.get(1) and (left != {1: 1} or 1 in right):
            level = _linear_level(left, right)
        else:
            return reject("shape", text)
        canonical = f"{written(left, letter)}{sign}{written(right, letter)}"
        return (canonical, level) if level is not None else reject("range", text)

    def letters(self, text: str) -> str:
        return next(character for character in text if character in LETTERS)

    def question(self, text: str) -> str:
        letter = self.letters(text)
        form = f"as in `{letter}<3`, `-2<={letter}<5` or `{letter}<-2 or {letter}>5`"
        return f"Find all real numbers for which this inequality holds, {form}.\n\n{text}"

    def work(self, text: str) -> Work | Rejection:
        parts = _parts(text)
        if parts is None:
            return reject("grammar", text)
        letter, left, sign, right = parts
        steps, reference = (
            _solved_quadratic(letter, _triple(left), sign)
            if degree(left) == 2
            else _solved_linear(letter, left, sign, right)
        )
        return Work(tuple(steps), reference, {"extraction": "whole"})

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        """As elsewhere, with `oo` and `U` between intervals as infinity and union."""
        said = super().read_answer(problem, completion)
        return None if said is None else _UNION.sub(r" \\cup ", _INFINITY.sub(r"\\infty ", said)).strip()

    def vocabulary(self) -> list[str]:
        if self.options.style == "instruct":
            return super().vocabulary()
        pieces = ["+", "-", "/", ";", *SIGNS]
        if self.levels[-1] >= 5:
            pieces += ["^2", "=", "(", ")", "D=", "r=", " or "]
        return ["<solve>", "<propose>", *"0123456789", *LETTERS, *pieces]


def _linear_level(left: Polynomial, right: Polynomial) -> int | None:
    slope, number = (int(one) for one in coefficients(left, 1))
    other, rest = (int(one) for one in coefficients(right, 1))
    if max(abs(slope), abs(other), abs(number)) > MAX_NUMBER or abs(rest) > (MAX_NUMBER if other else MAX_RIGHT):
        return None
    return 4 if other else 3 if slope < 0 else 1 if slope == 1 else 2


def quadratic_level(one: Triple) -> int | None:
    """5 or 6, or None if the equation has fewer than two solutions or other than small rational ones."""
    a, b, c = one
    level = level_of((a, b, c) if a > 0 else (-a, -b, -c))
    if level not in (1, 2, 3) or b * b == 4 * a * c:
        return None
    return 5 if a == 1 and level == 1 else 6


@cache
def quadratics_of(level: int) -> tuple[Triple, ...]:
    """All left-hand sides of level 5 or 6."""
    if level == 5:
        return tuple((1, -r - s, r * s) for r, s in combinations(range(-MAX_ROOT, MAX_ROOT + 1), 2))
    positive = [one for below in (1, 2, 3) for one in equations_of(below)]
    both = [*positive, *((-a, -b, -c) for a, b, c in positive)]
    return tuple(one for one in both if quadratic_level(one) == 6)


def _solved_linear(letter: str, left: Polynomial, sign: str, right: Polynomial) -> tuple[list[str], str]:
    slope, rest = left[1] - right.get(1, 0), right.get(0, Fraction(0)) - left.get(0, Fraction(0))
    moved = f"{written({1: slope}, letter)}{sign}{rest}"
    answer = f"{letter}{sign if slope > 0 else TURNED[sign]}{rest / slope}"
    return [moved] * (moved != answer), answer


def _solved_quadratic(letter: str, left: Triple, sign: str) -> tuple[list[str], str]:
    steps = []
    if left[0] < 0:
        left, sign = (-left[0], -left[1], -left[2]), TURNED[sign]
        steps.append(_quadratic(letter, left, sign))
    formula, (low, high) = solved(left)
    if sign.startswith("<"):
        return steps + formula, f"{low}{sign}{letter}{sign}{high}"
    return steps + formula, f"{letter}{TURNED[sign]}{low} or {letter}{sign}{high}"


# Text


def _triple(one: Polynomial) -> Triple:
    a, b, c = coefficients(one, 2)
    return int(a), int(b), int(c)


def _parts(text: str) -> tuple[str, Polynomial, str, Polynomial] | None:
    letter = next((character for character in text if character.isalpha()), "")
    sides, signs = _SIGN.split(text), _SIGN.findall(text)
    if not letter or letter not in LETTERS or len(sides) != 2:
        return None
    left, right = (read(side, letter) for side in sides)
    return (letter, left, signs[0], right) if left is not None and right is not None else None


def _linear(letter: str, slope: int, number: int, sign: str, other: int, rest: int) -> str:
    return f"{written(polynomial(slope, number), letter)}{sign}{written(polynomial(other, rest), letter)}"


def _two_sided(letter: str, slopes: tuple[int, int], number: int, sign: str, rest: int) -> str:
    return _linear(letter, slopes[0], number, sign, slopes[1], rest)


def _quadratic(letter: str, left: Triple, sign: str) -> str:
    return f"{written(polynomial(*left), letter)}{sign}0"
