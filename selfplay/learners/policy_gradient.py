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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from selfplay.config import LearnerConfig
from selfplay.errors import ConfigError
from selfplay.learners.base import TrainerLearner
from selfplay.learners.checkpoint import load_state
from selfplay.learners.grpo_rows import make_rows_trainer, spread
from selfplay.learners.optimizers import make_schedule
from selfplay.processes import Processes
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


class PolicyGradientLearner(TrainerLearner[Credited]):
    """Rows are spread evenly over the steps, in random order. `loss` is the mean over steps. Also what TRL measures for
    the loss type: `entropy` (nats), `clip_ratio/…`, `kl` (nats) with `beta`.

    `scratch_dir` holds the reference model's files while a learner with `beta` is built.
    """

    min_per_device = 2
    """GRPOConfig wants groups of two at least; the rows themselves decide."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        config: LearnerConfig,
        scratch_dir: Path,
        processes: Processes | None = None,
    ) -> None:
        refuse_options(config.trl)
        super().__init__(model, tokenizer, config, scratch_dir, processes)

    def _make_trainer(self, arguments: dict[str, Any], scratch_dir: Path) -> Any:
        arguments = {"num_generations": self.per_device, **arguments}
        return make_rows_trainer(self.model, self.tokenizer, self.optimizer, arguments, scratch_dir, self.processes)

    def _rows(self, batch: Batch) -> list[Credited]:
        rows = [row for row in batch if isinstance(row, Credited)]
        if len(rows) < len(batch):
            raise TypeError("got demonstrations, expected transcripts with an advantage (Credited) for policy gradient")
        return rows

    def _train(self, rows: Sequence[Credited], seed: int, rate: tuple[float, float]) -> Mapping[str, float]:
        shuffled = list(rows)
        random.Random(seed).shuffle(shuffled)
        steps = spread(shuffled, -(-len(rows) // self.config.batch_size))
        num_steps = len(steps) * self.trainer.num_iterations
        schedule = make_schedule(self.optimizer, num_steps, rate)
        loss, measured = self.trainer.train_rows(steps, self.optimizer, schedule)
        tokens = sum(len(row.transcript.token_ids) for row in rows)
        return {"loss": loss, "tokens": tokens, "steps": num_steps, **measured}

    def save(self, directory: Path) -> None:
        super().save(directory)
        if self.processes.rank == 0:
            torch.save(self.trainer.extra_state(), directory / TRAINER_FILE)
        self.processes.wait()

    def load(self, directory: Path) -> None:
        super().load(directory)
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
