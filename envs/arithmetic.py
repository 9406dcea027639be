"""Addition and multiplication of two whole numbers of n digits each, n being the level.

A problem is `417+806` or `417*806`: two operands of equally many digits, of which the first is not 0. The canonical
text is the same in every format, most significant digit first; a format says how it is shown and answered:

- `plain`: the answer as it is read aloud, `1223`.
- `reversed`: operands and answer with their least significant digit first, as in the reverse addition of Lee et al.
  (arXiv 2502.01612): `714+608=` is answered `3221`, so that every carry is known when it is needed.
- `scratchpad`: the work and then, apart from it, the answer (Nye et al., arXiv 2112.00114). Addition goes column by
  column, `7+6+0=13;1+0+1=02;4+8+0=12;1223`: digits, carry, and the new carry with the new digit. Multiplication goes
  by partial products and their running sum, `41*6=246;41*8=328;246+3280=3526;3526`.
- `reversed_scratchpad`: both, in which Lee et al. write multiplication.

A level has the work of the level below and one more digit in it, so levels order by difficulty by construction. The
reference is computed with Python's integers (origin GENERATED) and compared as text (`exact`): a leading zero too many
is wrong. Only the answer is judged: work with mistakes in it and a right final answer is right.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from envs.base import ANSWER_REQUEST, Style, TextEnvironment, ask, final_answer, reject
from selfplay.errors import FieldError
from selfplay.types import Draft, Origin, Problem, Prompt, Rejection

MAX_DIGITS = {"add": 100, "multiply": 20}
"""The longest operands; products of longer ones have scratchpads of thousands of characters."""
SYMBOLS = {"add": "+", "multiply": "*"}
WORDS = {"add": "sum", "multiply": "product"}

_EXPRESSION = re.compile(r"([0-9]+)([+*])([0-9]+)")
_ADDED = re.compile(r"(?:[0-9]\+[0-9]\+[01]=[01][0-9];)*(?:\n?Answer: )?[0-9]+")
_COLUMN = re.compile(r"([0-9])\+([0-9])(?=\+[01]=)")
_NUMBER = re.compile(r"[$*`\s]*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)[$*`.\s]*")
_MAX_CHARACTERS = 400
"""Of an expression or an answer; neither has more than 201."""

_REVERSED = " All numbers are written with their least significant digit first; write yours so too."
_COLUMN_WORK = (
    " Work column by column from the least significant digits: write the two digits, the carry, and after an equals "
    "sign the new carry and the new digit, as in `7+6+0=13;`."
)
_PRODUCT_WORK = (
    " Multiply the first number by each digit of the second, the least significant first, and add every partial "
    "product to the running sum, as in `41*6=246;41*8=328;246+3280=3526;`."
)


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about `arithmetic`."""

    operation: Literal["add", "multiply"] = "add"
    """What is done with the two numbers."""
    format: Literal["plain", "reversed", "scratchpad", "reversed_scratchpad"] = "plain"
    """How numbers are written (most or, reversed, least significant digit first), and whether work comes before."""
    max_level: Annotated[int, Field(ge=1)] = 20
    """The most digits that an operand has: at most 100 for `add`, 20 for `multiply`."""
    style: Style = "terse"
    """`terse` prompts are bare expressions, for models made from scratch; `instruct` explains the task in words."""

    def __post_init__(self) -> None:
        if self.max_level > MAX_DIGITS[self.operation]:
            expected = f"at most {MAX_DIGITS[self.operation]} for {self.operation}"
            raise FieldError("max_level", f"got {self.max_level}, expected {expected}")


class Arithmetic(TextEnvironment):
    """The environment `arithmetic`."""

    name = "arithmetic"
    verifier = "exact"

    def __init__(self, options: Options) -> None:
        self.options = options
        self.levels = range(1, options.max_level + 1)
        self._symbol = SYMBOLS[options.operation]
        self._shows_work = options.format.endswith("scratchpad")
        self._reverses = options.format.startswith("reversed")

    def draw(self, level: int, rng: random.Random) -> Draft:
        """Two numbers of `level` digits, uniform over all of them."""
        first, second = (rng.randrange(10 ** (level - 1), 10**level) for _ in range(2))
        return Draft(f"{first}{self._symbol}{second}", level)

    def num_problems(self, level: int) -> int:
        return int((9 * 10 ** (level - 1)) ** 2)

    def ground(self, drafts: Sequence[Draft]) -> list[Problem | Rejection]:
        """The reference is the sum or the product, written as the format has it."""
        return [self._ground_one(draft) for draft in drafts]

    def _ground_one(self, draft: Draft) -> Problem | Rejection:
        read = self.read_problem(draft.prompt)
        if isinstance(read, Rejection):
            return read
        first, second = self._operands(read.prompt)
        result = first + second if self.options.operation == "add" else first * second
        return Problem(self.name, read.prompt, self._written(result), Origin.GENERATED, read.level, draft.parents)

    def proposer_prompt(self, rng: random.Random) -> Prompt:
        """Asks for an expression whose first digit is drawn uniformly, so that no digit is forgotten."""
        return self._proposer_prompt(rng.choice("123456789"))

    def _proposer_prompt(self, digit: str) -> Prompt:
        if self.options.style == "terse":
            return ask("<propose>", digit)
        word, example = WORDS[self.options.operation], f"417{self._symbol}806"
        return ask(
            f"Write one {word} for somebody to compute, on one line and without spaces: two whole numbers of equally "
            f"many digits, at most {self.options.max_level}, with {self._symbol} between them, most significant digit "
            f"first, without leading zeros and without the result. For example: {example}",
            digit,
        )

    def proposer_reply(self, problem: Problem) -> tuple[Prompt, str]:
        return self._proposer_prompt(problem.prompt[0]), problem.prompt

    def stop_text(self) -> str:
        """The operator: it ends the first operand, and the second must have as many digits."""
        return self._symbol

    def read_problem(self, completion: str) -> Draft | Rejection:
        """A draft, or `grammar`, `leading_zero`, `lengths` (operands of different length) or `too_long`."""
        text = completion.strip()
        match = _EXPRESSION.fullmatch(text) if len(text) <= _MAX_CHARACTERS else None
        if match is None or match[2] != self._symbol:
            return reject("grammar", text)
        first, second = match[1], match[3]
        if "0" in (first[0], second[0]):
            return reject("leading_zero", text)
        if len(first) != len(second):
            return Rejection("lengths", f"{len(first)} and {len(second)} digits, expected equally many")
        if len(first) > self.options.max_level:
            return Rejection("too_long", f"{len(first)} digits, at most {self.options.max_level}")
        return Draft(text, len(first))

    def mutate(self, draft: Draft, rng: random.Random, share: float) -> Draft:
        """Redraw each digit with probability `share`; operator and level stay."""
        digits = [
            character
            if character == self._symbol or rng.random() >= share
            else rng.choice("123456789" if place in (0, draft.level + 1) else "0123456789")
            for place, character in enumerate(draft.prompt)
        ]
        return replace(draft, prompt="".join(digits))

    def solver_prompt(self, problem: Problem, rng: random.Random, filler: int) -> Prompt:
        """The expression and an equals sign, whatever `filler` is: nothing harmless can be inserted."""
        shown = self._symbol.join(map(self._written, self._operands(problem.prompt)))
        if self.options.style == "terse":
            return ask(f"<solve>{shown}=")
        work = (_COLUMN_WORK if self.options.operation == "add" else _PRODUCT_WORK) if self._shows_work else ""
        order = _REVERSED if self._reverses else ""
        return ask(f"Compute this {WORDS[self.options.operation]}.{order}{work} {ANSWER_REQUEST}\n\n{shown}")

    def solver_reply(self, problem: Problem) -> str:
        """The work, if the format shows any, and the answer: after the last semicolon, or on a line `Answer:`."""
        work = self._work(*self._operands(problem.prompt)) if self._shows_work else ""
        if self.options.style == "terse":
            return f"{work}{problem.reference}"
        return f"{work}\nAnswer: {problem.reference}".lstrip()

    def augment(self, problem: Problem, reply: str, rng: random.Random) -> tuple[Problem, str]:
        """Swap the operands, in the problem and in the columns of an addition's work.

        Partial products are not those of the swapped problem: such work, and a reply in free words, stays as it is.
        """
        if not _ADDED.fullmatch(reply):
            return problem, reply
        first, _, second = problem.prompt.partition(self._symbol)
        swapped = replace(problem, prompt=f"{second}{self._symbol}{first}", parents=(problem.id,))
        return swapped, _COLUMN.sub(r"\2+\1", reply)

    def read_answer(self, problem: Problem, completion: str) -> str | None:
        """The digits after the last semicolon (terse), or of the last line `Answer:`, after its last equals sign.

        Marks around a number in words (`$`, `*`, a full stop, commas between thousands) do not count.
        """
        if self.options.style == "terse":
            said = completion.rpartition(";")[2].strip()
            return said if said.isdecimal() and said.isascii() and len(said) <= _MAX_CHARACTERS else None
        said = (final_answer(completion) or "").rpartition("=")[2]
        match = _NUMBER.fullmatch(said) if len(said) <= _MAX_CHARACTERS else None
        return match[1].replace(",", "") if match else None

    def vocabulary(self) -> list[str]:
        if self.options.style == "instruct":
            return super().vocabulary()
        work = ["+", ";"] if self._shows_work else []
        return ["<solve>", "<propose>", *dict.fromkeys([*"0123456789", self._symbol, "=", *work])]

    def _operands(self, prompt: str) -> tuple[int, int]:
        first, _, second = prompt.partition(self._symbol)
        return int(first), int(second)

    def _written(self, number: int) -> str:
        return str(number)[::-1] if self._reverses else str(number)

    def _work(self, first: int, second: int) -> str:
        """The steps of the scratchpad, each with a semicolon after it."""
        steps: list[str] = []
        if self.options.operation == "add":
            carry = 0
            for a, b in zip(map(int, reversed(str(first))), map(int, reversed(str(second))), strict=True):
                total = a + b + carry
                steps.append(f"{a}+{b}+{carry}={total:02d};")
                carry = total // 10
            return "".join(steps)
        running = 0
        for place, digit in enumerate(map(int, reversed(str(second)))):
            partial = first * digit
            steps.append(f"{self._written(first)}*{digit}={self._written(partial)};")
            shifted, before = partial * 10**place, running
            running += shifted
            if place:
                steps.append(f"{self._written(before)}+{self._written(shifted)}={self._written(running)};")
        return "".join(steps)
