"""Reward functions in the form that TRL's trainers call: `math_reward` and `code_reward`, for any training script.

    from verifiers.rewards import math_reward
    GRPOTrainer(..., reward_funcs=[math_reward])

Called as `(prompts, completions, **columns)` with one value a completion in every column; completions are texts or
conversations (a list of messages; the last assistant message counts). CORRECT is 1.0; WRONG, MALFORMED and TIMEOUT are
0.0; UNDECIDED and FAULT are None, which TRL leaves out: what we could not judge is not held against the model.

Workers start at the first call, once a process, and end with it. Importing this module starts nothing. Nothing here
shapes rewards: no length, format or partial credit.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selfplay.types import Origin, Problem, Verdict
from verifiers.base import ClosingVerifier
from verifiers.math_answer import MathVerifier
from verifiers.python_exec import PythonVerifier
from verifiers.sandbox import json_values

RewardFunction = Callable[..., list[float | None]]
Completion = str | Sequence[Mapping[str, Any]]

REFERENCE_COLUMNS = ("reference", "answer", "solution")
CODE_COLUMNS = ("entry", "inputs", "expected", "stdin", "tests")
_TEXT_COLUMNS = ("entry", "tests")
_POLICY_COLUMNS = ("policy", "extraction")
_FENCED = re.compile(r"```(?:python|py|python3)[^\S\n]*\n(.*?)(?:\n```|\Z)", re.DOTALL)


def make_math_reward(**options: Any) -> RewardFunction:
    """A reward function over `math_answer`; `options` are those of MathVerifier (`policy`, `num_workers`, …).

    The reference is the first column that is there of `reference`, `answer`, `solution` (a whole solution with a box or
    GSM8K's `####` will do). Columns `policy` and `extraction` override the policy, row by row.
    """
    verifier = _OnePerProcess(lambda: MathVerifier(**{"num_workers": _num_workers(), **options}))

    def math_reward(
        prompts: Sequence[Any] | None = None, completions: Sequence[Completion] = (), **columns: Any
    ) -> list[float | None]:
        """1.0 for a right answer, 0.0 for a wrong or missing one, None for one that could not be judged."""
        name = next((one for one in REFERENCE_COLUMNS if one in columns), None)
        if name is None:
            raise ValueError(
                f"math_reward found no reference; expected one of the columns {', '.join(REFERENCE_COLUMNS)}"
            )
        references = _column(columns, name, len(completions))
        payloads: list[dict[str, str]] = [{} for _ in completions]
        for one in _POLICY_COLUMNS:
            if one in columns:
                for payload, value in zip(payloads, _column(columns, one, len(completions)), strict=True):
                    payload.update({one: str(value)} if value is not None else {})
        rows = [
            (_problem("" if reference is None else str(reference), payload), text_of(completion))
            for reference, payload, completion in zip(references, payloads, completions, strict=True)
        ]
        verdicts = verifier.get().verify(rows)
        return [
            reward_of(verdict) if reference is not None else None
            for verdict, reference in zip(verdicts, references, strict=True)
        ]

    return math_reward


def make_code_reward(**options: Any) -> RewardFunction:
    """A reward function over `python_exec`; `options` are those of PythonVerifier (`allow_unsafe`, `num_workers`, …).

    Columns as its rows have them: `entry` with `inputs` and `expected`, `stdin` with `expected`, or `tests`; values are
    JSON texts or plain Python values. The program is the last ```python block of a completion, or else all of it.
    """
    verifier = _OnePerProcess(lambda: PythonVerifier(**{"num_workers": _num_workers(), **options}))

    def code_reward(
        prompts: Sequence[Any] | None = None, completions: Sequence[Completion] = (), **columns: Any
    ) -> list[float | None]:
        """1.0 for a program that does what is asked, 0.0 for one that does not, None for one that was not judged."""
        names = [name for name in CODE_COLUMNS if name in columns]
        if not {"tests", "expected"} & set(names):
            raise ValueError("code_reward found nothing to check against; expected the column `expected` or `tests`")
        payloads: list[dict[str, str]] = [{} for _ in completions]
        for name in names:
            for payload, value in zip(payloads, _column(columns, name, len(completions)), strict=True):
                if value is not None:
                    payload[name] = value if isinstance(value, str) else _written(name, value)
        rows = [
            (_problem("", payload), program_of(text_of(completion)))
            for payload, completion in zip(payloads, completions, strict=True)
        ]
        verdicts = verifier.get().verify(rows)
        return [reward_of(verdict) if payload else None for verdict, payload in zip(verdicts, payloads, strict=True)]

    return code_reward


def reward_of(verdict: Verdict) -> float | None:
    """The reward of a verdict; None if it was not decided, or not by a program."""
    if not verdict.status.decided or not verdict.verified:
        return None
    return float(verdict.correct)


def text_of(completion: Completion) -> str:
    """A completion's text: itself, or the content of the last assistant message ("" if there is none)."""
    if isinstance(completion, str):
        return completion
    for message in reversed(completion):
        if message.get("role") == "assistant":
            content = message.get("content")
            if isinstance(content, str):
                return content
            parts = content if isinstance(content, Sequence) else ()
            return "".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))
    return ""


def program_of(text: str) -> str:
    """The last fenced Python block, or the whole text."""
    found = _FENCED.findall(text)
    return str(found[-1]) if found else text


def _column(columns: Mapping[str, Any], name: str, count: int) -> Sequence[Any]:
    values: Sequence[Any] = columns[name]
    if isinstance(values, str) or len(values) != count:
        got = "a text" if isinstance(values, str) else f"{len(values)} values"
        raise ValueError(f"the column {name!r} has {got} for {count} completions; expected one value a completion")
    return values


def _written(name: str, value: Any) -> str:
    return str(value) if name in _TEXT_COLUMNS else json_values.write(value)


def _problem(reference: str, payload: Mapping[str, str]) -> Problem:
    return Problem("reward", "", reference, Origin.DATASET, level=0, payload=payload)


def _num_workers() -> int:
    return max(1, min(4, (os.cpu_count() or 1) // 2))


class _OnePerProcess:
    """A verifier that is made at its first use, anew in a forked copy of the process."""

    def __init__(self, make: Callable[[], ClosingVerifier]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: ClosingVerifier | None = None
        self._owner = -1

    def get(self) -> ClosingVerifier:
        with self._lock:
            if self._made is None or self._owner != os.getpid():
                self._made, self._owner = self._make(), os.getpid()
            return self._made


math_reward = make_math_reward()
code_reward = make_code_reward()
