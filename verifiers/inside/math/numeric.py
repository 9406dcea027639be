"""Values to many digits: equality of closed expressions and of functions, by evaluation with relative tolerance.

Two sides are called different only when their difference stays as it is while the precision is raised; equal when it
vanishes to the working precision, which is far beyond the size of all numbers that are written in them. Equality of
functions is decided at several points where both are defined, real unless an i is written. That is a declared limit: it
is agreement to some hundred digits, not a proof.

What would need too much memory or time (towers of powers, functions of huge arguments) raises TooLargeError.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from typing import Any

import mpmath

from verifiers.inside.math import exact
from verifiers.inside.math.nodes import Node, TooLargeError, UndefinedError, UnknownError, symbols, walk
from verifiers.inside.math.sampling import branch_points, sample_points

Value = Any
mp = mpmath.mp

DIGITS = 50
MORE_DIGITS = 130
TOLERANCE = 35
"""Digits that must agree at `DIGITS`."""
NUM_POINTS = 8
NUM_WHOLE_POINTS = 11
"""For what has values at whole numbers only, such as (-1)^n."""
_CLOSE = mp.mpf(10) ** -TOLERANCE
MAX_DIGITS = 1500
MAX_WRITTEN_DIGITS = 350
"""Digits of the numbers in an expression beyond which agreement could not be confirmed in reasonable time."""
_MAX_MAGNITUDE = 1 << 20
"""Bits before the binary point of an argument of a function, and of a power's logarithm."""


class AbsorbedError(UnknownError):
    """A part is too small beside another to be seen at this precision, as e^{-1000} in 1 + e^{-1000}."""


class Evaluator:
    """Evaluates trees at the current precision. With `real`, what is not real is undefined."""

    def __init__(self, values: Mapping[str, Fraction], *, real: bool) -> None:
        self._values = values
        self._real = real

    def value(self, node: Node) -> Value:
        """The value as an mpf or mpc; raises UndefinedError, TooLargeError or UnknownError."""
        result = self._value(node)
        if isinstance(result, mpmath.mpc) and result.imag == 0:
            result = result.real
        if self._real and isinstance(result, mpmath.mpc):
            raise UndefinedError("a value that is not real")
        if not mp.isfinite(result):
            raise UndefinedError("a value that is not finite")
        return result

    def _value(self, node: Node) -> Value:
        match node.kind:
            case "number":
                return _fraction(node.value.value)
            case "symbol":
                if node.value not in self._values:
                    raise UnknownError(f"the letter {node.value}")
                return _fraction(self._values[node.value])
            case "constant":
                return _constant(node.value)
            case "neg":
                return -self.value(node.args[0])
            case "add" | "mixed":
                return _sum([self.value(term) for term in node.args])
            case "mul":
                return mp.fprod([self.value(factor) for factor in node.args])
            case "div":
                below = self.value(node.args[1])
                if below == 0:
                    raise UndefinedError("division by zero")
                return self.value(node.args[0]) / below
            case "percent":
                return self.value(node.args[0]) / 100
            case "degree":
                return self.value(node.args[0]) * mp.pi / 180
            case "pow":
                return self._power(node)
            case "call":
                return self._call(node)
            case "huge":
                raise TooLargeError("an exponent that is too large")
        raise UnknownError(f"no number: {node.kind}")

    def _power(self, node: Node) -> Value:
        base, exponent = self.value(node.args[0]), self.value(node.args[1])
        if base == 0:
            if not isinstance(exponent, mpmath.mpc) and exponent > 0:
                return mp.mpf(0)
            raise UndefinedError("a power of zero")
        size = abs(mp.mag(base)) + 1
        if mp.mag(exponent) > 60 or size * abs(exponent) > _MAX_MAGNITUDE:
            raise TooLargeError("a very large power")
        if isinstance(base, mpmath.mpf) and base < 0 and isinstance(exponent, mpmath.mpf) and not mp.isint(exponent):
            if self._real:
                raise UndefinedError("a root of a negative number")
            base = mp.mpc(base)
        return mp.power(base, exponent)

    def _call(self, node: Node) -> Value:
        name = str(node.value)
        arguments = [self.value(argument) for argument in node.args]
        first = arguments[0]
        if any(mp.mag(argument) > _MAX_MAGNITUDE for argument in arguments if argument != 0):
            raise TooLargeError("a function of a very large number")
        try:
            return self._apply(name, first, arguments)
        except (TooLargeError, UndefinedError, UnknownError):
            raise
        except (ValueError, ZeroDivisionError, OverflowError, NotImplementedError) as error:
            raise UndefinedError(f"{name} has no value there") from error

    def _apply(self, name: str, first: Value, arguments: list[Value]) -> Value:
        if name in ("sqrt", "cbrt", "root"):
            return self._root(first, arguments[1] if name == "root" else mp.mpf(2 if name == "sqrt" else 3))
        if name in ("log", "ln"):
            return self._logarithm(first, arguments[1:])
        if name in ("factorial", "binom"):
            return _counting(name, arguments)
        if name in ("floor", "ceil", "abs", "Re", "Im"):
            return _parts(name, first)
        if name in ("min", "max") and not any(isinstance(one, mpmath.mpc) for one in arguments):
            return min(arguments) if name == "min" else max(arguments)
        if name in ("exp", "sinh", "cosh", "sin", "cos", "tan", "cot", "sec", "csc", "tanh") and mp.mag(first) > 20:
            raise TooLargeError(f"{name} of a very large number")
        function = _FUNCTIONS.get(name)
        if function is None:
            raise UnknownError(f"the function {name}")
        if name in _NEAR_ONE and first != 0 and 2 * mp.mag(first) < -mp.prec:
            raise AbsorbedError(f"{name} of a very small number")
        if name == "tanh" and 2 * abs(mp.re(first)) > mp.prec * 0.69:
            raise AbsorbedError("tanh of a large number")
        return function(first)

    def _root(self, value: Value, degree: Value) -> Value:
        if not mp.isint(degree) or not 0 < degree <= 1_000_000:
            if isinstance(value, mpmath.mpf) and value > 0 and degree != 0:
                return mp.exp(mp.log(value) / degree)
            raise UndefinedError("a root that is not whole")
        count = int(degree)
        if isinstance(value, mpmath.mpf) and value < 0:
            if count % 2:
                return -mp.root(-value, count)
            if self._real:
                raise UndefinedError("a root of a negative number")
        return mp.sqrt(value) if count == 2 else mp.exp(mp.log(value) / count) if value != 0 else value

    def _logarithm(self, value: Value, base: list[Value]) -> Value:
        if value == 0 or (self._real and value < 0) or (base and base[0] in (0, 1)):
            raise UndefinedError("a logarithm without a value")
        if base and self._real and base[0] < 0:
            raise UndefinedError("a logarithm without a value")
        return mp.log(value) / mp.log(base[0]) if base else mp.log(value)


def _sum(terms: list[Value]) -> Value:
    sizes = [mp.mag(term) for term in terms if term != 0]
    if sizes and min(sizes) < max(sizes) - mp.prec:
        raise AbsorbedError("a summand too small beside another")
    return mp.fsum(terms)


def _fraction(value: Fraction) -> Value:
    return mp.mpf(value.numerator) / value.denominator


def _constant(name: str) -> Value:
    if name == "infinity":
        raise UnknownError("infinity")
    return {"pi": +mp.pi, "e": +mp.e, "i": mp.mpc(0, 1)}[name]


def _counting(name: str, arguments: list[Value]) -> Value:
    if any(isinstance(one, mpmath.mpc) or one > 100_000 for one in arguments):
        raise TooLargeError(f"{name} of a large number")
    return mp.factorial(arguments[0]) if name == "factorial" else mp.binomial(arguments[0], arguments[1])


def _parts(name: str, value: Value) -> Value:
    if name == "abs":
        return abs(value)
    if name in ("Re", "Im"):
        return mp.re(value) if name == "Re" else mp.im(value)
    if isinstance(value, mpmath.mpc):
        raise UndefinedError(f"{name} of a complex number")
    nearest = mp.nint(value)
    if value != nearest and abs(value - nearest) < mp.mpf(10) ** (20 - mp.dps):
        raise UnknownError(f"{name} of something that may be whole")
    return mp.floor(value) if name == "floor" else mp.ceil(value)


_NEAR_ONE = ("exp", "cos", "cosh", "sec")
_FUNCTIONS: dict[str, Any] = {
    "exp": mp.exp, "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "cot": mp.cot, "sec": mp.sec, "csc": mp.csc,
    "arcsin": mp.asin, "arccos": mp.acos, "arctan": mp.atan, "arccot": mp.acot, "arcsec": mp.asec, "arccsc": mp.acsc,
    "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh, "arcsinh": mp.asinh, "arccosh": mp.acosh, "arctanh": mp.atanh,
}  # fmt: skip


def written_digits(*nodes: Node) -> int:
    """How many digits the numbers of some trees have together, values of their rational parts included."""
    total = 0
    for tree in nodes:
        waiting = [tree]
        while waiting:
            node = waiting.pop()
            if node.kind not in ("symbol", "constant", "number"):
                waiting.extend(node.args)
            try:
                total += exact.bits(exact.rational(node)) // 3 if node.kind in ("number", "pow", "call") else 0
            except (UnknownError, UndefinedError):
                continue
    return total


def evaluate(node: Node, digits: int, *, real: bool, values: Mapping[str, Fraction] | None = None) -> Value:
    """A value to that many digits (nearly: cancellation may have cost some)."""
    with mp.workdps(digits):
        return Evaluator(values or {}, real=real).value(node)


def closed_equal(first: Node, second: Node) -> bool:
    """Whether two closed expressions are equal; raises UndefinedError if either has no value."""
    real = not any((one.kind, one.value) == ("constant", "i") for tree in (first, second) for one in walk(tree))
    try:
        one, other = (_value_or_none(tree, {}, real=real) for tree in (first, second))
        if one is None or other is None:  # then as complex numbers; what has no value even so raises
            real = False
            one, other = (evaluate(tree, DIGITS, real=False) for tree in (first, second))
        if not _agree(one, other, first, second, {}, real=real):
            return False
        digits = MORE_DIGITS
    except AbsorbedError:
        digits = MAX_DIGITS
    needed = written_digits(first, second)
    if needed > MAX_WRITTEN_DIGITS:
        raise UnknownError("agreement of numbers with very many digits")
    return _vanishes(first, second, {}, real=real, digits=min(MAX_DIGITS, digits + 4 * needed))


def functions_equal(first: Node, second: Node, seed: str) -> bool:
    """Whether two expressions with letters are equal wherever both are defined; UnknownError if hardly anywhere."""
    names = sorted(symbols(first) | symbols(second))
    real = not any((one.kind, one.value) == ("constant", "i") for tree in (first, second) for one in walk(tree))
    for values in branch_points(names, seed, first, second):
        if _at_point(first, second, values, real=real) is _Point.DIFFERENT:
            return False
    num_good = num_fractional = num_one_sided = num_too_large = 0
    for values in sample_points(names, seed):
        found = _at_point(first, second, values, real=real, certain=num_good == 0)
        if found is _Point.DIFFERENT:
            return False
        num_one_sided += found is _Point.ONE_SIDED
        num_too_large += found is _Point.TOO_LARGE
        if found is _Point.SAME:
            num_good += 1
            num_fractional += any(value.denominator != 1 for value in values.values())
            if num_good >= (NUM_POINTS if num_fractional else NUM_WHOLE_POINTS):
                return True
    if num_good == 0 and num_one_sided >= NUM_POINTS:
        return False  # where one has values the other has none
    if num_good == 0 and num_too_large:
        raise TooLargeError("values that are too large wherever they were tried")
    raise UnknownError("too few points where both sides are defined")


class _Point(Enum):
    """What one point says about two functions."""

    SAME = 1
    DIFFERENT = 2
    ONE_SIDED = 3  # only one is defined there
    UNUSABLE = 4
    TOO_LARGE = 5


def _at_point(
    first: Node, second: Node, values: Mapping[str, Fraction], *, real: bool, certain: bool = False
) -> _Point:
    """Compare two functions at a point; `certain` also confirms what is the same at more digits."""
    try:
        one, other = (_value_or_none(tree, values, real=real) for tree in (first, second))
        if one is None or other is None:
            return _Point.UNUSABLE if one is other else _Point.ONE_SIDED
        same = _agree(one, other, first, second, values, real=real)
        if same and certain:
            same = _vanishes(first, second, values, real=real, digits=MORE_DIGITS)
        return _Point.SAME if same else _Point.DIFFERENT
    except TooLargeError:
        return _Point.TOO_LARGE
    except (UndefinedError, AbsorbedError):
        return _Point.UNUSABLE


def _value_or_none(node: Node, values: Mapping[str, Fraction], *, real: bool) -> Value:
    try:
        return evaluate(node, DIGITS, real=real, values=values)
    except UndefinedError:
        return None


def _agree(one: Value, other: Value, first: Node, second: Node, values: Mapping[str, Fraction], *, real: bool) -> bool:
    """Whether two values are the same to `TOLERANCE` digits, or their difference shrinks as precision grows."""
    with mp.workdps(DIGITS):
        gap, scale = abs(one - other), max(abs(one), abs(other))
        if gap <= scale * _CLOSE:
            return True
    return _vanishes(first, second, values, real=real, digits=MORE_DIGITS, before=gap)


def _vanishes(
    first: Node, second: Node, values: Mapping[str, Fraction], *, real: bool, digits: int, before: Value = None
) -> bool:
    """Whether the difference is zero to the given precision, or is much smaller than it was with fewer digits."""
    with mp.workdps(digits):
        evaluator = Evaluator(values, real=real)
        one, other = evaluator.value(first), evaluator.value(second)
        gap, scale = abs(one - other), max(abs(one), abs(other))
        if gap == 0 or gap <= scale * mp.mpf(10) ** (DIGITS - TOLERANCE - digits):
            return True
        if before is None and digits == MAX_DIGITS:
            return False
        if before is None:
            before = abs(
                evaluate(first, DIGITS, real=real, values=values) - evaluate(second, DIGITS, real=real, values=values)
            )
        return bool(before != 0 and gap <= before * mp.mpf(10) ** (DIGITS - digits + 20))
