"""Every environment in the table, as its case makes it; workers and problems are shared by all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from envs import ENVIRONMENTS
from scripts.cases import FOLDER, Case, case_of
from selfplay.protocols import Environment, Verifier
from selfplay.seeding import rng_for
from selfplay.types import Problem
from verifiers import ClosingVerifier, PythonExecutor, make_verifier

PROBLEMS_IN_ALL = 48
"""Of one environment, over its levels, at least four a level."""
NAMES = [name for name in ENVIRONMENTS if (FOLDER / f"{name}.py").is_file()]


class Verifiers(dict[str, ClosingVerifier]):
    """Verifiers by name, each made when it is first asked for."""

    def __missing__(self, name: str) -> ClosingVerifier:
        self[name] = make_verifier(name)
        return self[name]


@pytest.fixture(scope="session")
def executor() -> Iterator[PythonExecutor]:
    with PythonExecutor(deadline_s=2.0) as made:  # some programs never end
        yield made


@pytest.fixture(scope="session")
def verifiers_by_name() -> Iterator[Verifiers]:
    made = Verifiers()
    yield made
    for verifier in made.values():
        verifier.close()


@pytest.fixture(scope="session", params=NAMES)
def case(request: pytest.FixtureRequest) -> Case:
    return case_of(request.param)


@pytest.fixture(scope="session")
def env(case: Case, executor: PythonExecutor) -> Environment:
    return case.make(executor)


@pytest.fixture(scope="session")
def verifier(case: Case, env: Environment, verifiers_by_name: Verifiers) -> Verifier:
    return case.verifier(env) if case.own_verifier is not None else verifiers_by_name[env.verifier]


@pytest.fixture(scope="session")
def problems(env: Environment) -> list[Problem]:
    """Problems of every level."""
    rng = rng_for(0, "test", env.name)
    per_level = max(4, PROBLEMS_IN_ALL // len(env.levels))
    grounded = env.ground([env.draw(level, rng) for level in env.levels for _ in range(per_level)])
    found = [problem for problem in grounded if isinstance(problem, Problem)]
    assert len(found) == len(grounded), next(one for one in grounded if not isinstance(one, Problem))
    return found


@pytest.fixture(scope="session")
def variants(case: Case, executor: PythonExecutor) -> list[Environment]:
    """Instances with every other value of an option that is one of a few: the other style, other kinds of tasks."""
    own = case.choices()
    return [case.with_options(executor, **{option: value}) for option, (_, *others) in own.items() for value in others]
