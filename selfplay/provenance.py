"""Where and with what a run was made: the content of environment.json.

Reads the machine and the installed packages; changes nothing, and asks no network. Accelerators are passed in, because
only code that imports torch can see them. Names no host, user or folder.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil


def describe(seed: int, num_processes: int = 1, accelerators: Sequence[str] = ()) -> dict[str, Any]:
    """What environment.json holds: JSON values only. `accelerators` are device names, one for each device."""
    return {
        "start_time": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "num_processes": num_processes,
        "git": git_state(Path(__file__).parent),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "hardware": {
            "cpu": cpu_model(),
            "num_cores": os.cpu_count(),
            "num_usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "memory_mb": psutil.virtual_memory().total // 2**20,
            "accelerators": list(accelerators),
        },
        "packages": packages(),
    }


def packages() -> dict[str, str]:
    """Version of every installed distribution, by name."""
    found = ((dist.metadata["Name"], dist.version) for dist in importlib.metadata.distributions())
    return dict(sorted((name.lower(), version) for name, version in found if name))


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit of the checkout that holds `folder`, and whether files differ from it; None where there is no commit."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit.strip(), "dirty": bool(_git(folder, "status", "--porcelain"))}


def cpu_model() -> str:
    """Name of the processor as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
