"""A judge's scores as rewards: alone, held back by the verifier, and as pairs."""

from __future__ import annotations

from typing import Any

import pytest
from builders import attempt, episode, problem, transcript

from selfplay.errors import ConfigError
from selfplay.feedback import Feedback, episodes_of, measures, preferences, rows
from selfplay.types import Episode, Origin, Problem, Status, Verdict
from verifiers import make_verifier
from verifiers.judge import JudgeVerifier

C, W, M, U, F, T = (
    Status.CORRECT, Status.WRONG, Status.MALFORMED, Status.UNDECIDED, Status.FAULT, Status.TIMEOUT,
)  # fmt: skip
GATE = {"gate": ["correct", "judged"]}


def total(spec: Any, score: float | None, status: Status, judged_by: str = "") -> float | None:
    reward = Feedback(spec).reward(score, Verdict(status, "a", judged_by=judged_by))
    return None if reward is None else reward.total


@pytest.mark.parametrize(("spec", "score", "status", "paid"), [
    ("judged", 0.7, C, 0.7), ("judged", 0.7, W, 0.7), ("judged", 0.7, F, 0.7), ("judged", None, C, None),
    (GATE, 0.7, C, 0.7), (GATE, 0.7, W, 0.0), (GATE, 0.7, M, 0.0), (GATE, 0.7, T, 0.0), (GATE, None, C, None),
    (GATE, 0.7, U, None), (GATE, 0.7, F, None),  # ours: never paid, never blamed
    ({**GATE, "otherwise": -1.0}, 0.7, W, -1.0),
    ({"weighted": [[0.5, "judged"], [2.0, "correct"]]}, 0.6, C, 2.3),
    ({"weighted": [[0.5, "judged"], [2.0, "correct"]]}, 0.6, W, 0.3),
    ({"sequential": ["correct", "judged"]}, 0.6, C, 1.6), ({"sequential": ["correct", "judged"]}, 0.6, W, 0.0),
    ({"clip": "judged", "high": 0.5}, 0.6, W, 0.5),
])  # fmt: skip
def test_a_table_of_rewards(spec: Any, score: float | None, status: Status, paid: float | None) -> None:
    found = total(spec, score, status)
    assert found == (None if paid is None else pytest.approx(paid))


def test_a_judges_word_is_never_taken_for_the_verifiers() -> None:
    assert total(GATE, 0.7, C, judged_by="somebody") is None


@pytest.mark.parametrize("spec", ["correkt", "one_minus_p", {"gate": ["judged"]}, "module:function", 7, {}])
def test_a_wrong_reward_is_refused(spec: Any) -> None:
    with pytest.raises(ConfigError, match=r"options\.reward"):
        Feedback(spec)


def test_a_reward_that_needs_the_truth_is_refused_where_a_judge_decides() -> None:
    from envs.open_ended import OpenEnded, Options

    env, verifier = OpenEnded(Options()), JudgeVerifier()
    with pytest.raises(ConfigError, match="no program verifies open_ended"):
        Feedback(GATE).check(env, verifier, [problem()])
    Feedback("judged").check(env, verifier, [problem()])


def test_verdicts_are_a_programs_where_one_decides_and_else_the_scores_without_asking_again() -> None:
    from envs.arithmetic import Arithmetic, Options

    env = Arithmetic(Options())
    own = Problem("arithmetic", "2+2", "4", Origin.GENERATED, 1)
    texts = [transcript("4"), transcript("5"), transcript("x")]
    with make_verifier("exact") as exact:
        (found,) = episodes_of([own], [texts], env, exact, [[0.1, 0.9, None]])
    assert [one.verdict.status for one in found.attempts] == [C, W, M]
    assert all(one.verdict.verified for one in found.attempts)

    class Never:
        name = "never"

        def rate(self, *asked: Any) -> Any:
            raise AssertionError("asked again")

        prefer = rate

    (judged,) = episodes_of([own], [texts], env, JudgeVerifier(Never()), [[0.79, 0.8, None]], 0.8)
    assert [one.verdict.status for one in judged.attempts] == [W, C, U]
    assert {one.verdict.judged_by for one in judged.attempts} == {"never"}
    (compared,) = episodes_of([own], [texts], env, JudgeVerifier(Never()))
    assert [one.verdict.status for one in compared.attempts] == [U] * 3


def pairs_of(scores: list[float | None], statuses: list[Status], spec: Any) -> tuple[Episode, list[Any]]:
    one = episode(statuses, problem("q"))
    return one, preferences([one], Feedback(spec).rewards([one], [scores]))


def test_the_best_is_preferred_to_the_worst_and_ties_are_skipped() -> None:
    one, (pair,) = pairs_of([0.4, 0.9, None, 0.1], [W, W, W, C], "judged")
    assert pair == (one.attempts[1], one.attempts[3])
    (row,) = rows([pair])
    assert (row.chosen.completion, row.rejected.completion) == ("1", "3")
    assert pairs_of([0.5, 0.5, None], [C, W, C], "judged")[1] == []
    assert pairs_of([None, 0.5], [C, W], "judged")[1] == []


def test_the_gate_turns_a_pair_that_the_judge_got_wrong_around() -> None:
    one, (pair,) = pairs_of([0.9, 0.2], [W, C], GATE)
    assert pair == (one.attempts[1], one.attempts[0])
    assert pairs_of([0.9, 0.2], [W, W], GATE)[1] == []


def test_equal_texts_are_no_pair() -> None:
    of = problem("q")
    one = Episode(of, (attempt(C, of, "same"), attempt(C, of, "same")))
    assert preferences([one], Feedback("judged").rewards([one], [[0.1, 0.9]])) == []


def test_how_often_the_right_one_is_preferred_is_of_pairs_that_programs_tell_apart() -> None:
    first, one = pairs_of([0.9, 0.1], [C, W], "judged")
    second, two = pairs_of([0.9, 0.1], [W, C], "judged")
    third, three = pairs_of([0.9, 0.1], [C, C], "judged")
    fourth, four = pairs_of([0.9, 0.1], [C, U], "judged")
    scores = [[0.9, 0.1]] * 3 + [[0.9, None]]
    found = measures([first, second, third, fourth], scores, [*one, *two, *three, *four])
    assert (found["pair_accuracy"], found["pairs"], found["silent"]) == (0.5, 4, 1)
    assert measures([], [], [])["pair_accuracy"] is None
