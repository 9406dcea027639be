"""How much is fuzzed, and the strategies that several properties share: values, and texts near to valid ones."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

SCALE = float(os.environ.get("FUZZ_SCALE", "1"))
"""How many times the usual number of examples."""


def examples(number: int) -> settings:
    """`number` examples, times FUZZ_SCALE. The usual run repeats itself; a longer one draws anew."""
    return settings(
        max_examples=max(1, int(number * SCALE)),
        deadline=None,
        derandomize=SCALE == 1,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """CPU time of this thread, because the machine may be busy; collecting what other examples left does not count."""
    collects = gc.isenabled()
    gc.disable()
    began = time.thread_time()
    try:
        yield
    finally:
        took = time.thread_time() - began
        if collects:
            gc.enable()
    assert took <= seconds, f"it took {took:.3f} s of CPU time, more than {seconds:g} s"


texts = st.text(st.characters(blacklist_categories=()), max_size=20)
"""Also lone surrogates."""
numbers = st.integers() | st.tuples(st.integers(), st.integers(0, 9_000)).map(lambda parts: parts[0] << parts[1])
scalars = st.none() | st.booleans() | numbers | st.floats() | texts | st.binary(max_size=20) | st.complex_numbers()
hashable = st.recursive(scalars, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=4), max_leaves=6)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.dictionaries(hashable, inner, max_size=4)
        | st.sets(hashable, max_size=4)
        | st.frozensets(hashable, max_size=4)
    )


values = st.recursive(scalars, _containers, max_leaves=20)
"""Everything that the codec carries."""


_NOTATION = r"""
    \frac \dfrac \sqrt \boxed{ \boxed { } [ ] ( ) \left \right \{ \} | \| ^ _ & \\ , ; : . ... = < > \le \ne \in
    \cup \cap \pm \times \cdot \div / * + - ! % $ \$ ' \pi \infty i e x y n d/dx \sin \log_ \ln \arctan \binom
    \sum \int \lim \prod \text{ \mathrm{ \operatorname{ \begin{pmatrix} \end{pmatrix} \begin{cases} \overline{
    \emptyset \lor \mid or and cm km/h 12:00 1,234 1{,}234 0.333 1e400 1e-7 10^{10^{10}} 9!!! 2^ 0 1 42 007
    99999999999999999999 no solution \quad \! \, x= #### \circ \% _{12} mod
"""
_SIGNS = (
    0xBD,
    0xB0,
    0xB2,
    0xB3,
    0x221A,
    0x3C0,
    0x221E,
    0x2264,
    0xD7,
    0xF7,
    0x2212,
    0xB7,
    0xFF18,
    0x663,
    0x200B,
    0x202E,
)
PIECES = [*_NOTATION.split(), *map(chr, _SIGNS)]
"""What mathematics is written with, and what is easily mistaken for it."""


_ASSERTIONS = """
    assert f ( 1 ) == 3 [ ] { } , : not is in < <= and or math . isclose abs - 0.1 candidate check(f) sum set 'a' None
    lambda x: for if else import while True: pass return * ** 2 float("inf") x = y ; # eval open ("a") assert f(1)==3
"""
TEST_PIECES = [*_ASSERTIONS.split(), "def check(candidate):\n    ", '"""', "\\"]
"""What assert-style tests are written with."""


def mutated(valid: st.SearchStrategy[str], alphabet: str) -> st.SearchStrategy[str]:
    """Valid texts with a few pieces removed, doubled, moved or replaced."""

    @st.composite
    def draw_one(draw: Callable[..., Any]) -> str:
        text: str = draw(valid)
        for _ in range(draw(st.integers(1, 4))):
            begin = draw(st.integers(0, max(0, len(text))))
            end = min(len(text), begin + draw(st.integers(0, 8)))
            piece = draw(st.sampled_from(["", text[begin:end] * 2, text[:end]]) | st.text(alphabet, max_size=4))
            text = text[:begin] + piece + text[end:]
        return text[:5_000]

    return draw_one()
