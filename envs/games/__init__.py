"""Games that policies play in turns, by name: rules (`selfplay.protocols.Game`), exact yardsticks and opponents.

A new game is a file and a line in `GAMES`. Importing this package imports neither torch nor a library of games and
starts no process. It plays no game: it says what is legal and what was won, and others decide who moves and what an
illegal or unreadable move costs. Options that a person wrote are checked by whoever reads the configuration.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, NamedTuple

from envs.games import connect_four, kuhn_poker, negotiation, tic_tac_toe
from envs.games.connect_four import ConnectFour
from envs.games.kuhn_poker import KuhnPoker
from envs.games.negotiation import Negotiation
from envs.games.tic_tac_toe import TicTacToe

__all__ = ["GAMES", "ConnectFour", "Entry", "KuhnPoker", "Negotiation", "TicTacToe", "find_game", "make_game"]


class Entry(NamedTuple):
    """How to make a game."""

    options: type[Any]
    """Its options: a frozen dataclass, every field with a default."""
    make: Callable[[Any], Any]
    """The game from its options."""


GAMES: dict[str, Entry] = {
    "kuhn_poker": Entry(kuhn_poker.Options, KuhnPoker),
    "tic_tac_toe": Entry(tic_tac_toe.Options, TicTacToe),
    "connect_four": Entry(connect_four.Options, ConnectFour),
    "negotiation": Entry(negotiation.Options, Negotiation),
}


def find_game(name: str) -> Entry:
    """The entry of the game called `name`. Raises ValueError for an unknown name, naming the nearest one."""
    if name not in GAMES:
        near = difflib.get_close_matches(name, GAMES, n=1, cutoff=0.0)
        raise ValueError(f"no game is called {name!r}; did you mean {near[0]!r}? All: {', '.join(GAMES)}")
    return GAMES[name]


def make_game(name: str, options: object = None) -> Any:
    """The game called `name` with `options`, an instance of its options class (None: the defaults).

    Raises ValueError for an unknown name and TypeError for options of another class.
    """
    entry = find_game(name)
    options = entry.options() if options is None else options
    if not isinstance(options, entry.options):
        raise TypeError(
            f"options of {name!r}: got {type(options).__name__}, expected {entry.options.__module__}.Options; "
            f"from a configuration, use selfplay.checking.build(find_game({name!r}).options, data)"
        )
    return entry.make(options)
