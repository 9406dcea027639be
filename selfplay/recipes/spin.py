"""SPIN (Chen et al. 2401.01335): prefer the data's text to one's own, against the previous iterate.

Every round the model answers problems of the data; the data's answer is chosen, its own is rejected, and DPO's loss
with the previous iterate as reference makes it tell them apart. When it cannot, its text is the data's.

Claim: the model's own text moves toward the data, round by round, without any reward or verifier. What was seen here,
at small scale, is in `PAPERS.md`.

Deviations:
1. The data are the seed problems with their reference solutions.
2. Rows are this round's pairs and the last round's (`previous`; the paper's code trains on iterations t-1 and t).
3. beta is the learner's (`learner.trl.beta`: 0.1; the paper's code takes 5.0 at its last iteration).
4. Pairs whose two texts are equal say nothing and are left out; how many are is the measure of convergence (`same`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from selfplay.about import About
from selfplay.lab import Lab
from selfplay.seeding import rng_for, seed_for
from selfplay.stages import pose, rendered, solve, verify
from selfplay.types import Episode, Preference, Sampling

ABOUT = About("SPIN", ("2401.01335",), ("preference",), ("solver",), ("data",))
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Config:
    """Defaults suit a laptop; the paper takes 50,000 prompts."""

    levels: tuple[int, ...] = ()
    """Levels of the data; none: all."""
    num_problems: Count = 512
    """Problems a round."""
    temperature: Annotated[float, Field(ge=0.0)] = 1.0
    """Of sampling the model's own text."""
    previous: bool = True
    """Train on the last round's pairs too."""
    max_new_tokens: Count = 256
    """Longest text, in tokens."""


def run(lab: Lab, config: Config) -> None:
    """Play the rounds that are left."""
    levels = config.levels or tuple(lab.env.levels)
    sampling = Sampling(config.temperature, 1.0, config.max_new_tokens)
    last: list[Preference] = []
    for past in lab.past():
        last = pairs(lab, past.episodes, solve_seed(lab.round_seed(past.number)))
    for round in lab.rounds():
        with round.phase("pose"):
            seed = seed_for(round.seed, "pose")
            problems = pose(lab.env, levels, config.num_problems, lab.gate.held_out, seed)
        with round.phase("solve"):
            attempts = solve(lab.policy, lab.env, problems, 1, solve_seed(round.seed), sampling)
        with round.phase("verify"):
            episodes = verify(problems, attempts, lab.env, lab.verifier)
        with round.phase("credit"):
            made = pairs(lab, episodes, solve_seed(round.seed))
            batch = [*made, *(last if config.previous else [])]
            rng_for(round.seed, "rows").shuffle(batch)
        with round.phase("train"):
            learned = lab.learner.update(batch, seed_for(round.seed, "learn"), lab.learning_rate(round))
        last = made
        same = 1.0 - len(made) / len(episodes) if episodes else 0.0
        lab.finish(round, episodes=episodes, learner=learned, state={}, metrics={"spin": {"same": same}})


def solve_seed(round_seed: int) -> int:
    """Names the attempts of a round, and so the prompts they saw."""
    return seed_for(round_seed, "solve")


def pairs(lab: Lab, episodes: Sequence[Episode], seed: int) -> list[Preference]:
    """The data's answer before the model's own, for each problem where they differ, to the same rendered prompt."""
    own = [
        (episode.problem, episode.attempts[0].transcript, lab.env.solver_reply(episode.problem)) for episode in episodes
    ]
    different = [(problem, text, reply) for problem, text, reply in own if text.completion != reply]
    prompts = [rendered(lab.env, problem, 0, seed) for problem, _, _ in different]
    data = lab.policy.references(
        "solver", [(prompt, reply) for prompt, (_, _, reply) in zip(prompts, different, strict=True)]
    )
    return [Preference(chosen, text) for chosen, (_, text, _) in zip(data, different, strict=True)]
