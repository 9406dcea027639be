"""`by_problem`: each problem to the verifier that its payload names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.types import Origin, Problem, Status, Verdict
from verifiers import JUDGED, PROGRAMS, VERIFIERS, MathPolicy, make_verifier
from verifiers.base import ClosingVerifier
from verifiers.references import reference_mistake
from verifiers.routed import RoutedVerifier
from verifiers.sandbox import SandboxError, Tier


def problem(verifier: str | None, reference: str, **payload: str) -> Problem:
    named = {} if verifier is None else {"verifier": verifier}
    return Problem("test", f"{verifier} {reference}", reference, Origin.DATASET, 1, payload={**named, **payload})


class Recorder(ClosingVerifier):
    """Finds right what equals the reference, and remembers its batches."""

    name = "recorder"

    def __init__(self, asked: list[list[str]], judge: str = "", fails_to_close: bool = False) -> None:
        self.asked, self.judge, self.fails_to_close, self.closed = asked, judge, fails_to_close, False

    def judge_of(self, problem: Problem) -> str:
        return self.judge

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        self.asked.append([answer for _, answer in answers])
        return [
            Verdict(Status.CORRECT if problem.reference == answer else Status.WRONG, answer, judged_by=self.judge)
            for problem, answer in answers
        ]

    def close(self) -> None:
        self.closed = True
        if self.fails_to_close:
            raise OSError("a worker would not end")


def test_every_row_is_judged_by_the_verifier_that_it_names() -> None:
    doubling = "def double(x):\n    return 2 * x"
    calls = {"entry": "double", "inputs": "[[1], [4]]", "expected": "[2, 8]"}
    items = [
        (problem("exact", "0.5"), "1/2", Status.WRONG),
        (problem("math_answer", "0.5", extraction="whole"), "1/2", Status.CORRECT),
        (problem("numeric", "0.5"), "1/2", Status.CORRECT),
        (problem("python_exec", doubling, **calls), doubling, Status.CORRECT),
        (problem("exact", "0.5"), "0.5", Status.CORRECT),
        (problem("python_exec", doubling, **calls), doubling.replace("2", "3"), Status.WRONG),
        (problem("math_answer", "0.5"), "1/2", Status.MALFORMED),
        (problem("sympy_equal", "(x+1)**2"), "x**2+2*x+1", Status.CORRECT),
    ]
    with make_verifier("by_problem") as verifier:
        verdicts = verifier.verify([(one, answer) for one, answer, _ in items])
    assert [verdict.status for verdict in verdicts] == [status for _, _, status in items]


@lru_cache
def routed() -> tuple[RoutedVerifier, dict[str, list[list[str]]], list[str]]:
    asked: dict[str, list[list[str]]] = {"one": [], "two": []}
    made: list[str] = []

    def make(name: str) -> Recorder:
        made.append(name)
        return Recorder(asked[name], judge="somebody" if name == "two" else "")

    return RoutedVerifier(make, ["one", "two"]), asked, made


@given(st.lists(st.tuples(st.sampled_from(["one", "two", "three", None]), st.integers(0, 9), st.integers(0, 9))))
@settings(deadline=None)
def test_verdicts_come_in_order_and_each_verifier_is_made_once_and_asked_once_a_batch(
    rows: list[tuple[str | None, int, int]],
) -> None:
    verifier, asked, made = routed()
    for batches in asked.values():
        batches.clear()
    verdicts = verifier.verify([(problem(name, str(right)), str(answer)) for name, right, answer in rows])
    for (name, right, answer), verdict in zip(rows, verdicts, strict=True):
        known = name in ("one", "two")
        assert verdict.status is ((Status.CORRECT if right == answer else Status.WRONG) if known else Status.FAULT)
        assert verdict.judged_by == verifier.judge_of(problem(name, str(right)))
        assert verdict.judged_by == ("somebody" if name == "two" else "")
    for name, batches in asked.items():
        own = [str(answer) for named, _, answer in rows if named == name]
        assert batches == ([own] if own else [])
    assert len(made) == len(set(made))


@pytest.mark.parametrize(
    ("name", "told"),
    [("math_anwser", "did you mean 'math_answer'"), ("by_problem", "no verifier is called"), (None, "is missing")],
)
def test_a_name_that_is_none_is_a_fault_that_says_so(name: str | None, told: str) -> None:
    with make_verifier("by_problem") as verifier:
        (verdict,) = verifier.verify([(problem(name, "1"), "1")])
    assert verdict.status is Status.FAULT
    assert told in verdict.detail


def test_what_a_judge_says_stays_a_judges_word() -> None:
    with make_verifier("by_problem") as verifier:
        asked = problem("judge", "", rubric='[["mention", "river"]]')
        (verdict,) = verifier.verify([(asked, "A river.")])
        assert verifier.judge_of(asked) == verdict.judged_by == "scripted_rubric"
        assert not verdict.correct
        assert verdict.judged_good


def test_each_verifier_gets_its_own_options_and_the_common_limits() -> None:
    percent = MathPolicy(percent="number")
    options = {"math_answer": {"policy": percent}, "numeric": {"relative_tolerance": "1e-2"}}
    items = [
        (problem("math_answer", "50", extraction="whole"), "50\\%"),
        (problem("numeric", "100"), "101"),
        (problem("python_exec", "", entry="f", inputs="[[]]", expected="[1]"), "def f():\n    while True: pass"),
    ]
    with make_verifier("by_problem", options=options, deadline_s=0.3, memory_mb=512) as verifier:
        verdicts = verifier.verify(items)
    assert [verdict.status for verdict in verdicts] == [Status.CORRECT, Status.CORRECT, Status.TIMEOUT]


WEAK = {"best": Tier.D}
"""A machine that confines programs too weakly, as the sandbox sees it."""


@pytest.mark.parametrize("name", sorted(PROGRAMS))
@pytest.mark.parametrize("allow_unsafe", [True, False])
def test_programs_run_where_the_machine_is_too_weak_only_if_that_is_allowed(name: str, allow_unsafe: bool) -> None:
    options: dict[str, Any] = {"options": {"python_exec": WEAK}} if name == "by_problem" else WEAK
    item = (problem("python_exec", "", entry="f", inputs="[[]]", expected="[1]"), "f = lambda: 1")
    with make_verifier(name, allow_unsafe=allow_unsafe, **options) as verifier:
        if allow_unsafe:
            assert verifier.verify([item])[0].correct
        else:
            with pytest.raises(SandboxError, match="allow_unsafe"):
                verifier.verify([item])


@pytest.mark.parametrize("name", [name for name in VERIFIERS if name not in PROGRAMS])
def test_verifiers_that_run_no_programs_take_no_notice_of_what_programs_may_do(name: str) -> None:
    with make_verifier(name, allow_unsafe=True) as verifier:
        assert verifier.verify([]) == []


def test_all_verifiers_are_closed_also_when_one_of_them_fails() -> None:
    made = [Recorder([]), Recorder([], fails_to_close=True), Recorder([])]
    waiting = iter(made)
    verifier = RoutedVerifier(lambda name: next(waiting), ["a", "b", "c"])
    verifier.verify([(problem(name, "1"), "1") for name in "abc"])
    with pytest.raises(OSError, match="would not end"):
        verifier.close()
    assert [one.closed for one in made] == [True, True, True]


def test_no_process_is_started_for_verifiers_that_nobody_names() -> None:
    with make_verifier("by_problem") as verifier:
        verifier.verify([(problem("exact", "1"), "1")])
        assert list(verifier._made) == ["exact"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("verifier", "good", "bad"),
    [
        ("exact", ["x", "1 2"], ["", " \n"]),
        ("numeric", ["1", "-3/4", "1e9"], ["", "1,000", "one", "1/0"]),
        ("sympy_equal", ["x+1", "sqrt(2)"], ["", "2x", "\\frac12"]),
        ("math_answer", ["\\frac{1}{2}", "so \\boxed{3}", "12 #### 7", "(1, 2]", "x^2"], ["", "\\frac{1", "1+"]),
        ("judge", ["", "x"], []),
    ],
)
def test_a_reference_is_refused_where_its_verifier_could_not_read_it(
    verifier: str, good: list[str], bad: list[str]
) -> None:
    assert [(text, reference_mistake(verifier, text)) for text in good if reference_mistake(verifier, text)] == []
    assert [text for text in bad if not reference_mistake(verifier, text)] == []
    if verifier not in JUDGED:
        with make_verifier(verifier) as made:
            items = [(problem(None, text, extraction="whole"), text or "1") for text in bad]
            assert not any(verdict.correct for verdict in made.verify(items))


@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_has_its_mistake_named(text: str) -> None:
    for name in VERIFIERS:
        assert isinstance(reference_mistake(name, text), str)
