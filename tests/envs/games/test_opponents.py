"""Opponents play legal moves as they promise, and are refused where they do not fit."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from envs.games import make_game
from envs.games.exploitability import information_sets, information_text, uniform_policy
from envs.games.opponents import MinimaxOpponent, PolicyOpponent, kuhn_equilibrium, make_opponent
from selfplay.seeding import rng_for

TIC_TAC_TOE = make_game("tic_tac_toe")
KUHN = make_game("kuhn_poker")
SETS = information_sets(KUHN)


def play(game: Any, opponents: tuple[Any, Any], rng: random.Random) -> tuple[float, ...]:
    state = game.reset(rng)
    while (seat := game.to_move(state)) is not None:
        state = game.step(state, opponents[seat](game, state, rng))
    returns: tuple[float, ...] = game.returns(state)
    return returns


def test_minimax_never_loses_tic_tac_toe_and_beats_most_random_play() -> None:
    rng = rng_for(0, "minimax")
    perfect, chance = make_opponent("minimax", TIC_TAC_TOE), make_opponent("random", TIC_TAC_TOE)
    first = [play(TIC_TAC_TOE, (perfect, chance), rng)[0] for _ in range(150)]
    second = [play(TIC_TAC_TOE, (chance, perfect), rng)[1] for _ in range(150)]
    assert min(first + second) == 0
    assert sum(first + second) > 200
    assert {play(TIC_TAC_TOE, (perfect, perfect), rng) for _ in range(50)} == {(0.0, 0.0)}


def test_looking_ahead_beats_random_play_at_connect_four() -> None:
    game, rng = make_game("connect_four"), rng_for(0, "ahead")
    ahead, chance = make_opponent("minimax", game, depth=2), make_opponent("random", game)
    assert sum(play(game, (chance, ahead), rng)[1] for _ in range(20)) >= 16


def test_minimax_draws_uniformly_among_optimal_moves() -> None:
    state, rng = TIC_TAC_TOE.step(TIC_TAC_TOE.reset(random.Random(0)), "5"), rng_for(0, "uniform")
    opponent = MinimaxOpponent(TIC_TAC_TOE)
    drawn = Counter(opponent(TIC_TAC_TOE, state, rng) for _ in range(2000))
    assert set(drawn) == {"1", "3", "7", "9"}  # against the centre only corners hold
    assert all(420 < count < 580 for count in drawn.values())


def test_nash_plays_the_equilibriums_probabilities_and_wins_its_value() -> None:
    rng, opponent = rng_for(0, "nash"), make_opponent("nash", KUHN)
    policy = kuhn_equilibrium(KUHN)
    for text, one in SETS.items():
        drawn = Counter(opponent(KUHN, one.state, rng) for _ in range(600))
        for move, chance in policy[text].items():
            assert drawn[move] / 600 == pytest.approx(chance, abs=0.09)
    mean = sum(play(KUHN, (opponent, opponent), rng)[0] for _ in range(20_000)) / 20_000
    assert mean == pytest.approx(-1 / 18, abs=0.04)


def test_an_opponent_is_decided_by_its_generator() -> None:
    for name, game in [("random", KUHN), ("nash", KUHN), ("random", TIC_TAC_TOE), ("minimax", TIC_TAC_TOE)]:
        one, other = make_opponent(name, game), make_opponent(name, game)
        games = [play(game, (one, one), rng_for(0, "decided", n)) for n in range(20)]
        assert games == [play(game, (other, other), rng_for(0, "decided", n)) for n in range(20)]


def test_a_policy_as_opponent_sees_what_its_seat_sees() -> None:
    asked = []

    class Watched(dict[str, dict[str, float]]):
        def __getitem__(self, text: str) -> dict[str, float]:
            asked.append(text)
            return super().__getitem__(text)

    state = KUHN.reset(random.Random(0))
    PolicyOpponent(Watched(uniform_policy(KUHN)))(KUHN, state, random.Random(0))
    assert asked == [information_text(KUHN, state, 0)]


def test_an_opponent_that_does_not_fit_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="expected one of random, minimax, nash"):
        make_opponent("perfect", KUHN)
    with pytest.raises(ValueError, match="equilibria of kuhn_poker only, not of tic_tac_toe"):
        make_opponent("nash", TIC_TAC_TOE)
    with pytest.raises(ValueError, match="hides something"):
        make_opponent("minimax", KUHN)
    with pytest.raises(ValueError, match="leave out depth"):
        make_opponent("random", KUHN, depth=2)
