"""What a hostile program may find, and whether it found it: planted secrets, files, sockets and a process.

A World is made in the process that plays the trainer, in a folder that the user of that process owns. It knows what
everything looked like when it was made, and says what has changed since. It looks only at what it planted, at names
that contain "attack" in shared folders, and at descendants of this process (whose orphans come to it).
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.adversarial.attack import SECRET

SHARED_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/", ".")
ENVIRONMENT_SECRET = "HF_TOKEN"
"""Set before the trainer starts, so that it is also in its /proc/…/environ."""
PR_SET_CHILD_SUBREAPER = 36
SETTLE_S = 1.5
"""How long what was killed may take to disappear."""


def secret() -> str:
    return SECRET + secrets.token_hex(16)


class Seen(NamedTuple):
    """How a planted file looks."""

    mode: int
    size: int
    changed_ns: int
    owner: int
    digest: str


class World:
    """Everything that is planted. `replace` has the names for program texts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home, self.drop, self.temporary = folder / "home", folder / "drop", folder / "temporary"
        self._environment = {name: os.environ.get(name) for name in (ENVIRONMENT_SECRET, "TMPDIR", "HOME")}
        os.environ.setdefault(ENVIRONMENT_SECRET, secret())
        self.memory = [secret(), os.environ[ENVIRONMENT_SECRET]]
        """Also the secret of the trainer's memory."""
        # Orphans of the sandbox become our children, where they are seen.
        adopt_orphans(True)

    def __enter__(self) -> Self:
        self._plant_files()
        self._listen()
        self.victim = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", "import time; time.sleep(3600)", secret()],
            env={"TOKEN": secret()},
            stdin=subprocess.DEVNULL,
        )
        self.replace = {
            "HOME": str(self.home),
            "DROP": str(self.drop),
            "TRAINER": str(os.getpid()),
            "VICTIM": str(self.victim.pid),
            "PORT": str(self.port),
            "SOCKET": str(self.drop / "socket"),
            "ABSTRACT": self.abstract,
        }
        self.forget()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.victim.kill()
        self.victim.wait()
        for one in self._sockets:
            one.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        adopt_orphans(False)
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def _plant_files(self) -> None:
        for name in (".cache/huggingface/token", ".ssh/id_rsa", ".netrc", ".bash_history", ".bashrc"):
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(secret())
        (self.home / "link").symlink_to(f"/nowhere/{secret()}")
        self.drop.mkdir()
        (self.drop / "precious").write_text("precious")
        with contextlib.suppress(OSError):  # not every file system has them
            os.setxattr(self.drop / "precious", "user.planted", secret().encode())
        (self.drop / "folder").mkdir()
        (self.drop / "to_home").symlink_to(self.home)
        (self.drop / "to_key").symlink_to(self.home / ".ssh" / "id_rsa")
        (self.drop / "planted_module.py").write_text(f"KEY = {secret()!r}\n")
        libraries = Path(sysconfig.get_path("platstdlib")) / "lib-dynload"
        for library in sorted(libraries.glob("_heapq*.so"))[:1]:
            shutil.copy(library, self.drop / "planted_library.so")
        for path in (self.drop, self.drop / "folder"):
            path.chmod(0o777)
        (self.drop / "precious").chmod(0o666)
        # The sandbox's own temporary files would be made here; it should need none.
        self.temporary.mkdir()
        os.environ["TMPDIR"] = str(self.temporary)
        os.environ["HOME"] = str(self.home)

    def _listen(self) -> None:
        """Sockets that nobody has a reason to connect to."""
        tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp.bind(("127.0.0.1", 0))
        self.port = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", self.port))
        named, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        here = os.getcwd()
        os.chdir(self.drop)  # a socket's path has 107 characters at most
        named.bind("socket")
        os.chdir(here)
        self.abstract = "planted-" + secrets.token_hex(8)
        abstract.bind("\0" + self.abstract)
        for one in (tcp, named, abstract):
            one.listen(64)
        self._sockets = [tcp, udp, named, abstract]
        for one in self._sockets:
            one.setblocking(False)

    # What has changed

    def forget(self) -> None:
        """What there is now is how it should be."""
        self._files = self._look()
        self._processes = descendants()
        self._descriptors = set(os.listdir("/proc/self/fd"))

    def changes(self) -> list[str]:
        """What is not as it was: files, connections, processes, descriptors. Remembers the present state."""
        found = self._file_changes() + self._connections()
        due = time.monotonic() + SETTLE_S
        while True:
            processes, descriptors = descendants(), set(os.listdir("/proc/self/fd"))
            settled = processes == self._processes and len(descriptors) == len(self._descriptors)
            if settled or time.monotonic() > due:
                break
            time.sleep(0.01)
        if not settled:
            found += [f"a process is left: {pid} {name}" for pid, name in (processes - self._processes)]
            found += [f"a process has gone: {pid} {name}" for pid, name in (self._processes - processes)]
            if len(descriptors) != len(self._descriptors):
                found.append(f"{len(self._descriptors)} descriptors became {len(descriptors)}")
        if self.victim.poll() is not None:
            found.append(f"the planted process has ended ({self.victim.returncode})")
        if found:
            self.forget()
        return found

    def _file_changes(self) -> list[str]:
        now = self._look()
        names = sorted(set(now) ^ set(self._files))
        changed = sorted(name for name in set(now) & set(self._files) if now[name] != self._files[name])
        return [f"a file came or went: {name}" for name in names] + [f"a file was changed: {name}" for name in changed]

    def _connections(self) -> list[str]:
        found = []
        tcp, udp, *unix = self._sockets
        for one in (tcp, *unix):
            with contextlib.suppress(BlockingIOError):
                one.accept()[0].close()
                found.append(f"a connection to {one.getsockname()!r}")
        with contextlib.suppress(BlockingIOError):
            found.append(f"a datagram: {udp.recv(100)!r}")
        return found

    def _look(self) -> dict[str, Seen | None]:
        """The planted trees whole; in shared folders the names of attacks."""
        seen: dict[str, Seen | None] = {}
        for top in (self.home, self.drop, self.temporary):
            for path in (top, *sorted(top.rglob("*"))):
                status = path.lstat()
                digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
                seen[str(path)] = Seen(status.st_mode, status.st_size, status.st_mtime_ns, status.st_uid, digest)
        for folder in SHARED_FOLDERS:
            seen.update({f"{folder}/{name}": None for name in os.listdir(folder) if "attack" in name})
        return seen


def adopt_orphans(yes: bool) -> None:
    """Whether processes below this one whose parent has ended become its children."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


def descendants() -> set[tuple[int, str]]:
    """Process ids below this process with their names; a zombie's name says so."""
    parents: dict[int, tuple[int, str]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                name, _, rest = file.read().partition("(")[2].rpartition(")")
                state, above = rest.split()[:2]
                parents[int(entry)] = int(above), name + (" (zombie)" if state == "Z" else "")
    found: set[tuple[int, str]] = set()
    for pid, (parent, name) in parents.items():
        while parent not in (0, 1, os.getpid()) and parent in parents:
            parent = parents[parent][0]
        if parent == os.getpid() and pid != os.getpid():
            found.add((pid, name))
    return found
