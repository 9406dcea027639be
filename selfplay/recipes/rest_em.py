"""ReST-EM (2312.06585) and rejection-sampling fine-tuning (RFT, Yuan et al. 2308.01825): sample, keep what is right.

Every round samples several attempts at each training problem (E-step), keeps at most so many right ones a problem, and
fine-tunes from the start on them (M-step); the next round samples from what came of it. With `distinct` only attempts
with different reasoning count, and one round is RFT.

Claim: a few rounds improve on the model they start from, and then stop improving; the cap keeps easy problems from
drowning hard ones. What was seen here, at small scale, is in `PAPERS.md`.

Deviations:
1. `from_base` is the learner's setting (`learner.between_rounds: from_base`, as in the paper; `carry` goes on).
2. Steps are counted, and rows repeat until they are full; the paper trains until a validation loss rises.
3. A share of the rows may be seed data (`seed_share`, 0 as in the paper).
4. Constants are recalled, not read: 32 samples, temperature 0.7, at most 10 right ones a problem.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from selfplay.about import About
from selfplay.advantages import keep
from selfplay.lab import Lab
from selfplay.rewards import reward_attempt
from selfplay.seeding import rng_for, seed_for
from selfplay.stages import pose, solve, verify
from selfplay.types import Demonstration, Episode, Sampling, Transcript

ABOUT = About("ReST-EM and RFT", ("2312.06585", "2308.01825"), ("supervised",), ("solver",), ("verified",))
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Config:
    """Defaults are the paper's, except where it leaves them open."""

    levels: tuple[int, ...] = ()
    """Levels of the training problems; none: all."""
    num_problems: Count = 1000
    """Training problems, the same in every round."""
    num_attempts: Count = 32
    """Attempts a problem."""
    temperature: Annotated[float, Field(gt=0.0)] = 0.7
    """Of sampling."""
    max_correct: Count = 10
    """Right attempts that are kept of one problem, at most."""
    distinct: bool = False
    """Keep only attempts whose text differs (RFT)."""
    steps: Count = 100
    """Optimizer steps a round."""
    seed_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of the rows that are seed data."""
    filler: Annotated[int, Field(ge=0)] = 0
    """Most harmless insertions in a problem as shown to the solver."""
    max_new_tokens: Count = 256
    """Longest attempt, in tokens."""


def run(lab: Lab, config: Config) -> None:
    """Play the rounds that are left."""
    levels = config.levels or tuple(lab.env.levels)
    problems = pose(lab.env, levels, config.num_problems, lab.gate.held_out, seed_for(lab.config.seed, "training"))
    sampling = Sampling(config.temperature, 1.0, config.max_new_tokens)
    for round in lab.rounds():
        with round.phase("solve"):
            seed = seed_for(round.seed, "solve")
            attempts = solve(lab.policy, lab.env, problems, config.num_attempts, seed, sampling, config.filler)
        with round.phase("verify"):
            episodes = verify(problems, attempts, lab.env, lab.verifier)
        with round.phase("credit"):
            rewards = [[reward_attempt(attempt) for attempt in episode.attempts] for episode in episodes]
            kept = [transcript for episode in episodes for transcript in right_ones(episode, config)]
            count = config.steps * lab.config.learner.batch_size
            rng = rng_for(round.seed, "rows")
            seeds = lab.seeds.solutions(int(count * config.seed_share), rng, config.filler)
            batch = [*seeds, *repeated(kept, count - len(seeds), rng)]
        with round.phase("train"):
            learned = lab.learner.update(batch, seed_for(round.seed, "learn"), lab.learning_rate(round))
        metrics = {"rest_em": {"kept": len(kept), "solved": sum(episode.num_correct > 0 for episode in episodes)}}
        lab.finish(round, episodes=episodes, attempt_rewards=rewards, learner=learned, state={}, metrics=metrics)


def right_ones(episode: Episode, config: Config) -> list[Transcript]:
    """The first right attempts of an episode, at most `max_correct`, each text once if they are to be distinct."""
    totals = [reward.total if (reward := reward_attempt(attempt)) else None for attempt in episode.attempts]
    transcripts = [episode.attempts[place].transcript for place in keep(totals)]
    if config.distinct:
        transcripts = list({transcript.completion: transcript for transcript in reversed(transcripts)}.values())[::-1]
    return transcripts[: config.max_correct]


def repeated(kept: Sequence[Transcript], count: int, rng: random.Random) -> list[Demonstration]:
    """So many rows, each kept transcript about equally often; none, if nothing was kept."""
    rows: list[Transcript] = []
    while kept and len(rows) < count:
        rows += rng.sample(list(kept), len(kept))
    return [Demonstration(transcript) for transcript in rows[:count]]
