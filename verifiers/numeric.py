"""Exact equality of number literals: integer, decimal, scientific and a/b, with an optional relative tolerance.

No floats are involved: 1e400 is not infinity and 0.1 is one tenth. Thousands separators, percent, units and mixed
numbers are not read (MALFORMED; in a reference: FAULT).
"""

from __future__ import annotations

from fractions import Fraction

from verifiers.base import PooledVerifier


class NumericVerifier(PooledVerifier):
    """CORRECT iff |answer - reference| <= relative_tolerance * |reference|, decided exactly.

    `relative_tolerance` is a text such as "1e-6", an integer or a Fraction, at least 0 and below 1 (a float would not
    be the number that it shows).
    """

    name = "numeric"
    handler = "verifiers.inside.judge_numeric"

    def __init__(
        self,
        *,
        num_workers: int = 1,
        deadline_s: float = 5.0,
        memory_mb: int = 1024,
        relative_tolerance: str | int | Fraction = 0,
    ) -> None:
        tolerance = Fraction(relative_tolerance)
        if not 0 <= tolerance < 1:
            raise ValueError(f"relative_tolerance is {relative_tolerance}; expected at least 0 and below 1")
        super().__init__(
            num_workers=num_workers,
            deadline_s=deadline_s,
            memory_mb=memory_mb,
            options={"relative_tolerance": str(tolerance)},
        )
