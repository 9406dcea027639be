"""What a proposer can be asked for: one task of an environment, or a step on the way to a given problem."""

from __future__ import annotations

import random

import pytest

from envs.code_triplet import CodeTriplet, Options
from envs.programs import Options as ProgramOptions
from envs.programs import Programs
from selfplay.protocols import Environment
from selfplay.seeding import rng_for
from selfplay.types import Draft, Problem
from verifiers import PythonExecutor


def test_every_problem_is_of_one_of_the_tasks_and_each_task_can_be_asked_for(
    env: Environment, problems: list[Problem]
) -> None:
    assert env.tasks
    assert {env.task_of(problem) for problem in problems} == set(env.tasks)
    if "proposer" not in env.roles:
        pytest.skip(f"nobody proposes in {env.name}")
    for task in env.tasks:
        examples = [problem for problem in problems if env.task_of(problem) == task][:3]
        first, second = (env.task_prompt(task, examples, random.Random(0)) for _ in range(2))
        assert first == second
        assert first.messages


def test_a_step_on_the_way_to_a_problem_begins_as_a_proposal_may(env: Environment, problems: list[Problem]) -> None:
    for problem in problems[:24]:
        prompt = env.related_prompt(problem, rng_for(0, problem.id)) if "proposer" in env.roles else None
        if prompt is None:
            continue
        assert prompt == env.related_prompt(problem, rng_for(0, problem.id))
        shown = prompt.messages[-1].text + prompt.prefix
        assert prompt.prefix
        assert problem.prompt.startswith(prompt.prefix) or problem.prompt in shown


@pytest.mark.parametrize("terse", [Programs(ProgramOptions(), None), CodeTriplet(Options(), None)])  # type: ignore[arg-type]
def test_in_pieces_a_step_begins_as_the_target_does_and_leaves_something_to_write(terse: Environment) -> None:
    rng = random.Random(0)
    lengths = set()
    for _ in range(60):
        draft = terse.draw(6, rng)
        target = Problem(terse.name, draft.prompt, "", "dataset", draft.level)  # type: ignore[arg-type]
        prompt = terse.related_prompt(target, rng)
        assert prompt is not None
        assert draft.prompt.startswith(prompt.prefix)
        assert prompt.messages == terse.proposer_prompt(rng).messages
        lengths.add(prompt.prefix.count("="))
        rest = draft.prompt.removeprefix(prompt.prefix)
        assert isinstance(terse.read_problem(prompt.prefix + rest), Draft)
        assert rest.count("=") >= 1
    assert len(lengths) >= 4


def test_in_words_the_examples_and_the_target_are_shown(executor: PythonExecutor) -> None:
    words = CodeTriplet(Options(style="instruct"), executor)
    drafts = [words.draw(level, random.Random(level)) for level in (3, 4, 5)]
    problems = [one for one in words.ground(drafts) if isinstance(one, Problem)]
    assert len(problems) == 3
    task = words.task_of(problems[0])
    text = words.task_prompt(task, problems, random.Random(0)).messages[0].text
    assert "Here are three of somebody else" in text
    assert all(problem.prompt in text for problem in problems)
    assert not any(
        problem.prompt in words.task_prompt(task, (), random.Random(0)).messages[0].text for problem in problems
    )
    related = words.related_prompt(problems[0], random.Random(0))
    assert problems[0].prompt in related.messages[0].text
    assert related.prefix == f"{task}\n"
