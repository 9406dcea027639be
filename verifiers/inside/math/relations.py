"""Equations and inequalities: what is named by one, and when two say the same.

Two relations are the same if their differences of sides are proportional, with a factor whose sign turns an inequality.
Every function that compares returns "" for the same, else why not.
"""

from __future__ import annotations

from verifiers.inside.math.forms import literal
from verifiers.inside.math.nodes import Node, UnknownError, integer, symbols
from verifiers.inside.math.scalars import DIFFERENT, NOT_FINAL, SAME, is_expression, proportional

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}


def name_of(node: Node) -> tuple[str, Node] | None:
    """The name and the value of `x = 5`, `5 = x`, `f(x) = x^2`, `\\text{Area} = 5`, `(x, y) = (1, 2)`."""
    if node.kind != "relation" or node.value not in (("=",), ("in",)):
        return None
    for left, right in (node.args, node.args[::-1]):
        if (name := _as_name(left)) and name not in symbols(right):
            return name, right
        if node.value == ("in",):
            break
    return None


def _as_name(node: Node) -> str:
    if node.kind == "symbol":
        return str(node.value)
    if node.kind == "text":
        return f"text {node.value}".lower()
    if node.kind == "operator" and node.value == ("derivative",):
        return "derivative"
    if node.kind == "call" and node.value == "abs" and node.args[0].kind == "symbol":
        name = str(node.args[0].value)
        return f"|{name}|" if name.isupper() and len(name) > 1 else ""
    if node.kind == "mul" and len(node.args) == 2 and node.args[0].kind == "pow" and node.args[1].kind == "symbol":
        inner, raised = node.args[0].args
        return f"inverse {inner.value}" if inner.kind == "symbol" and raised == Node("neg", (integer(1),)) else ""
    if node.kind == "mul" and len(node.args) == 2 and node.args[0].kind == "symbol":
        if node.args[0].value == "m" and str(node.args[1].value).startswith("angle "):
            return str(node.args[1].value)
        function, argument = str(node.args[0].value), node.args[1]
        if function[:1] not in "fghFGHPQpq":
            return ""
        if argument.kind == "number":
            return f"{function}({argument.value.value})"
        return function if argument.kind == "symbol" and argument.value != function else ""
    if node.kind == "bracketed" and all(one.kind == "symbol" for one in node.args):
        return "(" + ",".join(str(one.value) for one in node.args) + ")"
    return ""


def compare_relations(reference: Node, answer: Node) -> str:
    """Links of a chain that are the same up to a factor; the factor's sign turns an inequality."""
    left, right = _links(reference), _links(answer)
    if len(left) != len(right):
        return DIFFERENT
    if any(not symbols(one[1]) for one in left):
        return SAME if reference == answer else DIFFERENT
    named = name_of(reference)
    if named and literal(named[1]) is not None:
        return NOT_FINAL
    for links in (right, [_turned(link) for link in reversed(right)]):
        if all(_same_link(one, other) for one, other in zip(left, links, strict=True)):
            return SAME
    return DIFFERENT


def _links(node: Node) -> list[tuple[str, Node]]:
    """(sign, left side minus right side) of every link."""
    links = []
    for sign, left, right in zip(node.value, node.args, node.args[1:], strict=False):
        if not is_expression(left) or not is_expression(right):
            raise UnknownError("a relation of objects")
        if sign not in _FLIPPED:
            raise UnknownError(f"the relation {sign}")
        links.append((sign, Node("add", (left, Node("neg", (right,))))))
    return links


def _turned(link: tuple[str, Node]) -> tuple[str, Node]:
    return _FLIPPED[link[0]], Node("neg", (link[1],))


def _same_link(one: tuple[str, Node], other: tuple[str, Node]) -> bool:
    sign = proportional(one[1], other[1])
    if sign == 0:
        return False
    return one[0] == (other[0] if sign > 0 else _FLIPPED[other[0]])
