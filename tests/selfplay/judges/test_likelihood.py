"""LikelihoodJudge: prefers what the model finds likelier a token, in any order; abstains on what is foreign."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from envs.programs import Options, Programs
from selfplay.judge import ADDITIVE, HELPFUL, compare
from selfplay.judgements import Choice, Comparison
from selfplay.judges.likelihood import LikelihoodJudge
from selfplay.scripted import ScriptedPolicy
from selfplay.types import Origin, Problem, Transcript


class Likes(ScriptedPolicy):
    """-0.1 nats a token that is `good`, -2 for any other."""

    def log_probabilities(self, transcripts: Sequence[Transcript]) -> list[float]:
        return [
            sum(-0.1 if token == ord("1") else -2.0 for token, own in zip(t.token_ids, t.sampled, strict=True) if own)
            for t in transcripts
        ]


def judge(**given: float) -> LikelihoodJudge:
    env = Programs(Options(), None)  # type: ignore[arg-type]
    return LikelihoodJudge(Likes(env), {"programs": env}, **given)  # type: ignore[arg-type]


ASKED = Problem("programs", "b=1;c=b^0;print(c)", "1b1c", Origin.EXECUTED, 1)


def test_the_likelier_reply_a_token_is_preferred_in_both_orders() -> None:
    (found,) = compare(judge(), [(ASKED, "b=1111", "b=1222")], 0)
    assert found.choice is Choice.FIRST
    lead = ((-0.4 - 2.0) / 5 - (-0.1 - 6.0 - 2.0) / 5) * 5  # the end is a token too
    assert found.probability == pytest.approx(1 / (1 + math.exp(-lead)))


def test_length_alone_is_no_reason() -> None:
    (opinion,) = judge().prefer([Comparison(ASKED, "b=2", "b=22222222")])  # equally likely a token
    assert (opinion.choice, opinion.probability) == (Choice.ABSTAIN, 0.5)
    (opinion,) = judge(margin=0.3).prefer([Comparison(ASKED, "b=11", "b=12")])
    assert opinion.choice is Choice.FIRST
    (opinion,) = judge(margin=0.49).prefer([Comparison(ASKED, "b=11", "b=12")])
    assert opinion.choice is Choice.ABSTAIN


@pytest.mark.parametrize("rubric", [ADDITIVE, HELPFUL])
def test_a_rating_is_the_mean_probability_of_a_token(rubric: tuple[object, ...]) -> None:
    (rating,) = judge().rate([(ASKED, "b=11")], rubric)  # type: ignore[arg-type]
    assert rating.score == pytest.approx(math.exp((-0.2 - 2.0) / 3))


def test_foreign_problems_and_replies_without_the_prompts_prefix_are_abstained_from() -> None:
    foreign = Problem("elsewhere", "?", "", Origin.CLAIMED, 1)
    first, second, third = judge().prefer(
        [Comparison(foreign, "a", "b"), Comparison(ASKED, "c=1", "b=1"), Comparison(ASKED, "b=1", "b=2")]
    )
    assert [one.choice for one in (first, second, third)] == [Choice.ABSTAIN, Choice.ABSTAIN, Choice.FIRST]
    assert [one.score is None for one in judge().rate([(ASKED, "no"), (ASKED, "b=1")], ADDITIVE)] == [True, False]
