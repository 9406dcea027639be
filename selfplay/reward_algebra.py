"""Composing rewards: a small algebra over formulas, and its form in a configuration.

Each combinator takes formulas `(k, n, context) -> Reward` (`learnability`) and gives one. Terms keep their names, and
always add up to the reward: what a combinator changes is a term of its own. In a configuration a reward is a name, or
a mapping with one of these keys:

- `{gate: [CONDITION, REWARD], otherwise: x}`: the reward where the condition pays more than 0, else x (0 if left out).
  Format and a verifier's word are gates, not summands.
- `{weighted: [[weight, REWARD], …]}`: the weighted sum.
- `{sequential: [REWARD, REWARD, …]}`: each next one is added only while all before it paid more than 0.
- `{clip: REWARD, low: x, high: y}`: kept between two bounds (either may be left out).

A name is a formula of the table (`azr` is short for `azr_code`: `SHORT_NAMES`), or `module:function`, a user's own
TRL-style reward function (`reward_functions`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selfplay.checking import nearest
from selfplay.errors import ConfigError
from selfplay.learnability import FORMULAS, SHORT_NAMES, Context, Formula
from selfplay.types import Reward

COMBINATORS = ("gate", "weighted", "sequential", "clip")


def constant(value: float, name: str = "constant") -> Formula:
    """The same for everything."""
    return lambda k, n, context: Reward(((name, value),))


def measured(name: str) -> Formula:
    """What the user's function `name` said; nothing said is 0, in a term `name` all the same."""

    def formula(k: int, n: int, context: Context) -> Reward:
        value = context.measured[name]
        return Reward(((name, 0.0 if value is None else value),))

    return formula


def gate(condition: Formula, formula: Formula, otherwise: float = 0.0) -> Formula:
    """`formula` where `condition` pays more than 0, else `otherwise` in a term `gated`."""

    def gated(k: int, n: int, context: Context) -> Reward:
        if condition(k, n, context).total > 0.0:
            return formula(k, n, context)
        return Reward((("gated", otherwise),))

    return gated


def weighted(parts: Sequence[tuple[float, Formula]]) -> Formula:
    """The weighted sum; terms of the same name are added."""

    def total(k: int, n: int, context: Context) -> Reward:
        return _sum((weight, formula(k, n, context)) for weight, formula in parts)

    return total


def sequential(formulas: Sequence[Formula]) -> Formula:
    """The sum of the formulas up to the first that does not pay more than 0, that one included."""

    def staged(k: int, n: int, context: Context) -> Reward:
        rewards = []
        for formula in formulas:
            rewards.append((1.0, formula(k, n, context)))
            if rewards[-1][1].total <= 0.0:
                break
        return _sum(rewards)

    return staged


def clip(formula: Formula, low: float | None = None, high: float | None = None) -> Formula:
    """The reward between two bounds; what that takes or gives is a term `clipped`."""

    def clipped(k: int, n: int, context: Context) -> Reward:
        reward = formula(k, n, context)
        total = reward.total
        bounded = total if low is None else max(low, total)
        bounded = bounded if high is None else min(high, bounded)
        return reward if bounded == total else Reward((*reward.terms, ("clipped", bounded - total)))

    return clipped


def _sum(rewards: Any) -> Reward:
    terms: dict[str, float] = {}
    for weight, reward in rewards:
        for name, value in reward.terms:
            terms[name] = terms.get(name, 0.0) + weight * value
    return Reward(tuple(terms.items()))


def read_reward(spec: object, path: str = "reward", known: Mapping[str, Formula] = FORMULAS) -> Formula:
    """The formula that a configuration's value describes. Raises ConfigError naming the place in it."""
    if isinstance(spec, str):
        if spec in known:
            return known[spec]
        if (full := SHORT_NAMES.get(spec)) in known:
            return known[str(full)]
        if ":" in spec:
            return measured(spec)
        own = "; a function of your own is written module:function" if "." in spec else ""
        raise ConfigError(f"{path}: no reward is called {spec!r}; {nearest(spec, known)}{own}")
    if not isinstance(spec, Mapping):
        raise ConfigError(f"{path}: got {spec!r}, expected a name or a mapping with one of {', '.join(COMBINATORS)}")
    found = [key for key in spec if key in COMBINATORS]
    if len(found) != 1:
        raise ConfigError(
            f"{path}: got {', '.join(map(str, spec)) or 'nothing'}, expected one of {', '.join(COMBINATORS)}"
        )
    key = found[0]
    reader: Callable[..., Formula] = {
        "gate": _read_gate, "weighted": _read_weighted, "sequential": _read_sequential, "clip": _read_clip
    }[key]  # fmt: skip
    return reader(spec, f"{path}.{key}", lambda inner, place: read_reward(inner, place, known))


Reader = Callable[[object, str], Formula]


def _read_gate(spec: Mapping[str, object], path: str, read: Reader) -> Formula:
    _only(spec, path, ("gate", "otherwise"))
    condition, formula = _list(spec["gate"], path, 2)
    otherwise = _number(spec.get("otherwise", 0.0), f"{path}.otherwise")
    return gate(read(condition, f"{path}[0]"), read(formula, f"{path}[1]"), otherwise)


def _read_weighted(spec: Mapping[str, object], path: str, read: Reader) -> Formula:
    _only(spec, path, ("weighted",))
    parts = []
    for index, part in enumerate(_list(spec["weighted"], path)):
        weight, inner = _list(part, f"{path}[{index}]", 2)
        parts.append((_number(weight, f"{path}[{index}][0]"), read(inner, f"{path}[{index}][1]")))
    return weighted(parts)


def _read_sequential(spec: Mapping[str, object], path: str, read: Reader) -> Formula:
    _only(spec, path, ("sequential",))
    return sequential([read(one, f"{path}[{index}]") for index, one in enumerate(_list(spec["sequential"], path))])


def _read_clip(spec: Mapping[str, object], path: str, read: Reader) -> Formula:
    _only(spec, path, ("clip", "low", "high"))
    bounds = [None if spec.get(name) is None else _number(spec[name], f"{path}.{name}") for name in ("low", "high")]
    low, high = bounds
    if low is not None and high is not None and low > high:
        raise ConfigError(f"{path}: got low {low:g} above high {high:g}, expected low <= high")
    return clip(read(spec["clip"], path), low, high)


def _only(spec: Mapping[str, object], path: str, keys: Sequence[str]) -> None:
    for key in spec:
        if key not in keys:
            raise ConfigError(f"{path}: got the unknown key {key!r}; {nearest(str(key), keys)}")


def _list(value: object, path: str, size: int | None = None) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)) or not value or (size is not None and len(value) != size):
        wanted = "a list" if size is None else f"a list of {size}"
        raise ConfigError(f"{path}: got {value!r}, expected {wanted}")
    return value


def _number(value: object, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or abs(value) == float("inf"):
        raise ConfigError(f"{path}: got {value!r}, expected a finite number")
    return float(value)


def functions_in(spec: object) -> list[str]:
    """The user's functions (`module:function`) that a reward names, each once."""
    if isinstance(spec, str):
        return [spec] if ":" in spec else []
    inner: Sequence[Any] = []
    if isinstance(spec, Mapping):
        inner = list(spec.values())
    elif isinstance(spec, (list, tuple)):
        inner = spec
    return list(dict.fromkeys(name for one in inner for name in functions_in(one)))
