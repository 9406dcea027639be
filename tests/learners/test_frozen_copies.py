"""Frozen copies of policies: the model as it is, to the bit, in every number format, with adapters and without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from learner_helpers import TOKENIZER, digest, distance, model_of, random_rows, settings, weights

from selfplay.config import LoraConfig, ModelConfig
from selfplay.errors import RecordError
from selfplay.learners import LEARNERS
from selfplay.models import load_model, with_lora
from selfplay.policy import HFPolicy
from selfplay.types import Message, Prompt, Request, Sampling

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft, on transformers 5
IDS = torch.arange(3, 53)[None]
ASKED = [Request("first", Prompt((Message("user", "ABC"),)), seed) for seed in range(8)]


def policy_of(adapters: bool) -> HFPolicy:
    torch.manual_seed(0)
    return HFPolicy(with_lora(model_of(), LoraConfig(rank=4)) if adapters else model_of(), TOKENIZER)


def learner_of(policy: HFPolicy, folder: Path, **trl: Any) -> Any:
    config = settings(name="policy_gradient", learning_rate=1e-2, trl=trl)
    return LEARNERS["policy_gradient"](policy.model, TOKENIZER, config, folder)


def logits(policy: HFPolicy) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = policy.model(IDS).logits.float()
    return found


@pytest.mark.parametrize("beta", [0.0, 0.1])  # with a reference, TRL keeps a second adapter in the same model
@pytest.mark.parametrize("adapters", [True, False])
def test_a_copy_stays_while_the_policy_goes_on_to_learn(tmp_path: Path, adapters: bool, beta: float) -> None:
    policy = policy_of(adapters)
    learner = learner_of(policy, tmp_path, beta=beta)
    learner.update(random_rows(16, 1), 1)
    before = logits(policy)
    copied = policy.snapshot()
    assert torch.equal(logits(copied), before)
    learner.update(random_rows(16, 2), 2)
    assert torch.equal(logits(copied), before)
    assert not torch.equal(logits(policy), before)
    assert not any(parameter.requires_grad for parameter in copied.model.parameters())
    assert [one.token_ids for one in copied.snapshot().generate(ASKED, Sampling(max_new_tokens=6))] == [
        one.token_ids for one in copied.generate(ASKED, Sampling(max_new_tokens=6))
    ]


def test_a_copy_with_adapters_lies_on_the_same_base(tmp_path: Path) -> None:
    policy = policy_of(True)
    own = {name: one.data_ptr() for name, one in policy.model.named_parameters()}
    copied = {name: one.data_ptr() for name, one in policy.snapshot().model.named_parameters()}
    assert copied.keys() == own.keys()
    assert all((copied[name] == own[name]) == ("lora_" not in name) for name in own)
    full = {one.data_ptr() for one in policy_of(False).snapshot().model.parameters()}
    assert full.isdisjoint(own.values())


@pytest.mark.parametrize("adapters", [True, False])
def test_a_policy_saved_is_restored_beside_the_one_that_goes_on(tmp_path: Path, adapters: bool) -> None:
    policy = policy_of(adapters)
    learner = learner_of(policy, tmp_path)
    learner.update(random_rows(16, 1), 1)
    learner.save(tmp_path / "past")
    then, state = logits(policy), digest(policy.model)
    learner.update(random_rows(16, 2), 2)
    now = weights(policy.model)
    past = policy.restored(tmp_path / "past")
    assert torch.equal(logits(past), then)
    assert digest(past.model) == state
    assert distance(weights(policy.model), now) == 0.0
    with pytest.raises(RecordError, match="nowhere"):
        policy.restored(tmp_path / "nowhere")


@pytest.mark.parametrize("lora", [None, LoraConfig(rank=4)])
def test_positions_are_not_rounded_with_the_weights_to_bfloat16(tmp_path: Path, lora: LoraConfig | None) -> None:
    model_of().save_pretrained(tmp_path)
    TOKENIZER.save_pretrained(tmp_path)
    model, tokenizer = load_model(ModelConfig(name="x", dtype="bfloat16", device="cpu", lora=lora), tmp_path)
    policy = HFPolicy(model, tokenizer)
    copied = policy.snapshot()
    assert {name: one.dtype for name, one in copied.model.named_buffers()} == {
        name: one.dtype for name, one in model.named_buffers()
    }
    assert torch.equal(logits(copied), logits(policy))
    assert copied.model.generation_config.to_dict() == model.generation_config.to_dict()
