"""The smallest runs with a real model: a configuration, the command, and what a run left behind.

Importing this does not import torch; `train` does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from builders import metrics_without_clock, without_clock

from selfplay.record import Record, RoundRecord

TINY: dict[str, Any] = {
    "recipe": "expert_iteration",
    "rounds": 2,
    "env": {"name": "programs", "options": {"max_level": 5}},
    "model": {
        "scratch": {"hidden_size": 48, "intermediate_size": 144, "rope_layers": [1, 0]},
        "threads": 1,
        "device": "cpu",
        "sampler": "compact",
    },
    "bootstrap": {
        "seed_levels": [1, 3],
        "num_problems": 1000,
        "batch_size": 64,
        "learning_rate": 8e-3,
        "muon_learning_rate": 0.05,
        "warmup_steps": 20,
        "check_every": 30,
        "max_steps": 800,
        "cooldown_steps": 20,
        "proposer_share": 0.3,
        "filler": 0,
        "criterion": {"accuracy": 0.0, "valid": 0.1, "attempts": 64, "problems": 48, "min_steps": 100},
    },
    "learner": {"optimizer": "muon", "learning_rate": 2e-3, "muon_learning_rate": 0.015, "batch_size": 16},
    "evaluation": {"every": 1, "num_problems": 6, "levels": [1, 4], "max_new_tokens": 16},
    "options": {
        "num_proposals": 16,
        "num_attempts": 4,
        "steps": 2,
        "filler": 0,
        "proposer_max_new_tokens": 28,
        "solver_max_new_tokens": 16,
    },
}
"""From random weights to two rounds in seconds: a criterion that one lucky guess meets."""


def write_config(path: Path, config: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def with_model(folder: Path) -> dict[str, Any]:
    """The tiny configuration with a model that is already warm, and no bootstrap."""
    model = {**TINY["model"], "name": str(folder)}
    del model["scratch"]
    return {key: value for key, value in {**TINY, "model": model}.items() if key != "bootstrap"}


def train(config: Path, run_dir: Path, *arguments: str) -> int:
    """The command `scripts.train`, in this process."""
    from scripts.train import main

    return main(["--config", str(config), "--run-dir", str(run_dir), *arguments])


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def metrics_of(run_dir: Path) -> list[dict[str, Any]]:
    """Every line of metrics.jsonl, without what a clock or the operating system measured."""
    lines = (run_dir / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [metrics_without_clock(json.loads(line)) for line in lines]


def records_of(run_dir: Path) -> list[RoundRecord]:
    """Every round, without what a clock or the operating system measured."""
    record = Record.open(run_dir)
    return [without_clock(record.read(number)) for number in record.whole_rounds()]


def weights_of(run_dir: Path, folders: Sequence[str] = ("model",)) -> dict[str, str]:
    """Hashes of the weights, and of the optimizer's state where there is one, in these folders of the run."""
    return {
        f"{folder}/{name}": sha256(run_dir / folder / name)
        for folder in folders
        for name in ("model.safetensors", "optimizer.pt")
        if (run_dir / folder / name).exists()
    }
