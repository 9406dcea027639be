"""A small grammar for expressions, and their exact value where it is rational. No sympy, no eval, no Python parser.

Grammar (whitespace ignored; `^` is `**`, which binds to the right and tighter than a sign before it):

    sum     = product (("+" | "-") product)*
    product = signed (("*" | "/") signed)*
    signed  = ("+" | "-") signed | power
    power   = atom "!"* ["**" signed]
    atom    = digits ["." digits] | "pi" | letter | function "(" sum ")" | "(" sum ")"

Every operation is explicit (`2x` is not read), letters are variables (also e and i), decimals are exact.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NoReturn

MAX_CHARACTERS = 1000
MAX_DEPTH = 50
MAX_BITS = 20_000
"""No intermediate value may be larger than this; a power is refused before it is computed."""
MAX_FACTORIAL = 1000
FUNCTIONS = ("sqrt", "abs", "exp", "log", "ln", "sin", "cos", "tan", "factorial")

_TOKEN = re.compile(r"\s*(?:([0-9]+(?:\.[0-9]*)?|\.[0-9]+)|([A-Za-z]+)|(\*\*|[-+*/^()!]))")

Node = tuple[object, ...]
"""("number", Fraction), ("symbol", letter), ("pi",), ("call", name, node), ("power", base, exponent),
("negative", node), ("sum", [nodes]), ("product", [(node, divides)])."""


class UnreadableError(ValueError):
    """The text is not an expression of this grammar."""


class TooLargeError(ValueError):
    """A value would be larger than this module is willing to compute."""


class UndefinedError(ValueError):
    """The expression has no value: division by zero, factorial of a negative number."""


class NotRationalError(ValueError):
    """The value is not rational, or this module cannot tell."""


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """The tree of an expression; raises UnreadableError."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_CHARACTERS:
            raise UnreadableError(f"longer than {MAX_CHARACTERS} characters")
        self._tokens = _tokens(text)
        self._position = 0
        self._depth = 0

    def whole(self) -> Node:
        if not self._tokens:
            raise UnreadableError("it is empty")
        node = self._sum()
        if self._position < len(self._tokens):
            self._refuse()
        return node

    def _peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        token = self._peek()
        if token in wanted:
            self._position += 1
            return token
        return ""

    def _refuse(self) -> NoReturn:
        raise UnreadableError(f"unexpected {self._peek()[:20]!r}" if self._peek() else "it ends too early")

    def _sum(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnreadableError(f"nested deeper than {MAX_DEPTH}")
        terms = [self._product()]
        while sign := self._take("+", "-"):
            term = self._product()
            terms.append(("negative", term) if sign == "-" else term)
        self._depth -= 1
        return terms[0] if len(terms) == 1 else ("sum", terms)

    def _product(self) -> Node:
        factors = [(self._signed(), False)]
        while operator := self._take("*", "/"):
            factors.append((self._signed(), operator == "/"))
        return factors[0][0] if len(factors) == 1 else ("product", factors)

    def _signed(self) -> Node:
        negative = False
        while sign := self._take("+", "-"):
            negative ^= sign == "-"
        node = self._power()
        return ("negative", node) if negative else node

    def _power(self) -> Node:
        node = self._atom()
        while self._take("!"):
            node = ("call", "factorial", node)
        if self._take("**", "^"):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise UnreadableError(f"nested deeper than {MAX_DEPTH}")
            node = ("power", node, self._signed())
            self._depth -= 1
        return node

    def _atom(self) -> Node:
        token = self._peek()
        if not token:
            self._refuse()
        if self._take("("):
            return self._closed()
        if token[0].isdigit() or token[0] == ".":
            self._position += 1
            return ("number", Fraction(token))
        if not token[0].isalpha():
            self._refuse()
        self._position += 1
        if token == "pi":
            return ("pi",)
        if token in FUNCTIONS:
            if not self._take("("):
                raise UnreadableError(f"{token} needs parentheses")
            return ("call", token, self._closed())
        if len(token) == 1:
            return ("symbol", token)
        raise UnreadableError(f"unknown name {token[:20]!r}")

    def _closed(self) -> Node:
        node = self._sum()
        if not self._take(")"):
            self._refuse()
        return node


def _tokens(text: str) -> list[str]:
    tokens, position, text = [], 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnreadableError(f"unexpected {text[position:].strip()[:1]!r}")
        tokens.append(match.group(match.lastindex or 0))
        position = match.end()
    return tokens


def symbols(node: object) -> frozenset[str]:
    """The letters in a tree."""
    if isinstance(node, tuple) and node[0] == "symbol":
        return frozenset([str(node[1])])
    if isinstance(node, (tuple, list)):
        return frozenset().union(*(symbols(part) for part in node))
    return frozenset()


def rational(node: Node, values: Mapping[str, Fraction]) -> Fraction:
    """The exact value with letters replaced by `values`; raises NotRationalError, TooLargeError or UndefinedError.

    A letter without a value is NotRationalError.
    """
    match node:
        case ("number", Fraction() as value):
            return value
        case ("symbol", str(letter)):
            if letter not in values:
                raise NotRationalError(letter)
            return values[letter]
        case ("negative", tuple(inner)):
            return -rational(inner, values)
        case ("sum", list(terms)):
            total = Fraction(0)
            for term in terms:
                total = _bounded(total + rational(term, values))
            return total
        case ("product", list(factors)):
            total = Fraction(1)
            for factor, divides in factors:
                value = rational(factor, values)
                if divides and value == 0:
                    raise UndefinedError("division by zero")
                total = _bounded(total / value if divides else total * value)
            return total
        case ("power", tuple(base), tuple(exponent)):
            return rational_power(rational(base, values), rational(exponent, values))
        case ("call", str(name), tuple(argument)):
            return _call(name, rational(argument, values))
    raise NotRationalError(str(node[0]))


def rational_power(base: Fraction, exponent: Fraction) -> Fraction:
    """base ** exponent for an integer exponent (0**0 is 1), never computing more than `MAX_BITS`."""
    if exponent.denominator != 1:
        raise NotRationalError("a root")
    count = exponent.numerator
    if base == 0 and count < 0:
        raise UndefinedError("division by zero")
    if base in (0, 1):
        return base if count else Fraction(1)
    if base == -1:
        return Fraction(-1 if count % 2 else 1)
    if abs(count) * max(abs(base.numerator).bit_length(), base.denominator.bit_length()) > MAX_BITS:
        raise TooLargeError(f"a power of more than {MAX_BITS} bits")
    return base**count


def _call(name: str, value: Fraction) -> Fraction:
    if name == "abs":
        return abs(value)
    if name == "sqrt" and value >= 0:
        above, below = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if above * above == value.numerator and below * below == value.denominator:
            return Fraction(above, below)
    if name == "factorial":
        if value.denominator != 1 or value < 0:
            raise UndefinedError("factorial of something that is no natural number")
        if value > MAX_FACTORIAL:
            raise TooLargeError(f"a factorial beyond {MAX_FACTORIAL}!")
        return Fraction(math.factorial(value.numerator))
    if value == 0 and name in ("exp", "cos"):
        return Fraction(1)
    if (value == 0 and name in ("sin", "tan")) or (value == 1 and name in ("log", "ln")):
        return Fraction(0)
    raise NotRationalError(name)


def _bounded(value: Fraction) -> Fraction:
    if max(abs(value.numerator).bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise TooLargeError(f"a value of more than {MAX_BITS} bits")
    return value
