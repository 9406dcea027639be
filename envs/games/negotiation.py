"""Negotiation: two seats divide a pool of things that each values differently, and neither knows the other's values.

The pool has a few things of each kind. Each seat has a private value for every kind; all of the pool is worth the same
`total_value` to both. In turns a seat makes an offer, `keep 2 0 1`: it keeps so many of each kind and the other gets
the rest. The other accepts, which ends the game with that division, refuses, which ends it with nothing for either, or
makes an offer of its own. After `max_offers` offers only accepting and refusing are left. Offers bind; there is no
other talk. Deals are uniform over all in which every kind is worth something to somebody, and some kind to both, as in
Lewis et al. 2017 (arXiv 1706.05125, section 3); that paper lets people talk, here an offer is all that is said.

With `payoff: own` (the default) a seat wins what its share is worth to it, from 0 to 1. This is not zero-sum, and is
meant not to be: since values differ, a good division is worth more to both than a bad one, and `best_total` says how
much is there to be had. With `payoff: difference` it wins its share's worth less the other's, which is zero-sum, so
that `exploitability` and methods for zero-sum games apply. The value of that game is 0: the first seat cannot lose by
keeping everything, nor the second by refusing; skill shows against whoever is not perfect.

Terse observations are the seat, the pool, its own values, and what was said: `<first>3 1 2/1 3 2/keep 2 0 1`. The
other's values are never shown, not even at the end.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Annotated, Literal

from pydantic import Field

from envs.base import Style
from envs.games.base import TextGame
from selfplay.errors import FieldError

KINDS = ("books", "hats", "balls")
Counts = tuple[int, ...]
"""A number for each kind."""


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about `negotiation`."""

    style: Style = "terse"
    """`terse` observations are a few tokens, for models made from scratch; `instruct` explains the game in words."""
    num_kinds: Annotated[int, Field(ge=2, le=len(KINDS))] = 3
    """How many kinds of things there are."""
    min_items: Annotated[int, Field(ge=2, le=9)] = 5
    """How many things the smallest pool has, at least one of each kind."""
    max_items: Annotated[int, Field(ge=2, le=9)] = 7
    """How many things the largest pool has."""
    total_value: Annotated[int, Field(ge=2, le=12)] = 10
    """What the whole pool is worth to each seat; the value of one thing is a whole number."""
    max_offers: Annotated[int, Field(ge=1, le=10)] = 4
    """How many offers are made at most, by both seats together."""
    payoff: Literal["own", "difference"] = "own"
    """Returns: `own` is the worth of a seat's share; `difference` is that less the worth of the other's (zero-sum)."""

    def __post_init__(self) -> None:
        if not self.num_kinds <= self.max_items >= self.min_items:
            raise FieldError(
                "max_items",
                f"got {self.max_items}, expected at least min_items and num_kinds ({self.min_items}, {self.num_kinds})",
            )


@dataclass(frozen=True, slots=True)
class State:
    """The pool, each seat's values, and what was said."""

    pool: Counts
    values: tuple[Counts, Counts]
    moves: tuple[str, ...] = ()


class Negotiation(TextGame[State]):
    """The game `negotiation`."""

    name = "negotiation"
    perfect_information = False

    def __init__(self, options: Options) -> None:
        self.options = options
        self.style = options.style
        self.zero_sum = options.payoff == "difference"
        self.max_moves = options.max_offers + 1
        self.kinds = KINDS[: options.num_kinds]
        self.move_pattern = re.compile(f"accept|refuse|keep(?: [0-9]){{{options.num_kinds}}}")
        aim = (
            "your share is worth to you" if options.payoff == "own" else "your share is worth to you, less the other's"
        )
        self.rules = (
            f"You divide a pool of {', '.join(self.kinds)} with another player. Each has private values for them; the "
            f"whole pool is worth {options.total_value} to each. In turns, make an offer: `keep` and then how many "
            f"{', '.join(self.kinds)} you keep, such as `keep {' '.join('1' for _ in self.kinds)}`; the other gets the "
            "rest. Who has an offer may `accept` it, which ends the game with that division, or `refuse`, which ends "
            f"it with nothing for either, or make an offer in turn. There are at most {options.max_offers} offers; "
            f"the last can only be accepted or refused. Your result is what {aim}."
        )

    @cached_property
    def _deals(self) -> list[State]:
        options = self.options
        pools = product(range(1, options.max_items + 1), repeat=options.num_kinds)
        found = []
        for pool in pools:
            if options.min_items <= sum(pool) <= options.max_items:
                values = list(_valuations(pool, options.total_value))
                found += [State(pool, (a, b)) for a, b in product(values, values) if _at_stake(a, b)]
        return found

    def reset(self, rng: random.Random) -> State:
        return rng.choice(self._deals)

    def deals(self) -> list[tuple[float, State]]:
        """Every pool with every pair of valuations, equally likely: 5,793 with the default options."""
        return [(1 / len(self._deals), state) for state in self._deals]

    def to_move(self, state: State) -> int | None:
        over = bool(state.moves) and state.moves[-1] in ("accept", "refuse")
        return None if over else len(state.moves) % 2

    def legal(self, state: State) -> list[str]:
        """Answers first, then offers in the order of the numbers they keep."""
        if self.to_move(state) is None:
            return []
        answers = ["accept", "refuse"] if state.moves else []
        if len(state.moves) == self.options.max_offers:
            return answers
        offers = product(*(range(count + 1) for count in state.pool))
        return answers + [f"keep {_text(kept)}" for kept in offers]

    def terse(self, state: State, seat: int) -> str:
        return f"<{self.seats[seat]}>" + "/".join([_text(state.pool), _text(state.values[seat]), *state.moves])

    def describe(self, state: State, seat: int) -> str:
        things = zip(state.pool, self.kinds, state.values[seat], strict=True)
        pool = "\n".join(f"{kind}: {count}, each worth {value} to you" for count, kind, value in things)
        moves = ", ".join(f"{self.seats[turn % 2]}: {move}" for turn, move in enumerate(state.moves))
        return f"The pool:\n{pool}\nSaid so far: {moves or 'nothing'}"

    def step(self, state: State, move: str) -> State:
        self.check(state, move)
        return replace(state, moves=(*state.moves, move))

    def returns(self, state: State) -> tuple[float, ...]:
        """The worth of each seat's share as a part of `total_value`, or the difference; 0 each after a refusal."""
        self.check_over(state)
        if state.moves[-1] == "refuse":
            return (0.0, 0.0)
        offerer = len(state.moves) % 2  # who said what comes before `accept`
        kept = tuple(map(int, state.moves[-2].split()[1:]))
        rest = tuple(count - number for count, number in zip(state.pool, kept, strict=True))
        shares = (kept, rest) if offerer == 0 else (rest, kept)
        first, second = (
            _worth(share, values) / self.options.total_value for share, values in zip(shares, state.values, strict=True)
        )
        return (first - second, second - first) if self.zero_sum else (first, second)

    def best_total(self, state: State) -> float:
        """The largest sum of both seats' worth that any division reaches, from 1 to 2: each thing to who values it."""
        best = tuple(map(max, *state.values))
        return _worth(state.pool, best) / self.options.total_value

    def vocabulary(self) -> list[str]:
        largest = max(self.options.max_items, self.options.total_value)
        numbers = [str(number) for number in range(largest + 1)]
        return [*(f"<{seat}>" for seat in self.seats), " ", "/", "keep", "accept", "refuse", *numbers]


def _text(counts: Counts) -> str:
    return " ".join(map(str, counts))


def _worth(share: Counts, values: Counts) -> int:
    return sum(count * value for count, value in zip(share, values, strict=True))


def _valuations(pool: Counts, total: int) -> Iterator[Counts]:
    """Every value for each kind with which the pool is worth `total`."""
    if len(pool) == 1:
        if total % pool[0] == 0:
            yield (total // pool[0],)
        return
    for value in range(total // pool[0] + 1):
        for rest in _valuations(pool[1:], total - value * pool[0]):
            yield (value, *rest)


def _at_stake(first: Counts, second: Counts) -> bool:
    """Whether every kind is worth something to somebody, and some kind to both."""
    pairs = list(zip(first, second, strict=True))
    return all(one or other for one, other in pairs) and any(one and other for one, other in pairs)
