"""What the learners share: how one is made from a configuration, what happens to the optimizer between updates, files.

A subclass says which trainer it keeps, which rows it takes out of a batch, and how it trains on them. An update without
rows changes nothing. Nothing here knows a loss.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch

from selfplay.config import LearnerConfig
from selfplay.learners import trl_compat
from selfplay.learners.checkpoint import copy_state, load_checkpoint, save_checkpoint
from selfplay.learners.optimizers import make_optimizer
from selfplay.models import count_change
from selfplay.processes import OneProcess, Processes
from selfplay.types import Batch

Row = TypeVar("Row")


class TrainerLearner(ABC, Generic[Row]):
    """Trains `model` in place. `scratch_dir` is where the trainer may put files (it writes none by default)."""

    min_per_device = 1
    """Least rows in each forward pass of one process."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        config: LearnerConfig,
        scratch_dir: Path,
        processes: Processes | None = None,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.config = config
        self.processes = processes or OneProcess()
        self.base = copy_state(model) if config.between_rounds == "from_base" else None
        self.optimizer = make_optimizer(model, config)
        per_device, self.accumulation = micro_batches(config, self.processes.world)
        self.per_device = max(self.min_per_device, per_device)
        arguments = trl_compat.common_arguments(model.device, self.per_device, self.accumulation, config.max_grad_norm)
        self.trainer = self._make_trainer({"output_dir": str(scratch_dir), **arguments, **config.trl}, scratch_dir)

    @property
    def rows_a_pass(self) -> int:
        """Rows in one forward pass of all processes together."""
        return self.per_device * self.processes.world

    @abstractmethod
    def _make_trainer(self, arguments: dict[str, Any], scratch_dir: Path) -> Any:
        """The one trainer, of the arguments of its TRL configuration."""

    @abstractmethod
    def _rows(self, batch: Batch) -> list[Row]:
        """What is trained on. Raises TypeError for rows of another kind."""

    @abstractmethod
    def _train(self, rows: Sequence[Row], seed: int, rate: tuple[float, float]) -> Mapping[str, float]:
        """Train on them (one at least), and say what was measured."""

    def update(self, batch: Batch, seed: int, rate: tuple[float, float] = (1.0, 1.0)) -> Mapping[str, float]:
        """One pass over the rows, in an order that the seed decides; `rate` are shares of the peak learning rate at the
        start and at the end. Metrics: `loss`, `tokens`, `steps`, and what the learner measures besides (its docstring).
        """
        rows = self._rows(batch)
        if not rows:
            return {"loss": 0.0, "tokens": 0, "steps": 0}
        if self.config.between_rounds != "carry":
            self._restart()
        torch.manual_seed(seed % 2**63)  # dropout, where a model has it
        count_change(self.model)
        return self._train(rows, seed, rate)

    def _restart(self) -> None:
        if self.base is not None:
            self.model.load_state_dict(self.base)
        self.optimizer = make_optimizer(self.model, self.config)

    def save(self, directory: Path) -> None:
        """Write a checkpoint. Every process calls; the first one writes."""
        save_checkpoint(directory, self.trainer, self.model, self.tokenizer, self.optimizer, self.processes)

    def load(self, directory: Path) -> None:
        """Restore exactly what `save` wrote. Raises RecordError."""
        load_checkpoint(directory, self.model, self.optimizer)
        count_change(self.model)


def micro_batches(config: LearnerConfig, world: int) -> tuple[int, int]:
    """(rows a process and forward pass, passes a step) so that world x rows x passes = batch_size, or a little more."""
    share = -(-config.batch_size // world)
    passes = -(-share // config.micro_batch_size) if config.micro_batch_size else 1
    return -(-share // passes), passes
