"""TabularPolicy and TabularLearner: fakes at the expensive seam for games, so that any recipe over games runs without
torch.

The policy has a preference for every reply at every observation that it has met, and draws replies by their softmax;
the learner is plain policy gradient on those preferences. A run takes milliseconds, is deterministic, resumes, and
learns what a model would have to learn. They model no language: tokens are bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from selfplay.checking import resolved
from selfplay.config import EnvConfig, EvaluationConfig, LearnerConfig, ModelConfig, RunConfig
from selfplay.game_lab import GameLab
from selfplay.lab import Watcher
from selfplay.play import Opponent
from selfplay.protocols import Game
from selfplay.record import Record
from selfplay.seeding import rng_for
from selfplay.types import Batch, Credited, Message, Prompt, Request, Sampling, Transcript
from selfplay.yardsticks import Yardstick

UNKNOWN_REPLY = math.log(1e-9)
"""Log-probability of a reply that is not in the table."""


class TabularPolicy:
    """Draws one of `replies` at each observation."""

    def __init__(self, replies: Sequence[str], preferences: Mapping[str, Sequence[float]] | None = None) -> None:
        self.replies = tuple(replies)
        self.preferences = {text: list(row) for text, row in (preferences or {}).items()}
        self.version = 0

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Transcript]:
        return [self._one(request, sampling) for request in requests]

    def _one(self, request: Request, sampling: Sampling) -> Transcript:
        logprobs = self.logprobs(_text(request.prompt))
        places = range(len(self.replies))
        if sampling.temperature == 0.0:
            place = max(places, key=lambda index: logprobs[index])
        else:
            weights = [math.exp(value / sampling.temperature) for value in logprobs]
            place = rng_for(request.seed, "tabular").choices(places, weights)[0]
        reply = request.prompt.prefix + self.replies[place]
        return _transcript(request.role, request.prompt, reply, self.version, request.seed, logprobs[place])

    def logprobs(self, observation: str) -> list[float]:
        """Log-probabilities of the replies at an observation."""
        row = self.preferences.get(observation, [0.0] * len(self.replies))
        top = max(row)
        total = top + math.log(math.fsum(math.exp(value - top) for value in row))
        return [value - total for value in row]

    def log_probabilities(self, transcripts: Sequence[Transcript]) -> list[float]:
        found = []
        for one in transcripts:
            observation = "".join(message.text for message in one.messages[:-1])
            known = one.completion in self.replies
            found.append(self.logprobs(observation)[self.replies.index(one.completion)] if known else UNKNOWN_REPLY)
        return found

    def reference(self, role: str, prompt: Prompt, completion: str) -> Transcript:
        return _transcript(role, prompt, completion, -1, 0, None)

    def references(self, role: str, replies: Sequence[tuple[Prompt, str]]) -> list[Transcript]:
        return [self.reference(role, prompt, completion) for prompt, completion in replies]

    def snapshot(self) -> TabularPolicy:
        return TabularPolicy(self.replies, self.preferences)

    def restored(self, directory: Path) -> TabularPolicy:
        return TabularPolicy(self.replies, read_preferences(directory))


def _text(prompt: Prompt) -> str:
    return "".join(message.text for message in prompt.messages)


def _transcript(role: str, prompt: Prompt, reply: str, version: int, seed: int, logprob: float | None) -> Transcript:
    """A reply as bytes and an end; its log-probability is all at the first byte."""
    context = (_text(prompt) + prompt.prefix).encode()
    sampled = reply.removeprefix(prompt.prefix).encode() + b"\0"
    logprobs = () if logprob is None else (logprob, *(0.0,) * (len(sampled) - 1))
    mask = (False,) * len(context) + (True,) * len(sampled)
    messages = (*prompt.messages, Message("assistant", reply))
    return Transcript(role, messages, (*context, *sampled), mask, logprobs, version, seed, True)


class TabularLearner:
    """Policy gradient on the preferences; a demonstration counts as an advantage of 1."""

    def __init__(self, policy: TabularPolicy, rate: float = 1.0) -> None:
        self.policy = policy
        self.rate = rate

    def update(self, batch: Batch, seed: int, rate: tuple[float, float] = (1.0, 1.0)) -> Mapping[str, float]:
        policy, step = self.policy, self.rate * sum(rate) / 2 / max(1, len(batch))
        changes: dict[str, list[float]] = {}
        tokens = 0
        for row in batch:
            transcript: Any = getattr(row, "transcript", None)
            tokens += len(transcript.token_ids)
            advantage = row.advantage if isinstance(row, Credited) else 1.0
            if transcript.completion not in policy.replies:
                continue
            observation = "".join(message.text for message in transcript.messages[:-1])
            change = changes.setdefault(observation, [0.0] * len(policy.replies))
            for place, logprob in enumerate(policy.logprobs(observation)):
                chosen = policy.replies[place] == transcript.completion
                change[place] += step * advantage * (chosen - math.exp(logprob))
        for observation, change in changes.items():
            row_before = policy.preferences.get(observation, [0.0] * len(change))
            policy.preferences[observation] = [old + new for old, new in zip(row_before, change, strict=True)]
        return {"loss": 0.0, "tokens": tokens, "steps": 1}

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "tabular.json").write_text(json.dumps(self.policy.preferences))

    def load(self, directory: Path) -> None:
        self.policy.preferences = read_preferences(directory)


def read_preferences(directory: Path) -> dict[str, list[float]]:
    """What `TabularLearner.save` wrote."""
    found: dict[str, list[float]] = json.loads((directory / "tabular.json").read_text())
    return found


def tabular_lab(
    run_dir: Path,
    game: Game[Any],
    replies: Sequence[str],
    opponents: Mapping[str, Opponent],
    yardstick: Yardstick,
    *,
    rounds: int = 3,
    rate: float = 1.0,
    watchers: Sequence[Watcher] = (),
    **changes: Any,
) -> GameLab:
    """A GameLab of tabular parts that records into `run_dir`; `changes` are fields of RunConfig.

    A run folder that is already there is opened: call `resume` on the Lab, as one does with a real one.
    """
    config = RunConfig(
        **{
            "recipe": "spiral",
            "rounds": rounds,
            "env": EnvConfig(game.name),
            "model": ModelConfig(name="tabular"),
            "learner": LearnerConfig(learning_rate=1.0, batch_size=32, name="policy_gradient"),
            "evaluation": EvaluationConfig(every=1),
            **changes,
        }
    )
    policy = TabularPolicy(replies)
    is_there = (run_dir / "config.yaml").exists()
    record = Record.open(run_dir) if is_there else Record.create(run_dir, resolved(config), {})
    learner = TabularLearner(policy, rate)
    return GameLab(
        config, game, opponents, yardstick, policy, learner, record, lambda: TabularPolicy(replies), None, watchers,
        lambda folder: TabularPolicy(replies, read_preferences(Path(folder))), lambda learning_rate: learner,
    )  # fmt: skip
