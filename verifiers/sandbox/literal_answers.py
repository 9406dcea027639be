"""Answers that are Python literals: the output of a function, or an input that makes a function give an output.

The answer's text is read by a parser in the sandbox (`reading`), never spliced into source and never evaluated. What
was read is compared here, or handed to the problem's own program as data. Nothing here runs anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from selfplay.types import Status, Verdict
from verifiers.sandbox.compare import STRICT, EqualityPolicy, equal
from verifiers.sandbox.reading import RunJobs, read_arguments, read_values
from verifiers.sandbox.records import Call, Job, Run, RunStatus
from verifiers.sandbox.verdicts import failure, show


@dataclass(frozen=True, slots=True)
class Decided:
    """An answer whose verdict is known without running anything."""

    verdict: Verdict

    def jobs(self, answer: str) -> list[Job]:
        return []

    def judge(self, runs: Sequence[Run]) -> Verdict:
        return self.verdict


@dataclass(frozen=True, slots=True)
class Applied:
    """The problem's program, called with the answer, returns `expected`."""

    job: Job
    expected: Any = field(hash=False)
    policy: EqualityPolicy = STRICT

    def jobs(self, answer: str) -> list[Job]:
        return [self.job]

    def judge(self, runs: Sequence[Run]) -> Verdict:
        (run,) = runs
        call = run.calls[0] if run.calls else Call(run.status, None, run.detail)
        shown = show([Call(RunStatus.OK, list(self.job.inputs[0]))])
        if call.status is not RunStatus.OK:
            verdict = failure(call.status, call.detail, run.seconds)
            # The program is the problem's own and was admitted: an input that it cannot take is a wrong one.
            status = Status.WRONG if verdict.status is Status.MALFORMED else verdict.status
            return Verdict(status, shown, verdict.detail, run.seconds)
        if equal(self.expected, call.value, self.policy):
            return Verdict(Status.CORRECT, shown, "", run.seconds)
        return Verdict(Status.WRONG, shown, f"wrong: it gives {show([call])}", run.seconds)


@dataclass(frozen=True, slots=True)
class ExpectedValue:
    """The answer is the value `expected`, its types included."""

    expected: Any = field(hash=False)
    policy: EqualityPolicy = STRICT
    form: ClassVar[str] = "value"

    def given(self, value: Any) -> Decided:
        shown = show([Call(RunStatus.OK, value)])
        if equal(self.expected, value, self.policy):
            return Decided(Verdict(Status.CORRECT, shown))
        return Decided(Verdict(Status.WRONG, shown, "wrong: another value"))


@dataclass(frozen=True, slots=True)
class FittingInput:
    """The answer is arguments with which the function `entry` of `program` returns `expected`: any that do."""

    program: str
    entry: str
    expected: Any = field(hash=False)
    policy: EqualityPolicy = STRICT
    form: ClassVar[str] = "arguments"

    def given(self, value: Any) -> Applied:
        return Applied(Job(self.program, self.entry, (tuple(value),)), self.expected, self.policy)


LiteralAnswer = ExpectedValue | FittingInput
"""What is asked for, before the answer has been read; `given` makes the task that decides an answer of that value."""


def read_answers(run: RunJobs, asked: Sequence[tuple[LiteralAnswer, str]]) -> list[Decided | Applied]:
    """For each (what is asked for, answer text), the task that decides it. Equal texts are read once."""
    read: dict[tuple[str, str], Call] = {}
    for form, reader in (("value", read_values), ("arguments", read_arguments)):
        texts = list(dict.fromkeys(text for wanted, text in asked if wanted.form == form))
        read.update(((form, text), call) for text, call in zip(texts, reader(run, texts), strict=True))
    return [_decided(wanted, read[wanted.form, text]) for wanted, text in asked]


def _decided(wanted: LiteralAnswer, call: Call) -> Decided | Applied:
    if call.status is RunStatus.OK:
        return wanted.given(call.value)
    if call.status is RunStatus.INFRA_ERROR:
        return Decided(Verdict(Status.FAULT, None, f"{call.status}: {call.detail}"))
    return Decided(Verdict(Status.MALFORMED, None, f"not a literal: {call.detail}"))
