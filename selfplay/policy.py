"""HFPolicy: a transformers model as a policy.

Prompts are rendered with the tokenizer's chat template, or joined if it has none. Each completion is drawn with
uniforms of its own seed, whichever sampler runs: `hf` is `generate` of transformers (any model, any device),
`compact` is `sampler.generate_compact` (small replicated models, two to three times faster on ragged lengths). With an
`engine`, vLLM writes instead (`vllm_sampler`, which promises less). With several processes every rank generates a
share. It trains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from transformers import LogitsProcessor, LogitsProcessorList

from selfplay.models import frozen_copy
from selfplay.processes import OneProcess, Processes
from selfplay.sampler import Completion, draw_tokens, generate_compact
from selfplay.scoring import log_probabilities
from selfplay.seeding import uniforms
from selfplay.types import Message, Prompt, Request, Sampling, Transcript

if TYPE_CHECKING:
    from selfplay.vllm_sampler import VllmEngine


class HFPolicy:
    """A causal language model with its tokenizer; `version` is the round whose weights it carries."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        sampler: Literal["compact", "hf"] = "hf",
        generation_batch: int = 512,
        processes: Processes | None = None,
        engine: VllmEngine | None = None,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.sampler = sampler
        self.generation_batch = generation_batch
        self.processes = processes or OneProcess()
        self.engine = engine
        self.version = 0

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Transcript]:
        if not requests:
            return []
        if self.engine is not None:
            self.engine.carry(self)  # here, where every rank comes by, also one without a share
        return self.processes.map(lambda share: self._generate(share, sampling), requests)

    def _generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Transcript]:
        end_id = self.tokenizer.eos_token_id
        if not requests:
            if self.engine is not None:  # with tensor parallelism the rest of its group waits for it
                self.engine.complete([], [], sampling, end_id, [])
            return []
        prompts = self._encode([request.prompt for request in requests])
        seeds = np.array([request.seed for request in requests], dtype=np.uint64)
        bias = [tuple((self._token_id(text), value) for text, value in request.bias) for request in requests]
        if self.engine is not None:
            completions = self.engine.complete(prompts, seeds, sampling, end_id, bias)
        else:
            completions = self._sample(prompts, seeds, sampling, bias)
        texts = self.tokenizer.batch_decode(
            [c.token_ids[:-1] if c.stopped else c.token_ids for c in completions], skip_special_tokens=False
        )
        return [
            Transcript(
                request.role,
                (*request.prompt.messages, Message("assistant", request.prompt.prefix + text)),
                (*prompt, *completion.token_ids),
                (False,) * len(prompt) + (True,) * len(completion.token_ids),
                tuple(completion.logprobs),
                self.version,
                request.seed,
                completion.stopped,
            )
            for request, prompt, completion, text in zip(requests, prompts, completions, texts, strict=True)
        ]

    def _sample(
        self,
        prompts: Sequence[Sequence[int]],
        seeds: np.ndarray,
        sampling: Sampling,
        bias: Sequence[tuple[tuple[int, float], ...]],
    ) -> list[Completion]:
        was_training = self.model.training
        self.model.eval()
        if self.sampler == "compact":
            completions = generate_compact(
                self.model,
                prompts,
                seeds,
                sampling,
                end_id=self.tokenizer.eos_token_id,
                pad_id=self.tokenizer.pad_token_id,
                batch_size=self.generation_batch,
                bias=bias,
            )
        else:
            completions = self._generate_hf(prompts, seeds, sampling, bias)
        self.model.train(was_training)
        return completions

    def log_probabilities(self, transcripts: Sequence[Transcript]) -> list[float]:
        """Sum of the log-probabilities (nats, temperature 1) of each transcript's sampled tokens under this model."""
        pad_id = self.tokenizer.pad_token_id
        return self.processes.map(
            lambda share: log_probabilities(self.model, share, pad_id, self.generation_batch), transcripts
        )

    def reference(self, role: str, prompt: Prompt, completion: str) -> Transcript:
        """`completion` (the forced prefix included) as a transcript that ends by itself."""
        return self.references(role, [(prompt, completion)])[0]

    def references(self, role: str, replies: Sequence[tuple[Prompt, str]]) -> list[Transcript]:
        """`reference` of many pairs, tokenised together. Raises ValueError if a reply lacks its prompt's prefix."""
        if not replies:
            return []
        for prompt, completion in replies:
            if not completion.startswith(prompt.prefix):
                raise ValueError(f"the completion {completion[:40]!r} does not start with its prefix {prompt.prefix!r}")
        contexts = self._encode([prompt for prompt, _ in replies])
        texts = [completion.removeprefix(prompt.prefix) for prompt, completion in replies]
        sampled = self._tokenize(texts, special=False)
        end = self.tokenizer.eos_token_id
        return [
            Transcript(
                role,
                (*prompt.messages, Message("assistant", completion)),
                (*context, *tokens, end),
                (False,) * len(context) + (True,) * (len(tokens) + 1),
                (),
                -1,
                0,
                True,
            )
            for (prompt, completion), context, tokens in zip(replies, contexts, sampled, strict=True)
        ]

    def snapshot(self) -> HFPolicy:
        """A frozen copy of the current weights; of a policy with adapters, on the same base. It has no engine."""
        frozen = HFPolicy(
            frozen_copy(self.model),
            self.tokenizer,
            sampler=self.sampler,
            generation_batch=self.generation_batch,
            processes=self.processes,
        )
        frozen.version = self.version
        return frozen

    def restored(self, directory: Path) -> HFPolicy:
        """A frozen copy with the weights that its learner saved in `directory`. Raises RecordError."""
        from selfplay.learners.checkpoint import load_checkpoint  # it needs TRL, which generating does not

        frozen = self.snapshot()
        load_checkpoint(directory, frozen.model, None)
        return frozen

    def _encode(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        return self._tokenize(
            [self._render(prompt) for prompt in prompts], special=self.tokenizer.chat_template is None
        )

    def _tokenize(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        """Token ids of each text; `special` adds what the tokenizer puts around a text (such as a begin token)."""
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:
            return [list(ids) for ids in self.tokenizer(list(texts), add_special_tokens=special)["input_ids"]]
        backend.no_padding()  # what a saved tokenizer may have switched on
        backend.no_truncation()
        # Without character offsets, which nobody asks for: half the time of calling the tokenizer.
        return [encoding.ids for encoding in backend.encode_batch_fast(list(texts), add_special_tokens=special)]

    def _render(self, prompt: Prompt) -> str:
        if self.tokenizer.chat_template is None:
            return "".join(message.text for message in prompt.messages) + prompt.prefix
        messages = [{"role": message.role, "content": message.text} for message in prompt.messages]
        rendered = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return str(rendered) + prompt.prefix

    def _token_id(self, text: str) -> int:
        """The id of the token that `text` begins with: where pressure on `text` has to act."""
        return int(self.tokenizer(text, add_special_tokens=False)["input_ids"][0])

    @torch.inference_mode()
    def _generate_hf(
        self,
        prompts: Sequence[Sequence[int]],
        seeds: np.ndarray,
        sampling: Sampling,
        bias: Sequence[tuple[tuple[int, float], ...]],
    ) -> list[Completion]:
        completions: list[Completion | None] = [None] * len(prompts)
        order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
        for start in range(0, len(order), self.generation_batch):
            rows = order[start : start + self.generation_batch]
            draw = _SeededDraw(seeds[rows], sampling, [bias[row] for row in rows])
            padded = self.tokenizer.pad({"input_ids": [prompts[row] for row in rows]}, return_tensors="pt")
            width = padded["input_ids"].shape[1]
            output = self.model.generate(
                input_ids=padded["input_ids"].to(self.model.device),
                attention_mask=padded["attention_mask"].to(self.model.device),
                max_new_tokens=sampling.max_new_tokens,
                do_sample=False,
                logits_processor=LogitsProcessorList([draw]),
                eos_token_id=self.tokenizer.eos_token_id,
                pad_token_id=self.tokenizer.pad_token_id,
            )
            logprobs = torch.stack(draw.logprobs, dim=1).cpu()
            for row, ids, values in zip(rows, output[:, width:].tolist(), logprobs.tolist(), strict=True):
                stopped = self.tokenizer.eos_token_id in ids
                length = ids.index(self.tokenizer.eos_token_id) + 1 if stopped else len(ids)
                completions[row] = Completion(ids[:length], values[:length], stopped)
        return [completion for completion in completions if completion is not None]


class _SeededDraw(LogitsProcessor):  # type: ignore[misc]
    """Draws the token itself (one uniform a row and step) and leaves `generate` no other choice."""

    def __init__(self, seeds: np.ndarray, sampling: Sampling, bias: Sequence[tuple[tuple[int, float], ...]]) -> None:
        self.seeds = seeds
        self.sampling = sampling
        self.bias = bias
        self.logprobs: list[torch.Tensor] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        scores = scores.clone()
        for row, pairs in enumerate(self.bias):
            for token_id, value in pairs:
                scores[row, token_id] += value
        uniform = torch.from_numpy(uniforms(self.seeds, len(self.logprobs))).to(scores.device)
        tokens, logprobs = draw_tokens(scores, uniform, self.sampling)
        self.logprobs.append(logprobs)
        return torch.full_like(scores, float("-inf")).scatter(1, tokens[:, None], 0.0)
