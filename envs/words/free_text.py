"""Whether an instruction that a model wrote freely may become a problem: hygiene and novelty, as in Self-Instruct.

Wang et al., arXiv 2212.10560, section 3.1: instructions that a language model cannot serve (images, files), too short
or too long ones, and those whose ROUGE-L with a known one is 0.7 or more are left out. It reads text only and says
nothing about whether an instruction makes sense.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

WORD_LIMITS = (3, 150)
MAX_CHARACTERS = 1200

_WORD = re.compile(r"[^\W_]+")
_NOT_TEXT = re.compile(
    r"\b(?:images?|pictures?|photos?|videos?|audio|graphs?|charts?|diagrams?|plot|draw|maps?|files?|links?|websites?|"
    r"attached|above|following)\b",
    re.IGNORECASE,
)  # what a reply in words alone cannot give, or what is not there


def words(text: str) -> list[str]:
    """The words of a text, in lower case: what overlap is measured in."""
    return _WORD.findall(text.lower())


def unfit(text: str) -> str:
    """Why an instruction is refused: `length`, `lines` (more than one), `characters` (not printable, or it begins with
    a mark), `not_text` or `repetitive`; "" if it is not refused. `text` has no whitespace at its ends."""
    found = words(text) if len(text) <= MAX_CHARACTERS else []
    if not WORD_LIMITS[0] <= len(found) <= WORD_LIMITS[1]:
        return "length"
    if "\n" in text:
        return "lines"
    if not text.isprintable() or not text[0].isalnum():
        return "characters"
    if _NOT_TEXT.search(text):
        return "not_text"
    return "repetitive" if max(Counter(found).values()) > max(3, len(found) / 4) else ""


def overlapping(text: Sequence[str], known: Sequence[Sequence[str]], least: float) -> Sequence[str] | None:
    """The first of the known texts whose ROUGE-L with `text` is at least `least` (> 0); None if there is none."""
    counts = Counter(text)
    for other in known:
        total = len(text) + len(other)
        if 2 * min(len(text), len(other)) < least * total:
            continue  # even if the shorter lay whole within the longer
        if 2 * (counts & Counter(other)).total() >= least * total and rouge_l(text, other) >= least:
            return other
    return None


def rouge_l(first: Sequence[str], second: Sequence[str]) -> float:
    """ROUGE-L F1: twice the longest common subsequence over the sum of lengths (Lin 2004). 0 for an empty one."""
    if not first or not second:
        return 0.0
    row = [0] * (len(second) + 1)
    for word in first:
        diagonal = 0
        for column, other in enumerate(second, 1):
            best = diagonal + 1 if word == other else max(row[column], row[column - 1])
            diagonal, row[column] = row[column], best
    return 2 * row[-1] / (len(first) + len(second))
