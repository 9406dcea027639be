"""Number literals as exact values: integer, decimal, scientific, fraction of two integers. ASCII digits only.

A value is kept as numerator / denominator * 10**exponent, so that `1e999999999` costs nothing, is not infinity, and is
compared exactly. No floats anywhere. Not read: thousands separators, percent, mixed numbers, units, inf, nan.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

MAX_LITERAL_CHARACTERS = 2000
MAX_EXPONENT_DIGITS = 18
FAR_APART = 10_000
"""Powers of ten. Two nonzero literals whose exponents differ by more than this cannot be near each other, because
numerators and denominators have at most `MAX_LITERAL_CHARACTERS` digits."""

_FRACTION = re.compile(r"([+-]?)([0-9]+)\s*/\s*([0-9]+)")
_DECIMAL = re.compile(r"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?)([0-9]+))?")


class Literal(NamedTuple):
    """The value numerator / denominator * 10**exponent; denominator > 0."""

    numerator: int
    denominator: int
    exponent: int


@lru_cache(maxsize=8192)
def read_literal(text: str) -> Literal | str:
    """The number that `text` is, or why it is none. Whitespace around it (and around a fraction's bar) is ignored."""
    text = text.strip()
    if len(text) > MAX_LITERAL_CHARACTERS:
        return f"a number of more than {MAX_LITERAL_CHARACTERS} characters"
    if match := _FRACTION.fullmatch(text):
        sign, above, below = match.groups()
        denominator = int(below)
        if denominator == 0:
            return "a fraction with denominator 0"
        return Literal(int(sign + above), denominator, 0)
    if match := _DECIMAL.fullmatch(text):
        sign, whole, after, only_after, exponent_sign, exponent_digits = match.groups()
        decimals = after or only_after or ""
        exponent_digits = (exponent_digits or "0").lstrip("0") or "0"
        if len(exponent_digits) > MAX_EXPONENT_DIGITS:
            return f"an exponent of more than {MAX_EXPONENT_DIGITS} digits"
        exponent = int((exponent_sign or "") + exponent_digits) - len(decimals)
        return Literal(int(sign + (whole or "") + decimals), 1, exponent)
    return "not a number (integer, decimal, scientific or a/b)" if text else "the answer is empty"


def read_canonical(text: str) -> Fraction | str:
    """A literal without exponent as a fraction, or why it is none."""
    if "e" in text or "E" in text:
        return "not a number (integer, decimal or a/b)"
    literal = read_literal(text)
    if isinstance(literal, str):
        return literal
    return Fraction(literal.numerator, literal.denominator) * Fraction(10) ** literal.exponent


def close(answer: Literal, reference: Literal, relative_tolerance: Fraction) -> bool:
    """Whether |answer - reference| <= relative_tolerance * |reference|, exactly; needs 0 <= relative_tolerance < 1.

    >>> close(Literal(1, 1, 400), Literal(10, 1, 399), Fraction(0))
    True
    """
    if answer.numerator == 0 or reference.numerator == 0:
        return answer.numerator == reference.numerator
    shift = answer.exponent - reference.exponent
    if abs(shift) > FAR_APART:
        return False  # then they differ by more than a factor of 10**6000, and the tolerance is below 1
    left: int = answer.numerator * reference.denominator * 10 ** max(shift, 0)
    right: int = reference.numerator * answer.denominator * 10 ** max(-shift, 0)
    if relative_tolerance == 0:
        return left == right
    return abs(left - right) * relative_tolerance.denominator <= relative_tolerance.numerator * abs(right)
