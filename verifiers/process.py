"""One worker process as its parent sees it: start it, send it a chunk, read what it says, kill and reap it.

The child is exec'd (never forked from the trainer's memory), gets a constructed environment and no descriptor but its
channel and its progress page, and leads its own session, so that one signal reaches its whole process group. Nothing
here decides what a death means; `pool` does.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from verifiers.inside import wire
from verifiers.template import ForkedWorker, Template

WORKER_FILE = Path(__file__).parent / "inside" / "worker.py"
ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "PYTHONHASHSEED": "0",  # sets of strings have one order in every worker
    "PYTHONUTF8": "1",
    "MPMATH_NOGMPY": "1",  # GMP can neither be interrupted nor bounded
    "SYMPY_GROUND_TYPES": "python",
}
"""The worker's whole environment: nothing of the parent's."""


@dataclass(frozen=True)
class WorkerSetup:
    """What every worker of one pool is started with."""

    handler: str
    """Module with `open_handler(options)`, importable in the worker."""
    options: Mapping[str, Any] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    """Directories to import from besides the standard library."""
    memory_mb: int = 1024
    job_deadline_s: float = 5.0

    def message(self) -> dict[str, Any]:
        """What the worker (or the template) is told when it starts."""
        return {
            "handler": self.handler,
            "options": dict(self.options),
            "path": list(self.path),
            "memory_bytes": self.memory_mb * 1024 * 1024,
            "job_seconds": self.job_deadline_s,
            "parent": os.getpid(),
        }


class Progress(NamedTuple):
    """What a worker last said that it had begun."""

    sequence: int
    position: int
    """In the chunk, from 0."""
    began: float


def start_template(setup: WorkerSetup) -> Template:
    """A template that forks workers of this setup. Raises OSError if it cannot be started at all."""
    return Template(setup.message(), lambda word, descriptor: _start([word, str(descriptor)], descriptor))


class WorkerProcess:
    """A running worker, forked by `template` if one is given. Raises OSError if it cannot be started at all."""

    def __init__(self, setup: WorkerSetup, template: Template | None = None) -> None:
        self.ready = False
        self.process_id = 0
        """0 until a forked worker has said who it is."""
        self.active: list[str] = []
        self.chunk: list[int] = []
        """Indices of the jobs it has and has not answered yet."""
        self.num_answered = 0
        self.sequence = 0
        self.sent_at = time.monotonic()
        self._incoming = bytearray()
        self._channel, theirs = socket.socketpair()
        try:
            with theirs, _page_file() as page_descriptor:
                self._page = mmap.mmap(page_descriptor, wire.PROGRESS.size)
                self._process: subprocess.Popen[bytes] | ForkedWorker
                if template is None:
                    descriptors = theirs.fileno(), page_descriptor
                    self._process = _start([str(one) for one in descriptors], *descriptors)
                    self.process_id = self._process.pid
                else:
                    self._process = template.fork(theirs.fileno(), page_descriptor)
        except BaseException:
            self._channel.close()
            raise
        self._channel.setblocking(False)
        self._outgoing = memoryview(wire.pack(setup.message()) if template is None else b"")

    @property
    def busy(self) -> bool:
        return bool(self.chunk)

    @property
    def wants_to_write(self) -> bool:
        return bool(self._outgoing)

    def fileno(self) -> int:
        return self._channel.fileno()

    def alive(self) -> bool:
        """Whether it runs, as far as can be seen without waiting."""
        if self._process.poll() is not None:
            return False
        if isinstance(self._process, ForkedWorker):
            try:
                return self._channel.recv(1, socket.MSG_PEEK) != b""
            except BlockingIOError:
                return True
            except OSError:
                return False
        return True

    def assign(self, chunk: list[int], jobs: list[Any]) -> None:
        """Give it a chunk: `jobs` are the JSON values of the jobs `chunk`. Raises wire.FrameError if too long."""
        frame = wire.pack([self.sequence + 1, jobs])
        self.chunk, self.num_answered = chunk, 0
        self.sequence += 1
        self.sent_at = time.monotonic()
        self._outgoing = memoryview(frame)
        self.write()

    def write(self) -> None:
        """Send what fits in the socket's buffer. A dead reader is noticed by `read`."""
        try:
            while self._outgoing:
                self._outgoing = self._outgoing[self._channel.send(self._outgoing) :]
        except BlockingIOError:
            pass
        except OSError:
            self._outgoing = memoryview(b"")

    def read(self) -> tuple[list[Any], bool]:
        """The complete frames that have arrived, and whether the channel has ended. Raises wire.FrameError."""
        ended = False
        while True:
            try:
                piece = self._channel.recv(1 << 18)
            except BlockingIOError:
                break
            except OSError:
                piece = b""
            if not piece:
                ended = True
                break
            self._incoming += piece
            if len(self._incoming) > wire.MAX_FRAME_BYTES + wire.HEADER.size:
                break
        frames = wire.unpack(self._incoming)
        if frames and isinstance(self._process, ForkedWorker):
            self._process.spoke()
        return frames, ended

    def progress(self) -> Progress:
        return Progress(*wire.PROGRESS.unpack_from(self._page, 0))

    def kill(self) -> int:
        """SIGKILL its process group and reap it; the exit code (negative: the signal that ended it)."""
        if isinstance(self._process, ForkedWorker):
            return self._process.end()
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()

    def close(self) -> None:
        """Kill, reap and release every descriptor."""
        self.kill()
        self.release()

    def release(self) -> None:
        """Close this process's descriptors and leave the worker alone (in a forked copy of the parent)."""
        self._channel.close()
        self._page.close()


def _start(arguments: list[str], *descriptors: int) -> subprocess.Popen[bytes]:
    # -S -s -P: no site-packages, no user or current directory on the path; the environment is constructed below.
    command = [sys.executable, "-S", "-s", "-P", "-B", str(WORKER_FILE), *arguments]
    return subprocess.Popen(
        command,
        env=ENVIRONMENT,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=descriptors,
        start_new_session=True,
    )


@contextlib.contextmanager
def _page_file() -> Any:
    """Descriptor of an anonymous file that holds one progress record."""
    with tempfile.TemporaryFile() as file:
        file.write(wire.PROGRESS.pack(0, 0, 0.0))
        file.flush()
        yield file.fileno()
