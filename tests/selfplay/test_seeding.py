"""Named randomness: stable, without collisions, uniform, and independent of order and batching."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from selfplay.seeding import rng_for, seed_for, uniforms


def test_seeds_have_literal_values_that_never_change() -> None:
    assert seed_for(0, "solve", 3, "ab12", 1) == 5399649673526215757
    assert seed_for(7, "weights") == 1117460527005132851
    assert seed_for(0) == 4761921975702974394
    assert rng_for(1, "x").random() == 0.9436329086033118


def test_uniforms_have_literal_values_that_never_change() -> None:
    seeds = np.array([0, 1, 2**63 - 1], dtype=np.uint64)
    assert uniforms(seeds, 0).tolist() == [0.8833108082136426, 0.5665615751722809, 0.16564699010451844]
    assert uniforms(np.array([5], dtype=np.uint64), 3).tolist() == [0.09933941132660251]


def test_seeds_do_not_depend_on_the_salt_of_the_process() -> None:
    code = "from selfplay.seeding import seed_for; print(seed_for(0, 'solve', 3, 'ab12', 1))"
    for salt in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": salt},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "5399649673526215757\n"


def test_no_two_of_a_hundred_thousand_names_collide() -> None:
    seeds = {
        seed_for(run, "solve", number, f"{number:x}", k) for run in range(5) for number in range(5000) for k in range(4)
    }
    assert len(seeds) == 100_000


def test_the_parts_of_a_name_are_kept_apart() -> None:
    names: list[tuple[str | int, ...]] = [
        ("a", "b"),
        ("ab",),
        ("a", "b", ""),
        ("b", "a"),
        ("", "a", "b"),
        (1, 11),
        (11, 1),
    ]
    assert len({seed_for(0, *name) for name in names}) == len(names)
    assert seed_for(1, "1") != seed_for(11)


@given(st.integers(0, 2**70), st.lists(st.text(st.characters(codec="utf-8"), max_size=5) | st.integers(), max_size=4))
def test_a_seed_has_63_bits_and_is_the_same_whenever_asked(run_seed: int, name: list[str | int]) -> None:
    seed = seed_for(run_seed, *name)
    assert 0 <= seed < 2**63
    assert seed == seed_for(run_seed, *name)


@pytest.mark.parametrize("seeds", ["consecutive", "named"])
@pytest.mark.parametrize("step", [0, 1, 63, 10_000])
def test_uniforms_are_uniform_over_rows(seeds: str, step: int) -> None:
    count = 20_000
    rows = np.arange(count) if seeds == "consecutive" else np.array([seed_for(0, "row", row) for row in range(count)])
    drawn = uniforms(rows.astype(np.uint64), step)
    assert ((drawn >= 0.0) & (drawn < 1.0)).all()
    assert kstest(drawn, "uniform").pvalue > 1e-4


def test_uniforms_of_one_row_are_uniform_over_steps_and_do_not_follow_each_other() -> None:
    seed = np.array([seed_for(0, "sample", 0)], dtype=np.uint64)
    drawn = np.array([uniforms(seed, step)[0] for step in range(5000)])
    assert kstest(drawn, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.06


def test_neighbouring_rows_have_unrelated_uniforms() -> None:
    drawn = uniforms(np.arange(20_001, dtype=np.uint64), 5)
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.03


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=20), st.integers(0, 1000), st.randoms())
def test_a_uniform_does_not_depend_on_the_rows_around_it(seeds: list[int], step: int, rng: object) -> None:
    together = uniforms(np.array(seeds, dtype=np.uint64), step)
    alone = [uniforms(np.array([seed], dtype=np.uint64), step)[0] for seed in seeds]
    assert together.tolist() == alone
    assert together[::-1].tolist() == uniforms(np.array(seeds[::-1], dtype=np.uint64), step).tolist()
