"""The one text form of a task with its tests and a solution, which proposals, dataset rows and drawn tasks share.

    ### Task          The text of a problem is this text, cleaned up. Tests are one assertion a line (continued lines
    …                 begin with white space or a bracket) or one JSON triple a line, `["f", [[1, 2]], 3]`: function,
    ### Tests         arguments and expected value. Tests in any other form are kept whole, as one. Blank lines and
    …                 comment lines between tests are dropped; tests and solution may be fenced. What comes before the
    ### Solution      last `### Task` is reasoning.
    …
Nothing here parses or runs Python: everything is found by splitting text, in linear time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envs.base import reject
from selfplay.types import Rejection

MAX_CHARACTERS = 50_000
"""The longest text that is read."""
MAX_REPLY_CHARACTERS = 200_000
MAX_BLOCKS = 20
FENCE = "```"

_HEADING = re.compile(r"^### (Task|Tests|Solution)[ \t]*$", re.MULTILINE)
_FUNCTION = re.compile(r"^(?:async )?def ", re.MULTILINE)
_NAMED = re.compile(r"^(?:async )?def[ \t]+(\w+)", re.MULTILINE)
_WORD = re.compile(r"\w+")
_TEXT_KEYS = ("text", "problem", "question", "prompt")
_SOLUTION_KEYS = ("code", "reference", "solution")


@dataclass(frozen=True, slots=True)
class TaskText:
    """A task, its tests and a solution, as texts."""

    words: str
    tests: tuple[str, ...]
    """One text a test; a single one where tests could not be told apart."""
    solution: str

    @property
    def are_triples(self) -> bool:
        """Whether the tests are JSON triples rather than assertions."""
        return self.tests[0].startswith("[")

    @property
    def num_lines(self) -> int:
        """Lines of code of the solution, the first `def` not counted; at least 1."""
        lines = [line.strip() for line in self.solution.split("\n")]
        return max(1, sum(bool(line) and line[0] != "#" for line in lines) - 1)

    def text(self) -> str:
        """The canonical text."""
        return f"### Task\n{self.words}\n### Tests\n" + "\n".join(self.tests) + f"\n### Solution\n{self.solution}"

    def parted(self, num_shown: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The tests that are shown and those that are hidden; all are hidden where no more than `num_shown` exist."""
        num_shown = num_shown if len(self.tests) > num_shown else 0
        return self.tests[:num_shown], self.tests[num_shown:]

    def payload(self, tests: Sequence[str]) -> dict[str, str]:
        """What `python_exec` needs to judge by some of the tests. Raises ValueError for unreadable JSON triples."""
        if not self.are_triples:
            return {"tests": "\n".join(tests)}
        triples = [_triple(test) for test in tests]
        names = {name for name, _, _ in triples}
        if len(names) > 1:
            raise ValueError(f"they test several functions: {', '.join(sorted(names))[:80]}")
        inputs, expected = ([triple[part] for triple in triples] for part in (1, 2))
        return {"entry": names.pop(), "inputs": json.dumps(inputs), "expected": json.dumps(expected)}


def read_text(text: str) -> TaskText | Rejection:
    """The task in a text, or `too_long`, `no_text` (surrogates), `sections`, `no_task`, `no_tests` or `no_function`."""
    if len(text) > MAX_CHARACTERS:
        return Rejection("too_long", f"{len(text)} characters, at most {MAX_CHARACTERS}")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return Rejection("no_text", "it holds half of a surrogate pair")
    parts = _HEADING.split(text.replace("\r\n", "\n"))
    if len(parts) < 7 or parts[-6::2] != ["Task", "Tests", "Solution"]:
        return reject("sections", text)
    words, tests, solution = parts[-5].strip(), _split(unfenced(parts[-3])), unfenced(parts[-1])
    if not words:
        return Rejection("no_task", "nothing is written under ### Task")
    if not tests or tests[0].startswith(FENCE):
        return Rejection("no_tests", "no tests are written under ### Tests")
    if not _FUNCTION.search(solution) or solution.startswith(FENCE):
        return reject("no_function", solution)
    return TaskText(words, tests, solution)


def read_row(fields: Mapping[str, Any]) -> TaskText:
    """The task of a dataset's row: shaped like MBPP's, like HumanEval's, or with the names of this environment.

    `text` (or `problem`, `question`, `prompt`), `code` (or `reference`, `solution`; `canonical_solution` goes on after
    `prompt`), `test_list` or `tests` (a list of texts or one text) or `test` with `entry_point` (or `entry`).
    `test_setup_code` goes before the tests, which then count as one. Raises ValueError that says what is missing.
    """
    words = _first(fields, _TEXT_KEYS)
    if "canonical_solution" in fields and not any(fields.get(key) for key in _SOLUTION_KEYS):
        solution = _first(fields, ("prompt",)) + _first(fields, ("canonical_solution",))
    else:
        solution = _first(fields, _SOLUTION_KEYS)
    tests = next((fields[key] for key in ("test_list", "tests", "test") if fields.get(key)), None)
    if isinstance(tests, str):
        entry = fields.get("entry_point") or fields.get("entry")
        tests = [f"{tests.rstrip()}\n\ncheck({entry})" if "def check(" in tests and "\ncheck(" not in tests else tests]
    if not isinstance(tests, list) or not tests or not all(isinstance(test, str) and test.strip() for test in tests):
        raise ValueError("expected tests in test_list or tests (texts, not empty), or in test with entry_point")
    if fields.get("test_setup_code"):
        tests = ["\n".join([_first(fields, ("test_setup_code",)), *tests])]
    task = read_text(TaskText(words, tuple(tests), solution).text())
    if isinstance(task, Rejection):
        raise ValueError(f"{task.reason}: {task.detail}")
    return task


def asked(words: str, function: str, shown: Sequence[str]) -> str:
    """How a solver is asked in words for a program: the task, the function's name, and tests if any are shown."""
    tests = "\n".join(shown)
    examples = f"\n\nAmong others, it must pass\n\n{FENCE}python\n{tests}\n{FENCE}" if shown else ""
    return (
        f"{words}\n\nWrite this as a Python function called `{function}`.{examples}\n\n"
        f"Think step by step, then reply with the whole program in one {FENCE}python block, without calls."
    )


def function_of(task: TaskText) -> str:
    """The first function of the solution whose name is in the tests, or else its last one."""
    names = _NAMED.findall(task.solution)
    words = set(_WORD.findall("\n".join(task.tests)))
    return next((name for name in names if name in words), names[-1] if names else "")


def program_in(reply: str) -> str | None:
    """The program in a reply: the last fenced block that defines a function, or the last block, or the whole text.

    Fences stand at the beginning of a line; the last may be missing. None if there is nothing, or more than
    `MAX_REPLY_CHARACTERS`. Of very many blocks only the last `MAX_BLOCKS` are looked at.
    """
    if len(reply) > MAX_REPLY_CHARACTERS:
        return None
    text = "\n" + reply.replace("\r\n", "\n")
    pieces = text.rsplit(f"\n{FENCE}", 2 * MAX_BLOCKS)
    first = text.count(f"\n{FENCE}") + 1 - len(pieces)
    blocks = [piece.partition("\n")[2] for place, piece in enumerate(pieces, first) if place % 2]
    programs = [block for block in blocks if "def " in block] or blocks or [text]
    return programs[-1].strip("\n").rstrip() or None


def unfenced(text: str) -> str:
    """A text without one fence around it, blank lines before it and white space after it."""
    text = text.strip("\n").rstrip()
    if text.startswith(FENCE) and text.endswith(f"\n{FENCE}"):
        text = text.partition("\n")[2].removesuffix(FENCE)
    return text.strip("\n").rstrip()


def _first(fields: Mapping[str, Any], keys: Sequence[str]) -> str:
    found = [fields[key] for key in keys if fields.get(key)]
    if not found or not isinstance(found[0], str):
        raise ValueError(f"expected a text in {' or '.join(keys)}; the row has {', '.join(map(str, fields))[:200]}")
    return found[0]


def _split(text: str) -> tuple[str, ...]:
    """The single tests, or the whole text as one."""
    tests: list[str] = []
    start = "[" if text.startswith("[") else "assert"
    for line in text.split("\n"):
        if line.startswith(start):
            tests.append(line.rstrip())
        elif tests and start == "assert" and line.startswith((" ", "\t", ")", "]", "}")):
            tests[-1] += f"\n{line.rstrip()}"
        elif line.strip() and not line.startswith("#"):
            return (text,) if start == "assert" else ()
    return tuple(tests)


def _triple(test: str) -> tuple[str, list[Any], Any]:
    try:
        parsed = json.loads(test)
    except RecursionError:
        raise ValueError(f"nested too deeply: {test[:60]}") from None
    if not isinstance(parsed, list) or len(parsed) != 3 or not isinstance(parsed[0], str):
        raise ValueError(f"expected [function, arguments, expected value]: {test[:60]}")
    name, arguments, expected = parsed
    if not isinstance(arguments, list):
        raise ValueError(f"expected a list of arguments: {test[:60]}")
    return name, arguments, expected
