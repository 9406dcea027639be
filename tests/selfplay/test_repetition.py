"""Near copies among a round's proposals: BLEU by hand, clusters, and their shares."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay.repetition import bleu, distances, repetition, tokens_of

TEXTS = st.lists(st.text("ab c=1", max_size=12), max_size=8)


def test_bleu_is_what_it_is_by_hand() -> None:
    """`the cat sat on the mat` against `the cat is on the mat`: 5/6, 3/5, 1/4, and 0.1 for none of three."""
    candidate, reference = ["the", "cat", "sat", "on", "the", "mat"], ["the", "cat", "is", "on", "the", "mat"]
    expected = (5 / 6 * 3 / 5 * 1 / 4 * 0.1 / 3) ** 0.25
    assert bleu(candidate, reference) == pytest.approx(expected)
    assert bleu(candidate, candidate) == pytest.approx(1.0)
    assert bleu(candidate, ["a", "dog"]) == 0.0


def test_a_short_candidate_pays_for_its_brevity() -> None:
    """Both of its tokens and its pair are right; it is a third of the reference's length."""
    assert bleu(list("ab"), list("abcdef")) == pytest.approx(math.exp(1 - 6 / 2))


def test_a_word_counts_once_however_often_the_candidate_repeats_it() -> None:
    found = bleu(["the", "the", "the", "the"], ["the", "cat"])
    assert found == pytest.approx((1 / 4 * 0.1 / 3 * 0.1 / 2 * 0.1) ** 0.25)


def test_texts_without_spaces_are_read_sign_by_sign() -> None:
    assert tokens_of("b=3;c=b^2") == ["b", "=", "3", ";", "c", "=", "b", "^", "2"]
    assert tokens_of("Add 12, then stop.") == ["Add", "12", ",", "then", "stop", "."]
    assert tokens_of(" ") == []


def test_a_cluster_of_near_copies_has_its_share_and_others_have_their_own() -> None:
    texts = [
        "What is the sum of 12 and 30, times two?",
        "What is the sum of 12 and 31, times two?",
        "What is the sum of 15 and 30, times two?",
        "A train leaves at noon; when does it arrive in Rome?",
    ]
    assert repetition(texts) == [0.75, 0.75, 0.75, 0.25]


def test_copies_count_as_often_as_they_come() -> None:
    assert repetition(["alpha beta", "alpha beta", "gamma delta epsilon", "zeta"]) == [0.5, 0.5, 0.25, 0.25]
    assert repetition(["one"]) == [1.0]
    assert repetition(["one", "one"]) == [1.0, 1.0]
    assert repetition([]) == []


def test_average_linkage_asks_for_the_mean_distance_to_a_cluster() -> None:
    """a-b are near; c is near b alone: its mean distance to both is beyond the threshold just below it."""
    texts = ["k l m n o p q r", "k l m n o p q s", "x l m n o p t s"]
    own = distances(texts)
    mean = (own[0, 2] + own[1, 2]) / 2
    assert own[0, 1] < own[1, 2] < mean
    assert repetition(texts, threshold=mean - 0.01) == pytest.approx([2 / 3, 2 / 3, 1 / 3])
    assert repetition(texts, threshold=mean + 0.01) == [1.0, 1.0, 1.0]


@given(TEXTS)
def test_shares_are_bounded_and_follow_their_texts(texts: list[str]) -> None:
    shares = repetition(texts)
    assert all(1 / len(texts) <= share <= 1.0 for share in shares)
    assert dict(zip(texts, shares, strict=True)) == pytest.approx(
        dict(zip(texts[::-1], repetition(texts[::-1]), strict=True))
    )
    own = distances(texts)
    assert (own == own.T).all()
    assert ((own > -1e-9) & (own <= 1.0)).all()


def test_a_round_of_proposals_is_compared_in_seconds() -> None:
    texts = [f"Take the number {n}, multiply it by {n * 7 % 13} and add {n % 5} to what you have." for n in range(512)]
    began = time.process_time()
    assert min(repetition(texts)) > 1 / 512
    assert time.process_time() - began < 8.0
