"""The seams: what a policy, an environment, a verifier and a learner must offer. Types only, no code that runs.

Anything with these methods fits; nothing needs to inherit from them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from selfplay.judgements import Comparison, Criterion, Opinion, Rating
from selfplay.types import (
    Batch,
    Draft,
    Problem,
    Prompt,
    Rejection,
    Request,
    Sampling,
    Transcript,
    Verdict,
)

State = TypeVar("State")
"""A state of a game."""


class Policy(Protocol):
    """Writes text. With several processes every rank calls with the same requests and gets the same transcripts."""

    version: int
    """The round whose weights it carries; the lab sets it."""

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Transcript]:
        """One transcript for each request, in order; each depends on its own request and seed only."""
        ...

    def reference(self, role: str, prompt: Prompt, completion: str) -> Transcript:
        """The transcript of a given reply, as if the policy had written it (`policy_version` -1, no logprobs)."""
        ...

    def references(self, role: str, replies: Sequence[tuple[Prompt, str]]) -> list[Transcript]:
        """`reference` of many (prompt, reply) pairs at once."""
        ...

    def snapshot(self) -> Policy:
        """A frozen copy, for opponents, references and controls."""
        ...


class Scorer(Protocol):
    """Says how likely it finds given text."""

    def log_probabilities(self, transcripts: Sequence[Transcript]) -> list[float]:
        """Sum of the log-probabilities (nats) of each transcript's sampled tokens; it must share their tokenizer."""
        ...


class ScoringPolicy(Policy, Scorer, Protocol):
    """A policy that also scores."""


class Environment(Protocol):
    """Says what problems are: how one is proposed, read, grounded, shown to a solver, and judged."""

    name: str
    verifier: str
    """Name of the verifier that judges answers (`verifiers.VERIFIERS`)."""
    roles: tuple[str, ...]
    """Which roles a policy can play: `proposer` and `solver`, or `solver` alone where problems are given."""
    levels: range
    """All levels that can be drawn, easiest first."""
    tasks: tuple[str, ...]
    """Kinds of problems that a proposer can be asked for; a single one in most environments."""

    def draw(self, level: int, rng: random.Random) -> Draft:
        """A problem drawn uniformly from a level."""
        ...

    def num_problems(self, level: int) -> int:
        """How many different problems a level has."""
        ...

    def held_out(self, level: int) -> Sequence[Draft] | None:
        """Different problems of a level that are for measuring and are never drawn, in an order that does not change;
        None where the held-out split is drawn like any other problems."""
        ...

    def ground(self, drafts: Sequence[Draft]) -> list[Problem | Rejection]:
        """Find each draft's reference (run it, solve it); code runs only in the verifiers' worker processes."""
        ...

    def proposer_prompt(self, rng: random.Random) -> Prompt:
        """What asks a policy for a new problem."""
        ...

    def task_of(self, problem: Problem) -> str:
        """Which of the tasks a problem is of."""
        ...

    def task_prompt(self, task: str, examples: Sequence[Problem], rng: random.Random) -> Prompt:
        """`proposer_prompt` for one task, with problems of that task as examples where the environment shows any."""
        ...

    def related_prompt(self, target: Problem, rng: random.Random) -> Prompt | None:
        """What asks for a new problem on the way to `target`; None if this cannot be asked for here."""
        ...

    def proposer_reply(self, problem: Problem) -> tuple[Prompt, str]:
        """The prompt and reply with which a proposer would have written this problem (for demonstrations)."""
        ...

    def stop_text(self) -> str | None:
        """The token with which a proposal ends, if lengthening it makes problems harder (for exploration)."""
        ...

    def read_problem(self, completion: str) -> Draft | Rejection:
        """Read a proposer's reply. Never raises, never runs anything, whatever the text."""
        ...

    def mutate(self, draft: Draft, rng: random.Random, share: float) -> Draft:
        """The same kind of problem at the same level with about `share` of its content redrawn."""
        ...

    def solver_prompt(self, problem: Problem, rng: random.Random, filler: int) -> Prompt:
        """The problem as a solver sees it, with up to `filler` harmless insertions that leave the answer as it is."""
        ...

    def solver_reply(self, problem: Problem) -> str:
        """The reference solution, written as a solver should (forced prefix included)."""
        ...

    def augment(self, problem: Problem, reply: str, rng: random.Random) -> tuple[Problem, str]:
        """An equivalent problem, and the reply carried over by the same symmetry (renaming): as right as before."""
        ...

    def reorder(self, draft: Draft, rng: random.Random) -> Draft:
        """The same problem with its independent parts in another order; the draft itself where order says nothing."""
        ...

    def compose(self, first: Problem, second: Problem) -> Draft | Rejection:
        """One problem made of two, the second going on where the first ends; a Rejection where they do not fit."""
        ...

    def prose(self, problem: Problem) -> str | None:
        """The part of the problem that is free prose, which may be put in other words; None if no part is."""
        ...

    def reword(self, problem: Problem, text: str) -> Problem | Rejection:
        """The problem with `text` for its prose: same reference, with `problem` as its parent. Never raises."""
        ...

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        """The answer in a solver's reply, or None if there is none. Never raises, never runs anything."""
        ...

    def vocabulary(self) -> list[str]:
        """Text pieces that a tokenizer made from scratch for this environment keeps whole."""
        ...


class Game(Protocol[State]):
    """The rules of a game that policies play in turns. A state is an immutable value that only the game looks into."""

    name: str
    seats: tuple[str, ...]
    """The role of each seat, in order: what a transcript of that seat carries."""

    def reset(self, rng: random.Random) -> State:
        """A first state; what chance decides (a deal) is drawn from `rng`."""
        ...

    def to_move(self, state: State) -> int | None:
        """The seat whose turn it is; None when the game is over."""
        ...

    def legal(self, state: State) -> list[str]:
        """The moves of the seat whose turn it is, as text, in a fixed order; none when the game is over."""
        ...

    def observation(self, state: State, seat: int) -> Prompt:
        """What a seat sees and is asked: nothing that is hidden from it."""
        ...

    def read_move(self, state: State, completion: str) -> str | None:
        """The move in a reply, legal or not; None if none can be read. Never raises."""
        ...

    def step(self, state: State, move: str) -> State:
        """The state after a legal move. Raises ValueError for another."""
        ...

    def returns(self, state: State) -> tuple[float, ...]:
        """What each seat has won when the game is over. Raises ValueError before."""
        ...

    def vocabulary(self) -> list[str]:
        """Text pieces that a tokenizer made from scratch for this game keeps whole."""
        ...


class Verifier(Protocol):
    """Judges answers in worker processes."""

    @property
    def name(self) -> str: ...

    def judge_of(self, problem: Problem) -> str:
        """Who decides about answers to this problem: "" if a program does (verified), else the judge's name (judged).

        Every verdict on the problem carries it as `judged_by`, also the verdict that a reply has no answer.
        """
        ...

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """One verdict for each (problem, answer text), in order."""
        ...


class Judge(Protocol):
    """Has opinions about replies that no program can check. It never sees a problem's reference.

    Ask about pairs through `judge.compare`, which asks in both orders.
    """

    @property
    def name(self) -> str:
        """Who it is: what verdicts that rest on it carry as `judged_by`. Never empty."""
        ...

    def prefer(self, comparisons: Sequence[Comparison]) -> list[Opinion]:
        """One opinion for each comparison, in order; each depends on its own comparison only."""
        ...

    def rate(self, replies: Sequence[tuple[Problem, str]], rubric: Sequence[Criterion]) -> list[Rating]:
        """One rating for each (problem, reply), in order; what it cannot say in the rubric's terms, it abstains on."""
        ...


class Learner(Protocol):
    """Turns a batch into a better policy. Owns the optimizer."""

    def update(self, batch: Batch, seed: int, rate: tuple[float, float] = (1.0, 1.0)) -> Mapping[str, float]:
        """Train on the batch; returns metrics (`loss`, `tokens`, `steps`, …).

        `rate` is the share of the peak learning rate at the first and at the last step, linear between.
        """
        ...

    def save(self, directory: Path) -> None:
        """Write weights and optimizer state (rank 0 writes, every rank calls)."""
        ...

    def load(self, directory: Path) -> None:
        """Restore exactly what `save` wrote."""
        ...
