"""The seed split: easy problems with reference solutions, from which a model is warmed up and to which it is anchored.

Frozen as the held-out split is: it depends on the environment and the levels only, and shares no problem with it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence, Set

from selfplay.hints import with_hint
from selfplay.protocols import Environment, Policy
from selfplay.seeding import rng_for
from selfplay.types import Demonstration, Draft, Problem

SEED_SPLIT_SEED = 20_250_102
"""Names the seed splits."""


def seed_split(env: Environment, levels: Sequence[int], num_problems: int, held_out: Set[str]) -> list[Problem]:
    """About `num_problems` distinct problems, in equal parts from each level; fewer from a level that has fewer."""
    problems: list[Problem] = []
    share = -(-num_problems // len(levels))
    for level in levels:
        rng = rng_for(SEED_SPLIT_SEED, "seed", env.name, level)
        drafts: dict[str, Draft] = {}
        for _ in range(3 * share):
            draft = env.draw(level, rng)
            drafts.setdefault(draft.prompt, draft)
            if len(drafts) == share:
                break
        grounded = env.ground(list(drafts.values()))
        problems += [result for result in grounded if isinstance(result, Problem) and result.id not in held_out]
    return problems


class SeedData:
    """Demonstrations of both roles on seed problems, drawn as often as wanted."""

    def __init__(
        self, policy: Policy, env: Environment, problems: Sequence[Problem], posed: Sequence[Problem] = ()
    ) -> None:
        """`posed` are those that a proposer would pose, if they are others than `problems`."""
        if not problems:
            raise ValueError("the seed split is empty")
        self.policy = policy
        self.env = env
        self._by_level = _by_level(problems)
        self._posed = _by_level(posed) if posed else self._by_level
        self.levels = list(self._by_level)

    def problems(self, count: int, rng: random.Random) -> list[Problem]:
        """Seed problems uniform over levels, as examples."""
        return [self._draw(rng) for _ in range(count)]

    def solutions(self, count: int, rng: random.Random, filler: int = 0) -> list[Demonstration]:
        """Reference solutions of problems uniform over levels, each in a fresh rendering."""
        replies = []
        for _ in range(count):
            problem = self._draw(rng)
            replies.append((self.env.solver_prompt(problem, rng, filler), self.env.solver_reply(problem)))
        return [Demonstration(transcript) for transcript in self.policy.references("solver", replies)]

    def hinted_solutions(self, count: int, rng: random.Random, form: str) -> list[Demonstration]:
        """Reference solutions of problems whose answer the prompt tells (`hints.with_hint`)."""
        replies = []
        for _ in range(count):
            problem = self._draw(rng)
            prompt = with_hint(self.env.solver_prompt(problem, rng, 0), problem.reference, form)
            replies.append((prompt, self.env.solver_reply(problem)))
        return [Demonstration(transcript) for transcript in self.policy.references("solver", replies)]

    def proposals(self, count: int, rng: random.Random) -> list[Demonstration]:
        """How a proposer would have posed problems uniform over levels."""
        replies = [self.env.proposer_reply(_draw(self._posed, rng)) for _ in range(count)]
        return [Demonstration(transcript) for transcript in self.policy.references("proposer", replies)]

    def _draw(self, rng: random.Random) -> Problem:
        return _draw(self._by_level, rng)


def _by_level(problems: Sequence[Problem]) -> dict[int, list[Problem]]:
    levels = sorted({problem.level for problem in problems})
    return {level: [problem for problem in problems if problem.level == level] for level in levels}


def _draw(by_level: Mapping[int, Sequence[Problem]], rng: random.Random) -> Problem:
    return rng.choice(by_level[rng.choice(list(by_level))])
