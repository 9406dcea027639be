"""Campaigns that several tests read run once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.adversarial.launch import UnavailableError, campaign


@pytest.fixture(scope="session")
def report() -> Callable[[str, bool], dict[str, Any]]:
    """The report of a campaign in a tier, as this user or as an unprivileged one; skips where it cannot run."""

    @cache
    def once(tier: str, unprivileged: bool) -> dict[str, Any]:
        try:
            return campaign(tier, unprivileged=unprivileged)
        except UnavailableError as error:
            return {"skipped": str(error)}

    def get(tier: str, unprivileged: bool = False) -> dict[str, Any]:
        found = once(tier, unprivileged)
        if "skipped" in found:
            pytest.skip(found["skipped"])
        return found

    return get
