"""Exact values: of closed rational expressions as bounded fractions, and of rational functions modulo large primes.

Sizes are estimated before anything is computed: what would be too large raises TooLargeError. Two rational functions
that agree at random points modulo two 61-bit primes are equal but for a chance of about degree / 2**61 a point.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction

from verifiers.inside.math.nodes import Node, TooLargeError, UndefinedError, UnknownError, walk

MAX_BITS = 60_000
MAX_COUNT = 5000
"""Largest factorial, and largest n of a binomial coefficient."""
MAX_DEGREE_BITS = 40
PRIMES = (2305843009213693951, 2305843009213693921, 2305843009213693907, 2305843009213693723)
NUM_POINTS = 3


class NotRationalError(UnknownError):
    """The value is not rational, or this module cannot tell."""


def rational(node: Node) -> Fraction:
    """The exact value of a closed expression; raises NotRationalError, TooLargeError or UndefinedError."""
    match node.kind:
        case "number":
            return node.value.value  # type: ignore[no-any-return]
        case "neg":
            return -rational(node.args[0])
        case "percent":
            return rational(node.args[0]) / 100
        case "add" | "mixed":
            total = Fraction(0)
            for term in node.args:
                total = _bounded(total + rational(term))
            return total
        case "mul":
            total = Fraction(1)
            for factor in node.args:
                total = _bounded(total * rational(factor))
            return total
        case "div":
            above, below = rational(node.args[0]), rational(node.args[1])
            if below == 0:
                raise UndefinedError("division by zero")
            return _bounded(above / below)
        case "pow":
            return _power(rational(node.args[0]), rational(node.args[1]))
        case "call":
            return _call(str(node.value), [rational(argument) for argument in node.args])
        case "huge":
            raise TooLargeError("an exponent that is too large")
    raise NotRationalError(node.kind)


def bits(value: Fraction) -> int:
    return max(abs(value.numerator).bit_length(), value.denominator.bit_length())


def _bounded(value: Fraction) -> Fraction:
    if bits(value) > MAX_BITS:
        raise TooLargeError(f"a value of more than {MAX_BITS} bits")
    return value


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        return _fractional_power(base, exponent)
    if base == 0 and exponent <= 0:
        raise UndefinedError("a power of zero that is not positive")
    if abs(base) in (0, 1):
        return base if exponent % 2 else base * base
    if abs(exponent) * bits(base) > MAX_BITS:
        raise TooLargeError(f"a power of more than {MAX_BITS} bits")
    return base ** int(exponent)


def _fractional_power(base: Fraction, exponent: Fraction) -> Fraction:
    if base < 0 or exponent.denominator > 1000 or abs(exponent.numerator) > 1000:
        raise NotRationalError("a root")
    return _power(root(base, exponent.denominator), Fraction(exponent.numerator))


def root(value: Fraction, degree: int) -> Fraction:
    """The exact real root; raises NotRationalError if it is irrational."""
    if value < 0 and degree % 2:
        return -root(-value, degree)
    if value < 0 or degree < 1:
        raise NotRationalError("a root")
    above, below = _whole_root(value.numerator, degree), _whole_root(value.denominator, degree)
    if above**degree != value.numerator or below**degree != value.denominator:
        raise NotRationalError("a root")
    return Fraction(above, below)


def _whole_root(value: int, degree: int) -> int:
    if degree == 2 or value < 2:
        return math.isqrt(value) if degree == 2 else value
    if degree >= value.bit_length():
        return 1
    low, high = 1, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= value else (low, middle - 1)
    return low


def _call(name: str, values: list[Fraction]) -> Fraction:
    first = values[0]
    match name:
        case "abs":
            return abs(first)
        case "floor":
            return Fraction(math.floor(first))
        case "ceil":
            return Fraction(math.ceil(first))
        case "sqrt":
            return root(first, 2)
        case "cbrt":
            return root(first, 3)
        case "root" if values[1].denominator == 1 and 0 < values[1] <= 1000:
            return root(first, int(values[1]))
        case "factorial":
            return Fraction(math.factorial(_count(first)))
        case "binom":
            below = _count(values[1])
            return Fraction(math.comb(_count(first), below))
        case "min" | "max":
            return min(values) if name == "min" else max(values)
        case "gcd" | "lcm" if all(value.denominator == 1 for value in values):
            whole = [int(value) for value in values]
            return Fraction(math.gcd(*whole) if name == "gcd" else math.lcm(*whole))
        case "log" | "ln" | "sin" | "tan" | "exp" | "cos":
            if (first == 1 and name == "ln") or (first == 0 and name in ("sin", "tan")):
                return Fraction(0)
            if first == 0 and name in ("exp", "cos"):
                return Fraction(1)
    raise NotRationalError(name)


def _count(value: Fraction) -> int:
    if value.denominator != 1 or value < 0:
        raise UndefinedError("a count that is no natural number")
    if value > MAX_COUNT:
        raise TooLargeError(f"a factorial or binomial beyond {MAX_COUNT}")
    return int(value)


# Rational functions modulo primes


def modular(node: Node, values: Mapping[str, int], prime: int) -> int:
    """The value modulo a prime with letters replaced; raises NotRationalError, TooLargeError, or UndefinedError."""
    match node.kind:
        case "number":
            value = node.value.value
            return _quotient(value.numerator, value.denominator, prime)
        case "symbol":
            return values[node.value]
        case "neg":
            return -modular(node.args[0], values, prime) % prime
        case "percent":
            return _quotient(modular(node.args[0], values, prime), 100, prime)
        case "add" | "mixed":
            return sum(modular(term, values, prime) for term in node.args) % prime
        case "mul":
            total = 1
            for factor in node.args:
                total = total * modular(factor, values, prime) % prime
            return total
        case "div":
            return _quotient(modular(node.args[0], values, prime), modular(node.args[1], values, prime), prime)
        case "pow":
            return _modular_power(node, values, prime)
        case "call" if all(one.kind != "symbol" for one in walk(node)):
            value = rational(node)
            return _quotient(value.numerator, value.denominator, prime)
        case "huge":
            raise TooLargeError("an exponent that is too large")
    raise NotRationalError(node.kind)


def _quotient(above: int, below: int, prime: int) -> int:
    if below % prime == 0:
        raise UndefinedError("division by zero")
    return above * pow(below, -1, prime) % prime


def _modular_power(node: Node, values: Mapping[str, int], prime: int) -> int:
    exponent = rational(node.args[1]) if not any(one.kind == "symbol" for one in walk(node.args[1])) else None
    if exponent is None or exponent.denominator != 1:
        if exponent is not None and not any(one.kind == "symbol" for one in walk(node)):
            value = rational(node)
            return _quotient(value.numerator, value.denominator, prime)
        raise NotRationalError("a power that is not whole")
    if exponent.numerator.bit_length() > MAX_DEGREE_BITS:
        raise TooLargeError("a power of very high degree")
    base = modular(node.args[0], values, prime)
    if base == 0 and exponent <= 0:
        raise UndefinedError("a power of zero that is not positive")
    return pow(base, int(exponent), prime)


def points(names: list[str], seed: str) -> Iterator[tuple[int, dict[str, int]]]:
    """Endless (prime, values of the letters) pairs; the same for the same seed."""
    count = 0
    while True:
        prime = PRIMES[count % len(PRIMES)]
        values = {}
        for name in names:
            digest = hashlib.blake2b(f"{seed}\0{name}\0{count}".encode("utf-8", "replace"), digest_size=16).digest()
            values[name] = int.from_bytes(digest, "big") % prime
        yield prime, values
        count += 1
