"""Instructions with no program to check them: what a reply is worth, only a judge can say (`verifiers.judge`).

Levels count the constraints of a generated instruction (`words.instructions`): a reply that meets them all meets any
fewer, so levels order by difficulty by construction, as far as meeting constraints goes. Those of a file, and those
that a model writes freely, have no such measure; their level is how many sentences come after the first, which is a
guess (a row of a file may say better).

Where an instruction comes from is kept: GENERATED (with a sample reply as reference and a rubric for a scripted judge),
DATASET (a row's `answer` as reference, if it has one), CLAIMED (a model wrote it: no reference). In terse style a
proposer writes the generator's own language; in instruct style it is shown examples and may write anything, held to
hygiene, length and novelty in the manner of Self-Instruct (arXiv 2212.10560). Novel is what has a ROUGE-L below
`max_overlap` with every instruction of the file and every free one before it in the same batch; repeats of earlier
rounds are the gate's to refuse, near repeats of them are admitted.

Nothing here is ever verified: the verdicts on all these problems carry who judged, whatever the options.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from envs.base import Style, TextEnvironment, ask, reject
from envs.given.rows import BadRow, Row, read_rows, report
from envs.words import instructions
from envs.words.free_text import overlapping, unfit, words
from selfplay.errors import ConfigError
from selfplay.seeding import rng_for
from selfplay.types import Draft, Origin, Problem, Prompt, Rejection

TEXT_COLUMNS = ("instruction", "prompt", "problem")
"""Of a file: the first of these that a row has is its instruction."""

_SENTENCE = re.compile(r"[.!?](?:\s+|$)")
_NOT_TEXT = re.compile(
    r"\b(?:images?|pictures?|photos?|videos?|audio|graphs?|charts?|diagrams?|plot|draw|maps?|files?|links?|websites?|"
    r"attached|above|following)\b",
    re.IGNORECASE,
)  # what a reply in words alone cannot give, or what is not there
_THOUGHT_END = "</think>"
_INSTRUCT_PROPOSER = (
    "Write one new instruction for a writing task, on one line: something that can be answered in a few sentences, "
    "without looking anything up, and that differs from these examples in what it asks for.\n"
)


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about `open_ended`."""

    style: Style = "terse"
    """`terse` proposals are in the generator's language, for models made from scratch; `instruct` ones are free."""
    max_level: Annotated[int, Field(ge=1, le=instructions.MAX_LEVEL)] = 8
    """The most constraints that an instruction has."""
    path: str = ""
    """A .jsonl or .parquet file of instructions (`instruction`, `answer`, `level`); empty: generated ones only."""
    file_share: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    """With a file: how often a drawn problem is one of its rows, at levels that have some."""
    num_examples: Annotated[int, Field(ge=1, le=20)] = 4
    """Instruct style: instructions that a proposer is shown."""
    max_overlap: Annotated[float, Field(gt=0.0, le=1.0)] = 0.7
    """A free instruction that overlaps with another by this much (ROUGE-L) is refused as `not_novel`."""


class OpenEnded(TextEnvironment):
    """The environment `open_ended`."""

    name = "open_ended"
    verifier = "judge"

    def __init__(self, options: Options) -> None:
        """Reads the file, if there is one; rows that cannot be used are reported with their place and left out."""
        self.options = options
        self.levels = range(1, options.max_level + 1)
        self.bad_rows: list[BadRow] = []
        self._answers: dict[str, str] = {}
        self._rows: dict[int, list[Draft]] = {}
        for draft, answer in self._read_file() if options.path else ():
            self._rows.setdefault(draft.level, []).append(draft)
            self._answers[draft.prompt] = answer
        self._known = [words(prompt) for prompt in self._answers]

    def _read_file(self) -> Iterable[tuple[Draft, str]]:
        found: dict[str, tuple[Draft, str]] = {}
        for row in read_rows(self.options.path):
            read = row if isinstance(row, BadRow) else self._read_row(row)
            if isinstance(read, BadRow):
                self.bad_rows.append(read)
            else:
                found.setdefault(read[0].prompt, read)
        report(self.bad_rows, len(found))
        if not found:
            raise ConfigError(
                f"env.options.path: {self.options.path} has no usable row, expected {' or '.join(TEXT_COLUMNS)} with "
                f"a text{''.join(f'; {row.place}: {row.reason}' for row in self.bad_rows[:1])}"
            )
        return found.values()

    def _read_row(self, row: Row) -> tuple[Draft, str] | BadRow:
        text = next((row.fields[name] for name in TEXT_COLUMNS if row.fields.get(name) is not None), None)
        answer, level = row.fields.get("answer"), row.fields.get("level")
        if not isinstance(text, str) or not text.strip():
            return BadRow(row.place, f"no text under {' or '.join(TEXT_COLUMNS)}")
        if not isinstance(answer, str | None):
            return BadRow(row.place, f"answer is {type(answer).__name__}, expected text")
        prompt = " ".join(text.split())
        if level is None:
            level = self._guess_level(prompt)
        if type(level) is not int or level not in self.levels:
            return BadRow(row.place, f"level is {level!r}, expected {self.levels[0]} to {self.levels[-1]}")
        return Draft(prompt, level), answer or ""

    def _guess_level(self, text: str) -> int:
        return min(self.levels[-1], max(1, len(_SENTENCE.findall(text)) - 1))

    def draw(self, level: int, rng: random.Random) -> Draft:
        """A generated instruction with `level` constraints or, by `file_share`, a row; uniform within each kind."""
        rows = self._rows.get(level, [])
        if rows and rng.random() < self.options.file_share:
            return rng.choice(rows)
        return Draft(instructions.draw(level, rng).text, level)

    def num_problems(self, level: int) -> int:
        rows = self._rows.get(level, [])
        generated = not rows or self.options.file_share < 1.0
        return len(rows) + generated * instructions.num_instructions(level)

    def ground(self, drafts: Sequence[Draft]) -> list[Problem | Rejection]:
        """The problem with what is known of it; a free instruction is held to novelty here (`not_novel`)."""
        earlier: list[Sequence[str]] = list(self._known)
        return [self._ground(draft, earlier) for draft in drafts]

    def _ground(self, draft: Draft, earlier: list[Sequence[str]]) -> Problem | Rejection:
        origin, reference, payload = Origin.CLAIMED, "", {}
        if draft.prompt in self._answers:
            origin, reference = Origin.DATASET, self._answers[draft.prompt]
        elif (instruction := instructions.parse(draft.prompt)) is not None:
            origin, reference = Origin.GENERATED, instructions.sample_reply(instruction)
            payload = {"rubric": instructions.rubric(instruction)}
        else:
            found = words(draft.prompt)
            if near := overlapping(found, earlier, self.options.max_overlap):
                return reject("not_novel", " ".join(near))
            earlier.append(found)
        return Problem(self.name, draft.prompt, reference, origin, draft.level, draft.parents, payload)

    def proposer_prompt(self, rng: random.Random) -> Prompt:
        """Terse: a form, drawn uniformly so that none is forgotten. Instruct: examples."""
        if self.options.style == "terse":
            return ask("<propose>", prefix=f"Write {rng.choice(instructions.FORMS)} about ")
        levels = [rng.choice(self.levels) for _ in range(self.options.num_examples)]
        shown = "".join(f"- {self.draw(level, rng).prompt}\n" for level in levels)
        return ask(f"{_INSTRUCT_PROPOSER}{shown}")

    def proposer_reply(self, problem: Problem) -> tuple[Prompt, str]:
        instruction = instructions.parse(problem.prompt)
        if self.options.style == "terse" and instruction is not None:
            return ask("<propose>", prefix=f"Write {instruction.form} about "), problem.prompt
        if self.options.style == "terse":
            return ask("<propose>"), problem.prompt
        return self.proposer_prompt(rng_for(0, "open_ended examples", problem.id)), problem.prompt

    def read_problem(self, completion: str) -> Draft | Rejection:
        """A draft, or `grammar` (terse), `too_long`, or what `free_text.unfit` says of a free one."""
        text = _reply(completion).removeprefix("- ").strip()
        if text in self._answers:
            return next(row for rows in self._rows.values() for row in rows if row.prompt == text)
        instruction = instructions.parse(text)
        if instruction is not None:
            level = len(instruction.constraints)
            if level > self.options.max_level:
                return reject("too_long", f"{level} constraints, at most {self.options.max_level}")
            return Draft(instruction.text, level)
        if self.options.style == "terse":
            return reject("grammar", text)
        reason = unfit(text)
        return reject(reason, text) if reason else Draft(" ".join(text.split()), self._guess_level(text))

    def mutate(self, draft: Draft, rng: random.Random, share: float) -> Draft:
        """A generated instruction with about `share` of its words redrawn; any other as it is."""
        instruction = instructions.parse(draft.prompt)
        if instruction is None:
            return draft
        return replace(draft, prompt=instructions.redraw(instruction, rng, share).text)

    def solver_prompt(self, problem: Problem, rng: random.Random, filler: int) -> Prompt:
        """The instruction, whatever `filler` is: no insertion is harmless where constraints are part of the text."""
        if self.options.style == "terse":
            return ask(f"<solve>{problem.prompt}")
        return ask(f"{problem.prompt}\n\nReply with the text alone.")

    def solver_reply(self, problem: Problem) -> str:
        return problem.reference

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        """The reply, without what comes before the last `</think>`; None if nothing is left."""
        return _reply(completion) or None


def _reply(completion: str) -> str:
    return completion.rpartition(_THOUGHT_END)[2].strip()
