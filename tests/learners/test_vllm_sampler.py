"""vLLM as the sampler: what TRL's classes are asked for, when weights are pushed, and what comes back as a transcript.

No vLLM runs here: TRL's own classes do, over a stand-in (`vllm_stand_in`).
"""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import tomllib
from ast import literal_eval
from collections.abc import Sequence
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import vllm_stand_in
from accelerate import Accelerator
from learner_helpers import TOKENIZER, demonstrations, digest, distance, model_of, random_rows, settings
from packaging.requirements import Requirement
from trl import GRPOConfig
from trl.generation.vllm_client import VLLMClient
from trl.generation.vllm_generation import VLLMGeneration, extract_logprobs
from vllm_stand_in import LLM, Server, serving

from selfplay import vllm_sampler
from selfplay.config import LoraConfig, ModelConfig, VllmConfig
from selfplay.errors import ConfigError, UserError
from selfplay.learners.policy_gradient import PolicyGradientLearner
from selfplay.learners.supervised import SupervisedLearner
from selfplay.models import load_model, twin
from selfplay.policy import HFPolicy
from selfplay.processes import OneProcess
from selfplay.types import Message, Prompt, Request, Sampling, Transcript
from selfplay.vllm_sampler import VllmEngine, check_vllm

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft, on transformers 5
ROOT = Path(__file__).parents[2]
GREEDY = Sampling(0.0, 1.0, 8)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model's folder, and vLLM's stand-in in place."""
    vllm_stand_in.install(monkeypatch)
    model_of().save_pretrained(tmp_path / "model")
    TOKENIZER.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def loaded(folder: Path, dtype: Any = "float32", lora: LoraConfig | None = None) -> Any:
    return load_model(ModelConfig(name=str(folder), dtype=dtype, device="cpu", lora=lora), folder)[0]


def policy_of(model: Any, engine: VllmEngine | None = None) -> HFPolicy:
    return HFPolicy(model, TOKENIZER, generation_batch=64, engine=engine)


def engine_of(**changes: Any) -> VllmEngine:
    return VllmEngine(VllmConfig(**changes), OneProcess())


def requests(count: int = 6) -> list[Request]:
    """Prompts of several lengths, one with a forced prefix, one with pressure on a token."""
    texts = ["ABC", "Z", "HELLO", "QRSTUV", "MN", "KJIHGFED"]
    return [
        Request(
            "solver",
            Prompt((Message("user", texts[index % 6]),), "xy" if index % 6 == 2 else ""),
            2**63 + 7919 * index,
            (("A", 3.0), ("A", 2.0), ("B", -1.0)) if index % 6 == 4 else (),
        )
        for index in range(count)
    ]


def same(found: Sequence[Transcript], expected: Sequence[Transcript]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert (one.messages, one.token_ids, one.sampled) == (other.messages, other.token_ids, other.sampled)
        assert (one.role, one.seed, one.stopped) == (other.role, other.seed, other.stopped)
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-5)
        assert one.num_sampled == len(one.logprobs)


def adapters_of(model: Any, beneath: bool = False) -> dict[str, torch.Tensor]:
    """Copies of the adapters, or of what lies beneath them."""
    named = model.named_parameters()
    return {name: one.detach().clone() for name, one in named if ("lora_" in name) is not beneath}


def learner_of(model: Any, folder: Path) -> SupervisedLearner:
    return SupervisedLearner(model, TOKENIZER, settings(learning_rate=3e-2), folder)


# What comes back


def test_greedy_text_is_that_of_the_usual_sampler_token_for_token(folder: Path) -> None:
    model = loaded(folder)
    found = policy_of(model, engine_of()).generate(requests(), GREEDY)
    same(found, policy_of(model).generate(requests(), GREEDY))


@pytest.mark.parametrize("sampling", [Sampling(1.0, 1.0, 12), Sampling(0.6, 0.8, 7)])
def test_log_probabilities_are_of_the_distribution_that_was_sampled(folder: Path, sampling: Sampling) -> None:
    model = loaded(folder)
    found = policy_of(model, engine_of()).generate(requests(), sampling)
    assert len({len(one.token_ids) for one in found}) > 1
    for one, request in zip(found, requests(), strict=True):
        if request.bias:
            continue
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([one.token_ids])).logits[0, :-1].float() / sampling.temperature
        steps = logits[torch.tensor(one.sampled[1:])].log_softmax(-1)
        kept = steps.sort(descending=True)
        mass = kept.values.exp().cumsum(-1) - kept.values.exp()
        drop = torch.zeros_like(steps, dtype=torch.bool).scatter(1, kept.indices, mass >= sampling.top_p)
        again = steps.masked_fill(drop, float("-inf")).log_softmax(-1)
        drawn = torch.tensor([token for token, own in zip(one.token_ids, one.sampled, strict=True) if own])
        assert one.logprobs == pytest.approx(again.gather(1, drawn[:, None])[:, 0].tolist(), abs=1e-4)


def test_each_request_has_its_own_seed_whatever_it_is_asked_with(folder: Path) -> None:
    prompt = Prompt((Message("user", "ABC"),))
    asked = [Request("solver", prompt, seed) for seed in (5, 6, 7, 2**64 - 1)]
    policy = policy_of(loaded(folder), engine_of())
    together = policy.generate(asked, Sampling(1.0, 1.0, 12))
    assert len({one.token_ids for one in together}) == 4
    assert policy.generate(asked[2:3], Sampling(1.0, 1.0, 12)) == together[2:3]
    assert [own.seed for own in LLM.made[0].calls[0]] == [5, 6, 7, 2**63 - 1]


def test_only_the_tokenizers_end_token_ends_a_text_and_a_cut_text_is_not_stopped(folder: Path) -> None:
    model = loaded(folder)
    policy, usual = policy_of(model, engine_of()), policy_of(model)
    policy.generate(requests(1), GREEDY)
    end = TOKENIZER.eos_token
    towards_end = [Request("solver", Prompt((Message("user", "AB"),)), 1, ((end, 100.0),))]
    LLM.made[0].end_ids = set(range(3, 60))  # what the model's generation_config might say besides
    (ended,) = policy.generate(towards_end, GREEDY)
    assert ended.stopped
    assert ended.token_ids[-1] == TOKENIZER.eos_token_id
    assert ended.completion == ""
    away = [Request("solver", Prompt((Message("user", "AB"),)), 1, ((end, -100.0),))]
    (cut,) = policy.generate(away, GREEDY)
    assert not cut.stopped
    assert cut.num_sampled == GREEDY.max_new_tokens
    same([ended, cut], usual.generate([*towards_end, *away], GREEDY))


def test_a_prompt_that_does_not_fit_is_one_message(folder: Path) -> None:
    policy = policy_of(loaded(folder), engine_of(max_model_length=15))
    with pytest.raises(UserError, match=r"model\.vllm\.max_model_length: got 15, expected at least 16: a prompt of 8"):
        policy.generate(requests(), GREEDY)
    assert LLM.made[0].arguments["max_model_len"] == 15


# When weights are pushed


def test_weights_are_pushed_once_for_each_change_and_not_before_the_first(folder: Path, tmp_path: Path) -> None:
    model = loaded(folder)
    engine = engine_of()
    policy, learner = policy_of(model, engine), learner_of(model, tmp_path / "trainer")
    policy.generate(requests(), GREEDY)
    (llm,) = LLM.made
    assert llm.loads == []  # it has read the same folder
    learner.save(tmp_path / "saved")
    pushed = []
    for number in (1, 2):
        before = policy.generate(requests(), GREEDY)
        learner.update(demonstrations(24, number), number)
        for _ in range(2):
            same(policy.generate(requests(), GREEDY), policy_of(model).generate(requests(), GREEDY))
        assert policy.generate(requests(), GREEDY) != before
        pushed.append(llm.resets)
    assert pushed == [1, 2]
    assert sorted(llm.loads) == sorted([name for name, _ in model.named_parameters()] * 2)
    learner.load(tmp_path / "saved")
    same(policy.generate(requests(), GREEDY), policy_of(loaded(folder)).generate(requests(), GREEDY))
    policy.version = 1  # a round has passed: so a learner that counts nothing is seen as well
    policy.generate(requests(), GREEDY)
    assert llm.resets == 4


def test_two_policies_take_turns_at_one_engine(folder: Path, tmp_path: Path) -> None:
    first = loaded(folder)
    second = twin(first)
    engine = engine_of()
    policies = [policy_of(model, engine) for model in (first, second)]
    policies[0].generate(requests(), GREEDY)
    learner_of(first, tmp_path / "trainer").update(demonstrations(24), 0)
    for index in (0, 1, 1, 0):
        model = (first, second)[index]
        same(policies[index].generate(requests(), GREEDY), policy_of(model).generate(requests(), GREEDY))
    assert len(LLM.made) == 1
    assert LLM.made[0].resets == 3
    assert policies[0].generate(requests(), GREEDY) != policies[1].generate(requests(), GREEDY)


@pytest.mark.parametrize("kept", [True, False])
def test_two_adapters_are_served_from_one_base_that_moves_by_exactly_nothing(
    folder: Path, tmp_path: Path, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it would move if the engine did not put it back: TRL adds adapters and subtracts them again in bfloat16."""
    if not kept:
        monkeypatch.setattr(VllmEngine, "_base_kept", lambda engine, model: torch.no_grad())
    torch.manual_seed(0)
    first = loaded(folder, "bfloat16", LoraConfig(rank=4, alpha=8.0))
    second = twin(first)
    base = adapters_of(first, beneath=True)
    engine = engine_of()
    policies = [policy_of(model, engine) for model in (first, second)]
    for number, model in enumerate((first, second)):
        learner = PolicyGradientLearner(model, TOKENIZER, settings(learning_rate=3e-2), tmp_path / f"trainer{number}")
        learner.update(random_rows(24, number), number)
        own = adapters_of(model)
        for policy in policies:
            policy.generate(requests(), GREEDY)
        assert distance(own, adapters_of(model)) == 0.0
    moved = distance(base, adapters_of(first, beneath=True))
    assert (moved == 0.0) is kept
    if kept:
        merged = second.merge_and_unload()
        assert digest(LLM.made[0].model) == digest(merged.float())


def test_a_frozen_copy_is_written_by_transformers_and_keeps_its_weights(folder: Path, tmp_path: Path) -> None:
    model = loaded(folder)
    policy = policy_of(model, engine_of())
    frozen = policy.snapshot()
    expected = policy.generate(requests(), GREEDY)
    learner_of(model, tmp_path / "trainer").update(demonstrations(24), 0)
    calls = len(LLM.made[0].calls)
    same(frozen.generate(requests(), GREEDY), expected)
    assert (frozen.engine, frozen.sampler, len(LLM.made[0].calls)) == (None, "hf", calls)


def test_under_fsdp_weights_that_are_not_sharded_yet_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded(folder)
    engine = engine_of()
    policy = policy_of(model, engine)
    policy.generate(requests(), GREEDY)
    monkeypatch.setattr(type(engine.generation.accelerator.state), "fsdp_plugin", object(), raising=False)
    policy.version = 1
    with pytest.raises(UserError, match="under FSDP vLLM can be given weights only after the first update"):
        policy.generate(requests(), GREEDY)


# Several processes


class SecondOfTwo(OneProcess):
    """Rank 1 of 2, whose neighbour is played by the test."""

    rank, world = 1, 2
    waits = 0

    def wait(self) -> None:
        self.waits += 1


@pytest.mark.parametrize("mine", [0, 2])
def test_a_group_draws_its_rows_together_and_each_process_keeps_its_own(
    folder: Path, mine: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded(folder)
    processes = SecondOfTwo()
    engine = VllmEngine(VllmConfig(tensor_parallel_size=2), processes)
    with vllm_sampler._same_environment():
        engine.generation = VLLMGeneration(model, Accelerator(cpu=True), TOKENIZER)
    engine.generation.tp_group = "the group"
    neighbours = [([4, 5, 6], {"seed": 1}), ([7], {"seed": 2}), ([8, 9], {"seed": 3})]

    def gather(shares: list[Any], rows: Any, group: Any) -> None:
        assert group == "the group"
        shares[:] = [neighbours, rows]

    monkeypatch.setattr(torch.distributed, "all_gather_object", gather)
    prompts = [[10, 11], [12, 13, 14]][:mine]
    seeds = np.array([4, 5][:mine], dtype=np.uint64)
    found = engine.complete(prompts, seeds, GREEDY, TOKENIZER.eos_token_id, [()] * mine)
    asked = [Request("solver", Prompt((Message("user", TOKENIZER.decode(prompt)),)), 0) for prompt in prompts]
    expected = policy_of(model).generate(asked, GREEDY) if asked else []
    assert [tuple(prompt) + tuple(one.token_ids) for prompt, one in zip(prompts, found, strict=True)] == [
        one.token_ids for one in expected
    ]
    assert [own.seed for own in LLM.made[0].calls[0]] == [1, 2, 3, 4, 5][: 3 + mine]
    assert processes.waits == 1


@pytest.mark.slow
def test_two_processes_write_what_each_alone_would_before_and_after_an_update(folder: Path, tmp_path: Path) -> None:
    launch = (
        "--multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no --main_process_port 0"
    )
    program = [str(Path(__file__).with_name("vllm_two_processes.py")), str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "accelerate.commands.launch", *launch.split(), *program],
        env={**os.environ, "PYTHONPATH": str(ROOT), "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (first, calls), (second, others) = (literal_eval((tmp_path / f"written_{rank}").read_text()) for rank in (0, 1))
    assert first == second
    before, after = first[:6], first[6:]
    for plain, group, usual in ((texts[:2], texts[2:4], texts[4:]) for texts in (before, after)):
        assert plain == group == usual
    assert before != after
    assert (calls, others) == ([[3, 1, 3, 1], [5, 1, 5, 1]], [[2, 2], [5, 1, 5, 1]])


def test_a_process_without_a_share_takes_part(folder: Path) -> None:
    class NoShare(OneProcess):
        def map(self, work: Any, items: Any) -> Any:
            return work([])

    engine = VllmEngine(VllmConfig(), NoShare())
    policy = HFPolicy(loaded(folder), TOKENIZER, processes=NoShare(), engine=engine)
    assert policy.generate(requests(), GREEDY) == []
    assert engine.generation is not None


def test_the_environment_stays_that_of_the_launch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TRL names ranks in it for vLLM, and a trainer that is made later must not take the run for a launched one."""
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MASTER_PORT", "12345")
    policy_of(loaded(folder), engine_of()).generate(requests(), GREEDY)
    assert {name: os.environ[name] for name in names if name in os.environ} == {"MASTER_PORT": "12345"}


# A server


def test_a_server_is_given_the_weights_first_and_each_request_with_its_seed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded(folder)
    elsewhere = model_of(seed=3)  # what an earlier run left there
    elsewhere.save_pretrained(tmp_path / "other")
    server = Server(LLM(str(tmp_path / "other")))
    with serving(server, monkeypatch) as port:
        engine = engine_of(mode="server", server_host="127.0.0.1", server_port=port, server_timeout_s=5.0)
        policy = policy_of(model, engine)
        same(policy.generate(requests(), GREEDY), policy_of(model).generate(requests(), GREEDY))
        num_tensors = len(list(model.named_parameters()))
        assert len(server.llm.loads) == num_tensors
        learner_of(model, tmp_path / "trainer").update(demonstrations(24), 0)
        for _ in range(2):
            same(policy.generate(requests(), GREEDY), policy_of(model).generate(requests(), GREEDY))
        assert len(server.llm.loads) == 2 * num_tensors
        sampled = policy.generate(requests(), Sampling(1.0, 1.0, 12))
        again = policy.generate(requests()[1:3], Sampling(1.0, 1.0, 12))
    assert again == sampled[1:3]
    assert {body["seed"] for body in server.requests} == {request.seed % 2**63 for request in requests()}
    assert {(tuple(body["stop_token_ids"]), body["ignore_eos"]) for body in server.requests} == {
        ((TOKENIZER.eos_token_id,), True)
    }


def test_a_server_that_gives_other_log_probabilities_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Server(LLM(str(folder)), "raw_logprobs"), monkeypatch) as port:
        engine = engine_of(mode="server", server_host="127.0.0.1", server_port=port)
        with pytest.raises(UserError, match=r"the server gives raw_logprobs, expected .* --logprobs-mode processed"):
            policy_of(loaded(folder), engine).generate(requests(), GREEDY)


def test_a_server_that_is_not_there_is_one_message(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Server(LLM(str(folder))), monkeypatch) as port:
        pass
    engine = engine_of(mode="server", server_host="127.0.0.1", server_port=port, server_timeout_s=0.0)
    with pytest.raises(UserError, match=r"model\.vllm: the server cannot be used: .* can't be reached at http://127"):
        policy_of(loaded(folder), engine).generate(requests(), GREEDY)


# What is leaned on in TRL


def test_our_calls_fit_the_signatures_of_trl(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: dict[str, tuple[Any, Any]] = {}

    class Generation(VLLMGeneration):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            calls["generation"] = args, kwargs
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(vllm_sampler, "VLLMGeneration", Generation)
    policy = policy_of(loaded(folder), engine_of(memory_share=0.4, max_model_length=99))
    policy.generate(requests(), GREEDY)
    args, kwargs = calls["generation"]
    bound = inspect.signature(VLLMGeneration.__init__).bind(None, *args, **kwargs).arguments
    assert {name: bound[name] for name in ("model", "processing_class", "mode", "gpu_memory_utilization")} == {
        "model": policy.model,
        "processing_class": TOKENIZER,
        "mode": "colocate",
        "gpu_memory_utilization": 0.4,
    }
    assert (bound["max_model_length"], bound["max_num_seqs"], bound["server_timeout"]) == (99, 64, 240.0)
    inspect.signature(VLLMGeneration.sync_weights).bind(None)
    inspect.signature(extract_logprobs).bind([])
    inspect.signature(VLLMClient.__init__).bind(None, host="", server_port=1, connection_timeout=1.0)
    inspect.signature(VLLMClient.get_server_info).bind(None)
    shared = {"temperature": 1.0, "top_p": 1.0, "max_tokens": 1, "logprobs": 0}
    inspect.signature(VLLMClient.generate).bind(None, [[1]], **shared, generation_kwargs={"seed": 1})


def test_trl_calls_vllm_itself_as_we_do() -> None:
    """What we call past TRL's `generate`, which has one seed for all prompts, is what TRL calls inside."""
    inside = inspect.getsource(VLLMGeneration.generate)
    for text in ("self.llm.generate(vllm_prompts, sampling_params=sampling_params, use_tqdm=False)", "self.tp_group"):
        assert text in inside
    assert '[{"prompt_token_ids": ids} for ids in all_prompts]' in inside
    made = inspect.getsource(VLLMGeneration._init_vllm)
    for text in ('logprobs_mode="processed_logprobs"', "model=model.name_or_path", "self.vllm_client = VLLMClient("):
        assert text in made
    assert "list(range(i * self.tensor_parallel_size, (i + 1) * self.tensor_parallel_size))" in made


def test_defaults_and_versions_are_those_of_trl() -> None:
    ours, theirs = VllmConfig(), {name: one.default for name, one in GRPOConfig.__dataclass_fields__.items()}
    assert {
        "vllm_mode": ours.mode,
        "vllm_gpu_memory_utilization": ours.memory_share,
        "vllm_tensor_parallel_size": ours.tensor_parallel_size,
        "vllm_max_model_length": ours.max_model_length,
        "vllm_server_host": ours.server_host,
        "vllm_server_port": ours.server_port,
        "vllm_server_timeout": ours.server_timeout_s,
        "vllm_group_port": ours.group_port,
    }.items() <= theirs.items()
    wanted = [Requirement(line) for line in requires("trl") or () if Requirement(line).name == "vllm"]
    (supported,) = [one.specifier for one in wanted if one.marker and one.marker.evaluate({"extra": "vllm"})]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (ours_too,) = [
        one
        for one in map(Requirement, project["optional-dependencies"]["vllm"])
        if one.name == "vllm"
    ]  # fmt: skip
    for version in ("0.21.9", "0.22", "0.22.0", "0.26.1", "0.31.0", "0.31.1", "0.32"):
        assert ours_too.specifier.contains(version) is supported.contains(version), version


# Where it cannot run


def test_without_vllm_the_message_says_what_to_install() -> None:
    with pytest.raises(ConfigError) as caught:
        check_vllm(ModelConfig(name="some/model", sampler="vllm"), OneProcess())
    assert str(caught.value) == (
        "model.sampler: got vllm, which is not installed here, expected the extra of that name: "
        "pip install -e '.[vllm]' on a machine with CUDA (it brings its own torch). "
        "Or go on without it: model.sampler=hf"
    )


def test_what_cannot_be_served_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vllm_stand_in.install(monkeypatch)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"model\.sampler: got vllm on (cpu|mps), expected a CUDA GPU"):
        check_vllm(ModelConfig(name="some/model", sampler="vllm"), OneProcess())
    there = ModelConfig(name="some/model", sampler="vllm", device="cuda:0")
    check_vllm(there, OneProcess())
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "some/model"}')
    with pytest.raises(ConfigError, match=r"model\.name: .* has adapters only, expected whole weights"):
        check_vllm(ModelConfig(name=str(tmp_path), sampler="vllm", device="cuda"), OneProcess())
    three = ModelConfig(name="some/model", sampler="vllm", device="cuda", vllm=VllmConfig(tensor_parallel_size=3))
    with pytest.raises(ConfigError, match=r"tensor_parallel_size: got 3, expected a divisor .* \(2\)"):
        check_vllm(three, SecondOfTwo())
