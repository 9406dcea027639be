"""Worker processes that all tests share, and one thread for whatever computes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")

from real_runs import TINY, train, write_config

from envs.programs import Options, Programs
from verifiers import ClosingVerifier, PythonExecutor, make_verifier

LAUNCH = ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "ACCELERATE_USE_CPU")


@pytest.fixture(autouse=True)
def _same_launch() -> Iterator[None]:
    """Fails a test that leaves the process looking launched: each later trainer would wait for peers on one port."""
    before = {name: os.environ.get(name) for name in LAUNCH}
    yield
    after = {name: os.environ.get(name) for name in LAUNCH}
    assert after == before


@pytest.fixture(scope="session")
def programs() -> Iterator[Programs]:
    """The environment `programs` with levels 1 to 8, run by real workers."""
    with PythonExecutor() as executor:
        yield Programs(Options(max_level=8), executor)


@pytest.fixture(scope="session")
def exact() -> Iterator[ClosingVerifier]:
    """The verifier of `programs`."""
    with make_verifier("exact") as verifier:
        yield verifier


@pytest.fixture(scope="session")
def warm_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run folder: a model made from scratch, warmed up, and trained for two rounds. Imports torch."""
    folder = tmp_path_factory.mktemp("warm")
    assert train(write_config(folder / "tiny.yaml", TINY), folder / "run") == 0
    return folder / "run"


@pytest.fixture(scope="session")
def warm_model(warm_run: Path) -> Path:
    """The folder of a model that proposes and solves a little."""
    return warm_run / "start"
