"""Numbers are exact: a printed number is itself, a perturbed one is wrong, whatever its size or spelling."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from verifiers.inside.math import exact, numeric
from verifiers.inside.math.forms import literal, undone
from verifiers.inside.math.judging import judge
from verifiers.inside.math.nodes import TooLargeError
from verifiers.inside.math.policy import MathPolicy
from verifiers.inside.math.reading import read
from verifiers.inside.math.sampling import sample_points

POLICY = MathPolicy()
INTEGERS = st.integers(-(10**30), 10**30)
SMALL = st.integers(2, 60)


def status(reference: str, answer: str) -> str:
    return judge(reference, answer, POLICY).status


def value(text: str) -> Fraction | None:
    found = literal(read(text, POLICY).node)
    return found.value if found else None


@given(INTEGERS)
def test_an_integer_is_itself_in_every_spelling(number: int) -> None:
    fullwidth = str(number).translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})
    for text in (
        f"{number}",
        f"{number:,}",
        f"{number:,}".replace(",", "{,}"),
        f"${number}$",
        fullwidth,
        f"{number}.0",
    ):
        assert value(text) == number


@given(INTEGERS, st.integers(-5, 5))
def test_an_integer_is_no_other(number: int, difference: int) -> None:
    expected = "correct" if difference == 0 else "wrong"
    assert status(str(number), str(number + difference)) == expected
    assert status(f"{number}/1", f"{number + difference:,}") == expected


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6), st.integers(1, 50))
def test_a_fraction_is_itself_unreduced_mixed_and_signed(above: int, below: int, factor: int) -> None:
    expected = Fraction(above, below)
    assert value(f"\\frac{{{above * factor}}}{{{below * factor}}}") == expected
    assert value(f"{above}/{below}") == expected
    assert value(f"\\frac{{{-above}}}{{{-below}}}") == expected
    whole, rest = divmod(abs(above), below)
    assume(whole and rest)
    sign = "-" if above < 0 else ""
    assert value(f"{sign}{whole}\\frac{{{rest}}}{{{below}}}") == expected
    assert value(f"{sign}{whole} {rest}/{below}") == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_a_decimal_is_itself(number: object) -> None:
    assert value(f"{number:f}") == Fraction(str(number))


@given(st.integers(1, 9999), st.integers(-300, 300))
def test_scientific_numbers_are_exact(mantissa: int, exponent: int) -> None:
    expected = mantissa * Fraction(10) ** exponent
    assert value(f"{mantissa}e{exponent}") == expected
    assert value(f"{mantissa} \\times 10^{{{exponent}}}") == expected
    assert status(f"{mantissa}e{exponent}", f"{mantissa}e{exponent + 1}") == "wrong"


@given(st.integers(1, 10**6), st.integers(2, 10**6))
def test_a_decimal_that_rounds_a_fraction_needs_all_its_digits(above: int, below: int) -> None:
    exact_value = Fraction(above, below)
    assume(10 ** len(str(below)) * exact_value % 1 != 0 and exact_value.denominator > 1)
    digits = f"{float(exact_value):.9e}".split("e")
    rounded, off = digits[0], f"{digits[0][:-1]}{(int(digits[0][-1]) + 3) % 10}"
    assume(abs(Fraction(rounded) * Fraction(10) ** int(digits[1]) - exact_value) != 0)
    assert status(f"{above}/{below}", f"{rounded}\\times 10^{{{digits[1]}}}") == "correct"
    assert status(f"{above}/{below}", f"{off}\\times 10^{{{digits[1]}}}") == "wrong"


@given(SMALL, SMALL)
def test_work_left_undone_is_no_number(one: int, other: int) -> None:
    for text, result in (
        (f"{one} \\times {other}", one * other),
        (f"{one}+{other}", one + other),
        (f"{one}-{other}", one - other),
        (f"{one}^{{{other}}}", one**other),
        (f"\\sqrt{{{one * one}}}", one),
        (f"{one} \\cdot {other} = {one * other}", one * other),
        (f"\\frac{{{one}\\cdot {other}}}{{{other}}}", one),
    ):
        assert status(str(result), text) == "wrong"


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        (r"(1+2)\sqrt{2}", {"sum"}),
        (r"2\cdot3\sqrt2", {"product"}),
        (r"2^3\sqrt2", {"power"}),
        (r"(1+i)(2-i)", {"complex product"}),
        (r"i^2+\pi", {"complex power"}),
        (r"\frac{1+\sqrt5}{2}", set()),
        (r"\frac{2\sqrt3}{4}+1", set()),
        (r"\sqrt[3]{2}+3\pi", set()),
        (r"1.5\times10^3\pi", set()),
    ],
)
def test_what_was_left_undone_in_a_closed_expression_is_named(text: str, marks: set[str]) -> None:
    assert undone(read(text, POLICY).node) == marks


@given(st.integers(2, 10**6), st.integers(2, 10**6))
def test_radicals_are_equal_exactly_when_their_squares_are(inside: int, outside: int) -> None:
    assert status(f"{outside}\\sqrt{{{inside}}}", f"\\sqrt{{{outside * outside * inside}}}") in ("correct", "wrong")
    root = exact.Fraction(inside)
    if int(inside**0.5) ** 2 != root:
        assert status(f"{outside}\\sqrt{{{inside}}}", f"\\sqrt{{{outside * outside * inside}}}") == "correct"
        assert status(f"{outside}\\sqrt{{{inside}}}", f"\\sqrt{{{outside * outside * inside + 1}}}") == "wrong"


@pytest.mark.parametrize("digits", [10, 20, 50, 100])
def test_a_root_that_is_nearly_whole_is_not_whole(digits: int) -> None:
    assert status(rf"\sqrt{{10^{{{2 * digits}}}+1}}", "1" + "0" * digits) == "wrong"


@pytest.mark.parametrize(
    "text",
    ["2^{10^{10}}", "(10^8)!", r"\binom{10^9}{5\cdot10^8}", "9^{9^{9^{9}}}", "9!!!!!", r"1.5^{999999999}", "3^{5^{9}}"],
)
def test_what_would_be_too_large_is_refused_before_it_is_computed(text: str) -> None:
    with pytest.raises((TooLargeError, exact.NotRationalError)):
        exact.rational(read(text, POLICY).node)
    with pytest.raises(TooLargeError):
        numeric.evaluate(read(text, POLICY).node, 50, real=True)


def test_whole_sample_points_are_odd_and_even_for_every_letter() -> None:
    points = [point for point in sample_points(["m", "n"], "test") if point["m"].denominator == 1]
    whole = [(int(point["m"]), int(point["n"])) for point in points if point["n"].denominator == 1]
    assert {(m % 2, n % 2) for m, n in whole[: numeric.NUM_WHOLE_POINTS]} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_the_moduli_are_primes() -> None:
    for prime in exact.PRIMES:
        assert 1 << 60 < prime < 1 << 61
        assert all(pow(base, prime - 1, prime) == 1 for base in (2, 3, 5, 7, 11, 13, 17))
