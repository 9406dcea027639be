"""Running programs that a model wrote, and judging them by what they print or return.

Everything runs in a `verifiers.sandbox.Sandbox`, whose docstring says what confines it and what that does not cover.
Expected answers never leave this process: a program returns or prints, and this side compares.
`PythonExecutor.isolation` says how well this machine confines programs; a machine that is too weak is a SandboxError
unless `allow_unsafe`.

Straight-line integer programs (`inside/straight_line.py`) can reach nothing but their own names, so many of them share
one child, as straight-line functions do (`sandbox/lane.py`). A fiftieth of them, chosen by a hash of their text, are
also run alone, and a difference is a FAULT and is logged.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from selfplay.types import Problem, Verdict
from verifiers.base import ClosingVerifier
from verifiers.inside import straight_line
from verifiers.owned import Closing
from verifiers.sandbox import EqualityPolicy, Isolation, Job, Limits, Run, RunStatus, Sandbox, Tier
from verifiers.sandbox.asserts import BrokenTestsError, LostTestsError, Reading, SelfGraded, read_tests
from verifiers.sandbox.lane import run_with_lane
from verifiers.sandbox.literal_answers import LiteralAnswer, read_answers
from verifiers.sandbox.tasks import Checks, SelfTests, Task, Unreadable, read_task

SHARED_AT_LEAST = 8
"""Fewer plain programs are not worth a shared child."""
SHARED_AT_MOST = 256
RECHECKED_ONE_IN = 50
MAX_KNOWN_TESTS = 10_000

Value = int | bool | str | float | None

_LOG = logging.getLogger(__name__)
_STRAIGHT_LINE = Path(straight_line.__file__).read_text(encoding="utf-8")


class ExecutionStatus(StrEnum):
    """How a program ended."""

    OK = "ok"
    ERROR = "error"  # does not compile, raised, or ended itself with a failure
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output_limit"
    CRASH = "crash"  # killed by a signal
    NO_RESULT = "no_result"  # ended itself without a report
    BAD_FRAME = "bad_frame"  # something else was written in place of its report
    FAULT = "fault"  # ours, also after a retry


_EXECUTIONS = {RunStatus(status.value): status for status in ExecutionStatus if status is not ExecutionStatus.FAULT}


@dataclass(frozen=True, slots=True)
class Execution:
    """What one program did."""

    status: ExecutionStatus
    stdout: str = ""
    """What it printed (UTF-8; also before an error), at most the executor's limit."""
    values: Mapping[str, Value] = field(default_factory=dict, hash=False)
    """If `ok`: final global variables that are exactly int (at most 4096 bits), bool, str (at most 4096 characters),
    float or None, in order of first assignment. Others are left out."""
    detail: str = ""
    seconds: float = 0.0
    """Wall-clock time, for a reader; the only field that differs between two runs of a deterministic program."""


class PythonExecutor(Closing):
    """Runs Python programs as scripts in a sandbox. Close it when done.

    `deadline_s` bounds one program's wall-clock time, `memory_mb` what it may add to the interpreter's address space
    (MiB), `max_output_bytes` what it may print. `best` and `weakest` are tiers; `shared_lane` is there to be switched
    off in tests.
    """

    def __init__(
        self,
        *,
        num_workers: int = 1,
        deadline_s: float = 5.0,
        memory_mb: int = 1024,
        max_output_bytes: int = 65_536,
        allow_unsafe: bool = False,
        weakest: Tier = Tier.B,
        best: Tier = Tier.A,
        shared_lane: bool = True,
    ) -> None:
        self.sandbox = Sandbox(
            num_workers=num_workers,
            limits=Limits(seconds=deadline_s, memory_mb=memory_mb, max_output_bytes=max_output_bytes),
            allow_unsafe=allow_unsafe,
            weakest=weakest,
            best=best,
        )
        self._shared_lane = shared_lane

    def run(self, programs: Sequence[str]) -> list[Execution]:
        """One Execution for each program text, in order. Never raises for what a program does."""
        distinct = list(dict.fromkeys(programs))
        shared = self._run_shared(distinct) if self._shared_lane else {}
        alone = [program for program in distinct if program not in shared or rechecked(program)]
        runs = self.sandbox.run([Job(program) for program in alone])
        executions = dict(shared)
        for program, run in zip(alone, runs, strict=True):
            execution = to_execution(run)
            executions[program] = agreed(program, shared[program], execution) if program in shared else execution
        return [executions[program] for program in programs]

    def run_jobs(self, jobs: Sequence[Job], *, twice: bool = False) -> list[Run]:
        """One Run for each Job, in order: functions called with values that travel as data, or scripts.

        `twice` runs each in two processes with different hash seeds; what differs is NONDETERMINISTIC.
        """
        run = self.sandbox.run_twice if twice else self.sandbox.run
        return run_with_lane(run, jobs) if self._shared_lane else run(jobs)

    def _run_shared(self, programs: Sequence[str]) -> dict[str, Execution]:
        """The executions of the plain programs among these."""
        candidates = [program for program in programs if straight_line.plausible(program)]
        if len(candidates) < SHARED_AT_LEAST:
            return {}
        limit = self.sandbox.limits.max_output_bytes
        size = min(SHARED_AT_MOST, -(-len(candidates) // self.sandbox.num_workers))
        chunks = [candidates[begin : begin + size] for begin in range(0, len(candidates), size)]
        jobs = [Job(_STRAIGHT_LINE, "run_as_text", tuple((program, limit) for program in chunk)) for chunk in chunks]
        found: dict[str, Execution] = {}
        for chunk, run in zip(chunks, self.sandbox.run(jobs), strict=True):
            # A text that upsets the parser may end the whole chunk: each of it then runs alone.
            for program, call in zip(chunk, run.calls, strict=False):
                if call.status is RunStatus.OK and call.value is not None:
                    found[program] = from_shared(call.value)
        return found

    def isolation(self) -> Isolation:
        """What confines the programs here (starts a worker if none runs). Raises SandboxError."""
        return self.sandbox.isolation()

    def close(self) -> None:
        """End the worker processes."""
        self.sandbox.close()


def to_execution(run: Run) -> Execution:
    """What the sandbox said about a script."""
    status = _EXECUTIONS.get(run.status, ExecutionStatus.FAULT)
    return Execution(status, run.stdout, run.values, run.detail, run.seconds)


def from_shared(text: str) -> Execution:
    """What the shared lane said about a plain program."""
    status, stdout, values, detail, microseconds = json.loads(text)
    return Execution(ExecutionStatus(status), stdout, values, detail, microseconds / 1e6)


def rechecked(program: str) -> bool:
    """Whether a plain program is also run alone: the same ones in every run."""
    return int.from_bytes(hashlib.sha256(program.encode("utf-8", "surrogatepass")).digest()[:4]) % RECHECKED_ONE_IN == 0


def agreed(program: str, shared: Execution, alone: Execution) -> Execution:
    """The shared lane's execution, or a FAULT if running alone gave something else."""
    if alone.status is ExecutionStatus.FAULT:
        return shared
    one, other = ((run.status, run.stdout, dict(run.values), run.detail) for run in (shared, alone))
    if one == other:
        return shared
    _LOG.error("the two lanes disagree on %r: %r and %r", program, one, other)
    return Execution(ExecutionStatus.FAULT, detail=f"the two lanes disagree: {one} and {other}"[:300])


class PythonVerifier(ClosingVerifier):
    """The answer is a program, or a literal; what it must do or be is in the problem's payload (see
    `verifiers.sandbox.tasks`).

    A program that does not compile or lacks the function is MALFORMED; one that raises, prints or returns too much,
    needs too much memory or crashes is WRONG. `policy` says when values are equal. `check_determinism` runs everything
    twice under different hash seeds, and what differs is WRONG. Tests that only the program's own process can run are
    UNDECIDED unless `trust_self_graded`.
    """

    name = "python_exec"

    def __init__(
        self,
        *,
        num_workers: int = 1,
        deadline_s: float = 5.0,
        memory_mb: int = 1024,
        allow_unsafe: bool = False,
        weakest: Tier = Tier.B,
        best: Tier = Tier.A,
        policy: EqualityPolicy = EqualityPolicy(),  # noqa: B008 - frozen
        check_determinism: bool = False,
        trust_self_graded: bool = False,
    ) -> None:
        self.sandbox = Sandbox(
            num_workers=num_workers,
            limits=Limits(seconds=deadline_s, memory_mb=memory_mb),
            allow_unsafe=allow_unsafe,
            weakest=weakest,
            best=best,
        )
        self.policy = policy
        self.check_determinism = check_determinism
        self.trust_self_graded = trust_self_graded
        self._known_tests: dict[str, Reading] = {}

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """One verdict for each (problem, program), in order; identical (program, input) run once."""
        tasks = self._tasks(answers)
        jobs = [task.jobs(program) for task, (_, program) in zip(tasks, answers, strict=True)]
        flat = [job for own in jobs for job in own]
        runs = iter(run_with_lane(self.sandbox.run_twice if self.check_determinism else self.sandbox.run, flat))
        return [task.judge([next(runs) for _ in own]) for task, own in zip(tasks, jobs, strict=True)]

    def _tasks(self, answers: Sequence[tuple[Problem, str]]) -> list[Task]:
        """What each problem asks; new tests and literal answers are read in the sandbox, all at once."""
        found = [read_task(problem.payload, problem.reference, self.policy) for problem, _ in answers]
        asked = [
            (task, text) for task, (_, text) in zip(found, answers, strict=True) if isinstance(task, LiteralAnswer)
        ]
        literals = iter(read_answers(self.sandbox.run, asked))
        new = list(dict.fromkeys(task for task in found if isinstance(task, str) and task not in self._known_tests))
        if len(self._known_tests) + len(new) > MAX_KNOWN_TESTS:
            new = list(dict.fromkeys(task for task in found if isinstance(task, str)))
            self._known_tests.clear()
        for tests, reading in zip(new, read_tests(self.sandbox, new), strict=True):
            self._known_tests[tests] = reading
        tasks = [
            self._of_tests(task)
            if isinstance(task, str)
            else next(literals)
            if isinstance(task, LiteralAnswer)
            else task
            for task in found
        ]
        for tests in new:
            if isinstance(self._known_tests[tests], LostTestsError):
                del self._known_tests[tests]  # ours: the next call tries again
        return tasks

    def _of_tests(self, tests: str) -> Task:
        reading = self._known_tests[tests]
        if isinstance(reading, SelfGraded):
            return SelfTests(tests, reading.reason, self.trust_self_graded)
        if isinstance(reading, BrokenTestsError):
            return Unreadable(f"tests are not Python: {reading}")
        if isinstance(reading, LostTestsError):
            return Unreadable(f"tests could not be read: {reading}")
        return Checks(reading)

    def isolation(self) -> Isolation:
        """What confines the programs here (starts a worker if none runs). Raises SandboxError."""
        return self.sandbox.isolation()

    def close(self) -> None:
        """End the worker processes."""
        self.sandbox.close()
