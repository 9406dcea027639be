"""The training pool: a window, drawn by weight and recency."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from builders import transcript

from selfplay.pool import Item, Pool


def item(text: str, weight: float = 1.0, born: int = 0) -> Item:
    return Item((transcript(text),), weight, born)


def drawn(pool: Pool, count: int, round_number: int = 0, seed: int = 0) -> Counter[str]:
    return Counter(one.completion for one in pool.draw(count, round_number, random.Random(seed)))


def test_an_empty_pool_gives_nothing() -> None:
    assert Pool(3, 0.9).draw(5, 0, random.Random(0)) == []


def test_a_full_pool_forgets_the_oldest() -> None:
    pool = Pool(2, 1.0)
    pool.add(item(text) for text in "abc")
    assert len(pool) == 2
    assert set(drawn(pool, 200)) == {"b", "c"}


def test_items_are_drawn_in_proportion_to_their_weights() -> None:
    pool = Pool(10, 1.0)
    pool.add([item("a", 1.0), item("b", 3.0)])
    assert drawn(pool, 4000)["b"] / 4000 == pytest.approx(0.75, abs=0.03)


def test_an_item_loses_chance_with_every_round() -> None:
    pool = Pool(10, 0.5)
    pool.add([item("old", born=0), item("new", born=2)])
    assert drawn(pool, 4000, round_number=2)["new"] / 4000 == pytest.approx(0.8, abs=0.03)


def test_worthless_items_are_not_kept() -> None:
    pool = Pool(1, 1.0)
    pool.add([item("kept"), item("worthless", 0.0)])
    assert set(drawn(pool, 20)) == {"kept"}


def test_the_transcripts_of_an_item_share_its_chance_equally() -> None:
    pool = Pool(10, 1.0)
    pool.add([Item((transcript("a"), transcript("b")), 1.0, 0), item("c")])
    counts = drawn(pool, 6000)
    assert [counts[text] / 6000 for text in "abc"] == pytest.approx([0.25, 0.25, 0.5], abs=0.03)


def test_a_draw_is_with_replacement_and_as_long_as_asked() -> None:
    pool = Pool(10, 1.0)
    pool.add([item("a")])
    assert drawn(pool, 5) == {"a": 5}


def test_items_so_old_that_their_chance_is_zero_do_not_break_a_draw() -> None:
    pool = Pool(10, 0.1)
    pool.add([item("old", born=0), item("new", born=1000)])
    assert set(drawn(pool, 50, round_number=1000)) == {"new"}
    ancient = Pool(10, 0.1)
    ancient.add([item("old", born=0)])
    assert drawn(ancient, 3, round_number=1000) == {"old": 3}


def test_the_same_additions_and_seed_give_the_same_draw() -> None:
    pools = [Pool(5, 0.9), Pool(5, 0.9)]
    for pool in pools:
        for number in range(4):
            pool.add([item(f"{number}", number + 1.0, number)])
    first, second = (pool.draw(30, 4, random.Random(3)) for pool in pools)
    assert first == second
