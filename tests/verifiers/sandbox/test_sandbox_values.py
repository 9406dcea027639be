"""Values survive the codec with their exact types, and nothing hostile survives its decoder."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from verifiers.inside.sandbox import frames
from verifiers.sandbox import Limits
from verifiers.sandbox.codec import (
    DecodeError,
    Reply,
    TooDeepError,
    UnsupportedTypeError,
    decode,
    encode,
    good_calls,
    read_reply,
)
from verifiers.sandbox.codec import read_report as read
from verifiers.sandbox.records import Call, Job, RunStatus

TEXTS = st.text(st.characters(exclude_categories=[]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
HASHABLE = st.recursive(
    SCALARS | st.binary(max_size=6) | st.complex_numbers(),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=6,
)
VALUES = st.recursive(
    HASHABLE,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(HASHABLE, inner, max_size=3)
        | st.sets(HASHABLE, max_size=3)
    ),
    max_leaves=12,
)


def exact(value: Any) -> Any:
    """A form in which values are equal only if all types and bits are."""
    kind = type(value)
    if kind in (list, tuple):
        return kind.__name__, [exact(item) for item in value]
    if kind is dict:
        return "dict", [(exact(key), exact(item)) for key, item in value.items()]
    if kind in (set, frozenset):
        return kind.__name__, sorted(repr(exact(item)) for item in value)
    if kind is float:
        return "float", "nan" if math.isnan(value) else value.hex()
    if kind is complex:
        return "complex", exact(value.real), exact(value.imag)
    return kind.__name__, value


@given(VALUES)
@example([2**63, -(2**20_000), 2**4096, True, 1, 1.0, -0.0, math.inf, math.nan])
@example("\ud83d\ude00 is not \U0001f600 and \0 is a character")
@example([[1, "a"], [2.5, None]])
@example([{float("nan"), float("nan")}, {float("nan"): 1, float("nan"): 2}])
@settings(max_examples=150, deadline=None)
def test_what_is_decoded_is_what_was_encoded(value: Any) -> None:
    assert exact(decode(encode(value))) == exact(value)


class Imitation(int):
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class Chameleon(type):
    """A class of classes that claims to be int."""

    def __eq__(cls, other: object) -> bool:
        return True

    def __hash__(cls) -> int:
        return hash(int)


class Claims(int, metaclass=Chameleon):
    """An int by its own word only."""


@pytest.mark.parametrize(
    "value",
    [Imitation(3), Claims(3), [Imitation(3)], [[Claims(3)]], {"a": {Imitation(1)}}, object(), range(3), iter([]), int,
     (value for value in ()), bytearray(b"x"), NotImplemented, lambda: 1],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_wherever_it_is(value: object) -> None:
    with pytest.raises(UnsupportedTypeError):
        encode(value)


def test_nesting_is_bounded_and_a_cycle_is_nesting() -> None:
    cycle: list[Any] = []
    cycle.append((cycle,))
    deep: Any = 1
    for _ in range(51):
        deep = (deep,)
    for value in (cycle, deep):
        with pytest.raises(TooDeepError):
            encode(value)
    assert decode(encode(deep[0])) == deep[0]
    for text in ("[" * 51 + "1" + "]" * 51, "[" * 51 + "[]" + "]" * 51, '{"tuple":[' * 51 + "]}" * 51):
        with pytest.raises(DecodeError):
            decode(text)


HOSTILE = [
    "", "nonsense", "[", "[1,]", "{}", '{"int":"0x1f"}', '{"int":5}', '{"int":"1_0"}', '{"bytes":"0"}',
    '{"bytes":"0 0"}', '{"complex":[1,2]}', '{"complex":[1.0]}', '{"tuple":1}', '{"set":[[1]]}', '{"set":[1,1]}',
    '{"set":[1,true]}', '{"dict":[[1,2],[1,3]]}', '{"dict":[[1]]}', '{"dict":[[[1],2]]}', '{"object":[]}',
    '{"tuple":[],"list":[]}', "[" * 100_000, '{"tuple":[' * 5000, "9" * 5000, "1 2", " 1", "1 ", '"\\ud800',
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_text_that_the_encoder_does_not_write_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        decode(text)


@given(st.text(max_size=40) | VALUES.map(encode).flatmap(lambda text: st.permutations(list(text)).map("".join)))
@settings(max_examples=150, deadline=None)
def test_the_decoder_raises_nothing_but_its_own_error(text: str) -> None:
    try:
        value = decode(text)
    except DecodeError:
        return
    assert exact(decode(encode(value))) == exact(value)


def test_elements_chosen_to_collide_do_not_take_quadratic_time() -> None:
    modulus = 2**61 - 1  # integers that differ by this have one hash
    colliding = json.dumps({"set": [number * modulus for number in range(1, 40_000)]})
    keyed = json.dumps({"dict": [[number * modulus, 0] for number in range(1, 40_000)]})
    began = time.process_time()
    for text in (colliding, keyed):
        with pytest.raises(DecodeError, match="same hash"):
            decode(text)
    assert time.process_time() - began < 2
    assert len(decode(json.dumps({"set": list(range(40_000))}))) == 40_000


TOKEN = b"12345678"


def reply(report: bytes, token: bytes = TOKEN, extra: bytes = b"") -> Reply:
    framed = frames.CONFINED + frames.REPORT.pack(token, len(report)) + report + extra
    return Reply(frames.ENDED, 0, 0.0, b"", framed)


@given(st.lists(VALUES, max_size=5))
@settings(max_examples=30, deadline=None)
def test_calls_made_quickly_are_the_calls_that_their_class_makes(values: list[Any]) -> None:
    made = good_calls(values)
    assert [exact(call.value) for call in made] == [exact(value) for value in values]
    assert [replace(call, value=0) for call in made] == [Call(RunStatus.OK, 0) for _ in values]


def test_a_report_counts_only_with_its_token_its_length_and_nothing_else() -> None:
    job, limits = Job("", "f", ((1,),)), Limits()
    good = b'["ok","",[3],[]]'
    assert read_reply(reply(good), TOKEN, job, limits).calls[0].value == 3
    for bad in (
        reply(good, b"87654321"),
        reply(good, extra=b" "),
        reply(good + good),
        reply(b'["ok","",[3,4],[]]'),
        reply(b'["infra_error","",[3],[]]'),
        reply(b'["ok","",[3],[[0,"ok",""]]]'),
        reply(b'["ok","",[3],[[1,"error",""]]]'),
        reply(b'["ok","",[3],[[true,"error",""]]]'),
        reply(b'["ok","",{"tuple":[3]},[]]'),
        reply(b"\xff"),
        reply(b""),
    ):
        assert read_reply(bad, TOKEN, job, limits).status is RunStatus.BAD_FRAME


@given(st.binary(max_size=60), st.one_of(st.none(), st.integers(0, 3)))
@settings(max_examples=150, deadline=None)
def test_reports_of_random_bytes_are_refused(data: bytes, num_calls: int | None) -> None:
    with pytest.raises(DecodeError):
        read(b'["ok","",' + data + b"!", num_calls)
