"""Absolute Zero's three tasks over (program, input, output): say the output, find an input, or write the program.

- deduction: given a function and its input, what does it return? Right is the same value, types included.
- abduction: given a function and what it returns, which input gives that? Any input that works is right.
- induction: given some pairs of input and output and a message, which function is it? The hidden pairs decide.

A proposal is a function with an input, or a function with several inputs and a message. It is a problem if the sandbox
agrees: it parses, is exactly one function `f` with allowed imports and no state, runs within the limits, and returns
the same small literals in two processes with different hash seeds; so references are EXECUTED. Programs and answers are
parsed in the sandbox only, and values travel as data: they are never spliced into source.

Levels count the statements of a function. The style `terse` (`code_terse`) is a small grammar for a model from scratch,
`instruct` (`code_program`) is ordinary Python. It judges nothing, and does not ask whether a problem is interesting.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field

from envs.base import Executor, Style, TextEnvironment
from envs.code.code_program import TASKS, Task, Triplet, Words
from envs.code.code_terse import MAX_LEVEL, Pieces
from selfplay.errors import FieldError
from selfplay.types import Draft, Origin, Problem, Prompt, Rejection
from verifiers.sandbox import Job, Run, RunStatus, json_values
from verifiers.sandbox.reading import Function, Refused, read_functions, write_literal

ENTRY = "f"
"""What the function is called."""
IMPORTS = ("bisect", "collections", "fractions", "functools", "heapq", "itertools", "math", "operator", "re", "string")
_REASONS = {RunStatus.NONDETERMINISTIC: "nondeterministic", RunStatus.UNSUPPORTED_TYPE: "output_not_literal"}


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about `code_triplet`."""

    style: Style = "terse"
    """`terse`: straight-line functions in whole pieces, for models made from scratch; `instruct`: ordinary Python."""
    tasks: Annotated[list[Task], Field(min_length=1)] = field(default_factory=lambda: list(TASKS))
    """Which tasks are proposed and drawn, equally often."""
    max_level: Annotated[int, Field(ge=1, le=MAX_LEVEL)] = MAX_LEVEL
    """The most statements (instruct: lines) that an accepted function has."""
    num_inputs: Annotated[int, Field(ge=2, le=50)] = 10
    """Inputs of an induction problem in words, the first half of them shown. Terse functions have four, all used."""
    max_output_characters: Annotated[int, Field(ge=1)] = 300
    """Longest output, as a literal."""
    allowed_imports: list[str] = field(default_factory=lambda: list(IMPORTS))
    """Modules that a program may import; all else of the standard library is refused."""

    def __post_init__(self) -> None:
        if len(set(self.tasks)) < len(self.tasks):
            raise FieldError("tasks", f"got {', '.join(self.tasks)}, expected each task once")


class CodeTriplet(TextEnvironment):
    """The environment `code_triplet`."""

    name = "code_triplet"
    verifier = "python_exec"

    def __init__(self, options: Options, executor: Executor) -> None:
        self.options = options
        self.executor = executor
        self.tasks = tuple(task for task in TASKS if task in options.tasks)
        self.notation = Pieces() if options.style == "terse" else Words(options.num_inputs, options.allowed_imports)
        self.levels = range(1, options.max_level + 1)

    def draw(self, level: int, rng: random.Random) -> Draft:
        """A problem of a task, uniform over tasks and then over functions and inputs."""
        return Draft(self.notation.write(self.notation.draw(rng.choice(self.tasks), level, rng)), level)

    def num_problems(self, level: int) -> int:
        return sum(self.notation.num_problems(task, level) for task in self.tasks)

    def stop_text(self) -> str | None:
        return self.notation.stop_text

    def read_problem(self, completion: str) -> Draft | Rejection:
        """A draft, or the notation's reason, or `task` (not asked for) or `too_long`. Splits text and no more."""
        triplet = self.notation.read(completion)
        return triplet if isinstance(triplet, Rejection) else self._draft(triplet)

    def _draft(self, triplet: Triplet, parents: tuple[str, ...] = ()) -> Draft | Rejection:
        if triplet.task not in self.tasks:
            return Rejection("task", f"{triplet.task}, expected {' or '.join(self.tasks)}")
        level = self.notation.level(triplet)
        if level not in self.levels:
            return Rejection("too_long", f"{level} statements, at most {self.levels[-1]}")
        return Draft(self.notation.write(triplet), level, parents)

    def ground(self, drafts: Sequence[Draft]) -> list[Problem | Rejection]:
        """Admit and run each draft's function in the sandbox; refusals have the codes of `read_python` or these:

        `inputs_repeated`, `execution_…` (how it ended), `nondeterministic`, `output_not_literal`, `output_too_large`.
        """
        results: list[Triplet | Problem | Rejection] = [self.notation.read(draft.prompt) for draft in drafts]
        read = [(index, one) for index, one in enumerate(results) if isinstance(one, Triplet)]
        texts = [(one.program, one.inputs) for _, one in read]
        functions = read_functions(self.executor.run_jobs, texts, ENTRY, self.options.allowed_imports)
        admitted = [self._admitted(one, function) for (_, one), function in zip(read, functions, strict=True)]
        runs = iter(self.executor.run_jobs([one[1] for one in admitted if isinstance(one, tuple)], twice=True))
        for (index, _), one in zip(read, admitted, strict=True):
            parents = drafts[index].parents
            results[index] = one if isinstance(one, Rejection) else self._grounded(*one, next(runs), parents)
        return [one for one in results if not isinstance(one, Triplet)]

    def _admitted(self, triplet: Triplet, function: Function | Refused) -> tuple[Triplet, Job] | Rejection:
        if isinstance(function, Refused):
            return Rejection(function.code, function.detail)
        program = triplet.program if self.notation.keeps_program_text else function.program
        try:
            inputs = tuple(", ".join(map(write_literal, arguments)) for arguments in function.inputs)
        except ValueError as error:
            return Rejection("input_not_literal", str(error))
        if len(set(inputs)) < len(inputs):
            return Rejection("inputs_repeated", f"{len(inputs)} inputs, {len(set(inputs))} different")
        return replace(triplet, program=program, inputs=inputs), Job(program, ENTRY, function.inputs)

    def _grounded(self, triplet: Triplet, job: Job, run: Run, parents: tuple[str, ...]) -> Problem | Rejection:
        for status, detail in [(run.status, run.detail), *((call.status, call.detail) for call in run.calls)]:
            if status is not RunStatus.OK:
                return Rejection(_REASONS.get(status, f"execution_{status}"), detail)
        outputs = [call.value for call in run.calls]
        try:
            longest = max(len(write_literal(output)) for output in outputs)
        except ValueError as error:
            return Rejection("output_not_literal", str(error))
        if longest > self.options.max_output_characters:
            return Rejection("output_too_large", f"{longest} characters")
        draft = self._draft(triplet, parents)
        return draft if isinstance(draft, Rejection) else self._problem(triplet, draft, list(job.inputs), outputs)

    def _problem(self, triplet: Triplet, draft: Draft, inputs: list[Any], outputs: list[Any]) -> Problem:
        payload = {"entry": ENTRY, "outputs": json_values.write(outputs)}
        if triplet.task == "induction":
            reference, hidden = triplet.program, slice(len(inputs) // 2, None)
            payload |= {"inputs": json_values.write(inputs[hidden]), "expected": json_values.write(outputs[hidden])}
        elif triplet.task == "abduction":
            reference, expected = triplet.inputs[0], json_values.write(outputs[0])
            payload |= {"answer_is": "input", "program": triplet.program, "expected": expected}
        else:
            reference = write_literal(outputs[0])
            payload |= {"answer_is": "output", "expected": json_values.write(outputs[0])}
        return Problem(self.name, draft.prompt, reference, Origin.EXECUTED, draft.level, draft.parents, payload)

    def proposer_prompt(self, rng: random.Random) -> Prompt:
        """Asks for a problem of a task drawn uniformly, after one of the notation's examples or first names."""
        return self.task_prompt(rng.choice(self.tasks), (), rng)

    def task_of(self, problem: Problem) -> str:
        return self._triplet(problem).task

    def task_prompt(self, task: str, examples: Sequence[Problem], rng: random.Random) -> Prompt:
        """In words the examples are shown in place of the notation's own; a terse prompt has no room for any."""
        variant = rng.randrange(self.notation.num_variants)
        return self.notation.proposer_prompt(task, variant, [one.prompt for one in examples])

    def related_prompt(self, target: Problem, rng: random.Random) -> Prompt:
        """Of the target's task: in words with the target shown, in pieces beginning as its program does."""
        return self.notation.related_prompt(self._triplet(target), rng)

    def proposer_reply(self, problem: Problem) -> tuple[Prompt, str]:
        task = self._triplet(problem).task
        return self.notation.proposer_prompt(task, self.notation.variant(problem)), self.notation.proposal(problem)

    def mutate(self, draft: Draft, rng: random.Random, share: float) -> Draft:
        triplet = self.notation.mutate(self._triplet(draft), rng, share)
        return replace(draft, prompt=self.notation.write(triplet))

    def solver_prompt(self, problem: Problem, rng: random.Random, filler: int) -> Prompt:
        """Program and input, program and output, or the shown pairs and the message."""
        return self.notation.solver_prompt(self._triplet(problem), self._outputs(problem), rng, filler)

    def solver_reply(self, problem: Problem) -> str:
        return self.notation.solver_reply(self._triplet(problem), self._outputs(problem))

    def augment(self, problem: Problem, reply: str, rng: random.Random) -> tuple[Problem, str]:
        """Rename the variables of a terse function, in problem and reply alike; a reply in free words stays."""
        outputs = json_values.read(problem.payload["outputs"])
        moved = self.notation.rename(self._triplet(problem), outputs, reply, rng)
        if moved is None:
            return problem, reply
        triplet, outputs, reply = moved
        draft = Draft(self.notation.write(triplet), problem.level, (problem.id,))
        inputs = [(int(value),) for value in triplet.inputs]
        return self._problem(triplet, draft, inputs, outputs), reply

    def compose(self, first: Problem, second: Problem) -> Draft | Rejection:
        """The second's statements after the first's (terse)."""
        triplet = self.notation.compose(self._triplet(first), self._triplet(second))
        return Rejection("not_composable") if triplet is None else self._draft(triplet, (first.id, second.id))

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        return self.notation.read_answer(self._triplet(problem), completion)

    def vocabulary(self) -> list[str]:
        return ["<solve>", "<propose>", *self.notation.vocabulary(self.tasks)]

    def _triplet(self, of: Problem | Draft) -> Triplet:
        triplet = self.notation.read(of.prompt)
        if isinstance(triplet, Rejection):
            raise ValueError(f"not a problem of {self.name} in the style {self.options.style}: {of.prompt[:80]!r}")
        return triplet

    def _outputs(self, problem: Problem) -> list[str]:
        return [write_literal(output) for output in json_values.read(problem.payload["outputs"])]
