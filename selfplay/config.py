"""A run's configuration: frozen dataclasses that say what a YAML file may hold, with defaults, ranges and meanings.

`config_file.load_config` reads them from a file, `checking.build` checks them. Here are the shapes only, and what their
values must have to do with each other. This module does not know which recipes, environments or models exist, and it
does not look at the machine or import torch. The composition root checks names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from selfplay.errors import FieldError

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
class VllmConfig:
    """How `sampler: vllm` runs (`vllm_sampler`); the defaults are those of TRL's GRPOConfig."""

    mode: Literal["colocate", "server"] = "colocate"
    """colocate: in each process of the run, on its GPU; server: `vllm serve`, on GPUs of its own."""
    memory_share: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Share of each GPU's memory for vLLM's weights and cache; with colocate."""
    tensor_parallel_size: Count = 1
    """Processes over which one copy of the weights is spread; with colocate."""
    max_model_length: Count | None = None
    """Longest prompt and completion together, in tokens; null: what the model's own configuration says."""
    server_host: Name = "0.0.0.0"
    """Where the server is."""
    server_port: Annotated[int, Field(ge=1, le=65535)] = 8000
    """Its port."""
    server_timeout_s: NonNegative = 240.0
    """Seconds to wait until it is up."""
    group_port: Annotated[int, Field(ge=1, le=65535)] = 51216
    """Port over which weights go to it."""

    def __post_init__(self) -> None:
        if self.mode == "server" and self.tensor_parallel_size > 1:
            raise FieldError(
                "tensor_parallel_size",
                f"got {self.tensor_parallel_size} with mode server, expected 1: the server is told when it is started",
            )


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
    sampler: Literal["compact", "hf", "vllm"] = "hf"
    """hf: `generate` of transformers; compact: a sampler for small models that drops finished rows; vllm: vLLM, for
    what is trained (the extra of that name, and CUDA)."""
    vllm: VllmConfig = field(default_factory=VllmConfig)
    """Settings of `sampler: vllm`."""
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
        if self.sampler == "vllm" and self.scratch is not None:
            raise FieldError("sampler", "got vllm with scratch, expected compact or hf: vLLM reads a model from `name`")
        if self.sampler == "vllm" and self.device in ("cpu", "mps"):
            raise FieldError("sampler", f"got vllm with device {self.device}, expected hf or compact, or a CUDA device")


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
    proposer_levels: tuple[Whole, Whole] | None = None
    """[easiest, hardest] level of what it learns to pose; null: the seed levels. Wider ones make a model that can ask
    what it cannot answer, as pretrained ones can; the problems beyond the seed levels are shown without answers."""
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
        for name, levels in (("seed_levels", self.seed_levels), ("proposer_levels", self.proposer_levels)):
            if levels is not None and levels[0] > levels[1]:
                raise FieldError(name, f"got {list(levels)}, expected [easiest, hardest] with easiest <= hardest")
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
    name: Literal["supervised", "policy_gradient", "preference"] = "supervised"
    """supervised imitates demonstrations; policy_gradient weights transcripts by their advantage; preference makes the
    better one of two likelier."""
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
    allow_unsafe: bool = False
    """Run programs that a model wrote on a machine that cannot confine them (below tier B of the sandbox)."""


@dataclass(frozen=True, slots=True)
class AuditConfig:
    """How a judge is measured where the truth is known (`judging.Judging`)."""

    every: Whole = 5
    """Rounds from one audit to the next, besides those before the first round and after the last; 0: those two."""
    num_pairs: Count = 50
    """Problems with a right and a wrong reply, the same at each audit."""
    env: EnvConfig | None = None
    """Where the truth is known; null: the run's own environment if programs verify it, else arithmetic in words."""


@dataclass(frozen=True, slots=True)
class JudgeConfig:
    """Who is asked where no program can decide, or besides one: by recipes, and by the verifier called judge."""

    name: Name
    """Name of the kind of judge; the composition root looks it up (`scripts.judging.JUDGES`)."""
    options: dict[str, Any] = field(default_factory=dict)
    """The judge's own options, checked by its own frozen dataclass through `build`."""
    rubric: Literal["additive", "helpful"] = "additive"
    """What ratings are of: up to five points given one by one, or three criteria (`judge.RUBRICS`)."""
    threshold: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Least score, as a share of the most, of what counts as judged good."""
    audit: AuditConfig = field(default_factory=AuditConfig)
    """How the judge itself is measured."""


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Everything that one run depends on."""

    recipe: Name
    """Name of the recipe; the composition root looks it up."""
    rounds: Count
    """Rounds of self-play."""
    env: EnvConfig
    """Which environment poses the problems, or which game is played."""
    model: ModelConfig
    """The model."""
    learner: LearnerConfig
    """How it is trained."""
    seed: Whole = 0
    """Seed from which every random choice of the run is derived by name."""
    token_budget: Whole = 0
    """The run ends after the round in which this many tokens are used (generated x 1 + trained x 3); 0: no budget."""
    bootstrap: BootstrapConfig | None = None
    """Warm-up before the first round; required with `model.scratch` for problems, allowed with `model.name`."""
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
    judge: JudgeConfig | None = None
    """The judge of recipes that ask one, and of environments that no program verifies (null: a scripted one)."""

    def __post_init__(self) -> None:
        start = self.bootstrap
        if start is not None and (start.optimizer or self.learner.optimizer) == "muon" and not start.muon_learning_rate:
            raise FieldError(
                "bootstrap.muon_learning_rate",
                "got null, expected a number > 0, because the optimizer (of bootstrap, or else of learner) is muon",
            )
