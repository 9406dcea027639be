"""What a person sees while a run goes on: a live panel in a terminal, else one grep-able line a round.

`LiveView` for the first process, `SilentView` for the others; both are a `View`. Metrics are read as the lab writes
them (one line of metrics.jsonl), and any of them may be missing. Nothing here is stored, and no model text is shown.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

Accuracies = Mapping[str, Mapping[str, float]]
"""Held-out accuracy in [0, 1] by environment and level."""

_MISSING = "—"
_SHOWN_MESSAGES = 4


class View(Protocol):
    """What a trainer tells its view."""

    def start(self, total_rounds: int, title: str, done_rounds: int = 0) -> None:
        """Begin. `done_rounds` were done before this process started (a resumed run)."""
        ...

    def phase(self, name: str) -> None:
        """What is going on now: `bootstrap`, `propose`, `solve`, `train`, `evaluate`, …"""
        ...

    def bootstrap(self, step: int, loss: float, metrics: Mapping[str, Any]) -> None:
        """One report from the training before the first round."""
        ...

    def round(self, metrics: Mapping[str, Any]) -> None:
        """A round is done: its line of metrics."""
        ...

    def message(self, text: str) -> None:
        """Something to know that is not a metric."""
        ...

    def stop(self) -> None:
        """End and give the terminal back. Harmless the second time."""
        ...

    def final_table(self, before: Accuracies, after: Accuracies, num_problems: int) -> None:
        """Held-out accuracy by level before and after, each over `num_problems` problems a level."""
        ...


class SilentView:
    """A View that shows nothing, for every process but the first."""

    def start(self, total_rounds: int, title: str, done_rounds: int = 0) -> None: ...

    def phase(self, name: str) -> None: ...

    def bootstrap(self, step: int, loss: float, metrics: Mapping[str, Any]) -> None: ...

    def round(self, metrics: Mapping[str, Any]) -> None: ...

    def message(self, text: str) -> None: ...

    def stop(self) -> None: ...

    def final_table(self, before: Accuracies, after: Accuracies, num_problems: int) -> None: ...


class LiveView:
    """A View on a rich console: live where the console is a terminal, plain lines elsewhere."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console()
        self._clock = clock
        self._live: Live | None = None
        self._title = ""
        self._total = self._done = self._done_before = 0
        self._started = self._round_started = clock()
        self._phase, self._bootstrap = "", ""
        self._metrics: Mapping[str, Any] = {}
        self._held_out: Mapping[str, Any] = {}
        self._held_out_round = 0
        self._yardsticks: Mapping[str, Any] = {}
        self._messages: deque[str] = deque(maxlen=_SHOWN_MESSAGES)

    def start(self, total_rounds: int, title: str, done_rounds: int = 0) -> None:
        self._total, self._title = total_rounds, title
        self._done = self._done_before = done_rounds
        self._started = self._round_started = self._clock()
        if self._console.is_terminal:
            self._live = Live(console=self._console, get_renderable=self.render, refresh_per_second=2)
            self._live.start()
        else:
            self._line(f"start rounds={total_rounds} done={done_rounds} {title}")

    def phase(self, name: str) -> None:
        if self._phase == "bootstrap" and name != "bootstrap":
            self._round_started = self._clock()  # time left is judged by rounds alone
        self._phase = name

    def bootstrap(self, step: int, loss: float, metrics: Mapping[str, Any]) -> None:
        numbers = " ".join(f"{name}={value:.4g}" for name, value in metrics.items() if _is_number(value))
        self._bootstrap = f"step={step} loss={_number(loss, '.4f')} {numbers}".rstrip()
        if self._live is None:
            self._line(f"bootstrap {self._bootstrap} elapsed={_clock_text(self._elapsed())}")

    def round(self, metrics: Mapping[str, Any]) -> None:
        self._metrics = metrics
        iteration = metrics.get("iteration")
        self._done = iteration + 1 if isinstance(iteration, int) else self._done + 1
        progress = metrics.get("progress")
        if isinstance(progress, float) and 0.0 < progress <= 1.0:
            self._total = max(self._done, round(self._done / progress))  # with a token budget, rounds are an estimate
        self._yardsticks = metrics.get("yardsticks") or self._yardsticks
        if metrics.get("held_out"):
            self._held_out, self._held_out_round = metrics["held_out"], self._done
        if self._live is None:
            self._line(self._round_line(metrics))

    def message(self, text: str) -> None:
        if self._live is None:
            self._line(f"message {text}")
        else:
            self._messages.append(text)

    def stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def final_table(self, before: Accuracies, after: Accuracies, num_problems: int) -> None:
        for env in dict.fromkeys([*before, *after]):
            self._line(f"held-out accuracy of {env}, {num_problems} problems a level")
            self._console.print(_before_after(before.get(env, {}), after.get(env, {})))

    def render(self) -> RenderableType:
        """The panel as it stands now."""
        head = Table.grid(expand=True)
        head.add_column()
        head.add_column(justify="right")
        left = self._time_left()
        head.add_row(
            Text.assemble(("round ", "dim"), (f"{self._done}/{self._total}", "bold"), "  ", (self._phase, "cyan")),
            Text(f"{_clock_text(self._elapsed())} elapsed, {_MISSING if left is None else _clock_text(left)} left"),
        )
        parts: list[RenderableType] = [head, ProgressBar(total=max(self._total, 1), completed=self._done)]
        if self._phase == "bootstrap" and self._bootstrap:
            parts.append(Text(f"bootstrap {self._bootstrap}"))
        if self._metrics:
            parts.append(self._figures())
            if judged := self._metrics.get("judged"):
                parts.append(Text(_judged_line(judged)))
        if self._held_out:
            parts.append(Text(f"held-out accuracy by level after {self._held_out_round} rounds", style="dim"))
            parts.extend(_cells(env, levels) for env, levels in self._held_out.items())
        if self._yardsticks:
            measured = (f"{name} {_number(value, '.4f')}" for name, value in self._yardsticks.items())
            parts.append(Text("last measured: " + ", ".join(measured)))
        parts.extend(Text(f"· {text}", style="yellow") for text in self._messages)
        return Panel(Group(*parts), title=Text(self._title), title_align="left", border_style="dim")

    def _figures(self) -> Table:
        metrics = self._metrics
        verdicts = metrics.get("verdicts") or {}
        ours = {name: verdicts.get(name, 0) for name in ("fault", "undecided")}
        row = {
            "valid": _number(metrics.get("valid"), ".0%"),
            "proposed level": _number(metrics.get("mean_level_proposed"), ".2f"),
            "problems": _number(metrics.get("problems"), "d"),
            "solve rate": _number(metrics.get("solve_rate"), ".0%"),
            "loss": _number((metrics.get("learner") or {}).get("loss"), ".4f"),
            "faults": _number(ours["fault"], "d"),
            "undecided": _number(ours["undecided"], "d"),
        }
        if games := metrics.get("games"):
            returns = games["returns"].items()
            row = {
                "matches": _number(games.get("num_matches"), "d"),
                "bad moves": _number(games.get("bad_moves"), ".1%"),
                "returns": ", ".join(f"{seat} {_number(won, '+.2f')}" for seat, won in returns),
                "loss": row["loss"],
            }
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_row(*(Text(name, style="dim") for name in row))
        table.add_row(*(Text(value, style="bold") for value in row.values()))
        return table

    def _round_line(self, metrics: Mapping[str, Any]) -> str:
        verdicts = metrics.get("verdicts") or {}
        left = self._time_left()
        fields = {
            "round": f"{self._done}/{self._total}",
            "valid": _number(metrics.get("valid"), ".3f"),
            "proposed_level": _number(metrics.get("mean_level_proposed"), ".2f"),
            "solve_rate": _number(metrics.get("solve_rate"), ".3f"),
            "loss": _number((metrics.get("learner") or {}).get("loss"), ".4f"),
            "fault": _number(verdicts.get("fault", 0), "d"),
            "undecided": _number(verdicts.get("undecided", 0), "d"),
        }
        if games := metrics.get("games"):
            fields |= {"valid": _MISSING, "proposed_level": _MISSING, "solve_rate": _MISSING, "undecided": _MISSING}
            fields["bad_moves"] = _number(games.get("bad_moves"), ".3f")
            fields["returns"] = ",".join(f"{seat}:{_number(won, '+.2f')}" for seat, won in games["returns"].items())
        for name, value in (metrics.get("yardsticks") or {}).items():
            fields[name] = _number(value, ".4f")
        for env, levels in (metrics.get("held_out") or {}).items():
            fields[f"held_out.{env}"] = _level_list(levels)
        judged = metrics.get("judged") or {}
        if judged.get("by"):
            fields["judged_by"] = ",".join(judged["by"])
            fields["judged_rate"] = _number(judged.get("rate"), ".3f")
            fields["judged_undecided"] = _number((judged.get("verdicts") or {}).get("undecided"), "d")
        for env, levels in (judged.get("held_out") or {}).items():
            fields[f"judged_held_out.{env}"] = _level_list(levels)
        fields["elapsed"] = _clock_text(self._elapsed())
        fields["left"] = _MISSING if left is None else _clock_text(left)
        return " ".join(f"{name}={value}" for name, value in fields.items() if value != _MISSING)

    def _elapsed(self) -> float:
        return self._clock() - self._started

    def _time_left(self) -> float | None:
        """Seconds, if the rounds to come take as long as those of this process did; None before the first is done."""
        done_here = self._done - self._done_before
        if done_here <= 0:
            return None
        return (self._clock() - self._round_started) / done_here * max(self._total - self._done, 0)

    def _line(self, text: str) -> None:
        self._console.print(Text(" ".join(text.split())), soft_wrap=True)


def _before_after(before: Mapping[str, float], after: Mapping[str, float]) -> Table:
    table = Table()
    for name in ("level", "before", "after", "change"):
        table.add_column(name, justify="right")
    for level in _sorted({**before, **after}):
        first, last = before.get(level), after.get(level)
        change, style = _MISSING, "dim"
        if first is not None and last is not None:
            change = f"{(last - first) * 100:+.1f} pp"
            style = "green" if last > first else "red" if last < first else "dim"
        cells = [Text(_number(value, ".1%"), style=_shade(value)) for value in (first, last)]
        table.add_row(Text(level), *cells, Text(change, style=style))
    return table


def _cells(env: str, levels: Mapping[str, Any]) -> Text:
    """One line: a coloured cell with level and accuracy for each level."""
    line = Text(f"{env} ", no_wrap=False)
    for level in _sorted(levels):
        line.append(f" {level}:{_number(levels[level], '.0%')} ", style=_shade(levels[level]))
        line.append(" ")
    return line


def _judged_line(judged: Mapping[str, Any]) -> str:
    judges = ", ".join(judged.get("by") or ()) or _MISSING
    abstained = _number((judged.get("verdicts") or {}).get("undecided"), "d")
    parts = [f"judged by {judges}, not verified: {_number(judged.get('rate'), '.0%')} good, {abstained} undecided"]
    parts += [f"held out {env} {_level_list(levels)}" for env, levels in (judged.get("held_out") or {}).items()]
    return "; ".join(parts)


def _level_list(levels: Mapping[str, Any]) -> str:
    return ",".join(f"{level}:{_number(levels[level], '.2f')}" for level in _sorted(levels))


def _shade(accuracy: object) -> str:
    """Dark text on a background from light red (0) over sand to light green (1)."""
    if not _is_number(accuracy):
        return "dim"
    stops = ((232, 160, 150), (238, 220, 150), (150, 205, 150))
    position = min(max(float(accuracy), 0.0), 1.0) * 2  # type: ignore[arg-type]
    lower, upper = stops[min(int(position), 1)], stops[min(int(position), 1) + 1]
    share = position - min(int(position), 1)
    mixed = (round(low + (high - low) * share) for low, high in zip(lower, upper, strict=True))
    return "black on rgb({},{},{})".format(*mixed)


def _sorted(levels: Mapping[str, Any]) -> list[str]:
    """Levels in numerical order, other names after them."""
    return sorted(levels, key=lambda level: (not str(level).isdecimal(), int(level) if str(level).isdecimal() else 0))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(value: Any, form: str) -> str:
    return format(value, form) if _is_number(value) else _MISSING


def _clock_text(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
