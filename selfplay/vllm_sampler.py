"""Text from vLLM for the policies that a run trains, through TRL: in this process (colocate) or from a server.

One engine for a run. It carries the weights of one policy at a time; before a policy writes, TRL pushes its weights
(whole, sharded, or with adapters merged) if they are not the ones carried, so once for each change and not at every
call. A row comes back as from the other samplers: the same prompt, temperature, top-p and biases, the tokenizer's end
token and no other as an end, log-probabilities under what was sampled.

Every request has its own seed, but vLLM rounds differently in different batches, so the same seed gives the same text
often, not always: no run with vLLM is promised to repeat, nor to resume to the bit.

**It has not been run on a GPU yet.** The tests run TRL's own class with a stand-in for vLLM, and hold every call of TRL
against its signature. Not here: frozen copies and other models (they keep `generate` of transformers), sleep mode,
training. Imported only when a configuration says `sampler: vllm`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as distributed
from accelerate import Accelerator
from torch.distributed.tensor import DTensor
from trl.generation.vllm_client import VLLMClient
from trl.generation.vllm_generation import VLLMGeneration, extract_logprobs
from trl.import_utils import is_vllm_available

from selfplay.config import ModelConfig, VllmConfig
from selfplay.errors import ConfigError, UserError
from selfplay.models import beneath_adapters, num_changes, pick_device
from selfplay.processes import Processes
from selfplay.sampler import Completion
from selfplay.types import Sampling

_INSTEAD = "Or go on without it: model.sampler=hf"
_START = ("start",)
"""Weights as the model's folder has them, which a colocated vLLM reads itself."""
_CONCURRENCY = 64
"""Requests to the server at a time: as many connections as TRL's client keeps open."""
_Row = tuple[list[int], dict[str, Any]]
"""A prompt, and what is this request's own among vLLM's sampling parameters."""


def check_vllm(config: ModelConfig, processes: Processes) -> None:
    """Raise ConfigError if this machine, or this model, cannot be served as `model.vllm` says."""
    if not is_vllm_available():
        raise ConfigError(
            "model.sampler: got vllm, which is not installed here, expected the extra of that name: "
            f"pip install -e '.[vllm]' on a machine with CUDA (it brings its own torch). {_INSTEAD}"
        )
    if (device := pick_device(config.device)).type != "cuda":
        raise ConfigError(f"model.sampler: got vllm on {device.type}, expected a CUDA GPU in each process. {_INSTEAD}")
    if config.name is not None and beneath_adapters(Path(config.name)) is not None:
        raise ConfigError(
            f"model.name: {config.name} has adapters only, expected whole weights with model.sampler vllm, which reads "
            f"the folder itself. {_INSTEAD}"
        )
    if processes.world % config.vllm.tensor_parallel_size:
        raise ConfigError(
            f"model.vllm.tensor_parallel_size: got {config.vllm.tensor_parallel_size}, expected a divisor of the "
            f"number of processes ({processes.world})"
        )


class VllmEngine:
    """vLLM, started when a policy first writes. Every process has one and calls it at the same points."""

    def __init__(self, config: VllmConfig, processes: Processes) -> None:
        self.config = config
        self.processes = processes
        self.generation: Any = None
        self.client: Any = None
        self.carried: tuple[Any, ...] | None = None
        """Which weights vLLM has."""
        self._base: dict[torch.nn.Parameter, torch.Tensor] = {}

    def carry(self, policy: Any) -> None:
        """Take over the weights of `policy` (an HFPolicy), unless vLLM has them already. All processes call."""
        if self.generation is None:
            self._start(policy)
        changes = num_changes(policy.model)
        wanted = (id(policy.model), policy.version, changes) if changes or policy.version else _START
        if wanted != self.carried:
            self._push(policy.model)
            self.carried = wanted

    def complete(
        self,
        prompts: Sequence[Sequence[int]],
        seeds: Sequence[int] | np.ndarray,
        sampling: Sampling,
        end_id: int,
        bias: Sequence[tuple[tuple[int, float], ...]],
    ) -> list[Completion]:
        """A completion for each prompt (token ids), with the weights carried; `seeds` (prompts,).

        With tensor parallelism every process of a group calls, also one without a prompt. Raises UserError for a prompt
        too long for `max_model_length`.
        """
        limit = self.config.max_model_length
        longest = max(map(len, prompts), default=0)
        if limit is not None and longest + sampling.max_new_tokens > limit:
            raise UserError(
                f"model.vllm.max_model_length: got {limit}, expected at least {longest + sampling.max_new_tokens}: a "
                f"prompt of {longest} tokens and a completion of {sampling.max_new_tokens}"
            )
        shared = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_new_tokens,
            "logprobs": 0,  # of the sampled token alone
        }
        rows = [
            (list(prompt), _own(int(seed), end_id, pairs))
            for prompt, seed, pairs in zip(prompts, seeds, bias, strict=True)
        ]
        written = (self._served if self.config.mode == "server" else self._colocated)(rows, shared)
        return [
            Completion(list(ids), [float(step[0]) for step in logprobs], ids[-1] == end_id) for ids, logprobs in written
        ]

    def _start(self, policy: Any) -> None:
        config, served = self.config, self.config.mode == "server"
        try:
            with _same_environment():
                self.generation = VLLMGeneration(
                    policy.model,
                    Accelerator(),  # a view of the state that the learner's trainer has set up
                    policy.tokenizer,
                    mode=config.mode,
                    server_host=config.server_host,
                    server_port=config.server_port,
                    server_timeout=config.server_timeout_s,
                    group_port=config.group_port,
                    tensor_parallel_size=config.tensor_parallel_size,
                    gpu_memory_utilization=config.memory_share,
                    max_model_length=config.max_model_length,
                    max_num_seqs=policy.generation_batch * config.tensor_parallel_size,
                )
            if served:  # TRL's first process pushes weights; each asks for its own share of the texts
                self.client = getattr(self.generation, "vllm_client", None) or VLLMClient(
                    host=config.server_host,
                    server_port=config.server_port,
                    connection_timeout=config.server_timeout_s,
                )
                found = self.client.get_server_info()["model_config"]["logprobs_mode"]
                if found != "processed_logprobs":
                    raise UserError(
                        f"model.vllm: the server gives {found}, expected the log-probabilities of what was sampled: "
                        "start it with --logprobs-mode processed_logprobs"
                    )
        except (OSError, RuntimeError) as error:
            if not served:
                raise
            raise UserError(f"model.vllm: the server cannot be used: {error}") from error
        self.carried = None if served else _START

    def _push(self, model: Any) -> None:
        self.generation.model = model
        sharding = getattr(self.generation.accelerator.state, "fsdp_plugin", None) is not None
        if sharding and not any(isinstance(parameter, DTensor) for parameter in model.parameters()):
            raise UserError(
                "model.sampler: under FSDP vLLM can be given weights only after the first update has sharded them, "
                "expected model.vllm.mode colocate and one model. Or launch with DDP or DeepSpeed"
            )
        with self._base_kept(model):
            self.generation.sync_weights()
        self.processes.wait()  # no process may ask a server that the first one is still writing to

    @contextmanager
    def _base_kept(self, model: Any) -> Iterator[None]:
        """TRL adds adapters to what lies beneath and subtracts them again, which rounds: put the very bits back."""
        beneath = [
            parameter
            for module in model.modules()
            if hasattr(module, "base_layer")
            for parameter in module.base_layer.parameters()
        ]
        for parameter in beneath:
            if parameter not in self._base:  # frozen, so one copy lasts the run; in main memory
                self._base[parameter] = parameter.detach().to("cpu", copy=True)
        yield
        with torch.no_grad():
            for parameter in beneath:
                parameter.copy_(self._base[parameter])

    def _colocated(self, rows: Sequence[_Row], shared: dict[str, Any]) -> list[tuple[Any, Any]]:
        from vllm import SamplingParams

        size = self.config.tensor_parallel_size
        shares: list[Sequence[_Row]] = [rows]
        if size > 1:  # the processes of a group draw all their rows together, each keeps its own
            self.processes.wait()  # as TRL does: its collectives and vLLM's must not meet
            shares = [[] for _ in range(size)]
            distributed.all_gather_object(shares, rows, group=self.generation.tp_group)
        together = [row for share in shares for row in share]
        if not together:
            return []
        outputs = self.generation.llm.generate(
            [{"prompt_token_ids": prompt} for prompt, _ in together],
            sampling_params=[SamplingParams(**shared, **own) for _, own in together],
            use_tqdm=False,
        )
        logprobs, _ = extract_logprobs(outputs)
        written = list(zip([output.outputs[0].token_ids for output in outputs], logprobs, strict=True))
        first = sum(len(share) for share in shares[: self.processes.rank % size])
        return written[first : first + len(rows)]

    def _served(self, rows: Sequence[_Row], shared: dict[str, Any]) -> list[tuple[Any, Any]]:
        def ask(row: _Row) -> tuple[Any, Any]:
            prompt, own = row  # one prompt a request: a request has one seed
            answer = self.client.generate([prompt], **shared, generation_kwargs=own)
            return answer["completion_ids"][0], answer["logprobs"][0]

        with ThreadPoolExecutor(_CONCURRENCY) as pool:
            return list(pool.map(ask, rows))


def _own(seed: int, end_id: int, bias: Sequence[tuple[int, float]]) -> dict[str, Any]:
    """What vLLM is told of one request: its seed, where a text ends, and pressure on tokens."""
    own: dict[str, Any] = {"seed": seed % 2**63, "stop_token_ids": [end_id]}
    own["ignore_eos"] = True  # whatever else the model's generation_config takes for an end
    if bias:
        own["logit_bias"] = {token: sum(value for other, value in bias if other == token) for token, _ in bias}
    return own


@contextmanager
def _same_environment() -> Iterator[None]:
    """TRL names the process's rank for vLLM; a trainer made later would take a single process for a launched one."""
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
