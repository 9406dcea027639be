"""From rewards to advantages and preferences: pure functions of numbers and of what groups them.

All take one reward a transcript, None where there is none (FAULT, UNDECIDED): it gets no advantage, and counts in no
mean. All are equivariant under reordering. A group of one, and a group of equals, has advantage 0. `credit.py` says
which transcripts form a group; here a group is a key.

`RoleBaselines` (RAE) is the one with a memory; its state belongs into the checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

Rewards = Sequence[float | None]
Advantages = list[float | None]
EPSILON = 1e-6


def group_mean(rewards: Rewards, groups: Sequence[Hashable], *, scale: bool = False) -> Advantages:
    """r - mean of its group; divided by the group's deviation if `scale` (GRPO 2402.03300, eq. 3).

    Proposals grouped by the prompt they answer and attempts by their problem: hierarchical GRPO (prime-rl).
    """
    return _centred(rewards, groups, [1.0] * len(rewards), (lambda deviation: deviation) if scale else None)


def leave_one_out(rewards: Rewards, groups: Sequence[Hashable]) -> Advantages:
    """r - mean of the others of its group (RLOO 2402.14740, eq. 5)."""
    sizes: dict[Hashable, int] = {}
    for reward, group in zip(rewards, groups, strict=True):
        sizes[group] = sizes.get(group, 0) + (reward is not None)
    return [
        None if advantage is None else advantage * sizes[group] / (sizes[group] - 1) if sizes[group] > 1 else 0.0
        for advantage, group in zip(group_mean(rewards, groups), groups, strict=True)
    ]


def whitened(rewards: Rewards, groups: Sequence[Hashable], num_tokens: Sequence[int]) -> Advantages:
    """(r - mean) / deviation over the *tokens* of each group, to which returns are broadcast (TRR++).

    Absolute Zero 2505.03335, section 3.3.5: groups are (role, task), so there are six baselines. A transcript counts
    as often as it has tokens, as in REINFORCE++ (2501.03262); deviation with n - 1, as its code has it.
    """
    return _centred(rewards, groups, num_tokens, lambda deviation: deviation + 1e-8, unbiased=True)


def by_difficulty(rewards: Rewards, classes: Sequence[Hashable]) -> Advantages:
    """(r - mean_h) / (deviation_h + 1e-6) among proposals of the same difficulty class h (HRPO, Dr. Zero)."""
    return _centred(rewards, classes, [1.0] * len(rewards), lambda deviation: deviation + EPSILON)


def _centred(
    rewards: Rewards,
    groups: Sequence[Hashable],
    weights: Sequence[float],
    divisor: Callable[[float], float] | None,
    unbiased: bool = False,
) -> Advantages:
    members: dict[Hashable, list[tuple[float, float]]] = {}
    for reward, group, weight in zip(rewards, groups, weights, strict=True):
        if reward is not None:
            members.setdefault(group, []).append((float(reward), float(weight)))
    moments = {group: _moments(own, unbiased) for group, own in members.items()}
    advantages: Advantages = []
    for reward, group in zip(rewards, groups, strict=True):
        if reward is None:
            advantages.append(None)
            continue
        mean, deviation = moments[group]
        if deviation == 0.0:
            advantages.append(0.0)
        else:
            advantages.append((reward - mean) / (divisor(deviation) if divisor else 1.0))
    return advantages


def _moments(own: Sequence[tuple[float, float]], unbiased: bool) -> tuple[float, float]:
    """Weighted mean and deviation; deviation exactly 0 for equals, whatever rounding says."""
    total = math.fsum(weight for _, weight in own)
    if total <= 0.0 or len(own) < 2 or len({reward for reward, _ in own}) == 1:
        return own[0][0], 0.0
    mean = math.fsum(reward * weight for reward, weight in own) / total
    squares = math.fsum(weight * (reward - mean) ** 2 for reward, weight in own)
    return mean, math.sqrt(squares / (total - 1.0 if unbiased and total > 1.0 else total))


def min_max(rewards: Rewards) -> Advantages:
    """(r - least) / (greatest - least) over a round; 0 where all are equal (Self-Guided Self-Play 2604.20209)."""
    known = [reward for reward in rewards if reward is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    return [None if reward is None else (reward - low) / (high - low) if high > low else 0.0 for reward in rewards]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie, interpolated linearly. Raises ValueError for none."""
    if not values:
        raise ValueError("no values: expected at least one")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def best_and_worst(rewards: Rewards) -> tuple[int, int] | None:
    """Places of the best and the worst of a group, first ones on ties; None if all are equal or fewer than two.

    Self-Rewarding 2401.10020, section 2.4: the pair that preference learning gets.
    """
    known = [(reward, place) for place, reward in enumerate(rewards) if reward is not None]
    if len({reward for reward, _ in known}) < 2:
        return None
    best = max(known, key=lambda one: (one[0], -one[1]))
    worst = min(known)
    return best[1], worst[1]


def keep(rewards: Rewards, at_least: float = 1.0, at_most: int | None = None) -> list[int]:
    """Places of the rewards that are high enough, in order, at most so many (STaR, ReST-EM: a cap for each problem)."""
    places = [place for place, reward in enumerate(rewards) if reward is not None and reward >= at_least]
    return places if at_most is None else places[:at_most]


@dataclass(slots=True)
class RoleBaselines:
    """Role-conditioned advantage estimation (RAE, SPIRAL 2506.24119, eq. 5): a moving mean a (game, seat).

    `advantage` is taken first and the baseline moved after it, one return at a time, in order, as SPIRAL's code has it.
    """

    decay: float = 0.95
    values: dict[str, float] = field(default_factory=dict)
    """Baseline by key; 0 before the first return."""

    def advantages(self, returns: Rewards, keys: Sequence[str]) -> Advantages:
        """R - b for each, then b <- decay · b + (1 - decay) · R; None stays None and moves nothing."""
        advantages: Advantages = []
        for value, key in zip(returns, keys, strict=True):
            if value is None:
                advantages.append(None)
                continue
            baseline = self.values.get(key, 0.0)
            advantages.append(value - baseline)
            self.values[key] = self.decay * baseline + (1.0 - self.decay) * value
        return advantages

    def state(self) -> dict[str, float]:
        """What a checkpoint keeps."""
        return dict(self.values)

    def restore(self, state: Mapping[str, float]) -> None:
        """Go on from what `state` gave."""
        self.values = dict(state)
