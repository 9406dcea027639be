"""What `make papers` tries: arms that load, questions about what there is, and when a claim is said to hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import papers
from benchmarks.papers_experiments import EXPERIMENTS
from benchmarks.papers_scores import START, Arm, Experiment, Question, held_out_at, metric, near_half
from selfplay.config_file import load_config
from selfplay.recipes import RECIPES

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_papers_recipe_is_tried_and_no_other() -> None:
    """Expert iteration and its control have a page of their own."""
    assert {one.recipe for one in EXPERIMENTS} == set(RECIPES) - {"expert_iteration", "seed_data"}


def test_experiments_have_titles_and_files_of_their_own() -> None:
    titles = [one.title for one in EXPERIMENTS]
    assert len(set(titles)) == len(titles)
    files = [papers.result_file(one, arm, 0) for one in EXPERIMENTS for arm in one.arms]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: one.title)
def test_an_experiment_asks_about_arms_that_run_and_scores_that_it_has(experiment: Experiment) -> None:
    names = [arm.name for arm in experiment.arms]
    assert len(set(names)) == len(names)
    assert experiment.num_seeds >= 3
    for place, arm in enumerate(experiment.arms):
        load_config(
            ROOT / arm.config, [one.format(runs="runs", seed=0) if "{seed}" in one else one for one in arm.overrides]
        )
        assert not arm.budget_of or arm.budget_of in names[:place]
    load_config(ROOT / experiment.start)
    for question in experiment.questions:
        assert question.better in names
        assert question.worse in [*names, START]
        other = question.than or (f"{question.score} before" if question.worse == START else question.score)
        assert {question.score, other} <= set(experiment.scores)


def outcomes(values: list[float], other: list[float]) -> dict[str, dict[int, Any]]:
    return {"new": dict(enumerate(values)), "old": dict(enumerate(other))}


@pytest.mark.parametrize(
    ("new", "smaller", "said"),
    [
        ([0.5, 0.6, 0.7], False, "**holds**"),
        ([0.5, 0.6, 0.7], True, "**does not hold**"),
        ([-0.5, -0.6, -0.7], False, "**does not hold**"),
        ([-0.5, -0.6, -0.7], True, "**holds**"),
        ([0.5, -0.6, 0.7], False, "cannot be seen"),
        ([0.0, 0.0, 0.0], False, "cannot be seen"),
        ([0.5], False, "not yet tried"),
    ],
)
def test_a_claim_holds_if_the_interval_of_the_paired_difference_leaves_out_zero(
    new: list[float], smaller: bool, said: str
) -> None:
    arms = (Arm("new", ""), Arm("old", ""))
    question = Question("New beats old", "new", "old", "score", smaller=smaller)
    experiment = Experiment("recipe", "", arms, {"score": lambda outcome: float(outcome)}, (question,))  # type: ignore[arg-type]
    assert said in papers.answer(experiment, question, outcomes(new, [0.0] * len(new)))


def test_an_interval_is_students() -> None:
    """Half-width of 1, 2, 3: t(0.975, 2) * 1 / sqrt(3) = 4.3027 * 0.5774."""
    assert papers.t_interval([1.0, 2.0, 3.0]) == pytest.approx((2 - 2.4841, 2 + 2.4841), abs=1e-3)


def test_near_half_is_one_where_all_are_solved_half_the_time_and_zero_at_the_ends() -> None:
    def line(turn: str, counts: list[int]) -> dict[str, Any]:
        return {"r_zero": {"turn": turn}, "solve_rate_histogram": counts}

    rounds = [line("challenger", [2, 0, 0, 0, 2]), line("solver", [9] * 5), line("challenger", [0, 0, 4, 0, 0])]
    rounds += [line("challenger", [0, 1, 0, 1, 0])]
    assert near_half("challenger", first=True)({"metrics": rounds}) == 0.0
    assert near_half("challenger")({"metrics": rounds}) == 0.5


def test_figures_are_of_the_rounds_that_have_them() -> None:
    rounds = [{"x": {"y": None}}, {"x": {"y": 1.0}}, {}, {"x": {"y": 3.0}}, {"x": {}}]
    assert metric("x", "y", 0)({"metrics": rounds}) == 1.0
    assert metric("x", "y")({"metrics": rounds}) == 3.0
    measured = [{}, {"held_out": {"env": {"5": 0.5}}}, {}, {"held_out": {"env": {"5": 1.0}}}]
    assert held_out_at((5,), 0.5)({"metrics": measured}) == 0.5
    assert held_out_at((5,), 0.75)({"metrics": measured}) == 1.0


def test_papers_md_says_what_the_kept_results_say() -> None:
    text = (ROOT / "PAPERS.md").read_text(encoding="utf-8")
    assert papers.with_answers(text, EXPERIMENTS) == text


def test_the_answers_replace_what_stood_between_the_marks_and_nothing_else() -> None:
    text = f"before\n{papers.BEGIN}\nan earlier table\n{papers.END}\nafter\n"
    once = papers.with_answers(text, EXPERIMENTS)
    assert once.startswith(f"before\n{papers.BEGIN}\n| recipe |")
    assert once.endswith(f"|\n{papers.END}\nafter\n")
    assert "an earlier table" not in once
    assert papers.with_answers(once, EXPERIMENTS) == once
