"""Jobs and values as bytes for the zygote, and its replies as Runs: the parent's side of `verifiers.inside.sandbox`.

`encode` and `decode` are exact (see `verifiers.inside.sandbox.values`). A reply is hostile input: its type, size and
shape are checked, nothing in it is evaluated, and what is not a report is a status of its own.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from itertools import repeat
from typing import Any, NamedTuple

from verifiers.inside.sandbox import frames
from verifiers.inside.sandbox.values import (
    MAX_DEPTH,
    OUTSIDE,
    DecodeError,
    TooDeepError,
    UnsupportedTypeError,
    decode,
    encode,
)
from verifiers.sandbox.records import Call, Job, Limits, Run, RunStatus

__all__ = [
    "MAX_DEPTH", "MAX_PROGRAM_CHARACTERS", "DecodeError", "JobError", "Reply", "TooDeepError", "UnsupportedTypeError",
    "decode", "encode", "encode_job", "read_reply", "read_report",
]  # fmt: skip

MAX_PROGRAM_CHARACTERS = 1_000_000
_STATUSES = {status.value: status for status in RunStatus}
_RUN_STATUSES = {RunStatus.OK, RunStatus.ERROR, RunStatus.MEMORY, RunStatus.OUTPUT_LIMIT}
_CALL_STATUSES = {RunStatus.ERROR, RunStatus.MEMORY, RunStatus.OUTPUT_LIMIT, RunStatus.UNSUPPORTED_TYPE}
MAX_DETAIL_CHARACTERS = 300
MAX_VALUES = 256


class JobError(ValueError):
    """A job that cannot be sent: the message says why."""


class Reply(NamedTuple):
    """What a zygote said about one job."""

    how: int
    """One of the letters of `frames`."""
    wait_status: int
    seconds: float
    stdout: bytes
    result: bytes


def encode_job(job: Job) -> bytes:
    """Everything of a job but its token. Equal bytes are the same job. Raises JobError."""
    try:
        inputs = encode(list(map(list, job.inputs)), MAX_DEPTH + OUTSIDE) if job.entry is not None else ""
    except (UnsupportedTypeError, TooDeepError) as error:
        raise JobError(f"an input cannot be sent to a program: {type(error).__name__}: {error}") from None
    parts = [text.encode("utf-8", "surrogatepass") for text in (job.program, job.entry or "", job.stdin, inputs)]
    size = sum(map(len, parts))
    if size > frames.MAX_JOB_BYTES:
        raise JobError(f"program and inputs take {size} bytes; at most {frames.MAX_JOB_BYTES} can be sent")
    mode = frames.SCRIPT if job.entry is None else frames.CALLS
    return frames.JOB.pack(bytes(8), mode, *map(len, parts)) + b"".join(parts)


def read_reply(reply: Reply, token: bytes, job: Job, limits: Limits, *, can_signal: bool = False) -> Run:
    """The Run that a reply means; INFRA_ERROR where it was not the program's doing.

    `can_signal` says that nothing keeps programs from sending signals, themselves included.
    """
    stdout = reply.stdout.decode("utf-8", "replace") if reply.stdout else ""
    if reply.result[:1] != frames.CONFINED:
        detail = (
            "no process could be made for it" if reply.how == frames.NOT_STARTED else "its process was not confined"
        )
        return Run(RunStatus.INFRA_ERROR, (), stdout, {}, detail, reply.seconds)
    status, detail = _ending(reply, limits, can_signal)
    if status is not RunStatus.OK:
        return Run(status, stdout=stdout, detail=detail, seconds=reply.seconds)
    report = reply.result[1:]
    if not report:
        return Run(RunStatus.NO_RESULT, (), stdout, {}, "it ended itself without a report", reply.seconds)
    head = frames.REPORT.size
    if len(report) < head or report[:head] != frames.REPORT.pack(token, len(report) - head):
        detail = "something else was written in place of its report"
        return Run(RunStatus.BAD_FRAME, (), stdout, {}, detail, reply.seconds)
    try:
        status, detail, calls, values = read_report(report[head:], len(job.inputs) if job.entry is not None else None)
    except DecodeError as error:
        detail = f"its report cannot be read: {error}"
        return Run(RunStatus.BAD_FRAME, (), stdout, {}, detail, reply.seconds)
    return Run(status, calls, stdout, values, detail, reply.seconds)


def _ending(reply: Reply, limits: Limits, can_signal: bool) -> tuple[RunStatus, str]:
    """Status and detail by how a child ended; OK if what it reported decides."""
    if reply.how == frames.OVERDUE:
        return RunStatus.TIMEOUT, f"no end within {limits.seconds:g} s"
    if reply.how == frames.TOO_MUCH_OUTPUT:
        return RunStatus.OUTPUT_LIMIT, f"more than {limits.max_output_bytes} bytes of output"
    if reply.how == frames.TOO_MUCH_RESULT:
        return RunStatus.OUTPUT_LIMIT, f"more than {limits.max_result_bytes} bytes of values"
    code = os.waitstatus_to_exitcode(reply.wait_status)
    if code == -signal.SIGXCPU:
        return RunStatus.TIMEOUT, f"used more CPU time than {limits.seconds:g} s allow"
    if code == -signal.SIGKILL and not can_signal:
        return RunStatus.INFRA_ERROR, "its process was killed from outside"
    if code < 0:
        return RunStatus.CRASH, f"signal {-code} ({_signal_name(-code)})"
    if code == frames.MEMORY_EXIT:
        return RunStatus.MEMORY, "out of memory"
    if code != 0:
        return RunStatus.NO_RESULT, f"it ended itself with exit code {code}"
    return RunStatus.OK, ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def read_report(
    report: bytes, num_calls: int | None
) -> tuple[RunStatus, str, tuple[Call, ...], dict[str, Any]]:  # fmt: skip
    """Status, detail, calls and values of a report; `num_calls` is None for a script. Raises DecodeError."""
    try:
        text = report.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise DecodeError("not UTF-8") from None
    content = decode(text, MAX_DEPTH + OUTSIDE)
    if type(content) is not list or len(content) != 4:
        raise DecodeError("not a list of four")
    word, detail, payload, failures = content
    status = _STATUSES.get(word) if type(word) is str else None
    if status not in _RUN_STATUSES or type(detail) is not str or type(payload) is not list:
        raise DecodeError("not status, detail and values")
    detail = detail[:MAX_DETAIL_CHARACTERS]
    if status is not RunStatus.OK:
        return status, detail, (), {}
    if num_calls is None:
        return status, detail, (), _read_values(payload)
    if len(payload) != num_calls:
        raise DecodeError(f"{len(payload)} values for {num_calls} calls")
    return status, detail, _read_calls(payload, failures), {}


def _read_calls(payload: list[Any], failures: Any) -> tuple[Call, ...]:
    calls = good_calls(payload)
    if type(failures) is not list:
        raise DecodeError("failures are no list")
    for failure in failures:
        if type(failure) is not list or [type(part) for part in failure] != [int, str, str]:
            raise DecodeError("a failure is not a number and two texts")
        index, word, detail = failure
        status = _STATUSES.get(word)
        if not 0 <= index < len(calls) or status not in _CALL_STATUSES:
            raise DecodeError("a failure of no call, or with no such status")
        calls[index] = Call(status, None, detail[:MAX_DETAIL_CHARACTERS])
    return tuple(calls)


def good_calls(values: list[Any]) -> list[Call]:
    """`[Call(OK, value) for value in values]`, several times faster: a thousand values a program are usual.

    A frozen dataclass's own `__init__` goes through `object.__setattr__` for each field.
    """
    calls = list(map(object.__new__, repeat(Call, len(values))))
    for member, content in ((_CALL_STATUS, repeat(RunStatus.OK)), (_CALL_VALUE, values), (_CALL_DETAIL, repeat(""))):
        deque(map(member, calls, content), maxlen=0)
    return calls


_CALL_STATUS, _CALL_VALUE, _CALL_DETAIL = (vars(Call)[name].__set__ for name in ("status", "value", "detail"))


def _read_values(payload: list[Any]) -> dict[str, Any]:
    if len(payload) > MAX_VALUES:
        raise DecodeError(f"more than {MAX_VALUES} variables")
    values: dict[str, Any] = {}
    for pair in payload:
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) is not str:
            raise DecodeError("a variable is not a name and a value")
        if type(pair[1]) not in (int, bool, str, float, type(None)):
            raise DecodeError("a variable's value is not plain")
        values[pair[0]] = pair[1]
    return values


def with_token(encoded: bytes, token: bytes) -> bytes:
    """A job's bytes as they are sent."""
    return token + encoded[len(token) :]
