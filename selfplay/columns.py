"""Columns of Arrow tables from Python values, and back: exact texts, 64-bit integers, float64, lists, transcripts.

Integers are 64 bits, floats are exact float64. Texts are UTF-8; a code point that UTF-8 cannot hold (a lone surrogate)
is written as U+10FFFF and six hexadecimal digits, and so is U+10FFFF itself, so any Python string survives. Numbers
cross as whole columns, never token by token. It knows no table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from selfplay.types import Message, Transcript

_MARK = "\U0010ffff"
_UNSAFE = re.compile(f"[\ud800-\udfff{_MARK}]")
_ESCAPED = re.compile(f"{_MARK}([0-9a-f]{{6}})")


def escape(text: str) -> str:
    """The text with everything that UTF-8 cannot hold written as U+10FFFF and six hexadecimal digits."""
    return _UNSAFE.sub(lambda match: f"{_MARK}{ord(match[0]):06x}", text)


def unescape(text: str) -> str:
    """The inverse of `escape`."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def transcript_columns(transcripts: Sequence[Transcript]) -> dict[str, pa.Array]:
    """One column for each field of the transcripts."""
    messages = [message for transcript in transcripts for message in transcript.messages]
    message_fields = [strings([m.role for m in messages]), strings([m.text for m in messages])]
    return {
        "role": strings([transcript.role for transcript in transcripts]),
        "messages": lists(
            [len(transcript.messages) for transcript in transcripts],
            pa.StructArray.from_arrays(message_fields, names=["role", "text"]),
        ),
        "token_ids": number_lists([transcript.token_ids for transcript in transcripts], np.int64),
        "sampled": number_lists([transcript.sampled for transcript in transcripts], np.bool_),
        "logprobs": number_lists([transcript.logprobs for transcript in transcripts], np.float64),
        "policy_version": integers([transcript.policy_version for transcript in transcripts]),
        "seed": integers([transcript.seed for transcript in transcripts]),
        "stopped": pa.array([transcript.stopped for transcript in transcripts], pa.bool_()),
    }


def read_transcripts(column: Mapping[str, pa.Array]) -> list[Transcript]:
    """The transcripts that `transcript_columns` was given."""
    structs = column["messages"].values
    messages = list(map(Message, values(structs.field("role")), values(structs.field("text"))))
    rows = zip(
        values(column["role"]),
        (tuple(messages[start:end]) for start, end in slices(column["messages"])),
        *(tuples(column[name]) for name in ("token_ids", "sampled", "logprobs")),
        *(values(column[name]) for name in ("policy_version", "seed", "stopped")),
        strict=True,
    )
    return [Transcript(*row) for row in rows]


def strings(texts: Sequence[str | None]) -> pa.Array:
    """Texts, None for null."""
    joined = "".join([text for text in texts if text])
    if not joined.isascii() and _UNSAFE.search(joined):
        texts = [None if text is None else escape(text) for text in texts]
    return pa.array(texts, pa.string())


def integers(values: Iterable[int | None]) -> pa.Array:
    """64-bit integers, None for null."""
    return pa.array(list(values), pa.int64())


def offsets(lengths: Sequence[int]) -> pa.Array:
    """Where each list starts, and where the last one ends."""
    return pa.array(np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int32), pa.int32())


def lists(lengths: Sequence[int], values: pa.Array) -> pa.Array:
    """A column of lists over flat values."""
    return pa.ListArray.from_arrays(offsets(lengths), values)


def number_lists(rows: Sequence[Sequence[float]], dtype: type[np.generic]) -> pa.Array:
    """A column of lists of numbers."""
    lengths = [len(row) for row in rows]
    return lists(lengths, pa.array(np.fromiter(chain.from_iterable(rows), dtype, count=sum(lengths))))


def table_columns(table: pa.Table) -> dict[str, pa.Array]:
    """The columns of a table by name, each in one piece."""
    return {name: table.column(name).combine_chunks() for name in table.column_names}


def values(array: pa.Array) -> list[Any]:
    """A flat column as Python values, None where it is null, texts unescaped."""
    if array.null_count and not pa.types.is_string(array.type):
        return list(array.to_pylist())  # numpy would turn a column of integers with nulls into floats
    found: list[Any] = array.to_numpy(zero_copy_only=False).tolist()
    if pa.types.is_string(array.type) and _MARK in "".join([text for text in found if text]):
        found = [None if text is None else unescape(text) for text in found]
    return found


def slices(array: pa.Array) -> list[tuple[int, int]]:
    """For each row of a list column, where it starts and ends in the flat values."""
    return list(pairwise(array.offsets.to_numpy().tolist()))


def tuples(array: pa.Array) -> list[tuple[Any, ...]]:
    """A list column as one tuple a row."""
    flat = values(array.values)
    return [tuple(flat[start:end]) for start, end in slices(array)]
