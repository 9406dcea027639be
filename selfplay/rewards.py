"""Rewards: pure functions from what happened to a number with named terms. One table of names.

A proposer reward is a function of (k, n): k of n decided attempts were correct. It is asked only when n > 0: attempts
that are FAULT or UNDECIDED are not in n, and a problem with none decided has no reward at all. Only a program's verdict
is paid, unless the caller says `judged=True`; what rests on a judge's word has terms of its own. The values at k/n = 0,
1/4, 1/2, 3/4, 1 are in `docs/design.md` and in tests. Advantages are another matter (`credit.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from selfplay.types import Attempt, Episode, Proposal, Reward

ProposerReward = Callable[[int, int], float]


def one_minus_p(k: int, n: int) -> float:
    """1 - p if p > 0 else 0: harder is better until nobody solves it (Absolute Zero 2505.03335, eq. 4)."""
    return 1.0 - k / n if k else 0.0


def four_p_one_minus_p(k: int, n: int) -> float:
    """4p(1-p): peaks at 1 for p = 1/2 (prime-rl's hierarchical GRPO)."""
    return 4.0 * (k / n) * (1.0 - k / n)


def variance(k: int, n: int) -> float:
    """Unbiased variance of one attempt, p(1-p)·n/(n-1); 0 for a single attempt."""
    return (k / n) * (1.0 - k / n) * n / (n - 1) if n > 1 else 0.0


def neither_trivial_nor_impossible(k: int, n: int) -> float:
    """1 if 0 < k < n else 0 (Self-Questioning LMs 2508.03682)."""
    return 1.0 if 0 < k < n else 0.0


PROPOSER_REWARDS: dict[str, ProposerReward] = {
    "one_minus_p": one_minus_p,
    "four_p_one_minus_p": four_p_one_minus_p,
    "variance": variance,
    "neither_trivial_nor_impossible": neither_trivial_nor_impossible,
}


def reward_attempt(attempt: Attempt, *, judged: bool = False) -> Reward | None:
    """1 for a correct attempt, 0 for any other; None if it was not decided.

    An attempt that a judge decided has no reward, unless the recipe takes its word (`judged`): then the term is called
    `judged` and not `correct`.
    """
    verdict = attempt.verdict
    if not verdict.status.decided or not (verdict.verified or judged):
        return None
    if verdict.verified:
        return Reward((("correct", float(verdict.correct)),))
    return Reward((("judged", float(verdict.judged_good)),))


def reward_proposals(
    proposals: Sequence[Proposal],
    episodes: Sequence[Episode],
    learnability: ProposerReward,
    invalid: float = 0.0,
    *,
    judged: bool = False,
) -> list[Reward | None]:
    """A reward for each proposal: `learnability` of its episode, or `invalid` if it became no problem.

    A proposal refused as duplicate or held-out is well formed and gets 0. None: its problem had no decided attempt.
    Verified attempts only, unless the recipe takes a judge's word too (`judged`): where that counts, the term is
    called `judged_learnability`.
    """
    by_problem = {episode.problem.id: episode for episode in episodes if episode.proposal is not None}
    rewards: list[Reward | None] = []
    for proposal in proposals:
        problem = proposal.problem
        if problem is None:
            refused = getattr(proposal.outcome, "reason", "") in ("duplicate", "held_out")
            rewards.append(Reward((("refused", 0.0),) if refused else (("invalid", invalid),)))
            continue
        episode = by_problem.get(problem.id)
        good, decided = episode.counts(judged=judged) if episode is not None else (0, 0)
        if episode is None or not decided:
            rewards.append(None)
        else:
            name = "judged_learnability" if decided > episode.num_decided else "learnability"
            rewards.append(Reward(((name, learnability(good, decided)),)))
    return rewards
