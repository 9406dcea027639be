"""Yardsticks: exact values of known policies, the average of a past, matches against fixed opponents."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from envs.games import make_game
from envs.games.exploitability import average_policy, exploitability, information_sets
from envs.games.opponents import kuhn_equilibrium, make_opponent
from selfplay.tabular import TabularPolicy
from selfplay.yardsticks import ExactYardstick, MatchYardstick, Strategy

KUHN: Any = make_game("kuhn_poker")
TIC_TAC_TOE: Any = make_game("tic_tac_toe")
MOVES = ["check", "bet", "call", "fold", "?"]


def exact(power: float = 2.0) -> ExactYardstick:
    return ExactYardstick(KUHN, information_sets(KUHN), exploitability, average_policy, power)


def policy_of(strategy: Strategy, others: float = 0.0) -> TabularPolicy:
    """A policy that plays `strategy`, and something that is no move with probability `others`."""
    rows = {}
    for text, moves in strategy.items():
        chances = [moves.get(move, 0.0) * (1 - others) for move in MOVES[:-1]] + [others]
        rows[text] = [math.log(max(chance, 1e-12)) for chance in chances]
    return TabularPolicy(MOVES, rows)


def test_an_equilibrium_has_exploitability_zero_and_uniform_play_its_known_one() -> None:
    measured, tokens = exact().measure(policy_of(kuhn_equilibrium(KUHN)), [])
    assert tokens == 0
    assert measured["exploitability"] == pytest.approx(0.0, abs=1e-6)
    uniform = {text: dict.fromkeys(one.moves, 0.5) for text, one in information_sets(KUHN).items()}
    assert exact().measure(policy_of(uniform), [])[0]["exploitability"] == pytest.approx(11 / 24, abs=1e-6)


def test_replies_that_are_no_move_count_as_random_legal_moves() -> None:
    strategy = kuhn_equilibrium(KUHN)
    measured, _ = exact().measure(policy_of(strategy, others=0.2), [])
    mixed = {text: {move: 0.8 * p + 0.1 for move, p in moves.items()} for text, moves in strategy.items()}
    assert measured["other_replies"] == pytest.approx(0.2)
    assert measured["exploitability"] == pytest.approx(exploitability(KUHN, mixed), abs=1e-6)


def test_the_average_of_the_past_counts_later_strategies_more() -> None:
    sets = information_sets(KUHN)
    always, never = (
        {text: {move: float(place == kept) for place, move in enumerate(one.moves)} for text, one in sets.items()}
        for kept in (0, 1)
    )
    policy = policy_of(kuhn_equilibrium(KUHN))
    for power, weights in ((0.0, (1.0, 1.0, 1.0)), (2.0, (1.0, 4.0, 9.0))):
        measured, _ = exact(power).measure(policy, [always, never, never])
        expected = average_policy(KUHN, list(zip(weights, [always, never, never], strict=True)))
        assert measured["exploitability_average"] == pytest.approx(exploitability(KUHN, expected))


def test_the_strategy_of_a_round_is_what_the_policy_plays() -> None:
    strategy = kuhn_equilibrium(KUHN)
    found = exact().strategy(policy_of(strategy))
    assert found.keys() == strategy.keys()
    assert all(found[text] == pytest.approx(moves, abs=1e-9) for text, moves in strategy.items())


def minimax_policy() -> TabularPolicy:
    opponent: Any = make_opponent("minimax", TIC_TAC_TOE)
    rows: dict[str, list[float]] = {}
    replies = [str(cell) for cell in range(1, 10)]

    def visit(state: Any) -> None:
        seat = TIC_TAC_TOE.to_move(state)
        if seat is None:
            return
        text = TIC_TAC_TOE.observation(state, seat).messages[-1].text
        if text in rows:
            return
        best = opponent.search.optimal(state)[0]
        rows[text] = [float(reply == best) for reply in replies]
        for move in TIC_TAC_TOE.legal(state):
            visit(TIC_TAC_TOE.step(state, move))

    visit(TIC_TAC_TOE.reset(random.Random(0)))
    return TabularPolicy(replies, rows)


def test_a_perfect_player_loses_no_match_and_one_that_is_always_illegal_loses_all() -> None:
    opponents = {name: make_opponent(name, TIC_TAC_TOE) for name in ("random", "minimax")}
    yardstick = MatchYardstick(TIC_TAC_TOE, opponents, num_matches=20, max_new_tokens=4)
    measured, tokens = yardstick.measure(minimax_policy(), [])
    assert (measured["not_lost_minimax"], measured["not_lost_random"]) == (1.0, 1.0)
    assert measured["return_minimax"] == 0.0
    assert measured["return_random"] > 0.5
    assert tokens > 0
    measured, _ = yardstick.measure(TabularPolicy(["10"]), [])
    assert (measured["not_lost_minimax_first"], measured["not_lost_random_second"]) == (0.0, 0.0)
    assert (measured["bad_minimax"], measured["return_random"]) == (1.0, -1.5)
