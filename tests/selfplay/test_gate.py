"""Admission: nothing twice, nothing held out, and every refusal counted."""

from __future__ import annotations

from builders import problem, proposal
from hypothesis import given
from hypothesis import strategies as st

from selfplay.gate import Gate, rejections
from selfplay.types import Problem, Rejection


def test_a_problem_is_admitted_once() -> None:
    gate = Gate(())
    assert gate.admit(problem("a")) == problem("a")
    assert gate.admit(problem("a")) == Rejection("duplicate", problem("a").id)
    assert isinstance(gate.admit(problem("b")), Problem)


def test_a_held_out_problem_is_never_admitted_also_not_the_second_time() -> None:
    gate = Gate([problem("a").id])
    for _ in range(2):
        assert gate.admit(problem("a")) == Rejection("held_out", problem("a").id)


def test_remembered_problems_are_duplicates() -> None:
    gate = Gate(())
    gate.remember([problem("a")])
    assert gate.admit(problem("a")) == Rejection("duplicate", problem("a").id)


@given(st.lists(st.integers(0, 9), max_size=40), st.sets(st.integers(0, 9)))
def test_what_is_admitted_is_distinct_and_disjoint_from_the_held_out(numbers: list[int], held_out: set[int]) -> None:
    gate = Gate(problem(str(number)).id for number in held_out)
    outcomes = [gate.admit(problem(str(number))) for number in numbers]
    admitted = [outcome.prompt for outcome in outcomes if isinstance(outcome, Problem)]
    assert len(admitted) == len(set(admitted))
    assert set(admitted) == {str(number) for number in set(numbers) - held_out}


def test_refusals_are_counted_by_reason_most_frequent_first() -> None:
    outcomes = [Rejection("grammar"), problem("a"), Rejection("duplicate"), Rejection("grammar", "other detail")]
    counts = rejections([proposal(outcome) for outcome in outcomes])
    assert list(counts.items()) == [("grammar", 2), ("duplicate", 1)]
    assert rejections([]) == {}


def test_a_gate_that_lets_repeats_in_still_keeps_out_what_is_held_out() -> None:
    gate = Gate([problem("kept").id], repeats=True)
    assert [gate.admit(one) for one in (problem("a"), problem("a"))] == [problem("a"), problem("a")]
    refused = gate.admit(problem("kept"))
    assert isinstance(refused, Rejection)
    assert refused.reason == "held_out"
