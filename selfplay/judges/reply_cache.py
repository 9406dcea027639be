"""A cache of an endpoint's replies on disk: a file a reply, whole or not there at all.

A file is written beside its place and renamed, so a kill at any moment leaves the old state or the new one, and any
number of runs may share a folder (they may pay for the same reply twice, and keep one). A file holds the request that
it answers and a checksum: one that is damaged, or answers another request, is no reply and is asked for again. Nothing
expires; the folder may be deleted at any time. What is kept is text of models: credentials are no part of a request.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfplay.errors import UserError


def cache_key(request: Mapping[str, Any]) -> str:
    """Content hash of everything that a reply depends on: 64 hex digits of SHA-256 over canonical JSON."""
    return hashlib.sha256(_canonical(request).encode()).hexdigest()


class ReplyCache:
    """Replies in `folder`, which is made if it is missing. Raises UserError if it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"the cache of replies cannot be made in {folder}: {error.strerror or error}") from error

    def get(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """The reply to an equal request; None if there is none that is whole."""
        key = cache_key(request)
        try:
            found = json.loads(self._path(key).read_bytes())
            reply = found["reply"]
            whole = cache_key(found["request"]) == key and found["checksum"] == cache_key(reply)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return dict(reply) if whole else None

    def put(self, request: Mapping[str, Any], reply: Mapping[str, Any]) -> None:
        """Keep the reply; an earlier one is replaced. Raises UserError if the disk refuses."""
        path = self._path(cache_key(request))
        text = json.dumps({"request": request, "reply": reply, "checksum": cache_key(reply)})
        try:
            path.parent.mkdir(exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise UserError(f"the cache of replies cannot be written: {path}: {error.strerror or error}") from error

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
