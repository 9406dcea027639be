"""The fast path of `math_answer`: answers by own grammar, exact arithmetic and evaluation; equations by substitution.

A job is [reference, answer, policy as JSON or ""] or ["", answer, equation, unknown]. A status `unknown` asks for the
slow path; it is no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from verifiers.inside.expression import (
    NotRationalError,
    TooLargeError,
    UndefinedError,
    rational,
)
from verifiers.inside.math.judging import judge
from verifiers.inside.math.policy import MathPolicy, from_json
from verifiers.inside.substitution import Judged, Substitution, read
from verifiers.inside.worker import Handler, each

_DEFAULT = MathPolicy()


def open_handler(options: Mapping[str, Any]) -> tuple[Handler, list[str]]:
    judge("\\sqrt{2} x", "x\\sqrt2", _DEFAULT)  # pays first-call costs now

    def judge_one(reference: str, answer: str, third: str = "", unknown: str | None = None) -> Judged:
        if unknown is not None:
            return judge_substitution(third, unknown, answer)
        return judge(reference, answer, from_json(third) if third else _DEFAULT)

    return each(judge_one), ["math"]


def judge_substitution(equation: str, unknown: str, answer: str) -> Judged:
    """What exact fractions can say about `4` or `x=4` in an equation; the rest is `unknown`."""
    given = read(equation, unknown, answer)
    if not isinstance(given, Substitution):
        return given
    left, right, value = given
    values: dict[str, Fraction] = {unknown: value}
    try:
        equal = rational(left, values) == rational(right, values)
    except NotRationalError:
        return "unknown", str(value), "an equation that is not rational"
    except TooLargeError as error:
        return "undecided", str(value), f"too large to decide: {error}"
    except UndefinedError as error:
        return "wrong", str(value), f"no value: {error}"
    return ("correct" if equal else "wrong"), str(value), ""
