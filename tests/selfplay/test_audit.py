"""Audits of judges: tables computed by hand, and faults that are dialled in and found again."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from builders import attempt, episode, problem
from hypothesis import given
from hypothesis import strategies as st

from selfplay.audit import audit_pairs, audit_ratings, calibration_error, known_pairs
from selfplay.judge import HELPFUL, compare
from selfplay.judgements import Choice, Comparison, Judgement, Opinion, Rating
from selfplay.judges.scripted import ScriptedJudge
from selfplay.types import Attempt, Episode, Status, Verdict

FIRST, SECOND, ABSTAIN = Choice.FIRST, Choice.SECOND, Choice.ABSTAIN


def judgement(
    forward: Choice, backward: Choice, first: str = "a", second: str = "b", probability: float | None = None
) -> Judgement:
    """A judgement whose probability of the first reply is as given."""
    other = None if probability is None else 1.0 - probability
    return Judgement(Comparison(problem(), first, second), "j", Opinion(forward, probability), Opinion(backward, other))


# By hand


def test_a_table_of_judgements_is_measured_as_computed_by_hand() -> None:
    table = [
        # forward, backward, first, second, P(first), truth
        (judgement(FIRST, SECOND, "long", "s", 0.95), FIRST),  # right; the right one is longer
        (judgement(FIRST, SECOND, "long", "s", 0.85), SECOND),  # wrong; the right one is shorter
        (judgement(SECOND, FIRST, "s", "long", 0.05), SECOND),  # right; longer
        (judgement(SECOND, FIRST, "long", "s", 0.25), SECOND),  # right; shorter
        (judgement(FIRST, FIRST, "a", "b", 0.55), FIRST),  # leans to what is shown first
        (judgement(FIRST, FIRST), FIRST),
        (judgement(SECOND, SECOND), FIRST),  # leans to what is shown second
        (judgement(ABSTAIN, SECOND), FIRST),  # has no choice in one order
    ]
    found = audit_pairs([one for one, _ in table], [truth for _, truth in table])
    assert found.num_pairs == 8
    assert found.decided == 4 / 8
    assert found.accuracy == 3 / 4
    assert found.order_bias == pytest.approx((2 - 1) / 7)
    assert found.length_bias == pytest.approx(2 / 2 - 1 / 2)
    # confidences .95 and .95 (both right), .85 (wrong), .75 (right), .55 (right), each bin of width 0.1 by itself:
    assert found.calibration_error == pytest.approx((2 * 0.05 + 0.85 + 0.25 + 0.45) / 5)


def test_a_table_of_ratings_is_measured_as_computed_by_hand() -> None:
    ratings = [Rating(0.9), Rating(0.8), Rating(0.2), Rating(0.7), Rating(None), Rating(0.1)]
    found = audit_ratings(ratings, [True, False, True, True, True, False], threshold=0.7)
    assert (found.num_ratings, found.decided, found.accuracy) == (6, 5 / 6, 3 / 5)
    assert (found.false_good, found.missed_good) == (1 / 2, pytest.approx(1 / 3))
    assert found.calibration_error == pytest.approx((0.1 + 0.8 + 0.8 + 0.3 + 0.1) / 5)


def test_what_was_not_judged_by_a_fault_of_ours_says_nothing_about_the_judge() -> None:
    asked = Comparison(problem(), "right", "wrong")
    good, bad = Opinion(Choice.FIRST), Opinion(Choice.SECOND)
    lost = Opinion(Choice.ABSTAIN, fault=True)
    judgements = [Judgement(asked, "j", good, bad), Judgement(asked, "j", good, lost), Judgement(asked, "j", lost, bad)]
    pairs = audit_pairs(judgements, [Choice.FIRST] * 3)
    assert (pairs.num_pairs, pairs.num_faults, pairs.decided, pairs.accuracy) == (1, 2, 1.0, 1.0)
    ratings = audit_ratings([Rating(1.0), Rating(None, fault=True), Rating(None)], [True] * 3, 0.5)
    assert (ratings.num_ratings, ratings.num_faults, ratings.decided) == (2, 1, 0.5)


def test_an_opinion_cannot_be_a_fault() -> None:
    with pytest.raises(ValueError, match="expected an abstention"):
        Opinion(Choice.FIRST, fault=True)
    with pytest.raises(ValueError, match="expected an abstention"):
        Rating(1.0, fault=True)


@pytest.mark.parametrize(("confidences", "hits", "error"), [
    ([1.0, 1.0], [True, True], 0.0), ([1.0, 1.0], [True, False], 0.5), ([0.0], [True], 1.0),
    ([0.75, 0.75, 0.75, 0.75], [True, True, True, False], 0.0), ([0.71, 0.79], [True, False], 0.25),
    ([0.65, 0.95], [True, True], (0.35 + 0.05) / 2),
])  # fmt: skip
def test_the_calibration_error_is_as_computed_by_hand(confidences: list[float], hits: list[bool], error: float) -> None:
    assert calibration_error(confidences, hits) == pytest.approx(error)


def test_what_cannot_be_measured_is_not_a_number_and_is_not_reported() -> None:
    found = audit_pairs([], [])
    assert math.isnan(found.accuracy)
    assert found.metrics() == {"num_pairs": 0, "num_faults": 0}
    assert audit_ratings([], [], 0.5).metrics() == {"num_ratings": 0, "num_faults": 0}
    assert math.isnan(calibration_error([], []))


# Properties


JUDGEMENTS = st.lists(
    st.tuples(
        st.builds(judgement, st.sampled_from(Choice), st.sampled_from(Choice), st.text(max_size=3),
                  st.text(max_size=3), st.none() | st.floats(0, 1)),
        st.sampled_from([FIRST, SECOND]),
    ), max_size=12,
)  # fmt: skip


@given(JUDGEMENTS, st.randoms())
def test_an_audit_is_bounded_and_blind_to_the_order_of_its_pairs(rows: list[Any], rng: random.Random) -> None:
    found = audit_pairs([one for one, _ in rows], [truth for _, truth in rows]).metrics()
    bounds = {"order_bias": -1.0, "length_bias": -1.0}
    assert all(bounds.get(name, 0.0) <= value <= 1.0 + 1e-9 for name, value in found.items() if name != "num_pairs")
    rng.shuffle(rows)
    again = audit_pairs([one for one, _ in rows], [truth for _, truth in rows]).metrics()
    assert again == pytest.approx(found)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=20))
def test_the_calibration_error_lies_between_the_whole_gap_and_1(rows: list[tuple[float, bool]]) -> None:
    confidences, hits = [one for one, _ in rows], [hit for _, hit in rows]
    gap = abs(sum(hits) - sum(confidences)) / len(rows)
    assert gap - 1e-9 <= calibration_error(confidences, hits) <= 1.0


# Material


def test_pairs_are_made_of_verified_attempts_alone() -> None:
    judged = Attempt(problem().id, attempt(text="by a judge").transcript, Verdict(Status.CORRECT, judged_by="scripted"))
    one = episode([Status.WRONG, Status.FAULT, Status.UNDECIDED])
    assert known_pairs([Episode(one.problem, (*one.attempts, judged))], 0, 10) == ([], [])
    right = episode([Status.CORRECT])
    wrongly = Attempt(problem().id, judged.transcript, Verdict(Status.WRONG, judged_by="scripted"))
    assert known_pairs([Episode(right.problem, (*right.attempts, wrongly))], 0, 10) == ([], [])


def test_pairs_know_which_reply_is_right_and_it_comes_first_half_of_the_time() -> None:
    episodes = [episode([Status.CORRECT, Status.WRONG], problem(f"p{index}")) for index in range(200)]
    pairs, truths = known_pairs(episodes, 0, 1000)
    assert len(pairs) == 200
    assert all(
        (first if truth is FIRST else second) == "0" for (_, first, second), truth in zip(pairs, truths, strict=True)
    )
    assert 70 < truths.count(FIRST) < 130
    assert known_pairs(episodes, 0, 1000) == (pairs, truths) != known_pairs(episodes, 1, 1000)
    few, _ = known_pairs(episodes, 0, 20)
    assert len(few) == 20
    assert set(few) <= set(pairs)


# Faults that are dialled in are found again


def audited(**faults: Any) -> dict[str, float]:
    """An audit of a scripted judge that knows the truth (`good` replies), but for these faults."""
    rng = random.Random(0)
    pairs, truths = [], []
    for index in range(400):
        good, bad = "good" + "." * rng.randrange(60), "bad" + "." * rng.randrange(60)
        truths.append(rng.choice([FIRST, SECOND]))
        pairs.append((problem(f"p{index}"), *((good, bad) if truths[-1] is FIRST else (bad, good))))
    judge = ScriptedJudge(lambda problem, reply: 0.7 if reply.startswith("good") else 0.3, **faults)
    return audit_pairs(compare(judge, pairs, 0), truths).metrics()


def test_a_judge_without_faults_is_found_to_have_none() -> None:
    found = audited()
    assert (found["accuracy"], found["decided"], found["order_bias"], found["length_bias"]) == (1.0, 1.0, 0.0, 0.0)


@pytest.mark.parametrize("bias", [0.6, -0.6])
def test_order_bias_is_found_with_its_sign_and_costs_decisions_not_accuracy(bias: float) -> None:
    found = audited(order_bias=bias, noise=0.3)
    assert math.copysign(1.0, found["order_bias"]) == math.copysign(1.0, bias)
    assert abs(found["order_bias"]) > 0.3
    assert found["decided"] < 0.7
    assert found["accuracy"] > 0.9


@pytest.mark.parametrize("bias", [0.8, -0.8])
def test_length_bias_is_found_with_its_sign(bias: float) -> None:
    found = audited(length_bias=bias)
    assert math.copysign(1.0, found["length_bias"]) == math.copysign(1.0, bias)
    assert abs(found["length_bias"]) > 0.3
    assert found["order_bias"] == 0.0


def test_noise_costs_accuracy_and_calibration() -> None:
    quiet, noisy = audited(noise=0.1), audited(noise=1.5)
    assert noisy["accuracy"] < quiet["accuracy"]
    assert noisy["calibration_error"] > quiet["calibration_error"]


def test_ratings_of_a_judge_that_favours_length_call_more_wrong_replies_good() -> None:
    replies = [(problem(), "x" * (index * 10)) for index in range(100)]
    truths = [index % 2 == 0 for index in range(100)]
    plain = ScriptedJudge(lambda problem, reply: 0.6 if len(reply) % 20 == 0 else 0.4).rate(replies, HELPFUL)
    vain = ScriptedJudge(lambda problem, reply: 0.6 if len(reply) % 20 == 0 else 0.4, length_bias=0.5).rate(
        replies, HELPFUL
    )
    assert audit_ratings(plain, truths, 0.5).accuracy == 1.0
    assert audit_ratings(vain, truths, 0.5).false_good > 0.3
