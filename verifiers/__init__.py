"""Whether an answer is right: verifiers by name. Programs decide, in worker processes; `judge` alone asks a judge.

Importing this package imports neither sympy nor torch and starts no process.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from verifiers.base import ClosingVerifier, PooledVerifier
from verifiers.exact import ExactVerifier
from verifiers.gym import GymVerifier
from verifiers.judge import JudgeVerifier
from verifiers.math_answer import MathPolicy, MathVerifier
from verifiers.numeric import NumericVerifier
from verifiers.python_exec import Execution, PythonExecutor, PythonVerifier
from verifiers.routed import RoutedVerifier
from verifiers.sympy_equal import SympyVerifier

__all__ = [
    "JUDGED",
    "VERIFIERS",
    "Execution",
    "MathPolicy",
    "MathVerifier",
    "ClosingVerifier",
    "PROGRAMS",
    "PooledVerifier",
    "PythonExecutor",
    "RoutedVerifier",
    "make_verifier",
]


def _by_problem(*, options: Mapping[str, Mapping[str, Any]] | None = None, **limits: Any) -> RoutedVerifier:
    """`options` are those of single verifiers, by name."""
    own = options or {}
    return RoutedVerifier(
        lambda name: make_verifier(name, **limits, **own.get(name, {})),
        [name for name in VERIFIERS if name != RoutedVerifier.name],
    )


VERIFIERS: dict[str, Callable[..., ClosingVerifier]] = {
    "exact": ExactVerifier,
    "numeric": NumericVerifier,
    "sympy_equal": SympyVerifier,
    "math_answer": MathVerifier,
    "python_exec": PythonVerifier,
    "reasoning_gym": GymVerifier,
    "judge": JudgeVerifier,
    "by_problem": _by_problem,
}
JUDGED = frozenset({"judge"})
"""Those whose verdicts rest on a judge's word; the others' are verified."""

PROGRAMS = frozenset({PythonVerifier.name, RoutedVerifier.name})
"""Those that may run programs, and so have a say in `allow_unsafe`."""


def make_verifier(
    name: str,
    *,
    num_workers: int = 1,
    deadline_s: float = 5.0,
    memory_mb: int = 1024,
    allow_unsafe: bool = False,
    **options: Any,
) -> ClosingVerifier:
    """The verifier called `name`; `deadline_s` bounds one answer's judgement, `memory_mb` one worker (MiB).

    `allow_unsafe` lets one that runs programs do so where the machine confines them too weakly; others take no notice.
    `options` are the verifier's own, such as `policy` of math_answer. Raises ValueError for an unknown name, naming the
    nearest valid one.
    """
    if name not in VERIFIERS:
        near = difflib.get_close_matches(name, VERIFIERS, n=1, cutoff=0.0)
        raise ValueError(f"no verifier is called {name!r}; did you mean {near[0]!r}? All: {', '.join(VERIFIERS)}")
    if name in PROGRAMS:
        options["allow_unsafe"] = allow_unsafe
    return VERIFIERS[name](num_workers=num_workers, deadline_s=deadline_s, memory_mb=memory_mb, **options)
