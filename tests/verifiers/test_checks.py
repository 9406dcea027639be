"""Checks of `sympy_equal`: values, antiderivatives, expansions and factorisations. Nothing wrong is accepted."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from helpers import SLACK_S, problem

from selfplay.types import Status
from verifiers import ClosingVerifier, make_verifier

DEADLINE_S = 3.0

VALUES = {
    "6x+2": (
        ["6x+2", "6*x+2", "2+6x", "2(3x+1)", r"6x + 2", "$6x+2$", "6x^1+2", "2*3*x+2", "(6x^2+2x)/x"],
        ["6x", "6x-2", "6y+2", "6x+2+C", "2x^3", "3x^2+2x", r"\frac{d}{dx}(3x^2+2x)", "diff(3x^2+2x,x)",
         "d/dx(3x^2+2x)", "(3x^2+2x)'", "6x+2.0000001", "6x=2", "6x+2, 6x", "6x+2 or 3", "D(3x^2+2x)", "", "?", "6x+"],
    ),
    "2x*cos(x^2)": (
        ["2x*cos(x^2)", r"2x\cos(x^2)", r"2x\cos\left(x^2\right)", "cos(x^2)*2*x", "2x cos(x^2)", "2xcos(x^2)",
         "cos(-x^2)*2x"],
        ["cos(x^2)", "2x*cos(2x)", "-2x*cos(x^2)", "2x*sin(x^2)", "2cos(x^2)", "2x*cos(x)^2", r"2x\cos^2 x"],
    ),
    "2exp(2x)+1/x": (
        ["2e^{2x}+1/x", "2*exp(2x)+x^(-1)", r"2e^{2x}+\frac{1}{x}", "2(e^x)^2+1/x", "2exp(x)*exp(x)+1/x"],
        ["2e^{2x}", "e^{2x}+1/x", "2e^{x}+1/x", "2e^2x+1/x", "2exp(2)x+1/x", "4e^{2x}+1/x"],
    ),
    "8/3": (
        ["8/3", r"\frac{8}{3}", "16/6", r"2\frac{2}{3}", "(8)/(3)", " 8/3 "],
        ["2.6667", "2.66666666666666666667", "8", "-8/3", "3/8", "3-1/3", "2^3/3", "8/3+C", "8/3+0x", "x=8/3",
         r"\int_0^2 x^2 dx",
         "2.7", "8/3 or 3", "oo", "8/3, 8/3", "8//3", "8 / 0"],
    ),
    "exp(2)+1": (
        ["exp(2)+1", "e^2+1", r"1+e^{2}", "exp(1)^2+1", "e*e+1"],
        ["8.389", "8.38905609893065", "e^2", "e^2+2-1", "e^x+1", "e+1", "2e+1", "exp(2)+1+0*x"],
    ),
    "oo": (
        ["oo", r"\infty", "∞", "infinity", "+oo", r"+\infty"],
        ["-oo", r"-\infty", "0", "1000000", "10^100", "1/0", "oo+1", "o", "x", "2oo", "does not exist", "undefined"],
    ),
    "-oo": (["-oo", r"-\infty", "-infinity"], ["oo", "-1", "1-oo", "-(-oo)", "-1/0"]),
    "0": (["0", "-0", "0/5"], ["oo", "1/oo", "1/1000000000", "x-x", "0*x", "1-1", "sin(0)", ""]),
}  # fmt: skip

ANTIDERIVATIVES = {
    "x^3/3+x^2": (
        ["x^3/3+x^2", "x^3/3+x^2+C", r"\frac{x^3}{3}+x^2+c", "x^2(x/3+1)+K", "x^3/3+x^2+7", "1/3x^3+x^2+C_1",
         "x^2+x^3/3+pi", r"\frac{1}{3}x^3+x^2+\text{const}", "x^3/3+x^2+constant", "(x^3+3x^2)/3 + C", "x^3/3+x^2-C"],
        ["x^3/3", "x^2+2x", "x^3/3+x^2+Cx", "x^3/3+x^2+y*x", "x^3/3-x^2+C", "x^3+x^2+C", r"\int (x^2+2x) dx",
         r"\int x^2+2x \, dx + C", "C", "0", "x^3/3+x^2+ln(-1)", "x^3/3+x^2+oo", "x^3/3+x^2+1/0", "y^3/3+y^2",
         "x^3/3+x^2+ln(x)-ln(-x)", "x^3/3+x^2+C, C real", "F(x)", ""],
    ),
    "ln|x|": (
        ["ln|x|", "ln|x|+C", "ln(x)+C", r"\ln|x|+C", r"\ln\left|x\right|+C", "log|x|", "ln|3x|", "ln(abs(x))",
         "ln|-x|", "ln(x^2)/2"],
        ["1/x", "ln(x)^2", "-ln|x|", "1/x^2", "ln|x|+x", "x*ln|x|", "2ln|x|", "ln(2)", "ln(y)"],
    ),
    "exp(2x)/2-cos(3x)/3": (
        ["exp(2x)/2-cos(3x)/3", r"\frac{e^{2x}}{2}-\frac{\cos 3x}{3}+C", "e^(2x)/2-cos(3x)/3+5",
         "(3e^{2x}-2cos(3x))/6"],
        ["exp(2x)/2+cos(3x)/3", "2exp(2x)+3sin(3x)", "exp(2x)-cos(3x)", "exp(2x)/2-sin(3x)/3", "e^2x/2-cos(3x)/3"],
    ),
    "x*sin(x)+cos(x)": (
        ["x*sin(x)+cos(x)+C", "xsin(x)+cos(x)", r"x\sin x+\cos x + C", "cos(x)-(-x)*sin(x)"],
        ["x*cos(x)", "x*sin(x)-cos(x)", "sin(x)+cos(x)", "x*sin(x)", "x^2*sin(x)/2"],
    ),
    "-cos(x)^2/2": (
        ["-cos(x)^2/2+C", "sin(x)^2/2", "sin^2(x)/2+C", "-cos(2x)/4"],
        ["cos(x)^2/2", "sin(x)^2", "sin(x^2)/2", "cos(2x)/4"],
    ),
}  # fmt: skip

EXPANSIONS = {
    "x^2+x-2": (
        ["x^2+x-2", "-2+x+x^2", "x^{2} + x - 2", "x**2+x-2", "1x^2+1x-2", "(x^2+x)-2", "x-2+x^2"],
        ["(x-1)(x+2)", "x(x+1)-2", "x^2+2x-x-2", "x*x+x-2", "x^2+x-1-1", "x^2+x+2", "x^2-x-2", "x^2+x-2+0",
         "x^3/x+x-2",
         "x^2+x-2+y-y", "x^2+x-2=0", "-(2-x-x^2)", "x^2+x-2+C", "(x+1/2)^2-9/4", "x^2+x-sqrt(4)", "x^2+x^1*1*1-2",
         "x^2+x",
         "x^2+x-2, x", "expand((x-1)(x+2))", "2x^2/2+2(x/2-1)"],
    ),
    "6x^3-x/2": (
        ["6x^3-x/2", "6x^3-0.5x", r"6x^3-\frac{1}{2}x", r"6x^3-\frac{x}{2}", "-1/2x+6x^3"],
        ["x(6x^2-1/2)", "6x^3-x", "2*3x^3-x/2", "(12x^3-x)/2", "6x^3-1/(2x)", "6xxx-x/2"],
    ),
}  # fmt: skip

FACTORISATIONS = {
    "(x-1)*(x+1)": (
        ["(x-1)(x+1)", "(x+1)*(x-1)", "-(1-x)(x+1)", "(1-x)(-x-1)", "(1+x)(-1+x)", r"\left(x-1\right)\left(x+1\right)",
         "(x-1)*(x+1)*1", "((x-1)(x+1))"],
        ["x^2-1", "(x^2-1)", "1(x^2-1)", "(x^2-1)^1", "x*x-1", "x(x-1/x)", "(x-1)(x+1)+0", "(x-1)(x-1)", "(x-1)^2",
         "(x-1)",
         "-(x-1)(x+1)", "2(x/2-1/2)(x+1)", "(2x-2)(x+1)/2", "(x-1)(x+1)(2-1)", "(x-1)(x^2+2x+1)/(x+1)", "(x-1)(x+1)=0",
         "x=1 or x=-1", "factor(x^2-1)", "(x-1)(y+1)", "(x-1),(x+1)", "(x-(3-2))(x+1)", "(x^2-1)(x+1)/(x+1)"],
    ),
    "2*(x-3)*(x+1)": (
        ["2(x-3)(x+1)", "(x-3)*2*(x+1)", "-2(3-x)(x+1)"],
        ["2x^2-4x-6", "(2x-6)(x+1)", "(x-3)(2x+2)", "2(x^2-2x-3)", "(x-3)(x+1)", "2((x-1)^2-4)", "4(x-3)(x/2+1/2)",
         "2*1*(x-3)(x+1)", "sqrt(4)(x-3)(x+1)", "2(x-3)(x+1)x/x"],
    ),
    "x*(x-1)^2*(2x+3)": (
        ["x(x-1)^2(2x+3)", "x(x-1)(x-1)(2x+3)", "x(1-x)^2(2x+3)"],
        ["x(x^2-2x+1)(2x+3)", "(x^2-x)(x-1)(2x+3)", "x(x-1)^2(x+3/2)*2", "(x-1)^2(2x^2+3x)", "x(x-1)(2x+3)"],
    ),
    "(x-2)*(x^2+1)": (
        ["(x-2)(x^2+1)", "(x^2+1)(x-2)"],
        ["(x-2)(x-i)(x+i)", "x^3-2x^2+x-2", "x^2(x-2)+(x-2)", "(x-2)(x+1)^2", "(x-2)((x+1)^2-2x)"],
    ),
    "(x-sqrt(2))*(x+sqrt(2))": (["x^2-2"], ["(x-sqrt(2))(x+sqrt(2))"]),
}  # fmt: skip

ALL = {"value": VALUES, "antiderivative": ANTIDERIVATIVES, "expanded": EXPANSIONS, "factored": FACTORISATIONS}
RIGHT = [(c, ref, a) for c, table in ALL.items() for ref, (right, _) in table.items() for a in right]
WRONG = [(c, ref, a) for c, table in ALL.items() for ref, (_, wrong) in table.items() for a in wrong]


@pytest.fixture(scope="module")
def verifier() -> Iterator[ClosingVerifier]:
    with make_verifier("sympy_equal", deadline_s=DEADLINE_S) as made:
        yield made


def statuses(verifier: ClosingVerifier, rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str, Status]]:
    verdicts = verifier.verify([(problem(ref, check=check, unknown="x"), answer) for check, ref, answer in rows])
    return [(*row, verdict.status) for row, verdict in zip(rows, verdicts, strict=True)]


def test_every_right_answer_is_accepted(verifier: ClosingVerifier) -> None:
    assert [row for row in statuses(verifier, RIGHT) if row[3] is not Status.CORRECT] == []


def test_no_wrong_answer_is_accepted_and_few_are_left_open(verifier: ClosingVerifier) -> None:
    found = statuses(verifier, WRONG)
    assert [row for row in found if row[3] is Status.CORRECT] == []
    assert [row for row in found if row[3] is Status.FAULT] == []
    open_ones = {row[2] for row in found if row[3] not in (Status.WRONG, Status.MALFORMED)}
    assert open_ones <= {"(x-2)(x-i)(x+i)", "does not exist", "undefined"}
    assert len(RIGHT) + len(WRONG) >= 200


def test_what_could_be_constant_in_pieces_is_not_decided(verifier: ClosingVerifier) -> None:
    """Its derivative is right, and it jumps where nobody looks."""
    pieces = ["x^2/2+sqrt((x-1000)^2)/(x-1000)", "x^2/2+|x-1000|/(x-1000)", "x^2/2+((x-9)^4)^(1/4)/(x-9)"]
    rows = [("antiderivative", "x^2/2", one) for one in pieces]
    assert [row for row in statuses(verifier, rows) if row[3] is Status.CORRECT] == []


HOSTILE = [
    "9^9^9^9^9", "x^(9^9^9)", "(x+1)^(10^9)", "(x+1)^60(x+2)^60(x+3)^60", "exp(exp(exp(exp(exp(9)))))", "x!",
    "((x!)!)!",
    "(" * 500 + "x" + ")" * 500, "sqrt(" * 40 + "x" + ")" * 40, "sin(" * 60 + "x" + ")" * 60, "x" * 1900, "9" * 1900,
    "1/" * 900 + "x", "-" * 1900 + "x", "{" * 900, "\\frac" * 300, "x^" * 600 + "x", "|" * 900, "\ud800", "\0",
    "x\u202ey",
    "__import__('os').system('true')", "lambda: x", "x.diff()", "Integral(x, x)", "exec('x')",
    "+".join(f"sin(x+{n})*cos(x*{n})" for n in range(60)),
    "*".join(f"(x+{n})" for n in range(150)), "exp(x)^" * 100 + "2",
    "ln(" * 50 + "x" + ")" * 50, "\\int" * 400, "oo^oo", "0^0", "x^oo",
]  # fmt: skip


@pytest.mark.parametrize("check", ALL)
def test_hostile_answers_are_never_right_and_never_take_longer_than_the_deadline(
    verifier: ClosingVerifier, check: str
) -> None:
    for answer in HOSTILE:
        began = time.monotonic()
        (row,) = statuses(verifier, [(check, "x^2+x-2", answer)])
        assert row[3] not in (Status.CORRECT, Status.FAULT), row
        assert time.monotonic() - began < 2 * DEADLINE_S + SLACK_S, row  # a job that kills its worker is tried again


def test_an_unknown_check_and_an_unreadable_reference_are_faults_of_ours(verifier: ClosingVerifier) -> None:
    rows = [("simplified", "x", "x"), ("value", "x+", "x"), ("value", "1, 2", "1"), ("expanded", "no", "x")]
    found = statuses(verifier, rows)
    assert [row[3] for row in found] == [Status.FAULT] * len(rows)


def test_the_unknown_may_have_another_letter(verifier: ClosingVerifier) -> None:
    items = [
        (problem("t^2/2", check="antiderivative", unknown="t"), "t^2/2+x"),
        (problem("t^2/2", check="antiderivative", unknown="t"), "x^2/2"),
        (problem("2t", check="value", unknown="t"), "2t"),
        (problem("2t", check="value", unknown="t"), "2x"),
    ]
    assert [verdict.status for verdict in verifier.verify(items)] == [
        Status.CORRECT,
        Status.WRONG,
        Status.CORRECT,
        Status.WRONG,
    ]
