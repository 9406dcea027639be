"""Each problem to the verifier that its payload names under `verifier`: for files whose rows say who judges them.

A verifier is made when the first problem names it, gets the limits of this one, and is asked once a batch; verdicts
come back in order. A problem that names none, or none that exists, is FAULT with the reason: whoever makes problems
checks the names (`envs.dataset` does when it reads a file). It decides nothing itself, so what it says is verified or
judged as what the named verifier says.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence

from selfplay.types import Problem, Status, Verdict
from verifiers.base import ClosingVerifier

KEY = "verifier"
"""Of the payload."""


class RoutedVerifier(ClosingVerifier):
    """See the module. `make` gives a verifier by name, `names` are those that a problem may name."""

    name = "by_problem"

    def __init__(self, make: Callable[[str], ClosingVerifier], names: Collection[str]) -> None:
        self._make = make
        self._names = names
        self._made: dict[str, ClosingVerifier] = {}

    def judge_of(self, problem: Problem) -> str:
        """What the named verifier says; "" where there is none."""
        return "" if self._refusal(problem) else self._verifier(problem.payload[KEY]).judge_of(problem)

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """One verdict for each (problem, answer text), in order. Raises what making or asking a verifier raises."""
        verdicts: dict[int, Verdict] = {}
        places: dict[str, list[int]] = {}
        for place, (problem, _) in enumerate(answers):
            if refusal := self._refusal(problem):
                verdicts[place] = Verdict(Status.FAULT, None, refusal)
            else:
                places.setdefault(problem.payload[KEY], []).append(place)
        for name, own in places.items():
            found = self._verifier(name).verify([answers[place] for place in own])
            verdicts |= zip(own, found, strict=True)
        return [verdicts[place] for place in range(len(answers))]

    def close(self) -> None:
        """Close all verifiers that were made, the others too if one fails. It makes new ones when used again."""
        error: BaseException | None = None
        while self._made:
            try:
                self._made.popitem()[1].close()
            except Exception as caught:  # whatever it is: it is raised when the others are closed
                error = caught
        if error is not None:
            raise error

    def _verifier(self, name: str) -> ClosingVerifier:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _refusal(self, problem: Problem) -> str:
        """Why nobody can be asked; "" if somebody can."""
        name = problem.payload.get(KEY)
        if name is None:
            return f"payload: `{KEY}` is missing, expected one of {', '.join(self._names)}"
        if name in self._names:
            return ""
        near = difflib.get_close_matches(name, self._names, n=1, cutoff=0.0)
        return f"payload: no verifier is called {name[:80]!r}; did you mean {near[0]!r}?"
