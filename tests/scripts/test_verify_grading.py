"""Grading a file: what becomes of good and bad rows, and of one verifier beside another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from verify_helpers import DOUBLE, Scripted, answer, command, exit_of, read, row, write

import verifiers.process
from scripts.verify_judges import Graded, Judges, Settings
from scripts.verify_output import Tally, confusion
from selfplay.errors import UserError
from selfplay.types import Status, Verdict
from verifiers.sandbox import Tier, box

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
