"""A run's folder and its watchers: opened or resumed, how it started, its summary, its view and mirror.

It builds no model and no judge; `compose` does.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.view import LiveView, SilentView, View
from selfplay.checking import resolved
from selfplay.config import RunConfig
from selfplay.errors import ConfigError, RecordError
from selfplay.judges.endpoint_options import LIMITS
from selfplay.lab import BaseLab
from selfplay.mirror import WandbMirror
from selfplay.processes import Processes
from selfplay.provenance import describe
from selfplay.record import Record, write_atomically
from verifiers.sandbox import Isolation

START_FILE = "start.json"


class Started:
    """What start.json says: the state of the model before the first round."""

    def __init__(self, record: Record) -> None:
        self.path = record.run_dir / START_FILE

    @property
    def exists(self) -> bool:
        return self.path.exists()

    def read(self) -> dict[str, Any]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            raise RecordError(f"{self.path}: cannot read it: {error}. Delete it to start this run over") from error
        return dict(content)

    def write(self, content: Mapping[str, Any]) -> None:
        write_atomically(self.path, json.dumps(content, indent=2) + "\n")


def summarize(lab: BaseLab, start: Mapping[str, Any], wall_seconds: float) -> dict[str, Any]:
    """What summary.json holds."""
    lines = lab.record.metrics()
    seconds: dict[str, float] = dict(start["seconds"])
    tokens: dict[str, int] = dict(start["tokens"])
    for line in lines:
        for total, part in ((seconds, line["seconds"]), (tokens, line["tokens"])):
            for name, value in part.items():
                total[name] = total.get(name, 0) + value
    after = next((line["held_out"] for line in reversed(lines) if "held_out" in line), start["held_out"])
    config = lab.config
    return {
        "seed": config.seed,
        "recipe": config.recipe,
        "env": config.env.name,
        "rounds": len(lines),
        "held_out": {
            "before": start["held_out"],
            "after": after,
            "num_problems": config.evaluation.num_problems,
        },
        "judged": _judged(start, lines),
        "yardsticks": _yardsticks(start, lines),
        "judge": _asked(start, lines),
        "bootstrap": start.get("bootstrap"),
        "seconds": seconds,
        "tokens": tokens,
        "peak_rss_mb": max([start.get("peak_rss_mb", 0.0), *(line["peak_rss_mb"] for line in lines)]),
        "mean_level_proposed": [line["mean_level_proposed"] for line in lines],
        "wall_seconds": wall_seconds,
        "cpu_seconds": sum(os.times()[:4]),  # of this process and of ended workers, imports included
        "num_processes": lab.processes.world,
    }


def _yardsticks(start: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What a game was measured by, before and after; None for problems."""
    measured = [line["yardsticks"] for line in lines if "yardsticks" in line]
    before = start.get("yardsticks") or {}
    return {"before": before, "after": measured[-1] if measured else before} if measured or before else None


def yardstick_lines(found: Mapping[str, Any] | None) -> list[str]:
    """`exploitability 0.4583 -> 0.0312`, a line a measure."""
    if not found:
        return []
    before, after = found["before"], found["after"]
    return [
        f"{name} {before[name]:.4f} → {after[name]:.4f}" if name in before and name in after
        else f"{name} {({**before, **after})[name]:.4f}"
        for name in dict.fromkeys([*before, *after])
    ]  # fmt: skip


def _judged(start: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What judges decided in the whole run, apart from `held_out`, which is verified; None if none was asked."""
    parts = [line["judged"] for line in lines if "judged" in line]
    before = start.get("judged", {})
    if not parts and not before:
        return None
    by: Counter[str] = Counter()
    for part in parts:
        by.update(part.get("by", {}))
    after = next((part["held_out"] for part in reversed(parts) if "held_out" in part), before)
    return {"by": dict(by), "held_out": {"before": before, "after": after}}


def _asked(start: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The run's judge: how often it was asked, what that took, and its audits before the run and last; or None."""
    parts = [one["judge"] for one in (start, *lines) if one.get("judge")]
    if not parts:
        return None
    totals: Counter[str] = Counter()
    for part in parts:
        totals.update({name: part[name] for name in ("asked", "abstained", "faults", "tokens")})
        totals.update({f"endpoint_{name}": value for name, value in part.get("endpoint", {}).items()})
    audits = [part["audit"] for part in parts if "audit" in part]
    before, after = (audits[0], audits[-1]) if audits else (None, None)
    return {"name": parts[-1]["name"], **totals, "audit": {"before": before, "after": after}}


def open_record(
    config: RunConfig, run_dir: Path, resume: bool, processes: Processes, isolation: Isolation | None = None
) -> Record:
    """A new run folder, or with `resume` the one that is there (its configuration must be the same).

    `isolation` of the programs that it runs becomes part of environment.json.
    """
    plain = resolved(config)
    if processes.rank == 0:
        if resume:
            recorded = Record.open(run_dir).config()
            _check_same(json.loads(json.dumps(recorded)), json.loads(json.dumps(plain)), run_dir)
        else:
            environment = describe(config.seed, processes.world, accelerators())
            Record.create(run_dir, plain, {**environment, "isolation": stamp(isolation)})
    processes.wait()
    return Record.open(run_dir)


_MAY_CHANGE = {"rounds", "token_budget", "report_to", "wandb", "keep_checkpoints", "checkpoint_every", "verifier"}


def _matters(key: str, value: Any) -> Any:
    """What a resumed run must have as it was: of a judge, not the limits within which it is asked."""
    if key != "judge" or not isinstance(value, Mapping):
        return value
    return {**value, "options": {name: one for name, one in value["options"].items() if name not in LIMITS}}


def _check_same(recorded: Mapping[str, Any], wanted: Mapping[str, Any], run_dir: Path) -> None:
    for key in sorted({*recorded, *wanted} - _MAY_CHANGE):
        if _matters(key, recorded.get(key)) != _matters(key, wanted.get(key)):
            raise ConfigError(
                f"{key}: the run in {run_dir} was started with {recorded.get(key)!r}, got {wanted.get(key)!r}. Resume "
                f"with the configuration it was started with, or start a new run with another --run-dir"
            )


def stamp(isolation: Isolation | None) -> dict[str, Any] | None:
    """What environment.json says of the confinement of programs."""
    if isolation is None:
        return None
    return {"tier": str(isolation.tier), "layers": list(isolation.layers), "not_blocked": list(isolation.open)}


def accelerators() -> list[str]:
    """Names of the accelerators that torch sees."""
    import torch

    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def make_view(processes: Processes) -> View:
    """A live view on rank 0, silence elsewhere."""
    return LiveView() if processes.rank == 0 else SilentView()


class MirrorWatcher:
    """Sends each round's metrics to the mirror."""

    def __init__(self, mirror: WandbMirror) -> None:
        self.mirror = mirror

    def phase(self, name: str) -> None:
        return

    def round(self, metrics: Mapping[str, Any]) -> None:
        self.mirror.log(metrics)


@contextmanager
def mirrors(config: RunConfig, run_dir: Path, processes: Processes) -> Iterator[list[MirrorWatcher]]:
    """The mirrors that the configuration asks for, closed at the end."""
    if "wandb" not in config.report_to or processes.rank != 0:
        yield []
        return
    settings = config.wandb
    mirror = WandbMirror(
        run_dir,
        project=settings.project,
        group=settings.group,
        job_type=settings.job_type,
        tags=settings.tags,
        config=resolved(config),
    )
    try:
        yield [MirrorWatcher(mirror)]
    finally:
        mirror.close()
