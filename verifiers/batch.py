"""The jobs of one `WorkerPool.run`: which wait, which are answered, and what a worker's death means for them.

Pure bookkeeping: it starts, kills and sends nothing.
"""

from __future__ import annotations

import math
import signal
from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from verifiers.inside import wire
from verifiers.process import WorkerProcess

MAX_CHUNK = 1024
MIN_CHUNK = 64
MAX_LOSSES = 2
"""A job is run at most this often when workers die on it."""


class Fate(StrEnum):
    """What became of a job."""

    DONE = "done"
    TIMEOUT = "timeout"  # it ran past its own deadline
    CRASHED = "crashed"  # it made its worker die, twice
    LOST = "lost"  # our machinery lost it, also after a retry


class Outcome(NamedTuple):
    """`value` is the handler's JSON result if DONE, else None; `detail` is for a reader."""

    fate: Fate
    value: Any = None
    detail: str = ""


class Batch:
    """The jobs of one `run`: which wait, which are answered, and how often each was lost."""

    def __init__(self, jobs: Sequence[Any], num_workers: int, deadline_s: float, max_chunk: int = MAX_CHUNK) -> None:
        self.jobs = jobs
        self._deadline_s = deadline_s
        self.outcomes: list[Outcome | None] = [None] * len(jobs)
        self.num_open = len(jobs)
        self.waiting: deque[list[int]] = deque()
        self._losses: dict[int, int] = {}
        share = math.ceil(len(jobs) / num_workers)
        size = max(1, min(max_chunk, max(math.ceil(share / 4), min(MIN_CHUNK, share))))
        for begin in range(0, len(jobs), size):
            self.waiting.append(list(range(begin, min(begin + size, len(jobs)))))

    def accept(self, worker: WorkerProcess, results: list[Any]) -> bool:
        """Take a worker's next results; whether there were no more than it had jobs."""
        if len(results) > len(worker.chunk):
            return False
        for index, value in zip(worker.chunk, results, strict=False):
            self.outcomes[index] = Outcome(Fate.DONE, value)
        self.num_open -= len(results)
        worker.num_answered += len(results)
        worker.chunk = worker.chunk[len(results) :]
        return True

    def lose(self, worker: WorkerProcess, position: int | None, code: int, *, timed_out: bool) -> None:
        """A worker is gone: settle or retry the job it was on (`position` in its chunk), and give the rest away."""
        if not worker.chunk:
            return
        position = position or 0
        blamed = worker.chunk[position]
        rest = worker.chunk[:position] + worker.chunk[position + 1 :]
        losses = self._losses[blamed] = self._losses.get(blamed, 0) + 1
        if timed_out:
            self._settle(blamed, Outcome(Fate.TIMEOUT, detail=f"no answer within {self._deadline_s:g} s"))
        elif losses >= MAX_LOSSES:
            by_others = code in (-signal.SIGKILL, -signal.SIGTERM, 0)
            detail = f"its worker died {losses} times ({describe_exit(code)})"
            self._settle(blamed, Outcome(Fate.LOST if by_others else Fate.CRASHED, detail=detail))
        else:
            self.waiting.appendleft([blamed])
        if rest:
            self.waiting.appendleft(rest)
        worker.chunk = []

    def split(self, chunk: list[int], problem: str) -> None:
        """A chunk is too long to send: halve it."""
        if len(chunk) == 1:
            self._settle(chunk[0], Outcome(Fate.LOST, detail=problem))
            return
        self.waiting.appendleft(chunk[len(chunk) // 2 :])
        self.waiting.appendleft(chunk[: len(chunk) // 2])

    def give_up(self, detail: str) -> None:
        """Nothing more can be answered."""
        for index, outcome in enumerate(self.outcomes):
            if outcome is None:
                self._settle(index, Outcome(Fate.LOST, detail=detail))

    def _settle(self, index: int, outcome: Outcome) -> None:
        self.outcomes[index] = outcome
        self.num_open -= 1


def describe_exit(code: int) -> str:
    """An exit code in words."""
    if code == wire.MEMORY_EXIT:
        return "out of memory"
    if code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"
