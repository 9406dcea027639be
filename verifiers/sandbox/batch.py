"""The jobs of one `Sandbox.run`: which wait, which are answered, and what the loss of a zygote means for them.

Pure bookkeeping: it starts and kills nothing.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence

from verifiers.sandbox.codec import MAX_PROGRAM_CHARACTERS, JobError, encode_job, with_token
from verifiers.sandbox.process import Zygote
from verifiers.sandbox.records import Job, Limits, Run, RunStatus

MAX_AHEAD = 32
"""Jobs that wait in a zygote's socket, so that it never waits for the parent."""
MAX_AHEAD_BYTES = 1 << 18
MAX_LOSSES = 3
"""A job is run at most this often when its zygote dies or loses it: somebody else may kill two in a row. A zygote that
hangs counts twice, because it has cost a whole deadline."""
_TOKEN = 8


class Batch:
    """Identical jobs are one unit of work; `index` numbers these."""

    def __init__(self, jobs: Sequence[Job], limits: Limits, max_losses: int = MAX_LOSSES) -> None:
        self._max_losses = max_losses
        self._jobs: list[Job] = []
        self._encoded: list[bytes] = []
        self._results: list[Run | None] = []
        self._unit_of: list[int] = []
        self._losses: dict[int, int] = {}
        known: dict[bytes, int] = {}
        for job in jobs:
            refused = refuse(job)
            if refused is None:
                try:
                    encoded = encode_job(job)
                except JobError as error:
                    refused = Run(RunStatus.INFRA_ERROR, detail=str(error))
            if refused is not None:
                self._unit_of.append(self._add(job, b"", refused))
                continue
            if encoded not in known:
                known[encoded] = self._add(job, encoded, None)
            self._unit_of.append(known[encoded])
        self._waiting = deque(index for index, result in enumerate(self._results) if result is None)
        self.num_open = len(self._waiting)
        self._tokens = os.urandom(_TOKEN * len(self._jobs))

    def _add(self, job: Job, encoded: bytes, result: Run | None) -> int:
        self._jobs.append(job)
        self._encoded.append(encoded)
        self._results.append(result)
        return len(self._jobs) - 1

    @property
    def num_waiting(self) -> int:
        return len(self._waiting)

    def job(self, index: int) -> Job:
        return self._jobs[index]

    def feed(self, zygote: Zygote, num_zygotes: int) -> None:
        """Keep a zygote's queue filled, leaving a fair share to the others."""
        waiting, in_flight = self._waiting, zygote.in_flight
        if not waiting or len(in_flight) > MAX_AHEAD // 2:
            return
        ahead = min(MAX_AHEAD, max(1, (len(waiting) + len(in_flight)) // (2 * num_zygotes)))
        size = sum(len(self._encoded[index]) for index, _ in in_flight)
        while waiting and len(in_flight) < ahead and (size < MAX_AHEAD_BYTES or not in_flight):
            index = waiting.popleft()
            token = self._tokens[_TOKEN * index : _TOKEN * (index + 1)]
            job = with_token(self._encoded[index], token)
            zygote.send(index, token, job)
            size += len(job)
        zygote.write()

    def accept(self, index: int, run: Run) -> None:
        """A job is answered; one that we lost is tried once more."""
        if run.status is RunStatus.INFRA_ERROR:
            self._lose_one(index, run.detail, 1)
        else:
            self._settle(index, run)

    def lose(self, indices: list[int], *, overdue: bool) -> None:
        """A zygote is gone: retry or settle the job it was on, and give the others away."""
        self._waiting.extendleft(reversed(indices[1:]))
        if indices:
            detail = "its sandbox process did not answer in time" if overdue else "its sandbox process ended"
            self._lose_one(indices[0], detail, 2 if overdue else 1)

    def _lose_one(self, index: int, detail: str, count: int) -> None:
        losses = self._losses[index] = self._losses.get(index, 0) + count
        if losses >= self._max_losses:
            self._settle(index, Run(RunStatus.INFRA_ERROR, detail=f"{detail}, again and again"))
        else:
            self._waiting.appendleft(index)

    def give_up(self, detail: str) -> None:
        """Nothing more can be answered."""
        for index, result in enumerate(self._results):
            if result is None:
                self._settle(index, Run(RunStatus.INFRA_ERROR, detail=detail))
        self._waiting.clear()

    def _settle(self, index: int, run: Run) -> None:
        self._results[index] = run
        self.num_open -= 1

    def runs(self) -> list[Run]:
        """The answers, one for each job in the order of the jobs."""
        return [run for unit in self._unit_of if (run := self._results[unit]) is not None]


def refuse(job: Job) -> Run | None:
    """The Run of a job that is not worth sending."""
    if len(job.program) > MAX_PROGRAM_CHARACTERS:
        return Run(RunStatus.ERROR, detail=f"does not compile: longer than {MAX_PROGRAM_CHARACTERS} characters")
    return None
