"""A system-call filter for a child that runs a model's program (Linux on x86_64; elsewhere there is none).

Refused with EPERM: making processes and threads, executing files, signalling or inspecting other processes, sockets,
anything that changes the file system (opening for writing included), namespaces and mounts, kernel facilities, changing
identity or limits. Numbers: the kernel's arch/x86/entry/syscalls/syscall_64.tbl; filter format: seccomp(2).

It is a list of refusals, so a system call that a newer kernel adds is allowed until it is named here. Reading files is
allowed.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

from verifiers.inside.limits import prctl

PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
AUDIT_ARCH_X86_64 = 0xC000003E
X32_BIT = 0x40000000
RET_KILL, RET_ERRNO, RET_ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
EPERM, ENOSYS = 1, 38

_PROCESSES = (56, 57, 58, 59, 322, 62, 200, 234, 129, 297, 424, 434, 438, 101, 310, 311, 312, 440, 109, 112, 141, 203)
# clone fork vfork execve execveat kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal pidfd_open
# pidfd_getfd ptrace process_vm_readv process_vm_writev kcmp process_madvise setpgid setsid setpriority
# sched_setaffinity
_NETWORK = (41, 42, 44, 46, 49, 50, 53, 307)
# socket connect sendto sendmsg bind listen socketpair sendmmsg
_FILES = (76, 77, 82, 264, 316, 83, 258, 84, 85, 86, 265, 87, 263, 88, 266, 90, 91, 268, 452, 92, 93, 94, 260, 133, 259)
# truncate ftruncate rename renameat renameat2 mkdir mkdirat rmdir creat link linkat unlink unlinkat symlink symlinkat
# chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat mknod mknodat
_FILES_MORE = (188, 189, 190, 197, 198, 199, 132, 235, 261, 280, 285, 319, 304, 303, 463, 466)
# setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr utime utimes futimesat utimensat fallocate
# memfd_create open_by_handle_at name_to_handle_at setxattrat removexattrat
_KERNEL = (165, 166, 155, 161, 272, 308, 428, 429, 430, 431, 432, 433, 442, 169, 246, 320, 175, 313, 176, 321, 298, 323)
# mount umount2 pivot_root chroot unshare setns open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr reboot
# kexec_load kexec_file_load init_module finit_module delete_module bpf perf_event_open userfaultfd
_KERNEL_MORE = (425, 426, 427, 248, 249, 250, 103, 163, 167, 168, 170, 171, 164, 227, 305, 159, 179, 443, 300, 135, 172)
# io_uring_setup io_uring_enter io_uring_register add_key request_key keyctl syslog acct swapon swapoff sethostname
# setdomainname settimeofday clock_settime clock_adjtime adjtimex quotactl quotactl_fd fanotify_init personality iopl
_SHARED_MEMORY = (29, 30, 31, 64, 65, 66, 68, 69, 70, 71, 240, 241)
# shmget shmat shmctl semget semop semctl msgget msgsnd msgrcv msgctl mq_open mq_unlink
_IDENTITY = (105, 106, 113, 114, 116, 117, 119, 122, 123, 126, 157, 160, 302)
# setuid setgid setreuid setregid setgroups setresuid setresgid setfsuid setfsgid capset prctl setrlimit prlimit64
_REFUSED = _PROCESSES + _NETWORK + _FILES + _FILES_MORE + _KERNEL + _KERNEL_MORE + _SHARED_MEMORY + _IDENTITY
_UNKNOWN = (435, 437)
# clone3 openat2: the C library then falls back to clone and openat, which are decided above and below
_OPENS = ((2, 24), (257, 32))
# open and openat, with the offset of their flags in the filter's input (struct seccomp_data)

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def build() -> _Program | None:
    """The filter, or None where this module knows no table."""
    if sys.platform != "linux" or platform.machine() != "x86_64" or sys.maxsize < 1 << 32:
        return None
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
    code = [
        (_LOAD, 0, 0, 4),  # the architecture: another one has other numbers
        (_EQUAL, 1, 0, AUDIT_ARCH_X86_64),
        (_RETURN, 0, 0, RET_KILL),
        (_LOAD, 0, 0, 0),  # the number
        (_AT_LEAST, 0, 1, X32_BIT),
        (_RETURN, 0, 0, RET_ERRNO | EPERM),
    ]
    for numbers, errno in ((_REFUSED, EPERM), (_UNKNOWN, ENOSYS)):
        for number in numbers:
            code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, RET_ERRNO | errno)]
    for number, flags_offset in _OPENS:
        code += [
            (_EQUAL, 0, 4, number),
            (_LOAD, 0, 0, flags_offset),
            (_ANY_BIT, 0, 1, writing),
            (_RETURN, 0, 0, RET_ERRNO | EPERM),
            (_RETURN, 0, 0, RET_ALLOW),
        ]
    code.append((_RETURN, 0, 0, RET_ALLOW))
    return _Program(len(code), b"".join(struct.pack("=HBBI", *instruction) for instruction in code))


def install(program: _Program) -> bool:
    """Put the filter on this process for good; whether it worked."""
    return prctl(PR_SET_NO_NEW_PRIVS, 1) and prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program))
