"""One answer against one reference: correct, wrong, malformed, fault, undecided, or unknown (another method may know).

`unknown` is never a verdict: the caller sends such pairs to the slow path, and what that cannot decide is undecided.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from verifiers.inside.math.forms import literal
from verifiers.inside.math.nodes import TooLargeError, UndefinedError, UnknownError, UnreadableError, UnsupportedError
from verifiers.inside.math.objects import compare
from verifiers.inside.math.policy import MathPolicy
from verifiers.inside.math.reading import Answer, EmptyError, read, read_reference, spelling_of
from verifiers.inside.math.scalars import NOT_FINAL

_FRACTION = re.compile(
    r"(-?)(?:\\[dt]?frac\{([0-9]{1,18})\}\{([1-9][0-9]{0,17})\}|([0-9]{1,18})(?:/([1-9][0-9]{0,17}))?)"
)
_STANDING = re.compile(r"\\(?:i*int|oint|sum|prod|lim|binom|partial)(?![A-Za-z])|∫|∑|∏")
_SHORT_INTEGER = re.compile(r"-?[0-9]{1,18}")


class Judgement(NamedTuple):
    """`status` is a Status value or `unknown`."""

    status: str
    extracted: str | None
    detail: str


def judge(reference: str, answer: str, policy: MathPolicy) -> Judgement:
    """Compare an answer with a reference, both without the text around them."""
    if _SHORT_INTEGER.fullmatch(answer) and _SHORT_INTEGER.fullmatch(reference):
        return Judgement("correct" if int(answer) == int(reference) else "wrong", answer, "")
    if (fraction := _plain_fraction(answer)) is not None and (
        expected_fraction := _plain_fraction(reference)
    ) is not None:
        return Judgement("correct" if fraction == expected_fraction else "wrong", answer, "")
    opaque = ""
    try:
        expected = read_reference(reference, policy)
    except UnsupportedError as error:
        expected, opaque = None, str(error)
    except UnreadableError as error:
        return Judgement("fault", None, f"the reference {reference[:80]!r} cannot be read: {error}")
    shown = answer[:200]
    try:
        spelling = spelling_of(answer)
    except EmptyError:
        return Judgement("malformed", None, "no_answer: it is empty")
    except UnreadableError as error:
        return Judgement("malformed", shown, str(error))
    if _tight(spelling) == _tight(expected.spelling if expected else spelling_of(reference)):
        return Judgement("correct", shown, "")
    if expected is None:
        return Judgement("unknown", shown, f"the reference has {opaque}")
    return _judge_read(expected, answer, policy, shown)


def _tight(spelling: str) -> str:
    """Without the spaces that stand between no two letters or digits."""
    return re.sub(r"(?<![A-Za-z0-9]) | (?![A-Za-z0-9])", "", spelling)


def _plain_fraction(text: str) -> Fraction | None:
    """The value of the commonest spellings of a fraction or an integer, without the grammar."""
    match = _FRACTION.fullmatch(text)
    if match is None:
        return None
    sign, above, below, whole_above, whole_below = match.groups()
    value = Fraction(int(above or whole_above), int(below or whole_below or 1))
    return -value if sign else value


def _judge_read(expected: Answer, answer: str, policy: MathPolicy, shown: str) -> Judgement:
    is_literal = literal(expected.node) is not None
    try:
        got = read(answer, policy)
    except (UnsupportedError, UnreadableError) as error:
        if is_literal or expected.node.kind == "text":
            return Judgement("wrong", shown, f"not the kind of answer that is asked for: {error}")
        if _STANDING.search(answer) and not _STANDING.search(expected.spelling):
            return Judgement("wrong", shown, NOT_FINAL)
        status = "unknown" if isinstance(error, UnsupportedError) else "malformed"
        return Judgement(status, shown, f"the answer has {error}" if status == "unknown" else str(error))
    try:
        reason = compare(expected.node, got.node, policy)
    except TooLargeError as error:
        return Judgement("undecided", shown, f"too large to decide: {error}")
    except UnsupportedError as error:
        return Judgement("unknown", shown, str(error))
    except UndefinedError as error:
        return Judgement("wrong", shown, f"no value: {error}")
    except UnknownError as error:
        return Judgement("unknown", shown, str(error))
    return Judgement("wrong" if reason else "correct", shown, reason)
