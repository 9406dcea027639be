"""The layers of confinement of one zygote and its children, put on in the order in which they can be.

`confine_zygote` does once what lasts: namespaces, identity and capabilities, landlock, limits, the allowlist of system
calls. `Layers.confine_child` does the rest in each child, in a few system calls. What was put on, and why something
was not, is said in words; whether it holds is proved by the parent, by attacks.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from verifiers.inside.sandbox import kernel, landlock, namespaces, syscall_filter

MAX_DESCRIPTORS = 64
STACK_BYTES = 8 << 20


class Layers:
    """What is on, and what each child still has to do."""

    def __init__(self, setup: Mapping[str, Any]) -> None:
        self.active: list[str] = []
        self.missing: dict[str, str] = {}
        self._setup = setup
        self._filters: syscall_filter.Filters | None = None
        seconds = int(setup["seconds"]) + 2
        self._cpu_limits = (seconds, seconds + 1)
        self._nothing = (0, 0)
        self.fork = kernel.forker()
        """Makes a child: 0 in it, its number in the parent, negative if there is none."""
        self._death_signal = kernel.Shortcut(kernel.PR_SET_PDEATHSIG, signal.SIGKILL) if kernel.on_linux else _done
        self.parent_of_zygote = setup["parent"]
        self._parent = 0
        self._own_bytes = 0

    @property
    def may_fork(self) -> bool:
        """Whether nothing keeps a program from making processes."""
        return self._filters is None

    def confine_zygote(self) -> None:
        """Put everything on this process. Needs no thread to run."""
        setup = self._setup
        self._own_bytes = own_bytes()
        folders = library_folders()
        rules = landlock.readable(folders)
        if setup["namespaces"] and self._try("namespaces", lambda: namespaces.leave(folders)):
            self._set_identity(folders)
            namespaces.become_first(self._death_signal)
            self.parent_of_zygote = 0  # seen from within: it is outside of the namespace
        else:
            self._set_identity(folders)
        self._try("capabilities", kernel.drop_capabilities)
        self._try("not dumpable", lambda: kernel.control(kernel.PR_SET_DUMPABLE, 0))
        if setup["landlock"]:
            self._try("landlock", lambda: landlock.restrict(rules))
        self._limit()
        self._parent = os.getpid()
        if setup["syscall_filter"]:
            self._try("seccomp", self._filter)
        if self._filters is None:
            with contextlib.suppress(OSError):
                kernel.control(kernel.PR_SET_CHILD_SUBREAPER, 1)  # orphans come back to us, to be reaped

    def confine_child(self) -> bool:
        """In a fresh child: the limits and the filter that only a child can have; whether all of it worked."""
        setrlimit, nothing = resource.setrlimit, self._nothing
        setrlimit(resource.RLIMIT_FSIZE, nothing)
        setrlimit(resource.RLIMIT_CPU, self._cpu_limits)
        if self._filters is None:
            os.setsid()
            with contextlib.suppress(ValueError, OSError):
                setrlimit(resource.RLIMIT_NPROC, nothing)
            self._death_signal()
            return os.getppid() == self._parent
        setrlimit(resource.RLIMIT_NPROC, nothing)
        # Process 1 of a namespace takes its children with it, so there they need not ask for it.
        if self._parent != 1 and (not self._death_signal() or os.getppid() != self._parent):
            return False
        return self._filters.confine_child()

    def _filter(self) -> None:
        filters = syscall_filter.Filters()
        filters.confine_zygote()
        self._filters = filters

    def _try(self, name: str, put_on: Callable[[], object]) -> bool:
        try:
            put_on()
        except OSError as error:
            self.missing[name] = f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else "")
            return False
        self.active.append(name)
        return True

    def _set_identity(self, folders: list[str]) -> None:
        """As root: become nobody, unless nobody could not read the standard library (kept: root without powers)."""
        if os.getuid() != 0:
            return
        if not _nobody_can_read(os.__file__):
            self.missing["identity"] = "the interpreter's folder is closed to others; user 0 without capabilities"
            return
        nobody = namespaces.NOBODY

        def change() -> None:
            os.setgroups([])
            os.setresgid(nobody, nobody, nobody)
            os.setresuid(nobody, nobody, nobody)

        self._try("identity", change)

    def _limit(self) -> None:
        """Limits that children inherit. Memory is what the program may add to the interpreter's own."""
        lower(resource.RLIMIT_CORE, 0)
        lower(resource.RLIMIT_NOFILE, MAX_DESCRIPTORS)
        lower(resource.RLIMIT_STACK, STACK_BYTES)
        if hasattr(resource, "RLIMIT_MEMLOCK"):
            lower(resource.RLIMIT_MEMLOCK, 0)
        with contextlib.suppress(ValueError, OSError):  # macOS has the limit and refuses to set it
            lower(resource.RLIMIT_AS, self._own_bytes + self._setup["memory_bytes"] + self._setup["buffer_bytes"])
        self.active.append("rlimits")


def _done() -> bool:
    return True


def lower(kind: int, bound: int) -> None:
    """Lower a soft and hard limit to `bound`, never raising one that is already lower."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        bound = min(bound, hard)
    resource.setrlimit(kind, (bound, bound))


def _nobody_can_read(path: str) -> bool:
    """Tried with nobody's rights, for a moment. (Not in a forked child: the first one is special in a namespace.)"""
    try:
        os.setgroups([])
        os.setegid(namespaces.NOBODY)
        os.seteuid(namespaces.NOBODY)
        os.close(os.open(path, os.O_RDONLY))
    except OSError:
        return False
    finally:
        os.seteuid(0)
        os.setegid(os.getgid())
    return True


def library_folders() -> list[str]:
    """Folders of shared libraries: the usual ones, and those that this interpreter has loaded from."""
    found = {"/lib64", "/usr/lib64"}
    with contextlib.suppress(OSError), open("/proc/self/maps", encoding="utf-8") as maps:
        for line in maps:
            path = line.rstrip("\n").partition("/")[2]
            if ".so" in path:
                found.add(os.path.dirname("/" + path))
    python = {os.path.realpath(path) for path in [*sys.path, os.path.join(sys.base_prefix, "lib")]}
    return sorted({os.path.realpath(folder) for folder in found if os.path.isdir(folder)} - python)


def own_bytes() -> int:
    """Address space of this process now."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0
