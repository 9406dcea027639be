"""`reasoning_gym`: which families are drawn, how answers are marked, and its use as a held-out suite."""

from __future__ import annotations

import importlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs import ENVIRONMENTS
from envs.reasoning_gym import NUM_SEEDS, Options, ReasoningGym
from selfplay.checking import build
from selfplay.errors import ConfigError
from selfplay.evaluate import accuracy, evaluate, held_out_split
from selfplay.gate import Gate
from selfplay.scripted import ScriptedPolicy
from selfplay.seeding import rng_for
from selfplay.types import Draft, Origin, Problem, Rejection
from verifiers import make_verifier
from verifiers.inside import gym

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = gym.families()
SLOW_SEEDS = 2


def test_every_family_is_used_or_left_out_with_a_reason() -> None:
    known = set(gym.library().DATASETS)
    assert set(FAMILIES) | set(gym.EXCLUDED) == known
    assert set(FAMILIES).isdisjoint(gym.EXCLUDED)
    assert all(len(reason) > 10 for reason in gym.EXCLUDED.values())
    assert set(gym.MAX_LEVELS) | set(gym.SLOW_TO_MAKE) <= set(FAMILIES)


PROGRAM = """
import hashlib, json, sys
from verifiers.inside import gym
found = {}
for family, last in list(gym.families().items())[::%d]:
    for level in sorted({1, min(last, 3)}):
        items = [gym.item(family, level, 15485863 * seed) for seed in range(%d)]
        texts = [[item["question"], item["answer"], gym.entry_text(item)] for item in items]
        found[f"{family} {level}"] = hashlib.sha256(json.dumps(texts).encode()).hexdigest()
json.dump(found, sys.stdout)
"""


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_the_same_seed_gives_the_same_problem_in_processes_with_other_hashes(every: int) -> None:
    found = []
    for seed in ("1", "2"):
        variables = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", PROGRAM % (every, SLOW_SEEDS)]
        done = subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout))
    assert found[0] == found[1]
    assert {name.split()[0] for name in found[0]} == set([*FAMILIES][::every])


@pytest.mark.parametrize("family", sorted(gym.SLOW_TO_MAKE))
def test_a_data_set_that_is_kept_gives_what_a_new_one_gives(family: str) -> None:
    gym.item(family, 1, 5)
    kept = gym.item(family, 1, 77)
    new = gym.made(family, 1, 77)[0]
    assert (kept["question"], kept["answer"]) == (new["question"], new["answer"])


def test_what_is_drawn_does_not_depend_on_what_was_drawn_before() -> None:
    families = [name for name in FAMILIES if name not in gym.SLOW_TO_MAKE and name not in ("sudoku", "zebra_puzzles")]
    first = [gym.item(family, 1, 3)["question"] for family in families]
    for family in families:
        gym.item(family, 1, 4)
    assert [gym.item(family, 1, 3)["question"] for family in families] == first


def test_a_level_draws_every_family_that_has_it_and_no_other() -> None:
    env = ReasoningGym(Options(families=("jugs", "gcd", "products"), max_level=6))
    assert env.levels == range(1, min(6, max(FAMILIES[name] for name in ("jugs", "gcd", "products"))) + 1)
    rng = random.Random(0)
    for level in env.levels:
        drawn = {env.draw(level, rng).payload["family"] for _ in range(60)}
        assert drawn == set(env.families(level)) == {n for n in ("jugs", "gcd", "products") if level <= FAMILIES[n]}
        assert env.num_problems(level) == NUM_SEEDS * len(drawn)


def test_levels_are_the_steps_of_a_familys_own_curriculum() -> None:
    env = ReasoningGym(Options(families=("chain_sum",)))
    rng = random.Random(0)
    for level in env.levels:
        metadata = [json.loads(env.draw(level, rng).payload["entry"])["metadata"] for _ in range(30)]
        assert max(one["num_terms"] for one in metadata) == level + 1
        assert max(one["num_digits"] for one in metadata) <= max(level, 1)


def test_the_librarys_stream_repeats_items_and_draws_do_not() -> None:
    data = gym.library().create_dataset("base_conversion", size=50, seed=0)
    stream = iter(importlib.import_module("reasoning_gym.dataset").ReseedingDataset(data, chunk_size=50))
    texts = [next(stream)["question"] for _ in range(100)]
    assert len(set(texts)) <= 51  # what makes its own stream useless for counting
    env = ReasoningGym(Options(families=("base_conversion",)))
    rng = random.Random(0)
    assert len({env.draw(1, rng).prompt for _ in range(100)}) >= 95


def test_what_is_equal_in_content_has_one_id_and_the_gate_takes_it_once() -> None:
    env = ReasoningGym(Options(families=("products",), max_level=1))
    rng = random.Random(0)
    problems = [one for one in env.ground([env.draw(1, rng) for _ in range(300)]) if isinstance(one, Problem)]
    assert len({one.id for one in problems}) == len({one.prompt for one in problems}) < len(problems)
    gate = Gate(())
    admitted = [one for one in map(gate.admit, problems) if isinstance(one, Problem)]
    assert len(admitted) == len({one.prompt for one in problems})


def test_another_seed_gives_other_problems() -> None:
    texts = [
        [
            ReasoningGym(Options(families=("rotate_matrix",), max_level=3, seed=seed)).draw(3, rng_for(0, n)).prompt
            for n in range(20)
        ]
        for seed in (0, 0, 1)
    ]
    assert texts[0] == texts[1]
    assert set(texts[0]).isdisjoint(texts[2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"families": ["chain_sums"]}, "env.options.families: got chain_sums, expected did you mean chain_sum"),
        ({"families": ["sokoban"]}, "got sokoban, which is not used: a right answer with something beside it"),
        ({"families": []}, "got an empty list"),
        ({"families": "some"}, "env.options.families"),
        ({"max_level": 0}, "env.options.max_level"),
    ],
)
def test_a_family_that_is_not_used_is_refused_with_the_reason(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ReasoningGym(build(Options, options, "env.options"))


def test_without_the_library_the_environment_says_what_to_install_and_the_package_still_imports() -> None:
    program = (
        "import sys; sys.modules['reasoning_gym'] = None\n"
        "import envs, verifiers\n"
        "from scripts.cli import run_main\n"
        "from scripts.play import main\n"
        "sys.argv = ['play', '--env', 'reasoning_gym']\n"
        "run_main(main, resumable=False)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "reasoning_gym is not installed: pip install" in done.stderr
    assert "Traceback" not in done.stderr


def test_importing_environments_does_not_import_the_library() -> None:
    program = "import envs, verifiers, sys; print('reasoning_gym' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("<answer>5</answer>", "5"),
        ("<answer>4</answer> no, <answer>\n 5\n6 \n</answer> end", "5\n6"),
        ("<answer><answer>5</answer>", "5"),
        ("<answer>4</answer> <answer>5", "4"),
        ("</answer>5<answer>", None),
        ("<answer> </answer>", None),
        ("5", None),
        ("", None),
    ],
)
def test_an_answer_is_what_stands_between_the_last_marks(reply: str, answer: str | None) -> None:
    env = ReasoningGym(Options(families=("gcd",)))
    (problem,) = env.ground([env.draw(1, random.Random(0))])
    assert isinstance(problem, Problem)
    assert env.read_answer(problem, reply) == answer


@given(st.text(max_size=40), st.text(max_size=40))
@settings(deadline=None)
def test_any_answer_is_read_back_from_between_its_marks(before: str, answer: str) -> None:
    env = ReasoningGym(Options(families=("gcd",)))
    (problem,) = env.ground([env.draw(1, random.Random(0))])
    assert isinstance(problem, Problem)
    if "<" not in before + answer:
        assert env.read_answer(problem, f"{before}<answer>{answer}</answer>") == (answer.strip() or None)


def test_a_draft_from_elsewhere_has_no_reference() -> None:
    env = ReasoningGym(Options(families=("gcd",)))
    (outcome,) = env.ground([Draft("What is 1+1?", 1)])
    assert isinstance(outcome, Rejection)
    assert outcome.reason == env.read_problem("What is 1+1?").reason == "not_drawn"


def test_it_is_a_held_out_suite_for_any_policy() -> None:
    env = ReasoningGym(Options(families=("gcd", "lcm", "chain_sum", "spell_backward"), max_level=3))
    split = held_out_split(env, [1, 3], 12)
    assert {level: len(found) for level, found in split.items()} == {1: 12, 3: 12}
    assert held_out_split(ENVIRONMENTS["reasoning_gym"].make(env.options, None), [1, 3], 12) == split
    assert {one.origin for found in split.values() for one in found} == {Origin.GENERATED}
    policy = ScriptedPolicy(env, reach=1.0, junk=0.0)
    policy.teach([one for found in split.values() for one in found])
    with make_verifier(env.verifier) as verifier:
        episodes = evaluate(policy, env, verifier, split, 64)
    assert {level: accuracy(found) for level, found in episodes.items()} == {1: 1.0, 3: 0.0}
