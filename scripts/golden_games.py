"""The golden playthroughs of games: random games with a named seed, and what each seat sees in them.

In the short style every turn is shown; in words, where observations are long, the first turns and the end. It knows no
rules and plays no better than at random.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from envs.games import find_game
from scripts.cases import choices
from scripts.play_games import opponents
from selfplay.protocols import Game
from selfplay.seeding import rng_for
from selfplay.types import Prompt

GAMES_SHOWN = 3
TURNS_IN_WORDS = 2
REPLIES = ("{move}", "I think.\nAnswer: [{move}].", "I do not know.", "")
"""Replies from which a move is read or not."""


def playthrough(name: str) -> Iterator[str]:
    """The lines of the playthrough of the game called `name`."""
    entry = find_game(name)
    options = entry.options()
    game: Game[Any] = entry.make(options)
    yield f"game {name}"
    yield f"seats {', '.join(game.seats)}, opponents {', '.join(opponents(game))}"
    yield ""
    few = choices(options)
    for number in range(GAMES_SHOWN):
        yield f"== {_short(few)}game {number + 1} =="
        yield from _played(game, number, None)
    for option, (_, *others) in few.items():
        for value in others:
            changed: Game[Any] = entry.make(replace(options, **{option: value}))
            yield f"== {option} {value} =="
            yield from _played(changed, 0, TURNS_IN_WORDS if option == "style" else None)


def _short(few: dict[str, tuple[Any, ...]]) -> str:
    return f"{few['style'][0]}, " if "style" in few else ""


def _played(game: Game[Any], number: int, turns: int | None) -> Iterator[str]:
    """A random game; `turns`: show so many at the beginning and none until the end (None: all)."""
    rng = rng_for(0, "golden", game.name, number)
    state = game.reset(rng)
    turn = 0
    while (seat := game.to_move(state)) is not None:
        move = rng.choice(game.legal(state))
        if turns is None or turn < turns:
            for one in range(len(game.seats)):
                yield from _seen(game.seats[one], game.observation(state, one))
            yield from _labelled("legal", ", ".join(game.legal(state)))
            if turn == 0:
                for reply in REPLIES:
                    text = reply.replace("{move}", move)
                    yield from _labelled("read", f"{text!r} is {game.read_move(state, text)!r}")
            yield from _labelled("move", f"{game.seats[seat]}: {move}")
        elif turn == turns:
            yield from _labelled("…", "")
        state = game.step(state, move)
        turn += 1
    for one in range(len(game.seats)):
        yield from _seen(game.seats[one], game.observation(state, one))
    yield from _labelled("returns", ", ".join(f"{value:+g}" for value in game.returns(state)))
    yield ""


def _seen(seat: str, prompt: Prompt) -> Iterator[str]:
    for message in prompt.messages:
        yield from _labelled(seat, message.text)
    if prompt.prefix:
        yield from _labelled("  prefix", prompt.prefix)


def _labelled(label: str, text: str) -> Iterator[str]:
    for index, line in enumerate(text.split("\n")):
        yield f"{label if index == 0 else '':<11}{line}".rstrip()
