"""Worker processes that all tests share, and one thread for whatever computes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")

from envs.programs import Options, Programs
from verifiers import PooledVerifier, PythonExecutor, make_verifier


@pytest.fixture(scope="session")
def programs() -> Iterator[Programs]:
    """The environment `programs` with levels 1 to 8, run by real workers."""
    with PythonExecutor() as executor:
        yield Programs(Options(max_level=8), executor)


@pytest.fixture(scope="session")
def exact() -> Iterator[PooledVerifier]:
    """The verifier of `programs`."""
    with make_verifier("exact") as verifier:
        yield verifier
