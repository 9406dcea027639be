"""The control without self-play, on scripted parts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from builders import StoppedError, play, rounds_of, scripted_run

from envs.programs import Programs
from selfplay.lab import Lab
from selfplay.metrics import used_tokens
from selfplay.recipes.seed_data import round_to
from verifiers import ClosingVerifier


class StopInRound:
    """Raises when the second round begins to train."""

    def __init__(self) -> None:
        self.trained = 0

    def phase(self, name: str) -> None:
        self.trained += name == "train"
        if self.trained == 2:
            raise StoppedError

    def round(self, metrics: Mapping[str, Any]) -> None: ...


@pytest.fixture
def run(tmp_path: Path, programs: Programs, exact: ClosingVerifier) -> Any:
    def make(name: str = "run", **changes: Any) -> Lab:
        return scripted_run(tmp_path / name, programs, exact, recipe="seed_data", **changes)

    return make


def test_it_trains_on_seed_problems_of_both_roles_and_on_nothing_else(run: Any) -> None:
    lab = run(rounds=2)
    seen: list[Any] = []
    original = lab.learner.update
    lab.learner.update = lambda batch, *rest: seen.append(list(batch)) or original(batch, *rest)
    play(lab, steps=4, proposer_share=0.25)
    assert [len(batch) for batch in seen] == [32, 32]
    for batch in seen:
        assert sum(row.transcript.role == "proposer" for row in batch) == 8
        assert {row.transcript.policy_version for row in batch} == {-1}
    seeds = {problem.prompt for problems in lab.seeds._by_level.values() for problem in problems}
    assert {row.transcript.completion for batch in seen for row in batch if row.transcript.role == "proposer"} <= seeds
    assert [row.transcript for row in seen[0]] != [row.transcript for row in seen[1]]


def test_it_proposes_and_attempts_nothing(run: Any) -> None:
    for record in play(run(rounds=2)).past():
        assert (record.proposals, record.episodes) == ((), ())
        assert used_tokens(record.metrics) == 3 * record.metrics["tokens"]["train"] > 0


def test_it_is_the_same_twice(run: Any) -> None:
    first, second = play(run("first", rounds=3)), play(run("second", rounds=3))
    assert rounds_of(first) == rounds_of(second)
    assert first.policy.reach == second.policy.reach > 2.0  # type: ignore[attr-defined]


def test_it_goes_on_after_a_stop(run: Any, tmp_path: Path) -> None:
    whole = play(run("whole", rounds=3))
    with pytest.raises(StoppedError):
        play(run("stopped", rounds=3, watchers=[StopInRound()]))
    again = play(run("stopped", rounds=3))
    assert rounds_of(again) == rounds_of(whole)
    assert again.policy.reach == whole.policy.reach  # type: ignore[attr-defined]


def test_it_can_be_stopped_by_the_tokens_of_another_run(run: Any, tmp_path: Path) -> None:
    lines = play(run(rounds=4)).record.metrics()
    shutil.rmtree(tmp_path / "run")
    budget = used_tokens(lines[0]) + used_tokens(lines[1])
    assert play(run(rounds=100, token_budget=budget)).record.whole_rounds() == [0, 1]


@pytest.mark.parametrize(("value", "rounded"), [(2.5, 3), (2.4999, 2), (0.0, 0)])
def test_halves_are_rounded_up(value: float, rounded: int) -> None:
    assert round_to(value) == rounded
