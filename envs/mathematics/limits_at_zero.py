"""Limits at 0 of a function over a power, by the first term of its series: levels 5 and 6 of `limits`."""

from __future__ import annotations

from fractions import Fraction

from envs.mathematics.calculus_task import COEFFICIENTS, SLOPES, linear
from envs.mathematics.elementary import ONE, Function, NoRuleError, atom, plus, term, write
from envs.mathematics.polynomials import Polynomial, degree, joined, polynomial, written
from envs.mathematics.series import series
from envs.mathematics.spaces import Work

DIVISORS = tuple(range(1, 10))


def level_of_series(above: Function, below: Polynomial, point: str) -> int | str:
    functions = [of for of in above if of != ONE]
    if point != "0" or len(functions) != 1 or len(below) != 1 or degree(below) not in (1, 2, 3):
        return "shape"
    value = above[functions[0]]
    if set(value) != {0} or abs(value[0]) > COEFFICIENTS[-1] or not 0 < below[degree(below)] <= DIVISORS[-1]:
        return "range"
    try:
        first = min(series(above), default=0)
    except NoRuleError:
        return "shape"
    if first != degree(below) or dict(functions[0].inner).get(1, Fraction(0)) not in SLOPES:
        return "shape"
    return 5 if first == 1 else 6


def by_series(above: Function, below: Polynomial, letter: str) -> Work:
    """The function's series as far as it matters, the first term of the numerator's, and the limit."""
    order = degree(below)
    (of,) = (one for one in above if one != ONE)
    known = {power: value for power, value in series(term(1, 0, of)).items() if power <= order}
    top = {order: series(above)[order]}
    first = (
        f"{write(term(1, 0, of), letter)}:{joined(written({power: known[power]}, letter) for power in sorted(known))}"
    )
    return Work((first, f"({written(top, letter)})/({written(below, letter)})"), ratio(top, below), {})


def ratio(above: Polynomial, below: Polynomial) -> str:
    return str(above[degree(above)] / below[degree(below)])


def quotient(letter: str, above: Function, below: Polynomial, point: int | str) -> str:
    return f"({write(above, letter)})/({written(below, letter)}),{letter},{point}"


def first_order(letter: str, name: str, value: int, slope: int, divisor: int) -> str:
    if name == "ln":
        above = term(value, 0, atom(name, polynomial(slope, 1)))
    else:
        above = linear(name, value, 0, slope)
        above = plus(above, term(-value, 0)) if name == "exp" else above
    return quotient(letter, above, polynomial(divisor, 0), 0)


def second_order(letter: str, name: str, value: int, slope: int, divisor: int) -> str:
    above = linear(name, value, 0, slope)
    if name != "sin":
        above = plus(above, term(-value, 0))
    if name != "cos":
        above = plus(above, term(-value * slope, 1))
    return quotient(letter, above, {3 if name == "sin" else 2: Fraction(divisor)}, 0)
