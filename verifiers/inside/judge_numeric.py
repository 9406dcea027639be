"""Whether two number literals are equal, exactly or within a relative tolerance of the reference (see `number`)."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from verifiers.inside.number import close, read_literal
from verifiers.inside.worker import Handler, each


def open_handler(options: Mapping[str, Any]) -> tuple[Handler, list[str]]:
    """`options["relative_tolerance"]` is a text that Fraction reads."""
    tolerance = Fraction(options["relative_tolerance"])

    def judge(reference: str, answer: str) -> tuple[str, str | None, str]:
        right = read_literal(reference)
        if isinstance(right, str):
            return "fault", None, f"the reference {reference[:80]!r} is {right}"
        left = read_literal(answer)
        if isinstance(left, str):
            return "malformed", None, left
        return ("correct" if close(left, right, tolerance) else "wrong"), answer.strip(), ""

    return each(judge), []
