"""The checkpoints of a run: weights and optimizers after a round, each in its place whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from selfplay.disk import flush, flush_folder
from selfplay.processes import Processes
from selfplay.protocols import Learner
from selfplay.record import Record


def checkpoint_folder(record: Record, number: int) -> Path:
    """Where the checkpoint of a round lies."""
    return record.checkpoints / f"{number:04d}"


def checkpoints(record: Record) -> list[int]:
    """Numbers of the rounds that have a checkpoint, oldest first."""
    return sorted(int(entry.name) for entry in record.checkpoints.iterdir() if entry.name.isdigit())


def save_checkpoint(
    record: Record, number: int, learner: Learner, others: Mapping[str, Learner], processes: Processes
) -> None:
    """Write the checkpoint of a round; other models are folders in it. Every process takes part, rank 0 renames."""
    temporary = record.checkpoints / f".tmp-{number:04d}"
    if processes.rank == 0:
        shutil.rmtree(temporary, ignore_errors=True)
    processes.wait()
    learner.save(temporary)
    for name, other in others.items():
        other.save(temporary / name)
    if processes.rank == 0:
        flush_folder(temporary)
        final = checkpoint_folder(record, number)
        shutil.rmtree(final, ignore_errors=True)
        os.rename(temporary, final)
        flush(record.checkpoints)


def keep_checkpoints(record: Record, count: int) -> None:
    """Remove all but the newest `count`, which is at least 1."""
    for number in checkpoints(record)[:-count]:
        shutil.rmtree(checkpoint_folder(record, number))
