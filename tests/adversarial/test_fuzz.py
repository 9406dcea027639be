"""Whatever text reaches a decoder or a parser, it gives a value or its declared error, and soon.

The usual run takes about fifteen seconds. Half an hour:
`FUZZ_SCALE=75 python -m pytest tests/adversarial/test_fuzz.py`;
a longer run draws other examples each time and prints how to repeat a failure.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.adversarial.attack import same
from tests.adversarial.fuzzing import PIECES, TEST_PIECES, at_most, examples, mutated, texts, values
from verifiers.inside.math.extraction import extract, last_boxed
from verifiers.inside.math.nodes import UnknownError, UnreadableError, UnsupportedError
from verifiers.inside.math.policy import MathPolicy
from verifiers.inside.math.reading import read
from verifiers.inside.sandbox.values import DecodeError, TooDeepError, decode, encode
from verifiers.sandbox import Limits, RunStatus, Sandbox, json_values
from verifiers.sandbox.asserts import BrokenTestsError, SelfGraded, read_tests
from verifiers.sandbox.codec import read_report
from verifiers.sandbox.compare import PYTHON, STRICT, EqualityPolicy, equal

MAX_SECONDS = 0.1
CODEC_ALPHABET = '{}[],:"0123456789-+.eE ntrufalsxdip\\'
TAGS = st.sampled_from(["tuple", "set", "frozenset", "dict", "bytes", "complex", "int", "float", ""]) | texts
json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | texts
    | st.sampled_from(["00", "ff", "-1f", "0x1", "nan"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TAGS, inner, max_size=2),
    max_leaves=15,
)


def as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def encoded(value: Any) -> str:
    try:
        return encode(value)
    except TooDeepError:
        return "[]"


damaged = mutated(values.map(encoded), CODEC_ALPHABET)
json_texts = json_like.map(lambda value: json.dumps(value, ensure_ascii=False))
num_calls = st.none() | st.integers(0, 3)


# The codec of the sandbox


@given(values)
@examples(300)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert same(value, decode(encode(value)))


@given(st.text(max_size=300) | st.text(CODEC_ALPHABET, max_size=300))
@examples(300)
def test_any_text_is_decoded_or_refused(text: str) -> None:
    decoded_or_refused(text)


@given(damaged)
@examples(300)
def test_a_damaged_encoding_is_decoded_or_refused(text: str) -> None:
    decoded_or_refused(text)


@given(json_texts)
@examples(300)
def test_json_of_other_shapes_is_decoded_or_refused(text: str) -> None:
    decoded_or_refused(text)


def decoded_or_refused(text: str) -> None:
    """It gives a value that can be encoded and comes back, or DecodeError; nothing else, and soon."""
    with at_most(MAX_SECONDS):
        try:
            value = decode(text)
        except DecodeError:
            return
        assert same(value, decode(encode(value)))


@given(st.integers(1, 400), st.sampled_from(["[", '{"tuple":[', '{"dict":[[0,', '{"set":[', '{"frozenset":[', '{"a":']))
@example(50, "[")
@example(51, "[")
@example(52, '{"tuple":[')
@examples(100)
def test_deep_nesting_is_refused(depth: int, opening: str) -> None:
    decoded_or_refused(opening * depth)
    closing = "".join({"[": "]", "{": "}"}[one] for one in reversed(opening) if one in "[{")
    decoded_or_refused(opening * depth + "1" + closing * depth)


@given(
    st.binary(max_size=200) | mutated(values.map(encoded), CODEC_ALPHABET).map(as_bytes), st.none() | st.integers(0, 3)
)
@examples(200)
def test_any_report_is_read_or_refused(report: bytes, num_calls: int | None) -> None:
    with at_most(MAX_SECONDS), contextlib.suppress(DecodeError):
        read_report(report, num_calls)


@given(
    st.lists(json_like, min_size=3, max_size=5),
    st.sampled_from(["ok", "error", "memory"]),
    st.none() | st.integers(0, 3),
)
@examples(200)
def test_a_report_of_the_right_outline_is_read_or_refused(parts: list[Any], word: str, num_calls: int | None) -> None:
    report = as_bytes(json.dumps([word, *parts], ensure_ascii=False))
    with at_most(MAX_SECONDS), contextlib.suppress(DecodeError):
        status, detail, calls, variables = read_report(report, num_calls)
        assert status.value == word
        assert type(detail) is str
        assert status is not RunStatus.OK or num_calls is None or len(calls) == num_calls
        assert num_calls is None or not variables


# Equality


@given(values)
@examples(200)
def test_a_value_is_equal_to_its_copy(value: Any) -> None:
    with at_most(MAX_SECONDS):
        assert equal(value, decode(encode(value)))


@given(values, values)
@examples(200)
def test_equality_of_any_two_values_is_symmetric_and_never_raises(one: Any, other: Any) -> None:
    for policy in (STRICT, PYTHON, EqualityPolicy(relative_tolerance=1e-6)):
        with at_most(MAX_SECONDS):
            found = equal(one, other, policy)
        assert type(found) is bool
        if not policy.relative_tolerance:
            assert found is equal(other, one, policy)
    if same(one, other):
        assert equal(one, other)


# Values in JSON rows


@given(
    json_like.map(lambda value: json.dumps(value, ensure_ascii=False))
    | texts
    | st.text(CODEC_ALPHABET + "$", max_size=200)
)
@examples(300)
def test_any_text_of_a_row_is_a_value_or_an_error_that_says_where(text: str) -> None:
    said = ""
    with at_most(MAX_SECONDS):
        try:
            json_values.read(text, "inputs")
        except ValueError as error:
            said = str(error)
    assert not said or said.startswith("inputs")


@given(values)
@examples(200)
def test_a_value_written_into_a_row_is_read_as_it_was(value: Any) -> None:
    try:
        text = json_values.write(value)
    except ValueError:
        return
    assert same(value, json_values.read(text))


# Assert-style tests: what cannot be read is said, whatever the text is

tests_texts = st.lists(st.sampled_from([*TEST_PIECES, "\n", "\n    ", " "]), max_size=30).map(" ".join) | texts


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=Limits(seconds=1.0, memory_mb=256)) as made:
        yield made


@given(texts_of_tests=st.lists(tests_texts, min_size=20, max_size=20))
@examples(15)
def test_any_text_of_tests_is_read_or_a_reason_is_given(sandbox: Sandbox, texts_of_tests: list[str]) -> None:
    found = read_tests(sandbox, texts_of_tests)
    assert len(found) == len(texts_of_tests)
    for reading in found:
        assert isinstance(reading, (tuple, SelfGraded, BrokenTestsError))


# Mathematics: where an answer is, and what it says

spaces = st.sampled_from(["", "", "", " "])
latex = st.lists(st.tuples(st.sampled_from(PIECES), spaces).map("".join), max_size=60).map("".join)
maths = latex | st.text(max_size=200) | st.text("0123456789+-*/^()[]{}\\,.|=<>xye ", max_size=2_000)
repeated = st.tuples(st.sampled_from(PIECES), st.integers(1, 2_000), latex).map(
    lambda parts: (parts[0] * parts[1])[:1_900] + parts[2][:100]
)


@given(maths | repeated)
@examples(500)
def test_any_text_is_read_as_mathematics_or_refused(text: str) -> None:
    with at_most(MAX_SECONDS), contextlib.suppress(UnreadableError, UnsupportedError, UnknownError):
        read(text[:2_000], MathPolicy())


@given(maths | repeated, st.sampled_from(["boxed", "whole", "last_line", "after:####"]))
@examples(300)
def test_extraction_gives_a_part_of_the_text_or_nothing(text: str, rule: str) -> None:
    with at_most(MAX_SECONDS):
        found = extract(text, rule)
    assert found is None or (found and found in text)


@given(latex)
@examples(200)
def test_what_is_boxed_last_is_found_if_it_is_balanced(text: str) -> None:
    balanced = text.replace("\\", "").replace("{", "").replace("}", "")
    assert last_boxed(f"{text}\n\\boxed{{{balanced}}}") in (balanced, last_boxed(text), None) or "boxed" in text
    assert last_boxed(f"\\boxed{{{balanced}}}") == balanced
