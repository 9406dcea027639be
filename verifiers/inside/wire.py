"""How a pool and its worker talk: compact JSON behind a 4-byte big-endian length, and one shared page of progress.

Messages, in order: parent sends a setup object; worker answers `{"ready": [...]}` or `{"error": "..."}`; then, again
and again, parent sends `[sequence, jobs]` and worker answers lists of results until there is one result a job. The
shared page says which job of which sequence began when, so that the parent knows whom to blame without a message per
job.

Nothing is ever pickled or evaluated.
"""

from __future__ import annotations

import json
import struct
from typing import Any

HEADER = struct.Struct(">I")
PROGRESS = struct.Struct("<qqd")
"""Sequence number of the chunk, index of the current job in it, and when it began (`time.monotonic`, seconds)."""

CONTROL = struct.Struct("<BQ")
"""What a parent asks of a template: `FORK` (with two descriptors: channel, page) or `END`, and the worker's number."""
ENDED = struct.Struct("<i")
"""A template's answer to `END`: the exit code (negative: the signal)."""
FORK, END = 1, 2

MAX_FRAME_BYTES = 64 * 1024 * 1024
MEMORY_EXIT = 66
"""Exit code of a worker whose job needed more memory than its limit."""


class FrameError(ValueError):
    """The other side sent something that is not a frame."""


def pack(value: Any) -> bytes:
    """One frame. Lone surrogates survive, because everything outside ASCII is escaped."""
    body = json.dumps(value, separators=(",", ":")).encode("ascii")
    if len(body) > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {len(body)} bytes is over the limit of {MAX_FRAME_BYTES}")
    return HEADER.pack(len(body)) + body


def unpack(buffer: bytearray) -> list[Any]:
    """Take all complete frames from the front of `buffer`; raises FrameError for one that is too long or not JSON."""
    frames = []
    position = 0
    while len(buffer) - position >= HEADER.size:
        (length,) = HEADER.unpack_from(buffer, position)
        if length > MAX_FRAME_BYTES:
            raise FrameError(f"a frame of {length} bytes is over the limit of {MAX_FRAME_BYTES}")
        end = position + HEADER.size + length
        if len(buffer) < end:
            break
        try:
            frames.append(json.loads(bytes(buffer[position + HEADER.size : end])))
        except (ValueError, RecursionError) as error:
            raise FrameError(f"a frame is not JSON: {error}") from error
        position = end
    del buffer[:position]
    return frames
