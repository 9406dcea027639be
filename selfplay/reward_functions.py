"""A user's own reward functions: found by `module:function`, asked once a batch, and never trusted to answer well.

A function has the form of TRL's: `(prompts, completions, **columns) -> list[float | None]`, one number a completion,
None for no opinion; a function that TRL takes for plain texts works here unchanged. `prompts` and `completions` are
texts, columns are lists of the same length. A function that raises, answers with another length, or with what is no
finite number stops the run with its name and the offending row, before anything of the round is kept.
"""

from __future__ import annotations

import importlib
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selfplay.errors import ConfigError, UserError
from selfplay.types import Transcript

RewardFunction = Callable[..., Sequence[float | None]]
SHOWN_CHARACTERS = 120


class RewardFunctionError(UserError):
    """A user's reward function raised or answered something that is no reward."""


def find_function(name: str, path: str = "reward") -> RewardFunction:
    """The function `module:function`. Raises ConfigError if it cannot be imported or called."""
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute:
        raise ConfigError(f"{path}: got {name!r}, expected module:function")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{path}: {name!r}: there is no module {error.name!r}, expected one that Python can import from here "
            f"(its folder in PYTHONPATH, or the current folder)"
        ) from error
    except Exception as error:  # the user's module
        raise ConfigError(f"{path}: {name!r}: importing it raised {type(error).__name__}: {error}") from error
    function = getattr(module, attribute, None)
    if not callable(function):
        there = sorted(key for key, value in vars(module).items() if callable(value) and not key.startswith("_"))
        raise ConfigError(f"{path}: {name!r}: {module_name} has no function {attribute!r}; it has {', '.join(there)}")
    found: RewardFunction = function
    return found


def ask(
    name: str, function: RewardFunction, transcripts: Sequence[Transcript], columns: Mapping[str, Sequence[Any]]
) -> list[float | None]:
    """What `function` says about each transcript, in order. Raises RewardFunctionError naming function and row."""
    if not transcripts:
        return []
    prompts = ["".join(message.text for message in one.messages[:-1]) for one in transcripts]
    completions = [one.completion for one in transcripts]
    for column, values in columns.items():
        if len(values) != len(transcripts):
            raise ValueError(f"column {column!r}: got {len(values)} values, expected {len(transcripts)}")
    given = {column: list(values) for column, values in columns.items()}
    try:
        answers = function(prompts=prompts, completions=completions, **given)
    except Exception as error:  # the user's function
        raise RewardFunctionError(
            f"the reward function {name} raised {type(error).__name__}: {error}, for {len(completions)} completions, "
            f"the first of which is {_shown(completions[0])}. Expected a list of one number (or None) for each"
        ) from error
    if isinstance(answers, (str, bytes, Mapping)) or not hasattr(answers, "__len__"):
        raise RewardFunctionError(
            f"the reward function {name} returned {_shown(answers)}, expected a list of {len(completions)} numbers"
        )
    if len(answers) != len(completions):
        raise RewardFunctionError(
            f"the reward function {name} returned {len(answers)} values for {len(completions)} completions, expected "
            f"one for each"
        )
    return [_checked(name, row, value, completions[row]) for row, value in enumerate(answers)]


def _checked(name: str, row: int, value: Any, completion: str) -> float | None:
    if value is None:
        return None
    if hasattr(value, "item") and not isinstance(value, numbers.Number):
        value = value.item()  # a tensor or array of one number
    if not isinstance(value, numbers.Real) or not math.isfinite(float(value)):
        raise RewardFunctionError(
            f"the reward function {name} returned {_shown(value)} for row {row}, the completion {_shown(completion)}, "
            f"expected a finite number or None"
        )
    return float(value)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
