"""What sympy decides about derivatives and factors: equal derivatives, irreducible factors, or undecided.

Trees come from `expression`, as in `algebra`, with its bounds. Functions are real; two antiderivatives are the same if
their derivatives are equal and the given one is real somewhere on either side's domain. Expressions that could be
constant in pieces (abs outside of a logarithm, roots of anything but a letter or a number) are not decided.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy

from verifiers.inside.algebra import Translator, compare_translated
from verifiers.inside.expression import Node

_SIZES = ((7, 3), (11, 5), (13, 17), (5, 19), (9, 2), (29, 31))
_POINTS = [Fraction(sign * above, below) for above, below in _SIZES for sign in (1, -1)]
_MIN_REAL = 4
"""At how many points an antiderivative has to be real, of those where the reference is; a logarithm is at half."""


def same_derivative(given: Node, reference: Node, letter: str) -> bool | None:
    """Whether two functions of a letter have the same derivative, or None. Other letters are constants.

    Raises TooLargeError or UndefinedError as `algebra.compare` does.
    """
    translator = Translator({})
    one, num_terms = translator.translate(given)
    other, more_terms = translator.translate(reference)
    variable = sympy.Symbol(letter, real=True)
    if _in_pieces(one, variable) or _in_pieces(other, variable):
        return None
    first, second = (_without_bars(side).diff(variable) for side in (one, other))
    equal = compare_translated(first, second, 4 * max(num_terms, more_terms))
    return _is_real_enough(one, other, variable) if equal else equal


def _in_pieces(function: Any, variable: Any) -> bool:
    for part in sympy.preorder_traversal(_without_bars(function)):
        if not part.has(variable):
            continue
        if isinstance(part, (sympy.Abs, sympy.sign, sympy.factorial)):
            return True
        if part.is_Pow and part.exp.is_Rational and not part.exp.is_Integer and part.base != variable:
            return True
    return False


def _without_bars(function: Any) -> Any:
    """log(c*abs(u)) as log(c*u), which has the same derivative where it is real."""
    return function.replace(sympy.log, _log_without_bars)


def _log_without_bars(argument: Any) -> Any:
    factors = sympy.Mul.make_args(argument)
    return sympy.log(sympy.Mul(*(one.args[0] if isinstance(one, sympy.Abs) else one for one in factors)))


def _is_real_enough(one: Any, other: Any, variable: Any) -> bool | None:
    points = [sympy.Rational(point.numerator, point.denominator) for point in _POINTS]
    wanted = [point for point in points if _is_real(other, variable, point)]
    if len(wanted) < _MIN_REAL:
        return None
    return sum(_is_real(one, variable, point) for point in wanted) >= _MIN_REAL


def _is_real(function: Any, variable: Any, point: Any) -> bool:
    """Whether a function is real and finite at a point; other letters are 1 there."""
    others = dict.fromkeys(function.free_symbols - {variable}, sympy.Integer(1))
    value = function.subs({**others, variable: point}).evalf(15)
    return bool(value.is_number and value.is_finite and value.is_real)


def is_irreducible(factor: Node) -> bool:
    """Whether a polynomial has whole coefficients without a common divisor, and no factors but itself."""
    expression, _ = Translator({}).translate(factor)
    letters = sorted(expression.free_symbols, key=str)
    if not letters:
        return False
    polynomial = sympy.Poly(expression, *letters, domain="QQ")
    if any(value.q != 1 for value in polynomial.coeffs()):
        return False
    divisor, _ = polynomial.set_domain("ZZ").primitive()
    return bool(abs(divisor) == 1 and polynomial.is_irreducible)
