"""A GRPOTrainer that generates nothing: it takes the loss of given rows, each a transcript with its advantage.

With `trl_compat`, the only file that touches private names of TRL. What it leans on, held by the same canary tests:
- `_prepare_inputs` returns the tensors of one forward pass, and `_step` counts the passes of one `train()`.
- `_compute_loss` reads `prompt_ids/mask`, `completion_ids/mask`, `tool_mask` (0: not trained on), `advantages` (rows,),
  `num_items_in_batch` (trained tokens of a step on all processes) and, if there, `old_per_token_logps` and
  `ref_per_token_logps`; it gathers one value a row, so every process needs the same number of rows.

Rows are spread evenly over processes and passes, sorted by length within a step, and filled up with rows that have no
trained token. Losses that average over rows (grpo, sapo, dr_grpo, luspo) or over passes (bnpo) are scaled so that such
filling changes nothing; a term for entropy is a mean over passes and is scaled along. Not here: generating, judging,
turning rewards into advantages, images, tools, sharding the reference model.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset as ArrowDataset
from peft import get_peft_model_state_dict, set_peft_model_state_dict
from trl import GRPOConfig, GRPOTrainer
from trl.trainer.utils import use_adapter

from selfplay.learners import trl_compat
from selfplay.processes import Processes
from selfplay.types import Credited

ROW_MEANS = ("grpo", "sapo", "dr_grpo", "luspo")
"""Loss types that average over the rows of a pass."""
PASS_MEANS = ("bnpo",)
"""Loss types that average over the tokens of a pass, then over passes."""
METRICS = ("entropy", "kl", "clip_ratio", "cispo_clip_ratio", "vespo", "policy_loss", "entropy_coef", "aux_loss")
"""First parts of the names of TRL's metrics that say something about given rows."""


class RowsTrainer(GRPOTrainer):  # type: ignore[misc]
    """Trains on `steps`: the rows of each optimizer step, the same on every process."""

    steps: Sequence[Sequence[Credited]] = ()
    _buffered_inputs: Any
    with_logprobs = False
    """Whether every row carries the log-probabilities it was sampled with."""

    def _get_train_sampler(self, dataset: Any = None) -> Any:
        return torch.utils.data.SequentialSampler(self.train_dataset if dataset is None else dataset)

    def _prepare_inputs(self, generation_batch: Any) -> dict[str, torch.Tensor]:
        passes = self.args.steps_per_generation
        step, done = divmod(self._step, passes * self.num_iterations)
        if done == 0:
            self._buffered_inputs = self._passes(self.steps[step])
        inputs: dict[str, torch.Tensor] = self._buffered_inputs[done % passes]
        return inputs

    def _compute_loss(self, model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        measured = self._metrics["train"]
        before = {name: list(values) for name, values in measured.items()}
        loss: torch.Tensor = super()._compute_loss(model, inputs)
        if inputs["num_real_rows"] == 0:  # a pass of nothing but filling, on every process, would dilute the averages
            measured.clear()
            measured.update(before)
        return loss * inputs["loss_scale"]

    def _passes(self, rows: Sequence[Credited]) -> list[dict[str, torch.Tensor]]:
        """This process's tensors of one step, one dictionary a forward pass."""
        world, passes = self.accelerator.num_processes, self.args.steps_per_generation
        height = -(-len(rows) // (world * passes))
        shares = spread(sorted(rows, key=lambda row: len(row.transcript.token_ids)), passes)
        scale = 1.0
        if self.loss_type in ROW_MEANS:
            scale = height * world * passes / len(rows)
        elif self.loss_type in PASS_MEANS:
            scale = world * passes / sum(min(world, len(share)) for share in shares)
        only_stopped = self.mask_truncated_completions
        num_tokens = sum(sum(_trained(row, only_stopped)) for row in rows)
        common = {"num_items_in_batch": torch.tensor(float(num_tokens)), "loss_scale": torch.tensor(scale)}
        return [
            self._finish(
                common
                | {"num_real_rows": torch.tensor(len(share))}
                | self._tensors(share[self.accelerator.process_index :: world], height, only_stopped)
            )
            for share in shares
        ]

    def _tensors(self, rows: Sequence[Credited], height: int, only_stopped: bool) -> dict[str, torch.Tensor]:
        """`height` rows of which the first are `rows`, right-padded, with their log-probabilities if there are any."""
        tensors = row_tensors(rows, height, self._tokenizer.pad_token_id, only_stopped)
        old = tensors.pop("logprobs")
        return tensors | ({"old_per_token_logps": old} if self.with_logprobs else {})

    def _finish(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """`inputs` on the device, with what has to be computed before the weights move."""
        inputs = {name: tensor.to(self.accelerator.device) for name, tensor in inputs.items()}
        if "old_per_token_logps" not in inputs and self.num_iterations > 1:
            inputs["old_per_token_logps"] = self._logprobs(self.model, inputs)
        if self.beta != 0.0:
            if self.ref_model is not None:
                inputs["ref_per_token_logps"] = self._logprobs(self.ref_model, inputs)
            else:
                adapters = self.accelerator.unwrap_model(self.model)
                with use_adapter(adapters, adapter_name="ref" if "ref" in adapters.peft_config else None):
                    inputs["ref_per_token_logps"] = self._logprobs(self.model, inputs)
        return inputs

    @torch.no_grad()
    def _logprobs(self, model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], dim=1)
        mask = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], dim=1)
        width = inputs["completion_ids"].size(1)
        logprobs: torch.Tensor = self._get_per_token_logps_and_entropies(model, ids, mask, width)[0]
        return logprobs

    def train_rows(
        self, steps: Sequence[Sequence[Credited]], optimizer: torch.optim.Optimizer, scheduler: Any
    ) -> tuple[float, dict[str, float]]:
        """One optimizer step (`num_iterations` of them) for each element of `steps`: mean loss, and TRL's metrics."""
        self.steps = steps
        rows = [row for step in steps for row in step]
        self.with_logprobs = all(len(row.transcript.logprobs) == row.transcript.num_sampled for row in rows)
        self._step = 0
        self._metrics["train"].clear()
        passes = len(steps) * self.num_iterations * self.args.steps_per_generation
        # What the loader yields is not looked at (`_prepare_inputs`): it only has to last for the right number of them
        loss = trl_compat.train_on(self, range(passes * self.args.generation_batch_size), optimizer, scheduler)
        self.steps, self._buffered_inputs = (), None
        last = self.state.log_history[-1]
        kept = {name: value for name, value in last.items() if name.split("/")[0] in METRICS and value is not None}
        return loss, kept

    def extra_state(self) -> dict[str, Any]:
        """What a checkpoint needs besides weights and optimizer: the reference weights, and the entropy controller."""
        return {"reference": self._reference_state(), "entropy": [self.entropy_coef, self._last_world_entropy]}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        if state["reference"] is not None and self.ref_model is not None:
            self.accelerator.unwrap_model(self.ref_model).load_state_dict(state["reference"])
        elif state["reference"] is not None:
            set_peft_model_state_dict(self.accelerator.unwrap_model(self.model), state["reference"], adapter_name="ref")
        self.entropy_coef, self._last_world_entropy = state["entropy"]

    def _reference_state(self) -> dict[str, torch.Tensor] | None:
        if self.ref_model is not None:
            return dict(self.accelerator.unwrap_model(self.ref_model).state_dict())
        model = self.accelerator.unwrap_model(self.model)
        if "ref" in getattr(model, "peft_config", {}):
            return dict(get_peft_model_state_dict(model, adapter_name="ref"))
        return None


def make_rows_trainer(
    model: Any,
    tokenizer: Any,
    optimizer: torch.optim.Optimizer,
    arguments: dict[str, Any],
    scratch_dir: Path,
    processes: Processes,
) -> RowsTrainer:
    """A RowsTrainer whose reference model, if `beta` asks for one, is a copy of the present weights."""
    trl_compat.check_version()
    trl_compat.unpatch(model)
    # TRL loads the reference from where the config says the model came from: from the present weights, then.
    folder, origin = scratch_dir / "reference", model.config._name_or_path
    needs_folder = arguments.get("beta", 0.0) != 0.0 and not hasattr(model, "peft_config")
    if needs_folder:
        if processes.rank == 0:
            model.save_pretrained(folder)
        processes.wait()
        model.config._name_or_path = str(folder)
    trainer = RowsTrainer(
        model=model,
        reward_funcs=_no_reward,
        args=GRPOConfig(**arguments),
        train_dataset=ArrowDataset.from_dict({"prompt": [""]}),
        processing_class=tokenizer,
        optimizers=(optimizer, None),
    )
    model.config._name_or_path = origin
    if needs_folder:
        processes.wait()
        if processes.rank == 0:
            shutil.rmtree(folder)
    trl_compat.detach(trainer)
    trl_compat.silence(trainer)
    return trainer


def _no_reward(completions: Sequence[Any], **_: Any) -> list[float]:
    raise AssertionError("rows come with their advantage: nothing is rewarded here")


def spread(rows: Sequence[Credited], num_shares: int) -> list[Sequence[Credited]]:
    """`rows` cut into `num_shares` runs whose lengths differ by one at most."""
    cuts = [len(rows) * share // num_shares for share in range(num_shares + 1)]
    return [rows[start:stop] for start, stop in pairwise(cuts)]


def _trained(row: Credited, only_stopped: bool) -> tuple[bool, ...]:
    sampled = row.transcript.sampled
    return (False,) * len(sampled) if only_stopped and not row.transcript.stopped else sampled


def row_tensors(
    rows: Sequence[Credited], height: int, pad_id: int, only_stopped: bool = False
) -> dict[str, torch.Tensor]:
    """The tensors of one pass, `height` rows: `rows`, then rows without a trained token.

    `prompt_*` (height, P): what precedes the first sampled token in the row where that is shortest, so that no row has
    padding on its left and positions are what they were when sampling. `completion_*`, `tool_mask`, `logprobs`
    (height, T): all the rest; `tool_mask` is 1 where a token is trained on. `advantages` (height,).
    """
    prompt = min((row.transcript.sampled.index(True) for row in rows if True in row.transcript.sampled), default=1)
    if prompt == 0:
        raise ValueError("a transcript begins with a sampled token, expected a prompt of at least one token before it")
    width = max((len(row.transcript.token_ids) for row in rows), default=0)
    width = max(width, prompt + 1)
    ids = torch.full((height, width), pad_id)
    attended, trained = torch.zeros(height, width, dtype=torch.long), torch.zeros(height, width, dtype=torch.long)
    attended[:, 0] = 1  # a row that attends to nothing would be a row of NaN
    logprobs, advantages = torch.zeros(height, width), torch.zeros(height)
    for index, row in enumerate(rows):
        length = len(row.transcript.token_ids)
        ids[index, :length] = torch.tensor(row.transcript.token_ids)
        attended[index, :length] = 1
        trained[index, :length] = torch.tensor(_trained(row, only_stopped), dtype=torch.long)
        if row.transcript.logprobs:
            logprobs[index, :length][torch.tensor(row.transcript.sampled)] = torch.tensor(row.transcript.logprobs)
        advantages[index] = row.advantage
    return {
        "prompt_ids": ids[:, :prompt],
        "prompt_mask": attended[:, :prompt],
        "completion_ids": ids[:, prompt:],
        "completion_mask": attended[:, prompt:],
        "tool_mask": trained[:, prompt:],
        "logprobs": logprobs[:, prompt:],
        "advantages": advantages,
    }
