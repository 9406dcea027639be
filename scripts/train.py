"""Train by self-play: `python -m scripts.train --config FILE [key=value …] [--dry-run] [--resume] [--run-dir DIR]`.

Makes or loads the model, warms it up if the configuration says so, plays the recipe's rounds, and leaves a run folder
with the model, the metrics, every round's records, a summary and a report. Under `accelerate launch` every process
runs this same program.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # run by path: put the checkout first, before any installed package of a like name
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.checks import check
from scripts.cli import dry_run_text, run_main, train_arguments
from scripts.compose import prepare
from scripts.modelcard import write_model_card
from scripts.policies import check_model
from scripts.report import write_report
from scripts.runs import Started, make_view, mirrors, open_record, summarize, yardstick_lines
from scripts.view import View
from scripts.workers import audits, confinement, judges, start_processes
from selfplay.config import RunConfig
from selfplay.config_file import load_config
from selfplay.lab import BaseLab


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    began = time.perf_counter()
    given = train_arguments(arguments)
    config = load_config(given.config, given.overrides)
    checked = check(config)
    if given.dry_run:
        num_levels = len(config.evaluation.levels or checked.levels)
        print(dry_run_text(config, checked.options, num_levels=num_levels), end="")
        return 0
    run_dir = given.run_dir or default_run_dir(given.config, config)
    processes = start_processes(config)
    check_model(config, processes)
    view = make_view(processes)
    with judges(checked, processes) as (env, verifier), audits(checked, env, verifier, processes) as audited:
        isolation = confinement(env)
        record = open_record(config, run_dir, given.resume, processes, isolation)
        with mirrors(config, run_dir, processes) as watchers:
            view.start(config.rounds, f"{config.recipe} on {config.env.name}, seed {config.seed} → {run_dir}")
            try:
                if isolation is not None:
                    view.message(f"programs run in {isolation.summary()}")
                lab = prepare(checked, env, verifier, record, view, processes, [view, *watchers], audited)
                if given.resume:
                    view.message(f"resumed after {lab.resume()} whole rounds")
                checked.recipe.run(lab, checked.options)
            finally:
                view.stop()
        conclude(lab, view, time.perf_counter() - began)
    return 0


def conclude(lab: BaseLab, view: View, wall_seconds: float) -> None:
    """Write the model, the summary and the report, and show what became of the accuracy."""
    record = lab.record
    start = Started(record).read()
    save_final(lab)
    if lab.processes.rank == 0:
        summary = summarize(lab, start, wall_seconds)
        record.write_summary(summary)
        write_model_card(record.model, summary, lab.config)
        report = write_report(record.run_dir)
        held_out = summary["held_out"]
        for line in yardstick_lines(summary["yardsticks"]):
            view.message(line)
        view.final_table(held_out["before"], held_out["after"], held_out["num_problems"])
        print(f"model  {record.model}\nreport {report}")
    lab.processes.wait()


def default_run_dir(config_file: Path, config: RunConfig) -> Path:
    """runs/<configuration>-seed<seed>."""
    return Path("runs") / f"{config_file.stem}-seed{config.seed}"


def save_final(lab: BaseLab) -> None:
    """Write `model/`, a plain folder that `from_pretrained` reads; a model beside the run's own is `model-NAME/`."""
    from selfplay.learners.checkpoint import save_model

    policy: Any = lab.policy
    if lab.processes.rank == 0:
        save_model(lab.record.model, policy.model, policy.tokenizer)
        for name, other in lab.others.items():
            second: Any = other.policy
            save_model(lab.record.run_dir / f"model-{name}", second.model, second.tokenizer)
        for scratch in lab.record.run_dir.glob("trainer*"):
            if not any(scratch.iterdir()):  # trainers make it, and write nothing unless told to
                scratch.rmdir()
    lab.processes.wait()


if __name__ == "__main__":
    run_main(main)
