"""Supervised learner: imitates demonstrations with one persistent SFTTrainer on pre-tokenised rows.

A row is a transcript: the loss is the mean negative log-likelihood of its sampled tokens, averaged over all such tokens
of a batch. What happens to the optimizer between updates is explicit: carried, reset, or reset with the weights.
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
from selfplay.scoring import pad_transcripts
from selfplay.types import Batch, Preference, Transcript


class SupervisedLearner(TrainerLearner[Transcript]):
    """Rows are taken in batches of like length. `loss` is in nats a token."""

    def _make_trainer(self, arguments: dict[str, Any], scratch_dir: Path) -> Any:
        return trl_compat.make_supervised_trainer(self.model, self.tokenizer, self.optimizer, arguments, self._collate)

    def _rows(self, batch: Batch) -> list[Transcript]:
        if any(isinstance(row, Preference) for row in batch):
            raise TypeError("got pairs of transcripts (Preference), expected demonstrations for supervised learning")
        return [row.transcript for row in batch if not isinstance(row, Preference)]

    def _train(self, rows: Sequence[Transcript], seed: int, rate: tuple[float, float]) -> Mapping[str, float]:
        rows_a_step = self.rows_a_pass * self.accumulation
        transcripts = bucket(rows, rows_a_step, seed)
        num_steps = -(-len(transcripts) // rows_a_step)
        # Without filling, accelerate would give the last processes rows of the first batch once more.
        filling = [self._nothing()] * (-len(transcripts) % self.rows_a_pass)
        schedule = make_schedule(self.optimizer, num_steps, rate)
        loss = trl_compat.train_on(self.trainer, [*transcripts, *filling], self.optimizer, schedule)
        return {"loss": loss, "tokens": sum(len(row.token_ids) for row in rows), "steps": num_steps}

    def _nothing(self) -> Transcript:
        """A row without a trained token."""
        return Transcript("", (), (self.tokenizer.pad_token_id,), (False,), (), -1, 0, True)

    def _collate(self, transcripts: Sequence[Transcript]) -> dict[str, torch.Tensor]:
        """Right-padded `input_ids`, `attention_mask`, `labels`, each (rows, longest)."""
        return pad_transcripts(transcripts, self.tokenizer.pad_token_id)


def bucket(transcripts: Sequence[Transcript], batch_size: int, seed: int) -> list[Transcript]:
    """Batches of like length, in random order: little padding, and no drift from short to long."""
    rng = random.Random(seed)
    rows = list(transcripts)
    rng.shuffle(rows)
    rows.sort(key=lambda transcript: len(transcript.token_ids))
    batches = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    last = batches.pop() if len(batches[-1]) < batch_size else []  # a short batch stays last: steps keep their size
    rng.shuffle(batches)
    return [row for batch in [*batches, last] for row in batch]
