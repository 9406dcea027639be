"""Two models that begin alike: full ones, or two adapters on one frozen base. What is not trained moves by exactly
nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from learner_helpers import (
    TOKENIZER,
    demonstrations,
    digest,
    distance,
    model_of,
    random_rows,
    random_transcripts,
    settings,
    weights,
)

from selfplay.config import LoraConfig
from selfplay.learners import LEARNERS
from selfplay.models import twin, with_lora
from selfplay.types import Preference

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft, on transformers 5
CASES = [("supervised", {}), ("policy_gradient", {}), ("policy_gradient", {"beta": 0.1}), ("preference", {"beta": 0.3})]


def with_adapters(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return with_lora(model_of(), LoraConfig(rank=4, alpha=8.0))


def base_of(model: Any) -> dict[str, torch.Tensor]:
    return {name: parameter for name, parameter in model.named_parameters() if "lora_" not in name}


def adapters_of(model: Any) -> dict[str, torch.Tensor]:
    """Those that are trained: not a reference that a trainer keeps."""
    return {
        name: one.detach().clone() for name, one in model.named_parameters() if "lora_" in name and ".ref." not in name
    }


def rows(name: str, seed: int) -> Any:
    if name == "preference":
        texts = random_transcripts(48, seed)
        return [Preference(*pair) for pair in zip(texts[:24], texts[24:], strict=True)]
    return demonstrations(24, seed) if name == "supervised" else random_rows(24, seed)


def learner_of(name: str, model: Any, folder: Path, trl: dict[str, Any]) -> Any:
    return LEARNERS[name](model, TOKENIZER, settings(name=name, learning_rate=1e-2, trl=trl), folder)


def test_adapters_share_every_tensor_of_the_base_and_none_of_their_own() -> None:
    first = with_adapters()
    second = twin(first)
    mine, other = base_of(first), base_of(second)
    assert mine.keys() == other.keys()
    assert all(mine[name] is other[name] for name in mine)
    own, copied = adapters_of(first), dict(second.named_parameters())
    assert own
    assert distance(own, {name: copied[name].detach() for name in own}) == 0.0
    addresses = {parameter.data_ptr() for name, parameter in first.named_parameters() if "lora_" in name}
    assert addresses.isdisjoint(
        parameter.data_ptr() for name, parameter in second.named_parameters() if "lora_" in name
    )


@pytest.mark.parametrize(("name", "trl"), CASES)
def test_the_base_and_the_idle_adapter_move_by_exactly_nothing(tmp_path: Path, name: str, trl: dict[str, Any]) -> None:
    first = with_adapters()
    second = twin(first)
    learners = [learner_of(name, model, tmp_path / f"{n}", trl) for n, model in enumerate((first, second))]
    base = {key: value.detach().clone() for key, value in base_of(first).items()}
    for turn, (busy, idle) in enumerate(((first, second), (second, first), (first, second))):
        before, still = adapters_of(busy), adapters_of(idle)
        learners[0 if busy is first else 1].update(rows(name, turn), seed=turn)
        assert distance(before, adapters_of(busy)) > 0.0
        assert distance(still, adapters_of(idle)) == 0.0
        assert distance(base, {key: value.detach() for key, value in base_of(first).items()}) == 0.0
    assert distance(adapters_of(first), adapters_of(second)) > 0.0


@pytest.mark.parametrize(("name", "trl"), CASES)
def test_what_one_computes_does_not_depend_on_the_other(tmp_path: Path, name: str, trl: dict[str, Any]) -> None:
    """A run of two in turns ends as two runs of one."""
    alone = []
    for number in range(2):
        model = with_adapters()
        learner = learner_of(name, model, tmp_path / f"alone{number}", trl)
        for turn in range(2):
            learner.update(rows(name, 10 * number + turn), seed=turn)
        alone.append(adapters_of(model))
    first = with_adapters()
    pair = [first, twin(first)]
    learners = [learner_of(name, model, tmp_path / f"pair{n}", trl) for n, model in enumerate(pair)]
    for turn in range(2):
        for number, learner in enumerate(learners):
            learner.update(rows(name, 10 * number + turn), seed=turn)
    assert [distance(adapters_of(model), own) for model, own in zip(pair, alone, strict=True)] == [0.0, 0.0]


@pytest.mark.parametrize(("name", "trl"), CASES)
@pytest.mark.parametrize("adapters", [True, False])
def test_both_resume_exactly(tmp_path: Path, name: str, trl: dict[str, Any], adapters: bool) -> None:
    def pair_of(folder: str) -> tuple[list[Any], list[Any]]:
        first = with_adapters() if adapters else model_of()
        models = [first, twin(first)]
        return models, [learner_of(name, one, tmp_path / folder / f"{n}", trl) for n, one in enumerate(models)]

    models, learners = pair_of("whole")
    for number, learner in enumerate(learners):
        learner.update(rows(name, number), seed=number)
        learner.save(tmp_path / "saved" / f"{number}")
    again, resumed = pair_of("again")
    for number, learner in enumerate(resumed):
        learner.load(tmp_path / "saved" / f"{number}")
    for both in (learners, resumed):
        for number, learner in enumerate(both):
            learner.update(rows(name, 20 + number), seed=number)
    assert [digest(model) for model in again] == [digest(model) for model in models]


def test_a_full_twin_begins_as_the_first_and_shares_nothing(tmp_path: Path) -> None:
    first = model_of()
    second = twin(first)
    start = weights(first)
    assert distance(start, weights(second)) == 0.0
    learner_of("supervised", second, tmp_path, {}).update(demonstrations(24), seed=0)
    assert distance(start, weights(first)) == 0.0
    assert distance(start, weights(second)) > 0.0
    assert second.lm_head.weight is second.model.embed_tokens.weight
