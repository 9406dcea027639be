"""Run one function in a forked child of a worker, bounded from outside, and see that nothing of it is left.

The child gets: own process group, stdin and stderr on /dev/null, stdout and a result pipe (descriptor 3) read with
caps, no other descriptor, death with its parent, limits on CPU time and file size, no processes of its own (by the
system-call filter, or RLIMIT_NPROC where it is not root). The supervisor kills it at a deadline with SIGKILL, which
neither stopping nor ignoring signals escapes, and reaps whatever descendants it has.

Memory is limited by the worker's own limit, which children inherit. The limits of the isolation are in `python_exec`.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from verifiers.inside import limits, syscalls

RESULT = 3
"""The child's descriptor for its result."""
POLL_INTERVAL_S = 0.02
MAX_SWEEPS = 2000


class Bounds(NamedTuple):
    deadline_s: float
    max_output_bytes: int
    max_result_bytes: int


class Ended(NamedTuple):
    """How a child ended: `reason` is exit, timeout or output_limit; a negative `code` is a signal."""

    reason: str
    code: int
    stdout: bytes
    result: bytes
    seconds: float


class Confinement:
    """Forks confined children. `active` names the layers that work here."""

    def __init__(self, *, syscall_filter: bool) -> None:
        self._null = os.open(os.devnull, os.O_RDWR)
        self._filter = syscalls.build() if syscall_filter else None
        self.active = ["rlimits", "process_group"]
        if limits.prctl(limits.PR_SET_CHILD_SUBREAPER, 1):  # orphans come back to us, to be reaped
            self.active.append("subreaper")
        if self._filter is not None:
            bounds = Bounds(deadline_s=5.0, max_output_bytes=0, max_result_bytes=16)
            if self.run(_write_proof, bounds).result == b"filtered":
                self.active.append("syscall_filter")
            else:
                self._filter = None

    def run(self, body: Callable[[], None], bounds: Bounds) -> Ended:
        """Run `body` in a child; it writes its result to the descriptor RESULT."""
        output, output_end = os.pipe()
        result, result_end = os.pipe()
        parent = os.getpid()
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            try:
                self._enter(parent, output_end, result_end, bounds)
                body()
                os._exit(0)
            finally:
                os._exit(70)
        os.close(output_end)
        os.close(result_end)
        with contextlib.suppress(OSError):
            os.setpgid(child, child)
        try:
            reason, status, pieces = _supervise(child, output, result, began, bounds)
        finally:
            os.close(output)
            os.close(result)
        _sweep()
        code = os.waitstatus_to_exitcode(status)
        return Ended(reason, code, pieces[output], pieces[result], time.monotonic() - began)

    def _enter(self, parent: int, output_end: int, result_end: int, bounds: Bounds) -> None:
        os.setpgid(0, 0)
        limits.die_with_parent(parent)
        os.dup2(self._null, 0)
        os.dup2(output_end, 1)
        os.dup2(self._null, 2)
        os.dup2(result_end, RESULT)
        os.closerange(RESULT + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        seconds = math.ceil(bounds.deadline_s) + 1
        limits.lower(resource.RLIMIT_CPU, seconds)
        limits.lower(resource.RLIMIT_FSIZE, 0)
        if os.geteuid() != 0:  # root is not bound by it
            limits.lower(resource.RLIMIT_NPROC, 0)
        if self._filter is not None and not syscalls.install(self._filter):
            os._exit(71)


def _write_proof() -> None:
    """Something that only an active filter refuses."""
    try:
        os.kill(os.getpid(), 0)
    except PermissionError:
        os.write(RESULT, b"filtered")


def _supervise(child: int, output: int, result: int, began: float, bounds: Bounds) -> tuple[str, int, dict[int, bytes]]:
    """Read both pipes until the child ends, is overdue or says too much; then kill its group and reap it."""
    caps = {output: bounds.max_output_bytes, result: bounds.max_result_bytes}
    buffers = {output: bytearray(), result: bytearray()}
    due = began + bounds.deadline_s
    reason, status = "exit", None
    poll = select.poll()
    for descriptor in caps:
        os.set_blocking(descriptor, False)
        poll.register(descriptor, select.POLLIN)
    num_open = 2
    while reason == "exit" and status is None:
        left = due - time.monotonic()
        if left <= 0:
            reason = "timeout"
            break
        # A descendant may hold the pipes open after the child has ended, so their end alone is not waited for.
        if num_open == 0:
            time.sleep(min(left, 0.0002))  # it is ending, or has closed its pipes and carries on
        events = poll.poll(min(left, POLL_INTERVAL_S) * 1000) if num_open else []
        for descriptor, _ in events:
            if not _drain(descriptor, buffers[descriptor], caps[descriptor]):
                poll.unregister(descriptor)
                num_open -= 1
            if len(buffers[descriptor]) > caps[descriptor]:
                reason = "output_limit"
        if not events or not num_open:
            ended, code = os.waitpid(child, os.WNOHANG)
            status = code if ended else None
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    if status is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    for descriptor in caps:  # what it wrote just before it ended
        _drain(descriptor, buffers[descriptor], caps[descriptor])
        if len(buffers[descriptor]) > caps[descriptor] and reason == "exit":
            reason = "output_limit"
    return reason, status, {descriptor: bytes(buffer) for descriptor, buffer in buffers.items()}


def _drain(descriptor: int, buffer: bytearray, cap: int) -> bool:
    """Read what is there, at most one byte over `cap`; whether the pipe is still open."""
    while len(buffer) <= cap:
        try:
            piece = os.read(descriptor, min(1 << 16, cap + 1 - len(buffer)))
        except BlockingIOError:
            return True
        if not piece:
            return False
        buffer += piece
    return True


def _sweep() -> None:
    """Kill and reap descendants that outlived their parent (as subreaper we inherit them)."""
    for _ in range(MAX_SWEEPS):
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        for orphan in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)
        time.sleep(0.0005)


def _children() -> list[int]:
    """Process ids of our children."""
    me = str(os.getpid())
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                fields: list[Any] = file.read().rpartition(")")[2].split()
                if fields[1] == me:
                    found.append(int(name))
    return found
