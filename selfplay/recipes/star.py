"""STaR (Zelikman et al. 2203.14465): learn from one's own right reasoning, and from right answers told in advance.

Every round attempts the same training problems, keeps the transcripts whose answer is verified, asks again with the
answer as a hint where it failed (rationalisation), keeps those that are then right, stores them without the hint, and
fine-tunes from the start on all that was kept. The next round samples from what came of it.

Claim: with rationalisation it learns problems that sampling alone never solves (GPT-J, CommonsenseQA: 60.0 -> 72.3).
What was seen here, at small scale, is in `PAPERS.md`.

Deviations:
1. The model comes from a bootstrap or a folder instead of few-shot prompting; nothing is prepended to a prompt.
2. Verified by a program wherever there is one, not by comparing texts.
3. Steps grow by a fifth each round (paper, section 4.1; `growth`); its code adds 20 to 40 (`growth: 1.0`, `more: 20`).
4. `from_base` is the learner's setting (`learner.between_rounds: from_base`, as in the paper; `carry` goes on).
5. A share of the rows is seed data, of which half is shown with its hint (`seed_share`): a model made from scratch has
   otherwise never seen a hint. The paper's models read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from selfplay.about import About
from selfplay.hints import HINT, HINT_PIECE, with_hint
from selfplay.lab import Lab, Round
from selfplay.seeding import rng_for, seed_for
from selfplay.stages import pose, solve, verify
from selfplay.types import Demonstration, Episode, Problem, Prompt, Request, Sampling, Transcript

ABOUT = About("STaR", ("2203.14465",), ("supervised",), ("solver",), ("verified",))
Count = Annotated[int, Field(ge=1)]
PIECES = (HINT_PIECE,)
"""What a tokenizer made from scratch keeps whole for this recipe."""


@dataclass(frozen=True, slots=True)
class Config:
    """Defaults are the paper's, except where it leaves them open."""

    levels: tuple[int, ...] = ()
    """Levels of the training problems; none: all."""
    num_problems: Count = 1000
    """Training problems, the same in every round."""
    rationalize: bool = True
    """Ask again with the answer as a hint where an attempt failed."""
    temperature: Annotated[float, Field(ge=0.0)] = 0.0
    """Of sampling; the paper decodes greedily."""
    hint: str = HINT
    """How the answer is told: put after the problem, with {answer} in it."""
    steps: Count = 40
    """Optimizer steps of the first round."""
    growth: Annotated[float, Field(ge=1.0)] = 1.2
    """Factor on the steps from round to round."""
    more: Annotated[int, Field(ge=0)] = 0
    """Steps added from round to round."""
    seed_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of the rows that are seed data, half of it shown with its hint."""
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
            attempts = solve(
                lab.policy, lab.env, problems, 1, seed_for(round.seed, "solve"), sampling, filler=config.filler
            )
        with round.phase("verify"):
            episodes = verify(problems, attempts, lab.env, lab.verifier)
        failed = [episode.problem for episode in episodes if not episode.num_correct]
        told = rationalize(lab, config, round, failed, sampling) if config.rationalize else []
        with round.phase("credit"):
            kept = [attempt.transcript for episode in episodes for attempt in episode.attempts if attempt.correct]
            batch = rows(lab, config, round, [*kept, *told])
        with round.phase("train"):
            learned = lab.learner.update(batch, seed_for(round.seed, "learn"), lab.learning_rate(round))
        metrics = {"star": {"kept": len(kept), "rationalized": len(told), "failed": len(failed)}}
        lab.finish(round, episodes=episodes, learner=learned, state={}, metrics=metrics)


def rationalize(
    lab: Lab, config: Config, round: Round, failed: Sequence[Problem], sampling: Sampling
) -> list[Transcript]:
    """Right attempts at problems whose answer was told, as transcripts without the hint."""
    with round.phase("rationalize"):
        rng = rng_for(round.seed, "hinted")
        plain: list[Prompt] = [lab.env.solver_prompt(problem, rng, config.filler) for problem in failed]
        requests = [
            Request(
                "solver", with_hint(prompt, problem.reference, config.hint), seed_for(round.seed, "hint", problem.id)
            )
            for problem, prompt in zip(failed, plain, strict=True)
        ]
        written = [[transcript] for transcript in lab.policy.generate(requests, sampling)]
        episodes: list[Episode] = verify(failed, written, lab.env, lab.verifier)
        right = [
            (prompt, episode.attempts[0].transcript.completion)
            for prompt, episode in zip(plain, episodes, strict=True)
            if episode.num_correct
        ]
        return lab.policy.references("solver", right)


def rows(lab: Lab, config: Config, round: Round, kept: Sequence[Transcript]) -> list[Demonstration]:
    """The round's training rows: what was kept, again and again until the steps are full, and the seed data."""
    steps = int(config.steps * config.growth**round.number) + config.more * round.number
    count = steps * lab.config.learner.batch_size
    rng = rng_for(round.seed, "rows")
    num_seeds = int(count * config.seed_share) if kept else count
    own = [Demonstration(kept[index % len(kept)]) for index in range(count - num_seeds)] if kept else []
    if not num_seeds:
        return own
    plain = lab.seeds.solutions(num_seeds - num_seeds // 2, rng, config.filler)
    hinted = lab.seeds.hinted_solutions(num_seeds // 2, rng, config.hint) if config.rationalize else []
    return [*own, *plain, *hinted]
