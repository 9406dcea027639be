"""The worker's main program: read a setup, load one handler, then answer chunks of jobs until the pipe ends.

Started as a file by `verifiers.process` with a constructed environment. It limits its own memory, CPU time, core size
and number of files, dies with its parent, and writes before each job which one it is (see `wire`).

A handler is a module with `open_handler(options)`, which returns the function that answers a chunk and a list of words
about what is active. The handler is trusted code of ours; isolating a program that a model wrote is `judge_python`'s
business. Deadlines are the parent's.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

PACKAGE_DIRECTORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLUSH_INTERVAL_S = 0.05
"""Results wait at most this long (plus one job) before they are sent, so that a later death does not lose them."""

Mark = Callable[[int], float]
Handler = Callable[[list[Any], Mark], Iterator[Any]]


def install_package() -> None:
    """Make `verifiers.inside` importable without running `verifiers/__init__.py` (which imports the parent's side)."""
    package = ModuleType("verifiers")
    package.__path__ = [PACKAGE_DIRECTORY]
    sys.modules["verifiers"] = package


def main() -> None:
    channel, page_descriptor = int(sys.argv[1]), int(sys.argv[2])
    import gc
    import importlib
    import mmap

    from verifiers.inside import limits, wire

    page = mmap.mmap(page_descriptor, wire.PROGRESS.size)
    os.close(page_descriptor)
    buffer = bytearray()
    setup = read_frame(channel, buffer)
    try:
        limits.die_with_parent(setup["parent"])
        sys.path.extend(setup["path"])
        limits.limit_worker(setup["memory_bytes"])
        handle, active = importlib.import_module(setup["handler"]).open_handler(setup["options"])
    except Exception as error:  # the boundary of our own start-up: the parent turns this text into a FAULT's detail
        send(channel, wire.pack({"error": f"{type(error).__name__}: {error}"}))
        os._exit(1)
    gc.collect()
    gc.freeze()  # what is loaded stays: forked children then touch (and copy) fewer pages
    send(channel, wire.pack({"ready": active}))
    while True:
        sequence, jobs = read_frame(channel, buffer)
        limits.limit_cpu(setup["job_seconds"] * len(jobs))
        answer(channel, page, sequence, jobs, handle)


def answer(channel: int, page: Any, sequence: int, jobs: list[Any], handle: Handler) -> None:
    """Answer one chunk, sending results as they come in batches."""
    from verifiers.inside import wire

    pack_into = wire.PROGRESS.pack_into
    clock = time.monotonic

    def mark(index: int) -> float:
        now = clock()
        pack_into(page, 0, sequence, index, now)
        return now

    ready: list[Any] = []
    last_flush = clock()
    for result in handle(jobs, mark):
        ready.append(result)
        if clock() - last_flush > FLUSH_INTERVAL_S:
            send_results(channel, ready)
            ready = []
            last_flush = clock()
    mark(len(jobs))
    if ready:
        send_results(channel, ready)


def send_results(channel: int, results: list[Any]) -> None:
    """Send results in one frame, or in several if one would be too long."""
    from verifiers.inside import wire

    try:
        frame = wire.pack(results)
    except wire.FrameError:
        if len(results) == 1:
            raise
        send_results(channel, results[: len(results) // 2])
        send_results(channel, results[len(results) // 2 :])
    else:
        send(channel, frame)


def each(judge: Callable[..., tuple[str, str | None, str]]) -> Handler:
    """A handler that judges one job after another: `judge(*job)` gives status, extracted answer and detail."""
    from verifiers.inside import wire

    def handle(jobs: list[Any], mark: Mark) -> Iterator[Any]:
        for index, job in enumerate(jobs):
            began = mark(index)
            try:
                status, extracted, detail = judge(*job)
            except MemoryError:
                # Memory that a failed job leaves behind would spoil its neighbours: a fresh worker judges them.
                os._exit(wire.MEMORY_EXIT)
            except RecursionError:
                status, extracted, detail = "undecided", None, "too deeply nested to decide"
            except Exception as error:  # sandbox boundary: a bug of ours on one answer must not take the batch with it
                status, extracted, detail = "fault", None, f"the judge raised {type(error).__name__}: {error}"[:300]
            yield status, extracted, detail, round((time.monotonic() - began) * 1e6)

    return handle


def read_frame(channel: int, buffer: bytearray) -> Any:
    """The next frame; ends the process when the parent has closed its end."""
    from verifiers.inside import wire

    while True:
        frames = wire.unpack(buffer)
        if frames:
            return frames[0]  # the parent never sends a second frame before it has the answer to the first
        piece = os.read(channel, 1 << 20)
        if not piece:
            os._exit(0)
        buffer += piece


def send(channel: int, data: bytes) -> None:
    """Write all of it; ends the process when nobody reads any more."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(channel, view) :]
    except OSError:
        os._exit(0)


if __name__ == "__main__":
    install_package()
    # Handlers import `verifiers.inside.worker`: give them this module rather than a second copy.
    sys.modules["verifiers.inside.worker"] = sys.modules["__main__"]
    main()
