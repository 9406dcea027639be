"""What the tests of every environment need to know about `reasoning_gym`: quick families with many items."""

from __future__ import annotations

import random
import re
from typing import Any

from envs.reasoning_gym import Options, ReasoningGym
from selfplay.types import Problem

FAMILIES = ("base_conversion", "rotate_matrix", "string_manipulation", "simple_equations", "number_filtering")


def make(executor: Any) -> ReasoningGym:
    return ReasoningGym(Options(families=FAMILIES, max_level=2))


def wrong(problem: Problem, rng: random.Random) -> str:
    """The reference with one character changed, with something beside it, or without its end."""
    answer = problem.reference
    place = rng.choice([match.start() for match in re.finditer(r"\w", answer)])
    other = rng.choice([one for one in "0123456789abcxyz" if one != answer[place].lower()])
    return rng.choice(
        [answer[:place] + other + answer[place + 1 :], f"{answer} or so", f"1{answer}", answer[:-1] + "?"]
    )
