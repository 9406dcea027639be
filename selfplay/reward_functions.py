"""A user's own reward functions: found by `module:function`, asked once a batch, and never trusted to answer well.

A function has the form of TRL's: `(prompts, completions, completion_ids, **columns) -> list[float | None]`, one number
a completion, None for no opinion. Any that TRL takes works here unchanged: plain or `async`, for texts or for messages.
`prompts` and `completions` are texts; a function that is made for messages (`completion[0]["content"]`) fails on texts
with a TypeError and is then asked again with messages. Columns are lists of the same length. Of what TRL's trainer
adds, `log_extra` and `log_metric` are there and do nothing, and `trainer_state` is not there.

A function that raises, answers with another length, or with what is no finite number stops the run with its name and
the offending row, before anything of the round is kept.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import math
import numbers
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
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
    if not {"", os.getcwd()} & set(sys.path):
        sys.path.append(os.getcwd())  # as `python -m` has it, for commands that are started by their path
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
    completions = [one.completion for one in transcripts]
    for column, values in columns.items():
        if len(values) != len(transcripts):
            raise ValueError(f"column {column!r}: got {len(values)} values, expected {len(transcripts)}")
    columns = {"completion_ids": [sampled_ids(one) for one in transcripts], **columns}
    try:
        answers = _answers(function, transcripts, columns)
    except Exception as error:  # the user's function
        raise RewardFunctionError(
            f"the reward function {name} raised {type(error).__name__}: {error} ({_place(error)}), "
            f"for {_culprit(function, transcripts, columns, error)}. Expected a list of one number (or None) for each"
        ) from error
    size = _size(answers)
    if size is None:
        raise RewardFunctionError(
            f"the reward function {name} returned {_shown(answers)}, expected a list of {len(completions)} numbers"
        )
    if size != len(completions):
        raise RewardFunctionError(
            f"the reward function {name} returned {size} values for {len(completions)} completions, expected "
            f"one for each"
        )
    return [_checked(name, row, value, completions[row]) for row, value in enumerate(answers)]


def sampled_ids(transcript: Transcript) -> list[int]:
    """The token ids that the policy sampled."""
    return [token for token, sampled in zip(transcript.token_ids, transcript.sampled, strict=True) if sampled]


def _answers(function: RewardFunction, transcripts: Sequence[Transcript], columns: Mapping[str, Sequence[Any]]) -> Any:
    """What the function says of texts, or else of messages; the error is that about texts."""
    given: dict[str, Any] = {"log_extra": _ignore, "log_metric": _ignore}
    given |= {name: list(values) for name, values in columns.items()}
    prompts = ["".join(message.text for message in one.messages[:-1]) for one in transcripts]
    completions = [one.completion for one in transcripts]
    try:
        return _said(function(prompts=prompts, completions=completions, **given))
    except (TypeError, IndexError) as error:  # what taking a message out of a text raises
        talks = [[{"role": message.role, "content": message.text} for message in one.messages] for one in transcripts]
        try:
            asked, replies = [talk[:-1] for talk in talks], [talk[-1:] for talk in talks]
            return _said(function(prompts=asked, completions=replies, **given))
        except Exception:
            raise error from None


def _said(answers: Any) -> Any:
    """The answers, waited for if the function is asynchronous."""
    return asyncio.run(answers) if inspect.iscoroutine(answers) else answers


def _ignore(*_: Any, **__: Any) -> None:
    """Takes what a function would log with TRL's trainer."""


def _culprit(
    function: RewardFunction,
    transcripts: Sequence[Transcript],
    columns: Mapping[str, Sequence[Any]],
    error: Exception,
) -> str:
    """The first row for which a function raises the like when it is asked about it alone."""
    for row, transcript in enumerate(transcripts):
        try:
            _answers(function, [transcript], {name: [values[row]] for name, values in columns.items()})
        except type(error):
            return f"row {row}, the completion {_shown(transcript.completion)}"
        except Exception:  # the user's function, which wants more rows
            continue
    return f"{len(transcripts)} completions together, for none of them alone"


def _place(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}, line {last.lineno}"


def _size(answers: Any) -> int | None:
    """How many answers there are; None for what is no sequence of answers."""
    if isinstance(answers, (str, bytes, Mapping, Set)) or not hasattr(answers, "__len__"):
        return None
    try:
        return len(answers)
    except TypeError:  # an array of no dimension
        return None


def _checked(name: str, row: int, value: Any, completion: str) -> float | None:
    if value is None:
        return None
    try:
        if hasattr(value, "item") and not isinstance(value, numbers.Number):
            value = value.item()  # a tensor or array of one number
        found = float(value) if isinstance(value, numbers.Real) else math.nan
    except (ValueError, OverflowError, RuntimeError):  # several numbers, or one too large
        found = math.nan
    if not math.isfinite(found):
        raise RewardFunctionError(
            f"the reward function {name} returned {_shown(value)} for row {row}, the completion {_shown(completion)}, "
            f"expected a finite number or None"
        )
    return found


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
