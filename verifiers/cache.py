"""Verdicts that are already known, in memory and optionally in a file, so that a repeated answer is judged once.

A key is everything that a verdict depends on: verifier, version and policy, reference, answer. Only CORRECT, WRONG and
MALFORMED are kept: a timeout, an undecided answer or a fault of ours may end otherwise next time. Nor is a judge's
word kept, which would come back as a program's. A file that cannot be used (damaged, locked, not writable) is a
warning and an empty cache, never an error. Safe from several threads; in a forked copy of the process the file is
opened anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path

from selfplay.types import Status, Verdict

KEPT = (Status.CORRECT, Status.WRONG, Status.MALFORMED)
Key = tuple[str, ...]
_SCHEMA = "CREATE TABLE IF NOT EXISTS verdicts (key BLOB PRIMARY KEY, status TEXT, extracted TEXT, detail TEXT)"
_LOCK_WAIT_S = 0.5


class VerdictCache:
    """At most `max_items` verdicts in memory, the least recently used dropped first; all of them in `path` if given."""

    def __init__(self, max_items: int = 100_000, path: Path | None = None) -> None:
        if max_items < 1:
            raise ValueError(f"max_items is {max_items}; expected at least 1")
        self.max_items = max_items
        self.path = path
        self._known: OrderedDict[Key, Verdict] = OrderedDict()
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._owner = -1
        self._broken = False

    def __len__(self) -> int:
        return len(self._known)

    def get(self, keys: Sequence[Key]) -> list[Verdict | None]:
        """The known verdict of each key, or None."""
        with self._lock:
            found = [self._from_memory(key) for key in keys]
            if self.path is not None and None in found:
                self._from_file(keys, found)
            return found

    def put(self, items: Iterable[tuple[Key, Verdict]]) -> None:
        """Keep what may be kept."""
        kept = [(key, verdict) for key, verdict in items if verdict.status in KEPT and verdict.verified]
        with self._lock:
            for key, verdict in kept:
                self._remember(key, verdict)
            connection = self._open() if kept else None
            if connection is not None:
                rows = [(_digest(key), str(v.status), v.extracted, v.detail) for key, v in kept]
                self._attempt(connection, "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?)", rows)

    def close(self) -> None:
        """Close the file. The cache can be used again."""
        with self._lock:
            if self._connection is not None and self._owner == os.getpid():
                self._connection.close()
            self._connection = None

    def _from_memory(self, key: Key) -> Verdict | None:
        verdict = self._known.get(key)
        if verdict is not None:
            self._known.move_to_end(key)
        return verdict

    def _remember(self, key: Key, verdict: Verdict) -> None:
        self._known[key] = verdict
        self._known.move_to_end(key)
        while len(self._known) > self.max_items:
            self._known.popitem(last=False)

    def _from_file(self, keys: Sequence[Key], found: list[Verdict | None]) -> None:
        connection = self._open()
        for index, key in enumerate(keys):
            if connection is None or self._broken:
                return
            if found[index] is None:
                query = "SELECT status, extracted, detail FROM verdicts WHERE key = ?"
                rows = self._attempt(connection, query, [(_digest(key),)])
                if rows and (verdict := _verdict(rows[0])) is not None:
                    found[index] = verdict
                    self._remember(key, verdict)

    def _open(self) -> sqlite3.Connection | None:
        """The file's connection in this process, or None if there is no file or it cannot be used."""
        if self.path is None or self._broken:
            return None
        if self._connection is None or self._owner != os.getpid():
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._connection = sqlite3.connect(self.path, timeout=_LOCK_WAIT_S, check_same_thread=False)
                self._owner = os.getpid()
                with self._connection:
                    self._connection.execute("PRAGMA journal_mode=WAL")
                    self._connection.execute(_SCHEMA)
            except (sqlite3.Error, OSError) as error:
                self._give_up(error)
                return None
        return self._connection

    def _attempt(
        self, connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[object, ...]]
    ) -> list[Sequence[object]]:
        try:
            with connection:
                if statement.startswith("SELECT"):
                    return connection.execute(statement, rows[0]).fetchall()
                connection.executemany(statement, rows)
        except sqlite3.Error as error:
            self._give_up(error)
        return []

    def _give_up(self, error: Exception) -> None:
        self._broken = True
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        warnings.warn(
            f"the verdict cache {self.path} cannot be used ({error}); going on without it. Delete it or name another.",
            RuntimeWarning,
            stacklevel=4,
        )


def _digest(key: Key) -> bytes:
    return hashlib.blake2b(json.dumps(key).encode("ascii"), digest_size=20).digest()


def _verdict(row: Sequence[object]) -> Verdict | None:
    """A stored row, or None if it is not one that `put` wrote."""
    status, extracted, detail = row
    if status not in KEPT or not isinstance(detail, str) or not isinstance(extracted, str | None):
        return None
    return Verdict(Status(str(status)), extracted, detail)
