"""Comparing designs over seeds: intervals and paired tests for a handful of runs. Numbers in, numbers out.

Runs are paired by seed, because a seed names the start, the seed data and the held-out split alike. It reads no files.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

NUM_RESAMPLES = 10_000
RESAMPLING_SEED = 20_250_103
MAX_EXACT_PAIRS = 16


@dataclass(frozen=True, slots=True)
class Row:
    """One design over its seeds, and its difference from the first design."""

    name: str
    scores: tuple[float, ...]
    """One a seed, in order of the seeds that have finished."""
    mean: float
    interval: tuple[float, float]
    """95 % bootstrap interval of the mean over seeds; NaN for fewer than two seeds."""
    difference: float
    """Mean over shared seeds of this score minus the first design's; NaN where none is shared."""
    p_value: float
    """Of the paired sign-flip test of that difference; NaN for the first design and for no shared seed."""
    num_pairs: int


def rows(scores: Mapping[str, Mapping[int, float]]) -> list[Row]:
    """A row for each design, in order; `scores` by design and seed, the first design being the one compared with.

    Designs without a finished run are left out. Raises ValueError if there is none at all.
    """
    found = {name: by_seed for name, by_seed in scores.items() if by_seed}
    if not found:
        raise ValueError("no run has finished: expected at least one")
    first = next(iter(found))
    table = []
    for name, by_seed in found.items():
        values = tuple(by_seed[seed] for seed in sorted(by_seed))
        shared = sorted(set(by_seed) & set(found[first])) if name != first else []
        differences = [by_seed[seed] - found[first][seed] for seed in shared]
        table.append(
            Row(
                name,
                values,
                statistics.fmean(values),
                bootstrap_interval(values),
                statistics.fmean(differences) if differences else math.nan,
                sign_flip_test(differences),
                len(differences),
            )
        )
    return table


def bootstrap_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean (Efron 1979), always from the same resamples; NaN for under two values.

    With a handful of values it is somewhat too narrow: read it together with the values.
    """
    if len(values) < 2:
        return math.nan, math.nan
    rng = np.random.default_rng(RESAMPLING_SEED)
    data = np.asarray(values, dtype=np.float64)
    means = data[rng.integers(0, len(data), (NUM_RESAMPLES, len(data)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def sign_flip_test(differences: Sequence[float]) -> float:
    """Two-sided p-value that the mean of paired differences is 0 (Fisher 1935): the share of sign patterns whose mean
    is at least as far from 0. Exact for up to 16 pairs, from 10,000 random patterns beyond; NaN for no pair.

    With n pairs it cannot be below 2 / 2^n: five seeds give 0.0625 at best.
    """
    if not differences:
        return math.nan
    data = np.asarray(differences, dtype=np.float64)
    if len(data) <= MAX_EXACT_PAIRS:
        signs = np.array(list(product((1.0, -1.0), repeat=len(data))))
        extra = 0
    else:
        signs = np.random.default_rng(RESAMPLING_SEED).choice([1.0, -1.0], (NUM_RESAMPLES, len(data)))
        extra = 1  # the observed pattern itself
    observed = abs(data.sum())
    extreme = int((np.abs(signs @ data) >= observed - 1e-12 * max(1.0, observed)).sum())
    return (extreme + extra) / (len(signs) + extra)


def curve(points: Sequence[tuple[float, float]], at: Sequence[float]) -> list[float]:
    """The score of a run at each of `at` tokens, linear between its (tokens, score) points; NaN outside of them."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    inside = np.interp(at, xs, ys, left=math.nan, right=math.nan)
    return [float(value) for value in inside]
