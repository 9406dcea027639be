"""What holds for the kinds `quadratic`, `system` and `inequality` of `equations`."""

from __future__ import annotations

import random
import re
import statistics
from fractions import Fraction
from itertools import pairwise
from typing import Any, get_args

import pytest
import sympy

from envs.equations import KINDS, Kind, Options, make
from envs.mathematics.worked import WorkedProblems
from selfplay.errors import FieldError
from selfplay.seeding import rng_for
from selfplay.types import Draft, Problem, Rejection, Status
from verifiers import ClosingVerifier

QUADRATIC: Any
SYSTEM: Any
INEQUALITY: Any
QUADRATIC, SYSTEM, INEQUALITY = (make(Options(kind=kind)) for kind in ("quadratic", "system", "inequality"))
WORKED = [QUADRATIC, SYSTEM, INEQUALITY]
NUM_DRAWN = 30


def problem(env: Any, text: str) -> Problem:
    draft = env.read_problem(text)
    assert isinstance(draft, Draft), draft
    (made,) = env.ground([draft])
    assert isinstance(made, Problem)
    return made


def parsed(text: str) -> Any:
    """A side or an equation, by sympy."""
    spelled = re.sub(r"(\d|\))(?=[a-z(])", r"\1*", text).replace("^", "**")
    sides = [sympy.sympify(side, {letter: sympy.Symbol(letter, real=True) for letter in "tuvwxyz"})
             for side in re.split("<=|>=|<|>|=", spelled)]  # fmt: skip
    relation = re.search("<=|>=|<|>|=", spelled)
    signs = {"=": sympy.Eq, "<": sympy.Lt, ">": sympy.Gt, "<=": sympy.Le, ">=": sympy.Ge}
    assert relation is not None
    return signs[relation[0]](*sides, evaluate=relation[0] != "=")


def drawn(env: Any, seed: str) -> list[Problem]:
    rng = rng_for(0, seed)
    return [problem(env, env.draw(level, rng).prompt) for level in env.levels for _ in range(NUM_DRAWN)]


def test_quadratic_references_are_what_sympy_finds() -> None:
    for one in drawn(QUADRATIC, "sympy"):
        equation = parsed(one.prompt)
        expected = sympy.roots(sympy.Poly(equation.lhs - equation.rhs, *equation.free_symbols), filter="R")
        if one.reference == "no real solutions":
            assert expected == {}
            continue
        found = {sympy.nsimplify(parsed(part).rhs) for part in one.reference.split(" or ")}
        assert found == {sympy.nsimplify(root) for root in expected}, one


def test_references_of_systems_are_what_sympy_finds() -> None:
    for one in drawn(SYSTEM, "sympy"):
        equations = [parsed(part) for part in one.prompt.split(",")]
        found = {parsed(part).lhs: parsed(part).rhs for part in one.reference.split(" and ")}
        assert sympy.solve(equations) == found, one


def test_references_of_inequalities_are_what_sympy_finds() -> None:
    for one in drawn(INEQUALITY, "sympy")[::3]:  # sympy takes a tenth of a second for each
        relation = parsed(one.prompt)
        (letter,) = relation.free_symbols
        chain = re.fullmatch(r"(\S+?)(<=?)([a-z])(<=?)(\S+)", one.reference)
        parts = [f"{chain[1]}{chain[2]}{chain[3]}", f"{chain[3]}{chain[4]}{chain[5]}"] if chain else []
        found = (
            sympy.And(*(parsed(part) for part in parts))
            if chain
            else sympy.Or(*(parsed(part) for part in one.reference.split(" or ")))
        )
        assert found.as_set() == relation.as_set(), (one, letter)


@pytest.mark.parametrize("env", WORKED, ids=[type(env).__name__ for env in WORKED])
def test_every_step_of_the_work_is_true(env: WorkedProblems) -> None:
    """A step that is an equation without letters holds; other steps have the problem's solutions."""
    for one in drawn(env, "steps"):
        for step in env.solver_reply(one).split(";")[:-1]:
            if re.match("[Dr]=", step) or re.search("[a-z]", step.replace("sqrt", "")):
                continue
            equation = parsed(step.partition("=")[2] + "=" + step.partition("=")[0])
            assert sympy.simplify(equation) == sympy.true, (one, step)


@pytest.mark.parametrize("env", WORKED, ids=[type(env).__name__ for env in WORKED])
def test_solutions_grow_from_level_to_level(env: WorkedProblems) -> None:
    rng = rng_for(0, "length")
    means = []
    for level in env.levels:
        texts = [env.draw(level, rng).prompt for _ in range(300)]
        made = [problem(env, text) for text in texts]
        means.append(statistics.mean(len(one.prompt) + len(env.solver_reply(one)) for one in made))
    assert all(after >= 0.97 * before for before, after in pairwise(means)), means  # of a sample


@pytest.mark.parametrize(
    ("env", "text", "canonical", "level"),
    [
        (QUADRATIC, "x^2+3x-10=0", "x^2+3x-10=0", 1),
        (QUADRATIC, "-10+3x+x^2=0", "x^2+3x-10=0", 1),
        (QUADRATIC, "2x^2-8=0", "2x^2-8=0", 2),
        (QUADRATIC, "2x^2+x-1=0", "2x^2+x-1=0", 3),
        (QUADRATIC, "x^2+2x=x+2", "x^2+2x=x+2", 4),
        (QUADRATIC, "0=2-x^2", "0=-x^2+2", 6),
        (QUADRATIC, "2-x^2=0", None, "range"),
        (QUADRATIC, "x^2-2=0", "x^2-2=0", 5),
        (QUADRATIC, "x^2+1=0", "x^2+1=0", 5),
        (QUADRATIC, "2x^2+1=x^2+x", "2x^2+1=x^2+x", 6),
        (QUADRATIC, "x^2-100=0", None, "range"),
        (QUADRATIC, "x^2=x^2+1", None, "degree"),
        (QUADRATIC, "x^3=0", None, "degree"),
        (QUADRATIC, "x+1=0", None, "degree"),
        (QUADRATIC, "x^2+y=0", None, "grammar"),
        (QUADRATIC, "x^2+3x-10", None, "grammar"),
        (QUADRATIC, "a^2-1=0", None, "grammar"),
        (QUADRATIC, "x^2+x+x=0", None, "grammar"),
        (QUADRATIC, "x^2 - 1=0", None, "grammar"),
        (QUADRATIC, "+x^2-1=0", None, "grammar"),
        (QUADRATIC, "x^2-01=0", None, "grammar"),
        (QUADRATIC, "", None, "grammar"),
        (SYSTEM, "x+y=3,x-y=1", "x+y=3,x-y=1", 1),
        (SYSTEM, "y+x=3,x-y=1", "x+y=3,x-y=1", 1),
        (SYSTEM, "2x+3y=7,x-y=1", "2x+3y=7,x-y=1", 2),
        (SYSTEM, "2x+3y=7,3x-2y=4", "2x+3y=7,3x-2y=4", 3),
        (SYSTEM, "2x+3y=1,3x-2y=5", "2x+3y=1,3x-2y=5", 4),
        (SYSTEM, "2x+3=-3y+10,3x+1=2y+5", "2x+3=-3y+10,3x+1=2y+5", 5),
        (SYSTEM, "x+y=1,x+y=2", None, "singular"),
        (SYSTEM, "x+y=1,2x+2y=2", None, "singular"),
        (SYSTEM, "x+y=1", None, "grammar"),
        (SYSTEM, "x+y=1,x-y=1,x=1", None, "grammar"),
        (SYSTEM, "x+y=1,x-z=1", None, "grammar"),
        (SYSTEM, "x=1,y=2", None, "shape"),
        (SYSTEM, "x+y=y+1,x-y=0", None, "shape"),
        (SYSTEM, "7x+y=8,x-y=0", None, "range"),
        (SYSTEM, "x+y=30,x-y=0", None, "range"),
        (INEQUALITY, "x+3<5", "x+3<5", 1),
        (INEQUALITY, "2x>=5", "2x>=5", 2),
        (INEQUALITY, "3-2x<=9", "-2x+3<=9", 3),
        (INEQUALITY, "3-2x<=x+9", "-2x+3<=x+9", 4),
        (INEQUALITY, "x^2-x-6>0", "x^2-x-6>0", 5),
        (INEQUALITY, "-x^2+x+6>0", "-x^2+x+6>0", 6),
        (INEQUALITY, "x<3", None, "shape"),
        (INEQUALITY, "3<x", None, "shape"),
        (INEQUALITY, "x+1<x", None, "shape"),
        (INEQUALITY, "x^2>x", None, "shape"),
        (INEQUALITY, "x^2+1>0", None, "range"),
        (INEQUALITY, "x^2>0", None, "range"),
        (INEQUALITY, "x+99<5", None, "range"),
        (INEQUALITY, "x+3=5", None, "grammar"),
        (INEQUALITY, "1<x+3<5", None, "grammar"),
        (INEQUALITY, "x+3=<5", None, "grammar"),
    ],
)
def test_a_text_is_read_in_canonical_form_with_its_level_or_refused_with_its_reason(
    env: WorkedProblems, text: str, canonical: str | None, level: int | str
) -> None:
    outcome = env.read_problem(text)
    if canonical is None:
        assert isinstance(outcome, Rejection)
        assert outcome.reason == level
    else:
        assert outcome == Draft(canonical, int(level))


SHOWN = [
    (QUADRATIC, "x^2+3x-10=0", ["x=2 or x=-5", "{2,-5}", "x_1 = 2, x_2 = -5", "-5, 2", "x=-5;x=2"[5:] + ", x=-5",
     r"x\in\{2,-5\}"],
     ["x=2", "x=2 or x=5", "x=2 or x=-5 or x=0", "(2,-5)", "[-5,2]", "x^2+3x-10=0", "(x-2)(x+5)=0", "y=2 or y=-5",
      "no real solutions"]),
    (QUADRATIC, "x^2-2x+1=0", ["x=1", "1", "{1}"], ["x=1 or x=-1", "x=-1", "x^2-2x+1=0", "x=1 or x=2"]),
    (QUADRATIC, "x^2-2x-1=0", ["x=1-sqrt(2) or x=1+sqrt(2)", r"1\pm\sqrt{2}", "x=(2±sqrt(8))/2"],
     ["x=1+sqrt(2)", "x=1±sqrt(3)", "x=2.41 or x=-0.41", "no solution"]),
    (QUADRATIC, "x^2+1=0", ["no real solutions", "no solution", "There are no real roots.",
     r"\emptyset"], ["x=i or x=-i", "x=1", "0", "x=0"]),
    (QUADRATIC, "2x^2-5x-3=0", ["x=-1/2 or x=3", "{-0.5,3}", r"\{3,-\frac{1}{2}\}"],
     ["x=1/2 or x=-3", "x=3", "x=-1/2 or x=3 or x=1/2"]),
    (SYSTEM, "x+y=3,x-y=1", ["x=2 and y=1", "x=2,y=1", "y=1, x=2", "(2,1)", "(x,y)=(2,1)", r"$\left(2,1\right)$",
                             "{(2,1)}", "(x=2,y=1)", "(4/2, 1)"],
     ["(1,2)", "x=1 and y=2", "x=2", "y=1", "2,1", "{2,1}", "x=2 or y=1", "x+y=3,x-y=1", "(y,x)=(2,1)", "(2,1,0)",
      "x=2 and x=1"]),
    (SYSTEM, "2x+3y=1,3x-2y=5", ["x=17/13 and y=-7/13", r"(\frac{17}{13},-\frac{7}{13})"],
     ["(17/13,7/13)", "(1.31,-0.54)"]),
    (INEQUALITY, "2x+3<9", ["x<3", "3>x", "(-oo,3)", "(-∞, 3)", r"x\in(-\infty,3)"],
     ["x<=3", "(-oo,3]", "x>3", "x=3", "3", "2x<6", "2x+3<9", "y<3", "(3,-oo)", "(oo,3)"]),
    (INEQUALITY, "-2x+3<=x+9", ["x>=-2", "[-2,oo)", "-2<=x"], ["x<=-2", "x>-2", "(-2,oo)", "-x<=2", "-3x<=6"]),
    (INEQUALITY, "x^2-x-6>0", ["x<-2 or x>3", "(-oo,-2) U (3,oo)", r"(-\infty,-2)\cup(3,\infty)"],
     ["-2<x<3", "x>3", "x<-2", "x<-2 and x>3", "x<=-2 or x>=3", "(-2,3)", "x^2-x-6>0", "(x-3)(x+2)>0"]),
    (INEQUALITY, "-x^2+x+6>=0", ["-2<=x<=3", "[-2,3]", "x>=-2 and x<=3"], ["(-2,3)", "x<=3", "{-2,3}", "-2,3"]),
]  # fmt: skip


def judged(verifier: ClosingVerifier, env: Any, text: str, answer: str) -> Status:
    made = problem(env, text)
    read = env.read_answer(made, f"some work;{answer}")
    assert read is not None
    (verdict,) = verifier.verify([(made, read)])
    return verdict.status


@pytest.mark.parametrize(
    ("env", "text", "answer"), [(env, text, answer) for env, text, right, _ in SHOWN for answer in right]
)
def test_every_notation_of_the_solutions_is_right(
    env: Any, text: str, answer: str, verifiers_by_name: dict[str, ClosingVerifier]
) -> None:
    assert judged(verifiers_by_name["math_answer"], env, text, answer) is Status.CORRECT


@pytest.mark.parametrize(
    ("env", "text", "answer"), [(env, text, answer) for env, text, _, wrong in SHOWN for answer in wrong]
)
def test_missing_further_and_unsolved_solutions_are_not_right(
    env: Any, text: str, answer: str, verifiers_by_name: dict[str, ClosingVerifier]
) -> None:
    assert judged(verifiers_by_name["math_answer"], env, text, answer) in (Status.WRONG, Status.MALFORMED)


def test_texts_of_different_kinds_do_not_collide() -> None:
    kinds = [make(Options(kind=kind)) for kind in get_args(Kind)]
    for env in kinds:
        for level in env.levels:
            text = env.draw(level, rng_for(0, "collide")).prompt
            assert [other for other in kinds if isinstance(other.read_problem(text), Draft)] == [env], text


def test_levels_beyond_those_of_the_kind_are_refused() -> None:
    with pytest.raises(FieldError, match="expected at most 6"):
        Options(kind="quadratic", max_level=7)
    limited = make(Options(kind="system", max_level=2))
    assert limited.levels == range(1, 3)
    outcome = limited.read_problem("2x+3y=7,3x-2y=4")
    assert isinstance(outcome, Rejection)
    assert outcome.reason == "too_hard"
    assert set(get_args(Kind)) == set(KINDS)


def test_mutating_redraws_numbers_and_keeps_unknown_and_level() -> None:
    for env in WORKED:
        rng = random.Random(0)
        changed = 0
        for one in drawn(env, "mutate"):
            mutant = env.mutate(Draft(one.prompt, one.level, ("p",)), rng, 0.5)
            assert (mutant.level, mutant.parents) == (one.level, ("p",))
            assert env.letters(mutant.prompt) == env.letters(one.prompt)
            assert env.read_problem(mutant.prompt) == Draft(mutant.prompt, mutant.level)
            changed += mutant.prompt != one.prompt
        assert changed > len(env.levels) * NUM_DRAWN / 2


def test_renaming_keeps_the_order_of_two_unknowns_and_leaves_a_reply_with_the_new_letter_alone() -> None:
    made = problem(SYSTEM, "x+y=3,x-y=1")
    for seed in range(30):
        moved, reply = SYSTEM.augment(made, "x+y=3;(2,1)", random.Random(seed))
        letters = SYSTEM.letters(moved.prompt)
        first, second = sorted(letters)
        assert moved.prompt == f"{first}+{second}=3,{first}-{second}=1"
        assert reply == f"{first}+{second}=3;(2,1)"
        assert SYSTEM.augment(made, "t+u+v+w+z;x=2 and y=1", random.Random(seed))[0].id == made.id


def test_equations_in_another_order_are_the_same_system() -> None:
    draft = Draft("x+y=3,x-y=1", 1, ("p",))
    found = {SYSTEM.reorder(draft, random.Random(seed)) for seed in range(10)}
    assert found == {draft, Draft("x-y=1,x+y=3", 1, ("p",))}


def test_the_worked_examples_are_right() -> None:
    assert QUADRATIC.solver_reply(problem(QUADRATIC, "x^2+3x-10=0")) == (
        "D=9+40=49;r=7;(-3-7)/2=-5;(-3+7)/2=2;x=-5 or x=2"
    )
    assert SYSTEM.solver_reply(problem(SYSTEM, "2x+3y=7,x-y=1")) == (
        "2x-2y=2;5y=5;y=1;2x=4;x=2;x=2 and y=1"
    )  # fmt: skip
    wordy = make(Options(kind="inequality", style="instruct"))
    made = problem(wordy, "-2x+3<=x+9")
    assert wordy.solver_reply(made) == "-3x<=6\nAnswer: x>=-2"
    assert wordy.read_answer(made, "First, -3x<=6; so\nAnswer: x>=-2") == "x>=-2"
    assert made.reference == "x>=-2"
    assert Fraction(-2) == Fraction(made.reference.partition(">=")[2])
