"""Minimax, exploitability, averages and opponents, each compared with something simpler or known."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.games import connect_four, make_game, negotiation
from envs.games.exploitability import (
    AveragePolicy,
    BestResponse,
    average_policy,
    check_policy,
    expected_returns,
    exploitability,
    information_sets,
    information_text,
    nash_conv,
    uniform_policy,
)
from envs.games.minimax import Minimax
from envs.games.opponents import MinimaxOpponent, PolicyOpponent, kuhn_equilibrium, make_opponent
from selfplay.seeding import rng_for

Policy = dict[str, dict[str, float]]
TIC_TAC_TOE = make_game("tic_tac_toe")
KUHN = make_game("kuhn_poker")
SETS = information_sets(KUHN)
SMALL = make_game("connect_four", connect_four.Options(rows=3, columns=4, connect=3))
DEFAULT_BARTER = make_game("negotiation")
BARTER = make_game(
    "negotiation",
    negotiation.Options(num_kinds=2, min_items=2, max_items=3, total_value=3, max_offers=2, payoff="difference"),
)

# Minimax


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
        Minimax(KUHN)
    with pytest.raises(ValueError, match="not zero-sum"):
        Minimax(make_game("negotiation"))
    with pytest.raises(ValueError, match="give a depth"):
        Minimax(make_game("connect_four"))
    with pytest.raises(ValueError, match="at least 1"):
        Minimax(TIC_TAC_TOE, 0)


# Exploitability


def random_policy(rng: random.Random, sharp: float = 0.0) -> Policy:
    """A policy of Kuhn poker; at a share `sharp` of the information sets, one move for certain."""
    policy = {}
    for text, one in SETS.items():
        chance = float(rng.random() < 0.5) if rng.random() < sharp else rng.random()
        policy[text] = dict(zip(one.moves, (1 - chance, chance), strict=True))
    return policy


def joined(first: Policy, second: Policy) -> Policy:
    """The first policy for the first seat, the second for the second."""
    return {text: (first if one.seat == 0 else second)[text] for text, one in SETS.items()}


def test_kuhn_poker_has_twelve_information_sets_of_two_states_each() -> None:
    assert len(SETS) == 12
    assert Counter(one.seat for one in SETS.values()) == {0: 6, 1: 6}


def test_the_uniform_policy_of_kuhn_poker_has_the_known_nash_conv_and_value() -> None:
    uniform = uniform_policy(KUHN)
    assert nash_conv(KUHN, uniform) == pytest.approx(11 / 12, abs=1e-12)
    assert exploitability(KUHN, uniform) == pytest.approx(11 / 24, abs=1e-12)
    assert expected_returns(KUHN, uniform) == pytest.approx((1 / 8, -1 / 8), abs=1e-12)


@given(alpha=st.floats(0, 1 / 3), other=st.floats(0, 1 / 3))
@settings(max_examples=30, deadline=None)
def test_every_member_of_the_family_is_an_equilibrium_and_they_can_be_exchanged(alpha: float, other: float) -> None:
    policy = joined(kuhn_equilibrium(KUHN, alpha), kuhn_equilibrium(KUHN, other))
    assert exploitability(KUHN, policy) == pytest.approx(0, abs=1e-12)
    assert expected_returns(KUHN, policy) == pytest.approx((-1 / 18, 1 / 18), abs=1e-12)


@given(text=st.sampled_from(sorted(SETS)), change=st.floats(0.01, 1))
@settings(max_examples=60, deadline=None)
def test_leaving_the_equilibrium_anywhere_is_exploitable_unless_the_family_allows_it(text: str, change: float) -> None:
    policy = kuhn_equilibrium(KUHN, 1 / 6)
    first, second = SETS[text].moves
    chance = policy[text][second]
    moved = chance + change if chance + change <= 1 else chance - change
    if not 0 <= moved <= 1:
        return
    policy[text] = {first: 1 - moved, second: moved}
    assert exploitability(KUHN, policy) > 1e-5


@pytest.mark.parametrize("alpha", [-0.01, 0.34, float("nan")])
def test_a_parameter_outside_the_family_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1/3"):
        kuhn_equilibrium(KUHN, alpha)


@given(seed=st.integers(0, 2**32), seat=st.integers(0, 1))
@settings(max_examples=15, deadline=None)
def test_a_best_response_is_the_best_of_all_deterministic_policies(seed: int, seat: int) -> None:
    policy = random_policy(random.Random(seed), sharp=0.3)
    own = [text for text, one in SETS.items() if one.seat == seat]
    values = []
    for choice in itertools.product(*(SETS[text].moves for text in own)):
        answer = {**policy, **{text: {move: 1.0} for text, move in zip(own, choice, strict=True)}}
        values.append(expected_returns(KUHN, answer)[seat])
    response = BestResponse(KUHN, policy, seat)
    assert response.value == pytest.approx(max(values), abs=1e-12)
    played = {**policy, **{text: {move: 1.0} for text, move in response.moves.items()}}
    assert expected_returns(KUHN, {**uniform_policy(KUHN), **played})[seat] == pytest.approx(max(values), abs=1e-12)


def test_holding_out_is_an_equilibrium_of_negotiation_about_the_difference() -> None:
    """The first keeps everything, the second refuses: nobody can do better, and the value is 0."""
    policy: Policy = {}
    for text, one in information_sets(BARTER).items():
        move = "refuse" if "refuse" in one.moves else one.moves[-1]
        policy[text] = {move: 1.0}
    assert exploitability(BARTER, policy) == pytest.approx(0, abs=1e-12)
    assert exploitability(BARTER, uniform_policy(BARTER)) > 0.3


def test_what_is_not_zero_sum_has_a_nash_conv_but_no_exploitability() -> None:
    options = negotiation.Options(num_kinds=2, min_items=2, max_items=3, total_value=3, max_offers=1)
    game = make_game("negotiation", options)
    greedy: Policy = {}
    for text, one in information_sets(game).items():
        greedy[text] = {"accept" if "accept" in one.moves else one.moves[-1]: 1.0}
    assert nash_conv(game, greedy) == pytest.approx(0, abs=1e-12)  # keep all, accept anything: an ultimatum
    assert nash_conv(game, uniform_policy(game)) > 0.1
    with pytest.raises(ValueError, match="use nash_conv"):
        exploitability(game, greedy)


def test_a_game_whose_observations_forget_is_refused() -> None:
    board = make_game("connect_four", connect_four.Options(rows=2, columns=2, connect=2))
    assert len(information_sets(board)) > 4
    with pytest.raises(ValueError, match="perfect recall"):
        information_sets(SMALL)


BROKEN: list[tuple[dict[str, float] | None, str]] = [
    (None, "says nothing about"),
    ({"check": 1.0, "raise": 0.0}, "the move 'raise'"),
    ({"check": 0.6, "bet": 0.6}, "sum to 1"),
    ({"check": -0.5, "bet": 1.5}, "sum to 1"),
    ({"check": float("nan"), "bet": 0.5}, "sum to 1"),
    ({}, "sum to 1"),
]


@pytest.mark.parametrize(("chances", "message"), BROKEN)
def test_what_is_no_policy_is_refused_and_the_information_set_named(
    chances: dict[str, float] | None, message: str
) -> None:
    policy = uniform_policy(KUHN)
    text = next(iter(SETS))
    if chances is None:
        del policy[text]
    else:
        policy[text] = chances
    with pytest.raises(ValueError, match=message) as error:
        check_policy(SETS, policy)
    assert repr(text) in str(error.value)


# Averages


@given(seed=st.integers(0, 2**32), weights=st.lists(st.floats(0.1, 10), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_the_average_wins_what_drawing_one_of_the_policies_before_the_game_wins(
    seed: int, weights: list[float]
) -> None:
    rng = random.Random(seed)
    policies = [(weight, random_policy(rng, sharp=0.5)) for weight in weights]
    average, other = average_policy(KUHN, policies), random_policy(rng)
    check_policy(SETS, average)
    for seat in range(2):

        def against(policy: Policy, seat: int = seat) -> float:
            pair = (policy, other) if seat == 0 else (other, policy)
            return expected_returns(KUHN, joined(*pair))[seat]

        drawn = sum(weight * against(policy) for weight, policy in policies) / sum(weights)
        assert against(average) == pytest.approx(drawn, abs=1e-9)


def test_a_policy_that_does_not_get_there_does_not_count_there() -> None:
    """One always checks a queen and then folds; the other always bets it, and would call."""
    first, second = uniform_policy(KUHN), uniform_policy(KUHN)
    first |= {"<first>Q": {"check": 1.0}, "<first>Q check bet": {"fold": 1.0}}
    second |= {"<first>Q": {"bet": 1.0}, "<first>Q check bet": {"call": 1.0}}
    average = average_policy(KUHN, [(1, first), (3, second)])
    assert average["<first>Q"] == {"check": 0.25, "bet": 0.75}
    assert average["<first>Q check bet"] == {"fold": 1.0, "call": 0.0}


def test_where_no_policy_gets_the_average_is_their_plain_mean() -> None:
    first, second = uniform_policy(KUHN), uniform_policy(KUHN)
    first |= {"<first>Q": {"bet": 1.0}, "<first>Q check bet": {"fold": 1.0}}
    second |= {"<first>Q": {"bet": 1.0}, "<first>Q check bet": {"call": 1.0}}
    assert average_policy(KUHN, [(1, first), (3, second)])["<first>Q check bet"] == {"fold": 0.25, "call": 0.75}


def test_fictitious_play_converges_in_its_average_and_not_in_its_iterates() -> None:
    policy, average = uniform_policy(KUHN), AveragePolicy(KUHN)
    found, latest = {}, 0.0
    for iteration in range(1, 301):
        average.add(policy)
        found[iteration] = exploitability(KUHN, average.policy())
        responses = [BestResponse(KUHN, average.policy(), seat).moves for seat in range(2)]
        policy = {text: {responses[one.seat][text]: 1.0} for text, one in SETS.items()}
        latest = exploitability(KUHN, policy)
    assert found[1] == pytest.approx(11 / 24)
    assert found[300] < 0.05 < found[10]
    assert latest > 0.2


@pytest.mark.parametrize("weight", [0.0, -1.0, float("inf"), float("nan")])
def test_weights_that_are_not_positive_are_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="expected a positive number"):
        AveragePolicy(KUHN).add(uniform_policy(KUHN), weight)


def test_an_average_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no policy was added"):
        AveragePolicy(KUHN).policy()


# Opponents


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


# Negotiation


def test_an_accepted_offer_gives_each_seat_the_worth_of_its_share() -> None:
    game = make_game("negotiation")
    state = negotiation.State((3, 1, 2), ((1, 3, 2), (2, 4, 0)))
    offered = game.step(state, "keep 1 1 2")
    assert game.returns(game.step(offered, "accept")) == (0.8, 0.4)  # 1 + 3 + 4 of 10; two books at 2
    countered = game.step(offered, "keep 2 1 0")
    assert game.returns(game.step(countered, "accept")) == (0.5, 0.8)  # what the second keeps is not the first's
    assert game.returns(game.step(countered, "refuse")) == (0.0, 0.0)
    assert game.best_total(state) == pytest.approx((3 * 2 + 1 * 4 + 2 * 2) / 10)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_no_division_is_worth_more_in_all_than_the_best_total_and_one_is_worth_that(seed: int) -> None:
    game = DEFAULT_BARTER
    state = game.reset(random.Random(seed))
    totals = [sum(game.returns(game.step(game.step(state, move), "accept"))) for move in game.legal(state)]
    assert max(totals) == pytest.approx(game.best_total(state), abs=1e-12)
    assert 1 < game.best_total(state) + 1e-9 < 2 + 1e-6


def test_every_deal_is_worth_the_same_to_both_and_something_is_at_stake() -> None:
    options = negotiation.Options(total_value=8)
    for _, deal in make_game("negotiation", options).deals():
        assert options.min_items <= sum(deal.pool) <= options.max_items
        for values in deal.values:
            assert sum(count * value for count, value in zip(deal.pool, values, strict=True)) == 8
        assert all(max(pair) > 0 for pair in zip(*deal.values, strict=True))
        assert any(min(pair) > 0 for pair in zip(*deal.values, strict=True))
