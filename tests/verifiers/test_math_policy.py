"""A policy is explicit, checked, versioned, and can be overridden row by row."""

from __future__ import annotations

import pytest

from verifiers.inside.math.judging import judge
from verifiers.inside.math.policy import MathPolicy, from_json

DEFAULT = MathPolicy()


@pytest.mark.parametrize(
    ("field", "value"),
    [("percent", "maybe"), ("units", ""), ("order", "tuple"), ("extraction", "regex"), ("extraction", "after:"),
     ("text_case", "upper"), ("degrees", "yes"), ("set_versus_tuple", "loose")],
)  # fmt: skip
def test_a_value_that_is_no_choice_is_refused_by_name(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=field):
        DEFAULT.override({field: value})


def test_an_unknown_field_and_another_version_are_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        DEFAULT.override({"colour": "red"})
    with pytest.raises(ValueError, match="version is 99"):
        MathPolicy(version=99)
    with pytest.raises(ValueError, match="min_significant_digits"):
        DEFAULT.override({"min_significant_digits": "four"})


def test_a_policy_survives_json() -> None:
    policy = DEFAULT.override({"percent": "number", "min_significant_digits": "6", "extraction": "after:####"})
    assert policy.min_significant_digits == 6
    assert from_json(policy.to_json()) == policy
    assert '"version"' in policy.to_json()


@pytest.mark.parametrize(
    ("field", "value", "reference", "answer", "by_default", "with_it"),
    [
        ("percent", "number", "50", r"50\%", "wrong", "correct"),
        ("percent", "number", "0.5", r"50\%", "correct", "wrong"),
        ("units", "required", r"5\text{ cm}", "5", "correct", "wrong"),
        ("units", "ignore", r"5\text{ cm}", r"5\text{ m}", "wrong", "correct"),
        ("degrees", "required", r"90^\circ", "90", "correct", "wrong"),
        ("degrees", "ignore", r"90^\circ", r"90", "correct", "correct"),
        ("order", "list", "1, 2", "2, 1", "correct", "wrong"),
        ("set_versus_tuple", "lenient", "(1,2)", "1, 2", "wrong", "correct"),
        ("set_versus_tuple", "lenient", r"\{1,2\}", "(1,2)", "wrong", "correct"),
        ("min_significant_digits", "3", r"\pi", "3.14", "wrong", "correct"),
        ("min_significant_digits", "6", "1/3", "0.3333", "correct", "wrong"),
        ("text_case", "strict", "East", "east", "correct", "wrong"),
    ],
)
def test_each_field_changes_what_it_says(
    field: str, value: str, reference: str, answer: str, by_default: str, with_it: str
) -> None:
    assert judge(reference, answer, DEFAULT).status == by_default
    assert judge(reference, answer, DEFAULT.override({field: value})).status == with_it
