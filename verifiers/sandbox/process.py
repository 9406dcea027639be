"""One zygote as its parent sees it: start it, send it jobs, read its replies, kill and reap it.

It is exec'd, never forked from the trainer's memory; gets a constructed environment and no descriptor but its channel;
and leads its own session, so that one signal reaches all of its processes. What a death means is decided elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from verifiers.inside.sandbox import frames
from verifiers.sandbox.codec import Reply
from verifiers.sandbox.records import Limits

ZYGOTE_FILE = Path(__file__).parents[1] / "inside" / "sandbox" / "zygote.py"
START_DEADLINE_S = 30.0
_PIECE = 1 << 18


class ZygoteError(Exception):
    """A zygote that could not be started or does not keep to the protocol."""


class Zygote:
    """A running zygote. `start` raises ZygoteError or OSError."""

    def __init__(self, limits: Limits, layers: Mapping[str, bool], hash_seed: int) -> None:
        self.in_flight: deque[tuple[int, bytes]] = deque()
        """Index and token of the jobs that were sent and not answered, oldest first."""
        self.moved_at = time.monotonic()
        """When the oldest job in flight cannot have begun before."""
        self._outgoing: deque[memoryview] = deque()
        self._incoming = bytearray()
        self._limits = limits
        self._channel, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = _start(theirs.fileno(), hash_seed)
        except BaseException:
            self._channel.close()
            raise
        try:
            self.facts = self._set_up(layers)
        except BaseException:
            self.close()
            raise
        self._channel.setblocking(False)

    def _set_up(self, layers: Mapping[str, bool]) -> dict[str, Any]:
        """Send the setup and wait for the answer: what is active, and what is missing and why."""
        limits = self._limits
        setup = {
            "parent": os.getpid(),
            "seconds": limits.seconds,
            "memory_bytes": limits.memory_mb << 20,
            "buffer_bytes": 2 * frames.MAX_JOB_BYTES + limits.max_result_bytes + limits.max_output_bytes,
            "max_output_bytes": limits.max_output_bytes,
            "max_result_bytes": limits.max_result_bytes,
            **layers,
        }
        body = json.dumps(setup).encode()
        self._channel.settimeout(START_DEADLINE_S)
        try:
            self._channel.sendall(frames.SETUP.pack(len(body)) + body)
            (length,) = frames.SETUP.unpack(self._receive(frames.SETUP.size))
            facts = json.loads(self._receive(min(length, 1 << 20)))
        except TimeoutError:
            raise ZygoteError(f"not ready within {START_DEADLINE_S:g} s") from None
        except (OSError, ValueError, EOFError):
            code = self.kill()
            raise ZygoteError(f"it ended while starting (exit code {code})") from None
        if "error" in facts:
            raise ZygoteError(str(facts["error"]))
        return dict(facts)

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._channel.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def wants_to_write(self) -> bool:
        return bool(self._outgoing)

    def fileno(self) -> int:
        return self._channel.fileno()

    def alive(self) -> bool:
        """Whether it runs and has said nothing that it was not asked."""
        if self._process.poll() is not None:
            return False
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        return bool(self.in_flight) or not poll.poll(0)

    def send(self, index: int, token: bytes, job: bytes) -> None:
        """Put a job into its queue."""
        if not self.in_flight:
            self.moved_at = time.monotonic()
        self.in_flight.append((index, token))
        self._outgoing.append(memoryview(job))

    def write(self) -> None:
        """Send what fits in the socket's buffer. A dead reader is noticed by `read`."""
        outgoing = self._outgoing
        try:
            while outgoing:
                sent = self._channel.sendmsg(list(outgoing)[:64])
                while outgoing and sent >= len(outgoing[0]):
                    sent -= len(outgoing.popleft())
                if outgoing:
                    outgoing[0] = outgoing[0][sent:]
        except BlockingIOError:
            return
        except OSError:
            outgoing.clear()

    def read(self) -> tuple[list[Reply], bool]:
        """The complete replies that have arrived, and whether the channel has ended. Raises ZygoteError."""
        ended = False
        incoming = self._incoming
        try:
            while True:
                piece = self._channel.recv(_PIECE)
                if not piece:
                    ended = True
                    break
                incoming += piece
                if len(piece) < _PIECE:
                    break
        except BlockingIOError:
            pass
        except OSError:
            ended = True
        replies = self._split()
        if len(replies) > len(self.in_flight):
            raise ZygoteError("more replies than jobs")
        return replies, ended

    def _split(self) -> list[Reply]:
        incoming, header, position, replies = self._incoming, frames.REPLY, 0, []
        limits = self._limits
        while len(incoming) - position >= header.size:
            how, status, result_length, output_length, seconds = header.unpack_from(incoming, position)
            if output_length > limits.max_output_bytes or result_length > limits.max_result_bytes + 64:
                raise ZygoteError("a reply that is too long")
            middle = position + header.size + result_length
            end = middle + output_length
            if len(incoming) < end:
                break
            result = bytes(incoming[position + header.size : middle])
            replies.append(Reply(how, status, seconds, bytes(incoming[middle:end]), result))
            position = end
        del incoming[:position]
        return replies

    def kill(self) -> int:
        """SIGKILL all of its processes and reap it; its exit code (negative: the signal that ended it)."""
        # Also when it has ended: a child may have outlived it. Its number is its group's until it is reaped.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._reap_orphans()
        return self._process.wait()

    def _reap_orphans(self) -> None:
        """Where orphans come to us (process 1 of a container, a subreaper): reap its children, killed just now."""
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-self._process.pid, 0)

    def close(self) -> None:
        """Kill, reap and release every descriptor."""
        self.kill()
        self._channel.close()

    def release(self) -> None:
        """Close this process's descriptor and leave the zygote alone (in a forked copy of the parent)."""
        self._channel.close()
        self._process.returncode = 0  # not ours: neither to be waited for nor to be warned about


def _start(channel: int, hash_seed: int) -> subprocess.Popen[bytes]:
    # -S -s -P: no site-packages, no user or current directory on the path; the environment is constructed below.
    return subprocess.Popen(
        [sys.executable, "-S", "-s", "-P", "-B", "-W", "ignore", str(ZYGOTE_FILE), str(channel)],
        # Binding all symbols at once spares each child from looking up those that it is the first to use.
        env={"LC_ALL": "C.UTF-8", "LD_BIND_NOW": "1", "PYTHONHASHSEED": str(hash_seed), "PYTHONUTF8": "1"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(channel,),
        start_new_session=True,
    )
