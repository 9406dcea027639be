"""Critique and revision by principles (Constitutional AI, Bai et al. 2212.08073, section 3.1), as stages.

A model is shown its own answer with a principle and asked for its faults, and then for a better answer. It judges
nothing: whether a revision is better is for whoever uses it.
"""

from __future__ import annotations

from collections.abc import Sequence

from selfplay.judge import Constitution
from selfplay.protocols import Policy
from selfplay.seeding import rng_for, seed_for
from selfplay.types import Message, Problem, Prompt, Request, Sampling, Transcript

CRITIQUE = (
    "A principle for choosing between replies: {principle}\n\nSay briefly in which ways your last reply falls short of "
    "it. Do not write a new reply yet."
)
REVISION = (
    "Now write your reply to the first request anew, so that nothing of what you criticised is left. Write the new "
    "reply alone, in the form that was asked for."
)


def revise(
    policy: Policy,
    prompts: Sequence[Prompt],
    problems: Sequence[Problem],
    answers: Sequence[Transcript],
    constitution: Constitution,
    seed: int,
    sampling: Sampling,
) -> list[Transcript]:
    """Each answer criticised by a principle of its own, and then written anew."""
    talks = []
    for prompt, problem, answer in zip(prompts, problems, answers, strict=True):
        principle = rng_for(seed, "principle", problem.id).choice(constitution.principles)
        ask = Message("user", CRITIQUE.replace("{principle}", principle))
        talks.append((*prompt.messages, Message("assistant", answer.completion), ask))
    asked = [
        Request("critic", Prompt(talk), seed_for(seed, "critique", problem.id))
        for talk, problem in zip(talks, problems, strict=True)
    ]
    critiques = policy.generate(asked, sampling)
    again = [
        Request(
            "reviser",
            Prompt((*talk, Message("assistant", critique.completion), Message("user", REVISION)), prompt.prefix),
            seed_for(seed, "revision", problem.id),
        )
        for talk, critique, prompt, problem in zip(talks, critiques, prompts, problems, strict=True)
    ]
    return policy.generate(again, sampling)
