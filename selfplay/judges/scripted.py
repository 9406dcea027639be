"""ScriptedJudge: a judge made of rules, whose faults are dials, so that whatever uses or audits judges can be tested.

It thinks a reply is as good as `quality` says (by default: words of the request that it takes up, and a fair length),
and errs as told: towards what is shown first, towards what is long, and at random, but the same way each time it is
asked the same thing. It is no measure of anything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

from selfplay.judge import check_rubric, digest, overall
from selfplay.judgements import Choice, Comparison, Criterion, Opinion, Rating
from selfplay.protocols import Environment, Verifier
from selfplay.seeding import rng_for
from selfplay.types import Problem

Quality = Callable[[Problem, str], float | None]
"""How good a reply to a problem is, in [0, 1]; None: it cannot be said."""

FAIR_LENGTH = (5, 200)
"""Words of a reply that is neither a stub nor a flood."""
_SHARPNESS = 8.0  # how fast a difference in quality becomes certainty

_WORD = re.compile(r"[^\W\d_]+")


def keyword_quality(problem: Problem, reply: str) -> float:
    """Mean of: the share of the request's words (four letters or more) taken up, and whether the length is fair."""
    wanted = {word.lower() for word in _WORD.findall(problem.prompt) if len(word) >= 4}
    words = [word.lower() for word in _WORD.findall(reply)]
    taken_up = len(wanted & set(words)) / len(wanted) if wanted else 1.0
    return (taken_up + (FAIR_LENGTH[0] <= len(words) <= FAIR_LENGTH[1])) / 2


class TruthQuality:
    """1 for a reply that a program finds right, 0 for one that it does not; None where it cannot decide.

    `truths` are environments with their verifiers, by the environment's name. What was decided is remembered.
    """

    def __init__(self, truths: Mapping[str, tuple[Environment, Verifier]]) -> None:
        self.truths = truths
        self._known: dict[tuple[str, str], float | None] = {}

    def __call__(self, problem: Problem, reply: str) -> float | None:
        self.learn([(problem, reply)])
        return self._known[problem.id, reply]

    def learn(self, replies: Sequence[tuple[Problem, str]]) -> None:
        """Find the truth about many at once."""
        new = {(problem.id, reply): problem for problem, reply in replies if (problem.id, reply) not in self._known}
        self._known |= dict.fromkeys(new)
        for name, (env, verifier) in self.truths.items():
            asked = []
            for (key, reply), problem in new.items():
                if problem.env == name:
                    answer = env.read_answer(problem, reply)
                    self._known[key, reply] = 0.0
                    if answer is not None:
                        asked.append((problem, reply, answer))
            for (problem, reply, _), verdict in zip(
                asked, verifier.verify([(problem, answer) for problem, _, answer in asked]), strict=True
            ):
                known = verdict.verified and verdict.status.decided
                self._known[problem.id, reply] = float(verdict.correct) if known else None


class ScriptedJudge:
    """Judges by rules. `order_bias`, `length_bias` and `noise` are in units of quality; at 0 it does not err so."""

    def __init__(
        self,
        quality: Quality = keyword_quality,
        *,
        name: str = "scripted",
        order_bias: float = 0.0,
        length_bias: float = 0.0,
        noise: float = 0.0,
        margin: float = 0.0,
        seed: int = 0,
    ) -> None:
        """`order_bias` is added to what is shown first; `length_bias` times the difference in length, as a share of
        the longer, to the longer reply; `noise` is the standard deviation of an error of each answer. A difference of
        at most `margin` is an abstention.
        """
        self.quality = quality
        self.name = name
        self.order_bias = order_bias
        self.length_bias = length_bias
        self.noise = noise
        self.margin = margin
        self.seed = seed

    def prefer(self, comparisons: Sequence[Comparison]) -> list[Opinion]:
        self._learn([(one.problem, reply) for one in comparisons for reply in (one.first, one.second)])
        return [self._prefer(one) for one in comparisons]

    def _learn(self, replies: Sequence[tuple[Problem, str]]) -> None:
        """Let a quality that asks a verifier ask it once."""
        if isinstance(self.quality, TruthQuality):
            self.quality.learn(replies)

    def _prefer(self, one: Comparison) -> Opinion:
        first, second = self.quality(one.problem, one.first), self.quality(one.problem, one.second)
        if first is None or second is None:
            return Opinion(Choice.ABSTAIN, None, "a reply cannot be judged")
        longest = max(len(one.first), len(one.second), 1)
        longer_by = (len(one.first) - len(one.second)) / longest
        lead = first - second + self.order_bias + self.length_bias * longer_by
        lead += self._error("prefer", one.problem.id, one.first, one.second, one.principle)
        choice = Choice.FIRST if lead > 0.0 else Choice.SECOND
        if abs(lead) <= self.margin:
            choice = Choice.ABSTAIN
        return Opinion(choice, 1.0 / (1.0 + math.exp(-_SHARPNESS * max(-50.0, min(50.0, lead)))))

    def rate(self, replies: Sequence[tuple[Problem, str]], rubric: Sequence[Criterion]) -> list[Rating]:
        check_rubric(rubric)
        self._learn(replies)
        return [self._rate(problem, reply, rubric) for problem, reply in replies]

    def _rate(self, problem: Problem, reply: str, rubric: Sequence[Criterion]) -> Rating:
        """The same quality for every criterion, to the nearest mark of its scale."""
        quality = self.quality(problem, reply)
        if quality is None:
            return Rating(None, (), "the reply cannot be judged")
        length = self.length_bias * min(1.0, len(reply) / 1000)
        value = min(1.0, max(0.0, quality + length + self._error("rate", problem.id, reply)))
        scores = {criterion.name: round(value * criterion.top) for criterion in rubric}
        return Rating(overall(scores, rubric), tuple(scores.items()))

    def _error(self, *asked: str) -> float:
        return rng_for(self.seed, "error", digest(*asked)).gauss(0.0, self.noise) if self.noise else 0.0
