"""What a person sees while rows are graded: a bar in a terminal, else a plain line now and then; on standard error.

Rows that cannot be graded are shown as they come, the first ten. A reader that went away ends the showing, not the
grading.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from selfplay.types import Status

MAX_SHOWN_FAULTS = 10
LINE_INTERVAL_S = 10.0
"""How often a plain line is written."""


class GradingView:
    """Shows how far the grading is. A context: leaving it gives the terminal back."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(stderr=True)
        self._clock = clock
        self._began = self._last_line = clock()
        self._num_faults = 0
        self._gone = False
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def __enter__(self) -> GradingView:
        if self._console.is_terminal:
            self._bar = Progress(
                BarColumn(), TextColumn("{task.fields[line]}", markup=False), console=self._console, transient=True
            )
            self._task = self._bar.add_task("", total=None, line="")
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        more = self._num_faults - MAX_SHOWN_FAULTS
        if more > 0:
            self._line(f"… and {more:,} more rows that are faults")

    def advance(self, num_rows: int, counts: Mapping[Status, int], share: float | None) -> None:
        """`num_rows` are graded, with these statuses; `share` of the file is done (None: nobody knows)."""
        elapsed = self._clock() - self._began
        fields = {
            "rows": f"{num_rows:,}",
            "rows/s": f"{num_rows / elapsed:,.0f}" if elapsed > 0 else "—",
            **{status.value: f"{counts[status]:,}" for status in Status if counts.get(status)},
            "elapsed": _clock_text(elapsed),
            "left": _clock_text(elapsed / share - elapsed) if share else "—",
        }
        if self._bar is not None:
            line = " ".join(f"{name} {value}" for name, value in fields.items())
            self._bar.update(self._task, total=None if share is None else 1.0, completed=share or 0.0, line=line)
        elif self._clock() - self._last_line >= LINE_INTERVAL_S:
            self._last_line = self._clock()
            self._line("graded " + " ".join(f"{name}={value}" for name, value in fields.items()))

    def fault(self, text: str) -> None:
        """A row that is a fault."""
        self._num_faults += 1
        if self._num_faults <= MAX_SHOWN_FAULTS:
            self._line(text)

    def message(self, text: str) -> None:
        """Something to know."""
        self._line(text)

    def _line(self, text: str) -> None:
        printable = "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
        if self._bar is not None:
            self._console.print(Text(printable), soft_wrap=True)
        elif not self._gone:
            try:  # not through the console, which ends the process when the reader has gone
                print(printable, file=self._console.file, flush=True)
            except OSError:
                self._gone = True


def _clock_text(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
