"""What counts as the same answer, as an explicit and versioned choice per data set.

Every field is a word or a small number, so that a policy can be recorded in a run's metadata and be part of a cache's
key. It reads no answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache

POLICY_VERSION = 1
"""Rises whenever the same policy could give another verdict on the same pair."""

_CHOICES = {
    "percent": ("fraction", "number"),
    "units": ("optional", "required", "ignore"),
    "degrees": ("optional", "required", "ignore"),
    "order": ("set", "list"),
    "set_versus_tuple": ("strict", "lenient"),
    "text_case": ("ignore", "strict"),
}
_EXTRACTIONS = ("boxed", "whole", "last_line")
AFTER = "after:"


@dataclass(frozen=True, slots=True)
class MathPolicy:
    """How answers are found and compared. Raises ValueError for a value that is no choice."""

    extraction: str = "boxed"
    """Where the answer is: `boxed` (the last balanced \\boxed{}), `whole` (the text is the answer), `last_line`, or
    `after:MARKER` (what follows the last MARKER on its line)."""
    percent: str = "fraction"
    """`fraction`: 50% is 1/2 and never 50. `number`: the sign is dropped."""
    units: str = "optional"
    """`optional`: may be missing on one side, must agree (after conversion) if on both. `required`: an answer needs a
    unit where the reference has one. `ignore`: units are dropped."""
    degrees: str = "optional"
    """The same for the degree sign."""
    order: str = "set"
    """Whether the order of a bare list `1, 2` does not matter (`set`) or does (`list`). Tuples are always ordered."""
    set_versus_tuple: str = "strict"
    """`lenient`: the set {1,2}, the tuple (1,2) and the bare list 1, 2 may be the same."""
    min_significant_digits: int = 4
    """A decimal stands for an exact value that it rounds (half a unit in its last digit) if it has as many digits."""
    text_case: str = "ignore"
    """Whether `East` is `east`."""
    version: int = POLICY_VERSION

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"policy {name} is {getattr(self, name)!r}; expected one of {', '.join(choices)}")
        marker = self.extraction.removeprefix(AFTER) if self.extraction.startswith(AFTER) else ""
        if self.extraction not in _EXTRACTIONS and not marker.strip():
            known = ", ".join(_EXTRACTIONS)
            raise ValueError(f"policy extraction is {self.extraction!r}; expected one of {known} or after:MARKER")
        if not 1 <= self.min_significant_digits <= 100:
            raise ValueError(
                f"policy min_significant_digits is {self.min_significant_digits}; expected a number from 1 to 100"
            )
        if self.version != POLICY_VERSION:
            raise ValueError(f"policy version is {self.version}; this code knows version {POLICY_VERSION} only")

    def override(self, values: Mapping[str, object]) -> MathPolicy:
        """The policy with some fields replaced, texts such as "4" read as numbers where one is expected."""
        names = {one.name for one in fields(self)}
        if unknown := sorted(set(values) - names):
            raise ValueError(f"policy has no field {unknown[0]!r}; its fields are {', '.join(sorted(names))}")
        changes: dict[str, object] = {}
        for name, value in values.items():
            if name in ("min_significant_digits", "version"):
                if not str(value).isascii() or not str(value).isdigit():
                    raise ValueError(f"policy {name} is {value!r}; expected a whole number")
                value = int(str(value))
            changes[name] = value
        return replace(self, **changes)  # type: ignore[arg-type]

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


FIELDS = tuple(one.name for one in fields(MathPolicy))


@lru_cache(maxsize=256)
def from_json(text: str) -> MathPolicy:
    """The policy that `to_json` wrote."""
    return MathPolicy(**json.loads(text))
