"""What a person sees while rows are graded: a bar in a terminal, else a plain line now and then; on standard error.

Rows that cannot be graded are shown as they come, the first ten. A reader that went away ends the showing, not the
grading.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
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
        self._live: Live | None = None
        self._bar = ProgressBar(total=None)
        self._pace: dict[str, str] = {}
        self._counts: dict[str, str] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, get_renderable=self._render, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        more = self._num_faults - MAX_SHOWN_FAULTS
        if more > 0:
            self._line(f"… and {more:,} more rows that are faults")
        if self._live is not None:
            self._live.stop()
            self._live = None

    def advance(self, num_rows: int, counts: Mapping[Status, int], share: float | None) -> None:
        """`num_rows` are graded, with these statuses; `share` of the file is done (None: nobody knows)."""
        elapsed = self._clock() - self._began
        self._counts = {status.value: f"{counts[status]:,}" for status in Status if counts.get(status)}
        self._pace = {
            "rows": f"{num_rows:,}",
            "rows/s": f"{num_rows / elapsed:,.0f}" if elapsed > 0 else "—",
            "elapsed": _clock_text(elapsed),
            "left": _clock_text(elapsed / share - elapsed) if share else "—",
        }
        self._bar.update(completed=share or 0.0, total=None if share is None else 1.0)
        if self._live is None and self._clock() - self._last_line >= LINE_INTERVAL_S:
            self._last_line = self._clock()
            fields = {**self._pace, **self._counts}
            self._line("graded " + " ".join(f"{name}={value}" for name, value in fields.items()))

    def fault(self, text: str) -> None:
        """A row that is a fault."""
        self._num_faults += 1
        if self._num_faults <= MAX_SHOWN_FAULTS:
            self._line(text)

    def message(self, text: str) -> None:
        """Something to know."""
        self._line(text)

    def _render(self) -> RenderableType:
        rows = Table.grid(expand=True)
        rows.add_row(self._bar)
        for part in (self._pace, self._counts):
            rows.add_row(Text("  ".join(f"{name} {value}" for name, value in part.items())))
        return rows

    def _line(self, text: str) -> None:
        printable = "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
        if self._live is not None:
            self._console.print(Text(printable), soft_wrap=True)
        elif not self._gone:
            try:  # not through the console, which ends the process when the reader has gone
                print(printable, file=self._console.file, flush=True)
            except OSError:
                self._gone = True


def _clock_text(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
