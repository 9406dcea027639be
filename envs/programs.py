"""Short straight-line Python programs over two-bit numbers: say what every variable holds.

A problem is valid Python source, `b=3;c=b^2;d=c&1;print(d)`; its level is the number of operations. The reference is
what executing it gives (origin EXECUTED), written as a trace: each value followed by the name that holds it,
`3b1c1d`. A solver must give the whole trace, so a guess is right with probability 4^-(level+1). Names follow each
other in a cyclic alphabet (sixteen letters unless `num_names` says otherwise), which keeps the problem space of every
level large and its text unambiguous; the longest program leaves one letter of it unused.

It executes nothing itself: programs run in the verifiers' worker processes.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import Field

from envs.base import Style, TextEnvironment
from selfplay.errors import FieldError
from selfplay.types import Draft, Message, Origin, Problem, Prompt, Rejection

LETTERS = "abcdefghijklmnopqrstuvwxyz"
VALUES = "0123"
OPERATIONS = tuple(f"{operator}{value}" for operator in "^&|" for value in VALUES)

_PROGRAM = re.compile(r"([a-z])=([0-3]);((?:[a-z]=[a-z][\^&|][0-3];)+)print\(([a-z])\)")
_STATEMENT = re.compile(r"([a-z])=([a-z])([\^&|][0-3]);")
_TRACE = re.compile(r"(?:[0-3][a-z])+")

_INSTRUCT_SOLVER = (
    "Run this Python program in your head. Then write its trace: for every assignment, in order, the value and then "
    "the name that holds it, without spaces. The trace of `b=3;c=b^2;print(c)` is `b=3b1c`.\n\n"
)
_INSTRUCT_PROPOSER = (
    "Write one straight-line Python program for somebody to run in their head, on one line: a first assignment of a "
    "number from 0 to 3, then assignments that apply one of ^ & | with a number from 0 to 3 to the previous name, then "
    "a print of the last name. Names are consecutive letters from a to {last} (after {last} comes a). "
    "For example: b=3;c=b^2;d=c&1;print(d)"
)


_INSTRUCT_RELATED = (
    "\n\nSomebody could not solve this one: {target}\n"
    "Write another that is a step on the way to it: alike, and no harder."
)


class Executor(Protocol):
    """Runs programs in worker processes (`verifiers.python_exec.PythonExecutor`)."""

    def run(self, programs: Sequence[str]) -> Sequence[Execution]: ...


class Execution(Protocol):
    """What a program did."""

    @property
    def status(self) -> str: ...
    @property
    def values(self) -> dict[str, object]: ...
    @property
    def detail(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about `programs`."""

    style: Style = "terse"
    """`terse` prompts are bare programs, for models made from scratch; `instruct` explains the task in words."""
    num_names: Annotated[int, Field(ge=4, le=len(LETTERS))] = 16
    """Letters of the alphabet that names are from."""
    max_level: Annotated[int, Field(ge=1)] | None = None
    """The longest program that is accepted; null: num_names - 2, the longest possible (names are never assigned twice,
    and the name after the last is never assigned)."""

    def __post_init__(self) -> None:
        if self.max_level is not None and self.max_level > self.num_names - 2:
            raise FieldError(
                "max_level", f"got {self.max_level}, expected at most {self.num_names - 2} (num_names - 2)"
            )


class Programs(TextEnvironment):
    """The environment `programs`."""

    name = "programs"
    verifier = "exact"

    def __init__(self, options: Options, executor: Executor) -> None:
        self.options = options
        self.executor = executor
        self.names = LETTERS[: options.num_names]
        self.max_level = options.max_level or options.num_names - 2
        self.levels = range(1, self.max_level + 1)

    def draw(self, level: int, rng: random.Random) -> Draft:
        """A program of `level` operations, uniform over first name, first value and operations."""
        operations = [rng.choice(OPERATIONS) for _ in range(level)]
        return Draft(self._source(rng.randrange(len(self.names)), rng.choice(VALUES), operations), level)

    def num_problems(self, level: int) -> int:
        return len(self.names) * len(VALUES) * int(len(OPERATIONS) ** level)

    def ground(self, drafts: Sequence[Draft]) -> list[Problem | Rejection]:
        """Execute each program in a worker; the reference is the trace of its variables."""
        executions = self.executor.run([draft.prompt for draft in drafts])
        return [self._ground_one(draft, execution) for draft, execution in zip(drafts, executions, strict=True)]

    def _ground_one(self, draft: Draft, execution: Execution) -> Problem | Rejection:
        if execution.status != "ok":
            return Rejection(f"execution_{execution.status}", execution.detail)
        values = execution.values
        trace = "".join(f"{values[name]}{name}" for name in _assigned(draft.prompt) if name in values)
        if len(trace) != 2 * (draft.level + 1):
            return Rejection("execution_trace", f"variables {sorted(values)} of {draft.prompt}")
        return Problem(self.name, draft.prompt, trace, Origin.EXECUTED, draft.level, draft.parents)

    def proposer_prompt(self, rng: random.Random) -> Prompt:
        """Asks for a program whose first name is drawn uniformly, so that no part of the alphabet is forgotten."""
        return self._proposer_prompt(self.names[rng.randrange(len(self.names))])

    def _proposer_prompt(self, name: str) -> Prompt:
        text = "<propose>" if self.options.style == "terse" else _INSTRUCT_PROPOSER.format(last=self.names[-1])
        return Prompt((Message("user", text),), prefix=f"{name}=")

    def related_prompt(self, target: Problem, rng: random.Random) -> Prompt:
        """Begins as the target does: with a random number of its operations, fewer than all, as the forced prefix (in
        words: with its first name, after the target has been shown)."""
        if self.options.style == "instruct":
            base = self._proposer_prompt(target.prompt[0])
            text = base.messages[0].text + _INSTRUCT_RELATED.format(target=target.prompt)
            return Prompt((Message("user", text),), prefix=base.prefix)
        statements = target.prompt.split(";")[:-1]
        shared = "".join(f"{one};" for one in statements[: rng.randrange(1, len(statements))])
        return Prompt(self._proposer_prompt(target.prompt[0]).messages, prefix=shared)

    def proposer_reply(self, problem: Problem) -> tuple[Prompt, str]:
        return self._proposer_prompt(problem.prompt[0]), problem.prompt

    def stop_text(self) -> str:
        return "print("

    def read_problem(self, completion: str) -> Draft | Rejection:
        """A draft, or `grammar`, `names` (not consecutive, or the source is not the previous name) or `too_long`."""
        text = completion.strip()
        match = _PROGRAM.fullmatch(text) if len(text) <= 8 * len(LETTERS) + 16 else None
        if match is None:
            return Rejection("grammar", text[:80])
        names = match[1] + "".join(target for target, _, _ in _STATEMENT.findall(match[3])) + match[4]
        sources = "".join(source for _, source, _ in _STATEMENT.findall(match[3]))
        level = len(sources)
        if level > self.max_level:
            return Rejection("too_long", f"{level} operations, at most {self.max_level}")
        first = self.names.find(names[0])
        expected = "".join(self.names[(first + index) % len(self.names)] for index in range(level + 1))
        if first < 0 or names != expected + expected[-1] or sources != expected[:-1]:
            return Rejection("names", text[:80])
        return Draft(text, level)

    def mutate(self, draft: Draft, rng: random.Random, share: float) -> Draft:
        """Redraw each operation with probability `share`; names, first value and level stay."""
        match = _PROGRAM.fullmatch(draft.prompt)
        if match is None:
            raise ValueError(f"not a program of this environment: {draft.prompt!r}")
        operations = [
            rng.choice(OPERATIONS) if rng.random() < share else operation
            for _, _, operation in _STATEMENT.findall(match[3])
        ]
        return Draft(self._source(self.names.index(match[1]), match[2], operations), draft.level, draft.parents)

    def solver_prompt(self, problem: Problem, rng: random.Random, filler: int) -> Prompt:
        """The program with 0 to `filler` `pass;` statements dropped between its statements."""
        statements = problem.prompt.split(";")
        for _ in range(rng.randint(0, filler)):
            statements.insert(rng.randint(1, len(statements) - 1), "pass")
        source = ";".join(statements)
        text = f"<solve>{source}" if self.options.style == "terse" else f"{_INSTRUCT_SOLVER}{source}"
        return Prompt((Message("user", text),), prefix=f"{problem.prompt[0]}=")

    def solver_reply(self, problem: Problem) -> str:
        return f"{problem.prompt[0]}={problem.reference}"

    def augment(self, problem: Problem, reply: str, rng: random.Random) -> tuple[Problem, str]:
        """Rename: every name moves on by the same number of letters in the alphabet, in problem and reply alike.

        A reply that is more than a trace (free words) stays as it is, with its problem.
        """
        if not _TRACE.fullmatch(reply.removeprefix(f"{problem.prompt[0]}=")):
            return problem, reply
        shift = rng.randrange(len(self.names))
        names = str.maketrans(self.names, self.names[shift:] + self.names[:shift])
        source = problem.prompt.translate(names).replace("print".translate(names), "print")
        renamed = Problem(
            problem.env, source, problem.reference.translate(names), problem.origin, problem.level, (problem.id,)
        )
        return renamed, reply.translate(names)

    def compose(self, first: Problem, second: Problem) -> Draft | Rejection:
        """The operations of both, one after the other, from the first's start; too long, if so many are not allowed."""
        operations = [operation for _, _, operation in _STATEMENT.findall(first.prompt + second.prompt)]
        if len(operations) > self.max_level:
            return Rejection("too_long", f"{len(operations)} operations, at most {self.max_level}")
        source = self._source(self.names.index(first.prompt[0]), first.prompt[2], operations)
        return Draft(source, len(operations), (first.id, second.id))

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        text = completion.strip().removeprefix(f"{problem.prompt[0]}=")
        return text if _TRACE.fullmatch(text) else None

    def vocabulary(self) -> list[str]:
        return [
            "<solve>",
            "<propose>",
            *(f"{name}=" for name in self.names),
            *self.names,
            *VALUES,
            *(f"{value};" for value in VALUES),
            *(f"{operation};" for operation in OPERATIONS),
            "print(",
            ")",
            "pass;",
        ]

    def _source(self, first: int, value: str, operations: Sequence[str]) -> str:
        count = len(self.names)
        names = [self.names[(first + index) % count] for index in range(len(operations) + 1)]
        steps = [f"{names[i + 1]}={names[i]}{operation};" for i, operation in enumerate(operations)]
        return f"{names[0]}={value};{''.join(steps)}print({names[-1]})"


def _assigned(source: str) -> list[str]:
    """Assigned names, in order."""
    return re.findall(r"([a-z])=", source)
