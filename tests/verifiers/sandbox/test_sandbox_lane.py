"""Straight-line functions share a child and come out as if each had had its own; nothing else shares one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from verifiers.sandbox import Call, Job, Limits, Run, RunStatus, Sandbox, equal, lane
from verifiers.sandbox.lane import AT_LEAST, is_straight_line, run_with_lane


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=Limits(seconds=1.0, memory_mb=256)) as made:
        yield made


def program(statements: str, last: str = "c") -> str:
    return f"def f(b):{statements}return {last}"


PLAIN = [
    program("c=b^2;"),
    program("c=b^2;pass;d=c&1;", "d,vars()"),
    program("", "b"),
    program("c=z|1;"),
    program("c=b^9999;"),
]


@pytest.mark.parametrize("text", PLAIN)
def test_a_line_of_bit_operations_is_straight_line(text: str) -> None:
    assert is_straight_line(Job(text, "f", ((1,),)))


@pytest.mark.parametrize(
    "text",
    [
        program("c=b**9;"),
        program("c=b*2;"),
        program("c=b<<9999;"),
        program("c=b^99999;"),
        program("c=b^2;\n"),
        program("c=b^d;"),
        program("c=b.x;"),
        program("cc=b^2;"),
        program("c=b^2;", "c,open('x')"),
        program("c=b^2;", "c,vars"),
        program("c=b^\uff12;"),
        program("c=b^2;") + ";import os",
        program("c=b^2;") + "\n",
        "import os\n" + program("c=b^2;"),
        "def f(b,d):c=b^2;return c",
        "def f(b=[]):c=b^2;return c",
        program("c=b^2;" * 201),
        "def f(b):" + "pass;" * 1_000_000 + "return b",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert not is_straight_line(Job(text, "f", ((1,),)))


def test_a_script_and_a_function_of_another_name_are_not() -> None:
    assert not is_straight_line(Job(PLAIN[0]))
    assert not is_straight_line(Job(PLAIN[0], "g", ((1,),)))
    assert not is_straight_line(Job(PLAIN[0], "f", ()))
    assert not is_straight_line(Job(PLAIN[0], "f", ((1,),) * 300))


def mixed(rng: random.Random, count: int) -> list[Job]:
    inputs = [(1,), (3, 2), (), ("a",), ({1},), ([1],), (True,), (1.0,), (2**70,), (None,)]
    others = ["def f(b):\n    while b:\n        pass\n    return b", "def f(b):\n    return [b] * 2", "x ="]
    jobs = [Job(rng.choice(PLAIN), "f", tuple(rng.sample(inputs, rng.randint(1, 4)))) for _ in range(count)]
    return jobs + [Job(other, "f", ((0,),)) for other in others]


def same(one: Run, other: Run) -> bool:
    calls = zip(one.calls, other.calls, strict=True)
    return one.status is other.status and all(
        a.status is b.status and a.detail == b.detail and equal(a.value, b.value) for a, b in calls
    )


@pytest.mark.parametrize("twice", [False, True])
def test_jobs_come_out_as_if_each_had_a_child_of_its_own(sandbox: Sandbox, twice: bool) -> None:
    jobs = mixed(random.Random(0), 150)
    sent: list[Job] = []

    def run(batch: Sequence[Job]) -> list[Run]:
        sent.extend(batch)
        return sandbox.run_twice(batch) if twice else sandbox.run(batch)

    found = run_with_lane(run, jobs)
    alone = sandbox.run(jobs)
    assert all(same(one, other) for one, other in zip(found, alone, strict=True))
    assert len(sent) < 30  # shared children, the three others, and what is run again


def test_few_jobs_do_not_share(sandbox: Sandbox) -> None:
    jobs = [Job(PLAIN[0], "f", ((value,),)) for value in range(AT_LEAST - 1)]

    def run(batch: Sequence[Job]) -> list[Run]:
        assert list(batch) == jobs
        return sandbox.run(batch)

    assert [run.calls[0].value for run in run_with_lane(run, jobs)] == [2, 3, 0, 1, 6, 7, 4]


def test_jobs_of_a_lost_child_run_alone() -> None:
    jobs = [Job(PLAIN[0], "f", ((value,),)) for value in range(20)]

    def run(batch: Sequence[Job]) -> list[Run]:
        return [
            Run(RunStatus.CRASH) if job.entry == "call" else Run(RunStatus.OK, (Call(RunStatus.OK, job.inputs[0][0]),))
            for job in batch
        ]

    assert [run.calls[0].value for run in run_with_lane(run, jobs)] == list(range(20))


def test_lanes_that_disagree_are_our_fault(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(lane, "RECHECKED_ONE_IN", 1)
    jobs = [Job(PLAIN[0], "f", ((value,),)) for value in range(10)]

    def run(batch: Sequence[Job]) -> list[Run]:
        return [Run(RunStatus.OK, tuple(Call(RunStatus.OK, job.entry == "f") for _ in job.inputs)) for job in batch]

    assert {run.status for run in run_with_lane(run, jobs)} == {RunStatus.INFRA_ERROR}
    assert "disagree" in caplog.text
