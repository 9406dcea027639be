"""Checkpoints: a plain Hugging Face model folder with the optimizer's state beside it.

Rank 0 writes. Sharded models (FSDP, ZeRO-3) are gathered for the weights; their optimizer state is not, so such a run
cannot be resumed here, and `save_checkpoint` says so instead of writing half of it.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from selfplay.errors import RecordError
from selfplay.learners import trl_compat
from selfplay.processes import Processes

OPTIMIZER_FILE = "optimizer.pt"
UNREADABLE = (
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    pickle.UnpicklingError,
    SafetensorError,
)
"""What reading a missing, cut or foreign file raises."""


def save_checkpoint(
    directory: Path, trainer: Any, model: Any, tokenizer: Any, optimizer: torch.optim.Optimizer, processes: Processes
) -> None:
    """Write weights, tokenizer and optimizer state into `directory`. Every rank calls; rank 0 writes."""
    state = trl_compat.full_state(trainer, model)
    if processes.rank == 0:
        save_model(directory, model, tokenizer, state)
        torch.save(optimizer.state_dict(), directory / OPTIMIZER_FILE)
    processes.wait()


def save_model(directory: Path, model: Any, tokenizer: Any, state: dict[str, torch.Tensor] | None = None) -> None:
    """A folder that `from_pretrained` of transformers (or, with LoRA, of peft) reads."""
    directory.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(directory, state_dict=state)
    tokenizer.save_pretrained(directory)


def load_checkpoint(directory: Path, model: Any, optimizer: torch.optim.Optimizer | None) -> None:
    """Restore exactly what `save_checkpoint` wrote. Raises RecordError if a file is missing or broken."""
    try:
        if hasattr(model, "peft_config"):
            from peft import set_peft_model_state_dict

            set_peft_model_state_dict(model, load_file(directory / "adapter_model.safetensors"))
        else:
            missing, unexpected = model.load_state_dict(load_file(directory / "model.safetensors"), strict=False)
            model.tie_weights()
            tied = set(getattr(model, "_tied_weights_keys", None) or ())
            if unexpected or set(missing) - tied:
                raise RecordError(
                    f"{directory}: the weights do not fit this run's model: missing {sorted(set(missing) - tied)[:3]}, "
                    f"unexpected {unexpected[:3]}. Resume with the configuration the run was started with"
                )
        if optimizer is not None:
            optimizer.load_state_dict(load_state(directory / OPTIMIZER_FILE))
    except UNREADABLE as error:
        raise RecordError(
            f"{directory}: cannot read this checkpoint: {error}. Delete the folder to resume from the one before"
        ) from error


def load_state(path: Path) -> Any:
    """What `torch.save` wrote, on the CPU whatever device it came from. Raises RecordError."""
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except UNREADABLE as error:
        raise RecordError(
            f"{path}: cannot read this file: {error}. Delete its folder to resume from the one before"
        ) from error


def copy_state(model: Any) -> dict[str, torch.Tensor]:
    """The model's present weights, to come back to with `load_state_dict`."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
