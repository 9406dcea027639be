"""A game of one turn each, and turns made by hand: what the tests of games need."""

from __future__ import annotations

import random
from dataclasses import dataclass

from selfplay.types import Ending, Match, Message, Prompt, Reading, Transcript, Turn


@dataclass(frozen=True)
class State:
    number: int
    calls: tuple[str, ...] = ()


class HigherNumber:
    """The first seat names a number from 1 to 3, then the second; the higher wins 1. `pass` is never legal."""

    name = "higher_number"
    seats: tuple[str, ...] = ("first", "second")

    def __init__(self, num_calls: int = 2) -> None:
        self.num_calls = num_calls

    def reset(self, rng: random.Random) -> State:
        return State(rng.randrange(100))

    def to_move(self, state: State) -> int | None:
        return len(state.calls) % 2 if len(state.calls) < self.num_calls else None

    def legal(self, state: State) -> list[str]:
        return ["1", "2", "3"] if self.to_move(state) is not None else []

    def observation(self, state: State, seat: int) -> Prompt:
        return Prompt((Message("user", f"{self.seats[seat]} turn {len(state.calls)}:"),))

    def read_move(self, state: State, completion: str) -> str | None:
        return completion if completion in ("1", "2", "3", "pass") else None

    def step(self, state: State, move: str) -> State:
        if move not in self.legal(state):
            raise ValueError(f"illegal: {move}")
        return State(state.number, (*state.calls, move))

    def returns(self, state: State) -> tuple[float, ...]:
        first, second = state.calls[-2:]
        return (0.0, 0.0) if first == second else (1.0, -1.0) if first > second else (-1.0, 1.0)

    def vocabulary(self) -> list[str]:
        return ["1", "2", "3", "pass"]


def turn(
    seat: int,
    text: str = "1",
    *,
    logprob: float = -0.5,
    situation: str = "s",
    reading: Reading = Reading.LEGAL,
    observation: str = "?",
    num_legal: int = 2,
) -> Turn:
    """A turn that a policy wrote: two prompt tokens and one sampled token for each character."""
    ids = (1, 2, *map(ord, text))
    written = Transcript(
        ("first", "second")[seat],
        (Message("user", observation), Message("assistant", text)),
        ids,
        (False, False) + (True,) * len(text),
        (logprob,) * len(text),
        0,
        0,
        True,
    )
    played = text if reading is Reading.LEGAL else None
    return Turn(seat, situation, written, reading, text, played, num_legal)


def match(
    turns: tuple[Turn, ...],
    returns: tuple[float, float] = (1.0, -1.0),
    players: tuple[str, str] = ("self", "self"),
    ending: Ending = Ending.FINISHED,
) -> Match:
    return Match("made", players, turns, ending, returns, 7)
