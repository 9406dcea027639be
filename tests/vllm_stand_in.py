"""vLLM as far as TRL and `selfplay.vllm_sampler` call it, on a CPU: an LLM over a transformers model, and a server.

TRL's own `VLLMGeneration` and `VLLMClient` run on top of it, unchanged; only what NCCL would do is replaced. It draws
with a generator of each request's seed, and stops as vLLM does, `ignore_eos` and the model's own end tokens included.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from transformers import AutoModelForCausalLM
from trl.generation import vllm_client, vllm_generation

from selfplay import vllm_sampler
from selfplay.sampler import draw_tokens
from selfplay.types import Sampling


@dataclass
class SamplingParams:
    """Those of vLLM 0.22 to 0.31 that are set, with its defaults."""

    n: int = 1
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    stop_token_ids: list[int] = field(default_factory=list)
    ignore_eos: bool = False
    max_tokens: int = 16
    logprobs: int | None = None
    logit_bias: dict[int, float] | None = None


class LLM:
    """An engine with weights of its own, read from the folder that TRL names."""

    made: ClassVar[list[LLM]] = []

    def __init__(self, model: str, **arguments: Any) -> None:
        self.arguments = {"model": model, **arguments}
        self.model = AutoModelForCausalLM.from_pretrained(model)
        self.end_ids = {self.model.generation_config.eos_token_id}
        runner = SimpleNamespace(model=self)
        worker = SimpleNamespace(driver_worker=SimpleNamespace(model_runner=runner))
        self.llm_engine = SimpleNamespace(model_executor=worker)
        self.loads: list[str] = []
        self.resets = 0
        self.calls: list[list[SamplingParams]] = []
        LLM.made.append(self)

    def load_weights(self, pairs: Sequence[tuple[str, torch.Tensor]]) -> None:
        own = dict(self.model.named_parameters())
        for name, tensor in pairs:
            own[name].data.copy_(tensor)
            self.loads.append(name)

    def reset_prefix_cache(self) -> None:
        self.resets += 1

    def generate(
        self, prompts: Sequence[dict[str, list[int]]], sampling_params: Sequence[SamplingParams], use_tqdm: bool = True
    ) -> list[Any]:
        assert len(prompts) == len(sampling_params) > 0
        self.calls.append(list(sampling_params))
        return [
            self._write(prompt["prompt_token_ids"], own) for prompt, own in zip(prompts, sampling_params, strict=True)
        ]

    @torch.no_grad()
    def _write(self, prompt: list[int], own: SamplingParams) -> Any:
        stops = set(own.stop_token_ids) | (set() if own.ignore_eos else self.end_ids)
        random = torch.Generator().manual_seed(own.seed) if own.seed is not None else torch.default_generator
        ids: list[int] = []
        logprobs = []
        while len(ids) < own.max_tokens and not (ids and ids[-1] in stops):
            logits = self.model(input_ids=torch.tensor([prompt + ids])).logits[:, -1].float()
            for token, value in (own.logit_bias or {}).items():
                logits[0, token] += value
            sampling = Sampling(own.temperature, own.top_p, own.max_tokens)
            token, logprob = draw_tokens(logits, torch.rand(1, generator=random), sampling)
            ids.append(int(token))
            logprobs.append({int(token): SimpleNamespace(logprob=float(logprob), rank=1)})
        output = SimpleNamespace(token_ids=ids, logprobs=logprobs if own.logprobs is not None else None)
        return SimpleNamespace(prompt_token_ids=prompt, outputs=[output])


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let TRL and the sampler find the stand-in where vLLM would be."""
    module = ModuleType("vllm")
    module.SamplingParams = SamplingParams  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vllm", module)
    monkeypatch.setattr(vllm_generation, "LLM", LLM, raising=False)
    monkeypatch.setattr(vllm_generation, "SamplingParams", SamplingParams, raising=False)
    for room in (vllm_generation, vllm_client, vllm_sampler):
        monkeypatch.setattr(room, "is_vllm_available", lambda min_version=None: True)
    monkeypatch.setattr(LLM, "made", [])


class Server:
    """`vllm serve` for one LLM; `requests` are the bodies of what was asked."""

    def __init__(self, llm: LLM, logprobs_mode: str = "processed_logprobs") -> None:
        self.llm = llm
        self.requests: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        self.answers: dict[str, Any] = {
            "/health": {},
            "/v1/models": {"data": [{"id": "model"}]},
            "/server_info": {"vllm_config": {"model_config": {"logprobs_mode": logprobs_mode}}},
            "/reset_prefix_cache": {},
        }

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            self.requests.append(body)
            known = {name: value for name, value in body.items() if name in SamplingParams.__dataclass_fields__}
            known["logit_bias"] = {int(token): value for token, value in (body.get("logit_bias") or {}).items()}
            prompts = [{"prompt_token_ids": ids} for ids in body["prompt"]]
            written = self.llm.generate(prompts, [SamplingParams(**known)] * len(prompts))
        return {"choices": [_choice(one) for one in written]}


def _choice(one: Any) -> dict[str, Any]:
    output = one.outputs[0]
    values = [next(iter(step.values())).logprob for step in output.logprobs]
    names = [f"token_id:{token}" for token in output.token_ids]
    logprobs = {"tokens": names, "token_logprobs": values, "top_logprobs": [None] * len(names)}
    return {"prompt_token_ids": one.prompt_token_ids, "token_ids": output.token_ids, "logprobs": logprobs}


@contextmanager
def serving(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The server's port. Weights go to it without NCCL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(server.answers[self.path.partition("?")[0]])

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            self.answer(server.complete(body) if self.path == "/v1/completions" else server.answers[self.path])

        def answer(self, content: Any) -> None:
            data = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            return

    def update(client: Any, metadata: Any, named_params: Iterator[tuple[str, torch.Tensor]]) -> None:
        pairs = list(named_params)
        assert [name for name, _, _ in metadata] == [name for name, _ in pairs]
        server.llm.load_weights(pairs)

    monkeypatch.setattr(vllm_client.VLLMClient, "init_communicator", lambda client, device=0: None)
    monkeypatch.setattr(vllm_client.VLLMClient, "update_named_params", update)
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield http.server_address[1]
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
