"""The papers' rewards for a proposer, against values computed by hand from the papers and their code."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay.learnability import FORMULAS, Context

WORST = math.exp(-(0.25**2) / 0.02)
NEAR = math.exp(-((3 / 16 - 1 / 4) ** 2) / 0.02)
OF_FOUR = {  # k = 0, 1, 2, 3, 4 of n = 4
    "one_minus_p": (0.0, 0.75, 0.5, 0.25, 0.0),
    "azr_paper": (0.0, 0.75, 0.5, 0.25, 0.0),
    "azr_code": (-0.5, 0.75, 0.5, 0.25, -0.5),
    "r_zero_paper": (0.0, 0.5, 1.0, 0.5, 0.0),
    "r_zero_code": (0.0, 0.25, 0.5, 0.25, 0.0),
    "four_p_one_minus_p": (0.0, 0.75, 1.0, 0.75, 0.0),
    "variance": (0.0, 0.25, 1 / 3, 0.25, 0.0),
    "sqlm_paper": (0.0, 1.0, 1.0, 1.0, 0.0),
    "sqlm_code": (0.0, 0.0, 1.0, 1.0, 0.0),
    "dr_zero": (0.0, 1.0, 2 / 3, 1 / 3, 0.0),
    "dr_zero_code": (0.5, 1.5, 0.5 + 2 / 3, 0.5 + 1 / 3, 0.5),
    "sgs": (0.0, 0.75, 0.5, 0.25, 0.0),
    "spice": (WORST, NEAR, 1.0, NEAR, WORST),
    "lsp": (0.0, -0.25, -0.5, -0.75, -1.0),
    "serl": (0.0, 1.0, 1.0, 1.0, 0.0),
    "stp": (0.0, 0.0, 0.0, 0.0, 0.0),
}
INVALID = {
    "one_minus_p": 0.0,
    "azr_paper": -1.0, "azr_code": -1.0, "r_zero_paper": 0.0, "r_zero_code": -1.0, "four_p_one_minus_p": 0.0,
    "variance": 0.0, "sqlm_paper": 0.0, "sqlm_code": 0.0, "dr_zero": 0.0, "dr_zero_code": 0.0, "sgs": 0.0,
    "spice": -0.1, "lsp": -1.0, "serl": 0.0, "stp": 0.0,
}  # fmt: skip


def value(name: str, k: int, n: int, context: Context | None = None) -> float:
    return FORMULAS[name](k, n, context or Context()).total


def test_the_tables_name_every_formula() -> None:
    assert OF_FOUR.keys() == FORMULAS.keys() == INVALID.keys()


@pytest.mark.parametrize("name", FORMULAS)
def test_values_with_four_attempts(name: str) -> None:
    assert [value(name, k, 4) for k in range(5)] == pytest.approx(list(OF_FOUR[name]), abs=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
def test_what_became_no_problem_is_paid_as_the_paper_says_whatever_k_and_n(name: str) -> None:
    assert {value(name, k, n, Context(valid=False)) for k, n in ((0, 0), (0, 4), (2, 4))} == {INVALID[name]}


def test_dr_zero_with_its_own_five_attempts() -> None:
    assert [value("dr_zero", k, 5) for k in range(6)] == pytest.approx([0, 1, 0.75, 0.5, 0.25, 0])


def test_stp_keeps_conjectures_that_are_rarely_proved() -> None:
    assert [value("stp", k, 8) for k in range(5)] == [0, 1, 0, 0, 0]


def test_serl_keeps_its_bounds() -> None:
    assert [value("serl", k, 10) for k in range(11)] == [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0]


def test_sqlm_counts_a_majority_of_one_only_in_the_paper() -> None:
    assert (value("sqlm_paper", 1, 4), value("sqlm_code", 1, 4)) == (1.0, 0.0)


def test_repetition_lowers_r_zero_and_only_the_code_goes_below_zero() -> None:
    near_copy = Context(repetition=0.75)
    assert value("r_zero_paper", 2, 4, near_copy) == pytest.approx(0.25)
    assert value("r_zero_paper", 1, 4, near_copy) == 0.0
    assert value("r_zero_code", 2, 4, near_copy) == pytest.approx(-0.25)
    assert value("r_zero_code", 0, 0, Context(valid=False, repetition=0.5)) == pytest.approx(-1.5)


def test_the_guide_multiplies_and_the_limit_cuts_sgs() -> None:
    assert value("sgs", 1, 4, Context(guide=4.0)) == pytest.approx(3.0)
    assert value("sgs", 3, 4, Context(guide=4.0, rate_limit=0.7)) == 0.0
    assert value("sgs", 2, 4, Context(guide=0.0)) == 0.0


@pytest.mark.parametrize("name", FORMULAS)
def test_a_single_attempt_is_never_a_division_by_zero(name: str) -> None:
    assert all(math.isfinite(value(name, k, 1)) for k in (0, 1))


BOUNDS = {  # least and greatest that a reward can be, invalid proposals, near copies and a Guide of 0 to 8 included
    "one_minus_p": (0, 1), "azr_paper": (-1, 1), "azr_code": (-1, 1), "r_zero_paper": (0, 1), "r_zero_code": (-2, 0.5),
    "four_p_one_minus_p": (0, 1), "variance": (0, 0.5), "sqlm_paper": (0, 1), "sqlm_code": (0, 1), "dr_zero": (0, 1),
    "dr_zero_code": (0, 1.5), "sgs": (0, 8), "spice": (-0.1, 1), "lsp": (-1, 0), "serl": (0, 1), "stp": (0, 1),
}  # fmt: skip


@given(st.sampled_from(sorted(BOUNDS)), st.integers(1, 64), st.booleans(), st.data())
def test_rewards_are_bounded_and_their_terms_add_up(name: str, n: int, valid: bool, data: st.DataObject) -> None:
    assert BOUNDS.keys() == FORMULAS.keys()
    k = data.draw(st.integers(0, n))
    context = Context(valid, data.draw(st.floats(0, 1)), data.draw(st.floats(0, 8)), data.draw(st.floats(0, 1)))
    reward = FORMULAS[name](k, n, context)
    least, greatest = BOUNDS[name]
    assert least - 1e-12 <= reward.total <= greatest + 1e-12
    assert reward.total == pytest.approx(sum(amount for _, amount in reward.terms))


AT_OTHER_COUNTS = {  # by hand, from the paper's or code's formula: (k, n) and what it pays
    "one_minus_p": {(1, 8): 7 / 8, (8, 8): 0, (0, 1): 0, (1, 1): 0},
    "azr_paper": {(1, 8): 7 / 8, (8, 8): 0, (0, 1): 0, (1, 1): 0},
    "azr_code": {(1, 8): 7 / 8, (7, 8): 1 / 8, (8, 8): -0.5, (0, 1): -0.5, (1, 1): -0.5},
    "r_zero_paper": {(3, 10): 0.6, (5, 10): 1.0, (9, 10): 0.2, (1, 9): 2 / 9, (1, 1): 0},
    "r_zero_code": {(3, 10): 0.3, (5, 10): 0.5, (9, 10): 0.1, (1, 9): 1 / 9, (1, 1): 0},
    "four_p_one_minus_p": {(1, 8): 7 / 16, (2, 5): 0.96, (1, 1): 0},
    "variance": {(1, 2): 0.5, (1, 8): 1 / 8, (2, 5): 0.3, (1, 1): 0},
    "sqlm_paper": {(1, 2): 1, (2, 2): 0, (7, 8): 1, (1, 1): 0},
    "sqlm_code": {(1, 2): 0, (2, 2): 0, (7, 8): 1, (1, 1): 0},
    "dr_zero": {(1, 2): 1, (4, 5): 0.25, (1, 1): 0, (0, 1): 0},
    "dr_zero_code": {(1, 2): 1.5, (4, 5): 0.75, (1, 1): 0.5},
    "sgs": {(1, 8): 7 / 8, (8, 8): 0, (0, 8): 0, (1, 1): 0},
    "spice": {(1, 2): 1, (1, 5): math.exp(-((0.16 - 0.25) ** 2) / 0.02), (1, 1): WORST},
    "lsp": {(1, 8): -1 / 8, (0, 1): 0, (1, 1): -1},
    "serl": {(1, 5): 1, (4, 5): 1, (1, 8): 0, (7, 8): 0, (1, 1): 0},
    "stp": {(1, 5): 1, (1, 4): 0, (0, 5): 0, (1, 1): 0},
}


@pytest.mark.parametrize("name", FORMULAS)
def test_values_at_other_counts_and_with_a_single_attempt(name: str) -> None:
    found = {counts: value(name, *counts) for counts in AT_OTHER_COUNTS[name]}
    assert found == pytest.approx(AT_OTHER_COUNTS[name], abs=1e-12)


def test_a_difference_from_the_code_is_where_the_papers_say() -> None:
    for paper, code, counts in (
        ("azr_paper", "azr_code", {(0, 8), (8, 8)}),
        ("r_zero_paper", "r_zero_code", {(k, 8) for k in range(1, 8)}),
        ("sqlm_paper", "sqlm_code", {(1, 8)}),
        ("dr_zero", "dr_zero_code", {(k, 8) for k in range(9)}),
    ):
        assert {(k, 8) for k in range(9) if value(paper, k, 8) != value(code, k, 8)} == counts


@pytest.mark.parametrize("name", ["r_zero_paper", "r_zero_code", "four_p_one_minus_p", "variance", "spice"])
@given(n=st.integers(2, 64), data=st.data())
def test_symmetric_rewards_peak_at_one_half(name: str, n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    assert value(name, k, n) == pytest.approx(value(name, n - k, n))
    assert value(name, k, n) <= value(name, n // 2, n) + 1e-12
