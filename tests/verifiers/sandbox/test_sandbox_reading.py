"""Python text is read as data: exactly one harmless-looking function, and literals that come back as they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers.sandbox import Job, Run, RunStatus, Sandbox, equal
from verifiers.sandbox.reading import (
    MAX_TOGETHER,
    Function,
    Refused,
    read_arguments,
    read_functions,
    read_values,
    write_literal,
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("def f(x):\n    return x +\n", "syntax"),
        ("def f(x):\n    return x\0\n", "syntax"),
        ("def f(x):\n    return " + "(" * 300 + ")" * 300, "syntax"),
        ("def f(x):\n    return " + "-" * 5000 + "x", "syntax"),
        ("x = 1\n", "not_one_function"),
        ("def g(x):\n    return x\n", "not_one_function"),
        ("def f(x):\n    return x\ndef g(x):\n    return x\n", "not_one_function"),
        ("def f(x):\n    def g():\n        return x\n    return g()\n", "not_one_function"),
        ("async def f(x):\n    return x\n", "not_one_function"),
        ("class C:\n    def f(x):\n        return x\n", "not_one_function"),
        ("import functools\n@functools.cache\ndef f(x):\n    return x\n", "not_one_function"),
        ("def f(x):\n    return x\nprint(f(1))\n", "statement"),
        ("y = 3\ndef f(x):\n    return x + y\n", "statement"),
        ("import os\ndef f(x):\n    return x\n", "import"),
        ("import os.path\ndef f(x):\n    return x\n", "import"),
        ("import math, random\ndef f(x):\n    return x\n", "import"),
        ("from os import path\ndef f(x):\n    return x\n", "import"),
        ("from . import math\ndef f(x):\n    return x\n", "import"),
        ("from math import *\ndef f(x):\n    return x\n", "import"),
        ("def f(x):\n    import subprocess\n    return x\n", "import"),
        ("def f(x):\n    return __import__('os').getpid()\n", "name"),
        ("def f(x):\n    return eval('x')\n", "name"),
        ("def f(x):\n    return open('/etc/passwd').read()\n", "name"),
        ("def f(x):\n    return x.__class__\n", "name"),
        ("def f(x):\n    return input()\n", "name"),
        ("def f(x):\n    global y\n    y = x\n    return y\n", "keeps_state"),
        ("def f(x, seen=[]):\n    seen.append(x)\n    return len(seen)\n", "keeps_state"),
        ("def f(x):\n    return (lambda y={}: y)()\n", "keeps_state"),
        ("def f(x):\n    f.count = x\n    return x\n", "keeps_state"),
        ("def f(x):\n    class C: pass\n    return x\n", "keeps_state"),
    ],
)
def test_what_is_not_one_plain_function_is_refused_with_its_code(sandbox: Sandbox, program: str, code: str) -> None:
    (read,) = read_functions(sandbox.run, [(program, ["1"])], "f", ["math", "functools"])
    assert isinstance(read, Refused)
    assert read.code == code, read


@pytest.mark.parametrize("text", ["x", "1 +", "f(1)", "0) or 49 == (49", "*[1]", "x=1", "1j ** 2", "[" * 60 + "]" * 60])
def test_an_input_that_is_no_literal_is_refused(sandbox: Sandbox, text: str) -> None:
    (read,) = read_functions(sandbox.run, [("def f(x):\n    return x\n", ["1", text])], "f", [])
    assert isinstance(read, Refused)
    assert read.code in ("input_not_literal", "syntax"), read


def test_a_function_is_read_without_comments_and_docstring(sandbox: Sandbox) -> None:
    program = 'import math\n\ndef f(x, y=2):\n    """Returns 4."""\n    # It is 4.\n    return math.floor( x )+y  # 4\n'
    (read,) = read_functions(sandbox.run, [(program, ["1.5, 2", "(1, 2),"])], "f", ["math"])
    assert read == Function("import math\n\ndef f(x, y=2):\n    return math.floor(x) + y", ((1.5, 2), ((1, 2),)))
    assert isinstance(read, Function)
    assert read.inputs == ((1.5, 2), ((1, 2),))
    assert read_functions(sandbox.run, [(read.program, [])], "f", ["math"]) == [Function(read.program, ())]


def test_reading_runs_nothing(sandbox: Sandbox) -> None:
    programs = [
        "def f(x=1/0):\n    return x\n",
        "def f(x):\n    return 1/0\n",
        "import math\ndef f(x: 1/0):\n    return x\n",
    ]
    outcomes = read_functions(sandbox.run, [(program, []) for program in programs], "f", ["math"])
    assert [type(outcome) for outcome in outcomes] == [Refused, Function, Function]


def test_many_texts_share_children_and_come_back_in_order(sandbox: Sandbox) -> None:
    jobs: list[Job] = []

    def run(batch: Sequence[Job]) -> list[Run]:
        jobs.extend(batch)
        return sandbox.run(batch)

    count = 2 * MAX_TOGETHER + 5
    calls = read_arguments(run, [f"{index}, [{index}]" for index in range(count)])
    assert [call.value for call in calls] == [[index, [index]] for index in range(count)]
    assert len(jobs) == 3


def test_a_lost_child_is_our_fault_and_a_text_that_ends_its_child_is_not() -> None:
    def run(batch: Sequence[Job]) -> list[Run]:
        status = RunStatus.INFRA_ERROR if "lost" in str(batch) else RunStatus.CRASH
        return [Run(status, detail="gone") for _ in batch]

    assert [call.status for call in read_values(run, ["lost"])] == [RunStatus.INFRA_ERROR]
    assert [call.status for call in read_values(run, ["1"])] == [RunStatus.CRASH]
    assert read_functions(run, [("lost", [])], "f", []) == [Refused("lost", "infra_error: gone")]
    assert read_functions(run, [("crash", [])], "f", []) == [Refused("syntax", "crash: gone")]


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
)
hashables = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)
values = st.recursive(
    hashables | st.sets(hashables, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple) | st.dictionaries(hashables, inner)
    ),
    max_leaves=8,
)


@given(st.lists(values, max_size=20))
@settings(max_examples=60, deadline=None)
def test_a_literal_that_was_written_is_read_as_the_same_value(sandbox: Sandbox, written: list[object]) -> None:
    calls = read_values(sandbox.run, [write_literal(value) for value in written])
    assert [call.status for call in calls] == [RunStatus.OK] * len(written)
    assert all(equal(value, call.value) for value, call in zip(written, calls, strict=True))


def repr_of(value: object) -> str:
    return type(value).__name__  # an integer of too many digits has no repr


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 1j, frozenset({1}), [float("nan")], 1 << 20_000, object()], ids=repr_of
)
def test_a_value_without_a_literal_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"literal|digits"):
        write_literal(value)


def test_equal_sets_are_written_alike() -> None:
    assert write_literal({"b", "a"}) == write_literal({"a", "b"}) == "{'a', 'b'}"
