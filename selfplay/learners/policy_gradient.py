"""Policy-gradient learner: transcripts weighted by the advantage that the recipe gave them, through TRL's GRPO losses.

One persistent trainer; rows go in, loss comes out (`grpo_rows`). An update takes its rows in random order, in several
optimizer steps of at most `batch_size` rows. Log-probabilities recorded while sampling are the behaviour policy of the
clipped ratio if all rows of the update have them; if not, the weights of the moment are, and every ratio is 1 (with
`num_iterations`, in the first). They are under the sampling temperature: `temperature` in `learner.trl` has to be the
same. Rows with advantage 0 are kept: each loss type counts them in its mean, and terms for KL or entropy act on them.

It generates nothing, judges nothing, and does not compute advantages.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from selfplay.config import LearnerConfig
from selfplay.errors import ConfigError
from selfplay.learners import trl_compat
from selfplay.learners.checkpoint import copy_state, load_checkpoint, load_state, save_checkpoint
from selfplay.learners.grpo_rows import make_rows_trainer, spread
from selfplay.learners.optimizers import make_optimizer, make_schedule
from selfplay.learners.supervised import micro_batches
from selfplay.processes import OneProcess, Processes
from selfplay.types import Batch, Credited

TRAINER_FILE = "trainer.pt"

INSTEAD = {
    "per_device_train_batch_size": "set learner.batch_size and learner.micro_batch_size",
    "gradient_accumulation_steps": "set learner.batch_size and learner.micro_batch_size",
    "generation_batch_size": "set learner.batch_size",
    "steps_per_generation": "set learner.batch_size",
    "num_train_epochs": "set learner.trl.num_iterations",
    "max_steps": "the rows of a round decide how many steps it has",
    "num_generations": "the recipe decides how many attempts a problem gets",
    "scale_rewards": "the recipe decides how rewards become advantages",
    "reward_weights": "the recipe decides how rewards add up",
    "multi_objective_aggregation": "the recipe decides how rewards add up",
    "use_vllm": "the policy generates, not the trainer",
    "log_completions": "transcripts are in the run folder",
    "shuffle_dataset": "rows are always taken in random order",
}
"""Options of GRPOConfig that would do nothing, or the wrong thing, with given rows: what to do instead."""


class PolicyGradientLearner:
    """Trains `model` in place. `scratch_dir` holds the reference model's files while a learner with `beta` is built."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        config: LearnerConfig,
        scratch_dir: Path,
        processes: Processes | None = None,
    ) -> None:
        refuse_options(config.trl)
        self.model = model
        self.tokenizer = tokenizer
        self.config = config
        self.processes = processes or OneProcess()
        self.base = copy_state(model) if config.between_rounds == "from_base" else None
        self.optimizer = make_optimizer(model, config)
        per_device, passes = micro_batches(config, self.processes.world)
        per_device = max(2, per_device)  # GRPOConfig wants groups of two at least; the rows themselves decide
        arguments = trl_compat.common_arguments(model.device, per_device, passes, config.max_grad_norm)
        self.trainer = make_rows_trainer(
            model,
            tokenizer,
            self.optimizer,
            {"output_dir": str(scratch_dir), "num_generations": per_device, **arguments, **config.trl},
            scratch_dir,
            self.processes,
        )

    def update(self, batch: Batch, seed: int, rate: tuple[float, float] = (1.0, 1.0)) -> Mapping[str, float]:
        """One pass over the rows, which are spread evenly over the steps.

        Metrics: `loss` (mean over steps), `tokens`, `steps`, and what TRL measures for the loss type: `entropy` (nats),
        `clip_ratio/…`, `kl` (nats) with `beta`.
        """
        rows = [row for row in batch if isinstance(row, Credited)]
        if len(rows) < len(batch):
            raise TypeError("got demonstrations, expected transcripts with an advantage (Credited) for policy gradient")
        if not rows:
            return {"loss": 0.0, "tokens": 0, "steps": 0}
        if self.config.between_rounds != "carry":
            self._restart()
        random.Random(seed).shuffle(rows)
        steps = spread(rows, -(-len(rows) // self.config.batch_size))
        num_steps = len(steps) * self.trainer.num_iterations
        torch.manual_seed(seed % 2**63)  # dropout, where a model has it
        schedule = make_schedule(self.optimizer, num_steps, rate)
        loss, measured = self.trainer.train_rows(steps, self.optimizer, schedule)
        tokens = sum(len(row.transcript.token_ids) for row in rows)
        return {"loss": loss, "tokens": tokens, "steps": num_steps, **measured}

    def _restart(self) -> None:
        if self.base is not None:
            self.model.load_state_dict(self.base)
        self.optimizer = make_optimizer(self.model, self.config)

    def save(self, directory: Path) -> None:
        save_checkpoint(directory, self.trainer, self.model, self.tokenizer, self.optimizer, self.processes)
        if self.processes.rank == 0:
            torch.save(self.trainer.extra_state(), directory / TRAINER_FILE)
        self.processes.wait()

    def load(self, directory: Path) -> None:
        load_checkpoint(directory, self.model, self.optimizer)
        self.trainer.load_extra_state(load_state(directory / TRAINER_FILE))


def refuse_options(options: Mapping[str, Any]) -> None:
    """Raise ConfigError for the options that cannot work here, one line each."""
    mistakes = [
        f"learner.trl.{name}: has no place in a learner that is given its rows: {INSTEAD[name]}"
        for name in options
        if name in INSTEAD
    ]
    if mistakes:
        raise ConfigError("\n".join(mistakes))
