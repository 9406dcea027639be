"""Two linear equations in two unknowns, solved by elimination: the kind `system` of `equations`.

A problem is `2x+3y=7,x-y=1`: unknowns in alphabetical order, no coefficient 0. Each level adds work to one before:

1. an unknown has the same coefficient in both, up to its sign: add or subtract at once;
2. a coefficient is a multiple of the other one of its unknown: one equation is multiplied first;
3. none is: both are multiplied;
4. as level 3, with a solution that is no whole number, so that fractions are substituted;
5. as level 3, with terms on both sides, `2x+3=-5y+4,3x+1=4y-2`, to be gathered first.

Coefficients are at most 6 and whole solutions from -9 to 9; on level 4 all numbers are at most 5. The reply multiplies,
eliminates, divides, substitutes, and says `x=2 and y=1`. A pair such as `(2,1)` is read as that, in the alphabetical
order of the unknowns; `math_answer` judges. Systems without exactly one solution are no problems here.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import combinations, product

from envs.base import reject
from envs.mathematics.elimination import Row, Side, eliminated, read_side, row, side
from envs.mathematics.spaces import LETTERS, Space, Work
from envs.mathematics.worked import WorkedProblems
from selfplay.types import Draft, Problem, Rejection

Coefficients = tuple[int, int, int, int]
"""Of the first equation, then of the second."""

MAX_COEFFICIENT, MAX_SOLUTION, MAX_MOVED, MAX_SMALL = 6, 9, 9, 5

_PAIR = re.compile(r"(?:\(?([a-z]),([a-z])\)?=)?\{?\(([^(),]+),([^(),]+)\)\}?")


class Systems(WorkedProblems):
    """The environment `equations`, kind `system`."""

    name = "equations"
    verifier = "math_answer"
    highest = 5
    proposal = (
        "Write two linear equations in two unknowns for somebody to solve, on one line, with a comma between them and "
        f"without spaces. The unknowns are two of {' '.join(LETTERS)}, in alphabetical order, with whole coefficients "
        f"up to {MAX_COEFFICIENT} and whole solutions from -{MAX_SOLUTION} to {MAX_SOLUTION}. Such as: 2x+3y=7,x-y=1"
    )

    def spaces(self, level: int) -> Sequence[Space]:
        solutions = range(-MAX_SOLUTION, MAX_SOLUTION + 1)
        if level == 4:
            return _fractional()
        if level == 5:
            moved = [one for one in range(-MAX_MOVED, MAX_MOVED + 1) if one]
            return [Space((_pairs(), coefficients_of(3), solutions, solutions, moved, moved), _two_sided)]
        return [Space((_pairs(), coefficients_of(level), solutions, solutions), _one_sided)]

    def read(self, text: str) -> tuple[str, int] | Rejection:
        """Text and level, or `grammar`, `shape` (what stands on which side), `singular`, or `range`.

        `range` also says that fractions or terms on both sides come with coefficients too easy to eliminate.
        """
        letters = self.letters(text)
        equations = [equation.split("=") for equation in text.split(",")]
        if len(letters) != 2 or [len(equation) for equation in equations] != [2, 2]:
            return reject("grammar", text)
        sides = [read_side(one, letters) for equation in equations for one in equation]
        known = [one for one in sides if one is not None]
        if len(known) < 4 or not set(letters) <= set(LETTERS):
            return reject("grammar", text)
        rows, split = [_gathered(*known[:2]), _gathered(*known[2:])], _is_split(*known[:2])
        if split != _is_split(*known[2:]) or not (split or _is_plain(known)) or not all(rows[0][:2] + rows[1][:2]):
            return reject("shape", text)
        if rows[0][0] * rows[1][1] == rows[0][1] * rows[1][0]:
            return reject("singular", text)
        level = _level(rows, split=split)
        if level is None or max(abs(known[0][2]), abs(known[2][2])) > MAX_MOVED:
            return reject("range", text)
        first, second, third, fourth = (side(one, letters) for one in known)
        return f"{first}={second},{third}={fourth}", level

    def letters(self, text: str) -> str:
        return "".join(sorted({one for one in text if one.isalpha()}))

    def question(self, text: str) -> str:
        first, second = self.letters(text)[0], self.letters(text)[1]
        return f"Solve these two equations, as in `{first}=2 and {second}=1`.\n\n{text}"

    def work(self, text: str) -> Work | Rejection:
        letters = self.letters(text)
        rows: list[Row] = []
        steps: list[str] = []
        for equation in text.split(","):
            left, right = (read_side(one, letters) or (0, 0, 0) for one in equation.split("="))
            rows.append(_gathered(left, right))
            steps += [row(rows[-1], letters)] * _is_split(left, right)
        done, solution = eliminated(rows, letters)
        reference = " and ".join(f"{letter}={value}" for letter, value in zip(letters, solution, strict=True))
        return Work((*steps, *done), reference, {"extraction": "whole"})

    def reorder(self, draft: Draft, rng: random.Random) -> Draft:
        """The equations in random order."""
        return replace(draft, prompt=",".join(rng.sample(draft.prompt.split(","), 2)))

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        said = super().read_answer(problem, completion)
        if said is None:
            return None
        letters = self.letters(problem.prompt)
        squeezed = "".join(said.replace("\\left", "").replace("\\right", "").replace("$", "").split())
        pair = _PAIR.fullmatch(squeezed.replace("\\{", "{").replace("\\}", "}"))
        if pair is None or (pair[1] and pair[1] + pair[2] != letters):
            return said
        named = pair.expand(r"\3 and \4")
        return named if "=" in pair[3] else f"{letters[0]}={pair[3]} and {letters[1]}={pair[4]}"

    def vocabulary(self) -> list[str]:
        if self.options.style == "instruct":
            return super().vocabulary()
        pieces = ["+", "-", "=", ",", ";", " and ", *"/"[: self.levels[-1] >= 4]]
        return ["<solve>", "<propose>", *"0123456789", *LETTERS, *pieces]


def _gathered(left: Side, right: Side) -> Row:
    return Fraction(left[0] - right[0]), Fraction(left[1] - right[1]), Fraction(right[2] - left[2])


def _is_plain(sides: Sequence[Side]) -> bool:
    return not any((*sides[1][:2], *sides[3][:2], sides[0][2], sides[2][2]))


def _is_split(left: Side, right: Side) -> bool:
    """Whether the first unknown and a number are on the left, the second unknown on the right."""
    return bool(left[0] and left[2] and right[1]) and not left[1] and not right[0]


def _level(rows: Sequence[Row], *, split: bool) -> int | None:
    """The level of two gathered equations, or None if their numbers are out of range."""
    (a, b, right), (c, d, below) = rows
    x, y = (right * d - b * below) / (a * d - b * c), (a * below - c * right) / (a * d - b * c)
    easier = elimination((int(a), int(b), int(c), int(d)))
    largest = max(map(abs, (a, b, c, d)))
    if x.denominator == y.denominator == 1:
        if max(abs(x), abs(y)) > MAX_SOLUTION or largest > MAX_COEFFICIENT or (split and easier < 3):
            return None
        return 5 if split else easier
    small = max(largest, abs(right), abs(below)) <= MAX_SMALL
    return 4 if small and easier == 3 and not split else None


def elimination(rows: Coefficients) -> int:
    """How many equations the easier unknown needs to have multiplied, plus one."""
    a, b, c, d = map(abs, rows)
    return min(1 if p == q else 2 if max(p, q) % min(p, q) == 0 else 3 for p, q in ((a, c), (b, d)))


@cache
def coefficients_of(level: int) -> tuple[Coefficients, ...]:
    """All of level 1, 2 or 3."""
    values = [value for value in range(-MAX_COEFFICIENT, MAX_COEFFICIENT + 1) if value]
    box = ((a, b, c, d) for a, b, c, d in product(values, repeat=4) if a * d != b * c)
    return tuple(one for one in box if elimination(one) == level)


@cache
def _pairs() -> tuple[str, ...]:
    return tuple("".join(pair) for pair in combinations(LETTERS, 2))


@cache
def _fractional() -> tuple[Space, ...]:
    """Level 4: for each four coefficients, the right-hand sides that give no whole solution."""
    rights = list(product(range(-MAX_SMALL, MAX_SMALL + 1), repeat=2))
    found = []
    for one in coefficients_of(3):
        a, b, c, d = one
        if max(map(abs, one)) <= MAX_SMALL:
            det = a * d - b * c
            good = [(e, f) for e, f in rights if (e * d - b * f) % det or (a * f - c * e) % det]
            found.append(Space((_pairs(), [one], good), _with_right))
    return tuple(found)


def _one_sided(letters: str, rows: Coefficients, x: int, y: int) -> str:
    a, b, c, d = rows
    return _with_right(letters, rows, (a * x + b * y, c * x + d * y))


def _with_right(letters: str, rows: Coefficients, right: tuple[int, int]) -> str:
    a, b, c, d = rows
    return f"{side((a, b, 0), letters)}={right[0]},{side((c, d, 0), letters)}={right[1]}"


def _two_sided(letters: str, rows: Coefficients, x: int, y: int, moved: int, below: int) -> str:
    a, b, c, d = rows
    first = f"{side((a, 0, moved), letters)}={side((0, -b, a * x + b * y + moved), letters)}"
    return f"{first},{side((c, 0, below), letters)}={side((0, -d, c * x + d * y + below), letters)}"
