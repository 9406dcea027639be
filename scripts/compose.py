"""The composition root: from a configuration to a Lab that is ready to play. The only place that knows every room.

It names no algorithm; `scripts.train` runs the recipe. Imports torch when it builds models, not before.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from scripts.checks import Checked
from scripts.judging import Parts, make_judging
from scripts.policies import imitator, make_engine, make_learner, make_policy, other_policy, twin_policy
from scripts.runs import Started
from scripts.view import View
from selfplay.bootstrap import Bootstrap
from selfplay.config import RunConfig
from selfplay.disk import flush_folder
from selfplay.evaluate import held_out_split
from selfplay.game_lab import GameLab
from selfplay.lab import BaseLab, Lab, Player
from selfplay.metrics import peak_memory_mb
from selfplay.processes import Processes
from selfplay.protocols import Environment, Policy, Verifier
from selfplay.record import Record
from selfplay.seeds import SeedData, seed_split
from selfplay.types import Problem

START_FOLDER = "start"
_SEED_LEVELS = (1, 4)
_SEED_PROBLEMS = 1000


def make_seeds(
    config: RunConfig, env: Environment, policy: Policy, held_out: Mapping[int, Sequence[Problem]]
) -> SeedData:
    """The seed split of the bootstrap's levels; without a bootstrap, of those of levels 1 to 4 that there are."""
    low, high = config.bootstrap.seed_levels if config.bootstrap else _SEED_LEVELS
    count = config.bootstrap.num_problems if config.bootstrap else _SEED_PROBLEMS
    ids = {problem.id for problems in held_out.values() for problem in problems}
    levels = [level for level in range(low, high + 1) if level in env.levels]
    posed: list[Problem] = []
    if config.bootstrap and config.bootstrap.proposer_levels:
        easiest, hardest = config.bootstrap.proposer_levels
        posed = seed_split(env, range(easiest, hardest + 1), count, ids)
    return SeedData(policy, env, seed_split(env, levels, count, ids), posed)


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
