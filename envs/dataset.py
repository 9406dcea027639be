"""Other people's problems: the rows of a data set on disk, as GSM8K, MATH, MBPP and many others have them.

What a row says, and by which columns, is read by `dataset_rows`; where its reference stands, and how a solver is to
write an answer, by `dataset_answers`. Each row is judged by the verifier that it names, else by the file's: where rows
differ, the environment's verifier is `by_problem`. Bad rows are reported with file and line, counted (`bad_rows`) and
left out: not JSON, something missing or of the wrong type, a problem that came before or is held out, a reference that
its verifier cannot read. A row of code is a problem once its own solution has passed its tests in the sandbox.

Levels are the different values of the level column, in order and numbered from 1 (so they are as the file says, if that
says 1, 2, 3 …); a file without one has level 1 alone. That they are in order of difficulty is the file's word, as is
that references are right (origin DATASET). Held-out rows are those of another file or split, or a share of each level;
`draw` never gives them. Nobody proposes here, and the problem's text is the row's.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from envs.base import PRINTABLE, Executor, GivenProblems, reject
from envs.code.tested_admission import ReadTests, admit
from envs.code.tested_texts import asked, function_of
from envs.given.dataset_answers import REQUESTS, read_reply, reply_with
from envs.given.dataset_rows import MATH, Example, Given, Options, RowReader
from envs.given.rows import BadRow, Row, read_rows, report
from selfplay.errors import ConfigError
from selfplay.seeding import seed_for
from selfplay.types import Draft, Message, Origin, Problem, Prompt, Rejection, problem_id
from verifiers.routed import KEY, RoutedVerifier

__all__ = ["Dataset", "Example", "Options"]

HELD_OUT_SHARE = 0.1
ROW = "row"
"""Of a payload: the id of the row's own problem, which its paraphrases keep."""


class Dataset(GivenProblems):
    """The environment `dataset`."""

    name = "dataset"

    def __init__(self, options: Options, executor: Executor) -> None:
        """Reads the files. Raises ConfigError if one cannot be read or has no good row."""
        if not options.path:
            raise ConfigError(
                "env.options.path: got nothing, expected a .jsonl or .parquet file, or a folder, with a problem a row"
            )
        self.options = options
        self.executor = executor
        self.bad_rows: list[BadRow] = []
        """Rows that are left out, each with its place and why; grounding adds code whose solution fails."""
        self._given: dict[str, Given] = {}
        self._admitted: dict[str, ReadTests | Rejection] = {}
        apart, rows = self._read_files()
        values = sorted({row.level for row in rows})
        self.levels = range(1, len(values) + 1)
        self._ranks = {value: level for level, value in enumerate(values, 1)}
        shown = sorted(rows, key=self._order)[: options.num_few_shot]
        shown_problems = {row.prompt for row in shown}
        self._share_out([row for row in rows if row.prompt not in shown_problems], apart)
        examples = (*options.few_shot, *(Example(self._asked(row), _reply(row)) for row in shown))
        self._turns = tuple(
            turn for one in examples for turn in (Message("user", one.problem), Message("assistant", one.reply))
        )
        self._by_id = {problem_id(self.name, row.prompt): row for row in self._given.values()}
        names = {row.verifier for row in self._given.values()}
        self.verifier = names.pop() if len(names) == 1 else RoutedVerifier.name
        report(self.bad_rows, len(self._given))

    def _read_files(self) -> tuple[list[Given], list[Given]]:
        """Held-out rows of their own file or split, and the others."""
        own, apart = self.options, []
        if own.held_out_path or own.held_out_split:
            apart = self._read(own.held_out_path or own.path, own.held_out_split, "env.options.held_out_path")
        rows = self._read(own.path, own.split, "env.options.path")
        known = {row.level for row in rows}
        for row in [row for row in apart if row.level not in known]:
            apart.remove(row)
            del self._given[row.prompt]
            self.bad_rows.append(BadRow(row.place, f"level {row.level}, which no row of {own.path} has"))
        return apart, rows

    def _read(self, path: str, split: str, key: str) -> list[Given]:
        read = list(read_rows(path, key, split))
        bad: list[BadRow] = [row for row in read if isinstance(row, BadRow)]
        good = [row for row in read if isinstance(row, Row)]
        reader = RowReader(self.options, good, path) if good else None
        found = []
        for row in map(reader.read, good) if reader else ():
            if isinstance(row, Given) and row.prompt in self._given:
                row = BadRow(row.place, f"the same problem as {self._given[row.prompt].place}")
            if isinstance(row, BadRow):
                bad.append(row)
            else:
                self._given[row.prompt] = row
                found.append(row)
        self.bad_rows += bad
        if not found:
            first = f"; {bad[0].place}: {bad[0].reason}" if bad else ""
            raise ConfigError(f"{key}: got {path}, expected at least one good row{first}")
        return found

    def _order(self, row: Given) -> int:
        return seed_for(self.options.seed, "row", row.prompt)

    def _share_out(self, rows: Sequence[Given], apart: Sequence[Given]) -> None:
        """Which rows of each level are drawn, and which are held out; of a level's own, one at least is drawn."""
        self._rows: dict[int, list[Draft]] = {}
        self._held_out: dict[int, list[Draft]] = {}
        share = 0.0 if apart else HELD_OUT_SHARE if self.options.held_out_share is None else self.options.held_out_share
        for value, level in self._ranks.items():
            own, kept = ([row for row in some if row.level == value] for some in (rows, apart))
            if not own:
                raise ConfigError(f"env.options.num_few_shot: got {self.options.num_few_shot}, which leaves no row of "
                                  f"level {level}; expected fewer")  # fmt: skip
            kept = sorted(kept or own, key=self._order)[: len(kept) or min(math.ceil(share * len(own)), len(own) - 1)]
            self._held_out[level] = [Draft(row.prompt, level) for row in kept]
            problems = {row.prompt for row in kept}
            self._rows[level] = [Draft(row.prompt, level) for row in own if row.prompt not in problems]
        self._drawn_held_out = not apart and not share

    def draw(self, level: int, rng: random.Random) -> Draft:
        """A row of the level that is not held out, uniformly."""
        return rng.choice(self._rows[level])

    def num_problems(self, level: int) -> int:
        return len(self._rows[level])

    def held_out(self, level: int) -> Sequence[Draft] | None:
        """The held-out rows of a level, in the order of the option `seed`; None (they are drawn) for a share of 0."""
        return None if self._drawn_held_out else self._held_out[level]

    def read_problem(self, completion: str) -> Draft | Rejection:
        """The row whose problem this text is, or `unknown`."""
        row = self._given.get(completion.strip())
        return reject("unknown", completion) if row is None else Draft(row.prompt, self._ranks[row.level])

    def ground(self, drafts: Sequence[Draft]) -> list[Problem | Rejection]:
        """What the rows say. Solutions of code are run, each once; reasons are those of `tested_admission`."""
        rows = [self._given.get(draft.prompt) for draft in drafts]
        self._admit([row for row in rows if row is not None])
        return [
            reject("unknown", draft.prompt) if row is None else self._problem(draft, row)
            for draft, row in zip(drafts, rows, strict=True)
        ]

    def _admit(self, rows: Sequence[Given]) -> None:
        """Run the solutions of code that has not been admitted or refused before."""
        new = list({row.prompt: row for row in rows if row.task and row.prompt not in self._admitted}.values())
        if not new:
            return
        found = admit(self.executor, [row.task for row in new if row.task], 0, 1, refuse_trivial=False)
        bad = []
        for row, outcome in zip(new, found, strict=True):
            if not isinstance(outcome, Rejection) or outcome.reason != "fault":  # a fault of ours may not happen again
                self._admitted[row.prompt] = outcome
            if isinstance(outcome, Rejection):
                bad.append(BadRow(row.place, f"{outcome.reason}: {outcome.detail}"))
        self.bad_rows += bad
        report(bad, len(new) - len(bad))

    def _problem(self, draft: Draft, row: Given) -> Problem | Rejection:
        outcome = self._admitted.get(row.prompt, Rejection("fault")) if row.task else None
        if isinstance(outcome, Rejection):
            return outcome
        payload = {**row.payload, KEY: row.verifier, "place": row.place, ROW: problem_id(self.name, row.prompt)}
        if row.verifier == MATH:
            payload["extraction"] = "whole"  # `read_answer` has found the answer already
        if row.task:
            payload |= row.task.payload(row.task.tests)
        return Problem(self.name, row.prompt, row.reference, Origin.DATASET, draft.level, draft.parents, payload)

    def solver_prompt(self, problem: Problem, rng: random.Random, filler: int) -> Prompt:
        """System message, examples, then the problem with a request for its reply format, whatever `filler` is."""
        system = (Message("system", self.options.system),) if self.options.system else ()
        return Prompt((*system, *self._turns, Message("user", self._asked(self._row(problem)))))

    def _asked(self, row: Given) -> str:
        request = REQUESTS[row.reply_format] if self.options.request is None else self.options.request
        if row.task and self.options.request is None:
            return asked(row.prompt, function_of(row.task), row.task.parted(self.options.num_shown_tests)[0])
        return f"{row.prompt}\n\n{request}" if request else row.prompt

    def solver_reply(self, problem: Problem) -> str:
        """The row's worked solution, if it has one, ending with the reference in the reply format."""
        return _reply(self._row(problem))

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        """The answer where the reply format says."""
        return read_reply(self._row(problem).reply_format, completion)

    def _row(self, problem: Problem) -> Given:
        """The row of a problem; of one in other words, its parent's with those words."""
        if problem.prompt in self._given:
            return self._given[problem.prompt]
        return replace(self._by_id[problem.payload[ROW]], prompt=problem.prompt)

    def prose(self, problem: Problem) -> str:
        """All of it."""
        return problem.prompt

    def reword(self, problem: Problem, text: str) -> Problem | Rejection:
        """The row in other words; `known_row` if another row says just that."""
        if text in self._given:
            return reject("known_row", text)
        return replace(problem, prompt=text, parents=(problem.id,))

    def vocabulary(self) -> list[str]:
        """ASCII, and what other characters the rows have."""
        pieces = super().vocabulary()
        found = {character for row in self._given.values() for character in self._asked(row) + _reply(row)}
        return [*pieces, *sorted(found - set(PRINTABLE))]


def _reply(row: Given) -> str:
    return reply_with(row.reply_format, row.solution, row.reference)
