"""Whether two texts are equal after removing whitespace at both ends. Nothing else is normalised, not even case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verifiers.inside.worker import Handler, each


def judge(reference: str, answer: str) -> tuple[str, str | None, str]:
    """Status, extracted answer and detail; an answer of whitespace only is malformed."""
    extracted = answer.strip()
    if not extracted:
        return "malformed", None, "the answer is empty"
    return ("correct" if extracted == reference.strip() else "wrong"), extracted, ""


def open_handler(options: Mapping[str, Any]) -> tuple[Handler, list[str]]:
    return each(judge), []
