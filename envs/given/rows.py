"""Rows of a data set that a person names, with the place of each: `file:line` of JSON lines, else `file:row`.

A row that cannot be read is a `BadRow` with its place and what is wrong with it, so that one mistake does not stop a
run; `report` logs how many there are and shows the first few. A file that cannot be read at all is a ConfigError. It
knows nothing of what rows mean, and evaluates nothing. Arrow files are read by pyarrow alone: `datasets` is not needed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from envs.given.data_files import data_files
from selfplay.errors import ConfigError

MAX_REPORTED = 5

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """One row."""

    place: str
    """Name of the file (within the folder, if one was named), a colon, and the number of the line (of JSON lines) or
    of the row, from 1."""
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is left out."""

    place: str
    reason: str


def read_rows(path: str, key: str = "env.options.path", split: str = "") -> Iterator[Row | BadRow]:
    """The rows of a file or folder (`data_files`), in order. Raises ConfigError, which names the option `key`."""
    files = data_files(path, split, key)
    folder = Path(path) if Path(path).is_dir() else Path(path).parent
    return chain.from_iterable(
        (_json_rows if file.suffix == ".jsonl" else _table_rows)(file, str(file.relative_to(folder)), key)
        for file in files
    )


def _json_rows(file: Path, name: str, key: str) -> Iterator[Row | BadRow]:
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise ConfigError(f"{key}: {file} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _json_row(f"{name}:{number}", line)


def _json_row(place: str, line: bytes) -> Row | BadRow:
    try:
        fields = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return BadRow(place, f"not JSON: {error}")
    if not isinstance(fields, dict):
        return BadRow(place, f"got {type(fields).__name__}, expected an object")
    return Row(place, fields)


def _table_rows(file: Path, name: str, key: str) -> Iterator[Row | BadRow]:
    import pyarrow as pa

    try:
        rows = _parquet(file) if file.suffix == ".parquet" else _arrow(file)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise ConfigError(f"{key}: {file} is no readable {file.suffix[1:].capitalize()} file: {error}") from error
    for number, fields in enumerate(rows, 1):
        yield Row(f"{name}:{number}", fields)


def _parquet(file: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as table:
        return [fields for batch in table.iter_batches() for fields in batch.to_pylist()]


def _arrow(file: Path) -> list[dict[str, Any]]:
    import pyarrow as pa

    with pa.OSFile(str(file)) as source, pa.ipc.open_stream(source) as table:
        return [fields for batch in table for fields in batch.to_pylist()]


def report(bad: Sequence[BadRow], num_good: int) -> None:
    """Log how many rows were left out, and the first few with place and reason; nothing if none was."""
    if not bad:
        return
    shown = "".join(f"\n  {row.place}: {row.reason}" for row in bad[:MAX_REPORTED])
    more = f"\n  … {len(bad) - MAX_REPORTED} more" if len(bad) > MAX_REPORTED else ""
    _LOG.warning("%d rows were left out, %d are used:%s%s", len(bad), num_good, shown, more)
