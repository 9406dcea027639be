"""The language of the generated instructions of `open_ended`: `Write a letter about a cold lake. Mention bread. …`

An instruction is a form, a topic, and constraints of different kinds in a fixed order; its level is their number. Any
forms, topics and constraints go together, and every kind has equally many arguments, so drawing kinds and arguments
uniformly draws instructions uniformly. `rubric` says what a scripted judge can look for (`verifiers.judge_rubric`): not
the form, the tone or the audience, which need a reader. `sample_reply` writes a reply that meets every check and would
please nobody: a floor to start from, not an example to learn style by.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

FORMS = (
    "a letter", "a diary entry", "a speech", "a postcard", "a product review", "a news report", "a bedtime story",
    "an apology", "a toast", "an advertisement", "a short scene", "a set of directions",
)  # fmt: skip
TOPICS = (
    "a lighthouse", "an old bicycle", "a borrowed umbrella", "the night train", "a stubborn donkey", "a lost glove",
    "the village clock", "a broken promise", "an empty theatre", "a small bakery", "the last bus", "a paper map",
    "a cold lake", "a wooden bridge", "the school library", "a quiet street", "an orange kite", "a crowded market",
    "the north wind", "a forgotten password", "a shy robot", "a long queue", "the kitchen table", "a grand piano",
)  # fmt: skip
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "at_most": ("Use at most {} words.", ("60", "70", "80", "90", "100", "120")),
    "at_least": ("Use at least {} words.", ("20", "25", "30", "35", "40", "45")),
    "sentences": ("Write exactly {} sentences.", ("2", "3", "4", "5", "6", "7")),
    "mention": ("Mention the word {}.", ("river", "winter", "bread", "music", "letter", "garden")),
    "number": ("Include the number {}.", ("3", "7", "12", "40", "100", "365")),
    "phrase": ("Use the words {}.", (
        "at first light", "in the end", "by and large", "once more", "all the same", "out of nowhere")),
    "avoid": ("Do not use the word {}.", ("very", "really", "just", "thing", "nice", "always")),
    "no_mark": ("Use no {}.", ("commas", "semicolons", "question marks", "exclamation marks", "brackets", "dashes")),
    "begin": ("Begin with the word {}.", ("Today", "Once", "Nobody", "Perhaps", "Somewhere", "Imagine")),
    "end": ("End with the word {}.", ("tomorrow", "home", "again", "silence", "light", "together")),
    "tone": ("Keep the tone {}.", ("warm", "dry", "hopeful", "solemn", "playful", "plain")),
    "audience": ("Write it for {}.", (
        "a child of eight", "a new neighbour", "an expert", "a tired commuter", "a sceptic", "a friend far away")),
}  # fmt: skip
"""Constraints by kind, in the order in which an instruction has them: the sentence, and its arguments."""
MAX_LEVEL = len(KINDS)
UNCHECKED = ("tone", "audience")
"""Kinds that no scripted check is about."""

_NUM_ARGUMENTS = 6
_HEAD = re.compile(r"Write ([a-z ]+?) about ([a-z ]+)\.")
_PLACES = {text.format(one): (kind, one) for kind, (text, arguments) in KINDS.items() for one in arguments}
_MAX_CHARACTERS = 1000
_LEAST_WORDS = 12
_PADDING = ["and", "we", "walk", "on"]
assert {len(arguments) for _, arguments in KINDS.values()} == {_NUM_ARGUMENTS}


@dataclass(frozen=True, slots=True)
class Instruction:
    """A generated instruction."""

    form: str
    topic: str
    constraints: tuple[tuple[str, str], ...]
    """(kind, argument), in the order of `KINDS`."""

    @property
    def text(self) -> str:
        """Its canonical text."""
        rest = (KINDS[kind][0].format(argument) for kind, argument in self.constraints)
        return " ".join([f"Write {self.form} about {self.topic}.", *rest])


def num_instructions(level: int) -> int:
    """How many different instructions have so many constraints."""
    return len(FORMS) * len(TOPICS) * math.comb(len(KINDS), level) * int(_NUM_ARGUMENTS**level)


def draw(level: int, rng: random.Random) -> Instruction:
    """An instruction with `level` constraints, uniform over all of them."""
    kinds = sorted(rng.sample(range(len(KINDS)), level))
    names = [list(KINDS)[index] for index in kinds]
    return Instruction(
        rng.choice(FORMS), rng.choice(TOPICS), tuple((kind, rng.choice(KINDS[kind][1])) for kind in names)
    )


def redraw(old: Instruction, rng: random.Random, share: float) -> Instruction:
    """Form, topic and arguments redrawn with probability `share` each; the kinds of constraint stay."""

    def other(value: str, values: tuple[str, ...]) -> str:
        return rng.choice(values) if rng.random() < share else value

    constraints = tuple((kind, other(argument, KINDS[kind][1])) for kind, argument in old.constraints)
    return Instruction(other(old.form, FORMS), other(old.topic, TOPICS), constraints)


def parse(text: str) -> Instruction | None:
    """The instruction that a text is, constraints in any order; None for any other text. Never raises."""
    if len(text) > _MAX_CHARACTERS:
        return None
    head, *rest = (f"{part}." for part in text.strip().removesuffix(".").split(". "))
    match = _HEAD.fullmatch(head)
    found = [_PLACES[sentence] for sentence in rest if sentence in _PLACES]
    constraints = tuple(sorted(found, key=lambda one: list(KINDS).index(one[0])))
    if match is None or match[1] not in FORMS or match[2] not in TOPICS or len(found) < len(rest):
        return None
    if not found or len({kind for kind, _ in found}) < len(found):
        return None
    return Instruction(match[1], match[2], constraints)


def rubric(instruction: Instruction) -> str:
    """What a scripted judge looks for, as JSON: the topic, and every constraint that it has a check for."""
    checks = [["mention", instruction.topic.split()[-1]]]
    checks += [[kind, argument] for kind, argument in instruction.constraints if kind not in UNCHECKED]
    return json.dumps(checks)


def sample_reply(instruction: Instruction) -> str:
    """A reply that meets every check of the rubric."""
    wanted = dict(instruction.constraints)
    clauses = [
        [wanted.get("begin", "Here"), "there", "is", *instruction.topic.split()],
        *_middle(wanted),
        ["and", "so", "it", "goes", wanted.get("end", "on")],
    ]
    count = int(wanted.get("sentences", "3"))
    while len(clauses) < count:
        clauses.insert(1, ["we", "wait", "here"])
    while len(clauses) > count:
        clauses[0:2] = [[*clauses[0], "and", *clauses[1]]]
    while sum(map(len, clauses)) < max(_LEAST_WORDS, int(wanted.get("at_least", "0"))):
        clauses[-2] += _PADDING
    return " ".join(f"{' '.join(clause)[0].upper()}{' '.join(clause)[1:]}." for clause in clauses)


def _middle(wanted: dict[str, str]) -> Iterator[list[str]]:
    if "mention" in wanted:
        yield ["the", wanted["mention"], "is", "near"]
    if "number" in wanted:
        yield ["we", "count", "to", wanted["number"]]
    if "phrase" in wanted:
        yield ["it", "comes", "back", *wanted["phrase"].split()]
