"""What an experiment is made of: arms that are run, questions about two of them, and scores that are read off a run.

A score is a number of a finished run, larger being better unless the question says otherwise. Nothing here runs
anything, and nothing here knows a paper; `papers_experiments` has the experiments.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Outcome = Mapping[str, Any]
"""Of a finished run: its `summary` and the `metrics` of its rounds."""
Score = Callable[[Outcome], float]
START = "start"
"""The arm that every run has: the warm model before the first round."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to run."""

    name: str
    config: str
    overrides: tuple[str, ...] = ()
    """`{runs}` is the folder of the experiment's runs, `{seed}` the seed."""
    budget_of: str = ""
    """An earlier arm whose tokens (generated + 3 x trained) this one gets in place of its rounds."""
    warm: bool = True
    """Whether it starts from the experiment's warm model; false: as its configuration says."""


@dataclass(frozen=True, slots=True)
class Question:
    """Is the score of one arm above that of another?"""

    text: str
    """The claim, as a sentence that can be true or false."""
    better: str
    """The arm that the claim puts ahead."""
    worse: str
    """The arm that it is compared with; `start`: the same run before its first round."""
    score: str
    """A key of the experiment's scores."""
    smaller: bool = False
    """Whether the claim is that the score is smaller."""
    than: str = ""
    """The score of the other arm, where it is another one."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """One recipe's claims, tried at small scale."""

    recipe: str
    about: str
    """What was run, in a sentence or two."""
    arms: tuple[Arm, ...]
    scores: Mapping[str, Score]
    questions: tuple[Question, ...]
    start: str = "configs/quickstart.yaml"
    """Whose model and bootstrap warms all arms up."""
    num_seeds: int = 3
    setting: str = ""
    """What tells it from another experiment with the same recipe."""

    @property
    def title(self) -> str:
        """Recipe and setting."""
        return f"{self.recipe}, {self.setting}" if self.setting else self.recipe

    @property
    def stem(self) -> str:
        """What names of its files begin with."""
        return f"{self.recipe}-{self.setting}" if self.setting else self.recipe


def held_out(levels: Sequence[int], when: str = "after") -> Score:
    """Mean held-out accuracy over levels."""

    def score(outcome: Outcome) -> float:
        by_level = next(iter(outcome["summary"]["held_out"][when].values()))
        return float(sum(by_level[str(level)] for level in levels)) / len(levels)

    return score


def metric(key: str, name: str, place: int = -1) -> Score:
    """A recipe's own figure in one of the rounds that have it (the last); NaN where none has."""

    def score(outcome: Outcome) -> float:
        found = [own[name] for line in outcome["metrics"] if (own := line.get(key, {})).get(name) is not None]
        return float(found[place]) if found else math.nan

    return score


def proposed_level(place: int) -> Score:
    """Mean level of what was proposed in one of the rounds that propose."""

    def score(outcome: Outcome) -> float:
        found = [line["mean_level_proposed"] for line in outcome["metrics"] if line["mean_level_proposed"]]
        return float(found[place]) if found else math.nan

    return score


def near_half(turn: str, *, first: bool = False) -> Score:
    """Mean of 1 - 2|p - 1/2| over solve rates p, in the last (first) third of R-Zero's rounds of a turn; 1: all 1/2."""

    def score(outcome: Outcome) -> float:
        lines = [line for line in outcome["metrics"] if line["r_zero"]["turn"] == turn]
        total, weight = 0.0, 0
        third = max(1, len(lines) // 3)
        for line in lines[:third] if first else lines[-third:]:
            counts = line["solve_rate_histogram"]
            total += sum(n * (1 - 2 * abs(k / (len(counts) - 1) - 0.5)) for k, n in enumerate(counts))
            weight += sum(counts)
        return total / weight if weight else math.nan

    return score


def held_out_at(levels: Sequence[int], share: float) -> Score:
    """Mean held-out accuracy over levels at the first evaluation after a share of the rounds."""

    def score(outcome: Outcome) -> float:
        lines = outcome["metrics"]
        found = [line["held_out"] for line in lines[math.ceil(len(lines) * share) - 1 :] if line.get("held_out")]
        by_level = next(iter(found[0].values())) if found else {}
        return sum(by_level[str(level)] for level in levels) / len(levels) if found else math.nan

    return score


def yardstick(name: str, when: str = "after") -> Score:
    """A measure of play."""
    return lambda outcome: float(outcome["summary"]["yardsticks"][when][name])


def levels_gained(start: int, num_rounds: int, threshold: float = 0.9) -> Score:
    """Levels beyond `start` up to which every level is solved at least so often, held out, by round."""

    def score(outcome: Outcome) -> float:
        by_level = next(iter(outcome["summary"]["held_out"]["after"].values()))
        reached = 0
        for level, accuracy in sorted((int(level), accuracy) for level, accuracy in by_level.items()):
            if accuracy < threshold:
                break
            reached = level
        return (reached - start) / num_rounds

    return score
