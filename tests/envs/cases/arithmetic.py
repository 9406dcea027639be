"""What the tests of every environment need to know about `arithmetic`."""

from __future__ import annotations

import random
from typing import Any

from envs.arithmetic import Arithmetic, Options
from selfplay.types import Problem


def make(executor: Any) -> Arithmetic:
    return Arithmetic(Options())


def wrong(problem: Problem, rng: random.Random) -> str:
    """The reference with one other digit, with a zero too many before it, or with its last digit missing."""
    place = rng.randrange(len(problem.reference))
    other = rng.choice("0123456789".replace(problem.reference[place], ""))
    changed = problem.reference[:place] + other + problem.reference[place + 1 :]
    return rng.choice([changed, f"0{problem.reference}", problem.reference[:-1] or "0" + changed])
