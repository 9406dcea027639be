"""Who proposes: the learned proposer and its controls, as policies behind one table.

`random_levels` is handed the level scale and a perfect generator: it is an oracle curriculum, not a fair rival.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from selfplay.checking import nearest
from selfplay.errors import FieldError
from selfplay.lab import Lab
from selfplay.protocols import Environment, Policy
from selfplay.seeding import rng_for
from selfplay.types import Problem, Prompt, Request, Sampling, Transcript


class GeneratorProposer:
    """Writes problems drawn by the environment's own generator, levels by `weights`; it is no model."""

    def __init__(self, env: Environment, writer: Policy, weights: Sequence[float]) -> None:
        self.env = env
        self.writer = writer
        self.weights = list(weights)
        self.version = 0

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Transcript]:
        drafts = []
        for request in requests:
            rng = rng_for(request.seed, "draw")
            drafts.append(self.env.draw(rng.choices(list(self.env.levels), self.weights)[0], rng))
        replies = []
        for problem in self.env.ground(drafts):
            if not isinstance(problem, Problem):
                raise ValueError(f"{self.env.name} drew a problem that it cannot ground: {problem.detail}")
            replies.append(self.env.proposer_reply(problem))
        return self.references("proposer", replies)

    def reference(self, role: str, prompt: Prompt, completion: str) -> Transcript:
        return self.writer.reference(role, prompt, completion)

    def references(self, role: str, replies: Sequence[tuple[Prompt, str]]) -> list[Transcript]:
        return self.writer.references(role, replies)

    def snapshot(self) -> Policy:
        return self


def learned(lab: Lab) -> Policy:
    """The policy itself."""
    return lab.policy


def frozen(lab: Lab) -> Policy:
    """The policy as it was when the run began."""
    return lab.start_policy()


def random_texts(lab: Lab) -> Policy:
    """Uniform over problem texts: nearly all of them are as long as they may be."""
    sizes = [lab.env.num_problems(level) for level in lab.env.levels]
    return GeneratorProposer(lab.env, lab.policy, [size / sum(sizes) for size in sizes])


def random_levels(lab: Lab) -> Policy:
    """Uniform over levels: an oracle curriculum."""
    return GeneratorProposer(lab.env, lab.policy, [1.0] * len(lab.env.levels))


PROPOSERS: dict[str, Callable[[Lab], Policy]] = {
    "learned": learned,
    "frozen": frozen,
    "random_texts": random_texts,
    "random_levels": random_levels,
}


def check_proposer(name: str) -> None:
    """Raise FieldError for an unknown one: for `__post_init__` of a recipe's Config."""
    if name not in PROPOSERS:
        raise FieldError("proposer", f"no proposer is called {name!r}; {nearest(name, PROPOSERS)}")
