"""What divisions are worth, and which deals are drawn."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.games import make_game, negotiation

GAME = make_game("negotiation")


def test_an_accepted_offer_gives_each_seat_the_worth_of_its_share() -> None:
    state = negotiation.State((3, 1, 2), ((1, 3, 2), (2, 4, 0)))
    offered = GAME.step(state, "keep 1 1 2")
    assert GAME.returns(GAME.step(offered, "accept")) == (0.8, 0.4)  # 1 + 3 + 4 of 10; two books at 2
    countered = GAME.step(offered, "keep 2 1 0")
    assert GAME.returns(GAME.step(countered, "accept")) == (0.5, 0.8)  # what the second keeps is not the first's
    assert GAME.returns(GAME.step(countered, "refuse")) == (0.0, 0.0)
    assert GAME.best_total(state) == pytest.approx((3 * 2 + 1 * 4 + 2 * 2) / 10)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_no_division_is_worth_more_in_all_than_the_best_total_and_one_is_worth_that(seed: int) -> None:
    state = GAME.reset(random.Random(seed))
    totals = [sum(GAME.returns(GAME.step(GAME.step(state, move), "accept"))) for move in GAME.legal(state)]
    assert max(totals) == pytest.approx(GAME.best_total(state), abs=1e-12)
    assert 1 <= GAME.best_total(state) < 2


def test_every_deal_is_worth_the_same_to_both_and_something_is_at_stake() -> None:
    options = negotiation.Options(total_value=8)
    for _, deal in make_game("negotiation", options).deals():
        assert options.min_items <= sum(deal.pool) <= options.max_items
        for values in deal.values:
            assert sum(count * value for count, value in zip(deal.pool, values, strict=True)) == 8
        assert all(max(pair) > 0 for pair in zip(*deal.values, strict=True))
        assert any(min(pair) > 0 for pair in zip(*deal.values, strict=True))
