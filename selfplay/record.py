"""The run folder: what a run was, and what each of its rounds did, so that it can be read, resumed and replayed.

    config.yaml        the resolved configuration
    environment.json   versions, commit, seed, hardware, start time (`provenance.describe`)
    rounds/0000/       problems, proposals, episodes, attempts, verdicts, rewards, and with games matches and
                       turns (.parquet); metrics.json, state.json
    metrics.jsonl      the rounds' metrics.json, one line each, for `tail -f` and for plotting
    checkpoints/       weights and optimizer states; written by others
    model/             the final model; written by others
    summary.json       written once at the end
    report.html        written by scripts.report

A round is there whole or not at all: it is written beside its place, flushed to disk, and renamed. `rounds/` is the
truth; metrics.jsonl is made from it. One process writes; any number may read at the same time, also while it writes.

This module chooses nothing about a run: it does not know what a recipe keeps in `state` or what metrics mean.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from selfplay.config_file import dump_yaml, read_yaml
from selfplay.disk import flush
from selfplay.errors import RecordError
from selfplay.tables import NAMES, OPTIONAL, RoundRecord, escape, from_tables, to_tables, unescape

__all__ = ["Record", "RecordError", "RoundRecord", "write_atomically"]

_ROUND = re.compile(r"\d{4,}")
_TEMPORARY = ".tmp-"
_ADVICE = {
    errno.ENOSPC: "The disk is full: free some space, then go on with --resume",
    errno.EDQUOT: "The disk quota is used up: free some space, then go on with --resume",
    errno.EACCES: "This user may not write there: change the permissions or use another --run-dir",
    errno.EPERM: "This user may not write there: change the permissions or use another --run-dir",
    errno.EROFS: "The file system is read-only: use another --run-dir",
}


class Record:
    """One run folder. Make it with `Record.create` or `Record.open`."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.rounds = run_dir / "rounds"
        self.checkpoints = run_dir / "checkpoints"
        self.model = run_dir / "model"

    @classmethod
    def create(cls, run_dir: Path, config: Mapping[str, Any], environment: Mapping[str, Any]) -> Record:
        """A new run folder with its config.yaml and environment.json. Raises RecordError if something is in it.

        What a `create` that was killed left behind does not count.
        """
        record = cls(Path(run_dir))
        with _explained("cannot create the run folder", record.run_dir):
            if record.run_dir.exists() and (not record.run_dir.is_dir() or not _is_blank(record.run_dir)):
                raise RecordError(
                    f"{record.run_dir} is not an empty folder: a new run would mix with what is there. "
                    f"Use --resume to go on with that run, or another --run-dir"
                )
            texts = {"config.yaml": _yaml_text(config), "environment.json": _json_text(environment, "environment", 2)}
            record.run_dir.mkdir(parents=True, exist_ok=True)
            try:
                record.rounds.mkdir(exist_ok=True)
                record.checkpoints.mkdir(exist_ok=True)
                for name in ("environment.json", "config.yaml"):  # config.yaml last: with it, it is a run folder
                    write_atomically(record.run_dir / name, texts[name])
            except BaseException:
                for entry in (record.rounds, record.checkpoints):
                    shutil.rmtree(entry, ignore_errors=True)
                (record.run_dir / "environment.json").unlink(missing_ok=True)
                raise
        return record

    @classmethod
    def open(cls, run_dir: Path) -> Record:
        """The run folder of an earlier run. Changes nothing in it. Raises RecordError if it is none."""
        record = cls(Path(run_dir))
        missing = [name for name in ("config.yaml", "rounds") if not (record.run_dir / name).exists()]
        if missing:
            raise RecordError(
                f"{record.run_dir} is not a run folder (no {' and no '.join(missing)}). "
                f"Give the folder that a run was started with (--run-dir)"
            )
        return record

    def commit(self, round: RoundRecord) -> None:
        """Write one round, whole or not at all, and its line of metrics.jsonl.

        Raises RecordError for a round that is already there or cannot be stored, and if the disk refuses.
        """
        folder, temporary = self._folder(round.number), self.rounds / f"{_TEMPORARY}{round.number:04d}"
        if folder.exists():
            raise RecordError(f"{folder} is already there: resume after it, or truncate the record before it")
        try:
            tables = to_tables(round)
        except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
            raise RecordError(f"round {round.number} cannot be recorded: {error}") from error
        texts = {
            "metrics.json": _json_text(round.metrics, f"metrics of round {round.number}"),
            "state.json": _json_text(round.state, f"state of round {round.number}"),
        }
        with _explained(f"cannot write round {round.number} to", self.rounds):
            try:
                shutil.rmtree(temporary, ignore_errors=True)
                temporary.mkdir()
                for name, table in tables.items():
                    _write_table(temporary / f"{name}.parquet", table)
                for name, text in texts.items():
                    _write_flushed(temporary / name, text)
                flush(temporary)
                os.rename(temporary, folder)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
            flush(self.rounds)
        self._append_metrics(texts["metrics.json"])

    def whole_rounds(self) -> list[int]:
        """Numbers of the rounds that are there, in order."""
        with _explained("cannot read", self.rounds):
            return sorted(int(entry.name) for entry in self.rounds.iterdir() if _ROUND.fullmatch(entry.name))

    def read(self, number: int) -> RoundRecord:
        """The round, equal to what was committed. Raises RecordError if it is not there or is damaged."""
        folder = self._folder(number)
        if not folder.is_dir():
            raise RecordError(f"there is no round {number} in {self.rounds}: it has {_spans(self.whole_rounds())}")
        tables = {name: _read_table(folder / f"{name}.parquet") for name in NAMES}
        games = [name for name in OPTIONAL if (folder / f"{name}.parquet").exists()]
        tables |= {name: _read_table(folder / f"{name}.parquet") for name in games}
        metrics, state = _read_json(folder / "metrics.json"), _read_json(folder / "state.json")
        try:
            return from_tables(tables, number, metrics, state)
        except (KeyError, ValueError, IndexError, TypeError, AttributeError, pa.ArrowException) as error:
            raise RecordError(
                f"the tables in {folder} do not fit together: {_line(error)}. {_repair(folder)}"
            ) from error

    def metrics(self) -> list[dict[str, Any]]:
        """The metrics of every whole round, in order."""
        return [_read_json(self._folder(number) / "metrics.json") for number in self.whole_rounds()]

    def truncate(self, after: int) -> None:
        """Forget every round later than `after` (-1: all), half-written ones too, and make metrics.jsonl anew.

        Checkpoints are left alone. Call this before going on with a run, also when no round is to be forgotten.
        """
        with _explained("cannot remove rounds from", self.rounds):
            for number in reversed([number for number in self.whole_rounds() if number > after]):
                # Renamed first, so that a round half removed is not taken for a whole one.
                forgotten = self.rounds / f"{_TEMPORARY}forgotten-{number:04d}"
                shutil.rmtree(forgotten, ignore_errors=True)
                os.rename(self._folder(number), forgotten)
            for entry in self.rounds.glob(f"{_TEMPORARY}*"):
                shutil.rmtree(entry)
            flush(self.rounds)
        lines = [_json_text(metrics, "metrics") for metrics in self.metrics()]
        write_atomically(self.run_dir / "metrics.jsonl", "".join(lines))

    def config(self) -> dict[str, Any]:
        """What config.yaml says. Raises RecordError if it cannot be read."""
        path = self.run_dir / "config.yaml"
        try:
            config = read_yaml(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise RecordError(f"cannot read {path}: {error}") from error
        if not isinstance(config, dict):
            raise RecordError(f"{path} must hold keys and values, got {type(config).__name__}")
        return config

    def environment(self) -> dict[str, Any]:
        """What environment.json says."""
        return _read_json(self.run_dir / "environment.json")

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write summary.json, whole or not at all; an earlier one is replaced."""
        write_atomically(self.run_dir / "summary.json", _json_text(summary, "summary", 2))

    def summary(self) -> dict[str, Any] | None:
        """What summary.json says; None if the run has not written it."""
        path = self.run_dir / "summary.json"
        return _read_json(path) if path.exists() else None

    def _folder(self, number: int) -> Path:
        if number < 0:
            raise RecordError(f"rounds are counted from 0, got {number}")
        return self.rounds / f"{number:04d}"

    def _append_metrics(self, line: str) -> None:
        path = self.run_dir / "metrics.jsonl"
        with _explained("cannot write", path), path.open("ab", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            try:
                file.write(line.encode())
                os.fsync(file.fileno())
            except OSError:
                file.truncate(size)
                raise


def _is_blank(run_dir: Path) -> bool:
    """Whether nothing is in the folder but what `create` makes before config.yaml."""
    folders = {"rounds", "checkpoints"}
    files = {"environment.json", f"{_TEMPORARY}environment.json", f"{_TEMPORARY}config.yaml"}
    return all(
        entry.name in files or (entry.name in folders and entry.is_dir() and not any(entry.iterdir()))
        for entry in run_dir.iterdir()
    )


def write_atomically(path: Path, text: str) -> None:
    """Write a UTF-8 file so that a reader sees the old one or the new one. Raises RecordError if the disk refuses."""
    temporary = path.with_name(f"{_TEMPORARY}{path.name}")
    with _explained("cannot write", path):
        try:
            _write_flushed(temporary, text)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        flush(path.parent)


def _write_flushed(path: Path, text: str) -> None:
    with path.open("wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _write_table(path: Path, table: pa.Table) -> None:
    with path.open("wb") as file:
        pq.write_table(table, file, compression="zstd", write_page_checksum=True, write_statistics=False)
        file.flush()
        os.fsync(file.fileno())


def _read_table(path: Path) -> pa.Table:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read(use_threads=False)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RecordError(f"{path} cannot be read: {_line(error)}. {_repair(path.parent)}") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(unescape(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"{path} cannot be read: {_line(error)}. {_repair(path.parent)}") from error
    if not isinstance(value, dict):
        raise RecordError(f"{path} must hold a JSON object, got {type(value).__name__}. {_repair(path.parent)}")
    return value


def _json_text(value: Mapping[str, Any], what: str, indent: int | None = None) -> str:
    """One JSON object and a newline, as text that UTF-8 can hold; `_read_json` is the inverse."""
    try:
        _check_keys(value, what)
        return escape(json.dumps(dict(value), ensure_ascii=False, indent=indent)) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordError(f"the {what} cannot be written as JSON: {error}") from error


def _check_keys(value: Any, where: str) -> None:
    """JSON would turn other keys into texts without a word, and a resumed run would miss them."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError(f"keys must be strings, got {key!r} in {where}")
            _check_keys(inner, f"{where}: {key}")
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_keys(inner, where)


def _yaml_text(config: Mapping[str, Any]) -> str:
    try:
        return dump_yaml(config)
    except yaml.YAMLError as error:
        raise RecordError(f"the configuration cannot be written as YAML: {error}") from error


@contextmanager
def _explained(what: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        advice = _ADVICE.get(error.errno or 0, "Look at that folder, then go on with --resume")
        raise RecordError(f"{what} {path}: {reason}. {advice}") from error


def _repair(folder: Path) -> str:
    if not _ROUND.fullmatch(folder.name):
        return "Bring the file back from a copy"
    return f"Bring it back from a copy, or remove {folder} and every later round and go on with --resume"


def _line(error: Exception) -> str:
    """The message of an error on one line, without a full stop at its end."""
    return " ".join(str(error).split()).rstrip(". ")


def _spans(numbers: list[int]) -> str:
    return f"{len(numbers)} rounds, the last is {numbers[-1]}" if numbers else "no rounds"
