"""The table of verifiers, and the plainest one in it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from helpers import check

from selfplay.types import Status
from verifiers import VERIFIERS, make_verifier
from verifiers.exact import ExactVerifier

RIGHT, WRONG, MALFORMED = Status.CORRECT, Status.WRONG, Status.MALFORMED


def test_exact_text_ignores_whitespace_at_the_ends_only() -> None:
    with ExactVerifier() as verifier:
        check(
            verifier,
            [
                ("a b", " a b\n", RIGHT),
                (" a b ", "a b", RIGHT),
                ("a b", "a  b", WRONG),
                ("a b", "A b", WRONG),
                ("7", "07", WRONG),
                ("7", "", MALFORMED),
                ("7", " \n", MALFORMED),
                ("\ud800", "\ud800", RIGHT),
                ("é", "e\u0301", WRONG),
                ("x", "x" * 20_001, MALFORMED),
            ],
        )


def test_every_verifier_of_the_table_can_be_made_by_name() -> None:
    for name in VERIFIERS:
        with make_verifier(name) as verifier:
            assert verifier.name == name
            assert verifier.verify([]) == []


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match="did you mean 'sympy_equal'"):
        make_verifier("sympy_equals")


def test_importing_the_package_imports_neither_sympy_nor_torch() -> None:
    script = "import sys, verifiers; sys.exit(bool({'sympy', 'mpmath', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0
