"""The stage `play`: many matches of a game at once. Line-ups in, matches out, in order.

Each turn is one transcript of the seat's policy, with the seat's name as its role, from that turn's observation alone
(as SPIRAL does, 2506.24119): no earlier turn is in its context unless the game puts it into the observation. Turns
that are due at the same time go to a policy in one batch. Opponents that are no policy are called with the state.

What an illegal or unreadable move costs is said by `Rules`, and every such move is in its match. A match that reaches
the limit of turns is a draw. Every draw of chance is named by the match and the turn, so a match does not depend on
what it was batched with. It rewards nothing beyond the rules, and trains nothing.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from selfplay.protocols import Game, Policy
from selfplay.seeding import rng_for, seed_for
from selfplay.types import Ending, Match, Prompt, Reading, Request, Sampling, Transcript, Turn

Opponent = Callable[[Any, Any, random.Random], str]
"""(game, state, rng) → a legal move: a player that is no policy."""
Player = Policy | Opponent


@dataclass(frozen=True, slots=True)
class Rules:
    """What is not a rule of the game itself: what a bad move costs, and when a match is cut off."""

    bad_move: Literal["forfeit", "random"] = "forfeit"
    """An illegal or unreadable move: `forfeit` ends the match, `random` makes a random legal move in its place."""
    mover_return: float = -1.5
    """What the mover of a bad move gets when it ends the match (SPIRAL's code)."""
    other_return: float = 0.5
    """What every other seat gets then."""
    max_turns: int = 100
    """Turns after which a match is cut off, a draw."""


@dataclass(slots=True)
class _Board:
    """A match that is being played."""

    players: tuple[str, ...]
    state: Any
    seed: int
    number: int
    turns: list[Turn] = field(default_factory=list)
    ending: Ending | None = None
    returns: tuple[float, ...] = ()


def play(
    game: Game[Any],
    line_ups: Sequence[Sequence[str]],
    players: Mapping[str, Player],
    seed: int,
    sampling: Sampling,
    rules: Rules = Rules(),
) -> list[Match]:
    """One match for each line-up, which names the player of each seat.

    Raises ValueError for a line-up that does not fit the game or names nobody, and for an opponent's illegal move.
    """
    for line_up in line_ups:
        if len(line_up) != len(game.seats) or any(name not in players for name in line_up):
            raise ValueError(
                f"a line-up of {game.name} names a player for each of {', '.join(game.seats)}, out of "
                f"{', '.join(players)}; got {list(line_up)}"
            )
    boards = []
    for number, line_up in enumerate(line_ups):
        chance = seed_for(seed, "chance", number)
        boards.append(_Board(tuple(line_up), game.reset(random.Random(chance)), chance, number))
    going = [board for board in boards if not _is_over(game, board, rules)]
    while going:
        for name, due in _by_player(game, going).items():
            _move(game, due, players[name], seed, sampling, rules)
        going = [board for board in going if not _is_over(game, board, rules)]
    return [
        Match(game.name, board.players, tuple(board.turns), board.ending, board.returns, board.seed)
        for board in boards
        if board.ending is not None
    ]


def _is_over(game: Game[Any], board: _Board, rules: Rules) -> bool:
    """Whether the match has ended, which is noted in it."""
    if board.ending is None and game.to_move(board.state) is None:
        board.ending, board.returns = Ending.FINISHED, game.returns(board.state)
    elif board.ending is None and len(board.turns) >= rules.max_turns:
        board.ending, board.returns = Ending.TRUNCATED, (0.0,) * len(game.seats)
    return board.ending is not None


def _by_player(game: Game[Any], boards: Sequence[_Board]) -> dict[str, list[tuple[_Board, int]]]:
    """The boards by the name of who moves next, each with the seat whose turn it is."""
    due: dict[str, list[tuple[_Board, int]]] = {}
    for board in boards:
        seat = game.to_move(board.state)
        assert seat is not None
        due.setdefault(board.players[seat], []).append((board, seat))
    return due


def _move(
    game: Game[Any], due: Sequence[tuple[_Board, int]], player: Player, seed: int, sampling: Sampling, rules: Rules
) -> None:
    """Let one player make the next move on each of these boards."""
    if not hasattr(player, "generate"):
        for board, seat in due:
            rng = rng_for(seed, "opponent", board.number, len(board.turns))
            move = player(game, board.state, rng)
            num_legal = len(game.legal(board.state))
            board.turns.append(Turn(seat, situation(game, board.state), None, Reading.LEGAL, move, move, num_legal))
            board.state = game.step(board.state, move)
        return
    requests = [
        Request(
            game.seats[seat],
            game.observation(board.state, seat),
            seed_for(seed, "turn", board.number, len(board.turns)),
        )
        for board, seat in due
    ]
    for (board, seat), transcript in zip(due, player.generate(requests, sampling), strict=True):
        _answer(game, board, seat, transcript, seed, rules)


def _answer(game: Game[Any], board: _Board, seat: int, transcript: Transcript, seed: int, rules: Rules) -> None:
    """Read the reply of a seat's policy and make its move, or do what the rules say of a bad one."""
    legal = game.legal(board.state)
    move = game.read_move(board.state, transcript.completion) if transcript.stopped else None
    reading = Reading.UNREADABLE if move is None else Reading.LEGAL if move in legal else Reading.ILLEGAL
    played = move if reading is Reading.LEGAL else None
    if played is None and rules.bad_move == "random":
        played = rng_for(seed, "instead", board.number, len(board.turns)).choice(legal)
    board.turns.append(Turn(seat, situation(game, board.state), transcript, reading, move, played, len(legal)))
    if played is None:
        board.ending = Ending.FORFEITED
        board.returns = tuple(
            rules.mover_return if other == seat else rules.other_return for other in range(len(game.seats))
        )
    else:
        board.state = game.step(board.state, played)


def random_turns(game: Game[Any], count: int, seed: int) -> list[tuple[str, Prompt, str]]:
    """`count` turns of random legal play: (seat, observation, reply), to teach what a legal reply is and no more."""
    turns: list[tuple[str, Prompt, str]] = []
    for number in itertools.count():
        rng = rng_for(seed, "random match", number)
        state = game.reset(rng)
        while (seat := game.to_move(state)) is not None:
            if len(turns) == count:
                return turns
            prompt, move = game.observation(state, seat), rng.choice(game.legal(state))
            turns.append((game.seats[seat], prompt, prompt.prefix + move))
            state = game.step(state, move)
    raise AssertionError("matches do not run out")


def situation(game: Game[Any], state: Any) -> str:
    """Content hash of a state (16 hex digits), which has to have a stable `repr`, as dataclasses of values do."""
    return hashlib.blake2b(f"{game.name} {state!r}".encode(), digest_size=8).hexdigest()


def describe_matches(game: Game[Any], matches: Sequence[Match]) -> dict[str, Any]:
    """What happened in a round's matches, in numbers: counts, and mean returns by seat.

    `bad_moves`: share of the turns of policies that were illegal or unreadable.
    """
    written = [turn for match in matches for turn in match.turns if turn.transcript is not None]
    count = len(matches)
    readings = {str(kind): sum(turn.reading is kind for turn in written) for kind in Reading}
    return {
        "num_matches": count,
        "turns": sum(len(match.turns) for match in matches),
        "written": len(written),
        "readings": readings,
        "bad_moves": 1.0 - readings["legal"] / len(written) if written else 0.0,
        "endings": {str(kind): sum(match.ending is kind for match in matches) for kind in Ending},
        "returns": {
            seat: sum(match.returns[place] for match in matches) / count if count else 0.0
            for place, seat in enumerate(game.seats)
        },
    }
