"""What holds for `equations` alone."""

from __future__ import annotations

from itertools import combinations

import pytest

from envs.equations import Options, make
from envs.mathematics.linear import MAX_VALUE, TERMS, UNKNOWNS
from selfplay.seeding import rng_for
from selfplay.types import Draft, Origin, Problem, Rejection, Status
from verifiers import ClosingVerifier

EQUATIONS = make(Options())


def problem(text: str) -> Problem:
    (made,) = EQUATIONS.ground([Draft(text, text.count("+") + text.count("-"))])
    assert isinstance(made, Problem)
    return made


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x=4", "grammar"),
        ("x+3", "grammar"),
        ("x+0=4", "grammar"),
        ("x+12=4", "grammar"),
        ("x+3=04", "grammar"),
        ("x+3=20", "grammar"),
        ("x+3=-1", "grammar"),
        ("e+3=4", "grammar"),
        ("x +3=4", "grammar"),
        ("x+3=4;", "grammar"),
        ("x+3=4=4", "grammar"),
        ("x+3-5+3=4", "repeated"),
        ("x+5=4", "range"),
        ("x-2=19", "range"),
        ("x+9-9=5", "range"),
        ("x" + "".join(TERMS[:17]) + "=9", "too_long"),
    ],
)
def test_what_is_no_equation_of_this_kind_is_rejected_with_its_reason(text: str, reason: str) -> None:
    outcome = EQUATIONS.read_problem(text)
    assert isinstance(outcome, Rejection)
    assert outcome.reason == reason


def test_equations_that_differ_in_the_order_of_their_numbers_are_one_problem() -> None:
    assert EQUATIONS.read_problem("x-5+3=4") == EQUATIONS.read_problem(" x+3-5=4\n") == Draft("x+3-5=4", 2)


def test_the_reference_and_the_payload_are_for_substitution() -> None:
    made = problem("k+3-5=4")
    assert (made.reference, made.origin, made.level) == ("k=6", Origin.GENERATED, 2)
    assert made.payload == {"equation": "k+3-5=4", "unknown": "k"}
    assert EQUATIONS.solver_reply(made) == "k:4;+3:1;-5:6;k=6"


def test_grounding_rejects_a_draft_that_is_no_equation() -> None:
    (outcome,) = EQUATIONS.ground([Draft("x+9=4", 1)])
    assert isinstance(outcome, Rejection)
    assert outcome.reason == "range"


def test_a_longer_equation_than_allowed_is_too_long() -> None:
    outcome = make(Options(max_level=2)).read_problem("x+1-2+3=4")
    assert isinstance(outcome, Rejection)
    assert outcome.reason == "too_long"


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("x:4;+3:1;-5:6;x=6", "x=6"),
        ("x:4;+3:9;x=6", "x=6"),  # a wrong step is not the answer
        ("x=2 is wrong, so x = 6.", "x=6"),
        ("x=12/2;", "x=12/2"),
        ("x=-6", "x=-6"),
        ("x=6;x=", None),
        ("x=6;y=7", None),
        ("6", None),
        ("x:4;+3:1;-5:6;", None),
        ("x=6 or 7", None),
        ("x=٦", None),
        ("x=" + "6" * 101, None),
        ("", None),
    ],
)
def test_the_answer_is_the_number_after_the_last_equals_sign_of_the_unknown(reply: str, answer: str | None) -> None:
    assert EQUATIONS.read_answer(problem("x+3-5=4"), reply) == answer


def test_every_unknown_can_be_judged(verifiers_by_name: dict[str, ClosingVerifier]) -> None:
    items = [(problem(f"{unknown}+3-5=4"), f"{unknown}={value}") for unknown in UNKNOWNS for value in (6, 7)]
    statuses = [verdict.status for verdict in verifiers_by_name["math_answer"].verify(items)]
    assert statuses == [Status.CORRECT, Status.WRONG] * len(UNKNOWNS)


def test_what_a_solver_sees_has_the_same_solution_and_another_order(
    verifiers_by_name: dict[str, ClosingVerifier],
) -> None:
    rng = rng_for(0, "shown")
    items, orders = [], set()
    for level in EQUATIONS.levels:
        made = problem(EQUATIONS.draw(level, rng).prompt)
        text = EQUATIONS.solver_prompt(made, rng, 3).messages[0].text.removeprefix("<solve>")
        shown = Problem("equations", text, "", Origin.GENERATED, level, payload={**made.payload, "equation": text})
        items.append((shown, made.reference))
        orders.add(text == made.prompt)
    assert {verdict.status for verdict in verifiers_by_name["math_answer"].verify(items)} == {Status.CORRECT}
    assert False in orders


def test_every_step_of_a_reference_solution_is_in_range() -> None:
    rng = rng_for(0, "range")
    for level in EQUATIONS.levels:
        steps = EQUATIONS.solver_reply(problem(EQUATIONS.draw(level, rng).prompt)).split(";")[:-1]
        assert len(steps) == level + 1
        assert all(0 <= int(step.split(":")[1]) <= MAX_VALUE for step in steps)


@pytest.mark.parametrize("level", [2, 3, 16])
def test_the_number_of_problems_is_what_enumeration_finds(level: int) -> None:
    texts = (f"x{''.join(terms)}={value}" for terms in combinations(TERMS, level) for value in range(MAX_VALUE + 1))
    found = sum(isinstance(EQUATIONS.read_problem(text), Draft) for text in texts)
    assert EQUATIONS.num_problems(level) == len(UNKNOWNS) * found


def test_all_equations_of_a_level_are_drawn_alike() -> None:
    rng = rng_for(0, "uniform")
    num_draws = 20 * EQUATIONS.num_problems(1)
    values = [int(EQUATIONS.draw(1, rng).prompt.split("=")[1]) for _ in range(num_draws)]
    for value in (0, 9, 19):
        allowed = sum(0 <= value - int(term) <= MAX_VALUE for term in TERMS) * len(UNKNOWNS)
        assert values.count(value) == pytest.approx(20 * allowed, rel=0.15)


def test_mutating_what_is_no_equation_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="not an equation"):
        EQUATIONS.mutate(Draft("print(1)", 1), rng_for(0, "mutate"), 0.5)


def test_instructions_show_an_example_that_is_true() -> None:
    wordy = make(Options(style="instruct"))
    made = problem("x-5+3=4")
    assert f"`x-5+3=4` is `{wordy.solver_reply(made)}`" in wordy.solver_prompt(made, rng_for(0), 0).messages[0].text
    example = wordy.proposer_prompt(rng_for(0)).messages[0].text.rpartition(" ")[2]
    assert isinstance(wordy.read_problem(example), Draft)
