"""Which system calls a program may make, by name, and their numbers on the two architectures that are known.

What is not named is refused. The numbers are written down rather than taken from a library at run time, so that the
same filter is installed on every machine; a test compares them with libseccomp's where that is installed. -1 is a call
that the architecture does not have.
"""

from __future__ import annotations

from typing import NamedTuple


class Numbers(NamedTuple):
    x86_64: int
    aarch64: int


PROGRAM = {
    "read": Numbers(0, 63), "write": Numbers(1, 64), "close": Numbers(3, 57), "stat": Numbers(4, -1),
    "fstat": Numbers(5, 80), "lstat": Numbers(6, -1), "poll": Numbers(7, -1), "lseek": Numbers(8, 62),
    "mmap": Numbers(9, 222), "mprotect": Numbers(10, 226), "munmap": Numbers(11, 215), "brk": Numbers(12, 214),
    "rt_sigaction": Numbers(13, 134), "rt_sigprocmask": Numbers(14, 135), "rt_sigreturn": Numbers(15, 139),
    "pread64": Numbers(17, 67), "readv": Numbers(19, 65), "writev": Numbers(20, 66), "access": Numbers(21, -1),
    "pipe": Numbers(22, -1), "select": Numbers(23, -1), "sched_yield": Numbers(24, 124), "mremap": Numbers(25, 216),
    "dup": Numbers(32, 23), "dup2": Numbers(33, -1), "pause": Numbers(34, -1), "nanosleep": Numbers(35, 101),
    "getitimer": Numbers(36, 102), "alarm": Numbers(37, -1), "setitimer": Numbers(38, 103), "getpid": Numbers(39, 172),
    "exit": Numbers(60, 93), "uname": Numbers(63, 160), "getdents": Numbers(78, -1), "getcwd": Numbers(79, 17),
    "umask": Numbers(95, 166), "gettimeofday": Numbers(96, 169),
    "getrlimit": Numbers(97, 163), "getrusage": Numbers(98, 165), "sysinfo": Numbers(99, 179),
    "times": Numbers(100, 153), "getuid": Numbers(102, 174), "getgid": Numbers(104, 176),
    "geteuid": Numbers(107, 175), "getegid": Numbers(108, 177), "getppid": Numbers(110, 173),
    "getpgrp": Numbers(111, -1), "getgroups": Numbers(115, 158), "getresuid": Numbers(118, 148),
    "getresgid": Numbers(120, 150), "getpgid": Numbers(121, 155), "getsid": Numbers(124, 156),
    "rt_sigpending": Numbers(127, 136), "rt_sigtimedwait": Numbers(128, 137), "rt_sigsuspend": Numbers(130, 133),
    "sigaltstack": Numbers(131, 132), "getpriority": Numbers(140, 141), "gettid": Numbers(186, 178),
    "time": Numbers(201, -1), "futex": Numbers(202, 98), "sched_getaffinity": Numbers(204, 123),
    "getdents64": Numbers(217, 61), "restart_syscall": Numbers(219, 128), "fadvise64": Numbers(221, 223),
    "clock_gettime": Numbers(228, 113), "clock_getres": Numbers(229, 114), "clock_nanosleep": Numbers(230, 115),
    "exit_group": Numbers(231, 94), "newfstatat": Numbers(262, 79),
    "faccessat": Numbers(269, 48), "pselect6": Numbers(270, 72), "ppoll": Numbers(271, 73),
    "set_robust_list": Numbers(273, 99), "dup3": Numbers(292, 24), "pipe2": Numbers(293, 59),
    "getcpu": Numbers(309, 168), "getrandom": Numbers(318, 278), "membarrier": Numbers(324, 283),
    "statx": Numbers(332, 291), "rseq": Numbers(334, 293), "close_range": Numbers(436, 436),
    "faccessat2": Numbers(439, 439),
}  # fmt: skip
"""Allowed whatever their arguments. Not readlink: landlock does not govern it, and nothing honest needs it."""

CHECKED = {
    "open": Numbers(2, -1), "openat": Numbers(257, 56), "fcntl": Numbers(72, 25), "ioctl": Numbers(16, 29),
    "madvise": Numbers(28, 233), "prlimit64": Numbers(302, 261), "clone": Numbers(56, 220),
}  # fmt: skip
"""Allowed with some arguments."""

ZYGOTE = {
    "wait4": Numbers(61, 260), "pidfd_open": Numbers(434, 434), "pidfd_send_signal": Numbers(424, 424),
    "prctl": Numbers(157, 167), "seccomp": Numbers(317, 277),
    "memfd_create": Numbers(319, 279), "setrlimit": Numbers(160, 164),
    "setsid": Numbers(112, 157),
}  # fmt: skip
"""The zygote needs these; its children lose them, `clone` and changing limits before they see a program."""

UNKNOWN = {"clone3": Numbers(435, 435), "openat2": Numbers(437, 437)}
"""Answered with ENOSYS: the C library then uses the older call, whose arguments a filter can see."""
