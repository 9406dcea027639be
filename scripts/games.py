"""What the composition root needs for games: which game, whom the policy meets there, and how it is measured.

`env.name` of a configuration whose recipe plays games names a game (`envs.games.GAMES`). It builds no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envs import ENVIRONMENTS
from envs.games import GAMES
from envs.games.exploitability import average_policy, exploitability, information_sets
from envs.games.opponents import OPPONENTS, make_opponent
from selfplay.checking import build, nearest
from selfplay.config import RunConfig
from selfplay.errors import ConfigError
from selfplay.play import Opponent
from selfplay.protocols import Game
from selfplay.recipes.spiral import PAST, SELF
from selfplay.yardsticks import ExactYardstick, MatchYardstick, Yardstick

EXACT = ("kuhn_poker",)
"""Games that are small enough, and hide enough, to be measured by what could be won against a policy."""


@dataclass(frozen=True, slots=True)
class Table:
    """A game and what surrounds it."""

    game: Game[Any]
    opponents: Mapping[str, Opponent]
    """Fixed opponents by name: every one that fits the game."""
    yardstick: Yardstick


def plays_games(recipe: Any) -> bool:
    """Whether a recipe plays games rather than posing problems."""
    return bool(getattr(recipe, "PLAYS_GAMES", False))


def check_game(config: RunConfig) -> object:
    """The game's options. Raises ConfigError for an unknown game or opponent, and for what has no meaning in one."""
    if config.env.name not in GAMES:
        known = " (it is an environment of problems)" if config.env.name in ENVIRONMENTS else ""
        raise ConfigError(
            f"env.name: got {config.env.name!r}{known}, expected a game; {nearest(config.env.name, GAMES)}"
        )
    for key, value in (("bootstrap", config.bootstrap), ("evaluation.levels", config.evaluation.levels)):
        if value is not None:
            raise ConfigError(f"{key}: got a value, expected null: a game has no problems and no levels")
    options = build(GAMES[config.env.name].options, config.env.options, "env.options")
    named = config.options.get("opponents", {})
    names = [SELF, PAST, *opponents_of(GAMES[config.env.name].make(options))]
    if unknown := [name for name in named if name not in names]:
        raise ConfigError(
            f"options.opponents: got {unknown[0]!r}, expected opponents in {config.env.name}; "
            f"{nearest(unknown[0], names)}"
        )
    return options


def opponents_of(game: Any) -> dict[str, Opponent]:
    """The fixed opponents that fit the game, by name."""
    found = {}
    for name in OPPONENTS:
        try:
            found[name] = make_opponent(name, game)
        except ValueError:  # it does not fit this game
            continue
    return found


def make_table(config: RunConfig, options: object, max_turns: int) -> Table:
    """The game of a checked configuration."""
    game = GAMES[config.env.name].make(options)
    opponents = opponents_of(game)
    return Table(game, opponents, make_yardstick(config, game, opponents, max_turns))


def make_yardstick(config: RunConfig, game: Any, opponents: Mapping[str, Opponent], max_turns: int) -> Yardstick:
    """Exact where the game allows it; else matches against every fixed opponent."""
    if game.name in EXACT:
        return ExactYardstick(game, information_sets(game), exploitability, average_policy)
    evaluation = config.evaluation
    return MatchYardstick(game, opponents, evaluation.num_problems, evaluation.max_new_tokens, max_turns)
