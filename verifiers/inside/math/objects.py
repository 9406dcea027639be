"""Whether two objects are the same: by kind, down to expressions. The reference's kind says what an answer must be.

Every function returns "" for the same, else why not; UnknownError, TooLargeError: not decided.
"""

from __future__ import annotations

from collections.abc import Sequence

from verifiers.inside.math.forms import literal
from verifiers.inside.math.nodes import Node, TooLargeError, UnknownError, UnsupportedError, symbols, walk
from verifiers.inside.math.plain_kinds import compare_based, compare_ratios, compare_texts, quantity_of
from verifiers.inside.math.policy import MathPolicy
from verifiers.inside.math.reading import expanded, has_plusminus
from verifiers.inside.math.realsets import (
    REGION_KINDS,
    NotARegionError,
    ReversedError,
    is_inequality,
    is_region,
    same_region,
)
from verifiers.inside.math.relations import compare_relations, name_of
from verifiers.inside.math.scalars import DIFFERENT, NOT_FINAL, SAME, compare_expressions, is_expression
from verifiers.inside.math.units import may_be_left_out, read_unit

MAX_MATCHING = 60
"""Items of two collections that are matched one by one; number literals are matched at any count."""
_OBJECTS = ("matrix", "bracketed", "set", "setop", "reals", "text")


def compare(reference: Node, answer: Node, policy: MathPolicy) -> str:
    """ "" if the answer is the reference, else why not."""
    reference, answer = _opened(reference), _opened(answer)
    if is_expression(reference) and is_expression(answer) and "degree" not in (reference.kind, answer.kind):
        return compare_expressions(reference, answer, policy)
    if reference.kind == "relation" or answer.kind == "relation":
        reason = _compare_named(reference, answer, policy)
        if reason is not None:
            return reason
    if _region(reference) or _region(answer):
        try:
            return same_region(reference, answer, lambda one, other: compare(one, other, policy))
        except ReversedError:
            return DIFFERENT
        except NotARegionError:
            if _could_be_region(reference) and _could_be_region(answer):
                return _compare_unsolved(reference, answer)
    if quantity_of(reference)[1] or quantity_of(answer)[1]:
        return _compare_quantities(reference, answer, policy)
    if reference.kind in ("list", "set", "plusminus") or answer.kind in ("list", "set", "plusminus"):
        return _compare_collections(reference, answer, policy)
    if reference.kind in ("text", "symbol") and answer.kind in ("text", "symbol"):
        return compare_texts(reference, answer, policy)
    return _compare_others(reference, answer, policy)


def _opened(node: Node) -> Node:
    """Without `x \\in` before a set."""
    if node.kind == "relation" and node.value == ("in",) and node.args[0].kind == "symbol":
        return node.args[1]
    return node


def _region(node: Node) -> bool:
    return node.kind in REGION_KINDS or is_inequality(node)


def _could_be_region(node: Node) -> bool:
    return _region(node) or (node.kind == "bracketed" and len(node.args) == 2)


def _compare_unsolved(reference: Node, answer: Node) -> str:
    """Sets and inequalities of which one could not be read as intervals: the same only if they are proportional.

    An inequality that is not solved is no answer where the reference is solved: the question itself would be one.
    """
    if is_inequality(reference) and is_region(reference) and len(symbols(answer)) == 1:
        parts = answer.args if answer.kind == "list" else (answer,)
        if any(one.kind == "relation" and not is_region(one) for one in parts):
            return NOT_FINAL
    if reference.kind == answer.kind == "relation":
        if compare_relations(reference, answer) == SAME:
            return SAME
        if len(symbols(reference) | symbols(answer)) > 1:
            return DIFFERENT
    raise UnknownError("sets that are no intervals")


def _compare_others(reference: Node, answer: Node, policy: MathPolicy) -> str:
    pair = (reference.kind, answer.kind)
    if pair == ("relation", "relation"):
        return compare_relations(reference, answer)
    if reference.kind == "bracketed" and answer.kind in ("bracketed", "matrix", "relation"):
        return _compare_tuples(reference, answer, policy)
    if pair == ("matrix", "bracketed"):
        return _compare_tuples(answer, reference, policy)
    if pair == ("matrix", "matrix"):
        same_shape = _shape(reference) == _shape(answer) and len(reference.args) == len(answer.args)
        return _in_order(reference.args, answer.args, policy) if same_shape else DIFFERENT
    if pair == ("time", "time"):
        (*clock, half), (*other, other_half) = reference.value, answer.value
        return SAME if clock == other and (half == other_half or "" in (half, other_half)) else DIFFERENT
    if {*pair} <= {"time", "ratio"}:
        return compare_ratios(reference, answer)
    if "based" in pair:
        return compare_based(reference, answer)
    if pair[0] == pair[1] and pair[0] in ("empty", "reals"):
        return SAME
    if reference == answer:
        return SAME
    if pair[0] == "operator" or pair[1] == "operator" or "mul" in pair or "pow" in pair or "add" in pair:
        if literal(reference) is not None or "text" in pair:
            return DIFFERENT
        if _has_object_inside(answer) and not _has_object_inside(reference):
            return NOT_FINAL
        if _has_object_inside(reference):
            raise UnknownError("arithmetic with objects")
    return DIFFERENT


def _has_object_inside(node: Node) -> bool:
    """Whether it is arithmetic with something that is no number."""
    return node.kind in ("add", "mul", "neg", "div", "pow") and any(one.kind in _OBJECTS for one in walk(node))


# Named values and relations


def _compare_named(reference: Node, answer: Node, policy: MathPolicy) -> str | None:
    """Compare what is named, if names decide; None if the two have to be compared as relations."""
    expected, got = name_of(reference), name_of(answer)
    if expected and got:
        if expected[0] == got[0]:
            return compare(expected[1], got[1], policy)
        if not symbols(expected[1]) or not symbols(got[1]):
            return f"named {got[0]} rather than {expected[0]}"
        return None
    if expected and answer.kind != "relation" and not _has_relation(answer):
        return compare(expected[1], answer, policy)
    if got and reference.kind != "relation" and not _has_relation(reference):
        return compare(reference, got[1], policy)
    return None


def _has_relation(node: Node) -> bool:
    return any(one.kind in ("relation", "builder", "setop", "reals") for one in walk(node))


# Collections


def _items(node: Node) -> tuple[Node, ...]:
    """What a collection holds, every plus-minus written out."""
    items = node.args if node.kind in ("list", "set", "bracketed") else (node,)
    opened: list[Node] = []
    for item in items:
        name = name_of(item) if item.kind == "relation" else None
        if name and has_plusminus(name[1]):
            opened += [Node("relation", (item.args[0], one), ("=",)) for one in expanded((name[1],))]
        else:
            opened.append(item)
    return expanded(tuple(opened))


def _compare_collections(reference: Node, answer: Node, policy: MathPolicy) -> str:
    kinds = {reference.kind, answer.kind}
    if not kinds <= {"list", "set", "bracketed", "plusminus", "add", "neg", "relation", "mul", "div"}:
        return DIFFERENT
    if "bracketed" in kinds and policy.set_versus_tuple == "strict":
        return DIFFERENT
    if answer.kind == "list" and answer.value == "or" and reference.kind == "list" and reference.value == "and":
        return DIFFERENT
    left, right = list(_items(reference)), list(_items(answer))
    unnamed = _without_shared_names(left, right)
    if unnamed is None:
        return DIFFERENT
    left, right = unnamed
    if len(left) == 1 and reference.kind not in ("list", "set"):
        return DIFFERENT  # one value against several: a hedge
    if kinds == {"set"}:
        left, right = _distinct(left), _distinct(right)
    if len(left) != len(right) or (len(right) == 1 and reference.kind != answer.kind):
        return DIFFERENT
    if policy.order == "list" and kinds == {"list"}:
        return _in_order(left, right, policy)
    return _matched(left, right, policy)


def _without_shared_names(left: list[Node], right: list[Node]) -> tuple[list[Node], list[Node]] | None:
    """`x = 1, x = 2` and `x = 1, 2` and `1, 2` are the same list: one name for everything may be left out.

    Several names may not (`a = 1, b = 2` is not `2, 1`): None then. `x_1` and `x_2` are one name here.
    """
    first, second = _names(left), _names(right)
    if first and second:
        return (_values(left), _values(right)) if first == second and len(first) == 1 else (left, right)
    if len({name.partition("_")[0] for name in first | second}) > 1:
        return None
    return _values(left), _values(right)


def _names(items: Sequence[Node]) -> set[str]:
    return {named[0] for item in items if (named := name_of(item))}


def _values(items: Sequence[Node]) -> list[Node]:
    return [named[1] if (named := name_of(item)) else item for item in items]


def _distinct(items: list[Node]) -> list[Node]:
    seen: dict[object, Node] = {}
    for item in items:
        number = literal(item)
        seen.setdefault(number.value if number else item, item)
    return list(seen.values())


def _matched(left: Sequence[Node], right: Sequence[Node], policy: MathPolicy) -> str:
    """Whether the items can be paired off, each with the same."""
    numbers = [[literal(item) for item in side] for side in (left, right)]
    if all(number is not None for side in numbers for number in side):
        values = [sorted(number.value for number in side if number) for side in numbers]
        if values[0] == values[1]:
            return SAME
    if len(left) > MAX_MATCHING:
        if all(number is not None for side in numbers for number in side):
            return DIFFERENT
        raise TooLargeError("collections of very many items")
    waiting = list(right)
    reason = DIFFERENT
    for item in left:
        for position, other in enumerate(waiting):
            found = compare(item, other, policy)
            if found == SAME:
                del waiting[position]
                break
            reason = found if found != DIFFERENT else reason
        else:
            return reason
    return SAME


def _in_order(left: Sequence[Node], right: Sequence[Node], policy: MathPolicy) -> str:
    if len(left) != len(right):
        return DIFFERENT
    for one, other in zip(left, right, strict=True):
        if reason := compare(one, other, policy):
            return reason
    return SAME


# Tuples, ratios, quantities, texts


def _shape(node: Node) -> tuple[str, int]:
    delimiter, num_columns = node.value
    kind = {"vmatrix": "determinant", "Vmatrix": "norm"}.get(delimiter, "matrix")
    return kind, num_columns


def _compare_tuples(reference: Node, answer: Node, policy: MathPolicy) -> str:
    if answer.kind == "relation":
        return DIFFERENT
    if answer.kind == "matrix":  # a column stands for the tuple of its entries
        if _shape(answer) != ("matrix", 1) or reference.value not in (("(", ")"), ("<", ">")):
            return DIFFERENT
    elif _ends(reference) != _ends(answer):
        return DIFFERENT
    return _in_order(reference.args, answer.args, policy)


def _ends(node: Node) -> tuple[str, str]:
    """The brackets, with `]a, b[` written as `(a, b)` and angles as parentheses."""
    opening, closing = node.value
    return {"]": "(", "<": "("}.get(opening, opening), {"[": ")", ">": ")"}.get(closing, closing)


def _compare_quantities(reference: Node, answer: Node, policy: MathPolicy) -> str:
    (left, left_unit), (right, right_unit) = quantity_of(reference), quantity_of(answer)
    if {left.kind, right.kind} & {"quantity", "degree"}:
        raise UnsupportedError("a unit of a unit")
    rule = policy.degrees if "degree" in (left_unit, right_unit) else policy.units
    if left_unit and not right_unit and rule == "required":
        return "the unit is missing"
    if not left_unit and not may_be_left_out(right_unit):
        return "words behind the number that are no unit"
    if not left_unit or not right_unit:
        return compare(left, right, policy)
    (dimension, size), (other_dimension, other_size) = read_unit(left_unit), read_unit(right_unit)
    if dimension != other_dimension:
        return "another unit"
    if size == other_size:
        return compare(left, right, policy)
    first, second = literal(left), literal(right)
    if first is None or second is None:
        raise UnknownError("different units of something that is no plain number")
    return SAME if first.value * size == second.value * other_size else DIFFERENT
