"""What holds for `arithmetic` alone."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from envs.arithmetic import MAX_DIGITS, Arithmetic, Options
from selfplay.errors import FieldError
from selfplay.seeding import rng_for
from selfplay.types import Draft, Origin, Problem, Rejection, Status
from verifiers import ClosingVerifier, make_verifier

FORMATS = ("plain", "reversed", "scratchpad", "reversed_scratchpad")


def env_of(**options: Any) -> Arithmetic:
    return Arithmetic(Options(**options))


ALL = [
    env_of(operation=operation, format=form, style=style)
    for operation, form, style in product(("add", "multiply"), FORMATS, ("terse", "instruct"))
]


def named(env: Arithmetic) -> str:
    return f"{env.options.operation}-{env.options.format}-{env.options.style}"


@pytest.fixture(params=ALL, ids=named)
def env(request: pytest.FixtureRequest) -> Arithmetic:
    """Every operation in every format and style."""
    made: Arithmetic = request.param
    return made


@pytest.fixture(scope="module")
def exact() -> Iterator[ClosingVerifier]:
    with make_verifier("exact") as made:
        yield made


def problem(env: Arithmetic, text: str) -> Problem:
    (made,) = env.ground([Draft(text, len(text) // 2)])
    assert isinstance(made, Problem)
    return made


def problems(env: Arithmetic, count: int = 20) -> list[Problem]:
    rng = rng_for(0, "arithmetic", named(env))
    drafts = [env.draw(rng.choice(env.levels), rng) for _ in range(count)]
    made = [outcome for outcome in env.ground(drafts) if isinstance(outcome, Problem)]
    assert len(made) == count
    return made


@pytest.mark.parametrize(
    ("options", "text", "shown", "reply"),
    [
        ({}, "417+806", "417+806=", "1223"),
        ({"operation": "multiply"}, "417*806", "417*806=", "336102"),
        ({"format": "reversed"}, "417+803", "714+308=", "0221"),
        ({"format": "scratchpad"}, "417+806", "417+806=", "7+6+0=13;1+0+1=02;4+8+0=12;1223"),
        ({"format": "scratchpad"}, "95+15", "95+15=", "5+5+0=10;9+1+1=11;110"),
        ({"format": "reversed_scratchpad"}, "95+15", "59+51=", "5+5+0=10;9+1+1=11;011"),
        (
            {"format": "scratchpad", "operation": "multiply"},
            "41*86",
            "41*86=",
            "41*6=246;41*8=328;246+3280=3526;3526",
        ),
        (
            {"format": "reversed_scratchpad", "operation": "multiply"},
            "25*40",
            "52*04=",
            "52*0=0;52*4=001;0+0001=0001;0001",
        ),
    ],
)
def test_a_problem_is_shown_and_answered_in_its_format(
    options: dict[str, Any], text: str, shown: str, reply: str
) -> None:
    env = env_of(**options)
    made = problem(env, text)
    assert env.solver_prompt(made, random.Random(0), 3).messages[0].text == f"<solve>{shown}"
    assert env.solver_reply(made) == reply
    assert made.origin is Origin.GENERATED


def test_the_canonical_text_and_so_the_id_is_the_same_in_every_format() -> None:
    assert len({problem(env_of(format=form), "123+456").id for form in FORMATS}) == 1


def test_references_are_right_and_everything_near_them_is_wrong(env: Arithmetic, exact: ClosingVerifier) -> None:
    rng = rng_for(0, "near")
    rows: list[tuple[Problem, str, Status]] = []
    for made in problems(env):
        operands = [int(operand) for operand in made.prompt.replace("*", "+").split("+")]
        result = operands[0] * operands[1] if "*" in made.prompt else sum(operands)
        assert made.reference == (str(result)[::-1] if "reversed" in env.options.format else str(result))
        answer = env.read_answer(made, env.solver_reply(made))
        assert answer == made.reference
        rows.append((made, answer, Status.CORRECT))
        place = rng.randrange(len(answer))
        digit = rng.choice("0123456789".replace(answer[place], ""))
        near = [answer[:place] + digit + answer[place + 1 :], f"0{answer}", f"{answer}0"]
        rows += [(made, text, Status.WRONG) for text in near]
    verdicts = exact.verify([(made, answer) for made, answer, _ in rows])
    assert [verdict.status for verdict in verdicts] == [status for _, _, status in rows]


@pytest.mark.parametrize("env", [env for env in ALL if env.options.format.endswith("scratchpad")], ids=named)
def test_every_step_of_the_work_is_true(env: Arithmetic) -> None:
    backwards = env.options.format.startswith("reversed")
    for made in problems(env):
        steps = env.solver_reply(made).split(";")[:-1]
        assert len(steps) >= made.level
        for step in steps:
            left, _, right = step.partition("=")
            if env.options.operation == "add":
                assert sum(map(int, left.split("+"))) == int(right)
                continue
            terms, value = left.replace("*", "+").split("+"), right
            if backwards:
                terms, value = [term[::-1] for term in terms], right[::-1]
            first, second = map(int, terms)
            assert int(value) == (first * second if "*" in left else first + second)


def test_only_the_answer_is_judged_and_not_the_work(exact: ClosingVerifier) -> None:
    env = env_of(format="scratchpad")
    made = problem(env, "417+806")
    for reply, status in (
        ("7+6+0=99;nonsense;1223", Status.CORRECT),
        ("7+6+0=13;1+0+1=02;4+8+0=12;1224", Status.WRONG),
    ):
        answer = env.read_answer(made, reply)
        assert answer is not None
        assert exact.verify([(made, answer)])[0].status is status


@pytest.mark.parametrize(
    ("style", "reply", "answer"),
    [
        ("terse", "1223", "1223"),
        ("terse", " 1223\n", "1223"),
        ("terse", "1223.", None),
        ("terse", "1223;", None),
        ("terse", "", None),
        ("terse", "-5", None),
        ("terse", "\uff11\uff12\uff12\uff13", None),
        ("terse", "9" * 1_000_000, None),
        ("terse", "1 2", None),
        ("instruct", "1223", None),
        ("instruct", "So it is 1223.\nAnswer: 1223", "1223"),
        ("instruct", "Answer: 1\nNo, wait.\nAnswer: **1,223**.", "1223"),
        ("instruct", "Answer: 417+806 = $1223$", "1223"),
        ("instruct", "Answer: 12,23", None),
        ("instruct", "Answer: about 1223", None),
        ("instruct", "Answer: 1223 or 1224", None),
        ("instruct", "Answer: " + "1" * 1_000_000, None),
        ("instruct", "Answer: " + "$" * 1_000_000, None),
    ],
)
def test_a_reply_is_read_by_the_rule_of_its_style(style: str, reply: str, answer: str | None) -> None:
    env = env_of(style=style)
    began = time.thread_time()
    assert env.read_answer(problem(env, "417+806"), reply) == answer
    assert time.thread_time() - began < 0.01


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("12*34", "grammar"),
        ("12+34=", "grammar"),
        ("12 + 34", "grammar"),
        ("+12+34", "grammar"),
        ("12+34+56", "grammar"),
        ("\uff11\uff12+34", "grammar"),
        ("-2+3", "grammar"),
        ("", "grammar"),
        ("1" * 1_000_000, "grammar"),
        ("1" * 500_000 + "+" + "1" * 500_000, "grammar"),
        ("012+345", "leading_zero"),
        ("0+5", "leading_zero"),
        ("12+345", "lengths"),
        ("1" * 21 + "+" + "1" * 21, "too_long"),
    ],
)
def test_what_is_no_problem_is_refused_for_a_reason(text: str, reason: str) -> None:
    began = time.thread_time()
    read = env_of().read_problem(text)
    assert isinstance(read, Rejection)
    assert read.reason == reason
    assert time.thread_time() - began < 0.01


def test_drawn_problems_and_mutants_read_as_themselves(env: Arithmetic) -> None:
    rng = rng_for(0, "drawn")
    for level in env.levels:
        draft = env.draw(level, rng)
        mutant = env.mutate(draft, rng, 0.7)
        assert [env.read_problem(one.prompt) for one in (draft, mutant)] == [draft, mutant]
        assert {len(operand) for operand in mutant.prompt.replace("*", "+").split("+")} == {level}


def test_a_swapped_problem_has_the_same_answer_and_its_work_is_carried_over_where_it_can_be(env: Arithmetic) -> None:
    partial_products = env.options.operation == "multiply" and env.options.format.endswith("scratchpad")
    for made in problems(env):
        reply = env.solver_reply(made)
        swapped, carried = env.augment(made, reply, random.Random(0))
        if partial_products:
            assert (swapped, carried) == (made, reply)
            continue
        (again,) = env.ground([Draft(swapped.prompt, swapped.level)])
        assert isinstance(again, Problem)
        assert (swapped.reference, carried) == (again.reference, env.solver_reply(again))
        assert swapped.parents == (made.id,)
        assert swapped.id != made.id or swapped.prompt == made.prompt
        assert env.augment(made, f"Let us see. {reply}", random.Random(0))[0] == made


def test_prompts_and_replies_of_the_terse_style_are_made_of_its_small_vocabulary() -> None:
    for env in (one for one in ALL if one.options.style == "terse"):
        pieces = env.vocabulary()
        assert len(set(pieces)) == len(pieces)
        used = set()
        for made in problems(env, 50):
            prompt = env.solver_prompt(made, random.Random(0), 0).messages[0].text
            used |= {"<solve>", "<propose>", *prompt.removeprefix("<solve>"), *env.solver_reply(made)}
        assert used == set(pieces)


@pytest.mark.parametrize("operation", MAX_DIGITS)
def test_the_longest_operands_work_and_longer_ones_are_refused_as_an_option(operation: str) -> None:
    limit = MAX_DIGITS[operation]
    env = env_of(operation=operation, max_level=limit, format="scratchpad")
    (made,) = env.ground([env.draw(limit, random.Random(0))])
    assert isinstance(made, Problem)
    assert env.read_answer(made, env.solver_reply(made)) == made.reference
    with pytest.raises(FieldError, match=f"at most {limit} for {operation}"):
        env_of(operation=operation, max_level=limit + 1)
