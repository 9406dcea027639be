"""Asking judges: about pairs in both orders, principles from a constitution, and replies on a strict schema.

`compare` asks a judge about each pair twice, with the replies in either order, and keeps only what both answers agree
on. A constitution is a YAML list of principles, of which each comparison gets one, drawn by a named seed. `read_choice`
and `read_scores` read a judge's written reply: exactly the JSON object that was asked for, or an abstention; nothing is
ever picked out of prose.

Judges themselves are in `judges/` (scripted, a policy, a local model by log-probabilities); how good one is, `audit.py`
says. What a judge finds is never a verified verdict (`types.Verdict`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from selfplay.config_file import read_yaml
from selfplay.errors import UserError
from selfplay.judgements import Choice, Comparison, Criterion, Judgement, Opinion, Rating
from selfplay.protocols import Judge
from selfplay.seeding import rng_for
from selfplay.types import Problem

MAX_REPLY_CHARACTERS = 20_000
"""A longer reply of a judge is an abstention."""
HELPFUL = (
    Criterion("follows", "Does the reply do everything that the request asks for, and nothing that it rules out?"),
    Criterion("substance", "Is what it says to the point, and worth saying?"),
    Criterion("language", "Is it clear, fluent and free of repetition?"),
)
"""A rubric for open requests."""

ADDITIVE = (
    Criterion(
        "points",
        "How many points does the reply earn? Give them one by one: one point if it is relevant to the request and "
        "says something about it; a second if it answers a substantial part of it, though not all; a third if it "
        "answers the basic elements in a useful way; a fourth if it answers directly, completely and well organised; a "
        "fifth if it is beyond that right in every detail, to the point, and could not easily be better.",
    ),
)
"""Additive points from 0 to 5 (Self-Rewarding 2401.10020, figure 2; in other words, and without thinking aloud)."""
RUBRICS = {"additive": ADDITIVE, "helpful": HELPFUL}
"""By the names that a configuration gives them."""

_LETTERS = {"A": Choice.FIRST, "B": Choice.SECOND, "neither": Choice.ABSTAIN}


@dataclass(frozen=True, slots=True)
class Constitution:
    """Principles, each a sentence that says which of two replies to choose."""

    principles: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.principles:
            raise ValueError("a constitution needs at least one principle")

    def draw(self, seed: int, problem: Problem, first: str, second: str) -> str:
        """The principle for one comparison: uniform, and the same whichever reply comes first."""
        key = digest(problem.id, *sorted([first, second]))
        return rng_for(seed, "principle", key).choice(self.principles)


def read_constitution(path: Path) -> Constitution:
    """The constitution in a YAML file: a list of different texts. Raises UserError with file, item and what to do."""
    try:
        data = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: the constitution cannot be read: {error}") from error
    if not isinstance(data, list) or not data:
        kind = "an empty list" if isinstance(data, list) else type(data).__name__
        raise UserError(f"{path}: got {kind}, expected a YAML list of principles, one `- text` a line")
    principles: list[str] = []
    for number, item in enumerate(data, 1):
        if not isinstance(item, str) or not item.strip():
            raise UserError(f"{path}: principle {number} is {item!r}, expected a text (put it in quotes)")
        text = " ".join(item.split())
        if text in principles:
            raise UserError(f"{path}: principle {number} repeats principle {principles.index(text) + 1}: remove one")
        principles.append(text)
    return Constitution(tuple(principles))


def compare(
    judge: Judge, pairs: Sequence[tuple[Problem, str, str]], seed: int, constitution: Constitution | None = None
) -> list[Judgement]:
    """One judgement for each (problem, first reply, second reply), in order; the judge is asked once, in one batch.

    Swapping the replies of a pair swaps its judgement. Equal replies are an abstention without asking.
    """
    name = name_of(judge)
    comparisons = [
        Comparison(problem, first, second, constitution.draw(seed, problem, first, second) if constitution else "")
        for problem, first, second in pairs
    ]
    asked = [one for one in comparisons if one.first != one.second]
    opinions = judge.prefer([*asked, *(one.swapped() for one in asked)])
    if len(opinions) != 2 * len(asked):
        raise ValueError(f"the judge {name} gave {len(opinions)} opinions on {2 * len(asked)} comparisons")
    both = iter(zip(opinions[: len(asked)], opinions[len(asked) :], strict=True))
    same = Opinion(Choice.ABSTAIN, None, "the replies are the same")
    return [Judgement(one, name, *(next(both) if one.first != one.second else (same, same))) for one in comparisons]


def name_of(judge: Judge) -> str:
    """The judge's name. Raises ValueError for an empty one, with which its word would pass for verified."""
    name = judge.name
    if not name.strip():
        raise ValueError(f"{type(judge).__name__} has no name; give it one: verdicts without a judge count as verified")
    return name


def digest(*texts: str) -> str:
    """A short hash of texts, whatever is in them: names seeds, and marks in prompts that no text can foresee."""
    return hashlib.blake2b(json.dumps(texts).encode("ascii"), digest_size=8).hexdigest()


# Replies on a strict schema ------------------------------------------------------------------------------------------


def read_choice(reply: str) -> Opinion:
    """The opinion in a reply `{"reason": text, "choice": "A" | "B" | "neither"}`; anything else is an abstention."""
    found = _read_object(reply, {"reason": str, "choice": str})
    if isinstance(found, str):
        return Opinion(Choice.ABSTAIN, None, found)
    if found["choice"] not in _LETTERS:
        return Opinion(Choice.ABSTAIN, None, f"the choice is none of {', '.join(_LETTERS)}")
    return Opinion(_LETTERS[found["choice"]], None, found["reason"])


def read_scores(reply: str, rubric: Sequence[Criterion]) -> Rating:
    """The rating in a reply `{"reason": text, NAME: whole number, …}` with every criterion; else an abstention."""
    found = _read_object(reply, {"reason": str, **{criterion.name: int for criterion in rubric}})
    if isinstance(found, str):
        return Rating(None, (), found)
    for criterion in rubric:
        if not 0 <= found[criterion.name] <= criterion.top:
            return Rating(None, (), f"{criterion.name} is not from 0 to {criterion.top}")
    scores = {criterion.name: found[criterion.name] for criterion in rubric}
    return Rating(overall(scores, rubric), tuple(scores.items()), found["reason"])


def overall(scores: Mapping[str, float], rubric: Sequence[Criterion]) -> float:
    """Weighted mean of the scores as shares of their tops, in [0, 1]."""
    weights = sum(criterion.weight for criterion in rubric)
    total = sum(criterion.weight * scores[criterion.name] / criterion.top for criterion in rubric) / weights
    return min(1.0, max(0.0, total))


def check_rubric(rubric: Sequence[Criterion]) -> None:
    """Raises ValueError if a rubric is empty, or two of its criteria share a name, or one is called `reason`."""
    names = [criterion.name for criterion in rubric]
    if not names or len(set(names)) < len(names) or "reason" in names:
        raise ValueError(f"a rubric needs criteria of different names, none of them `reason`; got {names}")


def _read_object(reply: str, expected: Mapping[str, type]) -> dict[str, Any] | str:
    """The one JSON object that is the whole reply, with exactly these keys and types; or why it is none."""
    if len(reply) > MAX_REPLY_CHARACTERS:
        return f"the reply has more than {MAX_REPLY_CHARACTERS} characters"
    try:
        found = json.loads(reply.strip(), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        return "the reply is not one JSON object and nothing else"
    if not isinstance(found, dict):
        return "the reply is not a JSON object"
    if set(found) != set(expected):
        return f"the reply has other keys than {', '.join(expected)}"
    for key, kind in expected.items():
        if type(found[key]) is not kind:  # not isinstance: true is no number here
            return f"{key} is no {'text' if kind is str else 'whole number'}"
    return found


def _without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key is repeated")
    return dict(pairs)
