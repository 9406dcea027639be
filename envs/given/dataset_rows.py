"""What the rows of a data set say: problem, reference, verifier, level, by columns that are named or recognised.

Columns are found once a file: the one that an option names, else the first of the usual names that a row has. A row of
code (verifier `python_exec`) is read as `tested_texts.read_row` does: shaped like MBPP's or HumanEval's. What a row
lacks, and a reference that its verifier could not read, make it a `BadRow`; a column that no row has is a ConfigError.
Nothing is run here: whether a solution passes its tests is found when the problem is grounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from envs.code.tested_texts import TaskText, read_row
from envs.given.data_files import nearest
from envs.given.dataset_answers import (
    ANSWER_FORMATS,
    DEFAULTS,
    ReplyFormat,
    is_answer_format,
    read_reply,
    reference_in,
    written,
)
from envs.given.rows import BadRow, Row
from selfplay.errors import ConfigError, FieldError
from verifiers import VERIFIERS
from verifiers.references import reference_mistake
from verifiers.routed import RoutedVerifier

COLUMNS = {
    "problem": ("problem", "question", "prompt", "instruction", "text", "query", "input"),
    "answer": ("answer", "final_answer", "expected_answer", "ground_truth", "reference", "target", "solution", "code",
               "canonical_solution", "output", "response"),
    "solution": ("solution", "reply", "rationale"),
    "verifier": ("verifier",),
    "level": ("level",),
    "payload": ("payload",),
}  # fmt: skip
"""The usual names, in order."""
TESTS = ("test_list", "tests", "test")
MATH, CODE = "math_answer", "python_exec"
NAMES = tuple(name for name in VERIFIERS if name != RoutedVerifier.name)


@dataclass(frozen=True, slots=True)
class Example:
    """A problem with a reply, for few-shot prompts."""

    problem: str
    """What is asked."""
    reply: str
    """A good reply, with its final answer as the solver should write it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about `dataset`."""

    path: str = ""
    """A .jsonl, .parquet or .arrow file, or a folder: saved by `datasets`, or with such a file a split. Required."""
    split: str = ""
    """Of a folder: the split to draw from; empty: the only one, or `train`."""
    held_out_path: str = ""
    """A file or folder of held-out problems; empty: the same folder, if `held_out_split` is given."""
    held_out_split: str = ""
    """The split of held-out problems, such as `test`."""
    held_out_share: Annotated[float, Field(ge=0.0, lt=1.0)] | None = None
    """The share of each level's rows that is held out, where no file or split is; null: a tenth."""
    problem_column: str = ""
    """Column of what is asked; empty: the first of the usual names."""
    answer_column: str = ""
    """Column of the reference (of code: of the solution); empty: the first of the usual names."""
    solution_column: str = ""
    """Column of a worked solution, for demonstrations; empty: `solution`, or what comes before the reference."""
    verifier_column: str = ""
    """Column that names each row's verifier; empty: `verifier`, if there is one."""
    level_column: str = ""
    """Column of how hard a row is; empty: `level`, if there is one. Whole numbers, `Level 3`, or `level_names`."""
    level_names: tuple[str, ...] = ()
    """What the level column holds, easiest first, where it holds words."""
    verifier: str = ""
    """Who judges rows that name nobody; empty: `python_exec` where there are tests, else `math_answer`."""
    answer_format: str = "auto"
    """How the reference is cut from its column: auto, whole, boxed, or after:MARKER (GSM8K: `after:####`)."""
    reply_format: ReplyFormat | None = None
    """How a solver is to write its answer; null: boxed for math_answer, a code block for programs, else `Answer: …`."""
    request: str | None = None
    """What is added to each problem to ask for that; null: words that go with `reply_format`."""
    system: str = ""
    """A system message before everything."""
    few_shot: tuple[Example, ...] = ()
    """Worked examples, shown as earlier turns."""
    num_few_shot: Annotated[int, Field(ge=0, le=100)] = 0
    """So many rows are taken out of the training rows and shown as worked examples too."""
    num_shown_tests: Annotated[int, Field(ge=0, le=20)] = 1
    """Of code: the first so many tests are shown to a solver, if there are more than these; all of them decide."""
    seed: int = 0
    """Names the order in which rows are chosen to be held out or shown as examples."""

    def __post_init__(self) -> None:
        if self.verifier and self.verifier not in NAMES:
            raise FieldError("verifier", f"got {self.verifier}, expected a verifier; {nearest(self.verifier, NAMES)}")
        if not is_answer_format(self.answer_format):
            raise FieldError("answer_format", f"got {self.answer_format!r}, expected {' or '.join(ANSWER_FORMATS)}")
        if self.held_out_share is not None and (self.held_out_path or self.held_out_split):
            raise FieldError("held_out_share", "got one beside held-out rows, expected null: these are all kept apart")


@dataclass(frozen=True, slots=True)
class Given:
    """A problem of the data set."""

    place: str
    prompt: str
    reference: str
    level: int
    """What the file says (of words: their place among the names); 0 if it has no levels."""
    verifier: str
    reply_format: ReplyFormat
    solution: str = ""
    """A worked solution, "" if there is none."""
    task: TaskText | None = None
    """Of code: words, tests and solution."""
    payload: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the row itself gives its verifier."""


class RowReader:
    """Reads rows by the columns of one file. Raises ConfigError for a column that no row has."""

    def __init__(self, options: Options, rows: Iterable[Row], path: str) -> None:
        self.options = options
        self._names = list(dict.fromkeys(name for row in rows for name in row.fields))
        self._path = path
        self._problem = self._find("problem", required=True)
        self._answer = self._find("answer", required=(options.verifier != "judge"))
        self._solution = self._find("solution")
        self._verifier = self._find("verifier")
        self._level = self._find("level")
        self._payload = self._find("payload")
        has_tests = any(name in self._names for name in TESTS)
        self._default = options.verifier or (CODE if has_tests else MATH)

    def _find(self, what: str, *, required: bool = False) -> str:
        named = getattr(self.options, f"{what}_column", "")
        if named and named not in self._names:
            raise ConfigError(
                f"env.options.{what}_column: {self._path} has no column {named}; {nearest(named, self._names)}"
            )
        found = named or next((name for name in COLUMNS[what] if name in self._names), "")
        if required and not found:
            raise ConfigError(
                f"env.options.{what}_column: {self._path} has none of the usual columns {', '.join(COLUMNS[what])}; "
                f"name one of {', '.join(self._names) or 'its columns (it has none)'}"
            )
        return found

    def read(self, row: Row) -> Given | BadRow:
        """The row's problem, or what is wrong with it."""
        try:
            return self._read(row)
        except ValueError as error:
            return BadRow(row.place, str(error)[:300])

    def _read(self, row: Row) -> Given:
        fields = row.fields
        payload = _payload(fields.get(self._payload)) if self._payload else {}
        verifier = self._verifier_of(fields, payload)
        if verifier == CODE and not payload:
            return self._code(row)
        prompt = _text(fields, self._problem)
        if verifier == "judge" and not (self._answer and fields.get(self._answer)):
            reference, solution = "", ""
        else:
            try:
                reference, solution = reference_in(_text(fields, self._answer), self.options.answer_format)
            except ValueError as error:
                raise ValueError(f"{self._answer}: {error}") from None
        if self._solution not in ("", self._answer) and fields.get(self._solution) is not None:
            solution = _text(fields, self._solution)
        form = self.options.reply_format or DEFAULTS.get(verifier, "answer")
        if "equation" not in payload and (mistake := reference_mistake(verifier, reference)):
            raise ValueError(f"{verifier} cannot read the reference {reference[:80]!r}: {mistake}")
        if reference and read_reply(form, written(form, reference)) != reference:
            raise ValueError(f"the reference {reference[:80]!r} cannot be given in the reply format {form}")
        level = self._level_of(fields)
        return Given(row.place, prompt, reference, level, verifier, form, solution, payload=payload)

    def _code(self, row: Row) -> Given:
        fields = dict(row.fields)
        if self.options.problem_column:
            fields["text"] = fields.get(self._problem)
        if self.options.answer_column:
            fields["code"] = fields.get(self._answer)
        task = read_row(fields)
        level = self._level_of(fields)
        return Given(row.place, task.words, task.solution, level, CODE, self.options.reply_format or "code", task=task)

    def _verifier_of(self, fields: Mapping[str, Any], payload: Mapping[str, str]) -> str:
        name = (fields.get(self._verifier) if self._verifier else None) or payload.get("verifier") or self._default
        if not isinstance(name, str) or name not in NAMES:
            raise ValueError(f"{self._verifier}: got {name!r}, expected a verifier; {nearest(str(name), NAMES)}")
        return name

    def _level_of(self, fields: Mapping[str, Any]) -> int:
        if not self._level:
            return 0
        value = fields.get(self._level)
        names = self.options.level_names
        if names:
            if value not in names:
                raise ValueError(f"{self._level}: got {value!r}, expected one of {', '.join(names)}")
            return names.index(value)
        if type(value) is int:
            return value
        number = value.strip().rpartition(" ")[2] if isinstance(value, str) else ""
        if not (number.isascii() and number.isdigit() and len(number) <= 9):
            raise ValueError(f"{self._level}: got {value!r}, expected a whole number (or see env.options.level_names)")
        return int(number)


def _text(fields: Mapping[str, Any], name: str) -> str:
    """A text, or a number as text, without white space at its ends. Raises ValueError for anything else."""
    value = fields.get(name)
    if type(value) in (int, float):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        got = "nothing" if value is None else "an empty text" if isinstance(value, str) else type(value).__name__
        raise ValueError(f"{name}: got {got}, expected a text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"{name}: it holds half of a surrogate pair") from None
    return value.strip()


def _payload(value: Any) -> dict[str, str]:
    """What a row gives its verifier; a table's empty cells do not count."""
    found = {key: one for key, one in value.items() if one is not None} if isinstance(value, dict) else value
    if found is not None and not (isinstance(found, dict) and all(isinstance(one, str) for one in found.values())):
        raise ValueError("payload: expected an object of texts")
    return found or {}
