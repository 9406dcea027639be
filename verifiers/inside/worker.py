"""The worker's main program: read a setup, load one handler, then answer chunks of jobs until the pipe ends.

Started as a file by `verifiers.process` with a constructed environment. It limits its own memory, CPU time, core size
and number of files, dies with its parent, and writes before each job which one it is (see `wire`). As a template
(`verifiers.template`) it loads the handler once and forks workers that have it already.

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
from typing import Any, NoReturn

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
    if sys.argv[1] == "template":
        serve_forks(int(sys.argv[2]))
    channel, page_descriptor = int(sys.argv[1]), int(sys.argv[2])
    from verifiers.inside import limits

    buffer = bytearray()
    setup = read_frame(channel, buffer)
    try:
        limits.die_with_parent(setup["parent"])
        limits.limit_worker(setup["memory_bytes"])
        handle, active = load(setup)
    except Exception as error:  # the boundary of our own start-up: the parent turns this text into a FAULT's detail
        refuse(channel, f"{type(error).__name__}: {error}")
    serve(channel, page_descriptor, buffer, setup, handle, active)


def load(setup: dict[str, Any]) -> tuple[Handler, list[str]]:
    """Import the handler and open it."""
    import gc
    import importlib

    sys.path.extend(setup["path"])
    handle, active = importlib.import_module(setup["handler"]).open_handler(setup["options"])
    gc.collect()
    gc.freeze()  # what is loaded stays: forked children then touch (and copy) fewer pages
    return handle, active


def refuse(channel: int, reason: str) -> NoReturn:
    """Say why there is no worker, and end."""
    from verifiers.inside import wire

    send(channel, wire.pack({"error": reason}))
    os._exit(1)


def serve(
    channel: int, page_descriptor: int, buffer: bytearray, setup: dict[str, Any], handle: Handler, active: list[str]
) -> NoReturn:
    """Answer chunks until the parent closes its end."""
    import mmap

    from verifiers.inside import limits, wire

    page = mmap.mmap(page_descriptor, wire.PROGRESS.size)
    os.close(page_descriptor)
    send(channel, wire.pack({"ready": active, "process": os.getpid()}))
    while True:
        sequence, jobs = read_frame(channel, buffer)
        limits.limit_cpu(setup["job_seconds"] * len(jobs))
        answer(channel, page, sequence, jobs, handle)


def serve_forks(control: int) -> NoReturn:
    """A template's life: load the handler, then fork and end workers as the parent asks, until it closes its end."""
    import socket

    from verifiers.inside import limits, wire

    pipe = socket.socket(fileno=control)
    (length,) = wire.HEADER.unpack(read_exactly(pipe, wire.HEADER.size))
    (setup,) = wire.unpack(bytearray(wire.HEADER.pack(length) + read_exactly(pipe, length)))
    limits.die_with_parent(setup["parent"])
    failure, handle = "", None
    active: list[str] = []
    try:
        handle, active = load(setup)
    except Exception as error:  # as in `main`: every worker that is asked for says so
        failure = f"{type(error).__name__}: {error}"
    template = os.getpid()
    workers: dict[int, int] = {}
    while True:
        message, descriptors, _, _ = socket.recv_fds(pipe, wire.CONTROL.size, 2)
        if not message:
            os._exit(0)  # the workers' parent-death signal ends them
        command, number = wire.CONTROL.unpack(message + read_exactly(pipe, wire.CONTROL.size - len(message)))
        if command == wire.END:
            pipe.sendall(wire.ENDED.pack(end_worker(workers.pop(number))))
            continue
        child = os.fork()
        if child == 0:
            pipe.close()
            os.setsid()
            limits.die_with_parent(template)
            if handle is None:
                refuse(descriptors[0], failure)
            limits.limit_worker(setup["memory_bytes"])
            serve(descriptors[0], descriptors[1], bytearray(), setup, handle, active)
        workers[number] = child
        for descriptor in descriptors:
            os.close(descriptor)


def end_worker(process_id: int) -> int:
    """Kill a worker and its process group, and reap it; the exit code."""
    import signal

    for kill in (os.killpg, os.kill):
        try:
            kill(process_id, signal.SIGKILL)
            break
        except (ProcessLookupError, PermissionError):  # it has no process group of its own yet
            continue
    return os.waitstatus_to_exitcode(os.waitpid(process_id, 0)[1])


def read_exactly(pipe: Any, count: int) -> bytes:
    """So many bytes; ends the process when the parent has closed its end."""
    data = b""
    while len(data) < count:
        piece: bytes = pipe.recv(count - len(data))
        if not piece:
            os._exit(0)
        data += piece
    return data


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
