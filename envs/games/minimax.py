"""Minimax: values and optimal moves of two-seat zero-sum games in which nothing is hidden or left to chance.

Contract: any `ExactGame` whose states are hashable and do not remember how they were reached (so that transpositions
are searched once). Values are returns of the first seat. Without `depth` they are exact; with it, positions that many
moves ahead count as 0, which is a draw in the games here, so a value of 0 may then only mean that nothing was found.

Alpha-beta search (Knuth and Moore 1975) with a table of bounds for positions already seen. It knows nothing of any
game: no evaluation function, no order of moves but the game's own. All moves that keep the value are optimal: it does
not prefer a quick win to a slow one, since the length of a game is no part of its returns.
"""

from __future__ import annotations

from typing import Generic

from envs.games.base import ExactGame
from selfplay.protocols import State

MAX_EXACT_MOVES = 20
"""Games that can last longer are searched to a depth only. Connect Four on 4 rows and 5 columns takes seconds; on 5 by
5 it has tens of millions of positions."""


class Minimax(Generic[State]):
    """Values and optimal moves of a game. Positions that were searched exactly are remembered."""

    def __init__(self, game: ExactGame[State], depth: int | None = None) -> None:
        """`depth`: how many moves to look ahead, at least 1; None for all, which only small games allow.

        Raises ValueError for a game with hidden information, one that is not zero-sum, or one too long to be solved.
        """
        if not (game.perfect_information and game.zero_sum):
            lack = "hides something from the seats" if game.zero_sum else "is not zero-sum"
            raise ValueError(f"minimax: {game.name} {lack}; expected a zero-sum game of perfect information")
        if depth is None and game.max_moves > MAX_EXACT_MOVES:
            raise ValueError(
                f"minimax: {game.name} can last {game.max_moves} moves, too many to be solved exactly (at most "
                f"{MAX_EXACT_MOVES}); give a depth, or options that make it smaller"
            )
        if depth is not None and depth < 1:
            raise ValueError(f"minimax: got depth {depth}, expected at least 1, or None to search to the end")
        self.game = game
        self.depth = depth
        self._bounds: dict[tuple[State, int | None], tuple[float, float]] = {}

    def value(self, state: State) -> float:
        """What the first seat wins if both play optimally from here on."""
        self._forget()
        return self._search(state, -self.game.max_return, self.game.max_return, self.depth)

    def move_values(self, state: State) -> dict[str, float]:
        """For each legal move, what the first seat wins after it if both then play optimally."""
        self._forget()
        most, left = self.game.max_return, None if self.depth is None else self.depth - 1
        return {move: self._search(self.game.step(state, move), -most, most, left) for move in self.game.legal(state)}

    def optimal(self, state: State) -> list[str]:
        """The legal moves that are best for the seat whose turn it is, in the game's order; none when it is over."""
        values = self.move_values(state)
        if not values:
            return []
        best = max(values.values()) if self.game.to_move(state) == 0 else min(values.values())
        return [move for move, value in values.items() if value == best]

    def _forget(self) -> None:
        """Drop bounds that later searches, from positions further on, would hardly meet again."""
        if self.depth is not None:
            self._bounds.clear()

    def _search(self, state: State, low: float, high: float, left: int | None) -> float:
        """The value, if it is between `low` and `high`; else a bound on the same side of them as the value is."""
        seat = self.game.to_move(state)
        if seat is None:
            return self.game.returns(state)[0]
        if left == 0:
            return 0.0
        at_least, at_most = self._bounds.get((state, left), (-self.game.max_return, self.game.max_return))
        if at_least >= high or at_least == at_most:
            return at_least
        if at_most <= low:
            return at_most
        best = self._best(state, seat, max(low, at_least), min(high, at_most), left)
        if best > low:
            at_least = max(at_least, best)
        if best < high:
            at_most = min(at_most, best)
        self._bounds[state, left] = (at_least, at_most)
        return best

    def _best(self, state: State, seat: int, low: float, high: float, left: int | None) -> float:
        after = None if left is None else left - 1
        best = float("-inf") if seat == 0 else float("inf")
        for move in self.game.legal(state):
            value = self._search(self.game.step(state, move), low, high, after)
            if seat == 0:
                best = max(best, value)
                low = max(low, best)
            else:
                best = min(best, value)
                high = min(high, best)
            if low >= high:
                break
        return best
