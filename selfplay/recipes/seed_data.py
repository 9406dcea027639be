"""The control without self-play: keep training on the seed data, for as many tokens as a run of another recipe.

No proposals, no attempts, no verifier: what more training on the same easy problems gives by itself. Claim (tested in
`benchmarks/quickstart.md`): seed levels become perfect, levels far beyond them stay out of reach.

Deviations: none, it reproduces no paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from selfplay.about import About
from selfplay.lab import Lab
from selfplay.seeding import rng_for, seed_for

ABOUT = About("Seed data alone", (), ("supervised",), ("proposer", "solver"), ("data",))


@dataclass(frozen=True, slots=True)
class Config:
    """What a round trains on."""

    steps: Annotated[int, Field(ge=1)] = 20
    """Optimizer steps a round."""
    proposer_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.125
    """Share of the rows that are seed proposals; the rest are seed solutions."""
    filler: Annotated[int, Field(ge=0)] = 4
    """Most harmless insertions in a problem as shown to the solver."""


def run(lab: Lab, config: Config) -> None:
    """Play the rounds that are left."""
    for round in lab.rounds():
        with round.phase("credit"):
            rng = rng_for(round.seed, "rows")
            count = config.steps * lab.config.learner.batch_size
            num_proposals = round_to(count * config.proposer_share)
            solutions = lab.seeds.solutions(count - num_proposals, rng, config.filler)
            batch = [*solutions, *lab.seeds.proposals(num_proposals, rng)]
        with round.phase("train"):
            learned = lab.learner.update(batch, seed_for(round.seed, "learn"), lab.learning_rate(round))
        lab.finish(round, learner=learned, state={})


def round_to(value: float) -> int:
    """The nearest whole number."""
    return int(value + 0.5)
