"""Triplets in words: a proposal is its task's name and fenced blocks, a program, its inputs, and perhaps a message.

deduction                     The blocks are found by splitting text; nothing here parses Python. Whatever else a
```python                     reply says between them is reasoning. The last program counts, and every input. The
def f(n):                     level is the number of lines in the function's body.
    return n
```                           Prompts follow Absolute Zero (2505.03335, appendix C): the task, the rules, examples
```input                      of which the first is the identity function, in words of our own. They judge nothing.
3
```
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from envs.base import ANSWER_REQUEST, PRINTABLE, ask, final_answer, reject
from envs.code.code_generator import draw_function, num_functions
from selfplay.seeding import rng_for
from selfplay.types import Problem, Prompt, Rejection

Task = Literal["deduction", "abduction", "induction"]
TASKS: tuple[Task, ...] = ("deduction", "abduction", "induction")
FENCE = "```"
MAX_REPLY_CHARACTERS = 20_000
MAX_SOLUTION_CHARACTERS = 100_000
"""Of a proposer's reply, and of a solver's that has a program; longer ones are not read."""
MAX_CHARACTERS = (2000, 300, 300)
"""Of a program, of one input, of a message."""

_BLOCKS = ("python", "input", "message")
_UNWRITABLE = re.compile("[\ud800-\udfff\0]")
_DIGIT = re.compile(r"(?<![A-Za-z_0-9])[1-9](?![A-Za-z_0-9])")
_CONTENT = re.compile(r"[0-9]+|(?<=')[a-z]+(?=')")
_PURPOSE = {
    "deduction": "Somebody will be shown the function and the input, and has to say what it returns.",
    "abduction": "Somebody will be shown the function and what it returns, and has to find an input that gives it.",
    "induction": "Somebody will be shown half of the inputs with what the function returns, and your message, and has "
    "to write a function that is also right on the other half.",
}


@dataclass(frozen=True, slots=True)
class Triplet:
    """A problem before it has been run: the outputs are missing."""

    task: str
    program: str
    inputs: tuple[str, ...]
    """Arguments as they stand in a call, one text a call."""
    message: str = ""
    """Of an induction problem: what its solver is told about the function."""


class Words:
    """The notation of the style `instruct`."""

    keeps_program_text = False
    """The program is shown as the parser writes it: without comments, which could give answers away."""

    num_variants = 8
    """Examples that a proposer may be shown."""
    stop_text = None

    def __init__(self, num_inputs: int, allowed_imports: Sequence[str]) -> None:
        self.num_inputs = num_inputs
        self.allowed_imports = allowed_imports

    def draw(self, task: str, level: int, rng: random.Random) -> Triplet:
        induction = task == "induction"
        program, inputs, kind = draw_function(level, self.num_inputs if induction else 1, rng)
        article = f"a function of a {kind} with {level} line{'s' if level > 1 else ''}"
        return Triplet(task, program, tuple(inputs), article if induction else "")

    def num_problems(self, task: str, level: int) -> int:
        return num_functions(level, self.num_inputs if task == "induction" else 1)

    def level(self, triplet: Triplet) -> int:
        """Lines of the program that are neither imports nor the function's first."""
        lines = [line.strip() for line in triplet.program.split("\n")]
        return max(1, sum(not line.startswith(("def ", "import ", "from ", "#")) for line in lines))

    def write(self, triplet: Triplet) -> str:
        blocks = [("python", triplet.program), *(("input", text) for text in triplet.inputs)]
        blocks += [("message", triplet.message)] if triplet.task == "induction" else []
        return "\n".join([triplet.task, *(f"{FENCE}{name}\n{text}\n{FENCE}" for name, text in blocks)])

    def read(self, text: str) -> Triplet | Rejection:
        """The triplet, or `too_long`, `characters`, `task`, `no_program`, `num_inputs`, `no_message`."""
        if len(text) > MAX_REPLY_CHARACTERS:
            return reject("too_long", text)
        if _UNWRITABLE.search(text):
            return reject("characters", ascii(text[:40]))
        task, _, rest = text.strip().partition("\n")
        if (task := task.strip().lower()) not in TASKS:
            return reject("task", text.strip())
        blocks = [part.partition("\n") for part in rest.split(FENCE)[1::2]]
        found = {name: [body for info, _, body in blocks if info.strip() == name] for name in _BLOCKS}
        if rest.count(FENCE) % 2 or not found["python"]:
            return reject("no_program", rest)
        program = "\n".join(line.rstrip() for line in found["python"][-1].split("\n") if line.strip())
        inputs = [" ".join(body.strip().split("\n")) for body in found["input"]]
        message = " ".join(" ".join(found["message"]).split())
        if len(inputs) != (self.num_inputs if task == "induction" else 1):
            return Rejection("num_inputs", f"{len(inputs)} inputs")
        if not message and task == "induction":
            return reject("no_message", rest)
        sizes = (len(program), max(map(len, inputs)), len(message))
        if any(size > bound for size, bound in zip(sizes, MAX_CHARACTERS, strict=True)):
            return Rejection("too_long", f"program, input and message: {sizes} characters, at most {MAX_CHARACTERS}")
        return Triplet(task, program, tuple(inputs), message if task == "induction" else "")

    def mutate(self, triplet: Triplet, rng: random.Random, share: float) -> Triplet:
        """Redraw single digits of the program, and digits and quoted small letters of inputs: whatever comes of it."""

        def redrawn(match: re.Match[str]) -> str:
            alphabet = string.digits[1:] if match[0].isdigit() else string.ascii_lowercase
            return "".join(rng.choice(alphabet) if rng.random() < share else one for one in match[0])

        program = _DIGIT.sub(
            lambda match: rng.choice("123456789") if rng.random() < share else match[0], triplet.program
        )
        return replace(triplet, program=program, inputs=tuple(_CONTENT.sub(redrawn, text) for text in triplet.inputs))

    def proposal(self, problem: Problem) -> str:
        """The problem's text."""
        return problem.prompt

    def variant(self, problem: Problem) -> int:
        """Which of the proposer's prompts a problem is a reply to."""
        return int(problem.id, 16) % self.num_variants

    def proposer_prompt(self, task: str, variant: int, examples: Sequence[str] = ()) -> Prompt:
        """Shows `examples`, or else two simple ones."""
        rng = rng_for(0, "code_triplet", "example", task, variant)
        shown = examples or [self.write(self.draw(task, level, rng)) for level in (1, 2 + variant // 2)]
        imports = ", ".join(self.allowed_imports) or "nothing"
        text = _PROPOSER.format(
            task=task, purpose=_PURPOSE[task], inputs=self._wanted(task), imports=imports,
            count=_COUNTS.get(len(shown), "some"), examples="\n\n".join(shown), FENCE=FENCE,
        )  # fmt: skip
        return ask(text, prefix=f"{task}\n")

    def related_prompt(self, triplet: Triplet, rng: random.Random) -> Prompt:
        """Asks for a step on the way to the triplet, which is shown after the examples."""
        base = self.proposer_prompt(triplet.task, rng.randrange(self.num_variants))
        return ask(f"{base.messages[0].text}{_RELATED}{self.write(triplet)}\n", prefix=base.prefix)

    def _wanted(self, task: str) -> str:
        if task == "induction":
            return f"{self.num_inputs} different inputs, each in a block ```input, and a hint in a block ```message"
        return "one input in a block ```input"

    def solver_prompt(self, triplet: Triplet, outputs: Sequence[str], rng: random.Random, filler: int) -> Prompt:
        """`filler` says nothing here: what may be inserted in ordinary code depends on the code."""
        program = f"{FENCE}python\n{triplet.program}\n{FENCE}\n\n"
        if triplet.task == "deduction":
            call = f"f({triplet.inputs[0]})"
            return ask(f"{program}What does {call} return? {ANSWER_REQUEST} The answer is a Python literal.")
        if triplet.task == "abduction":
            return ask(
                f"{program}With which arguments does f return {outputs[0]}? Any that do so are right. {ANSWER_REQUEST} "
                "The answer is the arguments as they stand in a call, each a Python literal, such as `Answer: 3, 'a'`."
            )
        pairs = zip(triplet.inputs, outputs, strict=True)
        shown = "\n".join(f"f({given}) == {output}" for given, output in [*pairs][: self.num_inputs // 2])
        return ask(
            f"Write a Python function f of which this holds:\n\n{shown}\n\nIts author says: {triplet.message}\n\nIt "
            "will be tested on other inputs. Think step by step, then write f in a block that begins with "
            f"{FENCE}python and ends with {FENCE}."
        )

    def solver_reply(self, triplet: Triplet, outputs: Sequence[str]) -> str:
        if triplet.task == "induction":
            return f"{FENCE}python\n{triplet.program}\n{FENCE}"
        return f"Answer: {outputs[0] if triplet.task == 'deduction' else triplet.inputs[0]}"

    def read_answer(self, triplet: Triplet, completion: str) -> str | None:
        """The final answer, or the last program in a closed block of a reply that is not too long."""
        if triplet.task != "induction":
            answer = final_answer(completion)
            return (answer.strip("`").strip() or None) if answer else None
        if len(completion) > MAX_SOLUTION_CHARACTERS:
            return None
        blocks = [part.partition("\n") for part in completion.split(FENCE)[1::2]]
        if completion.count(FENCE) % 2:
            blocks.pop()
        programs = [body for info, _, body in blocks if info.strip() in ("python", "py", "") and body.strip()]
        return programs[-1] if programs else None

    def rename(self, triplet: Triplet, outputs: Sequence[Any], reply: str, rng: random.Random) -> None:
        """None: ordinary code is not renamed by text."""

    def compose(self, first: Triplet, second: Triplet) -> Triplet | None:
        """None: what one function returns need not be what another takes."""

    def vocabulary(self, tasks: Sequence[str]) -> list[str]:
        return list(PRINTABLE)


_COUNTS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
_RELATED = """
Somebody could not solve the problem below. Yours should be a step on the way to it: alike, and no harder.

"""
_PROPOSER = """\
Write a problem for somebody to solve: a Python program that is one function called f, and {inputs}.

{purpose} It should make them think, and yet be solvable: neither trivial nor hopeless.

- Write the program in a block {FENCE}python. It may import {imports}. It must be deterministic and quick; it must not
  print, ask, read or write anything, and keep nothing between calls.
- An input is the arguments as they stand in a call, each a Python literal, with commas between. What f returns must be
  a short Python literal too.
- Begin with the line `{task}`. You may reason between the blocks.

Here are {count} of somebody else. Yours should be new.

{examples}
"""
