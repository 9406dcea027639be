"""Text equality after stripping whitespace at both ends. No other normalisation: case, inner spaces and form count."""

from __future__ import annotations

from verifiers.base import PooledVerifier


class ExactVerifier(PooledVerifier):
    """CORRECT iff answer and reference are the same text, whitespace at both ends aside; an empty one is MALFORMED."""

    name = "exact"
    handler = "verifiers.inside.judge_exact"
