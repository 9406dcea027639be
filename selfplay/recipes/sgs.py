"""Self-Guided Self-Play (SGS, 2604.20209): problems invented on the way to those that nobody has solved yet.

There is a fixed set of targets. Every round the model, as the conjecturer, is shown some that are still unsolved and
writes a problem on the way to each; as the solver it attempts these and some targets. A conjecture pays for being
rarely solved, times what a Guide (a judge) thinks of it: relevant to its target, not needlessly complex, not redundant.
The solver trains on what it solves at most half of the time.

Claim: it goes on where other self-play stops (a 7B model after 200 rounds beats a 671B model's pass@4 on 3,000 Lean
targets); without the Guide conjectures drift to artificial complexity within tens of rounds, with a frozen conjecturer
or without targets in its prompt less is solved. What was seen here, at small scale, is in `PAPERS.md`. The ablations
are options: `guide: none`, `proposer: frozen`, `conditioned: false`.

Deviations:
1. Truth is the environment's verifier, not Lean. Targets are drawn from its levels, or given by a data set.
2. The Guide is the run's judge (`judge`), or rules that compare texts (`guide: rules`), for models that cannot read.
   Scales of complexity and redundancy are chosen here (`guide`).
3. The rates whose 70th percentile limits what is paid are those of the round's conjectures with a right attempt.
4. Scaled rewards become advantages by subtracting the round's mean; attempts of the solver have their problem's group.
5. One model plays both roles, and both learn in one update.
6. In an environment that cannot ask for a related problem, `conditioned` has to be false.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from selfplay.about import About
from selfplay.advantages import group_mean, min_max
from selfplay.credit import credit_attempts, informative, with_advantages
from selfplay.errors import UserError
from selfplay.guide import RuleGuide, guided
from selfplay.lab import Lab
from selfplay.proposers import PROPOSERS, check_proposer
from selfplay.protocols import Environment, Judge
from selfplay.rewards import Pay, check_reward, reward_attempt
from selfplay.seeding import rng_for, seed_for
from selfplay.stages import pose, posed, propose_to, solve, validate, verify
from selfplay.types import Credited, Episode, Problem, Prompt, Proposal, Reward, Sampling

ABOUT = About("Self-Guided Self-Play", ("2604.20209",), ("policy_gradient",), ("proposer", "solver"), ("verified",))
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


@dataclass(frozen=True, slots=True)
class Config:
    """Defaults are the paper's, except where it leaves them open."""

    target_levels: tuple[int, ...] = ()
    """Levels of the targets; none: all."""
    num_targets: Count = 3000
    """Targets, the same in every round."""
    num_tried: Annotated[int, Field(ge=0)] = 64
    """Unsolved targets that are attempted a round."""
    num_proposals: Count = 128
    """Conjectures a round, each for one unsolved target."""
    num_attempts: Count = 8
    """Attempts at each conjecture and target."""
    conditioned: bool = True
    """Show the conjecturer its target; false: it is asked for any problem (and judged by the target all the same)."""
    guide: Literal["judge", "rules", "none"] = "judge"
    """Who reviews conjectures with a right attempt: the run's judge, rules that compare texts, or nobody."""
    proposer: str = "learned"
    """Who conjectures (`proposers.PROPOSERS`): learned, or frozen or another control, which then is not trained."""
    reward: str | dict[str, Any] = "sgs"
    """What a conjecture is paid, before scaling (`rewards.Pay`)."""
    rate_percentile: Share = 0.7
    """Conjectures solved more often than this share of the round's earn nothing."""
    max_rate: Share = 0.5
    """The solver trains on problems that it solves at most so often, and at least once."""
    filler: Annotated[int, Field(ge=0)] = 0
    """Most harmless insertions in a problem as shown to the solver."""
    proposer_max_new_tokens: Count = 256
    """Longest conjecture, in tokens."""
    solver_max_new_tokens: Count = 256
    """Longest attempt, in tokens."""

    def __post_init__(self) -> None:
        check_reward(self.reward)
        check_proposer(self.proposer)

    @property
    def needs_judge(self) -> bool:
        """Whether the run must have a judge."""
        return self.guide == "judge"


def run(lab: Lab, config: Config) -> None:
    """Play the rounds that are left."""
    env, pay = lab.env, Pay(config.reward)
    proposer = PROPOSERS[config.proposer](lab)
    levels = config.target_levels or tuple(env.levels)
    targets = pose(env, levels, config.num_targets, lab.gate.held_out, seed_for(lab.config.seed, "targets"))
    lab.gate.remember(targets)
    solved = {one for past in lab.past() for one in newly_solved(past.episodes)}
    for round in lab.rounds():
        with round.phase("propose"):
            open_targets = [one for one in targets if one.id not in solved] or list(targets)
            rng_for(round.seed, "targets").shuffle(open_targets)
            wanted = [open_targets[place % len(open_targets)] for place in range(config.num_proposals)]
            prompts = [
                asked_for(env, target, config.conditioned, rng_for(round.seed, "prompt", place))
                for place, target in enumerate(wanted)
            ]
            sampling = Sampling(1.0, 1.0, config.proposer_max_new_tokens)
            written = propose_to(proposer, prompts, seed_for(round.seed, "propose"), sampling)
        with round.phase("validate"):
            proposals = validate(written, env, lab.gate, seed_for(round.seed, "validate"))
            sources, conjectures = posed(proposals)
        with round.phase("solve"):
            problems = [*conjectures, *open_targets[: config.num_tried]]
            sampling = Sampling(1.0, 1.0, config.solver_max_new_tokens)
            seed = seed_for(round.seed, "solve")
            attempts = solve(lab.policy, env, problems, config.num_attempts, seed, sampling, config.filler)
        with round.phase("verify"):
            nobody = [None] * (len(problems) - len(sources))
            episodes = verify(problems, attempts, env, lab.verifier, [*sources, *nobody])
            solved.update(newly_solved(episodes))
        with round.phase("guide"):
            judge = guide_of(lab, config, seed_for(round.seed, "guide"))
            contexts, reviewed = guided(judge, proposals, wanted, episodes, config.rate_percentile)
        with round.phase("credit"):
            attempt_rewards = [[reward_attempt(attempt) for attempt in episode.attempts] for episode in episodes]
            proposal_rewards = pay.proposals(proposals, episodes, contexts)
            batch = solver_rows(episodes, attempt_rewards, config.max_rate)
            if config.proposer == "learned":
                batch += conjecturer_rows(proposals, proposal_rewards)
        with round.phase("train"):
            seed = seed_for(round.seed, "learn")
            learned = lab.learner.update(informative(batch), seed, lab.learning_rate(round))
        lab.finish(
            round,
            proposals=proposals,
            episodes=episodes,
            proposal_rewards=proposal_rewards,
            attempt_rewards=attempt_rewards,
            learner=learned,
            state={"context": {"guide": [one.guide for one in contexts], "rate_limit": contexts[0].rate_limit}},
            metrics={"sgs": {"targets": len(targets), "solved": len(solved & {one.id for one in targets}), **reviewed}},
        )


def newly_solved(episodes: Sequence[Episode]) -> set[str]:
    """Ids of the targets (which nobody proposed) with a right attempt."""
    return {episode.problem.id for episode in episodes if episode.proposal is None and episode.num_correct}


def asked_for(env: Environment, target: Problem, conditioned: bool, rng: random.Random) -> Prompt:
    """What the conjecturer is asked. Raises UserError where an environment cannot ask for a related problem."""
    if not conditioned:
        return env.proposer_prompt(rng)
    prompt = env.related_prompt(target, rng)
    if prompt is None:
        raise UserError(
            f"options.conditioned: got true, expected false: {env.name} cannot ask for a problem on the way to another"
        )
    return prompt


def guide_of(lab: Lab, config: Config, seed: int) -> Judge | None:
    """Who reviews this round's conjectures."""
    if config.guide == "judge":
        return lab.need_judge().judge(seed)
    return RuleGuide() if config.guide == "rules" else None


def solver_rows(
    episodes: Sequence[Episode], rewards: Sequence[Sequence[Reward | None]], max_rate: float
) -> list[Credited]:
    """Attempts at problems that are solved, but at most so often, with their advantage in their group."""
    kept = [
        (episode, group)
        for episode, group in zip(episodes, rewards, strict=True)
        if episode.solve_rate is not None and 0.0 < episode.solve_rate <= max_rate
    ]
    return credit_attempts([episode for episode, _ in kept], [group for _, group in kept], scale=True)


def conjecturer_rows(proposals: Sequence[Proposal], rewards: Sequence[Reward | None]) -> list[Credited]:
    """Conjectures with their reward, scaled to [0, 1] over the round, less the round's mean."""
    scaled = min_max([None if reward is None else reward.total for reward in rewards])
    advantages = group_mean(scaled, ["round"] * len(scaled))
    return with_advantages([proposal.transcript for proposal in proposals], advantages)
