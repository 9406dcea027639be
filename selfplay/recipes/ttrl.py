"""TTRL (Zuo et al. 2504.16084): reinforcement learning on problems without answers, the majority's answer as label.

Every round draws unlabelled problems, samples many attempts, takes their most frequent answer as the label, and pays
the first attempts 1 for agreeing with it: advantages within each problem's group, policy gradient.

Claim: accuracy rises well above that of the model it starts from, up to what its own majority could answer (Qwen2.5-
Math-7B, AIME 2024: 12.9 -> 40.2). Its failure: where the majority is wrong, being wrong is paid. Both are measured:
`label_accuracy` and `reward_accuracy` compare with the truth, which training never sees. `PAPERS.md` has what was seen.

Deviations:
1. Problems are drawn from the environment's levels; the paper trains on the test set itself, and so does
   `on_held_out` (an evaluation that then means what the paper's does: the model has seen the questions).
2. Answers are equal if the environment reads the same text, when voting and when paying: an environment's verifier
   may know more of the truth than the label.
3. Rows without an advantage are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from selfplay.about import About
from selfplay.credit import credit_attempts, informative
from selfplay.errors import FieldError
from selfplay.lab import Lab
from selfplay.rewards import reward_attempt
from selfplay.seeding import seed_for
from selfplay.stages import pose, solve, verify
from selfplay.types import Episode, Problem, Sampling
from selfplay.voting import Vote, agree, label_accuracy, labels, vote

ABOUT = About("Test-time reinforcement learning", ("2504.16084",), ("policy_gradient",), ("solver",), ("voted",))
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Config:
    """Defaults are the paper's, except where it leaves them open."""

    levels: tuple[int, ...] = ()
    """Levels of the problems; none: all."""
    num_problems: Count = 32
    """Problems a round."""
    num_votes: Count = 64
    """Attempts that vote on a problem's label."""
    num_trained: Count = 32
    """The first attempts of a problem, which are trained on."""
    temperature: Annotated[float, Field(gt=0.0)] = 1.0
    """Of sampling; 0.6 in the paper for some models."""
    on_held_out: bool = False
    """Train on the held-out problems themselves, as test-time training does."""
    scale_advantages: bool = True
    """Divide advantages by their group's deviation (GRPO)."""
    max_new_tokens: Count = 256
    """Longest attempt, in tokens."""

    def __post_init__(self) -> None:
        if self.num_trained > self.num_votes:
            raise FieldError("num_trained", f"got {self.num_trained}, expected at most num_votes ({self.num_votes})")


def run(lab: Lab, config: Config) -> None:
    """Play the rounds that are left."""
    levels = config.levels or tuple(lab.env.levels)
    sampling = Sampling(config.temperature, 1.0, config.max_new_tokens)
    for round in lab.rounds():
        with round.phase("pose"):
            truths = _problems(lab, config, levels, seed_for(round.seed, "pose"))
        with round.phase("solve"):
            attempts = solve(lab.policy, lab.env, truths, config.num_votes, seed_for(round.seed, "solve"), sampling)
        with round.phase("verify"):
            votes = vote(truths, attempts, lab.env.read_answer)
            trained = [transcripts[: config.num_trained] for transcripts in attempts]
            episodes = agree(labels(votes), trained, lab.env.read_answer, lab.verifier)
            measured = measure(lab, truths, votes, episodes)
        with round.phase("credit"):
            rewards = [[reward_attempt(attempt) for attempt in episode.attempts] for episode in episodes]
            batch = informative(credit_attempts(episodes, rewards, scale=config.scale_advantages))
        with round.phase("train"):
            learned = lab.learner.update(batch, seed_for(round.seed, "learn"), lab.learning_rate(round))
        only_voted = [one for transcripts in attempts for one in transcripts[config.num_trained :]]
        lab.finish(
            round,
            episodes=episodes,
            attempt_rewards=rewards,
            learner=learned,
            state={},
            metrics={"ttrl": measured},
            num_vote_tokens=sum(len(one.token_ids) for one in only_voted),
        )


def _problems(lab: Lab, config: Config, levels: Sequence[int], seed: int) -> list[Problem]:
    if not config.on_held_out:
        return pose(lab.env, levels, config.num_problems, lab.gate.held_out, seed)
    held_out = [problem for level in levels for problem in lab.held_out.get(level, ())]
    start = seed % max(1, len(held_out))
    return (held_out[start:] + held_out[:start])[: config.num_problems]


def measure(lab: Lab, truths: Sequence[Problem], votes: Sequence[Vote], episodes: Sequence[Episode]) -> dict[str, Any]:
    """What training does not see: how often labels are right, and how often a reward is the one the truth would pay."""
    transcripts = [[attempt.transcript for attempt in episode.attempts] for episode in episodes]
    real = verify(truths, transcripts, lab.env, lab.verifier)
    pairs = [
        (first.correct, second.correct)
        for one, other in zip(episodes, real, strict=True)
        for first, second in zip(one.attempts, other.attempts, strict=True)
        if all(each.verdict.verified and each.verdict.status.decided for each in (first, second))
    ]
    shares = [one.share for one in votes]
    figures = {
        "label_accuracy": label_accuracy(truths, votes, lab.verifier),
        "reward_accuracy": sum(paid == due for paid, due in pairs) / len(pairs) if pairs else math.nan,
        "majority_share": sum(shares) / len(shares) if shares else math.nan,
    }
    return {name: None if math.isnan(value) else value for name, value in figures.items()}
