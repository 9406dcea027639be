"""Replaying a run with another reward: what would its proposals have been paid, without generating anything.

Everything left of the reward is on disk, so a round can be paid again by any formula; groups are the round's proposals,
as `credit.credit_proposals` has them. It cannot say what the run would have become: later rounds would have been
played by another policy. It trains nothing and changes no record.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from scipy.stats import spearmanr

from selfplay.advantages import group_mean
from selfplay.rewards import Pay
from selfplay.tables import RoundRecord
from selfplay.types import Proposal, Reward


@dataclass(slots=True)
class Change:
    """What another reward would have changed in a round, or in several together."""

    num_paid: int = 0
    """Proposals that both rewards pay."""
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


def compare(proposals: Sequence[Proposal], old: Sequence[Reward | None], new: Sequence[Reward | None]) -> Change:
    """What changes between two rewards of the same proposals."""
    pairs = [
        (proposal, one.total, other.total)
        for proposal, one, other in zip(proposals, old, new, strict=True)
        if one is not None and other is not None
    ]
    change = Change(num_paid=len(pairs))
    before, after = [one for _, one, _ in pairs], [other for _, _, other in pairs]
    group = [0] * len(pairs)
    for first, second in zip(group_mean(before, group), group_mean(after, group), strict=True):
        change.num_turned += _sign(first or 0.0) != _sign(second or 0.0)
    if len(set(before)) > 1 and len(set(after)) > 1:
        change.ranks.append(float(spearmanr(before, after).statistic))
    for proposal, one, other in pairs:
        if proposal.problem is not None:
            level = proposal.problem.level
            counts = change.kept.get(level, (0, 0, 0))
            found = (one > 0.0, other > 0.0, one > 0.0 and other > 0.0)
            change.kept[level] = (counts[0] + found[0], counts[1] + found[1], counts[2] + found[2])
    return change


def _sign(value: float) -> int:
    return (value > 1e-12) - (value < -1e-12)


def replay(rounds: Iterable[RoundRecord], pay: Pay, *, judged: bool = False) -> list[tuple[int, Change]]:
    """Number and change of each round. Raises RewardFunctionError for a user's function that fails."""
    return [
        (
            one.number,
            compare(one.proposals, one.proposal_rewards, pay.proposals(one.proposals, one.episodes, judged=judged)),
        )
        for one in rounds
    ]


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
