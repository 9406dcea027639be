"""How likely a model finds given transcripts: log-probabilities of their sampled tokens, without generating.

Right-padded batches of like length, one plain forward pass each. It trains nothing and keeps no gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from selfplay.types import Transcript

IGNORED = -100
"""Label of a token that does not count."""


def pad_transcripts(transcripts: Sequence[Transcript], pad_id: int) -> dict[str, torch.Tensor]:
    """Right-padded tensors of shape (rows, longest); labels are IGNORED except at sampled tokens."""
    width = max(len(transcript.token_ids) for transcript in transcripts)
    ids, mask, labels = [], [], []
    for transcript in transcripts:
        tokens = transcript.token_ids
        rest = width - len(tokens)
        ids.append([*tokens, *[pad_id] * rest])
        mask.append([1] * len(tokens) + [0] * rest)
        labels.append(
            [token if sampled else IGNORED for token, sampled in zip(tokens, transcript.sampled, strict=True)]
            + [IGNORED] * rest
        )
    return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask), "labels": torch.tensor(labels)}


@torch.no_grad()
def log_probabilities(model: Any, transcripts: Sequence[Transcript], pad_id: int, rows_a_pass: int) -> list[float]:
    """Sum of the log-probabilities (nats, temperature 1) of each transcript's sampled tokens, in order."""
    order = sorted(range(len(transcripts)), key=lambda index: len(transcripts[index].token_ids))
    found = [0.0] * len(transcripts)
    training = model.training
    model.eval()
    try:
        for start in range(0, len(order), rows_a_pass):
            part = order[start : start + rows_a_pass]
            tensors = pad_transcripts([transcripts[index] for index in part], pad_id)
            inputs = {name: tensor.to(model.device) for name, tensor in tensors.items() if name != "labels"}
            labels = tensors["labels"].to(model.device)[:, 1:]
            logits = model(**inputs).logits[:, :-1].float()
            chosen = logits.log_softmax(-1).gather(2, labels.clamp(min=0)[..., None])[..., 0]
            for index, value in zip(part, (chosen * (labels != IGNORED)).sum(1).tolist(), strict=True):
                found[index] = float(value)
    finally:
        model.train(training)
    return found
