"""Drawing tokens: seeded sampling per row, and a sampler for small models that drops finished rows from the batch.

`draw_tokens` picks one token a row from logits and one uniform a row, so a completion depends on its own seed and not
on what it is batched with. `generate_compact` is a key-value-cache loop over any transformers causal decoder: rows
are sorted by length, the cache is preallocated, and rows that have ended leave the batch. It touches weights
directly, so it is for replicated models (one process, DDP); sharded models (FSDP, ZeRO-3) go through `generate` of
transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

from selfplay.seeding import uniforms
from selfplay.types import Sampling


@dataclass(frozen=True, slots=True)
class Completion:
    """Token ids drawn after a prompt (end token included), their log-probabilities, and whether it ended by itself."""

    token_ids: list[int]
    logprobs: list[float]
    stopped: bool


def draw_tokens(logits: torch.Tensor, uniform: torch.Tensor, sampling: Sampling) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw one token a row by inverse transform sampling.

    `logits` (rows, vocabulary), `uniform` (rows,) in [0, 1). Returns token ids (rows,) and their log-probabilities
    (rows,) under the distribution that was sampled (after temperature and top-p). Temperature 0 is greedy; its
    log-probability is that of temperature 1.
    """
    if sampling.temperature == 0.0:
        logprobs = torch.log_softmax(logits.float(), dim=-1)
        tokens = logprobs.argmax(dim=-1)
        return tokens, logprobs.gather(1, tokens[:, None])[:, 0]
    logprobs = torch.log_softmax(logits.float() / sampling.temperature, dim=-1)
    if sampling.top_p < 1.0:
        logprobs = torch.log_softmax(_keep_top_p(logprobs, sampling.top_p), dim=-1)
    cumulative = logprobs.exp().cumsum(dim=-1)
    target = uniform.to(cumulative.dtype)[:, None] * cumulative[:, -1:]
    tokens = torch.searchsorted(cumulative, target, right=True)[:, 0].clamp(max=logits.shape[1] - 1)
    return tokens, logprobs.gather(1, tokens[:, None])[:, 0]


def _keep_top_p(logprobs: torch.Tensor, top_p: float) -> torch.Tensor:
    """Set everything outside the smallest set of mass >= top_p to minus infinity."""
    ordered, order = logprobs.sort(dim=-1, descending=True)
    mass_before = ordered.exp().cumsum(dim=-1) - ordered.exp()
    dropped = torch.zeros_like(logprobs, dtype=torch.bool).scatter(1, order, mass_before >= top_p)
    return logprobs.masked_fill(dropped, float("-inf"))


class _PreallocatedLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values of one layer in a buffer of the final length: a step writes one column and copies nothing."""

    def __init__(self, max_length: int) -> None:
        super().__init__()
        self.max_length = max_length
        self.length = 0
        self.is_initialized = False

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.dtype, self.device = key_states.dtype, key_states.device
            rows, heads, _, head_size = key_states.shape
            self.keys = key_states.new_empty(rows, heads, self.max_length, head_size)
            self.values = value_states.new_empty(rows, heads, self.max_length, value_states.shape[-1])
            self.is_initialized = True
        end = self.length + key_states.shape[2]
        self.keys[:, :, self.length : end] = key_states
        self.values[:, :, self.length : end] = value_states
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_seq_length(self) -> int:
        return self.length

    def keep_rows(self, rows: torch.Tensor) -> None:
        self.keys = self.keys.index_select(0, rows)
        self.values = self.values.index_select(0, rows)


def _new_cache(model: Any, max_length: int) -> tuple[DynamicCache, list[_PreallocatedLayer]]:
    layers = [_PreallocatedLayer(max_length) for _ in range(model.config.num_hidden_layers)]
    cache = DynamicCache()
    cache.layers = layers
    return cache, layers


def generate_compact(
    model: Any,
    prompts: Sequence[Sequence[int]],
    seeds: np.ndarray,
    sampling: Sampling,
    *,
    end_id: int,
    pad_id: int,
    batch_size: int,
    bias: Sequence[tuple[tuple[int, float], ...]] | None = None,
) -> list[Completion]:
    """Complete `prompts` (token ids); `seeds` (rows,) are 63-bit; `bias` gives (token id, logit bias) pairs a row."""
    order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
    completions: list[Completion | None] = [None] * len(prompts)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        batch = _generate_batch(
            model,
            [prompts[row] for row in rows],
            seeds[rows],
            sampling,
            end_id,
            pad_id,
            None if bias is None else [bias[row] for row in rows],
        )
        for row, completion in zip(rows, batch, strict=True):
            completions[row] = completion
    return [completion for completion in completions if completion is not None]


@torch.inference_mode()
def _generate_batch(
    model: Any,
    prompts: list[Sequence[int]],
    seeds: np.ndarray,
    sampling: Sampling,
    end_id: int,
    pad_id: int,
    bias: list[tuple[tuple[int, float], ...]] | None,
) -> list[Completion]:
    device = model.device
    width = max(map(len, prompts))
    steps = sampling.max_new_tokens
    ids = torch.full((len(prompts), width), pad_id, device=device)
    mask = torch.zeros((len(prompts), width + steps), dtype=torch.long, device=device)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.as_tensor(prompt, device=device)
        mask[row, width - len(prompt) : width] = 1
    positions = (mask[:, :width].cumsum(dim=1) - 1).clamp(min=0)
    cache, layers = _new_cache(model, width + steps)
    added = _bias_matrix(bias, model.config.vocab_size, device)

    out_tokens = np.zeros((len(prompts), steps), dtype=np.int64)
    out_logprobs = np.zeros((len(prompts), steps), dtype=np.float64)
    lengths = np.full(len(prompts), steps)
    stopped = np.zeros(len(prompts), dtype=bool)
    alive = np.arange(len(prompts))  # rows of the outputs that are still in the batch
    is_padded = bool((mask[:, :width] == 0).any())
    for step in range(steps):
        attention = mask[:, : width + step] if is_padded else None
        logits = model(
            input_ids=ids, attention_mask=attention, position_ids=positions, past_key_values=cache, use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]  # fmt: skip
        if added is not None:
            logits = logits + added
        uniform = torch.from_numpy(uniforms(seeds, step)).to(device)
        tokens, logprobs = draw_tokens(logits, uniform, sampling)
        drawn = tokens.cpu().numpy()
        out_tokens[alive, step] = drawn
        out_logprobs[alive, step] = logprobs.cpu().numpy()
        ended = drawn == end_id
        if ended.any():
            lengths[alive[ended]] = step + 1
            stopped[alive[ended]] = True
            if ended.all():
                break
            kept = torch.from_numpy(np.flatnonzero(~ended)).to(device)
            alive, seeds = alive[~ended], seeds[~ended]
            tokens, mask, positions = tokens[kept], mask[kept], positions[kept]
            added = added[kept] if added is not None else None
            for layer in layers:
                layer.keep_rows(kept)
        mask[:, width + step] = 1
        ids, positions = tokens[:, None], positions[:, -1:] + 1
    return [
        Completion(out_tokens[row, :length].tolist(), out_logprobs[row, :length].tolist(), bool(stopped[row]))
        for row, length in enumerate(lengths.tolist())
    ]


def _bias_matrix(
    bias: list[tuple[tuple[int, float], ...]] | None, vocabulary: int, device: torch.device
) -> torch.Tensor | None:
    """(rows, vocabulary) of logit biases, or None if there are none."""
    if bias is None or not any(bias):
        return None
    matrix = torch.zeros(len(bias), vocabulary, device=device)
    for row, pairs in enumerate(bias):
        for token_id, value in pairs:
            matrix[row, token_id] += value
    return matrix
