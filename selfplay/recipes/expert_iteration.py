"""Expert iteration with a learned proposer: the quickstart's recipe.

One model plays both roles. It proposes problems, is paid for learnability (Absolute Zero, 2505.03335: 1 - p where p >
0), attempts each problem several times, and trains on what the verifier accepted: the solver on its own correct
attempts (expert iteration, Anthony et al. 1705.08439; STaR 2203.14465 without hints), the proposer on its own
well-paid problems. With the policy-gradient learner the same rounds credit every attempt and proposal with its
advantage within its group instead.

Claim: the proposed level rises by itself, and the model comes to solve problems more than twice as long as any in its
seed data; a frozen proposer falls behind on the longest of them, seed data alone on all, and without a verifier it
loses what it knew of the seed levels. Measured in `benchmarks/quickstart.md`.

Deviations from Absolute Zero:
1. Trains on a decaying window of verified successes (supervised), not on policy only; `policy_gradient` is the other
   way.
2. A tenth of the batches is seed data, which anchors the model.
3. Half of each proposal's content is redrawn (`mutation`), and half of the proposals are pressed to go on
   (`exploration`): a tiny proposer otherwise collapses onto favourites. The same pressure with a frozen proposer
   stays flat.
4. The solver trains on its verified attempts carried over to equivalent problems (`augment`: renaming), judged again
   and kept apart from the held-out split: a pool of some thousand problems is else seen too often.
5. Proposer temperature follows the share of valid proposals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from selfplay.about import About
from selfplay.credit import (
    Solved,
    credit_attempts,
    credit_proposals,
    first_answers,
    informative,
    proposer_items,
    solver_items,
)
from selfplay.errors import FieldError
from selfplay.lab import Lab, Round
from selfplay.pool import Pool
from selfplay.proposers import PROPOSERS, check_proposer
from selfplay.rewards import Pay, SolverPay, check_reward
from selfplay.seeding import rng_for, seed_for
from selfplay.stages import augment, posed, propose, solve, validate, verify
from selfplay.types import Credited, Demonstration, Episode, Problem, Proposal, Reward, Sampling, Transcript
from selfplay.voting import agree

ABOUT = About(
    title="Expert iteration with a learned proposer",
    papers=("2505.03335", "1705.08439"),
    learners=("supervised", "policy_gradient"),
    roles=("proposer", "solver"),
    truth=("verified", "judged", "claimed"),
)
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Config:
    """Defaults are the quickstart's."""

    num_proposals: Count = 384
    """Proposals a round."""
    num_attempts: Count = 6
    """Attempts at each problem."""
    steps: Count = 20
    """Optimizer steps a round (supervised learner; policy gradient trains once on what was played)."""
    proposer: str = "learned"
    """Who proposes (`proposers.PROPOSERS`): learned, or a control."""
    reward: str | dict[str, Any] = "one_minus_p"
    """What the proposer is paid: a name of `learnability.FORMULAS`, a user's `module:function`, or a composition of
    them (`reward_algebra`)."""
    solver_reward: str | dict[str, Any] = "correct"
    """What an attempt is paid (`rewards.SolverPay`); a supervised learner imitates what is right in any case."""
    truth: Literal["reference", "first_answer"] = "reference"
    """first_answer is the control without a verifier: the solver's own first answer counts as right."""
    accept_judged: bool = False
    """Where no program can decide: also train on, and pay for, what a judge found good. Never counted as accuracy."""
    temperature: tuple[float, float] = (0.85, 1.3)
    """Range of the proposer's sampling temperature."""
    valid_target: Share = 0.6
    """Share of valid proposals that the temperature steers to."""
    exploration: Annotated[float, Field(ge=0.0)] = 6.0
    """Greatest pressure (nats) against ending a proposal."""
    mutation: Share = 0.5
    """Share of each proposal's content that is redrawn."""
    augment: bool = True
    """Train on verified attempts in equivalent problems (renamed), judged again, rather than on their own text."""
    filler: Annotated[int, Field(ge=0)] = 4
    """Most harmless insertions in a problem as shown to the solver."""
    proposer_share: Share = 0.25
    """Share of the training rows that are proposals of earlier rounds."""
    seed_proposal_share: Share = 0.025
    """Share of the training rows that are seed proposals."""
    seed_solution_share: Share = 0.1
    """Share of the training rows that are seed solutions; the rest are the solver's verified attempts."""
    solver_capacity: Count = 6000
    """Solved problems that are kept, newest first."""
    proposer_capacity: Count = 1500
    """Paid proposals that are kept, newest first."""
    solver_recency: Share = 0.92
    """Factor by which a solved problem's chance to be trained on shrinks each round."""
    proposer_recency: Share = 0.7
    """The same for a proposal."""
    level_power: float = 0.5
    """A solved problem weighs level^level_power x (1 + easy_floor - p)."""
    easy_floor: Annotated[float, Field(gt=0.0)] = 0.2
    """Weight that is left to problems that are always solved."""
    scale_advantages: bool = False
    """Policy gradient: divide advantages by their group's deviation (GRPO), so that a rare success weighs more."""
    informative_only: bool = False
    """Policy gradient: leave out rows without an advantage."""
    proposer_max_new_tokens: Count = 64
    """Longest proposal, in tokens."""
    solver_max_new_tokens: Count = 64
    """Longest attempt, in tokens."""

    def __post_init__(self) -> None:
        check_reward(self.reward)
        check_reward(self.solver_reward, "solver_reward")
        check_proposer(self.proposer)
        if self.proposer_share + self.seed_proposal_share + self.seed_solution_share >= 1.0:
            raise FieldError(
                "proposer_share", "the three shares must leave something for the solver's verified attempts"
            )


class Memory:
    """What later rounds train on: a fold over the rounds, rebuilt from the record when a run resumes."""

    def __init__(self, lab: Lab, config: Config) -> None:
        self.lab = lab
        self.config = config
        self.solver: Pool[Solved] = Pool(config.solver_capacity, config.solver_recency)
        self.proposer: Pool[Transcript] = Pool(config.proposer_capacity, config.proposer_recency)
        for past in lab.past():
            self.absorb(past.number, past.proposals, past.episodes, past.proposal_rewards)

    def absorb(
        self,
        number: int,
        proposals: Sequence[Proposal],
        episodes: Sequence[Episode],
        rewards: Sequence[Reward | None],
    ) -> None:
        config = self.config
        self.solver.add(
            solver_items(episodes, number, config.level_power, config.easy_floor, judged=config.accept_judged)
        )
        self.proposer.add(proposer_items(proposals, rewards, number, self._pose))

    def _pose(self, problems: Sequence[Problem]) -> list[Transcript]:
        env = self.lab.env
        return self.lab.policy.references("proposer", [env.proposer_reply(problem) for problem in problems])

    def demonstrations(self, round: Round) -> list[Demonstration]:
        """The round's training rows: verified attempts, well-paid proposals, and the seed data that anchors them."""
        config, seeds = self.config, self.lab.seeds
        rng = rng_for(round.seed, "rows")
        count = config.steps * self.lab.config.learner.batch_size
        seed_solutions = seeds.solutions(round_up(count * config.seed_solution_share), rng, config.filler)
        seed_proposals = seeds.proposals(round_up(count * config.seed_proposal_share), rng)
        proposals = self.proposer.draw(round_up(count * config.proposer_share), round.number, rng)
        left = count - len(seed_solutions) - len(seed_proposals) - len(proposals)
        solved = self.solver.draw(left, round.number, rng)
        if config.augment:
            lab = self.lab
            seed = seed_for(round.seed, "augment")
            attempts = augment(solved, lab.policy, lab.env, lab.verifier, lab.gate, seed, config.filler)
        else:
            attempts = [transcript for _, transcript in solved]
        return [*seed_solutions, *seed_proposals, *map(Demonstration, [*proposals, *attempts])]

    def credited(
        self,
        proposals: Sequence[Proposal],
        episodes: Sequence[Episode],
        proposal_rewards: Sequence[Reward | None],
        attempt_rewards: Sequence[Sequence[Reward | None]],
    ) -> list[Credited]:
        """The round's attempts, and proposals of a learned proposer, each with its advantage in its group."""
        scale = self.config.scale_advantages
        rows = credit_attempts(episodes, attempt_rewards, scale=scale)
        if self.config.proposer == "learned":
            rows += credit_proposals(proposals, proposal_rewards, scale=scale)
        return informative(rows) if self.config.informative_only else rows


def round_up(value: float) -> int:
    """The next whole number, but for rounding noise."""
    return math.ceil(value - 1e-9)


Batch = Callable[[Memory, Round, Sequence[Proposal], Sequence[Episode], Sequence[Any], Sequence[Any]], list[Any]]

BATCHES: dict[str, Batch] = {
    "supervised": lambda memory, round, *_: memory.demonstrations(round),
    "policy_gradient": lambda memory, round, *played: memory.credited(*played),
}
"""What each learner trains on."""


def run(lab: Lab, config: Config) -> None:
    """Play the rounds that are left."""
    env, policy = lab.env, lab.policy
    proposer = PROPOSERS[config.proposer](lab)
    pay, solver_pay = Pay(config.reward), SolverPay(config.solver_reward)
    memory = Memory(lab, config)
    temperature = float(lab.state.get("temperature", 1.0))
    for round in lab.rounds():
        with round.phase("propose"):
            sampling = Sampling(temperature, 1.0, config.proposer_max_new_tokens)
            written = propose(
                proposer, env, config.num_proposals, seed_for(round.seed, "propose"), sampling, config.exploration
            )
        with round.phase("validate"):
            proposals = validate(written, env, lab.gate, seed_for(round.seed, "validate"), config.mutation)
            sources, problems = posed(proposals)
        with round.phase("solve"):
            sampling = Sampling(1.0, 1.0, config.solver_max_new_tokens)
            attempts = solve(
                policy, env, problems, config.num_attempts, seed_for(round.seed, "solve"), sampling, config.filler
            )
        with round.phase("verify"):
            if config.truth == "first_answer":
                claimed = first_answers(problems, attempts, env.read_answer)
                episodes = agree(claimed, attempts, env.read_answer, lab.verifier, sources)
            else:
                episodes = verify(problems, attempts, env, lab.verifier, sources)
        with round.phase("credit"):
            judged = config.accept_judged
            attempt_rewards = solver_pay.attempts(episodes, judged=judged)
            proposal_rewards = pay.proposals(proposals, episodes, judged=judged)
            memory.absorb(round.number, proposals, episodes, proposal_rewards)
            batch = BATCHES[lab.config.learner.name](
                memory, round, proposals, episodes, proposal_rewards, attempt_rewards
            )
        with round.phase("train"):
            learned = lab.learner.update(batch, seed_for(round.seed, "learn"), lab.learning_rate(round))
        valid = sum(proposal.problem is not None for proposal in proposals) / len(proposals)
        temperature = steer(temperature, valid, config)
        lab.finish(
            round,
            proposals=proposals,
            episodes=episodes,
            proposal_rewards=proposal_rewards,
            attempt_rewards=attempt_rewards,
            learner=learned,
            state={"temperature": temperature},
            metrics={"temperature": temperature},
        )


def steer(temperature: float, valid: float, config: Config) -> float:
    """Warmer when more proposals than the target are valid, cooler when fewer."""
    low, high = config.temperature
    return min(high, max(low, temperature * math.exp(0.2 * (valid - config.valid_target))))
