"""Make a model from scratch and warm it up: `python -m scripts.bootstrap --config FILE --output DIR [key=value …]`.

`scripts.train` does this itself, first, when the configuration's model is made from scratch; this command stops there
and leaves a plain model folder, which `model.name` of another configuration can point to.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts import compose
from scripts.checks import check
from scripts.cli import run_main
from scripts.policies import make_policy
from scripts.runs import make_view
from scripts.workers import judges, start_processes
from selfplay.config_file import load_config
from selfplay.errors import ConfigError, RecordError
from selfplay.record import Record


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.bootstrap", description="Make a model from scratch and warm it up.", allow_abbrev=False
    )
    parser.add_argument("--config", metavar="FILE", type=Path, required=True, help="YAML configuration of a run")
    parser.add_argument("--output", metavar="DIR", type=Path, required=True, help="new folder for the model")
    parser.add_argument(
        "overrides", metavar="key.path=value", nargs="*", help="change a key, with the value as in YAML"
    )
    given = parser.parse_intermixed_args(list(arguments))
    config = load_config(given.config, given.overrides)
    checked = check(config)
    if config.bootstrap is None:
        raise ConfigError(f"bootstrap: {given.config} has none, expected a mapping with learning_rate and max_steps")
    if given.output.exists() and (not given.output.is_dir() or any(given.output.iterdir())):
        raise RecordError(f"{given.output} is not an empty folder: choose another --output")
    processes = start_processes(config)
    view = make_view(processes)
    with tempfile.TemporaryDirectory() as scratch, judges(checked, processes) as (env, verifier):
        policy = make_policy(config, env, None, processes)
        held_out = compose.evaluation_split(config, env)
        seeds = compose.make_seeds(config, env, policy, held_out)
        compose.bootstrap(config, env, verifier, policy, seeds, Record(Path(scratch)), view, processes)
        if processes.rank == 0:
            from selfplay.learners.checkpoint import save_model

            save_model(given.output, policy.model, policy.tokenizer)
            view.message(f"model {given.output}")
    return 0


if __name__ == "__main__":
    run_main(main, resumable=False)
