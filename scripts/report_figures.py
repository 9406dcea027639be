"""The pictures of a report, as inline SVG by matplotlib. Numbers in, SVG text out; no files, no windows.

A value that is missing is NaN (a gap or an empty cell), never 0.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

INK, SOFT, LINE = "#1f2430", "#667085", "#e4e7ec"
BLUE = "#2f5d8a"
STATUS_COLOURS = {
    "correct": "#4f9d69",
    "wrong": "#c9675f",
    "malformed": "#b9a3c9",
    "timeout": "#8fa9c4",
    "undecided": "#e3b65b",
    "fault": "#3a3f4b",
}
_OTHER = "#b5bcc8"
_WIDTH = 9.2  # inches: the width of the page's column
_MAX_ANNOTATED = 18  # columns of a heat map that still have room for a number in each cell
_MAX_VECTOR_CELLS = 800
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": "#c5cad3",
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: selectable, and in the page's own type
    "text.parse_math": False,  # a dollar sign is a dollar sign
    "svg.hashsalt": "report",  # the same run gives the same bytes
}


def heat_map(values: np.ndarray, levels: Sequence[str], rounds: Sequence[str]) -> str:
    """Held-out accuracy: `values` of shape (levels, rounds) in [0, 1], NaN where it was not measured."""
    with matplotlib.rc_context(_STYLE):
        figure, axes = _canvas(max(1.9, 0.8 + 0.36 * len(levels)))
        mesh = axes.pcolormesh(
            np.ma.masked_invalid(values),
            cmap="YlGnBu",
            vmin=0,
            vmax=1,
            edgecolors="white",
            linewidth=0.6 if len(rounds) <= 80 else 0,
            rasterized=values.size > _MAX_VECTOR_CELLS,
        )
        if len(rounds) <= _MAX_ANNOTATED:
            for (row, column), value in np.ndenumerate(values):
                if np.isfinite(value):
                    colour = "white" if value > 0.55 else INK
                    axes.text(column + 0.5, row + 0.5, f"{value:.0%}", ha="center", va="center", color=colour, size=8)
        shown = range(0, len(rounds), max(1, -(-len(rounds) // 20)))
        axes.set_xticks([index + 0.5 for index in shown], [rounds[index] for index in shown])
        axes.set_yticks(np.arange(len(levels)) + 0.5, levels)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set(xlabel="after round", ylabel="level")
        bar = figure.colorbar(mesh, ax=axes, fraction=0.025, pad=0.015, format="{x:.0%}")
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0)
        return _svg(figure, "Held-out accuracy by level over rounds")


def proposed_levels(rounds: Sequence[int], means: Sequence[float], counts: Mapping[int, Sequence[float]]) -> str:
    """Level of proposed problems: mean line over the share of each level (`counts` by level, one entry a round)."""
    with matplotlib.rc_context(_STYLE):
        figure, axes = _canvas(3.0)
        if counts and rounds:
            levels = list(range(min(counts), max(counts) + 1))
            table = np.array([counts.get(level, [0.0] * len(rounds)) for level in levels], dtype=float)
            shares = table / np.maximum(table.sum(axis=0), 1)
            mesh = axes.pcolormesh(
                _edges(rounds),
                np.arange(len(levels) + 1) + levels[0] - 0.5,
                shares,
                cmap="Blues",
                vmin=0,
                vmax=max(0.6, float(shares.max())),
                alpha=0.75,
                linewidth=0,
                rasterized=True,
            )
            bar = figure.colorbar(mesh, ax=axes, fraction=0.025, pad=0.015, format="{x:.0%}", label="share of a round")
            bar.outline.set_visible(False)
            bar.ax.tick_params(length=0)
        axes.plot(rounds, means, color="#b3541e", linewidth=2, marker="o", markersize=3, label="mean")
        axes.legend(loc="upper left")
        axes.set(ylabel="level", xlabel="round")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        _round_axis(axes, rounds)
        return _svg(figure, "Level of the proposed problems over rounds")


def histograms(named: Mapping[str, Sequence[float]]) -> str:
    """Solve-rate histograms side by side: for each name, the number of problems with 0, 1, … k correct attempts."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, 2.4), layout="constrained")
        panels = figure.subplots(1, len(named), squeeze=False, sharey=True)[0]
        for axes, (name, counts) in zip(panels, named.items(), strict=True):
            axes.bar(range(len(counts)), counts, width=0.82, color=BLUE)
            axes.set_title(name, size=10, loc="left", color=INK)
            axes.set_xlabel("correct attempts")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            axes.grid(axis="y")
        panels[0].set_ylabel("problems")
        return _svg(figure, "Histograms of solve rates")


def verdict_counts(rounds: Sequence[int], counts: Mapping[str, Sequence[float]]) -> str:
    """Verdicts over rounds, stacked. Every name of `counts` is in the legend with its total, also if that is 0."""
    with matplotlib.rc_context(_STYLE):
        figure, axes = _canvas(3.0)
        below = np.zeros(len(rounds))
        for name, values in counts.items():
            top = below + np.nan_to_num(np.array(values, dtype=float))
            colour, label = STATUS_COLOURS.get(name, _OTHER), f"{name.upper()}  {np.nansum(values):,.0f}"
            axes.stairs(top, _edges(rounds), baseline=below, fill=True, color=colour, label=label)
            below = top
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), reverse=True)
        axes.set(ylabel="attempts", xlabel="round", ylim=(0, max(1.0, float(below.max(initial=0)) * 1.04)))
        axes.grid(axis="y")
        _round_axis(axes, rounds)
        return _svg(figure, "Verdicts over rounds")


def phase_bars(seconds: Mapping[str, float]) -> str:
    """Where the time went: one horizontal bar a phase, the longest on top."""
    with matplotlib.rc_context(_STYLE):
        names = sorted(seconds, key=lambda name: seconds[name])
        values = [seconds[name] for name in names]
        total = sum(values) or 1.0
        figure, axes = _canvas(max(1.2, 0.5 + 0.3 * len(names)))
        bars = axes.barh(names, values, color=BLUE, height=0.68)
        axes.bar_label(bars, [f"{value:,.1f} s  ({value / total:.0%})" for value in values], padding=5, color=SOFT)
        axes.set(xlim=(0, max([*values, 1e-9]) * 1.18), xlabel="seconds")
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.grid(axis="x")
        return _svg(figure, "Seconds by phase")


def _canvas(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def _edges(rounds: Sequence[int]) -> np.ndarray:
    """Cell borders halfway between neighbouring rounds."""
    centres = np.array(rounds, dtype=float)
    if len(centres) == 0:
        return np.array([0.0])
    middles = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[centres[0] - 0.5], middles, [centres[-1] + 0.5]])


def _round_axis(axes: Axes, rounds: Sequence[int]) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(rounds) > 0:
        axes.set_xlim(rounds[0] - 0.5, rounds[-1] + 0.5)


def _svg(figure: Figure, label: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, dpi=150, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    return text[text.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
