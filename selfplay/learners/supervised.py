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

from selfplay.config import LearnerConfig
from selfplay.learners import trl_compat
from selfplay.learners.checkpoint import copy_state, load_checkpoint, save_checkpoint
from selfplay.learners.optimizers import make_optimizer, make_schedule
from selfplay.processes import OneProcess, Processes
from selfplay.scoring import pad_transcripts
from selfplay.types import Batch, Preference, Transcript


class SupervisedLearner:
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
        self.trainer = trl_compat.make_supervised_trainer(
            model, tokenizer, self.optimizer, {"output_dir": str(scratch_dir), **arguments, **config.trl}, self._collate
        )

    def update(self, batch: Batch, seed: int, rate: tuple[float, float] = (1.0, 1.0)) -> Mapping[str, float]:
        """One pass over the rows in batches of like length. Metrics: `loss` (nats a token), `tokens`, `steps`."""
        if any(isinstance(row, Preference) for row in batch):
            raise TypeError("got pairs of transcripts (Preference), expected demonstrations for supervised learning")
        if not batch:
            return {"loss": 0.0, "tokens": 0, "steps": 0}
        if self.config.between_rounds != "carry":
            self._restart()
        rows_a_pass = self.per_device * self.processes.world
        rows_a_step = rows_a_pass * self.accumulation
        transcripts = bucket([row.transcript for row in batch if not isinstance(row, Preference)], rows_a_step, seed)
        tokens = sum(len(transcript.token_ids) for transcript in transcripts)
        num_steps = -(-len(transcripts) // rows_a_step)
        # Without filling, accelerate would give the last processes rows of the first batch once more.
        filling = [self._nothing()] * (-len(transcripts) % rows_a_pass)
        torch.manual_seed(seed % 2**63)  # dropout, where a model has it
        schedule = make_schedule(self.optimizer, num_steps, rate)
        loss = trl_compat.train_on(self.trainer, [*transcripts, *filling], self.optimizer, schedule)
        return {"loss": loss, "tokens": tokens, "steps": num_steps}

    def _restart(self) -> None:
        if self.base is not None:
            self.model.load_state_dict(self.base)
        self.optimizer = make_optimizer(self.model, self.config)

    def _nothing(self) -> Transcript:
        """A row without a trained token."""
        return Transcript("", (), (self.tokenizer.pad_token_id,), (False,), (), -1, 0, True)

    def _collate(self, transcripts: Sequence[Transcript]) -> dict[str, torch.Tensor]:
        """Right-padded `input_ids`, `attention_mask`, `labels`, each (rows, longest)."""
        return pad_transcripts(transcripts, self.tokenizer.pad_token_id)

    def save(self, directory: Path) -> None:
        save_checkpoint(directory, self.trainer, self.model, self.tokenizer, self.optimizer, self.processes)

    def load(self, directory: Path) -> None:
        load_checkpoint(directory, self.model, self.optimizer)


def micro_batches(config: LearnerConfig, world: int) -> tuple[int, int]:
    """(rows a process and forward pass, passes a step) so that world x rows x passes = batch_size, or a little more."""
    share = -(-config.batch_size // world)
    passes = -(-share // config.micro_batch_size) if config.micro_batch_size else 1
    return -(-share // passes), passes


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
