"""The models of a run and their learners: made from scratch or loaded, twins and teachers. Imports torch when asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from selfplay.config import RunConfig
from selfplay.processes import Processes
from selfplay.protocols import Environment, Game, Learner
from selfplay.recipes import RECIPES
from selfplay.record import Record
from selfplay.seeding import seed_for


def check_model(config: RunConfig, processes: Processes) -> None:
    """Raise ConfigError if `model` cannot be used here. Reads no weights: it is asked before a run folder is made."""
    if config.model.sampler == "vllm":
        from selfplay.vllm_sampler import check_vllm

        check_vllm(config.model, processes)
    if config.model.name is not None:
        from selfplay import models

        _quiet_transformers()
        models.open_source(config.model.name)


def _quiet_transformers() -> None:
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def make_engine(config: RunConfig, processes: Processes) -> Any:
    """What writes for every policy that the run trains, if it is not its own model: vLLM, or None."""
    if config.model.sampler != "vllm":
        return None
    from selfplay.vllm_sampler import VllmEngine

    return VllmEngine(config.model.vllm, processes)


def wrap(config: RunConfig, model: Any, tokenizer: Any, processes: Processes, engine: Any = None) -> Any:
    """A model as a policy; without an engine, `sampler: vllm` is `hf`: vLLM serves what is trained."""
    from selfplay.policy import HFPolicy

    sampler = config.model.sampler
    return HFPolicy(
        model,
        tokenizer,
        sampler="hf" if sampler == "vllm" else sampler,
        generation_batch=config.model.generation_batch,
        processes=processes,
        engine=engine,
    )


def make_policy(
    config: RunConfig, env: Environment | Game[Any], source: Path | None, processes: Processes, engine: Any = None
) -> Any:
    """The policy: from `source` if given, else from `model.name`, else with random weights."""
    import torch

    from selfplay import models

    _quiet_transformers()
    if config.model.lora:
        torch.manual_seed(seed_for(config.seed, "adapters"))
    if source is not None or config.model.scratch is None:
        model, tokenizer = models.load_model(config.model, source or str(config.model.name))
    else:
        tokenizer = models.make_tokenizer([*env.vocabulary(), *getattr(RECIPES[config.recipe], "PIECES", ())])
        model = models.make_model(config.model.scratch, tokenizer, seed_for(config.seed, "weights"))
        model.to(models.pick_device(config.model.device))
        if config.model.lora:
            model = models.with_lora(model, config.model.lora)
    return wrap(config, model, tokenizer, processes, engine)


def other_policy(config: RunConfig, name: str, processes: Processes) -> Any:
    """Another model, of the same device and number format: a teacher, an opponent, a judge."""
    from selfplay import models

    model, tokenizer = models.load_model(replace(config.model, name=name, scratch=None, lora=None), name)
    return wrap(config, model, tokenizer, processes)


def twin_policy(config: RunConfig, policy: Any, processes: Processes, engine: Any = None) -> Any:
    """A policy that begins as `policy` and is trained apart from it; with adapters both share one frozen base.

    Ask before `policy` has a learner.
    """
    from selfplay import models

    return wrap(config, models.twin(policy.model), policy.tokenizer, processes, engine)


def make_learner(config: RunConfig, policy: Any, record: Record, processes: Processes, name: str = "") -> Learner:
    """The configured learner over the policy's model; `name` is that of a model beside the run's own."""
    from selfplay.learners import LEARNERS

    folder = record.run_dir / (f"trainer-{name}" if name else "trainer")
    return LEARNERS[config.learner.name](policy.model, policy.tokenizer, config.learner, folder, processes)


def imitator(config: RunConfig, learning_rate: float, policy: Any, record: Record, processes: Processes) -> Learner:
    """A supervised learner over the policy's model beside the run's own, for recipes with a phase of imitation.

    Its optimizer begins anew at each update, so checkpoints need to keep nothing of it.
    """
    from selfplay.learners.supervised import SupervisedLearner

    own = replace(
        config.learner,
        name="supervised",
        optimizer="adamw",
        learning_rate=learning_rate,
        between_rounds="reset",
        trl=config.learner.trl if config.learner.name == "supervised" else {},
    )
    return SupervisedLearner(policy.model, policy.tokenizer, own, record.run_dir / "trainer", processes)
