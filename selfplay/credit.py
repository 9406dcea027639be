"""Credit: from judged episodes and rewards to what learners train on. Pure functions.

Items for imitation (supervised) and advantages (policy gradient). Undecided attempts and unrewarded proposals get no
credit at all: they are left out, not counted as zero.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from selfplay.pool import Item
from selfplay.types import Credited, Episode, Origin, Problem, Proposal, Reward, Status, Transcript

Solved = tuple[Problem, Transcript]
"""A problem and a transcript that solves it."""


def solver_items(
    episodes: Iterable[Episode],
    round_number: int,
    level_power: float = 0.5,
    easy_floor: float = 0.2,
    *,
    judged: bool = False,
) -> list[Item[Solved]]:
    """The correct attempts of each episode, weighted level^level_power x (1 + easy_floor - p).

    Hard problems weigh more: long ones, and those that are rarely solved; `easy_floor` > 0 keeps mastered ones alive.
    Verified attempts only, unless the recipe takes a judge's word too (`judged`).
    """
    items = []
    for episode in episodes:
        correct = tuple(
            (episode.problem, attempt.transcript)
            for attempt in episode.attempts
            if attempt.correct or (judged and attempt.judged_good)
        )
        if correct:
            rate = len(correct) / episode.counts(judged=judged)[1]
            items.append(
                Item(correct, max(1, episode.problem.level) ** level_power * (1 + easy_floor - rate), round_number)
            )
    return items


def proposer_items(
    proposals: Sequence[Proposal],
    rewards: Sequence[Reward | None],
    round_number: int,
    write: Callable[[Sequence[Problem]], list[Transcript]],
) -> list[Item[Transcript]]:
    """Proposals worth imitating, weighted by reward; `write` gives the transcripts that pose problems as admitted."""
    paid = [
        (proposal.problem, reward.total)
        for proposal, reward in zip(proposals, rewards, strict=True)
        if proposal.problem is not None and reward is not None and reward.total > 0.0
    ]
    written = write([problem for problem, _ in paid])
    return [Item((text,), total, round_number) for text, (_, total) in zip(written, paid, strict=True)]


def group_advantages(rewards: Sequence[float], *, leave_one_out: bool = False, scale: bool = False) -> list[float]:
    """Reward minus the group's mean (or the mean of the others); divided by the group's deviation if `scale`.

    A group of one, or of equals, has no advantage: zeros (GRPO 2402.03300; RLOO 2402.14740).
    """
    if len(rewards) < 2:
        return [0.0] * len(rewards)
    mean = statistics.fmean(rewards)
    factor = len(rewards) / (len(rewards) - 1) if leave_one_out else 1.0
    deviation = statistics.pstdev(rewards) if scale else 1.0
    return [factor * (reward - mean) / deviation if deviation > 0.0 else 0.0 for reward in rewards]


def credit_attempts(
    episodes: Iterable[Episode], rewards: Iterable[Sequence[Reward | None]], *, scale: bool = False
) -> list[Credited]:
    """Each rewarded attempt with its advantage within its problem's group."""
    rows: list[Credited] = []
    for episode, group in zip(episodes, rewards, strict=True):
        pairs = [(attempt, reward.total) for attempt, reward in zip(episode.attempts, group, strict=True) if reward]
        advantages = group_advantages([total for _, total in pairs], scale=scale)
        rows += [
            Credited(attempt.transcript, advantage) for (attempt, _), advantage in zip(pairs, advantages, strict=True)
        ]
    return rows


def credit_proposals(
    proposals: Sequence[Proposal], rewards: Sequence[Reward | None], *, scale: bool = False
) -> list[Credited]:
    """Each rewarded proposal with its advantage within the round's proposals."""
    pairs = [(proposal, reward.total) for proposal, reward in zip(proposals, rewards, strict=True) if reward]
    advantages = group_advantages([total for _, total in pairs], scale=scale)
    return [
        Credited(proposal.transcript, advantage) for (proposal, _), advantage in zip(pairs, advantages, strict=True)
    ]


def informative(rows: Iterable[Credited]) -> list[Credited]:
    """The rows with an advantage: a group that always or never succeeds teaches nothing, and costs as much to train on
    (dynamic sampling: DAPO 2503.14476, section 3.2, without drawing more groups in its place)."""
    return [row for row in rows if row.advantage != 0.0]


def first_answers(
    problems: Sequence[Problem], attempts: Sequence[Sequence[Transcript]], read: Callable[[Problem, str], str | None]
) -> list[Problem]:
    """Problems whose reference is the solver's own first answer (origin CLAIMED): what training without a verifier is.

    A problem whose first attempt has no answer keeps an empty reference, which no answer equals.
    """
    claimed = []
    for problem, transcripts in zip(problems, attempts, strict=True):
        first = transcripts[0]
        answer = read(problem, first.completion) if first.stopped else None
        claimed.append(replace(problem, reference=answer or "", origin=Origin.CLAIMED))
    return claimed


def verdict_counts(episodes: Iterable[Episode], *, judged: bool = False) -> dict[str, int]:
    """Number of attempts by status, every status named: of the verified attempts, or of those left to a judge."""
    counts = {status.value: 0 for status in Status}
    for episode in episodes:
        for attempt in episode.attempts:
            counts[attempt.verdict.status.value] += attempt.verdict.verified != judged
    return counts
