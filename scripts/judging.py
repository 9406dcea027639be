"""Judges by name, made from a configuration: `JUDGES`, the judge of a run, and where it is audited.

The judge of a run is described once, in the section `judge`; recipes ask it, and so does the verifier called judge.
Where an environment has no verifier but a judge and the configuration names none, it is the scripted rubric. Imports
torch only when it makes a judge that is a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from envs import ENVIRONMENTS
from selfplay.checking import build, nearest
from selfplay.config import EnvConfig, JudgeConfig, RunConfig
from selfplay.errors import ConfigError
from selfplay.judge import RUBRICS
from selfplay.judgements import Comparison, Criterion, Opinion, Rating
from selfplay.judges.endpoint import EndpointJudge
from selfplay.judges.endpoint_client import ChatClient
from selfplay.judges.endpoint_options import EndpointOptions
from selfplay.judges.likelihood import LikelihoodJudge
from selfplay.judges.options import LocalOptions, PolicyOptions, RubricOptions, ScriptedOptions
from selfplay.judges.policy import PolicyJudge
from selfplay.judges.scripted import ScriptedJudge, TruthQuality, keyword_quality
from selfplay.judging import Bench, Judging
from selfplay.processes import OneProcess, Processes
from selfplay.protocols import Environment, Judge, Verifier
from selfplay.types import Problem, Sampling
from verifiers import JUDGED, PythonExecutor, make_verifier
from verifiers.judge_rubric import RubricJudge

Truths = Mapping[str, tuple[Environment, Verifier]]
"""Environments whose answers programs verify, by name."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What judges are made of. Policies are made when a judge needs them."""

    policy: Callable[[], Any] | None = None
    """The run's policy."""
    start_policy: Callable[[], Any] | None = None
    """It, as it was when the run began."""
    load_policy: Callable[[str], Any] | None = None
    """Another model."""
    environments: Mapping[str, Environment] | None = None
    """Those that problems may be of."""
    truths: Truths | None = None
    processes: Processes | None = None


class Entry(NamedTuple):
    """How to make the judges of a kind."""

    options: type[Any]
    make: Callable[[Any, Parts], Bench]


def scripted(options: ScriptedOptions, parts: Parts) -> Bench:
    """`judges.scripted`."""
    quality = TruthQuality(parts.truths or {}) if options.quality == "truth" else keyword_quality
    dials = {name: getattr(options, name) for name in ("order_bias", "length_bias", "noise", "margin")}
    return Bench(lambda seed: ScriptedJudge(quality, seed=seed, **dials))


def policy(options: PolicyOptions, parts: Parts) -> Bench:
    """The run's own model, as it is or as it was."""
    make = _there(parts.policy if options.weights == "current" else parts.start_policy)
    return _model(options, make, "policy" if options.weights == "current" else "policy_at_start", parts)


def local(options: LocalOptions, parts: Parts) -> Bench:
    """Another model on this machine; its name is the last part of its path."""
    load = _there(parts.load_policy)
    return _model(options, lambda: load(options.path), f"local:{Path(options.path).name}", parts)


def endpoint(options: EndpointOptions, parts: Parts) -> Bench:
    """A model behind an address."""
    client = ChatClient(options, parts.processes)
    return Bench(lambda seed: EndpointJudge(client, seed=seed), client)


JUDGES: dict[str, Entry] = {
    "scripted": Entry(ScriptedOptions, scripted),
    "rubric": Entry(RubricOptions, lambda options, parts: Bench(lambda seed: RubricJudge())),
    "policy": Entry(PolicyOptions, policy),
    "local": Entry(LocalOptions, local),
    "endpoint": Entry(EndpointOptions, endpoint),
}


def _model(options: PolicyOptions, make: Callable[[], Any], name: str, parts: Parts) -> Bench:
    made: list[Any] = []

    def judge(seed: int) -> Judge:
        if not made:
            made.append(make())
        if options.how == "write":
            sampling = Sampling(options.temperature, options.top_p, options.max_new_tokens)
            return PolicyJudge(made[0], name=name, sampling=sampling, seed=seed)
        if options.how == "likelihood":
            return LikelihoodJudge(made[0], parts.environments or {}, name=name, margin=options.margin)
        from selfplay.judges.local import LocalJudge

        return LocalJudge(made[0], name=name, margin=options.margin, min_mass=options.min_mass)

    return Bench(judge)


def _there(make: Any) -> Any:
    if make is None:
        raise ConfigError("judge.name: this command has no model that could be the judge, expected another judge")
    return make


# A run's judge -------------------------------------------------------------------------------------------------------


def judge_config(config: RunConfig, env: Environment) -> JudgeConfig | None:
    """The judge that a run in `env` has: as configured, the scripted rubric where there must be one, or none."""
    if config.judge is not None or env.verifier not in JUDGED:
        return config.judge
    return JudgeConfig("rubric")


def audit_env(config: RunConfig, judge: JudgeConfig, env: Environment) -> EnvConfig:
    """Where the judge of a run in `env` is audited."""
    if judge.audit.env is not None:
        return judge.audit.env
    return EnvConfig("arithmetic", {"style": "instruct"}) if env.verifier in JUDGED else config.env


def check_judge(config: RunConfig, recipe: Any, env: Environment) -> None:
    """Raise ConfigError for an unknown judge, wrong options, or a recipe that asks one where there is none."""
    judge = config.judge
    if judge is None:
        if getattr(recipe, "NEEDS_JUDGE", False):
            raise ConfigError(
                f"judge: got nothing, expected a judge, which the recipe {config.recipe} asks; such as {{name: policy}}"
                f", one of {', '.join(JUDGES)}"
            )
        return
    if judge.name not in JUDGES:
        raise ConfigError(f"judge.name: got {judge.name!r}, expected a judge; {nearest(judge.name, JUDGES)}")
    options = build(JUDGES[judge.name].options, judge.options, "judge.options")
    if getattr(options, "quality", "") == "truth" and env.verifier in JUDGED:
        raise ConfigError(f"judge.options.quality: got truth, expected words: no program knows it of {config.env.name}")
    audited = audit_env(config, judge, env)
    if audited.name not in ENVIRONMENTS:
        near = nearest(audited.name, ENVIRONMENTS)
        raise ConfigError(f"judge.audit.env.name: got {audited.name!r}, expected an environment; {near}")
    options_class, factory = ENVIRONMENTS[audited.name]
    audited_options = build(options_class, audited.options, "judge.audit.env.options")
    if audited != config.env and factory(audited_options, None).verifier in JUDGED:
        raise ConfigError(
            f"judge.audit.env.name: got {audited.name}, expected an environment whose answers programs verify, such as "
            "arithmetic, equations or programs"
        )


def verifier_options(config: RunConfig, env: Environment) -> dict[str, Any]:
    """What the verifier of `env` needs to know of the run's judge: nothing, unless it asks one."""
    judge = judge_config(config, env)
    if env.verifier not in JUDGED or judge is None:
        return {}
    return {"judge": LateJudge(), "rubric": RUBRICS[judge.rubric], "threshold": judge.threshold}


class LateJudge:
    """Stands in for the run's judge until the model is there that it may need."""

    def __init__(self) -> None:
        self.judge: Judge | None = None

    @property
    def name(self) -> str:
        """The judge's own name, once it is there."""
        return "judge" if self.judge is None else self.judge.name

    def prefer(self, comparisons: Sequence[Comparison]) -> list[Opinion]:
        return self._there().prefer(comparisons)

    def rate(self, replies: Sequence[tuple[Problem, str]], rubric: Sequence[Criterion]) -> list[Rating]:
        return self._there().rate(replies, rubric)

    def _there(self) -> Judge:
        if self.judge is None:
            raise RuntimeError("the judge was asked before it was made")
        return self.judge


@contextmanager
def audit_room(
    config: RunConfig, env: Environment, verifier: Verifier, share: Callable[[Verifier], Verifier], limits: Any
) -> Iterator[tuple[Environment, Verifier] | None]:
    """Where the judge is audited, whose workers end with the context; None for a run without a judge.

    `share` makes a verifier that all ranks use together.
    """
    judge = judge_config(config, env)
    if judge is None:
        yield None
        return
    wanted = audit_env(config, judge, env)
    if wanted == config.env:
        yield env, verifier
        return
    options_class, factory = ENVIRONMENTS[wanted.name]
    with PythonExecutor(**limits) as executor:
        audited = factory(build(options_class, wanted.options, "judge.audit.env.options"), executor)
        with make_verifier(audited.verifier, **limits) as own:
            yield audited, share(own)


def make_judging(
    config: RunConfig, env: Environment, verifier: Verifier, room: tuple[Environment, Verifier] | None, parts: Parts
) -> Judging | None:
    """The judge of the run, which the verifier called judge then asks too; None for a run without one."""
    judge = judge_config(config, env)
    if judge is None or room is None:
        return None
    audited, truth = room
    truths = {audited.name: (audited, truth)}
    if env.verifier not in JUDGED:
        truths[env.name] = (env, verifier)
    entry = JUDGES[judge.name]
    every = Parts(
        parts.policy, parts.start_policy, parts.load_policy, {audited.name: audited, env.name: env}, truths,
        parts.processes or OneProcess(),
    )  # fmt: skip
    bench = entry.make(build(entry.options, judge.options, "judge.options"), every)
    judging = Judging(judge, bench, audited, truth, config.seed)
    late = getattr(verifier, "judge", None)
    if isinstance(late, LateJudge):
        late.judge = judging.judge()
    return judging
