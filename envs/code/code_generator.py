"""Small ordinary-looking Python functions over numbers, lists and texts, drawn uniformly among those of so many lines.

A function has one parameter, named for its type; each line (or each two lines, a loop or a condition) changes the
variable at hand or makes one of another type of it, and the last returns it. A function of one line is the identity.
Lines are as `ast.unparse` writes them, and cannot fail on the inputs drawn here.

Level n is a body of n lines, so a longer one needs all the steps of a shorter one and more. It runs nothing.
"""

from __future__ import annotations

import random
from functools import cache
from math import perm

NAMES = {"number": "n", "list": "values", "text": "text"}
"""The variable of each type."""
DIGITS = tuple("23456789")
SMALL = tuple("23")
LETTERS = tuple("abcdef")
INPUTS = {"number": 100, "list": 10**4, "text": len(LETTERS) ** 5}
"""How many different inputs there are of each type."""

Production = tuple[str, tuple[str, ...], str]
"""Lines with {} for a choice, the choices, and the type of what they leave."""

_ONE = ("",)
_PRODUCTIONS: dict[str, tuple[Production, ...]] = {
    "number": (
        ("n = n + {}", DIGITS, "number"),
        ("n = n - {}", DIGITS, "number"),
        ("n = n * {}", SMALL, "number"),
        ("n = n % {}", DIGITS, "number"),
        ("n = n // {}", SMALL, "number"),
        ("n = abs(n)", _ONE, "number"),
        ("if n % {0} == 0:\n    n = n // {0}", DIGITS, "number"),
        ("if n > {0}:\n    n = n - {0}", DIGITS, "number"),
        ("for i in range({}):\n    n = n + i", DIGITS, "number"),
        ("values = list(range(n % {}))", DIGITS, "list"),
        ("values = [n, n + {}]", DIGITS, "list"),
        ("values = [int(digit) for digit in str(abs(n))]", _ONE, "list"),
        ("text = str(n)", _ONE, "text"),
    ),
    "list": (
        ("values = sorted(values)", _ONE, "list"),
        ("values = values[::-1]", _ONE, "list"),
        ("values = values[{}:]", SMALL, "list"),
        ("values = values + [{}]", DIGITS, "list"),
        ("values = [value + {} for value in values]", DIGITS, "list"),
        ("values = [value * {} for value in values]", SMALL, "list"),
        ("values = [value for value in values if value % {}]", DIGITS, "list"),
        ("values.append(len(values))", _ONE, "list"),
        ("for index in range(len(values)):\n    values[index] += index", _ONE, "list"),
        ("n = sum(values)", _ONE, "number"),
        ("n = len(values) * {}", DIGITS, "number"),
        ("n = max(values, default={})", DIGITS, "number"),
        ("text = ''.join((str(value) for value in values))", _ONE, "text"),
    ),
    "text": (
        ("text = text[::-1]", _ONE, "text"),
        ("text = text.upper()", _ONE, "text"),
        ("text = text.title()", _ONE, "text"),
        ("text = ''.join(sorted(text))", _ONE, "text"),
        ("text = text + text[:{}]", SMALL, "text"),
        ("text = text[{}:]", SMALL, "text"),
        ("text = text.replace('{}', 'x')", LETTERS, "text"),
        ("if text.startswith('{}'):\n    text = text.lower()", LETTERS, "text"),
        ("n = len(text)", _ONE, "number"),
        ("n = text.count('{}')", LETTERS, "number"),
        ("values = [ord(letter) % {} for letter in text]", DIGITS, "list"),
    ),
}


def num_lines(production: Production) -> int:
    return production[0].count("\n") + 1


@cache
def num_bodies(kind: str, lines: int) -> int:
    """How many bodies of so many lines begin with a variable of this type."""
    if lines <= 1:
        return lines  # `return` alone
    steps = (one for one in _PRODUCTIONS[kind] if num_lines(one) < lines)
    return sum(len(one[1]) * num_bodies(one[2], lines - num_lines(one)) for one in steps)


def num_functions(lines: int, num_inputs: int = 1) -> int:
    """How many functions there are with so many lines, each with all its choices of inputs (distinct, in order)."""
    return sum(num_bodies(kind, lines) * perm(size, num_inputs) for kind, size in INPUTS.items())


def draw_function(lines: int, num_inputs: int, rng: random.Random) -> tuple[str, list[str], str]:
    """A function, uniform over types of its parameter and then over bodies, distinct inputs, and that type."""
    kind = start = rng.choice(list(NAMES))
    body: list[str] = []
    while lines > 1:
        steps = [one for one in _PRODUCTIONS[kind] if num_lines(one) < lines]
        weights = [len(one[1]) * num_bodies(one[2], lines - num_lines(one)) for one in steps]
        text, choices, after = rng.choices(steps, weights)[0]
        body += text.format(rng.choice(choices)).split("\n")
        lines, kind = lines - text.count("\n") - 1, after
    program = "\n    ".join([f"def f({NAMES[start]}):", *body, f"return {NAMES[kind]}"])
    return program, [_input(start, number) for number in rng.sample(range(INPUTS[start]), num_inputs)], start


def _input(kind: str, number: int) -> str:
    """The literal of an input by its number."""
    if kind == "number":
        return str(number)
    if kind == "list":
        return str([int(digit) for digit in f"{number:04d}"])
    return repr("".join(LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(5)))
