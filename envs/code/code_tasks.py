"""Small tasks for `tested_code`: a function of one argument that does a few known steps, with tests.

A task is a chain of steps, each taking what the last one gave; its level is their number. Every step has words, code,
and the same as a function of ours, which says what the tests expect; grounding then runs the code in the sandbox
against them. The inputs of the tests follow from the chain (`seeding`), so that a chain is one problem with one text. A
chain is taken only if its last tests show that each step matters: without any one of them they would fail. Two chains
may still compute the same function.

It runs nothing that anybody else wrote.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Literal

from selfplay.seeding import rng_for

Kind = Literal["list", "text", "number"]
KINDS: dict[Kind, str] = {"list": "a list of whole numbers", "text": "a text", "number": "a whole number"}
NUM_TESTS = 8
NUM_TELLING = 4
"""The last so many tests tell a chain from what a step less, or no step at all, would give."""
MAX_INPUT_DRAWS = 5
MAX_COUNTED = 10_000
"""So many chains are tried one by one where tasks are counted, which takes a few seconds."""

_LETTERS = "abcdefghilmnoprstu"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chain."""

    takes: Kind
    gives: Kind
    words: str
    code: str
    """An expression in `x`."""
    function: Callable[[Any], Any]


def _with(numbers: range, make: Callable[[int], Step]) -> list[Step]:
    return [make(number) for number in numbers]


STEPS: tuple[Step, ...] = (
    Step("list", "list", "reverse it", "x[::-1]", lambda x: x[::-1]),
    Step("list", "list", "sort it, smallest item first", "sorted(x)", sorted),
    Step("list", "list", "keep the first of equal items only", "list(dict.fromkeys(x))", lambda x: [*dict.fromkeys(x)]),
    Step("list", "list", "square every item", "[item * item for item in x]", lambda x: [item * item for item in x]),
    Step("list", "list", "keep the even items only", "[item for item in x if item % 2 == 0]",
         lambda x: [item for item in x if item % 2 == 0]),
    Step("list", "list", "replace every item by the sum of all items up to and including it",
         "[sum(x[: i + 1]) for i in range(len(x))]", lambda x: [sum(x[: i + 1]) for i in range(len(x))]),
    Step("list", "list", "leave out the first item", "x[1:]", lambda x: x[1:]),
    *_with(range(1, 6), lambda k: Step("list", "list", f"add {k} to every item", f"[item + {k} for item in x]",
                                       lambda x: [item + k for item in x])),
    *_with(range(2, 6), lambda k: Step("list", "list", f"multiply every item by {k}", f"[item * {k} for item in x]",
                                       lambda x: [item * k for item in x])),
    *_with(range(6), lambda k: Step("list", "list", f"keep the items greater than {k} only",
                                    f"[item for item in x if item > {k}]", lambda x: [item for item in x if item > k])),
    Step("list", "number", "add up all items", "sum(x)", sum),
    Step("list", "number", "count the items", "len(x)", len),
    Step("list", "number", "take the largest item, or 0 if there is none", "max(x, default=0)",
         lambda x: max(x, default=0)),
    Step("list", "number", "take the smallest item, or 0 if there is none", "min(x, default=0)",
         lambda x: min(x, default=0)),
    Step("list", "number", "count the different items", "len(set(x))", lambda x: len(set(x))),
    Step("list", "text", "write the items in decimal with commas between them", '",".join(map(str, x))',
         lambda x: ",".join(map(str, x))),
    Step("text", "text", "reverse it", "x[::-1]", lambda x: x[::-1]),
    Step("text", "text", "make it upper case", "x.upper()", str.upper),
    Step("text", "text", "leave out the vowels a, e, i, o, u in either case",
         '"".join(c for c in x if c.lower() not in "aeiou")',
         lambda x: "".join(c for c in x if c.lower() not in "aeiou")),
    Step("text", "text", "write every character twice", '"".join(2 * c for c in x)',
         lambda x: "".join(2 * c for c in x)),
    Step("text", "text", "leave out the first character", "x[1:]", lambda x: x[1:]),
    Step("text", "text", "sort its characters by code point", '"".join(sorted(x))', lambda x: "".join(sorted(x))),
    Step("text", "number", "count its characters", "len(x)", len),
    Step("text", "number", "count the vowels a, e, i, o, u in either case", 'sum(c.lower() in "aeiou" for c in x)',
         lambda x: sum(c.lower() in "aeiou" for c in x)),
    Step("text", "list", "list the lengths of its words, which white space separates",
         "[len(word) for word in x.split()]", lambda x: [len(word) for word in x.split()]),
    *_with(range(1, 10), lambda k: Step("number", "number", f"add {k}", f"x + {k}", lambda x: x + k)),
    *_with(range(2, 6), lambda k: Step("number", "number", f"multiply it by {k}", f"x * {k}", lambda x: x * k)),
    *_with(range(3, 10), lambda k: Step("number", "number",
                                        f"take the remainder (from 0 to {k - 1}) when divided by {k}",
                                        f"x % {k}", lambda x: x % k)),
    Step("number", "number", "square it", "x * x", lambda x: x * x),
    Step("number", "number", "take its absolute value", "abs(x)", abs),
    Step("number", "list", "list the decimal digits of its absolute value, most significant first",
         "[int(digit) for digit in str(abs(x))]", lambda x: [int(digit) for digit in str(abs(x))]),
    Step("number", "text", "write it in decimal", "str(x)", str),
)  # fmt: skip
_FROM: dict[Kind, list[Step]] = {kind: [step for step in STEPS if step.takes == kind] for kind in KINDS}


@dataclass(frozen=True, slots=True)
class CodeTask:
    """A task in words, its tests as assert statements, and a program that solves it."""

    words: str
    tests: tuple[str, ...]
    program: str


@cache
def num_chains(takes: Kind, length: int) -> int:
    """How many chains of steps begin with a value of this kind."""
    return sum(num_chains(step.gives, length - 1) for step in _FROM[takes]) if length else 1


@cache
def num_tasks(level: int) -> int:
    """How many tasks a level has: exactly for at most `MAX_COUNTED` chains, else the chains, some of which are idle."""
    size = sum(num_chains(kind, level) for kind in KINDS)
    if size > MAX_COUNTED:
        return size
    chains: list[list[Step]] = [[]]
    for _ in range(level):
        chains = [[*chain, step] for chain in chains for step in (_FROM[chain[-1].gives] if chain else STEPS)]
    return sum(telling_inputs(chain) is not None for chain in chains)


def draw_task(level: int, rng: random.Random) -> CodeTask:
    """A task of `level` steps, uniform over all chains in which every step matters."""
    while True:
        chain: list[Step] = []
        while len(chain) < level:
            choices = _FROM[chain[-1].gives] if chain else STEPS
            rest = level - len(chain) - 1
            chain += rng.choices(choices, [num_chains(step.gives, rest) for step in choices])
        inputs = telling_inputs(chain)
        if inputs is not None:
            return _task(chain, inputs)


def telling_inputs(chain: Sequence[Step]) -> list[Any] | None:
    """Different inputs for the tests of a chain, or None if none were found that tell it from less."""
    for attempt in range(MAX_INPUT_DRAWS):
        rng = rng_for(0, "tested_code", "inputs", attempt, *(step.code for step in chain))
        inputs: list[Any] = []
        while len(inputs) < NUM_TESTS:
            value = _INPUTS[chain[0].takes](rng)
            if value not in inputs:
                inputs.append(value)
        if _tell(chain, inputs[-NUM_TELLING:]):
            return inputs
    return None


def _tell(chain: Sequence[Step], inputs: Sequence[Any]) -> bool:
    outputs = [_apply(chain, value) for value in inputs]
    shorter = [[*chain[:place], *chain[place + 1 :]] for place in range(len(chain))]
    typed = [one for one in shorter if all(a.gives == b.takes for a, b in pairwise(one))]
    typed = [one for one in typed if not one or one[0].takes == chain[0].takes]
    return outputs.count(outputs[0]) < len(outputs) and all(
        [_apply(one, value) for value in inputs] != outputs for one in ([], *typed)
    )


def _apply(chain: Sequence[Step], value: Any) -> Any:
    for step in chain:
        value = step.function(value)
    return value


def _task(chain: Sequence[Step], inputs: Sequence[Any]) -> CodeTask:
    steps = "; then ".join(step.words for step in chain)
    words = f"Write a function `f(x)` that takes {KINDS[chain[0].takes]}. It shall {steps}. Return the result."
    lines = [f"    x = {step.code}" for step in chain[:-1]] + [f"    return {chain[-1].code}"]
    tests = tuple(f"assert f({value!r}) == {_apply(chain, value)!r}" for value in inputs)
    return CodeTask(words, tests, "\n".join(["def f(x):", *lines]))


def _list(rng: random.Random) -> list[int]:
    return [rng.randint(-9, 20) for _ in range(rng.randint(0, 7))]


def _text(rng: random.Random) -> str:
    return " ".join("".join(rng.choices(_LETTERS, k=rng.randint(1, 6))) for _ in range(rng.randint(1, 3)))


def _number(rng: random.Random) -> int:
    return rng.randint(-60, 200)


_INPUTS: dict[Kind, Callable[[random.Random], Any]] = {"list": _list, "text": _text, "number": _number}
