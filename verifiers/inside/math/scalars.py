"""Whether two expressions are the same value or function, the answer in its final form.

Every function returns "" for the same, else why not. UnknownError and TooLargeError mean that it could not be decided.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import islice

from verifiers.inside.math import exact, numeric
from verifiers.inside.math.forms import Literal, calls, literal, standing, undone
from verifiers.inside.math.nodes import Node, TooLargeError, UndefinedError, UnknownError, commuted, symbols, walk
from verifiers.inside.math.policy import MathPolicy
from verifiers.inside.math.sampling import sample_points

SAME = ""
DIFFERENT = "different"
NOT_FINAL = "not in final form"
NO_VALUE = "no value"
_CALCULABLE = {
    "number", "symbol", "constant", "add", "mul", "div", "neg", "pow", "call", "mixed", "percent", "degree", "huge",
    "operator",
}  # fmt: skip


def is_expression(node: Node) -> bool:
    """Whether it is a number or a function rather than another object."""
    return node.kind in _CALCULABLE and all(one.kind in _CALCULABLE for one in walk(node))


def compare_expressions(reference: Node, answer: Node, policy: MathPolicy) -> str:
    """Compare two expressions by what the reference is: a number literal, a closed value, or a function."""
    expected = literal(reference)
    if expected is not None:
        got = literal(answer)
        if got is None:
            return _why_no_literal(answer)
        return SAME if literals_equal(expected, got, policy) else DIFFERENT
    if commuted(reference) == commuted(answer):
        return SAME
    if _infinite(reference) or _infinite(answer):
        return SAME if _infinite(reference) == _infinite(answer) else DIFFERENT
    if standing(answer) - standing(reference):
        return NOT_FINAL
    if any(one.kind == "operator" for tree in (reference, answer) for one in walk(tree)):
        raise UnknownError("an operator that was left standing")
    if not symbols(reference):
        return _compare_closed(reference, answer, policy)
    return _compare_functions(reference, answer)


def literals_equal(expected: Literal, got: Literal, policy: MathPolicy) -> bool:
    """Exactly equal, or a decimal on one side that rounds an exact value on the other."""
    if expected.value == got.value:
        return True
    if (expected.half_unit is None) == (got.half_unit is None):
        return False
    decimal, other = (expected, got) if got.half_unit is None else (got, expected)
    return other.value.denominator != 1 and rounds(decimal, other.value, policy)


def rounds(decimal: Literal, value: Fraction, policy: MathPolicy) -> bool:
    """Whether a decimal with enough digits is a value to half a unit in its last digit."""
    if decimal.half_unit is None or decimal.significant < policy.min_significant_digits:
        return False
    return abs(decimal.value - value) <= decimal.half_unit


def _why_no_literal(answer: Node) -> str:
    if symbols(answer):
        return "not a number"
    if answer.kind == "div" and answer.args[1].kind == "number" and answer.args[1].value.value == 0:
        return f"{NO_VALUE}: division by zero"
    return NOT_FINAL


def _infinite(node: Node) -> int:
    """1 for infinity, -1 for minus infinity, 2 for an expression with it, 0 for one without."""
    if not any(one.kind == "constant" and one.value == "infinity" for one in walk(node)):
        return 0
    if node.kind == "constant":
        return 1
    return -1 if node.kind == "neg" and node.args[0].kind == "constant" else 2


def _compare_closed(reference: Node, answer: Node, policy: MathPolicy) -> str:
    got = literal(answer)
    if got is None:
        if symbols(answer):
            return DIFFERENT
        if undone(answer) - undone(reference):
            return NOT_FINAL
    try:
        value = exact.rational(reference)
    except (exact.NotRationalError, UndefinedError):
        value = None
    except TooLargeError:
        return _compare_large(reference, answer)
    if value is not None:
        if got is None and calls(answer) - calls(reference):
            return NOT_FINAL
        try:
            return SAME if exact.rational(answer) == value else DIFFERENT
        except exact.NotRationalError:
            pass
        except UndefinedError:
            return NO_VALUE
    if got is not None and got.half_unit is not None and value is None:
        return SAME if _rounds_irrational(got, reference, policy) else DIFFERENT
    try:
        return SAME if numeric.closed_equal(reference, answer) else DIFFERENT
    except UndefinedError:
        return NO_VALUE


def _compare_large(reference: Node, answer: Node) -> str:
    """Numbers with too many bits for fractions: modulo primes."""
    if {one.kind for one in walk(answer)} - {"number", "add", "mul", "div", "neg", "pow", "mixed"}:
        raise TooLargeError("numbers that are too large to compare")
    return SAME if _same_modulo_primes(reference, answer, []) else DIFFERENT


def _rounds_irrational(decimal: Literal, reference: Node, policy: MathPolicy) -> bool:
    try:
        value = numeric.evaluate(reference, numeric.DIGITS, real=True)
    except UndefinedError:
        return False
    with numeric.mp.workdps(numeric.DIGITS):
        if not decimal.half_unit or decimal.significant < policy.min_significant_digits or decimal.significant > 40:
            return False
        gap = abs(numeric.mp.mpf(decimal.value.numerator) / decimal.value.denominator - value)
        unit = numeric.mp.mpf(decimal.half_unit.numerator) / decimal.half_unit.denominator
        return bool(gap <= unit)


def _compare_functions(reference: Node, answer: Node) -> str:
    names = sorted(symbols(reference) | symbols(answer))
    try:
        if not _same_modulo_primes(reference, answer, names):
            return DIFFERENT
        if not _has_large_number(answer):
            return SAME
    except exact.NotRationalError:
        pass
    return SAME if numeric.functions_equal(reference, answer, "functions") else DIFFERENT


def _has_large_number(node: Node) -> bool:
    """Whether a number in it could be a multiple of our primes."""
    return any(one.kind == "number" and exact.bits(one.value.value) > 60 for one in walk(node))


def _same_modulo_primes(first: Node, second: Node, names: list[str]) -> bool:
    num_good = num_one_sided = 0
    for prime, values in islice(exact.points(names, "points"), 4 * exact.NUM_POINTS):
        one, other = (_modular_or_none(tree, values, prime) for tree in (first, second))
        if one is None or other is None:
            num_one_sided += one is not other
            continue
        if one != other:
            return False
        num_good += 1
        if num_good == exact.NUM_POINTS:
            return True
    if num_one_sided >= exact.NUM_POINTS:
        return False  # division by zero everywhere
    raise UnknownError("too few points where both sides are defined")


def _modular_or_none(node: Node, values: dict[str, int], prime: int) -> int | None:
    try:
        return exact.modular(node, values, prime)
    except UndefinedError:
        return None


# Relations


def proportional(first: Node, second: Node) -> int:
    """The sign of the constant c with first = c * second for functions that are not zero; 0 if there is none."""
    names = sorted(symbols(first) | symbols(second))
    if not names:
        return 0
    sign = _sign_of_ratio(first, second, names)
    if sign == 0:
        return 0
    try:
        ratios: dict[int, int] = {}
        num_good = 0
        for prime, values in islice(exact.points(names, "ratios"), 24):
            one, other = (_modular_or_none(tree, values, prime) for tree in (first, second))
            if one is None or not other:
                continue
            ratio = one * pow(other, -1, prime) % prime
            if ratio == 0 or ratios.setdefault(prime, ratio) != ratio:
                return 0
            num_good += 1
        return sign if num_good >= 12 else 0
    except exact.NotRationalError:
        return _numeric_ratio(first, second, names, sign)


def _sign_of_ratio(first: Node, second: Node, names: list[str]) -> int:
    signs = {0 if ratio is None else (1 if ratio > 0 else -1) for ratio in _ratios(first, second, names)}
    return signs.pop() if len(signs) == 1 else 0


def _ratios(first: Node, second: Node, names: list[str]) -> list[numeric.Value]:
    """Ratios at some points where both are real; None where one is zero."""
    found: list[numeric.Value] = []
    for values in sample_points(names, "ratios"):
        try:
            one = numeric.evaluate(first, numeric.DIGITS, real=True, values=values)
            other = numeric.evaluate(second, numeric.DIGITS, real=True, values=values)
        except UndefinedError:
            continue
        if one == 0 and other == 0:
            continue
        with numeric.mp.workdps(numeric.DIGITS):
            found.append(one / other if one != 0 and other != 0 else None)
        if len(found) == numeric.NUM_POINTS:
            return found
    raise UnknownError("too few points where both relations are defined")


def _numeric_ratio(first: Node, second: Node, names: list[str], sign: int) -> int:
    with numeric.mp.workdps(numeric.DIGITS):
        ratios = _ratios(first, second, names)
        close = numeric.mp.mpf(10) ** -numeric.TOLERANCE
        return sign if all(abs(ratio - ratios[0]) <= close * abs(ratios[0]) for ratio in ratios) else 0
