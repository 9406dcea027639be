"""What the sandbox and the verifier of answers cost and how right they are, side by side with what else there is.

`python -m benchmarks.verifiers` measures for some minutes, keeps the figures in `benchmarks/results/verifiers.json`
and writes `benchmarks/verifiers.md` from them; `--page` only writes the page again. Ratios are taken within one
repetition, in which the contenders take turns. A machine that does other work gives lower rates and wider spreads;
ratios suffer less.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from selfplay.provenance import cpu_model

HERE = Path(__file__).parent
PAGE = HERE / "verifiers.md"
RESULTS = HERE / "results" / "verifiers.json"
FORMAT = 2
"""Of the results; a page is written from results of its own format only."""
BUSY = " **The machine was busy with other work: rates are too low, and ratios uncertain.**"
NAMES = {
    "sandbox": "the sandbox, all layers",
    "fresh": "a fresh interpreter for each program (`python -I -S`)",
    "human_eval": "a manager and a process for each program, as HumanEval's evaluator",
    "process_and_pipe": "`multiprocessing.Process` for each program, answer by pipe",
    "bubblewrap": "bubblewrap and a fresh interpreter",
    "floor": "floor: fork, end, wait in an interpreter as warm as the sandbox's",
}
Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that must hold: `value` is None where it could not be measured."""

    name: str
    sign: str
    """≥, ≤, > or <."""
    bound: float
    value: float | None

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        holds = {
            "≥": self.value >= self.bound,
            "≤": self.value <= self.bound,
            ">": self.value > self.bound,
            "<": self.value < self.bound,
        }
        return "met" if holds[self.sign] else "not met"

    def row(self) -> str:
        value = "·" if self.value is None else number(self.value, math.floor if self.sign in "≥>" else math.ceil)
        return f"| {self.name} | {self.sign} {number(self.bound)} | {value} | {self.verdict} |"


def number(value: float, to_integer: Callable[[float], int] = round) -> str:
    """Three significant figures or more, thousands with a comma. `to_integer` says how to round: a target's figure is
    rounded away from its bound's good side, so that what misses the bound never reads as if it met it."""
    if value == int(value) or abs(value) >= 1000:
        return f"{to_integer(value):,}"
    digits = 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 4
    return f"{to_integer(value * 10**digits) / 10**digits:.{digits}f}"


def spread(figures: Figures) -> str:
    """A median with the least and the greatest."""
    return f"{number(figures['median'])} ({number(figures['low'])} to {number(figures['high'])})"


def targets(results: Figures) -> list[Target]:
    """What the verifiers must reach, with what they did."""
    programs, answers = results["programs"], results["answers"]
    rows = programs["against"]["rows"]

    def over(peer: str) -> float | None:
        return float(rows[peer]["ours_over_theirs"]["median"]) if peer in rows else None

    accuracy = answers["accuracy"]
    ours = accuracy["math_answer"]["all"]
    decided = ours["pairs"] - ours["undecided"]
    peer = answers["against"]["rows"].get("math-verify x1")
    theirs = accuracy["math-verify"]["all"] if "math-verify" in accuracy else None
    return [
        Target("programs a second over a fresh interpreter's, 2 workers", "≥", 10, over("fresh x2")),
        Target("programs a second over the floor's, 1 worker", "≥", 0.6, over("floor x1")),
        Target("programs a second over the floor's, 2 workers", "≥", 0.6, over("floor x2")),
        Target("one program, 99th percentile, ms", "<", 10, programs["latency"]["p99"]),
        Target(
            "evaluations a second, 1000 inputs a program, 2 workers",
            "≥", 400_000, programs["scaling"]["inputs"]["1000"]["median"] * 1000,
        ),
        Target(
            "answers a second over math-verify's, one process each",
            "≥", 20, peer["ours_over_theirs"]["median"] if peer else None,
        ),
        Target("one answer, 99th percentile, ms", "<", 20, answers["against"]["latency"]["p99"]),
        Target("labelled pairs: right, of those decided", "≥", 0.99, ours["right"] / decided if decided else None),
        Target("labelled pairs: false accepts", "≤", 0, ours["false_accepts"]),
        Target("traps: false accepts", "≤", 0, accuracy["math_answer"]["traps"]["false_accepts"]),
        Target("labelled pairs: undecided, of all", "≤", 0.03, ours["undecided"] / ours["pairs"]),
        Target(
            "labelled pairs: right more often than math-verify, difference in pairs",
            ">", 0, ours["right"] - theirs["right"] if theirs else None,
        ),
    ]  # fmt: skip


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows), ""]


def _bound(rows: Mapping[str, Figures]) -> list[str]:
    """How far a fork for each program could get at best, in fresh interpreters."""
    floor, fresh = (rows.get(f"{kind} x2") for kind in ("floor", "fresh"))
    if floor is None or fresh is None:
        return []
    times = floor["rate"]["median"] / fresh["rate"]["median"]
    return [
        f"The floor itself is {times:.1f} times a fresh interpreter here: that is the most that a fork for each "
        "program could reach if running it cost nothing.",
        "",
    ]


def programs_part(figures: Figures) -> list[str]:
    """Sections about the sandbox."""
    against = figures["against"]
    rows = []
    for name, row in sorted(against["rows"].items(), key=lambda item: (item[0][-1], -item[1]["rate"]["median"])):
        kind, _, workers = name.partition(" x")
        ours = "·" if kind == "sandbox" else spread(row["ours_over_theirs"])
        rows.append([NAMES[kind], workers, spread(row["rate"]), ours])
    lines = [
        "## Programs against other ways to run them",
        "",
        "Trivial distinct programs with 10 inputs each; what each returns is checked. Isolation of the sandbox: "
        f"`{against['isolation']}`. Of the others only bubblewrap confines a program, and less.",
        "",
        *table(["how", "at a time", "programs/s", "sandbox over it"], rows),
        *(f"Not measured: {reason}.\n" for reason in against["missing"].values()),
        *_bound(against["rows"]),
        f"One program at a time, from asking to having its values: {figures['latency']['p50']:.2f} ms at the median, "
        f"{figures['latency']['p99']:.2f} ms at the 99th percentile ({figures['latency']['count']} programs).",
        "",
    ]
    scaling = figures["scaling"]
    inputs = [
        [size, spread(found), spread({key: value * int(size) for key, value in found.items()})]
        for size, found in scaling["inputs"].items()
    ]
    lines += [
        "## Inputs, workers and rows",
        "",
        "Two workers unless the row says otherwise; 10 inputs a program unless the row says otherwise.",
        "",
        *table(["inputs a program", "programs/s", "evaluations/s"], inputs),
        *table(["workers", "programs/s"], [[size, spread(found)] for size, found in scaling["workers"].items()]),
        *table(["rows a batch", "programs/s"], [[size, spread(found)] for size, found in scaling["batches"].items()]),
    ]
    tiers = [
        [tier, f"`{found['summary']}`", spread(found["milliseconds"]), spread(found["over_first"])]
        for tier, found in figures["layers"].items()
    ]
    lines += [
        "## What a layer costs",
        "",
        "One worker, the same programs. Each tier has the layers of the one above it and more.",
        "",
        *table(["tier", "layers", "ms a program", "times the first"], tiers),
    ]
    return lines


def answers_part(figures: Figures) -> list[str]:
    """Sections about `math_answer`."""
    against = figures["against"]
    rows = [
        [kind, workers, spread(row["rate"]), "·" if kind == "math_answer" else spread(row["ours_over_theirs"])]
        for name, row in against["rows"].items()
        for kind, _, workers in [name.partition(" x")]
    ]
    peer = against.get("peer_latency")
    lines = [
        "## Answers against math-verify",
        "",
        "60 % integers, 20 % fractions, 20 % expressions, half of them right, hardly any twice, cache off, one "
        "sentence around each box. math-verify parses and compares in the main thread of its process, with its time "
        "limit off; what `math_answer` pays for sending answers to its workers is included.",
        "",
        *table(["who", "processes", "answers/s", "math_answer over it"], rows),
        *([f"Not measured: {figures['missing']}.", ""] if figures["missing"] else []),
        f"One answer at a time: math_answer {against['latency']['p50']:.2f} ms at the median, "
        f"{against['latency']['p99']:.2f} ms at the 99th percentile"
        + (f"; math-verify {peer['p50']:.2f} and {peer['p99']:.2f} ms" if peer else "")
        + f". Of the mix, math_answer judged {against['right']:.2%} of the rows as labelled"
        + (f", math-verify {against['peer_right']:.1%}." if peer else "."),
        "",
    ]
    scaling = figures["scaling"]
    lines += [
        *table(["rows a batch", "answers/s"], [[size, spread(found)] for size, found in scaling["batches"].items()]),
        *table(["workers", "answers/s"], [[size, spread(found)] for size, found in scaling["workers"].items()]),
        "## Answers labelled by hand",
        "",
        "The pairs of `tests/verifiers/math_pairs.py`: right / false accepts / false rejects / undecided. Undecided "
        "includes: raised, killed after 5 s. The labels follow this project's policy (only the last balanced box "
        "counts, an answer must be in final form, percent is a fraction, …), which math-verify does not claim to have: "
        "the row “mathematics” leaves out the categories in which that decides. “Traps” are the answers of "
        "`math_traps.py`, made to be accepted wrongly; they are not among the pairs. Whoever works on `math_answer` "
        "can read all of these: they are a test of it, not an independent estimate.",
        "",
        *accuracy_table(figures["accuracy"]),
    ]
    return lines


def accuracy_table(accuracy: Figures) -> list[str]:
    """One row for all, one for mathematics, one a category."""

    def cell(counts: Figures) -> str:
        return " / ".join(str(counts[key]) for key in ("right", "false_accepts", "false_rejects", "undecided"))

    ours = accuracy["math_answer"]
    rows = []
    for name, pick in rows_of(ours):
        cells = [cell(pick(found)) for found in accuracy.values()]
        rows.append([name, str(pick(ours)["pairs"]), *cells])
    return table(["pairs", "count", *accuracy], rows)


def rows_of(tally: Figures) -> list[tuple[str, Callable[[Figures], Figures]]]:
    whole: list[tuple[str, Callable[[Figures], Figures]]] = [
        ("**all**", lambda found: found["all"]),
        ("**mathematics**", lambda found: found["mathematics"]),
        ("**traps**", lambda found: found["traps"]),
    ]
    return [*whole, *((name, partial(_category, name)) for name in tally["categories"])]


def _category(name: str, tally: Figures) -> Figures:
    found: Figures = tally["categories"][name]
    return found


def hostile_part(programs: Figures, answers: Figures) -> list[str]:
    """The section about hostile rows."""
    rows = [
        [
            name,
            f"{found['deadline_s']:g} s",
            *(spread(found[key]) for key in ("none", "one in fifty", "kept")),
            str(found["spoilt"]),
        ]
        for name, found in (("programs", programs), ("answers", answers))
    ]
    return [
        "## Two rows in a hundred are hostile",
        "",
        "Two workers. Hostile programs loop, hoard memory, fork, end early, flood, recurse, signal their parent, read "
        "files; hostile answers are those of `tests/verifiers/math_hangs.py`. “Spoilt” are other rows, of all "
        "repetitions, that were not judged as they should be. What runs to its deadline occupies a worker for that "
        "long, so this depends on the deadline more than on anything else.",
        "",
        *table(["rows", "deadline", "rows/s, none hostile", "rows/s, 2 % hostile", "share kept", "spoilt"], rows),
    ]


def page(results: Figures) -> str:
    """The Markdown page. Raises ValueError for results of another format."""
    if results.get("format") != FORMAT:
        raise ValueError(
            f"results of format {results.get('format')}, expected {FORMAT}: run `make benchmark-verifiers` again"
        )
    programs, answers = results["programs"], results["answers"]
    lines = [
        "# What verifying costs, and how right it is",
        "",
        f"Written by `make benchmark-verifiers` (format {FORMAT}, {results['repeats']} repetitions after one of "
        f"warm-up, contenders in turn, {results['seconds']:.0f} s in all). Machine: {results['machine']}, "
        f"{results['cores']} cores; load average before it began: {results['load']:.2f}. Medians, with least and "
        "greatest of the repetitions." + (BUSY if results["load"] > 0.5 * results["cores"] else ""),
        "",
        "| what must hold | target | measured | |",
        "|---|---|---|---|",
        *(target.row() for target in targets(results)),
        "",
        *programs_part(programs),
        *answers_part(answers),
        *hostile_part(programs["hostile"], answers["hostile"]),
    ]
    return "\n".join(lines).rstrip() + "\n"


def measure(repeats: int) -> dict[str, Any]:
    """All figures."""
    from benchmarks import answers, programs

    load, began = os.getloadavg()[0], time.monotonic()
    found = {"programs": programs.measure(repeats), "answers": answers.measure(repeats)}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "format": FORMAT, "repeats": repeats, "seconds": time.monotonic() - began, "machine": cpu_model(),
        "cores": cores, "load": load, **found,
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, keep the figures and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verifiers", description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--page", action="store_true", help="only write the page again from the kept figures")
    given = parser.parse_args(arguments)
    if not given.page:
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(measure(given.repeats), indent=1) + "\n", encoding="utf-8")
    text = page(json.loads(RESULTS.read_text(encoding="utf-8")))
    PAGE.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
