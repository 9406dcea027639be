"""Preference learner: makes chosen transcripts likelier than rejected ones, with one persistent DPOTrainer.

A row is a pair of transcripts (`Preference`); the loss is TRL's (`learner.trl.loss_type`: sigmoid is DPO 2305.18290,
which is SPIN's too; `beta` is its temperature) on summed log-probabilities of sampled tokens, against the reference:
the model as it is when `update` begins, so the previous iterate (SPIN 2401.01335, Self-Rewarding 2401.10020). With
adapters it is the same, adapters included. Reference log-probabilities are computed once for all rows of an update.

It builds no pairs and judges nothing. With several processes a last, short step is filled up with pairs of the first.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from selfplay.config import LearnerConfig
from selfplay.learners import trl_compat
from selfplay.learners.checkpoint import copy_state, load_checkpoint, save_checkpoint
from selfplay.learners.optimizers import make_optimizer, make_schedule
from selfplay.learners.supervised import micro_batches
from selfplay.processes import OneProcess, Processes
from selfplay.scoring import IGNORED, log_probabilities, pad_transcripts
from selfplay.types import Batch, Preference, Transcript

METRICS = {"rewards/accuracies": "accuracy", "rewards/margins": "margin", "entropy": "entropy"}
"""TRL's names of what it measures, and ours."""
Row = tuple[Preference, float, float]
"""A pair with the reference's log-probabilities (nats) of its chosen and its rejected transcript."""


class PreferenceLearner:
    """Trains `model` in place. `scratch_dir` is where the trainer may put files (it writes none by default)."""

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
        self.per_device, self.accumulation = micro_batches(config, self.processes.world)
        arguments = trl_compat.common_arguments(model.device, self.per_device, self.accumulation, config.max_grad_norm)
        self.trainer = trl_compat.make_preference_trainer(
            model, tokenizer, self.optimizer, {"output_dir": str(scratch_dir), **arguments, **config.trl}, self._collate
        )

    def update(self, batch: Batch, seed: int, rate: tuple[float, float] = (1.0, 1.0)) -> Mapping[str, float]:
        """One pass over the pairs, shuffled.

        Metrics: `loss` (mean over steps), `tokens` (of both sides), `steps`, `accuracy` (share of pairs in which the
        chosen one gained more on the reference than the rejected one), `margin` (beta x that difference, nats).
        """
        pairs = [row for row in batch if isinstance(row, Preference)]
        if len(pairs) < len(batch):
            raise TypeError("got other rows, expected pairs of transcripts (Preference) for preference learning")
        if not pairs:
            return {"loss": 0.0, "tokens": 0, "steps": 0}
        if self.config.between_rounds != "carry":
            self._restart()
        random.Random(seed).shuffle(pairs)
        tokens = sum(len(pair.chosen.token_ids) + len(pair.rejected.token_ids) for pair in pairs)
        rows_a_pass = self.per_device * self.processes.world
        filling = [pairs[index % len(pairs)] for index in range(-len(pairs) % rows_a_pass)]
        rows = self._with_reference([*pairs, *(filling if self.processes.world > 1 else [])])
        num_steps = -(-len(rows) // (rows_a_pass * self.accumulation))
        torch.manual_seed(seed % 2**63)  # dropout, where a model has it
        schedule = make_schedule(self.optimizer, num_steps, rate)
        loss = trl_compat.train_on(self.trainer, rows, self.optimizer, schedule)
        measured = trl_compat.take_metrics(self.trainer, METRICS)
        return {"loss": loss, "tokens": tokens, "steps": num_steps, **measured}

    def _restart(self) -> None:
        if self.base is not None:
            self.model.load_state_dict(self.base)
        self.optimizer = make_optimizer(self.model, self.config)

    def _with_reference(self, pairs: Sequence[Preference]) -> list[Row]:
        """The pairs with the present model's log-probabilities; every process computes all of them."""
        sides = [side for pair in pairs for side in (pair.chosen, pair.rejected)]
        logprobs = self.log_probabilities(sides)
        return [(pair, logprobs[2 * index], logprobs[2 * index + 1]) for index, pair in enumerate(pairs)]

    def log_probabilities(self, transcripts: Sequence[Transcript]) -> list[float]:
        """Sum of the log-probabilities (nats) of each transcript's sampled tokens, under the present model."""
        return log_probabilities(self.model, transcripts, self.tokenizer.pad_token_id, 2 * self.per_device)

    def _collate(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        """Tensors of chosen and then rejected rows: `input_ids`, `attention_mask`, `completion_mask` of shape
        (2 x pairs, longest), and the reference's log-probabilities, (pairs,) each."""
        sides = [pair.chosen for pair, _, _ in rows] + [pair.rejected for pair, _, _ in rows]
        tensors = pad_transcripts(sides, self.tokenizer.pad_token_id)
        return {
            "input_ids": tensors["input_ids"],
            "attention_mask": tensors["attention_mask"],
            "completion_mask": (tensors["labels"] != IGNORED).long(),
            "ref_chosen_logps": torch.tensor([chosen for _, chosen, _ in rows]),
            "ref_rejected_logps": torch.tensor([rejected for _, _, rejected in rows]),
        }

    def save(self, directory: Path) -> None:
        save_checkpoint(directory, self.trainer, self.model, self.tokenizer, self.optimizer, self.processes)

    def load(self, directory: Path) -> None:
        load_checkpoint(directory, self.model, self.optimizer)
