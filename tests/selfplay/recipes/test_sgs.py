"""Self-guided self-play on scripted parts: targets, a guide, and its ablations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import Classroom, play, problem, proposal, scripted_judging, scripted_run, solved

from envs.programs import Programs
from selfplay.errors import FieldError, UserError
from selfplay.guide import RuleGuide, guided
from selfplay.lab import Lab
from selfplay.recipes.sgs import Config, asked_for, conjecturer_rows, solver_rows
from selfplay.rewards import reward_attempt
from selfplay.seeding import rng_for
from selfplay.types import Problem, Rejection, Reward
from verifiers import ClosingVerifier

SMALL: dict[str, Any] = {"target_levels": (3, 4, 5), "num_targets": 24, "num_tried": 6, "guide": "rules"}
Make = Callable[..., Lab]


@pytest.fixture
def make(tmp_path: Path, programs: Programs, exact: ClosingVerifier) -> Make:
    def made(name: str = "run", **changes: Any) -> Lab:
        return scripted_run(
            tmp_path / name, programs, exact, recipe="sgs", learner_name="policy_gradient", **{"rounds": 4, **changes}
        )

    return made


def test_targets_are_tried_until_they_are_solved_and_never_conjectured(make: Make) -> None:
    lab = play(make(), **SMALL)
    done: set[str] = set()
    targets: set[str] = set()
    for record in lab.past():
        tried = [episode for episode in record.episodes if episode.proposal is None]
        assert len(tried) == 6
        assert done.isdisjoint(episode.problem.id for episode in tried)
        targets |= {episode.problem.id for episode in tried}
        done |= {episode.problem.id for episode in tried if episode.num_correct}
        assert targets.isdisjoint(one.problem.id for one in record.proposals if one.problem)
        assert record.metrics["sgs"]["solved"] == len(done)
        assert record.metrics["sgs"]["targets"] == 24
    assert done


@pytest.mark.parametrize("ablation", [{"guide": "none"}, {"proposer": "frozen"}, {"conditioned": False}])
def test_every_ablation_runs(make: Make, ablation: dict[str, Any]) -> None:
    lines = play(make(), **{**SMALL, **ablation}).record.metrics()
    assert all((line["sgs"]["reviewed"] > 0) == (ablation.get("guide") != "none") for line in lines)
    if ablation.get("guide") == "none":
        assert all(line["sgs"]["guide"] == 1.0 for line in lines)


def test_the_run_s_judge_is_asked_and_counted_and_there_must_be_one(make: Make, exact: ClosingVerifier) -> None:
    lab = make()
    lab.judging = scripted_judging(lab.env, exact)
    play(lab, **{**SMALL, "guide": "judge"})
    lines = lab.record.metrics()
    assert [line["judge"]["asked"] for line in lines] == [line["sgs"]["reviewed"] for line in lines]
    with pytest.raises(UserError, match="expected a judge"):
        play(make("without"), **{**SMALL, "guide": "judge"})
    assert Config().needs_judge
    assert not Config(guide="rules").needs_judge


# Parts


def test_only_what_was_solved_is_reviewed_and_the_seventieth_percentile_limits_the_rest() -> None:
    """Rates 1/4, 1/2, 3/4 and 1 (0 does not count): the 70th percentile is 3/4 + 0.1 / 4 of the way to 1."""
    counts = (0, 1, 2, 3, 4)
    problems = [problem(f"b={n};c=b^2;print(c)") for n in counts]
    proposals = [*map(proposal, problems), proposal(Rejection("grammar"))]
    episodes = [solved(k, 4, of) for k, of in zip(counts, problems, strict=True)]
    targets = [problem("b=3;c=b^2;d=c&1;print(d)")] * 6
    contexts, figures = guided(RuleGuide(), proposals, targets, episodes, 0.7)
    assert figures["reviewed"] == 4
    assert [context.valid for context in contexts] == [True] * 5 + [False]
    assert {round(context.rate_limit, 6) for context in contexts} == {0.775}
    assert contexts[0].guide == contexts[5].guide == 1.0
    assert min(context.guide for context in contexts[1:5]) > 1.0


def test_the_solver_learns_from_what_it_solves_at_most_half_of_the_time() -> None:
    episodes = [solved(k, 8, problem(str(k))) for k in range(9)]
    rewards = [[reward_attempt(attempt) for attempt in one.attempts] for one in episodes]
    rows = solver_rows(episodes, rewards, 0.5)
    assert len(rows) == 8 * 4
    assert all(row.advantage for row in rows)


def test_rewards_are_scaled_to_the_round_before_they_become_advantages() -> None:
    totals = (6.0, 0.0, 3.0, None)
    proposals = [proposal(problem(str(n))) for n in range(4)]
    rewards = [None if total is None else Reward((("guided", total),)) for total in totals]
    assert [row.advantage for row in conjecturer_rows(proposals, rewards)] == pytest.approx([0.5, -0.5, 0.0])


def test_an_environment_that_cannot_ask_for_a_step_says_so(programs: Programs) -> None:
    class Blunt(Classroom):
        def related_prompt(self, target: Problem, rng: Any) -> None:  # type: ignore[override]
            return None

    env = Blunt(programs)
    with pytest.raises(UserError, match=r"options\.conditioned: got true, expected false"):
        asked_for(env, problem(), True, rng_for(0))
    assert asked_for(env, problem(), False, rng_for(0)) == env.proposer_prompt(rng_for(0))


def test_wrong_options_are_refused_with_what_there_is() -> None:
    for key, value in (("reward", "sgss"), ("proposer", "nobody")):
        with pytest.raises(FieldError, match=value):
            Config(**{key: value})  # type: ignore[arg-type]
