"""What recipes of AI feedback promise: the judge's quality decides, and the verifier can hold it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import play, rounds_of, scripted_judging, scripted_run

from envs.programs import Programs
from selfplay.checking import build
from selfplay.errors import ConfigError, UserError
from selfplay.lab import Lab
from selfplay.recipes import constitutional, self_rewarding
from verifiers import ClosingVerifier

GATE = {"gate": ["correct", "judged"]}
Run = Callable[..., Lab]


@pytest.fixture
def run(tmp_path: Path, programs: Programs, exact: ClosingVerifier) -> Run:
    """Plays a recipe with a judge of these dials; options go to the recipe."""

    def make(recipe: str, learner: str = "preference", dials: dict[str, float] | None = None, **options: Any) -> Lab:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        lab = scripted_run(folder, programs, exact, recipe=recipe, learner_name=learner, rounds=3)
        if dials is not None:
            lab.judging = scripted_judging(lab.env, exact, **dials)
        small = {"num_problems": 24, "num_proposals": 24, "num_shots": 0, "levels": (2, 3), "num_revisions": 2}
        known = {"self_rewarding": self_rewarding, "constitutional": constitutional}[recipe].Config
        return play(lab, **{k: v for k, v in {**small, **options}.items() if k in known.__dataclass_fields__})

    return make


def told(lab: Lab, key: str) -> list[dict[str, Any]]:
    return [record.metrics[key] for record in lab.past()]


# Self-Rewarding


def test_pairs_are_right_as_often_as_the_judge_is(run: Run) -> None:
    good, bad = (run("self_rewarding", dials={"noise": noise}, num_ratings=1) for noise in (0.0, 5.0))
    assert [one["pair_accuracy"] for one in told(good, "self_rewarding")] == [1.0] * 3
    assert sum(one["pair_accuracy"] for one in told(bad, "self_rewarding")) / 3 < 0.9
    assert all(one["pairs"] > 0 for one in told(good, "self_rewarding"))


def test_several_judgements_averaged_err_less_than_one(run: Run) -> None:
    once, often = (run("self_rewarding", dials={"noise": 0.6}, num_ratings=number) for number in (1, 9))
    first, second = (sum(one["pair_accuracy"] for one in told(lab, "self_rewarding")) / 3 for lab in (once, often))
    assert second > first


def test_the_verifier_holds_back_what_the_judge_likes_wrongly(run: Run) -> None:
    lab = run("self_rewarding", dials={"noise": 5.0}, num_ratings=1, reward=GATE)
    assert {one["pair_accuracy"] for one in told(lab, "self_rewarding")} == {1.0}
    paid = [
        (attempt, reward)
        for record in lab.past()
        for episode, row in zip(record.episodes, record.attempt_rewards, strict=True)
        for attempt, reward in zip(episode.attempts, row, strict=True)
    ]
    assert any(reward is not None and reward.total > 0 for _, reward in paid)
    assert all(attempt.correct for attempt, reward in paid if reward is not None and reward.total > 0)


def test_problems_are_proposed_with_examples_from_the_seeds(run: Run) -> None:
    lab = run("self_rewarding", num_shots=3)
    asked = self_rewarding.requests(lab, self_rewarding.Config(num_shots=3, num_proposals=2), 0)
    assert [len(one.prompt.messages) for one in asked] == [7, 7]
    assert [one.role for one in asked[0].prompt.messages] == ["user", "assistant"] * 3 + ["user"]
    assert all(record.proposals for record in lab.past())


def test_the_judge_is_audited_and_counted_in_every_run(run: Run) -> None:
    lines = told(run("self_rewarding"), "judge")
    assert ["audit" in line for line in lines] == [False, True, True]
    assert all(line["asked"] > 0 for line in lines)


# Constitutional AI


def test_revisions_are_imitated_first_and_then_the_judge_is_asked(run: Run) -> None:
    lab = run("constitutional", revision_rounds=2)
    lines = told(lab, "constitutional")
    assert [line["phase"] for line in lines] == ["revision", "revision", "feedback"]
    assert [line["asked"] > 0 for line in told(lab, "judge")] == [False, False, True]
    assert lines[0]["kept"] > 0
    assert len(lines[0]["accuracy_by_step"]) == 3
    first = next(iter(lab.past()))
    assert [a.transcript.role for a in first.episodes[0].attempts] == ["solver", "reviser", "reviser"]
    critique = first.episodes[0].attempts[1].transcript.messages
    assert "A principle for choosing between replies:" in critique[-4].text


def test_a_gate_keeps_wrong_revisions_from_being_imitated(run: Run) -> None:
    plain, gated = (run("constitutional", revision_rounds=3, reward=reward) for reward in ("judged", GATE))
    assert all(line["kept"] > 0 for line in told(plain, "constitutional"))
    for record, line in zip(gated.past(), told(gated, "constitutional"), strict=True):
        right = sum(a.correct for e in record.episodes for a in e.attempts[1:])
        assert line["kept"] == right


@pytest.mark.parametrize("learner", ["preference", "policy_gradient"])
def test_feedback_is_learned_as_pairs_or_as_a_reward(run: Run, learner: str) -> None:
    lab = run("constitutional", learner, {"noise": 0.0}, revision_rounds=0, num_attempts=4)
    for record, line in zip(lab.past(), told(lab, "constitutional"), strict=True):
        assert line["pair_accuracy"] == 1.0
        assert record.metrics["tokens"]["train"] > 0
        for row in record.attempt_rewards:
            known = [one.total for one in row if one is not None]
            assert all(0.0 <= value <= 1.0 for value in known)


def test_a_judge_that_likes_what_comes_first_says_nothing_and_nothing_is_learned(run: Run) -> None:
    lab = run("constitutional", dials={"noise": 0.0, "order_bias": 5.0}, revision_rounds=0)
    for record, line in zip(lab.past(), told(lab, "constitutional"), strict=True):
        assert (line["scored"], line["pairs"]) == (0, 0)
        assert record.metrics["tokens"]["train"] == 0


def test_the_share_of_comparisons_won_is_as_computed_by_hand(programs: Programs, exact: ClosingVerifier) -> None:
    from builders import problem, transcript

    from selfplay.judge import Constitution
    from selfplay.judgements import Choice, Comparison, Opinion

    class Alphabet:
        """The later letter is better; it cannot tell c from d."""

        name = "alphabet"

        def prefer(self, asked: list[Comparison]) -> list[Opinion]:
            return [
                Opinion(Choice.ABSTAIN)
                if {one.first, one.second} == {"c", "d"}
                else Opinion(Choice.FIRST if one.first > one.second else Choice.SECOND)
                for one in asked
            ]

    judging = scripted_judging(programs, exact)
    judging.judge = lambda seed=0: Alphabet()  # type: ignore[method-assign, assignment]
    attempts = [[transcript(text) for text in "acd"], [transcript("x"), transcript("x")]]
    found = constitutional.wins(judging, [problem(), problem("q")], attempts, Constitution(("p",)), 0)
    assert found == [[0.0, 1.0, 1.0], [None, None]]


def test_a_missing_constitution_is_a_message(run: Run) -> None:
    with pytest.raises(UserError, match="the constitution cannot be read"):
        run("constitutional", constitution="nowhere.yaml")


@pytest.mark.parametrize(("recipe", "options", "said"), [
    (self_rewarding, {"proposer": "nobody"}, "options.proposer"), (self_rewarding, {"reward": "azr"}, "options.reward"),
    (self_rewarding, {"num_attempts": 1}, "options.num_attempts"), (constitutional, {"reward": {"gate": 1}}, "reward"),
    (constitutional, {"temperature": 0.0}, "options.temperature"),
])  # fmt: skip
def test_wrong_options_are_refused_by_name(recipe: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build(recipe.Config, options, "options")


def test_a_run_with_policy_gradient_repeats(run: Run) -> None:
    first, second = (run("constitutional", "policy_gradient", revision_rounds=1, num_attempts=3) for _ in range(2))
    assert rounds_of(first) == rounds_of(second)
