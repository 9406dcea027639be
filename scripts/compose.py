"""The composition root: from a configuration to a Lab that is ready to play. The only place that knows every room.

It names no algorithm; `scripts.train` runs the recipe. Imports torch when it builds models, not before.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from envs import ENVIRONMENTS
from scripts.games import check_game, make_table, plays_games
from scripts.judging import Parts, audit_room, check_judge, make_judging, verifier_options
from scripts.runs import Started
from scripts.view import View
from selfplay.bootstrap import Bootstrap
from selfplay.checking import build, nearest
from selfplay.config import RunConfig
from selfplay.disk import flush_folder
from selfplay.errors import ConfigError
from selfplay.evaluate import held_out_split
from selfplay.game_lab import GameLab
from selfplay.lab import BaseLab, Lab, Player
from selfplay.metrics import peak_memory_mb
from selfplay.processes import ManyProcesses, OneProcess, Processes
from selfplay.protocols import Environment, Game, Learner, Policy, Verifier
from selfplay.recipes import RECIPES
from selfplay.record import Record
from selfplay.seeding import seed_for
from selfplay.seeds import SeedData, seed_split
from selfplay.types import Problem, Verdict
from verifiers import JUDGED, PythonExecutor, make_verifier
from verifiers.python_exec import Execution
from verifiers.sandbox import Isolation, Job, Run, SandboxError

START_FOLDER = "start"
_SEED_LEVELS = (1, 4)
_SEED_PROBLEMS = 1000


@dataclass(frozen=True, slots=True)
class Checked:
    """A configuration whose names and options are all known to be right."""

    config: RunConfig
    recipe: Any
    """The recipe's module."""
    options: Any
    """The recipe's Config."""
    env_options: Any
    """The environment's Options."""
    levels: range
    """The environment's levels; none for a game."""

    @property
    def plays_games(self) -> bool:
        """Whether `env` is a game."""
        return plays_games(self.recipe)


def check(config: RunConfig) -> Checked:
    """Look up every name and check every option. Raises ConfigError with key, got, expected and the nearest name."""
    if config.recipe not in RECIPES:
        raise ConfigError(f"recipe: got {config.recipe!r}, expected a recipe; {nearest(config.recipe, RECIPES)}")
    recipe = RECIPES[config.recipe]
    check_learner(config, recipe)
    if plays_games(recipe):
        return Checked(config, recipe, build(recipe.Config, config.options, "options"), check_game(config), range(0))
    if config.model.scratch is not None and config.bootstrap is None:
        raise ConfigError(
            "bootstrap: got nothing, expected a mapping with learning_rate and max_steps, because model.scratch has "
            "random weights that must be warmed up"
        )
    if config.env.name not in ENVIRONMENTS:
        raise ConfigError(
            f"env.name: got {config.env.name!r}, expected an environment; {nearest(config.env.name, ENVIRONMENTS)}"
        )
    options_class, factory = ENVIRONMENTS[config.env.name]
    options = build(recipe.Config, config.options, "options")
    env_options = build(options_class, config.env.options, "env.options")
    environment = factory(env_options, None)
    levels = environment.levels
    wanted = [("evaluation.levels", config.evaluation.levels or [])]
    if config.bootstrap is not None:
        low, high = config.bootstrap.seed_levels
        wanted.append(("bootstrap.seed_levels", [low, high + 1]))
    for key, named in wanted:
        if outside := [level for level in named if level not in levels]:
            raise ConfigError(
                f"{key}: got or needs level {outside[0]}, expected levels {levels[0]} to {levels[-1]} of "
                f"{config.env.name} (the bootstrap also tests one level beyond its seeds)"
            )
    check_judge(config, recipe, environment)
    if config.judge is None and getattr(options, "needs_judge", False):
        raise ConfigError("judge: got nothing, expected a judge, which these options ask; such as {name: policy}")
    if config.bootstrap is not None and environment.verifier in JUDGED:
        raise ConfigError(
            f"bootstrap: got one for {config.env.name}, expected none: no program verifies its answers, so there is no "
            f"accuracy to reach. Warm the model up in another environment, then name its folder in model.name"
        )
    if config.model.lora is not None and config.bootstrap is not None:
        raise ConfigError(
            "model.lora: got adapters together with a bootstrap, expected one of them: a run folder keeps adapters, "
            "not the weights beneath. Warm the model up first (scripts.bootstrap), then name its folder in model.name"
        )
    return Checked(config, recipe, options, env_options, levels)


def check_learner(config: RunConfig, recipe: Any) -> None:
    """Raise ConfigError for a learner that would misread what the recipe trains on."""
    fitting = recipe.ABOUT.learners
    if config.learner.name not in fitting:
        raise ConfigError(
            f"learner.name: got {config.learner.name}, expected {' or '.join(fitting)}: the rows of {config.recipe} "
            f"are for it"
        )


def start_processes(config: RunConfig) -> Processes:
    """Join the launcher's process group, if there is one. Raises ConfigError if the group is not what was launched."""
    import torch
    from accelerate import PartialState

    if config.model.threads:
        torch.set_num_threads(config.model.threads)
    from selfplay.models import pick_device

    # A run keeps hundreds of thousands of small records without cycles: walking them often costs and finds nothing.
    gc.set_threshold(100_000, 50, 100)
    several = "MASTER_ADDR" in os.environ and "ACCELERATE_MIXED_PRECISION" in os.environ
    if several and "WORLD_SIZE" not in os.environ:
        raise ConfigError(
            "accelerate launch was asked for several processes, but started one: that is what its --cpu does. On CPU, "
            "launch with: ACCELERATE_USE_CPU=true accelerate launch --multi_gpu --num_processes 2 …"
        )
    launched = int(os.environ.get("WORLD_SIZE", "1"))
    if launched == 1:
        return OneProcess()
    on_cpu = pick_device(config.model.device).type == "cpu"
    if on_cpu:
        os.environ["ACCELERATE_USE_CPU"] = "true"
    state = PartialState(cpu=on_cpu)
    if state.num_processes != launched:
        raise ConfigError(
            f"the launcher started {launched} processes, but they found a world of {state.num_processes}. On CPU, "
            f"launch with: ACCELERATE_USE_CPU=true accelerate launch --multi_gpu --num_processes {launched} …"
        )
    return ManyProcesses()


class SharedExecutor:
    """Runs programs on all ranks, so that every rank has the same outcome even where it depends on timing."""

    def __init__(self, executor: PythonExecutor, processes: Processes) -> None:
        self.executor = executor
        self.processes = processes

    def run(self, programs: Sequence[str]) -> list[Execution]:
        return self.processes.map(self.executor.run, programs)

    def run_jobs(self, jobs: Sequence[Job], *, twice: bool = False) -> list[Run]:
        return self.processes.map(partial(self.executor.run_jobs, twice=twice), jobs)

    def isolation(self) -> Isolation:
        return self.executor.isolation()


class SharedVerifier:
    """Judges on all ranks; every rank gets every verdict."""

    def __init__(self, verifier: Verifier, processes: Processes) -> None:
        self.verifier = verifier
        self.processes = processes
        self.name = verifier.name

    def judge_of(self, problem: Problem) -> str:
        return self.verifier.judge_of(problem)

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        return self.processes.map(self.verifier.verify, answers)


def worker_limits(config: RunConfig) -> dict[str, Any]:
    """What bounds worker processes."""
    settings = config.verifier
    return {
        "num_workers": settings.num_workers,
        "deadline_s": settings.deadline_s,
        "memory_mb": settings.memory_mb,
        "allow_unsafe": settings.allow_unsafe,
    }


@contextmanager
def judges(checked: Checked, processes: Processes) -> Iterator[tuple[Any, Any]]:
    """The environment and its verifier, whose workers end with the context; of a game, its `Table` and None.

    A verifier that asks a judge is not shared: judges share their work among processes themselves.
    """
    if checked.plays_games:
        yield make_table(checked.config, checked.env_options, checked.options.max_turns), None
        return
    limits = worker_limits(checked.config)
    with PythonExecutor(**limits) as executor:
        _, factory = ENVIRONMENTS[checked.config.env.name]
        env: Environment = factory(checked.env_options, SharedExecutor(executor, processes))
        with make_verifier(env.verifier, **limits, **verifier_options(checked.config, env)) as verifier:
            yield env, verifier if env.verifier in JUDGED else SharedVerifier(verifier, processes)


@contextmanager
def audits(
    checked: Checked, env: Environment, verifier: Verifier, processes: Processes
) -> Iterator[tuple[Environment, Verifier] | None]:
    """Where the run's judge is audited: an environment that programs verify; None for a run without a judge."""
    if checked.plays_games:
        yield None
        return
    config = checked.config

    def share(own: Verifier) -> Verifier:
        return SharedVerifier(own, processes)

    with audit_room(config, env, verifier, share, worker_limits(config)) as room:
        yield room


def confinement(env: Environment) -> Isolation | None:
    """What confines the programs that the environment runs here, proved; None if it runs none.

    Raises ConfigError for a machine that is too weak.
    """
    executor = getattr(env, "executor", None)
    if executor is None:
        return None
    try:
        isolation: Isolation = executor.isolation()
    except SandboxError as error:
        raise ConfigError(f"verifier.allow_unsafe: {error}") from error
    return isolation


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


def make_seeds(
    config: RunConfig, env: Environment, policy: Policy, held_out: Mapping[int, Sequence[Problem]]
) -> SeedData:
    """The seed split of the bootstrap's levels; without a bootstrap, of those of levels 1 to 4 that there are."""
    low, high = config.bootstrap.seed_levels if config.bootstrap else _SEED_LEVELS
    count = config.bootstrap.num_problems if config.bootstrap else _SEED_PROBLEMS
    ids = {problem.id for problems in held_out.values() for problem in problems}
    levels = [level for level in range(low, high + 1) if level in env.levels]
    return SeedData(policy, env, seed_split(env, levels, count, ids))


def evaluation_split(config: RunConfig, env: Environment) -> dict[int, list[Problem]]:
    """The held-out problems that this run is measured on."""
    return held_out_split(env, config.evaluation.levels or list(env.levels), config.evaluation.num_problems)


def bootstrap(
    config: RunConfig, env: Environment, verifier: Verifier, policy: Any, seeds: SeedData, record: Record, view: View,
    processes: Processes,
) -> dict[str, float]:  # fmt: skip
    """Warm the policy up, as the configuration says."""
    from selfplay.learners.supervised import SupervisedLearner

    settings = config.bootstrap
    assert settings is not None
    learner_config = replace(
        config.learner,
        name="supervised",
        optimizer=settings.optimizer or config.learner.optimizer,
        learning_rate=settings.learning_rate,
        muon_learning_rate=settings.muon_learning_rate,
        batch_size=settings.batch_size,
        between_rounds="carry",
        trl={} if config.learner.name != "supervised" else config.learner.trl,
    )
    learner = SupervisedLearner(policy.model, policy.tokenizer, learner_config, record.run_dir / "trainer", processes)
    view.phase("bootstrap")
    return Bootstrap(
        policy, learner, env, verifier, seeds, settings, config.seed, config.evaluation.max_new_tokens
    ).run(view.bootstrap)


def prepare(
    checked: Checked,
    env: Any,
    verifier: Any,
    record: Record,
    view: View,
    processes: Processes,
    watchers: Sequence[Any],
    audited: tuple[Environment, Verifier] | None = None,
) -> BaseLab:
    """A Lab whose policy is warmed up and measured, or restored from the folder."""
    if checked.plays_games:
        return prepare_game(checked, env, record, view, processes, watchers)
    config = checked.config
    start_folder = record.run_dir / START_FOLDER
    fresh = not Started(record).exists
    clock = time.perf_counter()
    engine = make_engine(config, processes)
    policy = make_policy(config, env, None if fresh or not config.bootstrap else start_folder, processes, engine)
    held_out = evaluation_split(config, env)
    seeds = make_seeds(config, env, policy, held_out)
    content: dict[str, Any] = {"seconds": {"prepare": time.perf_counter() - clock}, "tokens": {}}
    if fresh and config.bootstrap:
        clock = time.perf_counter()
        content["bootstrap"] = bootstrap(config, env, verifier, policy, seeds, record, view, processes)
        content["seconds"]["bootstrap"] = time.perf_counter() - clock
        content["tokens"]["bootstrap"] = int(content["bootstrap"]["tokens"])
        if processes.rank == 0:
            from selfplay.learners.checkpoint import save_model

            save_model(start_folder, policy.model, policy.tokenizer)
            flush_folder(start_folder)

    def start_policy(engine: Any = None) -> Any:
        return make_policy(config, env, start_folder if config.bootstrap else None, processes, engine)

    def second() -> Any:
        return start_policy(engine) if config.bootstrap else twin_policy(config, policy, processes, engine)

    twins = {name: second() for name in checked.recipe.ABOUT.policies[1:]}
    learner = make_learner(config, policy, record, processes)
    others = {name: Player(twin, make_learner(config, twin, record, processes, name)) for name, twin in twins.items()}

    def load_policy(name: str) -> Any:
        return other_policy(config, name, processes)

    parts = Parts(lambda: policy, start_policy, load_policy, processes=processes)
    lab = Lab(
        config, env, verifier, policy, learner, record, held_out, seeds, start_policy, processes, watchers, load_policy,
        judging=make_judging(config, env, verifier, audited, parts),
        imitate=lambda learning_rate: imitator(config, learning_rate, policy, record, processes), others=others,
    )  # fmt: skip
    begin(lab, content, view)
    return lab


def prepare_game(
    checked: Checked, table: Any, record: Record, view: View, processes: Processes, watchers: Sequence[Any]
) -> GameLab:
    """A Lab that plays the game of `table`; a policy made from scratch begins with random weights."""
    config = checked.config
    clock = time.perf_counter()
    policy = make_policy(config, table.game, None, processes, make_engine(config, processes))
    learner = make_learner(config, policy, record, processes)
    lab = GameLab(
        config, table.game, table.opponents, table.yardstick, policy, learner, record,
        lambda: make_policy(config, table.game, None, processes), processes, watchers,
        lambda name: other_policy(config, name, processes),
        lambda learning_rate: imitator(config, learning_rate, policy, record, processes),
    )  # fmt: skip
    begin(lab, {"seconds": {"prepare": time.perf_counter() - clock}, "tokens": {}}, view)
    return lab


def begin(lab: BaseLab, content: dict[str, Any], view: View) -> None:
    """Measure the policy before the first round and write start.json, unless that was done before."""
    started = Started(lab.record)
    if started.exists:
        if lab.judging is not None:
            lab.judging.restore(started.read())
        return
    clock = time.perf_counter()
    view.phase("evaluate")
    measured = lab.measure()
    content["held_out"], content["tokens"]["evaluate"] = measured.held_out, measured.tokens
    content["judged"], content["yardsticks"] = measured.judged, measured.yardsticks
    content["seconds"]["evaluate"] = time.perf_counter() - clock
    if lab.judging is not None:
        view.phase("audit")
        content["judge"] = lab.judging.line(-1)
    content["peak_rss_mb"] = peak_memory_mb()
    if lab.processes.rank == 0:
        started.write(content)
    lab.processes.wait()
