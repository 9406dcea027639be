"""LocalJudge: a model on this machine that judges by what it would say next, so that even a tiny one can.

It writes nothing. A comparison is the log-probability of ` A` against that of ` B` after the question; a criterion is
the distribution over its marks, of which the mean counts (probability-weighted marks: G-Eval, arXiv 2303.16634, section
2). Probabilities are among the choices alone; where the model gives all of them together less than `min_mass`, it does
not answer the question, and abstains. So it does on what is longer than the model can read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from selfplay.judge import check_rubric, overall
from selfplay.judgements import Choice, Comparison, Criterion, Opinion, Rating
from selfplay.judges.policy import ROLE
from selfplay.judges.prompts import comparison_text, reply_text
from selfplay.policy import HFPolicy
from selfplay.types import Message, Problem, Prompt


class LocalJudge:
    """Judges with the model of `policy`. `margin` around 1/2 in which it has no preference; rows at once."""

    def __init__(
        self, policy: HFPolicy, *, name: str = "local", margin: float = 0.0, min_mass: float = 0.0, batch_size: int = 16
    ) -> None:
        self.policy = policy
        self.name = name
        self.margin = margin
        self.min_mass = min_mass
        self.batch_size = batch_size

    def prefer(self, comparisons: Sequence[Comparison]) -> list[Opinion]:
        ask = "Which reply is it? Answer with the letter A or B."
        prompts = [_asked(comparison_text(one, ask), "Better reply:") for one in comparisons]
        return [self._opinion(row) for row in choice_logprobs(self.policy, prompts, (" A", " B"), self.batch_size)]

    def _opinion(self, logprobs: np.ndarray) -> Opinion:
        shares = self._shares(logprobs)
        if shares is None:
            return Opinion(Choice.ABSTAIN, None, "the model does not answer with a letter, or cannot read so much")
        probability = float(shares[0])
        if abs(probability - 0.5) <= self.margin:
            return Opinion(Choice.ABSTAIN, probability, "within the margin")
        return Opinion(Choice.FIRST if probability > 0.5 else Choice.SECOND, probability)

    def rate(self, replies: Sequence[tuple[Problem, str]], rubric: Sequence[Criterion]) -> list[Rating]:
        check_rubric(rubric)
        by_criterion = []
        for criterion in rubric:
            ask = f"{criterion.text} Answer with a whole number from 0 (not at all) to {criterion.top} (fully)."
            prompts = [_asked(reply_text(problem, reply, ask), f"{criterion.name}:") for problem, reply in replies]
            marks = tuple(f" {mark}" for mark in range(criterion.top + 1))
            found = choice_logprobs(self.policy, prompts, marks, self.batch_size)
            by_criterion.append([self._shares(row) for row in found])
        return [self._rating(rubric, shares) for shares in zip(*by_criterion, strict=True)]

    def _rating(self, rubric: Sequence[Criterion], shares: Sequence[np.ndarray | None]) -> Rating:
        known = [one for one in shares if one is not None]
        if len(known) < len(shares):
            return Rating(None, (), "the model does not answer with a mark, or cannot read so much")
        names = [criterion.name for criterion in rubric]
        means = {name: float(one @ np.arange(len(one))) for name, one in zip(names, known, strict=True)}
        likeliest = tuple((name, int(one.argmax())) for name, one in zip(names, known, strict=True))
        return Rating(overall(means, rubric), likeliest)

    def _shares(self, logprobs: np.ndarray) -> np.ndarray | None:
        """Probabilities among the choices, which add up to 1; None for an abstention."""
        if not np.isfinite(logprobs).any():
            return None
        total = np.logaddexp.reduce(logprobs)
        if total < (math.log(self.min_mass) if self.min_mass > 0.0 else -math.inf):
            return None
        shares: np.ndarray = np.exp(logprobs - total)
        shares /= shares.sum()
        return shares


def _asked(text: str, prefix: str) -> Prompt:
    return Prompt((Message("user", text),), prefix=prefix)


def choice_logprobs(
    policy: HFPolicy, prompts: Sequence[Prompt], choices: Sequence[str], batch_size: int = 16
) -> np.ndarray:
    """Log-probability (nats) of each choice as the continuation of each prompt and its prefix.

    Shape (prompts, choices), float64; rows of a prompt that is longer than the model's positions are -inf. Each text is
    read once, however many single-token choices it has. With several processes every rank reads a share.
    """
    rows = policy.processes.map(lambda share: _rows(policy, share, choices, batch_size), list(prompts))
    return np.array(rows, dtype=np.float64).reshape(len(prompts), len(choices))


def _rows(policy: HFPolicy, prompts: Sequence[Prompt], choices: Sequence[str], batch_size: int) -> list[list[float]]:
    replies = [(prompt, prompt.prefix + choice) for prompt in prompts for choice in choices]
    targets: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    for written in policy.references(ROLE, replies):
        start = written.sampled.index(True)
        ids = written.token_ids[:-1]  # without the end token
        targets.append((ids[:-1], ids[start:]))
    positions = getattr(policy.model.config, "max_position_embeddings", None) or math.inf
    inputs = sorted({text for text, _ in targets if len(text) < positions}, key=len)
    keep = max((len(continuation) for _, continuation in targets), default=1)
    logprobs: dict[tuple[int, ...], torch.Tensor] = {}
    wanted = sorted({token for _, continuation in targets for token in continuation})
    for first in range(0, len(inputs), batch_size):
        batch = inputs[first : first + batch_size]
        logprobs.update(zip(batch, _last_logprobs(policy, batch, keep, wanted), strict=True))
    place = {token: index for index, token in enumerate(wanted)}
    flat = [
        sum(
            float(logprobs[text][keep - len(continuation) + index, place[token]])
            for index, token in enumerate(continuation)
        )
        if text in logprobs
        else -math.inf
        for text, continuation in targets
    ]
    return [flat[row * len(choices) : (row + 1) * len(choices)] for row in range(len(prompts))]


@torch.inference_mode()
def _last_logprobs(
    policy: HFPolicy, texts: Sequence[tuple[int, ...]], keep: int, wanted: Sequence[int]
) -> torch.Tensor:
    """Log-probabilities of the tokens `wanted` after each of the last `keep` places: (texts, keep, wanted), float64."""
    model = policy.model
    width = max(keep, *map(len, texts))
    pad = policy.tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (width - len(text)) + list(text) for text in texts], device=model.device)
    mask = torch.tensor([[0] * (width - len(text)) + [1] * len(text) for text in texts], device=model.device)
    was_training = model.training
    model.eval()
    output = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=(mask.cumsum(1) - 1).clamp(min=0),
        logits_to_keep=keep,
        use_cache=False,
    )
    model.train(was_training)
    logprobs: torch.Tensor = output.logits[:, -keep:].float().log_softmax(-1)
    return logprobs[:, :, torch.tensor(wanted, device=model.device)].double().cpu()
