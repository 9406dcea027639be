"""Self-improvement towards longer problems (Lee et al. 2502.01612, ICML 2025): one level more each round.

A model that solves the levels of its seed data answers problems one level beyond them, keeps the answers that a filter
lets through, trains on all levels so far, and goes on from there: no proposer, no teacher.

Claim: reverse addition goes from 10 to 100 digits without saturating; without a filter errors pile up, and filtering by
agreement turns slow growth into fast growth. What was seen here, at small scale, is in `PAPERS.md`.

Deviations:
1. `majority` asks one model several times at temperature 1, where the paper asks several models once; agreement of at
   least 0.7 as there. `verifier` is a filter that the paper does not have: what is possible if truth were known.
2. `length` drops an answer that is shorter than a share of the round's longest, as the paper's length filter does.
3. Any environment with levels; with `arithmetic` reversed and a model without positions it is the paper's setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from selfplay.about import About
from selfplay.credit import first_answers
from selfplay.errors import FieldError
from selfplay.lab import Lab, Round
from selfplay.seeding import rng_for, seed_for
from selfplay.stages import pose, solve, verify
from selfplay.types import Demonstration, Episode, Problem, Sampling, Transcript
from selfplay.voting import agree, labels, vote

ABOUT = About(
    title="Length generalisation by self-improvement",
    papers=("2502.01612",),
    learners=("supervised",),
    roles=("solver",),
    truth=("voted", "verified", "claimed"),
)
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


@dataclass(frozen=True, slots=True)
class Config:
    """Defaults suit a laptop; the paper has 50,000 problems a round."""

    first_level: Count = 5
    """Level of the first round: one beyond the seed data."""
    levels_a_round: Count = 1
    """By how much the level grows each round."""
    num_problems: Count = 500
    """Problems a round, all of the new level."""
    filter: Literal["none", "length", "majority", "verifier"] = "majority"
    """Which of its own answers the model learns from."""
    num_votes: Count = 5
    """Attempts that vote on a problem (majority)."""
    agreement: Share = 0.7
    """Share of the attempts that must agree (majority)."""
    shortest: Share = 0.9
    """Shortest answer that is kept, as a share of the round's longest (length)."""
    steps: Count = 60
    """Optimizer steps a round."""
    new_share: Share = 0.4
    """Share of the rows that are of the newest level."""
    seed_share: Share = 0.2
    """Share of the rows that are seed data; the rest are the levels between."""
    filler: Annotated[int, Field(ge=0)] = 0
    """Most harmless insertions in a problem as shown to the solver."""
    max_new_tokens: Count = 256
    """Longest attempt, in tokens."""

    def __post_init__(self) -> None:
        if self.new_share + self.seed_share > 1.0:
            raise FieldError(
                "new_share",
                f"got {self.new_share:g} and a seed_share of {self.seed_share:g}, expected at most 1 together",
            )


def run(lab: Lab, config: Config) -> None:
    """Play the rounds that are left."""
    by_level: dict[int, list[Transcript]] = {}
    for past in lab.past():
        remember(by_level, past.episodes, config)
    for round in lab.rounds():
        level = min(config.first_level + round.number * config.levels_a_round, lab.env.levels[-1])
        with round.phase("pose"):
            problems = pose(lab.env, [level], config.num_problems, lab.gate.held_out, seed_for(round.seed, "pose"))
        episodes = attempt(lab, config, round, problems)
        with round.phase("credit"):
            kept = remember(by_level, episodes, config)
            measured = measure(lab, problems, episodes, config)
            batch = rows(lab, config, round, by_level, level)
        with round.phase("train"):
            learned = lab.learner.update(batch, seed_for(round.seed, "learn"), lab.learning_rate(round))
        metrics = {"length": {"level": level, "kept": kept, "right_of_kept": measured}}
        lab.finish(round, episodes=episodes, learner=learned, state={}, metrics=metrics)


def attempt(lab: Lab, config: Config, round: Round, problems: Sequence[Problem]) -> list[Episode]:
    """Attempts judged by what the filter goes by: the truth, a vote, or the model's own word."""
    votes = config.num_votes if config.filter == "majority" else 1
    sampling = Sampling(1.0 if votes > 1 else 0.0, 1.0, config.max_new_tokens)
    with round.phase("solve"):
        attempts = solve(lab.policy, lab.env, problems, votes, seed_for(round.seed, "solve"), sampling, config.filler)
    with round.phase("verify"):
        if config.filter == "verifier":
            return verify(problems, attempts, lab.env, lab.verifier)
        if config.filter == "majority":
            labelled = labels(vote(problems, attempts, lab.env.read_answer))
        else:
            labelled = first_answers(problems, attempts, lab.env.read_answer)
        return agree(labelled, attempts, lab.env.read_answer, lab.verifier)


def filtered(episodes: Sequence[Episode], config: Config) -> list[tuple[int, Transcript]]:
    """Place of each kept episode, and its first transcript that agrees with the label, if enough of them do."""
    needed = config.agreement if config.filter == "majority" else 1.0
    agreeing = [
        (place, next(attempt.transcript for attempt in episode.attempts if attempt.correct))
        for place, episode in enumerate(episodes)
        if episode.num_correct and episode.num_correct >= needed * len(episode.attempts)
    ]
    if config.filter == "length":
        longest = max((len(episodes[place].problem.reference) for place, _ in agreeing), default=0)
        shortest = config.shortest * longest
        agreeing = [one for one in agreeing if len(episodes[one[0]].problem.reference) >= shortest]
    return agreeing


def remember(by_level: dict[int, list[Transcript]], episodes: Sequence[Episode], config: Config) -> int:
    """Add what the filter keeps of a round; how many that are."""
    kept = filtered(episodes, config)
    for place, transcript in kept:
        by_level.setdefault(episodes[place].problem.level, []).append(transcript)
    return len(kept)


def measure(lab: Lab, truths: Sequence[Problem], episodes: Sequence[Episode], config: Config) -> float | None:
    """Share of the kept answers that are right, which training never sees; None if nothing was kept or decided."""
    kept = filtered(episodes, config)
    real = verify([truths[place] for place, _ in kept], [[one] for _, one in kept], lab.env, lab.verifier)
    decided = sum(episode.num_decided for episode in real)
    return sum(episode.num_correct for episode in real) / decided if decided else None


def rows(
    lab: Lab, config: Config, round: Round, by_level: dict[int, list[Transcript]], newest: int
) -> list[Demonstration]:
    """Training rows: seed data, the newest level, and the levels between in equal parts."""
    rng = rng_for(round.seed, "rows")
    count = config.steps * lab.config.learner.batch_size
    fresh = by_level.get(newest, [])
    between = [kept for level, kept in by_level.items() if level != newest and kept]
    num_fresh = int(count * config.new_share) if fresh else 0
    num_between = count - num_fresh - int(count * config.seed_share) if between else 0
    chosen = [rng.choice(fresh) for _ in range(num_fresh)]
    chosen += [rng.choice(rng.choice(between)) for _ in range(num_between)]
    seeds = lab.seeds.solutions(count - len(chosen), rng, config.filler)
    return [*seeds, *map(Demonstration, chosen)]
