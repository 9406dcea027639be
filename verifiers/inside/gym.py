"""What of the library reasoning_gym is used, and how: which families, at which levels, with which guards.

Imported by the environment, to draw problems, and by workers, to score answers; the library itself is imported when
`dataset` is first called (it takes seconds). A family's level 1 is what its curriculum begins with, or its default
configuration if it has none; each level sets every knob of the curriculum one step on, as far as that has steps.

Scorers of the library evaluate answers in two ways, which `guard` stops: `eval`, whose results never earn a full score,
finds nothing, and sympy's `parse_expr` is given arithmetic only (numbers, letters, known functions; no dots, quotes,
underscores or brackets).
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

_NO_REFERENCE = "it has no reference answer"
_UNSTABLE = "the same seed gives other problems in another process"
_EXTRA = "a right answer with something beside it has a full score"
_NEAR = "an answer that is near has a full score"
EXCLUDED = {
    "composite": "it is a mixture of the others",
    "boxnet": _NO_REFERENCE,
    "graph_color": _NO_REFERENCE,
    "propositional_logic": _NO_REFERENCE,
    "rubiks_cube": _NO_REFERENCE,
    "rush_hour": _NO_REFERENCE,
    "isomorphic_strings": _UNSTABLE,
    "knight_swap": _UNSTABLE,
    "list_functions": _UNSTABLE,
    "polynomial_multiplication": _UNSTABLE,
    "ransom_note": _UNSTABLE,
    "word_ladder": _UNSTABLE,
    "advanced_geometry": _EXTRA,
    "figlet_font": _EXTRA,
    "fraction_simplification": _EXTRA,
    "game_of_life": _EXTRA,
    "gsm_symbolic": _EXTRA,
    "kakurasu": _EXTRA,
    "knights_knaves": _EXTRA,
    "letter_jumble": _EXTRA,
    "polynomial_equations": _EXTRA,
    "quantum_lock": _EXTRA,
    "sokoban": _EXTRA,
    "survo": _EXTRA,
    "time_intervals": _EXTRA,
    "tower_of_hanoi": _EXTRA,
    "word_sorting": _EXTRA,
    "coin_flip": _NEAR,
    "countdown": _NEAR,
    "decimal_arithmetic": _NEAR,
    "number_format": _NEAR,
    "number_sorting": _NEAR,
    "pool_matrix": _NEAR,
    "power_function": _NEAR,
    "complex_arithmetic": "the answer nan has a full score",
    "game_of_life_halting": "whatever is not True counts as False",
    "puzzle24": "other numbers than those given have a full score",
    "codeio": "its problems come from running programs of a file",
}
"""Families that are not used, each with the reason."""
MAX_LEVELS = {
    "bf": 2,
    "caesar_cipher": 2,
    "circuit_logic": 3,
    "futoshiki": 3,
    "intermediate_integration": 3,
    "jugs": 1,
    "modulo_grid": 1,
    "n_queens": 3,
    "number_sequence": 1,
    "zebra_puzzles": 3,
}
"""The last level that is used, where the next one has no valid configuration, takes seconds to draw, needs more than
100 kB for an entry, or has references that the scorer does not find right."""
TUPLES = {"arc_agi": ("output",), "rearc": ("output",)}
"""Entries of metadata that scorers compare as tuples of tuples, which JSON does not know."""
EVALUATING = ("binary_matrix", "n_queens", "spiral_matrix", "string_insertion")
"""Families whose scorers call `eval` on an answer."""
UNREADABLE = {"prime_factorization": "ValueError"}
"""What scorers raise for a text that is no answer of their kind. The others read any text: tests try hostile ones."""
SLOW_TO_MAKE = ("arc_agi", "group_anagrams")
"""Families whose data sets take a second to make, and can be given another seed afterwards; others are made anew for
every problem, because some keep a generator from one to the next."""

_TOKEN = re.compile(r"\s+|[0-9]+(?:\.[0-9]*)?|\.[0-9]+|\*\*|[-+*/^()]|([A-Za-z]+)")
_NAMES = frozenset(
    ("sin", "cos", "tan", "sec", "csc", "cot", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "log", "ln",
     "sqrt", "Abs", "pi")
)  # fmt: skip
_MAX_EXPRESSION = 1000


def library() -> Any:
    """The library's factory. Raises ModuleNotFoundError that says what to install."""
    try:
        importlib.import_module("reasoning_gym")  # its families register themselves
    except ModuleNotFoundError as error:
        if error.name != "reasoning_gym":
            raise
        raise ModuleNotFoundError(
            "reasoning_gym is not installed: pip install -c constraints.txt -e '.[reasoning-gym]' installs it",
            name=error.name,
        ) from None
    return importlib.import_module("reasoning_gym.factory")


@lru_cache(maxsize=1)
def families() -> dict[str, int]:
    """The families that are used, in order of name, and how many levels each has."""
    factory = library()
    found = {}
    for name in sorted(factory.DATASETS):
        if name not in EXCLUDED:
            attributes = factory.create_curriculum(name).attributes.values() if name in factory.CURRICULA else ()
            levels = max((len(one.levels) for one in attributes), default=1)
            found[name] = min(levels, MAX_LEVELS.get(name, levels))
    return found


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Some families print dots as they go, or leave files to the garbage collector."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield


def made(family: str, level: int, seed: int = 0) -> Any:
    """The family's data set at a level, of one problem: `[0]`."""
    factory = library()
    made_class, config_class = factory.DATASETS[family]
    config = config_class(seed=seed, size=1)
    if family in factory.CURRICULA:
        curriculum = factory.create_curriculum(family)
        curriculum.set_global_level(level - 1)
        config = curriculum.generate_configuration({"seed": seed, "size": 1})
    with _quietly():
        return made_class(config)


@lru_cache(maxsize=512)
def dataset(family: str, level: int) -> Any:
    """The same, kept: for scoring, and to draw from where making it is slow."""
    return made(family, level)


def item(family: str, level: int, seed: int) -> dict[str, Any]:
    """One problem: question, answer and metadata."""
    data = dataset(family, level) if family in SLOW_TO_MAKE else made(family, level, seed)
    data.seed = seed
    with _quietly():
        found: dict[str, Any] = data[0]
    return found


def entry_text(found: dict[str, Any]) -> str:
    """What scoring needs of a problem, as JSON. Raises TypeError or ValueError where JSON cannot say it."""
    return json.dumps({"answer": found["answer"], "metadata": found["metadata"], "question": found["question"]})


def entry_of(family: str, text: str) -> dict[str, Any]:
    """What `entry_text` wrote, with the types that the scorer compares."""
    entry: dict[str, Any] = json.loads(text)
    for key in TUPLES.get(family, ()):
        entry["metadata"][key] = tuple(map(tuple, entry["metadata"][key]))
    return entry


def guard() -> None:
    """Take from the library's scorers what would evaluate an answer. For workers: it changes modules for good."""
    import sympy
    from sympy.parsing import sympy_parser

    factory = library()
    for family in EVALUATING:
        module = importlib.import_module(factory.DATASETS[family][0].__module__)
        module.eval = _refuse  # type: ignore[attr-defined]  # found before the built-in one
    parse = sympy_parser.parse_expr

    def guarded(text: str, *arguments: Any, **options: Any) -> Any:
        if not is_arithmetic(text):
            raise ValueError("not an expression of numbers, letters and known functions")
        return parse(text, *arguments, **options)

    sympy.parse_expr = guarded  # where the families of integrals look it up


def is_arithmetic(text: str) -> bool:
    """Whether a text is nothing but numbers, operators, parentheses, single letters and names of functions."""
    place = 0
    while place < len(text) <= _MAX_EXPRESSION:
        match = _TOKEN.match(text, place)
        if match is None or (match[1] and len(match[1]) > 1 and match[1] not in _NAMES):
            return False
        place = match.end()
    return place == len(text)


def _refuse(text: object) -> Any:
    raise ValueError("answers are not evaluated")
