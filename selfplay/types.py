"""The nouns: frozen records that flow through a run. Standard library only.

Every stage takes lists of these and returns lists of these. A record is never changed; a later stage makes a new one.
Nothing here generates, judges, rewards or trains.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Origin(StrEnum):
    """Who says that a problem's reference is right."""

    DATASET = "dataset"  # a person or a dataset
    GENERATED = "generated"  # the generator that built the problem from its answer
    EXECUTED = "executed"  # running the problem's own program in the sandbox
    MAJORITY = "majority"  # a vote among the solver's attempts
    CLAIMED = "claimed"  # a model's own word, checked by nobody


class Status(StrEnum):
    """What became of one attempt. FAULT and UNDECIDED are ours: counted, shown, and never turned into a reward."""

    CORRECT = "correct"
    WRONG = "wrong"
    MALFORMED = "malformed"  # no answer could be read in the text
    TIMEOUT = "timeout"  # the judged program or expression ran past its deadline
    UNDECIDED = "undecided"  # the verifier could not decide
    FAULT = "fault"  # our machinery broke, also after a retry

    @property
    def decided(self) -> bool:
        """Whether this says something about the attempt (rather than about us)."""
        return self not in (Status.UNDECIDED, Status.FAULT)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation: `role` is system, user or assistant."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a policy is asked to continue."""

    messages: tuple[Message, ...]
    """The conversation so far. A tokenizer without a chat template joins the texts."""
    prefix: str = ""
    """The forced beginning of the reply: in the context, part of the completion text, never sampled or trained on."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a policy draws tokens. `temperature` 0 is greedy."""

    temperature: float = 1.0
    top_p: float = 1.0
    max_new_tokens: int = 64


@dataclass(frozen=True, slots=True)
class Request:
    """One completion to generate."""

    role: str
    """`proposer`, `solver`, or the seat of a game: recorded in the transcript."""
    prompt: Prompt
    seed: int
    """Named seed of this completion (`seeding.seed_for`): the same whatever it is batched with."""
    bias: tuple[tuple[str, float], ...] = ()
    """(token text, logit bias) pairs: exploration pressure on single tokens."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """One policy's side of one interaction: the only thing that is ever trained on."""

    role: str
    messages: tuple[Message, ...]
    """The prompt's messages and, last, the assistant's completion (its forced prefix included)."""
    token_ids: tuple[int, ...]
    """Prompt, prefix and sampled tokens, as the model saw them (no padding)."""
    sampled: tuple[bool, ...]
    """For each token, whether the policy chose it (only these are trained on)."""
    logprobs: tuple[float, ...]
    """For each sampled token, in order, its log-probability (nats) under the sampling distribution."""
    policy_version: int
    """The round whose weights wrote it; -1 for a reference text that no policy wrote."""
    seed: int
    stopped: bool
    """Whether it ended by itself (end token) rather than at the length limit."""

    @property
    def completion(self) -> str:
        """The assistant's text, with its forced prefix."""
        return self.messages[-1].text

    @property
    def num_sampled(self) -> int:
        """Number of tokens the policy chose."""
        return sum(self.sampled)


@dataclass(frozen=True, slots=True)
class Draft:
    """A well-formed problem whose reference is not known yet."""

    prompt: str
    """Canonical problem text: two texts of the same problem are equal."""
    level: int
    parents: tuple[str, ...] = ()
    """Ids of the problems it was made from."""
    payload: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What grounding needs to know beyond the text, where the text alone does not say it (a dataset's row)."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why there is no problem: `reason` is a short counted code, `detail` is for a reader."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to solve. Its `id` is a hash of environment and text, so dedup and contamination are set operations."""

    env: str
    prompt: str
    reference: str
    """The answer that verdicts compare with, in the environment's own text form."""
    origin: Origin
    level: int
    parents: tuple[str, ...] = ()
    payload: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Whatever else the environment's verifier needs."""
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", problem_id(self.env, self.prompt))


def problem_id(env: str, prompt: str) -> str:
    """Content hash of a problem: 16 hex digits (64 bits) of SHA-256 over environment name and canonical text."""
    return hashlib.sha256(json.dumps([env, prompt]).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one answer: verified, if a program decided; else judged, on somebody's word.

    The two are never added up. `correct`, and every count and rate named after it, is of verified verdicts alone;
    judged ones have names of their own (`judged_good`, `num_judged`, `judged_rate`, metrics under `judged`).
    """

    status: Status
    extracted: str | None = None
    """The answer as it was read, or None if there was none."""
    detail: str = ""
    seconds: float = 0.0
    judged_by: str = ""
    """Empty: a program decided. Else the judge's name; a judge that abstains gives UNDECIDED."""

    @property
    def verified(self) -> bool:
        """Whether a program decided."""
        return not self.judged_by

    @property
    def correct(self) -> bool:
        """Found right by a program."""
        return self.verified and self.status is Status.CORRECT

    @property
    def judged_good(self) -> bool:
        """Found good by a judge: CORRECT in the judge's words, which no metric takes for accuracy."""
        return not self.verified and self.status is Status.CORRECT


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposer's transcript with the problem it became, or the reason it became none."""

    transcript: Transcript
    outcome: Problem | Rejection

    @property
    def problem(self) -> Problem | None:
        return self.outcome if isinstance(self.outcome, Problem) else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A solver's transcript on one problem, judged once."""

    problem_id: str
    transcript: Transcript
    verdict: Verdict

    @property
    def correct(self) -> bool:
        """Verified to be right. An attempt that a judge found good is not `correct`."""
        return self.verdict.correct

    @property
    def judged_good(self) -> bool:
        """Found good by a judge. Training may use it only where a recipe says so (`judged=True`)."""
        return self.verdict.judged_good


@dataclass(frozen=True, slots=True)
class Episode:
    """A problem, its attempts, and the proposal it came from, if any. Its counts leave out what a judge decided."""

    problem: Problem
    attempts: tuple[Attempt, ...]
    proposal: Proposal | None = None

    @property
    def num_correct(self) -> int:
        return sum(attempt.correct for attempt in self.attempts)

    @property
    def num_decided(self) -> int:
        """Verified attempts with a verdict that is about the attempt: FAULT and UNDECIDED are left out."""
        return sum(attempt.verdict.verified and attempt.verdict.status.decided for attempt in self.attempts)

    @property
    def solve_rate(self) -> float | None:
        """Share of decided attempts that are correct, by a program's word; None if none was decided."""
        return self.num_correct / self.num_decided if self.num_decided else None

    @property
    def num_judged_good(self) -> int:
        return sum(attempt.judged_good for attempt in self.attempts)

    @property
    def num_judged(self) -> int:
        """Attempts that a judge decided: those on which it abstained are left out."""
        return sum(not attempt.verdict.verified and attempt.verdict.status.decided for attempt in self.attempts)

    @property
    def judged_rate(self) -> float | None:
        """Share of the attempts that a judge decided which it found good; None if it decided none."""
        return self.num_judged_good / self.num_judged if self.num_judged else None

    @property
    def judged_only(self) -> bool:
        """Whether there are attempts, and a judge was asked about all of them: no verified figure speaks of it."""
        return bool(self.attempts) and not any(attempt.verdict.verified for attempt in self.attempts)

    def counts(self, *, judged: bool = False) -> tuple[int, int]:
        """(good, decided) attempts for training: the verified ones, and with `judged` also those that a judge decided.

        For credit and rewards of recipes that say so; never for a metric.
        """
        extra = (self.num_judged_good, self.num_judged) if judged else (0, 0)
        return self.num_correct + extra[0], self.num_decided + extra[1]


class Reading(StrEnum):
    """What a reply was, as a move in a game."""

    LEGAL = "legal"
    ILLEGAL = "illegal"  # the form of a move, but not one that could be made
    UNREADABLE = "unreadable"  # no move could be read, or the reply did not end


class Ending(StrEnum):
    """How a match ended."""

    FINISHED = "finished"  # by the rules of the game
    FORFEITED = "forfeited"  # by an illegal or unreadable move, under a rule that ends the match there
    TRUNCATED = "truncated"  # at the limit of turns: a draw


@dataclass(frozen=True, slots=True)
class Turn:
    """One seat's turn in a match."""

    seat: int
    """Whose turn it was: a place in `Game.seats`."""
    situation: str
    """Hash of the whole state, with what is hidden from the seat: from equal ones, only chance and players differ."""
    transcript: Transcript | None
    """What the seat's policy saw and wrote; None for an opponent that is no policy."""
    reading: Reading
    move: str | None
    """The move that was read; None if it was unreadable."""
    played: str | None
    """The move that was made: the one that was read, or another in its place; None if the match ended here."""
    num_legal: int
    """How many moves were legal."""


@dataclass(frozen=True, slots=True)
class Match:
    """One game, played to its end."""

    game: str
    players: tuple[str, ...]
    """Who played each seat, by name."""
    turns: tuple[Turn, ...]
    ending: Ending
    returns: tuple[float, ...]
    """What each seat won."""
    seed: int
    """Named seed of what chance decided (the deal)."""


@dataclass(frozen=True, slots=True)
class Reward:
    """Named terms that add up to a reward. Only `rewards.py` makes these; an advantage is another type."""

    terms: tuple[tuple[str, float], ...]

    @property
    def total(self) -> float:
        return sum(value for _, value in self.terms)


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A transcript to imitate: a row of supervised fine-tuning."""

    transcript: Transcript


@dataclass(frozen=True, slots=True)
class Preference:
    """Two transcripts that answer the same prompt, one better than the other: a row of preference learning."""

    chosen: Transcript
    rejected: Transcript


@dataclass(frozen=True, slots=True)
class Credited:
    """A transcript with one advantage for all its sampled tokens: a row of policy gradient."""

    transcript: Transcript
    advantage: float


Batch = Sequence[Demonstration] | Sequence[Credited] | Sequence[Preference]
"""What a learner trains on: rows of one kind."""
