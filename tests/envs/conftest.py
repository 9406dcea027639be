"""Every environment in the table, its workers shared by all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from envs import ENVIRONMENTS
from selfplay.protocols import Environment
from verifiers import ClosingVerifier, PythonExecutor, make_verifier


@pytest.fixture(scope="session")
def executor() -> Iterator[PythonExecutor]:
    with PythonExecutor() as made:
        yield made


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def env(request: pytest.FixtureRequest, executor: PythonExecutor) -> Environment:
    entry = ENVIRONMENTS[request.param]
    made: Environment = entry.make(entry.options(), executor)
    return made


@pytest.fixture(scope="session")
def verifiers_by_name() -> Iterator[dict[str, ClosingVerifier]]:
    made = {name: make_verifier(name) for name in ("exact", "math_answer")}
    yield made
    for verifier in made.values():
        verifier.close()


@pytest.fixture
def verifier(env: Environment, verifiers_by_name: dict[str, ClosingVerifier]) -> ClosingVerifier:
    return verifiers_by_name[env.verifier]
