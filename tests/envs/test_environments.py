"""What holds for every environment in the table."""

from __future__ import annotations

import itertools
import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs import ENVIRONMENTS
from envs.base import TextEnvironment
from scripts.cases import FOLDER, Case
from selfplay.evaluate import held_out_split
from selfplay.gate import Gate
from selfplay.protocols import Environment, Verifier
from selfplay.scripted import ScriptedPolicy
from selfplay.seeding import rng_for
from selfplay.stages import propose, validate, verify
from selfplay.types import Draft, Problem, Rejection, Sampling, Status, Verdict, problem_id

ROOT = Path(__file__).resolve().parents[2]
COUNTED = 1000
"""Levels with at most so many problems are counted by drawing."""


def drafts_of(env: Environment, name: str, per_level: int = 3) -> list[Draft]:
    rng = rng_for(0, "test", name)
    return [env.draw(level, rng) for level in env.levels for _ in range(per_level)]


def grounded(env: Environment, drafts: Sequence[Draft]) -> list[Problem]:
    outcomes = env.ground(drafts)
    assert [one for one in outcomes if isinstance(one, Rejection)] == []
    return [one for one in outcomes if isinstance(one, Problem)]


def spread(items: Sequence[Problem], count: int) -> list[Problem]:
    """About `count` of them, evenly from first to last."""
    return list(items[:: max(1, len(items) // count)])


def good(verdict: Verdict) -> bool:
    return verdict.status is Status.CORRECT


def replies_are_right(env: Environment, verifier: Verifier, replies: Iterable[tuple[Problem, str]]) -> None:
    items = [(problem, env.read_answer(problem, reply)) for problem, reply in replies]
    assert [problem.prompt for problem, answer in items if answer is None] == []
    verdicts = verifier.verify([(problem, answer or "") for problem, answer in items])
    assert [(item, verdict) for item, verdict in zip(items, verdicts, strict=True) if not good(verdict)] == []


def needs(env: Environment, role: str) -> None:
    if role not in env.roles:
        pytest.skip(f"nobody plays {role} in {env.name}")


def overrides(env: Environment, method: str) -> bool:
    """Whether the environment has its own idea of a method that most leave alone."""
    return getattr(type(env), method) is not getattr(TextEnvironment, method, None)


# Cases and drawing


def test_every_environment_has_a_case_and_every_case_an_environment() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} - {"__init__"} == set(ENVIRONMENTS)


def test_a_drawn_problem_has_the_level_that_was_asked_for_and_its_generator_decides_it_alone(env: Environment) -> None:
    for level in env.levels:
        first, second = ([env.draw(level, rng_for(7, "level", n)) for n in range(5)] for _ in range(2))
        assert first == second
        assert {draft.level for draft in first} == {level}


def test_grounding_keeps_text_level_and_parents_and_answers_in_order(env: Environment) -> None:
    drafts = [replace(draft, parents=("parent",)) for draft in drafts_of(env, "keep", 2)]
    kept = [(p.env, p.prompt, p.level, p.parents) for p in grounded(env, drafts)]
    assert kept == [(env.name, draft.prompt, draft.level, draft.parents) for draft in drafts]
    assert env.ground([]) == []


def test_ids_are_the_same_in_another_process_with_other_hashes(env: Environment, elsewhere: list[dict]) -> None:
    expected = [problem_id(env.name, draft.prompt) for draft in drafts_of(env, "ids")]
    assert [ids[env.name] for ids in elsewhere] == [expected, expected]


@pytest.fixture(scope="session")
def elsewhere() -> list[dict[str, list[str]]]:
    """Ids of the same draws in two other processes."""
    program = (
        "import json\n"
        "from envs import ENVIRONMENTS\n"
        "from scripts.cases import FOLDER, case_of\n"
        "from selfplay.seeding import rng_for\n"
        "from selfplay.types import problem_id\n"
        "found = {}\n"
        "for name in ENVIRONMENTS:\n"
        "    if not (FOLDER / f'{name}.py').is_file():\n"
        "        continue\n"
        "    env, rng = case_of(name).make(None), rng_for(0, 'test', 'ids')\n"
        "    drafts = [env.draw(level, rng) for level in env.levels for _ in range(3)]\n"
        "    found[env.name] = [problem_id(env.name, draft.prompt) for draft in drafts]\n"
        "print(json.dumps(found))"
    )
    found = []
    for seed in ("1", "2"):
        variables = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program], env=variables, cwd=ROOT, capture_output=True, text=True, check=True
        )
        found.append(json.loads(done.stdout))
    return found


def test_two_seeds_do_not_give_the_same_problems(env: Environment) -> None:
    for level in env.levels:
        first, second = ([env.draw(level, rng).prompt for _ in range(20)] for rng in (rng_for(0, "a"), rng_for(1, "a")))
        size = env.num_problems(level)
        assert size >= 1
        assert first != second or size <= 3
        if size > 10**6:
            assert set(first).isdisjoint(second)


def test_the_number_of_problems_of_a_level_is_what_drawing_finds(env: Environment) -> None:
    for level in env.levels:
        size = env.num_problems(level)
        if size <= COUNTED:
            rng = rng_for(0, "count", level)
            draws = math.ceil(size * (math.log(size) + 12))  # all are found but for e^-12
            assert len({env.draw(level, rng).prompt for _ in range(draws)}) == size


def test_a_larger_held_out_split_extends_a_smaller_one_and_has_no_twins(env: Environment) -> None:
    levels = sorted({env.levels[0], env.levels[-1]})
    small, large = held_out_split(env, levels, 4), held_out_split(env, levels, 10)
    assert held_out_split(env, levels, 4) == small
    for level in levels:
        assert large[level][:4] == small[level]
        assert len({problem.id for problem in large[level]}) == min(10, env.num_problems(level))


def test_levels_are_in_order_of_difficulty(case: Case, env: Environment, problems: list[Problem]) -> None:
    """By the length of problem and reference solution, or by the case's own measure, on average over each level."""
    measure = case.difficulty or (lambda problem: len(problem.prompt) + len(env.solver_reply(problem)))
    found = {level: [float(measure(one)) for one in problems if one.level == level] for level in env.levels}
    means = [statistics.mean(values) for values in found.values()]
    errors = [statistics.stdev(values) / math.sqrt(len(values)) for values in found.values()]
    for (mean, error), (after, more) in itertools.pairwise(zip(means, errors, strict=True)):
        assert after >= mean - 3 * math.hypot(error, more), found
    assert len(means) == 1 or means[-1] > means[0]


# Right and wrong


def test_the_reference_solution_is_right(env: Environment, verifier: Verifier, problems: list[Problem]) -> None:
    assert [v for v in verifier.verify([(one, one.reference) for one in problems]) if not good(v)] == []
    replies_are_right(env, verifier, [(one, env.solver_reply(one)) for one in problems])


def test_a_perturbed_answer_is_found_wrong(case: Case, verifier: Verifier, problems: list[Problem]) -> None:
    rng = rng_for(0, "perturb")
    items = [(problem, case.wrong(problem, rng)) for problem in problems for _ in range(2)]
    verdicts = verifier.verify(items)
    missed = [(i, v) for i, v in zip(items, verdicts, strict=True) if good(v) or not v.status.decided]
    assert missed == []


@given(seeds=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=6), share=st.floats(0, 1))
@settings(max_examples=8, deadline=None)
def test_any_seed_draws_problems_whose_reference_is_right_and_whose_perturbations_are_wrong(
    case: Case, env: Environment, verifier: Verifier, seeds: list[int], share: float
) -> None:
    level = env.levels[min(int(share * len(env.levels)), len(env.levels) - 1)]
    found = grounded(env, [env.draw(level, rng_for(seed, "any")) for seed in seeds])
    assert all(good(verdict) for verdict in verifier.verify([(one, one.reference) for one in found]))
    wrong = verifier.verify([(one, case.wrong(one, rng_for(seeds[0], "wrong"))) for one in found])
    assert not any(good(verdict) for verdict in wrong)


def test_every_choice_of_options_has_right_reference_solutions(
    case: Case, variants: list[Environment], verifiers_by_name: dict[str, Verifier]
) -> None:
    for env in variants:
        own = case.own_verifier is not None
        verifier = case.verifier(env) if own else verifiers_by_name[env.verifier]
        found = grounded(env, drafts_of(env, "variants", max(1, 12 // len(env.levels))))
        replies_are_right(env, verifier, [(one, env.solver_reply(one)) for one in found])
        rng = rng_for(0, "variants")
        for problem in found:
            assert env.solver_reply(problem).startswith(env.solver_prompt(problem, rng, 2).prefix)
            if "proposer" in env.roles:
                reads_back(env, [problem])


# Proposing


def reads_back(env: Environment, problems: Sequence[Problem]) -> None:
    """Each problem, as a proposer would have written it, is read and grounded as itself."""
    drafts = []
    for problem in problems:
        prompt, reply = env.proposer_reply(problem)
        assert reply.startswith(prompt.prefix)
        draft = env.read_problem(reply)
        assert isinstance(draft, Draft), (draft, reply)
        drafts.append(draft)
    assert [(one.id, one.level, one.reference) for one in grounded(env, drafts)] == [
        (one.id, one.level, one.reference) for one in problems
    ]


def test_a_proposal_as_demonstrated_reads_as_its_problem(env: Environment, problems: list[Problem]) -> None:
    needs(env, "proposer")
    reads_back(env, spread(problems, 30))


def test_demonstrations_are_answers_to_prompts_that_are_asked(env: Environment, problems: list[Problem]) -> None:
    needs(env, "proposer")
    rng = rng_for(0, "prompts")
    asked = {env.proposer_prompt(rng) for _ in range(500)}
    assert {env.proposer_reply(problem)[0] for problem in problems} <= asked


def test_a_proposal_holds_its_stop_text_once(env: Environment, problems: list[Problem]) -> None:
    stop = env.stop_text() if "proposer" in env.roles else None
    if stop is not None:
        assert stop in env.vocabulary()
        assert {env.proposer_reply(problem)[1].count(stop) for problem in problems} == {1}


def test_proposals_pass_all_stages_and_their_solutions_are_right(env: Environment, verifier: Verifier) -> None:
    needs(env, "proposer")
    policy = ScriptedPolicy(env, reach=env.levels[-1], junk=0.0)
    proposals = validate(propose(policy, env, 6, 0, Sampling()), env, Gate(()), 0)
    assert {one.outcome.reason for one in proposals if isinstance(one.outcome, Rejection)} <= {"duplicate"}
    admitted = [one.problem for one in proposals if one.problem is not None]
    prompts = [env.solver_prompt(problem, rng_for(0, "stages"), 0) for problem in admitted]
    replies = [(prompt, env.solver_reply(problem)) for prompt, problem in zip(prompts, admitted, strict=True)]
    attempts = [[transcript] for transcript in policy.references("solver", replies)]
    episodes = verify(admitted, attempts, env, verifier)
    assert episodes
    assert all(good(episode.attempts[0].verdict) for episode in episodes)
