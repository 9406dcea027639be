"""Whether reasoning_gym's own scorer gives an answer a full score (see `gym`, which also says what is kept from it)."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from verifiers.inside.worker import Handler, each

FULL = 1.0
PICTURES = "cellpylib"
"""The one that the library imports for families that are not used, and that imports matplotlib."""


def open_handler(options: Mapping[str, Any]) -> tuple[Handler, list[str]]:
    """Imports the library, but not what draws its pictures: nothing is drawn here, and looking up fonts takes long."""
    sys.meta_path.insert(0, _NoPictures())
    from verifiers.inside import gym

    gym.families()
    gym.guard()
    return each(judge), []


class _NoPictures:
    """Finds its modules, all empty: any class can be imported from them, and none does anything."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] == PICTURES else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Empty(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""


class _Empty(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def judge(family: str, level: int, entry: str, answer: str) -> tuple[str, str | None, str]:
    """Status, answer and detail.

    Malformed where the scorer raises what it is known to raise for a text that is no answer of its kind; undecided
    where it raises anything else, though it gives the reference a full score; a fault where it does not give it that.
    """
    from verifiers.inside import gym

    if family not in gym.families():
        return "fault", None, f"payload: no family is called {family[:80]!r}, or it is not used"
    if not answer.strip():
        return "malformed", None, "the answer is empty"
    data = gym.dataset(family, level)
    try:
        score = float(data.score_answer(answer, gym.entry_of(family, entry)))
    except MemoryError:  # for `each`, which ends this worker
        raise
    except Exception as error:  # the library's code on any text at all
        raised = type(error).__name__
        reference = gym.entry_of(family, entry)
        if data.score_answer(reference["answer"], reference) != FULL:
            return "fault", None, f"the scorer raised {raised}, and the reference has no full score"
        if raised == gym.UNREADABLE.get(family):
            return "malformed", answer[:200], f"the scorer cannot read it: {error}"[:200]
        return "undecided", answer[:200], f"the scorer raised {raised}: {error}"[:200]
    return ("correct" if score == FULL else "wrong"), answer[:200], "" if score == FULL else f"score {score:.3f}"
