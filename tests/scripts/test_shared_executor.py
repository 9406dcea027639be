"""The executor of several processes: each runs a share, and every one of them has all the outcomes in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import pytest

from scripts.workers import SharedExecutor
from verifiers import PythonExecutor
from verifiers.sandbox import Job, RunStatus

T = TypeVar("T")
U = TypeVar("U")


class Dealt:
    """What two ranks do, one after the other in this process: each its share, then put together."""

    rank = 0
    world = 2

    def map(self, work: Callable[[Sequence[T]], list[U]], items: Sequence[T]) -> list[U]:
        shares = [work(items[rank :: self.world]) for rank in range(self.world)]
        return [shares[index % self.world][index // self.world] for index in range(len(items))]

    def wait(self) -> None:
        return


@pytest.fixture(scope="module")
def shared() -> Iterator[SharedExecutor]:
    with PythonExecutor() as executor:
        yield SharedExecutor(executor, Dealt())


def test_functions_are_called_by_shares_and_come_back_in_order(shared: SharedExecutor) -> None:
    jobs = [Job("def f(x):\n    return [x]", "f", ((index,),)) for index in range(7)]
    jobs += [Job("def f(b):c=b^1;return c", "f", ((index,),)) for index in range(33)]
    values = [run.calls[0].value for run in shared.run_jobs(jobs)]
    assert values == [*([index] for index in range(7)), *(index ^ 1 for index in range(33))]


def test_what_differs_between_hash_seeds_is_found_in_every_share(shared: SharedExecutor) -> None:
    jobs = [Job("def f(x):\n    return hash(x)", "f", (("a",),)), Job("def f(x):\n    return x", "f", (("a",),))] * 2
    statuses = [run.status for run in shared.run_jobs(jobs, twice=True)]
    assert statuses == [RunStatus.NONDETERMINISTIC, RunStatus.OK] * 2
    assert [run.status for run in shared.run_jobs(jobs)] == [RunStatus.OK] * 4
