"""LikelihoodJudge: a model that judges replies by how likely it finds them, and so needs to read no question.

Of two replies it prefers the one with the higher mean log-probability a token, under the problem's own solver prompt;
how sure it is, is the logistic function of the difference times their mean length (what Bradley and Terry's model makes
of sums of equal length). A rating is the geometric mean of the tokens' probabilities. It is self-confidence and no
more: a model that is surely wrong likes what is wrong. It abstains on problems of environments that it was not given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from selfplay.judge import check_rubric, overall
from selfplay.judgements import Choice, Comparison, Criterion, Opinion, Rating
from selfplay.protocols import Environment, ScoringPolicy
from selfplay.seeding import rng_for
from selfplay.types import Problem

MAX_LEAD = 50.0
"""Nats; beyond it a preference is certain."""


class LikelihoodJudge:
    """Judges with `policy`; `environments` by name say how it is shown a problem."""

    def __init__(
        self,
        policy: ScoringPolicy,
        environments: Mapping[str, Environment],
        *,
        name: str = "likelihood",
        margin: float = 0.0,
    ) -> None:
        self.policy = policy
        self.environments = environments
        self.name = name
        self.margin = margin

    def prefer(self, comparisons: Sequence[Comparison]) -> list[Opinion]:
        replies = [(one.problem, reply) for one in comparisons for reply in (one.first, one.second)]
        means = self._means(replies)
        return [self._opinion(means[2 * row], means[2 * row + 1]) for row in range(len(comparisons))]

    def _opinion(self, first: tuple[float, int] | None, second: tuple[float, int] | None) -> Opinion:
        if first is None or second is None:
            return Opinion(Choice.ABSTAIN, None, "a reply cannot be put to the model")
        lead = (first[0] - second[0]) * (first[1] + second[1]) / 2
        probability = 1.0 / (1.0 + math.exp(-max(-MAX_LEAD, min(MAX_LEAD, lead))))
        if abs(probability - 0.5) <= self.margin:
            return Opinion(Choice.ABSTAIN, probability, "within the margin")
        return Opinion(Choice.FIRST if lead > 0.0 else Choice.SECOND, probability)

    def rate(self, replies: Sequence[tuple[Problem, str]], rubric: Sequence[Criterion]) -> list[Rating]:
        """The same for every criterion."""
        check_rubric(rubric)
        return [self._rating(mean, rubric) for mean in self._means(replies)]

    def _rating(self, mean: tuple[float, int] | None, rubric: Sequence[Criterion]) -> Rating:
        if mean is None:
            return Rating(None, (), "the reply cannot be put to the model")
        share = math.exp(min(0.0, mean[0]))
        marks = tuple((one.name, round(share * one.top)) for one in rubric)
        return Rating(overall({one.name: share * one.top for one in rubric}, rubric), marks)

    def _means(self, replies: Sequence[tuple[Problem, str]]) -> list[tuple[float, int] | None]:
        """Mean log-probability a token, and the number of tokens; None for what cannot be put to the model."""
        shown = []
        for problem, reply in replies:
            env = self.environments.get(problem.env)
            prompt = None if env is None else env.solver_prompt(problem, rng_for(0, "judge", problem.id), 0)
            shown.append(prompt if prompt is not None and reply.startswith(prompt.prefix) else None)
        pairs = [(prompt, reply) for prompt, (_, reply) in zip(shown, replies, strict=True) if prompt is not None]
        written = self.policy.references("judge", pairs)
        sums = self.policy.log_probabilities(written) if written else []
        found = iter(
            [(total / max(1, text.num_sampled), text.num_sampled) for total, text in zip(sums, written, strict=True)]
        )
        return [None if prompt is None else next(found) for prompt in shown]
