"""What the tests of every environment need to know about `code_triplet`."""

from __future__ import annotations

import random
import re
from typing import Any

from envs.code.code_terse import OPERATIONS, VALUES, trace
from envs.code_triplet import CodeTriplet, Options
from selfplay.types import Problem
from verifiers.sandbox import json_values


def make(executor: Any) -> CodeTriplet:
    return CodeTriplet(Options(), executor)


def last_value(program: str, value: str) -> int:
    return int(trace(program, value)[-1][0])


def wrong(problem: Problem, rng: random.Random) -> str:
    """Another digit in an output; an input that gives another output; a program that errs on a hidden pair."""
    task, _, rest = problem.prompt.partition(" ")
    if task == "deduction":
        place = rng.choice([match.start() for match in re.finditer("[0-3]", problem.reference)])
        other = rng.choice(VALUES.replace(problem.reference[place], ""))
        return problem.reference[:place] + other + problem.reference[place + 1 :]
    expected = json_values.read(problem.payload["expected"])
    if task == "abduction":
        failing = [value for value in VALUES if last_value(rest, value) != expected]
        return rng.choice([*failing, f"{problem.reference}.0", f"0) or {expected} == ({expected}"])
    hidden = [str(value) for (value,) in json_values.read(problem.payload["inputs"])]
    program = re.compile("[\\^&|][0-3]").sub(lambda match: rng.choice(OPERATIONS), problem.reference, count=1)
    if [last_value(program, value) for value in hidden] == expected:
        return program.replace("return ", "return 4+")
    return program
