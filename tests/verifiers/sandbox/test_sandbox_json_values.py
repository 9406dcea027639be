"""Values in JSON rows: what is written is read back, and mistakes say where they are."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given, settings
from test_sandbox_values import VALUES, exact

from verifiers.sandbox import json_values
from verifiers.sandbox.codec import encode


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read_back(value: Any) -> None:
    # JSON's escapes cannot keep two lone surrogates apart from the character that they would make together.
    assume(not any("\ud800" <= character <= "\udfff" for character in encode(value)))
    assert exact(json_values.read(json_values.write(value))) == exact(value)


def test_plain_json_means_itself() -> None:
    assert exact(json_values.read('{"a": [1, 1.0, true, null, "x"], "b": {}}')) == exact(
        {"a": [1, 1.0, True, None, "x"], "b": {}}
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"$tuple": [1, {"$tuple": []}]}', (1, ())),
        ('{"$set": [1, 2]}', {1, 2}),
        ('{"$frozenset": [{"$tuple": [1]}]}', frozenset([(1,)])),
        ('{"$bytes": "00ff"}', b"\x00\xff"),
        ('{"$complex": [1, -0.5]}', 1 - 0.5j),
        ('{"$dict": [[1, "a"], ["$x", {"$set": []}]]}', {1: "a", "$x": set()}),
        ('{"$float": "-inf"}', -math.inf),
        ('{"$float": "0x1.8p+1"}', 3.0),
    ],
)
def test_tagged_objects_mean_what_json_has_no_form_for(text: str, value: Any) -> None:
    assert exact(json_values.read(text)) == exact(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[1, {"a": {"$tupel": []}}]', r"value\[1\]\.a: .*\$tupel.*expected one of \$tuple"),
        ('{"$tuple": [], "x": 1}', "alone"),
        ('{"$set": [[1]]}', r"value\.\$set: unhashable"),
        ('{"$set": [1, true]}', "two elements are equal"),
        ('{"$dict": [[1]]}', "pairs"),
        ('{"$dict": {"a": 1}}', "pairs"),
        ('{"$bytes": 3}', "hexadecimal"),
        ('{"$complex": [1]}', "two numbers"),
        ('{"$float": "1.5.5"}', "hexadecimal float"),
        ('{"$float": 1.5}', "hexadecimal float"),
        ("[NaN]", r"value\[0\]: got nan"),
        ("[1", "not JSON"),
        ("[" * 60 + "]" * 60, "nested"),
        ("[" * 100_000, "nested|not JSON"),
    ],
)
def test_a_mistake_says_what_and_where(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        json_values.read(text)


def test_a_type_without_a_form_is_not_written() -> None:
    with pytest.raises(ValueError, match="range"):
        json_values.write([range(3)])
