"""Where a reference stands in a row of a data set, and how a solver is to write an answer so that it can be found.

References are cut by one named rule: the whole text, what follows the last MARKER on its line (`after:####`, GSM8K), or
the last \\boxed{} (MATH); `auto` is the second or third where a text has such a mark, else the first. Answers are asked
for, read and written in one of a few forms; what one writes, it reads back, or it cannot be used for that answer. All
of it takes time linear in the text, and nothing is evaluated.
"""

from __future__ import annotations

from typing import Literal

from envs.base import ANSWER_REQUEST, final_answer
from envs.code.tested_texts import FENCE, program_in
from verifiers.inside.math.extraction import extract, last_boxed

ReplyFormat = Literal["answer", "boxed", "hashes", "last_line", "whole", "code"]
"""`answer`: a last line `Answer: 4`; `boxed`: the last \\boxed{4}; `hashes`: a last line `#### 4`; `last_line`: its
text; `whole`: the reply is the answer; `code`: a fenced block."""
AFTER = "after:"
ANSWER_FORMATS = ("auto", "whole", "boxed", "after:MARKER")
REQUESTS: dict[ReplyFormat, str] = {
    "answer": ANSWER_REQUEST,
    "boxed": "Think step by step, then write your final answer within \\boxed{}.",
    "hashes": "Think step by step, then write your answer on a last line that begins with `####`.",
    "last_line": "Think step by step, then write your answer alone on the last line.",
    "whole": "",
    "code": "",  # `tested_texts.asked` says it all
}
"""What is added to a problem to ask for each form."""
DEFAULTS: dict[str, ReplyFormat] = {"math_answer": "boxed", "python_exec": "code", "judge": "whole"}
"""By verifier; `answer` for the others."""
BOX_CHARACTERS = 20_000
"""Of a reply, how much at its end may hold the box."""

_RULES: dict[ReplyFormat, str] = {"hashes": "after:####", "last_line": "last_line", "whole": "whole"}


def is_answer_format(text: str) -> bool:
    """Whether `reference_in` knows the rule."""
    return text in ANSWER_FORMATS[:3] or (text.startswith(AFTER) and bool(text.removeprefix(AFTER).strip()))


def reference_in(text: str, rule: str) -> tuple[str, str]:
    """The reference in a row's text, and the worked solution before it ("" if there is none). Raises ValueError."""
    if rule == "auto":
        rule = "after:####" if "####" in text else "boxed" if last_boxed(text) is not None else "whole"
    found = extract(text, rule)
    if found is None:
        wanted = {"whole": "a text", "boxed": "\\boxed{…}"}.get(rule, f"an answer after {rule.removeprefix(AFTER)}")
        raise ValueError(f"expected {wanted}, found none")
    if rule == "whole":
        return found, ""
    return found, (text if rule == "boxed" else text.rpartition(rule.removeprefix(AFTER))[0]).strip()


def read_reply(form: ReplyFormat, completion: str) -> str | None:
    """The answer in a reply, or None."""
    if form == "answer":
        return final_answer(completion)
    if form == "code":
        return program_in(completion)
    if form == "boxed":
        return extract(completion[-BOX_CHARACTERS:], "boxed")
    return extract(completion, _RULES[form])


def written(form: ReplyFormat, answer: str) -> str:
    """The end of a reply with this answer."""
    return {
        "answer": f"Answer: {answer}",
        "boxed": f"\\boxed{{{answer}}}",
        "hashes": f"#### {answer}",
        "code": f"{FENCE}python\n{answer}\n{FENCE}",
    }.get(form, answer)


def reply_with(form: ReplyFormat, solution: str, answer: str) -> str:
    """A worked solution that ends with the answer as it should be written; "" for none. What already does so stays."""
    if form == "whole" or not solution:
        return written(form, answer)
    return solution if read_reply(form, solution) == answer else f"{solution}\n{written(form, answer)}"
