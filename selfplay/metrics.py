"""A round in numbers: what happened, which tokens it took, what they cost. It times and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selfplay.credit import verdict_counts
from selfplay.evaluate import judged_metrics
from selfplay.gate import rejections
from selfplay.types import Episode, Match, Proposal

TRAINED_TOKEN_COST = 3
"""A trained token costs about three generated ones: forward, and twice that backward (Kaplan et al. 2001.08361)."""


def describe(number: int, proposals: Sequence[Proposal], episodes: Sequence[Episode]) -> dict[str, Any]:
    """What happened in a round, in numbers: the part of a metrics line that needs no clock.

    Everything is of what programs decided; what a judge decided is under `judged` (`evaluate.judged_metrics`), and a
    round in which nothing else was decided has no solve rate (None).
    """
    problems = [proposal.problem for proposal in proposals if proposal.problem is not None]
    well_formed = len(problems) + sum(rejections(proposals).get(reason, 0) for reason in ("duplicate", "held_out"))
    rates = [episode.solve_rate for episode in episodes if episode.solve_rate is not None]
    judged = judged_metrics(episodes)
    by_level: dict[int, list[float]] = {}
    for episode in episodes:
        if episode.solve_rate is not None:
            by_level.setdefault(episode.problem.level, []).append(episode.solve_rate)
    levels = sorted({problem.level for problem in problems})
    largest = max((len(episode.attempts) for episode in episodes), default=0)
    histogram = [0] * (largest + 1)
    for episode in episodes:
        histogram[episode.num_correct] += not episode.judged_only
    return {
        "iteration": number,
        "proposals": len(proposals),
        "valid": well_formed / len(proposals) if proposals else 0.0,
        "rejections": rejections(proposals),
        "problems": len(problems),
        "mean_level_proposed": sum(p.level for p in problems) / len(problems) if problems else 0.0,
        "levels_proposed": {str(level): sum(p.level == level for p in problems) for level in levels},
        "solve_rate": sum(rates) / len(rates) if rates else None if judged else 0.0,
        "solve_rates": {str(level): sum(by_level[level]) / len(by_level[level]) for level in sorted(by_level)},
        "solve_rate_histogram": histogram,
        "verdicts": verdict_counts(episodes),
        **({"judged": judged} if judged else {}),
    }


def written_tokens(
    proposals: Sequence[Proposal], episodes: Sequence[Episode], matches: Sequence[Match], num_trained: int
) -> dict[str, int]:
    """Tokens by what they were for; of play only where matches were played."""
    tokens = {
        "propose": sum(len(proposal.transcript.token_ids) for proposal in proposals),
        "solve": sum(len(a.transcript.token_ids) for episode in episodes for a in episode.attempts),
        "train": num_trained,
    }
    if matches:
        turns = [turn.transcript for match in matches for turn in match.turns if turn.transcript is not None]
        tokens["play"] = sum(len(transcript.token_ids) for transcript in turns)
    return tokens


def used_tokens(metrics: Mapping[str, Any]) -> int:
    """Compute of a round in generated-token equivalents; evaluation is not counted."""
    tokens = metrics["tokens"]
    generated = tokens["propose"] + tokens["solve"] + sum(tokens.get(name, 0) for name in ("judge", "play", "vote"))
    return int(generated + TRAINED_TOKEN_COST * tokens["train"])


def peak_memory_mb() -> float:
    """Peak resident memory of this process and, where they live, its workers, in MiB."""
    import resource

    import psutil

    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    workers = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            workers += child.memory_info().rss / 2**20
        except psutil.NoSuchProcess:
            continue
    return round(own + workers, 1)
