"""Points at which functions are compared: fixed by a seed, of several sizes, signs and kinds, and around branches.

It evaluates nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import islice

from verifiers.inside.math import exact
from verifiers.inside.math.nodes import Node, TooLargeError, UndefinedError, UnknownError, walk

MAX_TRIES = 160
_SCALES = tuple(
    Fraction(scale)
    for scale in "3 -3 12 -12 1/3 -60 1000 -1/2 1 -1 60 -1000 1/2 -1/3 2 -2 1/5 -1/5 5 -7 25".split()  # noqa: SIM905
)
"""Sizes of the points of one letter in turn: both signs, and far enough that absolute values, whole parts and periods
change somewhere."""
_AROUND = (Fraction(87, 100), Fraction(111, 100), Fraction(337, 100))
_MAX_WRITTEN = 5
_BRANCHING = ("abs", "max", "min", "floor", "ceil", "sqrt", "root", "arcsin", "arccos", "arctan", "Re", "Im")
_WHOLE = (1, 2, 3, -1, 4, -2, 5, 7, 6, -3, 8, 10, 9, -4, 11, 13, 12, -5, 14, 16, 15, -7, 17, 20, 18, -6, 19, 23, 22, 31)


def sample_points(names: list[str], seed: str) -> Iterator[dict[str, Fraction]]:
    """Points of several sizes, signs and kinds (whole ones among them); the same for the same seed."""
    for count in range(MAX_TRIES):
        yield dict(zip(names, _point(tuple(names), seed, count), strict=True))


@lru_cache(maxsize=4096)
def _point(names: tuple[str, ...], seed: str, count: int) -> tuple[Fraction, ...]:
    if count % 4 == 3:
        turn = count // 4
        return tuple(Fraction(_WHOLE[(turn + place * (turn // 2 + 7)) % len(_WHOLE)]) for place in range(len(names)))
    point = []
    turn = count - count // 4
    for place, name in enumerate(names):
        digest = hashlib.blake2b(f"{seed}\0{name}\0{count}".encode("utf-8", "replace"), digest_size=8).digest()
        share = Fraction(1 + int.from_bytes(digest[:6], "big") % 99_989, 99_991)
        point.append(_SCALES[(turn + place * (turn // 3 + 5)) % len(_SCALES)] * (1 + share) / 2)
    return tuple(point)


def _written(node: Node) -> Fraction:
    """The value of a number or of a power of numbers; 0 for what is none."""
    try:
        return exact.rational(node)
    except (UnknownError, UndefinedError, TooLargeError):
        return Fraction(0)


def branch_points(names: list[str], seed: str, *trees: Node) -> list[dict[str, Fraction]]:
    """Points around the numbers that are written (and their quotients and roots), where something may change branch."""
    nodes = [node for tree in trees for node in walk(tree)]
    if not any(node.kind == "call" and node.value in _BRANCHING for node in nodes):
        return []
    written = {abs(_written(node)) for node in nodes if node.kind in ("number", "pow")}
    chosen = sorted(one for one in written if Fraction(1, 10**12) < one < 10**13)[-_MAX_WRITTEN:]
    places = {*chosen, *(one / other for one in chosen for other in chosen)}
    places |= {Fraction(math.isqrt(int(one * 10_000)), 100) for one in chosen if one > 1}
    around = [place * share * sign for place in sorted(places) for share in _AROUND for sign in (1, -1)]
    base = list(islice(sample_points(names, seed), len(around) * len(names)))
    return [
        {**base[(index * len(names) + position) % len(base)], name: around[index]}
        for index in range(len(around))
        for position, name in enumerate(names[:3])
    ]
