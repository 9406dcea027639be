"""What goes into the sandbox and what comes out: frozen records. Standard library only; nothing here runs anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Value = Any
"""None, bool, int, float, complex, str, bytes, list, tuple, dict, set or frozenset: exactly these types, nested."""


class RunStatus(StrEnum):
    """How a program, or one call of its function, ended."""

    OK = "ok"
    ERROR = "error"  # does not compile, raised, or ended itself with a failure
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output_limit"  # printed or returned more than allowed
    CRASH = "crash"  # killed by a signal
    NO_RESULT = "no_result"  # ended itself without a report
    BAD_FRAME = "bad_frame"  # something else was written in place of its report
    UNSUPPORTED_TYPE = "unsupported_type"  # a value that is not exactly one of the codec's types
    NONDETERMINISTIC = "nondeterministic"  # two runs in two processes with different hash seeds differed
    INFRA_ERROR = "infra_error"  # ours, also after a retry: never held against the program


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one program, all its inputs together."""

    seconds: float = 5.0
    """Wall-clock time."""
    memory_mb: int = 512
    """Address space, MiB."""
    max_output_bytes: int = 65_536
    """What it may print."""
    max_result_bytes: int = 1 << 20
    """All returned values together, encoded."""


@dataclass(frozen=True, slots=True)
class Job:
    """One program to run: a function called with inputs, or a script with text on stdin."""

    program: str
    entry: str | None = None
    """The function to call with each of `inputs`; None runs the program as a script."""
    inputs: tuple[tuple[Value, ...], ...] = field(default=(), hash=False)
    """Positional arguments, one tuple a call. They travel as data and are never pasted into source."""
    stdin: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """What one call gave."""

    status: RunStatus
    value: Value = field(default=None, hash=False)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What one program did."""

    status: RunStatus
    """OK if it loaded and every call was made (single calls may still have failed), or a script ended normally."""
    calls: tuple[Call, ...] = ()
    """One for each input if the status is OK; empty for a script."""
    stdout: str = ""
    values: Mapping[str, Value] = field(default_factory=dict, hash=False)
    """Of a script that ended normally: its final global variables of plain type and bounded size."""
    detail: str = ""
    seconds: float = 0.0
