"""Where graded rows go: a file that appears whole, and the summary of what became of them.

Contract: an `OutputFile` grows as NAME.partial beside its place and is renamed when all rows are in it; if the
command ends earlier, by whatever cause, NAME.partial holds the whole rows that were graded until then. A file that
cannot be written is a UserError. `Tally` counts rows and keeps the few that are shown; its memory does not grow with
their number.

It judges nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.verify_judges import Graded
from selfplay.errors import UserError
from selfplay.types import Status, Verdict

MAX_SHOWN_DIFFERENCES = 20
_SHOWN_CHARACTERS = 60


class OutputFile:
    """The file of graded rows. A context: entering it makes NAME.partial, leaving it normally renames that to NAME.

    Raises UserError if the place cannot be written, or is the file `rows_from` that the rows come from.
    """

    def __init__(self, path: Path, rows_from: Path) -> None:
        self.path = path
        self.num_rows = 0
        self._num_bytes = 0
        with _explained(path):
            if path.exists() and not path.is_file():
                raise UserError(f"cannot write {path}: it is not a regular file; name a file for --output")
            self.partial = path.with_name(f"{path.name}.partial")
            for one in (path, self.partial):
                if one.exists() and one.samefile(rows_from):
                    raise UserError(f"--output {path} would overwrite {rows_from}, which is graded; name another one")
            self._file = self.partial.open("wb")

    def write(self, graded: Sequence[Graded], compare: str | None = None) -> None:
        """Add rows; they are in NAME.partial when this returns."""
        data = "".join(f"{json.dumps(output_row(row, compare))}\n" for row in graded).encode("ascii")
        with _explained(self.path):
            self._file.write(data)
            self._file.flush()
        self._num_bytes += len(data)
        self.num_rows += len(graded)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            with _explained(self.path):
                os.fsync(self._file.fileno())
                self._file.close()
                os.replace(self.partial, self.path)
            return
        self._keep_whole_rows()

    def _keep_whole_rows(self) -> None:
        with contextlib.suppress(OSError):  # what it still held does not fit on the disk; whole rows are there already
            self._file.close()
        if self.num_rows:
            os.truncate(self.partial, self._num_bytes)
        else:
            self.partial.unlink(missing_ok=True)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turns an OSError into a UserError about `path`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"cannot write {path}: {reason}; free the disk or name another --output") from error


def output_row(graded: Graded, compare: str | None = None) -> dict[str, object]:
    """A graded row as it is written."""
    row = {"id": graded.id, **_of_verdict(graded.verdict)}
    if graded.other is not None:
        row["compare"] = {"verifier": compare, **_of_verdict(graded.other)}
    return row


def _of_verdict(verdict: Verdict) -> dict[str, object]:
    return {
        "status": verdict.status.value,
        "extracted": verdict.extracted,
        "detail": verdict.detail,
        "seconds": round(verdict.seconds, 6),
    }


class Tally:
    """Counts of what was graded so far."""

    def __init__(self) -> None:
        self.statuses: Counter[Status] = Counter()
        self.verifiers: Counter[str] = Counter()
        self.pairs: Counter[tuple[Status, Status]] = Counter()
        """Statuses of both verifiers, where two were asked."""
        self.differences: list[Graded] = []
        """The first rows on which two verifiers differ."""
        self.num_unreadable = 0
        self.seconds = 0.0

    @property
    def num_rows(self) -> int:
        return self.statuses.total()

    @property
    def num_faults(self) -> int:
        return self.statuses[Status.FAULT]

    def add(self, rows: Iterable[Graded]) -> None:
        for row in rows:
            self.statuses[row.verdict.status] += 1
            if row.verifier is None:
                self.num_unreadable += 1
                continue
            self.verifiers[row.verifier] += 1
            self.seconds += row.verdict.seconds
            if row.other is not None:
                self.pairs[row.verdict.status, row.other.status] += 1
                if row.other.status is not row.verdict.status and len(self.differences) < MAX_SHOWN_DIFFERENCES:
                    self.differences.append(row)


def summary(tally: Tally) -> Iterator[str]:
    """The table of statuses: the decided ones, then ours."""
    total = tally.num_rows
    rows = [["status", "rows", "share"]]
    decided = [status for status in Status if status.decided]
    ours = [status for status in Status if not status.decided]
    for status in decided:
        rows.append([status.value, f"{tally.statuses[status]:,}", _share(tally.statuses[status], total)])
    num_decided = sum(tally.statuses[status] for status in decided)
    rows.append(["decided", f"{num_decided:,}", _share(num_decided, total)])
    for status in ours:
        rows.append([status.value, f"{tally.statuses[status]:,}", _share(tally.statuses[status], total)])
    yield from aligned(rows)
    yield f"correct among decided: {_share(tally.statuses[Status.CORRECT], num_decided)}"
    if tally.num_unreadable:
        yield f"of the faults, {tally.num_unreadable:,} rows could not be read"
    num_judged = total - tally.num_unreadable
    if num_judged:
        yield f"mean time to judge: {tally.seconds / num_judged * 1000:.3f} ms a row"


def confusion(tally: Tally, first: str, second: str) -> Iterator[str]:
    """Statuses of `first` down, of `second` across, and the first rows that differ."""
    found = [status for status in Status if any(status in pair for pair in tally.pairs)]
    rows = [[f"{first} \\ {second}", *(status.value for status in found)]]
    for status in found:
        rows.append([status.value, *(f"{tally.pairs[status, other]:,}" for other in found)])
    num_differing = sum(count for (one, other), count in tally.pairs.items() if one is not other)
    yield f"{first} (down) against {second} (across): {num_differing:,} of {tally.pairs.total():,} rows differ"
    yield from aligned(rows)
    for row in tally.differences:
        yield f"  line {row.number}, id {shown(row.id)}: {first} {_said(row.verdict)}, {second} {_said(row.other)}"
    if num_differing > len(tally.differences):
        yield f"  … and {num_differing - len(tally.differences):,} more"


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table as text: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for first, *rest in rows:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()


def shown(value: object) -> str:
    """A value on one line of a terminal: JSON, cut short, so that nothing in it is taken for a control sequence."""
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _said(verdict: Verdict | None) -> str:
    return "nothing" if verdict is None else f"{verdict.status.value} {shown(verdict.extracted)}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "—"
