"""R-Zero (Huang et al. 2508.05004): two models from one base; one poses what the other is unsure of, in turns.

In its turn the challenger writes problems, the solver (which stands still) answers each several times, and the
challenger is paid for how far they disagree, less for near copies of other problems of the round. In the solver's turn
the challenger (which stands still) writes a set once, the solver's votes label it, what it finds too easy or too hard
is dropped, and the solver learns on the rest to give the voted answers. A round is one step of one of the two.

Claim: without any data the solver improves (Qwen3-4B-Base, mathematics: 42.6 -> 49.1), as a reward that peaks at one
half keeps it unsure; later work (R-Diverse, 2602.13103) finds that it degrades after three or four turns. What was seen
here, at small scale, is in `PAPERS.md`; `label_accuracy` is how often the votes were right, where the truth is known.

Paper and code differ in what the challenger gets: `reward: r_zero_code` (the default, min(p, 1-p) - |C|/B, which may be
negative) or `r_zero_paper` (max(0, 1 - 2|p - 1/2| - |C|/B), recalled and not read).

Deviations:
1. Answers are equal if the environment reads the same text, when voting and when paying.
2. BLEU of two problems is the mean of both directions, on words and signs (`repetition`); the code takes one direction
   on words, which depends on their order. A proposal that is no problem is compared by its own text.
3. The gate keeps out held-out problems. The challenger may repeat itself, which the penalty is for; the solver's set
   has each problem once.
4. A share of votes is of all votes; an attempt without an answer agrees with nobody.
5. The two models are full, or two adapters on one frozen base (`model.lora`). KL 1e-2 is the learner's setting
   (`learner.trl.beta`), against the model as the run began; the code renews the reference each turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from selfplay.about import About
from selfplay.advantages import group_mean
from selfplay.credit import credit_attempts, informative, with_advantages
from selfplay.errors import FieldError
from selfplay.gate import Gate
from selfplay.lab import Lab, Round
from selfplay.learnability import Context
from selfplay.repetition import repetition_of
from selfplay.rewards import Pay, SolverPay, check_reward
from selfplay.seeding import rng_for, seed_for
from selfplay.stages import posed, propose_to, solve, validate
from selfplay.types import Problem, Proposal, Sampling, Transcript
from selfplay.voting import admit, agree, labels, vote, vote_measures

ABOUT = About(
    "R-Zero", ("2508.05004",), ("policy_gradient",), ("proposer", "solver"), ("voted",), ("solver", "challenger")
)
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


@dataclass(frozen=True, slots=True)
class Config:
    """Defaults are the paper's code's, except where it leaves them open."""

    challenger_rounds: Count = 5
    """Rounds of the challenger's turn."""
    solver_rounds: Count = 15
    """Rounds of the solver's turn, which follows."""
    num_prompts: Count = 128
    """Prompts of the challenger a round."""
    group_size: Annotated[int, Field(ge=2)] = 4
    """Proposals to each prompt, among which they get their advantages."""
    challenger_votes: Annotated[int, Field(ge=2)] = 10
    """Votes on each proposal that the challenger is paid by."""
    reward: str | dict[str, Any] = "r_zero_code"
    """What the challenger is paid: r_zero_code, r_zero_paper, or another (`rewards.Pay`)."""
    num_candidates: Count = 8000
    """Proposals from which the solver's set is made."""
    solver_votes: Annotated[int, Field(ge=2)] = 9
    """Votes that label a candidate."""
    kept: tuple[Share, Share] = (0.3, 0.8)
    """Least and greatest share of the majority in what the solver is trained on."""
    num_problems: Count = 128
    """Problems of the set that the solver trains on a round."""
    num_attempts: Annotated[int, Field(ge=2)] = 5
    """Attempts at each of them."""
    solver_reward: str | dict[str, Any] = "r_zero"
    """What an attempt is paid: correct, azr, r_zero, or another (`rewards.SolverPay`)."""
    filler: Annotated[int, Field(ge=0)] = 0
    """Most harmless insertions in a problem as shown to the solver."""
    proposer_max_new_tokens: Count = 256
    """Longest proposal, in tokens."""
    solver_max_new_tokens: Count = 256
    """Longest attempt, in tokens."""

    def __post_init__(self) -> None:
        check_reward(self.reward)
        check_reward(self.solver_reward, "solver_reward")
        if self.kept[0] > self.kept[1]:
            raise FieldError("kept", f"got {self.kept[0]:g} above {self.kept[1]:g}, expected [least, greatest]")

    def step(self, number: int) -> int:
        """Place of a round in the solver's turn, from 0; negative in the challenger's."""
        return number % (self.challenger_rounds + self.solver_rounds) - self.challenger_rounds


def run(lab: Lab, config: Config) -> None:
    """Play the rounds that are left."""
    labelled: list[Problem] = []
    for past in lab.past():
        if config.step(past.number) == 0:
            labelled = posed(past.proposals)[1]
    for round in lab.rounds():
        step = config.step(round.number)
        if step < 0:
            challenger_round(lab, config, round)
        else:
            labelled = solver_round(lab, config, round, step, labelled)


def challenger_round(lab: Lab, config: Config, round: Round) -> None:
    """The challenger is paid for what the solver is unsure of."""
    challenger = lab.others["challenger"]
    with round.phase("propose"):
        num = config.num_prompts * config.group_size
        proposals = written_by_challenger(lab, config, round, num, config.group_size, repeats=True)
        sources, problems = posed({one.problem.id: one for one in reversed(proposals) if one.problem}.values())
    with round.phase("solve"):
        attempts = votes_on(lab, config, round, problems, config.challenger_votes)
        votes = vote(problems, attempts, lab.env.read_answer)
        episodes = agree(labels(votes), attempts, lab.env.read_answer, lab.verifier, sources)
        measured = vote_measures(problems, votes, lab.verifier)
    with round.phase("credit"):
        shares = repetition_of(proposals)
        contexts = [
            Context(valid=one.problem is not None, repetition=share)
            for one, share in zip(proposals, shares, strict=True)
        ]
        rewards = Pay(config.reward).proposals(proposals, episodes, contexts)
        groups = [place // config.group_size for place in range(len(proposals))]
        totals = [None if reward is None else reward.total for reward in rewards]
        advantages = group_mean(totals, groups, scale=True)
        batch = informative(with_advantages([one.transcript for one in proposals], advantages))
    with round.phase("train"):
        learned = challenger.learner.update(batch, seed_for(round.seed, "learn"), lab.learning_rate(round))
    metrics = {"r_zero": {"turn": "challenger", "repetition": sum(shares) / len(shares), **measured}}
    lab.finish(
        round,
        proposals=proposals,
        episodes=episodes,
        proposal_rewards=rewards,
        learner=learned,
        state={"context": {"group": groups}},
        metrics=metrics,
    )


def solver_round(lab: Lab, config: Config, round: Round, step: int, labelled: list[Problem]) -> list[Problem]:
    """The solver learns on a part of its set, which is made in the first round of its turn; returns the set."""
    proposals: list[Proposal] = []
    measured: dict[str, Any] = {}
    num_vote_tokens = 0
    if step == 0:
        with round.phase("propose"):
            proposals = written_by_challenger(lab, config, round, config.num_candidates, 1, repeats=False)
            candidates = posed(proposals)[1]
        with round.phase("vote"):
            attempts = votes_on(lab, config, round, candidates, config.solver_votes)
            votes = vote(candidates, attempts, lab.env.read_answer)
            num_vote_tokens = sum(len(one.token_ids) for group in attempts for one in group)
            measured = vote_measures(candidates, votes, lab.verifier)
            proposals = admit(proposals, votes, config.kept)
            labelled = posed(proposals)[1]
    with round.phase("solve"):
        problems = part(labelled, config.num_problems, step, lab.round_seed(round.number - step))
        sampling = Sampling(1.0, 1.0, config.solver_max_new_tokens)
        seed = seed_for(round.seed, "solve")
        attempts = solve(lab.policy, lab.env, problems, config.num_attempts, seed, sampling, config.filler)
        episodes = agree(problems, attempts, lab.env.read_answer, lab.verifier)
    with round.phase("credit"):
        rewards = SolverPay(config.solver_reward).attempts(episodes)
        batch = informative(credit_attempts(episodes, rewards, scale=True))
    with round.phase("train"):
        learned = lab.learner.update(batch, seed_for(round.seed, "learn"), lab.learning_rate(round))
    lab.finish(
        round,
        proposals=proposals,
        episodes=episodes,
        attempt_rewards=rewards,
        learner=learned,
        state={},
        metrics={"r_zero": {"turn": "solver", "set": len(labelled), **measured}},
        num_vote_tokens=num_vote_tokens,
    )
    return labelled


def written_by_challenger(
    lab: Lab, config: Config, round: Round, count: int, group_size: int, *, repeats: bool
) -> list[Proposal]:
    """`count` proposals, neighbours in groups to one prompt; what was posed in earlier rounds may come again."""
    seed = seed_for(round.seed, "propose")
    prompts = [lab.env.proposer_prompt(rng_for(seed, "prompt", place // group_size)) for place in range(count)]
    sampling = Sampling(1.0, 1.0, config.proposer_max_new_tokens)
    written = propose_to(lab.others["challenger"].policy, prompts, seed, sampling)
    return validate(written, lab.env, Gate(lab.gate.held_out, repeats=repeats), seed_for(round.seed, "validate"))


def votes_on(
    lab: Lab, config: Config, round: Round, problems: Sequence[Problem], num_votes: int
) -> list[list[Transcript]]:
    """The solver's attempts that vote."""
    sampling = Sampling(1.0, 1.0, config.solver_max_new_tokens)
    return solve(lab.policy, lab.env, problems, num_votes, seed_for(round.seed, "vote"), sampling, config.filler)


def part(labelled: Sequence[Problem], count: int, step: int, seed: int) -> list[Problem]:
    """The problems of one step: the shuffled set is gone through again and again, none twice in a step."""
    order = list(labelled)
    rng_for(seed, "order").shuffle(order)
    count = min(count, len(order))
    start = step * count
    return [order[place % len(order)] for place in range(start, start + count)]
