"""Python text that somebody wrote, as values and functions: read by a parser in a sandbox child, never here, never run.

The parser (`verifiers.inside.sandbox.read_python`) is our own program and the texts are its data, so many texts share
one child; a text that takes its child down is read again alone. What comes back are values of the codec's types.
`write_literal` is the way back. Nothing here judges.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from verifiers.sandbox.records import Call, Job, Run, RunStatus, Value

MAX_LITERAL_CHARACTERS = 20_000
"""A longer literal is not read."""
MAX_TOGETHER = 128
"""Texts that share a child."""

RunJobs = Callable[[Sequence[Job]], Sequence[Run]]
"""One Run for each Job, such as `Sandbox.run`."""

_READER = (Path(__file__).parents[1] / "inside" / "sandbox" / "read_python.py").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Function:
    """A program that is one function, and inputs for it."""

    program: str
    """Its text as the parser writes it: without comments and docstring."""
    inputs: tuple[tuple[Value, ...], ...] = field(hash=False)
    """Positional arguments, one tuple a call."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no function: a code (`read_python`, or `lost` where the sandbox failed us) and a detail."""

    code: str
    detail: str


def read_values(run: RunJobs, texts: Sequence[str]) -> list[Call]:
    """For each text, OK and the literal's value; any other status says why there is none, INFRA_ERROR that we failed.

    `1, 2` is a tuple. A text longer than MAX_LITERAL_CHARACTERS is an ERROR and is not sent.
    """
    return _read_literals(run, "value", texts)


def read_arguments(run: RunJobs, texts: Sequence[str]) -> list[Call]:
    """Like `read_values`, for the positional arguments of a call: the value is their list, and `(1, 2)` is one."""
    return _read_literals(run, "arguments", texts)


def read_functions(
    run: RunJobs, programs: Sequence[tuple[str, Sequence[str]]], name: str, allowed_imports: Sequence[str]
) -> list[Function | Refused]:
    """For each program and the texts of its inputs: the function `name` and the inputs' values, or the refusal.

    A program must be imports from `allowed_imports` and that one function, without state of its own.
    """
    wanted = [(program, list(inputs), name, list(allowed_imports)) for program, inputs in programs]
    return [_function(call) for call in _read_together(run, "function", wanted)]


def write_literal(value: Value) -> str:
    """The literal of a value: sets sorted, dicts in their order. Raises ValueError for a value that has none."""
    kind = type(value)
    if kind is float and not math.isfinite(value):
        raise ValueError(f"{value} is not a literal")
    if value is None or kind in (bool, int, float, str, bytes):
        return repr(value)
    if kind is dict:
        return "{" + ", ".join(f"{write_literal(key)}: {write_literal(item)}" for key, item in value.items()) + "}"
    if kind not in (list, tuple, set):
        raise ValueError(f"a value of type {kind.__name__} is not a literal")
    items = [write_literal(item) for item in value]
    if kind is list:
        return f"[{', '.join(items)}]"
    if kind is tuple:
        return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
    return "{" + ", ".join(sorted(items)) + "}" if items else "set()"


def _read_literals(run: RunJobs, entry: str, texts: Sequence[str]) -> list[Call]:
    short = [text for text in texts if len(text) <= MAX_LITERAL_CHARACTERS]
    calls = iter(_read_together(run, entry, [(text,) for text in short]))
    too_long = Call(RunStatus.ERROR, None, f"longer than {MAX_LITERAL_CHARACTERS} characters")
    return [next(calls) if len(text) <= MAX_LITERAL_CHARACTERS else too_long for text in texts]


def _read_together(run: RunJobs, entry: str, inputs: Sequence[tuple[Value, ...]]) -> list[Call]:
    """One Call for each input of a function of the reader."""
    chunks = [inputs[begin : begin + MAX_TOGETHER] for begin in range(0, len(inputs), MAX_TOGETHER)]
    calls: list[Call] = []
    for chunk, done in zip(chunks, run([Job(_READER, entry, tuple(chunk)) for chunk in chunks]), strict=True):
        calls += done.calls if done.status is RunStatus.OK else [_call(done)] * len(chunk)
    again = [index for index, call in enumerate(calls) if call.status not in (RunStatus.OK, RunStatus.ERROR)]
    for index, done in zip(again, run([Job(_READER, entry, (inputs[index],)) for index in again]), strict=True):
        calls[index] = done.calls[0] if done.status is RunStatus.OK else _call(done)
    return calls


def _call(run: Run) -> Call:
    """What became of the calls of a run that made none."""
    return Call(run.status, None, run.detail)


def _function(call: Call) -> Function | Refused:
    if call.status is not RunStatus.OK:
        code = "lost" if call.status is RunStatus.INFRA_ERROR else "syntax"
        return Refused(code, f"{call.status}: {call.detail}")
    if "refused" in call.value:
        return Refused(call.value["refused"], call.value["detail"])
    return Function(call.value["program"], tuple(map(tuple, call.value["inputs"])))
