"""What the generic tests, the golden playthroughs and the benchmark know of each environment: `tests/envs/cases/`.

Contract: `case_of(name)` loads `tests/envs/cases/<name>.py`, which has `make(executor) -> Environment`, a small
instance with options like the defaults (and a file to read, where it needs one), and `wrong(problem, rng) -> str`, an
answer that must not be judged right. It may have `verifier() -> Verifier`, where the verifier needs more than its name,
and `difficulty(problem) -> float`, where the length of problem and solution does not say how hard a problem is.

These files belong to the tests; commands for everyday use do not read them.
"""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from envs import find_environment
from selfplay.errors import UserError
from selfplay.protocols import Environment, Verifier
from selfplay.types import Problem
from verifiers import make_verifier

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "envs" / "cases"


@dataclass(frozen=True, slots=True)
class Case:
    """One file of `tests/envs/cases`."""

    name: str
    make: Callable[[Any], Environment]
    """A small instance, from an executor."""
    wrong: Callable[[Problem, random.Random], str]
    """An answer text that must not be judged right for this problem."""
    difficulty: Callable[[Problem], float] | None
    """Something that must not fall from level to level, on average."""
    own_verifier: Callable[[], Verifier] | None

    def verifier(self, env: Environment) -> Verifier:
        """The verifier of an instance; close it if it can be closed."""
        return self.own_verifier() if self.own_verifier is not None else make_verifier(env.verifier)

    def choices(self) -> dict[str, tuple[Any, ...]]:
        """The options of the instance that are one of a few (see `choices`)."""
        return choices(self.make(None).options)  # type: ignore[attr-defined]

    def with_options(self, executor: Any, **changes: Any) -> Environment:
        """The instance with other values of some options. Raises ValueError if they do not go together."""
        options: Any = self.make(None).options  # type: ignore[attr-defined]
        made: Environment = find_environment(self.name).make(replace(options, **changes), executor)
        return made


def case_of(name: str) -> Case:
    """The case of the environment called `name`. Raises UserError if its file is missing."""
    path = FOLDER / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"case_{name}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UserError(
            f"{path} is missing: write it with make(executor) and wrong(problem, rng), as its neighbours do"
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    optional = (getattr(module, one, None) for one in ("difficulty", "verifier"))
    return Case(name, module.make, module.wrong, *optional)


def choices(options: Any) -> dict[str, tuple[Any, ...]]:
    """The fields of an options dataclass that are one of a few values, with these values, the instance's own first.

    Of a field that lists some of a few, the values are its own list and each of the few alone.
    """
    hints = get_type_hints(type(options))
    found = {}
    for one in fields(options):
        hint, own = hints[one.name], getattr(options, one.name)
        if get_origin(hint) is Literal:
            values = list(get_args(hint))
        elif get_origin(hint) in (list, tuple) and get_origin(get_args(hint)[0]) is Literal:
            values = [get_origin(hint)([value]) for value in get_args(get_args(hint)[0])]
        else:
            continue
        found[one.name] = (own, *(value for value in values if value != own))
    return found
