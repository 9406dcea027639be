"""What a recipe is, in a few constants: `ABOUT = About(…)` in its module, which `scripts.recipes` lists.

The composition root reads two of them: which learners fit the recipe's batches, and how many models it trains. The
claim and the deviations are in the recipe's docstring, and are not repeated here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Truth = Literal["verified", "voted", "judged", "teacher", "data", "claimed"]
"""Who says what is right: a program, a majority, a judge, a teacher, the data, or one's own first answer."""


@dataclass(frozen=True, slots=True)
class About:
    """The facts of a recipe at a glance."""

    title: str
    """What it is called, in a few words."""
    papers: tuple[str, ...]
    """arXiv ids, the first one its own; none for a control."""
    learners: tuple[str, ...]
    """Values of `learner.name` that fit what it trains on, the usual one first."""
    roles: tuple[str, ...]
    """What its policies play."""
    truth: tuple[Truth, ...]
    """Who says what is right, by default first; the others are choices in its options."""
    policies: tuple[str, ...] = ("policy",)
    """The models that it trains. The first is the run's own: evaluated, and saved as the result."""
