"""Optimizers and learning rates: AdamW, or Muon for matrices with AdamW for the rest.

Muon (Jordan et al. 2024) orthogonalises the momentum of each weight matrix. It learns the tiny models of this project's
quickstart several times faster than AdamW alone (`benchmarks/quickstart.md`); embeddings, output head, norms and biases
stay with AdamW, as its author advises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch

from selfplay.config import LearnerConfig


class MuonWithAdamW(torch.optim.Optimizer):
    """Two optimizers that look like one: parameter groups are concatenated, state is nested."""

    def __init__(
        self, matrices: list[torch.nn.Parameter], others: list[torch.nn.Parameter], config: LearnerConfig
    ) -> None:
        assert config.muon_learning_rate is not None
        muon: dict[str, Any] = {
            "lr": config.muon_learning_rate,
            "momentum": 0.95,
            "weight_decay": config.weight_decay,
            "ns_steps": 4,
        }
        self.parts: list[torch.optim.Optimizer] = []
        if matrices:
            self.parts.append(torch.optim.Muon(matrices, **muon))
        if others:  # with LoRA on linear layers, there are none
            self.parts.append(_adamw(others, config))
        # The base class is not initialised: groups and state live in the parts. Schedulers and accelerate look at
        # `param_groups`, `defaults`, `state` and these two hook tables only.
        self.defaults: dict[str, Any] = {}
        self._optimizer_step_pre_hooks: Any = {}
        self._optimizer_step_post_hooks: Any = {}

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The parts' own groups, read anew each time: loading a state replaces them."""
        return [group for part in self.parts for group in part.param_groups]

    @property
    def state(self) -> dict[Any, Any]:  # type: ignore[override]
        return {key: value for part in self.parts for key, value in part.state.items()}

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = closure() if closure is not None else None
        for part in self.parts:
            part.step()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)

    def __repr__(self) -> str:
        return f"MuonWithAdamW({self.parts!r})"


def make_optimizer(model: torch.nn.Module, config: LearnerConfig) -> torch.optim.Optimizer:
    """The configured optimizer over the trainable parameters of `model`."""
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    if config.optimizer == "adamw":
        return _adamw([parameter for _, parameter in named], config)
    outside = _outside_muon(model)
    matrices = [p for name, p in named if p.ndim == 2 and name not in outside]
    others = [p for name, p in named if p.ndim != 2 or name in outside]
    return MuonWithAdamW(matrices, others, config)


def _adamw(parameters: Iterable[torch.nn.Parameter], config: LearnerConfig) -> torch.optim.AdamW:
    return torch.optim.AdamW(
        list(parameters), lr=config.learning_rate, betas=config.betas, weight_decay=config.weight_decay
    )


def _outside_muon(model: torch.nn.Module) -> set[str]:
    """Names of embedding and output-head weights."""
    ends = {id(module.weight) for module in _ends(model)}
    return {name for name, parameter in model.named_parameters() if id(parameter) in ends}


def _ends(model: Any) -> Iterator[Any]:
    for module in (model.get_input_embeddings(), model.get_output_embeddings()):
        if module is not None:
            yield module


def make_schedule(
    optimizer: torch.optim.Optimizer, num_steps: int, rate: tuple[float, float]
) -> torch.optim.lr_scheduler.LambdaLR:
    """Learning rates from `rate[0]` to `rate[1]` of their peak, linear over `num_steps` steps."""
    first, last = rate

    def factor(step: int) -> float:
        return first + (last - first) * min(1.0, step / max(1, num_steps - 1))

    for group in optimizer.param_groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"])
    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
