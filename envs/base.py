"""What environments share: defaults for the methods that few of them need, prompts in two styles, final answers.

An environment may inherit `TextEnvironment` and write only what is its own; nothing requires it (see
`selfplay.protocols.Environment`). It draws, grounds and judges nothing.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Sequence
from typing import Literal, Protocol

from selfplay.errors import UserError
from selfplay.types import Draft, Message, Problem, Prompt, Rejection
from verifiers.sandbox import Job, Run

Style = Literal["terse", "instruct"]
"""`terse` prompts are bare problems, for models made from scratch; `instruct` explains the task in words."""
SHOWN_CHARACTERS = 80
"""How much of a text a rejection shows."""
PRINTABLE = [*string.printable[:95], "\n"]
"""The characters of ASCII text: a vocabulary for any environment."""
ENDING_CHARACTERS = 40_000
"""Of a reply, how much at its end may hold the final answer; verifiers take answers of up to 20,000."""
ANSWER_REQUEST = "Think step by step, then write your answer on a last line that begins with `Answer:`."
"""How prompts in words ask for a reply that `final_answer` reads."""

_ANSWER = re.compile(r"^[ \t]*answer[ \t]*:[ \t]*", re.IGNORECASE | re.MULTILINE)


class Executor(Protocol):
    """Calls functions in worker processes (`verifiers.python_exec.PythonExecutor`)."""

    def run_jobs(self, jobs: Sequence[Job], *, twice: bool = False) -> list[Run]: ...


class TextEnvironment:
    """Defaults: both roles, one task; nothing to relate, lengthen, redraw, carry over, compose or reword; ASCII."""

    roles: tuple[str, ...] = ("proposer", "solver")
    tasks: tuple[str, ...] = ("problem",)

    def held_out(self, level: int) -> Sequence[Draft] | None:
        """None: the held-out split is drawn."""
        return None

    def proposer_prompt(self, rng: random.Random) -> Prompt:
        """Every environment writes its own."""
        raise NotImplementedError(f"{type(self).__name__} has no proposer_prompt")

    def task_of(self, problem: Problem) -> str:
        """The only task."""
        return self.tasks[0]

    def task_prompt(self, task: str, examples: Sequence[Problem], rng: random.Random) -> Prompt:
        """What asks for any problem; examples are not shown."""
        return self.proposer_prompt(rng)

    def related_prompt(self, target: Problem, rng: random.Random) -> Prompt | None:
        return None

    def stop_text(self) -> str | None:
        return None

    def mutate(self, draft: Draft, rng: random.Random, share: float) -> Draft:
        """The draft as it is."""
        return draft

    def augment(self, problem: Problem, reply: str, rng: random.Random) -> tuple[Problem, str]:
        """The problem and the reply as they are."""
        return problem, reply

    def reorder(self, draft: Draft, rng: random.Random) -> Draft:
        """The draft as it is."""
        return draft

    def compose(self, first: Problem, second: Problem) -> Draft | Rejection:
        return Rejection("not_composable")

    def prose(self, problem: Problem) -> str | None:
        return None

    def reword(self, problem: Problem, text: str) -> Problem | Rejection:
        return Rejection("no_prose")

    def vocabulary(self) -> list[str]:
        return ["<solve>", "<propose>", *PRINTABLE]


class GivenProblems(TextEnvironment):
    """An environment whose problems somebody else wrote: a policy solves them and proposes none."""

    name = ""
    roles: tuple[str, ...] = ("solver",)

    def proposer_prompt(self, rng: random.Random) -> Prompt:
        """Raises UserError: there is nothing to propose."""
        raise UserError(
            f"{self.name}: got a recipe with a proposer, expected one that only solves (star, rest_em, …): all "
            "problems of this environment are given, and none is proposed"
        )

    def proposer_reply(self, problem: Problem) -> tuple[Prompt, str]:
        """Raises UserError, as `proposer_prompt`."""
        return self.proposer_prompt(random.Random(0)), ""


def ask(text: str, prefix: str = "", system: str = "") -> Prompt:
    """A prompt of one user message, after a system message if there is one."""
    messages = (Message("system", system),) if system else ()
    return Prompt((*messages, Message("user", text)), prefix=prefix)


def reject(reason: str, text: str) -> Rejection:
    """A rejection that shows the beginning of the text."""
    return Rejection(reason, text[:SHOWN_CHARACTERS])


def final_answer(completion: str) -> str | None:
    """What follows the last `Answer:` at the start of a line, up to the line's end; None if nothing does.

    Everything before it is reasoning, which nobody judges. Only the last `ENDING_CHARACTERS` are read, so that no text
    takes long.
    """
    ending = completion
    if len(completion) > ENDING_CHARACTERS:
        ending = completion[-ENDING_CHARACTERS:].partition("\n")[2]  # whole lines only
    found = list(_ANSWER.finditer(ending))
    if not found:
        return None
    answer = ending[found[-1].end() :].split("\n", 1)[0].strip()
    return answer or None
