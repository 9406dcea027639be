"""The sandbox: batches of programs in, one Run each out, in order, whatever single programs do.

    parent ⇄ socket ⇄ N zygotes (exec'd, warmed, single-threaded) ⇄ one confined child for each program

A program that overruns is killed by its zygote at the deadline. A zygote that does not answer within the deadline and
`GRACE_S` more, or dies, is killed and replaced; the job that it was on is run again, and is INFRA_ERROR if that keeps
failing. Its other jobs lose nothing. Identical jobs of a batch run once. Zygotes start when first needed, prove by
attacks on themselves how well they confine (`canaries`), stay for later batches, and end with the parent.

Expected answers are not the sandbox's business and never enter it: compare what comes back (`compare`).

A program can read the standard library and nothing else, and has no processes, threads, sockets (so no asyncio) and no
files to write. In tier B it can still ask whether a file exists. It does not make time, randomness or addresses
deterministic (`run_twice` finds out), and does not share a batch between machines. One batch at a time: calls from
several threads wait for each other.
"""

from __future__ import annotations

import select
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from verifiers.owned import Closing, Owned
from verifiers.sandbox import canaries
from verifiers.sandbox.batch import Batch
from verifiers.sandbox.codec import read_reply
from verifiers.sandbox.compare import differences
from verifiers.sandbox.isolation import Isolation, SandboxError, Tier, too_weak
from verifiers.sandbox.process import Zygote, ZygoteError
from verifiers.sandbox.records import Job, Limits, Run

GRACE_S = 2.0
MAX_CANARY_REPEATS = 3
BUSY_FOR_LONG = 8
"""A zygote with more jobs than this ahead of it need not be looked at for BETWEEN_LOOKS_S."""
BETWEEN_LOOKS_S = 0.005
MAX_START_FAILURES = 4
START_PATIENCE_S = 20.0
REST_S = 2.0
"""After a failed start, so long no other is tried while some zygotes run."""
_LAYERS = {
    Tier.A: {"namespaces": True, "landlock": True, "syscall_filter": True},
    Tier.B: {"namespaces": False, "landlock": True, "syscall_filter": True},
    Tier.C: {"namespaces": False, "landlock": False, "syscall_filter": True},
    Tier.D: {"namespaces": False, "landlock": False, "syscall_filter": False},
}


class Sandbox(Closing):
    """Runs programs in confined children of `num_workers` zygotes. Close it when done.

    `best` is the strongest tier to try, `weakest` the weakest that is accepted: a machine below it is a SandboxError
    from `run` and `isolation`, unless `allow_unsafe`. `hash_seed` seeds the hashing of texts in the programs.
    """

    def __init__(
        self,
        *,
        num_workers: int = 1,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        allow_unsafe: bool = False,
        weakest: Tier = Tier.B,
        best: Tier = Tier.A,
        hash_seed: int = 0,
    ) -> None:
        for name, value in (("num_workers", num_workers), *((name, getattr(limits, name)) for name in _POSITIVE)):
            if not value > 0:
                raise ValueError(f"{name} is {value!r}; expected a number above 0")
        self.num_workers = num_workers
        self.limits = limits
        self._allow_unsafe = allow_unsafe
        self._weakest = Tier(weakest)
        self._best = Tier(best)
        self._hash_seed = hash_seed
        self._zygotes: Owned[Zygote] = Owned(self)
        self._twin: Sandbox | None = None
        self._isolation: Isolation | None = None
        self._chosen = self._best
        self._start_detail = ""
        self._rest_until = 0.0
        self._lock = threading.RLock()

    def run(self, jobs: Sequence[Job]) -> list[Run]:
        """One Run for each job, in order. Raises SandboxError for a machine that is too weak, and nothing else."""
        with self._lock:
            self._zygotes.adopt(self)
            batch = Batch(jobs, self.limits)
            try:
                self._work(batch)
            except BaseException:  # also Ctrl-C: a zygote in the middle of a job would answer the next batch with it
                self._discard_busy()
                raise
            return batch.runs()

    def run_twice(self, jobs: Sequence[Job]) -> list[Run]:
        """Like `run`, in two processes with different hash seeds; NONDETERMINISTIC where the two runs differ."""
        with self._lock:
            self._zygotes.adopt(self)
            if self._twin is None:
                self._twin = Sandbox(
                    num_workers=self.num_workers,
                    limits=self.limits,
                    allow_unsafe=self._allow_unsafe,
                    weakest=self._weakest,
                    best=self._best,
                    hash_seed=self._hash_seed % 4_000_000_000 + 1,
                )
            first, second = self.run(jobs), self._twin.run(jobs)
            return [differences(one, other) for one, other in zip(first, second, strict=True)]

    def isolation(self) -> Isolation:
        """What confines the programs (starts a zygote if none runs). Raises SandboxError."""
        with self._lock:
            self._zygotes.adopt(self)
            self._grow(1)
            if self._isolation is None:
                raise SandboxError(f"no sandbox process could be started: {self._start_detail}")
            return self._isolation

    def process_ids(self) -> list[int]:
        """Process ids of the zygotes that run now."""
        return [zygote.process_id for zygote in self._zygotes]

    def close(self) -> None:
        """Kill and reap all zygotes. The sandbox can be used again: it starts new ones."""
        with self._lock:
            self._zygotes.close()
            if self._twin is not None:
                self._twin.close()

    def _work(self, batch: Batch) -> None:
        for zygote in [zygote for zygote in self._zygotes if not zygote.alive()]:
            self._zygotes.remove(zygote)
        while batch.num_open:
            self._grow(min(self.num_workers, batch.num_waiting + len(self._busy())))
            if not self._zygotes:
                batch.give_up(f"no sandbox process could be started: {self._start_detail}")
                return
            for zygote in self._zygotes:
                batch.feed(zygote, len(self._zygotes))
            for zygote, overdue in self._attend(batch, self._busy()):
                batch.lose([index for index, _ in zygote.in_flight], overdue=overdue)
                self._zygotes.remove(zygote)

    def _busy(self) -> list[Zygote]:
        return [zygote for zygote in self._zygotes if zygote.in_flight]

    def _attend(self, batch: Batch, busy: Sequence[Zygote]) -> list[tuple[Zygote, bool]]:
        """Wait until one of these zygotes says something or is overdue; those that are lost, and whether overdue."""
        if all(len(zygote.in_flight) > BUSY_FOR_LONG and not zygote.wants_to_write for zygote in busy):
            time.sleep(BETWEEN_LOOKS_S)  # nobody waits for the next answer, and waking for each costs both sides
        poll = select.poll()
        lost = []
        for zygote in busy:
            poll.register(zygote, select.POLLIN | (select.POLLOUT if zygote.wants_to_write else 0))
        allowance = self.limits.seconds + GRACE_S
        due = min((zygote.moved_at for zygote in busy), default=time.monotonic()) + allowance
        ready = {descriptor for descriptor, _ in poll.poll(max(0.0, due - time.monotonic()) * 1000 + 1)}
        for zygote in busy:
            if zygote.fileno() in ready:
                if zygote.wants_to_write:
                    zygote.write()
                if not self._listen(zygote, batch):
                    lost.append((zygote, False))
            elif time.monotonic() > zygote.moved_at + allowance:
                lost.append((zygote, True))
        return lost

    def _listen(self, zygote: Zygote, batch: Batch) -> bool:
        """Take in what a zygote sent; whether it is still good."""
        try:
            replies, ended = zygote.read()
        except ZygoteError:
            return False
        can_signal = "seccomp" not in zygote.facts["active"]
        for reply in replies:
            index, token = zygote.in_flight.popleft()
            zygote.moved_at = time.monotonic()
            batch.accept(index, read_reply(reply, token, batch.job(index), self.limits, can_signal=can_signal))
        return not ended

    def _discard_busy(self) -> None:
        for zygote in self._busy():
            self._zygotes.remove(zygote)

    def _grow(self, num_wanted: int) -> None:
        """Start and prove zygotes until so many run, or until starting has failed too often or for too long.

        Where some run already, one failure is left for later: they can work meanwhile.
        """
        began, num_failures = time.monotonic(), 0
        if self._zygotes and began < self._rest_until:
            return
        while len(self._zygotes) < num_wanted:
            try:
                zygote = self._start_first() if self._isolation is None else self._start_alike(self._isolation)
                self._zygotes.append(zygote)
            except (ZygoteError, OSError) as error:
                num_failures += 1
                self._start_detail = str(error)
                self._rest_until = time.monotonic() + REST_S
                if (
                    len(self._zygotes)
                    or num_failures >= MAX_START_FAILURES
                    or time.monotonic() - began > START_PATIENCE_S
                ):
                    return

    def _start_first(self) -> Zygote:
        """The first zygote, as strong as the machine allows. Raises SandboxError if that is too weak."""
        best: tuple[Isolation, Tier, Zygote] | None = None
        failure: ZygoteError | OSError = ZygoteError("no tier could be set up")
        reasons: dict[str, str] = {}
        for tier in [tier for tier in Tier if tier.strength <= self._best.strength]:
            try:
                zygote = self._start_in(tier)
                isolation = self._prove(zygote)
            except (ZygoteError, OSError) as error:
                failure = error
                reasons[f"tier {tier}"] = str(error)
                continue
            if best is not None and isolation.tier.strength <= best[0].tier.strength:
                zygote.close()
                continue
            if best is not None:
                best[2].close()
            best = isolation, tier, zygote
            if isolation.tier.strength >= min(tier.strength, Tier.B.strength):
                break  # a weaker tier has fewer layers, so it cannot reach more
        if best is None:
            raise failure
        isolation, self._chosen, zygote = best
        isolation = replace(isolation, missing={**reasons, **isolation.missing})
        if isolation.tier.strength < self._weakest.strength and not self._allow_unsafe:
            zygote.close()
            raise too_weak(isolation, self._weakest)
        self._isolation = isolation
        return zygote

    def _start_alike(self, isolation: Isolation) -> Zygote:
        """Another zygote, which must be as strong as the first."""
        zygote = self._start_in(self._chosen)
        proved = self._prove(zygote)
        if proved.tier.strength < isolation.tier.strength:
            zygote.close()
            raise ZygoteError(f"it reached tier {proved.tier} only ({proved.summary()})")
        return zygote

    def _start_in(self, tier: Tier) -> Zygote:
        return Zygote(self.limits, _LAYERS[tier], self._hash_seed)

    def _prove(self, zygote: Zygote) -> Isolation:
        """Run the canaries in a zygote. Raises ZygoteError if it does not survive them."""
        jobs = canaries.jobs(sys.executable, self.limits.memory_mb)
        runs = self._run_canaries(zygote, jobs)
        for _ in range(MAX_CANARY_REPEATS):  # on a machine that stalls an attack may run out of time by no merit
            unclear = [index for index, run in enumerate(runs) if canaries.unclear(run)]
            if not unclear:
                break
            for index, run in zip(unclear, self._run_canaries(zygote, [jobs[i] for i in unclear]), strict=True):
                runs[index] = run
        results = {name: canaries.blocked(run) for name, run in zip(canaries.ATTACKS, runs, strict=True)}
        layers = tuple(zygote.facts["active"])
        return Isolation(canaries.reached(results, layers), layers, results, dict(zygote.facts["missing"]))

    def _run_canaries(self, zygote: Zygote, jobs: Sequence[Job]) -> list[Run]:
        batch = Batch(jobs, self.limits, max_losses=1)
        try:
            while batch.num_open:
                batch.feed(zygote, 1)
                if self._attend(batch, [zygote]):
                    raise ZygoteError("it did not survive the attacks that it was tested with")
        except BaseException:
            zygote.close()
            raise
        return batch.runs()


_POSITIVE = ("seconds", "memory_mb", "max_output_bytes", "max_result_bytes")
