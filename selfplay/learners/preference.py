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

from selfplay.learners import trl_compat
from selfplay.learners.base import TrainerLearner
from selfplay.learners.optimizers import make_schedule
from selfplay.scoring import IGNORED, log_probabilities, pad_transcripts
from selfplay.types import Batch, Preference, Transcript

METRICS = {"rewards/accuracies": "accuracy", "rewards/margins": "margin", "entropy": "entropy"}
"""TRL's names of what it measures, and ours."""
Row = tuple[Preference, float, float]
"""A pair with the reference's log-probabilities (nats) of its chosen and its rejected transcript."""


class PreferenceLearner(TrainerLearner[Preference]):
    """Pairs are taken in random order. `loss` is the mean over steps, `tokens` are of both sides.

    Also `accuracy` (share of pairs in which the chosen one gained more on the reference than the rejected one) and
    `margin` (beta x that difference, nats).
    """

    def _make_trainer(self, arguments: dict[str, Any], scratch_dir: Path) -> Any:
        return trl_compat.make_preference_trainer(self.model, self.tokenizer, self.optimizer, arguments, self._collate)

    def _rows(self, batch: Batch) -> list[Preference]:
        pairs = [row for row in batch if isinstance(row, Preference)]
        if len(pairs) < len(batch):
            raise TypeError("got other rows, expected pairs of transcripts (Preference) for preference learning")
        return pairs

    def _train(self, rows: Sequence[Preference], seed: int, rate: tuple[float, float]) -> Mapping[str, float]:
        pairs = list(rows)
        random.Random(seed).shuffle(pairs)
        tokens = sum(len(pair.chosen.token_ids) + len(pair.rejected.token_ids) for pair in pairs)
        filling = [pairs[index % len(pairs)] for index in range(-len(pairs) % self.rows_a_pass)]
        filled = self._with_reference([*pairs, *(filling if self.processes.world > 1 else [])])
        num_steps = -(-len(filled) // (self.rows_a_pass * self.accumulation))
        schedule = make_schedule(self.optimizer, num_steps, rate)
        loss = trl_compat.train_on(self.trainer, filled, self.optimizer, schedule)
        measured = trl_compat.take_metrics(self.trainer, METRICS)
        return {"loss": loss, "tokens": tokens, "steps": num_steps, **measured}

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
