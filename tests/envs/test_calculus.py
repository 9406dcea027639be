"""What holds for `calculus` alone. Every kind of reference is compared with sympy's own answer."""

from __future__ import annotations

import random
import re
import statistics
from itertools import pairwise
from typing import Any

import pytest
import sympy

from envs.calculus import TASKS, Calculus, Options
from selfplay.errors import FieldError
from selfplay.seeding import rng_for
from selfplay.types import Draft, Origin, Problem, Rejection, Status
from verifiers import ClosingVerifier

CALCULUS = Calculus(Options())
PER_LEVEL = 8


def problem(text: str, env: Calculus = CALCULUS) -> Problem:
    draft = env.read_problem(text)
    assert isinstance(draft, Draft), draft
    (made,) = env.ground([draft])
    assert isinstance(made, Problem)
    return made


def drawn(task: str, seed: str, per_level: int = PER_LEVEL) -> list[Problem]:
    env, rng = Calculus(Options(tasks=[task])), rng_for(0, seed, task)  # type: ignore[list-item]
    return [problem(env.draw(level, rng).prompt, env) for level in env.levels for _ in range(per_level)]


def parsed(text: str) -> Any:
    """Our notation, by sympy."""
    spelled = re.sub(r"ln\|([a-z])\|", r"ln(Abs(\1))", text)
    spelled = re.sub(r"(\d|\))(?=[a-zA-Z(])", r"\1*", spelled).replace("^", "**")
    return sympy.sympify(spelled, {letter: sympy.Symbol(letter, real=True) for letter in "tuvwxyz"} | {"ln": sympy.log})


def arguments(one: Problem) -> tuple[str, list[str]]:
    head, _, body = one.prompt.partition("(")
    return head, body[:-1].split(",")


def zero(difference: Any) -> bool:
    return bool(sympy.simplify(difference) == 0)


def test_derivatives_are_what_sympy_finds() -> None:
    for one in drawn("derivative", "sympy"):
        _, (function, letter) = arguments(one)
        assert zero(parsed(function).diff(parsed(letter)) - parsed(one.reference)), one


def test_antiderivatives_have_the_function_as_their_derivative() -> None:
    for one in drawn("antiderivative", "sympy"):
        _, (function, letter) = arguments(one)
        derivative = parsed(one.reference).diff(parsed(letter)).subs(sympy.sign(parsed(letter)), 1)
        function_found, point = parsed(function), {parsed(letter): sympy.Rational(7, 3)}
        assert zero((derivative - function_found).subs(point)), one
        assert zero(derivative.replace(sympy.Abs, lambda inner: inner) - function_found), one


def test_integrals_are_what_sympy_finds() -> None:
    for one in drawn("integral", "sympy"):
        _, (function, letter, low, high) = arguments(one)
        expected = sympy.integrate(parsed(function), (parsed(letter), parsed(low), parsed(high)))
        assert zero(expected - parsed(one.reference)), one


def test_expansions_are_what_sympy_finds() -> None:
    for one in drawn("expand", "sympy"):
        assert sympy.expand(parsed(arguments(one)[1][0])) == parsed(one.reference), one


def test_factorisations_are_what_sympy_finds() -> None:
    for one in drawn("factor", "sympy"):
        common, factors = sympy.factor_list(parsed(arguments(one)[1][0]))
        number = re.match("[0-9]*", one.reference)
        assert number is not None
        found = re.findall(r"\(([^()]+)\)(?:\^([0-9]))?", one.reference)
        assert int(number[0] or 1) == common, one
        assert {(parsed(factor), int(power or 1)) for factor, power in found} == set(factors), one


def test_limits_are_what_sympy_finds() -> None:
    for one in drawn("limit", "sympy"):
        _, (quotient, letter, point) = arguments(one)
        for side in "+-":
            found = sympy.limit(parsed(quotient), parsed(letter), parsed(point), side if point != "oo" else "-")
            assert found == parsed(one.reference), one


@pytest.mark.parametrize("task", TASKS)
def test_levels_of_a_task_are_in_order_of_the_length_of_problem_and_work(task: str) -> None:
    env = Calculus(Options(tasks=[task]))  # type: ignore[list-item]
    found = drawn(task, "length", 60)
    lengths = {level: [len(one.prompt) + len(env.solver_reply(one)) for one in found if one.level == level]
               for level in env.levels}  # fmt: skip
    means = [statistics.mean(values) for values in lengths.values()]
    shorter = {("antiderivative", 2), ("factor", 2), ("limit", 2), ("limit", 4)}  # a new idea, with less to write
    wrong = [place for place, (one, other) in enumerate(pairwise(means)) if other < one]
    assert {(task, place + 1) for place in wrong} <= {(name, place) for name, place in shorter}, means


@pytest.mark.parametrize(
    ("text", "canonical", "level"),
    [
        ("diff(3x^2+2x,x)", "diff(3x^2+2x,x)", 1),
        ("diff(2x+3x^2,x)", "diff(3x^2+2x,x)", 1),
        ("diff(x^2+x+sin(x),x)", None, "shape"),
        ("diff(x+3sin(2x),x)", "diff(3sin(2x)+x,x)", 3),
        ("diff((2x+1)^3+x,x)", "diff((2x+1)^3+x,x)", 4),
        ("diff(sin(x^2)+x,x)", "diff(sin(x^2)+x,x)", 4),
        ("diff(x*ln(x)+x,x)", "diff(x*ln(x)+x,x)", 5),
        ("diff(x*sin(x^2)+x,x)", "diff(x*sin(x^2)+x,x)", 6),
        ("diff(3x^2+2x,y)", None, "grammar"),
        ("diff(3x^2+2y,x)", None, "grammar"),
        ("diff(3x^2+2x)", None, "grammar"),
        ("diff(3x^2+2x,x", None, "grammar"),
        ("diff(tan(x)+x,x)", None, "grammar"),
        ("diff(xsin(x)+x,x)", None, "grammar"),
        ("diff(3*x^2+x,x)", None, "grammar"),
        ("diff(sin(sin(x))+x,x)", None, "grammar"),
        ("diff(x^9+x,x)", None, "range"),
        ("integrate(x+1,x)", "integrate(x+1,x)", 1),
        ("integrate(3/x+x,x)", "integrate(x+3/x,x)", 3),
        ("integrate(x*exp(2x)+x,x)", "integrate(x*exp(2x)+x,x)", 5),
        ("integrate(sin(x^2)+x,x)", None, "shape"),
        ("integrate(x+1,x,0,2)", "integrate(x+1,x,0,2)", 2),
        ("integrate(x+1,x,2,0)", None, "range"),
        ("integrate(x+1,x,0,0)", None, "range"),
        ("integrate(x+1,x,0)", None, "grammar"),
        ("integrate(3/x+x,x,1,2)", None, "range"),
        ("integrate(x,x,0,9)", None, "range"),
        ("integrate(,1,2)", None, "grammar"),
        ("expand((x+1)(x-2))", "expand((x-2)(x+1))", 1),
        ("expand((x+1)(2x-2))", "expand((x+1)(2x-2))", 2),
        ("expand((x^2+1)(x+1))", "expand((x+1)(x^2+1))", 3),
        ("expand((x+1))", None, "grammar"),
        ("expand(x^2+1)", None, "grammar"),
        ("expand((x)(x+1))", None, "shape"),
        ("expand((x^3+1)(x+1))", None, "shape"),
        ("expand((x+1)(x-20))", None, "range"),
        ("factor(x^2-1)", "factor(x^2-1)", 1),
        ("factor(-1+x^2)", "factor(x^2-1)", 1),
        ("factor(2x^2-2)", "factor(2x^2-2)", 2),
        ("factor(6x^2-5x+1)", "factor(6x^2-5x+1)", 3),
        ("factor(x^2+1)", None, "shape"),
        ("factor(x^4+4)", None, "shape"),
        ("factor(x^4+5x^2+4)", None, "shape"),
        ("factor(x^2-x)", None, "range"),
        ("factor(1-x^2)", None, "range"),
        ("factor(x+1)", None, "degree"),
        ("factor((x-1)(x+1))", None, "grammar"),
        ("limit((x^2-1)/(x-1),x,1)", "limit((x^2-1)/(x-1),x,1)", 3),
        ("limit((x+1)/(x+2),x,1)", "limit((x+1)/(x+2),x,1)", 1),
        ("limit((x^2)/(x+1),x,oo)", "limit((x^2)/(x+1),x,oo)", 2),
        ("limit((sin(2x))/(3x),x,0)", "limit((sin(2x))/(3x),x,0)", 5),
        ("limit((cos(2x)-1)/(3x^2),x,0)", "limit((cos(2x)-1)/(3x^2),x,0)", 6),
        ("limit((cos(2x))/(3x),x,0)", None, "shape"),
        ("limit((sin(2x))/(3x),x,1)", None, "shape"),
        ("limit((ln(x))/(3x),x,0)", None, "shape"),
        ("limit((x+1)/(x-1),x,1)", None, "shape"),
        ("limit((x+1)/(0),x,1)", None, "grammar"),
        ("limit((x+1)/(x-1),x,-oo)", None, "grammar"),
        ("solve(x+1,x)", None, "grammar"),
        ("diff()", None, "grammar"),
        ("diff(x,x)+diff(x,x)", None, "grammar"),
        ("", None, "grammar"),
    ],
)
def test_a_text_is_read_in_canonical_form_with_its_level_or_refused_with_its_reason(
    text: str, canonical: str | None, level: int | str
) -> None:
    outcome = CALCULUS.read_problem(text)
    if canonical is None:
        assert isinstance(outcome, Rejection), outcome
        assert outcome.reason == level
    else:
        assert outcome == Draft(canonical, int(level))


def test_problems_of_a_task_that_is_not_asked_for_are_refused() -> None:
    outcome = Calculus(Options(tasks=["limit", "expand"])).read_problem("diff(3x^2+2x,x)")
    assert outcome == Rejection("task", "derivative, expected expand or limit")
    with pytest.raises(FieldError, match="each task once"):
        Options(tasks=["limit", "limit"])


def test_worked_examples() -> None:
    made = problem("integrate(x*exp(2x)+3x,x)")
    assert (made.origin, made.payload) == (Origin.GENERATED, {"check": "antiderivative", "unknown": "x"})
    assert CALCULUS.solver_reply(made) == (
        "x*exp(2x):x*exp(2x)/2-exp(2x)/4;3x:3x^2/2;x*exp(2x)/2-exp(2x)/4+3x^2/2"
    )  # fmt: skip
    wordy = Calculus(Options(style="instruct"))
    made = problem("factor(2x^2-4x-6)", wordy)
    assert wordy.solver_reply(made) == "2(x^2-2x-3)\nx=-1:x-3\nAnswer: 2(x+1)(x-3)"
    assert "Factor 2x^2-4x-6 completely" in wordy.solver_prompt(made, random.Random(0), 0).messages[-1].text


SHOWN = [
    ("diff(x^3+2x,x)", "3x^2+2", True),
    ("diff(x^3+2x,x)", "f'(x) = 3x^2 + 2", True),
    ("diff(x^3+2x,x)", r"\frac{d}{dx}(x^3+2x) = $3x^{2}+2$", True),
    ("diff(x^3+2x,x)", r"\frac{d}{dx}(x^3+2x)", False),
    ("diff(x^3+2x,x)", "diff(x^3+2x,x)", False),
    ("integrate(x+1,x)", r"F(x) = \frac{x^2}{2} + x + C", True),
    ("integrate(x+1,x)", "(x+1)^2/2", True),
    ("integrate(x+1,x)", r"\int (x+1)\,dx", False),
    ("integrate(x+1,x)", "x^2+x+C", False),
    ("integrate(x+1,x,0,2)", "4", True),
    ("integrate(x+1,x,0,2)", "4+C", False),
    ("integrate(x+1,x,0,2)", "2+2", False),
    ("expand((x+1)(x-2))", "x^2-x-2", True),
    ("expand((x+1)(x-2))", "(x+1)(x-2)", False),
    ("expand((x+1)(x-2))", "x^2-2x+x-2", False),
    ("factor(x^2-1)", "(x+1)(x-1)", True),
    ("factor(x^2-1)", "x^2-1 = (x-1)(x+1)", True),
    ("factor(x^2-1)", "x^2-1", False),
    ("factor(2x^2-2)", "(2x-2)(x+1)", False),
    ("limit((x^2)/(x+1),x,oo)", r"\infty", True),
    ("limit((x^2)/(x+1),x,oo)", "oo", True),
    ("limit((x^2)/(x+1),x,oo)", "-oo", False),
    ("limit((x^2-1)/(x-1),x,1)", "2", True),
    ("limit((x^2-1)/(x-1),x,1)", "x+1", False),
    ("limit((x^2-1)/(x-1),x,1)", "0/0", False),
]


@pytest.mark.parametrize("style", ["terse", "instruct"])
def test_answers_are_judged_by_value_and_form(verifiers_by_name: dict[str, ClosingVerifier], style: Any) -> None:
    env = Calculus(Options(style=style))
    before = "work;" if style == "terse" else "Some work, x=1.\nAnswer: "
    items = []
    for text, answer, _ in SHOWN:
        made = problem(text, env)
        items.append((made, env.read_answer(made, f"{before}{answer}") or ""))
    verdicts = verifiers_by_name["sympy_equal"].verify(items)
    found = [(text, answer, verdict.status) for (text, answer, _), verdict in zip(SHOWN, verdicts, strict=True)]
    assert [(*row[:2], row[2] is Status.CORRECT) for row in found] == SHOWN
    assert {row[2] for row in found} <= {Status.CORRECT, Status.WRONG, Status.MALFORMED}


@pytest.mark.parametrize("task", TASKS)
def test_the_answer_to_another_problem_is_wrong(verifiers_by_name: dict[str, ClosingVerifier], task: str) -> None:
    found = [CALCULUS.augment(one, "", random.Random(0))[0] for one in drawn(task, "others", 12)]
    found = [one for one in found if one.payload["unknown"] == found[0].payload["unknown"]]
    assert len(found) > 60
    items = [(one, other.reference) for one, other in zip(found, found[1:] + found[:1], strict=True)]
    verdicts = verifiers_by_name["sympy_equal"].verify(items)
    accepted = [one.reference != other for (one, other), v in zip(items, verdicts, strict=True) if v.correct]
    assert not any(accepted)
    assert all(verdict.status in (Status.CORRECT, Status.WRONG) for verdict in verdicts)


def test_mutants_and_renamed_problems_are_of_the_same_task() -> None:
    for task in TASKS:
        for one in drawn(task, "mutate", 4):
            rng = random.Random(one.id)
            mutant = CALCULUS.mutate(Draft(one.prompt, one.level), rng, 0.7)
            made = problem(mutant.prompt)
            assert (CALCULUS.task_of(made), made.level) == (task, one.level)
            assert CALCULUS.letters(mutant.prompt) == CALCULUS.letters(one.prompt)
            moved, reply = CALCULUS.augment(one, CALCULUS.solver_reply(one), rng)
            assert problem(moved.prompt).reference == moved.reference
            assert reply == CALCULUS.solver_reply(moved)


def test_a_task_can_be_asked_for_with_examples() -> None:
    wordy, rng = Calculus(Options(style="instruct")), random.Random(0)
    shown = [problem("factor(x^2-1)"), problem("factor(x^2-4)")]
    text = wordy.task_prompt("factor", shown, rng).messages[-1].text
    assert "factor(x^2-1), factor(x^2-4)" in text
    assert {CALCULUS.task_prompt(task, (), rng).prefix for task in TASKS} == {task.head for task in TASKS.values()}
