"""Making and loading models: from a config with random weights, or from a hub id or folder that the user names.

Both kinds are real `transformers` classes, saved and loaded alike. Nothing is downloaded unless the user gives a hub
id.
"""

from __future__ import annotations

import copy
import json
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from safetensors import SafetensorError
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    SmolLM3Config,
    SmolLM3ForCausalLM,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, MODEL_FOR_MASKED_LM_MAPPING_NAMES

from selfplay.config import LoraConfig, ModelConfig, ScratchConfig
from selfplay.errors import ConfigError

PAD, END, UNKNOWN = "<pad>", "<end>", "<unknown>"
ROTARY_BASE = 10_000.0
"""Base of the rotary frequencies of models made from scratch: they see sequences of tens to hundreds of tokens."""


def pick_device(name: str) -> torch.device:
    """The device called `name`; `auto` is an accelerator if there is one, else the CPU."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def make_tokenizer(pieces: Sequence[str]) -> PreTrainedTokenizerFast:
    """A tokenizer that keeps each of `pieces` whole, longest first; any other character is `<unknown>`."""
    ordered = list(dict.fromkeys([PAD, END, UNKNOWN, *pieces]))
    tokenizer = Tokenizer(models.WordLevel({piece: index for index, piece in enumerate(ordered)}, unk_token=UNKNOWN))
    longest_first = sorted(pieces, key=len, reverse=True)
    pattern = "|".join([*map(re.escape, longest_first), r"(?m:.)"])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def make_model(scratch: ScratchConfig, tokenizer: PreTrainedTokenizerFast, seed: int) -> SmolLM3ForCausalLM:
    """A decoder with random weights: rotary or no positions layer by layer, tied embeddings, gated feed-forward."""
    rope_layers = scratch.rope_layers or [True] * scratch.num_layers
    config = SmolLM3Config(
        vocab_size=len(tokenizer),
        hidden_size=scratch.hidden_size,
        intermediate_size=scratch.intermediate_size,
        num_hidden_layers=scratch.num_layers,
        num_attention_heads=scratch.num_heads,
        num_key_value_heads=scratch.num_heads,
        no_rope_layers=[int(rotary) for rotary in rope_layers],
        rope_parameters={"rope_type": "default", "rope_theta": ROTARY_BASE},
        max_position_embeddings=scratch.max_positions,
        initializer_range=scratch.init_std,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed % 2**63)
        return SmolLM3ForCausalLM(config)


def load_model(config: ModelConfig, source: str | Path) -> tuple[Any, Any]:
    """Model and tokenizer from `source`, a folder or a hub id, on the configured device with LoRA if asked for.

    A folder of adapters, such as a run with LoRA leaves, is loaded with the model beneath and merged into it. Raises
    ConfigError with the key, the source and what to do if it cannot be read or is no causal language model.
    """
    source = str(source)
    tokenizer = open_source(source)
    model = _weights(source, getattr(torch, config.dtype))
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.to(pick_device(config.device))
    return (with_lora(model, config.lora) if config.lora else model), tokenizer


def _weights(source: str, dtype: torch.dtype) -> Any:
    """The model of `source` on the CPU, adapters merged. Raises ConfigError."""
    if beneath := beneath_adapters(source):
        from peft import PeftModel

        base = _weights(beneath, dtype)
        with _explained(source):
            model = PeftModel.from_pretrained(base, source).merge_and_unload().requires_grad_(True)
        model.config._name_or_path = model.name_or_path = source  # what adapters trained on top of it will name
        # peft looks for a vocabulary beside them, whenever they are saved: there is none, and none was changed
        warnings.filterwarnings("ignore", "Could not find a config file in", UserWarning)
        return model
    with _explained(source):
        model, loading = AutoModelForCausalLM.from_pretrained(source, dtype=dtype, output_loading_info=True)
    if missing := sorted(loading["missing_keys"]):
        raise ConfigError(
            f"model.name: {source} has no weights for {len(missing)} tensors of its model, such as {missing[0]}: they "
            f"would be random. {_EXPECTED}"
        )
    return model


def beneath_adapters(source: str | Path) -> str | None:
    """What the adapters of a folder lie on, a folder or a hub id; None for whole models. Raises ConfigError."""
    file = Path(source) / "adapter_config.json"
    if not file.is_file() or (Path(source) / "config.json").is_file():
        return None
    try:
        beneath = json.loads(file.read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"model.name: {file} cannot be read: {error!r}, expected what peft writes") from error
    if not beneath or str(beneath) == str(source):
        raise ConfigError(f"model.name: {source} has adapters that name no model beneath them, expected one that does")
    return str(beneath)


def open_source(source: str | Path) -> Any:
    """The tokenizer of `source`, whose model is known to be a causal language model; reads no weights.

    Raises ConfigError as `load_model` does.
    """
    source = str(source)
    if beneath := beneath_adapters(source):
        open_source(beneath)
        with _explained(source):
            return AutoTokenizer.from_pretrained(source, padding_side="left")
    with _explained(source):
        architecture = AutoConfig.from_pretrained(source)
        kind = architecture.model_type
        # Encoders such as BERT have a causal class too, which is meant for models trained as decoders.
        is_encoder = kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(architecture, "is_decoder", False)
        if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or is_encoder:
            raise ConfigError(
                f"model.name: {source} is a {kind} model, expected a causal language model "
                f"(one that AutoModelForCausalLM of transformers loads)"
            )
        return AutoTokenizer.from_pretrained(source, padding_side="left")


_EXPECTED = (
    "Expected a folder with config.json, weights and tokenizer files, or the id of such a model on a hub that can be "
    "reached"
)


@contextmanager
def _explained(source: str) -> Iterator[None]:
    """Turn whatever transformers raises for a missing, cut or foreign file into a message."""
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, SafetensorError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".! ")
        raise ConfigError(
            f"model.name: cannot load {source} as a causal language model: {reason}. {_EXPECTED}"
        ) from error


def twin(model: Any) -> Any:
    """A second model that begins as the first and can be trained apart from it.

    What can be trained is copied, what is frozen is shared: of a model with LoRA the twin has adapters of its own on
    the very same base, once in memory. Take it before a trainer is built on `model`: a copy of a `forward` that a
    trainer has put there would run the original's weights.
    """
    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    return copy.deepcopy(model, {id(parameter): parameter for parameter in frozen})


def frozen_copy(model: Any) -> Any:
    """A model with the present weights that nothing trains; what lies frozen beneath adapters is shared, not copied.

    It is built anew and handed the tensors, positions' tables included and in their own number formats: a deep copy
    would run what a trainer has put on `forward`, and casting a whole model to bfloat16 would round its positions.
    """
    adapted = hasattr(model, "peft_config")
    inner = model.get_base_model() if adapted else model
    with init_empty_weights(include_buffers=False):
        copied = type(inner)(copy.deepcopy(inner.config))
        if adapted:
            from peft import get_peft_model

            copied = get_peft_model(copied, copy.deepcopy(model.peft_config["default"]))
    shared = {
        name
        for name, _ in model.named_parameters(remove_duplicate=False)
        if adapted and model.base_model.prefix not in name
    }
    state = model.state_dict()
    wanted = {name: state[name] for name in copied.state_dict()}  # no reference that a trainer keeps among the adapters
    copied.load_state_dict({name: one if name in shared else one.clone() for name, one in wanted.items()}, assign=True)
    own = copied.get_base_model() if adapted else copied
    own.tie_weights()
    own.generation_config = copy.deepcopy(inner.generation_config)
    for name, buffer in model.named_buffers():
        place, _, attribute = name.rpartition(".")
        copied.get_submodule(place).register_buffer(attribute, buffer.clone(), persistent=name in state)
    return copied.requires_grad_(False)


def count_change(model: Any) -> None:
    """Note that the weights of `model` are others now, for whoever keeps a copy of them elsewhere (`num_changes`)."""
    model.num_changes = num_changes(model) + 1


def num_changes(model: Any) -> int:
    """How often learners have changed the weights of `model` since it was made or loaded."""
    return int(getattr(model, "num_changes", 0))


def with_lora(model: Any, lora: LoraConfig) -> Any:
    """`model` with one trainable low-rank adapter (Hu et al. 2106.09685); everything else is frozen."""
    from peft import LoraConfig as PeftConfig
    from peft import get_peft_model

    return get_peft_model(
        model,
        PeftConfig(
            r=lora.rank,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            target_modules=lora.target_modules,
            task_type="CAUSAL_LM",
        ),
    )
