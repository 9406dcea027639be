"""The slow path of `math_answer`: sympy's exact decisions, then math-verify. Runs in workers.

A job is [reference, answer, policy as JSON or "", audit] or ["", answer, equation, unknown, audit]. math-verify's
"equal" is believed only where none of the patterns occurs that it is known to get wrong; its "different" is never
believed, and what is left is undecided. With `audit` the two are asked about a pair that the fast path has decided:
correct or wrong is then what they say, undecided that they say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import math_verify

from verifiers.inside import algebra, expression, judge_sympy
from verifiers.inside.math.nodes import TooLargeError, UnknownError, UnreadableError, UnsupportedError
from verifiers.inside.math.policy import MathPolicy, from_json
from verifiers.inside.math.reading import read
from verifiers.inside.math.scalars import is_expression
from verifiers.inside.math.text import plain
from verifiers.inside.translation import translated
from verifiers.inside.worker import Handler, each

Judged = tuple[str, str | None, str]
_DEFAULT = MathPolicy()
_MISLEADING_COMMAND = re.compile(
    r"\\(?:lor|land|vee|wedge|mid|text\w*|mathrm|mbox|pm|mp|cup|cap|circ|infty|begin|langle|operatorname|lbrace"
    r"|[{,;% ])"
)
_MISLEADING = re.compile(r"[=%,;!|:<>\[\]]|[0-9]\s*_|[0-9]{12}|\^\s*\{?\s*-?\s*[0-9]{2}|[A-Za-z]{3,}|\b(?:or|and)\b")
"""What either side must not have if math-verify says that they are equal: chains, hedges, percent, bases, units, words,
collections, very small or large numbers."""
_STANDING = re.compile(r"\\(?:i*int|oint|sum|prod|lim|binom|partial)(?![A-Za-z])")
_COMMAND = re.compile(r"\\([A-Za-z]+)")


def open_handler(options: Mapping[str, Any]) -> tuple[Handler, list[str]]:
    _by_sympy("\\sqrt{2} x + 1", "x\\sqrt{2}", _DEFAULT)  # pays first-call costs now
    _by_math_verify("\\frac{1}{2}", "\\frac{x}{2}")

    def judge(reference: str, answer: str, third: str, fourth: Any, audit: bool | None = None) -> Judged:
        if audit is not None:
            return judge_sympy.judge_solution(third, str(fourth), answer, False)
        return judge_pair(reference, answer, from_json(third) if third else _DEFAULT, audit=bool(fourth))

    return each(judge), ["sympy", "math-verify"]


def judge_pair(reference: str, answer: str, policy: MathPolicy, *, audit: bool = False) -> Judged:
    """correct, wrong (by sympy, or in an audit) or undecided."""
    equal = _by_sympy(reference, answer, policy)
    if equal is not None:
        return ("correct" if equal else "wrong"), answer[:200], "by sympy"
    left, right = plain(reference), plain(answer)
    if not audit and (_misleading(left) or _misleading(right) or _unevaluated(left, right)):
        return "undecided", answer[:200], "equality could not be decided"
    equal = _by_math_verify(left, right)
    if equal:
        return "correct", answer[:200], "by math-verify"
    if audit and equal is not None:
        return "wrong", answer[:200], "by math-verify"
    return "undecided", answer[:200], "equality could not be decided"


def _misleading(text: str) -> bool:
    return bool(_MISLEADING_COMMAND.search(text) or _MISLEADING.search(_COMMAND.sub(" ", text)))


def _unevaluated(reference: str, answer: str) -> bool:
    return bool(_STANDING.search(answer)) and not _STANDING.search(reference)


def _by_sympy(reference: str, answer: str, policy: MathPolicy) -> bool | None:
    """What sympy proves about two expressions, or None."""
    try:
        left, right = read(reference, policy).node, read(answer, policy).node
        if not is_expression(left) or not is_expression(right):
            return None
        return algebra.compare(translated(right), translated(left), {})
    except (UnreadableError, UnsupportedError, UnknownError, TooLargeError):
        return None
    except (expression.TooLargeError, expression.UndefinedError):
        return None


def _by_math_verify(reference: str, answer: str) -> bool | None:
    """What math-verify says about two boxed texts; None if it cannot read one."""
    config = [math_verify.LatexExtractionConfig(boxed_match_priority=0)]
    sides = []
    for text in (reference, answer):
        found = math_verify.parse(f"\\boxed{{{text}}}", extraction_config=config, parsing_timeout=None)
        if not found or isinstance(found[0], str):
            return None
        sides.append(found)
    return bool(math_verify.verify(sides[0], sides[1], timeout_seconds=None))
