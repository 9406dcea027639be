"""With `grpo_rows`, the only file that touches private names of TRL and transformers' Trainer, or relies on them.

What it leans on, held by canary tests (`tests/learners/test_trl_compat.py`):
- TRL trainers replace `forward` on the model instance (the fused output head); the last trainer built wins, and
  rebuilding stacks wrappers. So each trainer's `forward` is taken off the model once it is built (`detach`) and put on
  only while that trainer trains (`train_on`): between updates the model runs the plain `forward` of its class.
- One trainer can train many times: assigning `train_dataset`, `optimizer` and `lr_scheduler` before `train()` keeps the
  optimizer's state.
- `DPOTrainer` tokenises in `_prepare_dataset`, precomputes references in `_precompute_ref_logps`, then reads
  `completion_mask` and `ref_…_logps` from the collated rows, and keeps what it measured in `_metrics`.
- A torch dataset may be assigned after construction, though the constructor refuses it.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import trl
from datasets import Dataset as ArrowDataset
from packaging.version import Version
from transformers import PrinterCallback, ProgressCallback
from transformers.utils.logging import disable_progress_bar
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from selfplay.errors import UserError

SUPPORTED = (Version("1.16"), Version("1.17"))
IGNORED = -100
"""Label of a token that is not trained on."""


def check_version() -> None:
    """Stop if this TRL is not the series that this file was written and tested for."""
    if not SUPPORTED[0] <= Version(trl.__version__) < SUPPORTED[1]:
        raise UserError(
            f"trl {trl.__version__} is installed, expected >=1.16,<1.17: its private names change from month to month. "
            f"Install with: pip install -c constraints.txt -e ."
        )


def unpatch(model: Any) -> None:
    """Remove every `forward` that trainers have put on the instance, so that the class's own runs."""
    for module in (model, _patched(model)):
        module.__dict__.pop("forward", None)


def _patched(model: Any) -> Any:
    """The module whose `forward` TRL replaces: the model itself, or what carries the adapters."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def detach(trainer: Any) -> None:
    """Keep the `forward` that this trainer has just put on its model for `train_on`, and take it off the model."""
    trainer.own_forward = _patched(trainer.model).__dict__["forward"]
    unpatch(trainer.model)


class Rows(torch.utils.data.Dataset[Any]):
    """A list as a torch dataset."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        return self.rows[index]


def common_arguments(device: torch.device, per_device: int, accumulation: int, max_grad_norm: float) -> dict[str, Any]:
    """Arguments of every trainer here: no files, no reports, rows in the given order, precision as the model has it."""
    return {
        "per_device_train_batch_size": per_device,
        "gradient_accumulation_steps": accumulation,
        "max_grad_norm": max_grad_norm,
        "num_train_epochs": 1,
        "report_to": "none",
        "save_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
        "use_cpu": device.type == "cpu",
        "bf16": False,
        "activation_checkpointing": False,
        "dataloader_pin_memory": device.type == "cuda",
        "ddp_find_unused_parameters": False,
        "remove_unused_columns": False,
        "train_sampling_strategy": "sequential",
    }


def make_supervised_trainer(
    model: Any, tokenizer: Any, optimizer: torch.optim.Optimizer, arguments: dict[str, Any], collate: Any
) -> SFTTrainer:
    """An SFTTrainer over pre-tokenised rows, to be trained again and again by `train_on`."""
    check_version()
    unpatch(model)
    placeholder = ArrowDataset.from_dict({"input_ids": [[0]], "labels": [[0]]})
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**{"dataset_kwargs": {"skip_prepare_dataset": True}, "max_length": None, **arguments}),
        train_dataset=placeholder,
        processing_class=tokenizer,
        data_collator=collate,
        optimizers=(optimizer, None),
    )
    detach(trainer)
    silence(trainer)
    return trainer


class PairsTrainer(DPOTrainer):  # type: ignore[misc]
    """Takes rows as they are: tokenised, and with the reference's log-probabilities."""

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset

    def _precompute_ref_logps(self, dataset: Any, *_: Any) -> Any:
        return dataset


def make_preference_trainer(
    model: Any, tokenizer: Any, optimizer: torch.optim.Optimizer, arguments: dict[str, Any], collate: Any
) -> PairsTrainer:
    """A trainer over rows that carry the reference's log-probabilities, to be trained again and again."""
    check_version()
    unpatch(model)
    placeholder = ArrowDataset.from_dict({"prompt": [""], "chosen": [""], "rejected": [""]})
    trainer = PairsTrainer(
        model=model,
        args=DPOConfig(**{"max_length": None, **arguments, "precompute_ref_log_probs": True}),
        train_dataset=placeholder,
        processing_class=tokenizer,
        optimizers=(optimizer, None),
    )
    trainer.data_collator = collate
    detach(trainer)
    silence(trainer)
    return trainer


def take_metrics(trainer: Any, names: Mapping[str, str]) -> dict[str, float]:
    """The means of what a trainer measured since last asked, under other names; what it did not measure is left out."""
    measured = trainer._metrics["train"]
    found = {ours: sum(measured[theirs]) / len(measured[theirs]) for theirs, ours in names.items() if measured[theirs]}
    measured.clear()
    return found


def silence(trainer: Any) -> None:
    """Take away what prints, also when saving and loading; keep the collector from walking torch on every `train()`."""
    disable_progress_bar()
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    gc.collect()
    gc.freeze()


def train_on(trainer: Any, rows: Sequence[Any], optimizer: torch.optim.Optimizer, scheduler: Any) -> float:
    """One pass over `rows` in order; returns the mean loss over steps."""
    trainer.train_dataset = Rows(rows)
    trainer.optimizer = optimizer
    trainer.lr_scheduler = scheduler
    _patched(trainer.model).forward = trainer.own_forward
    try:
        loss = torch.tensor(trainer.train().training_loss, device=trainer.accelerator.device)
        return float(trainer.accelerator.reduce(loss, "mean"))
    finally:
        unpatch(trainer.model)


def full_state(trainer: Any, model: Any) -> dict[str, torch.Tensor]:
    """The model's whole state on rank 0, gathered if it is sharded."""
    wrapped = getattr(trainer, "model_wrapped", None)
    return dict(trainer.accelerator.get_state_dict(wrapped if wrapped is not None else model))
