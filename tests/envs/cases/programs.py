"""What the tests of every environment need to know about `programs`."""

from __future__ import annotations

import random
from typing import Any

from envs.programs import VALUES, Options, Programs
from selfplay.types import Problem


def make(executor: Any) -> Programs:
    return Programs(Options(), executor)


def wrong(problem: Problem, rng: random.Random) -> str:
    """The trace with one other value, without its last step, or with two names swapped."""
    trace = problem.reference
    place = 2 * rng.randrange(len(trace) // 2)
    other = trace[:place] + rng.choice(VALUES.replace(trace[place], "")) + trace[place + 1 :]
    swapped = f"{trace[0]}{trace[3]}{trace[2]}{trace[1]}{trace[4:]}"
    return rng.choice([other, trace[:-2], swapped])
