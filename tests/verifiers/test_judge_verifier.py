"""A judge as a verifier: its verdicts say whose they are, and its scripted rubric does what its checks say."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay.judgements import Choice, Comparison, Criterion, Opinion, Rating
from selfplay.types import Origin, Problem, Status
from verifiers import JUDGED, VERIFIERS, make_verifier
from verifiers.judge import MAX_ANSWER_CHARACTERS, JudgeVerifier
from verifiers.judge_rubric import CHECKS, MARKS, RubricJudge, failed, read_rubric


def problem(checks: Sequence[Sequence[str]] | str | None = None, prompt: str = "Write about a cold lake.") -> Problem:
    text = checks if isinstance(checks, str) else json.dumps(checks)
    payload = {} if checks is None else {"rubric": text}
    return Problem("open_ended", prompt, "", Origin.GENERATED, 1, (), payload)


class Scores:
    """Gives these scores, in turn."""

    name = "scores"

    def __init__(self, *scores: float | None) -> None:
        self.scores = scores

    def rate(self, replies: Sequence[tuple[Problem, str]], rubric: Sequence[Criterion]) -> list[Rating]:
        return [Rating(score) for score in self.scores][: len(replies)]

    def prefer(self, comparisons: Sequence[Comparison]) -> list[Opinion]:
        raise NotImplementedError


# Verdicts


def test_a_score_is_a_verdict_by_the_threshold_and_an_abstention_is_undecided() -> None:
    verifier = JudgeVerifier(Scores(0.7, 0.69, None, 1.0), threshold=0.7)
    found = verifier.verify([(problem(), "a reply")] * 4)
    assert [one.status for one in found] == [Status.CORRECT, Status.WRONG, Status.UNDECIDED, Status.CORRECT]
    assert {one.judged_by for one in found} == {"scores"} == {verifier.judge_of(problem())}
    assert [one.verified for one in found] == [False] * 4


def test_a_judge_that_could_not_be_asked_is_a_fault_of_ours() -> None:
    class Lost(Scores):
        def rate(self, replies: Sequence[tuple[Problem, str]], rubric: Sequence[Criterion]) -> list[Rating]:
            return [Rating(None, (), "HTTP 500", fault=True) for _ in replies]

    (found,) = JudgeVerifier(Lost()).verify([(problem(), "a reply")])
    assert (found.status, found.detail, found.judged_by) == (Status.FAULT, "HTTP 500", "scores")


def test_what_is_not_shown_to_the_judge_is_malformed_by_its_word_too_and_order_stays() -> None:
    verifier = JudgeVerifier(Scores(1.0, 0.0))
    texts = ["good", "", " \n", "x" * (MAX_ANSWER_CHARACTERS + 1), "bad"]
    found = verifier.verify([(problem(), text) for text in texts])
    malformed = Status.MALFORMED
    assert [one.status for one in found] == [Status.CORRECT, malformed, malformed, malformed, Status.WRONG]
    assert {one.judged_by for one in found} == {"scores"}
    assert verifier.verify([]) == []


def test_a_judge_without_a_name_or_with_a_useless_threshold_is_refused() -> None:
    nameless = Scores()
    nameless.name = " "
    with pytest.raises(ValueError, match="counts as verified"):
        JudgeVerifier(nameless)
    for threshold in (0.0, -1.0, 1.1, float("nan")):
        with pytest.raises(ValueError, match="threshold"):
            JudgeVerifier(threshold=threshold)


def test_a_judge_that_loses_a_rating_is_found_out() -> None:
    with pytest.raises(ValueError, match="1 ratings for 2 answers"):
        JudgeVerifier(Scores(1.0)).verify([(problem(), "a"), (problem(), "b")])


def test_the_table_says_which_verifiers_judge_and_only_they_do() -> None:
    for name in VERIFIERS:
        with make_verifier(name) as verifier:
            assert bool(verifier.judge_of(problem())) is (name in JUDGED)


# The scripted rubric


TABLE: dict[str, tuple[str, list[str], list[str]]] = {  # argument, replies that meet it, replies that do not
    "at_most": ("3", ["one two three", "", "it's-fine"], ["one two three four"]),
    "at_least": ("3", ["one two three"], ["one two", "", "... , !"]),
    "sentences": ("2", ["One. Two.", "One! Two?", "One... Two."], ["One.", "One. Two. Three.", "", "One.Two."]),
    "mention": ("river", ["The River.", "a river's end; river"], ["rivers", "ri ver", ""]),
    "avoid": ("very", ["every", ""], ["Very good", "so very."]),
    "begin": ("Once", ["Once upon", '"once" there'], ["Twice", "", "Onces"]),
    "end": ("home", ["Go home.", "HOME"], ["Go homes", "home now", ""]),
    "number": ("12", ["12 swans", "we count 12."], ["112", "12th", "1.2", ""]),
    "phrase": ("once more", ["Do it once more.", "once, more"], ["once upon more", "once moret", ""]),
    "no_mark": ("commas", ["a; b.", ""], ["a, b"]),
    "takes_up": ("", ["a cold day", "The LAKE"], ["nothing of it", ""]),
    "varied": ("", ["la la la", "one two three four five six seven eight nine ten eleven twelve one"], ["la " * 13]),
    "not_copied": ("", ["Write about a lake."], ["write about a COLD lake"]),
}


def test_every_check_has_a_row_in_the_table() -> None:
    assert TABLE.keys() == CHECKS.keys()


@pytest.mark.parametrize("kind", TABLE)
def test_a_check_holds_for_what_meets_it_and_for_nothing_else(kind: str) -> None:
    argument, good, bad = TABLE[kind]
    one = problem([[kind, argument]])
    assert [text for text in good if failed(one, text)] == []
    assert [text for text in bad if not failed(one, text)] == []


def test_each_kind_of_mark_is_looked_for_by_name() -> None:
    for name, marks in MARKS.items():
        for mark in marks:
            assert failed(problem([["no_mark", name]]), f"left {mark} right") == [f"no_mark {name}"]


def test_the_score_is_the_share_of_checks_that_hold_and_the_detail_names_the_others() -> None:
    one = problem([["mention", "lake"], ["at_most", "3"], ["end", "home"], ["avoid", "very"]])
    (rating,) = RubricJudge().rate([(one, "A lake, very cold")], ())
    assert rating.score == 0.25
    assert rating.detail == "not met: at_most 3, end home, avoid very"
    (verdict,) = JudgeVerifier().verify([(one, "Lake, home")])
    assert (verdict.judged_good, verdict.correct, verdict.judged_by) == (True, False, "scripted_rubric")


def test_a_problem_without_a_rubric_is_judged_by_the_general_one() -> None:
    found = JudgeVerifier().verify(
        [
            (problem(), text)
            for text in ("A cold morning by the water.", "Cold.", "I have nothing to say here.", "cold " * 50)
        ]
    )
    assert [one.status for one in found] == [Status.CORRECT, Status.WRONG, Status.WRONG, Status.WRONG]


@pytest.mark.parametrize("rubric", [
    "", "null", "[]", "{}", "7", '[["mention"]]', '[["mend", "lake"]]', '["mention"]', "[" * 10_000,
    '[["at_most", "x"]]',
    '[["no_mark", "hats"]]', json.dumps([["mention", "a"]] * 41), '[["at_most", "' + "9" * 5000 + '"]]',
])  # fmt: skip
def test_a_rubric_that_cannot_be_used_is_an_abstention(rubric: str) -> None:
    (verdict,) = JudgeVerifier().verify([(problem(rubric), "a reply")])
    assert (verdict.status, verdict.judged_by) == (Status.UNDECIDED, "scripted_rubric")


def test_it_prefers_the_reply_that_meets_more_checks() -> None:
    one = problem([["mention", "lake"], ["at_most", "3"]])
    asked = [
        Comparison(one, "lake", "sea"),
        Comparison(one, "the wide sea", "the wide lake"),
        Comparison(one, "a", "b"),
    ]
    found = RubricJudge().prefer([*asked, Comparison(problem("?"), "a", "b")])
    assert [opinion.choice for opinion in found] == [Choice.FIRST, Choice.SECOND, Choice.ABSTAIN, Choice.ABSTAIN]


@given(st.text(st.characters(), max_size=60), st.sampled_from(sorted(TABLE)))
def test_no_reply_whatever_raises(reply: str, kind: str) -> None:
    assert failed(problem([[kind, TABLE[kind][0]]]), reply) is not None


@pytest.mark.parametrize("text", [
    "a" * 20_000, "a " * 10_000, "." * 20_000, ". " * 10_000, "'" * 20_000, "\ud800" * 20_000, "a'" * 10_000,
    "." * 19_999 + "a", "é" * 20_000,
])  # fmt: skip
def test_a_reply_of_any_kind_is_judged_in_milliseconds(text: str) -> None:
    every = problem([[kind, TABLE[kind][0]] for kind in TABLE])
    began = time.thread_time()
    JudgeVerifier().verify([(every, text)])
    assert time.thread_time() - began < 0.1


def test_reading_a_rubric_gives_its_checks() -> None:
    assert read_rubric('[["mention", "lake"], ["at_most", 3]]') == (("mention", "lake"), ("at_most", "3"))
