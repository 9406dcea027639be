"""A judge's scores as rewards of attempts, alone or with a program's verdict, and the pairs that they make.

What an attempt is paid is said in the algebra of `reward_algebra`, over two names: `judged` (the judge's score, from 0
to 1) and `correct` (1 where a program found the attempt right). `judged` alone is AI feedback as in the papers;
`{gate: [correct, judged]}` pays a judge's liking only for what is right. An attempt on which the judge was silent has
no reward, nor has one that `correct` is asked about and no program decided. It asks nobody.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from selfplay.advantages import best_and_worst, group_mean
from selfplay.credit import informative
from selfplay.errors import ConfigError
from selfplay.judgements import Choice, Judgement
from selfplay.learnability import Context, paid
from selfplay.protocols import Environment, Verifier
from selfplay.reward_algebra import functions_in, measured, read_reward
from selfplay.stages import verify
from selfplay.types import (
    Attempt,
    Credited,
    Episode,
    Preference,
    Problem,
    Proposal,
    Reward,
    Status,
    Transcript,
    Verdict,
)

Scores = Sequence[Sequence[float | None]]
"""A score in [0, 1] for each attempt at each problem; None: the judge was silent."""


def _correct(k: int, n: int, context: Context) -> Reward:
    return paid(correct=float(k))


NAMES = {"judged": measured("judged"), "correct": _correct}
"""What a reward may be made of."""


class Feedback:
    """A reward as a configuration describes it. Raises ConfigError for a description that is wrong."""

    def __init__(self, spec: str | Mapping[str, Any], path: str = "options.reward") -> None:
        if functions := functions_in(spec):
            raise ConfigError(
                f"{path}: got the function {functions[0]}, expected {' or '.join(NAMES)}, or both composed"
            )
        self.formula = read_reward(spec, path, NAMES)
        self.needs_truth = "correct" in _names(spec)

    def check(self, env: Environment, verifier: Verifier, problems: Sequence[Problem]) -> None:
        """Raise ConfigError if the reward asks for a program's verdict where a judge decides."""
        if self.needs_truth and any(verifier.judge_of(problem) for problem in problems):
            raise ConfigError(
                f"options.reward: got one with `correct`, expected `judged`: no program verifies {env.name}"
            )

    def reward(self, score: float | None, verdict: Verdict) -> Reward | None:
        """What one attempt is paid; None where what it depends on is not known."""
        known = verdict.verified and verdict.status.decided
        if score is None or (self.needs_truth and not known):
            return None
        return self.formula(int(verdict.correct), 1, Context(measured={"judged": score}))

    def rewards(self, episodes: Sequence[Episode], scores: Scores) -> list[list[Reward | None]]:
        """What each attempt is paid."""
        return [
            [self.reward(score, attempt.verdict) for score, attempt in zip(row, episode.attempts, strict=True)]
            for row, episode in zip(scores, episodes, strict=True)
        ]


def _names(spec: object) -> set[str]:
    if isinstance(spec, str):
        return {spec}
    parts = list(spec.values()) if isinstance(spec, Mapping) else spec if isinstance(spec, (list, tuple)) else []
    return {name for part in parts for name in _names(part)}


def episodes_of(
    problems: Sequence[Problem],
    attempts: Sequence[Sequence[Transcript]],
    env: Environment,
    verifier: Verifier,
    scores: Scores | None = None,
    threshold: float = 1.0,
    proposals: Sequence[Proposal | None] | None = None,
) -> list[Episode]:
    """Episodes whose verdicts are a program's where one decides, and made of the scores where only a judge does.

    There CORRECT is a score of at least `threshold`; a judge that was silent, or gave no scores but only compared,
    leaves UNDECIDED. The judge is not asked again.
    """
    asked = [row for row, problem in enumerate(problems) if not verifier.judge_of(problem)]
    verified = verify([problems[row] for row in asked], [attempts[row] for row in asked], env, verifier)
    found = dict(zip(asked, verified, strict=True))
    episodes = []
    for row, (problem, texts) in enumerate(zip(problems, attempts, strict=True)):
        own = proposals[row] if proposals else None
        if row in found:
            episodes.append(Episode(problem, found[row].attempts, own))
            continue
        values = scores[row] if scores is not None else [None] * len(texts)
        judge = verifier.judge_of(problem)
        verdicts = [
            _judged(value, text.completion, threshold, judge) for value, text in zip(values, texts, strict=True)
        ]
        made = tuple(Attempt(problem.id, text, one) for text, one in zip(texts, verdicts, strict=True))
        episodes.append(Episode(problem, made, own))
    return episodes


def _judged(score: float | None, text: str, threshold: float, judge: str) -> Verdict:
    if score is None:
        return Verdict(Status.UNDECIDED, text, "no score", judged_by=judge)
    status = Status.CORRECT if score >= threshold else Status.WRONG
    return Verdict(status, text, f"score {score:.3f}", judged_by=judge)


def preferences(
    episodes: Sequence[Episode], rewards: Sequence[Sequence[Reward | None]]
) -> list[tuple[Attempt, Attempt]]:
    """The best-paid attempt of each problem with its worst-paid one; none where all are paid alike."""
    found = []
    for episode, row in zip(episodes, rewards, strict=True):
        ends = best_and_worst([None if one is None else one.total for one in row])
        if ends and episode.attempts[ends[0]].transcript.completion != episode.attempts[ends[1]].transcript.completion:
            found.append((episode.attempts[ends[0]], episode.attempts[ends[1]]))
    return found


def rows(pairs: Sequence[tuple[Attempt, Attempt]]) -> list[Preference]:
    """Pairs as rows of preference learning."""
    return [Preference(best.transcript, worst.transcript) for best, worst in pairs]


def credited(episodes: Sequence[Episode], rewards: Sequence[Sequence[Reward | None]]) -> list[Credited]:
    """Each rewarded attempt with its advantage over the others at its problem, for policy gradient."""
    flat = [
        (episode.problem.id, attempt, reward)
        for episode, row in zip(episodes, rewards, strict=True)
        for attempt, reward in zip(episode.attempts, row, strict=True)
    ]
    advantages = group_mean([None if one is None else one.total for *_, one in flat], [key for key, *_ in flat])
    made = zip(flat, advantages, strict=True)
    return informative(Credited(attempt.transcript, value) for (_, attempt, _), value in made if value is not None)


def places_of_pairs(attempts: Sequence[Sequence[Transcript]]) -> list[tuple[int, int, int]]:
    """(problem, first, second) of every two attempts at the same problem."""
    return [(row, *pair) for row, texts in enumerate(attempts) for pair in combinations(range(len(texts)), 2)]


def win_shares(
    attempts: Sequence[Sequence[Transcript]], places: Sequence[tuple[int, int, int]], judgements: Sequence[Judgement]
) -> list[list[float | None]]:
    """For each attempt the mean probability that it is the better one, over the comparisons that were decided.

    `judgements` are parallel to `places`; one without a stated probability counts as certain.
    """
    said: list[list[list[float]]] = [[[] for _ in texts] for texts in attempts]
    for (row, first, second), judgement in zip(places, judgements, strict=True):
        if judgement.choice is not Choice.ABSTAIN:
            sure = 1.0 if judgement.choice is Choice.FIRST else 0.0
            share = sure if judgement.probability is None else judgement.probability
            said[row][first].append(share)
            said[row][second].append(1.0 - share)
    return [[sum(shares) / len(shares) if shares else None for shares in row] for row in said]


def measures(episodes: Sequence[Episode], scores: Scores, pairs: Sequence[tuple[Attempt, Attempt]]) -> dict[str, Any]:
    """What a round's metrics say of the feedback: scores, pairs, and how right both are where a program knows.

    `pair_accuracy`: share of the pairs of a right and a wrong attempt in which the right one is preferred.
    """
    known = [score for row in scores for score in row if score is not None]
    right = [
        best.correct for best, worst in pairs if _decided(best) and _decided(worst) and best.correct != worst.correct
    ]
    return {
        "scored": len(known),
        "silent": sum(score is None for row in scores for score in row),
        "mean_score": statistics.fmean(known) if known else None,
        "pairs": len(pairs),
        "ties": len(episodes) - len(pairs),
        "pair_accuracy": sum(right) / len(right) if right else None,
    }


def _decided(attempt: Attempt) -> bool:
    return attempt.verdict.verified and attempt.verdict.status.decided
