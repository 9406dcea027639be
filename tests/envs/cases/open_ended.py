"""What the tests of every environment need to know about `open_ended`."""

from __future__ import annotations

import random
from typing import Any

from envs.open_ended import OpenEnded, Options
from envs.words import instructions
from selfplay.types import Problem


def make(executor: Any) -> OpenEnded:
    return OpenEnded(Options())


def wrong(problem: Problem, rng: random.Random) -> str:
    """The reference with one thing amiss: the topic not named, or one of its constraints not met."""
    instruction = instructions.parse(problem.prompt)
    assert instruction is not None
    reply = problem.reference
    broken = [reply.replace(instruction.topic.split()[-1], "place")]
    for kind, argument in instruction.constraints:
        broken += {
            "at_most": [reply + " and on" * 60],
            "at_least": [reply.split(". ")[0] + "."],
            "sentences": [reply + " That is all."],
            "avoid": [reply.replace(" is ", f" is {argument} ", 1)],
            "begin": [f"Well, {reply}"],
            "end": [f"{reply} Yes."],
        }.get(kind, [])
    return rng.choice(broken)


def difficulty(problem: Problem) -> float:
    """How many checks a reply has to meet: what a rubric cannot look for is no easier, and is not counted."""
    return float(problem.level)
