"""Held-out evaluation: greedy accuracy by level on a frozen split, with intervals, and pass@k.

Accuracy and pass@k are of what a program decided; what a judge decided has measures of its own (`judged_…`).

The split of an environment depends on its name and the level only, not on the run: every run of every recipe is
measured on the same problems, drawn uniformly, and the gate keeps their ids out of training. An environment of given
problems may say itself which ones are kept for this.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from scipy.stats import binomtest

from selfplay.credit import verdict_counts
from selfplay.protocols import Environment, Policy, Verifier
from selfplay.seeding import rng_for
from selfplay.stages import solve, verify
from selfplay.types import Draft, Episode, Problem, Sampling

HELD_OUT_SEED = 20_250_101
"""Names the held-out splits; changing it changes every number ever reported."""


def held_out_split(env: Environment, levels: Sequence[int], num_problems: int) -> dict[int, list[Problem]]:
    """Up to `num_problems` distinct problems for each level: the first of those that the environment keeps for this
    (`Environment.held_out`), or else drawn uniformly; fewer where a level has fewer.

    A larger `num_problems` extends a smaller one: the first problems are the same.
    """
    split: dict[int, list[Problem]] = {}
    for level in levels:
        kept = env.held_out(level)
        drafts = _drawn(env, level, num_problems) if kept is None else kept[:num_problems]
        split[level] = [problem for problem in env.ground(drafts) if isinstance(problem, Problem)]
    return split


def _drawn(env: Environment, level: int, num_problems: int) -> list[Draft]:
    rng = rng_for(HELD_OUT_SEED, "held-out", env.name, level)
    drafts: dict[str, Draft] = {}
    for _ in range(20 * num_problems):
        draft = env.draw(level, rng)
        drafts.setdefault(draft.prompt, draft)
        if len(drafts) == num_problems:
            break
    return list(drafts.values())


def evaluate(
    policy: Policy,
    env: Environment,
    verifier: Verifier,
    split: dict[int, list[Problem]],
    max_new_tokens: int,
    *,
    num_attempts: int = 1,
    temperature: float = 0.0,
    seed: int = 0,
) -> dict[int, list[Episode]]:
    """Episodes by level: greedy and one attempt, unless told otherwise. All levels go through in one batch."""
    problems = [problem for level in split.values() for problem in level]
    sampling = Sampling(temperature=temperature, max_new_tokens=max_new_tokens)
    attempts = solve(policy, env, problems, num_attempts, seed, sampling)
    episodes = iter(verify(problems, attempts, env, verifier))
    return {level: [next(episodes) for _ in problems] for level, problems in split.items()}


def accuracy(episodes: Sequence[Episode]) -> float:
    """Mean solve rate over problems with an attempt that a program decided; NaN if there is none."""
    rates = [episode.solve_rate for episode in episodes if episode.solve_rate is not None]
    return sum(rates) / len(rates) if rates else math.nan


def judged_rate(episodes: Sequence[Episode]) -> float:
    """Mean share of good attempts over problems with one that a judge decided; NaN if there is none.

    It is no accuracy, and is never shown under that name.
    """
    rates = [episode.judged_rate for episode in episodes if episode.judged_rate is not None]
    return sum(rates) / len(rates) if rates else math.nan


def judged_only(episodes: Sequence[Episode]) -> bool:
    """Whether a judge was asked about all attempts, and there are some: then there is no accuracy to speak of."""
    attempted = [episode for episode in episodes if episode.attempts]
    return bool(attempted) and all(episode.judged_only for episode in attempted)


def judged_metrics(episodes: Sequence[Episode]) -> dict[str, Any]:
    """What judges said in a round, for the key `judged` of its metrics; {} if none was asked.

    `by`: attempts that each judge was asked about. `verdicts`: attempts by status, `correct` being the judge's word.
    `rate`, and `rates` by level: `judged_rate`, only where a judge decided something.
    """
    judges = Counter(a.verdict.judged_by for e in episodes for a in e.attempts if not a.verdict.verified)
    if not judges:
        return {}
    found: dict[str, Any] = {"by": dict(sorted(judges.items())), "verdicts": verdict_counts(episodes, judged=True)}
    decided = [episode for episode in episodes if episode.num_judged]
    if decided:
        levels = sorted({episode.problem.level for episode in decided})
        found["rate"] = judged_rate(decided)
        found["rates"] = {str(n): judged_rate([e for e in decided if e.problem.level == n]) for n in levels}
    return found


def mean_pass_at_k(episodes: Sequence[Episode], k: int) -> float:
    """Mean pass@k over problems with at least k attempts that were left to a program; 0 if there is none."""
    counts = [(e.num_correct, sum(a.verdict.verified for a in e.attempts)) for e in episodes]
    passes = [pass_at_k(num_correct, num_attempts, k) for num_correct, num_attempts in counts if num_attempts >= k]
    return sum(passes) / len(passes) if passes else 0.0


def pass_at_k(num_correct: int, num_attempts: int, k: int) -> float:
    """Unbiased chance that at least one of k attempts is correct (Chen et al. 2107.03374, eq. 1)."""
    if k > num_attempts:
        raise ValueError(f"pass@{k} needs at least {k} attempts, got {num_attempts}")
    return 1.0 - math.comb(num_attempts - num_correct, k) / math.comb(num_attempts, k)


def wilson_interval(num_correct: int, num_problems: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a share."""
    interval = binomtest(num_correct, num_problems).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)
