"""Randomness by name: every random choice of a run has a seed hashed from what it is for.

No counters and no global generators, so a choice does not depend on the order of others, on batching, or on the number
of processes. Python's salted `hash` is never used.
"""

from __future__ import annotations

import hashlib
import random

import numpy as np


def seed_for(run_seed: int, *name: str | int) -> int:
    """63-bit seed for the choice called `name` in the run `run_seed`.

    >>> seed_for(0, "solve", 3, "ab12", 1) == seed_for(0, "solve", 3, "ab12", 1)
    True
    """
    text = "\x1f".join([str(run_seed), *map(str, name)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def rng_for(run_seed: int, *name: str | int) -> random.Random:
    """A generator of its own for the choice called `name`."""
    return random.Random(seed_for(run_seed, *name))


def uniforms(seeds: np.ndarray, step: int) -> np.ndarray:
    """One uniform in [0, 1) for each row seed at one step: SplitMix64 of (seed, step), shape (rows,), float64.

    Steele, Lea, Flood 2014 ("Fast splittable pseudorandom number generators"), used as a counter-based generator.
    """
    gamma = 0x9E3779B97F4A7C15
    offset = np.uint64((step + 1) * gamma & 0xFFFFFFFFFFFFFFFF)
    with np.errstate(over="ignore"):
        z = seeds.astype(np.uint64) + offset
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / float(1 << 53)
