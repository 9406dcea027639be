"""Minimax compared with a search without pruning, with known values, and at positions that can be seen through."""

from __future__ import annotations

import random
from typing import Any

import pytest

from envs.games import connect_four, make_game
from envs.games.minimax import Minimax
from selfplay.seeding import rng_for

TIC_TAC_TOE = make_game("tic_tac_toe")
SMALL = make_game("connect_four", connect_four.Options(rows=3, columns=4, connect=3))


def plain_values(game: Any) -> dict[Any, float]:
    """The value of every position that can be reached, without pruning."""
    values: dict[Any, float] = {}

    def value(state: Any) -> float:
        if state not in values:
            seat = game.to_move(state)
            after = [value(game.step(state, move)) for move in game.legal(state)]
            values[state] = game.returns(state)[0] if seat is None else (max, min)[seat](after)
        return values[state]

    value(game.reset(random.Random(0)))
    return values


@pytest.mark.parametrize("game", [TIC_TAC_TOE, SMALL], ids=["tic_tac_toe", "connect_four"])
def test_values_and_optimal_moves_of_every_position_are_those_of_a_search_without_pruning(game: Any) -> None:
    values, search = plain_values(game), Minimax(game)
    positions = list(values)
    if game is TIC_TAC_TOE:
        assert len(positions) == 5478  # the known number of positions that can be reached
    random.Random(0).shuffle(positions)  # whatever was remembered from other searches
    for state in positions:
        assert search.value(state) == values[state]
        seat = game.to_move(state)
        best = [] if seat is None else [m for m in game.legal(state) if values[game.step(state, m)] == values[state]]
        assert search.optimal(state) == best


def test_tic_tac_toe_is_a_draw_and_so_is_connect_four_on_a_board_of_four_by_four() -> None:
    assert Minimax(TIC_TAC_TOE).value(TIC_TAC_TOE.reset(random.Random(0))) == 0
    board = make_game("connect_four", connect_four.Options(rows=4, columns=4))
    assert Minimax(board).value(board.reset(random.Random(0))) == 0


def test_connect_three_on_three_rows_and_four_columns_is_won_by_the_first_seat() -> None:
    assert Minimax(SMALL).value(SMALL.reset(random.Random(0))) == 1


def after(game: Any, moves: str) -> Any:
    """The position after moves of one character each."""
    state = game.reset(random.Random(0))
    for move in moves:
        state = game.step(state, move)
    return state


def test_a_search_to_a_depth_finds_wins_threats_and_forks_within_it_and_nothing_beyond() -> None:
    game = make_game("connect_four")
    every = [str(number) for number in range(1, 8)]
    win, threat, fork = after(game, "172737"), after(game, "17273"), after(game, "3747")
    assert (Minimax(game, 1).value(win), Minimax(game, 1).optimal(win)) == (1, ["4"])
    assert (Minimax(game, 2).value(threat), Minimax(game, 2).optimal(threat)) == (0, ["4"])
    assert Minimax(game, 1).optimal(threat) == every
    assert (Minimax(game, 3).value(fork), Minimax(game, 3).optimal(fork)) == (1, ["2", "5"])
    assert (Minimax(game, 2).value(fork), Minimax(game, 2).optimal(fork)) == (0, every)


def test_a_search_as_deep_as_the_game_is_exact() -> None:
    deep, exact = Minimax(SMALL, SMALL.max_moves), Minimax(SMALL)
    rng = rng_for(0, "deep")
    for _ in range(10):
        state = SMALL.reset(rng)
        for _ in range(5):
            if SMALL.to_move(state) is None:
                break
            state = SMALL.step(state, rng.choice(SMALL.legal(state)))
        assert deep.optimal(state) == exact.optimal(state)


def test_games_that_minimax_does_not_fit_are_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="hides something"):
        Minimax(make_game("kuhn_poker"))
    with pytest.raises(ValueError, match="not zero-sum"):
        Minimax(make_game("negotiation"))
    with pytest.raises(ValueError, match="give a depth"):
        Minimax(make_game("connect_four"))
    with pytest.raises(ValueError, match="at least 1"):
        Minimax(TIC_TAC_TOE, 0)
