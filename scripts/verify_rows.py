"""Rows that a person wants graded: lines of a file, read one at a time, as problems and texts for a verifier.

Contract: `read_lines` gives every line of a file with its number, in constant memory; `read_row` makes of one an
`Item` or, whatever its bytes are, a `BadRow` that says which line, what is wrong and what was expected. A row of
answers is `{"id", "reference", "text"}` (or `equation`, for verifiers that substitute); a row of programs has `id`,
`program` and one way to judge it, see `PROGRAM_FORMS`. A row may name its own `verifier`. Other fields are left
alone.

It judges nothing, and values inside `inputs` and `expected` are read by the verifier, which knows their notation.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from selfplay.checking import nearest
from selfplay.types import Origin, Problem
from verifiers.inside.math.policy import FIELDS

MAX_LINE_BYTES = 64 * 2**20
"""A longer line is not read."""
MAX_BATCH_BYTES = 32 * 2**20
"""Lines taken at once end with the one that reaches this."""
PROGRAM_VERIFIERS = frozenset({"python_exec"})
"""Verifiers that grade programs; all others grade answers."""
POLICY_VERIFIERS = frozenset({"math_answer"})
"""Verifiers whose policy a row may change."""
POLICY_KEYS = ("policy", *(name for name in FIELDS if name != "version"))
"""Fields of a row that change its policy: an object with several, or one by its name."""
PROGRAM_FORMS = {
    "entry": "entry, inputs and expected: a function, lists of its arguments, and what each call gives",
    "stdin": "stdin and expected: texts to read, and what is printed for each",
    "tests": "tests: assert statements (or a function check(candidate), and as entry what it checks)",
    "expected_output": "expected_output (or reference): all that is printed",
}
_SHOWN_CHARACTERS = 60
_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file."""

    number: int
    """From 1."""
    data: bytes | None
    """Without its newline; None if it is longer than `MAX_LINE_BYTES`."""
    end: int
    """Bytes of the file up to and with this line."""


@dataclass(frozen=True, slots=True)
class Item:
    """A row that can be graded."""

    number: int
    id: Scalar
    verifier: str
    problem: Problem
    text: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be graded."""

    number: int
    id: Scalar
    """None also where no id could be read."""
    detail: str


class RowError(ValueError):
    """What is wrong with a row, and what was expected."""


def read_lines(file: IO[bytes], limit: int | None = None, max_bytes: int = MAX_LINE_BYTES) -> Iterator[Line]:
    """The first `limit` lines (None: all). A line that is too long is skipped without being held in memory."""
    end = number = 0
    while number != limit and (data := file.readline(max_bytes + 2)):  # the newline may have two bytes
        number += 1
        end += len(data)
        whole = data.removesuffix(b"\n").removesuffix(b"\r")
        if len(whole) <= max_bytes:
            yield Line(number, whole, end)
            continue
        while data and not data.endswith(b"\n"):
            data = file.readline(1 << 20)
            end += len(data)
        yield Line(number, None, end)


def take(lines: Iterator[Line], num_rows: int, max_bytes: int = MAX_BATCH_BYTES) -> list[Line]:
    """The next lines: at most `num_rows`, and no more after `max_bytes` of them."""
    taken: list[Line] = []
    held = 0
    for line in lines:
        taken.append(line)
        held += len(line.data or b"")
        if len(taken) >= num_rows or held >= max_bytes:
            break
    return taken


def read_row(line: Line, verifier: str, names: Collection[str]) -> Item | BadRow:
    """The row of a line. `verifier` grades it unless it names one of `names` itself. Never raises for what it says."""
    identifier: Scalar = None
    try:
        row = _parse(line)
        identifier = _identifier(row)
        name = _verifier_of(row, verifier, names)
        read = _program if name in PROGRAM_VERIFIERS else _answer
        reference, text, payload = read(row, name)
        if name in POLICY_VERIFIERS:
            payload |= {key: _policy_value(row, key) for key in POLICY_KEYS if key in row}
        problem = Problem("file", json.dumps(identifier), reference, Origin.DATASET, level=0, payload=payload)
        return Item(line.number, identifier, name, problem, text)
    except RowError as error:
        return BadRow(line.number, identifier, f"line {line.number}: {error}")
    except RecursionError:
        return BadRow(
            line.number, identifier, f"line {line.number}: nested too deeply to read; expected flatter values"
        )


def _parse(line: Line) -> dict[str, Any]:
    expected = 'expected one JSON object, such as {"id": 1, …}'
    if line.data is None:
        limit = f"{MAX_LINE_BYTES // 2**20} MiB"
        raise RowError(f"longer than {limit}, and was not read; expected at most {limit} a row")
    data = line.data.removeprefix(b"\xef\xbb\xbf") if line.number == 1 else line.data  # a byte order mark
    if not data.strip():
        raise RowError(f"empty; {expected}")
    try:
        row = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RowError(f"not UTF-8 at byte {error.start + 1}; expected UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise RowError(f"not JSON: {error.msg} at column {error.colno}; {expected}") from error
    except ValueError as error:  # Python reads no whole number of more than some thousands of digits
        raise RowError(f"a number in it cannot be read: {error}") from error
    if not isinstance(row, dict):
        raise RowError(f"{_shown(row)}; {expected}")
    return row


def _identifier(row: Mapping[str, Any]) -> Scalar:
    if "id" not in row:
        raise RowError(f"the field id is missing; got {_fields(row)}; expected an id in every row")
    value = row["id"]
    if isinstance(value, dict | list) or (isinstance(value, float) and not math.isfinite(value)):
        raise RowError(f"id is {_shown(value)}; expected a text, a finite number, true, false or null")
    return value  # type: ignore[no-any-return]


def _verifier_of(row: Mapping[str, Any], default: str, names: Collection[str]) -> str:
    name = row.get("verifier", default)
    if not isinstance(name, str):
        raise RowError(f"verifier is {_shown(name)}; expected one of {', '.join(names)}")
    if name not in names:
        raise RowError(f"no verifier is called {_cut(json.dumps(name))}; {nearest(name, names)}")
    return name


def _answer(row: Mapping[str, Any], name: str) -> tuple[str, str, dict[str, str]]:
    """Reference, text and payload of a row of answers."""
    expected = f"{name} grades rows of answers: id, reference and text"
    payload = {key: _text(row, key, expected) for key in ("equation", "unknown") if key in row}
    text = _text(row, "text", expected)
    return ("" if "equation" in row and "reference" not in row else _text(row, "reference", expected)), text, payload


def _program(row: Mapping[str, Any], name: str) -> tuple[str, str, dict[str, str]]:
    """Reference, program and payload of a row of programs."""
    forms = "; or ".join(PROGRAM_FORMS.values())
    program = _text(row, "program", f"{name} grades rows of programs: id, program, and {forms}")
    given = [form for form, key in (("entry", "inputs"), ("stdin", "stdin"), ("tests", "tests")) if key in row]
    if not given and "entry" in row:
        given = ["entry"]
    if len(given) > 1:
        raise RowError(f"{' and '.join(given)} are both given; expected one way to judge: {forms}")
    if not given:
        for key in ("expected_output", "reference"):
            if key in row:
                return _text(row, key, "expected what the program prints"), program, {}
        raise RowError(f"nothing says what the program should do; got {_fields(row)}; expected {forms}")
    form, expected = given[0], f"expected {PROGRAM_FORMS[given[0]]}"
    if form == "tests":
        return "", program, {"tests": _tests(_text(row, "tests", expected), row.get("entry"))}
    questions = "inputs" if form == "entry" else "stdin"
    entry = _text(row, "entry", expected) if form == "entry" else ""
    asked, answers = _list(row, questions, expected), _list(row, "expected", expected)
    if len(asked) != len(answers):
        raise RowError(f"{len(asked)} {questions} but {len(answers)} expected; expected as many of both")
    if form == "entry":
        _all(asked, list, "inputs", "a list of arguments")
        return "", program, {"entry": entry, "inputs": json.dumps(asked), "expected": json.dumps(answers)}
    _all(asked, str, "stdin", "a text")
    _all(answers, str, "expected", "a text")
    return "", program, {"stdin": json.dumps(asked), "expected": json.dumps(answers)}


def _tests(tests: str, entry: Any) -> str:
    """The tests, with a call where they only define `check(candidate)`, as data sets do that name `entry` apart."""
    if isinstance(entry, str) and entry.isidentifier() and re.search(r"^def check\(", tests, re.MULTILINE):
        return f"{tests}\n\ncheck({entry})\n"
    return tests


def _policy_value(row: Mapping[str, Any], key: str) -> str:
    """A policy key as the payload of a problem has it: a text, or a JSON text of anything else."""
    value = row[key]
    return value if isinstance(value, str) else json.dumps(value)


def _text(row: Mapping[str, Any], key: str, expected: str) -> str:
    if key not in row:
        raise RowError(f"the field {key} is missing; got {_fields(row)}; {expected}")
    if not isinstance(row[key], str):
        raise RowError(f"{key} is {_shown(row[key])}; expected a text")
    return str(row[key])


def _list(row: Mapping[str, Any], key: str, expected: str) -> list[Any]:
    if key not in row:
        raise RowError(f"the field {key} is missing; got {_fields(row)}; {expected}")
    if not isinstance(row[key], list):
        raise RowError(f"{key} is {_shown(row[key])}; expected a list")
    return list(row[key])


def _all(values: list[Any], kind: type, name: str, expected: str) -> None:
    for index, value in enumerate(values):
        if not isinstance(value, kind):
            raise RowError(f"{name}[{index}] is {_shown(value)}; expected {expected}")


def _fields(row: Mapping[str, Any]) -> str:
    """The names of a row's fields, for a message."""
    names = ", ".join(_cut(json.dumps(name)[1:-1]) for name in list(row)[:8])
    return (f"the fields {names}" + (", …" if len(row) > 8 else "")) if row else "no field"


def _shown(value: Any) -> str:
    """A value's kind and its beginning, for a message."""
    if value is None:
        return "null"
    return f"{_KINDS[type(value)]} ({_cut(json.dumps(value))})"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
