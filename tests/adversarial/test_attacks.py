"""No hostile program of the table breaks anything: in tiers A and B, as root (or whoever runs this) and unprivileged.

Each campaign is a process of its own (`campaign.py`); the tests read its report. One row again:
`python -m tests.adversarial.campaign --tier B --folder $(mktemp -d)/world --report out.json --only kernel/x32`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.adversarial.attack import CORRECT
from tests.adversarial.attacks import ATTACKS, CONTROLS

Report = Callable[[str, bool], dict[str, Any]]

TIERS = ("A", "B")


def broken(report: dict[str, Any]) -> dict[str, list[str]]:
    """The violations by row."""
    return {name: row["violations"] for name, row in report["rows"].items() if row["violations"]}


# The table


def test_the_table_is_large_and_has_honest_controls() -> None:
    assert len(ATTACKS) - len(CONTROLS) >= 110
    assert len(CONTROLS) >= 10
    assert all(row.allowed == (CORRECT,) for row in CONTROLS.values())


def test_every_class_of_attack_is_there() -> None:
    sizes = Counter(name.partition("/")[0] for name in ATTACKS)
    wanted = """time memory output depth descriptors new_processes other_processes shared_state file_writes file_reads
        network kernel secrets other_jobs expected_answers equality judge frames
        forged interpreter failures entries source
        values determinism scripts control"""
    assert set(sizes) == set(wanted.split())


def test_what_is_expected_of_every_row_can_fail() -> None:
    assert {name for name, row in ATTACKS.items() if not row.allowed} == set()
    cheats = [row for name, row in ATTACKS.items() if name.startswith(("equality/", "judge/"))]
    may_be_right = [row.name for row in cheats if CORRECT in row.allowed]
    assert may_be_right == []


# As the user that runs this


@pytest.mark.parametrize("tier", TIERS)
def test_a_campaign_runs_every_row(report: Report, tier: str) -> None:
    assert set(report(tier, False)["rows"]) == set(ATTACKS)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_breaks_nothing(report: Report, tier: str, name: str) -> None:
    assert report(tier, False)["rows"][name]["violations"] == []


@pytest.mark.parametrize("tier", TIERS)
def test_nothing_is_left_when_the_sandbox_is_closed(report: Report, tier: str) -> None:
    assert report(tier, False)["after_closing"] == []


# As an unprivileged user


@pytest.mark.slow
@pytest.mark.parametrize("tier", TIERS)
def test_nothing_breaks_for_an_unprivileged_user(report: Report, tier: str) -> None:
    found = report(tier, True)
    assert found["user"] == 65534
    assert set(found["rows"]) == set(ATTACKS)
    assert broken(found) == {}
    assert found["after_closing"] == []
