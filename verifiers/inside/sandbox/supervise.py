"""One job at a time: fork a child for it, read what it says under caps and a deadline, kill and reap it, reply.

A job lives in one anonymous buffer, into which it is received and of which the child gets a copy; a report lives in
another, which children do not have. Neither ever enters this process's heap, and both are zeroed after each job, so
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
from typing import NamedTuple

from verifiers.inside.sandbox import frames
from verifiers.inside.sandbox.layers import MAX_DESCRIPTORS, Layers
from verifiers.inside.sandbox.program import Program, enter

MAX_SWEEPS = 2000
CHECK_INTERVAL_S = 5
"""How often an idle zygote looks whether its parent still lives."""
PATIENCE_MS = 3
"""So long a child is waited for before what it says is read."""
POLL_INTERVAL_MS = 2
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
        """Take what is there (something is, or the other end is closed); whether it is still within its cap."""
        count = os.readv(self.descriptor, [self.area[self.length :]])
        self.length += count
        self.open = count > 0
        return self.length <= self.cap

    def finish(self) -> bool:
        """Take the rest, when nobody holds the other end any more; whether all of it was within its cap."""
        while self.open and self.length <= self.cap:
            asked = len(self.area) - self.length
            self.read()
            if len(self.area) - self.length > 0 and self.open and asked > 0:
                self.open = False  # a pipe gives all it has, so this was all
        return self.length <= self.cap


class Supervisor:
    """Runs the jobs that come from the channel."""

    def __init__(self, channel: socket.socket, bounds: Bounds, layers: Layers, program: Program) -> None:
        self._channel = channel
        self._bounds = bounds
        self._layers = layers
        self._program = program
        size = frames.MAX_JOB_BYTES + frames.JOB.size
        # Private: what a child writes into its copy dies with it.
        self._job = memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        result_size = len(frames.CONFINED) + frames.REPORT.size + bounds.max_result_bytes
        reports = mmap.mmap(-1, result_size + bounds.max_output_bytes + 2)
        with contextlib.suppress(AttributeError, OSError):
            reports.madvise(mmap.MADV_DONTFORK)
        area = memoryview(reports)
        self._result = Stream(area[: result_size + 1], result_size)
        self._output = Stream(area[result_size + 1 :], bounds.max_output_bytes)
        self._zeros = memoryview(bytes(max(frames.MAX_JOB_BYTES, len(area)) + frames.JOB.size))
        self._channel_number = channel.fileno()

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
                    os._exit(frames.BROKEN_EXIT)
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
            os._exit(frames.BROKEN_EXIT)
        os.write(frames.RESULT, frames.CONFINED)
        enter(self._program, job, header)

    def _supervise(self, child: int, due: float) -> tuple[int, int]:
        """See a child to its end, by itself or by force; how it ended and its wait status."""
        how = self._await_end(child, due)
        if how != frames.ENDED:
            kill(child)
        status = os.wait4(child, 0)[1]
        if self._layers.may_fork:
            sweep()
        for stream, too_much in ((self._output, frames.TOO_MUCH_OUTPUT), (self._result, frames.TOO_MUCH_RESULT)):
            if not stream.finish() and how == frames.ENDED:
                how = too_much
        return how, status

    def _await_end(self, child: int, due: float) -> int:
        """Wait until a child has ended (ENDED), is overdue or says too much.

        What it says is read when it has ended, which takes one wake-up; only a child that takes long is read while it
        runs, because it may be waiting for room in a pipe.
        """
        poll = select.poll()
        poll.register(self._channel_number, 0)
        descriptor = watch(child)
        try:
            if descriptor is not None:
                poll.register(descriptor, select.POLLIN)
                if self._ended(poll.poll(PATIENCE_MS), descriptor):
                    return frames.ENDED
            return self._await_reading(child, due, poll, descriptor)
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _await_reading(self, child: int, due: float, poll: select.poll, descriptor: int | None) -> int:
        streams = {stream.descriptor: stream for stream in (self._output, self._result)}
        for number in streams:
            poll.register(number, select.POLLIN)
        while (left := due - time.monotonic()) > 0:
            events = poll.poll(left * 1000 + 1 if descriptor is not None else POLL_INTERVAL_MS)
            if self._ended(events, descriptor) or (descriptor is None and has_ended(child)):
                return frames.ENDED
            for number, _ in events:
                if number in streams and not streams[number].read():
                    return frames.TOO_MUCH_OUTPUT if streams[number] is self._output else frames.TOO_MUCH_RESULT
                if number in streams and not streams[number].open:
                    poll.unregister(number)
        return frames.OVERDUE

    def _ended(self, events: list[tuple[int, int]], descriptor: int | None) -> bool:
        """Whether the child is among those that have something to say. Ends this process if the parent is gone."""
        numbers = [number for number, _ in events]
        if self._channel_number in numbers:
            os._exit(0)  # its children die with it
        return descriptor in numbers


def sweep() -> None:
    """Where no filter keeps a program from forking: kill and reap what it left."""
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


def watch(child: int) -> int | None:
    """A descriptor that becomes readable when a child ends, where there is such a thing."""
    try:
        return os.pidfd_open(child)
    except (OSError, AttributeError):
        return None


def has_ended(child: int) -> bool:
    """Whether a child has ended. Does not reap it."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def kill(child: int) -> None:
    """SIGKILL a child that has not been reaped yet, so its number cannot be another's."""
    descriptor = watch(child)
    if descriptor is None:
        os.kill(child, signal.SIGKILL)
        return
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except ProcessLookupError:
        return
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
