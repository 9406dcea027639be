"""Verified augmentation: new problems from given ones, each with its parents, each admitted or refused for a reason.

`vary` renames, redraws numbers, reorders and composes, by what the environment offers; every variant is grounded again,
and its reference must pass the verifier. `paraphrase` has a policy put a problem in other words; nobody can execute
prose, so `screen` compares the solve rates of both wordings and quarantines the variant where they differ. That test
finds changes of meaning that change the difficulty; it cannot prove that a meaning stayed.

Problems of the held-out split are never varied: a renamed or reworded held-out problem would be one in all but its id.
Nothing here trains, and nothing is dropped silently.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from scipy.stats import boschloo_exact

from selfplay.gate import Gate
from selfplay.protocols import Environment, Policy, Verifier
from selfplay.seeding import rng_for, seed_for
from selfplay.stages import solve, verify
from selfplay.types import (
    Draft,
    Episode,
    Message,
    Problem,
    Prompt,
    Rejection,
    Request,
    Sampling,
    Transcript,
)

PARAPHRASER = "paraphraser"
"""The role of transcripts that put a problem in other words."""
SIGNIFICANCE = 0.05
"""Of the two-proportion test: so often a faithful paraphrase is quarantined."""
REDRAWN_SHARE = 1.0
"""How much of a problem `new_numbers` redraws."""
MAX_PROSE_FACTOR = 3.0
"""A paraphrase may be so many times as long as its parent, and as many times shorter."""
PARAPHRASE_REQUEST = (
    "Put the following problem in other words. Keep its meaning, every number and what is asked for exactly as they "
    "are, do not solve it, and reply with the new wording alone.\n\n"
)


@dataclass(frozen=True, slots=True)
class Variant:
    """What became of one attempt to make a new problem."""

    kind: str
    """A key of `VARIATIONS`, or `paraphrase`."""
    parents: tuple[str, ...]
    outcome: Problem | Rejection
    transcript: Transcript | None = None
    """Of the policy that wrote it, if one did."""

    @property
    def problem(self) -> Problem | None:
        return self.outcome if isinstance(self.outcome, Problem) else None


Variation = Callable[[Environment, Problem, Problem, random.Random], Draft | Problem | Rejection]
"""(environment, problem, another problem, randomness) → a draft to ground, or a problem that is grounded already."""


def rename(env: Environment, problem: Problem, other: Problem, rng: random.Random) -> Problem:
    """The problem under other names (`Environment.augment`)."""
    return env.augment(problem, env.solver_reply(problem), rng)[0]


def new_numbers(env: Environment, problem: Problem, other: Problem, rng: random.Random) -> Draft:
    """The same kind of problem with all of its content redrawn (`Environment.mutate`)."""
    return env.mutate(_draft(problem), rng, REDRAWN_SHARE)


def reorder(env: Environment, problem: Problem, other: Problem, rng: random.Random) -> Draft:
    """The problem with its independent parts in another order."""
    return env.reorder(_draft(problem), rng)


def compose(env: Environment, problem: Problem, other: Problem, rng: random.Random) -> Draft | Rejection:
    """The problem, continued by another."""
    return env.compose(problem, other)


VARIATIONS: Mapping[str, Variation] = {
    "rename": rename,
    "new_numbers": new_numbers,
    "reorder": reorder,
    "compose": compose,
}


def _draft(problem: Problem) -> Draft:
    return Draft(problem.prompt, problem.level, problem.parents, problem.payload)


def vary(
    problems: Sequence[Problem],
    env: Environment,
    verifier: Verifier,
    gate: Gate,
    seed: int,
    kinds: Sequence[str] = tuple(VARIATIONS),
) -> list[Variant]:
    """One variant of each kind for each problem, in order, grounded, verified and admitted.

    Reasons of its own: `held_out_parent`, `unchanged` (nothing of that kind can be varied), `reference_fails` (the
    verifier does not accept the variant's reference), `reference_undecided`; others are the environment's and the
    gate's. Raises KeyError for an unknown kind.
    """
    made: list[tuple[str, tuple[str, ...], Draft | Problem | Rejection]] = []
    for index, problem in enumerate(problems):
        for kind in kinds:
            rng = rng_for(seed, "vary", kind, index)
            other = problems[rng.randrange(len(problems))]
            parents = (problem.id, other.id) if kind == "compose" else (problem.id,)
            if gate.held_out.intersection(parents):
                made.append((kind, parents, Rejection("held_out_parent")))
                continue
            new = VARIATIONS[kind](env, problem, other, rng)
            if not isinstance(new, Rejection) and new.prompt == problem.prompt:
                new = Rejection("unchanged")
            made.append((kind, parents, new))
    drafts = [replace(new, parents=parents) for _, parents, new in made if isinstance(new, Draft)]
    grounded = iter(env.ground(drafts))
    outcomes = [next(grounded) if isinstance(new, Draft) else new for _, _, new in made]
    outcomes = [
        replace(new, parents=parents) if isinstance(new, Problem) else new
        for new, (_, parents, _) in zip(outcomes, made, strict=True)
    ]
    admitted = _admit(outcomes, verifier, gate)
    return [Variant(kind, parents, outcome) for (kind, parents, _), outcome in zip(made, admitted, strict=True)]


def _admit(outcomes: Sequence[Problem | Rejection], verifier: Verifier, gate: Gate) -> list[Problem | Rejection]:
    """Those whose reference passes the verifier, and that the gate admits."""
    found = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    verdicts = iter(verifier.verify([(problem, problem.reference) for problem in found]))
    checked: list[Problem | Rejection] = []
    for outcome in outcomes:
        if isinstance(outcome, Problem):
            verdict = next(verdicts)
            if verdict.correct:
                checked.append(gate.admit(outcome))
            else:
                decided = verdict.verified and verdict.status.decided  # a judge's word verifies no reference
                reason = "reference_fails" if decided else "reference_undecided"
                checked.append(Rejection(reason, f"{verdict.status}: {verdict.detail}"[:200]))
        else:
            checked.append(outcome)
    return checked


def paraphrase(
    policy: Policy, env: Environment, problems: Sequence[Problem], gate: Gate, seed: int, sampling: Sampling
) -> list[Variant]:
    """Each problem in the policy's words; not yet screened.

    Reasons: `no_prose`, `held_out_parent`, `unfinished`, `empty`, `unchanged`, `length` (more than three times longer
    or shorter), `numbers` (the multiset of numbers in it is not the parent's), and the environment's and the gate's.
    """
    texts = [None if problem.id in gate.held_out else env.prose(problem) for problem in problems]
    requests = [
        Request(
            PARAPHRASER,
            Prompt((Message("user", PARAPHRASE_REQUEST + text),)),
            seed_for(seed, "paraphrase", problem.id, index),
        )
        for index, (problem, text) in enumerate(zip(problems, texts, strict=True))
        if text is not None
    ]
    written = iter(policy.generate(requests, sampling))
    variants = []
    for problem, text in zip(problems, texts, strict=True):
        transcript = None if text is None else next(written)
        outcome: Problem | Rejection
        if text is None or transcript is None:
            outcome = Rejection("held_out_parent" if problem.id in gate.held_out else "no_prose")
        else:
            outcome = _read_paraphrase(env, problem, text, transcript)
        if isinstance(outcome, Problem):
            outcome = gate.admit(outcome)
        variants.append(Variant("paraphrase", (problem.id,), outcome, transcript))
    return variants


def _read_paraphrase(env: Environment, problem: Problem, text: str, transcript: Transcript) -> Problem | Rejection:
    new = transcript.completion.strip()
    if not transcript.stopped:
        return Rejection("unfinished")
    if not new:
        return Rejection("empty")
    if " ".join(new.split()) == " ".join(text.split()):
        return Rejection("unchanged")
    if not len(text) / MAX_PROSE_FACTOR <= len(new) <= len(text) * MAX_PROSE_FACTOR:
        return Rejection("length", f"{len(new)} characters for {len(text)}")
    if _numbers(new) != _numbers(text):
        return Rejection("numbers", f"{_numbers(new)[:10]} for {_numbers(text)[:10]}")
    return env.reword(problem, new)


def _numbers(text: str) -> list[str]:
    """The runs of digits in a text, sorted."""
    digits = "".join(character if "0" <= character <= "9" else " " for character in text)
    return sorted(digits.split())


def screen(
    variants: Sequence[Variant],
    parents: Sequence[Problem],
    policy: Policy,
    env: Environment,
    verifier: Verifier,
    num_attempts: int,
    seed: int,
    sampling: Sampling,
    significance: float = SIGNIFICANCE,
) -> list[Variant]:
    """The variants, with those quarantined (`meaning_changed`) whose solve rate differs from their parent's.

    Every variant that is a problem, and its first parent (looked up in `parents` by id), is attempted `num_attempts`
    times and judged against the same reference; a pair with nothing decided on one side is refused as `undecided`.
    Raises KeyError for a parent that is not given.
    """
    known = {problem.id: problem for problem in parents}
    open_ones = [variant for variant in variants if variant.problem is not None]
    old = {variant.parents[0]: known[variant.parents[0]] for variant in open_ones}
    new = [variant.problem for variant in open_ones if variant.problem is not None]
    problems = [*old.values(), *new]
    attempts = solve(policy, env, problems, num_attempts, seed_for(seed, "screen"), sampling)
    episodes = {episode.problem.id: episode for episode in verify(problems, attempts, env, verifier)}
    return [
        variant
        if variant.problem is None
        else replace(variant, outcome=_screened(variant.problem, episodes, variant.parents[0], significance))
        for variant in variants
    ]


def _screened(
    problem: Problem, episodes: Mapping[str, Episode], parent: str, significance: float
) -> Problem | Rejection:
    before, after = episodes[parent], episodes[problem.id]
    if not before.num_decided or not after.num_decided:
        return Rejection("undecided", "no attempt was decided, so the wordings cannot be compared")
    chance = same_rate(before.num_correct, before.num_decided, after.num_correct, after.num_decided)
    if chance < significance:
        rates = f"{before.num_correct}/{before.num_decided} before, {after.num_correct}/{after.num_decided} after"
        return Rejection("meaning_changed", f"solved {rates} (p = {chance:.4f})")
    return problem


@lru_cache(maxsize=4096)
def same_rate(k_first: int, n_first: int, k_second: int, n_second: int) -> float:
    """p-value of equal success rates behind k of n and k of n: Boschloo's exact two-sided test (Boschloo 1970).

    Exact for few attempts too: equal rates are told apart no more often than the significance says, whatever they are.
    """
    if min(n_first, n_second) < 1 or not 0 <= k_first <= n_first or not 0 <= k_second <= n_second:
        raise ValueError(f"got {k_first} of {n_first} and {k_second} of {n_second}, expected 0 <= k <= n and n >= 1")
    table = [[k_first, k_second], [n_first - k_first, n_second - k_second]]
    if k_first * n_second == k_second * n_first:
        return 1.0
    value = float(boschloo_exact(table).pvalue)
    return 1.0 if math.isnan(value) else value


def refusals(variants: Sequence[Variant]) -> dict[str, int]:
    """How many variants were refused, as `kind/reason`."""
    counts: dict[str, int] = {}
    for variant in variants:
        if isinstance(variant.outcome, Rejection):
            name = f"{variant.kind}/{variant.outcome.reason}"
            counts[name] = counts.get(name, 0) + 1
    return counts
