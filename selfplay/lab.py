"""Labs: the parts of one run, `rounds()` that resumes, and `finish()` that evaluates, checkpoints and commits a round.

`Lab` is for problems, `game_lab.GameLab` for games; what they share is `BaseLab`.

Order on disk makes a kill at any moment harmless: the checkpoint of a round is renamed into place first, the round
last, so a round that exists has its weights. A run continues after the last round that is whole and has a checkpoint;
rounds after it are forgotten and played again, with the same named seeds and so the same outcome.

It knows no algorithm: recipes do.
"""

from __future__ import annotations

import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from selfplay.checkpoints import checkpoint_folder, checkpoints, keep_checkpoints, save_checkpoint
from selfplay.config import RunConfig
from selfplay.errors import UserError
from selfplay.evaluate import accuracy, evaluate, judged_metrics, judged_only, judged_rate
from selfplay.gate import Gate
from selfplay.judging import Judging
from selfplay.metrics import describe, peak_memory_mb, used_tokens, written_tokens
from selfplay.processes import OneProcess, Processes
from selfplay.protocols import Environment, Learner, Policy, ScoringPolicy, Verifier
from selfplay.record import Record, RoundRecord
from selfplay.seeding import seed_for
from selfplay.seeds import SeedData
from selfplay.types import Episode, Match, Problem, Proposal, Reward


@dataclass(frozen=True, slots=True)
class Measurement:
    """Rates on the held-out problems, {environment: {level: rate}}."""

    held_out: dict[str, dict[str, float]]
    """Accuracy: of what programs decided. Levels that were left to a judge alone are not in it."""
    judged: dict[str, dict[str, float]]
    """Share that a judge found good, where one was asked; empty in most runs."""
    tokens: int
    """Tokens that it took."""
    yardsticks: dict[str, float] = field(default_factory=dict)
    """What a game is measured by, by name; empty for problems."""


class Watcher(Protocol):
    """Sees what happens; a view or a mirror."""

    def phase(self, name: str) -> None: ...
    def round(self, metrics: Mapping[str, Any]) -> None: ...


@dataclass(slots=True)
class Round:
    """One round being played: its number, its seed, and where its time and tokens went."""

    number: int
    seed: int
    """Named seed of the round; stages take `seed_for(round.seed, …)`."""
    progress: float
    """Share of the run that is behind it, by rounds or by tokens, whichever is further."""
    watchers: Sequence[Watcher] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what is inside as `name` (propose, solve, verify, train, …)."""
        for watcher in self.watchers:
            watcher.phase(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def rest(self) -> float:
        """Seconds since the round began that are in no phase."""
        return max(0.0, time.perf_counter() - self.started - sum(self.seconds.values()))


@dataclass(frozen=True, slots=True)
class Player:
    """A model that a recipe trains beside the run's own (`About.policies`)."""

    policy: ScoringPolicy
    learner: Learner


class BaseLab(ABC):
    """What the runs of all recipes have: `policy`, `learner`, and rounds that are recorded and resume."""

    def __init__(
        self,
        config: RunConfig,
        policy: ScoringPolicy,
        learner: Learner,
        record: Record,
        start_policy: Callable[[], Policy],
        processes: Processes | None = None,
        watchers: Sequence[Watcher] = (),
        load_policy: Callable[[str], ScoringPolicy] | None = None,
        *,
        judging: Judging | None = None,
        imitate: Callable[[float], Learner] | None = None,
        others: Mapping[str, Player] | None = None,
    ) -> None:
        self.config = config
        self.policy = policy
        self.learner = learner
        self.record = record
        self.start_policy = start_policy
        """Makes a policy with the weights that the run began with."""
        self._load_policy = load_policy
        self.judging = judging
        """The run's judge, counted and audited; None for a run without one."""
        self._imitate = imitate
        self.others: Mapping[str, Player] = others or {}
        """Models that are trained beside the run's own, by name: in the checkpoints, but not evaluated."""
        self.processes = processes or OneProcess()
        self.watchers = watchers
        self.state: Mapping[str, Any] = {}
        """What the recipe gave to the last `finish`, to resume from."""
        self.tokens_used = 0
        self._next = 0

    # Resuming ---------------------------------------------------------------------------------------------------------

    def resume(self) -> int:
        """Go back to the last whole round with a checkpoint; returns the number of rounds that stand."""
        whole = set(self.record.whole_rounds())
        usable = [number for number in checkpoints(self.record) if number in whole]
        last = max(usable, default=-1)
        if self.processes.rank == 0:
            self.record.truncate(last)
            for number in checkpoints(self.record):
                if number > last:
                    shutil.rmtree(checkpoint_folder(self.record, number))
        self.processes.wait()
        if last >= 0:
            self.learner.load(checkpoint_folder(self.record, last))
            for name, other in self.others.items():
                other.learner.load(checkpoint_folder(self.record, last) / name)
            for past in self.past():
                self._recall(past)
                self.tokens_used += used_tokens(past.metrics)
                if self.judging is not None:
                    self.judging.restore(past.metrics)
                self.state = past.state
        self._set_next(last + 1)
        return self._next

    def _set_next(self, number: int) -> None:
        self._next = number
        for policy in (self.policy, *(other.policy for other in self.others.values())):
            policy.version = number

    @abstractmethod
    def _recall(self, past: RoundRecord) -> None:
        """Take up what the lab itself keeps of a round that stands."""

    @abstractmethod
    def measure(self) -> Measurement:
        """Measure the policy as it is now on what no round trains on."""

    def past(self) -> Iterator[RoundRecord]:
        """The rounds that stand, oldest first: fold them to rebuild whatever a recipe remembers."""
        for number in self.record.whole_rounds():
            yield self.record.read(number)

    # Rounds -----------------------------------------------------------------------------------------------------------

    def rounds(self) -> Iterator[Round]:
        """The rounds that are left to play."""
        while self._next < self.config.rounds and not self._spent():
            yield Round(self._next, self.round_seed(self._next), self.progress(), self.watchers)

    def round_seed(self, number: int) -> int:
        """The named seed of a round, also of one that is past."""
        return seed_for(self.config.seed, "round", number)

    def load_policy(self, source: str) -> ScoringPolicy:
        """Another model as a policy, from a folder or hub id that the user gives: a teacher, an opponent, a judge."""
        if self._load_policy is None:
            raise UserError(f"this run cannot load another model ({source}): it has none of its own")
        return self._load_policy(source)

    def need_judge(self) -> Judging:
        """The run's judge, for recipes that ask one. Raises UserError for a run without one."""
        if self.judging is None:
            raise UserError("judge: got nothing, expected a judge, which this recipe asks; such as {name: policy}")
        return self.judging

    def imitator(self, learning_rate: float) -> Learner:
        """A supervised learner over the same model, for a phase of imitation; its optimizer begins anew each time."""
        if self._imitate is None:
            raise UserError("this run cannot make another learner: it has none of its own")
        return self._imitate(learning_rate)

    def _spent(self) -> bool:
        return bool(self.config.token_budget) and self.tokens_used >= self.config.token_budget

    def progress(self) -> float:
        """Share of the run that is done: by rounds, or by tokens if there is a budget and it is nearer its end."""
        by_rounds = self._next / self.config.rounds
        return max(by_rounds, self.tokens_used / self.config.token_budget) if self.config.token_budget else by_rounds

    def learning_rate(self, round: Round) -> tuple[float, float]:
        """Shares of the peak learning rate at the start and end of this round's update."""
        learner = self.config.learner
        scale = 1.0
        if learner.anneal_share > 0.0:
            left = (1.0 - round.progress) / learner.anneal_share
            scale = min(1.0, learner.anneal_to + (1.0 - learner.anneal_to) * left)
        return scale, scale * learner.round_end_rate

    def finish(
        self,
        round: Round,
        *,
        proposals: Sequence[Proposal] = (),
        episodes: Sequence[Episode] = (),
        proposal_rewards: Sequence[Reward | None] = (),
        attempt_rewards: Sequence[Sequence[Reward | None]] = (),
        matches: Sequence[Match] = (),
        learner: Mapping[str, float],
        state: Mapping[str, Any],
        metrics: Mapping[str, Any] | None = None,
        num_vote_tokens: int = 0,
    ) -> None:
        """Evaluate if it is time, save the checkpoint, commit the round.

        `num_vote_tokens` are those of attempts that voted and are in no episode: they count like others.
        """
        self._set_next(round.number + 1)
        line = {**describe(round.number, proposals, episodes), "learner": dict(learner), **(metrics or {})}
        line["tokens"] = written_tokens(proposals, episodes, matches, int(learner.get("tokens", 0)))
        if num_vote_tokens:
            line["tokens"]["vote"] = num_vote_tokens
        if self.judging is not None:
            line["tokens"]["judge"] = self.judging.tokens
        self.tokens_used += used_tokens(line)
        if self._is_evaluation(round.number):
            with round.phase("evaluate"):
                measured = self.measure()
            line["held_out"], line["tokens"]["evaluate"] = measured.held_out, measured.tokens
            if measured.yardsticks:
                line["yardsticks"] = measured.yardsticks
            if measured.judged:
                line["judged"] = {**line.get("judged", {}), "held_out": measured.judged}
        if self.judging is not None:
            last = round.number + 1 == self.config.rounds or self._spent()
            with round.phase("audit"):
                line["judge"] = self.judging.line(round.number, last)
        with round.phase("record"):
            self._save_checkpoint(round.number)
        line["seconds"] = {**round.seconds, "rest": round.rest()}
        line["peak_rss_mb"] = peak_memory_mb()
        with round.phase("record"):
            if self.processes.rank == 0:
                self.record.commit(
                    RoundRecord(
                        round.number,
                        tuple(proposals),
                        tuple(episodes),
                        tuple(proposal_rewards) if proposal_rewards else (None,) * len(proposals),
                        tuple(tuple(group) for group in attempt_rewards)
                        if attempt_rewards
                        else tuple((None,) * len(episode.attempts) for episode in episodes),
                        line,
                        state,
                        tuple(matches),
                    )
                )
                keep_checkpoints(self.record, self.config.keep_checkpoints)
            self.processes.wait()
        self.state = state
        for watcher in self.watchers:
            watcher.round({**line, "progress": min(1.0, self.progress())})  # not recorded: more rounds may come

    def _is_evaluation(self, number: int) -> bool:
        every = self.config.evaluation.every
        return number + 1 == self.config.rounds or self._spent() or bool(every and (number + 1) % every == 0)

    def _save_checkpoint(self, number: int) -> None:
        if (number + 1) % self.config.checkpoint_every and number + 1 < self.config.rounds and not self._spent():
            return
        others = {name: other.learner for name, other in self.others.items()}
        save_checkpoint(self.record, number, self.learner, others, self.processes)


class Lab(BaseLab):
    """What a recipe over problems needs: also `env`, `verifier`, `held_out`, `gate` and `seeds`."""

    def __init__(
        self,
        config: RunConfig,
        env: Environment,
        verifier: Verifier,
        policy: ScoringPolicy,
        learner: Learner,
        record: Record,
        held_out: dict[int, list[Problem]],
        seeds: SeedData,
        start_policy: Callable[[], Policy],
        processes: Processes | None = None,
        watchers: Sequence[Watcher] = (),
        load_policy: Callable[[str], ScoringPolicy] | None = None,
        *,
        judging: Judging | None = None,
        imitate: Callable[[float], Learner] | None = None,
        others: Mapping[str, Player] | None = None,
    ) -> None:
        super().__init__(
            config, policy, learner, record, start_policy, processes, watchers, load_policy,
            judging=judging, imitate=imitate, others=others,
        )  # fmt: skip
        self.env = env
        self.verifier = verifier
        self.held_out = held_out
        self.seeds = seeds
        self.gate = Gate(problem.id for problems in held_out.values() for problem in problems)

    def _recall(self, past: RoundRecord) -> None:
        self.gate.remember(p.problem for p in past.proposals if p.problem is not None)

    def measure(self) -> Measurement:
        """Greedy attempts at the held-out problems, as rates by environment and level."""
        by_level = evaluate(self.policy, self.env, self.verifier, self.held_out, self.config.evaluation.max_new_tokens)
        tokens = sum(
            len(attempt.transcript.token_ids)
            for episodes in by_level.values()
            for episode in episodes
            for attempt in episode.attempts
        )
        verified = {str(level): accuracy(found) for level, found in by_level.items() if not judged_only(found)}
        asked = {level: found for level, found in by_level.items() if judged_metrics(found)}
        judged = {str(level): judged_rate(found) for level, found in asked.items()}
        name = self.env.name
        return Measurement({name: verified} if verified else {}, {name: judged} if judged else {}, tokens)
