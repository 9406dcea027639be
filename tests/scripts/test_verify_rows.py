"""Lines of a file as rows for a verifier, or as what is wrong with them."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from verify_helpers import DOUBLE, NAMES, Scripted, answer, row

from scripts.verify import Pace, grade, read_arguments
from scripts.verify_judges import Judges, Settings
from scripts.verify_output import Tally
from scripts.verify_progress import GradingView
from scripts.verify_rows import BadRow, Item, Line, read_lines, read_row, take
from selfplay.types import Status

# Rows


@pytest.mark.parametrize(
    ("data", "verifier", "detail"),
    [
        (b"", "exact", "empty; expected one JSON object"),
        (b"   ", "exact", "empty; expected one JSON object"),
        (b"hello", "exact", "not JSON: Expecting value at column 1; expected one JSON object"),
        (b'{"id": 1', "exact", "not JSON: Expecting ',' delimiter at column 9"),
        (b'{"id": 1} {"id": 2}', "exact", "not JSON: Extra data at column 11"),
        (b"\xff\xfe{", "exact", "not UTF-8 at byte 1"),
        (b"[1]", "exact", "a list ([1]); expected one JSON object"),
        (b"null", "exact", "null; expected one JSON object"),
        (b"3", "exact", "a number (3); expected one JSON object"),
        (b'{"id": 1' + b"0" * 5000 + b"}", "exact", "a number in it cannot be read"),
        (b"[" * 100_000, "exact", "nested too deeply to read"),
        (b'{"id":' + b"[" * 100_000, "exact", "nested too deeply to read"),
        ({"reference": "a", "text": "a"}, "exact", "the field id is missing; got the fields reference, text"),
        ({}, "exact", "the field id is missing; got no field"),
        ({"id": [1]}, "exact", "id is a list ([1]); expected a text, a finite number, true, false or null"),
        (b'{"id": NaN}', "exact", "id is a number (NaN); expected a text, a finite number"),
        (b'{"id": 1e999}', "exact", "id is a number (Infinity); expected a text, a finite number"),
        ({"id": 1, "text": "a"}, "exact", "the field reference is missing; got the fields id, text; exact grades"),
        ({"id": 1, "reference": "a"}, "exact", "the field text is missing"),
        ({"id": 1, "reference": 5, "text": "5"}, "exact", "reference is a number (5); expected a text"),
        ({"id": 1, "reference": "5", "text": None}, "exact", "text is null; expected a text"),
        ({"id": 1, "verifier": "exakt"}, "exact", 'no verifier is called "exakt"; did you mean exact?'),
        ({"id": 1, "verifier": 3}, "exact", "verifier is a number (3); expected one of exact, numeric"),
        ({"id": 1, "equation": 3, "text": "1"}, "sympy_equal", "equation is a number (3); expected a text"),
        ({"id": 1, "text": "a", "reference": "a"}, "python_exec", "the field program is missing"),
        ({"id": 1, "program": 5}, "python_exec", "program is a number (5); expected a text"),
        ({"id": 1, "program": "x"}, "python_exec", "nothing says what the program should do; got the fields id, "),
        ({"id": 1, "program": "x", "entry": "f"}, "python_exec", "the field inputs is missing"),
        (
            {"id": 1, "program": "x", "inputs": []},
            "python_exec",
            "the field entry is missing; got the fields id, program, inputs; expected entry, inputs and expected",
        ),
        (
            {"id": 1, "program": "x", "entry": "f", "inputs": [], "tests": "assert 1"},
            "python_exec",
            "entry and tests are both given; expected one way to judge",
        ),
        (
            {"id": 1, "program": "x", "entry": "f", "inputs": [[1], [2]], "expected": [1]},
            "python_exec",
            "2 inputs but 1 expected; expected as many of both",
        ),
        (
            {"id": 1, "program": "x", "entry": "f", "inputs": [[1], 2], "expected": [1, 2]},
            "python_exec",
            "inputs[1] is a number (2); expected a list of arguments",
        ),
        (
            {"id": 1, "program": "x", "entry": "f", "inputs": "[[1]]", "expected": [1]},
            "python_exec",
            'inputs is a text ("[[1]]"); expected a list',
        ),
        (
            {"id": 1, "program": "x", "entry": 5, "inputs": [], "expected": []},
            "python_exec",
            "entry is a number (5); expected a text",
        ),
        (
            {"id": 1, "program": "x", "stdin": ["a"], "expected": [1]},
            "python_exec",
            "expected[0] is a number (1); expected a text",
        ),
        ({"id": 1, "program": "x", "stdin": "a", "expected": ["a"]}, "python_exec", 'stdin is a text ("a"); expected'),
        ({"id": 1, "program": "x", "tests": ["assert 1"]}, "python_exec", "tests is a list"),
        ({"id": 1, "program": "x", "expected_output": 5}, "python_exec", "expected_output is a number (5); expected"),
    ],
)
def test_a_bad_row_says_its_line_what_is_wrong_and_what_was_expected(data: Any, verifier: str, detail: str) -> None:
    bad = row(data, verifier)
    assert isinstance(bad, BadRow)
    assert bad.detail.startswith(f"line 7: {detail}")
    assert bad.number == 7


FIELDS = ["id", "reference", "text", "program", "entry", "inputs", "expected", "stdin", "tests", "verifier", "policy"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(NAMES),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.binary() | st.dictionaries(st.sampled_from(FIELDS), VALUES).map(lambda fields: json.dumps(fields).encode()))
def test_whatever_a_line_says_it_is_an_item_or_a_bad_row_whose_id_can_be_written(data: bytes) -> None:
    for verifier in NAMES:
        read_out = row(data, verifier)
        assert read_out.number == 7
        json.dumps(read_out.id, allow_nan=False)
        if isinstance(read_out, BadRow):
            assert read_out.detail.startswith("line 7: ")
            assert read_out.detail.isprintable()
        else:
            assert all(isinstance(value, str) for value in read_out.problem.payload.values())


def test_a_bad_row_keeps_its_id_where_that_can_be_read() -> None:
    assert row({"id": "a"}).id == "a"
    assert row({"id": 0, "text": "a"}).id == 0
    assert row(b"hello").id is None


def test_the_message_about_a_bad_row_is_short_and_has_no_control_characters() -> None:
    bad = row({"id": 1, "reference": "a", "text": ["\x1b[2J" * 10_000], "\x1b\ud800" * 1000: 1})
    assert isinstance(bad, BadRow)
    assert len(bad.detail) < 200
    assert bad.detail.isprintable()
    missing = row({"id": 1, **{"\x1b[2J" * 1000 + str(number): 1 for number in range(1000)}})
    assert isinstance(missing, BadRow)
    assert len(missing.detail) < 1500
    assert missing.detail.isprintable()


def test_a_byte_order_mark_before_the_first_row_is_not_part_of_it() -> None:
    data = b"\xef\xbb\xbf" + json.dumps(answer(1, "a", "a")).encode()
    assert isinstance(read_row(Line(1, data, len(data)), "exact", NAMES), Item)
    assert isinstance(row(data), BadRow)


def test_a_row_of_answers_is_a_problem_with_a_reference_and_a_text() -> None:
    item = row(answer("a", "1/2", "0.5", verifier="numeric", level=3))
    assert isinstance(item, Item)
    assert (item.id, item.verifier, item.text) == ("a", "numeric", "0.5")
    assert (item.problem.reference, dict(item.problem.payload)) == ("1/2", {})


def test_an_equation_needs_no_reference() -> None:
    item = row({"id": 1, "equation": "2*y=4", "unknown": "y", "text": "2"}, "sympy_equal")
    assert isinstance(item, Item)
    assert dict(item.problem.payload) == {"equation": "2*y=4", "unknown": "y"}


@pytest.mark.parametrize(
    ("fields", "reference", "payload"),
    [
        (
            {"entry": "f", "inputs": [[1, "a"], []], "expected": [{"$tuple": [1]}, None]},
            "",
            {"entry": "f", "inputs": '[[1, "a"], []]', "expected": '[{"$tuple": [1]}, null]'},
        ),
        ({"stdin": ["a\n"], "expected": ["b"]}, "", {"stdin": '["a\\n"]', "expected": '["b"]'}),
        ({"tests": "assert f(1) == 2"}, "", {"tests": "assert f(1) == 2"}),
        (
            {"tests": "def check(candidate):\n    assert candidate(1) == 2\n", "entry": "f"},
            "",
            {"tests": "def check(candidate):\n    assert candidate(1) == 2\n\n\ncheck(f)\n"},
        ),
        ({"tests": "assert f(1) == 2", "entry": "f"}, "", {"tests": "assert f(1) == 2"}),
        ({"expected_output": "5\n", "reference": "6"}, "5\n", {}),
        ({"reference": "5\n"}, "5\n", {}),
    ],
)
def test_a_row_of_programs_says_how_to_judge_it(
    fields: dict[str, Any], reference: str, payload: dict[str, str]
) -> None:
    item = row({"id": 1, "program": DOUBLE, **fields}, "python_exec")
    assert isinstance(item, Item)
    assert (item.text, item.problem.reference, dict(item.problem.payload)) == (DOUBLE, reference, payload)


def test_lines_are_numbered_and_end_where_the_newline_is() -> None:
    lines = list(read_lines(io.BytesIO("a\r\n\nb\u2028c\x0bd\ne".encode())))
    assert [(line.number, line.data) for line in lines] == [
        (1, b"a"),
        (2, b""),
        (3, "b\u2028c\x0bd".encode()),
        (4, b"e"),
    ]
    assert [line.end for line in lines] == [3, 4, 12, 13]


def test_a_limit_bounds_the_lines_that_are_read() -> None:
    file = io.BytesIO(b"a\nb\nc\n")
    assert [line.data for line in read_lines(file, 2)] == [b"a", b"b"]
    assert file.read() == b"c\n"


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_line_may_be_as_long_as_the_limit_and_no_longer(ending: bytes) -> None:
    file = io.BytesIO(b"x" * 10 + ending + b"x" * 11 + ending + b"x" * 5000 + ending + b"b" + ending)
    lines = list(read_lines(file, max_bytes=10))
    assert [line.data for line in lines] == [b"x" * 10, None, None, b"b"]
    assert lines[-1].end == file.tell()


def test_the_rest_of_a_line_that_is_too_long_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("wb") as file:
        for _ in range(40):
            file.write(b"x" * 2**20)
        file.write(b'\n{"id": 1}\n')
    tracemalloc.start()
    try:
        with path.open("rb") as file:
            lines = list(read_lines(file, max_bytes=2**20))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [line.data for line in lines] == [None, b'{"id": 1}']
    assert peak < 8 * 2**20


def test_a_line_that_is_too_long_is_that_rows_error() -> None:
    bad = read_row(Line(3, None, 100), "exact", NAMES)
    assert isinstance(bad, BadRow)
    assert bad.detail == "line 3: longer than 64 MiB, and was not read; expected at most 64 MiB a row"


# Batches


def test_a_batch_ends_at_its_number_of_rows_or_bytes_and_reads_no_further() -> None:
    lines = iter([Line(number, b"x" * 10, 0) for number in range(10)])
    assert [line.number for line in take(lines, 3)] == [0, 1, 2]
    assert [line.number for line in take(lines, 5, max_bytes=15)] == [3, 4]
    assert next(lines).number == 5


def test_batches_grow_while_they_are_fast_and_shrink_while_they_are_slow() -> None:
    pace = Pace(1000, num_workers=2)
    sizes = []
    for seconds in [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 2.0, 9.0, 9.0]:
        sizes.append(pace.num_rows)
        pace.took(seconds)
    assert sizes == [64, 128, 256, 512, 1000, 1000, 1000, 1000, 500]
    for _ in range(20):
        pace.took(9.0)
    assert pace.num_rows == 2
    assert Pace(1, num_workers=8).num_rows == 1


def test_no_more_than_one_batch_is_held(scripted: Callable[..., Scripted]) -> None:
    held: list[int] = []
    tally = Tally()

    def lines() -> Iterator[Line]:
        for number in range(1, 501):
            held.append(number - tally.num_rows)
            data = json.dumps(answer(number, "a", "a")).encode()
            yield Line(number, data, number)

    verifier = scripted()
    told = read_arguments(["--verifier", "exact", "x", "--batch", "10"])
    with Judges(Settings()) as judges:
        grade(told, lines(), 500, judges, None, tally, GradingView(Console(file=io.StringIO())))
    assert tally.statuses == {Status.CORRECT: 500}
    assert max(held) == 10
    assert verifier.sizes == [10] * 50
    assert verifier.closed
