"""What the tests of every environment need to know about `calculus`."""

from __future__ import annotations

import random
import re
from typing import Any

from envs.calculus import Calculus, Options
from selfplay.types import Problem


def make(executor: Any) -> Calculus:
    return Calculus(Options())


def wrong(problem: Problem, rng: random.Random) -> str:
    """What is asked, not worked out; or the reference with one more, without its beginning, or with another number."""
    letter, reference = problem.payload["unknown"], problem.reference
    body = problem.prompt.partition("(")[2][:-1]
    if problem.payload["check"] in ("expanded", "factored"):
        number = re.compile("(?<![0-9^])[0-9]+").search(reference)
        other = reference
        if number is not None:
            other = f"{reference[: number.start()]}{int(number[0]) + 1}{reference[number.end() :]}"
        return rng.choice([body, f"{reference}+{letter}", f"-{reference}", other if other != reference else body])
    more = letter if problem.payload["check"] == "antiderivative" else "1"
    asked = body.partition(f",{letter}")[0]
    return rng.choice([f"{reference}+{more}", f"{letter}*({reference})", f"{asked}+{letter}^7", problem.prompt])
