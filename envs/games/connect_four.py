"""Connect Four: discs dropped into upright columns, four in a line.

Six rows and seven columns by default. In turns the seats drop a disc into a column that is not full; it falls to the
lowest free row. A move is the number of a column, from 1 on the left. Who first has four of its own in a row, column
or diagonal wins 1 and the other loses 1; a full board is a draw. Rows, columns and the length of a line are options:
boards small enough are solved exactly by `minimax`, where the full one (a win for the first seat; Allen 1988, Allis
1988) can only be searched to a depth.

Terse observations are the seat and the columns from left to right, each from the bottom up and closed by `/`, so that a
position has as many tokens as it has discs and columns: `<first>x/ox//o///x/`. Nothing is hidden, and positions
reached in different orders are equal.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from envs.base import Style
from envs.games.base import TextGame
from selfplay.errors import FieldError

MARKS = "xo"
"""The first seat's discs and the second's."""
_DIRECTIONS = ((1, 0), (0, 1), (1, 1), (1, -1))


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about `connect_four`."""

    style: Style = "terse"
    """`terse` observations are a few tokens, for models made from scratch; `instruct` explains the game in words."""
    rows: Annotated[int, Field(ge=2, le=9)] = 6
    """How many discs a column holds."""
    columns: Annotated[int, Field(ge=2, le=9)] = 7
    """How many columns the board has."""
    connect: Annotated[int, Field(ge=2, le=9)] = 4
    """How many discs in a line win."""

    def __post_init__(self) -> None:
        if self.connect > max(self.rows, self.columns):
            raise FieldError(
                "connect",
                f"a line of {self.connect} does not fit on {self.rows} rows and {self.columns} columns; "
                f"expected at most {max(self.rows, self.columns)}",
            )


@dataclass(frozen=True, slots=True)
class State:
    """The discs of each column, from the bottom up, and the seat that has won, if one has."""

    columns: tuple[str, ...]
    winner: int | None = None


class ConnectFour(TextGame[State]):
    """The game `connect_four`."""

    name = "connect_four"
    move_pattern = re.compile("[1-9]")

    def __init__(self, options: Options) -> None:
        self.options = options
        self.style = options.style
        self.max_moves = options.rows * options.columns
        self.rules = (
            f"You play Connect Four on an upright board of {options.rows} rows and {options.columns} columns. The "
            "first player has the discs x, the second o. In turns, each drops one disc into a column that is not full; "
            f"it falls to the lowest free cell. {options.connect} of one's own in a line (row, column or diagonal) "
            "win. If the board is full and nobody has won, it is a draw. A move is the number of a column, from 1 on "
            "the left."
        )

    def reset(self, rng: random.Random) -> State:
        """The empty board, whatever `rng`."""
        return State(("",) * self.options.columns)

    def to_move(self, state: State) -> int | None:
        discs = sum(map(len, state.columns))
        return None if state.winner is not None or discs == self.max_moves else discs % 2

    def legal(self, state: State) -> list[str]:
        if state.winner is not None:
            return []
        return [str(number) for number, column in enumerate(state.columns, 1) if len(column) < self.options.rows]

    def terse(self, state: State, seat: int) -> str:
        return f"<{self.seats[seat]}>{''.join(f'{column}/' for column in state.columns)}"

    def describe(self, state: State, seat: int) -> str:
        """The board from the top row down, above the numbers of the columns."""
        full = [column.ljust(self.options.rows, ".") for column in state.columns]
        rows = [" ".join(column[height] for column in full) for height in reversed(range(self.options.rows))]
        numbers = " ".join(str(number) for number in range(1, self.options.columns + 1))
        return "\n".join([f"Your discs: {MARKS[seat]}", "The board, and the numbers of its columns:", *rows, numbers])

    def step(self, state: State, move: str) -> State:
        self.check(state, move)
        seat, column = sum(map(len, state.columns)) % 2, int(move) - 1
        columns = list(state.columns)
        columns[column] += MARKS[seat]
        return State(tuple(columns), seat if self._wins(columns, column) else None)

    def _wins(self, columns: list[str], column: int) -> bool:
        """Whether the topmost disc of `column` is part of a line that wins."""
        height = len(columns[column]) - 1
        mark = columns[column][height]
        for across, up in _DIRECTIONS:
            length = 1
            for sign in (1, -1):
                x, y = column + sign * across, height + sign * up
                while 0 <= x < len(columns) and 0 <= y < len(columns[x]) and columns[x][y] == mark:
                    length += 1
                    x, y = x + sign * across, y + sign * up
            if length >= self.options.connect:
                return True
        return False

    def returns(self, state: State) -> tuple[float, ...]:
        """1 for the winner and -1 for the other; 0 each for a draw."""
        self.check_over(state)
        return (0.0, 0.0) if state.winner is None else (1.0, -1.0) if state.winner == 0 else (-1.0, 1.0)

    def vocabulary(self) -> list[str]:
        numbers = [str(number) for number in range(1, self.options.columns + 1)]
        return [*(f"<{seat}>" for seat in self.seats), *MARKS, "/", *numbers]
