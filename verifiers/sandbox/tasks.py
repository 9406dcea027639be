"""What a problem asks of a program: which jobs to run, and what their runs say about it.

Read from a problem's payload, whose texts are JSON in the form of `json_values`:

- `entry`, `inputs`, `expected`: a function's name (also as bare text), a list of argument lists, a list of values.
- `stdin`, `expected`: texts for standard input, and what must be printed for each. White space at the ends of lines and
  empty lines at the end do not count.
- `tests`: assert-style tests (also as bare text), read as calls and values where they can be (`asserts`).
- `answer_is` `output`: the answer is no program but a literal, equal to `expected` with its types.
- `answer_is` `input`: the answer is the arguments, each a literal, with which the function `entry` of `program` returns
  `expected`; any arguments that do so are right.
- none of these: what is printed must be the problem's reference, character for character.

A verdict's detail begins with the fine kind of ending, such as `memory: …` or `crash: …`. A task runs nothing itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from selfplay.types import Status, Verdict
from verifiers.sandbox import json_values
from verifiers.sandbox.asserts import Check
from verifiers.sandbox.compare import STRICT, EqualityPolicy, equal
from verifiers.sandbox.literal_answers import ExpectedValue, FittingInput, LiteralAnswer
from verifiers.sandbox.records import Call, Job, Run, RunStatus
from verifiers.sandbox.verdicts import failure, show

SELF_TEST = "selfplay_tests_passed"


class Task(Protocol):
    """What decides one answer."""

    def jobs(self, program: str) -> list[Job]: ...

    def judge(self, runs: Sequence[Run]) -> Verdict: ...


def _seconds(runs: Sequence[Run]) -> float:
    return sum(run.seconds for run in runs)


@dataclass(frozen=True, slots=True)
class Output:
    """The whole of what is printed is `expected`."""

    expected: str

    def jobs(self, program: str) -> list[Job]:
        return [Job(program)]

    def judge(self, runs: Sequence[Run]) -> Verdict:
        (run,) = runs
        if run.status is not RunStatus.OK:
            return failure(run.status, run.detail, run.seconds)
        correct = run.stdout == self.expected
        detail = "" if correct else "wrong: it printed something else"
        return Verdict(Status.CORRECT if correct else Status.WRONG, run.stdout, detail, run.seconds)


@dataclass(frozen=True, slots=True)
class Calls:
    """A function returns the expected values."""

    entry: str
    inputs: tuple[tuple[Any, ...], ...] = field(hash=False)
    expected: tuple[Any, ...] = field(hash=False)
    policy: EqualityPolicy = STRICT

    def jobs(self, program: str) -> list[Job]:
        return [Job(program, self.entry, self.inputs)]

    def judge(self, runs: Sequence[Run]) -> Verdict:
        (run,) = runs
        if run.status is not RunStatus.OK and not run.calls:
            return failure(run.status, run.detail, run.seconds)
        # One comparison for all values where every call gave one, which is nearly always.
        values = [call.value for call in run.calls]
        if all(call.status is RunStatus.OK for call in run.calls) and equal(list(self.expected), values, self.policy):
            return Verdict(Status.CORRECT, show(run.calls), "", run.seconds)
        for number, (call, expected) in enumerate(zip(run.calls, self.expected, strict=True), 1):
            where = f"call {number} of {len(run.calls)}"
            if call.status is not RunStatus.OK:
                return failure(call.status, f"{where}: {call.detail}", run.seconds)
            if not equal(expected, call.value, self.policy):
                return Verdict(Status.WRONG, show(run.calls), f"wrong: {where} returned another value", run.seconds)
        return Verdict(Status.CORRECT, show(run.calls), "", run.seconds)


@dataclass(frozen=True, slots=True)
class Streams:
    """For each text on standard input, the expected text is printed."""

    stdin: tuple[str, ...]
    expected: tuple[str, ...]

    def jobs(self, program: str) -> list[Job]:
        return [Job(program, stdin=text) for text in self.stdin]

    def judge(self, runs: Sequence[Run]) -> Verdict:
        for number, (run, expected) in enumerate(zip(runs, self.expected, strict=True), 1):
            where = f"input {number} of {len(runs)}"
            if run.status is not RunStatus.OK:
                # What does not compile says so for every input, and is told as it is.
                detail = run.detail if run.detail.startswith("does not compile") else f"{where}: {run.detail}"
                return failure(run.status, detail, _seconds(runs))
            if normalized(run.stdout) != normalized(expected):
                detail = f"wrong: {where}: it printed something else"
                return Verdict(Status.WRONG, run.stdout, detail, _seconds(runs))
        return Verdict(Status.CORRECT, runs[-1].stdout, "", _seconds(runs))


def normalized(text: str) -> str:
    """Without white space at the ends of lines and empty lines at the end."""
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n")


@dataclass(frozen=True, slots=True)
class Checks:
    """Assert-style tests that could be read as calls and values; one job for each tested function."""

    checks: tuple[Check, ...]

    def _entries(self) -> list[str]:
        return list(dict.fromkeys(check.entry for check in self.checks))

    def _of(self, entry: str) -> list[Check]:
        return [check for check in self.checks if check.entry == entry]

    def jobs(self, program: str) -> list[Job]:
        return [Job(program, entry, tuple(check.arguments for check in self._of(entry))) for entry in self._entries()]

    def judge(self, runs: Sequence[Run]) -> Verdict:
        seconds, shown = _seconds(runs), show([call for run in runs for call in run.calls])
        for entry, run in zip(self._entries(), runs, strict=True):
            if run.status is not RunStatus.OK and not run.calls:
                return failure(run.status, run.detail, seconds)
            for number, (check, call) in enumerate(zip(self._of(entry), run.calls, strict=True), 1):
                where = f"assertion {number} about {entry}"
                if call.status is not RunStatus.OK:
                    return failure(call.status, f"{where}: {call.detail}", seconds)
                if not check.holds(call.value):
                    return Verdict(Status.WRONG, shown, f"wrong: {where} does not hold", seconds)
        return Verdict(Status.CORRECT, shown, "", seconds)


@dataclass(frozen=True, slots=True)
class SelfTests:
    """Tests that only the program's own process can run.

    That they pass is the program's word: UNDECIDED unless trusted. That they fail is believed: a program has no reason
    to fail its own tests.
    """

    tests: str
    reason: str
    trusted: bool

    def jobs(self, program: str) -> list[Job]:
        # As calls rather than as a script: the program is imported, so its `if __name__ == "__main__"` is not run.
        return [Job(f"{program}\n\n{self.tests}\n\ndef {SELF_TEST}():\n    return True\n", SELF_TEST, ((),))]

    def judge(self, runs: Sequence[Run]) -> Verdict:
        (run,) = runs
        call = run.calls[0] if run.calls else Call(run.status, None, run.detail)
        if call.status is not RunStatus.OK or call.value is not True:
            return failure(call.status, call.detail or "other value", run.seconds, "self_graded: ")
        status = Status.CORRECT if self.trusted else Status.UNDECIDED
        return Verdict(status, None, f"self_graded: its tests passed by its own word; {self.reason}", run.seconds)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A payload that says nothing: our fault, or the data's, never the program's."""

    detail: str

    def jobs(self, program: str) -> list[Job]:
        return []

    def judge(self, runs: Sequence[Run]) -> Verdict:
        return Verdict(Status.FAULT, None, f"payload: {self.detail}")


def read_task(
    payload: Mapping[str, str], reference: str, policy: EqualityPolicy = STRICT
) -> Task | LiteralAnswer | str:
    """The task of a payload; what its literal answers must be, or the text of assert-style tests: both of these have
    yet to be read in a sandbox."""
    try:
        if "answer_is" in payload:
            return _read_literal_answer(payload, policy)
        if "entry" in payload or "inputs" in payload:
            return _read_calls(payload, policy)
        if "stdin" in payload:
            return _read_streams(payload)
        if "tests" in payload:
            return _bare_text(payload["tests"])
    except ValueError as error:
        return Unreadable(str(error))
    return Output(reference)


def _read_literal_answer(payload: Mapping[str, str], policy: EqualityPolicy) -> LiteralAnswer:
    form = _bare_text(payload["answer_is"])
    if form not in ("output", "input"):
        raise ValueError(f"answer_is is {form[:80]!r}, expected output or input")
    _require(payload, ("expected",) if form == "output" else ("program", "entry", "expected"))
    expected = json_values.read(payload["expected"], "expected")
    if form == "output":
        return ExpectedValue(expected, policy)
    return FittingInput(_bare_text(payload["program"]), _entry(payload), expected, policy)


def _require(payload: Mapping[str, str], keys: Sequence[str]) -> None:
    if missing := [key for key in keys if key not in payload]:
        raise ValueError(f"{', '.join(missing)} missing beside {', '.join(payload)}")


def _entry(payload: Mapping[str, str]) -> str:
    entry = _bare_text(payload["entry"])
    if not entry.isidentifier():
        raise ValueError(f"entry is {entry[:80]!r}, expected the name of a function")
    return entry


def _read_calls(payload: Mapping[str, str], policy: EqualityPolicy) -> Calls:
    _require(payload, ("entry", "inputs", "expected"))
    entry = _entry(payload)
    inputs = _list(payload, "inputs")
    expected = _list(payload, "expected")
    for index, arguments in enumerate(inputs):
        if type(arguments) not in (list, tuple):
            raise ValueError(f"inputs[{index}] is {type(arguments).__name__}, expected a list of arguments")
    if len(inputs) != len(expected) or not inputs:
        raise ValueError(f"{len(inputs)} inputs and {len(expected)} expected values: not one for each, or none")
    return Calls(entry, tuple(map(tuple, inputs)), tuple(expected), policy)


def _read_streams(payload: Mapping[str, str]) -> Streams:
    if "expected" not in payload:
        raise ValueError("expected missing beside stdin")
    stdin, expected = _list(payload, "stdin"), _list(payload, "expected")
    for name, texts in (("stdin", stdin), ("expected", expected)):
        for index, text in enumerate(texts):
            if type(text) is not str:
                raise ValueError(f"{name}[{index}] is {type(text).__name__}, expected text")
    if len(stdin) != len(expected) or not stdin:
        raise ValueError(f"{len(stdin)} texts for stdin and {len(expected)} expected: not one for each, or none")
    return Streams(tuple(stdin), tuple(expected))


def _list(payload: Mapping[str, str], key: str) -> list[Any]:
    value = json_values.read(payload[key], key)
    if type(value) not in (list, tuple):
        raise ValueError(f"{key} is {type(value).__name__}, expected a list")
    return list(value)


def _bare_text(text: str) -> str:
    """Text that may be written as a JSON string."""
    if text.startswith('"'):
        try:
            value = json.loads(text)
        except ValueError:
            return text
        if type(value) is str:
            return value
    return text
