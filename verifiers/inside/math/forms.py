"""Final form: which trees are number literals, and what was left unevaluated in those that are not.

A literal is an integer, decimal, fraction of whole numbers (also unreduced), mixed number, scientific number or
percent, with a sign. Anything else of a rational value (`17 \\cdot 23`, `2^{10}`, `\\sqrt{4}`, a binomial) is work
left undone.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from verifiers.inside.math.lexer import MAX_EXPONENT
from verifiers.inside.math.nodes import Node, walk

_COUNTING = ("factorial", "binom", "min", "max", "gcd", "lcm", "det", "floor", "ceil")


class Literal(NamedTuple):
    """The value of a number literal; `half_unit` is half a unit of its last digit if it is a decimal."""

    value: Fraction
    half_unit: Fraction | None = None
    significant: int = 0


def literal(node: Node) -> Literal | None:
    """The number that a tree is as it stands, or None."""
    match node.kind:
        case "number":
            value, places, significant = node.value
            return Literal(value, Fraction(1, 2) / Fraction(10) ** places if places is not None else None, significant)
        case "neg":
            inner = literal(node.args[0]) if node.args[0].kind != "neg" else None
            return inner._replace(value=-inner.value) if inner else None
        case "percent":
            inner = literal(node.args[0])
            if inner is None:
                return None
            half = inner.half_unit / 100 if inner.half_unit is not None else None
            return Literal(inner.value / 100, half, inner.significant)
        case "mixed":
            return Literal(node.args[0].value.value + _quotient(node.args[1]))
        case "div":
            quotient = _quotient(node)
            return Literal(quotient) if quotient is not None else None
        case "mul":
            return _scientific(node)
    return None


def _quotient(node: Node) -> Fraction | None:
    above, below = _whole(node.args[0]), _whole(node.args[1])
    return Fraction(above, below) if above is not None and below else None


def _whole(node: Node) -> int | None:
    if node.kind == "neg" and node.args[0].kind == "number":
        inner = _whole(node.args[0])
        return -inner if inner is not None else None
    if node.kind == "number" and node.value.places is None and node.value.value.denominator == 1:
        return int(node.value.value)
    return None


def _scientific(node: Node) -> Literal | None:
    """`1.2 \\times 10^{6}`."""
    if len(node.args) != 2 or node.args[1].kind != "pow":
        return None
    base, raised = node.args[1].args
    exponent = _whole(raised)
    mantissa = literal(node.args[0]) if node.args[0].kind in ("number", "neg") else None
    if mantissa is None or exponent is None or abs(exponent) > MAX_EXPONENT or _whole(base) != 10:
        return None
    scale = Fraction(10) ** exponent
    half = mantissa.half_unit * scale if mantissa.half_unit is not None else None
    value = mantissa.value * scale
    if half is not None and value.denominator == 1 and half < 1:
        half = None  # all digits of a whole number are given
    return Literal(value, half, mantissa.significant)


def simple(node: Node) -> bool:
    """Whether it is a literal or, with a sign, i: what an arithmetic sign between two of would be left to do."""
    return literal(node) is not None


def standing(node: Node) -> frozenset[str]:
    """Names of integrals, sums, limits, factorials, binomials, … that a tree still has."""
    return frozenset(
        one.value[0] if one.kind == "operator" else str(one.value)
        for one in walk(node)
        if one.kind == "operator" or (one.kind == "call" and one.value in _COUNTING)
    )


def undone(node: Node) -> frozenset[str]:
    """What was left undone between plain numbers: `sum`, `product`, `power`, `complex`."""
    marks: set[str] = set()
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if literal(one) is not None:
            continue
        if one.kind == "add" and sum(simple(term) for term in _terms(one)) > 1:
            marks.add("sum")
        elif one.kind == "mul":
            factors = _factors(one)
            if sum(simple(factor) for factor in factors) > 1:
                marks.add("product")
            if sum(_complex_number(factor) for factor in factors) > 1:
                marks.add("complex product")
        elif one.kind == "pow" and _whole(one.args[1]) is not None:
            if simple(one.args[0]):
                marks.add("power")
            elif _complex_number(one.args[0]):
                marks.add("complex power")
        elif one.kind == "div" and all(simple(part) for part in one.args):
            marks.add("quotient")
        waiting.extend(one.args)
    return frozenset(marks)


def _terms(node: Node) -> list[Node]:
    """The terms of a sum, with sums inside it opened."""
    terms: list[Node] = []
    for term in node.args:
        inner = term.args[0] if term.kind == "neg" else term
        terms += _terms(inner) if inner.kind == "add" else [inner]
    return terms


def _factors(node: Node) -> list[Node]:
    factors: list[Node] = []
    for factor in node.args:
        inner = factor.args[0] if factor.kind == "neg" else factor
        factors += _factors(inner) if inner.kind == "mul" and literal(inner) is None else [inner]
    return factors


def _complex_number(node: Node) -> bool:
    """Whether it is made of numbers and i alone, and has i."""
    kinds = [(one.kind, one.value) for one in walk(node)]
    return ("constant", "i") in kinds and all(
        kind in ("number", "add", "mul", "neg", "div") or (kind, value) == ("constant", "i") for kind, value in kinds
    )


def calls(node: Node) -> frozenset[str]:
    """Names of all functions and powers in a tree."""
    return frozenset(str(one.value or one.kind) for one in walk(node) if one.kind in ("call", "pow", "constant"))
