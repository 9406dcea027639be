"""Number literals are compared exactly, or within a tolerance that is exact at its edge."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest
from helpers import check, problem
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.types import Status
from verifiers import ClosingVerifier, make_verifier
from verifiers.inside.number import Literal, close, read_literal
from verifiers.numeric import NumericVerifier

RIGHT, WRONG, MALFORMED = Status.CORRECT, Status.WRONG, Status.MALFORMED
FAULT = Status.FAULT


@pytest.fixture(scope="module")
def numeric_verifier() -> Iterator[ClosingVerifier]:
    with make_verifier("numeric") as verifier:
        yield verifier


NUMERIC_ROWS = [
    ("42", "42", RIGHT),
    ("42", " 042.0 ", RIGHT),
    ("42", "+42", RIGHT),
    ("42", "-42", WRONG),
    ("42", "4 2", MALFORMED),
    ("42", "41, 42", MALFORMED),
    ("42", "41 or 42", MALFORMED),
    ("42", "41=42", MALFORMED),
    ("1/2", "2/4", RIGHT),
    ("1/2", "0.5", RIGHT),
    ("0.5", "-1/-2", MALFORMED),
    ("1/3", "0.333333333333333333", WRONG),
    ("0.1", ".1", RIGHT),
    ("1", "1.", RIGHT),
    ("10", "1e1", RIGHT),
    ("1e-7", "4e-7", WRONG),
    ("1", "1e400", WRONG),
    ("1e400", "10e399", RIGHT),
    ("1e400", "1e401", WRONG),
    ("1e400", "inf", MALFORMED),
    ("0", "-0.0", RIGHT),
    ("0", "0e999999999999", RIGHT),
    ("0", "1e-999999999999", WRONG),
    ("1e999999999999", "10e999999999998", RIGHT),
    ("1e999999999999", "2e999999999999", WRONG),
    ("1", "1e" + "9" * 40, MALFORMED),
    ("1", "9" * 3000, MALFORMED),
    ("9" * 1500, "9" * 1500, RIGHT),
    ("9" * 1500, "9" * 1499 + "8", WRONG),
    (str(2**100), str(2**100 + 1), WRONG),
    ("3", "nan", MALFORMED),
    ("3", "", MALFORMED),
    ("3", "3/0", MALFORMED),
    ("3", "３", MALFORMED),  # noqa: RUF001  a full-width digit
    ("3", "0x3", MALFORMED),
    ("1000", "1_000", MALFORMED),
    ("1000", "1,000", MALFORMED),
    ("50", "50%", MALFORMED),
    ("three", "3", FAULT),
    ("1/0", "3", FAULT),
]


def test_numbers_are_compared_exactly(numeric_verifier: ClosingVerifier) -> None:
    check(numeric_verifier, NUMERIC_ROWS)


def test_a_relative_tolerance_is_exact_at_its_edge() -> None:
    with NumericVerifier(relative_tolerance="1e-3") as verifier:
        check(
            verifier,
            [
                ("1000", "1001", RIGHT),
                ("1000", "999", RIGHT),
                ("1000", "1001.0000000000000000000000001", WRONG),
                ("-1000", "-1001", RIGHT),
                ("-1000", "1000", WRONG),
                ("0", "1e-300", WRONG),
                ("1e500", "1.001e500", RIGHT),
                ("1e500", "1.0011e500", WRONG),
                ("1e99999", "1e-99999", WRONG),
            ],
        )


@pytest.mark.parametrize("tolerance", ["1", "-1e-9"])
def test_a_tolerance_outside_its_range_is_refused(tolerance: str) -> None:
    with pytest.raises(ValueError, match="relative_tolerance"):
        NumericVerifier(relative_tolerance=tolerance)


@st.composite
def literals(draw: st.DrawFn) -> tuple[str, Fraction]:
    """A literal with the value that Fraction gives it."""
    number = draw(st.integers(-50, 50) | st.integers(-(10**40), 10**40))
    match draw(st.sampled_from(["integer", "fraction", "decimal", "scientific"])):
        case "integer":
            return str(number), Fraction(number)
        case "fraction":
            below = draw(st.integers(1, 60))
            return f"{number}/{below}", Fraction(number, below)
        case "decimal":
            digits = draw(st.text("0123456789", min_size=1, max_size=30))
            return f"{number}.{digits}", Fraction(f"{number}.{digits}")
    exponent = draw(st.integers(-400, 400))
    return f"{number}e{exponent}", Fraction(f"{number}e{exponent}")


@given(literals(), literals(), st.sampled_from([Fraction(0), Fraction(1, 1000), Fraction(1, 3)]))
@settings(max_examples=400, deadline=None)
def test_closeness_agrees_with_fractions(
    answer: tuple[str, Fraction], reference: tuple[str, Fraction], tolerance: Fraction
) -> None:
    left, right = read_literal(answer[0]), read_literal(reference[0])
    assert isinstance(left, Literal)
    assert isinstance(right, Literal)
    assert close(left, right, tolerance) == (abs(answer[1] - reference[1]) <= tolerance * abs(reference[1]))
    assert close(left, left, tolerance)


@given(st.lists(st.tuples(literals(), literals()), min_size=1, max_size=30))
@settings(max_examples=25, deadline=None)
def test_numeric_verdicts_agree_with_fractions(
    numeric_verifier: ClosingVerifier, pairs: list[tuple[tuple[str, Fraction], tuple[str, Fraction]]]
) -> None:
    rows = [(a, b, RIGHT if x == y else WRONG) for (a, x), (b, y) in pairs]
    check(numeric_verifier, rows + [(a, a, RIGHT) for (a, _), _ in pairs])


def test_identical_items_share_one_judgement(numeric_verifier: ClosingVerifier) -> None:
    same = problem("42")
    first, second, other = numeric_verifier.verify([(same, "42"), (problem("42"), "42"), (same, "41")])
    assert first is second
    assert (first.status, other.status) == (RIGHT, WRONG)
