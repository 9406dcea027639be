"""Making and loading models: from a config with random weights, or from a hub id or folder that the user names.

Both kinds are real `transformers` classes, saved and loaded alike. Nothing is downloaded unless the user gives a hub
id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    SmolLM3Config,
    SmolLM3ForCausalLM,
)

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

    Raises ConfigError with the key, the source and what to do if it cannot be read or is no causal language model.
    """
    source = str(source)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, padding_side="left")
        architecture = AutoConfig.from_pretrained(source)
        if not isinstance(architecture, tuple(AutoModelForCausalLM._model_mapping.keys())):
            raise ConfigError(
                f"model.name: {source} is a {architecture.model_type} model, expected a causal language model "
                f"(one that AutoModelForCausalLM of transformers loads)"
            )
        model = AutoModelForCausalLM.from_pretrained(source, dtype=getattr(torch, config.dtype))
    except (OSError, ValueError, KeyError, json.JSONDecodeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(
            f"model.name: cannot load {source} as a causal language model: {reason}. Expected a folder with "
            f"config.json, weights and tokenizer files, or the id of such a model on a hub that can be reached"
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.to(pick_device(config.device))
    return (with_lora(model, config.lora) if config.lora else model), tokenizer


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
