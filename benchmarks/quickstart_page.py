"""The page of the quickstart's benchmark: tables, answers and a picture, from the summaries of its runs.

A difference counts as seen if its 95 % interval over seeds leaves out zero. It runs nothing; `quickstart` does.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from scipy import stats

from selfplay.provenance import cpu_model

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LEARNED = "learned proposer"
HEADLINE = ("7", "8", "10")
FLOOR_MEAN = {"7": 0.90, "8": 0.85, "10": 0.70}
FLOOR_EACH = {"7": 0.80, "8": 0.70, "10": 0.50}


def tokens_used(summary: Mapping[str, Any]) -> float:
    tokens = summary["tokens"]
    return float(tokens.get("propose", 0) + tokens.get("solve", 0) + 3 * tokens.get("train", 0))


def picture(by_name: Mapping[str, Sequence[Mapping[str, Any]]], path: Path) -> None:
    """Held-out accuracy by level for every variant, and the proposed level over tokens."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for name, summaries in by_name.items():
        levels = [int(level) for level in accuracies(summaries[0])]
        values = np.array([list(accuracies(summary).values()) for summary in summaries])
        (line,) = left.plot(levels, values.mean(axis=0), marker="o", markersize=3, label=name)
        left.fill_between(levels, values.min(axis=0), values.max(axis=0), alpha=0.12, color=line.get_color())
        for index, summary in enumerate(summaries):
            proposed = summary["mean_level_proposed"]
            if any(proposed):
                share = np.linspace(0, 1, len(proposed))
                right.plot(
                    share, proposed, color=line.get_color(), alpha=0.7, linewidth=1, label=None if index else name
                )
    left.axvspan(0.5, 4.5, color="0.92", zorder=0)
    left.set(xlabel="level (operations); grey: seed levels", ylabel="held-out accuracy", ylim=(-0.02, 1.02))
    right.set(xlabel="share of the token budget", ylabel="mean level of proposed problems")
    left.legend(fontsize=7)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def page(main: Sequence[Mapping[str, Any]], by_name: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The Markdown page."""
    levels = list(accuracies(main[0]))
    lines = [
        "# The quickstart and its controls",
        "",
        "Written by `make benchmark-quickstart`. Held-out accuracy: greedy, 200 uniformly drawn problems a level that "
        "no round may train on, the same for every run. ± is the 95 % t interval over seeds. "
        f"Machine: {cpu_model()}, {os.cpu_count()} cores, one thread a run.",
        "",
        "![held-out accuracy by level, and proposed level](quickstart.png)",
        "",
        f"## `make quickstart`, {len(main)} seeds, one after the other",
        "",
        f"| seed | wall s | peak MiB | {' | '.join(levels)} |",
        "|---|---|---|" + "---|" * len(levels),
    ]
    for when in ("before", "after"):
        for summary in main:
            cells = [f"{value:.2f}" for value in accuracies(summary, when).values()]
            cost = f"{summary['wall_seconds']:.0f} | {summary['peak_rss_mb']:.0f}" if when == "after" else "· | ·"
            lines.append(f"| {summary['seed']} {when} | {cost} | {' | '.join(cells)} |")
        means = [f"{np.mean([accuracies(s, when)[level] for s in main]):.2f}" for level in levels]
        lines.append(f"| **mean {when}** | | | {' | '.join(means)} |")
    lines += ["", *_verdicts(main, levels), "", "## Against controls at equal tokens", ""]
    lines += table(by_name, levels)
    learned = by_name[LEARNED]
    lines += ["", f"Learned minus control, paired by seed, at levels {', '.join(HEADLINE)} and 12:", ""]
    lines += ["| control | " + " | ".join([*HEADLINE, "12"]) + " |", "|---|" + "---|" * 4]
    for name, summaries in by_name.items():
        if name != LEARNED:
            lines.append(f"| {name} | " + " | ".join(paired(learned, summaries, x) for x in [*HEADLINE, "12"]) + " |")
    lines += ["", *_findings(by_name)]
    lines += [
        "",
        "Mean level proposed, first, middle and last round:",
        "",
        "| run | first | middle | last |",
        "|---|---|---|---|",
    ]
    for name, summaries in by_name.items():
        curves = [summary["mean_level_proposed"] for summary in summaries]
        if any(any(curve) for curve in curves):
            parts = [np.mean([curve[index] for curve in curves]) for index in (0,)]
            middle = np.mean([curve[len(curve) // 2] for curve in curves])
            lines.append(f"| {name} | {parts[0]:.1f} | {middle:.1f} | {np.mean([c[-1] for c in curves]):.1f} |")
    lines += ["", "Tokens used (millions, generated + 3 x trained): "]
    lines[-1] += ", ".join(
        f"{name} {np.mean([tokens_used(summary) for summary in summaries]) / 1e6:.1f}"
        for name, summaries in by_name.items()
    )
    return "\n".join(lines) + "\n"


def longer_part(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The section on how high the same minutes get where the environment allows longer programs."""
    if not runs:
        return []
    shown = [level for level in accuracies(runs[0]) if int(level) in (1, 4, 6, 7, 8) or int(level) % 4 == 0]
    lines = [
        "",
        "## How high",
        "",
        "The quickstart's own ceiling is its alphabet of 16 names. "
        "`configs/expert_iteration/programs_long.yaml` has 26, so programs of up to 24 operations, and is the same "
        "otherwise (60 rounds, seed levels 1 to 4). Seeds differ widely: every name has to be learned, and some "
        "runs have not by the end. Other runs shared the machine, so wall times are upper bounds.",
        "",
        f"| seed | wall s | {' | '.join(shown)} | worst of all {len(accuracies(runs[0]))} levels |",
        "|---|---|" + "---|" * (len(shown) + 1),
    ]
    for when in ("before", "after"):
        for run in runs:
            found = accuracies(run, when)
            cells = [f"{found[level]:.2f}" for level in shown]
            wall = f"{run['wall_seconds']:.0f}" if when == "after" else "·"
            lines.append(f"| {run['seed']} {when} | {wall} | {' | '.join(cells)} | {min(found.values()):.2f} |")
    return lines


def _verdicts(main: Sequence[Mapping[str, Any]], levels: Sequence[str]) -> list[str]:
    """The claims of the quickstart, each with what was measured."""
    lines = ["| claim | measured | holds |", "|---|---|---|"]
    for level in HEADLINE:
        values = [accuracies(summary)[level] for summary in main]
        mean, worst = float(np.mean(values)), min(values)
        holds = mean >= FLOOR_MEAN[level] and worst >= FLOOR_EACH[level]
        wanted = f"level {level}: mean ≥ {FLOOR_MEAN[level]}, each seed ≥ {FLOOR_EACH[level]}"
        lines.append(f"| {wanted} | mean {mean:.3f}, worst {worst:.3f} | {'yes' if holds else 'no'} |")
    drop = max(accuracies(s, "before")[level] - accuracies(s)[level] for s in main for level in levels)
    lines.append(
        f"| no level loses more than 0.03 | largest loss {max(0.0, drop):.3f} | {'yes' if drop <= 0.03 else 'no'} |"
    )
    slowest = max(float(summary["wall_seconds"]) for summary in main)
    lines.append(f"| within 300 s of wall clock | slowest {slowest:.0f} s | {'yes' if slowest <= 300 else 'no'} |")
    memory = max(float(summary["peak_rss_mb"]) for summary in main)
    lines.append(f"| peak memory under 3072 MiB | {memory:.0f} MiB | {'yes' if memory < 3072 else 'no'} |")
    return lines


def table(runs_by_name: Mapping[str, Sequence[Mapping[str, Any]]], levels: Sequence[str]) -> list[str]:
    """Mean ± 95 % interval over seeds, a row a variant."""
    lines = [f"| run (seeds) | {' | '.join(levels)} |", "|---|" + "---|" * len(levels)]
    for name, summaries in runs_by_name.items():
        cells = []
        for level in levels:
            mean, half = interval([accuracies(summary)[level] for summary in summaries])
            cells.append(f"{mean:.2f}" if math.isnan(half) else f"{mean:.2f} ±{half:.2f}")
        lines.append(f"| {name} ({len(summaries)}) | {' | '.join(cells)} |")
    return lines


def _findings(by_name: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """What the comparison shows: a difference counts as seen if its 95 % interval over seeds leaves out zero."""
    learned = by_name[LEARNED]
    lines = ["| question | measured | answer |", "|---|---|---|"]
    for name in (LEARNED, "frozen proposer"):
        if runs := by_name.get(name):
            rises = [run["mean_level_proposed"][-1] - run["mean_level_proposed"][0] for run in runs]
            question = f"does the proposed level rise by itself? ({name})"
            lines.append(f"| {question} | by {_spread(rises)} levels | {_sign(rises)} |")
    for name, levels in (("frozen proposer", ("7", "8", "10", "12", "14")), ("seed data only", ("7", "8", "10"))):
        for level in levels:
            if runs := by_name.get(name):
                gaps = [accuracies(a)[level] - accuracies(b)[level] for a, b in zip(learned, runs, strict=False)]
                lines.append(f"| is learned ahead of {name} at level {level}? | {_spread(gaps)} | {_sign(gaps)} |")
    if runs := by_name.get("no verifier"):
        worst = [max(accuracies(r, "before")[x] - accuracies(r)[x] for x in ("1", "2", "3", "4")) for r in runs]
        lines.append(f"| does no verifier rot? (largest loss on a seed level) | {_spread(worst)} | {_sign(worst)} |")
    if runs := by_name.get("policy gradient"):
        gains, imitation = ([_gain(run) for run in some] for some in (runs, learned))
        lines.append(f"| does policy gradient improve? (mean over levels) | {_spread(gains)} | {_sign(gains)} |")
        share = float(np.mean(gains)) / float(np.mean(imitation[: len(gains)]))
        lines.append(f"| how much is that of what imitation gains at the same tokens? | {share:.0%} | · |")
    if runs := by_name.get("random over levels (oracle)"):
        top = list(accuracies(learned[0]))
        gaps = [
            float(np.mean([accuracies(b)[x] - accuracies(a)[x] for x in top]))
            for a, b in zip(learned, runs, strict=False)
        ]
        lines.append(f"| is the oracle ahead of learned? (mean over levels) | {_spread(gaps)} | {_sign(gaps)} |")
    return lines


def accuracies(summary: Mapping[str, Any], when: str = "after") -> dict[str, float]:
    """Held-out accuracy by level."""
    return dict(summary["held_out"][when][summary["env"]])


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half width of its 95 % t interval over seeds (NaN for one seed)."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, math.nan
    return mean, float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))


def paired(learned: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]], level: str) -> str:
    """Learned minus other, seed by seed: mean difference and 95 % interval."""
    differences = [accuracies(a)[level] - accuracies(b)[level] for a, b in zip(learned, other, strict=False)]
    mean, half = interval(differences)
    return f"{mean:+.2f}" if math.isnan(half) else f"{mean:+.2f} ±{half:.2f}"


def _gain(summary: Mapping[str, Any]) -> float:
    """Held-out accuracy after less before, mean over levels."""
    before, after = accuracies(summary, "before"), accuracies(summary)
    return float(np.mean([after[level] - before[level] for level in after]))


def _spread(values: Sequence[float]) -> str:
    mean, half = interval(values)
    return f"{mean:+.2f}" if math.isnan(half) else f"{mean:+.2f} ±{half:.2f} ({min(values):+.2f} to {max(values):+.2f})"


def _sign(values: Sequence[float]) -> str:
    mean, half = interval(values)
    if math.isnan(half):
        return "one seed: not known"
    return ("yes" if mean > 0 else "no, the reverse") if abs(mean) > half else "not seen over these seeds"
