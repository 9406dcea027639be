"""Problems with their answer told: what STaR asks where a model failed (rationalisation, 2203.14465, section 3.2).

A reply to a hinted prompt is judged like any other, and learned without the hint. Nothing here generates or judges.
"""

from __future__ import annotations

from dataclasses import replace

from selfplay.types import Message, Prompt

HINT = "\n\nThe answer is {answer}. Show how to get there, and end with that answer."
"""In words, for models that read."""
HINT_PIECE = "<hint>"
"""For models made from scratch: `<hint>{answer}`; a recipe names it as a piece of the vocabulary."""


def with_hint(prompt: Prompt, answer: str, form: str = HINT) -> Prompt:
    """The prompt with `form` after its last message; `{answer}` in it is the answer, which is never read as a form."""
    *before, last = prompt.messages
    return replace(prompt, messages=(*before, Message(last.role, last.text + form.replace("{answer}", answer))))
