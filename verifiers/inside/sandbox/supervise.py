"""One job at a time: fork a child for it, read what it says under caps and a deadline, kill and reap it, reply.

A job lives in one shared anonymous buffer, into which it is received and from which the child reads it; a report lives
in another, which children do not have. Neither ever enters this process's heap, and both are zeroed after each job, so
a child finds nothing of the jobs before it in its copy of this memory. Later jobs wait in the socket, which a child
does not have.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Callable
from typing import NamedTuple

from verifiers.inside.sandbox import frames
from verifiers.inside.sandbox.layers import MAX_DESCRIPTORS, Layers
from verifiers.inside.sandbox.program import Program, enter

MAX_SWEEPS = 2000
CHECK_INTERVAL_S = 5
"""How often an idle zygote looks whether its parent still lives."""
_STDOUT = 1


class Bounds(NamedTuple):
    """Of one job."""

    seconds: float
    max_output_bytes: int
    max_result_bytes: int


class Stream:
    """One pipe from a child, read into a part of the report buffer, up to one byte over its cap."""

    def __init__(self, area: memoryview, cap: int) -> None:
        self.area = area
        self.cap = cap
        self.length = 0
        self.descriptor = -1
        self.open = False

    def begin(self, descriptor: int) -> None:
        self.descriptor, self.length, self.open = descriptor, 0, True

    def read(self) -> bool:
        """Take what is there (the descriptor is known to be readable); whether it is still within its cap."""
        count = os.readv(self.descriptor, [self.area[self.length :]])
        self.length += count
        if count == 0:
            self.open = False
        return self.length <= self.cap


class Supervisor:
    """Runs the jobs that come from the channel."""

    def __init__(self, channel: socket.socket, bounds: Bounds, layers: Layers, program: Program) -> None:
        self._channel = channel
        self._bounds = bounds
        self._layers = layers
        self._program = program
        self._job = memoryview(mmap.mmap(-1, frames.MAX_JOB_BYTES + frames.JOB.size))
        result_size = bounds.max_result_bytes + frames.REPORT.size
        reports = mmap.mmap(-1, result_size + bounds.max_output_bytes + 2)
        with contextlib.suppress(AttributeError, OSError):
            reports.madvise(mmap.MADV_DONTFORK)
        area = memoryview(reports)
        self._result = Stream(area[: result_size + 1], result_size)
        self._output = Stream(area[result_size + 1 :], bounds.max_output_bytes)
        self._zeros = memoryview(bytes(max(frames.MAX_JOB_BYTES, len(area)) + frames.JOB.size))
        self._poll = select.poll()

    def serve(self) -> None:
        """Answer jobs until the parent closes the channel."""
        job, zeros = self._job, self._zeros
        while self._receive(job[: frames.JOB.size]):
            header = frames.JOB.unpack_from(job)
            size = sum(header[2:])
            if size > frames.MAX_JOB_BYTES or not self._receive(job[:size]):
                return
            self.answer(job[:size], header)
            job[:size] = zeros[:size]

    def _receive(self, area: memoryview) -> bool:
        """Fill `area` from the channel; False if the parent is gone."""
        while len(area):
            try:
                count = self._channel.recv_into(area, len(area), socket.MSG_WAITALL)
            except BlockingIOError:  # nothing for a while: the channel may be held open by a copy of a dead parent
                if os.getppid() != self._layers.parent_of_zygote:
                    return False
                continue
            if count == 0:
                return False
            area = area[count:]
        return True

    def answer(self, job: memoryview, header: tuple[bytes, int, int, int, int, int]) -> None:
        """Run one job and send its reply."""
        began = time.monotonic()
        how, status = self._run(job, header, began)
        output, result = self._output, self._result
        output_length, result_length = min(output.length, output.cap), min(result.length, result.cap)
        reply = frames.REPLY.pack(how, status, output_length, result_length, time.monotonic() - began)
        self._send([memoryview(reply), output.area[:output_length], result.area[:result_length]])
        for stream in (output, result):
            stream.area[: stream.length] = self._zeros[: stream.length]

    def _send(self, parts: list[memoryview]) -> None:
        while parts:
            sent = self._channel.sendmsg(parts)
            while parts and sent >= len(parts[0]):
                sent -= len(parts.pop(0))
            if parts:
                parts[0] = parts[0][sent:]

    def _run(self, job: memoryview, header: tuple[bytes, int, int, int, int, int], began: float) -> tuple[int, int]:
        """How a child ended (see `frames`) and its wait status; what it said is in the streams."""
        output, output_end = os.pipe()
        result, result_end = os.pipe()
        self._output.begin(output)
        self._result.begin(result)
        try:
            try:
                child = os.fork()
            except OSError:
                return frames.NOT_STARTED, 0
            if child == 0:
                try:
                    self._enter(job, header, output_end, result_end)
                finally:
                    os._exit(frames.CONFINE_EXIT)
            os.close(output_end)
            os.close(result_end)
            output_end = -1
            return self._supervise(child, began + self._bounds.seconds)
        finally:
            os.close(output)
            os.close(result)
            if output_end != -1:
                os.close(output_end)
                os.close(result_end)

    def _enter(
        self, job: memoryview, header: tuple[bytes, int, int, int, int, int], output_end: int, result_end: int
    ) -> None:
        """In the child: arrange descriptors, confine, run."""
        os.dup2(output_end, _STDOUT)
        os.dup2(result_end, frames.RESULT)
        os.closerange(frames.RESULT + 1, MAX_DESCRIPTORS)
        stdin_length = header[4]
        if stdin_length:
            begin = header[2] + header[3]
            give_input(job[begin : begin + stdin_length])
        if not self._layers.confine_child():
            os._exit(frames.CONFINE_EXIT)
        enter(self._program, job, header)

    def _supervise(self, child: int, due: float) -> tuple[int, int]:
        """Read until the child ends, is overdue or says too much; see that it has ended and nothing of it is left."""
        streams = {stream.descriptor: stream for stream in (self._output, self._result)}
        poll = self._poll
        for descriptor in streams:
            poll.register(descriptor, select.POLLIN)
        how = frames.ENDED
        left = due - time.monotonic()
        while how == frames.ENDED and streams:
            events = poll.poll(left * 1000 + 1) if left > 0 else []
            for descriptor, _ in events:
                stream = streams[descriptor]
                if not stream.read():
                    how = frames.TOO_MUCH_OUTPUT if stream is self._output else frames.TOO_MUCH_RESULT
                elif not stream.open:
                    del streams[descriptor]
                    poll.unregister(descriptor)
            left = due - time.monotonic()
            if left <= 0 and streams and how == frames.ENDED:
                how = frames.OVERDUE
        for descriptor in streams:
            poll.unregister(descriptor)
        if how == frames.ENDED:
            # Both pipes are closed: it is ending, or it has closed them itself and carries on.
            ended, status, _ = os.wait4(child, os.WNOHANG)
            if ended:
                return how, self._swept(status)
            if not wait_for(child, left):
                how = frames.OVERDUE
        if how != frames.ENDED:
            kill(child)
        return how, self._swept(os.wait4(child, 0)[1])

    def _swept(self, status: int) -> int:
        """Where no filter keeps a program from forking: kill and reap what it left."""
        if not self._layers.may_fork:
            return status
        for _ in range(MAX_SWEEPS):
            try:
                if os.waitpid(-1, os.WNOHANG)[0]:
                    continue
            except ChildProcessError:
                break
            for orphan in children():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(orphan, signal.SIGKILL)
            time.sleep(0.0005)
        return status


def open_channel(descriptor: int) -> socket.socket:
    """The channel as a socket. Made before the filter, which refuses what this takes."""
    channel = socket.socket(fileno=descriptor)
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", CHECK_INTERVAL_S, 0))
    return channel


def give_input(text: memoryview) -> None:
    """Put a text behind descriptor 0, where `input`, `sys.stdin`, `open(0)` and `os.read` all find it."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("stdin")
    else:
        import tempfile

        descriptor = os.dup(tempfile.TemporaryFile().fileno())  # noqa: SIM115 - the descriptor is kept, not the file
    while text:
        text = text[os.write(descriptor, text) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.dup2(descriptor, 0)
    os.close(descriptor)


def kill(child: int) -> None:
    """SIGKILL a child that has not been waited for yet, so its number cannot be another's."""
    send: Callable[[int, int], None] | None = getattr(signal, "pidfd_send_signal", None)
    try:
        descriptor = os.pidfd_open(child)
    except (OSError, AttributeError):
        os.kill(child, signal.SIGKILL)
        return
    try:
        if send is not None:
            send(descriptor, signal.SIGKILL)
    finally:
        os.close(descriptor)


def wait_for(child: int, seconds: float) -> bool:
    """Whether a child ends within so many seconds. Does not reap it."""
    due = time.monotonic() + seconds
    try:
        descriptor = os.pidfd_open(child)
    except (OSError, AttributeError):
        while time.monotonic() < due:
            if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return True
            time.sleep(0.0005)
        return False
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(max(0.0, seconds) * 1000))
    finally:
        os.close(descriptor)


def children() -> list[int]:
    """Process ids of our children, where there is a /proc."""
    me, found = str(os.getpid()), []
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                    if file.read().rpartition(b")")[2].split()[1] == me.encode():
                        found.append(int(name))
    return found
