"""The papers' claims, tried at small scale: `python -m benchmarks.papers [RECIPE…]` runs what has no result yet.

Every experiment (`papers_experiments`) warms a model up once a seed, runs its arms from there, and keeps what matters
of each run in `benchmarks/results/papers`; delete a file to run it again. Then `benchmarks/papers.md` is written: for
each claim the paired difference over seeds with its 95 % interval (Student's t), and whether it *holds*, *does not
hold*, or *cannot be seen at this size*; PAPERS.md gets these answers. Runs that were interrupted resume.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from scipy import stats

from benchmarks.papers_experiments import EXPERIMENTS
from benchmarks.papers_scores import START, Arm, Experiment, Question
from benchmarks.quickstart_page import tokens_used
from selfplay.provenance import cpu_model

HERE = Path(__file__).parent
ROOT = HERE.parent
RESULTS = HERE / "results" / "papers"
PAGE = HERE / "papers.md"
SHORT = ROOT / "PAPERS.md"
BEGIN, END = "<!-- written by make papers -->", "<!-- end -->"
"""The lines of `SHORT` between which the answers stand."""
SHARED_KEYS = {
    "iteration", "proposals", "valid", "rejections", "problems", "levels_proposed", "solve_rates", "verdicts",
    "seconds", "peak_rss_mb", "judged",
}  # fmt: skip
"""Metrics that are not kept: the summary has what matters of them, or nobody asks."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.papers", description=__doc__)
    parser.add_argument("recipes", nargs="*", help="recipes to run; none: all")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "papers", help="folder of the runs")
    parser.add_argument("--parallel", type=int, default=2, help="seeds at a time")
    parser.add_argument("--page-only", action="store_true", help="run nothing; write the page from what is there")
    given = parser.parse_args(arguments)
    known = [experiment.recipe for experiment in EXPERIMENTS]
    if unknown := [name for name in given.recipes if name not in known]:
        parser.error(f"no experiment is called {unknown[0]!r}, expected some of {', '.join(known)}")
    wanted = [one for one in EXPERIMENTS if not given.recipes or one.recipe in given.recipes]
    if not given.page_only:
        jobs = [(experiment, seed) for experiment in wanted for seed in range(experiment.num_seeds)]
        with ThreadPoolExecutor(given.parallel) as executor:
            list(executor.map(lambda job: play(job[0], job[1], given.runs), jobs))
    PAGE.write_text("\n".join(page(EXPERIMENTS)) + "\n", encoding="utf-8")
    SHORT.write_text(with_answers(SHORT.read_text(encoding="utf-8"), EXPERIMENTS), encoding="utf-8")
    print(PAGE, SHORT, sep="\n")
    return 0


# Running -------------------------------------------------------------------------------------------------------------


def play(experiment: Experiment, seed: int, runs: Path) -> None:
    """Warm up, then run every arm of one seed that has no result."""
    missing = [arm for arm in experiment.arms if not result_file(experiment, arm, seed).exists()]
    if not missing:
        return
    warm = runs / "warm" / f"{slug(experiment.start)}-seed{seed}"
    if any(arm.warm for arm in missing) and not (warm / "config.json").exists():
        run(["scripts.bootstrap", "--config", experiment.start, "--output", str(warm), f"seed={seed}"], warm)
    own = runs / experiment.stem
    for arm in missing:
        folder = own / f"{slug(arm.name)}-seed{seed}"
        resume = ["--resume"] if (folder / "config.yaml").exists() else []
        start = [f"model.name={warm}", "model.scratch=null", "bootstrap=null"] if arm.warm else []
        overrides = [one.replace("{runs}", str(own)).replace("{seed}", str(seed)) for one in arm.overrides]
        if arm.budget_of:
            budget = tokens_used(kept(experiment, arm.budget_of, seed))
            overrides += ["rounds=1000000", f"token_budget={budget:.0f}", "evaluation.every=0"]
        command = ["scripts.train", "--config", arm.config, "--run-dir", str(folder), *resume]
        run([*command, *start, *overrides, f"seed={seed}"], folder)
        keep(experiment, arm, seed, folder)


def kept(experiment: Experiment, name: str, seed: int) -> dict[str, Any]:
    """The summary of a finished run of an earlier arm."""
    arm = next(one for one in experiment.arms if one.name == name)
    content = json.loads(result_file(experiment, arm, seed).read_text(encoding="utf-8"))
    return dict(content["summary"])


def run(arguments: Sequence[str], folder: Path) -> None:
    """One command in a process of its own, with one thread. Raises CalledProcessError, naming the log."""
    print(" ".join(["python", "-m", *arguments]), flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(f"{folder.name}.log")
    with log.open("a") as file:
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=file, stderr=file, check=False,
        )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"error: it ended with status {done.returncode}; see {log}")


def keep(experiment: Experiment, arm: Arm, seed: int, folder: Path) -> None:
    """Copy what matters of a finished run into the results."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    metrics = [{key: value for key, value in line.items() if key not in SHARED_KEYS} for line in lines]
    content = {"arm": arm.name, "config": arm.config, "overrides": list(arm.overrides), "seed": seed}
    path = result_file(experiment, arm, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**content, "summary": summary, "metrics": metrics}) + "\n", encoding="utf-8")


def result_file(experiment: Experiment, arm: Arm, seed: int) -> Path:
    """Where the outcome of a run is kept."""
    return RESULTS / f"{experiment.stem}-{slug(arm.name)}-seed{seed}.json"


def slug(text: str) -> str:
    """The text as a part of a file's name."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in text.removesuffix(".yaml")).split())


# The page ------------------------------------------------------------------------------------------------------------


def page(experiments: Sequence[Experiment]) -> Iterator[str]:
    """benchmarks/papers.md."""
    yield "# The papers' claims, at small scale"
    yield ""
    yield (
        f"Written by `make papers` ({cpu_model()}). All arms of an experiment start from the same warm model of a "
        "seed, and differ in what is asked about. A claim *holds* if the 95 % interval (Student's t over seeds) of the "
        "paired difference lies on the claim's side of zero, *does not hold* if it lies on the other, and otherwise "
        "*cannot be seen at this size*. These are tiny models made from scratch on tiny problems: an answer here is "
        "about the method at this size, and no replication of a paper's numbers. Of "
        f"{sum(len(one.questions) for one in experiments)} intervals at 95 % a few leave out zero by chance."
    )
    for experiment in experiments:
        outcomes = {arm.name: outcomes_of(experiment, arm) for arm in experiment.arms}
        yield ""
        yield f"## {experiment.title}"
        yield ""
        yield f"{experiment.about} `python -m benchmarks.papers {experiment.recipe}`"
        yield ""
        if not any(outcomes.values()):
            yield "Not yet tried."
            continue
        yield from arms_table(experiment, outcomes)
        yield ""
        yield "| claim | difference (95 % interval) | seeds | |"
        yield "|---|---|---|---|"
        for question in experiment.questions:
            yield answer(experiment, question, outcomes)


def outcomes_of(experiment: Experiment, arm: Arm) -> dict[int, dict[str, Any]]:
    """What is kept of an arm's runs, by seed."""
    files = {seed: result_file(experiment, arm, seed) for seed in range(experiment.num_seeds)}
    return {seed: json.loads(path.read_text(encoding="utf-8")) for seed, path in files.items() if path.exists()}


def arms_table(experiment: Experiment, outcomes: Mapping[str, Mapping[int, Any]]) -> Iterator[str]:
    """Scores by arm: mean, and each seed's."""
    yield f"| arm | {' | '.join(experiment.scores)} | wall, s a run |"
    yield "|---" * (len(experiment.scores) + 2) + "|"
    for name, by_seed in outcomes.items():
        cells = []
        for score in experiment.scores.values():
            values = [score(outcome) for outcome in by_seed.values()]
            known = [value for value in values if not math.isnan(value)]
            each = ", ".join("-" if math.isnan(value) else f"{value:.2f}" for value in values)
            cells.append(f"{statistics.fmean(known):.3f} ({each})" if known else "-")
        wall = [outcome["summary"]["wall_seconds"] for outcome in by_seed.values()]
        yield (
            f"| {name} | {' | '.join(cells)} | {statistics.fmean(wall):.0f} |"
            if wall
            else f"| {name} | not yet tried |"
        )


def answer(experiment: Experiment, question: Question, outcomes: Mapping[str, Mapping[int, Any]]) -> str:
    """One claim's row."""
    better = outcomes[question.better]
    worse = better if question.worse == START else outcomes[question.worse]
    other = question.than or (f"{question.score} before" if question.worse == START else question.score)
    first, second = experiment.scores[question.score], experiment.scores[other]
    pairs = [(first(better[seed]), second(worse[seed])) for seed in sorted(set(better) & set(worse))]
    differences = [one - other for one, other in pairs if not (math.isnan(one) or math.isnan(other))]
    scores = question.score if question.than == "" else f"{question.score}, less {question.than}"
    compared = f"{question.better} against {question.worse}" if question.better != question.worse else question.better
    what = f"{question.text} ({scores}: {compared})"
    if len(differences) < 2:
        return f"| {what} | - | {len(differences)} | not yet tried |"
    low, high = t_interval(differences)
    wanted = (-high, -low) if question.smaller else (low, high)
    seen = "**holds**" if wanted[0] > 0 else "**does not hold**" if wanted[1] < 0 else "cannot be seen at this size"
    return (
        f"| {what} | {statistics.fmean(differences):+.3f} ({low:+.3f} to {high:+.3f}) | {len(differences)} | {seen} |"
    )


def with_answers(text: str, experiments: Sequence[Experiment]) -> str:
    """The text with the answers to all claims between its marks."""
    before, rest = text.split(f"{BEGIN}\n", 1)
    after = rest.split(f"{END}\n", 1)[1]
    lines = ["| recipe | claim | difference (95 % interval) | seeds | at this size |", "|---|---|---|---|---|"]
    for experiment in experiments:
        outcomes = {arm.name: outcomes_of(experiment, arm) for arm in experiment.arms}
        name = f"`{experiment.recipe}`" + (f", {experiment.setting}" if experiment.setting else "")
        lines += [f"| {name} {answer(experiment, one, outcomes)}" for one in experiment.questions]
    return "\n".join([f"{before}{BEGIN}", *lines, f"{END}\n{after}"])


def t_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Student's interval of a mean; a point where all values are equal."""
    mean, spread = statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))
    reach = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1)) * spread
    return mean - reach, mean + reach


if __name__ == "__main__":
    sys.exit(main())
