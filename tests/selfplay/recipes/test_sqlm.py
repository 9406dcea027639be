"""Self-questioning: paid for agreement or for the truth, and the proposer's turn comes every few rounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import play, scripted_run

from envs.programs import Programs
from selfplay.errors import FieldError
from selfplay.lab import Lab
from selfplay.recipes.sqlm import Config
from selfplay.types import Origin
from verifiers import ClosingVerifier


@pytest.fixture
def lab(tmp_path: Path, programs: Programs, exact: ClosingVerifier) -> Lab:
    return scripted_run(tmp_path / "run", programs, exact, recipe="sqlm", learner_name="policy_gradient", rounds=4)


def roles_of(lab: Lab) -> list[set[str]]:
    """The roles in each batch that the learner is given."""
    seen: list[set[str]] = []
    update = lab.learner.update

    def noted(batch: Any, seed: int, rate: tuple[float, float] = (1.0, 1.0)) -> Any:
        seen.append({row.transcript.role for row in batch})
        return update(batch, seed, rate)

    lab.learner.update = noted  # type: ignore[method-assign]
    return seen


def test_the_majority_is_the_truth_and_a_majority_of_one_pays_nothing(lab: Lab) -> None:
    play(lab, num_attempts=4)
    for record in lab.past():
        for one, reward in zip(record.proposals, record.proposal_rewards, strict=True):
            for episode in record.episodes:
                if episode.proposal is one:
                    assert reward is not None
                    assert reward.total == float(1 < episode.num_correct < 4)
                    assert episode.problem.origin is Origin.MAJORITY
        assert 0.0 <= record.metrics["sqlm"]["label_accuracy"] <= 1.0


def test_with_verified_truth_references_are_the_environment_s(lab: Lab) -> None:
    play(lab, truth="verified", reward="sqlm_paper")
    origins = {episode.problem.origin for record in lab.past() for episode in record.episodes}
    assert origins == {Origin.EXECUTED}


def test_the_truth_is_measured_and_changes_nothing_that_is_trained_on(
    tmp_path: Path, programs: Programs, exact: ClosingVerifier
) -> None:
    """With a verifier that lies about everything, a run by votes pays and trains the same."""

    class Liar:
        name = "exact"

        def judge_of(self, problem: Any) -> str:
            return ""

        def verify(self, answers: Any) -> Any:
            from selfplay.types import Status, Verdict

            return [Verdict(Status.WRONG, answer) for _, answer in answers]

    labs = [
        play(scripted_run(tmp_path / name, programs, verifier, recipe="sqlm", learner_name="policy_gradient", rounds=2))
        for name, verifier in (("true", exact), ("false", Liar()))  # type: ignore[list-item]
    ]
    first, second = ([(r.proposal_rewards, r.attempt_rewards) for r in lab.past()] for lab in labs)
    assert first == second
    accuracies = [[record.metrics["sqlm"]["label_accuracy"] for record in lab.past()] for lab in labs]
    assert accuracies[1] == [0.0, 0.0]
    assert min(accuracies[0]) > 0.0


def test_the_proposer_learns_when_its_turn_has_come(lab: Lab) -> None:
    roles = roles_of(lab)
    play(lab, proposer_every=2)
    assert [line["sqlm"]["proposer_learned"] for line in lab.record.metrics()] == [False, True, False, True]
    assert ["proposer" in seen for seen in roles] == [False, True, False, True]
    assert all("solver" in seen for seen in roles)


def test_wrong_options_are_refused_with_what_there_is() -> None:
    for key, value in (("reward", "sqlmm"), ("solver_reward", "sqlm_code")):
        with pytest.raises(FieldError, match=value):
            Config(**{key: value})  # type: ignore[arg-type]
