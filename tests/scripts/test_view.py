"""The live view, in a terminal and in a log."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from scripts.view import LiveView, SilentView, View

METRICS: dict[str, Any] = {
    "iteration": 3,
    "valid": 0.61,
    "mean_level_proposed": 3.1,
    "problems": 220,
    "solve_rate": 0.625,
    "verdicts": {"correct": 900, "fault": 2},
    "held_out": {"programs": {"10": 0.25, "2": 0.99, "1": 1.0}},
    "learner": {"loss": 0.2},
}


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def plain(clock: Callable[[], float]) -> tuple[LiveView, io.StringIO]:
    file = io.StringIO()
    return LiveView(Console(file=file, width=60), clock), file


def terminal(clock: Callable[[], float]) -> tuple[LiveView, Console]:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system="truecolor", record=True)
    return LiveView(console, clock), console


def panel(view: LiveView) -> str:
    console = Console(file=io.StringIO(), width=100, record=True)
    console.print(view.render())
    return console.export_text()


def test_a_log_has_one_line_a_round_with_every_figure_however_narrow_the_console(clock: Clock) -> None:
    view, file = plain(clock)
    view.start(8, "title")
    clock.now += 40
    view.round(METRICS)
    view.stop()
    assert file.getvalue().splitlines()[1:] == [
        "round=4/8 valid=0.610 proposed_level=3.10 solve_rate=0.625 loss=0.2000 fault=2 undecided=0 "
        "held_out.programs=1:1.00,2:0.99,10:0.25 elapsed=0:00:40 left=0:00:40"
    ]


def test_time_left_counts_the_rounds_of_this_process_only_and_not_the_bootstrap(clock: Clock) -> None:
    view, file = plain(clock)
    view.start(6, "resumed", done_rounds=3)
    view.phase("bootstrap")
    clock.now += 1000
    view.phase("propose")
    clock.now += 10
    view.round({"iteration": 3})
    assert "round=4/6" in file.getvalue()
    assert "left=0:00:20" in file.getvalue()


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"iteration": 0},
        dict.fromkeys(METRICS),
        {"valid": math.nan, "learner": {}, "held_out": {"programs": {}}},
        {"valid": "text", "held_out": {"programs": {"1": None, "easy": 0.5}}},
    ],
)
def test_missing_empty_and_undefined_figures_do_no_harm(metrics: dict[str, Any], clock: Clock) -> None:
    log, file = plain(clock)
    log.start(2, "t")
    log.round(metrics)
    assert "round=1/2" in file.getvalue()
    live, _ = terminal(clock)
    live.start(2, "t")
    live.round(metrics)
    live.stop()
    assert "1/2" in panel(live)


def test_a_terminal_shows_round_figures_phase_time_and_held_out_cells(clock: Clock) -> None:
    view, console = terminal(clock)
    view.start(8, "expert iteration")
    view.phase("solve")
    clock.now += 20
    view.round(METRICS)
    text = panel(view)
    view.stop()
    for part in (
        "expert iteration",
        "4/8",
        "solve",
        "61%",
        "3.10",
        "62%",
        "0.2000",
        "1:100%",
        "10:25%",
        "0:00:20 left",
    ):
        assert part in text
    assert text.index("1:100%") < text.index("2:99%") < text.index("10:25%")
    assert "expert iteration" in console.export_text()


def test_held_out_cells_stay_until_the_next_evaluation(clock: Clock) -> None:
    view, _ = terminal(clock)
    view.start(8, "t")
    view.round(METRICS)
    view.round({"iteration": 4, "valid": 0.7})
    text = panel(view)
    view.stop()
    assert "after 4 rounds" in text
    assert "1:100%" in text
    assert "5/8" in text


def test_better_accuracy_has_a_greener_cell(clock: Clock) -> None:
    view, console = terminal(clock)
    view.final_table({"programs": {"1": 0.0}}, {"programs": {"1": 1.0}}, 200)
    styled = console.export_text(styles=True)
    assert "48;2;232;160;150" in styled
    assert "48;2;150;205;150" in styled


def test_bootstrap_is_a_log_line_and_a_line_of_the_panel(clock: Clock) -> None:
    log, file = plain(clock)
    log.start(1, "t")
    log.bootstrap(20, 1.25, {"accuracy": 0.5, "note": "x"})
    assert "bootstrap step=20 loss=1.2500 accuracy=0.5 elapsed=0:00:00" in file.getvalue().splitlines()
    live, _ = terminal(clock)
    live.start(1, "t")
    live.phase("bootstrap")
    live.bootstrap(20, 1.25, {})
    text = panel(live)
    live.stop()
    assert "step=20 loss=1.2500" in text


def test_a_message_is_text_and_not_markup_and_stays_on_one_line(clock: Clock) -> None:
    log, file = plain(clock)
    log.message("stale [/bold] lock\nremoved")
    assert file.getvalue() == "message stale [/bold] lock removed\n"
    live, _ = terminal(clock)
    live.start(1, "t")
    live.message("stale [/bold] lock")
    text = panel(live)
    live.stop()
    assert "stale [/bold] lock" in text


def test_the_final_table_lists_levels_in_order_with_the_change_and_copes_with_one_side_only(clock: Clock) -> None:
    view, file = plain(clock)
    view.final_table({"programs": {"2": 0.5, "1": 1.0}}, {"programs": {"10": 0.1, "1": 0.995, "2": 0.75}}, 200)
    rows = [
        [cell.strip() for cell in line.strip("│ \n").split("│")]
        for line in file.getvalue().splitlines()
        if line.startswith("│")
    ]
    assert "held-out accuracy of programs, 200 problems a level" in file.getvalue()
    assert rows == [
        ["1", "100.0%", "99.5%", "-0.5 pp"],
        ["2", "50.0%", "75.0%", "+25.0 pp"],
        ["10", "—", "10.0%", "—"],
    ]


def test_stop_gives_the_cursor_back_and_is_harmless_twice(clock: Clock) -> None:
    view, console = terminal(clock)
    view.start(1, "t")
    view.stop()
    view.stop()
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().endswith("\x1b[?25h")


def test_the_silent_view_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    view: View = SilentView()
    view.start(1, "t")
    view.phase("solve")
    view.bootstrap(1, 0.5, {})
    view.round(METRICS)
    view.message("text")
    view.final_table({"e": {"1": 0.5}}, {"e": {"1": 0.6}}, 10)
    view.stop()
    assert capsys.readouterr() == ("", "")


def test_a_token_budget_tells_how_many_rounds_to_expect() -> None:
    stream = io.StringIO()
    view = LiveView(Console(file=stream, width=200))
    view.start(1_000_000, "title")
    view.round({"iteration": 9, "progress": 0.25})
    assert "round=10/40" in stream.getvalue()
