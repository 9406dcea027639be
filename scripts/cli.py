"""What the commands share: arguments, the end of a program, and the plan that --dry-run prints.

Contract: `run_main` ends the process with the status that the command returns, 2 after a person's mistake, 130 after an
interruption; a mistake is one message on standard error and never a traceback. `plan` says from a configuration alone
what a run will do at most and roughly how much memory it needs. Importing this module does not import torch.

What this module does not do: it starts nothing, loads no weights and never uses the network. A defect of the program
keeps its traceback.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import select
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from selfplay.checking import nearest, resolved
from selfplay.config import LoraConfig, ModelConfig, RunConfig
from selfplay.config_file import dump_yaml
from selfplay.errors import UserError

# The end of a program ------------------------------------------------------------------------------------------------


def run_main(
    main: Callable[[Sequence[str]], int], arguments: Sequence[str] | None = None, *, resumable: bool = True
) -> NoReturn:
    """Run a command and exit with its status.

    `main` gets the arguments (None: those of the process). A `UserError` becomes one message and status 2. An
    interruption becomes status 130 and, if the command is `resumable`, the command line that goes on; whoever knows it
    better raises `KeyboardInterrupt(command)`. A reader of standard output that went away ends the program quietly.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = main(arguments)
        sys.stdout.flush()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt as interruption:
        command = str(interruption) or resume_command(arguments)
        print(f"stopped; resume with: {command}" if resumable else "stopped", file=sys.stderr)
        status = 130
    except BrokenPipeError:
        if not _reader_is_gone(sys.stdout):  # some other pipe, such as a worker's: a defect, not `| head`
            raise
        # Python flushes standard output once more at exit; give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 141  # 128 + SIGPIPE, as the shell reports it
    sys.exit(status)


def resume_command(arguments: Sequence[str]) -> str:
    """The command line of this process with --resume."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    program = ["python", "-m", spec.name] if spec is not None else ["python", sys.argv[0]]
    return shlex.join([*program, *arguments, *([] if "--resume" in arguments else ["--resume"])])


def _reader_is_gone(stream: IO[str]) -> bool:
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(stream.fileno(), select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


# Arguments -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrainArguments:
    """The command line of scripts.train, read but not yet checked against any file."""

    config: Path
    """The configuration file."""
    overrides: tuple[str, ...] = ()
    """`key.path=value` texts, in order."""
    dry_run: bool = False
    """Print the configuration and the plan, and start nothing."""
    resume: bool = False
    """Go on with the run that is in the run folder."""
    run_dir: Path | None = None
    """The run folder; None: the command chooses it."""


def train_parser() -> argparse.ArgumentParser:
    """The parser of scripts.train; use `train_arguments` to also mix options and overrides freely."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.train",
        description="Train by self-play as a configuration file says.",
        epilog="example: python -m scripts.train --config configs/recipe/experiment.yaml rounds=3 --dry-run",
        allow_abbrev=False,
    )
    parser.add_argument("--config", metavar="FILE", type=Path, required=True, help="YAML configuration of the run")
    parser.add_argument(
        "overrides", metavar="key.path=value", nargs="*", help="change a key, with the value as in YAML"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print the resolved configuration and the plan, then stop"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run that is in the run folder")
    parser.add_argument("--run-dir", metavar="DIR", type=Path, help="folder that the run writes")
    return parser


def train_arguments(arguments: Sequence[str]) -> TrainArguments:
    """Read the command line of scripts.train. A mistake ends the process with status 2, as argparse does."""
    parser = train_parser()
    known, unknown = parser.parse_known_intermixed_args(list(arguments))
    if unknown:
        options = ["--config", "--dry-run", "--resume", "--run-dir", "--help"]
        parser.error(f"got the unknown option {unknown[0]}; {nearest(unknown[0], options)}")
    return TrainArguments(known.config, tuple(known.overrides), known.dry_run, known.resume, known.run_dir)


# The plan ------------------------------------------------------------------------------------------------------------

_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_ASSUMED_TOKENS = 1024  # cached tokens of one sequence, where the configuration bounds no length


def dry_run_text(config: RunConfig, options: object = None, **known: Any) -> str:
    """What --dry-run prints: the resolved configuration as YAML, then the plan as YAML comments."""
    lines = "\n".join(f"# {line}".rstrip() for line in plan(config, options, **known))
    return f"{dump_yaml(resolved(config))}\n{lines}\n"


def plan(
    config: RunConfig, options: object = None, *, num_levels: int | None = None, vocabulary_size: int | None = None
) -> list[str]:
    """What the run will do at most, a line each.

    `options`: the recipe's own options (its dataclass with defaults, or a mapping; None: what the file says).
    `num_levels`: levels of the environment, for evaluation.levels null. `vocabulary_size`: tokens of a tokenizer made
    from scratch. What cannot be told from these is said to be unknown, never guessed.
    """
    get = _reader(config.options if options is None else options)
    return [
        f"recipe {config.recipe} on {config.env.name}, seed {config.seed}: {_number(config.rounds)} rounds",
        *_work_lines(config, get, num_levels),
        *_model_lines(config.model, config.learner.optimizer, _longest(config), vocabulary_size),
    ]


def _reader(options: object) -> Callable[..., int | None]:
    """Look up the first option that is there, by several names; None if there is none or it is not a whole number."""

    def get(*names: str) -> int | None:
        for name in names:
            value = options.get(name) if isinstance(options, Mapping) else getattr(options, name, None)
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        return None

    if not isinstance(options, Mapping) and not is_dataclass(options):
        raise TypeError(f"expected the recipe's options as a dataclass or a mapping, got {type(options).__name__}")
    return get


def _longest(config: RunConfig) -> int | None:
    """The bound on prompt and completion together, in tokens, that the configuration sets."""
    limit = config.learner.trl.get("max_length")
    bounds = [limit] if isinstance(limit, int) and not isinstance(limit, bool) else []
    if config.model.scratch is not None:
        bounds.append(config.model.scratch.max_positions)
    return min(bounds, default=None)


def _work_lines(config: RunConfig, get: Callable[..., int | None], num_levels: int | None) -> list[str]:
    """Prompts and tokens by phase."""
    longest, proposals, posed = _longest(config), get("num_proposals"), get("num_problems")
    attempts, steps = get("num_attempts", "attempts", "num_votes"), get("num_steps", "steps")
    batch = get("batch_size", "batch") or config.learner.batch_size
    if (matches := get("num_matches")) is not None:  # a recipe that plays games
        return [
            _phase("play", matches, config.rounds, None, "matches", "generated"),
            f"  train: every turn of them, a pass a round x {_number(config.rounds)}",
            f"  measure: {_number(num_evaluations(config.rounds, config.evaluation.every))} times",
        ]
    levels = len(config.evaluation.levels) if config.evaluation.levels is not None else num_levels
    held_out = _times(levels, config.evaluation.num_problems)
    evaluations = num_evaluations(config.rounds, config.evaluation.every)
    lines = []
    if config.bootstrap is not None:
        warm_up = config.bootstrap.max_steps * config.bootstrap.batch_size
        lines.append(f"  bootstrap: {_most(warm_up)} sequences, {_tokens(warm_up, longest)} trained")
    if posed is None:  # recipes that pose the environment's own problems propose nothing
        reply = get("proposer_max_new_tokens", "max_new_tokens")
        lines.append(_phase("propose", proposals, config.rounds, reply, "prompts", "generated"))
    problems = proposals if posed is None else posed
    reply = get("solver_max_new_tokens", "max_new_tokens")
    lines.append(_phase("solve", _times(problems, attempts), config.rounds, reply, "prompts", "generated"))
    rows = _times(steps, batch)
    if config.learner.name == "policy_gradient":  # one pass over what was played
        rows = None if problems is None or attempts is None else problems * (attempts + (posed is None))
    lines.append(_phase("train", rows, config.rounds, longest, "sequences", "trained"))
    reply = config.evaluation.max_new_tokens
    lines.append(_phase("evaluate", held_out, evaluations, reply, "prompts", "generated", "evaluation"))
    return lines


def _phase(
    name: str, rows: int | None, times: int, longest: int | None, what: str, done: str, each: str = "round"
) -> str:
    """`solve: <= 768 prompts a round x 20, <= 983,040 tokens generated in all`."""
    return (
        f"  {name}: {_most(rows)} {what} a{'n' if each[0] in 'aeiou' else ''} {each} x {_number(times)}, "
        f"{_tokens(_times(rows, times), longest)} {done} in all"
    )


def num_evaluations(rounds: int, every: int) -> int:
    """Held-out evaluations of a run: before the first round, every `every` rounds (0: never), and after the last."""
    return 2 if every == 0 else 1 + rounds // every + (rounds % every != 0)


def _times(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first * second


def _tokens(rows: int | None, longest: int | None) -> str:
    """`<= 1,024 tokens`, or that it is unknown."""
    total = _times(rows, longest)
    return f"{_most(total)} tokens"


def _number(value: int | None) -> str:
    return "an unknown number of" if value is None else f"{value:,}"


def _most(value: int | None) -> str:
    return _number(value) if value is None else f"<= {_number(value)}"


def _size(num_bytes: float) -> str:
    if num_bytes < 1024:
        return f"{num_bytes:,.0f} B"
    exponent = min(int(math.log(num_bytes, 1024)), 4)
    return f"{num_bytes / 1024**exponent:,.1f} {' KMGT'[exponent]}iB"


# Parameters and memory -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shape:
    """What the size of a decoder with gated feed-forward blocks depends on."""

    hidden_size: int
    """Width of the residual stream."""
    intermediate_size: int
    """Width of the feed-forward blocks."""
    num_layers: int
    """Decoder layers."""
    num_heads: int
    """Query heads in each layer."""
    num_key_value_heads: int
    """Key and value heads in each layer."""
    head_size: int
    """Width of one head."""
    vocabulary_size: int | None
    """Tokens; None: not known."""
    tied: bool
    """Whether the output head is the embedding."""

    def linear_layers(self) -> dict[str, tuple[int, int]]:
        """Input and output widths of the linear layers of one decoder layer, by their usual names."""
        queries, keys = self.num_heads * self.head_size, self.num_key_value_heads * self.head_size
        return {
            "q_proj": (self.hidden_size, queries),
            "k_proj": (self.hidden_size, keys),
            "v_proj": (self.hidden_size, keys),
            "o_proj": (queries, self.hidden_size),
            "gate_proj": (self.hidden_size, self.intermediate_size),
            "up_proj": (self.hidden_size, self.intermediate_size),
            "down_proj": (self.intermediate_size, self.hidden_size),
        }

    def num_parameters(self) -> int:
        """Matrices and norms (no biases); an unknown vocabulary counts as empty."""
        matrices = sum(rows * columns for rows, columns in self.linear_layers().values())
        embeddings = (1 if self.tied else 2) * (self.vocabulary_size or 0) * self.hidden_size
        return self.num_layers * (matrices + 2 * self.hidden_size) + self.hidden_size + embeddings

    def num_adapter_parameters(self, lora: LoraConfig) -> int | None:
        """Parameters of low-rank adapters; None if a target is not one of the usual names."""
        layers = self.linear_layers()
        names = list(layers) if lora.target_modules == "all-linear" else lora.target_modules
        if any(name not in layers for name in names):
            return None
        return self.num_layers * lora.rank * sum(sum(layers[name]) for name in names)

    def cache_numbers(self, tokens: int) -> int:
        """Keys and values kept while that many tokens are attended to."""
        return 2 * self.num_layers * self.num_key_value_heads * self.head_size * tokens


def _model_lines(model: ModelConfig, optimizer: str, longest: int | None, vocabulary_size: int | None) -> list[str]:
    """Parameters and memory of the model in one process, without activations."""
    shape = model_shape(model, vocabulary_size)
    if isinstance(shape, str):
        return [f"  model {model.name}: parameters and memory unknown ({shape})"]
    total = shape.num_parameters()
    trained = total if model.lora is None else shape.num_adapter_parameters(model.lora)
    width = _BYTES[model.dtype]
    # Adapters are kept in float32 whatever the model's own format.
    trained_bytes = None if trained is None else trained * (width if model.lora is None else 4)
    tokens = longest or _ASSUMED_TOKENS
    cache = model.generation_batch * shape.cache_numbers(tokens) * width
    without = "" if shape.vocabulary_size is not None else ", without embeddings (vocabulary not known yet)"
    return [
        f"  model {model.name or 'from scratch'}: about {_number(total)} parameters{without}, "
        f"{_number(trained).removesuffix(' of')} trained, {model.dtype}",
        f"  memory in each process, without activations: weights {_size(total * width)}, "
        f"gradients {_optional_size(trained_bytes)}, {optimizer} states <= {_optional_size(_times(trained_bytes, 2))}, "
        f"KV cache <= {_size(cache)} ({model.generation_batch:,} sequences x "
        f"{tokens:,} tokens{'' if longest else ', an assumed length'})",
    ]


def _optional_size(num_bytes: int | None) -> str:
    return "unknown" if num_bytes is None else _size(num_bytes)


def model_shape(model: ModelConfig, vocabulary_size: int | None = None) -> Shape | str:
    """The shape of a model from its configuration alone, or why it is not known."""
    scratch = model.scratch
    if scratch is not None:
        heads = scratch.num_heads
        return Shape(
            scratch.hidden_size, scratch.intermediate_size, scratch.num_layers, heads, heads,
            scratch.hidden_size // heads, vocabulary_size, True,
        )  # fmt: skip
    folder = Path(model.name or "")
    if not folder.is_dir():
        return "not a local folder; a hub id is not looked up"
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return f"config.json cannot be read: {error}"
    return _shape_of(found) if isinstance(found, dict) else "config.json is not a mapping"


def _shape_of(found: dict[str, Any]) -> Shape | str:
    """The shape in a config.json of transformers."""
    needed = ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size"]
    if missing := [key for key in needed if not isinstance(found.get(key), int) or found[key] < 1]:
        return f"config.json has no {', '.join(missing)}"
    if experts := [key for key in found if key.startswith("num") and "expert" in key]:
        return f"a mixture of experts ({experts[0]} in config.json) is not counted here"
    heads = found["num_attention_heads"]
    optional = {key: found.get(key) for key in ("num_key_value_heads", "head_dim")}
    if wrong := [key for key, value in optional.items() if value is not None and not isinstance(value, int)]:
        return f"config.json has no usable {', '.join(wrong)}"
    return Shape(
        hidden_size=found["hidden_size"],
        intermediate_size=found["intermediate_size"],
        num_layers=found["num_hidden_layers"],
        num_heads=heads,
        num_key_value_heads=optional["num_key_value_heads"] or heads,
        head_size=optional["head_dim"] or found["hidden_size"] // heads,
        vocabulary_size=found["vocab_size"],
        tied=bool(found.get("tie_word_embeddings", True)),
    )
