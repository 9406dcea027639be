"""Tic-tac-toe (noughts and crosses): three in a row on a board of three by three.

The first seat plays crosses, the second noughts. Cells are numbered 1 to 9, row by row; a move is the number of an
empty cell. Who first has three in a row, column or diagonal wins 1 and the other loses 1; a full board is a draw.
Terse observations are the seat and the cells in order, one token each, an empty one being the move that fills it:
`<second>x1234o56x789`. A token that names its cell and legal moves that are in the text are easy for small models.

Nothing is hidden, and a state is the board alone, so positions reached in different orders are equal. The value is 0
(`minimax`): between two perfect players it is a draw.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from envs.base import Style
from envs.games.base import TextGame

MARKS = "xo"
"""The first seat's mark and the second's."""
EMPTY = "."
CELLS = "123456789"
LINES = (
    *((row, row + 1, row + 2) for row in (0, 3, 6)),
    *((column, column + 3, column + 6) for column in (0, 1, 2)),
    (0, 4, 8),
    (2, 4, 6),
)


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about `tic_tac_toe`."""

    style: Style = "terse"
    """`terse` observations are a few tokens, for models made from scratch; `instruct` explains the game in words."""


@dataclass(frozen=True, slots=True)
class State:
    """Nine marks, row by row."""

    board: str = EMPTY * 9


class TicTacToe(TextGame[State]):
    """The game `tic_tac_toe`."""

    name = "tic_tac_toe"
    max_moves = 9
    move_pattern = re.compile("[1-9]")
    rules = (
        "You play tic-tac-toe on a board of three by three cells, numbered 1 to 9, row by row from the top left. The "
        "first player writes x, the second o, in turns, into an empty cell. Three of one's own in a row, column or "
        "diagonal win. If the board is full and nobody has won, it is a draw. A move is the number of an empty cell."
    )

    def __init__(self, options: Options) -> None:
        self.style = options.style

    def reset(self, rng: random.Random) -> State:
        """The empty board, whatever `rng`."""
        return State()

    def to_move(self, state: State) -> int | None:
        empty = state.board.count(EMPTY)
        return None if empty == 0 or _winner(state.board) is not None else (9 - empty) % 2

    def legal(self, state: State) -> list[str]:
        if self.to_move(state) is None:
            return []
        return [str(number) for number, mark in enumerate(state.board, 1) if mark == EMPTY]

    def terse(self, state: State, seat: int) -> str:
        cells = (str(number) if mark == EMPTY else f"{mark}{number}" for number, mark in enumerate(state.board, 1))
        return f"<{self.seats[seat]}>{''.join(cells)}"

    def describe(self, state: State, seat: int) -> str:
        """The board with the numbers of its empty cells."""
        cells = [str(number) if mark == EMPTY else mark for number, mark in enumerate(state.board, 1)]
        rows = "\n".join(" ".join(cells[start : start + 3]) for start in (0, 3, 6))
        return f"Your mark: {MARKS[seat]}\nThe board, empty cells by their number:\n{rows}"

    def step(self, state: State, move: str) -> State:
        self.check(state, move)
        cell, mark = int(move) - 1, MARKS[(9 - state.board.count(EMPTY)) % 2]
        return State(f"{state.board[:cell]}{mark}{state.board[cell + 1 :]}")

    def returns(self, state: State) -> tuple[float, ...]:
        """1 for the winner and -1 for the other; 0 each for a draw."""
        self.check_over(state)
        winner = _winner(state.board)
        return (0.0, 0.0) if winner is None else (1.0, -1.0) if winner == 0 else (-1.0, 1.0)

    def vocabulary(self) -> list[str]:
        return [*(f"<{seat}>" for seat in self.seats), *(mark + cell for mark in MARKS for cell in CELLS), *CELLS]


def _winner(board: str) -> int | None:
    """The seat that has three in a line, if one has."""
    for first, second, third in LINES:
        if board[first] != EMPTY and board[first] == board[second] == board[third]:
            return MARKS.index(board[first])
    return None
