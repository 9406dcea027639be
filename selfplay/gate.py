"""Admission: which problems may enter a run. Every refusal has a counted reason.

Refuses problems of the held-out split (so that evaluation keeps its meaning) and problems already seen, in this round
or before. Problem ids are content hashes, so both are set look-ups. It judges neither difficulty nor quality: rewards
do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from selfplay.types import Problem, Proposal, Rejection


class Gate:
    """Remembers what was admitted. With `repeats` it lets the same problem in again."""

    def __init__(self, held_out: Iterable[str], *, repeats: bool = False) -> None:
        self.held_out = frozenset(held_out)
        self.repeats = repeats
        self._seen: set[str] = set()

    def admit(self, problem: Problem) -> Problem | Rejection:
        """The problem itself, or `held_out` or `duplicate`."""
        if problem.id in self.held_out:
            return Rejection("held_out", problem.id)
        if problem.id in self._seen and not self.repeats:
            return Rejection("duplicate", problem.id)
        self._seen.add(problem.id)
        return problem

    def remember(self, problems: Iterable[Problem]) -> None:
        """Mark problems of earlier rounds as seen (when resuming)."""
        self._seen.update(problem.id for problem in problems)


def rejections(proposals: Iterable[Proposal]) -> dict[str, int]:
    """How many proposals were refused, by reason, most frequent first."""
    counts = Counter(proposal.outcome.reason for proposal in proposals if isinstance(proposal.outcome, Rejection))
    return dict(counts.most_common())
