"""Triplets in whole pieces, for a model made from scratch: straight-line functions of a two-bit number, on one line.

    deduction def f(b):c=b^2;d=c&1;return d,vars() f(3)      says b=3b1c1d: (1, {'b': 3, 'c': 1, 'd': 1})
    abduction def f(b):c=b^2;d=c&1;return d f(3)             says 1d1c3b: 3, or another input that gives 1
    induction def f(b):c=b^2;return c f(1) f(0) f(3) f(2)#^  says def f(b):c=b^2;return c

A reply is a trace, each value followed by the name that holds it: forwards from the input to the output, or backwards
from the output to an input. A deduction is shown as a call, f(b=3), before its program, and the reply begins with the
same `b=`: copying what follows there is the first use of looking a name up, which is most of what running takes. Its
output holds every variable, so that a guess is right with probability 4^-level, and its trace says all of it; of an
abduction's trace, the last pair is the answer. An induction's message is operators.

Names follow each other in a cyclic alphabet of sixteen letters, which keeps the problem space of every level large;
level n has n statements, and solving one takes the steps of solving a shorter one and one more.

`trace` computes demonstrations; what is right is decided by executing programs, elsewhere.
"""

from __future__ import annotations

import operator
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from math import perm
from typing import Any

from envs.base import reject
from envs.code.code_program import Triplet
from selfplay.seeding import rng_for
from selfplay.types import Message, Problem, Prompt, Rejection

NAMES = "abcdefghijklmnop"
VALUES = "0123"
OPERATORS = {"^": operator.xor, "&": operator.and_, "|": operator.or_}
OPERATIONS = tuple(f"{sign}{value}" for sign in OPERATORS for value in VALUES)
MAX_LEVEL = len(NAMES) - 2
FILLER = "pass;"
MAX_FILLER = 3
"""Most fillers in a demonstrated proposal."""
WHOLE = ",vars()"
"""What makes a function return all of its variables beside the last."""

_PROGRAM = r"def f\(([a-p])\):((?:[a-p]=[a-p][\^&|][0-3];)+)return ([a-p])"
_FORM = {
    "deduction": re.compile(rf"deduction ({_PROGRAM},vars\(\))((?: f\([0-3]\)){{1}})"),
    "abduction": re.compile(rf"abduction ({_PROGRAM})((?: f\([0-3]\)){{1}})"),
    "induction": re.compile(rf"induction ({_PROGRAM})((?: f\([0-3]\)){{4}})#([\^&|]{{1,{MAX_LEVEL}}})"),
}
_STATEMENT = re.compile(r"([a-p])=([a-p])([\^&|][0-3]);")
_PAIR = re.compile(r"([0-3])([a-p])")
_TRACE = re.compile(r"(?:[a-p]=)?((?:[0-3][a-p])+)")
_ONE_PROGRAM = re.compile(_PROGRAM)
_NAME = re.compile(r"(?<![a-z])[a-p](?![a-z(])")
MAX_CHARACTERS = 8 * len(NAMES) + 80


class Pieces:
    """The notation of the style `terse`."""

    keeps_program_text = True
    num_variants = len(NAMES)
    """First names that a proposer may be told to begin with."""
    num_inputs = len(VALUES)
    stop_text = "return "

    def draw(self, task: str, level: int, rng: random.Random) -> Triplet:
        operations = [rng.choice(OPERATIONS) for _ in range(level)]
        program = _source(task, rng.randrange(len(NAMES)), operations)
        if task != "induction":
            return Triplet(task, program, (rng.choice(VALUES),))
        return Triplet(task, program, tuple(rng.sample(VALUES, 4)), "".join(operation[0] for operation in operations))

    def num_problems(self, task: str, level: int) -> int:
        inputs = perm(self.num_inputs) if task == "induction" else self.num_inputs
        return len(NAMES) * int(len(OPERATIONS) ** level) * inputs

    def level(self, triplet: Triplet) -> int:
        return triplet.program.count("=")

    def write(self, triplet: Triplet) -> str:
        calls = "".join(f" f({value})" for value in triplet.inputs)
        return f"{triplet.task} {triplet.program}{calls}{'#' if triplet.message else ''}{triplet.message}"

    def read(self, text: str) -> Triplet | Rejection:
        """The triplet, or `grammar`, or `names` (not consecutive, or a source is not the previous name).

        Statements `pass;` are dropped.
        """
        text = text.strip()
        text = text.replace(FILLER, "") if len(text) <= 2 * MAX_CHARACTERS else text
        task = text.partition(" ")[0]
        match = _FORM[task].fullmatch(text) if task in _FORM and len(text) <= MAX_CHARACTERS else None
        if match is None:
            return reject("grammar", text)
        first, statements, last = match[2], _STATEMENT.findall(match[3]), match[4]
        if len(statements) > MAX_LEVEL:
            return Rejection("too_long", f"{len(statements)} statements, at most {MAX_LEVEL}")
        expected = _names(first, len(statements))
        if [*(target for target, _, _ in statements), last] != [*expected[1:], expected[-1]]:
            return reject("names", text)
        if [source for _, source, _ in statements] != expected[:-1]:
            return reject("names", text)
        message = match[6] if task == "induction" else ""
        return Triplet(task, match[1], tuple(re.findall("[0-3]", match[5])), message)

    def mutate(self, triplet: Triplet, rng: random.Random, share: float) -> Triplet:
        """Redraw each operation with probability `share`, and a single input; names, level and message stay."""
        old = [operation for _, _, operation in _STATEMENT.findall(triplet.program)]
        operations = [rng.choice(OPERATIONS) if rng.random() < share else operation for operation in old]
        inputs = triplet.inputs
        if len(inputs) == 1 and rng.random() < share:
            inputs = (rng.choice(VALUES),)
        first = NAMES.index(_parameter(triplet.program))
        return replace(triplet, program=_source(triplet.task, first, operations), inputs=inputs)

    def variant(self, problem: Problem) -> int:
        return NAMES.index(_parameter(problem.prompt))

    def proposal(self, problem: Problem) -> str:
        """The problem's text with 0 to MAX_FILLER `pass;` in it, so that a proposer learns no places by heart."""
        rng = rng_for(0, "code_triplet", "filler", problem.id)
        head, statements, tail = re.split(r"(?<=:)|(?=return)", problem.prompt)
        return f"{head}{_filled(statements, MAX_FILLER, rng)}{tail}"

    def proposer_prompt(self, task: str, variant: int, examples: Sequence[str] = ()) -> Prompt:
        return Prompt((Message("user", "<propose>"),), prefix=f"{task} def f({NAMES[variant]}):")

    def related_prompt(self, triplet: Triplet, rng: random.Random) -> Prompt:
        """With a random number of the program's statements, fewer than all, as the forced prefix."""
        statements = [match[0] for match in _STATEMENT.finditer(triplet.program)]
        base = self.proposer_prompt(triplet.task, NAMES.index(_parameter(triplet.program)))
        return replace(base, prefix=base.prefix + "".join(statements[: rng.randrange(len(statements))]))

    def solver_prompt(self, triplet: Triplet, outputs: Sequence[str], rng: random.Random, filler: int) -> Prompt:
        """The program with 0 to `filler` `pass;` dropped among its statements; or half of the pairs."""
        parameter = _parameter(triplet.program)
        if triplet.task == "induction":
            pairs = [*zip(triplet.inputs, outputs, strict=True)][: self.num_inputs // 2]
            text = "".join(f" f({given})->{output}" for given, output in pairs)
            return _asked(f"induction #{triplet.message}{text}", f"def f({parameter}):")
        head, statements, tail = re.split(r"(?<=:)|(?=return)", triplet.program)
        program = f"{head}{_filled(statements, filler, rng)}{tail}"
        if triplet.task == "deduction":
            call = f"f({parameter}={triplet.inputs[0]})"
            return _asked(f"{triplet.task} {call} {program}", f"{parameter}=")
        return _asked(f"{triplet.task} {program}->{outputs[0]}", f"{outputs[0]}{tail[-1]}")

    def solver_reply(self, triplet: Triplet, outputs: Sequence[str]) -> str:
        if triplet.task == "induction":
            return triplet.program
        pairs = trace(triplet.program, triplet.inputs[0])
        if triplet.task == "abduction":
            return "".join(pairs[::-1])
        return f"{_parameter(triplet.program)}={''.join(pairs)}"

    def read_answer(self, triplet: Triplet, completion: str) -> str | None:
        text = completion.strip()
        if triplet.task == "induction":
            return text or None
        match = _TRACE.fullmatch(text) if len(text) <= MAX_CHARACTERS else None
        if match is None:
            return None
        pairs = [(name, value) for value, name in _PAIR.findall(match[1])]
        if triplet.task == "abduction":
            return pairs[-1][1] if pairs[-1][0] == _parameter(triplet.program) else None
        if len(dict(pairs)) < len(pairs):
            return None  # a name with two values
        return f"({pairs[-1][1]}, {{{', '.join(f'{name!r}: {value}' for name, value in pairs)}}})"

    def rename(
        self, triplet: Triplet, outputs: Sequence[Any], reply: str, rng: random.Random
    ) -> tuple[Triplet, list[Any], str] | None:
        """Every name moved on by the same number of letters, in program, outputs and reply; None for free words."""
        if not (_ONE_PROGRAM if triplet.task == "induction" else _TRACE).fullmatch(reply):
            return None
        shift = rng.randrange(len(NAMES))
        moved = dict(zip(NAMES, NAMES[shift:] + NAMES[:shift], strict=True))
        program, text = (_NAME.sub(lambda match: moved[match[0]], one) for one in (triplet.program, reply))
        if triplet.task == "deduction":
            outputs = [(last, {moved[name]: value for name, value in whole.items()}) for last, whole in outputs]
        return replace(triplet, program=program), list(outputs), text

    def compose(self, first: Triplet, second: Triplet) -> Triplet | None:
        """The statements of both, on the first's inputs; None if that is too long, or the tasks differ."""
        operations = [operation for _, _, operation in _STATEMENT.findall(first.program + second.program)]
        if len(operations) > MAX_LEVEL or first.task != second.task:
            return None
        start = NAMES.index(_parameter(first.program))
        message = (first.message + second.message)[:MAX_LEVEL]
        return replace(first, program=_source(first.task, start, operations), message=message)

    def vocabulary(self, tasks: Sequence[str]) -> list[str]:
        pieces = [
            *(f"{task} " for task in tasks),
            *(f"def f({name}):" for name in NAMES),
            *(f"{name}=" for name in NAMES),
            *NAMES,
            *(f"{operation};" for operation in OPERATIONS),
            FILLER,
            "return ",
            *(f" f({value})" for value in VALUES),
        ]
        if set(tasks) - {"induction"}:
            pieces += VALUES
        if "deduction" in tasks:
            pieces += [WHOLE, "f(", ") "]
        if set(tasks) - {"deduction"}:
            pieces += [f"->{value}" for value in VALUES]
        return pieces + (["#", *OPERATORS] if "induction" in tasks else [])


def trace(program: str, value: str) -> list[str]:
    """Each value with the name that holds it, from the parameter on."""
    operations = [operation for _, _, operation in _STATEMENT.findall(program)]
    values = accumulate(operations, lambda held, one: OPERATORS[one[0]](held, int(one[1])), initial=int(value))
    names = _names(_parameter(program), len(operations))
    return [f"{held}{name}" for held, name in zip(values, names, strict=True)]


def _filled(statements: str, most: int, rng: random.Random) -> str:
    """Statements with 0 to `most` others among them that do nothing."""
    parts = [f"{part};" for part in statements.split(";")[:-1]]
    for _ in range(rng.randint(0, most)):
        parts.insert(rng.randint(0, len(parts)), FILLER)
    return "".join(parts)


def _asked(text: str, prefix: str) -> Prompt:
    return Prompt((Message("user", f"<solve>{text}"),), prefix=prefix)


def _parameter(text: str) -> str:
    """The name of the parameter of the function in a text."""
    return text[text.index("(") + 1]


def _names(first: str, count: int) -> list[str]:
    start = NAMES.find(first)
    return [NAMES[(start + index) % len(NAMES)] for index in range(count + 1)]


def _source(task: str, first: int, operations: Sequence[str]) -> str:
    names = _names(NAMES[first], len(operations))
    steps = "".join(f"{names[i + 1]}={names[i]}{operation};" for i, operation in enumerate(operations))
    return f"def f({names[0]}):{steps}return {names[-1]}{WHOLE if task == 'deduction' else ''}"
