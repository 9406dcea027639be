"""Which tasks are problems: their tests are read, their solutions run, and trivial programs tried, in batches.

Everything that anybody wrote runs in the sandbox, and comparison is made here, on the values that come back. Reasons:
`unreadable_tests`, `broken_tests` (not Python), `self_graded_tests` (more than calls and values: only a process that
also holds the solver's program could run them), `several_functions`, `few_tests`, `solution_wrong` (also: raises, or
needs too much), `solution_malformed`, `solution_timeout`, `solution_nondeterministic`, `trivial_tests`,
`tests_too_large`, and `fault`, which is ours. It judges no solver.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from envs.base import Executor, reject
from envs.code.tested_texts import TaskText
from selfplay.types import Rejection, Status
from verifiers.sandbox import Call, Job, Run, RunStatus, json_values
from verifiers.sandbox.asserts import BrokenTestsError, Check, LostTestsError, SelfGraded, read_tests
from verifiers.sandbox.tasks import Calls, Checks, read_task

CONSTANTS: tuple[Any, ...] = (None, 0, 1, True, False, "", [], {})
"""What trivial programs return, besides an argument of theirs or a value that the tests expect."""
MAX_EXPECTED_CONSTANTS = 8
"""So many different expected values are tried, the most frequent first."""
_TRIVIAL = """
def trivial(place, constant, *arguments):
    return constant if place is None else arguments[place]
"""
_SOLUTION_REASONS = {
    Status.MALFORMED: "solution_malformed",
    Status.TIMEOUT: "solution_timeout",
    Status.FAULT: "fault",
}


@dataclass(frozen=True, slots=True)
class ReadTests:
    """The tests of one task, all of one function."""

    every: Checks | Calls
    hidden: Checks | Calls

    @property
    def job(self) -> Job:
        """What calls the function of a program, which is empty here, with the arguments of every test."""
        return self.every.jobs("")[0]

    def telling(self) -> Checks | Calls:
        """The hidden tests whose arguments no shown test has."""
        keys = [_key(arguments) for arguments in self.job.inputs]
        num_shown = len(keys) - len(self.hidden.jobs("")[0].inputs)
        own = [place for place, key in enumerate(keys) if place >= num_shown and key not in keys[:num_shown]]
        if isinstance(self.every, Checks):
            return Checks(tuple(self.every.checks[place] for place in own))
        inputs, expected = ([values[place] for place in own] for values in (self.every.inputs, self.every.expected))
        return Calls(self.every.entry, tuple(inputs), tuple(expected), self.every.policy)


def admit(
    executor: Executor, texts: Sequence[TaskText], num_shown: int, min_hidden: int, *, refuse_trivial: bool = True
) -> list[ReadTests | Rejection]:
    """For each task its tests as they were read, or why it is no problem.

    Tests that trivial programs pass are refused unless the caller says otherwise (a benchmark is taken as it is).
    """
    outcomes = _read(executor, texts, num_shown)
    for check in (_enough(min_hidden), _solved, *((_not_trivial,) if refuse_trivial else ())):
        open_ones = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, ReadTests)]
        pairs = [(texts[place], outcome) for place, outcome in enumerate(outcomes) if isinstance(outcome, ReadTests)]
        for place, refusal in zip(open_ones, check(executor, pairs), strict=True):
            outcomes[place] = refusal or outcomes[place]
    return outcomes


Pairs = Sequence[tuple[TaskText, ReadTests]]
Refusals = list[Rejection | None]


class _Reader:
    """What `read_tests` calls a sandbox: it reads two texts of one task, next to each other here, in one process."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def run(self, jobs: Sequence[Job]) -> list[Run]:
        pairs = [replace(one, inputs=one.inputs + two.inputs) for one, two in zip(jobs[::2], jobs[1::2], strict=True)]
        runs = self._executor.run_jobs(pairs)
        return [replace(run, calls=run.calls[place : place + 1]) for run in runs for place in range(2)]


def _read(executor: Executor, texts: Sequence[TaskText], num_shown: int) -> list[ReadTests | Rejection]:
    payloads: list[tuple[dict[str, str], dict[str, str]] | Rejection] = []
    for text in texts:
        try:
            payloads.append((text.payload(text.tests), text.payload(text.parted(num_shown)[1])))
        except ValueError as error:
            payloads.append(reject("unreadable_tests", str(error)))
    found = [[read_task(one, "") for one in pair] if isinstance(pair, tuple) else pair for pair in payloads]
    written = [task for pair in found if isinstance(pair, list) for task in pair if isinstance(task, str)]
    readings = iter(read_tests(_Reader(executor), written))
    return [
        _pair([_task(next(readings) if isinstance(task, str) else task) for task in pair])
        if isinstance(pair, list)
        else pair
        for pair in found
    ]


def _task(reading: object) -> Checks | Calls | Rejection:
    if isinstance(reading, tuple):
        return Checks(reading)
    if isinstance(reading, Calls):
        return reading
    reasons = {BrokenTestsError: "broken_tests", SelfGraded: "self_graded_tests", LostTestsError: "fault"}
    detail = reading.reason if isinstance(reading, SelfGraded) else getattr(reading, "detail", str(reading))
    return Rejection(reasons.get(type(reading), "unreadable_tests"), detail[:200])


def _pair(tasks: Sequence[Checks | Calls | Rejection]) -> ReadTests | Rejection:
    every, hidden = tasks
    if isinstance(every, Rejection):
        return every
    if isinstance(hidden, Rejection):
        return hidden
    if len(names := [str(job.entry) for job in every.jobs("")]) > 1:
        return reject("several_functions", ", ".join(names))
    return ReadTests(every, hidden)


def _enough(min_hidden: int) -> Callable[[Executor, Pairs], Refusals]:
    def check(executor: Executor, pairs: Pairs) -> Refusals:
        counts = []
        for _, tests in pairs:
            jobs = tests.telling().jobs("")
            counts.append(len({_key(arguments) for arguments in jobs[0].inputs}) if jobs else 0)
        expected = f"hidden tests with arguments of their own, expected at least {min_hidden}"
        return [None if count >= min_hidden else Rejection("few_tests", f"{count} {expected}") for count in counts]

    return check


def _solved(executor: Executor, pairs: Pairs) -> Refusals:
    """Run every solution on all tests of its task, in two processes."""
    runs = executor.run_jobs([tests.every.jobs(text.solution)[0] for text, tests in pairs], twice=True)
    refusals: Refusals = []
    for (_, tests), run in zip(pairs, runs, strict=True):
        verdict = tests.every.judge([run])
        reason = _SOLUTION_REASONS.get(verdict.status, "solution_wrong")
        if verdict.detail.startswith(RunStatus.NONDETERMINISTIC):
            reason = "solution_nondeterministic"
        refusals.append(None if verdict.status is Status.CORRECT else Rejection(reason, verdict.detail[:200]))
    return refusals


def _not_trivial(executor: Executor, pairs: Pairs) -> Refusals:
    """Run all trivial programs of a task in one process, as calls that are given what to return."""
    tellings = [tests.telling() for _, tests in pairs]
    choices = [_choices(telling) for telling in tellings]
    jobs = [
        Job(
            _TRIVIAL,
            "trivial",
            tuple((*choice, *arguments) for choice in own for arguments in telling.jobs("")[0].inputs),
        )
        for telling, own in zip(tellings, choices, strict=True)
    ]
    runs = executor.run_jobs(jobs)
    return [_refusal(*parts) for parts in zip(tellings, choices, runs, strict=True)]


Choice = tuple[int | None, Any]
"""Place of the argument that is returned (None: none is), and a constant."""


def _choices(telling: Checks | Calls) -> list[Choice]:
    expected = list(telling.expected) if isinstance(telling, Calls) else [_value(check) for check in telling.checks]
    by_key = {key: value for value in expected if (key := _key(value)) is not None}
    frequent = Counter(key for value in expected if (key := _key(value)) is not None).most_common(
        MAX_EXPECTED_CONSTANTS
    )
    constants = [*CONSTANTS, *(by_key[key] for key, _ in frequent)]
    return [(0, None), (-1, None), *((None, constant) for constant in constants)]


def _value(check: Check) -> Any:
    """What an assertion compares with: of tolerances, the value in the middle."""
    return check.expected[0] if check.relation in ("close", "near_less", "near_at_most") else check.expected


def _refusal(telling: Checks | Calls, choices: Sequence[Choice], run: Run) -> Rejection | None:
    if run.status is not RunStatus.OK:
        return Rejection("fault" if run.status is RunStatus.INFRA_ERROR else "tests_too_large", run.detail[:200])
    size = len(run.calls) // len(choices)
    for number, (place, constant) in enumerate(choices):
        calls: tuple[Call, ...] = run.calls[number * size : (number + 1) * size]
        if telling.judge([Run(RunStatus.OK, calls)]).status is Status.CORRECT:
            what = {0: "its first argument", -1: "its last argument", None: f"always {_key(constant)}"}[place]
            return reject("trivial_tests", f"a program that returns {what} passes them")
    return None


def _key(value: Any) -> str | None:
    """A text that equal values share; None for what has none."""
    try:
        return json_values.write(list(value) if type(value) is tuple else value)
    except ValueError:
        return None
