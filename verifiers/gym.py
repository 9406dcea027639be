"""Whether reasoning_gym's own scorer gives an answer a full score: the verifier `reasoning_gym`.

A problem's payload has `family`, `level` and `entry` (JSON: what `envs.reasoning_gym` drew). Only a score of exactly 1
is CORRECT. Many scorers pay a part for an answer that holds the right one among other things, so anything below is
WRONG, with the score as detail. Scorers are the library's code: they run in workers with a deadline, never evaluate an
answer (`inside/gym.py` says how that is kept from them), and are not made stricter here; families whose scorer gives
wrong answers a full score are left out (`inside.gym.EXCLUDED`).

A scorer that breaks on an answer has not found it wrong: that is UNDECIDED, as where any verifier here meets what it
cannot judge, and so is left out of pay. It cannot be had for the asking: scorers of all families but one give any text
a score. What that one raises for a text that it cannot read is known (`inside.gym.UNREADABLE`) and makes it MALFORMED;
an answer that takes too long is a TIMEOUT. If the scorer fails on the reference as well, the row is at FAULT.
"""

from __future__ import annotations

from selfplay.types import Problem
from verifiers.base import Job, PooledVerifier, import_path
from verifiers.pool import WorkerPool


class GymVerifier(PooledVerifier):
    """See the module. Raises ModuleNotFoundError if reasoning_gym is not installed; imports it in workers only."""

    name = "reasoning_gym"
    handler = "verifiers.inside.judge_gym"

    def __init__(self, *, num_workers: int = 1, deadline_s: float = 5.0, memory_mb: int = 1024) -> None:
        self.pool = WorkerPool(
            self.handler,
            path=import_path(self.name, "reasoning_gym", "numpy", "sympy", "mpmath"),
            num_workers=num_workers,
            deadline_s=deadline_s,
            memory_mb=memory_mb,
            warm=True,  # its imports take seconds
        )

    def job(self, problem: Problem, answer: str) -> Job:
        payload = problem.payload
        level = payload.get("level", "")
        return (payload.get("family", ""), int(level) if level.isdigit() else 0, payload.get("entry", ""), answer)
