"""The public package math_verify as a judge in a worker process, for comparing a verifier of ours with it.

Contract: `judge` gives what math_verify says about two texts, both boxed, which is where it is best. Its own time
limits are off: the pool's deadline kills the worker. A reference that it cannot read is FAULT, an answer that it
cannot read MALFORMED.

Nothing of its judgement is corrected. It is imported in the worker only.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from verifiers.inside.worker import Handler, each


def open_handler(options: Mapping[str, Any]) -> tuple[Handler, list[str]]:
    """The handler; importing the package takes about a second."""
    package = import_module("math_verify")

    def judge(reference: str, answer: str) -> tuple[str, str | None, str]:
        gold = package.parse(_boxed(reference), parsing_timeout=None)
        if not gold:
            return "fault", None, f"math_verify cannot read the reference {reference[:60]!r}"
        found = package.parse(answer if "\\boxed" in answer else _boxed(answer), parsing_timeout=None)
        if not found:
            return "malformed", None, "math_verify finds no answer"
        extracted = next((one for one in found if isinstance(one, str)), None)
        return ("correct" if package.verify(gold, found, timeout_seconds=None) else "wrong"), extracted, ""

    return each(judge), []


def _boxed(text: str) -> str:
    return text if "\\boxed" in text else f"\\boxed{{{text}}}"
