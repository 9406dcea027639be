"""What problems share that are solved on paper: a canonical text, a level read off it, steps and then an answer.

A subclass says which texts are drawn (`spaces`), reads a text without running anything (`read`), and works it out with
exact fractions (`work`). The rest of the environment protocol is here, in both styles: terse replies are the steps and
the answer with semicolons between, and instruct replies have one step a line and the answer after `Answer:`. Work is
never judged, and answers are not judged here.
"""

from __future__ import annotations

import random
import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import ClassVar, Protocol

from envs.base import ANSWER_REQUEST, Style, TextEnvironment, ask, final_answer, reject
from envs.mathematics.spaces import LETTERS, Space, Work
from selfplay.errors import FieldError
from selfplay.types import Draft, Origin, Problem, Prompt, Rejection

MAX_CHARACTERS = 200
"""Of a problem's text; none that is drawn has as many."""
MAX_ANSWER_CHARACTERS = 1000
MAX_REDRAWS = 30
"""How often `mutate` tries other numbers in a text before it draws a new problem of the level."""

_NUMBER = re.compile(r"[0-9]+")


class Chosen(Protocol):
    """The options that all of these environments have."""

    @property
    def style(self) -> Style: ...
    @property
    def max_level(self) -> int | None: ...


class WorkedProblems(TextEnvironment):
    """See the module."""

    name: str
    verifier: str
    highest: ClassVar[int]
    """The last level that is drawn."""
    proposal: ClassVar[str]
    """How a proposer is asked in words."""

    def __init__(self, options: Chosen) -> None:
        if options.max_level is not None and options.max_level > self.highest:
            raise FieldError("max_level", f"got {options.max_level}, expected at most {self.highest}")
        self.options = options
        self.levels = range(1, (options.max_level or self.highest) + 1)
        self._parts: dict[int, tuple[Sequence[Space], list[int]]] = {}

    @abstractmethod
    def spaces(self, level: int) -> Sequence[Space]:
        """The texts of a level, in parts that do not overlap."""

    @abstractmethod
    def read(self, text: str) -> tuple[str, int] | Rejection:
        """The canonical text and its level, or why there is none. Never raises; the text has no space around it."""

    @abstractmethod
    def work(self, text: str) -> Work | Rejection:
        """The solution of a canonical text."""

    @abstractmethod
    def question(self, text: str) -> str:
        """The problem in words."""

    @abstractmethod
    def letters(self, text: str) -> str:
        """The unknowns of a canonical text, in alphabetical order."""

    def pick(self, level: int, rng: random.Random) -> Space:
        """The part of a level that is drawn from, each as often as it has texts."""
        if level not in self._parts:
            parts = self.spaces(level)
            self._parts[level] = parts, list(accumulate(map(len, parts)))
        parts, sums = self._parts[level]
        return rng.choices(parts, cum_weights=sums)[0]

    def draw(self, level: int, rng: random.Random) -> Draft:
        return Draft(self.pick(level, rng).draw(rng), level)

    def num_problems(self, level: int) -> int:
        return sum(map(len, self.spaces(level)))

    def ground(self, drafts: Sequence[Draft]) -> list[Problem | Rejection]:
        """References are worked out with exact fractions."""
        return [self._ground_one(draft) for draft in drafts]

    def _ground_one(self, draft: Draft) -> Problem | Rejection:
        read = self.read_problem(draft.prompt)
        if isinstance(read, Rejection):
            return read
        work = self.work(read.prompt)
        if isinstance(work, Rejection):
            return work
        payload = dict(work.payload)
        return Problem(self.name, read.prompt, work.reference, Origin.GENERATED, read.level, draft.parents, payload)

    def proposer_prompt(self, rng: random.Random) -> Prompt:
        return ask("<propose>" if self.options.style == "terse" else self.proposal)

    def proposer_reply(self, problem: Problem) -> tuple[Prompt, str]:
        return self.proposer_prompt(random.Random(0)), problem.prompt

    def read_problem(self, completion: str) -> Draft | Rejection:
        """A draft in canonical form, or `grammar`, `too_hard` or what `read` says."""
        text = completion.strip()
        if len(text) > MAX_CHARACTERS:
            return reject("grammar", text)
        read = self.read(text)
        if isinstance(read, Rejection):
            return read
        canonical, level = read
        if level not in self.levels:
            return Rejection("too_hard", f"level {level}, at most {self.levels[-1]}")
        return Draft(canonical, level)

    def mutate(self, draft: Draft, rng: random.Random, share: float) -> Draft:
        """Redraw each number with probability `share`, in the text or, where that leaves the level, with all others."""
        numbers = list(_NUMBER.finditer(draft.prompt))
        chosen = [number for number in numbers if rng.random() < share]
        if not chosen:
            return draft
        for _ in range(MAX_REDRAWS):
            text = draft.prompt
            for number in reversed(chosen):
                digits = str(rng.randrange(1, 10 ** len(number[0])))
                text = text[: number.start()] + digits + text[number.end() :]
            read = self.read_problem(text)
            if isinstance(read, Draft) and read.level == draft.level and read.prompt != draft.prompt:
                return replace(read, parents=draft.parents)
        return self.redraw(draft, rng)

    def redraw(self, draft: Draft, rng: random.Random) -> Draft:
        """Another problem of the same kind and level, with the same unknown."""
        fresh = self.draw(draft.level, rng)
        text = renamed(fresh.prompt, self.letters(fresh.prompt), self.letters(draft.prompt))
        return replace(fresh, prompt=text, parents=draft.parents)

    def solver_prompt(self, problem: Problem, rng: random.Random, filler: int) -> Prompt:
        """The problem, whatever `filler` is: nothing harmless can be inserted."""
        if self.options.style == "terse":
            return ask(f"<solve>{problem.prompt}")
        return ask(f"{self.question(problem.prompt)}\n\n{ANSWER_REQUEST}")

    def solver_reply(self, problem: Problem) -> str:
        work = self.work(problem.prompt)
        assert isinstance(work, Work)
        if self.options.style == "terse":
            return "".join(f"{step};" for step in work.steps) + problem.reference
        return "".join(f"{step}\n" for step in work.steps) + f"Answer: {problem.reference}"

    def augment(self, problem: Problem, reply: str, rng: random.Random) -> tuple[Problem, str]:
        """Rename the unknowns, keeping their alphabetical order; not to a letter that the reply has for itself."""
        old = self.letters(problem.prompt)
        new = "".join(sorted(rng.sample(LETTERS, len(old))))
        if new == old or any(_alone(letter, reply) for letter in set(new) - set(old)):
            return problem, reply
        payload = {key: renamed(value, old, new) for key, value in problem.payload.items()}
        text, reference = renamed(problem.prompt, old, new), renamed(problem.reference, old, new)
        moved = replace(problem, prompt=text, reference=reference, payload=payload, parents=(problem.id,))
        return moved, renamed(reply, old, new)

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        """What follows the last semicolon (terse) or stands on the last line `Answer:`."""
        if self.options.style == "terse":
            said: str | None = completion.rstrip()[-MAX_ANSWER_CHARACTERS - 1 :].rpartition(";")[2].strip()
        else:
            said = final_answer(completion)
        return said if said and len(said) <= MAX_ANSWER_CHARACTERS else None


def _alone(letter: str, text: str) -> bool:
    return bool(re.search(rf"(?<![A-Za-z]){letter}(?![A-Za-z])", text))


def renamed(text: str, old: str, new: str) -> str:
    """The text with letters that stand alone replaced, all at once."""
    table = dict(zip(old, new, strict=True))
    return re.sub(rf"(?<![A-Za-z])[{old}](?![A-Za-z])", lambda match: table[match[0]], text)
