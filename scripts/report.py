"""`python -m scripts.report RUN_DIR` writes RUN_DIR/report.html: what a run did, on one self-contained page.

Reads the run folder only (summary.json, config.yaml, environment.json, the rounds), also while the run goes on. Every
figure is left out where its numbers are missing. A folder that cannot be read is one message and exit code 2.
It judges nothing and compares no runs.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from scipy.special import ndtri

from scripts import report_figures as figures
from scripts.cli import run_main
from scripts.report_games import games_section
from scripts.report_html import escaped, figure, page, section, shown, table
from scripts.report_judged import JUDGED_WORDS, judge_section, judged_section
from selfplay.config_file import dump_yaml
from selfplay.record import Record, write_atomically
from selfplay.types import Attempt, Episode, Status

Item = TypeVar("Item")

_MISSING = '<span class="soft">—</span>'
_PROBLEMS_A_ROUND = 2
_ATTEMPTS_A_PROBLEM = 2


def write_report(run_dir: Path) -> Path:
    """Write the report of a run into its folder and give its path. Raises RecordError if the folder cannot be read."""
    record = Record.open(run_dir)
    config, metrics = record.config(), record.metrics()
    summary = _completed(record.summary(), config, metrics)
    body = "".join(
        [
            _header(summary, config, metrics),
            _before_after(summary),
            games_section(summary, metrics),
            _held_out_maps(summary, metrics),
            _proposals(metrics),
            _solving(metrics),
            judged_section(summary, metrics),
            judge_section(summary, metrics),
            _time(summary),
            _samples(record),
            _provenance(record, config),
        ]
    )
    path = record.run_dir / "report.html"
    write_atomically(path, page(f"{summary['recipe']} on {summary['env']}", body))
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Raises RecordError, which `run_main` turns into one message and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m scripts.report", description="Write RUN_DIR/report.html.")
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR", help="the folder of a run, finished or not")
    print(write_report(parser.parse_args(arguments).run_dir))
    return 0


def wilson(accuracy: float, num_problems: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share measured on `num_problems` (Wilson 1927)."""
    z = float(ndtri(0.975))
    centre = (accuracy + z * z / (2 * num_problems)) / (1 + z * z / num_problems)
    spread = math.sqrt(accuracy * (1 - accuracy) / num_problems + (z / (2 * num_problems)) ** 2)
    half = z * spread / (1 + z * z / num_problems)
    return max(0.0, centre - half), min(1.0, centre + half)


def _completed(summary: Mapping[str, Any] | None, config: Mapping[str, Any], metrics: Sequence[Any]) -> dict[str, Any]:
    """The summary, with what is missing from it taken from the configuration and the rounds."""
    full = {**(summary or {}), "finished": summary is not None}
    for key in ("recipe", "env", "seed"):
        value = full.get(key, config.get(key))
        full[key] = value.get("name", value) if isinstance(value, Mapping) else value
        full[key] = f"unknown {key}" if full[key] is None else full[key]
    for key in ("seconds", "tokens"):
        if not _mapping(full, key):
            names = dict.fromkeys(name for line in metrics for name in _mapping(line, key))
            full[key] = {name: sum(_number(_mapping(line, key).get(name), 0.0) for line in metrics) for name in names}
    held_out = dict(_mapping(full, "held_out"))
    measured = [_mapping(line, "held_out") for line in metrics if _mapping(line, "held_out")]
    if not _mapping(held_out, "after") and measured:
        held_out["after"] = measured[-1]
    return {**full, "held_out": held_out}


def _header(summary: Mapping[str, Any], config: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]) -> str:
    tokens, seconds = _mapping(summary, "tokens"), _mapping(summary, "seconds")
    wall = _number(summary.get("wall_seconds"), sum(_number(value, 0.0) for value in seconds.values()))
    peak = _number(summary.get("peak_rss_mb"), max([_number(m.get("peak_rss_mb"), 0.0) for m in metrics], default=0.0))
    planned = config.get("rounds")
    facts = {
        "seed": summary["seed"],
        "rounds": f"{len(metrics)} of {planned}" if isinstance(planned, int) else len(metrics),
        "wall time": timedelta(seconds=round(wall)),
        "tokens": f"{sum(_number(value, 0.0) for value in tokens.values()):,.0f}",
        "peak memory": f"{peak:,.0f} MB" if peak else "—",
    }
    boxes = "".join(f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd></div>" for name, value in facts.items())
    title = f"<h1>{escaped(summary['recipe'])} on {escaped(summary['env'])}</h1>"
    unfinished = "<p class='warn'>No summary.json: the run is still going on, or it was stopped before its end.</p>"
    return f"<header>{title}{'' if summary['finished'] else unfinished}<dl class='facts'>{boxes}</dl></header>"


def _before_after(summary: Mapping[str, Any]) -> str:
    held_out = summary["held_out"]
    before, after = _mapping(held_out, "before"), _mapping(held_out, "after")
    count = held_out.get("num_problems")
    num_problems = count if isinstance(count, int) and count > 0 else 0
    parts = []
    for env in dict.fromkeys([*before, *after]):
        first, last = _mapping(before, env), _mapping(after, env)
        rows = [
            [escaped(level), *_accuracy_cells(first.get(level), last.get(level), num_problems)]
            for level in _sorted({**first, **last})
        ]
        means, headline = (_mean(first), _mean(last)), ""
        if None not in means and set(first) == set(last):
            rows.append(["mean of levels", *_accuracy_cells(means[0], means[1], 0)])
            headline = (
                f"<p class='headline'>Held-out accuracy, mean of {len(first)} levels: "
                f"{_percent(means[0])} → <b>{_percent(means[1])}</b></p>"
            )
        head = ["level", "before", "95 % interval", "after", "95 % interval", "change"]
        parts.append(f"<h3>{escaped(env)}</h3>{headline}{table(head, rows)}")
    if parts and num_problems:
        parts.append(
            f"<p class='note'>{num_problems} held-out problems a level, the same before and after. Wilson score "
            "intervals. A change is coloured where the two intervals do not overlap.</p>"
        )
    return section("Held-out accuracy, before → after", *parts)


def _accuracy_cells(first: Any, last: Any, num_problems: int) -> list[str]:
    cells, intervals = [], []
    for value in (first, last):
        accuracy = _number(value)
        interval = wilson(accuracy, num_problems) if num_problems and 0 <= accuracy <= 1 else None
        intervals.append(interval)
        bounds = f"<small>{interval[0] * 100:.1f} – {interval[1] * 100:.1f}</small>" if interval else ""  # noqa: RUF001
        cells += [_percent(value), bounds]
    change = (_number(last) - _number(first)) * 100
    if math.isnan(change):
        return [*cells, _MISSING]
    style = ""
    if intervals[0] and intervals[1]:
        style = "up" if intervals[1][0] > intervals[0][1] else "down" if intervals[1][1] < intervals[0][0] else ""
    return [*cells, f"<span class='{style}'>{change:+.1f} pp</span>"]


def _held_out_maps(summary: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]) -> str:
    before = _mapping(summary["held_out"], "before")
    measured = [(str(_round_of(line, index)), _mapping(line, "held_out")) for index, line in enumerate(metrics)]
    columns = [("before", before)] * bool(before) + [(name, levels) for name, levels in measured if levels]
    parts = []
    for env in dict.fromkeys(env for _, held_out in columns for env in held_out):
        of_env = [(name, _mapping(held_out, env)) for name, held_out in columns if env in held_out]
        levels = _sorted({level: None for _, accuracies in of_env for level in accuracies})
        if levels:
            values = np.array([[_number(accuracies.get(level)) for _, accuracies in of_env] for level in levels])
            svg = figures.heat_map(values, levels, [name for name, _ in of_env])
            parts.append(f"<h3>{escaped(env)}</h3>" + figure(svg))
    return section("Held-out accuracy over rounds", *parts)


def _proposals(metrics: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    rounds = [_round_of(line, index) for index, line in enumerate(metrics)]
    means = [_number(line.get("mean_level_proposed")) for line in metrics]
    names = {level for line in metrics for level in _mapping(line, "levels_proposed") if level.isdecimal()}
    counts = {
        int(name): [_number(_mapping(line, "levels_proposed").get(name), 0.0) for line in metrics] for name in names
    }
    if counts or (np.isfinite(means).any() and any(line.get("proposals") for line in metrics)):
        parts.append(figure(figures.proposed_levels(rounds, means, counts), "Rounds are counted from 0."))
    reasons = _totals(metrics, "rejections")
    if reasons:
        proposed = sum(_number(line.get("proposals"), 0.0) for line in metrics)
        rows = [
            [escaped(reason), f"{count:,.0f}", f"{count / proposed:.1%}" if proposed else _MISSING]
            for reason, count in sorted(reasons.items(), key=lambda item: -item[1])
        ]
        parts.append("<h3>Why proposals were rejected</h3>" + table(["reason", "proposals", "share of all"], rows))
    return section("Level of the proposed problems", *parts)


def _solving(metrics: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    with_histogram = [
        (f"round {_round_of(line, index)}", [_number(count, 0.0) for count in line["solve_rate_histogram"]])
        for index, line in enumerate(metrics)
        if isinstance(line.get("solve_rate_histogram"), list) and any(line["solve_rate_histogram"])
    ]
    if with_histogram:
        parts.append("<h3>How many attempts solved a problem</h3>")
        parts.append(figure(figures.histograms(dict(_early_middle_last(with_histogram)))))
    if any(any(_mapping(line, "verdicts").values()) for line in metrics):  # all zeros: a judge was asked, no program
        names = dict.fromkeys([*map(str, Status), *_totals(metrics, "verdicts")])
        counts = {name: [_number(_mapping(line, "verdicts").get(name), 0.0) for line in metrics] for name in names}
        rounds = [_round_of(line, index) for index, line in enumerate(metrics)]
        note = "UNDECIDED and FAULT are the framework's own: they are counted and never rewarded."
        parts.append("<h3>Verdicts</h3>" + figure(figures.verdict_counts(rounds, counts), note))
    return section("Solving", *parts)


def _time(summary: Mapping[str, Any]) -> str:
    seconds = {name: _number(value, 0.0) for name, value in _mapping(summary, "seconds").items()}
    tokens = {name: _number(value, 0.0) for name, value in _mapping(summary, "tokens").items()}
    parts = [figure(figures.phase_bars(seconds))] if seconds else []
    if tokens:
        parts.append(table(["tokens", *tokens], [["count", *(f"{count:,.0f}" for count in tokens.values())]]))
    return section("Where the time went", *parts)


def _samples(record: Record) -> str:
    parts = []
    for number in _early_middle_last(record.whole_rounds()):
        episodes = [episode for episode in record.read(number).episodes if episode.attempts]
        episodes.sort(key=lambda episode: (episode.problem.level, episode.problem.id))
        chosen = episodes if len(episodes) <= _PROBLEMS_A_ROUND else [episodes[len(episodes) // 2], episodes[-1]]
        if chosen:
            parts.append(f"<h3>Round {number}</h3>" + "".join(map(_sample, chosen)))
    if parts:
        parts.insert(0, "<p class='note'>A problem of middle level and one of the highest from each round.</p>")
    return section("Sample problems", *parts)


def _sample(episode: Episode) -> str:
    problem, decided = episode.problem, episode.num_decided
    facts = [f"level {problem.level}", str(problem.origin)]
    if not episode.judged_only:
        facts.append(f"{episode.num_correct} of {decided} decided attempts correct")
    if episode.num_judged:
        facts.append(f"{episode.num_judged_good} of {episode.num_judged} judged good")
    head = " · ".join(facts)
    # One that is correct and one that is not, where there are both: the pair says most about a problem.
    ordered = sorted(episode.attempts, key=lambda attempt: (not attempt.correct, not attempt.judged_good))
    chosen = ordered if len(ordered) <= _ATTEMPTS_A_PROBLEM else [ordered[0], ordered[-1]]
    return (
        f"<article class='problem'><header>{escaped(head)} · {escaped(problem.id)}</header>"
        f"<pre>{shown(problem.prompt)}</pre><div class='attempt'><span class='badge'>reference</span>"
        f"<pre>{shown(problem.reference)}</pre></div>{''.join(map(_attempt, chosen))}</article>"
    )


def _attempt(attempt: Attempt) -> str:
    verdict = attempt.verdict
    text = attempt.transcript.completion if attempt.transcript.messages else ""
    words, style = str(verdict.status).upper(), str(verdict.status)
    if not verdict.verified:
        words, style = f"{JUDGED_WORDS[verdict.status]} by {verdict.judged_by}", "judged"
    return f"<div class='attempt'><span class='badge {style}'>{escaped(words)}</span><pre>{shown(text)}</pre></div>"


def _provenance(record: Record, config: Mapping[str, Any]) -> str:
    environment = record.environment()
    texts = {"resolved configuration": config, "environment": environment}
    return section(
        "Configuration",
        *(
            f"<details><summary>{name}</summary><pre>{escaped(dump_yaml(value))}</pre></details>"
            for name, value in texts.items()
        ),
    )


def _early_middle_last(items: Sequence[Item]) -> list[Item]:
    return [items[index] for index in sorted({0, len(items) // 2, len(items) - 1})] if items else []


def _round_of(line: Mapping[str, Any], index: int) -> int:
    return int(_number(line.get("iteration"), index))


def _totals(metrics: Sequence[Mapping[str, Any]], key: str) -> dict[str, float]:
    names = dict.fromkeys(name for line in metrics for name in _mapping(line, key))
    return {name: sum(_number(_mapping(line, key).get(name), 0.0) for line in metrics) for name in names}


def _mapping(line: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = line.get(key)
    return value if isinstance(value, Mapping) else {}


def _number(value: Any, missing: float = math.nan) -> float:
    """The value if it is a finite number, else what stands for a missing one."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else missing


def _mean(levels: Mapping[str, Any]) -> float | None:
    values = [_number(value) for value in levels.values()]
    return sum(values) / len(values) if values and not any(map(math.isnan, values)) else None


def _percent(value: Any) -> str:
    return f"{value:.1%}" if not math.isnan(_number(value)) else _MISSING


def _sorted(levels: Mapping[str, Any]) -> list[str]:
    """Levels in numerical order, other names after them."""
    return sorted(levels, key=lambda level: (not level.isdecimal(), int(level) if level.isdecimal() else 0, level))


if __name__ == "__main__":
    run_main(main, resumable=False)
