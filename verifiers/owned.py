"""Things that must be closed, and processes that belong to whoever started them.

`Closing` makes a class with `close` usable in a `with` statement. `Owned` holds running processes: they are killed when
their holder is closed or collected, and in a forked copy of the program, to which they do not belong, they are let go
and left alone. Neither starts anything.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar


class Closing(ABC):
    """Closed at the end of a `with` statement."""

    @abstractmethod
    def close(self) -> None:
        """End what it started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Ended(Protocol):
    """A running process."""

    def close(self) -> None:
        """Kill and reap it, and close this side's descriptors."""

    def release(self) -> None:
        """Close this side's descriptors and leave the process alone."""


P = TypeVar("P", bound=Ended)


class Owned(Generic[P]):
    """The processes of one holder, oldest first."""

    def __init__(self, holder: object) -> None:
        self._running: list[P] = []
        self._owner = os.getpid()
        self._finalizer = weakref.finalize(holder, _end, self._running, self._owner)

    def __iter__(self) -> Iterator[P]:
        return iter(self._running)

    def __len__(self) -> int:
        return len(self._running)

    def append(self, process: P) -> None:
        self._running.append(process)

    def remove(self, process: P) -> None:
        """Close one of them and forget it."""
        self._running.remove(process)
        process.close()

    def adopt(self, holder: object) -> None:
        """In a forked copy of the program: let go of what is not ours. Call before using any of them."""
        if self._owner != os.getpid():
            _end(self._running, self._owner)
            self._owner = os.getpid()
            self._finalizer.detach()
            self._finalizer = weakref.finalize(holder, _end, self._running, self._owner)

    def close(self) -> None:
        """End all of them. The holder can start new ones."""
        _end(self._running, self._owner)


def _end(running: list[P], owner: int) -> None:
    """Empty the list; kill what is in it only in the process that started it."""
    while running:
        process = running.pop()
        with contextlib.suppress(OSError):
            if owner == os.getpid():
                process.close()
            else:
                process.release()
