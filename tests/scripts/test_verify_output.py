"""What grading leaves in files and shows to a person."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from verify_helpers import ROOT, answer, command, exit_of, read, write

from scripts.verify import main
from scripts.verify_judges import Graded
from scripts.verify_output import OutputFile, Tally, aligned, shown, summary
from scripts.verify_progress import GradingView
from selfplay.types import Problem, Status, Verdict

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
