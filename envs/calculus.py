"""Calculus and algebra of functions in one unknown, six tasks with six levels each.

- derivative (`envs.mathematics.differentiation`): `diff(3x^2*sin(2x)+x,x)`
- antiderivative (`envs.mathematics.integration`): `integrate(x*exp(2x)+3x,x)`
- integral (`envs.mathematics.definite`): `integrate(3x^2+1,x,0,2)`
- expand (`envs.mathematics.expansion`): `expand((x+1)(2x-3))`
- factor (`envs.mathematics.factorisation`): `factor(2x^2-4x-6)`
- limit (`envs.mathematics.limits`): `limit((x^2-1)/(x-1),x,1)`

Levels are ordered within each task: a level has the work of an easier one and one more rule, term or idea. Functions
are sums of polynomials times sin, cos, exp, ln and powers, in a grammar of its own; references are worked out by rules
with exact fractions (origin GENERATED), and `sympy_equal` judges: an antiderivative by differentiating it, an expansion
and a factorisation by their form too, all else by exact equality. It does not simplify, and its grammar is not meant
for more than these tasks.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated, Literal, get_args

from pydantic import Field

from envs.base import Style, ask, reject
from envs.mathematics.calculus_task import Task
from envs.mathematics.definite import Integral
from envs.mathematics.differentiation import Derivative
from envs.mathematics.expansion import Expansion
from envs.mathematics.factorisation import Factorisation
from envs.mathematics.integration import Antiderivative
from envs.mathematics.limits import Limit
from envs.mathematics.spaces import LETTERS, Space, Work
from envs.mathematics.worked import WorkedProblems, renamed
from selfplay.errors import FieldError
from selfplay.types import Draft, Problem, Prompt, Rejection

TaskName = Literal["derivative", "antiderivative", "integral", "expand", "factor", "limit"]
TASKS: dict[str, Task] = {
    "derivative": Derivative(),
    "antiderivative": Antiderivative(),
    "integral": Integral(),
    "expand": Expansion(),
    "factor": Factorisation(),
    "limit": Limit(),
}
HIGHEST = 6

_LETTER = re.compile(rf"(?<![A-Za-z])[{LETTERS}](?![A-Za-z])")
_DELIMITERS = re.compile(r"\$|\\[()\[\]]")
_ENDS = re.compile(r",-?[0-9],-?[0-9]$")


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about `calculus`."""

    tasks: Annotated[list[TaskName], Field(min_length=1)] = field(default_factory=lambda: list(get_args(TaskName)))
    """Which tasks are proposed and drawn, equally often."""
    style: Style = "terse"
    """`terse` prompts are bare problems, for models made from scratch; `instruct` explains the task in words."""
    max_level: Annotated[int, Field(ge=1, le=HIGHEST)] | None = None
    """The hardest level that is accepted; null: all."""

    def __post_init__(self) -> None:
        if len(set(self.tasks)) < len(self.tasks):
            raise FieldError("tasks", f"got {', '.join(self.tasks)}, expected each task once")


class Calculus(WorkedProblems):
    """The environment `calculus`."""

    name = "calculus"
    verifier = "sympy_equal"
    highest = HIGHEST

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.tasks = tuple(task for task in TASKS if task in options.tasks)

    def spaces(self, level: int) -> Sequence[Space]:
        return [space for task in self.tasks for space in _spaces(task, level)]

    def pick(self, level: int, rng: random.Random) -> Space:
        return _pick(rng.choice(self.tasks), level, rng)

    def redraw(self, draft: Draft, rng: random.Random) -> Draft:
        fresh = _pick(self._found(draft.prompt)[0], draft.level, rng).draw(rng)
        return replace(draft, prompt=renamed(fresh, self.letters(fresh), self.letters(draft.prompt)))

    def proposer_prompt(self, rng: random.Random) -> Prompt:
        """Asks for a problem of a task that is drawn uniformly, so that none is forgotten."""
        return self.task_prompt(rng.choice(self.tasks), (), rng)

    def task_of(self, problem: Problem) -> str:
        return self._found(problem.prompt)[0]

    def task_prompt(self, task: str, examples: Sequence[Problem], rng: random.Random) -> Prompt:
        """In words the examples are shown in place of one of the task's own; a terse prompt has no room for any."""
        head = TASKS[task].head
        if self.options.style == "terse":
            return ask("<propose>", head)
        shown = ", ".join(one.prompt for one in examples) or TASKS[task].example
        return ask(
            f"Write one problem for somebody to work out, on one line and without spaces, like this: {shown}. "
            "Write products as `3x^2*sin(2x)` and powers as `x^2`, with whole numbers of one digit and an unknown from "
            f"{' '.join(LETTERS)}.",
            head,
        )

    def proposer_reply(self, problem: Problem) -> tuple[Prompt, str]:
        return self.task_prompt(self.task_of(problem), (), random.Random(0)), problem.prompt

    def read(self, text: str) -> tuple[str, int] | Rejection:
        """Text and level, or `grammar`, `task` (not asked for) or what the task says."""
        found = _found(text)
        if found is None:
            return reject("grammar", text)
        name, body, letter = found
        if name not in self.tasks:
            return Rejection("task", f"{name}, expected {' or '.join(self.tasks)}")
        read = TASKS[name].read(body, letter)
        return read if isinstance(read, Rejection) else (f"{TASKS[name].head}{read[0]})", read[1])

    def work(self, text: str) -> Work | Rejection:
        name, body, letter = self._found(text)
        return replace(TASKS[name].work(body, letter), payload={"check": TASKS[name].check, "unknown": letter})

    def question(self, text: str) -> str:
        name, body, letter = self._found(text)
        return TASKS[name].question(body, letter)

    def _found(self, text: str) -> tuple[str, str, str]:
        found = _found(text)
        if found is None:
            raise ValueError(f"not a problem of this environment: {text!r}")
        return found

    def letters(self, text: str) -> str:
        return _LETTER.findall(text)[0]  # type: ignore[no-any-return]

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        """As elsewhere; what stands before a last equals sign, as in `F(x)=x^2+C`, and delimiters do not count."""
        said = super().read_answer(problem, completion)
        return (_DELIMITERS.sub("", said).rpartition("=")[2].strip() or None) if said else None

    def vocabulary(self) -> list[str]:
        if self.options.style == "instruct":
            return super().vocabulary()
        heads = dict.fromkeys(TASKS[task].head for task in self.tasks)
        pieces = dict.fromkeys(piece for task in self.tasks for piece in TASKS[task].pieces)
        return ["<solve>", "<propose>", *"0123456789", *LETTERS, *"+-*/^()", *heads, *pieces]


def _found(text: str) -> tuple[str, str, str] | None:
    """Task, body and unknown of a text."""
    letter = _LETTER.search(text)
    if letter is None or not text.endswith(")"):
        return None
    for name, task in TASKS.items():
        if text.startswith(task.head):
            body = text[len(task.head) : -1]
            if name == "antiderivative" and _ENDS.search(body):
                name = "integral"
            return name, body, letter[0]
    return None


@cache
def _spaces(task: str, level: int) -> tuple[Space, ...]:
    """The task's texts of a level, head and closing parenthesis included."""
    head = TASKS[task].head

    def whole(part: Space) -> Space:
        return Space(part.choices, lambda *choice: f"{head}{part.write(*choice)})")

    return tuple(whole(part) for part in TASKS[task].spaces(level))


def _pick(task: str, level: int, rng: random.Random) -> Space:
    parts = _spaces(task, level)
    return rng.choices(parts, weights=[len(part) for part in parts])[0]
