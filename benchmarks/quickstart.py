"""The quickstart over five seeds, and the learned proposer against its controls at equal compute.

`python -m benchmarks.quickstart` runs what has no result in `benchmarks/results/quickstart` (in folders under
`runs/benchmark-quickstart`; it resumes) and writes `benchmarks/quickstart.md` with its picture. The five runs of the
quickstart are timed one after the other; the controls run two at a time and are compared by tokens, never by time:
each gets the token budget that the learned run of its seed used (generated tokens + 3 x trained tokens; evaluation is
not counted).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.quickstart_page import LEARNED, longer_part, page, picture, tokens_used

HERE = Path(__file__).parent
ROOT = HERE.parent
RESULTS = HERE / "results" / "quickstart"
"""Summaries of finished runs: delete one to run it again."""
CONTROLS = {
    "frozen proposer": "configs/expert_iteration/frozen.yaml",
    "seed data only": "configs/seed_data/programs.yaml",
    "random over texts": "configs/expert_iteration/random_texts.yaml",
    "random over levels (oracle)": "configs/expert_iteration/random_levels.yaml",
    "no verifier": "configs/expert_iteration/no_verifier.yaml",
}
POLICY_GRADIENT = {"policy gradient": "configs/expert_iteration/programs_pg.yaml"}
LONGER = ("longer programs", "configs/expert_iteration/programs_long.yaml")
"""The same run with an alphabet of 26 names, so that programs can have up to 24 operations."""


@dataclass(frozen=True, slots=True)
class Job:
    """One training run."""

    name: str
    config: str
    seed: int
    overrides: tuple[str, ...] = ()

    def folder(self, runs: Path) -> Path:
        slug = "".join(letter if letter.isalnum() else "-" for letter in self.name).strip("-")
        return runs / f"{slug}-seed{self.seed}"


def play(job: Job, runs: Path, results: Path = RESULTS) -> dict[str, Any]:
    """Run the job unless its summary is kept in `results`; a started one is resumed. Returns its summary."""
    folder = job.folder(runs)
    kept = results / f"{folder.name}.json"
    if not kept.exists():
        resume = ["--resume"] if (folder / "config.yaml").exists() else []
        command = [
            sys.executable, "-m", "scripts.train", "--config", job.config, "--run-dir", str(folder), *resume,
            f"seed={job.seed}", *job.overrides,
        ]  # fmt: skip
        print(" ".join(["python", *command[1:]]), flush=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / f"{folder.name}.log").open("a") as log:
            subprocess.run(
                command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=log, stderr=log, check=True
            )
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text((folder / "summary.json").read_text())
    return dict(json.loads(kept.read_text()))


def result(job: Job, runs: Path, results: Path = RESULTS) -> dict[str, Any] | None:
    """The kept summary of a job, or None if it has not been run."""
    kept = results / f"{job.folder(runs).name}.json"
    return dict(json.loads(kept.read_text())) if kept.exists() else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quickstart", description=__doc__)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "benchmark-quickstart")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--control-seeds", type=int, default=3)
    parser.add_argument("--parallel", type=int, default=2, help="controls at a time")
    parser.add_argument("--page-only", action="store_true", help="run nothing; write the page from what is there")
    given = parser.parse_args(arguments)
    main_jobs = [Job(LEARNED, "configs/quickstart.yaml", seed) for seed in range(given.seeds)]
    longer_jobs = [Job(*LONGER, seed) for seed in range(given.control_seeds)]
    if not given.page_only:
        for job in [*main_jobs, *longer_jobs]:
            play(job, given.runs)
    learned = [summary for job in main_jobs if (summary := result(job, given.runs))]
    jobs = [
        Job(
            name,
            config,
            seed,
            ("rounds=1000000", f"token_budget={tokens_used(learned[seed]):.0f}", "evaluation.every=0"),
        )
        for name, config in {**CONTROLS, **POLICY_GRADIENT}.items()
        for seed in range(len(learned))
    ]
    if not given.page_only:
        wanted = [job for job in jobs if job.seed < given.control_seeds]
        with ThreadPoolExecutor(given.parallel) as executor:
            list(executor.map(lambda job: play(job, given.runs), wanted))
    by_name: dict[str, list[Mapping[str, Any]]] = {LEARNED: list(learned)}
    for job in jobs:  # also of more seeds than were asked for, where they have run
        if summary := result(job, given.runs):
            by_name.setdefault(job.name, []).append(summary)
    picture(by_name, HERE / "quickstart.png")
    longer = [summary for job in longer_jobs if (summary := result(job, given.runs))]
    text = page(learned, by_name) + "\n".join([*longer_part(longer), ""])
    (HERE / "quickstart.md").write_text(text, encoding="utf-8")
    print(HERE / "quickstart.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
