"""What a run with LoRA leaves is a model like any other: to go on from, to learn from, to ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from learner_helpers import TOKENIZER, demonstrations, model_of, settings

from selfplay.config import LoraConfig, ModelConfig
from selfplay.errors import ConfigError
from selfplay.learners.supervised import SupervisedLearner
from selfplay.models import load_model, open_source

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft, on transformers 5
IDS = torch.arange(3, 53)[None]
PLAIN = ModelConfig(name="x", device="cpu")
ADAPTED = ModelConfig(name="x", device="cpu", lora=LoraConfig(rank=4))


def trained_on(source: Path, folder: Path) -> Any:
    """The model of `source` with adapters that were trained and saved in `folder`."""
    model, tokenizer = load_model(ADAPTED, source)
    learner = SupervisedLearner(model, tokenizer, settings(learning_rate=1e-2), folder.with_name("trainer"))
    learner.update(demonstrations(16), 0)
    learner.save(folder)
    return model


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(IDS).logits
    return found


@pytest.fixture
def base(tmp_path: Path) -> Path:
    model_of().save_pretrained(tmp_path / "base")
    TOKENIZER.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def test_adapters_are_merged_into_what_lies_beneath_them_and_adapters_may_lie_on_adapters(
    base: Path, tmp_path: Path
) -> None:
    first = trained_on(base, tmp_path / "first")
    second = trained_on(tmp_path / "first", tmp_path / "second")
    assert json.loads((tmp_path / "second" / "adapter_config.json").read_text())["base_model_name_or_path"] == str(
        tmp_path / "first"
    )
    for model, name in ((first, "first"), (second, "second")):
        loaded, tokenizer = load_model(PLAIN, tmp_path / name)
        assert not hasattr(loaded, "peft_config")
        assert all(parameter.requires_grad for parameter in loaded.parameters())
        assert torch.allclose(logits(loaded), logits(model), atol=1e-5)
        assert tokenizer.get_vocab() == TOKENIZER.get_vocab() == open_source(tmp_path / name).get_vocab()
    assert not torch.allclose(logits(first), logits(second), atol=1e-3)


@pytest.mark.parametrize("beneath", [None, "", "nowhere/at/all"])
def test_adapters_without_their_base_are_refused_by_name(base: Path, tmp_path: Path, beneath: str | None) -> None:
    trained_on(base, tmp_path / "first")
    file = tmp_path / "first" / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "base_model_name_or_path": beneath}))
    for use in (open_source, lambda source: load_model(PLAIN, source)):
        with pytest.raises(ConfigError, match=beneath or r"adapters that name no model beneath them"):
            use(tmp_path / "first")
