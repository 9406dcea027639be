"""The answer is taken from one place of a completion, and from nowhere else."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.inside.math.extraction import extract, last_boxed, reference_text

BALANCED = st.text("ab1 $\\").filter(lambda text: not text.endswith("\\") and "\\boxed" not in text)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{7}", "7"),
        (r"the final answer is $42$. I hope it is right. \boxed{7}", "7"),
        (r"\boxed{41} no, \boxed{42}", "42"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed {3}", "3"),
        (r"\boxed{1} and \boxed{2", "1"),
        (r"\boxed{1} and \boxed{2}}", "2"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{\boxed{5}}", r"\boxed{5}"),
        (r"{ \boxed{5}", "5"),
        (r"\boxed{ {5}", None),
        (r"\\boxed{5}", "5"),
        (r"\fbox{5}", None),
        ("the answer is 5", None),
        (r"\boxed{}", None),
        (r"\boxed{  }", None),
        ("", None),
    ],
)
def test_boxed_is_the_last_balanced_box(text: str, answer: str | None) -> None:
    assert extract(text, "boxed") == answer


@given(BALANCED, BALANCED, BALANCED)
def test_what_surrounds_the_last_box_does_not_matter(before: str, answer: str, after: str) -> None:
    assert last_boxed(f"{before} \\boxed{{{answer}}} {after}") == answer


@pytest.mark.parametrize(
    ("rule", "text", "answer"),
    [
        ("whole", "  1/2 \n", "1/2"),
        ("last_line", "first\n\nlast \n", "last"),
        ("after:####", "18 - 2 = 16\n#### 16\n", "16"),
        ("after:####", "#### 1\n#### 2\nmore", "2"),
        ("after:####", "no marker", None),
        ("after:Answer:", "Answer: 5", "5"),
        ("after:####", "#### ", None),
    ],
)
def test_other_rules_take_what_they_name(rule: str, text: str, answer: str | None) -> None:
    assert extract(text, rule) == answer


@pytest.mark.parametrize("piece", [r"\boxed{", "{", "}", r"\boxed{}", r"\boxed{{", "\\"])
def test_extraction_takes_linear_time_whatever_the_text(piece: str) -> None:
    times = []
    for count in (20_000, 80_000):
        text = r"\boxed{1}" + piece * count
        began = time.thread_time()
        last_boxed(text)
        times.append(time.thread_time() - began)
    assert times[1] < 20 * times[0] + 0.05  # four times the text; quadratic would be sixteen times and seconds


def test_a_reference_may_be_a_whole_solution() -> None:
    assert reference_text(r"We get $\boxed{\frac12}$.") == r"\frac12"
    assert reference_text("She has 9 * 2 = 18.\n#### 18") == "18"
    assert reference_text(" 18 ") == "18"
