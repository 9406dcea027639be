"""What the games share: observations in two styles, moves read from replies, refusals of illegal moves, deals.

A game may inherit `TextGame` and write only its rules and its texts; nothing requires it (see
`selfplay.protocols.Game`). It plays nobody's moves, and says of a move only whether it is legal: what an illegal or
unreadable one costs is decided where games are played.
"""

from __future__ import annotations

import random
import re
from abc import ABC, abstractmethod
from typing import Generic, Protocol

from envs.base import Style, ask, final_answer
from selfplay.protocols import Game, State
from selfplay.types import Prompt

MAX_MOVE_CHARACTERS = 80
"""A text longer than this, decoration included, is no move."""
MOVE_REQUEST = (
    "Think if you like, then write your move on a last line that begins with `Answer:`, or write only the move."
)
"""How observations in words ask for a reply that `read_move` reads."""

_DECORATION = " \t\r\n.,;:!`*_'\"[](){}<>"


class ExactGame(Game[State], Protocol[State]):
    """A game that says enough about itself to be solved: what the yardsticks need beyond `Game`."""

    zero_sum: bool
    """Whether the returns of a finished game always sum to zero."""
    perfect_information: bool
    """Whether every seat sees the whole state, and nothing is left to chance."""
    max_moves: int
    """No game has more moves than this."""
    max_return: float
    """No seat wins or loses more than this."""

    def deals(self) -> list[tuple[float, State]]:
        """Every first state with its probability under `reset`."""
        ...


class TextGame(ABC, Generic[State]):
    """A game of two seats, `first` and `second`, whose observations and moves are texts: an `ExactGame`."""

    name: str
    seats: tuple[str, ...] = ("first", "second")
    style: Style
    zero_sum: bool = True
    perfect_information: bool = True
    max_moves: int
    max_return: float = 1.0
    rules: str
    """The rules in words, for the `instruct` style."""
    move_pattern: re.Pattern[str]
    """What a move looks like in lower case, legal or not."""

    @abstractmethod
    def reset(self, rng: random.Random) -> State: ...

    @abstractmethod
    def to_move(self, state: State) -> int | None: ...

    @abstractmethod
    def legal(self, state: State) -> list[str]: ...

    @abstractmethod
    def terse(self, state: State, seat: int) -> str:
        """What the seat knows, as few tokens of `vocabulary` as will do."""

    @abstractmethod
    def describe(self, state: State, seat: int) -> str:
        """What the seat knows, in words."""

    def deals(self) -> list[tuple[float, State]]:
        """Every first state with its probability under `reset`. Without chance there is one."""
        return [(1.0, self.reset(random.Random(0)))]

    def observation(self, state: State, seat: int) -> Prompt:
        """What a seat knows. In words, also the rules and, if it is its turn, the legal moves and how to answer."""
        if self.style == "terse":
            return ask(self.terse(state, seat))
        mover = self.to_move(state)
        if mover is None:
            request = "The game is over."
        elif mover != seat:
            request = "It is the other player's turn."
        else:
            request = f"It is your turn. Legal moves: {', '.join(self.legal(state))}\n{MOVE_REQUEST}"
        return ask(f"{self.rules}\n\nYou play {self.seats[seat]}.\n{self.describe(state, seat)}\n\n{request}")

    def read_move(self, state: State, completion: str) -> str | None:
        """What follows the last `Answer:`, else the whole reply, if it has the form of a move; legal or not.

        Case, spaces and surrounding punctuation (`[bet]`, `**Bet**.`) do not matter. Never raises; None for the rest.
        """
        text = final_answer(completion)
        text = completion.strip() if text is None else text
        if len(text) > MAX_MOVE_CHARACTERS:
            return None
        move = " ".join(text.strip(_DECORATION).lower().replace(",", " ").split())
        return move if self.move_pattern.fullmatch(move) else None

    def check(self, state: State, move: str) -> None:
        """Raises ValueError if the move is not legal, with the moves that are."""
        legal = self.legal(state)
        if move not in legal:
            expected = f"one of {', '.join(legal)}" if legal else "none, because the game is over"
            raise ValueError(f"illegal move in {self.name}: got {move[:MAX_MOVE_CHARACTERS]!r}, expected {expected}")

    def check_over(self, state: State) -> None:
        """Raises ValueError while the game goes on: there are no returns yet."""
        if self.to_move(state) is not None:
            raise ValueError(
                f"no returns yet: this game of {self.name} is not over; call `returns` when to_move is None"
            )
