"""Run by test_kill: forks one training after another, kills each at a random moment, and resumes, until one is done.

A process of its own, so that torch is imported once and forked: `kill_again.py CONFIG FOLDER NUM_KILLS SEED SPAN_S`.
A run's first kill falls early (creating the folder, loading, warming up), the others after up to three more rounds: one
in three while a checkpoint is half written, one in three while a round is, one in three whenever. Prints one line of
JSON: the run folders, the kills with what stood on disk at that moment, and the number of workers left over.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import trl  # noqa: F401  (imported once, for all children)
from real_runs import train

import selfplay.learners.supervised
import selfplay.policy  # noqa: F401


def main(config: Path, folder: Path, num_kills: int, seed: int, span_s: float) -> dict[str, Any]:
    torch.set_num_threads(1)
    rng = random.Random(seed)
    kills: list[dict[str, Any]] = []
    runs: list[str] = []
    orphans: list[psutil.Process] = []
    while len(kills) < num_kills:
        run_dir = folder / f"killed{len(runs)}"
        attempt = 0
        while True:
            child = start(config, run_dir)
            if len(kills) >= num_kills:
                status = wait(child, lambda: False)
            else:
                status = wait_for_moment(child, run_dir, attempt, rng, span_s)
            attempt += 1
            if status is None:
                orphans += psutil.Process(child).children(recursive=True)
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                kills.append({"run": run_dir.name, **standing(run_dir)})
            elif status == 0:
                break
            else:
                printed = run_dir.with_suffix(".log").read_text()[-2000:]
                raise SystemExit(f"{run_dir}: a training ended by itself with status {status}:\n{printed}")
        runs.append(run_dir.name)
    _, alive = psutil.wait_procs(orphans, timeout=5.0)
    return {"runs": runs, "kills": kills, "orphans": len(alive)}


def wait_for_moment(child: int, run_dir: Path, attempt: int, rng: random.Random, span_s: float) -> int | None:
    """Return at the moment of the kill, or with the exit status of a child that ended before.

    `span_s` is about how long a whole run takes.
    """
    began = time.time_ns()
    if attempt == 0:
        return wait_seconds(child, rng.uniform(0.0, 0.4 * span_s))
    num_rounds = rng.randint(0, 3)
    status = wait(child, lambda: len(fresh(run_dir / "rounds", "[0-9]*", began)) >= num_rounds)
    if status is not None:
        return status
    now = time.time_ns()
    if attempt % 3 == 1:
        return wait(child, lambda: bool(fresh(run_dir / "checkpoints", ".tmp-*", now)))
    if attempt % 3 == 2:
        return wait(child, lambda: bool(fresh(run_dir / "rounds", ".tmp-*", now)))
    return wait_seconds(child, rng.uniform(0.0, 0.2 * span_s))


def start(config: Path, run_dir: Path) -> int:
    """Fork a training that begins, or goes on where a folder of one is; returns its process id."""
    arguments = ["--resume"] if (run_dir / "config.yaml").exists() else []
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    os.dup2(os.open(run_dir.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
    os.dup2(1, 2)
    status = 1
    try:
        status = train(config, run_dir, *arguments)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def wait(child: int, condition: Callable[[], bool]) -> int | None:
    """Exit status of the child, or None as soon as the condition holds."""
    while not condition():
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.0005)
    return None


def wait_seconds(child: int, seconds: float) -> int | None:
    due = time.monotonic() + seconds
    return wait(child, lambda: time.monotonic() >= due)


def fresh(folder: Path, pattern: str, since_ns: int) -> list[Path]:
    """What is in the folder and was made or renamed after that time: not what an earlier kill left."""
    found = []
    for path in folder.glob(pattern):
        with suppress(FileNotFoundError):  # renamed just now
            if path.stat().st_ctime_ns > since_ns:
                found.append(path)
    return found


def standing(run_dir: Path) -> dict[str, Any]:
    """What was on disk when the training was killed."""
    rounds = sorted(path.name for path in run_dir.glob("rounds/*"))
    return {
        "created": (run_dir / "config.yaml").exists(),
        "started": (run_dir / "start.json").exists(),
        "rounds": sum(name.isdigit() for name in rounds),
        "half_written": [path.relative_to(run_dir).as_posix() for path in run_dir.rglob(".tmp-*")],
        "finished": (run_dir / "summary.json").exists(),
    }


if __name__ == "__main__":
    given = sys.argv[1:]
    print(json.dumps(main(Path(given[0]), Path(given[1]), int(given[2]), int(given[3]), float(given[4]))))
