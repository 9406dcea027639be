"""Absolute Zero: six baselines, a buffer without repetitions, and tasks that are asked for in equal parts."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from builders import play, problem, proposal, scripted_run, transcript

from envs.code_triplet import CodeTriplet
from envs.code_triplet import Options as TripletOptions
from envs.programs import Programs
from selfplay.buffer import Buffer
from selfplay.errors import FieldError
from selfplay.lab import Lab
from selfplay.recipes.azr import Config, credited
from selfplay.scripted import scripted_lab
from selfplay.types import Credited, Rejection, Reward
from verifiers import ClosingVerifier, PythonExecutor, make_verifier


def reward(value: float) -> Reward:
    return Reward((("r", value),))


@pytest.fixture
def lab(tmp_path: Path, programs: Programs, exact: ClosingVerifier) -> Lab:
    return scripted_run(tmp_path / "run", programs, exact, recipe="azr", learner_name="policy_gradient", rounds=3)


class Batches:
    def __init__(self, lab: Lab) -> None:
        self.seen: list[list[Credited]] = []
        update = lab.learner.update

        def noted(batch: Any, seed: int, rate: tuple[float, float] = (1.0, 1.0)) -> Any:
            self.seen.append(list(batch))
            return update(batch, seed, rate)

        lab.learner.update = noted  # type: ignore[method-assign]


def test_rewards_are_whitened_over_the_tokens_of_their_own_role_and_task() -> None:
    """Solver rewards 1 (1 token) and -0.5 (3 tokens): mean -0.125, deviation sqrt((1.2656 + 3 * 0.1406) / 3) = 0.75."""
    rows = [
        (transcript("a"), reward(1.0), ("solver", "deduction")),
        (transcript("bcd"), reward(-0.5), ("solver", "deduction")),
        (transcript("e"), reward(0.5), ("proposer", "deduction")),
        (transcript("f"), reward(-1.0), ("proposer", "deduction")),
        (transcript("g"), reward(1.0), ("solver", "abduction")),
        (transcript("h"), None, ("proposer", "deduction")),
    ]
    found = {row.transcript.completion: row.advantage for row in credited(rows)}
    assert found == pytest.approx({"a": 1.5, "bcd": -0.5, "e": 0.5**0.5, "f": -(0.5**0.5)})


def test_both_roles_learn_in_one_update_and_a_control_proposer_does_not(lab: Lab) -> None:
    batches = Batches(lab)
    play(lab)
    assert len(batches.seen) == 3
    assert {row.transcript.role for row in batches.seen[0]} == {"proposer", "solver"}


def test_a_frozen_proposer_is_not_trained(lab: Lab) -> None:
    batches = Batches(lab)
    play(lab, proposer="frozen")
    assert {row.transcript.role for batch in batches.seen for row in batch} == {"solver"}


def test_earlier_problems_are_solved_again_where_new_ones_are_few_and_say_that_nobody_proposed_them(lab: Lab) -> None:
    play(lab, num_problems=12)
    first, *later = lab.past()
    assert first.metrics["azr"]["again"] == 0
    posed = {one.problem.id for one in first.proposals if one.problem}
    for record in later:
        old = [episode for episode in record.episodes if episode.proposal is None]
        assert len(record.episodes) <= 12
        assert record.metrics["azr"]["again"] == len(old) > 0
        assert {episode.problem.id for episode in old} <= posed
        posed |= {one.problem.id for one in record.proposals if one.problem}


def test_the_buffer_holds_each_problem_once_and_lets_the_oldest_go(lab: Lab) -> None:
    lab.resume()
    buffer = Buffer(lab, 3)
    posed = [problem(str(n)) for n in (0, 1, 1, 2, 3, 1)]
    buffer.add([*map(proposal, posed), proposal(Rejection("grammar"))])
    kept = buffer.sample("problem", 9, random.Random(0))
    assert sorted(one.prompt for one in kept) == ["1", "2", "3"]
    assert len(buffer.sample("problem", 2, random.Random(0))) == 2


def test_the_two_rewards_differ_where_a_problem_is_always_or_never_solved(lab: Lab) -> None:
    play(lab, reward="azr_code")
    paid = {
        (episode.num_correct in (0, 4), round(reward.total, 6))
        for record in lab.past()
        for one, reward in zip(record.proposals, record.proposal_rewards, strict=True)
        for episode in record.episodes
        if episode.proposal is one and reward is not None
    }
    assert (True, -0.5) in paid
    assert not any(extreme and value != -0.5 for extreme, value in paid)


def test_each_task_is_asked_for_as_often_and_solved(tmp_path: Path) -> None:
    from selfplay.recipes import azr

    with PythonExecutor() as executor, make_verifier("python_exec") as verifier:
        env = CodeTriplet(TripletOptions(max_level=3), executor)
        lab = scripted_lab(tmp_path / "run", env, verifier, rounds=2, learner="policy_gradient")
        azr.run(lab, Config(num_proposals=6, num_problems=0, num_attempts=2))
        line = lab.record.metrics()[-1]["azr"]["tasks"]
    assert set(line) == {"deduction", "abduction", "induction"}
    assert sum(own["buffer"] for own in line.values()) > 6
    assert all(0.0 <= own["became_problems"] <= 1.0 for own in line.values())
    prompts = [one.transcript for record in lab.past() for one in record.proposals]
    assert len(prompts) == 2 * 18


def test_wrong_options_are_refused_with_what_there_is() -> None:
    for key, value in (("reward", "azrr"), ("solver_reward", "azr_code"), ("proposer", "nobody")):
        with pytest.raises(FieldError, match=value):
            Config(**{key: value})  # type: ignore[arg-type]
