"""PolicyJudge: any Policy as a judge, the trained one included. It writes one JSON object, or it abstains.

Transcripts are kept with each opinion, so a recipe can record them, or train on them. What it is shown, `prompts.py`
says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from selfplay.judge import check_rubric, digest, read_choice, read_scores
from selfplay.judgements import Choice, Comparison, Criterion, Opinion, Rating
from selfplay.judges.prompts import comparison_text, reply_text
from selfplay.protocols import Policy
from selfplay.seeding import seed_for
from selfplay.types import Message, Problem, Prompt, Request, Sampling, Transcript

ROLE = "judge"
"""The role of transcripts that judge."""


class PolicyJudge:
    """Judges by generating. `name` is what verdicts carry; `seed` names the draws."""

    def __init__(
        self,
        policy: Policy,
        *,
        name: str = "policy",
        sampling: Sampling = Sampling(temperature=0.0, max_new_tokens=256),  # noqa: B008 (frozen)
        seed: int = 0,
    ) -> None:
        self.policy = policy
        self.name = name
        self.sampling = sampling
        self.seed = seed

    def prefer(self, comparisons: Sequence[Comparison]) -> list[Opinion]:
        requests = [
            Request(ROLE, comparison_prompt(one), self._seed("prefer", one.problem, one.first, one.second))
            for one in comparisons
        ]
        return [
            replace(read_choice(written.completion), transcript=written)
            if written.stopped
            else Opinion(Choice.ABSTAIN, None, "the reply did not end", written)
            for written in self._write(requests)
        ]

    def rate(self, replies: Sequence[tuple[Problem, str]], rubric: Sequence[Criterion]) -> list[Rating]:
        check_rubric(rubric)
        requests = [
            Request(ROLE, rubric_prompt(problem, reply, rubric), self._seed("rate", problem, reply))
            for problem, reply in replies
        ]
        return [
            replace(read_scores(written.completion, rubric), transcript=written)
            if written.stopped
            else Rating(None, (), "the reply did not end", written)
            for written in self._write(requests)
        ]

    def _write(self, requests: Sequence[Request]) -> list[Transcript]:
        return self.policy.generate(requests, self.sampling) if requests else []

    def _seed(self, what: str, problem: Problem, *texts: str) -> int:
        return seed_for(self.seed, "judge", what, problem.id, digest(*texts))


def comparison_prompt(one: Comparison) -> Prompt:
    """Asks which of two replies is better, by the comparison's principle if it has one."""
    ask = (
        'Write one JSON object and nothing else: {"reason": "a sentence or two", "choice": "A"}, where choice is "A", '
        '"B", or "neither" if you cannot tell.'
    )
    return Prompt((Message("user", comparison_text(one, ask)),))


def rubric_prompt(problem: Problem, reply: str, rubric: Sequence[Criterion]) -> Prompt:
    """Asks for a whole number for every criterion."""
    names = ", ".join(f'"{criterion.name}": 0' for criterion in rubric)
    questions = "\n".join(f"{criterion.name} (0 to {criterion.top}): {criterion.text}" for criterion in rubric)
    ask = (
        f'{questions}\n\nWrite one JSON object and nothing else: {{"reason": "a sentence or two", {names}}}, with a '
        "whole number for every criterion."
    )
    return Prompt((Message("user", reply_text(problem, reply, ask)),))
