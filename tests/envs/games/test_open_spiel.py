"""Rules and exploitability compared with OpenSpiel's (Lanctot et al. 2019, arXiv 1908.09453), move by move."""

from __future__ import annotations

import random
from typing import Any

import pytest

from envs.games import connect_four, kuhn_poker, make_game
from envs.games.exploitability import BestResponse, expected_returns, information_sets, nash_conv, uniform_policy
from envs.games.opponents import kuhn_equilibrium
from selfplay.seeding import rng_for

pyspiel = pytest.importorskip("pyspiel", reason="OpenSpiel has no wheel for this platform")
open_spiel_policy = pytest.importorskip("open_spiel.python.policy")
open_spiel_exploitability = pytest.importorskip("open_spiel.python.algorithms.exploitability")

BOARDS = [(6, 7, 4), (4, 5, 4), (3, 4, 3), (5, 3, 4)]
KUHN_ACTIONS = {"check": 0, "fold": 0, "bet": 1, "call": 1}
PLAYTHROUGHS = 300


def follow(game: Any, state: Any, theirs: Any, action_of: dict[str, int], rng: random.Random) -> Any:
    """Play random moves on both; what may be done, by whom, and what was won are the same at every step."""
    while True:
        mover = game.to_move(state)
        assert theirs.is_terminal() == (mover is None)
        if mover is None:
            assert list(game.returns(state)) == theirs.returns()
            return state
        assert theirs.current_player() == mover
        assert sorted(action_of[move] for move in game.legal(state)) == theirs.legal_actions()
        move = rng.choice(game.legal(state))
        state = game.step(state, move)
        theirs.apply_action(action_of[move])


def test_tic_tac_toe_is_open_spiels() -> None:
    game, theirs, rng = make_game("tic_tac_toe"), pyspiel.load_game("tic_tac_toe"), rng_for(0, "tic_tac_toe")
    actions = {str(number): number - 1 for number in range(1, 10)}
    for _ in range(PLAYTHROUGHS):
        board = theirs.new_initial_state()
        end = follow(game, game.reset(rng), board, actions, rng)
        assert str(board).replace("\n", "") == end.board


@pytest.mark.parametrize(("rows", "columns", "connect"), BOARDS)
def test_connect_four_is_open_spiels(rows: int, columns: int, connect: int) -> None:
    game = make_game("connect_four", connect_four.Options(rows=rows, columns=columns, connect=connect))
    theirs = pyspiel.load_game(f"connect_four(rows={rows},columns={columns},x_in_row={connect})")
    rng = rng_for(0, "connect_four", rows, columns)
    actions = {str(number): number - 1 for number in range(1, columns + 1)}
    for _ in range(PLAYTHROUGHS):
        board = theirs.new_initial_state()
        end = follow(game, game.reset(rng), board, actions, rng)
        padded = [column.ljust(rows, ".") for column in end.columns]
        assert str(board).split() == ["".join(column[row] for column in padded) for row in reversed(range(rows))]


def test_kuhn_poker_is_open_spiels() -> None:
    game, theirs, rng = make_game("kuhn_poker"), pyspiel.load_game("kuhn_poker"), rng_for(0, "kuhn_poker")
    assert theirs.max_utility() == game.max_return
    ends = set()
    for _ in range(PLAYTHROUGHS):
        state, hands = game.reset(rng), theirs.new_initial_state()
        for card in state.cards:
            assert dict(hands.chance_outcomes())["JQK".index(card)] > 0
            hands.apply_action("JQK".index(card))
        ends.add(follow(game, state, hands, KUHN_ACTIONS, rng))
    assert len(ends) == 30  # six deals, five ways to play: all were compared


def as_open_spiels(game: Any, policy: dict[str, dict[str, float]], theirs: Any) -> Any:
    """The same policy as a table of theirs."""
    table = open_spiel_policy.TabularPolicy(theirs)
    for text, one in information_sets(game).items():
        history = "".join("pb"[KUHN_ACTIONS[move]] for move in one.state.moves)
        key = f"{'JQK'.index(one.state.cards[one.seat])}{history}"
        table.policy_for_key(key)[:] = [policy[text][move] for move in sorted(one.moves, key=KUHN_ACTIONS.__getitem__)]
    return table


@pytest.mark.parametrize("style", ["terse", "instruct"])
def test_nash_conv_best_responses_and_values_are_open_spiels_for_any_policy(style: Any) -> None:
    game, theirs = make_game("kuhn_poker", kuhn_poker.Options(style=style)), pyspiel.load_game("kuhn_poker")
    rng = rng_for(0, "policies")
    policies = [uniform_policy(game), *(kuhn_equilibrium(game, alpha) for alpha in (0.0, 0.1, 1 / 3))]
    for n in range(40):
        sharp = n % 2 == 1  # every other one deterministic
        chances = [float(rng.random() < 0.5) if sharp else rng.random() for _ in range(12)]
        sets = information_sets(game).items()
        policies.append(
            {text: dict(zip(one.moves, (1 - p, p), strict=True)) for (text, one), p in zip(sets, chances, strict=True)}
        )
    for policy in policies:
        table = as_open_spiels(game, policy, theirs)
        expected = open_spiel_exploitability.nash_conv(theirs, table, return_only_nash_conv=False)
        assert nash_conv(game, policy) == pytest.approx(expected.nash_conv, abs=1e-9)
        gains = [
            BestResponse(game, policy, seat).value - won for seat, won in enumerate(expected_returns(game, policy))
        ]
        assert gains == pytest.approx(list(expected.player_improvements), abs=1e-9)
