"""A scripted judge of replies to open instructions: it counts words and looks for words, and understands nothing.

A rubric is a list of checks `[kind, argument]`, in a problem's payload under `rubric` as JSON, or `GENERIC` where there
is none. The score of a reply is the share of checks that hold. Form, tone and audience have no check, and a reply that
makes no sense may meet all of them: this judge stands in where a real one is missing, so that loops can be run, and its
name in every verdict says who it was. Every check takes time linear in the reply.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence

from selfplay.judgements import Choice, Comparison, Criterion, Opinion, Rating
from selfplay.types import Problem

Check = tuple[str, str]
"""A key of `CHECKS` and its argument."""
MAX_CHECKS = 40
MARKS = {
    "commas": ",",
    "semicolons": ";",
    "question marks": "?",
    "exclamation marks": "!",
    "brackets": "()[]{}",
    "dashes": "-–—",  # noqa: RUF001 (each is meant)
}
"""What each kind of mark is made of."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")  # noqa: RUF001
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
_MIN_LETTERS = 4
_MAX_SHARE_OF_A_WORD = 0.25
_FEW_WORDS = 12


def words_of(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return _WORD.findall(text.lower())


def _takes_up(problem: Problem, text: str) -> bool:
    """Whether one of the request's longer words is in the reply."""
    wanted = {word for word in words_of(problem.prompt) if len(word) >= _MIN_LETTERS}
    return not wanted or not wanted.isdisjoint(words_of(text))


def _varied(text: str) -> bool:
    """Whether no word makes up more than a quarter of a reply that is longer than a line."""
    words = words_of(text)
    return len(words) <= _FEW_WORDS or max(Counter(words).values()) <= _MAX_SHARE_OF_A_WORD * len(words)


CHECKS: dict[str, Callable[[Problem, str, str], bool]] = {
    "at_most": lambda problem, text, limit: len(words_of(text)) <= int(limit),
    "at_least": lambda problem, text, limit: len(words_of(text)) >= int(limit),
    "sentences": lambda problem, text, count: len(_SENTENCE_END.findall(text)) == int(count),
    "mention": lambda problem, text, word: word.lower() in words_of(text),
    "avoid": lambda problem, text, word: word.lower() not in words_of(text),
    "begin": lambda problem, text, word: words_of(text)[:1] == [word.lower()],
    "end": lambda problem, text, word: words_of(text)[-1:] == [word.lower()],
    "number": lambda problem, text, number: number in words_of(text),
    "phrase": lambda problem, text, phrase: f" {phrase.lower()} " in f" {' '.join(words_of(text))} ",
    "no_mark": lambda problem, text, mark: not set(MARKS[mark]) & set(text),
    "takes_up": lambda problem, text, _: _takes_up(problem, text),
    "varied": lambda problem, text, _: _varied(text),
    "not_copied": lambda problem, text, _: " ".join(words_of(text)) != " ".join(words_of(problem.prompt)),
}
"""(problem, reply, argument) → whether the reply meets it. An argument that is none raises ValueError or KeyError."""
GENERIC: tuple[Check, ...] = (
    ("at_least", "5"), ("at_most", "400"), ("takes_up", ""), ("varied", ""), ("not_copied", ""),
)  # fmt: skip
"""For instructions that came without a rubric."""


def read_rubric(text: str) -> tuple[Check, ...] | None:
    """The checks in a payload's text; None if it is no rubric."""
    try:
        checks = json.loads(text)
        found = tuple((str(kind), str(argument)) for kind, argument in checks)
    except (ValueError, TypeError, RecursionError):
        return None
    return found if 0 < len(found) <= MAX_CHECKS and all(kind in CHECKS for kind, _ in found) else None


def failed(problem: Problem, reply: str) -> list[str] | None:
    """The checks that the reply does not meet, in words; None if the problem's rubric cannot be used."""
    checks = read_rubric(problem.payload["rubric"]) if "rubric" in problem.payload else GENERIC
    if checks is None:
        return None
    try:
        return [f"{kind} {argument}".strip() for kind, argument in checks if not CHECKS[kind](problem, reply, argument)]
    except (ValueError, KeyError):
        return None


class RubricJudge:
    """Scores by checks; abstains where a rubric cannot be used. A Judge (`selfplay.protocols`)."""

    name = "scripted_rubric"

    def rate(self, replies: Sequence[tuple[Problem, str]], rubric: Sequence[Criterion]) -> list[Rating]:
        """The share of the problem's own checks that hold; the criteria asked for are not looked at."""
        return [self._rate(problem, reply) for problem, reply in replies]

    def _rate(self, problem: Problem, reply: str) -> Rating:
        missed = failed(problem, reply)
        if missed is None:
            return Rating(None, (), "the rubric of this problem cannot be used")
        checks = read_rubric(problem.payload["rubric"]) if "rubric" in problem.payload else GENERIC
        return Rating(1.0 - len(missed) / len(checks or GENERIC), (), f"not met: {', '.join(missed)}" if missed else "")

    def prefer(self, comparisons: Sequence[Comparison]) -> list[Opinion]:
        """The reply with the higher score; none where they are equal."""
        return [self._prefer(one) for one in comparisons]

    def _prefer(self, one: Comparison) -> Opinion:
        first, second = (self._rate(one.problem, reply).score for reply in (one.first, one.second))
        if first is None or second is None or first == second:
            return Opinion(Choice.ABSTAIN, None, "the scores are equal, or there is none")
        return Opinion(Choice.FIRST if first > second else Choice.SECOND, 0.5 + (first - second) / 2)
