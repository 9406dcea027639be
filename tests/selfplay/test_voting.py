"""Truth by vote: the mode of the answers, its share, and how often it is right."""

from __future__ import annotations

import math
from collections.abc import Sequence

from builders import problem, proposal, transcript
from hypothesis import given
from hypothesis import strategies as st

from selfplay.types import Origin, Problem, Status, Transcript, Verdict
from selfplay.voting import agree, label_accuracy, labels, vote


def read(problem: Problem, text: str) -> str | None:
    return None if text == "-" else text


def written(texts: str) -> list[Transcript]:
    return [transcript(letter, stopped=letter != "!") for letter in texts]


class Equal:
    name = "equal"

    def judge_of(self, problem: Problem) -> str:
        return ""

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        return [
            Verdict(Status.FAULT if answer == "?" else Status.CORRECT if answer == one.reference else Status.WRONG)
            for one, answer in answers
        ]


def test_the_label_is_the_most_frequent_answer_and_says_that_it_is_a_vote() -> None:
    (one,) = vote([problem(reference="truth")], [written("abbcb")], read)
    assert (one.problem.reference, one.problem.origin, one.majority, one.share) == ("b", Origin.MAJORITY, 3, 0.6)
    assert one.problem.id == problem().id


def test_attempts_without_an_answer_or_an_end_agree_with_nobody() -> None:
    (one,) = vote([problem()], [written("a--!!!")], read)
    assert (one.problem.reference, one.majority, one.num_answers, one.share) == ("a", 1, 1, 1 / 6)


def test_on_a_tie_the_answer_that_came_first_wins() -> None:
    assert vote([problem()], [written("bcbc")], read)[0].problem.reference == "b"


def test_without_any_answer_the_label_is_empty_and_equals_none() -> None:
    (one,) = vote([problem()], [written("--")], read)
    assert (one.problem.reference, one.majority, one.share) == ("", 0, 0.0)


def test_label_accuracy_counts_missing_labels_as_wrong_and_leaves_out_the_undecided() -> None:
    truths = [problem(str(index), reference="a") for index in range(4)]
    votes = vote(truths, [written("aab"), written("bba"), written("--"), written("??")], read)
    assert label_accuracy(truths, votes, Equal()) == 1 / 3
    assert math.isnan(label_accuracy([], [], Equal()))


@given(st.text("abc-!", min_size=1, max_size=12))
def test_the_majority_is_never_larger_than_the_number_of_answers(texts: str) -> None:
    (one,) = vote([problem()], [written(texts)], read)
    assert 0 <= one.majority <= one.num_answers <= one.num_attempts == len(texts)
    counts = [texts.count(letter) for letter in "abc"]
    assert one.majority == max(counts)


# Agreement


def test_an_attempt_is_right_if_it_says_what_the_majority_said_whatever_the_truth_is() -> None:
    of = problem(reference="truth")
    attempts = [written("abb-!")]
    (one,) = agree(labels(vote([of], attempts, read)), attempts, read, Equal())
    statuses = [attempt.verdict.status for attempt in one.attempts]
    assert statuses == [Status.WRONG, Status.CORRECT, Status.CORRECT, Status.MALFORMED, Status.MALFORMED]
    assert (one.problem.reference, one.problem.origin) == ("b", Origin.MAJORITY)
    assert [attempt.verdict.extracted for attempt in one.attempts[:2]] == ["a", "b"]


@given(st.lists(st.text("abc-!", max_size=9), max_size=5))
def test_as_many_attempts_agree_as_the_majority_has(texts: list[str]) -> None:
    problems, attempts = [problem(str(n)) for n in range(len(texts))], [written(text) for text in texts]
    votes = vote(problems, attempts, read)
    assert [one.num_correct for one in agree(labels(votes), attempts, read, Equal())] == [one.majority for one in votes]


def test_attempts_that_did_not_vote_are_compared_with_the_label_and_keep_their_proposal() -> None:
    of, source = problem(), proposal(problem())
    votes = vote([of], [written("aab")], read)
    (one,) = agree(labels(votes), [written("ba")], read, Equal(), [source])
    assert [attempt.correct for attempt in one.attempts] == [False, True]
    assert one.proposal is source
