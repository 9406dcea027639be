"""Answers that are literals: equal values are right whatever their spelling, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers import SLACK_S, at_most, problem

from selfplay.types import Problem, Status
from verifiers.python_exec import PythonVerifier

DEADLINE_S = 0.6
DOUBLE = "def f(x):\n    return 2 * x + 1\n"
C, W, M = Status.CORRECT, Status.WRONG, Status.MALFORMED


@pytest.fixture(scope="module")
def verifier() -> Iterator[PythonVerifier]:
    with PythonVerifier(deadline_s=DEADLINE_S, memory_mb=256) as made:
        yield made


def output(expected: str) -> Problem:
    return problem("", answer_is="output", expected=expected)


def input_of(program: str, expected: str) -> Problem:
    return problem("", answer_is="input", program=program, entry="f", expected=expected)


@pytest.mark.parametrize(
    ("expected", "answer", "status"),
    [
        ("49", "49", C),
        ("49", " 0x31 ", C),
        ("49", "(49)", C),
        ("49", "49.0", W),
        ("49", "'49'", W),
        ("49", "[49]", W),
        ("1", "True", W),
        ("null", "None", C),
        ("1.0", "1e0", C),
        ('"a"', '"a"', C),
        ('"a"', "'''a'''", C),
        ('"a"', "b'a'", W),
        ('{"$tuple": [1, 2]}', "1, 2", C),
        ('{"$tuple": [1, 2]}', "[1, 2]", W),
        ('{"$set": [1, 2]}', "{2, 1}", C),
        ('{"$set": []}', "set()", C),
        ('{"b": 1, "a": [2]}', "{'a': [2], 'b': 1}", C),
        ('{"b": 1}', "{'b': 1, 'a': 2}", W),
        ("49", "", M),
        ("49", "40 + 9", M),
        ("49", "f(24)", M),
        ("49", "int('49')", M),
        ("49", "49; import os", M),
        ("49", "0) or 49 == (49", M),
        ("49", "__import__('os').getpid()", M),
        ("49", "type('E', (), {'__eq__': lambda s, o: True})()", M),
        ("49", "(lambda: 49)()", M),
        ("49", "f'{49}'", M),
        ("49", "9" * 5000, M),
        ("49", "(" * 300 + "49" + ")" * 300, M),
        ("49", "[" * 90 + "]" * 90, M),
        ("49", "-" * 19_999 + "1", M),
        ("49", "49" + " " * 20_000, M),
        ("49", "4\0009", M),
        ("49", "\ud800", M),
        ('"\\ud800"', "'\\ud800'", C),
    ],
)
def test_an_output_is_right_if_its_value_is(
    verifier: PythonVerifier, expected: str, answer: str, status: Status
) -> None:
    with at_most(2 * DEADLINE_S + SLACK_S):
        (verdict,) = verifier.verify([(output(expected), answer)])
    assert verdict.status is status, verdict
    assert (verdict.extracted is None) == (status is M)
    assert " at 0x" not in verdict.detail


@pytest.mark.parametrize(
    ("program", "expected", "answer", "status"),
    [
        (DOUBLE, "49", "24", C),
        (DOUBLE, "49", "(24)", C),
        (DOUBLE, "49", "24,", C),
        (DOUBLE, "49", "24.0", W),
        (DOUBLE, "49", "25", W),
        (DOUBLE, "49", "'24'", W),  # raises TypeError
        (DOUBLE, "49", "24, 24", W),
        (DOUBLE, "49", "", W),
        (DOUBLE, "49", "(24, 24)", W),
        (DOUBLE, "49", "x=24", M),
        (DOUBLE, "49", "*[24]", M),
        (DOUBLE, "49", "**{'x': 24}", M),
        (DOUBLE, "49", "12 * 2", M),
        (DOUBLE, "49", "0) or 49 == (49", M),
        (DOUBLE, "3", "7) or (True", M),
        (DOUBLE, "49", "24)#", M),
        (DOUBLE, "49", "24\n) or f(24", M),
        (DOUBLE, "49", "type('E', (), {'__rmul__': lambda s, o: 48})()", M),
        (DOUBLE, "49", "(x := 24)", M),
        (DOUBLE, "49", "f(24)", M),
        ("def f(x):\n    return x % 4\n", "1", "5", C),
        ("def f(x):\n    return x % 4\n", "1", "-3", C),
        ("def f(x, y):\n    return x + y\n", '"ab"', "'a', 'b'", C),
        ("def f(x, y):\n    return x + y\n", '"ab"', "'', 'ab'", C),
        ("def f(x, y):\n    return x + y\n", '"ab"', "('a', 'b')", W),
        ("def f(x):\n    return x[0]\n", "1", "(1, 2)", C),
        ("def f():\n    return 1\n", "1", "", C),
        ("def f(x):\n    return [] if x else x\n", "[]", "{1}", C),
        ("def f(x):\n    return x\n", "true", "1", W),
        ("def f(x):\n    while x:\n        pass\n    return 1\n", "1", "0", C),
        ("def f(x):\n    while x:\n        pass\n    return 1\n", "1", "2", Status.TIMEOUT),
        ("def f(x):\n    return 'a' * x\n", '"a"', "10000000000", W),
    ],
)
def test_an_input_is_right_if_the_program_makes_the_output_of_it(
    verifier: PythonVerifier, program: str, expected: str, answer: str, status: Status
) -> None:
    (verdict,) = verifier.verify([(input_of(program, expected), answer)])
    assert verdict.status is status, verdict


def test_answers_of_all_kinds_are_judged_in_one_batch_in_order(verifier: PythonVerifier) -> None:
    program = problem("", entry="f", inputs="[[1]]", expected="[3]")
    printed = problem("3\n")
    items = [(output("49"), "49"), (program, DOUBLE), (input_of(DOUBLE, "49"), "24"), (printed, "print(3)")]
    wrong = [(output("49"), "24"), (program, "def f(x): return 4"), (input_of(DOUBLE, "49"), "49"), (printed, "3")]
    found = [verdict.status for verdict in verifier.verify([*items, *wrong, *items])]
    assert found == [C] * 4 + [W] * 4 + [C] * 4


def test_an_answer_that_ruins_its_reader_does_not_spoil_its_neighbours(verifier: PythonVerifier) -> None:
    large = repr("é" * 19_000)
    answers = ["49", "[" * 199 + "]" * 199, large, *[large[:-1] + f"{index}'" for index in range(100)], "49"]
    statuses = [verdict.status for verdict in verifier.verify([(output("49"), answer) for answer in answers])]
    assert statuses == [C, M, *[W] * 101, C]


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        ({"answer_is": "program", "expected": "1"}, "expected output or input"),
        ({"answer_is": "output"}, "expected missing"),
        ({"answer_is": "input", "expected": "1"}, "program, entry missing"),
        ({"answer_is": "input", "expected": "1", "program": DOUBLE, "entry": "f()"}, "the name of a function"),
        ({"answer_is": "output", "expected": "(1, 2)"}, "not JSON"),
    ],
)
def test_a_payload_that_says_nothing_is_our_fault(
    verifier: PythonVerifier, payload: dict[str, str], detail: str
) -> None:
    (verdict,) = verifier.verify([(problem("", **payload), "49")])
    assert verdict.status is Status.FAULT
    assert detail in verdict.detail
