"""Expressions and solutions of equations are decided exactly, or not at all, and nothing hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from helpers import SLACK_S, check, problem
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.types import Status
from verifiers import ClosingVerifier, make_verifier
from verifiers.sympy_equal import SympyVerifier

RIGHT, WRONG, MALFORMED = Status.CORRECT, Status.WRONG, Status.MALFORMED
UNDECIDED, FAULT = Status.UNDECIDED, Status.FAULT
START_S = 3.0  # of a fresh worker, while other tests run
DEADLINE_S = 1.0


@pytest.fixture(scope="module")
def sympy_verifier() -> Iterator[ClosingVerifier]:
    """With time for what can be decided, also on a busy machine."""
    with make_verifier("sympy_equal", deadline_s=20.0) as verifier:
        yield verifier


@pytest.fixture(scope="module")
def hasty_verifier() -> Iterator[ClosingVerifier]:
    """For what is made to hang."""
    with make_verifier("sympy_equal", deadline_s=DEADLINE_S) as verifier:
        yield verifier


@pytest.fixture(scope="module")
def checking_verifier() -> Iterator[ClosingVerifier]:
    with SympyVerifier(always_sympy=True) as verifier:
        yield verifier


EXPRESSION_ROWS = [
    ("4", "4", RIGHT),
    ("4", "2+2", RIGHT),
    ("4", "5", WRONG),
    ("1/2", "0.5", RIGHT),
    ("1/3", "0.3333333333333333", WRONG),
    ("2^100", "2**100+1", WRONG),
    ("10**20", "10**20+1", WRONG),
    ("1/factorial(400)", "1/401!", WRONG),
    ("x**2+2*x+1", "(x+1)^2", RIGHT),
    ("x**2+2*x+1", "(x-1)**2", WRONG),
    ("x+1", "y+1", WRONG),
    ("x+1", "(x**2-1)/(x-1)", RIGHT),
    ("x", "x+0*y", RIGHT),
    ("-2**2", "-4", RIGHT),
    ("(-2)**2", "-4", WRONG),
    ("2**3**2", "512", RIGHT),
    ("2**-1", "1/2", RIGHT),
    ("(x+1)**30", "(1+x)**30", RIGHT),
    ("(x+1)**30", "(1+x)**30+1", WRONG),
    ("sqrt(8)", "2*sqrt(2)", RIGHT),
    ("sqrt(8)", "2*sqrt(3)", WRONG),
    ("sqrt(5+2*sqrt(6))", "sqrt(2)+sqrt(3)", RIGHT),
    ("10**20", "sqrt(10**40+1)", WRONG),
    ("sqrt(2)", "1.41421356237309504880168872420969807856967", WRONG),
    ("2**(1/3)", "2/4**(1/3)", RIGHT),
    ("abs(x)", "sqrt(x**2)", RIGHT),
    ("x", "sqrt(x**2)", WRONG),
    ("sin(x)**2", "1-cos(x)**2", RIGHT),
    ("sin(2*x)", "2*sin(x)", WRONG),
    ("ln(8)", "3*ln(2)", RIGHT),
    ("cos(pi)", "-1", RIGHT),
    ("3.14159265358979", "pi", WRONG),
    ("4", "1/0", WRONG),
    ("4", "(-1)!", WRONG),
    ("4", "", MALFORMED),
    ("4", "x=4", MALFORMED),
    ("4", "4=4", MALFORMED),
    ("4", "2x", MALFORMED),
    ("4", "4,", MALFORMED),
    ("4", "(4", MALFORMED),
    ("4", "4)", MALFORMED),
    ("4", "4 or 5", MALFORMED),
    ("4", "__import__('os').getpid()", MALFORMED),
    ("4", "lambda: 4", MALFORMED),
    ("4", "x.real", MALFORMED),
    ("4", "(" * 400 + "4" + ")" * 400, MALFORMED),
    ("4", "٤", MALFORMED),  # another script's digit
    ("nonsense(", "4", FAULT),
    ("1/0", "4", FAULT),
    ("log(0)", "4", FAULT),
    ("", "4", FAULT),
    ("4", "9**9**9", UNDECIDED),
    ("4", "factorial(10**8)", UNDECIDED),
    ("4", "4!!!!!", UNDECIDED),
]


def test_expressions_are_compared_exactly(sympy_verifier: ClosingVerifier) -> None:
    check(sympy_verifier, EXPRESSION_ROWS)


def test_sympy_itself_says_the_same_without_the_fast_way(checking_verifier: ClosingVerifier) -> None:
    check(checking_verifier, EXPRESSION_ROWS)


EQUATION_ROWS = [
    ("2*x+3=11", "4", RIGHT),
    ("2*x+3=11", " x = 4 ", RIGHT),
    ("2*x+3=11", "8/2", RIGHT),
    ("2*x+3=11", "4.0", RIGHT),
    ("2*x+3=11", "5", WRONG),
    ("2*x+3=11", "-4", WRONG),
    ("2*x+3=11", "4.0000000000000000000000000001", WRONG),
    ("2*x+3=11", "x", MALFORMED),
    ("2*x+3=11", "x=x", MALFORMED),
    ("2*x+3=11", "x=4=4", MALFORMED),
    ("2*x+3=11", "4=4", MALFORMED),
    ("2*x+3=11", "y=4", MALFORMED),
    ("2*x+3=11", "1+3", MALFORMED),
    ("2*x+3=11", "2*2", MALFORMED),
    ("2*x+3=11", "(4)", MALFORMED),
    ("2*x+3=11", "4e0", MALFORMED),
    ("2*x+3=11", "(11-3)/2", MALFORMED),
    ("2*x+3=11", "4 or 5", MALFORMED),
    ("2*x+3=11", "4, 5", MALFORMED),
    ("2*x+3=11", "", MALFORMED),
    ("2*x+3=11", "x=", MALFORMED),
    ("2*x+3=11", "4/0", MALFORMED),
    ("3*x=1", "1/3", RIGHT),
    ("3*x=1", "0.3333", WRONG),
    ("x**2=2", "1.41421356237309504880168872420969807856967", WRONG),
    ("x**2=4", "-2", RIGHT),
    ("sqrt(x)=3", "9", RIGHT),
    ("sqrt(x)*sqrt(2)=6", "18", RIGHT),
    ("sqrt(x)*sqrt(2)=6", "19", WRONG),
    ("2**x=8", "3", RIGHT),
    ("2**x=8", "1000000", UNDECIDED),
    ("1/(x-1)=1/(x-1)", "1", WRONG),
    ("2*x+3", "4", FAULT),
    ("2*x=3=4", "4", FAULT),
    ("2*x+y=3", "4", FAULT),
    ("2x=8", "4", FAULT),
]


@pytest.mark.parametrize("always_sympy", [False, True])
def test_only_a_number_that_satisfies_the_equation_is_right(
    sympy_verifier: ClosingVerifier, checking_verifier: ClosingVerifier, always_sympy: bool
) -> None:
    verifier = checking_verifier if always_sympy else sympy_verifier
    verdicts = verifier.verify([(problem("ignored", equation=e, unknown="x"), a) for e, a, _ in EQUATION_ROWS])
    got = [(e, a, verdict.status) for (e, a, _), verdict in zip(EQUATION_ROWS, verdicts, strict=True)]
    assert got == EQUATION_ROWS


def test_the_unknown_may_have_another_letter(sympy_verifier: ClosingVerifier) -> None:
    solved = problem("", equation="2*n+3=11", unknown="n")
    statuses = [verdict.status for verdict in sympy_verifier.verify([(solved, "n=4"), (solved, "x=4")])]
    assert statuses == [RIGHT, MALFORMED]


def expressions() -> st.SearchStrategy[str]:
    leaves = st.integers(0, 12).map(str) | st.sampled_from(["x", "y", "0.5", "1/3"])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({''.join(parts)})"),
            st.tuples(inner, st.integers(-2, 3)).map(lambda parts: f"({parts[0]})**{parts[1]}"),
            inner.map(lambda text: f"-{text}"),
        ),
        max_leaves=8,
    )


@given(st.lists(st.tuples(expressions(), expressions(), st.integers(-9, 9)), min_size=1, max_size=10))
@settings(max_examples=25, deadline=None)
def test_fractions_and_sympy_decide_alike(
    sympy_verifier: ClosingVerifier, checking_verifier: ClosingVerifier, rows: list[tuple[str, str, int]]
) -> None:
    items = [(problem(a), b) for a, b, _ in rows]
    items += [(problem(a), f"({a})+0*x") for a, _, _ in rows]
    items += [(problem("", equation=f"{a}={b}".replace("y", "x"), unknown="x"), str(n)) for a, b, n in rows]
    fast, slow = sympy_verifier.verify(items), checking_verifier.verify(items)
    assert [verdict.status for verdict in fast] == [verdict.status for verdict in slow]
    decided = {verdict.status for verdict in fast[len(rows) : 2 * len(rows)]}
    assert decided <= {RIGHT, FAULT}, "an expression must equal itself, unless it has no value"


HANGS = [
    "9**9**9**9**9",
    "(10**8)!",
    "9!!!!!!!!!",
    "2**(2**(2**(2**(2**2))))",
    "exp(exp(exp(exp(9))))",
    "exp(exp(exp(exp(exp(9)))))",
    "sin(10**900)",
    "sin(exp(exp(exp(4))))",
    "(x+y+z+a+b+c+d)**60",
    "(((x+1)**50)**50)**50",
    "*".join(f"({a}+{b}+1)**60" for a, b in ["xy", "ab", "cd", "pq"]),
    "+".join(f"sqrt({n})" for n in (2, 3, 5, 7, 11, 13, 17, 19, 23)) + "-17.3",
    "+".join(f"1/(x+{n})" for n in range(120)),
    "+".join(f"sin(x+{n})*cos(y*{n})" for n in range(30)),
    "x**y**z**x**y**z**x",
    "(2**(1/3)+3**(1/5)+5**(1/7))**60",
    "sqrt(" * 45 + "x" + ")" * 45,
]


@pytest.mark.parametrize("hang", HANGS)
def test_answers_made_to_hang_end_by_the_deadline_and_are_never_right(
    hasty_verifier: ClosingVerifier, hang: str
) -> None:
    items = [(problem("x+1"), "1+x"), (problem("x+1"), hang), (problem("x+1"), "x+1+0*x")]
    hasty_verifier.verify(items[:1])
    began = time.monotonic()
    first, middle, last = (verdict.status for verdict in hasty_verifier.verify(items))
    assert time.monotonic() - began < DEADLINE_S + SLACK_S + START_S
    assert middle in (Status.TIMEOUT, UNDECIDED, MALFORMED, WRONG)
    assert (first, last) == (RIGHT, RIGHT)


@pytest.mark.parametrize("hang", HANGS)
def test_closed_expressions_made_to_hang_do_not_hold_up_a_number(hasty_verifier: ClosingVerifier, hang: str) -> None:
    hasty_verifier.verify([(problem("4"), "4")])
    began = time.monotonic()
    middle, last = (verdict.status for verdict in hasty_verifier.verify([(problem("4"), hang), (problem("4"), "8/2")]))
    assert time.monotonic() - began < DEADLINE_S + SLACK_S + START_S
    assert middle in (Status.TIMEOUT, UNDECIDED, MALFORMED, WRONG)
    assert last == RIGHT


def test_an_expression_that_sympy_cannot_finish_is_a_timeout(hasty_verifier: ClosingVerifier) -> None:
    check(
        hasty_verifier,
        [("4", "4", RIGHT), ("4", "sin(exp(exp(exp(4))))", Status.TIMEOUT), ("4", "2*2", RIGHT)],
    )


def test_a_true_identity_that_cannot_be_proved_is_undecided(sympy_verifier: ClosingVerifier) -> None:
    check(sympy_verifier, [("sin(5*x)*cos(4*x)", "(sin(9*x)+sin(x))/2", UNDECIDED)])
