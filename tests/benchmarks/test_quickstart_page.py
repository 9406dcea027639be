"""The page of the quickstart's benchmark says what its numbers say."""

from __future__ import annotations

import math
from typing import Any

import pytest

from benchmarks.quickstart_page import LEARNED, interval, longer_part, page, paired

LEVELS = [str(level) for level in range(1, 15)]


def summary(seed: int, after: float, before: float = 0.0, seconds: float = 200.0) -> dict[str, Any]:
    return {
        "seed": seed,
        "env": "programs",
        "held_out": {
            "before": {"programs": dict.fromkeys(LEVELS, before)},
            "after": {"programs": dict.fromkeys(LEVELS, after)},
        },
        "wall_seconds": seconds,
        "peak_rss_mb": 1000.0,
        "mean_level_proposed": [2.0, 4.0, 8.0],
        "tokens": {"propose": 1, "solve": 2, "train": 3},
    }


def claims(text: str) -> dict[str, str]:
    """What the page says of each claim: yes or no."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.endswith(("| yes |", "| no |"))]
    return {row[0]: row[-1] for row in rows}


def written(*summaries: dict[str, Any]) -> str:
    return page(list(summaries), {LEARNED: list(summaries)})


def test_claims_hold_when_every_seed_is_good() -> None:
    assert set(claims(written(summary(0, 0.95), summary(1, 0.95))).values()) == {"yes"}


def test_one_weak_seed_is_enough_to_break_a_claim() -> None:
    found = claims(written(*[summary(seed, 1.0) for seed in range(4)], summary(4, 0.75)))
    assert found["level 7: mean ≥ 0.9, each seed ≥ 0.8"] == "no"
    assert found["level 8: mean ≥ 0.85, each seed ≥ 0.7"] == "yes"


def test_a_loss_or_a_slow_run_is_said() -> None:
    found = claims(written(summary(0, 0.95, before=1.0), summary(1, 0.95, seconds=301.0)))
    assert found["no level loses more than 0.03"] == "no"
    assert found["within 300 s of wall clock"] == "no"


def test_an_interval_needs_two_seeds() -> None:
    assert interval([0.4, 0.6])[0] == pytest.approx(0.5)
    assert interval([0.4, 0.6])[1] == pytest.approx(12.706 * 0.1, rel=1e-3)
    assert math.isnan(interval([0.5])[1])


def test_differences_are_paired_by_seed() -> None:
    learned, other = [summary(0, 0.9), summary(1, 0.5)], [summary(0, 0.6), summary(1, 0.2)]
    assert paired(learned, other, "7").startswith("+0.30 ±0.00")


def answers(text: str) -> dict[str, str]:
    """What the page answers to each question."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| is ") or "does " in line]
    return {row[0]: row[-1] for row in rows}


def compared(learned: list[float], frozen: list[float]) -> dict[str, str]:
    runs = [summary(seed, value) for seed, value in enumerate(learned)]
    others = [summary(seed, value) for seed, value in enumerate(frozen)]
    return answers(page(runs, {LEARNED: runs, "frozen proposer": others}))


def test_a_difference_is_seen_only_if_its_interval_leaves_out_zero() -> None:
    question = "is learned ahead of frozen proposer at level 10?"
    assert compared([0.9, 0.92, 0.91], [0.5, 0.51, 0.52])[question] == "yes"
    assert compared([0.5, 0.51, 0.52], [0.9, 0.92, 0.91])[question] == "no, the reverse"
    assert compared([0.9, 0.5, 0.7], [0.5, 0.6, 0.6])[question] == "not seen over these seeds"
    assert compared([0.9], [0.5])[question] == "one seed: not known"


def test_the_worst_level_of_longer_programs_is_shown_and_nothing_where_none_ran() -> None:
    run = summary(0, 0.9)
    run["held_out"]["after"]["programs"]["13"] = 0.4
    rows = [line for line in longer_part([run]) if line.startswith("| 0 after")]
    assert rows == ["| 0 after | 200 | 0.90 | 0.90 | 0.90 | 0.90 | 0.90 | 0.90 | 0.40 |"]
    assert longer_part([]) == []
