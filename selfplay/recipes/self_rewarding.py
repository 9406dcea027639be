"""Self-Rewarding (Yuan et al. 2401.10020): the model answers, judges its own answers, and learns from its preferences.

Every round new problems are written, the model answers each several times, a judge (in the paper the model itself)
gives each answer up to five points several times over, and the best answer of each problem is preferred to its worst
by DPO, against the model as it was when the round began: M_{t+1} from M_t.

Claim: over iterations the model answers better and judges better (Llama 2 70B; win rate on AlpacaEval 2: 9.9 -> 15.4 ->
20.4). Its limit is the judge: what the judge errs about is learned too. Both are measured: the judge is audited, and
where a program knows the truth `pair_accuracy` says how often the preferred answer is the right one. `PAPERS.md` has
what was seen here, at small scale.

Deviations:
1. There is no stage of supervised fine-tuning before: start from a model that follows instructions and can judge.
2. The judge is the run's (`judge`): the model as it is (`policy`), as it was, another, or a scripted one with faults.
3. A judgement is a JSON object and not read out of prose; what is none is an abstention and left out of the mean.
4. `reward` may hold a judge's liking back from what a program finds wrong: `{gate: [correct, judged]}`.
5. Problems are written by the model as it was when the run began (`proposer: frozen`; the paper's were by a fixed model
   too), after `num_shots` examples from the seed problems; 0 leaves the environment's own prompt.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from selfplay.about import About
from selfplay.feedback import Feedback, episodes_of, measures, preferences, rows
from selfplay.judging import Judging
from selfplay.lab import Lab
from selfplay.proposers import PROPOSERS, check_proposer
from selfplay.seeding import rng_for, seed_for
from selfplay.stages import posed, solve, validate
from selfplay.types import Message, Problem, Prompt, Request, Sampling, Transcript

ABOUT = About(
    "Self-Rewarding", ("2401.10020",), ("preference",), ("proposer", "solver", "judge"), ("judged", "verified")
)
NEEDS_JUDGE = True
Count = Annotated[int, Field(ge=1)]
Temperature = Annotated[float, Field(gt=0.0)]
TopP = Annotated[float, Field(gt=0.0, le=1.0)]


@dataclass(frozen=True, slots=True)
class Config:
    """Defaults are the paper's, except where it leaves them open."""

    num_proposals: Count = 512
    """New problems that are asked for a round."""
    proposer: str = "frozen"
    """Who writes them (`proposers.PROPOSERS`); random_levels takes the environment's own."""
    num_shots: Annotated[int, Field(ge=0)] = 8
    """Examples that the writer is shown."""
    proposer_temperature: Temperature = 0.6
    """Of writing problems."""
    proposer_top_p: TopP = 0.9
    """Of writing problems."""
    proposer_max_new_tokens: Count = 256
    """Longest problem, in tokens."""
    num_attempts: Annotated[int, Field(ge=2)] = 4
    """Answers to a problem."""
    temperature: Temperature = 0.7
    """Of answering."""
    top_p: TopP = 0.9
    """Of answering."""
    max_new_tokens: Count = 768
    """Longest answer, in tokens."""
    num_ratings: Count = 3
    """Judgements of an answer that are averaged, each with draws of its own; 1 for a judge that draws nothing."""
    reward: str | dict[str, Any] = "judged"
    """What an answer is paid: `judged`, `correct`, or a composition of them (`feedback`)."""

    def __post_init__(self) -> None:
        Feedback(self.reward)
        check_proposer(self.proposer)


def run(lab: Lab, config: Config) -> None:
    """Play the rounds that are left."""
    proposer, feedback = PROPOSERS[config.proposer](lab), Feedback(config.reward)
    answering = Sampling(config.temperature, config.top_p, config.max_new_tokens)
    writing = Sampling(config.proposer_temperature, config.proposer_top_p, config.proposer_max_new_tokens)
    judging = lab.need_judge()
    for round in lab.rounds():
        with round.phase("propose"):
            written = proposer.generate(requests(lab, config, seed_for(round.seed, "propose")), writing)
        with round.phase("validate"):
            proposals = validate(written, lab.env, lab.gate, seed_for(round.seed, "validate"))
            sources, problems = posed(proposals)
            feedback.check(lab.env, lab.verifier, problems)
        with round.phase("solve"):
            seed = seed_for(round.seed, "solve")
            attempts = solve(lab.policy, lab.env, problems, config.num_attempts, seed, answering)
        with round.phase("judge"):
            scores = rate(judging, problems, attempts, config.num_ratings, seed_for(round.seed, "judge"))
        with round.phase("verify"):
            episodes = episodes_of(problems, attempts, lab.env, lab.verifier, scores, judging.config.threshold, sources)
        with round.phase("credit"):
            rewards = feedback.rewards(episodes, scores)
            pairs = preferences(episodes, rewards)
        with round.phase("train"):
            learned = lab.learner.update(rows(pairs), seed_for(round.seed, "learn"), lab.learning_rate(round))
        lab.finish(
            round,
            proposals=proposals,
            episodes=episodes,
            attempt_rewards=rewards,
            learner=learned,
            state={},
            metrics={"self_rewarding": measures(episodes, scores, pairs)},
        )


def requests(lab: Lab, config: Config, seed: int) -> list[Request]:
    """What asks for new problems, each after examples of its own."""
    asked = []
    for index in range(config.num_proposals):
        rng = rng_for(seed, "proposal", index)
        shown: list[Message] = []
        for example in lab.seeds.problems(config.num_shots, rng):
            prompt, reply = lab.env.proposer_reply(example)
            shown += [*prompt.messages, Message("assistant", reply)]
        last = lab.env.proposer_prompt(rng)
        prompt = Prompt((*shown, *last.messages), last.prefix)
        asked.append(Request("proposer", prompt, seed_for(seed, "sample", index)))
    return asked


def rate(
    judging: Judging,
    problems: Sequence[Problem],
    attempts: Sequence[Sequence[Transcript]],
    num_ratings: int,
    seed: int,
) -> list[list[float | None]]:
    """The mean of the judge's scores of each attempt; None where it abstained every time."""
    replies = [(problem, text.completion) for problem, texts in zip(problems, attempts, strict=True) for text in texts]
    ratings = [judging.judge(seed_for(seed, index)).rate(replies, judging.rubric) for index in range(num_ratings)]
    flat = [[one.score for one in row if one.score is not None] for row in zip(*ratings, strict=True)]
    means = iter([statistics.fmean(known) if known else None for known in flat])
    return [[next(means) for _ in texts] for texts in attempts]
