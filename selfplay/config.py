"""A run's configuration: what a YAML file may say, read, checked and written back.

Contract: `load_config` turns a file and `key.path=value` overrides into a frozen `RunConfig`; `build` does the checking
for any frozen dataclass, so an environment's or a recipe's own options are held to the same rules; `resolved` and
`dump_yaml` write what `load_config` reads back as an equal configuration. Every mistake is one line with the file (or
override) it stands in, the full path of its key, what was got and what was expected; all mistakes of a file come
together in one `ConfigError`. Nothing is coerced: "3" and true are not numbers, 3.0 is not a whole number; a whole
number is accepted where a number is wanted.

What this module does not do: it does not know which recipes, environments or models exist, and it does not look at the
machine or import torch. The composition root checks names (with `nearest` for the message).
"""

from __future__ import annotations

import difflib
import functools
import json
import math
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from enum import Enum
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from selfplay.errors import ConfigError

T = TypeVar("T")

Whole = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1)]
Flag = Annotated[bool | Literal[0, 1], Field(description="true, false, 1 or 0")]
Device = Annotated[
    str,
    Field(pattern=r"^(auto|cpu|mps|cuda(:[0-9]+)?)$", description="auto, cpu, mps, cuda or cuda:N (a device number)"),
]


class FieldError(ValueError):
    """Raised in `__post_init__` of a configuration dataclass: the values are of the right kind but do not go together.

    `key` names the field (or "" for the whole section); `build` adds the path in front of it.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


# The shapes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EnvConfig:
    """Which environment poses the problems."""

    name: Name
    """Name of the environment; the composition root looks it up."""
    options: dict[str, Any] = field(default_factory=dict)
    """The environment's own options, checked by its own frozen dataclass through `build`."""


@dataclass(frozen=True, slots=True)
class ScratchConfig:
    """Shape of a decoder with gated feed-forward blocks and tied embeddings, made with random weights."""

    hidden_size: Count = 64
    """Width of the residual stream; a multiple of `num_heads`."""
    intermediate_size: Count = 192
    """Width of the feed-forward blocks."""
    num_layers: Count = 2
    """Number of decoder layers."""
    num_heads: Count = 2
    """Attention heads in each layer; every head has its own keys and values."""
    rope_layers: list[Flag] | None = None
    """For each layer, whether it uses rotary positions, e.g. [1, 0]; null: every layer does."""
    max_positions: Count = 512
    """Longest sequence, prompt and completion together, in tokens."""
    init_std: Positive = 0.05
    """Standard deviation of the random weights."""

    def __post_init__(self) -> None:
        if self.hidden_size % (2 * self.num_heads):
            raise FieldError(
                "hidden_size",
                f"got {self.hidden_size}, expected a multiple of {2 * self.num_heads} (2 * num_heads: rotary positions "
                "pair up the entries of a head)",
            )
        if self.rope_layers is not None and len(self.rope_layers) != self.num_layers:
            raise FieldError(
                "rope_layers",
                f"got {len(self.rope_layers)} entries, expected {self.num_layers}: one for each layer",
            )


@dataclass(frozen=True, slots=True)
class LoraConfig:
    """Low-rank adapters (Hu et al. 2021) instead of training all weights."""

    rank: Count = 16
    """Rank of each adapter."""
    alpha: Positive = 32.0
    """Scale of the adapters; they are multiplied by alpha / rank."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Dropout on the adapters' inputs."""
    target_modules: list[Name] | Literal["all-linear"] = "all-linear"
    """Names of the modules that get an adapter, or all-linear for every linear layer but the output head."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The model that proposes and solves, where it lives, and how it generates."""

    name: Name | None = None
    """Hub id or local folder of a trained model; null: made from scratch. Exactly one of `name` and `scratch`."""
    scratch: ScratchConfig | None = None
    """Shape of a model with random weights, which the bootstrap then warms up."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """Number format of the weights."""
    device: Device = "auto"
    """auto (an accelerator if there is one), cpu, mps, cuda or cuda:N."""
    lora: LoraConfig | None = None
    """Train low-rank adapters; null: train all weights."""
    threads: Whole = 0
    """Threads that torch may use in each process; 0 leaves torch's own choice."""
    sampler: Literal["compact", "hf"] = "hf"
    """hf: `generate` of transformers; compact: a sampler for small models that drops finished rows."""
    generation_batch: Count = 512
    """Most sequences generated together in each process."""

    def __post_init__(self) -> None:
        if (self.name is None) == (self.scratch is None):
            got = "neither" if self.name is None else "both"
            raise FieldError(
                "",
                f"got {got} of name and scratch, expected exactly one: name for a trained model, scratch "
                "({} takes its defaults) for one made from random weights",
            )


@dataclass(frozen=True, slots=True)
class CriterionConfig:
    """When the bootstrap may stop; all conditions must hold together."""

    accuracy: Share = 0.8
    """At least this share of held-out problems of the seed levels is solved greedily."""
    valid: Share = 0.3
    """At least this share of sampled proposals is a well-formed problem."""
    next_level_pass: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """pass@k one level beyond the seed levels must be more than this: from an exact zero self-play cannot start."""
    attempts: Count = 8
    """k of that pass@k."""
    problems: Count = 64
    """Problems with which each condition is measured."""
    min_steps: Whole = 0
    """Optimizer steps before the first check."""


@dataclass(frozen=True, slots=True)
class BootstrapConfig:
    """Supervised warm-up on problems drawn from the easiest levels, until self-play can start."""

    learning_rate: Positive
    """Peak learning rate (of AdamW; with learner.optimizer muon, of the weights that Muon does not take)."""
    max_steps: Count
    """Optimizer steps after which the run stops with a message if the criterion does not hold."""
    optimizer: Literal["adamw", "muon"] | None = None
    """Optimizer of the bootstrap; null: `learner.optimizer`."""
    muon_learning_rate: Positive | None = None
    """Peak learning rate of the weights that Muon takes; needed with optimizer muon."""
    cooldown_steps: Whole = 100
    """Steps after the criterion holds, over which the learning rate falls to a tenth."""
    seed_levels: tuple[Whole, Whole] = (1, 4)
    """[easiest, hardest] level of the seed problems, both included."""
    num_problems: Count = 4000
    """Seed problems, over all seed levels."""
    batch_size: Count = 128
    """Sequences in each optimizer step, over all processes."""
    warmup_steps: Whole = 100
    """Steps over which the learning rate rises from zero."""
    check_every: Count = 50
    """Steps from one check of the criterion to the next."""
    proposer_share: Share = 0.2
    """Share of the sequences that teach to propose; the rest teach to solve."""
    filler: Whole = 4
    """Most harmless insertions in a seed problem as shown to the solver (`Environment.solver_prompt`)."""
    criterion: CriterionConfig = field(default_factory=CriterionConfig)
    """When it may stop early."""

    def __post_init__(self) -> None:
        low, high = self.seed_levels
        if low > high:
            raise FieldError("seed_levels", f"got [{low}, {high}], expected [easiest, hardest] with easiest <= hardest")
        if self.criterion.min_steps > self.max_steps:
            raise FieldError(
                "criterion.min_steps", f"got {self.criterion.min_steps}, expected at most max_steps ({self.max_steps})"
            )


@dataclass(frozen=True, slots=True)
class LearnerConfig:
    """How credited transcripts become a better model."""

    learning_rate: Positive
    """Peak learning rate (of AdamW; with muon, of the weights that Muon does not take)."""
    batch_size: Count
    """Sequences in each optimizer step, over all processes."""
    name: Literal["supervised", "policy_gradient"] = "supervised"
    """supervised imitates demonstrations; policy_gradient weights transcripts by their advantage."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """muon: Muon for the matrices, AdamW for embeddings and norms."""
    muon_learning_rate: Positive | None = None
    """Peak learning rate of the weights that Muon takes; needed with optimizer muon."""
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.98)
    """Decay rates of AdamW's two averages."""
    weight_decay: NonNegative = 0.01
    """Decoupled weight decay."""
    max_grad_norm: Positive = 1.0
    """Gradients longer than this are scaled down to it."""
    round_end_rate: Share = 1.0
    """Share of the learning rate left at the end of each round's update, linear within it; 1 is constant."""
    anneal_share: Share = 0.0
    """Last part of the run over which the learning rate falls linearly to `anneal_to`; 0: never."""
    anneal_to: Share = 0.1
    """Share of the learning rate left at the end of the run."""
    between_rounds: Literal["carry", "reset", "from_base"] = "carry"
    """carry keeps the optimizer's state, reset drops it, from_base drops it and starts again from the first weights."""
    micro_batch_size: Count | None = None
    """Sequences in each forward pass of one process; null: the whole share of the batch at once."""
    trl: dict[str, Any] = field(default_factory=dict)
    """Passed untouched to the TRL trainer's configuration."""

    def __post_init__(self) -> None:
        if self.optimizer == "muon" and self.muon_learning_rate is None:
            raise FieldError("muon_learning_rate", "got null, expected a number > 0, because optimizer is muon")
        if self.micro_batch_size is not None and self.micro_batch_size > self.batch_size:
            raise FieldError(
                "micro_batch_size", f"got {self.micro_batch_size}, expected at most batch_size ({self.batch_size})"
            )


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """Held-out problems that no round ever trains on."""

    every: Whole = 5
    """Rounds from one evaluation to the next; 0: only before the first round and after the last."""
    num_problems: Count = 200
    """Held-out problems at each level."""
    levels: Annotated[list[Whole], Field(min_length=1)] | None = None
    """Levels that are evaluated; null: all levels of the environment."""
    batch_size: Count | None = None
    """Problems generated together in each process; null: `model.generation_batch`."""
    max_new_tokens: Count = 64
    """Longest answer, in tokens."""


@dataclass(frozen=True, slots=True)
class WandbConfig:
    """Where Weights & Biases files the run; used when `report_to` names it."""

    project: Name = "selfplay"
    """Project name."""
    group: str | None = None
    """Group of runs that belong together, such as the seeds of one experiment."""
    job_type: Name = "train"
    """Kind of run."""
    tags: list[Name] = field(default_factory=list)
    """Words to find the run by."""


@dataclass(frozen=True, slots=True)
class VerifierConfig:
    """The worker processes that judge answers."""

    num_workers: Count = 1
    """Worker processes."""
    deadline_s: Positive = 5.0
    """Seconds after which one judgement is stopped."""
    memory_mb: Count = 1024
    """Memory that one worker may use, in MiB."""


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Everything that one run depends on."""

    recipe: Name
    """Name of the recipe; the composition root looks it up."""
    rounds: Count
    """Rounds of self-play."""
    env: EnvConfig
    """Which environment poses the problems."""
    model: ModelConfig
    """The model."""
    learner: LearnerConfig
    """How it is trained."""
    seed: Whole = 0
    """Seed from which every random choice of the run is derived by name."""
    token_budget: Whole = 0
    """The run ends after the round in which this many tokens are used (generated x 1 + trained x 3); 0: no budget."""
    bootstrap: BootstrapConfig | None = None
    """Warm-up before the first round; required with `model.scratch`, allowed with `model.name`."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """Held-out evaluation."""
    options: dict[str, Any] = field(default_factory=dict)
    """The recipe's own options, checked by its own frozen dataclass through `build`."""
    report_to: list[Literal["wandb"]] = field(default_factory=list)
    """Services that mirror the metrics."""
    wandb: WandbConfig = field(default_factory=WandbConfig)
    """Settings of that mirror."""
    checkpoint_every: Count = 1
    """Rounds from one checkpoint to the next."""
    keep_checkpoints: Count = 2
    """Newest checkpoints that are kept; older ones are deleted."""
    verifier: VerifierConfig = field(default_factory=VerifierConfig)
    """The worker processes that judge answers."""

    def __post_init__(self) -> None:
        if self.model.scratch is not None and self.bootstrap is None:
            raise FieldError(
                "bootstrap",
                "got nothing, expected a mapping with learning_rate and max_steps, because model.scratch has random "
                "weights that must be warmed up",
            )
        start = self.bootstrap
        if start is not None and (start.optimizer or self.learner.optimizer) == "muon" and not start.muon_learning_rate:
            raise FieldError(
                "bootstrap.muon_learning_rate",
                "got null, expected a number > 0, because the optimizer (of bootstrap, or else of learner) is muon",
            )


# Messages ------------------------------------------------------------------------------------------------------------


def nearest(name: str, choices: Iterable[str]) -> str:
    """The end of a message about an unknown name: the most similar choice, if one is similar, and all choices.

    >>> nearest("adam", ["adamw", "muon"])
    'did you mean adamw? one of adamw, muon'
    """
    names = [str(choice) for choice in choices]
    if not names:
        return "there is none to choose from"
    return f"{_did_you_mean(name, names)} one of {', '.join(names)}".lstrip()


def _did_you_mean(name: str, choices: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, choices, n=1)
    return f"did you mean {close[0]}?" if close else ""


@dataclass(frozen=True, slots=True)
class _Mistake:
    path: str
    text: str
    origin: str = ""
    """File or override; "" where the path tells it (see `_report`)."""


def _report(mistakes: Sequence[_Mistake], origins: Mapping[str, str], default: str) -> ConfigError:
    """One line a mistake: origin, path, text. The origin of a path is that of its longest known prefix."""
    lines = []
    for mistake in mistakes:
        path = mistake.path
        while path and path not in origins:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        origin = mistake.origin or origins.get(path, default)
        lines.append(": ".join(part for part in (origin, mistake.path, mistake.text) if part))
    return ConfigError("\n".join(lines))


def _got(value: object) -> str:
    """`got "3" (text)`: a value as YAML would show it, shortened, and what kind of value it is."""
    shown = json.dumps(value, ensure_ascii=False, default=str, skipkeys=True)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if value is None or isinstance(value, bool):
        return f"got {shown}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"got {shown} (not a finite number)"
    kinds = (
        (Mapping, "a mapping"),
        (list | tuple, "a list"),
        (int, "a whole number"),
        (float, "a number"),
        (str, "text"),
    )
    return f"got {shown} ({next((kind for cls, kind in kinds if isinstance(value, cls)), type(value).__name__)})"


def _metadata(annotation: Any) -> tuple[Any, list[Any]]:
    """An annotation without `Annotated`, and its constraints and description as flat objects."""
    if get_origin(annotation) is not Annotated:
        return annotation, []
    base, *extra = get_args(annotation)
    return base, [item for one in extra for item in (one, *getattr(one, "metadata", ()))]


def _bounds(metadata: Sequence[Any]) -> str:
    """` >= 1 and < 2`: constraints in words; "" if there are none."""
    texts = [
        f"{sign} {getattr(item, key)}"
        for item in metadata
        for key, sign in (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))
        if getattr(item, key, None) is not None
    ]
    sizes = [getattr(item, "min_length", None) for item in metadata]
    texts += [f"of length at least {size}" for size in sizes if size]
    return " " + " and ".join(texts) if texts else ""


def _expected(annotation: Any) -> str:
    """What a type accepts, in words."""
    base, metadata = _metadata(annotation)
    described = [item.description for item in metadata if getattr(item, "description", None)]
    if described:
        return str(described[0])
    origin, arguments = get_origin(base), get_args(base)
    if origin in (Union, types.UnionType):
        return " or ".join(_expected(argument) for argument in arguments)
    if origin is Literal:
        return ("one of " if len(arguments) > 1 else "") + ", ".join(map(str, arguments))
    if origin is tuple and Ellipsis not in arguments:
        return f"a list of {len(arguments)}: [{', '.join(map(_expected, arguments))}]"
    if origin in (list, tuple, Sequence, set, frozenset):
        return f"a list{_bounds(metadata)}" + (f" (each item {_expected(arguments[0])})" if arguments else "")
    if is_dataclass(base):
        required = [one.name for one in fields(base) if _is_required(one)]
        return "a mapping" + (f" with {', '.join(required)}" if required else "")
    if isinstance(base, type) and issubclass(base, Enum):
        return "one of " + ", ".join(str(member.value) for member in base)
    words = {
        int: "a whole number",
        float: "a number",
        str: "text",
        bool: "true or false",
        type(None): "null",
        Any: "plain data",
    }
    if (origin or base) in (dict, Mapping):
        return "a mapping"
    return words.get(base, getattr(base, "__name__", str(base))) + _bounds(metadata)


# Checking ------------------------------------------------------------------------------------------------------------

_STRICT = ConfigDict(strict=True, allow_inf_nan=False)
_LISTS = (list, tuple, Sequence)


def build(cls: type[T], data: object, path: str = "") -> T:
    """An instance of the frozen dataclass `cls` from plain data (mappings, lists, text, numbers, true/false, null).

    `cls` must be defined at the top level of a module; unknown keys are refused, nested dataclasses are built the same
    way, and a `ValueError` (or `FieldError`) from `__post_init__` is reported like any other mistake. `path` is put in
    front of every key in the messages. Raises `ConfigError` with one line for each mistake.
    """
    mistakes: list[_Mistake] = []
    instance = _section(cls, data, path, mistakes)
    if mistakes:
        raise _report(mistakes, {}, "")
    return cast(T, instance)


def _is_required(one: Any) -> bool:
    return bool(one.init and one.default is MISSING and one.default_factory is MISSING)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


def _section(cls: Any, data: object, path: str, mistakes: list[_Mistake]) -> Any:
    """A dataclass from a mapping; None after a mistake."""
    if not isinstance(data, Mapping):
        mistakes.append(_Mistake(path, f"{_got(data)}, expected {_expected(cls)}"))
        return None
    known = [one for one in fields(cls) if one.init]
    names = [one.name for one in known]
    before, meant, values = len(mistakes), set(), {}
    for key in data:
        if key not in names:
            mistakes.append(_Mistake(_join(path, str(key)), _unknown(str(key), names)))
            meant.update(difflib.get_close_matches(str(key), names, n=1))
    for one in known:
        where, hint = _join(path, one.name), _hints(cls)[one.name]
        if one.name in data:
            values[one.name] = _value(hint, data[one.name], where, mistakes)
        elif _is_required(one) and one.name not in meant:  # a misspelt required key is one mistake, not two
            mistakes.append(_Mistake(where, f"got nothing (the key is missing), expected {_expected(hint)}"))
    if len(mistakes) > before:
        return None
    try:
        return cls(**values)
    except FieldError as error:
        mistakes.append(_Mistake(_join(path, error.key) if error.key else path, str(error)))
    except ValueError as error:
        mistakes.append(_Mistake(path, str(error)))
    return None


def _unknown(key: str, names: Sequence[str]) -> str:
    expected = f"one of {', '.join(names)}" if names else "no keys here"
    return "; ".join(part for part in (f"got an unknown key, expected {expected}", _did_you_mean(key, names)) if part)


def _value(hint: Any, value: object, path: str, mistakes: list[_Mistake], expected: str = "") -> Any:
    """A value of the annotated type; sections, lists and mappings are walked so that a mistake has its exact path."""
    base, metadata = _metadata(hint)
    expected = expected or _expected(hint)
    origin, arguments = get_origin(base), get_args(base)
    if origin in (Union, types.UnionType):
        others = [argument for argument in arguments if argument is not type(None)]
        if value is None and len(others) < len(arguments):
            return None
        if len(others) == 1:
            return _value(others[0], value, path, mistakes, expected)
    elif is_dataclass(base):
        return _section(base, value, path, mistakes)
    elif base is Any:
        return _plain(value, path, mistakes)
    elif (origin or base) in (dict, Mapping):
        return _mapping(arguments[1] if arguments else Any, value, path, mistakes, expected)
    elif (origin or base) in _LISTS:
        return _list(base, metadata, value, path, mistakes, expected)
    return _leaf(hint, value, path, mistakes, expected)


def _mapping(item: Any, value: object, path: str, mistakes: list[_Mistake], expected: str) -> Any:
    if not isinstance(value, Mapping):
        mistakes.append(_Mistake(path, f"{_got(value)}, expected {expected}"))
        return None
    for key in value:
        if not isinstance(key, str):
            mistakes.append(_Mistake(_join(path, str(key)), f"{_got(key)} as a key, expected text: put it in quotes"))
    return {key: _value(item, one, _join(path, str(key)), mistakes) for key, one in value.items()}


def _list(base: Any, metadata: list[Any], value: object, path: str, mistakes: list[_Mistake], expected: str) -> Any:
    arguments = get_args(base)
    is_fixed = (get_origin(base) or base) is tuple and arguments and Ellipsis not in arguments
    if not isinstance(value, (list, tuple)) or (is_fixed and len(value) != len(arguments)):
        mistakes.append(_Mistake(path, f"{_got(value)}, expected {expected}"))
        return None
    hints = arguments if is_fixed else [arguments[0] if arguments else Any] * len(value)
    before = len(mistakes)
    items = [
        _value(hint, one, f"{path}[{i}]", mistakes) for i, (hint, one) in enumerate(zip(hints, value, strict=True))
    ]
    made = tuple(items) if (get_origin(base) or base) is tuple else items
    if metadata and len(mistakes) == before:
        try:
            TypeAdapter(Annotated[(type(made), *metadata)]).validate_python(made)  # type: ignore[arg-type, misc, valid-type, unused-ignore]
        except ValidationError:
            mistakes.append(_Mistake(path, f"{_got(value)}, expected {expected}"))
    return made


def _plain(value: object, path: str, mistakes: list[_Mistake]) -> Any:
    """Data for somebody else's check: anything YAML can say, with text keys."""
    if isinstance(value, Mapping):
        return _mapping(Any, value, path, mistakes, "")
    if isinstance(value, (list, tuple)):
        return [_plain(one, f"{path}[{i}]", mistakes) for i, one in enumerate(value)]
    if not isinstance(value, (str, int, float, bool, types.NoneType)):
        mistakes.append(_Mistake(path, f"{_got(value)}, expected plain data (text, numbers, lists, mappings)"))
    return value


def _leaf(hint: Any, value: object, path: str, mistakes: list[_Mistake], expected: str) -> Any:
    base, _ = _metadata(hint)
    if get_origin(base) is Literal:
        for choice in get_args(base):  # by type too: in Python True == 1
            if choice == value and type(choice) is type(value):
                return choice
        meant = _did_you_mean(str(value), [str(choice) for choice in get_args(base)])
        mistakes.append(_Mistake(path, f"{_got(value)}, expected {expected}" + (f"; {meant}" if meant else "")))
        return None
    try:
        # Through JSON, because there pydantic's strict mode takes exactly what YAML can say for a type (text for an
        # enumeration member, a list for a set), and still coerces nothing.
        return TypeAdapter(hint, config=_STRICT).validate_json(json.dumps(value))
    except (ValidationError, TypeError, ValueError):
        mistakes.append(_Mistake(path, f"{_got(value)}, expected {expected}"))
        return None


def resolved(config: object) -> dict[str, Any]:
    """A configuration dataclass as plain data, every default written out; `build(type(config), …)` gives it back."""
    if not is_dataclass(config) or isinstance(config, type):
        raise TypeError(f"expected an instance of a configuration dataclass, got {type(config).__name__}")
    return {one.name: _plain_data(getattr(config, one.name)) for one in fields(config) if one.init}


def _plain_data(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return resolved(value)
    if isinstance(value, Mapping):
        return {key: _plain_data(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain_data(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, PurePath) else value


# Files and overrides --------------------------------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema: 2e-3 is a number, 010 is ten, and on, yes, 1:30 and 2026-01-01 are text."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  PyYAML's own attribute, filled below


class _Dumper(yaml.SafeDumper):
    """Quotes every text that PyYAML's own rules or `_Loader` would read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, data: str) -> yaml.ScalarNode:
        # Unicode's other line breaks survive only as escapes, which only double quotes have.
        style = '"' if re.search("[\x85\u2028\u2029\ufeff]", data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


_SCALARS: dict[str, tuple[str, str, Callable[[str], Any]]] = {
    # tag: (pattern, possible first characters, reader)
    "null": (r"~|null|Null|NULL|", "~nN", lambda text: None),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF", lambda text: text.lower() == "true"),
    "int": (
        r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
        "-+0123456789",
        lambda text: int(text, 0 if text[:2] in ("0o", "0x") else 10),
    ),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
        lambda text: float(re.sub(r"\.(?=[a-zA-Z])", "", text)),
    ),
}


def _install(tag: str, pattern: str, first: str, read: Callable[[str], Any]) -> None:
    tag = f"tag:yaml.org,2002:{tag}"
    for one in (_Loader, _Dumper):
        one.add_implicit_resolver(tag, re.compile(rf"(?:{pattern})\Z"), [*first, *([""] if "~" in first else [])])

    def construct(loader: _Loader, node: yaml.ScalarNode) -> Any:
        return read(str(loader.construct_scalar(node)))

    _Loader.add_constructor(tag, construct)


for _tag, (_pattern, _first, _read) in _SCALARS.items():
    _install(_tag, _pattern, _first, _read)


def dump_yaml(data: Mapping[str, Any]) -> str:
    """Plain data as YAML text that `load_config` (and any YAML reader) reads back unchanged; keys stay in order."""
    return str(yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig:
    """The run that the YAML file at `path` describes, changed by `overrides`.

    A file may name another with `extends: other.yaml`, relative to itself: mappings are merged key by key, anything
    else replaces what it extends. Each override is `key.path=value`, with the value written as in YAML; a later one
    wins, and a mapping given as a value replaces the whole section. Raises `ConfigError` with one line a mistake.
    """
    mistakes: list[_Mistake] = []
    origins: dict[str, str] = {}
    data = _read_file(Path(path), (), origins, mistakes)
    for text in overrides:
        _override(data, text, origins, mistakes)
    config = _section(RunConfig, data, "", mistakes)
    if mistakes:
        raise _report(mistakes, origins, str(path))
    return cast(RunConfig, config)


def _read_file(
    path: Path, chain: tuple[Path, ...], origins: dict[str, str], mistakes: list[_Mistake]
) -> dict[str, Any]:
    """A file's data with what it extends merged beneath; `chain` are the files that led here."""
    if path.resolve() in [one.resolve() for one in chain]:
        circle = " extends ".join(map(str, (*chain, path)))
        raise ConfigError(
            f"{chain[-1]}: extends: got a circle ({circle}), expected a file that does not lead back here"
        )
    data = _parse(_read_text(path, chain), str(path), mistakes)
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: {_got(data)}, expected {_expected(RunConfig)}")
    base = data.pop("extends", None)
    beneath: dict[str, Any] = {}
    if isinstance(base, str):
        beneath = _read_file(path.parent / base, (*chain, path), origins, mistakes)
    elif base is not None:
        mistakes.append(_Mistake("extends", f"{_got(base)}, expected the name of a YAML file", str(path)))
    origins.update(dict.fromkeys(_paths(data), str(path)))
    return _merge(beneath, data)


def _read_text(path: Path, chain: tuple[Path, ...]) -> str:
    at = f"{chain[-1]}: extends: " if chain else ""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        folder = path.parent
        there = sorted(one.name for one in folder.glob("*.y*ml")) if folder.is_dir() else []
        hint = f"; in {folder}: {nearest(path.name, there)}" if there else ""
        raise ConfigError(f"{at}{path}: got no such file, expected a YAML file{hint}") from None
    except IsADirectoryError:
        raise ConfigError(f"{at}{path}: got a directory, expected a YAML file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{at}{path}: got bytes that are not UTF-8 text (at byte {error.start}), expected YAML"
        ) from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise ConfigError(f"{at}{path}: cannot be read ({reason}), expected a YAML file") from None


def _parse(text: str, origin: str, mistakes: list[_Mistake], path: str = "") -> Any:
    """YAML text, the value of the key `path`, as plain data.

    Keys given twice go to `mistakes`; what is not YAML raises `ConfigError`.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check_nodes(node, path, origin, (), set(), mistakes)
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"{origin}: {where}not YAML: {what}") from None
    except yaml.reader.ReaderError as error:
        lines = text[: error.position].split("\n")
        where = f"line {len(lines)}, column {len(lines[-1]) + 1}"
        raise ConfigError(f"{origin}: {where}: not YAML: a character that text may not contain") from None
    except RecursionError:
        raise ConfigError(f"{origin}: not usable: lists or mappings are nested too deeply") from None
    except ValueError as error:
        raise ConfigError(f"{origin}: not YAML: {error}") from None


def _check_nodes(
    node: yaml.Node, path: str, origin: str, above: tuple[int, ...], seen: set[int], mistakes: list[_Mistake]
) -> None:
    """Find keys given twice (PyYAML would silently keep the last) and values that contain themselves."""
    if id(node) in above:
        raise ConfigError(f"{origin}: {path}: got a value that contains itself, expected plain data")
    if id(node) in seen:
        return
    seen.add(id(node))
    above = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            _check_nodes(item, f"{path}[{i}]", origin, above, seen, mistakes)
    elif isinstance(node, yaml.MappingNode):
        first: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            line, known = key.start_mark.line + 1, first.get((key.tag, name))
            if known is not None and isinstance(key, yaml.ScalarNode):
                text = f"got the key twice (lines {known} and {line}), expected it once"
                mistakes.append(_Mistake(_join(path, name), text, origin))
            first[key.tag, name] = line
            _check_nodes(value, _join(path, name), origin, above, seen, mistakes)


def _override(data: dict[str, Any], text: str, origins: dict[str, str], mistakes: list[_Mistake]) -> None:
    """Set one `key.path=value` in `data`."""
    origin = "override " + text.replace("\n", "\\n")
    path, equals, value = text.partition("=")
    path = path.strip()
    keys = path.split(".")
    wanted = "key.path=value, such as learner.learning_rate=1e-3"
    if not equals or not all(keys):
        mistakes.append(_Mistake("", f"got {'no = sign' if not equals else 'an empty key'}, expected {wanted}", origin))
        return
    if not value.strip():
        mistakes.append(
            _Mistake(path, "got no value after =, expected one (null for nothing, '' for empty text)", origin)
        )
        return
    try:
        parsed = _parse(value, origin, mistakes, path)
    except ConfigError as error:
        mistakes.append(_Mistake("", str(error).removeprefix(f"{origin}: "), origin))
        return
    section: Any = data
    for depth, key in enumerate(keys[:-1], start=1):
        if section.get(key) is None:
            section[key] = {}
            origins[".".join(keys[:depth])] = origin
        section = section[key]
        if not isinstance(section, dict):
            through = ".".join(keys[:depth])
            mistakes.append(_Mistake(through, f"{_got(section)}, expected a mapping that holds {keys[depth]}", origin))
            return
    section[keys[-1]] = parsed
    origins[path] = origin


def _paths(data: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The full path of every key in nested mappings."""
    for key, value in data.items():
        yield _join(path, str(key))
        if isinstance(value, Mapping):
            yield from _paths(value, _join(path, str(key)))


def _merge(beneath: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `beneath`: two mappings are merged key by key, anything else is replaced."""
    merged = dict(beneath)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
