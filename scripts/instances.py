"""Environments and games with options from a command line, verifiers, models from folders: what several commands need.

Contract: a name, an option, a level or a folder that cannot be used is a `UserError` with what was expected and the
nearest valid one. `opened` gives an environment and its verifier whose processes end with the context. Importing this
module imports no torch; `load_policy` does.

It chooses no problem and plays none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

import yaml

from envs import ENVIRONMENTS
from envs.games import GAMES
from selfplay.checking import build, nearest
from selfplay.config_file import read_yaml
from selfplay.errors import ConfigError, UserError
from selfplay.protocols import Environment, Policy
from verifiers import ClosingVerifier, PythonExecutor, make_verifier
from verifiers.sandbox import SandboxError


def find_entry(name: str) -> Any:
    """The entry of an environment or a game in its table. Raises UserError, naming the nearest."""
    known: dict[str, Any] = {**ENVIRONMENTS, **GAMES}
    if name not in known:
        raise UserError(f"no environment or game is called {name!r}; {nearest(name, known)}")
    return known[name]


def key_values(pairs: Sequence[str]) -> dict[str, Any]:
    """`key=value` texts as a mapping, each value read as YAML. Raises UserError for other texts."""
    if odd := [pair for pair in pairs if "=" not in pair]:
        raise UserError(f"got {odd[0]!r}, expected key=value")
    values = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        try:
            values[key] = read_yaml(value)
        except yaml.YAMLError as error:
            raise UserError(f"{key}: got {value!r}, which is no YAML: {str(error).splitlines()[0]}") from error
    return values


def has_option(entry: Any, name: str) -> bool:
    """Whether the environment or game has an option of this name."""
    return any(one.name == name for one in dataclass_fields(entry.options))


def make(name: str, options: Mapping[str, Any], *executor: Any) -> Any:
    """The environment (from its executor) or the game called `name`.

    Raises UserError for a name or options that it does not take.
    """
    entry = find_entry(name)
    try:
        return entry.make(build(entry.options, options), *executor)
    except ConfigError as error:
        raise ConfigError(f"options of {name}: {error}") from error
    except (ValueError, ImportError, OSError) as error:  # options that only the environment itself can check
        raise UserError(f"{name} cannot be made: {error}; python -m scripts.envs {name} lists its options") from error


@contextmanager
def opened(name: str, options: Mapping[str, Any]) -> Iterator[tuple[Environment, ClosingVerifier]]:
    """An environment and its verifier. Raises UserError, also for a game or a machine that may not run programs."""
    if name in GAMES:
        raise UserError(f"{name} is a game, expected an environment: one of {', '.join(ENVIRONMENTS)}")
    with PythonExecutor() as executor:
        env: Environment = make(name, options, executor)
        try:
            with make_verifier(env.verifier) as verifier:
                yield env, verifier
        except SandboxError as error:
            raise UserError(f"programs cannot be run on this machine: {error}") from error


def level_of(env: Environment, level: int | None) -> int:
    """A level of the environment; None: its easiest. Raises UserError for another number."""
    if level is not None and level not in env.levels:
        raise UserError(f"--level: got {level}, expected {env.levels[0]} to {env.levels[-1]}, the levels of {env.name}")
    return env.levels[0] if level is None else level


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """Where a model lies."""

    weights: Path
    """The folder that `from_pretrained` reads."""
    env_name: str = ""
    """The environment of the run that it is from; "" for a plain model folder."""
    env_options: Mapping[str, Any] | None = None
    """That environment's options."""


def find_model(folder: Path) -> ModelFolder:
    """The model in a folder: a plain model folder, a checkpoint, or a run folder (its result, or else its newest).

    Raises UserError if there is none.
    """
    if not folder.is_dir():
        raise UserError(f"--model: there is no folder {folder}; expected a model folder or a run folder")
    run_dir = next((above for above in (folder, *folder.absolute().parents[:2]) if (above / "rounds").is_dir()), None)
    saved = sorted((folder / "checkpoints").glob("[0-9]*")) if (folder / "checkpoints").is_dir() else []
    places = [folder, folder / "model", *reversed(saved), folder / "start"]
    files = ("config.json", "adapter_config.json")
    weights = next((place for place in places if any((place / name).is_file() for name in files)), None)
    if weights is None:
        raise UserError(
            f"--model: {folder} has no config.json; expected a model folder or a run folder with a checkpoint"
        )
    config = _run_config(run_dir) if run_dir is not None else {}
    env = config.get("env") or {}
    return ModelFolder(weights, str(env.get("name", "")), env.get("options"))


def _run_config(run_dir: Path) -> Mapping[str, Any]:
    try:
        found = read_yaml((run_dir / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return found if isinstance(found, Mapping) else {}


def load_policy(weights: Path) -> Policy:
    """A policy with the model of a folder, on an accelerator if there is one. Raises ConfigError as `load_model`."""
    import transformers

    from selfplay import models
    from selfplay.config import ModelConfig
    from selfplay.policy import HFPolicy

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    policy: Policy = HFPolicy(*models.load_model(ModelConfig(name=str(weights)), weights))
    return policy
