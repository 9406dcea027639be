"""What the tests of every environment need to know about `equations`."""

from __future__ import annotations

import random
import re
from typing import Any

from envs.equations import Options
from envs.equations import make as make_equations
from selfplay.protocols import Environment
from selfplay.types import Problem


def make(executor: Any) -> Environment:
    return make_equations(Options())


def wrong(problem: Problem, rng: random.Random) -> str:
    """The reference with one other digit: the next or the one before, as a slip would have it."""
    places = [match.start() for match in re.finditer("[0-9]", problem.reference)]
    place = rng.choice(places)
    digit = int(problem.reference[place])
    slip = rng.choice([other for other in (digit - 1, digit + 1) if 0 <= other <= 9])
    return f"{problem.reference[:place]}{slip}{problem.reference[place + 1 :]}"
