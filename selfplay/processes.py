"""The processes of a run: rank 0 writes, every rank runs the same program on the same lists.

Work that can be shared (generating, judging) is dealt out in turn, one share a rank, and gathered in order; the rest
is replicated and deterministic. With one process all of this is the identity. Imports torch only when there are
several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")
U = TypeVar("U")


class Processes(Protocol):
    """What the loop asks of its processes."""

    rank: int
    world: int

    def map(self, work: Callable[[Sequence[T]], list[U]], items: Sequence[T]) -> list[U]:
        """`work(items)`, each rank doing a share; every rank gets the whole result, in order."""
        ...

    def wait(self) -> None:
        """Return when every rank has come here."""
        ...


class OneProcess:
    """A run in a single process."""

    rank = 0
    world = 1

    def map(self, work: Callable[[Sequence[T]], list[U]], items: Sequence[T]) -> list[U]:
        return work(items)

    def wait(self) -> None:
        return


class ManyProcesses:
    """Ranks of an initialised torch process group (made by accelerate)."""

    def __init__(self) -> None:
        import torch.distributed as distributed

        self._distributed = distributed
        self.rank: int = distributed.get_rank()
        self.world: int = distributed.get_world_size()

    def map(self, work: Callable[[Sequence[T]], list[U]], items: Sequence[T]) -> list[U]:
        # Interleaved shares: neighbours (attempts at one problem) take about the same time.
        mine = work(items[self.rank :: self.world])
        shares: list[list[U]] = [[] for _ in range(self.world)]
        self._distributed.all_gather_object(shares, mine)
        return [shares[index % self.world][index // self.world] for index in range(len(items))]

    def wait(self) -> None:
        self._distributed.barrier()
