"""Compare designs over seeds at an equal token budget: `python -m scripts.compare CONFIG --vary KEY=a,b,c --seeds 5`.

KEY is a key of the configuration; `reward.proposer` and `reward.solver` are short for `options.reward` and
`options.solver_reward`. Runs `scripts.train` once for each combination of the values and each seed, in folders of its
own; what is finished is kept, what was interrupted resumes. Then it writes, beside the runs, `compare.md` (held-out
mean with a bootstrap interval over seeds, difference from the first design, paired test), `compare.png` (curves over
tokens with bands) and `compare.json`. A run that fails is named with its log, the others go on, and the exit status
is 1.

The score of a run is the mean of its held-out figures after the last round (`--levels` names some of them). All designs
get the same `token_budget`: `--tokens`, or the configuration's own.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.checks import check
from scripts.cli import run_main
from selfplay.comparison import Row, curve, rows
from selfplay.config_file import load_config
from selfplay.errors import RecordError, UserError
from selfplay.metrics import used_tokens
from selfplay.record import Record, write_atomically

ROOT = Path(__file__).resolve().parent.parent
UNBOUNDED_ROUNDS = 1_000_000
MAX_SLUG = 80
ALIASES = {"reward.proposer": "options.reward", "reward.solver": "options.solver_reward"}
"""Short ways to say what is varied most."""
NUM_POINTS = 60
COLOURS = ("#2f5d8a", "#e08a3c", "#4f9d69", "#c9675f", "#7b5ea7", "#3a3f4b", "#b3924a", "#5aa3b0")


@dataclass(frozen=True, slots=True)
class Design:
    """One combination of varied values."""

    name: str
    overrides: tuple[str, ...]

    def folder(self, runs: Path, seed: int) -> Path:
        """Where its run of a seed lies."""
        slug = re.sub(r"[^A-Za-z0-9_.]+", "-", self.name).strip("-")[:MAX_SLUG]
        return runs / f"{slug}-seed{seed}"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    given = read_arguments(arguments)
    found = designs(given.vary)
    runs: Path = given.runs or Path("runs") / f"compare-{given.config.stem}"
    common = [*given.overrides, f"token_budget={budget(given)}", f"rounds={UNBOUNDED_ROUNDS}"]
    for design in found:  # every mistake is found before anything starts
        check(load_config(given.config, [*common, *design.overrides]))
    jobs = [(design, seed) for seed in range(given.seeds) for design in found]
    if given.list:
        for design, seed in jobs:
            state = "finished" if finished(design.folder(runs, seed)) else "to run"
            print(f"{state:<9} {design.folder(runs, seed)}")
        return 0
    runs.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(given.parallel) as executor:
        outcomes = executor.map(lambda job: play(given.config, common, job[0], job[1], runs), jobs)
        failures = [line for line in outcomes if line is not None]
    for line in failures:
        print(f"error: {line}", file=sys.stderr)
    for line in conclude(runs, found, given):
        print(line)
    return 1 if failures else 0


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. A mistake ends the process with status 2, as argparse does."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.compare", description="Compare designs over seeds.", allow_abbrev=False
    )
    parser.add_argument("config", metavar="CONFIG", type=Path, help="YAML configuration of a run")
    parser.add_argument(
        "--vary", metavar="KEY=a,b", action="append", required=True, help="values of a key; again for a product"
    )
    parser.add_argument("--seeds", metavar="N", type=_positive, default=3, help="seeds 0 to N - 1 (default 3)")
    parser.add_argument("--tokens", metavar="N", type=_positive, help="token budget of every run")
    parser.add_argument("--levels", metavar="A,B", help="held-out levels that make the score; default: all measured")
    parser.add_argument("--runs", metavar="DIR", type=Path, help="folder of the runs (default runs/compare-CONFIG)")
    parser.add_argument("--parallel", metavar="N", type=_positive, default=1, help="runs at a time (default 1)")
    parser.add_argument("--list", action="store_true", help="print what would run, and stop")
    parser.add_argument("overrides", metavar="key.path=value", nargs="*", help="change a key for all designs")
    given = parser.parse_intermixed_args(list(arguments))
    given.levels = None if given.levels is None else given.levels.split(",")
    return given


def _positive(text: str) -> int:
    number = text.replace("_", "")
    if not number.isdecimal() or int(number) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number of at least 1")
    return int(number)


def designs(vary: Sequence[str]) -> list[Design]:
    """Every combination of the varied values, the first values first. Raises UserError."""
    choices: list[list[tuple[str, str]]] = []
    for text in vary:
        key, found, values = text.partition("=")
        options = split_values(values)
        if not found or not key or not all(options) or len(set(options)) < len(options):
            raise UserError(f"--vary: got {text!r}, expected KEY=a,b,… with different values")
        choices.append([(ALIASES.get(key, key), value) for value in options])
    return [
        Design(", ".join(value for _, value in pairs), tuple(f"{key}={value}" for key, value in pairs))
        for pairs in product(*choices)
    ]


def split_values(text: str) -> list[str]:
    """The values between commas; commas inside brackets, braces and quotes belong to a value."""
    values, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        depth += (letter in "[{") - (letter in "]}") if not quote else 0
        if letter == "," and depth == 0 and not quote:
            values.append("")
        else:
            values[-1] += letter
    return [value.strip() for value in values]


def budget(given: argparse.Namespace) -> int:
    """Tokens of every run."""
    if given.tokens is not None:
        return int(given.tokens)
    own = load_config(given.config, given.overrides).token_budget
    if not own:
        raise UserError(f"{given.config} has no token_budget: give --tokens N, so that all designs get the same")
    return own


def finished(folder: Path) -> bool:
    """Whether a run has its summary."""
    return (folder / "summary.json").exists()


def play(config: Path, common: Sequence[str], design: Design, seed: int, runs: Path) -> str | None:
    """Run what is not finished; None, or what went wrong."""
    folder = design.folder(runs, seed)
    if finished(folder):
        return None
    resume = ["--resume"] if (folder / "config.yaml").exists() else []
    command = [
        sys.executable, "-m", "scripts.train", "--config", str(config.resolve()), "--run-dir",
        str(folder.resolve()), *resume, *common, *design.overrides, f"seed={seed}",
    ]  # fmt: skip
    print(f"run  {folder}", flush=True)
    log = folder.with_name(f"{folder.name}.log")
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with log.open("ab") as file:
        done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, stdout=file, stderr=file, check=False)
    if done.returncode:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        return f"{folder} ended with status {done.returncode}; see {log}: {''.join(last)}"
    return None


# What became of the runs ---------------------------------------------------------------------------------------------


def figures(held_out: Mapping[str, Any], levels: Sequence[str] | None) -> list[float]:
    """The held-out figures of a measurement that count. Raises UserError for a level that was not measured."""
    flat = {str(level): float(value) for by_level in held_out.values() for level, value in by_level.items()}
    if unknown := [level for level in levels or () if level not in flat]:
        raise UserError(f"--levels: level {unknown[0]} was not measured, expected some of {', '.join(flat)}")
    return [flat[level] for level in levels or flat]


def score(held_out: Mapping[str, Any], levels: Sequence[str] | None) -> float:
    """The mean of the figures; those that could not be measured are left out."""
    known = [value for value in figures(held_out, levels) if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def points(folder: Path, levels: Sequence[str] | None) -> list[tuple[float, float]]:
    """(tokens, score) of a finished run wherever it was measured, from its start."""
    record = Record.open(folder)
    summary = record.summary() or {}
    found = [(0.0, score(summary["held_out"]["before"], levels))]
    tokens = 0.0
    for line in record.metrics():
        tokens += used_tokens(line)
        if "held_out" in line:
            found.append((tokens, score(line["held_out"], levels)))
    return found


def conclude(runs: Path, found: Sequence[Design], given: argparse.Namespace) -> Iterator[str]:
    """Write table, picture and numbers of what is finished; the lines that are printed."""
    paths = {
        design.name: {
            seed: points(design.folder(runs, seed), given.levels)
            for seed in range(given.seeds)
            if finished(design.folder(runs, seed))
        }
        for design in found
    }
    if not any(paths.values()):
        raise RecordError(f"no run in {runs} has finished")
    table = rows({name: {seed: path[-1][1] for seed, path in by.items()} for name, by in paths.items()})
    text = "\n".join(page(table, given, budget(given), {n: [p[0][1] for p in by.values()] for n, by in paths.items()}))
    write_atomically(runs / "compare.md", text)
    write_atomically(runs / "compare.json", json.dumps(as_data(table), indent=2) + "\n")
    picture(paths, runs / "compare.png")
    yield from table_lines(table)
    yield f"table   {runs / 'compare.md'}"
    yield f"picture {runs / 'compare.png'}"


def table_lines(table: Sequence[Row]) -> Iterator[str]:
    """The comparison as a Markdown table."""
    yield "| design | seeds | held-out mean | 95 % interval over seeds | difference from the first | p (paired) |"
    yield "|---|---|---|---|---|---|"
    for row in table:
        low, high = row.interval
        interval = "-" if math.isnan(low) else f"{low:.3f} to {high:.3f}"
        difference = "-" if math.isnan(row.difference) else f"{row.difference:+.3f} ({row.num_pairs} pairs)"
        p_value = "-" if math.isnan(row.p_value) else f"{row.p_value:.4f}"
        yield f"| {row.name} | {len(row.scores)} | {row.mean:.3f} | {interval} | {difference} | {p_value} |"


def page(
    table: Sequence[Row], given: argparse.Namespace, tokens: int, starts: Mapping[str, Sequence[float]]
) -> Iterator[str]:
    """compare.md."""
    vary = " ".join(f"--vary {text}" for text in given.vary)
    yield f"# {given.config.stem}: {', '.join(text.partition('=')[0] for text in given.vary)}"
    yield ""
    yield f"`python -m scripts.compare {given.config} {vary} --seeds {given.seeds} --tokens {tokens}`"
    yield ""
    which = "all measured levels" if given.levels is None else f"levels {', '.join(given.levels)}"
    known = [start for values in starts.values() for start in values]
    yield (
        f"Mean held-out accuracy over {which} after {tokens:,} tokens (generated, plus three times trained), from "
        f"{sum(known) / len(known):.3f} at the start on average. Runs are paired by seed; intervals are bootstraps "
        f"over seeds, and the test flips the signs of paired differences (with {given.seeds} pairs, p is at least "
        f"{2 / 2**given.seeds:.4f})."
    )
    yield ""
    yield from table_lines(table)
    yield ""
    yield "![Held-out mean over tokens](compare.png)"
    yield ""


def as_data(table: Sequence[Row]) -> list[dict[str, Any]]:
    """The comparison as JSON values; what is not known is null."""

    def known(value: float) -> float | None:
        return None if math.isnan(value) else value

    return [
        {
            "design": row.name,
            "scores": list(row.scores),
            "mean": row.mean,
            "interval": [known(bound) for bound in row.interval],
            "difference": known(row.difference),
            "p_value": known(row.p_value),
            "num_pairs": row.num_pairs,
        }
        for row in table
    ]


def picture(paths: Mapping[str, Mapping[int, Sequence[tuple[float, float]]]], path: Path) -> None:
    """Mean held-out score over tokens, a line a design, in a band from its worst to its best seed."""
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.6), layout="constrained")
    axes = figure.subplots()
    for (name, by_seed), colour in zip(paths.items(), COLOURS * len(paths), strict=False):
        if not by_seed:
            continue
        end = min(run[-1][0] for run in by_seed.values())
        at = [end * place / (NUM_POINTS - 1) for place in range(NUM_POINTS)]
        values = np.array([curve(run, at) for run in by_seed.values()])
        axes.fill_between(at, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, linewidth=0)
        axes.plot(at, values.mean(axis=0), color=colour, linewidth=1.8, label=f"{name} ({len(by_seed)} seeds)")
    axes.set_xlabel("tokens (generated, plus three times trained)")
    axes.set_ylabel("held-out mean")
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    run_main(main)
