"""`math_answer` against answers labelled by hand, and against inputs made to hang."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence

import pytest
from helpers import SLACK_S, problem
from math_hangs import HANGS, Hang
from math_pairs import PAIRS, TRAPS, Pair

from selfplay.types import Status, Verdict
from verifiers import ClosingVerifier, make_verifier

DEADLINE_S = 2.0
NUM_AT_ONCE = 4
OPEN = (Status.UNDECIDED, Status.TIMEOUT)
"""No decision: counted apart from right and wrong ones."""

POLICY_ROWS = (
    ({"extraction": "after:####"}, "18", "She makes 9 * 2 = 18.\n#### 18", Status.CORRECT),
    ({"extraction": "after:####"}, "18", "She makes 9 * 2 = 18.\n#### 26", Status.WRONG),
    ({"extraction": "after:####"}, "70000", "The profit is large.\n#### $70,000", Status.CORRECT),
    ({"extraction": "after:####"}, "18", r"So \boxed{18}.", Status.MALFORMED),
    ({"extraction": "whole"}, r"\frac{1}{2}", "1/2", Status.CORRECT),
    ({"extraction": "whole"}, "42", "The answer is 42", Status.WRONG),
    ({"extraction": "last_line"}, "42", "6 times 7\n42", Status.CORRECT),
    ({"extraction": "last_line"}, "42", "42\n41", Status.WRONG),
    ({"percent": "number"}, "50", r"\boxed{50\%}", Status.CORRECT),
    ({"percent": "fraction"}, "50", r"\boxed{50\%}", Status.WRONG),
    ({"units": "required"}, r"5\text{ cm}", r"\boxed{5}", Status.WRONG),
    ({"units": "required"}, r"5\text{ cm}", r"\boxed{5\text{ cm}}", Status.CORRECT),
    ({"units": "optional"}, r"5\text{ cm}", r"\boxed{5}", Status.CORRECT),
    ({"units": "ignore"}, r"5\text{ cm}", r"\boxed{5\text{ m}}", Status.CORRECT),
)
"""A row's own policy: (payload, reference, completion, status)."""


@pytest.fixture(scope="module")
def verifier() -> Iterator[ClosingVerifier]:
    with make_verifier("math_answer", num_workers=2, deadline_s=5.0) as made:
        yield made


@pytest.fixture(scope="module")
def verdicts(verifier: ClosingVerifier) -> list[Verdict]:
    return verifier.verify([(problem(pair.reference), pair.text) for pair in PAIRS])


def listed(rows: Sequence[tuple[Pair, Verdict]]) -> str:
    """A table of pairs and what became of them, for a reader of a failure."""
    lines = [
        f"{pair.category:24} {pair.reference[:50]!r:52} {pair.text[-70:]!r:74} "
        f"{'equal' if pair.equal else 'not equal':9} {verdict.status:9} {verdict.detail[:60]}"
        for pair, verdict in rows
    ]
    return "\n".join(["", *lines])


def chosen(verdicts: Sequence[Verdict], *statuses: Status, equal: bool) -> list[tuple[Pair, Verdict]]:
    rows = zip(PAIRS, verdicts, strict=True)
    return [(pair, verdict) for pair, verdict in rows if pair.equal == equal and verdict.status in statuses]


def test_the_labels_are_many_and_balanced() -> None:
    assert len(PAIRS) == len(set(PAIRS)) >= 1000
    assert len({pair.category for pair in PAIRS}) >= 40
    assert 0.4 <= sum(pair.equal for pair in PAIRS) / len(PAIRS) <= 0.6
    labels: dict[tuple[str, str], set[bool]] = {}
    for pair in PAIRS:
        labels.setdefault((pair.reference, pair.text.rpartition(r"\boxed")[2]), set()).add(pair.equal)
    assert [key for key, values in labels.items() if len(values) > 1 and key[1].endswith("}")] == []


def test_no_wrong_answer_is_accepted(verdicts: list[Verdict]) -> None:
    accepted = chosen(verdicts, Status.CORRECT, equal=False)
    assert not accepted, listed(accepted)


def test_no_trap_is_accepted(verifier: ClosingVerifier) -> None:
    got = verifier.verify([(problem(trap.reference), trap.text) for trap in TRAPS])
    accepted = [row for row in zip(TRAPS, got, strict=True) if row[1].status in (Status.CORRECT, Status.FAULT)]
    assert len(TRAPS) == len(set(TRAPS)) >= 300
    assert not any(trap.equal for trap in TRAPS)
    assert not accepted, listed(accepted)


def test_nearly_every_decision_is_right(verdicts: list[Verdict]) -> None:
    rejected = chosen(verdicts, Status.WRONG, Status.MALFORMED, Status.FAULT, equal=True)
    mistakes = rejected + chosen(verdicts, Status.CORRECT, Status.FAULT, equal=False)
    decided = sum(verdict.status not in OPEN for verdict in verdicts)
    assert len(mistakes) <= 0.01 * decided, listed(mistakes)


def test_few_answers_are_left_undecided(verdicts: list[Verdict]) -> None:
    left = [row for equal in (True, False) for row in chosen(verdicts, *OPEN, equal=equal)]
    assert len(left) <= 0.03 * len(PAIRS), listed(left)


def test_a_completion_without_a_balanced_box_is_malformed(verdicts: list[Verdict]) -> None:
    rows = [(pair, verdict) for pair, verdict in zip(PAIRS, verdicts, strict=True) if pair.category == "no box"]
    wrong = [row for row in rows if row[1].status is not Status.MALFORMED]
    assert rows
    assert not wrong, listed(wrong)


def test_an_answer_is_its_own_reference_in_every_category(verifier: ClosingVerifier) -> None:
    references = sorted({(pair.category, pair.reference) for pair in PAIRS})
    pairs = [Pair(category, reference, rf"\boxed{{{reference}}}", True) for category, reference in references]
    got = verifier.verify([(problem(pair.reference), pair.text) for pair in pairs])
    wrong = [row for row in zip(pairs, got, strict=True) if row[1].status is not Status.CORRECT]
    assert not wrong, listed(wrong)


def test_any_reference_can_be_judged_against_any_answer(verifier: ClosingVerifier) -> None:
    random_ = random.Random("crossed")
    references = sorted({pair.reference for pair in (*PAIRS, *TRAPS)})
    texts = sorted({pair.text for pair in (*PAIRS, *TRAPS) if len(pair.text) < 300})
    crossed = [(reference, text) for reference in references for text in random_.sample(texts, 30)]
    got = verifier.verify([(problem(reference), text) for reference, text in crossed])
    broken = [
        (*row, verdict)
        for row, verdict in zip(crossed, got, strict=True)
        if verdict.status in (Status.FAULT, Status.TIMEOUT)
    ]
    assert len(crossed) > 9000
    assert broken == []


def test_a_verdict_does_not_depend_on_the_batch(verifier: ClosingVerifier, verdicts: list[Verdict]) -> None:
    some = range(0, len(PAIRS), 40)
    with make_verifier("math_answer", num_workers=1, deadline_s=5.0) as alone:
        got = [alone.verify([(problem(PAIRS[index].reference), PAIRS[index].text)])[0].status for index in some]
    assert got == [verdicts[index].status for index in some]


def test_a_row_may_have_its_own_policy(verifier: ClosingVerifier) -> None:
    items = [(problem(reference, **payload), text) for payload, reference, text, _ in POLICY_ROWS]
    got = [verdict.status for verdict in verifier.verify(items)]
    assert got == [status for *_, status in POLICY_ROWS]


@pytest.fixture(scope="module")
def hung() -> list[tuple[Hang, Verdict, float]]:
    """Each hostile input with its verdict and the seconds of its group: as many at a time as workers."""
    rows = []
    with make_verifier("math_answer", num_workers=NUM_AT_ONCE, deadline_s=DEADLINE_S) as verifier:
        verifier.verify(
            [(problem("1"), rf"\boxed{{{number}}}") for number in range(NUM_AT_ONCE * 100)]
        )  # workers started
        for start in range(0, len(HANGS), NUM_AT_ONCE):
            group = HANGS[start : start + NUM_AT_ONCE]
            began = time.monotonic()
            got = verifier.verify([(problem(hang.reference), hang.text) for hang in group])
            seconds = time.monotonic() - began
            rows += [(hang, verdict, seconds) for hang, verdict in zip(group, got, strict=True)]
    return rows


def test_no_input_takes_longer_than_its_deadline(hung: list[tuple[Hang, Verdict, float]]) -> None:
    late = [(hang.name, seconds, verdict) for hang, verdict, seconds in hung if seconds > DEADLINE_S + SLACK_S]
    assert len(hung) == len(HANGS) >= 100
    assert late == []


def test_no_input_made_to_hang_is_accepted_by_mistake(hung: list[tuple[Hang, Verdict, float]]) -> None:
    accepted = [
        (hang.name, verdict) for hang, verdict, _ in hung if verdict.status is Status.CORRECT and not hang.equal
    ]
    guessed = [(hang.name, verdict) for hang, verdict, _ in hung if verdict.status is Status.WRONG and hang.equal]
    assert accepted == []
    assert guessed == []


def test_an_input_made_to_hang_leaves_the_next_answer_alone(hung: list[tuple[Hang, Verdict, float]]) -> None:
    with make_verifier("math_answer", num_workers=1, deadline_s=0.5) as verifier:
        items = []
        for hang in HANGS[:12]:
            items += [(problem(hang.reference), hang.text), (problem("391"), r"\boxed{391}")]
        got = [verdict.status for verdict in verifier.verify(items)]
    assert got[1::2] == [Status.CORRECT] * 12
