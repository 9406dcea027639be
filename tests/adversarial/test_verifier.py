"""The verifier of programs is not fooled either: no cheat of the table is CORRECT, and expected values do not leak."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from selfplay.types import Origin, Problem, Status, Verdict
from tests.adversarial.attack import CORRECT, Attack
from tests.adversarial.attacks import ATTACKS, CONTROLS
from tests.adversarial.fuzzing import at_most
from tests.adversarial.world import secret
from verifiers.python_exec import PythonVerifier
from verifiers.sandbox.json_values import write

PLANTED = {
    "HOME": "/nowhere",
    "DROP": "/nowhere",
    "TRAINER": "1",
    "VICTIM": "2",
    "PORT": "1",
    "SOCKET": "/s",
    "ABSTRACT": "s",
}
"""Nothing is planted here: the rows that need it run in the campaigns."""
CHEATS = {
    name: row
    for name, row in ATTACKS.items()
    if CORRECT not in row.allowed and row.fast and not row.twice and (row.entry is None or row.entry.isidentifier())
}
LEAKS = {
    name: row
    for name, row in ATTACKS.items()
    if name.startswith(("other_jobs/", "expected_answers/"))
    and not row.sequel
    and name != "other_jobs/own_memory_by_address"
}


@pytest.fixture(scope="module")
def verifier() -> Iterator[PythonVerifier]:
    with PythonVerifier(num_workers=2, deadline_s=2.0, memory_mb=256) as made:
        yield made


def problem(name: str, row: Attack, expected: list[object]) -> Problem:
    if row.entry is None:
        return Problem("adversarial", name, str(expected[0]), Origin.DATASET, level=0)
    inputs = write([list(arguments) for arguments in row.inputs])
    payload = {"entry": row.entry, "inputs": inputs, "expected": write(expected)}
    return Problem("adversarial", name, "", Origin.DATASET, level=0, payload=payload)


def verdicts(verifier: PythonVerifier, rows: dict[str, Attack]) -> dict[str, Verdict]:
    """The verdict of every row, all in one call."""
    asked = [(problem(name, row, list(row.expected)), row.job(PLANTED).program) for name, row in rows.items()]
    return dict(zip(rows, verifier.verify(asked), strict=True))


def test_no_cheat_is_correct_and_none_is_our_fault(verifier: PythonVerifier) -> None:
    found = verdicts(verifier, CHEATS)
    assert len(found) > 150
    assert {name: str(one) for name, one in found.items() if one.status in (Status.CORRECT, Status.FAULT)} == {}


def test_controls_are_correct(verifier: PythonVerifier) -> None:
    found = verdicts(verifier, CONTROLS)
    assert {name: str(one) for name, one in found.items() if one.status is not Status.CORRECT} == {}


def test_expected_values_are_not_found_by_any_search(verifier: PythonVerifier) -> None:
    asked = []
    for name, row in LEAKS.items():
        key = secret()
        program = (
            row.job(PLANTED).program
            + f"\nanswer = f\ndef f(x):\n    text = str(answer(x))\n    return text[-{len(key)}:]\n"
        )
        asked.append((problem(name, row, [key] * len(row.inputs)), program))
    found = dict(zip(LEAKS, verifier.verify(asked), strict=True))
    assert len(found) >= 10
    # WRONG: it ran, and did not find what it looked for.
    assert {name: str(one) for name, one in found.items() if one.status is not Status.WRONG} == {}


def test_printing_what_is_expected_of_another_does_not_help(verifier: PythonVerifier) -> None:
    asked = [
        (problem("one", ATTACKS["control/contract"], [3, 5, 7]), "print(3, 5, 7)\ndef f(x):\n    print(2 * x + 1)\n")
    ]
    assert [one.status for one in verifier.verify(asked)] == [Status.WRONG]


@pytest.mark.parametrize(
    ("tests", "value"),
    [
        ("assert sum(f(1), []) == [1]", "[[1]] * 150_000"),
        ("assert sorted(f(1)) == [1]", "[[0] * 10 + [n] for n in range(20_000, 0, -1)]"),
        ("assert set(f(1)) == {1}", "[n * (2**61 - 1) for n in range(40_000)]"),
        ("assert f(1) in [1, 2]", "{n * (2**61 - 1) for n in range(499)}"),
        ("assert int(f(1)) == 1", "'9' * 900_000"),
        ("assert str(f(1)) == '1'", "16**200_000"),
        ("assert max(f(1)) == 1", "[[0] * 10 + [n] for n in range(20_000)]"),
        ("assert abs(f(1) - 1) < 0.1", "10**4_000"),
        ("import math\nassert math.isclose(f(1), 1)", "10**4_000"),
    ],
)
def test_a_program_does_not_choose_how_long_a_comparison_takes(
    verifier: PythonVerifier, tests: str, value: str
) -> None:
    asked = Problem("adversarial", "cost", "", Origin.DATASET, level=0, payload={"tests": tests})
    with at_most(1.0):
        (verdict,) = verifier.verify([(asked, f"def f(x):\n    return {value}\n")])
    # TIMEOUT: tests that are more than values to compare run in the sandbox, under its deadline.
    assert verdict.status in (Status.WRONG, Status.TIMEOUT)
