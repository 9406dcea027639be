"""Running programs that a model wrote, outside this process, and judging them by what they print.

What holds: a program never runs in this process or in the long-lived worker, but in a child forked for it, which is
killed (SIGKILL) at its deadline and reaped with its descendants. It has limits on memory, CPU time, output, open files
and file size, nothing on stdin, no inherited descriptor and no environment of ours. Results come back as JSON whose
types are checked exactly; nothing is unpickled or evaluated. The expected output never leaves this process. On Linux
x86_64 a system-call filter also refuses: changing files, sockets, new processes and threads, executing files, signals
to and inspection of other processes (`PythonExecutor.isolation` says which layers work where it runs).

What this version does NOT isolate: reading files that the user can read, /proc included (so also other processes'
environments where the system allows it); other programs of the same batch, whose texts are in the forked memory;
a program's claims about its own final variables. Where the filter is missing: everything that it refuses, and a program
may kill the worker (its own status is then `fault`; other programs are run by another worker). Randomness, time and
addresses are not made deterministic; string hashing is.

Straight-line integer programs (`inside/straight_line.py`) cannot reach any of that, and many share one child.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from selfplay.types import Problem, Status, Verdict
from verifiers.base import PooledVerifier
from verifiers.batch import Fate, Outcome
from verifiers.pool import WorkerPool

GRACE_S = 3.0
"""The worker kills a program at its deadline; the pool kills a worker that has not done so this much later."""
MAX_PROGRAM_CHARACTERS = 100_000

Value = int | bool | str | float | None


class ExecutionStatus(StrEnum):
    """How a program ended."""

    OK = "ok"
    ERROR = "error"  # does not compile, raised, or ended itself early
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output_limit"
    FAULT = "fault"  # ours, also after a retry


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


class PythonExecutor:
    """Runs Python programs in confined children of worker processes. Close it when done.

    `deadline_s` bounds one program's wall-clock time, `memory_mb` a worker's and each child's address space (MiB),
    `max_output_bytes` what a program may print. `shared_lane` and `syscall_filter` exist to be switched off in tests.
    """

    def __init__(
        self,
        *,
        num_workers: int = 1,
        deadline_s: float = 5.0,
        memory_mb: int = 1024,
        max_output_bytes: int = 65_536,
        shared_lane: bool = True,
        syscall_filter: bool = True,
    ) -> None:
        self.pool = WorkerPool(
            "verifiers.inside.judge_python",
            options={
                "deadline_s": deadline_s,
                "max_output_bytes": max_output_bytes,
                "shared_lane": shared_lane,
                "syscall_filter": syscall_filter,
            },
            num_workers=num_workers,
            deadline_s=deadline_s + GRACE_S,
            memory_mb=memory_mb,
        )

    def run(self, programs: Sequence[str]) -> list[Execution]:
        """One Execution for each program text, in order. Never raises for what a program does."""
        short = [program for program in programs if len(program) <= MAX_PROGRAM_CHARACTERS]
        outcomes = iter(self.pool.run(short))
        return [
            to_execution(next(outcomes))
            if len(program) <= MAX_PROGRAM_CHARACTERS
            else Execution(
                ExecutionStatus.ERROR, detail=f"does not compile: longer than {MAX_PROGRAM_CHARACTERS} characters"
            )
            for program in programs
        ]

    def isolation(self) -> list[str]:
        """The layers that work on this machine (starts a worker if none runs)."""
        return self.pool.active()

    def close(self) -> None:
        """End the worker processes."""
        self.pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def to_execution(outcome: Outcome) -> Execution:
    """What a worker said about a program."""
    if outcome.fate is Fate.DONE:
        try:
            status, stdout, values, detail, microseconds = outcome.value
            return Execution(_STATUSES[status], stdout, values, detail, microseconds / 1e6)
        except (TypeError, ValueError, KeyError):
            return Execution(ExecutionStatus.FAULT, detail="a worker's answer cannot be read")
    return Execution(_FATES.get(outcome.fate, ExecutionStatus.FAULT), detail=outcome.detail)


_STATUSES = {status.value: status for status in ExecutionStatus}
_FATES = {Fate.TIMEOUT: ExecutionStatus.TIMEOUT}


class PythonVerifier(PooledVerifier):
    """The answer is a program; CORRECT iff it ends normally and its stdout is exactly the reference.

    A program that does not compile is MALFORMED; one that raises, prints too much or needs too much memory is WRONG.
    """

    name = "python_exec"
    handler = "verifiers.inside.judge_python"

    def __init__(self, *, num_workers: int = 1, deadline_s: float = 5.0, memory_mb: int = 1024, **options: Any) -> None:
        self.executor = PythonExecutor(num_workers=num_workers, deadline_s=deadline_s, memory_mb=memory_mb, **options)
        self.pool = self.executor.pool

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """One verdict for each (problem, program), in order; each distinct program runs once."""
        distinct = list(dict.fromkeys(answer for _, answer in answers))
        executions = dict(zip(distinct, self.executor.run(distinct), strict=True))
        return [judge_output(problem.reference, executions[answer]) for problem, answer in answers]


def judge_output(expected: str, execution: Execution) -> Verdict:
    """Compare what a program printed with what it should have printed: every character, the last newline included."""
    status = _VERDICTS[execution.status]
    detail = f"{execution.status}: {execution.detail}" if execution.detail else ""
    if execution.status is ExecutionStatus.OK:
        correct = execution.stdout == expected
        return Verdict(Status.CORRECT if correct else Status.WRONG, execution.stdout, detail, execution.seconds)
    if execution.detail.startswith("does not compile"):
        status = Status.MALFORMED
    return Verdict(status, None, detail, execution.seconds)


_VERDICTS = {
    ExecutionStatus.OK: Status.CORRECT,
    ExecutionStatus.ERROR: Status.WRONG,
    ExecutionStatus.TIMEOUT: Status.TIMEOUT,
    ExecutionStatus.MEMORY: Status.WRONG,
    ExecutionStatus.OUTPUT_LIMIT: Status.WRONG,
    ExecutionStatus.FAULT: Status.FAULT,
}
