"""The Lab: rounds that resume, what is checkpointed and when, and the numbers of a round."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from builders import (
    StoppedError,
    episode,
    metrics_without_clock,
    play,
    problem,
    proposal,
    rounds_of,
    scripted_run,
    solved,
)

from envs.programs import Programs
from selfplay.checkpoints import checkpoints
from selfplay.config import EvaluationConfig, LearnerConfig
from selfplay.lab import Lab, Round
from selfplay.metrics import describe, used_tokens
from selfplay.types import Rejection, Status
from verifiers import ClosingVerifier


@pytest.fixture
def lab(tmp_path: Path, programs: Programs, exact: ClosingVerifier) -> Any:
    """Makes a Lab over the test's own folder; the recipe is the cheapest one."""

    def make(**changes: Any) -> Lab:
        settings = {"recipe": "seed_data", "evaluation": EvaluationConfig(every=0, levels=[1], num_problems=2)}
        return scripted_run(tmp_path / "run", programs, exact, **{**settings, **changes})

    return make


class StopAfter:
    """Raises once a round is done."""

    def __init__(self, number: int) -> None:
        self.number = number

    def phase(self, name: str) -> None: ...

    def round(self, metrics: Any) -> None:
        if metrics["iteration"] == self.number:
            raise StoppedError


# Rounds


def test_rounds_are_numbered_and_each_has_a_seed_of_its_own(lab: Any) -> None:
    one = lab(rounds=3)
    rounds = []
    for round in one.rounds():
        rounds.append((round.number, round.seed, round.progress))
        one.finish(round, learner={}, state={})
    assert [number for number, _, _ in rounds] == [0, 1, 2]
    assert [progress for _, _, progress in rounds] == [0.0, 1 / 3, 2 / 3]
    assert len({seed for _, seed, _ in rounds}) == 3


def test_the_policy_carries_the_number_of_the_round_whose_weights_it_has(lab: Any) -> None:
    one = lab(rounds=2)
    versions = []
    for round in one.rounds():
        versions.append(one.policy.version)
        one.finish(round, learner={}, state={})
    assert [*versions, one.policy.version] == [0, 1, 2]


def test_a_phase_is_timed_also_in_two_parts_and_watchers_see_it() -> None:
    seen: list[str] = []

    class Watching:
        def phase(self, name: str) -> None:
            seen.append(name)

        def round(self, metrics: Any) -> None: ...

    round = Round(0, 0, 0.0, [Watching()])
    for name in ("solve", "train", "solve"):
        with round.phase(name):
            pass
    assert seen == ["solve", "train", "solve"]
    assert set(round.seconds) == {"solve", "train"}


def test_the_seconds_of_a_round_cover_its_phases_and_the_rest(lab: Any) -> None:
    (line,) = play(lab(rounds=1)).record.metrics()
    assert {"credit", "train", "evaluate", "record", "rest"} <= set(line["seconds"])
    assert all(seconds >= 0.0 for seconds in line["seconds"].values())


# Evaluation


@pytest.mark.parametrize(("every", "evaluated"), [(0, [4]), (1, [0, 1, 2, 3, 4]), (2, [1, 3, 4])])
def test_held_out_problems_are_measured_every_so_often_and_always_at_the_end(
    lab: Any, every: int, evaluated: list[int]
) -> None:
    one = play(lab(rounds=5, evaluation=EvaluationConfig(every=every, levels=[1, 3], num_problems=2)))
    lines = one.record.metrics()
    assert [line["iteration"] for line in lines if "held_out" in line] == evaluated
    assert lines[-1]["held_out"].keys() == {"programs"}
    assert lines[-1]["held_out"]["programs"].keys() == {"1", "3"}
    assert lines[-1]["tokens"]["evaluate"] > 0


def test_what_is_held_out_cannot_be_admitted(lab: Any) -> None:
    one = lab()
    for held_out in one.held_out[1]:
        assert one.gate.admit(held_out) == Rejection("held_out", held_out.id)


# Checkpoints and resuming


def test_only_the_newest_checkpoints_are_kept(lab: Any) -> None:
    assert checkpoints(play(lab(rounds=6, keep_checkpoints=2)).record) == [4, 5]


def test_checkpoints_are_written_every_so_often_and_always_at_the_end(lab: Any) -> None:
    assert checkpoints(play(lab(rounds=8, checkpoint_every=3, keep_checkpoints=9)).record) == [2, 5, 7]


def test_a_run_goes_on_after_the_last_whole_round_with_a_checkpoint(lab: Any) -> None:
    with pytest.raises(StoppedError):
        play(lab(rounds=8, checkpoint_every=3, watchers=[StopAfter(4)]))
    again = lab(rounds=8, checkpoint_every=3)
    assert again.record.whole_rounds() == [0, 1, 2, 3, 4]
    assert again.resume() == 3
    assert again.record.whole_rounds() == [0, 1, 2]
    assert again.policy.version == 3


def test_a_checkpoint_without_its_round_is_forgotten(lab: Any) -> None:
    one = play(lab(rounds=3, keep_checkpoints=9))
    shutil.rmtree(one.record.rounds / "0002")
    again = lab(rounds=3, keep_checkpoints=9)
    assert again.resume() == 2
    assert checkpoints(again.record) == [0, 1]


def test_a_checkpoint_that_was_cut_short_is_not_one(lab: Any) -> None:
    with pytest.raises(StoppedError):
        play(lab(rounds=3, watchers=[StopAfter(1)]))
    again = lab(rounds=3)
    (again.record.checkpoints / ".tmp-0002").mkdir()
    assert again.resume() == 2
    assert checkpoints(play(again).record) == [1, 2]
    assert not (again.record.checkpoints / ".tmp-0002").exists()


def test_a_run_without_a_checkpoint_starts_over(lab: Any) -> None:
    with pytest.raises(StoppedError):
        play(lab(rounds=8, checkpoint_every=5, watchers=[StopAfter(2)]))
    again = lab(rounds=8, checkpoint_every=5)
    assert again.resume() == 0
    assert again.record.whole_rounds() == []


def test_a_finished_run_has_no_rounds_left(lab: Any) -> None:
    play(lab(rounds=2))
    again = lab(rounds=2)
    assert again.resume() == 2
    assert list(again.rounds()) == []


def test_a_finished_run_can_be_given_more_rounds(lab: Any) -> None:
    play(lab(rounds=2))
    assert play(lab(rounds=4)).record.whole_rounds() == [0, 1, 2, 3]


def test_resuming_brings_back_weights_state_and_tokens_and_what_was_seen(
    tmp_path: Path, programs: Programs, exact: ClosingVerifier
) -> None:
    one = play(scripted_run(tmp_path, programs, exact, rounds=2))
    again = scripted_run(tmp_path, programs, exact, rounds=2)
    again.resume()
    assert again.policy.reach == one.policy.reach > 2.0  # type: ignore[attr-defined]
    assert (again.state, again.tokens_used) == (one.state, one.tokens_used)
    admitted = [p.problem for record in one.past() for p in record.proposals if p.problem is not None]
    assert len(admitted) > 5
    assert {type(again.gate.admit(one)) for one in admitted} == {Rejection}


def test_the_same_rounds_are_played_after_a_stop(lab: Any, tmp_path: Path) -> None:
    whole = rounds_of(play(lab(rounds=5)))
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(StoppedError):
        play(lab(rounds=5, watchers=[StopAfter(1)]))
    assert rounds_of(play(lab(rounds=5))) == whole


# Budgets and rates


def test_a_run_ends_after_the_round_that_spends_its_token_budget(lab: Any, tmp_path: Path) -> None:
    lines = play(lab(rounds=6)).record.metrics()
    costs = [used_tokens(line) for line in lines]
    shutil.rmtree(tmp_path / "run")
    one = play(lab(rounds=6, token_budget=sum(costs[:2]) + 1))
    assert one.record.whole_rounds() == [0, 1, 2]
    assert one.tokens_used == sum(costs[:3])
    assert checkpoints(one.record)[-1] == 2
    assert "held_out" in one.record.metrics()[-1]


def test_progress_is_by_rounds_or_by_tokens_whichever_is_further(lab: Any) -> None:
    one = lab(rounds=4, token_budget=1000)
    assert one.progress() == 0.0
    one.tokens_used = 100
    one._next = 1
    assert one.progress() == 0.25
    one.tokens_used = 900
    assert one.progress() == 0.9


def test_a_trained_token_counts_three_times_and_evaluation_does_not_count() -> None:
    assert used_tokens({"tokens": {"propose": 1, "solve": 10, "train": 100, "evaluate": 1000}}) == 311


@pytest.mark.parametrize(("progress", "rates"), [
    (0.0, (1.0, 0.5)), (0.6, (1.0, 0.5)), (0.8, (0.55, 0.275)), (1.0, (0.1, 0.05)),
])  # fmt: skip
def test_the_learning_rate_falls_over_the_last_part_of_the_run_and_within_each_round(
    lab: Any, progress: float, rates: tuple[float, float]
) -> None:
    learner = LearnerConfig(learning_rate=1.0, batch_size=8, round_end_rate=0.5, anneal_share=0.4, anneal_to=0.1)
    assert lab(learner=learner).learning_rate(Round(0, 0, progress)) == pytest.approx(rates)


def test_the_learning_rate_is_constant_unless_asked_otherwise(lab: Any) -> None:
    assert lab().learning_rate(Round(0, 0, 0.99)) == (1.0, 1.0)


# The numbers of a round


def test_a_round_is_described_by_numbers_that_add_up() -> None:
    easy, hard, broken = problem("easy", 1), problem("hard", 3), problem("broken", 3)
    refused = [Rejection("grammar"), Rejection("duplicate"), Rejection("held_out")]
    proposals = [proposal(outcome) for outcome in (easy, hard, broken, *refused)]
    episodes = [solved(4, 4, easy), solved(1, 4, hard), episode([Status.FAULT] * 4, broken)]
    assert describe(7, proposals, episodes) == {
        "iteration": 7,
        "proposals": 6,
        "valid": 5 / 6,
        "rejections": {"grammar": 1, "duplicate": 1, "held_out": 1},
        "problems": 3,
        "mean_level_proposed": 7 / 3,
        "levels_proposed": {"1": 1, "3": 2},
        "solve_rate": 0.625,
        "solve_rates": {"1": 1.0, "3": 0.25},
        "solve_rate_histogram": [1, 1, 0, 0, 1],
        "verdicts": {"correct": 5, "wrong": 3, "malformed": 0, "timeout": 0, "undecided": 0, "fault": 4},
    }


def test_a_round_without_proposals_is_described_too() -> None:
    line = describe(0, [], [])
    assert (line["proposals"], line["valid"], line["solve_rate"], line["mean_level_proposed"]) == (0, 0.0, 0.0, 0.0)
    assert line["solve_rate_histogram"] == [0]


def test_metrics_count_every_token_once(tmp_path: Path, programs: Programs, exact: ClosingVerifier) -> None:
    one = play(scripted_run(tmp_path, programs, exact, rounds=1))
    (record,) = one.past()
    tokens = record.metrics["tokens"]
    assert tokens["propose"] == sum(len(p.transcript.token_ids) for p in record.proposals)
    assert tokens["solve"] == sum(len(a.transcript.token_ids) for e in record.episodes for a in e.attempts)
    assert tokens["train"] == record.metrics["learner"]["tokens"] > 0
    assert metrics_without_clock(record.metrics).keys() < record.metrics.keys()
