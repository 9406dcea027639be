"""What the tests of every environment need to know about `tested_code`."""

from __future__ import annotations

import random
from typing import Any

from envs.tested_code import Options, TestedCode
from selfplay.types import Problem


def make(executor: Any) -> TestedCode:
    return TestedCode(Options(), executor)


def wrong(problem: Problem, rng: random.Random) -> str:
    """The solution without one of its steps, in something that is equal to everything, or in one that works once."""
    name = problem.payload["function"]
    first, *steps = problem.reference.replace("return ", "x = ").split("\n")
    steps.pop(rng.randrange(len(steps)))
    shorter = "\n".join([first, *steps, "    return x"])
    equal = (
        "class Equal:\n    def __init__(self, x):\n        pass\n"
        f"    def __eq__(self, other):\n        return True\n\n{name} = Equal"
    )
    once = f"{problem.reference}\n\nleft = [{name}]\n{name} = lambda x: left.pop()(x)"
    return rng.choice([shorter, equal, once])
