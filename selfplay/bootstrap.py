"""The bootstrap: supervised warm-up on seed problems in both roles, until self-play can start.

It stops at a criterion, not at a number of steps: accuracy on the seed levels, share of valid proposals, and pass@k
one level beyond the seeds above zero, because from an exact zero no self-play recovers. The learning rate rises,
stays until the criterion holds, then falls. If the criterion does not hold within `max_steps`, the run stops and says
what was missing. It trains on the seed split only; the checks draw fresh problems and train on none of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from selfplay.config import BootstrapConfig
from selfplay.errors import UserError
from selfplay.evaluate import accuracy, mean_pass_at_k
from selfplay.gate import Gate
from selfplay.protocols import Environment, Learner, Policy, Verifier
from selfplay.seeding import rng_for, seed_for
from selfplay.seeds import SeedData
from selfplay.stages import propose, solve, validate, verify
from selfplay.types import Demonstration, Problem, Sampling

_COOLDOWN_END = 0.1


class BootstrapError(UserError):
    """The criterion was not reached."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a check of the criterion measured."""

    accuracy: float
    """Greedy accuracy over the seed levels."""
    valid: float
    """Share of proposals that are problems; 1 where nobody proposes."""
    next_level_pass: float
    """pass@k one level beyond the seed levels; above zero means self-play can start."""

    def missing(self, config: BootstrapConfig) -> list[str]:
        """The conditions that do not hold, in words."""
        wanted = config.criterion
        missing = []
        if not self.accuracy >= wanted.accuracy:  # also where nothing was decided, and there is none
            missing.append(f"accuracy on the seed levels is {self.accuracy:.2f}, expected at least {wanted.accuracy}")
        if self.valid < wanted.valid:
            missing.append(f"share of valid proposals is {self.valid:.2f}, expected at least {wanted.valid}")
        if self.next_level_pass <= wanted.next_level_pass:
            missing.append(
                f"pass@{wanted.attempts} at level {config.seed_levels[1] + 1} is {self.next_level_pass:.2f}, "
                f"expected more than {wanted.next_level_pass}"
            )
        return missing


class Bootstrap:
    """Warms up `policy` through `learner` on `seeds`."""

    def __init__(
        self,
        policy: Policy,
        learner: Learner,
        env: Environment,
        verifier: Verifier,
        seeds: SeedData,
        config: BootstrapConfig,
        run_seed: int,
        max_new_tokens: int,
    ) -> None:
        self.policy = policy
        self.learner = learner
        self.env = env
        self.verifier = verifier
        self.seeds = seeds
        self.config = config
        self.seed = seed_for(run_seed, "bootstrap")
        self.max_new_tokens = max_new_tokens
        self.tokens = 0

    def run(self, report: Callable[[int, float, dict[str, float]], None]) -> dict[str, float]:
        """Train until ready. `report(step, loss, measures)` is called at each check. Raises BootstrapError."""
        config = self.config
        step = 0
        if config.warmup_steps:
            step += self._train(step, config.warmup_steps, (1 / config.warmup_steps, 1.0))[0]
        while True:
            steps, loss = self._train(step, min(config.check_every, config.max_steps - step), (1.0, 1.0))
            step += steps
            if step < config.criterion.min_steps:
                report(step, loss, {})
                continue
            readiness = self.check(step)
            report(step, loss, _measures(readiness))
            missing = readiness.missing(config)
            if not missing:
                break
            if step >= config.max_steps:
                raise BootstrapError(
                    f"the bootstrap is not ready after {step} steps: {'; '.join(missing)}. Raise bootstrap.max_steps "
                    f"or bootstrap.learning_rate, ask for less in bootstrap.criterion, or take another seed"
                )
        if config.cooldown_steps:
            steps, loss = self._train(step, config.cooldown_steps, (1.0, _COOLDOWN_END))
            step += steps
            readiness = self.check(step)
            report(step, loss, _measures(readiness))
        return {"steps": step, "tokens": self.tokens, **_measures(readiness)}

    def _train(self, start: int, num_steps: int, rate: tuple[float, float]) -> tuple[int, float]:
        if num_steps <= 0:
            return 0, 0.0
        rng = rng_for(self.seed, "rows", start)
        count = num_steps * self.config.batch_size
        num_proposals = round(count * self.config.proposer_share) if self._proposes else 0
        rows: list[Demonstration] = [
            *self.seeds.proposals(num_proposals, rng),
            *self.seeds.solutions(count - num_proposals, rng, self.config.filler),
        ]
        metrics = self.learner.update(rows, seed_for(self.seed, "update", start), rate)
        self.tokens += int(metrics["tokens"])
        return num_steps, metrics["loss"]

    def check(self, step: int) -> Readiness:
        """Measure the criterion on fresh problems."""
        wanted = self.config.criterion
        low, high = self.config.seed_levels
        rng = rng_for(self.seed, "check", step)
        levels = list(range(low, high + 1))
        easy = self._fresh([levels[index % len(levels)] for index in range(wanted.problems)], rng_for(self.seed, step))
        greedy = Sampling(temperature=0.0, max_new_tokens=self.max_new_tokens)
        free = Sampling(max_new_tokens=self.max_new_tokens)
        solved = verify(easy, solve(self.policy, self.env, easy, 1, 0, greedy), self.env, self.verifier)
        sample_seed = rng.getrandbits(60)
        valid = self._valid(wanted.problems, sample_seed, free) if self._proposes else 1.0
        hard = self._fresh([high + 1] * wanted.problems, rng)
        tried = solve(self.policy, self.env, hard, wanted.attempts, rng.getrandbits(60), free)
        passes = mean_pass_at_k(verify(hard, tried, self.env, self.verifier), wanted.attempts)
        return Readiness(accuracy(solved), valid, passes)

    @property
    def _proposes(self) -> bool:
        """Whether a policy proposes in this environment; problems that are given need no proposer."""
        return "proposer" in self.env.roles

    def _valid(self, count: int, seed: int, sampling: Sampling) -> float:
        proposals = propose(self.policy, self.env, count, seed, sampling)
        return sum(one.problem is not None for one in validate(proposals, self.env, Gate(()), 0)) / count

    def _fresh(self, levels: list[int], rng: random.Random) -> list[Problem]:
        grounded = self.env.ground([self.env.draw(level, rng) for level in levels])
        return [result for result in grounded if isinstance(result, Problem)]


def _measures(readiness: Readiness) -> dict[str, float]:
    return {
        "accuracy": readiness.accuracy,
        "valid": readiness.valid,
        "next_level_pass": readiness.next_level_pass,
    }
