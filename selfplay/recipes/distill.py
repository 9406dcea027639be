"""Distillation: a student learns from a stronger model, from its verified texts or from its opinion of the student's.

`traces`: the teacher attempts the training problems, what the verifier accepts is imitated (sequence-level knowledge
distillation, Kim and Rush 1606.07947, with rejection). `on_policy`: the student attempts them, and every attempt is
paid by how much likelier the teacher finds it than the student does (on-policy distillation: the reverse KL of GKD,
2306.13649, and MiniLLM 2306.08543, as a reward for policy gradient).

Claim: the student ends between the teacher and a student trained from scratch on as many tokens; on-policy it does not
drift from its own mistakes. What was seen here, at small scale, is in `PAPERS.md`.

Deviations:
1. Teacher and student share a tokenizer: a token means the same to both.
2. On policy, the whole attempt gets one advantage, the log-ratio of its sampled tokens less the mean of its problem's
   group; GKD differentiates through every token's distribution.
3. Right answers may be asked for on policy too (`verified_weight` is added to the reward of a right attempt).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from selfplay.about import About
from selfplay.advantages import group_mean
from selfplay.credit import informative
from selfplay.errors import FieldError
from selfplay.lab import Lab, Round
from selfplay.protocols import Policy, Scorer
from selfplay.seeding import rng_for, seed_for
from selfplay.stages import pose, solve, verify
from selfplay.types import Credited, Demonstration, Episode, Problem, Sampling

ABOUT = About(
    title="Distillation",
    papers=("2306.13649", "2306.08543"),
    learners=("supervised", "policy_gradient"),
    roles=("solver",),
    truth=("verified", "teacher"),
)
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Config:
    """What is taught, by whom."""

    teacher: str = ""
    """Folder or hub id of the teacher; it must have the student's tokenizer."""
    how: Literal["traces", "on_policy"] = "traces"
    """Imitate the teacher's verified texts, or be paid by its opinion of one's own."""
    levels: tuple[int, ...] = ()
    """Levels of the training problems; none: all."""
    num_problems: Count = 500
    """Training problems a round."""
    num_attempts: Count = 4
    """Attempts a problem, by whoever writes."""
    temperature: Annotated[float, Field(gt=0.0)] = 1.0
    """Of sampling."""
    steps: Count = 40
    """Optimizer steps a round (traces)."""
    verified_weight: Annotated[float, Field(ge=0.0)] = 0.0
    """What a right attempt earns besides the teacher's opinion (on_policy)."""
    max_new_tokens: Count = 256
    """Longest attempt, in tokens."""

    def __post_init__(self) -> None:
        if not self.teacher:
            raise FieldError("teacher", "got nothing, expected the folder or hub id of the model to learn from")


def run(lab: Lab, config: Config) -> None:
    """Play the rounds that are left."""
    teacher = lab.load_policy(config.teacher)
    writer: Policy = teacher if config.how == "traces" else lab.policy
    levels = config.levels or tuple(lab.env.levels)
    sampling = Sampling(config.temperature, 1.0, config.max_new_tokens)
    for round in lab.rounds():
        with round.phase("pose"):
            problems: list[Problem] = pose(
                lab.env, levels, config.num_problems, lab.gate.held_out, seed_for(round.seed, "pose")
            )
        with round.phase("solve"):
            seed = seed_for(round.seed, "solve")
            attempts = solve(writer, lab.env, problems, config.num_attempts, seed, sampling)
        with round.phase("verify"):
            episodes = verify(problems, attempts, lab.env, lab.verifier)
        with round.phase("credit"):
            batch = (
                traces(lab, config, round, episodes)
                if config.how == "traces"
                else credited(episodes, lab.policy, teacher, config.verified_weight)
            )
        with round.phase("train"):
            learned = lab.learner.update(batch, seed_for(round.seed, "learn"), lab.learning_rate(round))
        lab.finish(round, episodes=episodes, learner=learned, state={})


def traces(lab: Lab, config: Config, round: Round, episodes: Sequence[Episode]) -> list[Demonstration]:
    """The teacher's right attempts, drawn until the steps are full."""
    right = [attempt.transcript for episode in episodes for attempt in episode.attempts if attempt.correct]
    rng = rng_for(round.seed, "rows")
    count = config.steps * lab.config.learner.batch_size if right else 0
    return [Demonstration(rng.choice(right)) for _ in range(count)]


def credited(episodes: Sequence[Episode], student: Scorer, teacher: Scorer, verified_weight: float) -> list[Credited]:
    """Each decided attempt with log teacher - log student of its tokens, less the mean of its problem's attempts."""
    attempts = [(e.problem.id, a) for e in episodes for a in e.attempts if a.verdict.status.decided]
    transcripts = [attempt.transcript for _, attempt in attempts]
    liked, likely = teacher.log_probabilities(transcripts), student.log_probabilities(transcripts)
    rewards = [
        one - other + verified_weight * attempt.correct
        for one, other, (_, attempt) in zip(liked, likely, attempts, strict=True)
    ]
    advantages = group_mean(rewards, [problem for problem, _ in attempts])
    return informative(
        Credited(transcript, advantage or 0.0) for transcript, advantage in zip(transcripts, advantages, strict=True)
    )
