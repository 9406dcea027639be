"""What holds for every recipe on scripted parts: it runs, twice alike, resumes exactly, and keeps its hands off what is
held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from builders import StoppedError, play, rounds_of, scripted_run

from envs.programs import Programs
from selfplay.lab import Lab
from selfplay.recipes import RECIPES
from selfplay.types import Status
from verifiers import ClosingVerifier

OPTIONS: dict[str, dict[str, Any]] = {
    "azr": {"num_problems": 8, "num_references": 2},
    "constitutional": {"num_problems": 8, "levels": (1, 2, 3), "num_revisions": 2},
    "distill": {"teacher": "scripted", "num_problems": 8, "levels": (1, 2, 3)},
    "expert_iteration": {},
    "length_generalization": {"first_level": 3, "num_problems": 8},
    "r_zero": {"challenger_rounds": 1, "solver_rounds": 2, "num_prompts": 4, "num_candidates": 40, "num_problems": 6},
    "rest_em": {"num_problems": 8, "levels": (1, 2, 3, 4), "max_correct": 2},
    "seed_data": {},
    "self_rewarding": {"num_shots": 2, "proposer_temperature": 1.0},
    "sgs": {"target_levels": (3, 4, 5), "num_targets": 24, "num_tried": 6, "guide": "rules"},
    "spin": {"num_problems": 8, "levels": (1, 2, 3)},
    "sqlm": {"proposer_every": 2},
    "star": {"num_problems": 12, "levels": (1, 2, 3, 4, 5), "hint": "<hint>{answer}", "seed_share": 0.25},
    "ttrl": {"num_problems": 8, "num_votes": 6, "num_trained": 4, "levels": (2, 3)},
}
GAMES = {"spiral"}
"""Recipes that play games, which have tests of their own."""
NAMES = [name for name in RECIPES if name not in GAMES]
Make = Callable[..., Lab]


class StopAt:
    """Raises at the n-th event of a run."""

    def __init__(self, number: int) -> None:
        self.left = number

    def _event(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise StoppedError

    def phase(self, name: str) -> None:
        self._event()

    def round(self, metrics: Mapping[str, Any]) -> None:
        self._event()


@pytest.fixture
def run(tmp_path: Path, programs: Programs, exact: ClosingVerifier) -> Make:
    """Plays a recipe in the folder called `name`."""

    def make(recipe: str, name: str = "run", stop: int | None = None, **changes: Any) -> Lab:
        watchers = [] if stop is None else [StopAt(stop)]
        learner = RECIPES[recipe].ABOUT.learners[0]
        lab = scripted_run(
            tmp_path / name, programs, exact, recipe=recipe, learner_name=learner, watchers=watchers,
            **{"rounds": 3, **changes},
        )  # fmt: skip
        return play(lab, **OPTIONS[recipe])

    return make


def test_every_recipe_is_tried_here() -> None:
    assert OPTIONS.keys() == set(NAMES)


@pytest.mark.parametrize("recipe", NAMES)
def test_it_runs_and_records_every_round(run: Make, recipe: str) -> None:
    lab = run(recipe)
    records = list(lab.past())
    assert [record.number for record in records] == [0, 1, 2]
    assert all(record.metrics["tokens"]["train"] > 0 for record in records)
    assert lab.tokens_used > 0


@pytest.mark.parametrize("recipe", NAMES)
def test_the_same_run_twice_leaves_the_same_records(run: Make, recipe: str) -> None:
    first, second = run(recipe, "first"), run(recipe, "second")
    assert rounds_of(first) == rounds_of(second)
    assert first.policy.reach == second.policy.reach  # type: ignore[attr-defined]
    assert rounds_of(run(recipe, "other", seed=1)) != rounds_of(first)


@pytest.mark.parametrize("recipe", NAMES)
def test_a_run_stopped_anywhere_goes_on_to_the_same_end(run: Make, recipe: str) -> None:
    whole = run(recipe, "whole")
    num_stopped = 0
    for stop in (2, 5, 8, 11):
        try:
            run(recipe, f"stopped{stop}", stop)
        except StoppedError:
            num_stopped += 1
        again = run(recipe, f"stopped{stop}")
        assert rounds_of(again) == rounds_of(whole)
        assert again.policy.reach == whole.policy.reach  # type: ignore[attr-defined]
    assert num_stopped >= 2


@pytest.mark.parametrize("recipe", NAMES)
def test_no_held_out_problem_is_ever_attempted(run: Make, recipe: str) -> None:
    lab = run(recipe)
    assert lab.gate.held_out
    for record in lab.past():
        assert lab.gate.held_out.isdisjoint(episode.problem.id for episode in record.episodes)


@pytest.mark.parametrize("recipe", NAMES)
def test_it_states_its_claim_and_its_deviations_and_fits_on_two_pages(recipe: str) -> None:
    text = RECIPES[recipe].__doc__ or ""
    assert "Claim" in text
    assert "Deviations" in text


# What single recipes promise


def test_star_learns_from_hints_what_sampling_misses(run: Make) -> None:
    told = [record.metrics["star"] for record in run("star").past()]
    assert all(one["failed"] > 0 for one in told)
    assert sum(one["rationalized"] for one in told) > 0


def test_rest_em_keeps_no_more_of_a_problem_than_it_may(run: Make) -> None:
    for record in run("rest_em").past():
        assert record.metrics["rest_em"]["kept"] <= 2 * len(record.episodes)
        assert record.metrics["rest_em"]["kept"] >= record.metrics["rest_em"]["solved"] > 0


def test_ttrl_pays_agreement_and_measures_the_truth_apart(run: Make) -> None:
    for record in run("ttrl").past():
        measured = record.metrics["ttrl"]
        assert 0.0 <= measured["label_accuracy"] <= 1.0
        assert {episode.problem.origin.value for episode in record.episodes} == {"majority"}
        assert all(len(episode.attempts) == 4 for episode in record.episodes)


def test_length_generalization_goes_one_level_further_each_round(run: Make) -> None:
    lines = [record.metrics["length"] for record in run("length_generalization").past()]
    assert [line["level"] for line in lines] == [3, 4, 5]
    assert lines[0]["kept"] > 0


def test_distillation_learns_from_the_teachers_right_texts(run: Make) -> None:
    lab = run("distill")
    statuses = {a.verdict.status for record in lab.past() for e in record.episodes for a in e.attempts}
    assert statuses == {Status.CORRECT}
    assert lab.policy.reach > 2.0  # type: ignore[attr-defined]
