"""Mirrors the metrics of a run to Weights & Biases, next to the run folder and never instead of it.

The mode is wandb's own environment variable: WANDB_MODE=offline needs no account and leaves its files in
`<run folder>/wandb`, to send later with `wandb sync`. The wandb run's id is kept in `<run folder>/wandb.id`, so a
resumed run goes on in the same one. Metrics are drawn over `iteration`, the number of the round.

wandb is imported when a mirror is made, so nothing else needs it. No text of a model is sent: numbers only.
"""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from selfplay.errors import UserError
from selfplay.record import write_atomically


class MirrorError(UserError):
    """The mirror cannot be started. The message says why and what to do."""


class WandbMirror:
    """One wandb run. Only one process of a run makes one; `close` ends it."""

    def __init__(
        self,
        run_dir: Path,
        *,
        project: str,
        group: str | None = None,
        job_type: str | None = None,
        tags: Sequence[str] = (),
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """Start, or go on with the run whose id is in the folder. Raises MirrorError if wandb is missing or refuses."""
        try:
            wandb: Any = importlib.import_module("wandb")
        except ImportError as error:
            raise MirrorError(
                "wandb is not installed, but the configuration asks for it: pip install wandb, or switch it off"
            ) from error
        self.run_id = _run_id(run_dir)
        try:
            self._run = wandb.init(
                project=project,
                group=group,
                job_type=job_type,
                tags=list(tags),
                config=dict(config or {}),
                dir=str(run_dir),
                id=self.run_id,
                resume="allow",
                settings=wandb.Settings(console="off", silent=True),
            )
        except wandb.errors.Error as error:
            raise MirrorError(
                f"wandb did not start: {error}. Log in with `wandb login`, or set WANDB_MODE=offline"
            ) from error
        self._run.define_metric("iteration")
        self._run.define_metric("*", step_metric="iteration")

    def log(self, metrics: Mapping[str, Any]) -> None:
        """Send one round's metrics: numbers only, nested ones as `outer/inner`. Needs `iteration` among them."""
        self._run.log(dict(flatten(metrics)))

    def close(self) -> None:
        """End the wandb run and flush its files. Does nothing the second time."""
        if self._run is not None:
            self._run.finish()
            self._run = None


def flatten(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """(name, number) of every number in nested mappings and lists; names are joined with `/`.

    >>> dict(flatten({"iteration": 3, "held_out": {"programs": {"1": 0.5}}, "counts": [7, 8], "note": "text"}))
    {'iteration': 3, 'held_out/programs/1': 0.5, 'counts/0': 7, 'counts/1': 8}
    """
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}/")
        elif isinstance(value, list | tuple):
            yield from flatten({str(index): item for index, item in enumerate(value)}, f"{prefix}{name}/")
        elif isinstance(value, int | float):
            yield f"{prefix}{name}", value


def _run_id(run_dir: Path) -> str:
    path = run_dir / "wandb.id"
    if not path.exists():
        write_atomically(path, uuid.uuid4().hex[:12] + "\n")
    return path.read_text(encoding="utf-8").strip()
