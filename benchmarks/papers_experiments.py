"""What is tried of each paper: its claim as a question about two arms of small runs, and how an answer is read off.

An arm is a configuration with overrides; all arms of an experiment start from the same warm model, a seed at a time,
so that they differ in what is asked about and in nothing else. A score is a number of a finished run, larger being
better. Nothing here runs anything; `papers` does.
"""

from __future__ import annotations

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


def held_out(levels: Sequence[int], when: str = "after") -> Score:
    """Mean held-out accuracy over levels."""

    def score(outcome: Outcome) -> float:
        by_level = next(iter(outcome["summary"]["held_out"][when].values()))
        return float(sum(by_level[str(level)] for level in levels)) / len(levels)

    return score


def metric(key: str, name: str, place: int = -1) -> Score:
    """A recipe's own figure in one of its rounds (the last); NaN where it was not measured."""

    def score(outcome: Outcome) -> float:
        value = outcome["metrics"][place][key][name]
        return float("nan") if value is None else float(value)

    return score


def levels_reached(threshold: float = 0.9) -> Score:
    """The highest level up to which every level is solved at least so often, held out."""

    def score(outcome: Outcome) -> float:
        by_level = next(iter(outcome["summary"]["held_out"]["after"].values()))
        reached = 0
        for level, accuracy in sorted((int(level), accuracy) for level, accuracy in by_level.items()):
            if accuracy < threshold:
                break
            reached = level
        return float(reached)

    return score


BEYOND = (5, 6, 7, 8)
"""Levels beyond the seed data's 1 to 4."""

EXPERIMENTS: tuple[Experiment, ...] = (
    Experiment(
        "star",
        "Equations of 5 to 10 numbers, seed data of 1 to 4; every round starts from the bootstrap's weights.",
        (
            Arm("with rationalisation", "configs/star/equations.yaml"),
            Arm("without", "configs/star/equations.yaml", ("options.rationalize=false",)),
        ),
        {"levels 5 to 10": held_out(range(5, 11)), "levels 5 to 10 before": held_out(range(5, 11), "before")},
        (
            Question("STaR improves on its start", "without", START, "levels 5 to 10"),
            Question("Rationalisation beats none", "with rationalisation", "without", "levels 5 to 10"),
        ),
        start="configs/star/equations.yaml",
    ),
    Experiment(
        "rest_em",
        "Programs of 5 to 8 operations, seed data of 1 to 4; four rounds, each from the bootstrap's weights.",
        (
            Arm("at most 10 right ones a problem", "configs/rest_em/programs.yaml"),
            Arm("no cap", "configs/rest_em/programs.yaml", ("options.max_correct=16",)),
            Arm("RFT (one round, distinct)", "configs/rest_em/programs.yaml", ("options.distinct=true", "rounds=1")),
        ),
        {"levels 5 to 8": held_out(BEYOND), "levels 5 to 8 before": held_out(BEYOND, "before")},
        (
            Question("ReST-EM improves on its start", "at most 10 right ones a problem", START, "levels 5 to 8"),
            Question(
                "Rounds after the first still help",
                "at most 10 right ones a problem",
                "RFT (one round, distinct)",
                "levels 5 to 8",
            ),
            Question("The cap helps", "at most 10 right ones a problem", "no cap", "levels 5 to 8"),
        ),
    ),
    Experiment(
        "ttrl",
        "Programs without answers: of 4 to 6 operations, where votes are often right, and of 9 and 10, where they are "
        "not.",
        (
            Arm("levels 4 to 6", "configs/ttrl/programs.yaml"),
            Arm("levels 9 and 10", "configs/ttrl/programs.yaml", ("options.levels=[9, 10]",)),
        ),
        {
            "levels 4 to 6": held_out((4, 5, 6)),
            "levels 4 to 6 before": held_out((4, 5, 6), "before"),
            "levels 9 and 10": held_out((9, 10)),
            "levels 9 and 10 before": held_out((9, 10), "before"),
            "label accuracy": metric("ttrl", "label_accuracy"),
        },
        (
            Question("Votes improve what they are often right about", "levels 4 to 6", START, "levels 4 to 6"),
            Question("Votes improve what they are wrong about", "levels 9 and 10", START, "levels 9 and 10"),
            Question(
                "Labels are right more often where attempts are", "levels 4 to 6", "levels 9 and 10", "label accuracy"
            ),
        ),
    ),
    Experiment(
        "length_generalization",
        "Programs, one operation more each round from 5 to 14, seed data of 1 to 4.",
        tuple(
            Arm(name, "configs/length_generalization/programs.yaml", (f"options.filter={name}",))
            for name in ("none", "length", "majority", "verifier")
        ),
        {"level reached": levels_reached(), "levels 5 to 14": held_out(range(5, 15))},
        (
            Question("Agreement beats no filter", "majority", "none", "levels 5 to 14"),
            Question("The length filter beats none", "length", "none", "levels 5 to 14"),
            Question("A verifier beats agreement", "verifier", "majority", "levels 5 to 14"),
        ),
    ),
    Experiment(
        "spin",
        "Programs of 1 to 4 operations, from a model that is only half warmed up.",
        (Arm("SPIN", "configs/spin/programs.yaml"),),
        {
            "own text equals the data's": metric("spin", "same"),
            "own text equals the data's before": metric("spin", "same", 0),
            "levels 1 to 4": held_out((1, 2, 3, 4)),
            "levels 1 to 4 before": held_out((1, 2, 3, 4), "before"),
        },
        (
            Question("The model's own text moves toward the data", "SPIN", START, "own text equals the data's"),
            Question("It solves more", "SPIN", START, "levels 1 to 4"),
        ),
        start="configs/spin/programs.yaml",
    ),
)
"""What `make papers` runs, in this order."""
