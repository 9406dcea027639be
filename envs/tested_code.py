"""A task in words, to be solved by a program that passes hidden tests.

A problem is a task, unit tests and a solution, in the text form of `tested_texts`. It comes from a proposer, from a
person's file (`path`: rows shaped like MBPP's or HumanEval's), or from `code_tasks`. The first tests are shown to a
solver, the others are hidden and alone decide: a solver's program is right iff it passes them in the sandbox
(`python_exec`, which compares outside of the program's process). A problem is admitted (`tested_admission`) only if

- its tests can be read as calls and values of one function, and enough hidden ones have arguments of their own;
- its solution, which is the reference, passes all tests, twice alike under different hash seeds (origin EXECUTED;
  DATASET for a file's rows);
- no trivial program passes the hidden tests: one that returns an argument, None, or a constant.

A level is a number of steps for drawn tasks: each is a line of code more to be understood and written. For proposals it
is counted as lines of the solution, which may be padded; all of a file's rows have level 1. Whether words and tests say
the same is checked by nobody, and a program is only as right as the tests can tell.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from envs.base import Executor, Style, TextEnvironment, ask
from envs.code.code_tasks import NUM_TELLING, draw_task, num_tasks
from envs.code.tested_admission import ReadTests, admit
from envs.code.tested_texts import FENCE, TaskText, asked, program_in, read_row, read_text
from envs.given.rows import BadRow, read_rows, report
from selfplay.errors import ConfigError
from selfplay.types import Draft, Origin, Problem, Prompt, Rejection

TOPICS = {"collections": "lists of numbers", "text": "texts", "numbers": "whole numbers"}
"""What a proposer is asked for a task about; a problem's own is that of its first argument."""

_INSTRUCT_PROPOSER = (
    "Write a programming task for somebody to solve in Python, about {topic}. Reply with three sections, headed "
    "`### Task`, `### Tests` and `### Solution`. The task says in words what one function does, and its name. The "
    "tests are at least {num_tests} lines such as `assert f([1, 2]) == 3`, each with other arguments; a function that "
    "returns its argument or a constant must not pass them. The solution is a Python program with that function, which "
    "passes the tests and gives the same result whenever it is run."
)


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about `tested_code`."""

    style: Style = "terse"
    """`terse` prompts are bare texts, for models made from scratch; `instruct` explains the task in words."""
    path: str | None = None
    """A JSON lines or Parquet file with problems to draw from; null: tasks composed of known steps."""
    num_shown: Annotated[int, Field(ge=0, le=NUM_TELLING)] = 1
    """The first so many tests are shown to a solver, if there are more than these."""
    min_hidden: Annotated[int, Field(ge=1, le=NUM_TELLING)] = 2
    """The least number of hidden tests, each with arguments of its own."""
    max_level: Annotated[int, Field(ge=1, le=8)] = 6
    """The most steps of a drawn task; a proposal's longer solution counts as this level. Without meaning for a file."""


class TestedCode(TextEnvironment):
    """The environment `tested_code`."""

    __test__ = False  # its name looks like a test's to pytest
    name = "tested_code"
    verifier = "python_exec"

    def __init__(self, options: Options, executor: Executor) -> None:
        self.options = options
        self.executor = executor
        self.bad_rows: list[BadRow] = []
        """Rows of the file that are left out, or that grounding refused, each with its place and why."""
        self._rows = self._read_file(options.path) if options.path else []
        self.levels = range(1, 2 if options.path else options.max_level + 1)

    def _read_file(self, path: str) -> list[Draft]:
        """The file's problems, each once. Raises ConfigError if there are none."""
        drafts: dict[str, Draft] = {}
        for row in read_rows(path):
            try:
                if isinstance(row, BadRow):
                    raise ValueError(row.reason)
                text = read_row(row.fields).text()
            except ValueError as error:
                self.bad_rows.append(BadRow(row.place, str(error)))
            else:
                drafts.setdefault(text, Draft(text, 1, payload={"place": row.place}))
        report(self.bad_rows, len(drafts))
        if not drafts:
            first = f"; {self.bad_rows[0].place}: {self.bad_rows[0].reason}" if self.bad_rows else ""
            raise ConfigError(f"env.options.path: got {path}, expected a file with at least one problem{first}")
        return list(drafts.values())

    def draw(self, level: int, rng: random.Random) -> Draft:
        """A row of the file, or a chain of `level` known steps, uniform over those in which every step matters."""
        if self._rows:
            return rng.choice(self._rows)
        task = draw_task(level, rng)
        return Draft(TaskText(task.words, task.tests, task.program).text(), level)

    def num_problems(self, level: int) -> int:
        """The file's rows; else the tasks of `level` known steps (an upper bound beyond level 2)."""
        return len(self._rows) or num_tasks(level)

    def ground(self, drafts: Sequence[Draft]) -> list[Problem | Rejection]:
        """Run solutions and trivial programs; reasons are those of `read_problem` and `tested_admission`."""
        texts = [read_text(draft.prompt) for draft in drafts]
        readable = [text for text in texts if isinstance(text, TaskText)]
        admitted = iter(admit(self.executor, readable, self.options.num_shown, self.options.min_hidden))
        outcomes = [
            self._outcome(draft, text, next(admitted)) if isinstance(text, TaskText) else text
            for draft, text in zip(drafts, texts, strict=True)
        ]
        known = {bad.place for bad in self.bad_rows}
        refused = {
            place: f"{outcome.reason}: {outcome.detail}"
            for draft, outcome in zip(drafts, outcomes, strict=True)
            if isinstance(outcome, Rejection) and (place := draft.payload.get("place")) and place not in known
        }
        bad = [BadRow(place, reason) for place, reason in refused.items()]
        report(bad, sum(isinstance(outcome, Problem) for outcome in outcomes))
        self.bad_rows += bad
        return outcomes

    def _outcome(self, draft: Draft, text: TaskText, tests: ReadTests | Rejection) -> Problem | Rejection:
        if isinstance(tests, Rejection):
            return tests
        payload = {
            **text.payload(text.parted(self.options.num_shown)[1]),
            "function": str(tests.job.entry),
            "topic": _topic(tests.job.inputs[0]),
        }
        if place := draft.payload.get("place"):
            payload["place"] = place
        origin = Origin.DATASET if place else Origin.EXECUTED
        return Problem(self.name, text.text(), text.solution, origin, draft.level, draft.parents, payload)

    def proposer_prompt(self, rng: random.Random) -> Prompt:
        """Asks for a task about a topic that is drawn uniformly, so that none is forgotten."""
        return self._proposer_prompt(rng.choice(list(TOPICS)))

    def _proposer_prompt(self, topic: str) -> Prompt:
        if self.options.style == "terse":
            return ask(f"<propose>{topic}\n", "### Task\n")
        num_tests = self.options.num_shown + max(self.options.min_hidden, NUM_TELLING)
        return ask(_INSTRUCT_PROPOSER.format(topic=TOPICS[topic], num_tests=num_tests))

    def proposer_reply(self, problem: Problem) -> tuple[Prompt, str]:
        return self._proposer_prompt(problem.payload["topic"]), problem.prompt

    def read_problem(self, completion: str) -> Draft | Rejection:
        """A draft with canonical text, or a reason of `tested_texts.read_text`."""
        text = read_text(completion)
        if isinstance(text, Rejection):
            return text
        return Draft(text.text(), min(text.num_lines, self.levels[-1]))

    def solver_prompt(self, problem: Problem, rng: random.Random, filler: int) -> Prompt:
        """The task, the function's name and the shown tests, whatever `filler` is."""
        text = _text(problem)
        shown = text.parted(self.options.num_shown)[0]
        if self.options.style == "terse":
            tests = "\n".join(shown) or problem.payload["function"]
            return ask(f"<solve>{text.words}\n{tests}\n")
        return ask(asked(text.words, problem.payload["function"], shown))

    def solver_reply(self, problem: Problem) -> str:
        """The solution, fenced where the prompt is in words."""
        terse = self.options.style == "terse"
        return problem.reference if terse else f"{FENCE}python\n{problem.reference}\n{FENCE}"

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        """The last fenced block with a function in it, else the last block, else the whole text."""
        return program_in(completion)

    def prose(self, problem: Problem) -> str:
        """The task in words."""
        return _text(problem).words

    def reword(self, problem: Problem, text: str) -> Problem | Rejection:
        """The problem with other words; tests and solution stay."""
        read = read_text(replace(_text(problem), words=text.strip()).text())
        if isinstance(read, Rejection):
            return read
        return replace(problem, prompt=read.text(), parents=(problem.id,))


def _text(problem: Problem) -> TaskText:
    text = read_text(problem.prompt)
    if isinstance(text, Rejection):
        raise ValueError(f"not a problem of this environment: {text.reason}: {text.detail}")
    return text


def _topic(arguments: tuple[object, ...]) -> str:
    kind = type(arguments[0]) if arguments else None
    if kind in (str, bytes):
        return "text"
    return "collections" if kind in (list, tuple, dict, set, frozenset) else "numbers"
