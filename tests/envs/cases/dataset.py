"""What the tests of every environment need to know about `dataset`: a file whose rows name four verifiers."""

from __future__ import annotations

import atexit
import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from envs.dataset import Dataset, Options
from selfplay.types import Problem

ROWS_PER_LEVEL = 40
_FOLDER = Path(tempfile.mkdtemp(prefix="dataset-case-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def rows() -> Iterator[dict[str, Any]]:
    """Sums of two to four numbers, asked in four ways: for mathematics, a number, a text and a program."""
    for level in (1, 2, 3):
        for number in range(ROWS_PER_LEVEL):
            values = [number + 3 * place for place in range(level + 1)]
            sums, total = " + ".join(map(str, values)), sum(values)
            names = ", ".join("abcd"[: level + 1])
            yield {"level": f"Level {level}", "number": number} | (
                {"question": f"What is {sums}?", "answer": f"{sums} = {total}.\n#### {total}"},
                {"question": f"Give the value of {sums}.", "answer": total, "verifier": "numeric"},
                {"question": f"Write {sums} as one word.", "answer": f"n{total}", "verifier": "exact"},
                {
                    "question": f"Write a function to add {number} to the sum of {level + 1} numbers.",
                    "code": f"def add_{number}({names}):\n    return {number} + {names.replace(', ', ' + ')}",
                    "test_list": [
                        f"assert add_{number}({', '.join(map(str, some))}) == {number + sum(some)}"
                        for some in (values, values[::-1], [one * one for one in values])
                    ],
                    "verifier": "python_exec",
                },
            )[number % 4]


def make(executor: Any) -> Dataset:
    path = _FOLDER / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows()))
    return Dataset(Options(path=str(path), verifier="math_answer", held_out_share=0.25), executor)


def wrong(problem: Problem, rng: random.Random) -> str:
    """A number next to the right one or with a digit more; another word; a program that adds one too many."""
    reference = problem.reference
    if problem.payload["verifier"] == "python_exec":
        return rng.choice([f"{reference} + 1", reference.replace("return ", "return 1 - 2 * ")])
    if problem.payload["verifier"] == "exact":
        return rng.choice([reference[1:], reference + "0", reference.upper()])
    return rng.choice([str(int(reference) + 1), reference + "0", f"{reference}.5", f"-{reference}9"])
