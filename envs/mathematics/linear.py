"""Linear equations in one unknown: move the numbers to the right-hand side, one a step, until the unknown is alone.

A problem is `x+3-5=4`: an unknown, distinct signed numbers from 1 to 9, and a right-hand side from 0 to 19; its level
is how many numbers have to be moved. They are moved in a fixed order (smallest first, + before -), and the right-hand
side stays between 0 and 19 at every step, by construction. The reply says the right-hand side after every step and
then, apart from this work, the answer: `x:4;+3:1;-5:6;x=6`. The canonical text has its numbers in the order of moving;
a solver sees them shuffled, so the next number is found by looking for it and not by counting places. The reference is
computed from the parsed numbers (origin GENERATED); an answer is checked by substitution (`math_answer`, which hands
equations to `sympy_equal`'s judge).

It judges nothing: steps are never checked, and any number that satisfies the equation is right, however it was found.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from envs.base import TextEnvironment
from envs.mathematics.worked import MAX_ANSWER_CHARACTERS, Chosen
from selfplay.errors import FieldError
from selfplay.types import Draft, Message, Origin, Problem, Prompt, Rejection

UNKNOWNS = "abkmnxyz"
MAX_VALUE = 19
TERMS = tuple(f"{sign}{number}" for number in range(1, 10) for sign in "+-")
"""In the order in which they are moved."""
MAX_LEVEL = len(TERMS) - 2  # beyond, too few different equations are left
MAX_REDRAWS = 1000
"""How often `mutate` tries to keep the right-hand side in range before it returns the draft as it was."""

_EQUATION = re.compile(r"([abkmnxyz])((?:[+-][1-9])+)=(1?[0-9])")
_TERM = re.compile(r"[+-][1-9]")
_TRACE = re.compile(r"([abkmnxyz]):[0-9]+;(?:[+-][1-9]:-?[0-9]+;)*\1=-?[0-9]+")
_NUMBER = re.compile(r"-?[0-9]{1,100}(?:/[0-9]{1,100})?")

_INSTRUCT_SOLVER = (
    "Solve this equation. Move its numbers to the right-hand side one by one, the smallest first and + before -. After "
    "each step write the number that you moved, a colon, what the right-hand side is then, and a semicolon. At the end "
    "write the unknown, an equals sign and its value. The reply to `x-5+3=4` is `x:4;+3:1;-5:6;x=6`.\n\n"
)
_INSTRUCT_PROPOSER = (
    "Write one equation for somebody to solve, on one line and without spaces: one of the unknowns "
    f"{' '.join(UNKNOWNS)}, then different numbers from 1 to 9, each with its sign + or -, then an equals sign and a "
    f"number from 0 to {MAX_VALUE}. When its numbers are moved to the right-hand side one by one, the smallest first "
    f"and + before -, the right-hand side must never leave 0 to {MAX_VALUE}. For example: x+3-5=4"
)


class LinearEquations(TextEnvironment):
    """The environment `equations`, kind `linear`."""

    name = "equations"
    verifier = "math_answer"

    def __init__(self, options: Chosen) -> None:
        if options.max_level is not None and options.max_level > MAX_LEVEL:
            raise FieldError("max_level", f"got {options.max_level}, expected at most {MAX_LEVEL}")
        self.options = options
        self.levels = range(1, (options.max_level or MAX_LEVEL) + 1)

    def draw(self, level: int, rng: random.Random) -> Draft:
        """An equation with `level` numbers, uniform over all that stay in range."""
        unknown = rng.choice(UNKNOWNS)
        while True:
            terms, value = rng.sample(TERMS, level), rng.randint(0, MAX_VALUE)
            if _in_range(terms, value):
                return Draft(_equation(unknown, terms, value), level)

    def num_problems(self, level: int) -> int:
        # ways[moved][value]: choices among the terms so far that moved so many and left this right-hand side
        values = range(MAX_VALUE + 1)
        ways = [[int(moved == 0)] * len(values) for moved in range(level + 1)]
        for term in map(int, TERMS):
            for moved in range(level, 0, -1):
                before = ways[moved - 1]
                ways[moved] = [ways[moved][v] + (before[v + term] if v + term in values else 0) for v in values]
        return len(UNKNOWNS) * sum(ways[level])

    def ground(self, drafts: Sequence[Draft]) -> list[Problem | Rejection]:
        """The reference is the right-hand side less the sum of the numbers."""
        return [self._ground_one(draft) for draft in drafts]

    def _ground_one(self, draft: Draft) -> Problem | Rejection:
        read = self.read_problem(draft.prompt)
        if isinstance(read, Rejection):
            return read
        unknown, terms, value = _parts(read.prompt)
        payload = {"equation": read.prompt, "unknown": unknown}
        reference = f"{unknown}={_steps(terms, value)[-1]}"
        return Problem(self.name, read.prompt, reference, Origin.GENERATED, read.level, draft.parents, payload)

    def proposer_prompt(self, rng: random.Random) -> Prompt:
        """Asks for an equation whose unknown is drawn uniformly, so that no letter is forgotten."""
        return self._proposer_prompt(rng.choice(UNKNOWNS))

    def _proposer_prompt(self, unknown: str) -> Prompt:
        text = "<propose>" if self.options.style == "terse" else _INSTRUCT_PROPOSER
        return Prompt((Message("user", text),), prefix=unknown)

    def proposer_reply(self, problem: Problem) -> tuple[Prompt, str]:
        return self._proposer_prompt(problem.prompt[0]), problem.prompt

    def stop_text(self) -> str:
        return "="

    def read_problem(self, completion: str) -> Draft | Rejection:
        """A draft in canonical order, or `grammar`, `too_long`, `repeated` (a signed number twice) or `range`."""
        text = completion.strip()
        match = _EQUATION.fullmatch(text) if len(text) <= 2 * len(TERMS) + 4 else None
        if match is None:
            return Rejection("grammar", text[:80])
        unknown, terms, value = match[1], _TERM.findall(match[2]), int(match[3])
        if len(set(terms)) < len(terms):
            return Rejection("repeated", text[:80])
        if len(terms) > self.levels[-1]:
            return Rejection("too_long", f"{len(terms)} numbers, at most {self.levels[-1]}")
        if not _in_range(terms, value):
            return Rejection("range", f"right-hand sides {_steps(terms, value)} of {text}, expected 0 to {MAX_VALUE}")
        return Draft(_equation(unknown, terms, value), len(terms))

    def mutate(self, draft: Draft, rng: random.Random, share: float) -> Draft:
        """Redraw each number with probability `share`, the right-hand side too; unknown and level stay.

        Returns the draft as it was in the rare case that no redrawn equation stays in range.
        """
        unknown, old_terms, old_value = _parts(draft.prompt)
        kept = [term for term in old_terms if rng.random() >= share]
        keep_value = rng.random() >= share
        others = [term for term in TERMS if term not in kept]
        for _ in range(MAX_REDRAWS):
            terms = kept + rng.sample(others, len(old_terms) - len(kept))
            value = old_value if keep_value else rng.randint(0, MAX_VALUE)
            if _in_range(terms, value):
                return Draft(_equation(unknown, terms, value), draft.level, draft.parents)
        return draft

    def solver_prompt(self, problem: Problem, rng: random.Random, filler: int) -> Prompt:
        """The equation with its numbers in random order, whatever `filler` is: nothing harmless can be inserted."""
        unknown, terms, value = _parts(problem.prompt)
        shown = f"{unknown}{''.join(rng.sample(terms, len(terms)))}={value}"
        text = f"<solve>{shown}" if self.options.style == "terse" else f"{_INSTRUCT_SOLVER}{shown}"
        return Prompt((Message("user", text),), prefix=f"{unknown}:{value};")

    def solver_reply(self, problem: Problem) -> str:
        unknown, terms, value = _parts(problem.prompt)
        values = _steps(terms, value)
        steps = zip([unknown, *terms], values, strict=True)
        return "".join(f"{moved}:{after};" for moved, after in steps) + f"{unknown}={values[-1]}"

    def augment(self, problem: Problem, reply: str, rng: random.Random) -> tuple[Problem, str]:
        """Rename the unknown, in problem and reply alike; a reply in free words stays as it is."""
        old, new = problem.payload["unknown"], rng.choice(UNKNOWNS)
        if not _TRACE.fullmatch(reply):
            return problem, reply
        source = problem.prompt.replace(old, new)
        payload = {"equation": source, "unknown": new}
        reference = problem.reference.replace(old, new)
        renamed = replace(problem, prompt=source, reference=reference, payload=payload, parents=(problem.id,))
        return renamed, reply.replace(old, new)

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        """The integer or fraction after the last `x=` (spaces, and one full stop or semicolon at the end, aside)."""
        ending = completion.rstrip()[-MAX_ANSWER_CHARACTERS:]
        _, found, after = "".join(ending.split()).rpartition(f"{problem.prompt[0]}=")
        number = after[:-1] if after.endswith((".", ";")) else after
        return f"{found}{number}" if found and _NUMBER.fullmatch(number) else None

    def vocabulary(self) -> list[str]:
        values = range(MAX_VALUE + 1)
        moved = [f":{value};" for value in values]
        return ["<solve>", "<propose>", *UNKNOWNS, *TERMS, "=", *map(str, values), *moved]


def _parts(equation: str) -> tuple[str, list[str], int]:
    """Unknown, signed numbers and right-hand side. Raises ValueError for other text."""
    match = _EQUATION.fullmatch(equation)
    if match is None:
        raise ValueError(f"not an equation of this environment: {equation!r}")
    return match[1], _TERM.findall(match[2]), int(match[3])


def _equation(unknown: str, terms: Sequence[str], value: int) -> str:
    return f"{unknown}{''.join(sorted(terms, key=TERMS.index))}={value}"


def _steps(terms: Sequence[str], value: int) -> list[int]:
    """The right-hand side at first and after each number is moved, in canonical order."""
    return list(accumulate(sorted(terms, key=TERMS.index), lambda before, term: before - int(term), initial=value))


def _in_range(terms: Sequence[str], value: int) -> bool:
    return all(0 <= step <= MAX_VALUE for step in _steps(terms, value))
