"""Opponents that are no model: callables that choose a legal move from the whole state.

Contract: `opponent(game, state, rng)` returns a legal move of the seat whose turn it is, drawn with `rng` alone;
`make_opponent` makes one by name for a game, and refuses a game that the name does not fit. `random` is uniform over
legal moves, `minimax` uniform over optimal ones, `nash` an equilibrium of Kuhn poker.

They see the state and not an observation; `nash` uses of it only what its seat may know. Past selves, which are
models, are not here.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from envs.games.base import ExactGame
from envs.games.exploitability import BehaviouralPolicy, information_sets, information_text
from envs.games.kuhn_poker import KuhnPoker, State
from envs.games.minimax import Minimax
from selfplay.protocols import Game

Opponent = Callable[[Any, Any, random.Random], str]
"""(game, state, rng) → move."""
KUHN_ALPHA = 1 / 6
"""The equilibrium that `nash` plays unless told: the middle of the family, where every bluff has a chance."""


def random_move(game: Game[Any], state: Any, rng: random.Random) -> str:
    """A legal move, each equally likely."""
    return rng.choice(game.legal(state))


class MinimaxOpponent:
    """Plays an optimal move, each equally likely; see `minimax` for what `depth` means."""

    def __init__(self, game: ExactGame[Any], depth: int | None = None) -> None:
        self.search = Minimax(game, depth)
        self._optimal: dict[Any, list[str]] = {}

    def __call__(self, game: Game[Any], state: Any, rng: random.Random) -> str:
        moves = self._optimal.get(state) or self.search.optimal(state)
        if self.search.depth is None:  # games that are solved are small enough to remember
            self._optimal[state] = moves
        return rng.choice(moves)


class PolicyOpponent:
    """Plays a behavioural policy: draws a move with the probabilities of the information set."""

    def __init__(self, policy: BehaviouralPolicy) -> None:
        self.policy = policy

    def __call__(self, game: Game[Any], state: Any, rng: random.Random) -> str:
        seat = game.to_move(state)
        if seat is None:
            raise ValueError(f"there is no move to make: this game of {game.name} is over")
        chances = self.policy[information_text(game, state, seat)]
        return rng.choices(list(chances), list(chances.values()))[0]


def kuhn_equilibrium(game: KuhnPoker, alpha: float = KUHN_ALPHA) -> dict[str, dict[str, float]]:
    """An equilibrium of Kuhn poker; `alpha`, from 0 to 1/3, is how often the first seat bets a jack.

    The first seat bets a king with 3 alpha, never a queen, and calls with a queen with alpha + 1/3. The second bets a
    jack after a check, and calls with a queen, with 1/3 each. Everything else is forced: kings are bet and called,
    jacks folded. These are all of the equilibria in which the seats do not call with a jack or fold a king (Kuhn 1950).
    """
    if not 0 <= alpha <= 1 / 3:
        raise ValueError(f"got alpha {alpha}, expected a number from 0 to 1/3")
    active = {  # (seat, moves so far) → probability of `bet` or `call` with jack, queen, king
        (): (alpha, 0.0, 3 * alpha),
        ("check",): (1 / 3, 0.0, 1.0),
        ("bet",): (0.0, 1 / 3, 1.0),
        ("check", "bet"): (0.0, alpha + 1 / 3, 1.0),
    }
    policy = {}
    for text, one in information_sets(game).items():
        state: State = one.state
        chance = active[state.moves]["JQK".index(state.cards[one.seat])]
        passive_move, active_move = one.moves
        policy[text] = {passive_move: 1 - chance, active_move: chance}
    return policy


def make_opponent(name: str, game: Any, depth: int | None = None) -> Opponent:
    """The opponent called `name` for a game; `depth` is for `minimax`.

    Raises ValueError for an unknown name, and for a game that it cannot play, with the reason.
    """
    if name not in OPPONENTS:
        raise ValueError(f"no opponent is called {name!r}; expected one of {', '.join(OPPONENTS)}")
    if depth is not None and name != "minimax":
        raise ValueError(f"the opponent {name!r} looks no moves ahead: leave out depth, which is for minimax")
    return OPPONENTS[name](game, depth)


def _nash(game: Any, depth: int | None) -> Opponent:
    if not isinstance(game, KuhnPoker):
        raise ValueError(f"the opponent 'nash' knows equilibria of kuhn_poker only, not of {game.name}")
    return PolicyOpponent(kuhn_equilibrium(game))


OPPONENTS: dict[str, Callable[[Any, int | None], Opponent]] = {
    "random": lambda game, depth: random_move,
    "minimax": MinimaxOpponent,
    "nash": _nash,
}
"""How to make each opponent, from a game and a depth."""
