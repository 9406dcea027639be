"""ScriptedPolicy and ScriptedLearner: shipped fakes at the expensive seam, so that any recipe runs without torch.

The policy proposes by the environment's own generator, up to its `reach`, and solves problems of level `reach` or
easier; the learner raises `reach` a little for every solver row it is shown. A run with them takes milliseconds, is
deterministic, resumes, and moves in the direction that a real one should. They model no language: tokens are bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from selfplay.checking import resolved
from selfplay.config import EnvConfig, EvaluationConfig, JudgeConfig, LearnerConfig, ModelConfig, RunConfig
from selfplay.evaluate import held_out_split
from selfplay.hints import HINT_PIECE
from selfplay.judging import Bench, Judging
from selfplay.lab import Lab
from selfplay.protocols import Environment, Judge, Policy, Verifier
from selfplay.record import Record
from selfplay.seeding import rng_for
from selfplay.seeds import SeedData, seed_split
from selfplay.types import Batch, Message, Preference, Problem, Prompt, Request, Sampling, Transcript

LearnerName = Literal["supervised", "policy_gradient", "preference"]


class ScriptedPolicy:
    """Solves level <= `reach`; one level beyond with chance a half; nothing further. A tenth of its text is junk.

    A hint (`hints.HINT_PIECE`) helps it over one level more.
    """

    def __init__(self, env: Environment, reach: float = 2.0, junk: float = 0.1) -> None:
        self.env = env
        self.reach = reach
        self.junk = junk
        self.version = 0
        self._answers: dict[str, tuple[int, str]] = {}

    def teach(self, problems: Sequence[Problem]) -> None:
        """Let it recognise these problems, without filler, by their solver prompts."""
        for problem in problems:
            prompt = self.env.solver_prompt(problem, rng_for(0, "plain"), 0)
            self._answers[prompt.messages[-1].text] = (problem.level, self.env.solver_reply(problem))

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Transcript]:
        return [self._one(request, sampling) for request in requests]

    def _one(self, request: Request, sampling: Sampling) -> Transcript:
        rng = rng_for(request.seed, "scripted")
        if request.role == "proposer":
            highest = min(int(self.reach) + 1, self.env.levels[-1])
            draft = self.env.draw(rng.randint(1, highest), rng)
            problem = self.env.ground([draft])[0]
            assert isinstance(problem, Problem)
            self.teach([problem])
            prompt, reply = self.env.proposer_reply(problem)
        else:
            prompt = request.prompt
            text, told, _ = prompt.messages[-1].text.partition(HINT_PIECE)
            level, reply = self._answers.get(text, (10**6, ""))
            reach = self.reach + bool(told)
            chance = 1.0 if level <= reach else 0.5 if level <= reach + 1 else 0.0
            if rng.random() >= chance and not (sampling.temperature == 0.0 and chance == 0.5):
                reply = prompt.prefix + "?"
        if sampling.temperature > 0.0 and rng.random() < self.junk:
            reply = prompt.prefix + "junk"
        return self._transcript(request.role, prompt, reply, self.version, request.seed)

    def log_probabilities(self, transcripts: Sequence[Transcript]) -> list[float]:
        """-0.5 nats for every sampled token."""
        return [-0.5 * transcript.num_sampled for transcript in transcripts]

    def reference(self, role: str, prompt: Prompt, completion: str) -> Transcript:
        return self._transcript(role, prompt, completion, -1, 0)

    def references(self, role: str, replies: Sequence[tuple[Prompt, str]]) -> list[Transcript]:
        return [self.reference(role, prompt, completion) for prompt, completion in replies]

    def _transcript(self, role: str, prompt: Prompt, reply: str, version: int, seed: int) -> Transcript:
        context = ("".join(message.text for message in prompt.messages) + prompt.prefix).encode()
        sampled = reply.removeprefix(prompt.prefix).encode() + b"\0"
        return Transcript(
            role,
            (*prompt.messages, Message("assistant", reply)),
            (*context, *sampled),
            (False,) * len(context) + (True,) * len(sampled),
            (-0.5,) * len(sampled) if version >= 0 else (),
            version,
            seed,
            True,
        )

    def snapshot(self) -> Policy:
        copy = ScriptedPolicy(self.env, self.reach, self.junk)
        copy._answers = self._answers
        return copy


class ScriptedLearner:
    """Raises the policy's reach by `gain` for each row of the solver's, or of `role` (each positive or chosen one)."""

    def __init__(self, policy: ScriptedPolicy, gain: float = 0.0005, role: str = "solver") -> None:
        self.policy = policy
        self.gain = gain
        self.role = role

    def update(self, batch: Batch, seed: int, rate: tuple[float, float] = (1.0, 1.0)) -> Mapping[str, float]:
        rows = [
            (row.chosen if isinstance(row, Preference) else row.transcript, getattr(row, "advantage", 1.0))
            for row in batch
        ]
        useful = [row for row, advantage in rows if row.role == self.role and advantage > 0.0]
        self.policy.reach += self.gain * len(useful) * sum(rate) / 2
        tokens = sum(len(row.token_ids) for row, _ in rows)
        return {"loss": 1.0 / self.policy.reach, "tokens": tokens, "steps": 1}

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "scripted.json").write_text(json.dumps({"reach": self.policy.reach}))

    def load(self, directory: Path) -> None:
        self.policy.reach = json.loads((directory / "scripted.json").read_text())["reach"]


def scripted_lab(
    run_dir: Path,
    env: Environment,
    verifier: Verifier,
    *,
    rounds: int = 3,
    learner: LearnerName = "supervised",
    seed: int = 0,
    judge: Judge | None = None,
) -> Lab:
    """A Lab of scripted parts that records into `run_dir`, to play a recipe without a model.

    `learner` is the kind of batch that the recipe makes (`LearnerConfig.name`), `judge` whom it asks, if it asks one
    (audited in `env`). A run folder that is already there is
    opened: call `resume` on the Lab, as one does with a real one. The scripted policy does not know mutants and
    fillers, so play recipes without them.
    """
    config = RunConfig(
        recipe="scripted",
        rounds=rounds,
        env=EnvConfig(env.name),
        model=ModelConfig(name="scripted"),
        learner=LearnerConfig(learning_rate=1.0, batch_size=32, name=learner),
        evaluation=EvaluationConfig(every=1, num_problems=8),
        seed=seed,
    )
    policy = ScriptedPolicy(env)
    held_out = held_out_split(env, env.levels, config.evaluation.num_problems)
    problems = [problem for level in held_out.values() for problem in level]
    policy.teach(problems)
    seeds = SeedData(policy, env, seed_split(env, env.levels[:2], 16, {problem.id for problem in problems}))
    is_there = (run_dir / "config.yaml").exists()
    record = Record.open(run_dir) if is_there else Record.create(run_dir, resolved(config), {})
    trained = ScriptedLearner(policy)
    judging = Judging(JudgeConfig(judge.name), Bench(lambda seed: judge), env, verifier, seed) if judge else None
    return Lab(
        config, env, verifier, policy, trained, record, held_out, seeds, lambda: ScriptedPolicy(env),
        judging=judging, imitate=lambda learning_rate: trained,
    )  # fmt: skip
