"""Rows of a data file that a person gives, with the place of each: `file:line` of JSON lines, `file:row` of Parquet.

A row that cannot be read is a `BadRow` with its place and what is wrong with it, so that one mistake does not stop a
run; `report` logs how many there are and shows the first few. A file that cannot be read at all is a ConfigError. It
knows nothing of what rows mean, and evaluates nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfplay.errors import ConfigError

SUFFIXES = (".jsonl", ".parquet")
MAX_REPORTED = 5

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """One row."""

    place: str
    """File name, a colon and the number of the line (or of the row, in Parquet), from 1."""
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is left out."""

    place: str
    reason: str


def read_rows(path: str, key: str = "env.options.path") -> Iterator[Row | BadRow]:
    """The rows of a JSON lines or Parquet file, in order. Raises ConfigError, which names the option `key`."""
    file = Path(path)
    if file.suffix not in SUFFIXES:
        raise ConfigError(f"{key}: got {path}, expected a file that ends with {' or '.join(SUFFIXES)}")
    if not file.is_file():
        raise ConfigError(f"{key}: got {path}, which is no file; expected a {file.suffix} file with one problem a row")
    return _json_rows(file, key) if file.suffix == ".jsonl" else _parquet_rows(file, key)


def _json_rows(file: Path, key: str) -> Iterator[Row | BadRow]:
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise ConfigError(f"{key}: {file} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _json_row(f"{file.name}:{number}", line)


def _json_row(place: str, line: bytes) -> Row | BadRow:
    try:
        fields = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return BadRow(place, f"not JSON: {error}")
    if not isinstance(fields, dict):
        return BadRow(place, f"got {type(fields).__name__}, expected an object")
    return Row(place, fields)


def _parquet_rows(file: Path, key: str) -> Iterator[Row | BadRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as table:
            rows = [fields for batch in table.iter_batches() for fields in batch.to_pylist()]
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise ConfigError(f"{key}: {file} is no readable Parquet file: {error}") from error
    for number, fields in enumerate(rows, 1):
        yield Row(f"{file.name}:{number}", fields)


def report(bad: Sequence[BadRow], num_good: int) -> None:
    """Log how many rows were left out, and the first few with place and reason; nothing if none was."""
    if not bad:
        return
    shown = "".join(f"\n  {row.place}: {row.reason}" for row in bad[:MAX_REPORTED])
    more = f"\n  … {len(bad) - MAX_REPORTED} more" if len(bad) > MAX_REPORTED else ""
    _LOG.warning("%d rows were left out, %d are used:%s%s", len(bad), num_good, shown, more)
