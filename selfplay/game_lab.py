"""GameLab: what a recipe that plays games needs: `game`, fixed `opponents`, past selves, and a yardstick.

Past selves are checkpoints in `past/NNNN` of the run folder, written whole or not at all; a round that is played again
writes the same one again. What the policy does after each round (`Yardstick.strategy`) is in the round's metrics, from
which a resumed run takes it up. It knows no algorithm.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from selfplay.config import RunConfig
from selfplay.disk import flush, flush_folder
from selfplay.lab import BaseLab, Measurement, Round, Watcher
from selfplay.play import Opponent
from selfplay.processes import Processes
from selfplay.protocols import Game, Learner, Policy, ScoringPolicy
from selfplay.record import Record, RoundRecord
from selfplay.types import Match
from selfplay.yardsticks import Strategy, Yardstick


class PlayingPolicy(ScoringPolicy, Protocol):
    """A policy whose past selves can be played against."""

    def restored(self, directory: Path) -> Policy:
        """A frozen copy with the weights that its learner saved in `directory`."""
        ...


class GameLab(BaseLab):
    """The parts of a run that plays `game`."""

    policy: PlayingPolicy

    def __init__(
        self,
        config: RunConfig,
        game: Game[Any],
        opponents: Mapping[str, Opponent],
        yardstick: Yardstick,
        policy: PlayingPolicy,
        learner: Learner,
        record: Record,
        start_policy: Callable[[], Policy],
        processes: Processes | None = None,
        watchers: Sequence[Watcher] = (),
        load_policy: Callable[[str], ScoringPolicy] | None = None,
        imitate: Callable[[float], Learner] | None = None,
    ) -> None:
        super().__init__(
            config, policy, learner, record, start_policy, processes, watchers, load_policy, imitate=imitate
        )
        self.game = game
        self.opponents = opponents
        """Opponents that are no policy, by name."""
        self.yardstick = yardstick
        self._strategies: list[Strategy] = []
        self._past: dict[int, Policy] = {}

    def _recall(self, past: RoundRecord) -> None:
        strategy = past.metrics.get("strategy")
        if strategy is not None:
            self._strategies.append(strategy)

    def measure(self) -> Measurement:
        measured, tokens = self.yardstick.measure(self.policy, self._strategies)
        return Measurement({}, {}, tokens, measured)

    def finish_matches(
        self,
        round: Round,
        matches: Sequence[Match],
        learner: Mapping[str, float],
        state: Mapping[str, Any],
        metrics: Mapping[str, Any],
    ) -> None:
        """`finish` for a round of matches, with what the policy does now in its metrics."""
        with round.phase("yardstick"):
            strategy = self.yardstick.strategy(self.policy)
        more: dict[str, Any] = dict(metrics)
        if strategy:
            self._strategies.append(strategy)
            more["strategy"] = strategy
        self.finish(round, matches=matches, learner=learner, state=state, metrics=more)

    # Past selves ------------------------------------------------------------------------------------------------------

    def keep_self(self, number: int) -> None:
        """Keep the present policy as the past self called `number`, on disk too."""
        folder = self.record.run_dir / "past"
        final, temporary = folder / f"{number:04d}", folder / f".tmp-{number:04d}"
        if self.processes.rank == 0:
            folder.mkdir(exist_ok=True)
            shutil.rmtree(temporary, ignore_errors=True)
        self.processes.wait()
        self.learner.save(temporary)
        if self.processes.rank == 0:
            flush_folder(temporary)
            shutil.rmtree(final, ignore_errors=True)
            os.rename(temporary, final)
            flush(folder)
        self.processes.wait()
        self._past[number] = self.policy.snapshot()
        self._past[number].version = number

    def past_self(self, number: int) -> Policy:
        """The past self that `keep_self` kept. Only those that were asked for are in memory."""
        if number not in self._past:
            self._past[number] = self.policy.restored(self.record.run_dir / "past" / f"{number:04d}")
            self._past[number].version = number
        return self._past[number]

    def forget_selves(self, kept: Sequence[int]) -> None:
        """Forget the past selves that are not in `kept`; their folders stay, for rounds that are played again."""
        self._past = {number: policy for number, policy in self._past.items() if number in kept}
