"""What judges are asked, and what they say: frozen records. Standard library only.

A judge gives an opinion, where a verifier gives a verdict that a program stands behind. Whatever rests on an opinion
carries who gave it, and an opinion that could not be read or was taken back is an abstention, never a guess. Nothing
here asks a judge; `judge.py` does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from selfplay.types import Problem, Transcript


class Choice(StrEnum):
    """Which of two replies is better."""

    FIRST = "first"
    SECOND = "second"
    ABSTAIN = "abstain"

    @property
    def swapped(self) -> Choice:
        """The same choice when the two replies change places."""
        return {Choice.FIRST: Choice.SECOND, Choice.SECOND: Choice.FIRST}.get(self, self)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two replies to one problem, in the order in which a judge sees them."""

    problem: Problem
    first: str
    second: str
    principle: str = ""
    """What to go by; empty: the judge's own idea of better."""

    def swapped(self) -> Comparison:
        """The same question in the other order."""
        return replace(self, first=self.second, second=self.first)


@dataclass(frozen=True, slots=True)
class Opinion:
    """A judge's answer to one comparison in one order."""

    choice: Choice
    """Of the replies as they were shown."""
    probability: float | None = None
    """That the reply shown first is better, in [0, 1]; None if the judge says no such thing."""
    detail: str = ""
    transcript: Transcript | None = None
    """What a policy wrote as the judge, if one did."""
    fault: bool = False
    """Whether there is none because our machinery failed (an endpoint that did not answer), not the judge."""

    def __post_init__(self) -> None:
        _check_unit("probability", self.probability)
        _check_fault(self.fault, self.choice is Choice.ABSTAIN)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge has to say of one pair of replies: an opinion in each order. Only what both agree on counts."""

    comparison: Comparison
    judged_by: str
    forward: Opinion
    """In the comparison's own order."""
    backward: Opinion
    """In the other order, in terms of what was shown then."""

    @property
    def choice(self) -> Choice:
        """What both orders say; ABSTAIN if they differ."""
        same = self.forward.choice is self.backward.choice.swapped
        return self.forward.choice if same else Choice.ABSTAIN

    @property
    def fault(self) -> bool:
        """Whether one of the orders was never judged, by a fault of ours: it says nothing about the judge."""
        return self.forward.fault or self.backward.fault

    @property
    def probability(self) -> float | None:
        """That the first reply is better: the mean over both orders (RLAIF 2309.00267, section 3.1), or None."""
        if self.forward.probability is None or self.backward.probability is None:
            return None
        return (self.forward.probability + 1.0 - self.backward.probability) / 2

    @property
    def detail(self) -> str:
        """Why there is no choice."""
        if self.choice is not Choice.ABSTAIN:
            return ""
        if Choice.ABSTAIN in (self.forward.choice, self.backward.choice):
            return self.forward.detail or self.backward.detail or "the judge abstained"
        return "the two orders disagree"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question of a rubric, answered with a whole number from 0 to `top`."""

    name: str
    text: str
    top: int = 5
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.name or self.top < 1 or not 0.0 < self.weight < math.inf:
            raise ValueError(f"a criterion needs a name, top >= 1 and a positive weight, got {self!r}")


@dataclass(frozen=True, slots=True)
class Rating:
    """A judge's answer to a rubric about one reply."""

    score: float | None
    """Weighted mean of the criteria's shares of their tops, in [0, 1]; None: the judge abstained."""
    scores: tuple[tuple[str, int], ...] = ()
    """The answer to each criterion, by name, where the judge answers them one by one."""
    detail: str = ""
    transcript: Transcript | None = None
    fault: bool = False
    """As `Opinion.fault`."""

    def __post_init__(self) -> None:
        _check_unit("score", self.score)
        _check_fault(self.fault, self.score is None)


def _check_unit(name: str, value: float | None) -> None:
    if value is not None and not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} is {value!r}, expected a number from 0 to 1, or None for an abstention")


def _check_fault(fault: bool, abstains: bool) -> None:
    if fault and not abstains:
        raise ValueError("a fault cannot come with an opinion: expected an abstention")
