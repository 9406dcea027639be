"""Absolute Zero (Zhao et al. 2505.03335): one model proposes and solves tasks of every kind, with no data at all.

Every round the model is asked for problems of each of the environment's tasks (`code_triplet`: deduction, abduction,
induction) with some of its earlier ones shown, the environment executes them, and the model attempts them. It is paid
for problems that it solves sometimes, and for solving; both roles learn in one update, with an advantage whitened over
the tokens of its own role and task (Task-Relative REINFORCE++).

Claim: without any data it overtakes models trained on tens of thousands of curated problems (Qwen2.5-7B-Coder, code and
mathematics: 40.2 -> 50.4), and a learned proposer beats a frozen one. What was seen here, at small scale, is in
`PAPERS.md`.

Paper and code differ in what a proposer gets for a problem that is always or never solved: `reward: azr_code` (-0.5,
the default, as the published runs had it) or `azr_paper` (0).

Deviations:
1. The attempts that measure a proposal's difficulty are those that are trained on; the code has a separate batch.
2. A round solves its own new problems, and earlier ones where there are fewer than `num_problems` of a task.
3. References are of the task that is asked for; the code shows induction's proposers programs of the other two tasks.
   An environment may have no room for them (terse prompts).
4. The buffer begins empty, with the environment's own examples in prompts (of `code_triplet` the first is the identity
   function, the paper's only seed), never holds a problem twice, and lets the oldest go.
5. A repeated or held-out proposal is refused by the gate and gets 0.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from selfplay.about import About
from selfplay.advantages import whitened
from selfplay.buffer import Buffer
from selfplay.credit import informative, with_advantages
from selfplay.lab import Lab
from selfplay.proposers import PROPOSERS, check_proposer
from selfplay.rewards import Pay, SolverPay, check_reward
from selfplay.seeding import rng_for, seed_for
from selfplay.stages import posed, propose_to, solve, validate, verify
from selfplay.types import Credited, Episode, Proposal, Reward, Sampling, Transcript

ABOUT = About("Absolute Zero", ("2505.03335",), ("policy_gradient",), ("proposer", "solver"), ("verified",))
Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Config:
    """Defaults are the paper's, except for lengths."""

    num_proposals: Count = 64
    """Proposals of each task a round."""
    num_problems: Whole = 64
    """Problems of each task that are attempted at least, earlier ones among them if need be; 0: new ones only."""
    num_attempts: Count = 8
    """Attempts at each problem."""
    reward: str | dict[str, Any] = "azr_code"
    """What the proposer is paid: azr_code, azr_paper, or another (`rewards.Pay`)."""
    solver_reward: str | dict[str, Any] = "azr"
    """What an attempt is paid: correct, azr, r_zero, or another (`rewards.SolverPay`)."""
    proposer: str = "learned"
    """Who proposes (`proposers.PROPOSERS`): learned, or a control, which then is not trained."""
    num_references: Whole = 6
    """Earlier problems of the task that a proposer is shown."""
    buffer_capacity: Count = 16_384
    """Earlier problems of each task that are kept, newest first."""
    filler: Whole = 0
    """Most harmless insertions in a problem as shown to the solver."""
    proposer_max_new_tokens: Count = 256
    """Longest proposal, in tokens."""
    solver_max_new_tokens: Count = 256
    """Longest attempt, in tokens."""

    def __post_init__(self) -> None:
        check_reward(self.reward)
        check_reward(self.solver_reward, "solver_reward")
        check_proposer(self.proposer)


def run(lab: Lab, config: Config) -> None:
    """Play the rounds that are left."""
    env = lab.env
    proposer = PROPOSERS[config.proposer](lab)
    pay, solver_pay = Pay(config.reward), SolverPay(config.solver_reward)
    buffer = Buffer(lab, config.buffer_capacity)
    asked = [task for task in env.tasks for _ in range(config.num_proposals)]
    for round in lab.rounds():
        with round.phase("propose"):
            prompts = []
            for index, task in enumerate(asked):
                rng = rng_for(round.seed, "prompt", index)
                prompts.append(env.task_prompt(task, buffer.sample(task, config.num_references, rng), rng))
            sampling = Sampling(1.0, 1.0, config.proposer_max_new_tokens)
            written = propose_to(proposer, prompts, seed_for(round.seed, "propose"), sampling)
        with round.phase("validate"):
            proposals = validate(written, env, lab.gate, seed_for(round.seed, "validate"))
            sources, new = posed(proposals)
            old = buffer.fill(new, config.num_problems, rng_for(round.seed, "again"))
        with round.phase("solve"):
            sampling = Sampling(1.0, 1.0, config.solver_max_new_tokens)
            seed = seed_for(round.seed, "solve")
            attempts = solve(lab.policy, env, [*new, *old], config.num_attempts, seed, sampling, config.filler)
        with round.phase("verify"):
            episodes = verify([*new, *old], attempts, env, lab.verifier, [*sources, *[None] * len(old)])
        with round.phase("credit"):
            attempt_rewards = solver_pay.attempts(episodes)
            proposal_rewards = pay.proposals(proposals, episodes)
            rows = [
                (attempt.transcript, reward, ("solver", env.task_of(episode.problem)))
                for episode, rewards in zip(episodes, attempt_rewards, strict=True)
                for attempt, reward in zip(episode.attempts, rewards, strict=True)
            ]
            if config.proposer == "learned":
                transcripts = [proposal.transcript for proposal in proposals]
                tasks = [("proposer", task) for task in asked]
                rows += zip(transcripts, proposal_rewards, tasks, strict=True)
            batch = credited(rows)
        with round.phase("train"):
            learned = lab.learner.update(batch, seed_for(round.seed, "learn"), lab.learning_rate(round))
        buffer.add(proposals)
        lab.finish(
            round,
            proposals=proposals,
            episodes=episodes,
            proposal_rewards=proposal_rewards,
            attempt_rewards=attempt_rewards,
            learner=learned,
            state={"context": {"group": asked}},
            metrics={"azr": {"tasks": by_task(asked, proposals, episodes, buffer), "again": len(old)}},
        )


def credited(rows: Sequence[tuple[Transcript, Reward | None, Hashable]]) -> list[Credited]:
    """Each rewarded transcript with its reward whitened over the tokens of its group (TRR++)."""
    advantages = whitened(
        [None if reward is None else reward.total for _, reward, _ in rows],
        [group for _, _, group in rows],
        [transcript.num_sampled for transcript, _, _ in rows],
    )
    return informative(with_advantages([transcript for transcript, _, _ in rows], advantages))


def by_task(
    asked: Sequence[str], proposals: Sequence[Proposal], episodes: Sequence[Episode], buffer: Buffer
) -> dict[str, dict[str, Any]]:
    """For each task: the share of proposals that became problems, the mean solve rate, and the buffer's size."""
    figures: dict[str, dict[str, Any]] = {}
    for task, own in buffer.problems.items():
        became = [one.problem is not None for one, wanted in zip(proposals, asked, strict=True) if wanted == task]
        rates = [e.solve_rate for e in episodes if e.solve_rate is not None and buffer.task_of(e.problem) == task]
        figures[task] = {
            "became_problems": sum(became) / len(became),
            "solve_rate": sum(rates) / len(rates) if rates else None,
            "buffer": len(own),
        }
    return figures
