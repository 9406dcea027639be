"""The command that grades a file: what it makes of good and bad rows, what it writes, and how it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import verifiers.process
from scripts.cli import run_main
from scripts.verify import Pace, grade, main, read_arguments
from scripts.verify_judges import Graded, Judges, Settings
from scripts.verify_output import OutputFile, Tally, aligned, confusion, shown, summary
from scripts.verify_progress import GradingView
from scripts.verify_rows import BadRow, Item, Line, read_lines, read_row, take
from selfplay.errors import UserError
from selfplay.types import Problem, Status, Verdict
from verifiers.inside.math.policy import MathPolicy
from verifiers.sandbox import Tier, box

ROOT = Path(__file__).parents[2]
NAMES = ["exact", "numeric", "sympy_equal", "python_exec"]
DOUBLE = "def f(x):\n    return 2 * x\n"


def write(path: Path, rows: Sequence[Any]) -> Path:
    """A file of rows; bytes stand for themselves."""
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def answer(identifier: Any, reference: str, text: str, **more: Any) -> dict[str, Any]:
    return {"id": identifier, "reference": reference, "text": text, **more}


def row(data: Any, verifier: str = "exact") -> Item | BadRow:
    line = data if isinstance(data, bytes) else json.dumps(data).encode()
    return read_row(Line(7, line, len(line)), verifier, NAMES)


def exit_of(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as caught:
        run_main(main, [str(one) for one in arguments], resumable=False)
    return caught.value.code


def command(*arguments: object, **kwargs: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.verify", *map(str, arguments)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs,
    )  # fmt: skip


class Scripted:
    """A verifier without processes: what `judge` says of each text; CORRECT where text and reference are equal."""

    def __init__(self, judge: Callable[[Problem, str], Verdict] | None = None) -> None:
        self._judge = judge or (lambda p, text: Verdict(Status.CORRECT if text == p.reference else Status.WRONG, text))
        self.closed = False
        self.sizes: list[int] = []

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        self.sizes.append(len(answers))
        return [self._judge(problem, text) for problem, text in answers]

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scripted]:
    """Puts a scripted verifier in the place of all."""

    def install(judge: Callable[[Problem, str], Verdict] | None = None) -> Scripted:
        verifier = Scripted(judge)
        monkeypatch.setattr(Judges.__init__, "__defaults__", (lambda name, settings: verifier,))
        return verifier

    return install


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


# Grading


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_rows_come_out_in_order_one_for_each_line_with_their_own_ids(tmp_path: Path, batch: int) -> None:
    identifiers = [0, -1, 1.5, True, False, None, "", "a", "ünï\ud83d", 10**30, "a", 1e-300]
    rows: list[Any] = [answer(one, "a", "a" if index % 2 else "b") for index, one in enumerate(identifiers)]
    rows[3:3] = [b"not json"]
    rows[7:7] = [answer("n", "1/2", "0.50", verifier="numeric")]
    file, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    arguments = ["--verifier", "exact", file, "--output", out, "--batch", batch, "--workers", 1]
    assert exit_of(*arguments) == 1
    expected: list[Any] = [*identifiers[:3], None, *identifiers[3:6], "n", *identifiers[6:]]
    got = read(out)
    assert [repr(one["id"]) for one in got] == [repr(one) for one in expected]
    assert [one["status"] for one in got][:9] == [
        "wrong", "correct", "wrong", "fault", "correct", "wrong", "correct", "correct", "wrong",
    ]  # fmt: skip
    assert all(set(one) == {"id", "status", "extracted", "detail", "seconds"} for one in got)
    assert {one["status"] for one in got} <= {status.value for status in Status}


def test_the_command_grades_a_file_from_end_to_end(tmp_path: Path) -> None:
    rows: list[Any] = [
        answer(1, "42", "42"),
        answer(2, "42", "41"),
        answer(3, "42", " "),
        b"not json",
        {"id": 5, "verifier": "python_exec", "program": "print(6 * 7)", "expected_output": "42\n"},
        {"id": 6, "verifier": "python_exec", "program": "print(6 * 8)", "expected_output": "42\n"},
        {"id": 7, "verifier": "python_exec", "program": "def", "expected_output": "42\n"},
        {"id": 8, "verifier": "python_exec", "program": "x" * 10_000_000, "expected_output": "42\n"},
        answer(9, "42", "42"),
    ]
    file, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    process = command("--verifier", "exact", file, "--output", out, "--workers", 2)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert stderr == ('line 4: not JSON: Expecting value at column 1; expected one JSON object, such as {"id": 1, …}\n')
    assert [one["status"] for one in read(out)] == [
        "correct", "wrong", "malformed", "fault", "correct", "wrong", "malformed", "malformed", "correct",
    ]  # fmt: skip
    lines = [" ".join(line.split()) for line in stdout.splitlines()]
    assert lines[0].startswith(f"9 rows of {file} in ")
    assert {"graded by exact: 4", "graded by python_exec: 4", "correct 3 33.3%", "fault 1 11.1%"} <= set(lines)
    assert any(line.startswith("isolation of programs: ") for line in lines)
    assert lines[-1] == f"rows written to {out}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_mathematics_follows_the_policy_of_the_command_and_of_each_row(tmp_path: Path, capsys: Any) -> None:
    rows = [
        answer(0, "1/2", "0.5"),
        answer(1, "1/2", r"so \boxed{\frac{2}{4}}."),
        answer(2, "1/2", r"so \boxed{0.5}", extraction="boxed"),
        answer(3, "5", "x\n#### 5", extraction="after:####"),
        answer(4, "50", "50%", policy={"percent": "number"}),
        answer(5, "50", "50%", order="odd"),
        answer(6, "50", "50%"),
        answer(7, "3.14159", "3.1416", min_significant_digits=9),
    ]
    file, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    arguments = ["--output", out, "--extraction", "whole", "--policy", "units=ignore", "--workers", 1]
    assert exit_of("--verifier", "math_answer", file, *arguments) == 1
    got = read(out)
    assert [one["status"] for one in got] == [
        "correct", "wrong", "correct", "correct", "correct", "fault", "wrong", "wrong",
    ]  # fmt: skip
    assert got[5]["detail"].startswith("the row's policy cannot be used: policy order is 'odd'; expected one of ")
    captured = capsys.readouterr()
    assert "line 6, id 5: math_answer: the row's policy cannot be used: " in captured.err
    assert "policy of math_answer, version 1: extraction=whole percent=fraction units=ignore" in captured.out
    assert "judged by math_answer: " in captured.out


PROGRAMS: list[tuple[dict[str, Any], str]] = [
    ({"entry": "f", "inputs": [[1], [2]], "expected": [2, 4]}, "correct"),
    ({"entry": "f", "inputs": [[1], [2]], "expected": [2, 5]}, "wrong"),
    ({"entry": "f", "inputs": [["a"]], "expected": ["aa"]}, "correct"),
    ({"entry": "f", "inputs": [[{"$tuple": [1]}]], "expected": [{"$tuple": [1, 1]}]}, "correct"),
    ({"entry": "f", "inputs": [[{"$tuple": [1]}]], "expected": [[1, 1]]}, "wrong"),
    ({"entry": "g", "inputs": [[1]], "expected": [1]}, "malformed"),
    ({"entry": "f", "inputs": [[{"$tuple": 1}]], "expected": [1]}, "fault"),
    ({"program": "print(int(input()) * 2)", "stdin": ["1\n", "2\n"], "expected": ["2", "4\n"]}, "correct"),
    ({"program": "print(int(input()) * 2)", "stdin": ["1\n", "2\n"], "expected": ["2", "5"]}, "wrong"),
    ({"tests": "assert f(1) == 2\nassert f('a') == 'aa'"}, "correct"),
    ({"tests": "assert f(1) == 3"}, "wrong"),
    ({"tests": "def check(candidate):\n    assert candidate(1) == 2\n", "entry": "f"}, "correct"),
    ({"tests": "def check(candidate):\n    assert candidate(1) == 3\n", "entry": "f"}, "wrong"),
    ({"program": "print(4)", "expected_output": "4\n"}, "correct"),
    ({"program": "while True: pass", "reference": "4\n"}, "timeout"),
]


def test_programs_are_judged_in_every_way_that_a_row_can_ask_for(tmp_path: Path, capsys: Any) -> None:
    rows = [{"id": number, "program": DOUBLE, **fields} for number, (fields, _) in enumerate(PROGRAMS)]
    file, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    arguments = ["--output", out, "--workers", 1, "--deadline", 1]
    assert exit_of("--verifier", "python_exec", file, *arguments) == 1
    assert [(one["id"], one["status"]) for one in read(out)] == [
        (number, status) for number, (_, status) in enumerate(PROGRAMS)
    ]
    assert "isolation of programs: tier " in capsys.readouterr().out


def test_a_program_that_answers_differently_each_time_is_found_if_asked(tmp_path: Path) -> None:
    program = "def f():\n    return list({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})\n"
    rows = [{"id": 1, "program": program, "entry": "f", "inputs": [[]], "expected": [[]]}]
    file, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    exit_of("--verifier", "python_exec", file, "--output", out, "--workers", 1, "--check-determinism")
    assert read(out)[0]["detail"].startswith("nondeterministic")


@pytest.fixture
def weak_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without landlock and namespaces."""
    monkeypatch.setattr(box, "_LAYERS", dict.fromkeys(Tier, box._LAYERS[Tier.C]))


@pytest.mark.usefixtures("weak_machine")
def test_a_machine_that_cannot_confine_programs_is_a_message_and_status_2(tmp_path: Path, capsys: Any) -> None:
    file = write(tmp_path / "in.jsonl", [{"id": 1, "program": "print(4)", "reference": "4\n"}])
    assert exit_of("--verifier", "python_exec", file, "--output", tmp_path / "out.jsonl", "--workers", 1) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: programs would run in tier C here, and tier B is required. Not blocked: ")
    assert "or set allow_unsafe: true (here: --allow-unsafe) to run programs" in captured.err
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.usefixtures("weak_machine")
def test_programs_run_unconfined_only_if_that_is_allowed_and_that_is_said(tmp_path: Path, capsys: Any) -> None:
    file = write(tmp_path / "in.jsonl", [{"id": 1, "program": "print(4)", "reference": "4\n"}])
    assert exit_of("--verifier", "python_exec", file, "--workers", 1, "--deadline", 1, "--allow-unsafe") == 0
    assert "isolation of programs: tier C: " in capsys.readouterr().out


@pytest.mark.usefixtures("weak_machine")
def test_where_programs_cannot_be_confined_answers_of_the_same_file_are_graded(tmp_path: Path) -> None:
    program = {"id": 2, "verifier": "python_exec", "program": "print(4)", "reference": "4\n"}
    rows = [answer(1, "a", "a"), program, answer(3, "a", "a")]
    file, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    assert exit_of("--verifier", "exact", file, "--output", out, "--workers", 1) == 1
    assert [one["status"] for one in read(out)] == ["correct", "fault", "correct"]
    assert read(out)[1]["detail"].startswith("programs would run in tier C here")


def test_a_file_whose_rows_are_all_judged_ends_with_status_0(tmp_path: Path, scripted: Any) -> None:
    scripted(lambda problem, text: Verdict(Status(text)))
    file = write(tmp_path / "in.jsonl", [answer(1, "", "wrong"), answer(2, "", "undecided"), answer(3, "", "timeout")])
    assert exit_of("--verifier", "exact", file) == 0
    assert exit_of("--verifier", "exact", write(file, [answer(1, "", "fault")])) == 1
    assert exit_of("--verifier", "exact", write(file, [])) == 0


def test_a_limit_grades_the_first_lines_only(tmp_path: Path, scripted: Any) -> None:
    scripted()
    file, out = write(tmp_path / "in.jsonl", [answer(n, "a", "a") for n in range(9)]), tmp_path / "out.jsonl"
    assert exit_of("--verifier", "exact", file, "--output", out, "--limit", 4) == 0
    assert [one["id"] for one in read(out)] == [0, 1, 2, 3]


def test_workers_that_cannot_start_are_faults_that_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verifiers.process, "WORKER_FILE", tmp_path / "no_worker.py")
    file, out = write(tmp_path / "in.jsonl", [answer(n, "a", "a") for n in range(15)]), tmp_path / "out.jsonl"
    assert exit_of("--verifier", "exact", file, "--output", out) == 1
    got = read(out)
    assert [one["id"] for one in got] == list(range(15))
    assert {one["status"] for one in got} == {"fault"}
    assert all(one["detail"].startswith("no worker could be started: ") for one in got)
    errors = capsys.readouterr().err.splitlines()
    assert errors[0].startswith("line 1, id 0: exact: no worker could be started: ")
    assert errors[-1] == "… and 5 more rows that are faults"
    assert len(errors) == 11


def test_a_row_whose_own_verifier_cannot_be_had_is_a_fault_and_others_are_graded(tmp_path: Path) -> None:
    def make(name: str, settings: Settings) -> Scripted:
        if name == "sympy_equal":
            raise ModuleNotFoundError("the verifier sympy_equal needs sympy, which is not installed")
        return Scripted()

    rows = [row(answer(1, "a", "a")), row(answer(2, "a", "a", verifier="sympy_equal")), row(answer(3, "a", "b"))]
    with Judges(Settings(), make) as judges:
        graded = judges.grade(rows)
        with pytest.raises(UserError, match="needs sympy, which is not installed"):
            judges.require("sympy_equal")
    assert [one.verdict.status for one in graded] == [Status.CORRECT, Status.FAULT, Status.WRONG]
    assert graded[1].verdict.detail == "the verifier sympy_equal needs sympy, which is not installed"


# Mistakes in the command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--verifier", "sympy_eqal", "in.jsonl"], "no verifier is called 'sympy_eqal'; did you mean sympy_equal? one"),
        (["--verifier", "exact", "in.jsonl", "--compare", "numerical"], "no verifier is called 'numerical'; did you "),
        (
            ["--verifier", "math_answer", "in.jsonl", "--policy", "ordr=set"],
            "--policy or --extraction: policy has no fie",
        ),
        (
            ["--verifier", "math_answer", "in.jsonl", "--policy", "order=x"],
            "--policy or --extraction: policy order is 'x",
        ),
        (
            ["--verifier", "math_answer", "in.jsonl", "--extraction", "box"],
            "--policy or --extraction: policy extraction ",
        ),
        (["--verifier", "exact", "none.jsonl"], "cannot read none.jsonl: No such file or directory"),
        (["--verifier", "exact", "."], "cannot read .: Is a directory"),
        (["--verifier", "exact", "in.jsonl", "--output", "none/out.jsonl"], "cannot write none/out.jsonl: No such fil"),
        (["--verifier", "exact", "in.jsonl", "--output", "."], "cannot write .: it is not a regular file"),
        (["--verifier", "exact", "in.jsonl", "--output", "/dev/null"], "cannot write /dev/null: it is not a regular "),
        (
            ["--verifier", "exact", "in.jsonl", "--output", "in.jsonl"],
            "--output in.jsonl would overwrite in.jsonl, which",
        ),
        (["--verifier", "exact", "in.jsonl", "--output", "link"], "--output link would overwrite in.jsonl, which is "),
        (["--verifier", "exact", "a.partial", "--output", "a"], "--output a would overwrite a.partial, which is grade"),
    ],
)
def test_a_mistake_in_the_command_is_one_message_and_status_2(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: Any, capsys: Any, scripted: Any
) -> None:
    scripted()
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "in.jsonl", [answer(1, "a", "a")])
    write(tmp_path / "a.partial", [answer(2, "a", "a")])
    (tmp_path / "link").symlink_to("in.jsonl")
    before = sorted(tmp_path.iterdir())
    assert exit_of(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {message}")
    assert captured.err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before
    assert read(tmp_path / "in.jsonl") == [answer(1, "a", "a")]
    assert read(tmp_path / "a.partial") == [answer(2, "a", "a")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: --verifier"),
        (["--verifier", "exact"], "expected one FILE, got 0"),
        (["--verifier", "exact", "a", "b"], "expected one FILE, got 2: a, b"),
        (["--verifier", "exact", "a", "--worker", "2"], "got the unknown option --worker; did you mean --workers?"),
        (
            ["--verifier", "exact", "a", "--workers", "0"],
            "argument --workers: got '0', expected a whole number above 0",
        ),
        (["--verifier", "exact", "a", "--batch", "-3"], "argument --batch: got '-3', expected a whole number above 0"),
        (["--verifier", "exact", "a", "--limit", "1e3"], "argument --limit: got '1e3', expected a whole number above"),
        (["--verifier", "exact", "a", "--memory-mb", "x"], "argument --memory-mb: got 'x', expected a whole number"),
        (["--verifier", "exact", "a", "--deadline", "nan"], "argument --deadline: got 'nan', expected a number of sec"),
        (["--verifier", "exact", "a", "--deadline", "inf"], "argument --deadline: got 'inf', expected a number of sec"),
    ],
)
def test_a_wrong_option_ends_with_status_2_and_says_what_was_expected(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        read_arguments(arguments)
    assert caught.value.code == 2
    assert f"error: {message}" in capsys.readouterr().err


def test_options_and_the_file_may_come_in_any_order() -> None:
    told = read_arguments(
        ["--policy", "order=list", "percent=number", "in", "--verifier", "exact", "--extraction", "after:="]
    )
    assert told.file == Path("in")
    assert told.settings.policy == MathPolicy(order="list", percent="number", extraction="after:=")
    twice = ["in", "--verifier", "exact", "--policy", "order=list", "--policy", "units=ignore"]
    assert read_arguments(twice).settings.policy == MathPolicy(order="list", units="ignore")
    assert read_arguments(["in", "--verifier", "exact"]).settings.policy is None


def test_an_option_that_changed_nothing_is_said(tmp_path: Path, scripted: Any, capsys: Any) -> None:
    scripted()
    file = write(tmp_path / "in.jsonl", [answer(1, "a", "a")])
    assert exit_of("--verifier", "exact", file, "--check-determinism") == 0
    assert "note: --check-determinism changed nothing: no row was graded by python_exec" in capsys.readouterr().out


# Two verifiers


def test_a_comparison_shows_where_two_verifiers_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[Any] = [answer(1, "1/2", "0.5"), answer(2, "5", "5"), b"x", answer("t", "a", "a"), answer(4, "5", "6")]
    file, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    assert exit_of("--verifier", "exact", file, "--output", out, "--compare", "numeric", "--workers", 1) == 1
    got = read(out)
    assert [one["status"] for one in got] == ["wrong", "correct", "fault", "correct", "wrong"]
    compared = [one.get("compare", {}) for one in got]
    assert [one.get("status") for one in compared] == ["correct", "correct", None, "fault", "wrong"]
    assert set(compared[0]) == {"verifier", "status", "extracted", "detail", "seconds"}
    assert compared[0]["verifier"] == "numeric"
    printed = capsys.readouterr().out
    assert "exact (down) against numeric (across): 2 of 4 rows differ" in printed
    assert [line.split() for line in printed.splitlines() if line.startswith(("correct ", "wrong ", "exact \\"))][
        -3:
    ] == [
        ["exact", "\\", "numeric", "correct", "wrong", "fault"],
        ["correct", "1", "0", "1"],
        ["wrong", "1", "1", "0"],
    ]
    assert '  line 1, id 1: exact wrong "0.5", numeric correct "0.5"' in printed
    assert '  line 4, id "t": exact correct "a", numeric fault null' in printed


def test_only_the_first_differences_are_shown_and_the_rest_counted() -> None:
    tally = Tally()
    wrong, right = Verdict(Status.WRONG, "a"), Verdict(Status.CORRECT, "a")
    tally.add(Graded(number, number, "exact", wrong, right) for number in range(50))
    lines = list(confusion(tally, "exact", "numeric"))
    assert sum(line.startswith("  line ") for line in lines) == 20
    assert lines[-1] == "  … and 30 more"


def test_a_verifier_of_programs_is_not_compared_with_one_of_answers() -> None:
    rows = [row({"id": 1, "program": "x", "reference": "x"}, "python_exec"), row(answer(2, "a", "a"))]
    with Judges(Settings(), lambda name, settings: Scripted()) as judges:
        graded = judges.grade(rows, compare="numeric")
    assert [one.other.status for one in graded if one.other] == [Status.FAULT, Status.CORRECT]
    assert graded[0].other is not None
    assert graded[0].other.detail == "numeric grades answers; this row is one of programs"


def test_a_verifier_can_be_compared_with_math_verify(tmp_path: Path) -> None:
    rows = [answer(1, "1/2", r"so \boxed{\frac{2}{4}}."), answer(2, "1/2", "0.6"), answer(3, "5", r"\boxed{}")]
    file, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    arguments = ["--compare", "math_verify", "--output", out, "--deadline", 20, "--workers", 1]
    assert exit_of("--verifier", "exact", file, *arguments) == 0
    compared = [one["compare"] for one in read(out)]
    assert [one["status"] for one in compared] == ["correct", "wrong", "malformed"]
    assert compared[0]["extracted"] == r"\frac{2}{4}"


# The output


def test_the_output_appears_whole_and_replaces_the_old_one_at_the_end(tmp_path: Path) -> None:
    source, path = write(tmp_path / "in.jsonl", []), tmp_path / "out.jsonl"
    path.write_text("old")
    with OutputFile(path, source) as output:
        output.write([Graded(1, "a", "exact", Verdict(Status.CORRECT, "x"))])
        assert path.read_text() == "old"
        assert read(output.partial)[0]["id"] == "a"
    assert [one["status"] for one in read(path)] == ["correct"]
    assert not output.partial.exists()


def test_an_interruption_keeps_what_was_graded(tmp_path: Path, scripted: Any, capsys: Any) -> None:
    def judge(problem: Problem, text: str) -> Verdict:
        if text == "stop":
            raise KeyboardInterrupt
        return Verdict(Status.CORRECT, text)

    verifier = scripted(judge)
    rows = [answer(n, "a", "stop" if n == 7 else "a") for n in range(10)]
    file, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    out.write_text("old")
    assert exit_of("--verifier", "exact", file, "--output", out, "--batch", 3) == 130
    assert [one["id"] for one in read(tmp_path / "out.jsonl.partial")] == [0, 1, 2, 3, 4, 5]
    assert out.read_text() == "old"
    assert verifier.closed
    assert capsys.readouterr() == ("", f"stopped after 6 rows; they are in {out}.partial\nstopped\n")


def test_a_defect_keeps_what_was_graded_and_its_traceback(tmp_path: Path, scripted: Any) -> None:
    scripted(lambda problem, text: Verdict(Status.CORRECT, text) if text == "a" else 1 / 0)
    file, out = write(tmp_path / "in.jsonl", [answer(1, "a", "a"), answer(2, "a", "b")]), tmp_path / "out.jsonl"
    with pytest.raises(ZeroDivisionError):
        main(["--verifier", "exact", str(file), "--output", str(out), "--batch", "1"])
    assert [one["id"] for one in read(tmp_path / "out.jsonl.partial")] == [1]


def test_nothing_is_left_of_a_command_that_graded_nothing(tmp_path: Path, scripted: Any) -> None:
    scripted(lambda problem, text: (_ for _ in ()).throw(KeyboardInterrupt))
    file = write(tmp_path / "in.jsonl", [answer(1, "a", "a")])
    assert exit_of("--verifier", "exact", file, "--output", tmp_path / "out.jsonl") == 130
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_ctrl_c_ends_a_process_with_status_130_and_keeps_whole_rows(tmp_path: Path) -> None:
    rows = [
        {"id": n, "program": f"import time; time.sleep({n // 2}); print({n})", "reference": f"{n}\n"} for n in range(9)
    ]
    file, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    arguments = ["--verifier", "python_exec", file, "--output", out, "--batch", 1, "--workers", 1]
    process = command(*arguments, start_new_session=True)
    partial = tmp_path / "out.jsonl.partial"
    due = time.monotonic() + 20
    while not (partial.exists() and partial.read_bytes().count(b"\n") >= 2) and time.monotonic() < due:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout) == (130, "")
    got = read(partial)
    assert stderr == f"stopped after {len(got)} rows; they are in {partial}\nstopped\n"
    assert [one["id"] for one in got] == list(range(len(got)))
    assert {one["status"] for one in got} == {"correct"}
    assert not out.exists()


FULL_DISK = """\
import resource, sys
from scripts.cli import run_main
from scripts.verify import main
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
run_main(main, resumable=False)
"""


def test_a_full_disk_is_a_message_and_keeps_whole_rows(tmp_path: Path) -> None:
    file, out = write(tmp_path / "in.jsonl", [answer(n, "a", "a") for n in range(1000)]), tmp_path / "out.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, "--verifier", "exact", str(file), "--output", str(out), "--batch", "50"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    got = read(tmp_path / "out.jsonl.partial")
    assert [one["id"] for one in got] == list(range(len(got)))
    assert 50 <= len(got) < 1000
    kept, error = done.stderr.splitlines()
    assert kept == f"ended by an error after {len(got)} rows; they are in {out}.partial"
    assert error.startswith(f"error: cannot write {out}: File too large")


@pytest.mark.parametrize("closed", ["stdout", "both"])
def test_a_reader_that_went_away_does_not_lose_rows(tmp_path: Path, closed: str) -> None:
    rows = [b"bad", *(answer(n, "a", "a") for n in range(5))]
    file, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "scripts.verify", "--verifier", "exact", str(file), "--output", str(out)],
        cwd=ROOT, stdout=writing, stderr=writing if closed == "both" else subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert done.returncode == 141
    assert len(read(out)) == 6
    if closed == "stdout":
        assert done.stderr.splitlines()[-1] == f"the reader of the summary went away; rows are in {out}"


# What is shown


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_without_a_terminal_progress_is_a_plain_line_now_and_then() -> None:
    clock, text = Clock(), io.StringIO()
    with GradingView(Console(file=text), clock) as view:
        for number in range(1, 41):
            clock.now += 1.0
            view.advance(number * 100, {Status.CORRECT: number * 100 - 1, Status.FAULT: 1}, number / 80)
        view.advance(4100, {}, None)
    lines = text.getvalue().splitlines()
    assert lines[0] == "graded rows=1,000 rows/s=100 elapsed=0:00:10 left=0:01:10 correct=999 fault=1"
    assert len(lines) == 4


def test_in_a_terminal_progress_is_a_bar_with_rate_counts_and_time_left() -> None:
    clock, text = Clock(), io.StringIO()
    console = Console(file=text, force_terminal=True, width=60, color_system=None)
    with GradingView(console, clock) as view:
        clock.now += 10.0
        view.fault("line 3: [bold]not[/bold] \x1b[2Jmarkup")
        view.advance(1234, {Status.CORRECT: 1200, Status.UNDECIDED: 34}, 0.25)
    shown_text = text.getvalue()
    assert "rows 1,234  rows/s 123  elapsed 0:00:10  left 0:00:30" in shown_text
    assert "correct 1,200  undecided 34" in shown_text
    assert "line 3: [bold]not[/bold] \\x1b[2Jmarkup" in shown_text


def test_the_summary_counts_shares_and_keeps_ours_apart() -> None:
    tally = Tally()
    for status, count in [(Status.CORRECT, 6), (Status.WRONG, 2), (Status.UNDECIDED, 1)]:
        tally.add(Graded(n, n, "exact", Verdict(status, None, "", 0.002)) for n in range(count))
    tally.add([Graded(9, None, None, Verdict(Status.FAULT, None, "line 9: …"))])
    lines = [" ".join(line.split()) for line in summary(tally)]
    assert lines == [
        "status rows share", "correct 6 60.0%", "wrong 2 20.0%", "malformed 0 0.0%", "timeout 0 0.0%",
        "decided 8 80.0%", "undecided 1 10.0%", "fault 1 10.0%", "correct among decided: 75.0%",
        "of the faults, 1 rows could not be read", "mean time to judge: 2.000 ms a row",
    ]  # fmt: skip


def test_the_summary_of_no_rows_divides_by_nothing() -> None:
    assert "correct among decided: —" in list(summary(Tally()))


def test_tables_are_aligned_and_values_from_rows_are_shown_without_control_characters() -> None:
    assert list(aligned([["a", "b"], ["cc", "100"]])) == ["a     b", "cc  100"]
    assert shown("\x1b[2J\ud800") == '"\\u001b[2J\\ud800"'
    assert len(shown("x" * 1000)) < 70


def test_importing_the_command_imports_neither_torch_nor_sympy() -> None:
    code = "import sys, scripts.verify; sys.exit(bool({'torch', 'sympy', 'math_verify'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
