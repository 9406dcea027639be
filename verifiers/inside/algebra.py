"""Exact decisions about expressions through sympy: equal, different, or undecided. Only this and `calculus` import it.

Trees come from `expression`, never from text. Letters are real variables; expressions are compared as functions where
both are defined, so x/x equals 1. How a decision is made:

- rational functions: expand the numerator of the difference (exact both ways), unless it could have too many terms;
- closed numbers: "different" when sympy's evaluation, whose digits are certified, is not zero; "equal" only by proof
  (minimal polynomial, or simplification to 0);
- the rest: "different" when the two sides differ at one of a few rational points where both are real; "equal" only by
  proof.

It never answers "equal" because of a small number. Expressions that would grow too large raise TooLargeError.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import sympy

from verifiers.inside.expression import MAX_BITS, Node, NotRationalError, TooLargeError, UndefinedError, rational

MAX_TERMS = 3000
"""A polynomial that could have more terms than this is not expanded."""
MAX_DEGREE = 60
"""Largest whole power of something that contains a letter."""
MAX_EXPONENT = 500
"""Largest exponent of a number that is not a whole power."""

_CALLS = {
    "sqrt": sympy.sqrt,
    "abs": sympy.Abs,
    "exp": sympy.exp,
    "log": sympy.log,
    "ln": sympy.log,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "factorial": sympy.factorial,
}
_POINTS = (Fraction(7, 3), Fraction(-11, 5), Fraction(13, 17), Fraction(-5, 19), Fraction(23, 2), Fraction(29, 31))


class Translator:
    """Turns trees into sympy expressions, with letters replaced by `values`.

    Whatever is a rational number is first computed in bounded fractions, which refuses powers and factorials that are
    too large. With `fold` that number is used; without, sympy computes it again (for checking one against the other).
    """

    def __init__(self, values: dict[str, Fraction], *, fold: bool = True) -> None:
        self._values = values
        self._fold = fold

    def translate(self, node: Node) -> tuple[Any, int]:
        """The expression, and a bound on its number of terms when expanded. Raises TooLargeError, UndefinedError."""
        try:
            value = rational(node, self._values)
        except NotRationalError:
            pass
        else:
            if self._fold or node[0] in ("number", "symbol"):
                return sympy.Rational(value.numerator, value.denominator), 1
        match node:
            case ("symbol", str(letter)):
                return sympy.Symbol(letter, real=True), 1
            case ("pi",):
                return sympy.pi, 1
            case ("negative", tuple(inner)):
                expression, num_terms = self.translate(inner)
                return -expression, num_terms
            case ("sum", list(terms)):
                parts = [self.translate(term) for term in terms]
                return sympy.Add(*(part for part, _ in parts)), _few(sum(count for _, count in parts))
            case ("product", list(factors)):
                return self._product(factors)
            case ("power", tuple(base), tuple(exponent)):
                return self._power(base, exponent)
            case ("call", str(name), tuple(argument)):
                expression, _ = self.translate(argument)
                return _defined(_CALLS[name](expression)), 1
        raise AssertionError(f"a tree node of unknown kind {node[0]!r}")

    def _product(self, factors: list[tuple[Node, bool]]) -> tuple[Any, int]:
        total, num_terms = sympy.Integer(1), 1
        for factor, divides in factors:
            expression, count = self.translate(factor)
            if divides and expression == 0:
                raise UndefinedError("division by zero")
            total = total / expression if divides else total * expression
            num_terms = _few(num_terms * count)
        return _defined(total), num_terms

    def _power(self, base: Node, exponent: Node) -> tuple[Any, int]:
        below, num_terms = self.translate(base)
        above, _ = self.translate(exponent)
        if above.is_Integer and not below.is_Rational:
            degree = abs(int(above))
            if degree > MAX_DEGREE:
                raise TooLargeError(f"a power beyond {MAX_DEGREE} of something that is not a plain number")
            num_terms = _few(math.comb(num_terms + degree - 1, degree))
        elif above.is_Rational and not above.is_Integer:
            size = max(abs(int(below.p)).bit_length(), int(below.q).bit_length()) if below.is_Rational else 1
            if abs(above) > MAX_EXPONENT or abs(above) * size > MAX_BITS:
                raise TooLargeError(f"a root's power beyond {MAX_EXPONENT}")
        return _defined(below**above), num_terms


def _few(num_terms: int) -> int:
    return min(num_terms, MAX_TERMS + 1)


def _defined(expression: Any) -> Any:
    if expression.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        raise UndefinedError("a value that is not finite")
    return expression


def has_value(node: Node) -> bool:
    """Whether an expression has a finite value: not 1/0 or log(0). One that is too large counts as having one."""
    try:
        Translator({}).translate(node)
    except UndefinedError:
        return False
    except TooLargeError:
        pass
    return True


def compare(left: Node, right: Node, values: dict[str, Fraction], *, fold: bool = True) -> bool | None:
    """Whether two trees are equal, or None if that could not be decided. Raises TooLargeError or UndefinedError."""
    translator = Translator(values, fold=fold)
    first, first_terms = translator.translate(left)
    second, second_terms = translator.translate(right)
    return compare_translated(first, second, max(first_terms, second_terms))


def compare_translated(first: Any, second: Any, num_terms: int) -> bool | None:
    """`compare` of sympy expressions; `num_terms` bounds how many terms either has when expanded."""
    try:
        return _compare(first, second, num_terms)
    except (NotImplementedError, ArithmeticError, sympy.PolynomialError):
        return None  # sympy has no method for it


def _compare(first: Any, second: Any, num_terms: int) -> bool | None:
    difference = first - second
    if difference == 0:
        return True
    letters = sorted(difference.free_symbols, key=str)
    if not letters:
        return closed_is_zero(difference)
    plain = difference.is_rational_function(*letters) and _coefficients_rational(difference)
    if plain and num_terms <= MAX_TERMS:
        numerator, _ = sympy.fraction(sympy.together(difference))
        return bool(sympy.expand(numerator) == 0)
    if _differ_somewhere(first, second):
        return False
    return True if not plain and sympy.simplify(difference) == 0 else None


def _coefficients_rational(expression: Any) -> bool:
    return all(atom.is_Symbol or atom.is_Rational for atom in expression.atoms())


def closed_is_zero(number: Any) -> bool | None:
    """Whether an expression without letters is zero, or None."""
    if certainly_nonzero(number):
        return False
    if number.is_algebraic:
        variable = sympy.Dummy("t")
        return bool(sympy.minimal_polynomial(number, variable) == variable)
    return True if sympy.simplify(number) == 0 else None


def certainly_nonzero(number: Any) -> bool:
    """Whether evaluation certifies a nonzero digit (sympy marks a result without certified digits by precision 1)."""
    parts = number.evalf(20, maxn=200).as_real_imag()
    return any(part.is_Float and part.is_finite and part._prec > 1 and part != 0 for part in parts)


def _differ_somewhere(first: Any, second: Any) -> bool:
    """Whether the two sides certainly differ at a rational point where both are real and finite."""
    letters = sorted(first.free_symbols | second.free_symbols, key=str)
    for shift in range(len(_POINTS)):
        point = {
            letter: sympy.Rational(value.numerator, value.denominator)
            for position, letter in enumerate(letters)
            for value in [_POINTS[(shift + position) % len(_POINTS)] + position]
        }
        one, other = first.subs(point), second.subs(point)
        if one.is_real and other.is_real and certainly_nonzero(one - other):
            return True
    return False
