"""From trees of `math_answer`'s grammar (LaTeX and plain notation) to trees that `algebra` reads. Decides nothing."""

from __future__ import annotations

from fractions import Fraction

from verifiers.inside import expression
from verifiers.inside.math.nodes import Node, UnknownError

_CALLS = ("sqrt", "abs", "exp", "log", "ln", "sin", "cos", "tan", "factorial")


def translated(node: Node) -> expression.Node:
    """A tree in the form that `algebra` reads; raises UnknownError for what it has no form for."""
    parts = [translated(one) for one in node.args]
    match node.kind:
        case "number":
            return ("number", node.value.value)
        case "symbol":
            return ("symbol", str(node.value))
        case "constant" if node.value == "pi":
            return ("pi",)
        case "constant" if node.value == "e":
            return ("call", "exp", ("number", Fraction(1)))
        case "add" | "mixed":
            return ("sum", parts)
        case "neg":
            return ("negative", parts[0])
        case "mul":
            return ("product", [(part, False) for part in parts])
        case "div":
            return ("product", [(parts[0], False), (parts[1], True)])
        case "percent":
            return ("product", [(parts[0], False), (("number", Fraction(100)), True)])
        case "pow":
            return ("power", parts[0], parts[1])
        case "call" if len(parts) == 1 and node.value in _CALLS:
            return ("call", str(node.value), parts[0])
        case "call" if len(parts) == 2 and node.value in ("log", "ln"):
            return ("product", [(("call", "log", parts[0]), False), (("call", "log", parts[1]), True)])
    raise UnknownError(node.kind)
