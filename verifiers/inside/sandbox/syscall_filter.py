"""System-call filters (seccomp) for the zygote and for its children: an allowlist, in two steps.

The zygote takes the allowlist of `syscall_table` on itself, once, and its children inherit it. A child then adds a
short filter that takes away what only the zygote needs. A call must pass both, so a child has exactly the program's
list, and installing it costs a child microseconds.

Refused calls fail with EPERM, so a program can go on. Calls by another architecture's or ABI's numbers (32-bit, x32)
kill the process: there is no honest reason for them. Files can be opened for reading only. No processes, no threads.

It filters numbers and arguments in registers, not paths: which files can be read is landlock's and the mount
namespace's business. Architectures without a table have no filter.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable

from verifiers.inside.sandbox import syscall_table as table
from verifiers.inside.sandbox.kernel import PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, Shortcut, control

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT = 0x40000000
KILL, ERRNO, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
EPERM, ENOSYS = 1, 38

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
SECCOMP_MODE_FILTER = 2

Instruction = tuple[int, int, int, int]

_O_PATH, _O_TMPFILE = 0o10000000, 0o20000000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | _O_PATH | _O_TMPFILE
_DUPLICATING = (0, 1, 2, 3, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC
_TERMINAL = (0x5401, 0x5413, 0x541B, 0x5450, 0x5451)  # TCGETS, TIOCGWINSZ, FIONREAD, FIONCLEX, FIOCLEX
_ADVICE = (0, 1, 2, 3, 4, 8, 14, 15)  # normal, random, sequential, willneed, dontneed, free, (no)hugepage
_NOT_A_FORK = 0x0003EF00 | 0x7E000000  # CLONE_VM, _FS, _FILES, _SIGHAND, _PTRACE … _THREAD, and every CLONE_NEW…


def numbers(calls: dict[str, table.Numbers], machine: str) -> list[int]:
    """The numbers of these calls on this architecture, in order; calls that it does not have are left out."""
    return sorted({getattr(call, machine) for call in calls.values()} - {-1})


def zygote_filter(machine: str) -> list[Instruction]:
    """The allowlist, with what the zygote needs."""
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        code += [(_AT_LEAST, 0, 1, X32_BIT), (_RETURN, 0, 0, KILL)]
    for number in numbers(table.PROGRAM | table.ZYGOTE, machine):
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, ALLOW)]
    for number in numbers(table.UNKNOWN, machine):
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, ERRNO | ENOSYS)]
    for name, check in (
        ("open", _none_of(1, _WRITING)),
        ("openat", _none_of(2, _WRITING)),
        ("fcntl", _one_of(1, _DUPLICATING)),
        ("ioctl", _one_of(1, _TERMINAL)),
        ("madvise", _one_of(2, _ADVICE)),
        ("clone", _none_of(0, _NOT_A_FORK)),
        ("prlimit64", [(_RETURN, 0, 0, ALLOW)]),
    ):
        for number in numbers({name: table.CHECKED[name]}, machine):
            code += [(_EQUAL, 0, len(check), number), *check]
    return [*code, (_RETURN, 0, 0, ERRNO | EPERM)]


def child_filter(machine: str) -> list[Instruction]:
    """What a child loses of the zygote's list."""
    code: list[Instruction] = [(_LOAD, 0, 0, _NUMBER)]
    for number in numbers(table.ZYGOTE | {"clone": table.CHECKED["clone"]}, machine):
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, ERRNO | EPERM)]
    reading = [  # prlimit64 of itself, with no new limit: a null pointer in both halves of the third argument
        (_LOAD, 0, 0, _argument(0)),
        (_EQUAL, 0, 4, 0),
        (_LOAD, 0, 0, _argument(2)),
        (_EQUAL, 0, 2, 0),
        (_LOAD, 0, 0, _argument(2) + 4),
        (_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, ERRNO | EPERM),
        (_RETURN, 0, 0, ALLOW),
    ]
    for number in numbers({"prlimit64": table.CHECKED["prlimit64"]}, machine):
        code += [(_EQUAL, 0, len(reading), number), *reading]
    return [*code, (_RETURN, 0, 0, ALLOW)]


def _argument(index: int) -> int:
    """Offset of the low half of an argument (both architectures are little-endian)."""
    return 16 + 8 * index


def _none_of(argument: int, bits: int) -> list[Instruction]:
    return [
        (_LOAD, 0, 0, _argument(argument)),
        (_ANY_BIT, 0, 1, bits),
        (_RETURN, 0, 0, ERRNO | EPERM),
        (_RETURN, 0, 0, ALLOW),
    ]


def _one_of(argument: int, allowed: Iterable[int]) -> list[Instruction]:
    code: list[Instruction] = [(_LOAD, 0, 0, _argument(argument))]
    for value in allowed:
        code += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, ALLOW)]
    return [*code, (_RETURN, 0, 0, ERRNO | EPERM)]


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def _assemble(code: list[Instruction]) -> _Program:
    return _Program(len(code), b"".join(struct.pack("=HBBI", *instruction) for instruction in code))


def machine() -> str | None:
    """This machine's architecture if there is a table for it, and this process uses its 64-bit ABI."""
    name = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine().lower(), platform.machine())
    return name if sys.platform == "linux" and sys.maxsize > 1 << 32 and name in ARCHITECTURES else None


class Filters:
    """Both filters of this machine, assembled. Raises OSError where there is no table."""

    def __init__(self) -> None:
        name = machine()
        if name is None:
            raise OSError(ENOSYS, f"no table of system calls for {sys.platform} on {platform.machine()}")
        self._zygote = _assemble(zygote_filter(name))
        self._child = _assemble(child_filter(name))
        self.confine_child = Shortcut(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.pointer(self._child))

    def confine_zygote(self) -> None:
        """Put the allowlist on this process for good. Raises OSError."""
        control(PR_SET_NO_NEW_PRIVS, 1)
        control(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(self._zygote))
