"""Ten thousand random, cut and hostile texts against every reader of every environment: never an exception, never long.

A text is read as a problem and as an answer. What is measured is the processor time of the thread; a reading over the
limit is repeated, so that only a text that is slow by itself fails.
"""

from __future__ import annotations

import gc
import random
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_environments import good

from envs.base import final_answer
from selfplay.protocols import Environment, Verifier
from selfplay.seeding import rng_for
from selfplay.types import Draft, Problem, Rejection

T = TypeVar("T")
LIMIT_S = 0.01
NUM_TEXTS = 10_000
NUM_VARIANT_TEXTS = 600
NUM_GROUNDED = 24
LONG = 1_000_000

PIECES = ["\n", "\n\n", "```python\n", "```", "Answer: ", "answer:", "\\boxed{", "}", "<think>", "</think>", "<solve>"]
FIXED = [
    "",
    "\0",
    "\ud800",
    "\udfff\ud800",
    "\u202e\u200b\ufeff",
    "\uff13+\u0663=\xb2",
    "None",
    "nan",
    "1e999999999",
    "0x" + "f" * 1000,
    "-" * 1000 + "1",
    "__import__('os').system('true')",
    "```python\nimport os\nos.abort()\n```",
    "```\n" * 1000,
    "Answer: " * 1000,
    "Answer:" + " " * 10_000,
]
FILLINGS = [
    *(" ", "\n", "\t\n ", "9", "(", "[", "{", "((", ")(", "-", "x", "x=", "1;", "Answer: ", "```\n", "\\boxed{", "**9"),
    *("\\frac{", "\u0660", "\ud800", "def f(x):\n ", "lambda:", "'", '"""', "#", "\\", "if 1:\n", "1,", "a.b", "%s"),
]


def timed(read: Callable[[str], T], text: str) -> tuple[T, float]:
    began = time.thread_time()
    outcome = read(text)
    return outcome, time.thread_time() - began


def replies(env: Environment, problems: list[Problem]) -> list[str]:
    """What is written well, in both roles."""
    texts = [env.solver_reply(problem) for problem in problems] + [problem.prompt for problem in problems]
    if "proposer" in env.roles:
        texts += [env.proposer_reply(problem)[1] for problem in problems]
    return texts


def hostile(env: Environment, problems: list[Problem]) -> Iterator[str]:
    """Long, deep and odd texts, bare and in the place of each kind of piece of a good one."""
    yield from FIXED
    for filling in FILLINGS:
        yield filling * (LONG // len(filling))
    for reply in replies(env, problems[:: max(1, len(problems) // 3)]):
        yield " " * LONG + reply
        yield reply + "\n" * LONG + reply
        yield reply * (LONG // len(reply) + 1)
        yield "\n".join([reply] * 1000)
        yield re.sub("[0-9]+", "9" * 100_000, reply, count=1)
        yield re.sub("[0-9]", "0" * 5000, reply, count=50)
        yield re.sub("[a-z]+", "a" * 100_000, reply, count=1)
        yield reply.translate({ord(digit): 0x0660 + int(digit) for digit in "0123456789"})
        for deep in ("(", "[", "{", "-", "~", "not ", "lambda:", "**", "1+", "f(", "x if x else "):
            place = max(1, len(reply) // 2)
            yield reply[:place] + deep * 20_000 + reply[place:]


def damaged(texts: list[str], pieces: list[str], rng: random.Random) -> str:
    """A good text cut, mixed with another, or with a piece put in, taken out, replaced or doubled."""
    text, other = rng.choice(texts), rng.choice(texts)
    place, end = sorted(rng.randrange(len(text) + 1) for _ in range(2))
    return (
        lambda: text[:place],
        lambda: text[place:],
        lambda: text[:place] + other[rng.randrange(len(other)) :],
        lambda: text[:place] + rng.choice(pieces) + text[place:],
        lambda: text[:place] + text[end:],
        lambda: text[:end] + text[place:],
        lambda: text[:place] + chr(rng.choice((0x80, 0x3000, 0xE000, 0x110000)) - 1 - rng.randrange(0x80)) + text[end:],
        lambda: re.sub("[0-9]", lambda found: str(rng.randrange(10)), text),
    )[rng.randrange(8)]()


def noise(pieces: list[str], rng: random.Random) -> str:
    """Pieces of the vocabulary, or characters of any kind, in no order."""
    if rng.random() < 0.6:
        return "".join(rng.choices(pieces, k=rng.randrange(40)))
    return "".join(map(chr, rng.choices(range(0x110000 if rng.random() < 0.5 else 0x80), k=rng.randrange(60))))


def texts_for(env: Environment, problems: list[Problem], count: int, *, with_hostile: bool = True) -> Iterator[str]:
    rng = rng_for(0, "texts", env.name)
    good_texts, pieces = replies(env, problems), [*env.vocabulary(), *PIECES]
    made = 0
    for text in hostile(env, problems) if with_hostile else ():
        made += 1
        yield text
    for index in range(count - made):
        yield noise(pieces, rng) if index % 3 == 0 else damaged(good_texts, pieces, rng)


def read_all(env: Environment, problems: list[Problem], texts: Iterator[str]) -> tuple[int, list[Draft]]:
    """How many texts were read as both, and the drafts among them; checks every outcome and its time."""
    count, drafts = 0, []
    gc.collect()
    gc.disable()
    try:
        for text in texts:
            count += 1
            for read in (env.read_problem, partial(env.read_answer, problems[count % len(problems)])):
                outcome, seconds = timed(read, text)
                if seconds > LIMIT_S:
                    seconds = min(timed(read, text)[1] for _ in range(2))
                assert seconds <= LIMIT_S, f"{seconds:.4f} s for {len(text)} characters: {text[:80]!r}"
                if isinstance(outcome, Draft):
                    drafts.append(outcome)
                    assert outcome.level in env.levels
                elif isinstance(outcome, Rejection):
                    assert re.fullmatch("[a-z_]+", outcome.reason)
                    assert len(outcome.detail) <= 300
                else:
                    assert outcome is None or (isinstance(outcome, str) and outcome)
    finally:
        gc.enable()
    return count, drafts


def test_ten_thousand_texts_are_problems_and_answers_or_none_in_no_time(
    env: Environment, verifier: Verifier, problems: list[Problem]
) -> None:
    count, drafts = read_all(env, problems, texts_for(env, problems, NUM_TEXTS))
    assert count >= NUM_TEXTS
    if "proposer" not in env.roles:
        return
    assert 0 < len(drafts) < count / 2
    distinct = list({draft.prompt: draft for draft in drafts}.values())
    grounded = env.ground(distinct[:: max(1, len(distinct) // NUM_GROUNDED)])
    assert all(isinstance(one, Problem | Rejection) for one in grounded)
    found = [one for one in grounded if isinstance(one, Problem)]
    assert found
    assert all(good(verdict) for verdict in verifier.verify([(one, one.reference) for one in found]))


def test_every_choice_of_options_reads_as_safely(variants: list[Environment]) -> None:
    for env in variants:
        rng = rng_for(0, "reading")
        grounded = env.ground([env.draw(level, rng) for level in env.levels[:3] for _ in range(2)])
        some = [one for one in grounded if isinstance(one, Problem)]
        assert some
        in_words = getattr(getattr(env, "options", None), "style", "") == "instruct"
        read_all(env, some, texts_for(env, some, NUM_VARIANT_TEXTS, with_hostile=in_words))


@given(text=st.text(max_size=80), place=st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_any_text_is_a_problem_or_not_and_has_an_answer_or_none(
    env: Environment, problems: list[Problem], text: str, place: float
) -> None:
    problem = problems[min(int(place * len(problems)), len(problems) - 1)]
    assert isinstance(env.read_problem(text), Draft | Rejection)
    for reply in (text, env.solver_reply(problem) + text, text + env.solver_reply(problem), f"Answer: {text}"):
        answer = env.read_answer(problem, reply)
        assert answer is None or answer


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Answer: 4", "4"),
        ("First 3.\nAnswer: 3\nNo:\n  ANSWER :  5 \nthat is it", "5"),
        ("the Answer: 4", None),
        ("Answer:\n4", None),
        ("", None),
        ("x" * LONG + "\nAnswer: 3", "3"),
        ("Answer: 3\n" + "x\n" * LONG, None),
        ("Answer: " + "3" * LONG, None),
    ],
)
def test_a_final_answer_is_on_the_last_line_that_says_so_near_the_end(reply: str, answer: str | None) -> None:
    assert final_answer(reply) == answer


@pytest.mark.parametrize("text", ["Answer:\n" * 125_000, "\n" * LONG, "\n \t" * 333_333, "answer " * 140_000])
def test_a_final_answer_is_found_in_no_time(text: str) -> None:
    assert min(timed(final_answer, text)[1] for _ in range(3)) < LIMIT_S


@pytest.mark.parametrize("seconds", [LIMIT_S / 2, LIMIT_S * 2])
def test_a_reader_that_takes_too_long_is_found(seconds: float) -> None:
    def read(text: str) -> None:
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            pass

    assert (timed(read, "")[1] > LIMIT_S) == (seconds > LIMIT_S)
