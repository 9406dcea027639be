"""The growing training set: transcripts to imitate, drawn by weight and recency.

A pool is a window over what was verified lately. An item is one problem's usable transcripts (a draw takes one of
them); its chance is weight x recency^age. Pools hold no state but their items, so replaying the recorded rounds
rebuilds them exactly. What is worth putting in is decided by `credit.py`.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """One problem's worth of training material."""

    choices: tuple[T, ...]
    """Equally good renderings; a draw takes one uniformly."""
    weight: float
    """Relative chance to be drawn when new; > 0."""
    born: int
    """Round in which it was verified."""


class Pool(Generic[T]):
    """At most `capacity` items, oldest out first; an item's chance shrinks by `recency` (0..1] each round."""

    def __init__(self, capacity: int, recency: float) -> None:
        self.recency = recency
        self._items: deque[Item[T]] = deque(maxlen=capacity)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, items: Iterable[Item[T]]) -> None:
        self._items.extend(item for item in items if item.weight > 0.0)

    def draw(self, count: int, round_number: int, rng: random.Random) -> list[T]:
        """`count` choices with replacement; none from an empty pool."""
        items: Sequence[Item[T]] = list(self._items)
        if not items:
            return []
        chances = list(accumulate(item.weight * self.recency ** (round_number - item.born) for item in items))
        drawn = []
        for _ in range(count):
            item = items[min(len(items) - 1, bisect_right(chances, rng.random() * chances[-1]))]
            drawn.append(item.choices[rng.randrange(len(item.choices))])
        return drawn
