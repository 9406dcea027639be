"""Held-out deduction before and after self-play on `code_triplet`, and two controls at equal compute.

`python -m benchmarks.code_triplet` runs what has no result in `benchmarks/results/code_triplet` (in folders under
`runs/benchmark-code-triplet`, one after the other; it resumes) and writes `benchmarks/code_triplet.md`. Controls get
the token budget that the learned run of their seed used (generated tokens + 3 x trained tokens; evaluation is not
counted).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quickstart import HERE, ROOT, Job, play, result
from benchmarks.quickstart_page import LEARNED, accuracies, paired, table, tokens_used
from selfplay.provenance import cpu_model

RESULTS = HERE / "results" / "code_triplet"
"""Summaries of finished runs: delete one to run it again."""
CONFIG = "configs/expert_iteration/code_triplet.yaml"
CONTROLS = {
    "frozen proposer": "configs/expert_iteration/code_triplet_frozen.yaml",
    "seed data only": "configs/seed_data/code_triplet.yaml",
}
SEED_LEVELS = 4
TWICE = ("8", "9", "10")
"""Levels that the claims are about: twice as long as the seed data's longest, and more."""

Summary = Mapping[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.code_triplet", description=__doc__)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "benchmark-code-triplet")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--page-only", action="store_true", help="run nothing; write the page from what is there")
    given = parser.parse_args(arguments)
    run = result if given.page_only else play
    found = [run(Job(LEARNED, CONFIG, seed), given.runs, RESULTS) for seed in range(given.seeds)]
    by_name: dict[str, list[Summary]] = {LEARNED: [one for one in found if one], **{name: [] for name in CONTROLS}}
    for one in by_name[LEARNED]:
        budget = ("rounds=1000000", f"token_budget={tokens_used(one):.0f}", "evaluation.every=0")
        for name, config in CONTROLS.items():
            if control := run(Job(name, config, one["seed"], budget), given.runs, RESULTS):
                by_name[name].append(control)
    if not by_name[LEARNED]:
        print(f"no results in {RESULTS}: run without --page-only first", file=sys.stderr)
        return 2
    path = HERE / "code_triplet.md"
    path.write_text(page(by_name), encoding="utf-8")
    print(path)
    return 0


def page(by_name: Mapping[str, Sequence[Summary]]) -> str:
    """The Markdown page."""
    learned = by_name[LEARNED]
    levels = list(accuracies(learned[0]))
    lines = [
        "# Deduction on `code_triplet`, by self-play from a model made from scratch",
        "",
        f"Written by `make benchmark-code-triplet`, which runs `{CONFIG}` and its controls. The model proposes "
        "functions with inputs, the sandbox admits and runs each of them (twice, under different hash seeds), the same "
        "model says what they return, and trains on what was right. Held-out accuracy: greedy, "
        f"{learned[0]['held_out']['num_problems']} uniformly drawn problems a level that no round may train on, the "
        f"same for every run; a level is a number of statements, and seed data has levels 1 to {SEED_LEVELS}. An "
        "answer is right if it is the whole output, which holds every variable. ± is the 95 % t interval over seeds. "
        f"Machine: {cpu_model()}, {os.cpu_count()} cores, one thread a run, shared with other work: wall times are "
        "upper bounds.",
        "",
        f"## Before and after, {len(learned)} seeds",
        "",
        f"| seed | wall s | peak MiB | proposed level, first and last round | {' | '.join(levels)} |",
        "|---|---|---|---|" + "---|" * len(levels),
    ]
    for when in ("before", "after"):
        for run in learned:
            lines.append(_row(run, when, levels))
        means = [f"{np.mean([accuracies(run, when)[level] for run in learned]):.2f}" for level in levels]
        lines.append(f"| **mean {when}** | | | | {' | '.join(means)} |")
    lines += ["", "## Against controls at equal tokens", "", *table(_with_start(by_name), levels)]
    beyond = [level for level in levels if int(level) > SEED_LEVELS]
    lines += ["", "Learned minus control, paired by seed:", ""]
    lines += [f"| control | {' | '.join(beyond)} |", "|---|" + "---|" * len(beyond)]
    for name in CONTROLS:
        if runs := by_name[name]:
            lines.append(f"| {name} | {' | '.join(paired(learned, runs, level) for level in beyond)} |")
    return "\n".join([*lines, "", *_claims(by_name, levels)]) + "\n"


def _row(run: Summary, when: str, levels: Sequence[str]) -> str:
    cells = " | ".join(f"{accuracies(run, when)[level]:.2f}" for level in levels)
    if when == "before":
        return f"| {run['seed']} before | · | · | · | {cells} |"
    proposed = run["mean_level_proposed"]
    cost = f"{run['wall_seconds']:.0f} | {run['peak_rss_mb']:.0f} | {proposed[0]:.1f}, {proposed[-1]:.1f}"
    return f"| {run['seed']} after | {cost} | {cells} |"


def _with_start(by_name: Mapping[str, Sequence[Summary]]) -> dict[str, list[Summary]]:
    """The runs by name, and before them the start of the learned ones: the model after the bootstrap."""
    starts: list[Summary] = [{**run, "held_out": {"after": run["held_out"]["before"]}} for run in by_name[LEARNED]]
    return {"start (after the bootstrap)": starts, **{name: list(runs) for name, runs in by_name.items() if runs}}


def _claims(by_name: Mapping[str, Sequence[Summary]], levels: Sequence[str]) -> list[str]:
    """The claims, each with what was measured."""
    learned = by_name[LEARNED]
    top = TWICE
    before, after = ([float(np.mean([accuracies(run, when)[x] for x in top])) for run in learned] for when in _WHEN)
    lines = ["| claim | measured | holds |", "|---|---|---|"]
    beyond = [level for level in levels if int(level) > SEED_LEVELS]
    gain = min(np.mean([accuracies(run)[x] - accuracies(run, "before")[x] for x in beyond]) for run in learned)
    claims = [
        (f"levels {beyond[0]} to {beyond[-1]}, beyond the seed data: rises, in each seed", float(gain), gain > 0),
        (f"levels {top[0]} to {top[-1]}: at most 0.1 before, in each seed", max(before), max(before) <= 0.1),
        (f"levels {top[0]} to {top[-1]}: at least 0.5 after, in each seed", min(after), min(after) >= 0.5),
    ]
    drop = max(accuracies(run, "before")[level] - accuracies(run)[level] for run in learned for level in levels)
    claims.append(("no level loses more than 0.03", max(0.0, drop), drop <= 0.03))
    for name in CONTROLS:
        gaps = [
            float(np.mean([accuracies(a)[x] - accuracies(b)[x] for x in top]))
            for a, b in zip(learned, by_name[name], strict=False)
        ]
        if gaps:
            claims.append((f"ahead of {name} on these levels, in each seed", min(gaps), min(gaps) > 0))
    return lines + [f"| {claim} | {value:.3f} | {'yes' if holds else 'no'} |" for claim, value, holds in claims]


_WHEN = ("before", "after")


if __name__ == "__main__":
    sys.exit(main())
