"""Kuhn poker and tic-tac-toe by self-play from random weights, over seeds, and what is lost without its parts.

`python -m benchmarks.games` runs what has no result in `benchmarks/results/games` (in folders under
`runs/benchmark-games`, one after the other; it resumes) and writes `benchmarks/games.md`. A variant is the game's
configuration with the overrides that the page shows. CPU seconds are those of the whole command, imports included.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quickstart import HERE, ROOT, Job, play, result
from selfplay.provenance import cpu_model

RESULTS = HERE / "results" / "games"
"""Summaries of finished runs: delete one to run it again."""
Summary = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bar:
    """What a measure is to reach, in every seed."""

    measure: str
    value: float
    at_most: bool
    """Whether smaller is better."""

    def holds(self, run: Summary) -> bool:
        value = float(run["yardsticks"]["after"][self.measure])
        return value <= self.value if self.at_most else value >= self.value

    def text(self) -> str:
        return f"{self.measure} {'≤' if self.at_most else '≥'} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Study:
    """One game: its configuration, its bar, the measures that the page shows, and variants."""

    title: str
    config: str
    bar: Bar
    measures: tuple[str, ...]
    cpu_limit_s: float | None
    """CPU seconds that a run may take; None: not promised."""
    seeds: int
    variants: Mapping[str, tuple[str, ...]]
    """Overrides by name of the variant."""


STUDIES = {
    "kuhn": Study(
        "Kuhn poker",
        "configs/spiral/kuhn_poker.yaml",
        Bar("exploitability_average", 0.05, True),
        ("exploitability_average", "exploitability", "other_replies"),
        60.0,
        5,
        {
            "against a fixed random opponent": ("options.opponents={random: 1.0}",),
            "RAE instead of the mean of the situation": ("options.advantage=rae",),
            "no baseline": ("options.advantage=none",),
            "no regularisation": ("options.regularisation=[0.0, 0.0]",),
        },
    ),
    "tic-tac-toe": Study(
        "Tic-tac-toe",
        "configs/spiral/tic_tac_toe.yaml",
        Bar("not_lost_minimax", 0.95, False),
        ("not_lost_minimax", "not_lost_minimax_first", "not_lost_minimax_second", "not_lost_random", "return_random"),
        None,
        3,
        {
            "against a fixed random opponent": ("options.opponents={random: 1.0}",),
            "no baseline": ("options.advantage=none",),
        },
    ),
}


def jobs(name: str, study: Study, seeds: int, variant_seeds: int) -> dict[str, list[Job]]:
    """Runs by name of the variant; the configuration itself is `self-play`."""
    found = {"self-play": [Job(f"{name} self-play", study.config, seed) for seed in range(seeds)]}
    for variant, overrides in study.variants.items():
        found[variant] = [Job(f"{name} {variant}", study.config, seed, overrides) for seed in range(variant_seeds)]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.games", description=__doc__)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "benchmark-games")
    parser.add_argument("--game", choices=STUDIES, nargs="*", default=list(STUDIES), help="only these")
    parser.add_argument("--seeds", type=int, help="seeds of the configurations themselves")
    parser.add_argument("--variant-seeds", type=int, default=3)
    parser.add_argument("--page-only", action="store_true", help="run nothing; write the page from what is there")
    given = parser.parse_args(arguments)
    found: dict[str, dict[str, list[Summary]]] = {}
    for name, study in STUDIES.items():
        run = result if given.page_only or name not in given.game else play
        planned = jobs(name, study, given.seeds or study.seeds, given.variant_seeds)
        found[name] = {}
        for variant, own in planned.items():
            if summaries := [one for job in own if (one := run(job, given.runs, RESULTS))]:
                found[name][variant] = [*summaries]
    if not any("self-play" in runs for runs in found.values()):
        print(f"no results in {RESULTS}: run without --page-only first", file=sys.stderr)
        return 2
    path = HERE / "games.md"
    path.write_text(page(found), encoding="utf-8")
    print(path)
    return 0


def page(found: Mapping[str, Mapping[str, Sequence[Summary]]]) -> str:
    """The Markdown page."""
    lines = [
        "# Games by self-play, from random weights",
        "",
        "Written by `make benchmark-games`. The recipe is `spiral`: both seats are one policy, a small transformer "
        "that is shown each position as a few tokens and trained by TRL's policy-gradient loss on its own matches. "
        "Before the first round it imitates random legal play, which holds no strategy. Exploitability is NashConv / "
        "2, exact, in chips (0.458 for uniform play); the average is over the policies after each round, the t-th "
        "counted t² times, weighted by reach. Tic-tac-toe is played greedily, 200 matches from each seat against "
        "each opponent; minimax plays uniformly among optimal moves. CPU seconds are of the whole command, imports "
        f"included. Machine: {cpu_model()}, {os.cpu_count()} cores, one thread a run, shared with other work.",
    ]
    for name, runs in found.items():
        if "self-play" in runs:
            lines += ["", *_part(STUDIES[name], runs)]
    return "\n".join(lines) + "\n"


def _part(study: Study, runs: Mapping[str, Sequence[Summary]]) -> list[str]:
    own = runs["self-play"]
    lines = [
        f"## {study.title}, {len(own)} seeds",
        "",
        f"`python -m scripts.train --config {study.config} seed=N`",
        "",
        f"| seed | rounds | CPU s | wall s | {' | '.join(study.measures)} |",
        "|---|---|---|---|" + "---|" * len(study.measures),
    ]
    for run in own:
        cells = " | ".join(f"{run['yardsticks']['after'][measure]:.4f}" for measure in study.measures)
        lines.append(
            f"| {run['seed']} | {run['rounds']} | {run['cpu_seconds']:.0f} | {run['wall_seconds']:.0f} | {cells} |"
        )
    lines += ["", "| promised, in every seed | seeds in which it holds |", "|---|---|"]
    lines.append(f"| {study.bar.text()} | {sum(map(study.bar.holds, own))} of {len(own)} |")
    if study.cpu_limit_s is not None:
        held = sum(run["cpu_seconds"] <= study.cpu_limit_s for run in own)
        lines.append(f"| at most {study.cpu_limit_s:g} CPU seconds | {held} of {len(own)} |")
    lines += ["", "What is lost by leaving parts out, at as many rounds:", ""]
    lines += [f"| run | overrides | seeds | {study.bar.measure}, each seed | mean |", "|---|---|---|---|---|"]
    for variant, every in runs.items():
        values = [float(run["yardsticks"]["after"][study.bar.measure]) for run in every]
        overrides = " ".join(map(shlex.quote, study.variants.get(variant, ())))
        shown = f"`{overrides}`" if overrides else ""
        listed = ", ".join(f"{value:.3f}" for value in values)
        lines.append(f"| {variant} | {shown} | {len(values)} | {listed} | {np.mean(values):.3f} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
