"""Whether a polynomial is written out as a sum, or as a product: about the form of a tree, without computing it.

Terms and factors are taken apart as they stand; whether they are the right ones, and whether a factor can be factored
further, is for the caller.
"""

from __future__ import annotations

from verifiers.inside.math.forms import literal
from verifiers.inside.math.nodes import Node

Monomial = tuple[tuple[str, int], ...]

MAX_POWER = 60


class NotThisFormError(ValueError):
    """The tree is a polynomial in another form, or none."""


def check_expanded(node: Node) -> None:
    """Raise NotThisFormError unless it is a sum of different monomials, each a coefficient and powers of letters."""
    seen: set[Monomial] = set()
    for term in _terms(node):
        monomial = _monomial(term)
        if monomial in seen:
            raise NotThisFormError("like terms are not collected")
        seen.add(monomial)


def factors_of(node: Node) -> list[Node]:
    """The factors that have letters, each expanded, and powers taken once; raises NotThisFormError.

    Beside them there may be one number and signs.
    """
    numbers, found = 0, []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if literal(one) is not None:
            numbers += 1
        elif one.kind == "neg":
            waiting.append(one.args[0])
        elif one.kind == "mul" or (one.kind == "div" and literal(one.args[1]) is not None):
            waiting.extend(one.args)
        elif one.kind == "pow":
            _whole_power(one.args[1])
            waiting.append(one.args[0])
        else:
            check_expanded(one)
            found.append(one)
    if numbers > 1:
        raise NotThisFormError("numbers that are not multiplied")
    return found


def _terms(node: Node) -> list[Node]:
    """The terms of a sum, those of sums inside it too; signs do not matter here."""
    terms: list[Node] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.kind == "add":
            waiting.extend(one.args)
        elif one.kind == "neg" and one.args[0].kind != "add":
            waiting.append(one.args[0])
        else:
            terms.append(one)
    return terms


def _monomial(term: Node) -> Monomial:
    """The powers of letters in a term that has one coefficient and one number below it at most, as in `3x^2/4`."""
    numbers = divisors = 0
    powers: dict[str, int] = {}
    waiting = [term]
    while waiting:
        one = waiting.pop()
        if literal(one) is not None:
            numbers += 1
        elif one.kind in ("neg", "mul"):
            waiting.extend(one.args)
        elif one.kind == "div" and literal(one.args[1]) is not None:
            divisors += 1
            waiting.append(one.args[0])
        elif one.kind in ("symbol", "pow"):
            base, power = (one, 1) if one.kind == "symbol" else (one.args[0], _whole_power(one.args[1]))
            if base.kind != "symbol":
                raise NotThisFormError("a product or power of sums")
            if base.value in powers:
                raise NotThisFormError("powers of a letter that are not collected")
            powers[base.value] = power
        else:
            raise NotThisFormError("a product or power of sums" if one.kind == "add" else f"no polynomial: {one.kind}")
    if max(numbers, divisors) > 1:
        raise NotThisFormError("numbers that are not multiplied")
    return tuple(sorted(powers.items()))


def _whole_power(node: Node) -> int:
    found = literal(node)
    if found is None or found.value.denominator != 1 or not 1 <= found.value <= MAX_POWER:
        raise NotThisFormError("a power that is no small whole number")
    return int(found.value)
