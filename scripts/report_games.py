"""The part of a run's report that is about games: what they were measured by, and what happened in them.

Empty for runs that played none. `scripts.report` puts it on the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scripts.report_html import escaped, section, table

MAX_ROWS = 20
"""Rounds that the table of a long run shows, evenly spaced, the last one among them."""


def games_section(summary: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]) -> str:
    """Yardsticks before and after, and a table over rounds."""
    played = [line for line in metrics if isinstance(line.get("games"), Mapping)]
    if not played:
        return ""
    found = summary.get("yardsticks") or {}
    before = found.get("before") or {}
    measured = [line["yardsticks"] for line in played if line.get("yardsticks")]
    after = measured[-1] if measured else {}
    rows = [
        [escaped(name), _shown(before.get(name)), _shown(after.get(name))] for name in dict.fromkeys([*before, *after])
    ]
    parts = ["<h3>Measured</h3>" + table(["measure", "before", "after"], rows)] if rows else []
    return section("Games", *parts, "<h3>Rounds</h3>", _rounds(played))


def _rounds(played: Sequence[Mapping[str, Any]]) -> str:
    seats = list(played[0]["games"]["returns"])
    step = max(1, -(-len(played) // MAX_ROWS))
    chosen = played[::-1][::step][::-1]
    names = list(dict.fromkeys(name for line in chosen for name in line.get("yardsticks") or {}))
    head = ["round", "matches", "bad moves", *(f"return of {seat}" for seat in seats), *names]
    rows = []
    for line in chosen:
        games = line["games"]
        rows.append(
            [
                escaped(line["iteration"]),
                f"{games['num_matches']:,}",
                f"{games['bad_moves']:.1%}",
                *(f"{games['returns'][seat]:+.3f}" for seat in seats),
                *(_shown((line.get("yardsticks") or {}).get(name)) for name in names),
            ]
        )
    return table([escaped(name) for name in head], rows)


def _shown(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, int | float) else ""
