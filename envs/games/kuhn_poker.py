"""Kuhn poker: the smallest poker that has to be bluffed at. Two seats, three cards, one bet.

Both seats put one chip into the pot and are dealt one card each of jack, queen, king; higher wins. The first seat
checks or bets one chip. After a bet the other calls (and the higher card wins two chips) or folds (and loses one).
After a check the second seat checks (the higher card wins one chip) or bets, which the first then calls or folds.
Returns are in chips and sum to zero. Kuhn 1950, "A simplified two-person poker", in Contributions to the Theory of
Games I. Terse observations are the seat, its card and the moves so far: `<first>Q check bet`.

The value for the first seat is -1/18. The equilibria are a family with one parameter (`opponents.kuhn_equilibrium`);
`exploitability` says how far a policy is from them. A seat is never shown the other's card, not even at the end.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from itertools import permutations

from envs.base import Style
from envs.games.base import TextGame

CARDS = "JQK"
"""Lowest first."""
_NAMES = {"J": "jack", "Q": "queen", "K": "king"}
_CHOICES: dict[tuple[str, ...], list[str]] = {
    (): ["check", "bet"],
    ("check",): ["check", "bet"],
    ("bet",): ["fold", "call"],
    ("check", "bet"): ["fold", "call"],
}
"""What can be done after the moves so far; anything else ends the game."""


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about `kuhn_poker`."""

    style: Style = "terse"
    """`terse` observations are a few tokens, for models made from scratch; `instruct` explains the game in words."""


@dataclass(frozen=True, slots=True)
class State:
    """The deal and what was done. `cards` has the first seat's card, then the second's, then none."""

    cards: str
    moves: tuple[str, ...] = ()


class KuhnPoker(TextGame[State]):
    """The game `kuhn_poker`."""

    name = "kuhn_poker"
    perfect_information = False
    max_moves = 3
    max_return = 2.0
    move_pattern = re.compile("check|bet|fold|call")
    rules = (
        "You play Kuhn poker. The deck has three cards: jack, queen, king, from low to high. Two players put one chip "
        "each into the pot and get one card each, which the other does not see. The first player checks or bets one "
        "chip. After a bet, the other player calls with one chip or folds. After a check, the second player checks or "
        "bets one chip; after that bet, the first player calls or folds. Who folds loses the chip already paid; else "
        "the higher card wins what the other paid."
    )

    def __init__(self, options: Options) -> None:
        self.style = options.style

    def reset(self, rng: random.Random) -> State:
        return State("".join(rng.sample(CARDS, 2)))

    def deals(self) -> list[tuple[float, State]]:
        """The six deals, equally likely."""
        pairs = list(permutations(CARDS, 2))
        return [(1 / len(pairs), State("".join(pair))) for pair in pairs]

    def to_move(self, state: State) -> int | None:
        return len(state.moves) % 2 if state.moves in _CHOICES else None

    def legal(self, state: State) -> list[str]:
        return list(_CHOICES.get(state.moves, ()))

    def terse(self, state: State, seat: int) -> str:
        return " ".join([f"<{self.seats[seat]}>{state.cards[seat]}", *state.moves])

    def describe(self, state: State, seat: int) -> str:
        moves = ", ".join(f"{self.seats[turn % 2]}: {move}" for turn, move in enumerate(state.moves))
        return f"Your card: {_NAMES[state.cards[seat]]}\nMoves so far: {moves or 'none'}"

    def step(self, state: State, move: str) -> State:
        self.check(state, move)
        return replace(state, moves=(*state.moves, move))

    def returns(self, state: State) -> tuple[float, ...]:
        """Chips won: 1 or 2 by one seat, and as many lost by the other."""
        self.check_over(state)
        if state.moves[-1] == "fold":
            winner, chips = len(state.moves) % 2, 1.0  # who would move next is the one who bet
        else:
            winner = 0 if CARDS.index(state.cards[0]) > CARDS.index(state.cards[1]) else 1
            chips = 2.0 if state.moves[-1] == "call" else 1.0
        return (chips, -chips) if winner == 0 else (-chips, chips)

    def vocabulary(self) -> list[str]:
        return [*(f"<{seat}>" for seat in self.seats), *CARDS, " ", "check", "bet", "fold", "call"]
