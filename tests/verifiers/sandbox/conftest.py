"""Sandboxes that the tests of this folder share, one for each tier that matters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from verifiers.sandbox import Limits, Sandbox, SandboxError, Tier

LIMITS = Limits(seconds=1.5, memory_mb=128, max_output_bytes=4096, max_result_bytes=65_536)


@pytest.fixture(scope="session")
def tier_b() -> Iterator[Sandbox]:
    """What an unprivileged container has: the tier that is required."""
    with Sandbox(best=Tier.B, limits=LIMITS) as sandbox:
        try:
            sandbox.isolation()
        except SandboxError as error:
            pytest.skip(f"this machine: {error}")
        yield sandbox


@pytest.fixture(scope="session")
def strongest() -> Iterator[Sandbox]:
    """The strongest tier of this machine, two workers."""
    with Sandbox(num_workers=2, limits=LIMITS) as sandbox:
        try:
            sandbox.isolation()
        except SandboxError as error:
            pytest.skip(f"this machine: {error}")
        yield sandbox


@pytest.fixture(params=["tier_b", "strongest"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Each of the two in turn."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]
