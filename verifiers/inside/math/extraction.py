"""Where in a completion the answer is: one rule a data set, in one linear pass, never a search for something likely.

It does not read the answer, and takes nothing from outside the place that the rule names.
"""

from __future__ import annotations

import re

from verifiers.inside.math.policy import AFTER

_PIECE = re.compile(r"\\boxed\s*\{|\\(?!\\?boxed).|[{}]", re.DOTALL)


def extract(text: str, rule: str) -> str | None:
    """The answer by a policy's `extraction` rule, or None if there is none."""
    if rule == "boxed":
        answer = last_boxed(text)
    elif rule == "last_line":
        answer = text.rstrip().rpartition("\n")[2]
    elif rule.startswith(AFTER):
        _, marker, after = text.rpartition(rule.removeprefix(AFTER))
        answer = after.strip().partition("\n")[0] if marker else None
    else:
        answer = text
    answer = answer.strip() if answer is not None else None
    return answer or None


def last_boxed(text: str) -> str | None:
    """The content of the last balanced \\boxed{} that is not inside another one.

    >>> last_boxed(r"\\boxed{1}, so \\boxed{\\frac{1}{2}} and \\boxed{3")
    '\\\\frac{1}{2}'
    """
    begin = text.find("\\boxed")
    if begin < 0:
        return None
    found: list[tuple[int, int]] = []  # balanced boxes, none inside another
    open_braces: list[int] = []  # where the content of an open box begins, or -1 for a plain brace
    for match in _PIECE.finditer(text, begin):
        piece = match.group()
        if piece == "}":
            if open_braces and (start := open_braces.pop()) >= 0:
                while found and found[-1][0] > start:
                    found.pop()
                found.append((start, match.start()))
        elif piece == "{":
            open_braces.append(-1)
        elif piece[-1] == "{" and len(piece) > 2:
            open_braces.append(match.end())
    if not found:
        return None
    start, end = found[-1]
    return text[start:end]


def reference_text(reference: str) -> str:
    """The answer in a reference: data sets also give a whole solution, with a box or with GSM8K's `####`."""
    if "\\boxed" in reference and (boxed := last_boxed(reference)) is not None:
        return boxed.strip()
    if "####" in reference:
        return reference.rpartition("####")[2].strip()
    return reference.strip()
