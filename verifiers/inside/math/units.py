"""Units of quantities: their dimension and size, from a small table; any other word is a dimension of its own.

Money, lengths, times, masses, volumes, angles and speeds convert; temperatures and currencies of different countries do
not.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from verifiers.inside.math.nodes import UnsupportedError

_TABLE: dict[str, tuple[str, Fraction]] = {}

for _dimension, _names in {
    "length": {
        "mm millimeter millimetre": "1/1000",
        "cm centimeter centimetre": "1/100",
        "dm decimeter": "1/10",
        "m meter metre": "1",
        "km kilometer kilometre": "1000",
        "in inch inches": "0.0254",
        "ft foot feet": "0.3048",
        "yd yard": "0.9144",
        "mi mile": "1609.344",
    },
    "time": {
        "ms millisecond": "1/1000",
        "s sec second": "1",
        "min minute": "60",
        "h hr hour": "3600",
        "day": "86400",
        "week wk": "604800",
    },
    "years": {"month": "1", "year yr": "12", "decade": "120", "century centuries": "1200"},
    "mass": {
        "mg milligram": "1/1000000",
        "g gram": "1/1000",
        "kg kilogram": "1",
        "lb pound": "0.45359237",
        "oz ounce": "0.028349523125",
    },
    "dollar": {"dollar usd buck": "1", "cent penny pennies": "1/100"},
    "euro": {"euro eur": "1"},
    "gbp": {"gbp": "1"},
    "yen": {"yen": "1"},
    "angle": {"degree deg": "1"},
    "radian": {"rad radian": "1"},
    "volume": {"ml milliliter millilitre": "1/1000", "l liter litre": "1", "gallon gal": "3.785411784"},
    "unit": {"unit": "1"},
}.items():
    for _spellings, _size in _names.items():
        for _name in _spellings.split():
            _TABLE[_name] = (_dimension, Fraction(_size))

_COMPOUND = {"mph": "mile / hour", "kmh": "km / hour", "kph": "km / hour", "mps": "m / s"}
_IGNORED = {"old", "of", "the", "a", "in", "each", "total", "about"}
_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}

_NOUNS = {"people", "children", "men", "women", "feet", "mice", "geese", "fish", "sheep", "students", "ways", "dice"}
_NOT_COUNTED = {
    "times", "halves", "thirds", "quarters", "dozens", "scores", "grosses", "pairs", "couples", "ones", "twos", "tens",
    "hundreds", "thousands", "millions", "billions", "trillions", "lakhs", "crores", "percents", "points", "less",
    "minus", "plus", "versus", "yes", "this", "pass", "cross", "cubes", "its", "was", "has", "does", "negatives",
    "inverses", "factorials", "zeros", "infinities", "bits", "degrees",
}  # fmt: skip
_GLUE = {
    "no", "not", "or", "and", "in", "of", "below", "under", "over", "above", "short", "past", "per", "less", "more",
    "fewer", "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twenty", "thirty",
    "forty", "fifty", "hundred", "thousand", "million", "billion", "trillion", "dozen", "score", "gross", "lakh",
    "crore", "half", "third", "quarter", "binary", "octal", "decimal", "hex", "base", "inverse", "double", "doubled",
    "triple", "false", "true", "wrong", "right", "maybe", "about", "almost", "nearly", "without", "minus", "plus",
    "squared", "cubed", "square", "cubic", "root", "negative", "infinity", "infinite", "debt", "missing", "other",
    "non", "off", "out",
}  # fmt: skip
_MAX_NOUN_WORDS = 3

Dimension = tuple[tuple[str, int], ...]


@lru_cache(maxsize=2048)
def read_unit(text: str) -> tuple[Dimension, Fraction]:
    """Dimension and size of a unit such as `square cm`, `m / s ^ 2`, `miles per hour`, `apples`."""
    words: list[str] = []
    for word in text.split():
        words += _COMPOUND.get(word.lower(), word).split()
    powers: dict[str, int] = {}
    size, sign, raised = Fraction(1), 1, 1
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word in ("/", "per"):
            sign = -1
        elif word.lower() in _POWERS:
            raised = _POWERS[word.lower()]
        elif word in ("*", "-") or (word.lower() in _IGNORED and len(words) > 1):
            continue
        else:
            power = raised
            if position < len(words) and words[position] in ("squared", "cubed"):
                power, position = (2 if words[position] == "squared" else 3), position + 1
            elif position + 1 < len(words) and words[position] == "^" and _is_power(words[position + 1]):
                power, position = int(words[position + 1]), position + 2
            if abs(power) > 9:
                raise UnsupportedError("a unit to a high power")
            dimension, factor = _one(word)
            powers[dimension] = powers.get(dimension, 0) + sign * power
            size *= factor ** (sign * power)
            raised = 1
    return tuple(sorted((name, power) for name, power in powers.items() if power)), size


def _is_power(word: str) -> bool:
    return word.removeprefix("-").isdigit()


def _one(word: str) -> tuple[str, Fraction]:
    if word in _TABLE:
        return _TABLE[word]
    lower = word.lower()
    for name in (lower, lower.removesuffix("s")):
        if name in _TABLE and (len(name) > 1 or word == name):
            return _TABLE[name]
    return f"word {lower.removesuffix('s')}", Fraction(1)


def may_be_left_out(text: str) -> bool:
    """Whether words behind a number only say what it counts or measures: a known unit, or a counted noun.

    An unknown word may as well change the number (`42 lakh`, `42 below zero`), so that most are not taken for a unit.
    """
    words = text.split()
    if len(words) == 2 and words[1] == "old" and words[0].removesuffix("s") in ("year", "month", "week", "day"):
        return True
    if words[0] == "degree" and words[1:] in (["C"], ["F"], ["Celsius"], ["Fahrenheit"]):
        return True
    if all(_is_known(word) for word in words):
        return any(_in_table(word) for word in words)
    if len(words) > _MAX_NOUN_WORDS or any(not word.isalpha() or not word.islower() or len(word) < 3 for word in words):
        return False
    if any(
        word in _GLUE or word in _NOT_COUNTED or word.endswith(("ths", "ly", "illion", "illions")) for word in words
    ):
        return False
    return words[-1] in _NOUNS or (words[-1].endswith("s") and not words[-1].endswith(("ss", "us", "is")))


def _is_known(word: str) -> bool:
    if word in ("/", "^", "*", "per", "squared", "cubed") or word.lower() in _POWERS or _is_power(word):
        return True
    return word.lower() in _COMPOUND or _in_table(word)


def _in_table(word: str) -> bool:
    lower = word.lower()
    if len(word) == 1:
        return word in ("m", "s", "g", "h", "L", "l")
    return lower in _COMPOUND or word in _TABLE or lower in _TABLE or lower.removesuffix("s") in _TABLE
