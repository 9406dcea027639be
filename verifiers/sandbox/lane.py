"""A lane for straight-line functions: many of them share a child, which is some twenty times faster than one each.

A function takes it if its text, matched as a whole and never parsed here, is one line of bit operations on single
letters and small numbers: no loop, no attribute, no call but `vars()`. It can reach nothing but its own variables,
so sharing gives nothing away and holds nothing up. A fiftieth of the jobs, chosen by a hash of their text, also run
alone, and where the two differ, or a shared child is lost, what happened alone counts; a difference is logged and is
INFRA_ERROR.

Everything else runs as it always does.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from verifiers.sandbox.compare import equal
from verifiers.sandbox.records import Call, Job, Run, RunStatus

AT_LEAST = 8
"""Fewer straight-line functions are not worth a shared child."""
MAX_CALLS = 256
"""Calls that share a child."""
RECHECKED_ONE_IN = 50

_LOG = logging.getLogger(__name__)
_CALLER = (Path(__file__).parents[1] / "inside" / "sandbox" / "call_functions.py").read_text(encoding="utf-8")
_FUNCTION = re.compile(
    r"def ([a-z])\([a-z]\):(?:pass;|[a-z]=[a-z][\^&|][0-9]{1,4};){0,200}return [a-z](?:,vars\(\))?", re.ASCII
)
_MAX_CHARACTERS = 4000


def is_straight_line(job: Job) -> bool:
    """Whether a job calls a function that may share a child."""
    match = _FUNCTION.fullmatch(job.program) if len(job.program) <= _MAX_CHARACTERS else None
    return match is not None and match[1] == job.entry and 0 < len(job.inputs) <= MAX_CALLS


def run_with_lane(run: Callable[[Sequence[Job]], Sequence[Run]], jobs: Sequence[Job]) -> list[Run]:
    """One Run for each Job, in order, as `run` gives them; straight-line functions together."""
    plain = [index for index, job in enumerate(jobs) if is_straight_line(job)]
    shared = _run_shared(run, [jobs[index] for index in plain]) if len(plain) >= AT_LEAST else []
    found = {index: one for index, one in zip(plain, shared, strict=False) if one is not None}
    alone = [index for index, job in enumerate(jobs) if index not in found or _rechecked(job)]
    for index, one in zip(alone, run([jobs[index] for index in alone]), strict=True):
        found[index] = _agreed(jobs[index], found[index], one) if index in found else one
    return [found[index] for index in range(len(jobs))]


def _run_shared(run: Callable[[Sequence[Job]], Sequence[Run]], jobs: Sequence[Job]) -> list[Run | None]:
    """The run of each job; None where the child that it shared was lost."""
    wanted = [(job.program, str(job.entry), list(arguments)) for job in jobs for arguments in job.inputs]
    chunks = [tuple(wanted[begin : begin + MAX_CALLS]) for begin in range(0, len(wanted), MAX_CALLS)]
    calls: list[Call | None] = []
    seconds = 0.0
    for chunk, done in zip(chunks, run([Job(_CALLER, "call", chunk) for chunk in chunks]), strict=True):
        calls += done.calls or [None] * len(chunk)
        seconds += done.seconds
    runs: list[Run | None] = []
    left = iter(calls)
    for job in jobs:
        own = [next(left) for _ in job.inputs]
        made = tuple(call for call in own if call is not None and call.status in _TOLD)
        runs.append(_run(made, seconds * len(own) / len(wanted)) if len(made) == len(own) else None)
    return runs


_TOLD = (RunStatus.OK, RunStatus.ERROR, RunStatus.UNSUPPORTED_TYPE, RunStatus.NONDETERMINISTIC)
"""How a call ends by its own doing; limits may have been reached by its neighbours."""


def _run(calls: tuple[Call, ...], seconds: float) -> Run:
    changed = sum(call.status is RunStatus.NONDETERMINISTIC for call in calls)
    if changed:
        detail = f"{changed} of {len(calls)} calls differ between two runs"
        return Run(RunStatus.NONDETERMINISTIC, calls, detail=detail, seconds=seconds)
    return Run(RunStatus.OK, calls, seconds=seconds)


def _rechecked(job: Job) -> bool:
    digest = hashlib.sha256(job.program.encode()).digest()  # straight-line text is ASCII
    return int.from_bytes(digest[:4]) % RECHECKED_ONE_IN == 0


def _agreed(job: Job, shared: Run, alone: Run) -> Run:
    """The shared run, or INFRA_ERROR if running alone gave something else."""
    if alone.status in (RunStatus.INFRA_ERROR, RunStatus.TIMEOUT):
        return shared
    same = shared.status is alone.status and len(shared.calls) == len(alone.calls)
    if same and all(
        one.status is other.status and equal(one.value, other.value)
        for one, other in zip(shared.calls, alone.calls, strict=True)
    ):
        return shared
    _LOG.error("the two lanes disagree on %r: %r and %r", job, shared, alone)
    return replace(alone, status=RunStatus.INFRA_ERROR, calls=(), detail="the two lanes disagree")
