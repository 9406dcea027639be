"""Forcing files to disk, so that what was renamed into place is really there after a power failure."""

from __future__ import annotations

import os
from pathlib import Path


def flush(path: Path) -> None:
    """Force one file, or the list of names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Force everything in a folder, and its list of names, to disk."""
    for entry in folder.iterdir():
        if entry.is_dir():
            flush_folder(entry)
        elif entry.is_file():
            flush(entry)
    flush(folder)
