"""Credit: from judged episodes and rewards to what learners train on. Pure functions.

Items for imitation (supervised) and advantages (policy gradient). Undecided attempts and unrewarded proposals get no
credit at all: they are left out, not counted as zero.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from selfplay.advantages import RoleBaselines, group_mean
from selfplay.pool import Item
from selfplay.types import Credited, Episode, Match, Origin, Problem, Proposal, Reward, Status, Transcript, Turn

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
    if len(set(rewards)) < 2:
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


def with_advantages(transcripts: Iterable[Transcript], advantages: Iterable[float | None]) -> list[Credited]:
    """Each transcript that has an advantage, with it."""
    pairs = zip(transcripts, advantages, strict=True)
    return [Credited(transcript, advantage) for transcript, advantage in pairs if advantage is not None]


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


def credit_turns(
    matches: Sequence[Match],
    rewards: Sequence[Sequence[Reward]],
    learners: Collection[str],
    baselines: RoleBaselines,
) -> list[Credited]:
    """Every turn that a learner wrote, with the advantage of its seat in that match (RAE, SPIRAL 2506.24119, eq. 5).

    `rewards` are by match and seat, `learners` names of players. One baseline a (game, seat), which is moved by each
    match that the seat played as a learner, in order.
    """
    played = [
        (row, seat) for row, match in enumerate(matches) for seat, name in enumerate(match.players) if name in learners
    ]
    keys = [f"{matches[row].game}/{seat}" for row, seat in played]
    found = baselines.advantages([rewards[row][seat].total for row, seat in played], keys)
    advantages = dict(zip(played, found, strict=True))
    return [
        Credited(transcript, float(advantages[row, turn.seat] or 0.0))
        for row, turn, transcript in _written(matches, learners)
    ]


def credit_turns_by_group(
    matches: Sequence[Match],
    rewards: Sequence[Sequence[Reward]],
    learners: Collection[str],
    group: Callable[[Match, Turn], object] | None,
) -> list[Credited]:
    """Every turn that a learner wrote, with its seat's reward less the mean of its `group` (None: no baseline).

    Turns in a group must be indistinguishable before the move: the same observation, or the same `situation`, which
    also knows what is hidden from the seat; what a seat cannot see may inform its baseline, since that does not depend
    on the move (the centralised critic of Foerster et al. 1705.08926).
    """
    rows = list(_written(matches, learners))
    totals = [rewards[row][turn.seat].total for row, turn, _ in rows]
    if group is None:
        advantages: Sequence[float | None] = totals
    else:
        advantages = group_mean(totals, [str(group(matches[row], turn)) for row, turn, _ in rows])
    return [
        Credited(transcript, float(advantage or 0.0))
        for (_, _, transcript), advantage in zip(rows, advantages, strict=True)
    ]


def _written(matches: Sequence[Match], learners: Collection[str]) -> Iterable[tuple[int, Turn, Transcript]]:
    """(row of `matches`, turn, transcript) of the turns that a learner wrote."""
    for row, match in enumerate(matches):
        for turn in match.turns:
            if turn.transcript is not None and match.players[turn.seat] in learners:
                yield row, turn, turn.transcript


def merged(rows: Sequence[Credited]) -> list[Credited]:
    """Rows of the same tokens as one row, with the advantage that leaves the gradient as it was.

    Exact for one step on policy over all rows, under a loss that averages over rows (`grpo`, `dr_grpo`) or, where
    completions are of equal length, tokens: the m-th of M merged rows gets M / N times its rows' sum of advantages.
    A small game has few distinct turns, and a hundred copies of one cost a hundred times as much to train on.
    """
    sums: dict[tuple[int, ...], float] = {}
    first: dict[tuple[int, ...], Transcript] = {}
    for row in rows:
        key = row.transcript.token_ids
        sums[key] = sums.get(key, 0.0) + row.advantage
        first.setdefault(key, row.transcript)
    factor = len(sums) / len(rows) if rows else 1.0
    return [Credited(first[key], factor * total) for key, total in sums.items()]
