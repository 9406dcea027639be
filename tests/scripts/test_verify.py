"""The command that grades a file: mistakes in it, each one message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from verify_helpers import answer, exit_of, read, write

from scripts.verify import read_arguments
from verifiers.inside.math.policy import MathPolicy


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
