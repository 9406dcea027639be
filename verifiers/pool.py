"""A pool of worker processes that answers batches of small jobs, in order, whatever single jobs do.

Contract: `run(jobs)` returns one Outcome a job, in order. A job that runs past its deadline is TIMEOUT and its worker
is killed (SIGKILL to the process group, then reaped). When a worker dies, the job that it was on is run once more,
alone, in a fresh worker: if that dies too, the job is CRASHED if it caused the death (a signal such as SIGSEGV, or too
much memory) and LOST if somebody killed the worker or no worker can be started. Its neighbours are answered by another
worker. Workers start when first needed, stay for later batches, and die with the parent. With `warm` they are forked
by a template that has the handler loaded, so that replacing one that was killed is cheap.

It does not know what jobs mean, does not isolate untrusted code (a handler's business), and does not share a batch
between machines. One batch at a time: calls from several threads wait for each other.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from verifiers.batch import MAX_CHUNK, MAX_LOSSES, Batch, Outcome, describe_exit
from verifiers.inside import wire
from verifiers.owned import Closing, Owned
from verifiers.process import WorkerProcess, WorkerSetup, start_template
from verifiers.template import Template


class WorkerPool(Closing):
    """Runs jobs (JSON values) in `num_workers` processes with the handler module `handler`.

    `deadline_s` bounds one job's wall-clock time, `start_deadline_s` a worker's start (imports included), `memory_mb`
    a worker's address space (MiB). `path` lists directories a worker may import from besides the standard library.
    `max_chunk` bounds how many jobs a worker is given at once.
    """

    def __init__(
        self,
        handler: str,
        *,
        options: Mapping[str, Any] | None = None,
        path: Sequence[str] = (),
        num_workers: int = 1,
        deadline_s: float = 5.0,
        start_deadline_s: float = 60.0,
        memory_mb: int = 1024,
        warm: bool = False,
        max_chunk: int = MAX_CHUNK,
    ) -> None:
        for name, value in (("num_workers", num_workers), ("deadline_s", deadline_s), ("memory_mb", memory_mb)):
            if not value > 0:
                raise ValueError(f"{name} is {value!r}; expected a number above 0")
        self.num_workers = num_workers
        self.deadline_s = deadline_s
        self.start_deadline_s = start_deadline_s
        self._setup = WorkerSetup(handler, options or {}, tuple(path), memory_mb, deadline_s)
        self._warm = warm
        self._max_chunk = max_chunk
        self._templates: Owned[Template] = Owned(self)  # at most one
        self._workers: Owned[WorkerProcess] = Owned(self)  # made later, so ended first: a template reaps its workers
        self._lock = threading.Lock()
        self._start_failures = 0
        self._start_detail = ""

    def run(self, jobs: Sequence[Any]) -> list[Outcome]:
        """One outcome for each job, in order. Never raises for what a job does."""
        with self._lock:
            self._adopt()
            batch = Batch(jobs, self.num_workers, self.deadline_s, self._max_chunk)
            self._start_failures = 0
            try:
                while batch.num_open:
                    self._assign(batch)
                    if self._start_failures >= MAX_LOSSES:
                        batch.give_up(f"no worker could be started: {self._start_detail}")
                        self._discard_busy()
                    else:
                        self._attend(batch)
            except BaseException:  # also Ctrl-C: a worker in the middle of a chunk would answer the next batch with it
                self._discard_busy()
                raise
            return [outcome for outcome in batch.outcomes if outcome is not None]

    def active(self) -> list[str]:
        """What the handler said is active in the workers (starts one if none runs; empty if none can be started)."""
        with self._lock:
            self._adopt()
            batch = Batch([], 1, self.deadline_s)
            self._start_failures = 0
            while self._start_failures < MAX_LOSSES:
                for worker in self._workers:
                    if worker.ready:
                        return list(worker.active)
                self._grow(1)
                self._attend(batch)
            return []

    def process_ids(self) -> list[int]:
        """Process ids of the workers that run now."""
        return [worker.process_id for worker in self._workers if worker.process_id]

    def close(self) -> None:
        """Kill and reap all workers. The pool can be used again: it starts new ones."""
        with self._lock:
            self._workers.close()
            self._templates.close()

    def _adopt(self) -> None:
        """In a forked copy of the parent the workers belong to somebody else: forget them."""
        self._templates.adopt(self)
        self._workers.adopt(self)

    def _assign(self, batch: Batch) -> None:
        """Give waiting chunks to free workers, starting workers as needed."""
        for worker in [worker for worker in self._workers if worker.ready and not worker.busy and not worker.alive()]:
            self._workers.remove(worker)
        self._grow(len(batch.waiting))
        for worker in self._workers:
            if batch.waiting and worker.ready and not worker.busy:
                chunk = batch.waiting.popleft()
                try:
                    worker.assign(chunk, [batch.jobs[index] for index in chunk])
                except wire.FrameError as error:
                    batch.split(chunk, str(error))

    def _grow(self, num_wanted: int) -> None:
        """Start workers until `num_wanted` are free or starting, or all allowed ones run."""
        num_free = sum(not worker.busy for worker in self._workers)
        while num_free < num_wanted and len(self._workers) < self.num_workers:
            try:
                self._workers.append(WorkerProcess(self._setup, self._template() if self._warm else None))
            except OSError as error:
                self._start_failures += 1
                self._start_detail = str(error)
                return
            num_free += 1

    def _template(self) -> Template:
        """The template that runs, or a new one."""
        for template in [template for template in self._templates if not template.alive()]:
            self._templates.remove(template)
        if not self._templates:
            self._templates.append(start_template(self._setup))
        return next(iter(self._templates))

    def _attend(self, batch: Batch) -> None:
        """Wait until a worker says something or is overdue, and deal with it."""
        poll = select.poll()
        concerned = [worker for worker in self._workers if worker.busy or not worker.ready]
        for worker in concerned:
            poll.register(worker, select.POLLIN | (select.POLLOUT if worker.wants_to_write else 0))
        due = min((self._due(worker) for worker in concerned), default=time.monotonic())
        poll.poll(max(0.0, due - time.monotonic()) * 1000 + 1)
        for worker in concerned:
            if worker.wants_to_write:
                worker.write()
            if not self._listen(worker, batch):
                self._bury(worker, batch, overdue=False)
            elif (worker.busy or not worker.ready) and self._due(worker) < time.monotonic():
                self._bury(worker, batch, overdue=True)

    def _due(self, worker: WorkerProcess) -> float:
        """When it must have moved on (`time.monotonic`)."""
        if not worker.ready:
            return worker.sent_at + self.start_deadline_s
        progress = worker.progress()
        return (progress.began if progress.sequence == worker.sequence else worker.sent_at) + self.deadline_s

    def _listen(self, worker: WorkerProcess, batch: Batch) -> bool:
        """Take in what a worker sent; whether it is still good."""
        try:
            frames, ended = worker.read()
        except wire.FrameError:
            return False
        for frame in frames:
            if isinstance(frame, list):
                if not batch.accept(worker, frame):
                    return False
            elif isinstance(frame, dict) and "ready" in frame:
                worker.ready, worker.active = True, frame["ready"]
                worker.process_id = worker.process_id or frame.get("process", 0)
                self._start_failures = 0
            else:
                self._start_detail = str(frame.get("error", frame) if isinstance(frame, dict) else frame)
                return False
        return not ended

    def _bury(self, worker: WorkerProcess, batch: Batch, *, overdue: bool) -> None:
        """Kill and reap a worker that died, is overdue, or talks nonsense, and see to its jobs."""
        now = time.monotonic()
        code = worker.kill()
        if not worker.ready:
            self._start_failures += 1
            if overdue:
                self._start_detail = f"not ready within {self.start_deadline_s:g} s"
            self._start_detail = self._start_detail or f"it ended while starting ({describe_exit(code)})"
        elif worker.busy:
            if overdue:
                self._listen(worker, batch)  # it may have answered between the look at the clock and the signal
            progress = worker.progress()
            index = progress.position - worker.num_answered if progress.sequence == worker.sequence else -1
            known = 0 <= index < len(worker.chunk)
            # Read now that it cannot change: it may have moved on to another job just before the signal.
            timed_out = overdue and known and progress.began + self.deadline_s <= now
            batch.lose(worker, index if known else None, code, timed_out=timed_out)
        self._workers.remove(worker)

    def _discard_busy(self) -> None:
        for worker in [worker for worker in self._workers if worker.busy or not worker.ready]:
            self._workers.remove(worker)
