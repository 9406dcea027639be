"""Whatever text reaches a decoder or a parser, it gives a value or its declared error, and soon.

The usual run takes about ten seconds. Half an hour: `FUZZ_SCALE=150 python -m pytest tests/adversarial/test_fuzz.py`;
a longer run draws other examples each time and prints how to repeat a failure.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.adversarial.attack import same
from tests.adversarial.fuzzing import PIECES, at_most, examples, mutated, texts, values
from verifiers.inside.math.extraction import extract, last_boxed
from verifiers.inside.math.nodes import UnknownError, UnreadableError, UnsupportedError
from verifiers.inside.math.policy import MathPolicy
from verifiers.inside.math.reading import read
from verifiers.inside.sandbox.values import DecodeError, TooDeepError, decode, encode

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


def encoded(value: Any) -> str:
    try:
        return encode(value)
    except TooDeepError:
        return "[]"


# The codec of the sandbox


@given(values)
@examples(300)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert same(value, decode(encode(value)))


@given(st.text(max_size=300) | st.text(CODEC_ALPHABET, max_size=300))
@examples(300)
def test_any_text_is_decoded_or_refused(text: str) -> None:
    decoded_or_refused(text)


@given(mutated(values.map(encoded), CODEC_ALPHABET))
@examples(300)
def test_a_damaged_encoding_is_decoded_or_refused(text: str) -> None:
    decoded_or_refused(text)


@given(json_like.map(lambda value: json.dumps(value, ensure_ascii=False)))
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
@examples(100)
def test_deep_nesting_is_refused(depth: int, opening: str) -> None:
    decoded_or_refused(opening * depth)
    closing = "".join({"[": "]", "{": "}"}[one] for one in reversed(opening) if one in "[{")
    decoded_or_refused(opening * depth + "1" + closing * depth)


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
