"""What a task of `calculus` must offer, and the choices of numbers that tasks share. It judges nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

from envs.mathematics.elementary import Function, atom, plus, term, write
from envs.mathematics.spaces import Space, Work
from selfplay.types import Rejection

COEFFICIENTS = tuple(value for value in range(-9, 10) if value)
SLOPES = tuple(range(1, 10))
"""Of the inner function in sin(3x)."""
POWERS = tuple(range(1, 6))
HIGHEST = 5


class Task(ABC):
    """One kind of problem. Its text is `head`, a body, and a closing parenthesis; a body has no unbalanced ones."""

    head: ClassVar[str]
    example: ClassVar[str]
    check: ClassVar[str]
    """How `sympy_equal` judges answers."""
    pieces: ClassVar[tuple[str, ...]]
    """What bodies and solutions are made of besides digits, letters, +, -, *, /, ^ and parentheses."""

    @abstractmethod
    def spaces(self, level: int) -> Sequence[Space]:
        """The texts of a level, in parts that do not overlap."""

    @abstractmethod
    def read(self, body: str, letter: str) -> tuple[str, int] | Rejection:
        """The canonical body and its level, or why there is none."""

    @abstractmethod
    def work(self, body: str, letter: str) -> Work:
        """The solution of a canonical body; the payload is `calculus`'s."""

    @abstractmethod
    def question(self, body: str, letter: str) -> str:
        """The problem in words."""


def in_box(coefficient: Fraction, power: int) -> bool:
    return abs(coefficient) <= COEFFICIENTS[-1] and -1 <= power <= HIGHEST


def linear(name: str, coefficient: int, power: int, slope: int) -> Function:
    """coefficient * x^power * name(slope * x)"""
    return term(coefficient, power, atom(name, {1: Fraction(slope)}))


def body_of(letter: str, *parts: Function) -> str:
    """A sum and the letter that it is a function of."""
    return f"{write(plus(*parts), letter)},{letter}"
