"""`math_answer` as a verifier: order, one judgement for identical items, cache, slow path, deadlines, counts."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections.abc import Iterator

import pytest
from helpers import SLACK_S, at_most, problem

from selfplay.types import Status, Verdict
from verifiers import MathPolicy, MathVerifier, make_verifier
from verifiers.cache import VerdictCache
from verifiers.inside.judge_math_slow import judge_pair

DEADLINE_S = 2.0
INTEGRAL = (r"\int_0^1 x^2 dx", r"\boxed{\frac{1}{3}}")
"""A pair that only the slow path can decide."""


@pytest.fixture(scope="module")
def verifier() -> Iterator[MathVerifier]:
    with MathVerifier(num_workers=2, deadline_s=DEADLINE_S) as made:
        made.slow_pool.active()  # its start is not a judgement's time
        yield made


def statuses(verdicts: list[Verdict]) -> list[Status]:
    return [verdict.status for verdict in verdicts]


def test_it_is_made_by_name_with_options() -> None:
    with make_verifier("math_answer", num_workers=1, deadline_s=1.0, policy=MathPolicy(percent="number")) as made:
        assert made.name == "math_answer"
        assert statuses(made.verify([(problem("50"), r"\boxed{50\%}")])) == [Status.CORRECT]


def test_verdicts_come_in_the_order_of_the_items(verifier: MathVerifier) -> None:
    rows = [(problem(str(i)), f"so \\boxed{{{i if i % 3 else i + 1}}}") for i in range(1000)]
    assert statuses(verifier.verify(rows)) == [Status.CORRECT if i % 3 else Status.WRONG for i in range(1000)]


def test_the_verdict_has_the_answer_that_was_read(verifier: MathVerifier) -> None:
    (verdict,) = verifier.verify([(problem("7"), r"the final answer is $42$ … \boxed{ 7 }.")])
    assert (verdict.status, verdict.extracted) == (Status.CORRECT, "7")


def test_no_box_is_malformed(verifier: MathVerifier) -> None:
    (verdict,) = verifier.verify([(problem("42"), "The answer is 42.")])
    assert (verdict.status, verdict.detail) == (Status.MALFORMED, "no_answer")


@pytest.mark.parametrize("reference", [r"\frac{1}{", "(1", "", "1" * 3000, "2 +"])
def test_a_reference_that_cannot_be_read_is_our_fault(verifier: MathVerifier, reference: str) -> None:
    (verdict,) = verifier.verify([(problem(reference), r"\boxed{1}")])
    assert verdict.status is Status.FAULT
    assert "the reference" in verdict.detail
    assert "cannot be read" in verdict.detail


def test_very_long_texts_and_answers_are_malformed(verifier: MathVerifier) -> None:
    rows = [
        (problem("1"), "x" * 5_000_000),
        (problem("1"), "\\boxed{" + "1" * 100_000 + "}"),
        (problem("1"), "a" * 10**6),
    ]
    assert statuses(verifier.verify(rows)) == [Status.MALFORMED] * 3


def test_a_row_may_override_the_policy(verifier: MathVerifier) -> None:
    rows = [
        (problem("18", extraction="after:####"), "9 * 2\n#### 18"),
        (problem("50", policy=json.dumps({"percent": "number"})), r"\boxed{50\%}"),
        (problem("50"), r"\boxed{50\%}"),
        (problem("1/2", extraction="whole"), "0.5"),
    ]
    assert statuses(verifier.verify(rows)) == [Status.CORRECT, Status.CORRECT, Status.WRONG, Status.CORRECT]


@pytest.mark.parametrize(
    "payload", [{"extraction": "regex"}, {"policy": "{"}, {"policy": '{"colour": "red"}'}, {"policy": "[]"}]
)
def test_a_row_whose_policy_makes_no_sense_is_a_fault_with_the_reason(
    verifier: MathVerifier, payload: dict[str, str]
) -> None:
    good = (problem("1"), r"\boxed{1}")
    bad, fine = verifier.verify([(problem("1", **payload), r"\boxed{1}"), good])
    assert (bad.status, fine.status) == (Status.FAULT, Status.CORRECT)
    assert "policy" in bad.detail


def test_equations_are_judged_by_substitution(verifier: MathVerifier) -> None:
    rows = [
        ({"equation": "2*x+3=11"}, "4", Status.CORRECT),
        ({"equation": "2*x+3=11"}, "x=4", Status.CORRECT),
        ({"equation": "2*n+3=11", "unknown": "n"}, "n=8/2", Status.CORRECT),
        ({"equation": "2*x+3=11"}, "5", Status.WRONG),
        ({"equation": "2*x+3=11"}, "y=4", Status.MALFORMED),
        ({"equation": "2*x+3=11"}, r"\boxed{4}", Status.MALFORMED),
        ({"equation": "2*x+3"}, "4", Status.FAULT),
        ({"equation": "sqrt(x)=2"}, "4", Status.CORRECT),
        ({"equation": "sin(x)=2"}, "4", Status.WRONG),
    ]
    verdicts = verifier.verify([(problem("unused", **payload), answer) for payload, answer, _ in rows])
    assert statuses(verdicts) == [status for *_, status in rows]


def test_identical_items_are_judged_once_and_remembered() -> None:
    with MathVerifier(deadline_s=DEADLINE_S) as made:
        rows = [(problem("x^2"), rf"\boxed{{x^{{{i % 4}}}}}") for i in range(40)]
        first = made.verify(rows)
        assert (made.counts["fast"], made.counts["cached"]) == (4, 36)
        assert made.verify(rows) == first
        assert (made.counts["fast"], made.counts["cached"]) == (4, 76)


def test_the_cache_can_be_switched_off() -> None:
    with MathVerifier(deadline_s=DEADLINE_S, cache=None) as made:
        made.verify([(problem("1"), r"\boxed{1}")])
        made.verify([(problem("1"), r"\boxed{1}")])
        assert (made.counts["fast"], made.counts["cached"]) == (2, 0)


def test_policies_do_not_share_remembered_verdicts() -> None:
    cache = VerdictCache()
    row = [(problem("50"), r"\boxed{50\%}")]
    with MathVerifier(cache=cache) as strict, MathVerifier(cache=cache, policy=MathPolicy(percent="number")) as loose:
        assert statuses(strict.verify(row) + loose.verify(row)) == [Status.WRONG, Status.CORRECT]


def test_another_version_of_the_verifier_forgets_what_the_last_one_said(monkeypatch: pytest.MonkeyPatch) -> None:
    row = [(problem("50"), r"\boxed{50}")]
    with MathVerifier() as made:
        made.verify(row)
        made.verify(row)
        assert made.counts["cached"] == 1
        monkeypatch.setattr("verifiers.math_answer._VERSIONED", ("math_answer", "next"))
        made.verify(row)
        assert made.counts["cached"] == 1


def test_a_cache_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="cache is 'disk'; expected a VerdictCache"):
        MathVerifier(cache="disk")  # type: ignore[arg-type]


def test_undecided_is_counted_and_never_remembered() -> None:
    with MathVerifier(deadline_s=DEADLINE_S) as made:
        row = [(problem(r"\heartsuit"), r"\boxed{\spadesuit}")]
        assert statuses(made.verify(row) + made.verify(row)) == [Status.UNDECIDED] * 2
        assert (made.counts["slow"], made.counts["undecided"], made.counts["cached"]) == (2, 2, 0)


def test_only_the_slow_path_can_decide_an_integral(verifier: MathVerifier) -> None:
    before = verifier.counts["slow"]
    assert statuses(verifier.verify([(problem(INTEGRAL[0]), INTEGRAL[1])])) == [Status.CORRECT]
    assert verifier.counts["slow"] == before + 1


@pytest.mark.parametrize(
    ("reference", "answer"),
    [("42", "41=42"), ("42", r"41 \lor 42"), ("42", r"41 \mid 42"), ("5", r"5\%"), ("10^{-20}", "10^{-30}"),
     ("12_8", "12_9"), (r"1\text{ hour}", r"1\text{ minute}"), ("ABCD", "DCBA"), ("(1,2)", "1,2"),
     (r"\{1,2\}", "(1,2)"),
     (r"\frac{1}{2004!}", r"\frac{1}{2006!}"), (r"\sqrt{10^{40}+1}", "10^{20}")],
)  # fmt: skip
def test_the_slow_path_accepts_nothing_that_math_verify_is_known_to_get_wrong(reference: str, answer: str) -> None:
    assert judge_pair(reference, answer, MathPolicy())[0] != "correct"


@pytest.mark.parametrize(
    "answer",
    ["2^{2^{2^{2^{2^{2}}}}}x", "(10^8)!x", r"\binom{10^9}{5\cdot 10^8}x", "(x+1)^{1000000000}", "9!!!!!x",
     r"\sin(9^{9^{9}})x",
     r"\begin{pmatrix}1&2\\3&4\end{pmatrix}^{100000000}", r"\sum_{i=1}^{10^9} i", "x^{x^{x^{x^{x}}}}",
     r"\sqrt[1000000]{x}",
     r"\prod_{i=1}^{1000} (x+i)", "(a+b+c+d+f+g+h+j+k+l)^{40}", r"\exp(\exp(\exp(\exp(x))))"],
)  # fmt: skip
def test_nothing_takes_longer_than_its_deadline(verifier: MathVerifier, answer: str) -> None:
    for reference in ("x^2+1", r"\sum_{i=1}^{10^9} x", answer + "+1"):
        with at_most(DEADLINE_S + SLACK_S):
            (verdict,) = verifier.verify([(problem(reference), f"\\boxed{{{answer}}}")])
        assert verdict.status is not Status.CORRECT


def test_an_answer_is_judged_again_when_the_machine_stalls(verifier: MathVerifier) -> None:
    verifier.verify([(problem("1"), r"\boxed{1}")])
    for one in verifier.pool.process_ids():
        os.kill(one, signal.SIGSTOP)
    with at_most(DEADLINE_S + SLACK_S):
        verdicts = verifier.verify([(problem("x^3"), rf"\boxed{{x^{{{i}}}}}") for i in range(100, 140)])
    assert statuses(verdicts) == [Status.WRONG] * 40


def test_a_killed_slow_worker_costs_no_verdict(verifier: MathVerifier) -> None:
    verifier.verify([(problem(INTEGRAL[0]), INTEGRAL[1])])
    os.kill(verifier.slow_pool.process_ids()[0], signal.SIGKILL)
    began = time.perf_counter()
    assert statuses(verifier.verify([(problem(INTEGRAL[0]), r"\boxed{1/3}")])) == [Status.CORRECT]
    assert time.perf_counter() - began < 1.0


def test_an_audit_reports_a_disagreement_and_keeps_the_fast_verdict(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with MathVerifier(deadline_s=10, audit=1.0) as made:
        good = made.verify([(problem("x^2-1"), r"\boxed{(x-1)(x+1)}"), (problem(r"\sqrt8"), r"\boxed{2\sqrt2}")])
        assert statuses(good) == [Status.CORRECT] * 2
        assert made.counts["disagreements"] == 0
        run = made.slow_pool.run
        monkeypatch.setattr(made.slow_pool, "run", lambda jobs: run([[job[0], "x", *job[2:]] for job in jobs]))
        with caplog.at_level(logging.WARNING):
            assert statuses(made.verify([(problem("x^2-2"), r"\boxed{-2+x^2}")])) == [Status.CORRECT]
        assert made.counts["disagreements"] == 1
        assert "'x^2-2'" in caplog.text


def test_an_audit_samples_by_content() -> None:
    rows = [(problem(str(i)), rf"\boxed{{{i}}}") for i in range(200)]
    seen: list[list[object]] = []
    for _ in range(2):
        with MathVerifier(audit=0.1) as made:
            made.slow_pool.run = lambda jobs: seen.append(list(jobs)) or []  # type: ignore[method-assign, func-returns-value]
            with pytest.raises(ValueError, match="zip"):
                made.verify(rows)
    audited = [jobs for jobs in seen if jobs]
    assert audited[0] == audited[1]
    assert 5 <= len(audited[0]) <= 40


@pytest.mark.parametrize("audit", [-0.1, 1.5])
def test_a_share_outside_its_range_is_refused(audit: float) -> None:
    with pytest.raises(ValueError, match="audit"):
        MathVerifier(audit=audit)
