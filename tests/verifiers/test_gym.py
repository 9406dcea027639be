"""reasoning_gym's scorers in workers: full scores only, and no answer is evaluated."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay.types import Origin, Problem, Status
from verifiers import ClosingVerifier, make_verifier
from verifiers.gym import GymVerifier
from verifiers.inside import gym, judge_gym

NUM_ITEMS = 4
HOSTILE = (
    "\ud800", "\0", "\u0663", "\u00b2", "9" * 5000, "-" * 2000, "(" * 3000, "[" * 3000, '{"a":' * 1000, "1e999", "1/0",
    "1_000", "1,2,3", "[[1], [2, 3]]", "[[null]]", '[1, "a"]', '{"1": 2}', "((1, 2), 3)", "=", "x = 1", "->", "|",
    ",;:.",
)  # fmt: skip
"""Answers that parsers of numbers, lists, grids, equations and JSON break on."""
SLOW = {"arc_agi", "futoshiki", "intermediate_integration", "sudoku", "zebra_puzzles"}
FAMILIES = gym.families()
PLACES = [(family, level) for family, last in FAMILIES.items() for level in sorted({1, min(last, 4)})]


@pytest.fixture(scope="module")
def verifier() -> Iterator[ClosingVerifier]:
    with make_verifier("reasoning_gym", deadline_s=10.0) as made:
        yield made


@cache
def problem_of(family: str, level: int, seed: int) -> Problem:
    found = gym.item(family, level, seed)
    payload = {"family": family, "level": str(level), "entry": gym.entry_text(found)}
    return Problem("test", found["question"], found["answer"], Origin.GENERATED, level, payload=payload)


def made(reference: str, family: str = "products", **metadata: object) -> Problem:
    entry = gym.entry_text({"question": "?", "answer": reference, "metadata": metadata})
    payload = {"family": family, "level": "1", "entry": entry}
    return Problem("test", "?", reference, Origin.GENERATED, 1, payload=payload)


# Right and wrong, for every family


@pytest.mark.parametrize(("family", "level"), PLACES)
def test_the_reference_has_a_full_score_in_a_worker_after_json_and_others_have_not(
    verifier: ClosingVerifier, family: str, level: int
) -> None:
    count = 2 if family in SLOW else NUM_ITEMS
    problems = [problem_of(family, level, 104_729 * seed + level) for seed in range(count)]
    verdicts = verifier.verify([(one, one.reference.strip()) for one in problems])
    assert [(v.status, v.detail) for v in verdicts] == [(Status.CORRECT, "")] * count
    assert max(len(one.payload["entry"]) for one in problems) <= 100_000
    rng = random.Random(f"{family} {level}")
    items = [(one, answer) for one in problems for answer in wrong_answers(one.reference, rng)]
    found = verifier.verify(items)
    assert [(item[0].reference, item[1]) for item, one in zip(items, found, strict=True) if one.correct] == []
    assert {one.status for one in found} <= {Status.WRONG, Status.MALFORMED}


def wrong_answers(reference: str, rng: random.Random) -> list[str]:
    """Answers with the right one among other things, answers of other kinds, and one with a changed character.

    Symbols that are added to an antiderivative, and zeros that change no number, are avoided.
    """
    answers = [
        f"The answer is not {reference}", f"{reference} or 7", f"{reference}, banana", f"{reference}\nbanana",
        f"no{reference}", "banana", "nan", "inf", "None", "[]", "{}", "0.5.5", "()", "?",
    ]  # fmt: skip
    places = [match.start() for match in re.finditer("[0-9A-Za-z]", reference)]
    if places and "C" not in reference:
        place = rng.choice(places)
        kind = "123456789" if reference[place].isdigit() else "qzj"
        other = rng.choice([one for one in kind if one != reference[place].lower()])
        answers.append(reference[:place] + other + reference[place + 1 :])
    return [one for one in answers if one.strip().lower() != reference.strip().lower()]


@pytest.mark.parametrize("family", FAMILIES)
def test_no_text_leaves_a_family_undecided(verifier: ClosingVerifier, family: str) -> None:
    problem = problem_of(family, 1, 1)
    cut = [problem.reference[:-1], problem.reference[1:], problem.reference * 3, f"[{problem.reference}]"]
    verdicts = verifier.verify([(problem, answer) for answer in (*HOSTILE, *cut)])
    assert {one.status for one in verdicts} <= {Status.WRONG, Status.MALFORMED, Status.CORRECT}


def test_what_a_scorer_cannot_read_is_malformed_and_what_breaks_it_is_undecided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    family, entry = "prime_factorization", problem_of("prime_factorization", 1, 1).payload["entry"]
    reference = gym.entry_of(family, entry)["answer"]
    assert judge_gym.judge(family, 1, entry, "2 x 3")[::2] == (
        "malformed", "the scorer cannot read it: invalid literal for int() with base 10: '2 x 3'"
    )  # fmt: skip
    scorer = gym.dataset(family, 1).score_answer

    def breaks(answer: str, entry: dict[str, Any]) -> float:
        return scorer(answer, entry) if answer == reference else 1 / 0

    monkeypatch.setattr(gym.dataset(family, 1), "score_answer", breaks)
    assert judge_gym.judge(family, 1, entry, "7") == (
        "undecided", "7", "the scorer raised ZeroDivisionError: division by zero"
    )  # fmt: skip
    assert judge_gym.judge(family, 1, entry, reference)[0] == "correct"


def test_a_scorer_that_breaks_on_the_reference_too_is_a_fault_and_memory_is_the_workers_business(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    family, entry = "gcd", problem_of("gcd", 1, 1).payload["entry"]
    scores: list[float | Exception] = [KeyError("x"), 0.5, MemoryError()]

    def next_score(answer: str, entry: dict[str, Any]) -> float:
        score = scores.pop(0)
        if isinstance(score, Exception):
            raise score
        return score

    monkeypatch.setattr(gym.dataset(family, 1), "score_answer", next_score)
    assert judge_gym.judge(family, 1, entry, "7")[::2] == (
        "fault", "the scorer raised KeyError, and the reference has no full score"
    )  # fmt: skip
    with pytest.raises(MemoryError):
        judge_gym.judge(family, 1, entry, "7")


def test_an_answer_with_the_right_one_in_it_is_wrong_and_the_score_is_told(verifier: ClosingVerifier) -> None:
    problem = made("100", "gcd")
    verdicts = verifier.verify([(problem, answer) for answer in ("100", "1100", "", "7")])
    assert [(one.status, one.detail) for one in verdicts] == [
        (Status.CORRECT, ""),
        (Status.WRONG, "score 0.750"),
        (Status.MALFORMED, "the answer is empty"),
        (Status.WRONG, "score 0.000"),
    ]


# What answers may not do


EVALUATED: dict[str, dict[str, object]] = {
    "binary_matrix": {},
    "n_queens": {"valid_answers": []},
    "spiral_matrix": {},
    "string_insertion": {},
    "simple_integration": {"variable": "x", "integrand": "x"},
    "intermediate_integration": {"variable": "x", "integrand": "x"},
}


@pytest.mark.parametrize("family", EVALUATED)
def test_no_answer_is_evaluated(verifier: ClosingVerifier, tmp_path: Path, family: str) -> None:
    trace = tmp_path / "trace"
    programs = [
        f"[open({str(trace)!r}, 'w').write('x')]",
        f"__import__('pathlib').Path({str(trace)!r}).touch()",
        f"().__class__.__mro__[1].__subclasses__() and open({str(trace)!r}, 'w')",
        f"x**2/2 + C if open({str(trace)!r}, 'w') else 0",
    ]
    problem = made("x**2/2 + C", family, **EVALUATED[family])
    verdicts = verifier.verify([(problem, program) for program in programs])
    assert {one.status for one in verdicts} == {Status.WRONG}
    assert not trace.exists()


def test_the_families_that_would_evaluate_an_answer_are_those_that_are_guarded() -> None:
    """Read from the library's own source, so that a new version cannot bring another one unseen."""
    factory = gym.library()
    found = set()
    for family in FAMILIES:
        source = Path(str(__import__("sys").modules[factory.DATASETS[family][0].__module__].__file__)).read_text()
        scorer = source.partition("def score_answer")[2].partition("\n    def ")[0].partition("\nclass ")[0]
        if re.search(r"(?<![\w.])eval\(|exec\(|sympify|parse_expr|literal_eval", scorer):
            found.add(family)
    assert found == set(EVALUATED)
    assert set(gym.EVALUATING) == found - {"simple_integration", "intermediate_integration"}


def test_an_antiderivative_is_right_whatever_its_constant(verifier: ClosingVerifier) -> None:
    problem = made("x**2/2 + C", "simple_integration", variable="x", integrand="x")
    right = ["x**2/2 + C", "C + x*x/2", "(x**2 + 1)/2", "0.5*x**2 + C"]
    wrong = ["x**2 + C", "x", "x**2/2 + C*x", "Integral(x, x)", "x.diff(x)", "f'x**2/2'", "lambda x: x"]
    verdicts = verifier.verify([(problem, answer) for answer in right + wrong])
    assert [one.status for one in verdicts[: len(right)]] == [Status.CORRECT] * len(right)
    assert not any(one.correct for one in verdicts[len(right) :])


def test_an_answer_that_takes_too_long_is_a_timeout_and_no_undecided(
    verifier: ClosingVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = made("x**2/2 + C", "simple_integration", variable="x", integrand="x")
    assert verifier.verify([(problem, "x**2/2 + C")])[0].correct  # the data set is made by now
    assert isinstance(verifier, GymVerifier)
    monkeypatch.setattr(verifier.pool, "deadline_s", 1.0)
    assert verifier.verify([(problem, "9**9**9**9*x")])[0].status is Status.TIMEOUT


@given(st.text("0123456789.+-*/^() xyCeE_'[]=,;:#\n\u0660", max_size=30))
def test_only_arithmetic_of_numbers_letters_and_known_functions_is_read(text: str) -> None:
    if gym.is_arithmetic(text):
        assert set(text) <= set("0123456789.+-*/^() xyCeE\n")
        assert not re.search(r"[A-Za-z)]\s*\.\s*[A-Za-z]", text)  # no attributes


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("x**2/2 + C", True), ("sin(x)*exp(-x)", True), ("", True), ("1.5*x", True), (".5", True),
        ("x.y", False), ("x .real", False), ("a_b", False), ("'x'", False), ("x[0]", False), ("lambda x: x", False),
        ("open(x)", False), ("xy", False), ("x, y", False), ("x" * 1001, False), ("\u0660", False), ("x;y", False),
    ],
)  # fmt: skip
def test_what_may_be_read_as_an_expression(text: str, is_read: bool) -> None:
    assert gym.is_arithmetic(text) is is_read


# Faults


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        ({}, "no family is called ''"),
        ({"family": "composite", "level": "1", "entry": "{}"}, "no family is called 'composite', or it is not used"),
        ({"family": "gcd", "level": "1", "entry": "{"}, "the judge raised"),
        ({"family": "gcd", "level": "x", "entry": "{}"}, "the judge raised"),
    ],
)
def test_a_payload_that_says_nothing_is_a_fault(
    verifier: ClosingVerifier, payload: dict[str, str], detail: str
) -> None:
    problem = Problem("test", "?", "1", Origin.GENERATED, 1, payload=payload)
    (verdict,) = verifier.verify([(problem, "1")])
    assert verdict.status is Status.FAULT
    assert detail in verdict.detail


def test_a_missing_library_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifiers.base.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="needs the package reasoning_gym"):
        make_verifier("reasoning_gym")
    gym.families.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "reasoning_gym", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install .*reasoning-gym"):
        gym.families()
