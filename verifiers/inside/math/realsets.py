"""Sets of real numbers as unions of intervals: from intervals, unions, inequalities, set-builders and words.

Ends are compared by the caller's comparison of expressions, so they must be in final form; their order is decided by
value. Only inequalities with a letter alone on one side are read as sets: others raise NotARegionError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from verifiers.inside.math import numeric
from verifiers.inside.math.nodes import Node, UndefinedError, UnknownError, symbols

REGION_KINDS = ("setop", "builder", "reals", "empty")
_INEQUALITIES = ("<", ">", "<=", ">=", "!=")
_MAX_PIECES = 40
_MINUS_INFINITY = Node("neg", (Node("constant", (), "infinity"),))
_INFINITY = Node("constant", (), "infinity")


class NotARegionError(UnknownError):
    """It is no union of intervals, or not one that can be read off."""


class NoSetError(UndefinedError):
    """It is written like a set of reals and is none: infinity inside an interval, a number in a union."""


class ReversedError(NotARegionError):
    """A pair whose first number is not the smaller one: no interval, but it may be a tuple."""


class End(NamedTuple):
    """An end of an interval: value for ordering, tree for comparing, whether it belongs to the interval."""

    value: Any
    node: Node
    closed: bool


class Piece(NamedTuple):
    low: End
    high: End


def is_inequality(node: Node) -> bool:
    """Whether it is a chain of inequalities, or a list that has one."""
    if node.kind == "list":
        return any(is_inequality(one) for one in node.args)
    return node.kind == "relation" and any(sign in _INEQUALITIES for sign in node.value)


def is_region(node: Node) -> bool:
    """Whether it can be read as a set of reals."""
    try:
        _pieces(node)
    except (NotARegionError, NoSetError):
        return False
    return True


def same_region(reference: Node, answer: Node, compare: Callable[[Node, Node], str]) -> str:
    """ "" if the two are the same set of reals; raises NotARegionError if one cannot be read as one."""
    names = [_variable(reference), _variable(answer)]
    if all(names) and names[0] != names[1] and "builder" not in (reference.kind, answer.kind):
        return f"about {names[1]} rather than {names[0]}"
    left, right = _merged(_pieces(reference)), _merged(_pieces(answer))
    if len(left) != len(right):
        return "different"
    for one, other in zip(left, right, strict=True):
        for end, other_end in zip(one, other, strict=True):
            if end.closed != other_end.closed:
                return "different"
            if reason := compare(end.node, other_end.node):
                return reason
    return ""


def _variable(node: Node) -> str:
    if not is_inequality(node):
        return ""
    names = symbols(node)
    if len(names) != 1:
        raise NotARegionError("an inequality in several letters")
    return names.pop()


def _value(node: Node) -> Any:
    if node == _INFINITY:
        return numeric.mp.inf
    if node == _MINUS_INFINITY:
        return -numeric.mp.inf
    try:
        return numeric.evaluate(node, numeric.DIGITS, real=True)
    except UndefinedError as error:
        raise NotARegionError("an end without a value") from error
    except UnknownError as error:
        raise NotARegionError("an end that is no number") from error


def _end(node: Node, closed: bool) -> End:
    if node.kind == "neg" and node.args[0].kind == "neg":
        node = node.args[0].args[0]
    value = _value(node)
    if closed and abs(value) == numeric.mp.inf:
        raise NoSetError("infinity inside an interval")
    return End(value, node, closed)


def _pieces(node: Node) -> list[Piece]:
    match node.kind:
        case "empty":
            return []
        case "reals":
            return [Piece(_end(_MINUS_INFINITY, False), _end(_INFINITY, False))]
        case "bracketed" if len(node.args) == 2:
            opening, closing = node.value
            low, high = _end(node.args[0], opening == "["), _end(node.args[1], closing == "]")
            if not _nonempty(low, high):
                raise ReversedError("a pair whose first number is not the smaller one")
            return [Piece(low, high)]
        case "set":
            return [Piece(_end(one, True), _end(one, True)) for one in node.args[:_MAX_PIECES]]
        case "setop":
            return _combined(node)
        case "builder":
            return _builder(node)
        case "relation":
            return _relation(node)
        case "list":
            return _list(node)
        case "add" if len(node.args) == 2 and node.args[1].kind == "neg":
            return _minus(_pieces(node.args[0]), _pieces(node.args[1].args[0]))
    if node.kind in ("number", "add", "neg", "mul", "div", "pow", "call", "constant", "plusminus"):
        raise NoSetError("a number rather than a set")
    raise NotARegionError(f"no set of reals: {node.kind}")


def _nonempty(low: End, high: End) -> bool:
    return bool(low.value < high.value) or bool(low.value == high.value and low.closed and high.closed)


def _combined(node: Node) -> list[Piece]:
    try:
        left, right = _pieces(node.args[0]), _pieces(node.args[1])
    except ReversedError as error:
        raise NoSetError("an interval whose ends are reversed") from error
    if node.value == "cup":
        return left + right
    return _intersection(left, right) if node.value == "cap" else _minus(left, right)


def _intersection(left: list[Piece], right: list[Piece]) -> list[Piece]:
    if len(left) * len(right) > _MAX_PIECES**2:
        raise NotARegionError("too many pieces")
    found = []
    for one in left:
        for other in right:
            low = max(one.low, other.low, key=lambda end: (end.value, not end.closed))
            high = min(one.high, other.high, key=lambda end: (end.value, end.closed))
            if _nonempty(low, high):
                found.append(Piece(low, high))
    return found


def _minus(left: list[Piece], right: list[Piece]) -> list[Piece]:
    return _intersection(left, _complement(right)) if right else left


def _complement(pieces: list[Piece]) -> list[Piece]:
    found, low = [], _end(_MINUS_INFINITY, False)
    for piece in _merged(pieces):
        high = piece.low._replace(closed=not piece.low.closed and abs(piece.low.value) != numeric.mp.inf)
        if _nonempty(low, high):
            found.append(Piece(low, high))
        low = piece.high._replace(closed=not piece.high.closed and abs(piece.high.value) != numeric.mp.inf)
    high = _end(_INFINITY, False)
    return [*found, Piece(low, high)] if _nonempty(low, high) else found


def _merged(pieces: list[Piece]) -> list[Piece]:
    """Sorted, with pieces that touch or overlap joined."""
    if len(pieces) > _MAX_PIECES:
        raise NotARegionError("too many pieces")
    result: list[Piece] = []
    for piece in sorted(pieces, key=lambda one: (one.low.value, not one.low.closed)):
        last = result[-1] if result else None
        touching = last is not None and (
            piece.low.value < last.high.value
            or (piece.low.value == last.high.value and (piece.low.closed or last.high.closed))
        )
        if last is None or not touching:
            result.append(piece)
        else:
            high = max(last.high, piece.high, key=lambda end: (end.value, end.closed))
            result[-1] = Piece(last.low, high)
    return result


def _builder(node: Node) -> list[Piece]:
    variable, condition = node.args
    within = None
    if variable.kind == "relation" and variable.value == ("in",):
        variable, within = variable.args
    if variable.kind != "symbol" or (symbols(condition) - {variable.value}) or not symbols(condition):
        raise NotARegionError("a set-builder with other letters")
    pieces = _pieces(condition)
    return pieces if within is None else _intersection(pieces, _pieces(within))


def _list(node: Node) -> list[Piece]:
    parts = [_pieces(one) for one in node.args]
    if node.value == "or":
        return [piece for part in parts for piece in part]
    if node.value != "and" and any(one.value != ("!=",) for one in node.args):
        raise NotARegionError("inequalities without `and` or `or`")
    result = parts[0]
    for part in parts[1:]:
        result = _intersection(result, part)
    return result


def _relation(node: Node) -> list[Piece]:
    """A chain such as `1 < x \\le 3` with one letter, alone on its side of every sign."""
    if node.value == ("in",):
        return _pieces(node.args[1])
    result: list[Piece] | None = None
    for sign, left, right in zip(node.value, node.args, node.args[1:], strict=False):
        pieces = _link(sign, left, right)
        result = pieces if result is None else _intersection(result, pieces)
    return result or []


def _link(sign: str, left: Node, right: Node) -> list[Piece]:
    if right.kind == "symbol" and not symbols(left):
        sign = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(sign, sign)
        left, right = right, left
    if left.kind != "symbol" or symbols(right):
        raise NotARegionError("an inequality that is not solved")
    low, high = _end(_MINUS_INFINITY, False), _end(_INFINITY, False)
    if sign in ("<", "<="):
        return [Piece(low, _end(right, sign == "<="))]
    if sign in (">", ">="):
        return [Piece(_end(right, sign == ">="), high)]
    if sign == "=":
        return [Piece(_end(right, True), _end(right, True))]
    if sign == "!=":
        return [Piece(low, _end(right, False)), Piece(_end(right, False), high)]
    raise NotARegionError(f"the relation {sign}")


__all__ = ["REGION_KINDS", "NotARegionError", "ReversedError", "is_inequality", "is_region", "same_region"]
