"""A person or a model plays a game against an opponent: observations, moves and returns, one after the other.

Contract: each side sees its own observation and nothing else. A person whose move cannot be read or is not legal is
told so and asked again; a model's such reply ends the game, and is shown. The same seed gives the same deals and the
same opponent's moves for the same moves.

It knows no rules of any game: those are `selfplay.protocols.Game`. What an illegal move costs in training is decided
where games are played in training, not here.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from envs.games.opponents import OPPONENTS, make_opponent
from scripts.play_problems import Model, Player, conclude
from scripts.play_view import Screen
from selfplay.protocols import Game
from selfplay.seeding import rng_for, seed_for
from selfplay.types import Prompt

Chooser = Callable[[Game[Any], Any, random.Random], str | None]
"""(game, state, randomness) → a move of the seat whose turn it is; None if there is none to be had."""


RANDOM = "random"
"""The name of the opponent that any game has."""


def opponents(game: Game[Any]) -> list[str]:
    """The names of those that can be played against, as far as the game allows."""
    found = []
    for name in OPPONENTS:
        try:
            make_opponent(name, game, 1 if name == "minimax" else None)
        except ValueError:
            continue
        found.append(name)
    return found


class ModelOpponent:
    """A model in the opponent's seat; its replies are not shown, its moves are."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __call__(self, game: Game[Any], state: Any, rng: random.Random) -> str | None:
        seat = game.to_move(state)
        assert seat is not None
        transcript = self.model.write(game.seats[seat], game.observation(state, seat), rng.getrandbits(62))
        return game.read_move(state, transcript.completion)


def play_games(
    game: Game[Any], player: Player, opponent: Chooser, screen: Screen, seat: int, seed: int, count: int | None
) -> int:
    """Play `count` games in a seat (None: until the input ends). Returns the exit status."""
    results: Counter[str] = Counter()
    total, index = 0.0, 0
    while count is None or index < count:
        screen.title(f"{game.name}, game {index + 1}: you play {game.seats[seat]}")
        returns = play_one(game, player, opponent, screen, seat, seed_for(seed, "play", game.name, index))
        if returns is None:
            break
        screen.gap()
        total += returns[seat]
        results[result(returns, seat)] += 1
        index += 1
    if index > 1:
        screen.line("mean", f"{total / index:+.3f} a game")
    return conclude(screen, results, index, count)


def play_one(
    game: Game[Any], player: Player, opponent: Chooser, screen: Screen, seat: int, seed: int
) -> tuple[float, ...] | None:
    """One game; its returns, or None if the input ended first."""
    state = game.reset(rng_for(seed, "reset"))
    known: set[str] = set()
    turn = 0
    while (mover := game.to_move(state)) is not None:
        if mover == seat:
            show_observation(screen, game.observation(state, seat), known if player.is_person else set())
            screen.line("legal", ", ".join(game.legal(state)))
            move = asked_move(game, player, screen, state, seat, seed_for(seed, "move", turn))
            if move is None:
                return None
        else:
            move = opponent(game, state, rng_for(seed, "opponent", turn))
            screen.line(game.seats[mover], "no move can be read" if move is None else move, "bold")
        if move not in game.legal(state):
            return forfeit(screen, game, mover, move)
        state = game.step(state, move)
        turn += 1
    show_observation(screen, game.observation(state, seat), known if player.is_person else set())
    returns = game.returns(state)
    shown = ", ".join(f"{name} {value:+g}" for name, value in zip(game.seats, returns, strict=True))
    styles = {"won": "bold green", "lost": "bold red"}
    screen.line("returns", f"{shown}: you {result(returns, seat)}", styles.get(result(returns, seat), "bold"))
    return returns


def asked_move(game: Game[Any], player: Player, screen: Screen, state: Any, seat: int, seed: int) -> str | None:
    """The move of whoever plays; a person is asked until it is legal. None if the input ended; "" if none was read."""
    prompt = game.observation(state, seat)
    reads = partial(has_move, game, state)
    while True:
        transcript = player.reply(game.seats[seat], prompt, seed, reads)
        if transcript is None:
            return None
        move = game.read_move(state, transcript.completion)
        if not player.is_person or move in game.legal(state):
            return move or ""
        wrong = "no move can be read in that" if move is None else f"{move!r} is not legal"
        screen.note(f"{wrong}; expected one of {', '.join(game.legal(state))}")


def has_move(game: Game[Any], state: Any, text: str) -> bool:
    """Whether a text has a move, legal or not."""
    return game.read_move(state, text) is not None


def forfeit(screen: Screen, game: Game[Any], mover: int, move: str | None) -> tuple[float, ...]:
    """A model made no legal move: it loses, and the others win as much between them."""
    said = f"illegal move {move!r}" if move else "no move can be read"
    screen.line("forfeit", f"{game.seats[mover]}: {said}; the game ends and counts as lost", "bold red")
    others = 1.0 / (len(game.seats) - 1)
    return tuple(-1.0 if seat == mover else others for seat in range(len(game.seats)))


def result(returns: tuple[float, ...], seat: int) -> str:
    """`won` if nobody has more and somebody has less, `lost` if somebody has more, else `drawn`."""
    best = max(returns)
    return "lost" if returns[seat] < best else "drawn" if min(returns) == best else "won"


def show_observation(screen: Screen, prompt: Prompt, known: set[str]) -> None:
    """A prompt without the paragraphs that were shown before in this game."""
    for message in prompt.messages:
        paragraphs = [text for text in message.text.split("\n\n") if text not in known]
        known.update(paragraphs)
        screen.message(message.role, "\n\n".join(paragraphs))
    if prompt.prefix:
        screen.line("prefix", prompt.prefix)
