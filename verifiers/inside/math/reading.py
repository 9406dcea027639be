"""From an answer's text to the object that it names, under a policy.

Raises EmptyError for an empty text, UnreadableError for a text outside the grammar, UnsupportedError for notation that
the grammar does not know. Never evaluates anything.
"""

from __future__ import annotations

import re
from functools import lru_cache

from verifiers.inside.math.lexer import CONNECTIVES, FUNCTIONS, GREEK
from verifiers.inside.math.nodes import Node, UnknownError, UnreadableError, UnsupportedError
from verifiers.inside.math.parser import parse
from verifiers.inside.math.policy import MathPolicy
from verifiers.inside.math.text import MAX_CHARACTERS, plain, squeezed

_PHRASES = {
    "no solution": "empty", "no solutions": "empty", "no real solution": "empty", "no real solutions": "empty",
    "none": "empty", "empty set": "empty", "the empty set": "empty", "no solution exists": "empty",
    "all real numbers": "reals", "all reals": "reals", "any real number": "reals", "real numbers": "reals",
}  # fmt: skip
_EXCEPT = re.compile(r"[Aa]ll real(?:s| numbers) (?:except|but)(?: for)? (.+)")
_UNDEFINED = {"undefined", "dne", "does not exist", "not defined", "nan", "indeterminate"}
_TIME = re.compile(
    r"([0-9]{1,2})\s*:\s*([0-5][0-9])(?::([0-5][0-9]))?\s*(?:\\text\{)?\s*([ap])?\.?\s*(?:m\.?)?\s*\}?", re.IGNORECASE
)
_BASED = re.compile(
    r"(-?)\s*(?:\\(?:text|mathrm)\{)?([0-9A-Z]+)\}?\s*_\s*\{?\s*(?:\\text\{)?([0-9]{1,2}|two|three|four|five|six|seven|eight|nine|ten|twelve|sixteen)\}?\s*\}?"
)
_BASE_NAMES = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
    "sixteen": 16,
}  # fmt: skip
_CHOICE = re.compile(r"\(?([A-HJ-Z])[).:]")
_MIXED = re.compile(r"(-?)\s*([0-9]+)\s+([0-9]+)\s*/\s*([0-9]+)(?![0-9])")
_LETTERS_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9\s'\".,()!?:&-]*")
_WORD = re.compile(r"[A-Za-z]+")
_SHORT_WORDS = {"no", "up", "yes", "on", "off", "it", "we", "he", "us", "so", "go", "at", "by", "to", "of", "is", "as"}
_ALGEBRA = set("abcxyz")
_TEXT_COMMAND = re.compile(r"\\(?:text|textbf|textit|textrm|mbox|mathrm|mathbf)\s*\{([^{}\\]*)\}")
_DERIVATIVE = re.compile(r"(?<![A-Za-z])d\s*/\s*d\s*[a-z](?![a-z])")


class EmptyError(UnreadableError):
    """There is nothing to read."""


class Answer:
    """A text and the object that it names. `spelling` is its one plain spelling."""

    __slots__ = ("node", "spelling")

    def __init__(self, node: Node, spelling: str) -> None:
        self.node = node
        self.spelling = spelling


def spelling_of(text: str) -> str:
    """The plain spelling; raises UnreadableError if it is too long, EmptyError if nothing is left."""
    if len(text) > MAX_CHARACTERS:
        raise UnreadableError(f"longer than {MAX_CHARACTERS} characters")
    spelling = squeezed(plain(text))
    if not spelling:
        raise EmptyError("it is empty")
    if len(spelling) > MAX_CHARACTERS:
        raise UnreadableError(f"longer than {MAX_CHARACTERS} characters")
    return spelling


@lru_cache(maxsize=8192)
def read_reference(text: str, policy: MathPolicy) -> Answer:
    """`read`, remembered: the answers of one problem share their reference."""
    return read(text, policy)


def read(text: str, policy: MathPolicy) -> Answer:
    """The object that a text names. Raises UnreadableError, UnsupportedError or UnknownError, and nothing else."""
    try:
        spelling = spelling_of(text)
        return Answer(with_policy(_named(spelling), policy), spelling)
    except RecursionError:  # the grammar counts its levels, but not along every path
        raise UnreadableError("nested too deeply") from None


def _named(spelling: str) -> Node:
    words = _TEXT_COMMAND.sub(lambda match: f" {match.group(1)} ", spelling)
    phrase = " ".join(words.lower().split()).rstrip(".!")
    if phrase in _PHRASES:
        return Node(_PHRASES[phrase])
    if match := _EXCEPT.fullmatch(words.strip()):
        left_out = parse(match.group(1))
        items = left_out.args if left_out.kind == "list" else (left_out,)
        return Node("setop", (Node("reals"), Node("set", items)), "minus")
    if phrase in _UNDEFINED:
        return Node("text", (), "undefined")
    if match := _TIME.fullmatch(spelling):
        hours, minutes, seconds, half = match.groups()
        clock = (int(hours), int(minutes), int(seconds or 0), (half or "").lower())
        return Node(
            "time", (Node("ratio", tuple(_integer(part) for part in (hours, minutes, seconds) if part)),), clock
        )
    if (match := _BASED.fullmatch(spelling)) and (not match.group(2).isalpha() or len(match.group(2)) > 1):
        sign, digits, base = match.groups()
        node = Node("based", (), (digits.lstrip("0") or "0", _BASE_NAMES.get(base) or int(base)))
        return Node("neg", (node,)) if sign else node
    if match := _CHOICE.fullmatch(words.strip()):
        return Node("symbol", (), match.group(1))
    if is_words(words):
        return Node("text", (), " ".join(words.split()))
    if _DERIVATIVE.search(spelling):
        raise UnsupportedError("a derivative")
    return parse(_MIXED.sub(r"\1\2\\frac{\3}{\4}", spelling))


def _integer(text: str) -> Node:
    return parse(text)


def is_words(text: str) -> bool:
    """Whether it is language rather than mathematics: letters only, and at least one word that is no notation."""
    if not _LETTERS_TEXT.fullmatch(text.strip()):
        return False
    found = _WORD.findall(text)
    if any(character.isdigit() for character in text) and len(found[0]) < 3:
        return False
    return any(_is_word(word, alone=len(found) == 1) for word in found) and not any(
        word in FUNCTIONS and len(word) < 5 for word in found
    )


def _is_word(word: str, *, alone: bool) -> bool:
    if word.lower() in CONNECTIVES or word in FUNCTIONS or word in GREEK or word.lower() in ("pi", "infinity", "inf"):
        return False
    if len(word) <= 2:
        return alone and (word.lower() in _SHORT_WORDS or (len(word) == 2 and word.isupper()))
    if word.islower() and set(word) <= _ALGEBRA:
        return False
    return not re.fullmatch(r"[a-z]{0,2}(?:sin|cos|tan|log|ln|sqrt|exp|pi)[a-z]{0,2}", word)


def with_policy(node: Node, policy: MathPolicy) -> Node:
    """The tree with what the policy says to drop dropped: percent signs, units, degrees."""
    args = tuple(with_policy(one, policy) for one in node.args)
    node = node._replace(args=args) if args != node.args else node
    if node.kind == "percent" and policy.percent == "number":
        return args[0]
    if node.kind == "quantity" and policy.units == "ignore":
        return args[0]
    if node.kind == "degree" and policy.degrees == "ignore":
        return args[0]
    if node.kind == "grouped":
        return args[0]
    return node


def expanded(items: tuple[Node, ...]) -> tuple[Node, ...]:
    """List items with every plus-minus written out as two; several in one item are not decided."""
    result: list[Node] = []
    for item in items:
        signs = sum(1 for _ in _plusminus(item))
        if signs == 0:
            result.append(item)
        elif signs == 1:
            result += [_choose(item, 1), _choose(item, -1)]
        else:
            raise UnknownError("several plus-minus signs in one expression")
    return tuple(result)


def _plusminus(node: Node) -> list[Node]:
    from_here = [node] if node.kind == "plusminus" else []
    return from_here + [one for child in node.args for one in _plusminus(child)]


def has_plusminus(node: Node) -> bool:
    return bool(_plusminus(node))


def _choose(node: Node, sign: int) -> Node:
    args = tuple(_choose(one, sign) for one in node.args)
    if node.kind != "plusminus":
        return node._replace(args=args)
    first, second = args
    if (node.value == "mp") == (sign > 0):
        second = Node("neg", (second,))
    return second if first.kind == "none" else Node("add", (first, second))
