"""The judge of a run: made for whoever asks, counted whenever it is asked, and audited where the truth is known.

An audit asks the judge about problems that programs verify, each with a right reply (the environment's own) and a wrong
one made from it: a digit changed, the end left out, or words repeated, so that neither length nor form gives it away.
Only replies that the verifier decided are used. They are the same at every audit, so that figures of different rounds
compare. What it measures goes into the round's metrics under `judge`; nothing is trained on it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from selfplay.audit import Pair, audit_pairs, audit_ratings, known_pairs
from selfplay.config import JudgeConfig
from selfplay.judge import RUBRICS, compare, name_of
from selfplay.judgements import Choice, Comparison, Criterion, Opinion, Rating
from selfplay.protocols import Environment, Judge, Verifier
from selfplay.seeding import rng_for, seed_for
from selfplay.stages import pose, verify
from selfplay.types import Message, Problem, Transcript

MAX_WRONG = 6
"""Wrong replies that are tried for a problem, of which the verifier's word picks some."""


class Meter(Protocol):
    """What asking has cost, where it costs anything (`judges.endpoint_client.ChatClient`)."""

    def take_usage(self) -> Mapping[str, float]: ...
    def restore(self, usage: Mapping[str, float]) -> None: ...


@dataclass(frozen=True, slots=True)
class Bench:
    """Judges that differ in nothing but the seed of their draws, and what they cost together."""

    judge: Callable[[int], Judge]
    meter: Meter | None = None


@dataclass(slots=True)
class Tally:
    """How often a judge was asked, and what came of it."""

    asked: int = 0
    abstained: int = 0
    faults: int = 0
    tokens: int = 0
    """Of judgements that a policy of this run wrote, prompts included; judging without writing is not counted."""

    def count(self, answers: Sequence[Opinion] | Sequence[Rating]) -> None:
        """Add these answers."""
        for one in answers:
            says_nothing = one.choice is Choice.ABSTAIN if isinstance(one, Opinion) else one.score is None
            self.asked += 1
            self.faults += one.fault
            self.abstained += says_nothing and not one.fault
            self.tokens += len(one.transcript.token_ids) if one.transcript else 0


class CountedJudge:
    """A judge whose answers are counted."""

    def __init__(self, judge: Judge, tally: Callable[[], Tally]) -> None:
        self.judge = judge
        self.name = name_of(judge)
        self._tally = tally

    def prefer(self, comparisons: Sequence[Comparison]) -> list[Opinion]:
        opinions = self.judge.prefer(comparisons)
        self._tally().count(opinions)
        return opinions

    def rate(self, replies: Sequence[tuple[Problem, str]], rubric: Sequence[Criterion]) -> list[Rating]:
        ratings = self.judge.rate(replies, rubric)
        self._tally().count(ratings)
        return ratings


class Judging:
    """The judge of one run. `env` and `verifier` are where the truth is known, for audits."""

    def __init__(
        self, config: JudgeConfig, bench: Bench, env: Environment, verifier: Verifier, run_seed: int = 0
    ) -> None:
        self.config = config
        self.bench = bench
        self.env = env
        self.verifier = verifier
        self.seed = seed_for(run_seed, "judging")
        self.rubric = RUBRICS[config.rubric]
        self._tally = Tally()
        self._pairs: tuple[list[Pair], list[Choice]] | None = None

    def judge(self, seed: int = 0) -> Judge:
        """The judge with draws of its own: one that samples answers each seed anew."""
        return CountedJudge(self.bench.judge(seed), lambda: self._tally)

    @property
    def tokens(self) -> int:
        """Of the judgements that a policy of this run has written since the last line, prompts included."""
        return self._tally.tokens

    def line(self, number: int, last: bool = False) -> dict[str, Any]:
        """What metrics say of the judge after round `number` (-1: before the first): how often it was asked since the
        last line, and an audit if it is time."""
        tally, self._tally = self._tally, Tally()
        judge = self.bench.judge(seed_for(self.seed, "audit"))
        line: dict[str, Any] = {
            "name": name_of(judge),
            "asked": tally.asked,
            "abstained": tally.abstained,
            "faults": tally.faults,
            "tokens": tally.tokens,
        }
        every = self.config.audit.every
        if number < 0 or last or (every and (number + 1) % every == 0):
            line["audit"] = self.audit(judge)
        if self.bench.meter is not None:
            line["endpoint"] = dict(self.bench.meter.take_usage())
        return line

    def restore(self, metrics: Mapping[str, Any]) -> None:
        """Count what a past round took toward the budget."""
        used = metrics.get("judge", {}).get("endpoint")
        if used and self.bench.meter is not None:
            self.bench.meter.restore(used)

    def audit(self, judge: Judge) -> dict[str, Any]:
        """Accuracy, biases and calibration of preferences (`pairs`) and of ratings (`ratings`)."""
        if self._pairs is None:
            self._pairs = made_pairs(self.env, self.verifier, self.config.audit.num_pairs, self.seed)
        pairs, truths = self._pairs
        judged = audit_pairs(compare(judge, pairs, self.seed), truths)
        replies = [(problem, reply) for problem, *both in pairs for reply in both]
        rights = [right for truth in truths for right in (truth is Choice.FIRST, truth is Choice.SECOND)]
        rated = audit_ratings(judge.rate(replies, self.rubric), rights, self.config.threshold)
        return {"env": self.env.name, "pairs": judged.metrics(), "ratings": rated.metrics()}


def made_pairs(env: Environment, verifier: Verifier, count: int, seed: int) -> tuple[list[Pair], list[Choice]]:
    """At most `count` problems of all levels, each with a right and a wrong reply, and which of the two is right."""
    problems = [one for one in pose(env, list(env.levels), count, frozenset(), seed) if not verifier.judge_of(one)]
    replies = []
    for problem in problems:
        rng = rng_for(seed, "wrong", problem.id)
        right = env.solver_reply(problem)
        prefix = env.solver_prompt(problem, rng, 0).prefix
        made = dict.fromkeys(prefix + spoil(right.removeprefix(prefix), rng) for _ in range(MAX_WRONG))
        replies.append([_reply(text) for text in (right, *made)])
    return known_pairs(verify(problems, replies, env, verifier), seed, count)


def spoil(reply: str, rng: random.Random) -> str:
    """A reply that is probably wrong, as close to the right one as can be: of the same length, shorter or longer."""
    places = [match.start() for match in re.finditer(r"[0-9]", reply)]
    how = rng.choice(["digit", "digit", "shorter", "longer"])
    if places and (how != "shorter" or len(reply) < 2):
        place = rng.choice(places)
        changed = str((int(reply[place]) + rng.randint(1, 9)) % 10)
        reply = reply[:place] + changed + reply[place + 1 :]
        return reply + reply[-rng.randint(1, max(1, len(reply) // 2)) :] if how == "longer" else reply
    cut = rng.randint(1, max(1, len(reply) // 2))
    return reply[:-cut] if how == "shorter" else reply + reply[-cut:]


def _reply(text: str) -> Transcript:
    """A reply that nobody wrote."""
    return Transcript("solver", (Message("assistant", text),), (), (), (), -1, 0, True)
