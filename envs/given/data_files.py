"""Which files hold the rows of a data set that a person names: one file, or a folder with splits.

A folder may be what `datasets` saved (`save_to_disk`: Arrow files, one data set or one a split) or what was downloaded
(`train.jsonl`, `data/test-00000-of-00001.parquet`: a file's split is its name up to the first `-` or `.`). A mistake is
a ConfigError that names the option. It reads names and lists of files, no rows.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from selfplay.errors import ConfigError

SUFFIXES = (".jsonl", ".parquet", ".arrow")
DEFAULT_SPLIT = "train"
_SAVED_SPLITS, _SAVED = "dataset_dict.json", "state.json"


def data_files(path: str, split: str, key: str) -> list[Path]:
    """The files of a data set, in order; `split` "" is the only one or `train`. Raises ConfigError: `key` and why."""
    place = Path(path)
    if place.is_dir():
        return _of_folder(place, split, key)
    if place.suffix not in SUFFIXES:
        raise ConfigError(f"{key}: got {path}, expected a file that ends with {' or '.join(SUFFIXES)}, or a folder")
    if not place.is_file():
        raise ConfigError(f"{key}: got {path}, which is no file; expected a {place.suffix} file with one problem a row")
    if split:
        raise ConfigError(f"{key}: got {path} and its split {split}, expected a folder: one file has no splits")
    return [place]


def nearest(name: str, choices: Iterable[str]) -> str:
    """The end of a message about an unknown name: the most similar choice, if one is similar, and all choices."""
    names = list(choices)
    close = difflib.get_close_matches(name, names, n=1)
    return (f"did you mean {close[0]}? " if close else "") + f"one of {', '.join(names)}"


def _of_folder(folder: Path, split: str, key: str) -> list[Path]:
    if (folder / _SAVED_SPLITS).is_file():
        splits = _read_json(folder / _SAVED_SPLITS, key).get("splits")
        return _saved(folder / _chosen(split, splits if isinstance(splits, list) else [], folder, key), key)
    if (folder / _SAVED).is_file():
        if split:
            raise ConfigError(f"{key}: got {folder} and its split {split}, expected no split: it is one saved data set")
        return _saved(folder, key)
    found = [file for file in sorted([*folder.glob("*"), *folder.glob("data/*")]) if file.suffix in SUFFIXES]
    name = _chosen(split, list(dict.fromkeys(map(_split_of, found))), folder, key)
    return [file for file in found if _split_of(file) == name]


def _split_of(file: Path) -> str:
    return file.name.partition("-")[0].partition(".")[0]


def _chosen(split: str, available: Sequence[str], folder: Path, key: str) -> str:
    if not available:
        raise ConfigError(f"{key}: {folder} has no data, expected files that end with {' or '.join(SUFFIXES)}")
    name = split or (available[0] if len(available) == 1 else DEFAULT_SPLIT)
    if name not in available:
        got = f"split {split}" if split else "no split"
        raise ConfigError(f"{key}: got {got} of {folder}, expected {nearest(name, available)}")
    return name


def _saved(folder: Path, key: str) -> list[Path]:
    """The files that `datasets` saved there."""
    names = _read_json(folder / _SAVED, key).get("_data_files")
    files = [folder / str(one["filename"]) for one in names or () if isinstance(one, dict) and "filename" in one]
    if not files or not all(file.is_file() for file in files):
        raise ConfigError(f"{key}: {folder / _SAVED} does not name files that are there; save the data set again")
    return files


def _read_json(file: Path, key: str) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{key}: {file} cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}
