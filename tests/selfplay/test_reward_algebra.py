"""Composed rewards: gates, sums, stages and bounds, in code and from a configuration."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest
from builders import transcript
from hypothesis import given
from hypothesis import strategies as st

from selfplay.errors import ConfigError
from selfplay.learnability import FORMULAS, Context
from selfplay.recipes import azr, r_zero, sqlm
from selfplay.reward_algebra import clip, constant, functions_in, gate, measured, read_reward, sequential, weighted
from selfplay.reward_functions import RewardFunctionError, ask, find_function
from selfplay.rewards import SOLVER_REWARDS
from selfplay.types import Reward

ONE, TWO, NOTHING, MINUS = constant(1.0, "one"), constant(2.0, "two"), constant(0.0, "zero"), constant(-1.0, "minus")


def of(formula: Any, k: int = 1, n: int = 4, context: Context | None = None) -> Reward:
    reward: Reward = formula(k, n, context or Context())
    return reward


def test_a_gate_lets_the_reward_through_or_pays_something_else() -> None:
    assert of(gate(ONE, TWO, -3.0)) == Reward((("two", 2.0),))
    assert of(gate(NOTHING, TWO, -3.0)) == Reward((("gated", -3.0),))


def test_a_weighted_sum_keeps_names_and_adds_terms_of_one_name() -> None:
    assert of(weighted([(0.5, ONE), (2.0, TWO), (1.0, ONE)])) == Reward((("one", 1.5), ("two", 4.0)))


def test_stages_end_with_the_first_that_does_not_pay() -> None:
    assert of(sequential([ONE, TWO])).total == 3.0
    assert of(sequential([ONE, MINUS, TWO])) == Reward((("one", 1.0), ("minus", -1.0)))
    assert of(sequential([NOTHING, TWO])).total == 0.0


def test_a_bound_says_what_it_took() -> None:
    assert of(clip(TWO, high=1.5)) == Reward((("two", 2.0), ("clipped", -0.5)))
    assert of(clip(MINUS, low=-0.25)) == Reward((("minus", -1.0), ("clipped", 0.75)))
    assert of(clip(TWO, 0.0, 5.0)) == Reward((("two", 2.0),))


@given(st.lists(st.tuples(st.floats(-4, 4), st.sampled_from(sorted(FORMULAS))), min_size=1, max_size=4), st.data())
def test_terms_of_any_composition_add_up_and_clipping_holds(
    parts: list[tuple[float, str]], data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, 16))
    k = data.draw(st.integers(0, n))
    total = weighted([(weight, FORMULAS[name]) for weight, name in parts])
    expected = sum(weight * FORMULAS[name](k, n, Context()).total for weight, name in parts)
    assert of(total, k, n).total == pytest.approx(expected)
    assert -1.0 - 1e-9 <= of(clip(total, -1.0, 1.0), k, n).total <= 1.0 + 1e-9


def test_a_configuration_reads_as_the_same_reward_in_code() -> None:
    spec = {
        "clip": {"weighted": [[1.0, "azr_code"], [0.5, {"gate": ["sqlm_paper", "spice"], "otherwise": -1}]]},
        "low": -1,
    }
    read = read_reward(spec)
    made = clip(
        weighted([(1.0, FORMULAS["azr_code"]), (0.5, gate(FORMULAS["sqlm_paper"], FORMULAS["spice"], -1.0))]), -1.0
    )
    assert [of(read, k) for k in range(5)] == [of(made, k) for k in range(5)]


@pytest.mark.parametrize(("short", "recipe"), [("azr", azr), ("r_zero", r_zero), ("sqlm", sqlm)])
def test_a_papers_bare_name_is_what_its_recipe_pays_by_default(short: str, recipe: Any) -> None:
    assert read_reward(short) is FORMULAS[recipe.Config().reward]
    assert read_reward("azr", known=SOLVER_REWARDS) is SOLVER_REWARDS["azr"]


def test_sequential_reads_from_a_configuration() -> None:
    assert of(read_reward({"sequential": ["sqlm_paper", "azr_paper"]})).total == 1.75
    assert of(read_reward({"sequential": ["sqlm_paper", "azr_paper"]}), k=0).total == 0.0


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("azr_papper", r"reward: no reward is called 'azr_papper'; did you mean azr_paper"),
        (3, "expected a name or a mapping"),
        ({}, "expected one of gate, weighted, sequential, clip"),
        ({"gate": ["azr_paper"]}, r"reward\.gate: .* expected a list of 2"),
        ({"weighted": []}, r"reward\.weighted: .* expected a list"),
        ({"weighted": [["x", "azr_paper"]]}, r"reward\.weighted\[0\]\[0\]: got 'x', expected a finite number"),
        ({"weighted": [[1, "azrr"]]}, r"reward\.weighted\[0\]\[1\]: no reward"),
        ({"clip": "spice", "low": 1, "high": 0}, "expected low <= high"),
        (
            "my_rewards.short",
            r"no reward is called 'my_rewards.short'.*a function of your own is written module:function",
        ),
        ({"clip": "spice", "lo": 1}, "unknown key 'lo'; did you mean low"),
        ({"clip": "spice", "low": float("nan")}, "finite number"),
    ],
)
def test_a_wrong_configuration_says_where(spec: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_reward(spec)


def test_functions_of_the_user_are_found_anywhere_in_a_reward() -> None:
    spec = {"weighted": [[1, "azr_paper"], [0.5, {"clip": "mine:short", "low": 0}], [1, "mine:short"], [1, "other:f"]]}
    assert functions_in(spec) == ["mine:short", "other:f"]
    assert functions_in("azr_paper") == []


def test_what_a_function_measured_is_a_term_and_no_opinion_is_zero() -> None:
    formula = measured("mine:short")
    assert of(formula, context=Context(measured={"mine:short": 0.25})) == Reward((("mine:short", 0.25),))
    assert of(formula, context=Context(measured={"mine:short": None})).total == 0.0


# The user's functions ------------------------------------------------------------------------------------------------

ROWS = [transcript(text) for text in ("a", "bb", "ccc")]


def test_a_trl_reward_function_works_unchanged_and_sees_prompts_completions_and_columns() -> None:
    def by_length(prompts: list[str], completions: list[str], level: list[int], **kwargs: Any) -> list[float | None]:
        assert prompts == ["?", "?", "?"]
        return [None if one == 2 else len(text) / 2 for one, text in zip(level, completions, strict=True)]

    assert ask("by_length", by_length, ROWS, {"level": [1, 2, 3]}) == [0.5, None, 1.5]


def test_functions_of_trl_itself_work_unchanged() -> None:
    """Those that look at token ids, and those that take messages."""
    from trl.rewards import accuracy_reward, get_soft_overlong_punishment, think_format_reward

    lengths = [one.num_sampled for one in ROWS]
    punish = get_soft_overlong_punishment(max_completion_len=max(lengths), soft_punish_cache=2)
    assert ask("punish", punish, ROWS, {}) == [
        (max(lengths) - 2 - n) / 2 if n > max(lengths) - 2 else 0.0 for n in lengths
    ]
    thought = [transcript("<think>so</think>4"), transcript("4"), transcript("")]
    assert ask("think", think_format_reward, thought, {}) == [1.0, 0.0, 0.0]
    answered = [transcript(r"it is $\boxed{4}$"), transcript(r"it is $\boxed{5}$")]
    assert ask("accuracy", accuracy_reward, answered, {"solution": ["$4$", "$4$"]}) == [1.0, 0.0]


def test_an_asynchronous_function_is_waited_for() -> None:
    async def slow(completions: list[str], **_: Any) -> list[float]:
        await asyncio.sleep(0)
        return [float(len(text)) for text in completions]

    assert ask("slow", slow, ROWS, {}) == [1.0, 2.0, 3.0]


def test_what_a_function_logs_with_trl_is_taken_and_left() -> None:
    def logging(completions: list[str], log_extra: Any, log_metric: Any, **_: Any) -> list[float]:
        log_extra("text", completions)
        log_metric("length", 1.0)
        return [1.0] * len(completions)

    assert ask("logging", logging, ROWS, {}) == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([1.0, 2.0], "returned 2 values for 3 completions"),
        ([1.0, float("nan"), 2.0], r"returned nan for row 1, the completion 'bb'"),
        ([1.0, "good", 2.0], r"returned 'good' for row 1"),
        ([1.0, 2.0, float("inf")], r"returned inf for row 2, the completion 'ccc'"),
        ("abc", "expected a list of 3 numbers"),
        (None, "expected a list of 3 numbers"),
        (1.0, "expected a list of 3 numbers"),
        ({1.0, 2.0, 3.0}, "expected a list of 3 numbers"),
        (numpy.array(1.0), "expected a list of 3 numbers"),
        (numpy.ones((3, 2)), r"returned array\(\[1., 1.\]\) for row 0"),
        ([0.0, 10**400, 1.0], r"returned 10+… for row 1, the completion 'bb'"),
        ([0.0, [1.0], 1.0], r"returned \[1.0\] for row 1"),
    ],
)
def test_an_answer_that_is_no_reward_names_function_and_row(answer: Any, message: str) -> None:
    with pytest.raises(
        RewardFunctionError, match=f"the reward function mine:f {message}" if "expected" not in message else message
    ):
        ask("mine:f", lambda **_: answer, ROWS, {})


@pytest.mark.parametrize(
    ("fails_on", "row"), [("ccc", "row 2, the completion 'ccc'"), ("", "row 0, the completion 'a'")]
)
def test_a_function_that_raises_is_named_with_its_line_and_the_row(fails_on: str, row: str) -> None:
    def broken(completions: list[str], level: list[int], **_: Any) -> Sequence[float]:
        assert len(level) == len(completions)
        return [1.0 if fails_on and text != fails_on else {}["answer"] for text in completions]

    wanted = rf"mine:f raised KeyError: 'answer' \(test_reward_algebra\.py, line \d+\), for {row}"
    with pytest.raises(RewardFunctionError, match=wanted):
        ask("mine:f", broken, ROWS, {"level": [1, 2, 3]})


def test_a_function_that_raises_for_the_batch_alone_says_so() -> None:
    def batched(completions: list[str], **_: Any) -> Sequence[float]:
        if len(completions) > 1:
            raise ValueError("too many")
        return [1.0]

    with pytest.raises(RewardFunctionError, match=r"raised ValueError: too many .* for 3 completions together"):
        ask("mine:f", batched, ROWS, {})
    with pytest.raises(RewardFunctionError, match=r"raised ZeroDivisionError.* for 3 completions together"):
        ask("mine:f", lambda completions, **_: [len(completions[2]) / 0], ROWS, {})  # alone it raises another


def test_numbers_of_numpy_and_true_or_false_are_numbers() -> None:
    assert ask("f", lambda **_: [numpy.float32(0.5), True, 2], ROWS, {}) == [0.5, 1.0, 2.0]
    assert ask("f", lambda **_: numpy.array([1.0, 2.0, 3.0]), ROWS, {}) == [1.0, 2.0, 3.0]


def test_functions_are_found_by_module_and_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_rewards.py").write_text("def short(prompts, completions, **kwargs):\n    return [1.0]\n")
    (tmp_path / "my_broken.py").write_text("1 / 0\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert ask("short", find_function("my_rewards:short"), ROWS[:1], {}) == [1.0]
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "rewards_from_here.py").write_text("def f(**kwargs):\n    return [2.0]\n")
    monkeypatch.chdir(tmp_path / "here")
    assert ask("f", find_function("rewards_from_here:f"), ROWS[:1], {}) == [2.0]
    for name, message in (
        ("my_rewards:long", "has no function 'long'; it has short"),
        ("my_reward:short", "there is no module 'my_reward'"),
        ("my_broken:f", "importing it raised ZeroDivisionError"),
        ("my_rewards:", "expected module:function"),
    ):
        with pytest.raises(ConfigError, match=message):
            find_function(name)
