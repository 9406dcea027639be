"""What can be chosen about each kind of judge, in frozen dataclasses that a configuration is checked against.

Those of an endpoint are in `endpoint_options`. Nothing here makes a judge: `scripts.judging` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from selfplay.errors import FieldError

Count = Annotated[int, Field(ge=1)]
NonNegative = Annotated[float, Field(ge=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
How = Literal["write", "choose", "likelihood"]


@dataclass(frozen=True, slots=True)
class ScriptedOptions:
    """A judge made of rules (`judges.scripted`), whose faults are dials in units of quality."""

    quality: Literal["words", "truth"] = "words"
    """What it goes by: words of the request that are taken up; or the truth, where a program knows it: 1 for a right
    reply, 0 for another. The second is for measuring what a judge's faults do."""
    order_bias: float = 0.0
    """Added to what is shown first."""
    length_bias: float = 0.0
    """Added to the longer reply, times the difference in length."""
    noise: NonNegative = 0.0
    """Standard deviation of an error of each answer."""
    margin: NonNegative = 0.0
    """A difference of at most this is an abstention."""


@dataclass(frozen=True, slots=True)
class RubricOptions:
    """The checks that a problem brings along (`verifiers.judge_rubric`): nothing to choose."""


@dataclass(frozen=True, slots=True)
class PolicyOptions:
    """The run's own model as the judge."""

    weights: Literal["current", "start"] = "current"
    """The model as it is, or as it was when the run began."""
    how: How = "write"
    """write: it writes a judgement, which is read strictly; choose: by the log-probabilities of its choices;
    likelihood: by how likely it finds the reply itself, which asks nothing of a model that cannot read."""
    temperature: NonNegative = 0.0
    """Of writing."""
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Of writing."""
    max_new_tokens: Count = 256
    """Longest judgement, in tokens."""
    margin: Annotated[float, Field(ge=0.0, lt=0.5)] = 0.0
    """Of a probability around one half: no preference (choose, likelihood)."""
    min_mass: Share = 0.0
    """Least probability of all choices together; below it the model abstains (choose)."""


@dataclass(frozen=True, slots=True)
class LocalOptions(PolicyOptions):
    """Another model on this machine as the judge."""

    path: str = ""
    """Its folder or hub id."""

    def __post_init__(self) -> None:
        if not self.path:
            raise FieldError("path", "got nothing, expected the folder or hub id of the model that judges")
        if self.weights != "current":
            raise FieldError("weights", "got start, expected current: another model is not trained")
        if self.how == "likelihood":
            raise FieldError("how", "got likelihood, expected write or choose: tokens of another model are not ours")
