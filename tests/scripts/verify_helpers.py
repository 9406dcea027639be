"""What the tests of scripts.verify share: rows, files, the command itself, and a verifier without processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from scripts.cli import run_main
from scripts.verify import main
from scripts.verify_rows import BadRow, Item, Line, read_row
from selfplay.types import Problem, Status, Verdict

ROOT = Path(__file__).parents[2]
NAMES = ["exact", "numeric", "sympy_equal", "python_exec"]
DOUBLE = "def f(x):\n    return 2 * x\n"


def write(path: Path, rows: Sequence[Any]) -> Path:
    """A file of rows; bytes stand for themselves."""
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def answer(identifier: Any, reference: str, text: str, **more: Any) -> dict[str, Any]:
    return {"id": identifier, "reference": reference, "text": text, **more}


def row(data: Any, verifier: str = "exact") -> Item | BadRow:
    line = data if isinstance(data, bytes) else json.dumps(data).encode()
    return read_row(Line(7, line, len(line)), verifier, NAMES)


def exit_of(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as caught:
        run_main(main, [str(one) for one in arguments], resumable=False)
    return caught.value.code


def command(*arguments: object, **kwargs: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.verify", *map(str, arguments)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs,
    )  # fmt: skip


class Scripted:
    """A verifier without processes: what `judge` says of each text; CORRECT where text and reference are equal."""

    def __init__(self, judge: Callable[[Problem, str], Verdict] | None = None) -> None:
        self._judge = judge or (lambda p, text: Verdict(Status.CORRECT if text == p.reference else Status.WRONG, text))
        self.closed = False
        self.sizes: list[int] = []

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        self.sizes.append(len(answers))
        return [self._judge(problem, text) for problem, text in answers]

    def close(self) -> None:
        self.closed = True
