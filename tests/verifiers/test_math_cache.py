"""The verdict cache keeps decided verdicts only, forgets the oldest, and survives a bad file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from selfplay.types import Status, Verdict
from verifiers.cache import VerdictCache

CORRECT = Verdict(Status.CORRECT, "1", "", 0.5)


def key(number: int) -> tuple[str, ...]:
    return ("math_answer", "policy", "1", str(number))


@pytest.mark.parametrize("status", list(Status))
def test_only_decided_verdicts_are_kept(status: Status) -> None:
    cache = VerdictCache()
    cache.put([(key(1), Verdict(status, "x", "why"))])
    kept = status in (Status.CORRECT, Status.WRONG, Status.MALFORMED)
    assert cache.get([key(1)]) == [Verdict(status, "x", "why") if kept else None]


def test_the_least_recently_used_is_forgotten_first() -> None:
    cache = VerdictCache(max_items=3)
    cache.put((key(i), CORRECT) for i in range(3))
    cache.get([key(0)])
    cache.put([(key(3), CORRECT)])
    assert [verdict is not None for verdict in cache.get([key(i) for i in range(4)])] == [True, False, True, True]
    assert len(cache) == 3


def test_a_file_serves_another_cache(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "verdicts.sqlite"
    first = VerdictCache(path=path)
    first.put([(key(1), CORRECT), (key(2), Verdict(Status.FAULT))])
    first.close()
    second = VerdictCache(path=path)
    found, lost = second.get([key(1), key(2)])
    assert (found and (found.status, found.extracted), lost) == ((Status.CORRECT, "1"), None)
    second.close()
    second.put([(key(3), CORRECT)])  # a closed cache opens its file again
    assert VerdictCache(path=path).get([key(3)])[0] is not None
    second.close()


def test_another_key_is_another_verdict(tmp_path: Path) -> None:
    cache = VerdictCache(path=tmp_path / "verdicts.sqlite")
    cache.put([(("a", "bc"), CORRECT)])
    assert cache.get([("ab", "c")]) == [None]
    cache.close()


def test_a_damaged_file_is_a_warning_and_an_empty_cache(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.sqlite"
    path.write_bytes(b"this is no database " * 500)
    cache = VerdictCache(path=path)
    with pytest.warns(RuntimeWarning, match=r"verdicts\.sqlite cannot be used"):
        assert cache.get([key(1)]) == [None]
    cache.put([(key(1), CORRECT)])
    assert cache.get([key(1)]) == [CORRECT]


def test_a_locked_file_is_a_warning_and_no_wait(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.sqlite"
    first = VerdictCache(path=path)
    first.put([(key(1), CORRECT)])
    first.close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        cache = VerdictCache(path=path)
        with pytest.warns(RuntimeWarning, match="cannot be used"):
            cache.put([(key(2), CORRECT)])
        assert cache.get([key(2)]) == [CORRECT]
    finally:
        holder.close()


def test_a_path_that_cannot_be_made_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.warns(RuntimeWarning, match="cannot be used"):
        VerdictCache(path=tmp_path / "file" / "verdicts.sqlite").put([(key(1), CORRECT)])


def test_rows_that_nobody_here_wrote_are_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.sqlite"
    cache = VerdictCache(path=path)
    cache.put([(key(1), CORRECT)])
    cache.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE verdicts SET status = 'timeout'")
    connection.close()
    fresh = VerdictCache(path=path)
    assert fresh.get([key(1)]) == [None]
    fresh.close()


def test_a_size_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="max_items"):
        VerdictCache(max_items=0)
