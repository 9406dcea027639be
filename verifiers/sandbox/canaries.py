"""Attacks that every sandbox tries on itself when it starts, through the same path as any program.

Each is a function `attack(world)` that returns a true value if it succeeded. What it is allowed to know about the
outside comes in as data. An attack that raises, is killed, or finds nothing was blocked; one that hangs was not.

They prove that a layer works, not that it is complete; that is what the attack suite of the tests is for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from verifiers.sandbox.isolation import Tier
from verifiers.sandbox.records import Job, Run, RunStatus

CONSTRUCTED = ("LC_ALL", "PYTHONHASHSEED", "PYTHONUTF8", "LC_CTYPE", "LD_BIND_NOW")
"""Names in the environment that a zygote is started with: no secrets."""

_LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"

ATTACKS = {
    "read /etc/passwd": "def attack(world):\n    return open('/etc/passwd').read()",
    "read a file of another user": "def attack(world):\n    return open('/etc/shadow').read()",
    "list the home folder": "import os\ndef attack(world):\n    return os.listdir(world['home']) or True",
    "read the trainer's environment": (
        "def attack(world):\n    return open(f\"/proc/{world['trainer']}/environ\").read()"
    ),
    "read the parent's memory": (
        "import os\ndef attack(world):\n    return os.open(f'/proc/{os.getppid()}/mem', os.O_RDONLY) >= 0"
    ),
    "find an environment variable": (
        "import os\ndef attack(world):\n    return set(os.environ) - set(world['constructed'])"
    ),
    "keep a descriptor": (
        "import os\n"
        "def attack(world):\n"
        "    found = []\n"
        "    for descriptor in range(4, 64):\n"
        "        try:\n"
        "            os.fstat(descriptor)\n"
        "            found.append(descriptor)\n"
        "        except OSError:\n"
        "            pass\n"
        "    return found"
    ),
    "make a socket": "import socket\ndef attack(world):\n    return bool(socket.socket())",
    "connect to this machine": (
        "import socket\n"
        "def attack(world):\n"
        "    try:\n"
        "        socket.create_connection(('127.0.0.1', 1), 0.2)\n"
        "    except ConnectionRefusedError:\n"
        "        pass\n"
        "    return True"
    ),
    "make a process": (
        "import os\ndef attack(world):\n    child = os.fork()\n    if child == 0:\n        os._exit(0)\n    return True"
    ),
    "make a thread": "import _thread\ndef attack(world):\n    return bool(_thread.start_new_thread(int, ()))",
    "execute a program": (
        "import os\ndef attack(world):\n    os.execv(world['executable'], [world['executable'], '-S', '-c', ''])"
    ),
    "signal the parent": "import os\ndef attack(world):\n    os.kill(os.getppid(), 0)\n    return True",
    "signal the trainer": "import os\ndef attack(world):\n    os.kill(world['trainer'], 0)\n    return True",
    "trace the parent": (
        _LIBC + "def attack(world):\n    done = libc.ptrace(16, os.getppid(), None, None)\n"
        "    if done == 0: libc.ptrace(17, os.getppid(), None, None)\n    return done == 0"
    ),
    "copy the parent's memory": (
        _LIBC + "def attack(world):\n"
        "    here = ctypes.create_string_buffer(8)\n"
        "    class Part(ctypes.Structure): _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]\n"
        "    part = Part(ctypes.addressof(here), 8)\n"
        "    return libc.process_vm_readv(os.getppid(), ctypes.byref(part), 1, ctypes.byref(part), 1, 0) == 8"
    ),
    "write to /tmp": (
        "import os\n"
        "def attack(world):\n"
        "    path = f\"/tmp/.canary-{world['trainer']}\"\n"
        "    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))\n"
        "    os.unlink(path)\n"
        "    return True"
    ),
    "make a file in memory": (
        "import os\ndef attack(world):\n    return os.write(os.memfd_create('canary'), b'x' * 4096) == 4096"
    ),
    "take too much memory": "def attack(world):\n    return bool(bytearray(world['too_many_bytes']))",
}

_FILES = frozenset(
    ["read /etc/passwd", "read a file of another user", "list the home folder", "read the trainer's environment",
     "read the parent's memory"]
)  # fmt: skip
_LIMITS = frozenset(["find an environment variable", "keep a descriptor", "take too much memory"])

REQUIRED: Mapping[Tier, frozenset[str]] = {
    Tier.A: frozenset(ATTACKS),
    Tier.B: frozenset(ATTACKS),
    Tier.C: frozenset(ATTACKS) - _FILES,
    Tier.D: frozenset(),
}
"""What must be blocked for a tier."""


def jobs(executable: str, memory_mb: int) -> list[Job]:
    """The attacks as jobs, in the order of ATTACKS."""
    world: dict[str, Any] = {
        "home": str(_home()),
        "trainer": os.getpid(),
        "constructed": list(CONSTRUCTED),
        "executable": executable,
        "too_many_bytes": (memory_mb << 20) + (64 << 20),
    }
    return [Job(program, "attack", ((world,),)) for program in ATTACKS.values()]


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        return Path("/root")


def unclear(run: Run) -> bool:
    """Whether an attack was not seen to its end, so that it is worth another try."""
    return run.status in (RunStatus.INFRA_ERROR, RunStatus.TIMEOUT)


def blocked(run: Run) -> bool:
    """Whether an attack failed. A run that we lost proves nothing; one without a report became another program."""
    if run.status in (RunStatus.INFRA_ERROR, RunStatus.TIMEOUT, RunStatus.NO_RESULT):
        return False
    return not (run.status is RunStatus.OK and any(_succeeded(call.status, call.value) for call in run.calls))


def _succeeded(status: RunStatus, value: object) -> bool:
    return status is RunStatus.UNSUPPORTED_TYPE or (status is RunStatus.OK and bool(value))


def reached(results: Mapping[str, bool], layers: tuple[str, ...]) -> Tier:
    """The strongest tier whose layers are on and whose attacks were all blocked."""
    needed = {Tier.A: {"namespaces", "landlock", "seccomp"}, Tier.B: {"landlock", "seccomp"}, Tier.C: {"seccomp"}}
    for tier in (Tier.A, Tier.B, Tier.C):
        if needed[tier] <= set(layers) and all(results[name] for name in REQUIRED[tier]):
            return tier
    return Tier.D
