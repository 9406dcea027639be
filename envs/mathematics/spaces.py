"""Texts that are equally likely, by independent choices of numbers; and a worked problem. Draws nothing by itself."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LETTERS = "tuvwxyz"
"""Unknowns: none of them is part of a number, and none stands alone in an English sentence."""


@dataclass(frozen=True, slots=True)
class Space:
    """Equally likely texts: one for each combination of choices, and none twice."""

    choices: tuple[Sequence[Any], ...]
    write: Callable[..., str]
    """The canonical text of one combination."""

    def __len__(self) -> int:
        return math.prod(map(len, self.choices))

    def draw(self, rng: random.Random) -> str:
        return self.write(*(rng.choice(choice) for choice in self.choices))


@dataclass(frozen=True, slots=True)
class Work:
    """A worked problem."""

    steps: tuple[str, ...]
    reference: str
    payload: Mapping[str, str]
    """What the verifier needs besides the reference."""
