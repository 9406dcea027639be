"""Earlier problems, by task, for recipes that show some to a proposer or attempt them again."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from selfplay.lab import Lab
from selfplay.types import Problem, Proposal


class Buffer:
    """Each problem once, the newest `capacity` of each task: a fold over rounds, rebuilt when a run resumes."""

    def __init__(self, lab: Lab, capacity: int) -> None:
        self.task_of = lab.env.task_of
        self.capacity = capacity
        self.problems: dict[str, dict[str, Problem]] = {task: {} for task in lab.env.tasks}
        for past in lab.past():
            self.add(past.proposals)

    def add(self, proposals: Iterable[Proposal]) -> None:
        """Take in what the proposals of a round became."""
        for proposal in proposals:
            if (problem := proposal.problem) is not None:
                own = self.problems[self.task_of(problem)]
                own[problem.id] = problem
                if len(own) > self.capacity:
                    del own[next(iter(own))]

    def sample(self, task: str, count: int, rng: random.Random) -> list[Problem]:
        """At most `count` different ones."""
        own = list(self.problems[task].values())
        return rng.sample(own, min(count, len(own)))

    def fill(self, new: Sequence[Problem], count: int, rng: random.Random) -> list[Problem]:
        """Earlier problems that bring each task of `new` up to `count`."""
        num_new = {task: sum(self.task_of(problem) == task for problem in new) for task in self.problems}
        return [one for task, own in num_new.items() for one in self.sample(task, max(0, count - own), rng)]
