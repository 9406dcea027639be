"""Problems that nobody here wrote: the families of the library reasoning_gym, from arithmetic to puzzles and games.

The library (an extra: `pip install -e '.[reasoning-gym]'`) draws a problem from family, configuration and seed with
its own code, in this process; it is imported when the environment is made. Level 1 is where a family's curriculum
begins, and every level sets all its knobs (sizes, ranges, numbers of steps) one step on, so within a family levels are
ordered by construction. A family is not drawn beyond its last level, and has level 1 alone if it has no curriculum. The
library's own stream, whose chunks are reseeded by one and so repeat most of their neighbours' items, is not used: each
draw has a seed of its own, and what is equal in content has one id.

Answers are judged by the library's scorers (`verifiers.gym`): only a full score is right. `verifiers.inside.gym` lists
the families that are left out, each with its reason. References are the generator's (origin GENERATED); of a problem
with several right answers it is one of them. Nobody proposes here.

As a held-out suite beside any training: make it, `held_out_split(env, levels, n)`, `evaluate(…)`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from envs.base import GivenProblems, ask, reject
from envs.given.data_files import nearest
from selfplay.errors import ConfigError, UserError
from selfplay.types import Draft, Origin, Problem, Prompt, Rejection
from verifiers.inside import gym

NUM_SEEDS = 2**32
OPEN, CLOSE = "<answer>", "</answer>"
REQUEST = f"Think step by step, then write your final answer, and nothing else, between {OPEN} and {CLOSE}."


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about `reasoning_gym`."""

    families: Literal["all"] | tuple[str, ...] = "all"
    """Names of families to draw from, each as often; all: those that are used."""
    max_level: Annotated[int, Field(ge=1, le=6)] = 5
    """The highest level, if a family has so many."""
    seed: int = 0
    """Problems of another seed are other problems, but for families that have few."""
    request: str = REQUEST
    """What is added to each problem, to ask for an answer between the marks."""


class ReasoningGym(GivenProblems):
    """The environment `reasoning_gym`."""

    name = "reasoning_gym"
    verifier = "reasoning_gym"

    def __init__(self, options: Options) -> None:
        """Raises UserError without the library, ConfigError for a family that is not used."""
        self.options = options
        try:
            known = gym.families()
        except ModuleNotFoundError as error:
            raise UserError(f"env.name: {error}") from error
        wanted = tuple(known) if options.families == "all" else options.families
        if not wanted:
            raise ConfigError("env.options.families: got an empty list, expected all or names of families")
        for family in wanted:
            if family in gym.EXCLUDED:
                raise ConfigError(f"env.options.families: got {family}, which is not used: {gym.EXCLUDED[family]}")
            if family not in known:
                raise ConfigError(f"env.options.families: got {family}, expected {nearest(family, known)}")
        self._levels = {family: known[family] for family in wanted}
        self.levels = range(1, min(options.max_level, max(self._levels.values())) + 1)

    def families(self, level: int) -> list[str]:
        """The families that have a level."""
        return [family for family, last in self._levels.items() if level <= last]

    def draw(self, level: int, rng: random.Random) -> Draft:
        """A problem of a family that has the level, uniform over families and seeds."""
        family, seed = rng.choice(self.families(level)), rng.randrange(NUM_SEEDS)
        found = gym.item(family, level, (seed + self.options.seed) % NUM_SEEDS)
        payload = {"family": family, "level": str(level), "entry": gym.entry_text(found), "answer": found["answer"]}
        return Draft(found["question"], level, payload=payload)

    def num_problems(self, level: int) -> int:
        """The number of seeds that can be drawn: an upper bound, as different seeds may give equal problems."""
        return NUM_SEEDS * len(self.families(level))

    def ground(self, drafts: Sequence[Draft]) -> list[Problem | Rejection]:
        """What was drawn with its reference; a draft from elsewhere has none (`not_drawn`)."""
        return [self._ground_one(draft) for draft in drafts]

    def _ground_one(self, draft: Draft) -> Problem | Rejection:
        if "entry" not in draft.payload:
            return reject("not_drawn", draft.prompt)
        payload = {key: draft.payload[key] for key in ("family", "level", "entry")}
        reference = draft.payload["answer"]
        return Problem(self.name, draft.prompt, reference, Origin.GENERATED, draft.level, draft.parents, payload)

    def read_problem(self, completion: str) -> Rejection:
        """`not_drawn`: the library's problems can be drawn, not read."""
        return reject("not_drawn", completion)

    def solver_prompt(self, problem: Problem, rng: random.Random, filler: int) -> Prompt:
        """The question and the request, whatever `filler` is."""
        request = self.options.request
        return ask(f"{problem.prompt}\n\n{request}" if request else problem.prompt)

    def solver_reply(self, problem: Problem) -> str:
        """The reference between its marks: the library shows no work."""
        return f"{OPEN}{problem.reference}{CLOSE}"

    def prose(self, problem: Problem) -> str:
        """The question."""
        return problem.prompt

    def reword(self, problem: Problem, text: str) -> Problem:
        """The question in other words, with the same entry for the scorer."""
        return replace(problem, prompt=text, parents=(problem.id,))

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        """What is between the last pair of marks, without white space at its ends."""
        before, mark, _ = completion.rpartition(CLOSE)
        _, begin, answer = before.rpartition(OPEN)
        return (answer.strip() or None) if mark and begin else None
