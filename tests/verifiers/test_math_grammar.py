"""The grammar reads or refuses every text within bounds, and never raises anything but its own errors."""

from __future__ import annotations

import contextlib
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers.inside.math.judging import judge
from verifiers.inside.math.nodes import Node, UnreadableError, UnsupportedError, walk
from verifiers.inside.math.policy import MathPolicy
from verifiers.inside.math.reading import read

POLICY = MathPolicy()
REFERENCES = (
    "42",
    r"\frac{1}{2}",
    "x^2+1",
    "(1,2)",
    r"\{1,2\}",
    "1, 2",
    "x<3",
    "y=2x+1",
    r"5\text{ cm}",
    r"\sqrt2",
    "east",
)
REFERENCES += (
    r"\begin{pmatrix}1\\2\end{pmatrix}",
    r"(-\infty,3)\cup(4,5)",
    "1:2",
    r"90^\circ",
    r"\pm 3",
    "12_8",
    "3+4i",
)
PIECES = r"""1 42 0.5 1e5 1,234 x y n \pi e i + - * / ^ _ ( ) [ ] { } \{ \} \frac{1}{2} \frac \sqrt \sqrt{2} , ; : |
\mid = < \le \ne \in \cup \cap \infty \pm ! % \% ^\circ \text{ cm} \text{or} and or \sin \ln \log_2 \binom{5}{2}
\int \sum_{i=1}^n \begin{pmatrix} & \\ \end{pmatrix} \left( \right) $ \$ ²
√ \mathbb{R} \emptyset east \overline{3} 12_8 '
9^9 9! {,} \! ~ 10^{10^{10}} \lfloor \rfloor \langle \rangle f(x) . .. \ \dots \text{ \angle \triangle""".split()  # noqa: SIM905
SLOWEST_S = 1.5


@given(st.sampled_from(REFERENCES), st.lists(st.sampled_from(PIECES), max_size=30), st.sampled_from(["", " "]))
@settings(max_examples=400, deadline=None)
def test_any_sequence_of_pieces_is_judged(reference: str, pieces: list[str], gap: str) -> None:
    began = time.thread_time()
    judgement = judge(reference, gap.join(pieces)[:2000], POLICY)
    assert time.thread_time() - began < SLOWEST_S
    assert judgement.status in ("correct", "wrong", "malformed", "undecided", "unknown")


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(UnreadableError, UnsupportedError):
        assert isinstance(read(text, POLICY).node, Node)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2000,
        "(" * 900 + "x" + ")" * 900,
        r"\frac{" * 300 + "1" + "}{2}" * 300,
        r"\sqrt{" * 280 + "2" + "}" * 280,
        r"\sqrt" * 400 + "2",
        "-" * 1999 + "1",
        "2" + "^2" * 900,
        "|" * 1999,
        "{" * 1000 + "}" * 1000,
        r"\{" * 900,
        r"\left(" * 300,
        r"\text{" * 300 + "}" * 300,
        "sin" * 600 + "x",
        r"\sin " * 390 + "x",
        "!" * 1999,
        "x!" + "!" * 1900,
        "1" * 2000,
        "1," * 999 + "1",
        "1/" * 999 + "1",
        "x" * 2000,
        "x_" * 999 + "1",
        "1:" * 999 + "1",
        "a=" * 999 + "1",
        r"\begin{pmatrix}" + "1&" * 900,
        r"1\frac12" * 200,
        r"\pm " * 490 + "1",
        "x<" * 990 + "1",
        r"(1,2)\cup" * 200 + "(1,2)",
        r"\log_" * 390 + "2",
        r"\int" * 490,
        "1.5million" * 190,
    ],
)
def test_hostile_shapes_take_no_time(text: str) -> None:
    for reference in ("42", "x^2+1", r"\{1,2\}", text[:2000]):
        began = time.thread_time()
        judge(reference, text[:2000], POLICY)
        assert time.thread_time() - began < SLOWEST_S


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("42", "number"),
        ("x", "symbol"),
        ("2x", "mul"),
        ("x+1", "add"),
        ("x^2", "pow"),
        (r"\frac{x}{2}", "div"),
        ("1, 2", "list"),
        ("1 or 2", "list"),
        (r"\{1, 2\}", "set"),
        ("{1, 2}", "set"),
        ("(1, 2)", "bracketed"),
        ("[1, 2)", "bracketed"),
        ("]1, 2[", "bracketed"),
        (r"\{x | x > 1\}", "builder"),
        (r"(1,2) \cup (3,4)", "setop"),
        (r"\emptyset", "empty"),
        ("no solution", "empty"),
        (r"\mathbb{R}", "reals"),
        ("x = 1", "relation"),
        ("1 < x < 2", "relation"),
        (r"\begin{bmatrix} 1 & 2 \end{bmatrix}", "matrix"),
        (r"5\text{ cm}", "quantity"),
        ("18 dollars", "quantity"),
        (r"\$18", "quantity"),
        (r"90^\circ", "degree"),
        (r"50\%", "percent"),
        ("1:2", "ratio"),
        ("12:30", "time"),
        ("12_8", "based"),
        (r"1\frac{1}{2}", "mixed"),
        ("1 1/2", "mixed"),
        (r"x \pm 1", "plusminus"),
        (r"\int x\,dx", "operator"),
        (r"\frac{d}{dx} x", "mul"),
        (r"\text{east}", "text"),
        ("the answer", "text"),
        (r"\text{(C)}", "symbol"),
        ("(C)", "symbol"),
    ],
)
def test_a_text_is_the_kind_of_object_that_it_looks_like(text: str, kind: str) -> None:
    assert read(text, POLICY).node.kind == kind


@pytest.mark.parametrize(
    "text",
    ["", " ", "4 2", "1 +", "(1", "1)", "x^", r"\frac{1}", "1,,2", "5 = = 5", r"\sqrt", "||", "_2"],
)
def test_what_is_not_well_formed_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        read(text, POLICY)


@pytest.mark.parametrize("text", [r"\foo{1}", r"x \equiv 3 \pmod 5", r"\begin{cases} 1 \\ 2 \end{cases}"])
def test_notation_that_is_not_known_is_told_apart_from_mistakes(text: str) -> None:
    with pytest.raises(UnsupportedError):
        read(text, POLICY)


def test_precedence_is_that_of_mathematics() -> None:
    pairs = [("-x^2", "-(x^2)"), ("2x^2", "2(x^2)"), ("x^y^z", "x^(y^z)"), ("1/2x", "(1/2)x"), ("a-b-c", "(a-b)-c"),
             (r"\sin 2x", r"\sin(2x)"), (r"\sin x \cos x", r"(\sin x)(\cos x)"), (r"\sin^2 x", r"(\sin x)^2"),
             (r"\sqrt2x", r"(\sqrt2)x"), (r"\frac12x", r"\frac{1}{2}x"), ("x!^2", "(x!)^2"),
             (r"e^{2x}", "e^(2x)")]  # fmt: skip
    for one, other in pairs:
        assert judge(one, other, POLICY).status == "correct", one


def test_a_tree_is_never_much_larger_than_its_text() -> None:
    rng = random.Random(7)
    for _ in range(200):
        text = "".join(rng.choice(PIECES) for _ in range(40))
        try:
            assert sum(1 for _ in walk(read(text, POLICY).node)) <= 4 * len(text) + 10
        except (UnreadableError, UnsupportedError):
            continue


@pytest.mark.parametrize(
    "pieces",
    ["€", "\\$", "\\sin^", "\\log**", "\\log_x^", "\\sin^\\binom", "x^\\begin{pmatrix}", "-\\sin^", "2^-", "√"],
)
def test_what_never_comes_to_an_end_is_unreadable(pieces: str) -> None:
    with pytest.raises((UnreadableError, UnsupportedError)):
        read(pieces * (1900 // len(pieces)), MathPolicy())
