"""What several tests of the verifiers need."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from selfplay.types import Origin, Problem, Status
from verifiers import ClosingVerifier

SLACK_S = 1.5
"""How much longer than its deadline anything may take, a fresh worker's start aside."""


def problem(reference: str, **payload: str) -> Problem:
    return Problem("test", f"{reference}{payload}", reference, Origin.DATASET, level=0, payload=payload)


def descendants() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def eventually(condition: Callable[[], bool], seconds: float = 3.0) -> bool:
    due = time.monotonic() + seconds
    while time.monotonic() < due:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def running(process_id: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def check(verifier: ClosingVerifier, rows: list[tuple[str, str, Status]]) -> None:
    """Every (reference, answer) of a labelled table gets its status, judged as one batch."""
    verdicts = verifier.verify([(problem(reference), answer) for reference, answer, _ in rows])
    got = [(reference, answer, verdict.status) for (reference, answer, _), verdict in zip(rows, verdicts, strict=True)]
    assert got == rows
