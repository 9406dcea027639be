"""Tiny models, rows made by hand, and plain-torch versions of what the learners compute."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import torch
import torch.nn.functional as functional

from selfplay.config import LearnerConfig, ScratchConfig
from selfplay.models import make_model, make_tokenizer
from selfplay.types import Credited, Demonstration, Message, Transcript

TOKENIZER = make_tokenizer([chr(code) for code in range(65, 122)])
SHAPE = ScratchConfig(hidden_size=32, intermediate_size=64, num_layers=2, num_heads=2, rope_layers=[1, 0])


def model_of(seed: int = 0) -> Any:
    return make_model(SHAPE, TOKENIZER, seed)


def settings(**changes: Any) -> LearnerConfig:
    """Plain settings: no decay, no clipping of gradients that a test could meet."""
    return LearnerConfig(
        **{"learning_rate": 1e-3, "batch_size": 8, "weight_decay": 0.0, "max_grad_norm": 1e9, **changes}
    )


def transcript(
    prompt: tuple[int, ...], completion: tuple[int, ...], logprobs: tuple[float, ...] = (), stopped: bool = True
) -> Transcript:
    sampled = (False,) * len(prompt) + (True,) * len(completion)
    return Transcript("solver", (Message("assistant", ""),), (*prompt, *completion), sampled, logprobs, 0, 0, stopped)


def random_transcripts(count: int, seed: int = 0) -> list[Transcript]:
    """Prompts of 1 to 5 tokens and completions of 1 to 7; every other one has a token of the environment inside."""
    rng = random.Random(seed)
    rows = []
    for index in range(count):
        prompt, completion = rng.randint(1, 5), rng.randint(1, 7)
        ids = tuple(rng.randrange(3, 60) for _ in range(prompt + completion))
        sampled = [False] * prompt + [True] * completion
        if index % 2 and completion > 2:
            sampled[prompt + 1] = False
        rows.append(Transcript("solver", (Message("assistant", ""),), ids, tuple(sampled), (), 0, 0, True))
    return rows


def random_rows(count: int, seed: int = 0) -> list[Credited]:
    rng = random.Random(seed + 1000)
    return [Credited(row, rng.uniform(-1.0, 1.0)) for row in random_transcripts(count, seed)]


def demonstrations(count: int, seed: int = 0) -> list[Demonstration]:
    return [Demonstration(row) for row in random_transcripts(count, seed)]


def logprobs_of(model: Any, row: Transcript, temperature: float = 1.0) -> torch.Tensor:
    """Log-probabilities (nats) of the sampled tokens of one row, by a plain forward pass without padding."""
    ids = torch.tensor([row.token_ids])
    logits = model(input_ids=ids).logits[0, :-1].float() / temperature
    chosen = functional.log_softmax(logits, -1).gather(1, ids[0, 1:, None])[:, 0]
    return chosen[torch.tensor(row.sampled[1:])]


def with_logprobs(model: Any, row: Credited, shift: float = 0.0) -> Credited:
    """The same row as if the present model had sampled it, with log-probabilities off by `shift`."""
    from dataclasses import replace

    with torch.no_grad():
        values = tuple(value + shift for value in logprobs_of(model, row.transcript).tolist())
    return Credited(replace(row.transcript, logprobs=values), row.advantage)


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def distance(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> float:
    """Largest difference between two sets of weights."""
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def digest(model: Any) -> str:
    """Hash of all weights, bit by bit."""
    hasher = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        hasher.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return hasher.hexdigest()


class GradientRecorder(torch.optim.SGD):
    """Keeps the gradients of the last step, and moves nothing."""

    def __init__(self, model: Any) -> None:
        self.named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
        self.seen: dict[str, torch.Tensor] = {}
        self.steps = 0
        super().__init__([parameter for _, parameter in self.named], lr=0.0)

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.seen = {name: p.grad.detach().clone() for name, p in self.named if p.grad is not None}
        self.steps += 1


def gradients_of(model: Any, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    gradients = {name: p.grad.detach().clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return gradients
