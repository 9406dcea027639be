"""New problems from given ones: verified, with parents, and quarantined where their meaning may have changed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import pytest
from builders import transcript
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from envs.programs import Programs
from selfplay.augmentation import SIGNIFICANCE, VARIATIONS, Variant, paraphrase, refusals, same_rate, screen, vary
from selfplay.gate import Gate
from selfplay.protocols import Policy
from selfplay.types import (
    Draft,
    Origin,
    Problem,
    Prompt,
    Rejection,
    Request,
    Sampling,
    Status,
    Transcript,
    Verdict,
)
from verifiers import ClosingVerifier

HOT = Sampling(temperature=1.0)


def ground(programs: Programs, levels: Sequence[int], seed: int = 0) -> list[Problem]:
    rng = random.Random(seed)
    grounded = programs.ground([programs.draw(level, rng) for level in levels])
    return [one for one in grounded if isinstance(one, Problem)]


class Says:
    """A policy whose reply is a function of the request."""

    version = 0

    def __init__(self, reply: Callable[[Request], str], stopped: bool = True) -> None:
        self.reply = reply
        self.stopped = stopped
        self.requests: list[Request] = []

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Transcript]:
        self.requests += requests
        return [transcript(self.reply(one), one.role, self.stopped, one.seed) for one in requests]

    def reference(self, role: str, prompt: Prompt, completion: str) -> Transcript:
        return transcript(completion, role)

    def references(self, role: str, replies: Sequence[tuple[Prompt, str]]) -> list[Transcript]:
        return [self.reference(role, prompt, completion) for prompt, completion in replies]

    def snapshot(self) -> Policy:
        return self


class Sums(Programs):
    """Sums in prose: only what paraphrasing and judging need is not that of `programs`."""

    def prose(self, problem: Problem) -> str | None:
        return problem.prompt

    def reword(self, problem: Problem, text: str) -> Problem | Rejection:
        return replace(problem, prompt=text, parents=(problem.id,))

    def solver_prompt(self, problem: Problem, rng: random.Random, filler: int) -> Prompt:
        return Prompt((transcript(problem.prompt).messages[1],))

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        return completion or None


class Equal:
    """Judges by equality, and leaves `?` undecided."""

    name = "equal"

    def judge_of(self, problem: Problem) -> str:
        return ""

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        return [
            Verdict(
                Status.UNDECIDED if answer == "?" else Status.CORRECT if answer == one.reference else Status.WRONG,
                answer,
            )
            for one, answer in answers
        ]


@pytest.fixture
def sums(programs: Programs) -> Sums:
    return Sums(programs.options, programs.executor)


def sum_of(first: int, second: int) -> Problem:
    return Problem("sums", f"What is {first} plus {second}?", str(first + second), Origin.GENERATED, 1)


def test_every_variant_has_its_parents_and_a_reference_that_was_verified(
    programs: Programs, exact: ClosingVerifier
) -> None:
    problems = ground(programs, [1, 2, 3, 4] * 5)
    variants = vary(problems, programs, exact, Gate(()), 0)
    assert [variant.kind for variant in variants] == list(VARIATIONS) * len(problems)
    made = [variant.problem for variant in variants if variant.problem is not None]
    assert len(made) > 40
    assert {v.status for v in exact.verify([(one, one.reference) for one in made])} == {Status.CORRECT}
    ids = {one.id for one in problems}
    assert all(ids.issuperset(one.parents) for one in made)
    assert all(variant.problem.parents == variant.parents for variant in variants if variant.problem is not None)


def test_a_composition_runs_both_programs_and_names_both_parents(programs: Programs, exact: ClosingVerifier) -> None:
    problems = ground(programs, [2, 3])
    composed = [v for v in vary(problems, programs, exact, Gate(()), 1, ["compose"]) if v.problem is not None]
    assert composed
    for variant in composed:
        levels = {one.id: one.level for one in problems}
        assert variant.problem is not None
        assert variant.problem.level == sum(levels[parent] for parent in variant.parents)
        assert variant.problem.origin is Origin.EXECUTED


def test_a_composition_that_is_too_long_is_refused(programs: Programs, exact: ClosingVerifier) -> None:
    problems = ground(programs, [7, 6])
    variants = vary(problems, programs, exact, Gate(()), 0, ["compose"])
    assert refusals(variants) == {"compose/too_long": 2}


def test_what_cannot_be_varied_says_that_it_is_unchanged(programs: Programs, exact: ClosingVerifier) -> None:
    variants = vary(ground(programs, [3]), programs, exact, Gate(()), 0, ["reorder"])
    assert refusals(variants) == {"reorder/unchanged": 1}


def test_a_held_out_problem_is_never_varied_nor_composed_with(programs: Programs, exact: ClosingVerifier) -> None:
    problems = ground(programs, [2, 3])
    gate = Gate([one.id for one in problems])
    assert {reason.split("/")[1] for reason in refusals(vary(problems, programs, exact, gate, 0))} == {
        "held_out_parent"
    }
    half = Gate([problems[1].id])
    variants = [v for seed in range(6) for v in vary(problems, programs, exact, half, seed, ["compose"])]
    assert all(problems[1].id not in v.parents for v in variants if v.problem is not None)


def test_a_variant_that_is_held_out_or_known_is_refused_by_the_gate(programs: Programs, exact: ClosingVerifier) -> None:
    problems = ground(programs, [2] * 30)
    first = vary(problems, programs, exact, Gate(()), 0, ["new_numbers"])
    ids = [v.problem.id for v in first if v.problem is not None]
    again = vary(problems, programs, exact, Gate(ids), 0, ["new_numbers"])
    assert refusals(again)["new_numbers/held_out"] == len(ids)


def test_a_reference_that_its_verifier_does_not_accept_admits_nothing(programs: Programs) -> None:
    class Refuses(Equal):
        def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
            return [Verdict(Status.WRONG if i % 2 else Status.FAULT) for i in range(len(answers))]

    variants = vary(ground(programs, [6] * 4), programs, Refuses(), Gate(()), 0, ["new_numbers"])
    assert refusals(variants) == {"new_numbers/reference_undecided": 2, "new_numbers/reference_fails": 2}


def test_varying_twice_gives_the_same(programs: Programs, exact: ClosingVerifier) -> None:
    problems = ground(programs, [1, 2, 3])
    assert vary(problems, programs, exact, Gate(()), 7) == vary(problems, programs, exact, Gate(()), 7)


def test_a_paraphrase_keeps_the_reference_and_names_its_parent(sums: Sums) -> None:
    problems = [sum_of(17, 5), sum_of(2, 2)]
    policy = Says(lambda one: one.prompt.messages[-1].text.split("\n\n")[1].replace("What is", "Work out"))
    variants = paraphrase(policy, sums, problems, Gate(()), 0, HOT)
    assert [v.problem.reference for v in variants if v.problem] == ["22", "4"]
    assert [v.problem.parents for v in variants if v.problem] == [(one.id,) for one in problems]
    assert {one.role for one in policy.requests} == {"paraphraser"}
    assert len({one.seed for one in policy.requests}) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("What is  17 plus 5?", "unchanged"),
        ("What is 17 plus 6?", "numbers"),
        ("What is seventeen plus 5?", "numbers"),
        ("17 5", "length"),
        ("What, pray, is 17 plus 5? " * 9, "length"),
    ],
)
def test_a_paraphrase_that_plainly_says_something_else_is_refused(sums: Sums, text: str, reason: str) -> None:
    variants = paraphrase(Says(lambda one: text), sums, [sum_of(17, 5)], Gate(()), 0, HOT)
    assert refusals(variants) == {f"paraphrase/{reason}": 1}


def test_a_paraphrase_that_did_not_end_or_has_no_prose_or_is_held_out_is_refused(
    sums: Sums, programs: Programs
) -> None:
    one = sum_of(17, 5)
    unfinished = paraphrase(Says(lambda _: "17 and 5 together?", stopped=False), sums, [one], Gate(()), 0, HOT)
    held_out = paraphrase(Says(lambda _: "17 and 5 together?"), sums, [one], Gate([one.id]), 0, HOT)
    no_prose = paraphrase(Says(lambda _: "17 and 5 together?"), programs, [one], Gate(()), 0, HOT)
    counts = [refusals(variants) for variants in (unfinished, held_out, no_prose)]
    assert counts == [
        {"paraphrase/unfinished": 1},
        {"paraphrase/held_out_parent": 1},
        {"paraphrase/no_prose": 1},
    ]


def reworded(parent: Problem, text: str) -> Variant:
    return Variant("paraphrase", (parent.id,), replace(parent, prompt=text, parents=(parent.id,)))


def test_a_paraphrase_with_another_solve_rate_is_quarantined_and_a_faithful_one_is_not(sums: Sums) -> None:
    parent = sum_of(17, 5)
    variants = [reworded(parent, "Add 17 to 5."), reworded(parent, "Take 17 from 5.")]
    policy = Says(lambda one: "22" if "from" not in one.prompt.messages[-1].text else "-12")
    screened = screen(variants, [parent], policy, sums, Equal(), 8, 0, HOT)
    assert [v.problem is not None for v in screened] == [True, False]
    assert refusals(screened) == {"paraphrase/meaning_changed": 1}
    assert isinstance(screened[1].outcome, Rejection)
    assert "8/8 before, 0/8 after" in screened[1].outcome.detail


def test_a_pair_with_nothing_decided_is_refused_and_not_guessed(sums: Sums) -> None:
    parent = sum_of(17, 5)
    screened = screen([reworded(parent, "Add 17 to 5.")], [parent], Says(lambda _: "?"), sums, Equal(), 4, 0, HOT)
    assert refusals(screened) == {"paraphrase/undecided": 1}


def test_screening_leaves_refused_variants_as_they_are(sums: Sums) -> None:
    refused = Variant("paraphrase", ("x",), Rejection("length"))
    assert screen([refused], [], Says(lambda _: "1"), sums, Equal(), 4, 0, HOT) == [refused]


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_the_test_of_two_rates_is_symmetric_and_falls_with_the_difference(
    n_first: int, n_second: int, data: st.DataObject
) -> None:
    k_first = data.draw(st.integers(0, n_first))
    k_second = data.draw(st.integers(0, n_second))
    chance = same_rate(k_first, n_first, k_second, n_second)
    assert same_rate(0, n_first, n_second, n_second) <= chance + 1e-6
    assert chance <= 1.0
    assert chance == pytest.approx(same_rate(k_second, n_second, k_first, n_first), abs=1e-6)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_equal_rates_are_called_different_at_most_as_often_as_the_significance_says(rate: float) -> None:
    n = 8
    chances = [binom.pmf(k, n, rate) for k in range(n + 1)]
    flagged = sum(
        chances[first] * chances[second]
        for first, second in product(range(n + 1), repeat=2)
        if same_rate(first, n, second, n) < SIGNIFICANCE
    )
    assert 0.0 < flagged <= SIGNIFICANCE


@pytest.mark.parametrize(("k", "n"), [(2, 1), (-1, 1), (0, 0)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= k <= n"):
        same_rate(k, n, 1, 2)


def test_equal_rates_never_differ() -> None:
    assert {same_rate(k, 4, 2 * k, 8) for k, _ in product(range(5), range(2))} == {1.0}


def test_drafts_of_variants_carry_what_their_grounding_needs(programs: Programs, exact: ClosingVerifier) -> None:
    seen: list[Draft] = []

    class Watching(Programs):
        def ground(self, drafts: Sequence[Draft]) -> list[Problem | Rejection]:
            seen.extend(drafts)
            return super().ground(drafts)

        def mutate(self, draft: Draft, rng: random.Random, share: float) -> Draft:
            return replace(super().mutate(draft, rng, share), payload=draft.payload)

    env = Watching(programs.options, programs.executor)
    problem = replace(ground(programs, [3])[0], payload={"row": "7"})
    vary([problem], env, exact, Gate(()), 0, ["new_numbers"])
    assert [draft.payload for draft in seen] == [{"row": "7"}]
    assert seen[0].parents == (problem.id,)
