"""Starts a campaign as root or as an unprivileged user, whichever tier.

The unprivileged user is 65534, without groups and capabilities. An interpreter or checkout below a folder that this
user may not enter (such as /root) is made visible to it in a mount namespace of the campaign's own: the folder is
covered by an empty one, and only what is needed is bound back into it. Nothing is copied or changed on disk. Where a
campaign cannot be started so, `UnavailableError` says why.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.adversarial.attack import SECRET

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
DROP = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]


class UnavailableError(Exception):
    """Why a campaign cannot be started on this machine."""


def campaign(tier: str, *, unprivileged: bool = False, only: str = "", timeout_s: float = 600) -> dict[str, Any]:
    """The report of a campaign in a process of its own."""
    folder = Path(tempfile.mkdtemp(prefix="campaign-"))
    try:
        folder.chmod(0o755)
        world = folder / "world"
        world.mkdir()
        arguments = ["--tier", tier, "--folder", str(world), "--report", str(world / "report.json"), "--only", only]
        # The world removes its folder at the end, so the report is beside it.
        arguments[5] = str(folder / "report.json")
        command = [sys.executable, "-B", "-m", "tests.adversarial.campaign", *arguments]
        if unprivileged:
            os.chown(folder, NOBODY, NOBODY)
            os.chown(world, NOBODY, NOBODY)
            command = as_nobody(command, folder)
        environment = {"PATH": "/usr/bin:/bin", "HF_TOKEN": SECRET + secrets.token_hex(16), "LANG": "C.UTF-8"}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        if done.returncode or not (folder / "report.json").exists():
            raise AssertionError(
                f"the campaign ended with {done.returncode}:\n{done.stdout[-1000:]}{done.stderr[-3000:]}"
            )
        report: dict[str, Any] = json.loads((folder / "report.json").read_text())
        return report
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def as_nobody(command: list[str], folder: Path) -> list[str]:
    """The command under user 65534, with the interpreter and the checkout visible to it."""
    if os.geteuid() != 0:
        raise UnavailableError("only root can start it as another user (the privileged run is unprivileged here)")
    missing = [name for name in ("unshare", "setpriv", "mount") if shutil.which(name) is None]
    if missing:
        raise UnavailableError(f"the command {missing[0]} is not installed")
    needed = sorted({Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT})
    hidden = sorted({top for path in needed if (top := closed_ancestor(path)) is not None})
    if not hidden:
        return ["setpriv", *DROP, "--", *command]
    stage = folder / "stage"
    lines = ["set -e", f"mkdir {stage}", f"mount -t tmpfs -o mode=755 tmpfs {stage}"]
    inside = [path for path in needed if closed_ancestor(path) is not None]
    for number, path in enumerate(inside):
        lines += [f"mkdir {stage}/{number}", f"mount --bind '{path}' {stage}/{number}"]
    lines += [f"mount -t tmpfs -o mode=755 tmpfs '{top}'" for top in hidden]
    for number, path in enumerate(inside):
        lines += [f"mkdir -p '{path}'", f"mount --bind {stage}/{number} '{path}'", f"umount {stage}/{number}"]
    lines += [f"umount {stage}", f'exec setpriv {" ".join(DROP)} -- "$@"']
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    if probe.returncode:
        raise UnavailableError(f"no mount namespace: {probe.stderr.strip()}")
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(lines), "sh", *command]


def closed_ancestor(path: Path) -> Path | None:
    """The topmost folder above (or at) a path that others may not enter."""
    for folder in reversed((path, *path.parents)):
        if not folder.stat().st_mode & 0o001:
            return folder
    return None
