"""The Guide: its formula by hand, abstentions, and the rules that stand in for a reader."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from builders import problem

from selfplay.guide import GUIDE, RuleGuide, guide_score, review
from selfplay.judge import HELPFUL, overall
from selfplay.judgements import Comparison, Criterion, Opinion, Rating
from selfplay.types import Problem


def rating(relevance: int, complexity: int, redundancy: int) -> Rating:
    scores = {"relevance": relevance, "complexity": complexity, "redundancy": redundancy}
    return Rating(overall(scores, GUIDE), tuple(scores.items()))


@pytest.mark.parametrize(
    ("scores", "worth"),
    [((5, 0, 0), 8.0), ((5, 2, 1), 5.0), ((0, 2, 1), 0.0), ((0, 0, 0), 3.0), ((5, 3, 0), 0.0), ((5, 4, 1), 0.0)],
)
def test_the_worth_is_the_paper_s_formula(scores: tuple[int, int, int], worth: float) -> None:
    assert guide_score(rating(*scores)) == worth


class Said:
    """A judge that says what it was told to."""

    name = "said"

    def __init__(self, ratings: Sequence[Rating]) -> None:
        self.ratings = list(ratings)

    def prefer(self, comparisons: Sequence[Comparison]) -> list[Opinion]:
        raise AssertionError("a guide compares nothing")

    def rate(self, replies: Sequence[tuple[Problem, str]], rubric: Sequence[Criterion]) -> list[Rating]:
        assert tuple(rubric) == GUIDE
        return self.ratings


def test_what_was_not_reviewed_is_worth_the_mean_of_the_others() -> None:
    silent = Rating(None, (), "no JSON")
    asked = [(problem(), "text")] * 3
    assert review(Said([rating(5, 0, 0), silent, rating(1, 1, 0)]), asked) == ([8.0, 5.5, 3.0], 1)
    assert review(Said([silent, silent]), asked[:2]) == ([1.0, 1.0], 2)
    assert review(Said([]), []) == ([], 0)


def scores_of(target: str, text: str) -> dict[str, int]:
    (found,) = RuleGuide().rate([(problem(target), text)], GUIDE)
    return dict(found.scores)


def test_rules_find_a_part_relevant_a_copy_redundant_and_a_long_one_complex() -> None:
    target = "b=3;c=b^2;d=c&1;e=d|2;print(e)"
    part = scores_of(target, "b=3;c=b^2;print(c)")
    assert part["relevance"] >= 4
    assert (part["complexity"], part["redundancy"]) == (1, 0)
    assert scores_of(target, target)["redundancy"] == 1
    assert scores_of(target, "k=0;l=k|3;m=l^1;print(m)")["relevance"] < part["relevance"]
    assert scores_of(target, "b=3;c=b^2;d=c&1;e=d|2;f=e^1;g=f&3;h=g|2;print(h)")["complexity"] >= 3
    assert scores_of(target, "")["relevance"] == 0


def test_rules_answer_no_other_questions() -> None:
    (found,) = RuleGuide().rate([(problem(), "text")], HELPFUL)
    assert found.score is None
