"""Own namespaces for the zygote: users, mounts, network, IPC, host name and processes; a root with nothing in it.

The new root is an empty temporary file system into which what the interpreter needs is bound, read-only. There is no
/proc in it. The zygote becomes process 1 of its own process namespace, so that everything beneath ends with it; the
process that the parent started waits for it and ends when it ends.

Needs either CAP_SYS_ADMIN or unprivileged user namespaces; containers usually have neither.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
from collections.abc import Callable

from verifiers.inside.sandbox import kernel

NOBODY = 65534
CHECK_INTERVAL_MS = 5000
_USER, _REST = 0x10000000, 0x00020000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXEC, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = (
    1, 2, 4, 8, 32, 4096, 16384, 1 << 18
)  # fmt: skip
_LOCKED = 1 | 2 | 4 | 8 | 1024 | 2048  # flags that a mount keeps when it is remounted, by statvfs and by mount alike
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_HIDEABLE = ("/mnt", "/srv", "/media", "/opt", "/tmp", "/var/tmp")


def leave(library_folders: list[str]) -> None:
    """Enter new namespaces and a new root.

    Raises OSError with nothing changed if namespaces are refused, and RuntimeError if a later step fails: then this
    process is of no use.
    """
    uid, gid = os.getuid(), os.getgid()
    try:
        if uid != 0:
            raise PermissionError
        kernel.unshare(_REST)
    except PermissionError:
        kernel.unshare(_USER | _REST)
        mapped = True
    else:
        mapped = False
    try:
        if mapped:
            _map_user(uid, gid)
        kernel.mount("none", "/", None, _RECURSIVE | _PRIVATE)
        _pivot(_sources(library_folders))
        socket.sethostname("sandbox")
    except OSError as error:
        raise RuntimeError(f"namespaces were made but could not be furnished: {error}") from None


def _map_user(uid: int, gid: int) -> None:
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{NOBODY} {uid} 1"),
        ("gid_map", f"{NOBODY} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(content)


def _sources(library_folders: list[str]) -> list[str]:
    wanted = [*sys.path, os.path.join(sys.base_prefix, "lib"), *library_folders, "/usr/share/zoneinfo"]
    folders = sorted({os.path.abspath(path) for path in wanted if os.path.isdir(path)})
    # A folder within another one is bound with it.
    outer = [one for one in folders if not any(one != other and one.startswith(f"{other}/") for other in folders)]
    return [*outer, os.devnull, "/etc/ld.so.cache", *(path for path in sys.path if os.path.isfile(path))]


def _pivot(sources: list[str]) -> None:
    """Make a file system that holds `sources` only, and make it the root."""
    root = next(
        path for path in _HIDEABLE if os.path.isdir(path) and not any(one.startswith(f"{path}/") for one in sources)
    )
    kernel.mount("tmpfs", root, "tmpfs", _NO_SUID | _NO_DEVICES, "size=1m,mode=755")
    for path in ("/lib", "/lib64"):
        if os.path.islink(path):
            os.symlink(os.readlink(path), root + path)
    for source in sources:
        _bind(source, root + source)
    kernel.mount("none", root, None, _REMOUNT | _BIND | _READ_ONLY | _NO_SUID | _NO_DEVICES)
    number = _PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(38, f"the number of pivot_root on {os.uname().machine} is not known")
    os.chdir(root)
    here = b"."
    kernel.system_call(number, here, here)
    kernel.unmount_lazily("/")
    os.chdir("/")


def _bind(source: str, target: str) -> None:
    if not os.path.exists(source):
        return
    real = os.path.realpath(source)
    if os.path.isdir(real):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "xb"):
            pass
    kernel.mount(real, target, None, _BIND | _RECURSIVE)
    kept = os.statvfs(target).f_flag & _LOCKED
    no_devices = 0 if source == os.devnull else _NO_DEVICES
    with contextlib.suppress(PermissionError):  # then landlock alone keeps it from being written
        kernel.mount("none", target, None, _REMOUNT | _BIND | kept | _READ_ONLY | _NO_SUID | no_devices)


def become_first(parent_died: Callable[[], bool]) -> None:
    """Fork into the new process namespace and go on as its process 1; the old process waits and ends alike."""
    child = os.fork()
    if child == 0:
        parent_died()
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            os.close(descriptor)
    parent = os.getppid()
    poll = select.poll()
    poll.register(os.pidfd_open(child), select.POLLIN)
    # No death signal from the parent: that would come when the thread ends that started us, and not only its process.
    while not poll.poll(CHECK_INTERVAL_MS) and os.getppid() == parent:
        pass
    os._exit(0)  # and with it its child, by the death signal
