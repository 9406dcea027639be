"""Watching, killing and reaping children, also where there is no descriptor for a process. Decides nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import time

MAX_SWEEPS = 2000


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
