"""The Guide of Self-Guided Self-Play (2604.20209): what an invented problem is worth on the way to a target.

A judge is asked three things about each problem, on a strict schema: how relevant it is to the target, how needlessly
complex, and how redundant. `guide_score` makes one number of them. `RuleGuide` answers the same questions by counting,
for models that cannot read, and is no judge of quality. What a guide says multiplies a reward (`learnability.sgs`); it
never decides what is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from selfplay.advantages import percentile
from selfplay.judge import check_rubric, overall
from selfplay.judgements import Choice, Comparison, Criterion, Opinion, Rating
from selfplay.learnability import Context
from selfplay.protocols import Judge
from selfplay.repetition import tokens_of
from selfplay.types import Episode, Problem, Proposal

GUIDE = (
    Criterion(
        "relevance",
        "The request is a problem that nobody could solve yet; the reply is another problem, which is meant to be a "
        "step on the way to it. How much would solving the reply help with the request? 0: not at all; 5: it is a part "
        "of it, or needs the same idea.",
    ),
    Criterion(
        "complexity",
        "How needlessly complicated is the reply? 0: not at all; 1: somewhat; 2: more than the request itself; 3 or 4: "
        "it is made hard by length, nesting or clutter, and not by what has to be understood.",
        top=4,
    ),
    Criterion(
        "redundancy",
        "Does the reply only repeat the request, or the same step again and again? 0: no; 1: yes.",
        top=1,
    ),
)
"""The questions. The paper's scale of relevance; those of the other two are chosen here, so that the formula's
constants mean what they say."""
TOO_COMPLEX = 3
"""From here on a problem is worth nothing."""
ROUNDING = 1e-9
"""Rates that differ by less are equal."""


def guide_score(rating: Rating) -> float | None:
    """max(0, relevance + (2 - complexity) + (1 - redundancy)), 0 if complexity >= 3; None for an abstention."""
    if rating.score is None:
        return None
    scores = dict(rating.scores)
    if scores["complexity"] >= TOO_COMPLEX:
        return 0.0
    return float(max(0, scores["relevance"] + (2 - scores["complexity"]) + (1 - scores["redundancy"])))


def review(judge: Judge, problems: Sequence[tuple[Problem, str]]) -> tuple[list[float], int]:
    """The worth of each (target, problem text), in order, and how many were not reviewed.

    What the judge abstained on, or failed to answer, is worth the mean of the others; 1 where there are none.
    """
    scores = [guide_score(rating) for rating in (judge.rate(problems, GUIDE) if problems else [])]
    known = [score for score in scores if score is not None]
    mean = sum(known) / len(known) if known else 1.0
    return [mean if score is None else score for score in scores], len(scores) - len(known)


def guided(
    judge: Judge | None,
    proposals: Sequence[Proposal],
    wanted: Sequence[Problem],
    episodes: Sequence[Episode],
    rate_percentile: float,
) -> tuple[list[Context], dict[str, float | int | None]]:
    """What the reward of each proposal is told, and what the review came to.

    Only conjectures with a right attempt are reviewed; without a judge all are worth 1.
    """
    rates = {one.problem.id: one.solve_rate for one in episodes if one.proposal is not None and one.num_correct}
    found = [rate for rate in rates.values() if rate is not None]
    limit = percentile(found, rate_percentile) + ROUNDING if found else 1.0
    places = [place for place, one in enumerate(proposals) if one.problem is not None and one.problem.id in rates]
    texts = [proposal.problem.prompt if proposal.problem is not None else "" for proposal in proposals]
    worth, num_missing = [1.0] * len(places), 0
    if judge is not None:
        worth, num_missing = review(judge, [(wanted[place], texts[place]) for place in places])
    by_place = dict(zip(places, worth, strict=True))
    contexts = [
        Context(valid=proposal.problem is not None, guide=by_place.get(place, 1.0), rate_limit=limit)
        for place, proposal in enumerate(proposals)
    ]
    levels = [(one.problem.level, target.level) for one, target in zip(proposals, wanted, strict=True) if one.problem]
    return contexts, {
        "reviewed": len(places) if judge is not None else 0,
        "abstained": num_missing,
        "guide": sum(worth) / len(worth) if worth else None,
        "level_over_target": sum(own - of for own, of in levels) / len(levels) if levels else None,
    }


class RuleGuide:
    """Answers the Guide's questions by comparing texts, and no others.

    Relevance: which share of the problem's neighbouring tokens are neighbours in the target too. Complexity: how much
    longer than the target it is (not at all up to half of it; needlessly so from a quarter longer on). Redundancy:
    whether it is the target, or more than half of its own neighbours repeat.
    """

    name = "rule_guide"

    def prefer(self, comparisons: Sequence[Comparison]) -> list[Opinion]:
        return [Opinion(Choice.ABSTAIN, None, "it compares no replies") for _ in comparisons]

    def rate(self, replies: Sequence[tuple[Problem, str]], rubric: Sequence[Criterion]) -> list[Rating]:
        check_rubric(rubric)
        if {criterion.name for criterion in rubric} != {criterion.name for criterion in GUIDE}:
            return [Rating(None, (), "it answers the Guide's questions only") for _ in replies]
        return [self._rate(target.prompt, text, rubric) for target, text in replies]

    def _rate(self, target: str, text: str, rubric: Sequence[Criterion]) -> Rating:
        whole, own = tokens_of(target), tokens_of(text)
        pairs, known = list(pairwise(own)), set(pairwise(whole))
        shared = sum(pair in known for pair in pairs) / len(pairs) if pairs else 0.0
        longer = len(own) / max(1, len(whole))
        repeats = own == whole or len(set(pairs)) * 2 < len(pairs)
        scores = {
            "relevance": round(5 * shared),
            "complexity": sum(longer > bound for bound in (0.5, 1.0, 1.25, 1.5)),
            "redundancy": int(repeats),
        }
        return Rating(overall(scores, rubric), tuple((one.name, scores[one.name]) for one in rubric))
