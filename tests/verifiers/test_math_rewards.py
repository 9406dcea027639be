"""Reward functions in TRL's form: one reward a completion, None where we could not judge."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from selfplay.types import Status, Verdict
from verifiers.rewards import code_reward, math_reward, program_of, reward_of, text_of

ROOT = Path(__file__).parents[2]
INCREMENT = "Here it is:\n```python\ndef f(x):\n    return x + 1\n```\nDone."


def test_they_have_the_names_that_trainers_log() -> None:
    assert (math_reward.__name__, code_reward.__name__) == ("math_reward", "code_reward")


@pytest.mark.parametrize("column", ["reference", "answer", "solution"])
def test_answers_in_texts_and_conversations_are_rewarded(column: str) -> None:
    completions = [
        r"\boxed{1}",
        [{"role": "assistant", "content": r"\boxed{2}"}],
        [{"role": "user", "content": r"\boxed{3}"}, {"role": "assistant", "content": "none"}],
        r"\boxed{\frac{2}{4}}",
    ]
    columns = {column: ["1", "So\n#### 3", "3", r"thus $\boxed{0.5}$"]}
    rewards = math_reward(prompts=["q"] * 4, completions=completions, completion_ids=[[1]] * 4, **columns)
    assert rewards == [1.0, 0.0, 0.0, 1.0]


def test_the_first_reference_column_counts() -> None:
    assert math_reward(completions=[r"\boxed{1}"], solution=["2"], reference=["1"]) == [1.0]


def test_what_could_not_be_judged_is_none() -> None:
    rewards = math_reward(completions=[r"\boxed{1}"] * 3, reference=["(1", None, "1"])
    assert rewards == [None, None, 1.0]


def test_a_row_may_say_where_its_answer_is() -> None:
    assert math_reward(completions=["#### 5", r"\boxed{5}"], answer=["5", 5], extraction=["after:####", None]) == [
        1.0,
        1.0,
    ]


@pytest.mark.parametrize(
    "columns",
    [
        {"entry": ["f"] * 3, "inputs": [[[1], [2]]] * 3, "expected": [[2, 3]] * 3},
        {"entry": ["f"] * 3, "inputs": ["[[1], [2]]"] * 3, "expected": ["[2, 3]"] * 3},
        {"tests": ["assert f(1) == 2\nassert f(2) == 3"] * 3},
    ],
)
def test_programs_are_rewarded_for_what_they_return(columns: dict[str, list[object]]) -> None:
    completions = [INCREMENT, "def f(x):\n    return x", [{"role": "assistant", "content": INCREMENT}]]
    assert code_reward(prompts=["q"] * 3, completions=completions, **columns) == [1.0, 0.0, 1.0]


def test_scripts_are_rewarded_for_what_they_print() -> None:
    completions = ["```python\nprint(int(input()) * 2)\n```", "print(4)"]
    stdin = [["2\n", "3\n"]] * 2
    assert code_reward(completions=completions, stdin=stdin, expected=[["4", "6"]] * 2) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("status", "reward"),
    [
        (Status.CORRECT, 1.0),
        (Status.WRONG, 0.0),
        (Status.MALFORMED, 0.0),
        (Status.TIMEOUT, 0.0),
        (Status.UNDECIDED, None),
        (Status.FAULT, None),
    ],
)
def test_every_status_has_its_reward(status: Status, reward: float | None) -> None:
    assert reward_of(Verdict(status)) == reward


def test_the_last_block_is_the_program_and_the_last_assistant_speaks() -> None:
    assert program_of("```python\na = 1\n```\n```py\nb = 2\n```") == "b = 2"
    assert program_of("```python\na = 1") == "a = 1"
    assert program_of("a = 1") == "a = 1"
    assert text_of([{"role": "assistant", "content": [{"type": "text", "text": "x"}]}]) == "x"
    assert text_of([{"role": "user", "content": "x"}]) == ""


@pytest.mark.parametrize(
    ("columns", "message"),
    [({}, "no reference"), ({"answer": ["1", "2"]}, "2 values for 1"), ({"answer": "1"}, "a text for 1")],
)
def test_missing_and_misshapen_columns_are_named(columns: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        math_reward(completions=[r"\boxed{1}"], **columns)
    with pytest.raises(ValueError, match="expected"):
        code_reward(completions=["x"], prompt=["y"])


def test_importing_starts_nothing_and_imports_nothing_heavy() -> None:
    script = """
import sys
from verifiers.rewards import code_reward, math_reward
import psutil
assert not psutil.Process().children()
assert not {"torch", "sympy", "mpmath", "math_verify"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
