"""Expert iteration on scripted parts: it climbs, it repeats itself exactly, it resumes, and its controls run."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from builders import StoppedError, play, rounds_of, scripted_run

from envs.programs import Programs
from selfplay.checking import build
from selfplay.config import EvaluationConfig
from selfplay.errors import ConfigError
from selfplay.lab import Lab
from selfplay.learnability import FORMULAS
from selfplay.proposers import PROPOSERS
from selfplay.recipes.expert_iteration import Config, round_up, steer
from selfplay.types import Credited, Demonstration, Origin
from verifiers import ClosingVerifier

LEARNERS = ["supervised", "policy_gradient"]


class StopAt:
    """Raises at the n-th thing that it sees."""

    def __init__(self, countdown: int) -> None:
        self.countdown = countdown

    def phase(self, name: str) -> None:
        self._see()

    def round(self, metrics: Mapping[str, Any]) -> None:
        self._see()

    def _see(self) -> None:
        self.countdown -= 1
        if self.countdown == 0:
            raise StoppedError


class Batches:
    """Notes every batch that a Lab's learner is given."""

    def __init__(self, lab: Lab) -> None:
        self.seen: list[list[Any]] = []
        original = lab.learner.update

        def update(batch: Any, seed: int, rate: tuple[float, float] = (1.0, 1.0)) -> Mapping[str, float]:
            self.seen.append(list(batch))
            return original(batch, seed, rate)

        lab.learner.update = update  # type: ignore[method-assign]


@pytest.fixture
def run(tmp_path: Path, programs: Programs, exact: ClosingVerifier) -> Any:
    """A Lab over the folder called `name`."""

    def make(name: str = "run", **changes: Any) -> Lab:
        return scripted_run(tmp_path / name, programs, exact, **changes)

    return make


def reach(lab: Lab) -> float:
    return float(lab.policy.reach)  # type: ignore[attr-defined]


# It climbs


@pytest.mark.parametrize(("learner", "gain"), [("supervised", 0.02), ("policy_gradient", 0.06)])
def test_the_reach_the_proposed_level_and_the_held_out_accuracy_rise(run: Any, learner: str, gain: float) -> None:
    began = time.process_time()
    evaluation = EvaluationConfig(every=1, num_problems=3)
    lab = play(run(rounds=8, learner_name=learner, gain=gain, evaluation=evaluation))
    assert time.process_time() - began < 3.0
    levels = [line["mean_level_proposed"] for line in lab.record.metrics()]
    assert reach(lab) > 3.0
    assert sum(levels[-3:]) / 3 > sum(levels[:3]) / 3 + 0.3
    solved = [sum(line["held_out"]["programs"].values()) for line in lab.record.metrics()]
    assert solved == sorted(solved)
    assert solved[-1] > solved[0]


def test_every_round_leaves_its_proposals_attempts_verdicts_and_rewards(run: Any) -> None:
    for record in play(run(rounds=3)).past():
        assert len(record.proposals) == 10
        assert len(record.episodes) == sum(one.problem is not None for one in record.proposals) > 0
        assert all(len(one.attempts) == 4 for one in record.episodes)
        assert len(record.proposal_rewards) == 10
        assert [len(group) for group in record.attempt_rewards] == [4] * len(record.episodes)
        assert {one.origin for one in (episode.problem for episode in record.episodes)} == {Origin.EXECUTED}


def test_no_problem_is_posed_twice_in_a_run(run: Any) -> None:
    ids = [one.problem.id for record in play(run(rounds=6)).past() for one in record.episodes]
    assert len(ids) == len(set(ids)) > 30


# Twice alike, and resumed


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_same_run_twice_leaves_the_same_records(run: Any, learner: str) -> None:
    first, second = (play(run(name, rounds=3, learner_name=learner)) for name in ("first", "second"))
    assert rounds_of(first) == rounds_of(second)
    assert reach(first) == reach(second)


def test_another_seed_gives_another_run(run: Any) -> None:
    first, second = (play(run(f"seed{seed}", rounds=1, seed=seed)) for seed in (0, 1))
    assert rounds_of(first)[0].proposals != rounds_of(second)[0].proposals


@pytest.mark.parametrize(("learner", "every"), [("supervised", 1), ("policy_gradient", 2)])
def test_a_run_stopped_anywhere_goes_on_to_the_same_end(run: Any, learner: str, every: int) -> None:
    changes = {"rounds": 4, "learner_name": learner, "checkpoint_every": every}
    whole = play(run("whole", **changes))
    events = 4 * 9  # seven phases, at least two of writing; a few more with evaluation
    for stop in range(3 + every, events, 5):
        with pytest.raises(StoppedError):
            play(run(f"stopped{stop}", watchers=[StopAt(stop)], **changes))
        again = play(run(f"stopped{stop}", **changes))
        assert rounds_of(again) == rounds_of(whole)
        assert reach(again) == reach(whole)
        assert again.tokens_used == whole.tokens_used


def test_a_run_stopped_again_and_again_goes_on_to_the_same_end(run: Any) -> None:
    whole = play(run("whole", rounds=4, checkpoint_every=2))
    stops = 0
    while True:
        try:
            again = play(run("stopped", rounds=4, checkpoint_every=2, watchers=[StopAt(25 - stops)]))
            break
        except StoppedError:
            stops += 1
    assert stops >= 1
    assert rounds_of(again) == rounds_of(whole)


# What it trains on


def test_a_supervised_batch_has_its_shares_of_seeds_proposals_and_attempts(run: Any) -> None:
    lab = run(rounds=5)
    batches = Batches(lab)
    play(lab, steps=10, proposer_share=0.25, seed_proposal_share=0.05, seed_solution_share=0.1, augment=False)
    rows = batches.seen[-1]
    assert {type(row) for row in rows} == {Demonstration}
    assert len(rows) == 10 * 8
    assert sum(row.transcript.role == "proposer" for row in rows) == 20 + 4
    own = [row.transcript for row in rows if row.transcript.role == "solver" and row.transcript.policy_version >= 0]
    assert len(own) == 80 - 24 - 8


def test_only_verified_attempts_of_this_run_are_imitated(run: Any) -> None:
    lab = run(rounds=4)
    batches = Batches(lab)
    play(lab, augment=False)
    correct = {a.transcript for record in lab.past() for one in record.episodes for a in one.attempts if a.correct}
    own = {row.transcript for batch in batches.seen for row in batch if row.transcript.policy_version >= 0}
    assert own
    assert own <= correct


def test_policy_gradient_credits_every_decided_attempt_and_proposal(run: Any) -> None:
    lab = run(rounds=1, learner_name="policy_gradient")
    batches = Batches(lab)
    play(lab)
    (record,) = lab.past()
    (rows,) = batches.seen
    assert {type(row) for row in rows} == {Credited}
    expected = [a.transcript for one in record.episodes for a in one.attempts]
    expected += [one.transcript for one in record.proposals]
    assert [row.transcript for row in rows] == expected
    assert sum(row.advantage for row in rows) == pytest.approx(0.0, abs=1e-9)
    assert any(row.advantage for row in rows)


def test_policy_gradient_does_not_credit_what_another_proposer_wrote(run: Any) -> None:
    lab = run(rounds=1, learner_name="policy_gradient")
    batches = Batches(lab)
    play(lab, proposer="random_levels")
    assert {row.transcript.role for row in batches.seen[0]} == {"solver"}


# Controls and options


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("proposer", PROPOSERS)
def test_every_proposer_runs_and_repeats_itself(run: Any, proposer: str, learner: str) -> None:
    runs = [play(run(f"{n}", rounds=2, learner_name=learner), proposer=proposer, mutation=0.0) for n in range(2)]
    assert rounds_of(runs[0]) == rounds_of(runs[1])
    assert sum(line["problems"] for line in runs[0].record.metrics()) > 5


def test_a_frozen_proposer_stays_where_it_began(run: Any) -> None:
    lab = play(run(rounds=8), proposer="frozen", mutation=0.0)
    assert max(one.problem.level for record in lab.past() for one in record.episodes) == 3


def test_a_frozen_proposer_is_still_the_one_of_the_start_after_a_stop(run: Any) -> None:
    whole = play(run("whole", rounds=4), proposer="frozen")
    with pytest.raises(StoppedError):
        play(run("stopped", rounds=4, watchers=[StopAt(22)]), proposer="frozen")
    assert rounds_of(play(run("stopped", rounds=4), proposer="frozen")) == rounds_of(whole)


@pytest.mark.parametrize("learner", LEARNERS)
def test_without_a_verifier_the_first_answer_counts_as_right(run: Any, learner: str) -> None:
    lab = play(run(rounds=2, learner_name=learner), truth="first_answer")
    claimed = [one for record in lab.past() for one in record.episodes]
    assert {one.problem.origin for one in claimed} == {Origin.CLAIMED}
    for one in claimed:
        first = lab.env.read_answer(one.problem, one.attempts[0].transcript.completion)
        assert one.problem.reference == (first or "")
        assert one.attempts[0].correct == (first is not None)
        posed = one.proposal.problem if one.proposal else None
        assert posed is not None
        assert posed.origin is Origin.EXECUTED


@pytest.mark.parametrize("reward", FORMULAS)
def test_every_proposer_reward_runs(run: Any, reward: str) -> None:
    (record,) = play(run(rounds=1), reward=reward).past()
    assert any(one is not None for one in record.proposal_rewards)


def test_mutants_name_their_parents_and_proposers_are_shown_what_was_admitted(run: Any) -> None:
    lab = run(rounds=3)
    batches = Batches(lab)
    play(lab, mutation=1.0)
    admitted = {one.problem.prompt for record in lab.past() for one in record.episodes}
    assert all(one.problem.parents for record in lab.past() for one in record.episodes)
    seeds = {problem.prompt for problems in lab.seeds._by_level.values() for problem in problems}
    posed = {row.transcript.completion for row in batches.seen[-1] if row.transcript.role == "proposer"}
    assert posed - seeds
    assert posed - seeds <= admitted


@pytest.mark.parametrize(("options", "message"), [
    ({"proposer": "learnd"}, "options.proposer: no proposer is called 'learnd'; did you mean learned? one of learned"),
    ({"reward": "p"}, "options.reward: no reward is called 'p'; one of one_minus_p"),
    ({"proposer_share": 0.9}, "options.proposer_share: the three shares must leave something"),
    ({"truth": "claimed"}, "options.truth"),
    ({"num_attempts": 0}, "options.num_attempts: got 0 (a whole number), expected a whole number >= 1"),
])  # fmt: skip
def test_wrong_options_are_refused_with_their_key(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(Config, options, "options")
    assert str(caught.value).startswith(message)


# The temperature


def test_the_temperature_rises_with_valid_proposals_and_stays_in_its_range() -> None:
    config = Config()
    assert steer(1.0, 0.6, config) == 1.0
    assert steer(1.0, 0.9, config) == pytest.approx(math.exp(0.06))
    assert steer(1.0, 0.1, config) < 1.0
    assert (steer(1.3, 1.0, config), steer(0.85, 0.0, config)) == (1.3, 0.85)


def test_the_temperature_goes_from_round_to_round_and_over_a_stop(run: Any) -> None:
    lab = play(run(rounds=3))
    recorded = [(record.state["temperature"], record.metrics["temperature"]) for record in lab.past()]
    assert all(state == metric != 1.0 for state, metric in recorded)
    assert lab.state["temperature"] == recorded[-1][0]


@pytest.mark.parametrize(("value", "rounded"), [(0.0, 0), (2.0, 2), (2.0000000001, 2), (2.1, 3), (0.1 * 3 * 10, 3)])
def test_shares_are_rounded_up_but_for_noise(value: float, rounded: int) -> None:
    assert round_up(value) == rounded
