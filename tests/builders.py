"""Records made by hand, and runs of scripted parts: what several tests need. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from envs.programs import Programs
from selfplay.checking import resolved
from selfplay.config import AuditConfig, EnvConfig, EvaluationConfig, JudgeConfig, LearnerConfig, ModelConfig, RunConfig
from selfplay.evaluate import held_out_split
from selfplay.judges.scripted import ScriptedJudge, TruthQuality
from selfplay.judging import Bench, Judging
from selfplay.lab import Lab, Player, Watcher
from selfplay.protocols import Environment, Verifier
from selfplay.recipes import RECIPES
from selfplay.record import Record, RoundRecord
from selfplay.scripted import ScriptedLearner, ScriptedPolicy
from selfplay.seeds import SeedData, seed_split
from selfplay.types import (
    Attempt,
    Draft,
    Episode,
    Message,
    Origin,
    Problem,
    Proposal,
    Rejection,
    Status,
    Transcript,
    Verdict,
)

# Records -------------------------------------------------------------------------------------------------------------


def transcript(text: str = "a", role: str = "solver", stopped: bool = True, seed: int = 0) -> Transcript:
    """Two prompt tokens and one sampled token for each character."""
    ids = (1, 2, *map(ord, text))
    sampled = (False, False) + (True,) * len(text)
    messages = (Message("user", "?"), Message("assistant", text))
    return Transcript(role, messages, ids, sampled, (-0.5,) * len(text), 0, seed, stopped)


def problem(name: str = "p", level: int = 1, reference: str = "r") -> Problem:
    return Problem("made", name, reference, Origin.DATASET, level)


def proposal(outcome: Problem | Rejection) -> Proposal:
    return Proposal(transcript(getattr(outcome, "prompt", "junk"), "proposer"), outcome)


def attempt(status: Status = Status.CORRECT, of: Problem | None = None, text: str = "a") -> Attempt:
    return Attempt((of or problem()).id, transcript(text), Verdict(status, text))


def episode(statuses: Sequence[Status], of: Problem | None = None, proposed: bool = True) -> Episode:
    """An episode whose attempts have these verdicts; the i-th attempt's text is the digit i."""
    of = of or problem()
    attempts = tuple(attempt(status, of, str(index)) for index, status in enumerate(statuses))
    return Episode(of, attempts, proposal(of) if proposed else None)


def solved(k: int, n: int, of: Problem | None = None) -> Episode:
    """k of n attempts are correct."""
    return episode([Status.CORRECT] * k + [Status.WRONG] * (n - k), of)


def without_clock(record: RoundRecord) -> RoundRecord:
    """The round without what a clock or the operating system measured."""
    episodes = tuple(
        replace(
            one,
            attempts=tuple(replace(a, verdict=replace(a.verdict, seconds=0.0)) for a in one.attempts),
        )
        for one in record.episodes
    )
    return replace(record, episodes=episodes, metrics=metrics_without_clock(record.metrics))


def metrics_without_clock(metrics: Any) -> dict[str, Any]:
    return {key: value for key, value in metrics.items() if key not in ("seconds", "peak_rss_mb")}


class StoppedError(Exception):
    """Stands for a kill: watchers of a test raise it."""


# Scripted runs -------------------------------------------------------------------------------------------------------


class Classroom(Programs):
    """`programs`, where a scripted policy is told the answer of every problem that is posed, mutants included."""

    def __init__(self, real: Programs) -> None:
        super().__init__(real.options, real.executor)
        self.pupils: list[ScriptedPolicy] = []

    def ground(self, drafts: Sequence[Draft]) -> list[Problem | Rejection]:
        grounded = super().ground(drafts)
        for pupil in self.pupils:
            pupil.teach([result for result in grounded if isinstance(result, Problem)])
        return grounded


def scripted_run(
    folder: Path,
    programs: Programs,
    verifier: Verifier,
    *,
    rounds: int = 6,
    recipe: str = "expert_iteration",
    learner_name: str = "supervised",
    watchers: Sequence[Watcher] = (),
    gain: float = 0.02,
    **changes: Any,
) -> Lab:
    """A Lab of scripted parts over a new or an existing folder; `changes` are fields of RunConfig."""
    config = RunConfig(
        **{
            "recipe": recipe,
            "rounds": rounds,
            "env": EnvConfig(programs.name),
            "model": ModelConfig(name="scripted"),
            "learner": LearnerConfig(learning_rate=1.0, batch_size=8, name=learner_name),  # type: ignore[arg-type]
            "evaluation": EvaluationConfig(every=3, num_problems=3),
            **changes,
        }
    )
    env = Classroom(programs)
    policy = ScriptedPolicy(env)
    start = policy.snapshot()
    teacher = ScriptedPolicy(env, reach=float(env.levels[-1]), junk=0.0)
    env.pupils += [policy, teacher]
    held_out = held_out_split(env, config.evaluation.levels or list(env.levels), config.evaluation.num_problems)
    ids = {one.id for level in held_out.values() for one in level}
    seeds = SeedData(policy, env, seed_split(env, [1, 2], 10, ids))
    exists = (folder / "config.yaml").exists()
    record = Record.open(folder) if exists else Record.create(folder, resolved(config), {})
    learns = ScriptedLearner(policy, gain)
    others = {name: scripted_player(env, gain) for name in RECIPES[recipe].ABOUT.policies[1:]}
    for past in map(record.read, record.whole_rounds()):  # what a real model would still be able to read
        seen = [one.problem for one in past.proposals if one.problem] + [one.problem for one in past.episodes]
        env.ground([Draft(one.prompt, one.level, one.parents) for one in seen])
    judging = scripted_judging(env, verifier) if getattr(RECIPES.get(recipe), "NEEDS_JUDGE", False) else None
    return Lab(
        config, env, verifier, policy, learns, record, held_out, seeds, lambda: start, None, watchers,
        lambda _: teacher, judging=judging, imitate=lambda learning_rate: learns, others=others,
    )  # fmt: skip


def scripted_player(env: Classroom, gain: float) -> Player:
    """A model beside the run's own, which learns from what it proposes."""
    policy = ScriptedPolicy(env)
    env.pupils.append(policy)
    return Player(policy, ScriptedLearner(policy, gain, "proposer"))


def scripted_judging(env: Environment, verifier: Verifier, **dials: float) -> Judging:
    """A judge that knows the truth about `env` and errs a little, as a run has it."""
    quality = TruthQuality({env.name: (env, verifier)})
    noise = {"noise": 0.3, **dials}
    bench = Bench(lambda seed: ScriptedJudge(quality, seed=seed, **noise))  # type: ignore[arg-type]
    return Judging(JudgeConfig("scripted", audit=AuditConfig(every=2, num_pairs=8)), bench, env, verifier)


def play(lab: Lab, **options: Any) -> Lab:
    """Go on with the run, or begin it, and play all rounds that are left."""
    recipe = RECIPES[lab.config.recipe]
    small = {"num_proposals": 10, "num_attempts": 4, "steps": 3, "filler": 0, **options}
    known = recipe.Config.__dataclass_fields__
    lab.resume()
    recipe.run(lab, recipe.Config(**{key: value for key, value in small.items() if key in known}))
    return lab


def rounds_of(lab: Lab) -> list[RoundRecord]:
    """Every round that stands, without what a clock measured."""
    return [without_clock(record) for record in lab.past()]
