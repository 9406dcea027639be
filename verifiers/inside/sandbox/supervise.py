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
from verifiers.inside.sandbox.reaping import has_ended, kill, sweep, watch

CHECK_INTERVAL_S = 5
"""How often an idle zygote looks whether its parent still lives."""
PATIENCE_S = 0.003
"""So long a child is waited for before what it says is read."""
POLL_INTERVAL_MS = 2
MAX_SIGNALS = 2
"""So often within that time: an earlier child may have left one signal, and a program might send more on purpose."""
_STDOUT = 1
_CHILD_ENDED = frozenset([signal.SIGCHLD])


class Bounds(NamedTuple):
    """Of one job."""

    seconds: float
    max_output_bytes: int
    max_result_bytes: int


class Stream:
    """One pipe from a child, read into a part of the report buffer, up to one byte over its cap."""

    def __init__(self, area: memoryview) -> None:
        self.area = area
        self.cap = len(area) - 1
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
        if self.open and self.length <= self.cap:
            self.read()  # a pipe gives all that it has
        return self.length <= self.cap


class Supervisor:
    """Runs the jobs that come from the channel.

    The path of a job that ends soon is short on purpose: right after a fork, every object that this process touches
    costs a page to be copied.
    """

    def __init__(self, channel: int, bounds: Bounds, layers: Layers, program: Program) -> None:
        self._channel = channel
        self._bounds = bounds
        self._layers = layers
        self._program = program
        size = frames.MAX_JOB_BYTES + frames.JOB.size
        # Private: what a child writes into its copy dies with it.
        self._job = memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        head = frames.REPLY.size
        result_size = len(frames.CONFINED) + frames.REPORT.size + bounds.max_result_bytes + 1
        reports = mmap.mmap(-1, head + result_size + bounds.max_output_bytes + 1)
        with contextlib.suppress(AttributeError, OSError):
            reports.madvise(mmap.MADV_DONTFORK)
        self._reply = memoryview(reports)
        self._result = Stream(self._reply[head : head + result_size])
        self._output = Stream(self._reply[head + result_size :])
        self._zeros = memoryview(bytes(max(size, len(self._reply))))
        self._wait_for_signal = getattr(signal, "sigtimedwait", None)  # which some systems do not have
        if self._wait_for_signal is not None:
            signal.pthread_sigmask(signal.SIG_BLOCK, _CHILD_ENDED)
        self._poll = select.poll()
        self._poll.register(channel, 0)  # tells when the parent is gone

    def serve(self) -> None:
        """Answer jobs until the parent closes the channel."""
        job, zeros, unpack, head = self._job, self._zeros, frames.JOB.unpack_from, frames.JOB.size
        first = job[:head]
        while self._receive(first):
            header = unpack(job)
            size = sum(header[2:])
            if size > frames.MAX_JOB_BYTES:
                return
            body = job[:size]
            if not self._receive(body):
                return
            self.answer(body, header)
            body[:] = zeros[:size]

    def _receive(self, area: memoryview) -> bool:
        """Fill `area` from the channel; False if the parent is gone."""
        while len(area):
            try:
                count = os.readv(self._channel, [area])
            except BlockingIOError:  # nothing for a while: the channel may be held open by a copy of a dead parent
                if os.getppid() != self._layers.parent_of_zygote:
                    return False
                continue
            except OSError:
                return False
            if count == 0:
                return False
            area = area[count:]
        return True

    def answer(self, job: memoryview, header: tuple[bytes, int, int, int, int, int]) -> None:
        """Run one job and send its reply."""
        began = time.monotonic()
        output, output_end = os.pipe()
        result, result_end = os.pipe()
        child = self._layers.fork()
        if child == 0:
            try:
                self._enter(job, header, output_end, result_end)
            finally:
                os._exit(frames.BROKEN_EXIT)
        status = self._await_soon(child) if child > 0 else None
        os.close(output_end)
        os.close(result_end)
        self._output.begin(output)
        self._result.begin(result)
        how = frames.NOT_STARTED
        if child > 0:
            how, status = self._supervise(child, status, began + self._bounds.seconds)
        os.close(output)
        os.close(result)
        self._send(how, status or 0, time.monotonic() - began)

    def _send(self, how: int, status: int, seconds: float) -> None:
        """Send the reply: header, report, output; and forget it."""
        output, result, reply = self._output, self._result, self._reply
        output_length, result_length = min(output.length, output.cap), min(result.length, result.cap)
        frames.REPLY.pack_into(reply, 0, how, status, result_length, output_length, seconds)
        write_all(self._channel, reply[: frames.REPLY.size + result_length])
        result.area[: result.length] = self._zeros[: result.length]
        if output.length:
            write_all(self._channel, output.area[:output_length])
            output.area[: output.length] = self._zeros[: output.length]

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

    def _await_soon(self, child: int) -> int | None:
        """The wait status of a child that ends soon, which takes one wake-up; it is reaped. None if it takes longer."""
        wait = self._wait_for_signal
        for _ in range(MAX_SIGNALS):
            if wait is None or wait(_CHILD_ENDED, PATIENCE_S) is None:
                return None
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return status  # else the signal was left of an earlier child, or this one was stopped
        return None

    def _supervise(self, child: int, status: int | None, due: float) -> tuple[int, int]:
        """See a child to its end; how it ended and its wait status, which is given if it has been reaped.

        What it says is read when it has ended; only a child that takes long is read while it runs, because it may be
        waiting for room in a pipe.
        """
        how = frames.ENDED
        if status is None:
            descriptor = watch(child)
            if descriptor is not None:
                self._poll.register(descriptor, select.POLLIN)
            how = self._await_end(child, due, descriptor)
            if descriptor is not None:
                self._poll.unregister(descriptor)
                os.close(descriptor)
            if how != frames.ENDED:
                kill(child)
            status = os.waitpid(child, 0)[1]
        if self._layers.may_fork:
            sweep()
        if not self._output.finish() and how == frames.ENDED:
            how = frames.TOO_MUCH_OUTPUT
        if not self._result.finish() and how == frames.ENDED:
            how = frames.TOO_MUCH_RESULT
        return how, status

    def _await_end(self, child: int, due: float, descriptor: int | None) -> int:
        """Read what a child says until it has ended (ENDED), is overdue or says too much."""
        poll, streams = self._poll, {stream.descriptor: stream for stream in (self._output, self._result)}
        for number in streams:
            poll.register(number, select.POLLIN)
        how = frames.OVERDUE
        while how == frames.OVERDUE and (left := due - time.monotonic()) > 0:
            events = poll.poll(left * 1000 + 1 if descriptor is not None else POLL_INTERVAL_MS)
            if self._ended(events, descriptor) or (descriptor is None and has_ended(child)):
                how = frames.ENDED
                break
            for number, _ in events:
                if number in streams and not streams[number].read():
                    how = frames.TOO_MUCH_OUTPUT if streams[number] is self._output else frames.TOO_MUCH_RESULT
                if number in streams and not streams[number].open:
                    poll.unregister(number)
                    del streams[number]
        for number in streams:
            poll.unregister(number)
        return how

    def _ended(self, events: list[tuple[int, int]], descriptor: int | None) -> bool:
        """Whether the child is among those that have something to say. Ends this process if the parent is gone."""
        ended = False
        for number, _ in events:
            if number == self._channel:
                os._exit(0)  # its children die with it
            ended = ended or number == descriptor
        return ended


def write_all(descriptor: int, data: memoryview) -> None:
    """Write to the parent; ends this process if it is gone."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except OSError:
            os._exit(0)


def set_check_interval(channel: int) -> None:
    """Make reading from the channel give up now and then. Before the filter, which refuses what this takes."""
    connection = socket.socket(fileno=channel)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", CHECK_INTERVAL_S, 0))
    connection.detach()


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
