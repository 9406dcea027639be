"""Fixtures of the tests of the commands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from verify_helpers import Scripted

from scripts.verify_judges import Judges
from selfplay.types import Problem, Verdict


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scripted]:
    """Puts a scripted verifier in the place of all."""

    def install(judge: Callable[[Problem, str], Verdict] | None = None) -> Scripted:
        verifier = Scripted(judge)
        monkeypatch.setattr(Judges.__init__, "__defaults__", (lambda name, settings: verifier,))
        return verifier

    return install
