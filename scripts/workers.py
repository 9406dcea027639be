"""The processes of a run: those that a launcher started, and the workers that run programs and judge answers."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from envs import ENVIRONMENTS
from scripts.checks import Checked
from scripts.games import make_table
from scripts.judging import audit_room, verifier_options
from selfplay.config import RunConfig
from selfplay.errors import ConfigError
from selfplay.processes import ManyProcesses, OneProcess, Processes
from selfplay.protocols import Environment, Verifier
from selfplay.types import Problem, Verdict
from verifiers import JUDGED, PythonExecutor, make_verifier
from verifiers.python_exec import Execution
from verifiers.sandbox import Isolation, Job, Run, SandboxError


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
