"""Run programs: plain ones many to a child, all others one to a child.

An answer is [status, stdout, values, detail, microseconds].

A child reports the values of its global variables as JSON behind a random token that was made for it, so that bytes
sprayed at every descriptor are not a report; this side checks every type and size again. A program can lie about its
own values (it runs in the process that reports them), and about nothing else.
"""

from __future__ import annotations

import builtins
import gc
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from verifiers.inside import straight_line
from verifiers.inside.confine import RESULT, Bounds, Confinement, Ended
from verifiers.inside.straight_line import MAX_INTEGER_BITS, does_not_compile, raised
from verifiers.inside.wire import MAX_FRAME_BYTES, MEMORY_EXIT
from verifiers.inside.worker import Handler, Mark

MAX_VALUES = 256
MAX_TEXT_CHARACTERS = 4096
MAX_RESULT_BYTES = 1 << 20
SHARED_DEADLINE_S = 0.25
SHARED_DEADLINE_EACH_S = 0.001
PRELOADED = ("collections", "functools", "itertools", "math", "random", "re", "string")
"""Imported before the fork, because programs often want them and a child would pay each time."""


def open_handler(options: Mapping[str, Any]) -> tuple[Handler, list[str]]:
    runner = Runner(
        deadline_s=options["deadline_s"],
        max_output_bytes=options["max_output_bytes"],
        shared_lane=options["shared_lane"],
        syscall_filter=options["syscall_filter"],
    )
    return runner.handle, runner.confinement.active


class Runner:
    """Answers chunks of programs."""

    def __init__(self, *, deadline_s: float, max_output_bytes: int, shared_lane: bool, syscall_filter: bool) -> None:
        for name in PRELOADED:
            __import__(name)
        exec(compile("x = 1\nprint\n", "<program>", "exec", dont_inherit=True), {})  # first-use costs, before the fork
        straight_line.run("x = 1\nprint(x)\n", 10)
        self.confinement = Confinement(syscall_filter=syscall_filter)
        self._bounds = Bounds(deadline_s, max_output_bytes, MAX_RESULT_BYTES)
        self._shared_lane = shared_lane

    def handle(self, jobs: list[Any], mark: Mark) -> Iterator[Any]:
        """One answer for each program text, in order."""
        mark(0)
        answers = self._run_shared(jobs) if self._shared_lane else {}
        for index, source in enumerate(jobs):
            if index in answers:
                yield answers[index]
            else:
                mark(index)
                yield self._run_alone(source)

    def _run_shared(self, sources: list[str]) -> dict[int, Any]:
        """The answers of the plain programs among `sources`, from one child."""
        candidates = [index for index, source in enumerate(sources) if straight_line.plausible(source)]
        if not candidates:
            return {}
        max_characters = self._bounds.max_output_bytes

        def body() -> None:
            gc.disable()  # short-lived, and syntax trees are many objects without cycles
            answers = [straight_line.run(sources[index], max_characters) for index in candidates]
            write_all(json.dumps(answers, separators=(",", ":")).encode())

        deadline_s = SHARED_DEADLINE_S + SHARED_DEADLINE_EACH_S * len(candidates)
        ended = self.confinement.run(body, Bounds(deadline_s, 0, MAX_FRAME_BYTES))
        if ended.reason != "exit" or ended.code != 0:
            return {}  # a text that upsets the parser: each then runs alone, under its own deadline
        return {
            index: answer
            for index, answer in zip(candidates, json.loads(ended.result), strict=True)
            if answer is not None
        }

    def _run_alone(self, source: str) -> list[Any]:
        token = os.urandom(8).hex()
        ended = self.confinement.run(lambda: run_program(source, token), self._bounds)
        status, values, detail = read_end(ended, token, self._bounds)
        stdout = ended.stdout[: self._bounds.max_output_bytes].decode("utf-8", "replace")
        return [status, stdout, values, detail, round(ended.seconds * 1e6)]


def run_program(source: str, token: str) -> None:
    """In the child: run the program as a script would be, and report its final global variables."""
    output = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", newline="\n", write_through=False)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, "r", closefd=False), encoding="utf-8")
    sys.stdout = output
    namespace: dict[Any, Any] = {"__name__": "__main__", "__builtins__": builtins}
    status, detail = "ok", ""
    own_builtins = dict(vars(builtins))
    try:
        code = compile(source, "<program>", "exec", dont_inherit=True)
    except MemoryError:
        os._exit(MEMORY_EXIT)
    except (SyntaxError, ValueError, RecursionError) as error:
        status, detail = "error", does_not_compile(error)
    else:
        try:
            exec(code, namespace)
        except MemoryError:
            os._exit(MEMORY_EXIT)
        except SystemExit as error:
            if error.code not in (None, 0):
                status, detail = "error", raised(error)
        except BaseException as error:  # sandbox boundary: whatever a program raises is its own outcome
            status, detail = "error", raised(error)
    vars(builtins).update(own_builtins)  # a program may replace `len`; the report below needs it
    try:
        output.flush()
    except (OSError, ValueError) as error:
        status, detail = "error", raised(error)
    values = collect(namespace) if status == "ok" else {}
    write_all(token.encode() + json.dumps([status, detail, values]).encode())


def collect(namespace: dict[Any, Any]) -> dict[str, Any]:
    """The variables with plain values of bounded size, in order of their first assignment; others are left out."""
    values: dict[str, Any] = {}
    for name, value in list(namespace.items()):
        if type(name) is str and not name.startswith("__") and len(name) <= 100 and is_plain(value):
            values[name] = value
            if len(values) == MAX_VALUES:
                break
    return values


def is_plain(value: object) -> bool:
    """Exactly an int, bool, str, float or None, and not too big. No method of the value's own class is called."""
    kind = type(value)
    if kind is int:
        return int.bit_length(value) <= MAX_INTEGER_BITS  # type: ignore[arg-type]
    if kind is str:
        return len(value) <= MAX_TEXT_CHARACTERS  # type: ignore[arg-type]
    return kind in (bool, float, type(None))


def read_end(ended: Ended, token: str, bounds: Bounds) -> tuple[str, dict[str, Any], str]:
    """Status, values and detail of a child that has ended."""
    if ended.reason == "timeout" or ended.code == -24:  # SIGXCPU
        return "timeout", {}, f"no end within {bounds.deadline_s:g} s"
    if ended.reason == "output_limit":
        return "output_limit", {}, f"more than {bounds.max_output_bytes} bytes of output"
    if ended.code == MEMORY_EXIT:
        return "memory", {}, "out of memory"
    if ended.code != 0 or not ended.result:
        how = f"killed by signal {-ended.code}" if ended.code < 0 else f"exit code {ended.code}"
        return "error", {}, f"ended without finishing ({how})"
    try:
        head, body = ended.result[: len(token)], ended.result[len(token) :]
        status, detail, values = json.loads(body)
        if head != token.encode() or status not in ("ok", "error") or type(detail) is not str:
            raise ValueError("not a report")
        if type(values) is not dict or len(values) > MAX_VALUES or not all(map(is_plain, values.values())):
            raise ValueError("not plain values")
    except (ValueError, TypeError, RecursionError):
        return "error", {}, "something else was written in place of its report"
    return status, values, detail[:300]


def write_all(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(RESULT, view) :]
