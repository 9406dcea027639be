"""Replaying a run with another reward: what its proposals or attempts would have been paid, without generating.

Everything left of the reward is on disk, so a round can be paid again by any formula, and by its own to the same
amounts: near copies are found again in the texts, and what else a formula asks for (`learnability.Context`), and which
proposals were compared, is in the round's state where a recipe has either (`context`). Advantages are rewards less the
mean of their group, which is the round's proposals where the state says nothing, and an attempt's problem. It cannot
say what the run would have become: later rounds would have been played by another policy. It trains nothing and
changes no record.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scipy.stats import spearmanr

from selfplay.advantages import group_mean
from selfplay.learnability import Context
from selfplay.repetition import repetition_of
from selfplay.rewards import Pay, SolverPay
from selfplay.tables import RoundRecord
from selfplay.types import Problem, Reward


@dataclass(slots=True)
class Change:
    """What another reward would have changed in a round, or in several together."""

    num_paid: int = 0
    """Proposals, or attempts, that both rewards pay."""
    num_turned: int = 0
    """Those whose advantage has the other sign (or is zero with one and not with the other)."""
    ranks: list[float] = field(default_factory=list)
    """Spearman's rank correlation of both rewards, by round; rounds in which either is constant have none."""
    kept: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    """By level: problems that the recorded reward would keep (pays more than 0), that the other would, and both."""

    @property
    def turned(self) -> float:
        """Share of rollouts whose advantage changes sign; NaN for none."""
        return self.num_turned / self.num_paid if self.num_paid else math.nan

    @property
    def rank_correlation(self) -> float:
        """Mean over rounds; NaN if no round has one."""
        return sum(self.ranks) / len(self.ranks) if self.ranks else math.nan


def compare(
    problems: Sequence[Problem | None],
    old: Sequence[Reward | None],
    new: Sequence[Reward | None],
    groups: Sequence[Hashable] | None = None,
) -> Change:
    """What changes between two rewards of the same rows; `problems` are those that the rows pose or attempt."""
    rows = [
        (problem, one.total, other.total, group)
        for problem, one, other, group in zip(problems, old, new, groups or [0] * len(old), strict=True)
        if one is not None and other is not None
    ]
    change = Change(num_paid=len(rows))
    before, after, keys = [row[1] for row in rows], [row[2] for row in rows], [row[3] for row in rows]
    for first, second in zip(group_mean(before, keys), group_mean(after, keys), strict=True):
        change.num_turned += _sign(first or 0.0) != _sign(second or 0.0)
    if len(set(before)) > 1 and len(set(after)) > 1:
        change.ranks.append(float(spearmanr(before, after).statistic))
    kept: dict[str, tuple[int, bool, bool]] = {}  # a problem is kept if any row of it is paid
    for problem, one, other, _ in rows:
        if problem is not None:
            _, was, is_now = kept.get(problem.id, (0, False, False))
            kept[problem.id] = problem.level, was or one > 0.0, is_now or other > 0.0
    for level, was, is_now in kept.values():
        counts = change.kept.get(level, (0, 0, 0))
        change.kept[level] = (counts[0] + was, counts[1] + is_now, counts[2] + (was and is_now))
    return change


def _sign(value: float) -> int:
    return (value > 1e-12) - (value < -1e-12)


def replay(rounds: Iterable[RoundRecord], pay: Pay, *, judged: bool = False) -> list[tuple[int, Change]]:
    """Number and change of each round, of its proposals, or with a `SolverPay` of its attempts.

    Raises RewardFunctionError for a user's function that fails.
    """
    return [
        (one.number, of_attempts(one, pay, judged) if isinstance(pay, SolverPay) else of_proposals(one, pay, judged))
        for one in rounds
    ]


def of_proposals(past: RoundRecord, pay: Pay, judged: bool = False) -> Change:
    """What changes for the proposals of a round."""
    if not any(reward is not None for reward in past.proposal_rewards):
        return Change()
    known: Mapping[str, Any] = past.state.get("context", {})
    guides = known.get("guide", [1.0] * len(past.proposals))
    contexts = [
        Context(one.problem is not None, share, guide, known.get("rate_limit", 1.0))
        for one, share, guide in zip(past.proposals, repetition_of(past.proposals), guides, strict=True)
    ]
    new = pay.proposals(past.proposals, past.episodes, contexts, judged=judged)
    problems = [one.problem for one in past.proposals]
    return compare(problems, past.proposal_rewards, new, known.get("group"))


def of_attempts(past: RoundRecord, pay: SolverPay, judged: bool = False) -> Change:
    """What changes for the attempts of a round."""
    new = [reward for group in pay.attempts(past.episodes, judged=judged) for reward in group]
    old = [reward for group in past.attempt_rewards for reward in group]
    problems = [episode.problem for episode in past.episodes for _ in episode.attempts]
    return compare(problems, old, new, [problem.id for problem in problems])


def together(changes: Iterable[Change]) -> Change:
    """All rounds as one."""
    total = Change()
    for change in changes:
        total.num_paid += change.num_paid
        total.num_turned += change.num_turned
        total.ranks += change.ranks
        for level, counts in change.kept.items():
            old = total.kept.get(level, (0, 0, 0))
            total.kept[level] = (old[0] + counts[0], old[1] + counts[1], old[2] + counts[2])
    return total
