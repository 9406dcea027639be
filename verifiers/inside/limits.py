"""Limits that a process puts on itself: memory, CPU time, files, core dumps, and dying with its parent.

Linux-only calls are skipped elsewhere; `prctl` reports failure as False and never raises.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def prctl(option: int, argument: int, pointer: object = None) -> bool:
    """Linux `prctl(option, argument, pointer)`; whether it worked."""
    if _LIBC is None:
        return False
    return bool(_LIBC.prctl(option, ctypes.c_ulong(argument), pointer, ctypes.c_ulong(0), ctypes.c_ulong(0)) == 0)


def die_with_parent(parent: int) -> None:
    """Be killed when the parent dies; ends the process at once if it is already gone."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def limit_worker(memory_bytes: int) -> None:
    """Limits for a whole worker (its children inherit them). `memory_bytes` bounds the address space."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    lower(resource.RLIMIT_NOFILE, 64)
    lower(resource.RLIMIT_AS, memory_bytes)


def lower(kind: int, bound: int) -> None:
    """Lower a soft and hard limit to `bound`, never raising one that is already lower."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        bound = min(bound, hard)
    resource.setrlimit(kind, (bound, bound))


def limit_cpu(allowance_s: float) -> None:
    """Allow this much more CPU time from now (soft limit, whole seconds): a backstop behind the parent's deadline."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    bound = math.ceil(usage.ru_utime + usage.ru_stime + allowance_s) + 1
    if hard != resource.RLIM_INFINITY:
        bound = min(bound, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (bound, hard))
