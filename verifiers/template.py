"""A warm process that forks workers, so that a killed worker is replaced in milliseconds rather than after its imports.

The template is exec'd like a worker, imports the handler once and never runs a job. It forks a worker on request, with
the worker's channel and page passed as descriptors, and is the one that kills and reaps it: a process id cannot be
reused before its parent has reaped it. When the template dies its workers die with it (Linux), and the next request
starts another one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from typing import Any

from verifiers.inside import wire

REPLY_DEADLINE_S = 2.0
"""A template that does not answer for so long is killed together with its workers."""


class Template:
    """A running template. Raises OSError if it cannot be started at all."""

    def __init__(self, setup: dict[str, Any], start: Callable[[str, int], subprocess.Popen[bytes]]) -> None:
        self._control, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = start("template", theirs.fileno())
            self._control.sendall(wire.pack(setup))
        except BaseException:
            self._control.close()
            raise
        self._control.settimeout(REPLY_DEADLINE_S)
        self._num_forks = 0
        self.loaded = False
        """Whether a worker has said anything, so that the template is past its imports."""

    @property
    def process_id(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def fork(self, channel: int, page_descriptor: int) -> ForkedWorker:
        """Ask for a worker; it says on its channel when it is ready. Raises OSError if the template is gone."""
        self._num_forks += 1
        message = wire.CONTROL.pack(wire.FORK, self._num_forks)
        socket.send_fds(self._control, [message], [channel, page_descriptor])
        return ForkedWorker(self, self._num_forks)

    def end(self, number: int) -> int:
        """Kill and reap one worker; its exit code, or -SIGKILL with the whole template if that does not answer."""
        if not self.loaded:  # it would not answer before its imports end
            self.kill()
            return -signal.SIGKILL
        try:
            self._control.sendall(wire.CONTROL.pack(wire.END, number))
            reply = b""
            while len(reply) < wire.ENDED.size:
                piece = self._control.recv(wire.ENDED.size - len(reply))
                if not piece:
                    raise ConnectionResetError("the template has ended")
                reply += piece
        except OSError:
            self.kill()
            return -signal.SIGKILL
        return int(wire.ENDED.unpack(reply)[0])

    def kill(self) -> None:
        """Kill and reap the template; its workers get the same signal from the kernel."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        self.kill()
        self.release()

    def release(self) -> None:
        """Close this process's descriptor and leave the template alone (in a forked copy of the parent)."""
        self._control.close()


class ForkedWorker:
    """A worker that a template forked, with the part of Popen's interface that is needed here."""

    def __init__(self, template: Template, number: int) -> None:
        self._template = template
        self._number = number
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code if it was reaped here or the template is gone, else None (its channel says if it lives)."""
        if self._code is None and not self._template.alive():
            self._code = -signal.SIGKILL
        return self._code

    def spoke(self) -> None:
        """It has sent something."""
        self._template.loaded = True

    def end(self) -> int:
        """Kill and reap it; the exit code."""
        if self.poll() is None:
            self._code = self._template.end(self._number)
        return -signal.SIGKILL if self._code is None else self._code
