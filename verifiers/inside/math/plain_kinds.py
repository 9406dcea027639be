"""Kinds that hold nothing but numbers and words: ratios, numerals of a base, quantities, texts.

Every function that compares returns "" for the same, else why not.
"""

from __future__ import annotations

from verifiers.inside.math.forms import literal
from verifiers.inside.math.nodes import Node
from verifiers.inside.math.policy import MathPolicy
from verifiers.inside.math.scalars import DIFFERENT, SAME


def compare_ratios(reference: Node, answer: Node) -> str:
    """Ratios `a : b : …` (also those that look like a time) that are proportional."""
    left, right = (one.args[0].args if one.kind == "time" else one.args for one in (reference, answer))
    if len(left) != len(right):
        return DIFFERENT
    numbers = [[literal(part) for part in side] for side in (left, right)]
    if any(number is None for side in numbers for number in side):
        return SAME if left == right else DIFFERENT
    first, second = ([number.value for number in side if number] for side in numbers)
    if not any(first) or not any(second):
        return DIFFERENT
    if first == second:
        return SAME
    proportional = all(one * second[0] == other * first[0] for one, other in zip(first, second, strict=True))
    return SAME if first[0] and second[0] and proportional else DIFFERENT


def compare_based(reference: Node, answer: Node) -> str:
    """Numerals of the same base and digits; base ten may be left out."""
    if reference == answer:
        return SAME
    for one, other in ((reference, answer), (answer, reference)):
        if one.kind == "based" and one.value[1] == 10 and one.value[0].isdigit():
            number = literal(other)
            return SAME if number is not None and number.value == int(one.value[0]) else DIFFERENT
    return "another base"


def quantity_of(node: Node) -> tuple[Node, str]:
    """What is measured and its unit, "" if it has none."""
    if node.kind == "degree":
        return node.args[0], "degree"
    if node.kind == "neg" and node.args[0].kind == "degree":
        return Node("neg", node.args[0].args), "degree"
    if node.kind == "mul" and len(node.args) == 2 and node.args[0].kind == "degree" and node.args[1].kind == "symbol":
        return node.args[0].args[0], f"degree {node.args[1].value}"
    if node.kind == "mul" and node.args[-1].kind == "div" and all(one.kind == "text" for one in node.args[-1].args):
        above, below = (str(one.value) for one in node.args[-1].args)
        rest = node.args[:-1]
        return rest[0] if len(rest) == 1 else Node("mul", rest), f"{above} / {below}"
    if node.kind == "quantity":
        inner, unit = node.args[0], str(node.value)
        if inner.kind == "degree":
            return inner.args[0], f"degree {unit}"
        return inner, unit
    if node.kind == "mul" and len(node.args) == 2 and literal(node.args[0]) and node.args[1].kind == "symbol":
        letter = str(node.args[1].value)
        if letter in ("m", "s", "g", "h", "L"):
            return node.args[0], letter  # `5 m`, where the other side says that it is a quantity
    return node, ""


def compare_texts(reference: Node, answer: Node, policy: MathPolicy) -> str:
    """Words, their case by policy; single letters keep theirs."""
    left, right = " ".join(str(reference.value).split()), " ".join(str(answer.value).split())
    if policy.text_case == "ignore" and min(len(left), len(right)) > 1:
        left, right = left.lower(), right.lower()
    left, right = (text.strip(" .,!?\"'()").removeprefix("the ") for text in (left, right))
    return SAME if left == right else DIFFERENT
