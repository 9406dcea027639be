"""Self-Questioning Language Models (Chen et al. 2508.03682): from a topic alone, by asking oneself.

Every round the model writes problems about the environment's topic and answers each several times. Where there is no
truth, the most frequent answer stands for it (`truth: vote`), and the proposer is paid 1 if some but not all agree; the
solver is paid for agreeing. Where a proposal brings its own check, such as the tests of `tested_code`, that decides
(`truth: verified`, the paper's test mode).

Claim: accuracy rises on the topic without any data (Qwen2.5-3B, three-digit multiplication: 0.791 -> 0.948). What was
seen here, at small scale, is in `PAPERS.md`, and so is how often the votes were right (`label_accuracy`, measured
wherever the truth is known, which training never sees).

Paper and code differ: `reward: sqlm_code` (the default) wants a majority of at least two (1 < m < n), `sqlm_paper` any
(0 < m < n). With verified truth the two agree but for a single right answer.

Deviations:
1. One model plays both roles; both learn from one update where the proposer's turn has come (`proposer_every`).
2. A proposal's group is the round: advantages are its reward less the mean of all proposals.
3. The gate refuses problems that were posed before, or are held out; they are neither paid nor blamed.
4. KL 1e-3 is the learner's setting (`learner.trl.beta`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from selfplay.about import About
from selfplay.credit import credit_attempts, credit_proposals, informative
from selfplay.lab import Lab
from selfplay.rewards import Pay, SolverPay, check_reward
from selfplay.seeding import seed_for
from selfplay.stages import posed, propose, solve, validate, verify
from selfplay.types import Sampling
from selfplay.voting import agree, labels, vote, vote_measures

ABOUT = About(
    "Self-Questioning Language Models",
    ("2508.03682",),
    ("policy_gradient",),
    ("proposer", "solver"),
    ("voted", "verified"),
)
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Config:
    """Defaults are the paper's, except where it leaves them open."""

    num_proposals: Count = 64
    """Proposals a round."""
    num_attempts: Annotated[int, Field(ge=2)] = 4
    """Attempts at each problem, which also vote."""
    truth: Literal["vote", "verified"] = "vote"
    """What counts as right: the majority's answer, or the environment's word."""
    reward: str | dict[str, Any] = "sqlm_code"
    """What the proposer is paid: sqlm_code, sqlm_paper, or another (`rewards.Pay`)."""
    solver_reward: str | dict[str, Any] = "correct"
    """What an attempt is paid: correct, azr, r_zero, or another (`rewards.SolverPay`)."""
    proposer_every: Count = 5
    """Rounds from one update of the proposer to the next; the solver learns in every one."""
    scale_advantages: bool = True
    """Divide advantages by their group's deviation (GRPO)."""
    filler: Annotated[int, Field(ge=0)] = 0
    """Most harmless insertions in a problem as shown to the solver."""
    proposer_max_new_tokens: Count = 256
    """Longest proposal, in tokens."""
    solver_max_new_tokens: Count = 256
    """Longest attempt, in tokens."""

    def __post_init__(self) -> None:
        check_reward(self.reward)
        check_reward(self.solver_reward, "solver_reward")


def run(lab: Lab, config: Config) -> None:
    """Play the rounds that are left."""
    env = lab.env
    pay, solver_pay = Pay(config.reward), SolverPay(config.solver_reward)
    for round in lab.rounds():
        with round.phase("propose"):
            sampling = Sampling(1.0, 1.0, config.proposer_max_new_tokens)
            written = propose(lab.policy, env, config.num_proposals, seed_for(round.seed, "propose"), sampling)
        with round.phase("validate"):
            proposals = validate(written, env, lab.gate, seed_for(round.seed, "validate"))
            sources, problems = posed(proposals)
        with round.phase("solve"):
            sampling = Sampling(1.0, 1.0, config.solver_max_new_tokens)
            seed = seed_for(round.seed, "solve")
            attempts = solve(lab.policy, env, problems, config.num_attempts, seed, sampling, config.filler)
        with round.phase("verify"):
            votes = vote(problems, attempts, env.read_answer)
            by_vote = config.truth == "vote"
            episodes = (
                agree(labels(votes), attempts, env.read_answer, lab.verifier, sources)
                if by_vote
                else verify(problems, attempts, env, lab.verifier, sources)
            )
            measured = vote_measures(problems, votes, lab.verifier)
        with round.phase("credit"):
            attempt_rewards = solver_pay.attempts(episodes)
            proposal_rewards = pay.proposals(proposals, episodes)
            rows = credit_attempts(episodes, attempt_rewards, scale=config.scale_advantages)
            is_turn = (round.number + 1) % config.proposer_every == 0
            if is_turn:
                rows += credit_proposals(proposals, proposal_rewards, scale=config.scale_advantages)
        with round.phase("train"):
            seed = seed_for(round.seed, "learn")
            learned = lab.learner.update(informative(rows), seed, lab.learning_rate(round))
        lab.finish(
            round,
            proposals=proposals,
            episodes=episodes,
            proposal_rewards=proposal_rewards,
            attempt_rewards=attempt_rewards,
            learner=learned,
            state={},
            metrics={"sqlm": {**measured, "proposer_learned": is_turn}},
        )
