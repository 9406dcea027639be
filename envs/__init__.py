"""What problems are: environments by name.

A new environment is a file and a line in `ENVIRONMENTS`. Importing this package imports neither torch nor sympy and
starts no process. It does not check options that a person wrote: whoever reads the configuration builds the options.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, NamedTuple

from envs import (
    arithmetic,
    calculus,
    code_triplet,
    dataset,
    equations,
    open_ended,
    programs,
    reasoning_gym,
    tested_code,
)
from envs.arithmetic import Arithmetic
from envs.calculus import Calculus
from envs.code_triplet import CodeTriplet
from envs.dataset import Dataset
from envs.open_ended import OpenEnded
from envs.programs import Programs
from envs.reasoning_gym import ReasoningGym
from envs.tested_code import TestedCode
from verifiers.python_exec import PythonExecutor

__all__ = [
    "ENVIRONMENTS",
    "Arithmetic",
    "Calculus",
    "CodeTriplet",
    "Dataset",
    "Entry",
    "OpenEnded",
    "Programs",
    "ReasoningGym",
    "TestedCode",
    "find_environment",
    "make_environment",
]


class Entry(NamedTuple):
    """How to make an environment."""

    options: type[Any]
    """Its options: a frozen dataclass, every field with a default."""
    make: Callable[[Any, Any], Any]
    """The environment from its options and an executor (`programs.Executor`), which is used by `ground` only."""


ENVIRONMENTS: dict[str, Entry] = {
    "programs": Entry(programs.Options, Programs),
    "equations": Entry(equations.Options, lambda options, executor: equations.make(options)),
    "calculus": Entry(calculus.Options, lambda options, executor: Calculus(options)),
    "arithmetic": Entry(arithmetic.Options, lambda options, executor: Arithmetic(options)),
    "tested_code": Entry(tested_code.Options, TestedCode),
    "code_triplet": Entry(code_triplet.Options, CodeTriplet),
    "dataset": Entry(dataset.Options, Dataset),
    "reasoning_gym": Entry(reasoning_gym.Options, lambda options, executor: ReasoningGym(options)),
    "open_ended": Entry(open_ended.Options, lambda options, executor: OpenEnded(options)),
}


def find_environment(name: str) -> Entry:
    """The entry of the environment called `name`. Raises ValueError for an unknown name, naming the nearest one."""
    if name not in ENVIRONMENTS:
        near = difflib.get_close_matches(name, ENVIRONMENTS, n=1, cutoff=0.0)
        raise ValueError(f"no environment is called {name!r}; did you mean {near[0]!r}? All: {', '.join(ENVIRONMENTS)}")
    return ENVIRONMENTS[name]


def make_environment(
    name: str, options: object = None, *, num_workers: int = 1, deadline_s: float = 5.0, memory_mb: int = 1024
) -> Any:
    """The environment called `name` with `options`, an instance of its options class (None: the defaults).

    Programs run in `num_workers` processes, which start when first needed; `deadline_s` bounds one program (seconds),
    `memory_mb` one process (MiB). Raises ValueError for an unknown name and TypeError for options of another class.
    """
    entry = find_environment(name)
    options = entry.options() if options is None else options
    if not isinstance(options, entry.options):
        raise TypeError(
            f"options of {name!r}: got {type(options).__name__}, expected {entry.options.__module__}.Options; "
            f"from a configuration, use selfplay.checking.build(find_environment({name!r}).options, data)"
        )
    executor = PythonExecutor(num_workers=num_workers, deadline_s=deadline_s, memory_mb=memory_mb)
    return entry.make(options, executor)
