"""System calls that Python has no function for, through the C library. Linux only; elsewhere nothing here works."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable

_LIBC = ctypes.CDLL(None, use_errno=True)
_SYSCALL = _LIBC.syscall
_SYSCALL.restype = ctypes.c_long

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

on_linux = sys.platform == "linux"


def require_linux() -> None:
    """Raises OSError elsewhere."""
    if not on_linux:
        raise OSError(errno.ENOSYS, "this is not Linux")


def system_call(number: int, *arguments: object) -> int:
    """The call's result. Raises OSError."""
    require_linux()
    result: int = _SYSCALL(ctypes.c_long(number), *[_long(argument) for argument in arguments])
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _long(argument: object) -> object:
    return ctypes.c_long(argument) if isinstance(argument, int) else argument


def control(option: int, argument: int = 0, pointer: object = 0) -> None:
    """prctl(option, argument, pointer, 0, 0). Raises OSError."""
    require_linux()
    if _LIBC.prctl(option, ctypes.c_ulong(argument), _long(pointer), ctypes.c_ulong(0), ctypes.c_ulong(0)) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags`. Raises OSError."""
    require_linux()
    if _LIBC.unshare(ctypes.c_int(flags)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Raises OSError that names the target."""
    texts = [text.encode() if text is not None else None for text in (source, target, kind)]
    if _LIBC.mount(*texts, ctypes.c_ulong(flags), data.encode() if data is not None else None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def unmount_lazily(target: str) -> None:
    """Detach a mount with all beneath it. Raises OSError."""
    if _LIBC.umount2(target.encode(), 2) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def drop_capabilities() -> None:
    """Give up every capability, in every set, for good. Raises OSError."""
    require_linux()
    for capability in range(64):
        try:
            control(PR_CAPBSET_DROP, capability)
        except OSError:
            if capability < 41:  # fails without CAP_SETPCAP: then there is nothing that could be regained by exec
                break
    with_suppressed(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    if _LIBC.capset(ctypes.byref(header), ctypes.byref(sets)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def with_suppressed(option: int, argument: int) -> None:
    """A prctl that older kernels do not know."""
    try:
        control(option, argument)
    except OSError:
        return


def forker() -> Callable[[], int]:
    """A fork without the interpreter's own work around it, which is for processes with threads: this one has none.

    Nor does `random` seed itself anew: all children of one process draw the same numbers unless they seed.
    """
    if not on_linux:
        return os.fork
    fork: Callable[[], int] = ctypes.PyDLL(None).fork
    return fork


class Shortcut:
    """One prctl with its arguments made beforehand: nothing is allocated when it is called, in a forked child."""

    def __init__(self, option: int, argument: int, pointer: object = None) -> None:
        self._arguments = (
            ctypes.c_int(option), ctypes.c_ulong(argument), pointer or ctypes.c_ulong(0), ctypes.c_ulong(0),
            ctypes.c_ulong(0),
        )  # fmt: skip
        self._prctl = _LIBC.prctl

    def __call__(self) -> bool:
        return bool(self._prctl(*self._arguments) == 0)
