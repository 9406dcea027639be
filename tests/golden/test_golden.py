"""Formats change only on purpose."""

from __future__ import annotations

import pytest

from envs import ENVIRONMENTS
from scripts.golden import FOLDER, playthrough


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_golden_playthrough_is_what_the_environment_says_today(name: str) -> None:
    told = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert playthrough(name) == told, "a format changed; if that is meant: python -m scripts.golden"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_golden_playthrough_shows_every_kind_of_verdict(name: str) -> None:
    told = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    kinds = [line.rpartition(": ")[2] for line in told.splitlines() if line.startswith(("right", "wrong", "malformed"))]
    assert kinds == ["correct", "wrong", "malformed, no answer read"] * 5
