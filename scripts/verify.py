"""Grade answers or programs in a file: `python -m scripts.verify --verifier NAME FILE.jsonl [--output OUT.jsonl] …`.

Rows in, one JSON object a line: `{"id", "reference", "text"}` for answers; `{"id", "program", "entry", "inputs":
[[args]…], "expected": […]}`, `{"id", "program", "stdin": […], "expected": […]}`, `{"id", "program", "tests"}` or
`{"id", "program", "expected_output"}` for programs. A row may name its own `verifier`, and for mathematics the keys
of its own policy.

Rows out (`--output`), one for each line and in its order: `{"id", "status", "extracted", "detail", "seconds"}`, and
with `--compare OTHER` an object `compare` with what that verifier says. A row that cannot be graded has the status
`fault` and a detail that says line, problem and what was expected; it does not keep others from being graded.

Exit status: 0; 1 if a row was a fault; 2 for a mistake in the command, or a machine that cannot run it; 130 after
Ctrl-C. However it ends, OUT.jsonl.partial has what was graded until then. Memory does not grow with the file.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

if __package__ in (None, ""):  # run by path: put the checkout first, before any installed package of a like name
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.cli import run_main
from scripts.verify_judges import Graded, Judges, Settings, names
from scripts.verify_output import OutputFile, Tally, confusion, shown, summary
from scripts.verify_progress import GradingView
from scripts.verify_rows import POLICY_VERIFIERS, PROGRAM_VERIFIERS, Line, read_lines, read_row, take
from selfplay.checking import nearest
from selfplay.errors import UserError
from selfplay.types import Status
from verifiers.inside.math.policy import FIELDS, MathPolicy

FIRST_BATCH_ROWS = 64
_FAST_S, _SLOW_S = 1.0, 4.0


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    given = read_arguments(arguments)
    began = time.monotonic()
    tally = Tally()
    with contextlib.ExitStack() as stack:
        file, num_bytes = stack.enter_context(_opened(given.file)), _size(given.file)
        judges = stack.enter_context(Judges(given.settings))
        for name in dict.fromkeys([given.verifier, *([given.compare] if given.compare else [])]):
            judges.require(name)
        output = stack.enter_context(OutputFile(given.output, given.file)) if given.output else None
        view = stack.enter_context(GradingView())
        try:
            grade(given, read_lines(file, given.limit), num_bytes, judges, output, tally, view)
        except BaseException as error:
            if output is not None and output.num_rows:
                view.message(f"{_ending(error)} after {output.num_rows:,} rows; they are in {output.partial}")
            raise
        lines = list(report(given, judges, tally, time.monotonic() - began))
    _print(lines, given.output)
    return 1 if tally.num_faults else 0


# Arguments -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VerifyArguments:
    """The command line, checked as far as it can be without starting anything."""

    file: Path
    verifier: str
    settings: Settings
    output: Path | None = None
    compare: str | None = None
    batch: int = 1000
    """Rows to grade at once, at most."""
    limit: int | None = None
    """Lines to read; None: all."""


def read_arguments(arguments: Sequence[str]) -> VerifyArguments:
    """Read the command line. Raises UserError, or ends the process with status 2 as argparse does."""
    parser = verify_parser()
    given, unknown = parser.parse_known_args(list(arguments))
    pairs = [one for one in given.policy if "=" in one]
    files = [*([given.file] if given.file else []), *(one for one in given.policy if "=" not in one), *unknown]
    if options := [one for one in files if one.startswith("-") and one != "-"]:
        known = [option for action in parser._actions for option in action.option_strings]
        parser.error(f"got the unknown option {options[0]}; {nearest(options[0].partition('=')[0], known)}")
    if len(files) != 1:
        parser.error(f"expected one FILE, got {len(files)}{': ' if files else ''}{', '.join(files)}")
    values = dict(one.split("=", 1) for one in pairs)
    if given.extraction is not None:
        values["extraction"] = given.extraction
    return VerifyArguments(
        file=Path(files[0]),
        verifier=given.verifier,
        settings=Settings(
            num_workers=given.workers,
            deadline_s=given.deadline,
            memory_mb=given.memory_mb,
            policy=policy_of(values),
            allow_unsafe=given.allow_unsafe,
            check_determinism=given.check_determinism,
        ),
        output=given.output,
        compare=given.compare,
        batch=given.batch,
        limit=given.limit,
    )


def policy_of(values: Mapping[str, str]) -> MathPolicy | None:
    """The policy with these fields changed; None if none is. Raises UserError for what is no field or no value."""
    try:
        return MathPolicy().override(values) if values else None
    except ValueError as error:
        raise UserError(f"--policy or --extraction: {error}") from error


def verify_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.verify",
        description="Grade the answers or programs in a file, one JSON object a line.",
        epilog="example: python -m scripts.verify --verifier math_answer answers.jsonl --output graded.jsonl",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("file", metavar="FILE", nargs="?", help="rows to grade: JSON lines")
    add("--verifier", metavar="NAME", required=True, help=f"who grades: {', '.join(names())}")
    add("--output", metavar="OUT", type=Path, help="write a row for each line here; it appears when all are graded")
    add("--compare", metavar="OTHER", help="also grade with this verifier, and show where the two differ")
    add("--workers", metavar="N", type=_count, default=_num_cores(), help="worker processes (default: one a core)")
    add("--deadline", metavar="S", type=_seconds, default=5.0, help="seconds that one row may take (default: 5)")
    add("--memory-mb", metavar="M", type=_count, default=1024, help="memory of a worker, or of a program (MiB)")
    add("--batch", metavar="N", type=_count, default=1000, help="rows graded at once, at most (default: 1000)")
    add("--limit", metavar="N", type=_count, help="read the first N lines only")
    add("--extraction", metavar="RULE", help="mathematics: boxed, whole, last_line or after:MARKER")
    add(
        "--policy",
        metavar="KEY=VALUE",
        nargs="+",
        action="extend",
        default=[],
        help=f"mathematics: {', '.join(FIELDS)}",
    )
    add("--allow-unsafe", action="store_true", help="programs: run them even where this machine isolates too little")
    add("--check-determinism", action="store_true", help="programs: run each twice and compare")
    return parser


def _count(text: str) -> int:
    if re.fullmatch(r"0*[1-9][0-9]{0,8}", text) is None:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number above 0")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number of seconds above 0")
    return value


def _num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# Grading -------------------------------------------------------------------------------------------------------------


class Pace:
    """How many rows to take at once: few while they are slow, so that the view moves and little is lost at the end."""

    def __init__(self, max_rows: int, num_workers: int) -> None:
        self._max_rows = max_rows
        self._min_rows = min(max_rows, num_workers)
        self.num_rows = min(max_rows, max(FIRST_BATCH_ROWS, num_workers))

    def took(self, seconds: float) -> None:
        """The last batch took this long."""
        if seconds < _FAST_S:
            self.num_rows = min(self._max_rows, self.num_rows * 2)
        elif seconds > _SLOW_S:
            self.num_rows = max(self._min_rows, self.num_rows // 2)


def grade(
    given: VerifyArguments,
    lines: Iterator[Line],
    num_bytes: int | None,
    judges: Judges,
    output: OutputFile | None,
    tally: Tally,
    view: GradingView,
) -> None:
    """Grade all lines, batch by batch, in order."""
    known = names()
    pace = Pace(given.batch, given.settings.num_workers)
    while batch := take(lines, pace.num_rows):
        began = time.monotonic()
        graded = judges.grade([read_row(line, given.verifier, known) for line in batch], given.compare)
        if output is not None:
            output.write(graded, given.compare)
        tally.add(graded)
        for row in graded:
            if row.verdict.status is Status.FAULT:
                view.fault(_fault_text(row))
        pace.took(time.monotonic() - began)
        shares = [batch[-1].end / num_bytes] if num_bytes else []
        shares += [tally.num_rows / given.limit] if given.limit else []
        view.advance(tally.num_rows, tally.statuses, min(1.0, max(shares)) if shares else None)


def report(given: VerifyArguments, judges: Judges, tally: Tally, seconds: float) -> Iterator[str]:
    """What is printed at the end."""
    rate = f"{tally.num_rows / seconds:,.0f} rows/s" if seconds > 0 else ""
    yield f"{tally.num_rows:,} rows of {given.file} in {seconds:.1f} s ({rate})"
    for name, count in tally.verifiers.items():
        yield f"graded by {name}: {count:,}"
    yield from summary(tally)
    yield from judges.notes()
    if given.compare:
        yield ""
        yield from confusion(tally, given.verifier, given.compare)
    yield from _unused(given, tally)
    if given.output:
        yield f"rows written to {given.output}"


def _unused(given: VerifyArguments, tally: Tally) -> Iterator[str]:
    """Options that changed nothing: a person who gave one should know."""
    used = {*tally.verifiers, *([given.compare] if given.compare else [])}
    options = {
        "--policy and --extraction": (given.settings.policy is not None, POLICY_VERIFIERS),
        "--allow-unsafe": (given.settings.allow_unsafe, PROGRAM_VERIFIERS),
        "--check-determinism": (given.settings.check_determinism, PROGRAM_VERIFIERS),
    }
    for option, (is_given, verifiers) in options.items():
        if is_given and used.isdisjoint(verifiers):
            yield f"note: {option} changed nothing: no row was graded by {', '.join(verifiers)}"


def _fault_text(row: Graded) -> str:
    if row.verifier is None:
        return row.verdict.detail
    return f"line {row.number}, id {shown(row.id)}: {row.verifier}: {row.verdict.detail}"


def _ending(error: BaseException) -> str:
    return "stopped" if isinstance(error, KeyboardInterrupt) else "ended by an error"


def _print(lines: Sequence[str], output: Path | None) -> None:
    """Write to standard output. Raises UserError if the disk behind it is full."""
    written = f"; rows are in {output}" if output else ""
    try:
        print("\n".join(lines), flush=True)
    except BrokenPipeError:
        print(f"the reader of the summary went away{written}", file=sys.stderr)
        raise
    except OSError as error:
        # Python flushes standard output once more at exit; give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise UserError(f"cannot write the summary: {error.strerror or error}{written}") from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file of rows. Raises UserError if it cannot be read, also later."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}; name a file of JSON lines") from error
    with file:
        yield file


def _size(path: Path) -> int | None:
    """Bytes of a regular file; None of a pipe."""
    return path.stat().st_size if path.is_file() else None


if __name__ == "__main__":
    run_main(main, resumable=False)
