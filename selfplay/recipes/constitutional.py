"""Constitutional AI (Bai et al. 2212.08073) and RLAIF (Lee et al. 2309.00267): principles in place of labels.

The first `revision_rounds` rounds are the supervised phase: the model answers, criticises its answer by a principle
drawn from a constitution, revises it, some times over, and imitates its revisions. The rounds after them are the phase
of AI feedback: the model answers each problem twice, a judge says which answer is better by a principle drawn for each
comparison, asked in both orders, and the model learns from that.

Claim: revisions alone make a model markedly more harmless, and feedback from a model does as well as people's (RLAIF:
71 % and 73 % of summaries preferred to the baseline's); what decides is the judge. The judge is audited, and where a
program knows the truth, the share of right answers by revision and `pair_accuracy` are measured. `PAPERS.md` has what
was seen here, at small scale.

Deviations:
1. The learner says how feedback is learned: `preference` (DPO on the better and the worse answer), or
   `policy_gradient` (the judge's probability is the reward: RLAIF without a reward model). There is no model of
   preferences in between, and no PPO with a value function.
2. A comparison whose two orders disagree is an abstention; where they agree, the mean of both probabilities counts
   (RLAIF, section 3.1), or the choice alone where the judge states none.
3. The supervised phase goes on from the model as it is and not from a pretrained one, without helpfulness data.
4. `reward` may hold a judge's liking back from what a program finds wrong: `{gate: [correct, judged]}`; revisions that
   it would not pay are not imitated either.
5. Recalled, not read: four revisions, imitated all; temperature 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from selfplay import judges
from selfplay.about import About
from selfplay.feedback import (
    Feedback,
    credited,
    episodes_of,
    measures,
    places_of_pairs,
    preferences,
    rows,
    win_shares,
)
from selfplay.judge import Constitution, compare, read_constitution
from selfplay.judging import Judging
from selfplay.lab import Lab, Round
from selfplay.protocols import Learner
from selfplay.revision import revise
from selfplay.seeding import seed_for
from selfplay.stages import pose, rendered, solve
from selfplay.types import (
    Attempt,
    Demonstration,
    Episode,
    Problem,
    Reward,
    Sampling,
    Transcript,
)

ABOUT = About(
    "Constitutional AI and RLAIF",
    ("2212.08073", "2309.00267"),
    ("preference", "policy_gradient"),
    ("solver", "judge"),
    ("judged", "verified"),
)
NEEDS_JUDGE = True
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Config:
    """Defaults are the papers', except where they leave them open."""

    constitution: str = ""
    """A YAML list of principles; empty: the one in `selfplay/judges/constitution.yaml`."""
    levels: tuple[int, ...] = ()
    """Levels of the problems; none: all."""
    num_problems: Count = 512
    """Problems a round."""
    revision_rounds: Annotated[int, Field(ge=0)] = 1
    """Rounds of the supervised phase, before those of feedback."""
    num_revisions: Count = 4
    """Times that an answer is criticised and revised."""
    learning_rate: Annotated[float, Field(gt=0.0)] = 1e-5
    """Of the supervised phase (AdamW); `learner` is the other's."""
    num_attempts: Annotated[int, Field(ge=2)] = 2
    """Answers to a problem, all compared with each other (feedback)."""
    temperature: Annotated[float, Field(gt=0.0)] = 1.0
    """Of answering, criticising and revising."""
    max_new_tokens: Count = 512
    """Longest answer or critique, in tokens."""
    reward: str | dict[str, Any] = "judged"
    """What an answer is paid: `judged` (the share of its comparisons that it wins), `correct`, or both (`feedback`)."""

    def __post_init__(self) -> None:
        Feedback(self.reward)


def run(lab: Lab, config: Config) -> None:
    """Play the rounds that are left."""
    path = Path(config.constitution) if config.constitution else Path(judges.__file__).with_name("constitution.yaml")
    constitution, judging, feedback = read_constitution(path), lab.need_judge(), Feedback(config.reward)
    levels = config.levels or tuple(lab.env.levels)
    imitator = lab.imitator(config.learning_rate) if config.revision_rounds else None
    for round in lab.rounds():
        with round.phase("pose"):
            seed = seed_for(round.seed, "pose")
            problems = pose(lab.env, levels, config.num_problems, lab.gate.held_out, seed)
            feedback.check(lab.env, lab.verifier, problems)
        if imitator is not None and round.number < config.revision_rounds:
            play_revision(lab, config, round, problems, constitution, feedback, imitator)
        else:
            play_feedback(lab, config, round, problems, constitution, feedback, judging)


# The supervised phase ------------------------------------------------------------------------------------------------


def play_revision(
    lab: Lab,
    config: Config,
    round: Round,
    problems: Sequence[Problem],
    constitution: Constitution,
    feedback: Feedback,
    imitator: Learner,
) -> None:
    """One round of answers, critiques and revisions, of which the revisions are imitated."""
    sampling = Sampling(config.temperature, 1.0, config.max_new_tokens)
    with round.phase("solve"):
        seed = seed_for(round.seed, "solve")
        steps = [[texts[0] for texts in solve(lab.policy, lab.env, problems, 1, seed, sampling)]]
        prompts = [rendered(lab.env, problem, 0, seed) for problem in problems]
    with round.phase("revise"):
        for number in range(config.num_revisions):
            seed = seed_for(round.seed, "revise", number)
            steps.append(revise(lab.policy, prompts, problems, steps[-1], constitution, seed, sampling))
    with round.phase("verify"):
        episodes = episodes_of(problems, list(zip(*steps, strict=True)), lab.env, lab.verifier)
    with round.phase("credit"):
        kept = [
            (prompt, attempt.transcript.completion)
            for prompt, episode in zip(prompts, episodes, strict=True)
            for attempt in episode.attempts[1:]
            if attempt.transcript.stopped and worth_imitating(feedback, attempt)
        ]
        batch = [Demonstration(text) for text in lab.policy.references("solver", kept)]
    with round.phase("train"):
        learned = imitator.update(batch, seed_for(round.seed, "learn"), lab.learning_rate(round))
    rates = [accuracy([episode.attempts[step] for episode in episodes]) for step in range(len(steps))]
    told = {"phase": "revision", "kept": len(kept), "accuracy_by_step": rates}
    lab.finish(round, episodes=episodes, learner=learned, state={}, metrics={"constitutional": told})


def worth_imitating(feedback: Feedback, attempt: Attempt) -> bool:
    """Whether the reward would pay a revision that a judge likes without reserve."""
    reward = feedback.reward(1.0, attempt.verdict)
    return reward is not None and reward.total > 0.0


def accuracy(attempts: Sequence[Attempt]) -> float | None:
    """Share of the attempts a program decided that are right; None for none."""
    decided = [one.correct for one in attempts if one.verdict.verified and one.verdict.status.decided]
    return sum(decided) / len(decided) if decided else None


# The phase of feedback -----------------------------------------------------------------------------------------------


def play_feedback(
    lab: Lab,
    config: Config,
    round: Round,
    problems: Sequence[Problem],
    constitution: Constitution,
    feedback: Feedback,
    judging: Judging,
) -> None:
    """One round of answers, of which the judge prefers some."""
    with round.phase("solve"):
        seed = seed_for(round.seed, "solve")
        sampling = Sampling(config.temperature, 1.0, config.max_new_tokens)
        attempts = solve(lab.policy, lab.env, problems, config.num_attempts, seed, sampling)
    with round.phase("judge"):
        shares = wins(judging, problems, attempts, constitution, seed_for(round.seed, "judge"))
    with round.phase("verify"):
        episodes = episodes_of(problems, attempts, lab.env, lab.verifier)
    with round.phase("credit"):
        rewards = feedback.rewards(episodes, shares)
        batch = BATCHES[lab.config.learner.name](episodes, rewards)
        told = measures(episodes, shares, preferences(episodes, rewards))
    with round.phase("train"):
        learned = lab.learner.update(batch, seed_for(round.seed, "learn"), lab.learning_rate(round))
    metrics = {"constitutional": {"phase": "feedback", **told}}
    lab.finish(round, episodes=episodes, attempt_rewards=rewards, learner=learned, state={}, metrics=metrics)


def wins(
    judging: Judging,
    problems: Sequence[Problem],
    attempts: Sequence[Sequence[Transcript]],
    constitution: Constitution,
    seed: int,
) -> list[list[float | None]]:
    """For each attempt the mean probability that it is the better one, over the comparisons that were decided."""
    places = places_of_pairs(attempts)
    asked = [(problems[row], attempts[row][one].completion, attempts[row][two].completion) for row, one, two in places]
    return win_shares(attempts, places, compare(judging.judge(seed), asked, seed, constitution))


Batch = Callable[[Sequence[Episode], Sequence[Sequence[Reward | None]]], list[Any]]
BATCHES: dict[str, Batch] = {
    "preference": lambda episodes, rewards: rows(preferences(episodes, rewards)),
    "policy_gradient": credited,
}
"""What each learner trains on."""
