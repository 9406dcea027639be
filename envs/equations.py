"""Equations and inequalities to solve for their unknowns, in four kinds with levels of their own.

- `linear` (`envs.mathematics.linear`): `x+3-5=4`, numbers moved to the right-hand side one by one; 16 levels.
- `quadratic` (`envs.mathematics.quadratics`): `x^2+3x-10=0`, all real solutions; 6 levels.
- `system` (`envs.mathematics.systems`): `2x+3y=7,x-y=1`, both unknowns; 5 levels.
- `inequality` (`envs.mathematics.inequalities`): `3-2x<=x+9` and `x^2-x-6>0`, the set of solutions; 6 levels.

One instance has one kind. They share a name because they are one family of tasks under one verifier, and their texts do
not collide: a linear one has no coefficient and no power, a quadratic one has a square and an equals sign, a system has
a comma, an inequality has < or >. Ids are hashes of name and text, so a split or a pool may hold several kinds.

This module chooses; how a kind is drawn, read and worked out is in the kind's own module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from envs.base import Style
from envs.mathematics.inequalities import Inequalities
from envs.mathematics.linear import LinearEquations
from envs.mathematics.quadratics import QuadraticEquations
from envs.mathematics.systems import Systems
from envs.mathematics.worked import WorkedProblems

Kind = Literal["linear", "quadratic", "system", "inequality"]


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about `equations`."""

    kind: Kind = "linear"
    """What is solved: linear or quadratic equations in one unknown, two linear equations in two, or inequalities."""
    style: Style = "terse"
    """`terse` prompts are bare equations, for models made from scratch; `instruct` explains the task in words."""
    max_level: Annotated[int, Field(ge=1)] | None = None
    """The hardest level that is accepted; null: all that the kind has."""

    def __post_init__(self) -> None:
        make(self)


def make(options: Options) -> LinearEquations | WorkedProblems:
    """The environment of the chosen kind. Raises FieldError for a level that the kind does not have."""
    return KINDS[options.kind](options)


KINDS: dict[Kind, type[LinearEquations] | type[WorkedProblems]] = {
    "linear": LinearEquations,
    "quadratic": QuadraticEquations,
    "system": Systems,
    "inequality": Inequalities,
}
