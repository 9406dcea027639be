"""File access by allowlist (landlock): reading the standard library and shared libraries, and nothing else.

Also no TCP (kernel ABI 4) and no signals or abstract sockets to the outside (ABI 6), where the kernel knows these. The
rules are for good and for all children. Site packages beneath the standard library can be listed but not read.

It does not hide that a file exists, how long it is and when it was changed: that takes an own root (`namespaces`).
"""

from __future__ import annotations

import ctypes
import glob
import os
import sys

from verifiers.inside.sandbox.kernel import PR_SET_NO_NEW_PRIVS, control, system_call

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every architecture
_VERSION = 1
_PATH_BENEATH = 1
READ_FILE, READ_DIRECTORY = 1 << 2, 1 << 3
_NUM_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # by ABI; 16 from 5 on
_TCP = 0b11
_SCOPES = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("access", ctypes.c_uint64), ("directory", ctypes.c_int32)]


def abi() -> int:
    """The kernel's version of landlock. Raises OSError where there is none."""
    return system_call(_CREATE, 0, 0, _VERSION)


def readable(library_folders: list[str]) -> list[tuple[str, int]]:
    """Paths with the access that a program gets to them and what lies beneath."""
    rules = [(os.devnull, READ_FILE), ("/etc/ld.so.cache", READ_FILE), ("/usr/share/zoneinfo", READ_FILE | 8)]
    for folder in filter(os.path.isdir, sys.path):
        rules.append((folder, READ_DIRECTORY))
        for entry in os.scandir(folder):
            if entry.name not in ("site-packages", "dist-packages"):
                rules.append((entry.path, READ_FILE))
    rules += [(path, READ_FILE) for path in sys.path if os.path.isfile(path)]
    rules += [(path, READ_FILE) for path in glob.glob(os.path.join(sys.base_prefix, "lib", "*.so*"))]
    return rules + [(folder, READ_FILE) for folder in library_folders]


def restrict(rules: list[tuple[str, int]]) -> int:
    """Confine this process and its children to `rules`; the ABI that was used. Raises OSError."""
    version = abi()
    rights = (1 << _NUM_FILE_RIGHTS.get(version, 16)) - 1
    ruleset = _Ruleset(rights, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    descriptor = system_call(_CREATE, ctypes.byref(ruleset), size, 0)
    try:
        for path, access in rules:
            _allow(descriptor, path, access)
        control(PR_SET_NO_NEW_PRIVS, 1)
        system_call(_RESTRICT, descriptor, 0)
    finally:
        os.close(descriptor)
    return version


def _allow(descriptor: int, path: str, access: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no permission
    try:
        if not os.path.isdir(path):
            access &= READ_FILE
        beneath = _Beneath(access, opened)
        system_call(_ADD, descriptor, _PATH_BENEATH, ctypes.byref(beneath), 0)
    finally:
        os.close(opened)
