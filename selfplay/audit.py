"""How good a judge is, where the truth is known: accuracy, order bias, length bias, calibration. Pure functions.

The material comes from verified episodes: a reply that a program found right against one that it found wrong, on the
same problem (`known_pairs`). An audit speaks of that kind of problem only; a judge of essays may be another one. It
asks nobody and changes nothing: it reads judgements and ratings that were given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from selfplay.judgements import Choice, Judgement, Rating
from selfplay.seeding import rng_for
from selfplay.types import Episode, Problem

Pair = tuple[Problem, str, str]
"""A problem with two replies."""
NUM_BINS = 10
"""Of the calibration error."""


@dataclass(frozen=True, slots=True)
class PairAudit:
    """Of judgements between a right and a wrong reply. NaN where there is nothing to measure by."""

    num_pairs: int
    decided: float
    """Share of pairs on which the judge chose, the same way in both orders."""
    accuracy: float
    """Share of those on which it chose the right reply."""
    order_bias: float
    """Of the pairs with a choice in each order: share chosen for being shown first, less share for being second."""
    length_bias: float
    """Accuracy where the right reply is the longer one, less accuracy where it is the shorter one."""
    calibration_error: float
    """Expected difference between stated confidence and accuracy (ECE), over pairs with a probability."""
    num_faults: int = 0
    """Pairs that were not judged by a fault of ours; they are in none of the others."""

    def metrics(self) -> dict[str, float]:
        """By name, those that could be measured: for the key `judged` of a round's metrics, under `audit`."""
        return _measured(asdict(self))


@dataclass(frozen=True, slots=True)
class RatingAudit:
    """Of ratings of replies that are known to be right or wrong, good meaning a score of at least the threshold."""

    num_ratings: int
    decided: float
    """Share of replies that the judge rated."""
    accuracy: float
    """Share of those that it called good if right, and not good if wrong."""
    false_good: float
    """Share of the wrong ones it rated that it called good: what would be trained on by mistake."""
    missed_good: float
    """Share of the right ones it rated that it did not call good."""
    calibration_error: float
    """Expected difference between score and share of right replies (ECE), the score read as a probability."""
    num_faults: int = 0
    """Replies that were not rated by a fault of ours; they are in none of the others."""

    def metrics(self) -> dict[str, float]:
        """As `PairAudit.metrics`."""
        return _measured(asdict(self))


def known_pairs(episodes: Iterable[Episode], seed: int, max_pairs: int) -> tuple[list[Pair], list[Choice]]:
    """At most one pair an episode, of a verified right and a verified wrong attempt, and which of the two is right.

    Which attempts, which comes first, and which episodes where there are too many, is drawn by named seeds. Attempts
    that a judge decided are never used: they would make it the judge of itself.
    """
    found: list[tuple[Pair, Choice]] = []
    for episode in episodes:
        right = [a.transcript.completion for a in episode.attempts if a.correct]
        wrong = [
            a.transcript.completion
            for a in episode.attempts
            if a.verdict.verified
            and a.verdict.status.decided
            and not a.correct
            and a.transcript.completion not in right
        ]
        if right and wrong:
            rng = rng_for(seed, "audit", episode.problem.id)
            good, bad = rng.choice(right), rng.choice(wrong)
            right_first = rng.random() < 0.5
            texts = (good, bad) if right_first else (bad, good)
            found.append(((episode.problem, *texts), Choice.FIRST if right_first else Choice.SECOND))
    if len(found) > max_pairs:
        kept = sorted(rng_for(seed, "audit pairs").sample(range(len(found)), max_pairs))
        found = [found[index] for index in kept]
    return [pair for pair, _ in found], [truth for _, truth in found]


def audit_pairs(judgements: Sequence[Judgement], truths: Sequence[Choice]) -> PairAudit:
    """What the judgements say of their judge; `truths` (FIRST or SECOND) are parallel to them."""
    both = [pair for pair in zip(judgements, truths, strict=True) if not pair[0].fault]
    decided = [(one, truth) for one, truth in both if one.choice is not Choice.ABSTAIN]
    rights = [one.choice is truth for one, truth in decided]
    leans = [_lean(one) for one, _ in both if _answered(one)]
    longer = [right for right, (one, truth) in zip(rights, decided, strict=True) if _extra_length(one, truth) > 0]
    shorter = [right for right, (one, truth) in zip(rights, decided, strict=True) if _extra_length(one, truth) < 0]
    stated = [(one.probability, truth is Choice.FIRST) for one, truth in both if one.probability is not None]
    return PairAudit(
        num_pairs=len(both),
        decided=_mean([one.choice is not Choice.ABSTAIN for one, _ in both]),
        accuracy=_mean(rights),
        order_bias=_mean(leans),
        length_bias=_mean(longer) - _mean(shorter),
        calibration_error=calibration_error(
            [max(p, 1.0 - p) for p, _ in stated], [(p >= 0.5) is first for p, first in stated]
        ),
        num_faults=len(judgements) - len(both),
    )


def audit_ratings(ratings: Sequence[Rating], truths: Sequence[bool], threshold: float) -> RatingAudit:
    """What the ratings say of their judge; `truths` (whether a reply is right) are parallel to them."""
    asked = [pair for pair in zip(ratings, truths, strict=True) if not pair[0].fault]
    rated = [(one.score, truth) for one, truth in asked if one.score is not None]
    good = [(score >= threshold, truth) for score, truth in rated]
    return RatingAudit(
        num_ratings=len(asked),
        decided=len(rated) / len(asked) if asked else math.nan,
        accuracy=_mean([said is truth for said, truth in good]),
        false_good=_mean([said for said, truth in good if not truth]),
        missed_good=_mean([not said for said, truth in good if truth]),
        calibration_error=calibration_error([score for score, _ in rated], [truth for _, truth in rated]),
        num_faults=len(ratings) - len(asked),
    )


def calibration_error(confidences: Sequence[float], hits: Sequence[bool], num_bins: int = NUM_BINS) -> float:
    """ECE: mean over predictions of |accuracy - mean confidence| of their bin; bins of equal width over [0, 1].

    Guo et al. 1706.04599, eq. 3. A confidence of 1 is in the last bin. NaN for no predictions.
    """
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, hit in zip(confidences, hits, strict=True):
        bins.setdefault(min(num_bins - 1, int(confidence * num_bins)), []).append((confidence, hit))
    if not bins:
        return math.nan
    gaps = [abs(sum(hit for _, hit in one) - sum(confidence for confidence, _ in one)) for one in bins.values()]
    return sum(gaps) / len(hits)


def _answered(one: Judgement) -> bool:
    return Choice.ABSTAIN not in (one.forward.choice, one.backward.choice)


def _lean(one: Judgement) -> int:
    """1: what was shown first, both times; -1: what was shown second, both times; 0: the same reply."""
    if one.choice is not Choice.ABSTAIN:
        return 0
    return 1 if one.forward.choice is Choice.FIRST else -1


def _extra_length(one: Judgement, truth: Choice) -> int:
    """Characters that the right reply has more than the wrong one."""
    more = len(one.comparison.first) - len(one.comparison.second)
    return more if truth is Choice.FIRST else -more


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _measured(fields: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in fields.items() if not math.isnan(value)}
