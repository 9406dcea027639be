"""What a person sees and types while playing: panels in a terminal, labelled lines elsewhere.

Contract: `Screen` shows texts that anybody may have written without obeying them (control characters, invisible and
reordering ones are shown as escapes), and reads answers: an answer ends with an empty line or the end of input; between
two lines that begin with three backticks empty lines belong to it. The end of input is None, never an exception.

It knows no environment and judges nothing.
"""

from __future__ import annotations

import io
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import IO

from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.text import Text

from selfplay.errors import UserError
from selfplay.types import Prompt, Status, Verdict

HOW_TO_ANSWER = (
    "An empty line or Ctrl-D ends your text (between two lines that begin with ``` empty lines belong to it)."
)
FENCE = "```"
MAX_CHARACTERS = 1_000_000
"""Of one line that is typed or piped."""
MAX_LINES = 100_000
"""Of one text."""
_LABEL_WIDTH = 11
_STYLES = {
    Status.CORRECT: "bold green",
    Status.WRONG: "bold red",
    Status.MALFORMED: "bold yellow",
    Status.TIMEOUT: "bold red",
    Status.UNDECIDED: "bold magenta",
    Status.FAULT: "bold magenta",
}
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def clean(text: str) -> str:
    """The text with whatever a terminal would obey, hide or reorder as an escape; line breaks and tabs stay."""
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in _HIDDEN
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


class PipeConsole(Console):
    """A console whose reader may go away: that is for the command to end quietly (`scripts.cli.run_main`)."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Screen:
    """A console and a person's input. `console` and `source` are there to be replaced in tests."""

    def __init__(self, console: Console | None = None, source: IO[str] | None = None) -> None:
        self._console = console or PipeConsole(highlight=False)
        self._source = source or sys.stdin or io.StringIO()  # there is no standard input if it was closed
        if source is None and hasattr(sys.stdin, "reconfigure"):
            sys.stdin.reconfigure(errors="replace")
        self.is_interactive = self._console.is_terminal and self._source.isatty()
        """Whether a person sits at both ends."""

    # Showing ---------------------------------------------------------------------------------------------------------

    def line(self, label: str, text: str, style: str = "") -> None:
        """A labelled text; further lines of it stand under the first."""
        gap = " " * max(1, _LABEL_WIDTH - len(label))
        first, *rest = clean(text).split("\n")
        shown = Text.assemble((label, "dim"), gap, (first, style))
        for one in rest:
            shown.append("\n" + f"{' ' * _LABEL_WIDTH}{one}".rstrip(), style)
        self._print(shown)

    def note(self, text: str) -> None:
        """What to do, rather than what is."""
        self._print(Text(clean(text), style="dim italic"))

    def plain(self, text: str) -> None:
        """A text as it is."""
        self._print(Text(clean(text)))

    def gap(self) -> None:
        self._print(Text())

    def title(self, text: str) -> None:
        """The beginning of something."""
        self._print(Text(clean(text), style="bold"))

    def prompt(self, prompt: Prompt) -> None:
        """What a policy would be given."""
        for message in prompt.messages:
            self.message(message.role, message.text)
        if prompt.prefix:
            self.line("prefix", prompt.prefix)

    def message(self, role: str, text: str) -> None:
        """One turn of a conversation; nothing, if it is empty."""
        if not text:
            return
        if self._console.is_terminal:
            self._print(Panel(Text(clean(text)), title=role, title_align="left", border_style="cyan"))
        else:
            self.line(role, text)

    def verdict(self, verdict: Verdict) -> None:
        """Status, the answer as it was read, and details; whose word it is, if no program decided."""
        by = f" (judged by {verdict.judged_by}, not verified)" if verdict.judged_by else ""
        self.line("verdict", f"{verdict.status.value}{by}", _STYLES[verdict.status])
        self.line("extracted", "nothing" if verdict.extracted is None else verdict.extracted)
        if verdict.detail:
            self.line("detail", verdict.detail)

    def _print(self, what: RenderableType) -> None:
        """Show something. Raises UserError if the disk behind standard output is full."""
        try:
            self._console.print(what, soft_wrap=not isinstance(what, Panel))
        except BrokenPipeError:
            raise
        except OSError as error:
            # Python flushes standard output once more at exit; give it somewhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise UserError(f"cannot write to standard output: {error.strerror or error}") from error

    # Reading ---------------------------------------------------------------------------------------------------------

    def read_line(self) -> str | None:
        """One line without its end; None at the end of input. Raises UserError for a line without end."""
        if self.is_interactive and self._source is sys.stdin:
            try:
                return input("> ")
            except EOFError:
                self._console.print()
                return None
        text = self._source.readline(MAX_CHARACTERS)
        if len(text) == MAX_CHARACTERS:
            raise UserError(f"a line of more than {MAX_CHARACTERS:,} characters was typed or piped; expected an answer")
        return text.removesuffix("\n").removesuffix("\r") if text else None

    def read_text(self) -> str | None:
        """An answer of one or more lines; None at the end of input. Empty lines before it do not count."""
        lines: list[str] = []
        fenced = False
        while (line := self.read_line()) is not None:
            if not line.strip() and not fenced:
                if lines:
                    break
                continue
            if line.lstrip().startswith(FENCE):
                fenced = not fenced
            lines.append(line)
            if len(lines) > MAX_LINES:
                raise UserError(f"a text of more than {MAX_LINES:,} lines was piped; expected an answer")
        return "\n".join(lines) if lines else None


def shorten(text: str, width: int) -> str:
    """The text on one line of at most `width` characters."""
    line = re.sub(r"\s+", " ", clean(text)).strip()
    return line if len(line) <= width else f"{line[: width - 1]}…"


def aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """A table as text, all columns to the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
