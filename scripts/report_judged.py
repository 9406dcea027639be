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

ENDPOINT_WORDS = {
    "requests": "requests to the endpoint",
    "cached": "answered from the cache",
    "over_budget": "not asked, over the budget",
    "prompt_tokens": "prompt tokens",
    "completion_tokens": "completion tokens",
    "unreported": "requests of unknown usage, counted at their most",
    "cost": "cost, in the currency of the prices",
}
"""What an endpoint took, in words."""
AUDIT_COLUMNS = {
    "pairs": {
        "num_pairs": "pairs",
        "decided": "decided",
        "accuracy": "accuracy",
        "order_bias": "order bias",
        "length_bias": "length bias",
        "calibration_error": "calibration error (ECE)",
        "num_faults": "faults",
    },
    "ratings": {
        "num_ratings": "ratings",
        "decided": "decided",
        "accuracy": "accuracy",
        "false_good": "wrong called good",
        "missed_good": "right not called good",
        "calibration_error": "calibration error (ECE)",
        "num_faults": "faults",
    },
}
"""Figures of an audit, in words."""

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


def judge_section(summary: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]) -> str:
    """Whom the run asked, what that took, and how good it was where the truth is known; nothing if nobody was asked."""
    lines = [(line.get("iteration", index), _mapping(line, "judge")) for index, line in enumerate(metrics)]
    lines = [(number, judge) for number, judge in lines if judge]
    whole = _mapping(summary, "judge")
    before = _mapping(_mapping(whole, "audit"), "before")
    if not lines and not before:
        return ""
    names = dict.fromkeys(str(judge.get("name", "")) for _, judge in lines)
    asked = [("asked", "asked"), ("abstained", "abstained"), ("faults", "not asked, by a fault"), ("tokens", "tokens")]
    facts = [[text, f"{_total(whole, key, lines):,.0f}"] for key, text in asked]
    endpoint = [_mapping(judge, "endpoint") for _, judge in lines if _mapping(judge, "endpoint")]
    for key, text in ENDPOINT_WORDS.items() if endpoint else ():
        total = _number(whole.get(f"endpoint_{key}", sum(_number(one.get(key)) for one in endpoint)))
        facts.append([text, f"{total:,.4f}" if key == "cost" else f"{total:,.0f}"])
    audits = [(number, _mapping(judge, "audit")) for number, judge in lines if _mapping(judge, "audit")]
    audits = [("before", before), *audits] if before else audits
    parts = [table([escaped(", ".join(names)) or "judge", ""], facts)]
    if audits:
        where = escaped(audits[-1][1].get("env", "problems"))
        parts.append(
            f"<h3>Audit on {where}</h3><p class='note'>Asked about replies that a program knows to be right or wrong. "
            "It speaks of that kind of problem only. Order bias: how much more often the reply shown first is chosen. "
            "Length bias: accuracy where the right reply is the longer one, less accuracy where it is the shorter.</p>"
        )
        for kind, columns in AUDIT_COLUMNS.items():
            rows = [
                [escaped(number), *(_figure(_mapping(audit, kind), key) for key in columns)] for number, audit in audits
            ]
            parts.append(table(["round", *(escaped(text) for text in columns.values())], rows))
    return section("The judge", *parts)


def _total(whole: Mapping[str, Any], key: str, lines: Sequence[tuple[Any, Mapping[str, Any]]]) -> float:
    """Of the whole run; of the rounds so far, if it goes on."""
    return _number(whole[key]) if key in whole else sum(_number(judge.get(key)) for _, judge in lines)


def _figure(audit: Mapping[str, Any], key: str) -> str:
    value = audit.get(key)
    if not isinstance(value, int | float):
        return _MISSING
    return f"{value:,.0f}" if key.startswith("num_") else f"{value:+.2f}" if key.endswith("_bias") else f"{value:.2f}"


def _mapping(line: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = line.get(key)
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _percent(value: Any) -> str:
    return f"{value:.1%}" if isinstance(value, int | float) and math.isfinite(value) else _MISSING
