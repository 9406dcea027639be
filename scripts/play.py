"""Play any environment or game in a terminal: `python -m scripts.play --env NAME [--role ROLE] [--level N] …`.

A person sees what a policy would see and types what it would write. A solver then sees the verdict and the reference; a
proposer sees whether the problem is admitted, and what it became; a player of a game sees each observation, the
opponent's moves and the returns. `--model DIR` puts a model in the person's place and shows what it writes. Where an
environment can explain itself in words, a person gets the words, unless an option says otherwise.

Answers may come from a pipe; then one problem is played unless --count says more. In a terminal it goes on until
Ctrl-D. Exit status: 0 when all was played, whatever the verdicts; 1 if the input ended too early or something of ours
broke; 2 after a mistake; 130 after Ctrl-C. Nothing is recorded or trained.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # run by path: put the checkout first, before any installed package of a like name
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from envs.games import GAMES
from envs.games.opponents import OPPONENTS, make_opponent
from scripts.cli import run_main
from scripts.instances import (
    ModelFolder,
    find_entry,
    find_model,
    has_option,
    key_values,
    level_of,
    load_policy,
    make,
    opened,
)
from scripts.play_games import RANDOM, Chooser, ModelOpponent, opponents, play_games
from scripts.play_problems import Model, Person, Player, propose_problems, solve_problems
from scripts.play_view import Screen
from selfplay.checking import nearest
from selfplay.errors import UserError
from selfplay.protocols import Game
from selfplay.types import Sampling

MAX_COUNT = 10**6


def main(arguments: Sequence[str], screen: Screen | None = None) -> int:
    """The command; returns its exit status."""
    given = read_arguments(arguments)
    screen = screen or Screen()
    model = find_model(given.model) if given.model is not None else None
    options = chosen_options(given, model)
    count = given.count if given.count is not None else None if screen.is_interactive and model is None else 1
    if given.env in GAMES:
        return play_game(given, options, model, screen, count)
    if given.opponent is not None or given.depth is not None:
        raise UserError(f"--opponent and --depth: {given.env} is no game; expected one of {', '.join(GAMES)} with it")
    with opened(given.env, options) as (env, verifier):
        role = one_of("--role", given.role, env.roles, "solver")
        level = level_of(env, given.level)
        if role == "proposer" and given.level is not None:
            raise UserError("--level: a proposer chooses the level by what it writes, expected --role solver with it")
        player = make_player(given, model, screen)
        if role == "solver":
            return solve_problems(env, verifier, player, screen, level, given.seed, count)
        return propose_problems(env, player, screen, given.seed, count)


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. A mistake ends the process with status 2, as argparse does, or raises UserError."""
    parser = play_parser()
    given = parser.parse_args(list(arguments))
    find_entry(given.env)
    return given


def play_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.play",
        description="Play an environment or a game: type answers and see the verdicts, or let a model play.",
        epilog="example: python -m scripts.play --env equations --level 3",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--env", metavar="NAME", required=True, help="environment or game (python -m scripts.envs lists them)")
    add("--role", metavar="ROLE", help="solver (default) or proposer; in a game, the seat to play")
    add("--level", metavar="N", type=int, help="level of the problems to solve (default: the easiest)")
    add("--seed", metavar="S", type=int, default=0, help="names the problems that are drawn (default 0)")
    add("--opponent", metavar="WHO", help="in a game: random (default), minimax, nash, or the DIR of a model")
    add("--depth", metavar="N", type=_count, help="how many moves minimax looks ahead (default: to the end)")
    add("--count", metavar="N", type=_count, help="how many to play (default: 1; in a terminal, until Ctrl-D)")
    add("--options", metavar="key=value", nargs="+", default=[], action="extend", help="options, as in YAML")
    add("--model", metavar="DIR", type=Path, help="let the model of this folder (model folder or run folder) play")
    add("--temperature", metavar="T", type=_temperature, default=0.0, help="of the model; 0 (default) is greedy")
    add("--max-new-tokens", metavar="N", type=_count, default=256, help="longest reply of the model (default 256)")
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= MAX_COUNT:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number from 1 to {MAX_COUNT}")
    return int(text)


def _temperature(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 100.0:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number from 0 to 100")
    return value


def play_game(
    given: argparse.Namespace, options: dict[str, Any], model: ModelFolder | None, screen: Screen, count: int | None
) -> int:
    """Play a seat of a game against an opponent."""
    if given.level is not None:
        raise UserError(f"--level: {given.env} is a game and has no levels; leave it out")
    game: Game[Any] = make(given.env, options)
    seat = list(game.seats).index(one_of("--role", given.role, game.seats, game.seats[0]))
    player = make_player(given, model, screen)
    return play_games(game, player, opponent_of(given, game, screen), screen, seat, given.seed, count)


def opponent_of(given: argparse.Namespace, game: Game[Any], screen: Screen) -> Chooser:
    """Whoever plays the other seats: one of the game's opponents, or the model of a folder."""
    chosen = given.opponent or RANDOM
    if chosen in OPPONENTS:
        try:
            return make_opponent(chosen, game, given.depth)
        except ValueError as error:
            raise UserError(f"--opponent: {error}") from error
    if Path(chosen).is_dir():
        sampling = Sampling(temperature=given.temperature, max_new_tokens=given.max_new_tokens)
        return ModelOpponent(Model(load_policy(find_model(Path(chosen)).weights), sampling, screen))
    raise UserError(
        f"--opponent: got {chosen!r}, expected the folder of a model, or {nearest(chosen, opponents(game))}"
    )


def one_of(option: str, value: str | None, choices: Sequence[str], default: str) -> str:
    """The value, if it is one of the choices, or the default if there is none. Raises UserError for another."""
    if value is not None and value not in choices:
        raise UserError(f"{option}: got {value!r}, {nearest(value, choices)}")
    return default if value is None else value


def chosen_options(given: argparse.Namespace, model: ModelFolder | None) -> dict[str, Any]:
    """Options of the environment: those of the run that a model is from, words for a person, and what was given."""
    options: dict[str, Any] = {}
    if model is not None and model.env_name == given.env:
        options.update(model.env_options or {})
    if model is None and has_option(find_entry(given.env), "style"):
        options["style"] = "instruct"
    return {**options, **key_values(given.options)}


def make_player(given: argparse.Namespace, model: ModelFolder | None, screen: Screen) -> Player:
    """The model if one was named, else the person."""
    if model is None:
        return Person(screen, one_line=given.env in GAMES)
    sampling = Sampling(temperature=given.temperature, max_new_tokens=given.max_new_tokens)
    return Model(load_policy(model.weights), sampling, screen)


if __name__ == "__main__":
    run_main(main, resumable=False)
