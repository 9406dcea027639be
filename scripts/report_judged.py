"""The part of a report about what judges decided, apart from everything that a program verified.

Numbers in, HTML out. A judge's word is called good or not good here, never correct, and no figure adds it to another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.report_html import escaped, section, table
from selfplay.types import Status

JUDGED_WORDS = {
    Status.CORRECT: "JUDGED GOOD",
    Status.WRONG: "JUDGED NOT GOOD",
    Status.MALFORMED: "NO ANSWER TO JUDGE",
    Status.TIMEOUT: "JUDGING TIMED OUT",
    Status.UNDECIDED: "ABSTAINED",
    Status.FAULT: "JUDGING FAILED",
}
"""A status as a judge's word."""

_MISSING = '<span class="soft">—</span>'


def judged_section(summary: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]) -> str:
    """What judges said, by round and on the held-out problems; nothing if none was asked."""
    rounds = [(line.get("iteration", index), _mapping(line, "judged")) for index, line in enumerate(metrics)]
    rounds = [(number, judged) for number, judged in rounds if judged]
    totals: dict[str, float] = {}
    for _, judged in rounds:
        for name, count in _mapping(judged, "by").items():
            totals[name] = totals.get(name, 0.0) + _number(count)
    parts = []
    if totals:
        parts.append(table(["judge", "attempts"], [[escaped(name), f"{totals[name]:,.0f}"] for name in totals]))
        words = {str(status): text.lower() for status, text in JUDGED_WORDS.items()}
        head = ["round", "good, mean of problems", *words.values()]
        rows = [
            [
                escaped(number),
                _percent(judged.get("rate")),
                *(f"{_number(_mapping(judged, 'verdicts').get(status)):,.0f}" for status in words),
            ]
            for number, judged in rounds
        ]
        parts.append(table(head, rows))
    before_after = _held_out(summary, rounds)
    if parts or before_after:
        parts.insert(
            0,
            "<p class='note'>No program can say whether these answers are right. What a judge found good is its "
            "opinion: it is in no accuracy and in no solve rate of this report.</p>",
        )
    return section("Judged, not verified", *parts, *before_after)


def _held_out(summary: Mapping[str, Any], rounds: Sequence[tuple[Any, Mapping[str, Any]]]) -> list[str]:
    """A table for each environment: share judged good on the held-out problems, before and after."""
    found = _mapping(_mapping(summary, "judged"), "held_out")
    before, after = _mapping(found, "before"), _mapping(found, "after")
    measured = [_mapping(judged, "held_out") for _, judged in rounds if _mapping(judged, "held_out")]
    after = after or (measured[-1] if measured else {})
    parts = []
    for env in dict.fromkeys([*before, *after]):
        first, last = _mapping(before, env), _mapping(after, env)
        levels = sorted({**first, **last}, key=lambda level: (not level.isdecimal(), level.zfill(9)))
        rows = [[escaped(level), _percent(first.get(level)), _percent(last.get(level))] for level in levels]
        head = ["level", "judged good before", "judged good after"]
        parts.append(f"<h3>Held-out problems of {escaped(env)}</h3>{table(head, rows)}")
    return parts


def _mapping(line: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = line.get(key)
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _percent(value: Any) -> str:
    return f"{value:.1%}" if isinstance(value, int | float) and math.isfinite(value) else _MISSING
