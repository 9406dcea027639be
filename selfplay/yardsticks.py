"""How strong a policy is at a game: exactly, by what could be won against it, or by matches with fixed opponents.

`ExactYardstick` asks the policy about every information set of a small game, so that nothing is sampled; the solver
(best responses, averages) is handed in, because it lives with the games. `MatchYardstick` plays. Neither trains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from selfplay.play import Opponent, Player, Rules, play
from selfplay.protocols import Game, Policy, ScoringPolicy
from selfplay.seeding import seed_for
from selfplay.types import Ending, Match, Sampling

YARDSTICK_SEED = 20_250_102
"""Names the matches of every measurement: the same chance for each policy of each run."""
Strategy = dict[str, dict[str, float]]
"""Information set → move → probability."""


class Yardstick(Protocol):
    """Measures policies of one game."""

    def strategy(self, policy: ScoringPolicy) -> Strategy:
        """What the policy does everywhere, to be kept with its round; {} where nobody needs it."""
        ...

    def measure(self, policy: ScoringPolicy, past: Sequence[Strategy]) -> tuple[dict[str, float], int]:
        """Named measures of the policy, whose past is `past` (the last is its own), and tokens that it took."""
        ...


@dataclass(frozen=True, slots=True)
class ExactYardstick:
    """Exploitability of the policy as it is (`exploitability`) and of the average of its past (`…_average`).

    A reply that is no legal move of the information set counts as a legal move at random, as under the rule `random`;
    `other_replies` is the largest share of such replies anywhere. The average counts the strategy of round t, from 1,
    t^`power` times: a later one more (power 2: discounted averaging, Brown and Sandholm 1809.04040).
    """

    game: Game[Any]
    sets: Mapping[str, Any]
    """Every information set by its text: `seat`, `moves` and a `state` of it."""
    exploitability: Callable[[Any, Strategy], float]
    average: Callable[[Any, Sequence[tuple[float, Strategy]]], Strategy]
    power: float = 2.0

    def strategy(self, policy: ScoringPolicy) -> Strategy:
        return self._ask(policy)[0]

    def _ask(self, policy: ScoringPolicy) -> tuple[Strategy, float]:
        """The strategy, and the largest share of replies that are no legal move."""
        asked = [(text, one, move) for text, one in self.sets.items() for move in one.moves]
        prompts = [self.game.observation(one.state, one.seat) for _, one, _ in asked]
        replies = [(prompt, prompt.prefix + move) for prompt, (_, _, move) in zip(prompts, asked, strict=True)]
        written = policy.references("seat", replies)  # the role is a label: observations name the seat
        found: Strategy = {text: {} for text in self.sets}
        for (text, _, move), logprob in zip(asked, policy.log_probabilities(written), strict=True):
            found[text][move] = math.exp(logprob)
        others = {text: max(0.0, 1.0 - sum(moves.values())) for text, moves in found.items()}
        for text, moves in found.items():
            total = sum(moves.values()) + others[text]
            for move in moves:
                moves[move] = (moves[move] + others[text] / len(moves)) / total
        return found, max(others.values())

    def measure(self, policy: ScoringPolicy, past: Sequence[Strategy]) -> tuple[dict[str, float], int]:
        strategy, others = self._ask(policy)
        measured = {"exploitability": self.exploitability(self.game, strategy), "other_replies": others}
        if past:
            weighted = [(float(number) ** self.power, one) for number, one in enumerate(past, 1)]
            measured["exploitability_average"] = self.exploitability(self.game, self.average(self.game, weighted))
        return measured, 0


@dataclass(frozen=True, slots=True)
class MatchYardstick:
    """Share of matches not lost, and mean return, against each fixed opponent: greedy, as many from each seat.

    A bad move loses the match. `not_lost_NAME` is over all seats, `not_lost_NAME_SEAT` of one.
    """

    game: Game[Any]
    opponents: Mapping[str, Opponent]
    num_matches: int = 200
    """Matches from each seat against each opponent."""
    max_new_tokens: int = 64
    max_turns: int = 100

    def strategy(self, policy: ScoringPolicy) -> Strategy:
        return {}

    def measure(self, policy: ScoringPolicy, past: Sequence[Strategy]) -> tuple[dict[str, float], int]:
        measured, tokens = {}, 0
        for name, opponent in self.opponents.items():
            by_seat = [self._matches(policy, name, opponent, seat) for seat in range(len(self.game.seats))]
            for seat, matches in enumerate(by_seat):
                measured[f"not_lost_{name}_{self.game.seats[seat]}"] = not_lost(matches, seat)
            shares = [not_lost(matches, seat) for seat, matches in enumerate(by_seat)]
            measured[f"not_lost_{name}"] = sum(shares) / len(shares)
            every = [(match, seat) for seat, matches in enumerate(by_seat) for match in matches]
            measured[f"return_{name}"] = sum(match.returns[seat] for match, seat in every) / len(every)
            measured[f"bad_{name}"] = sum(match.ending is Ending.FORFEITED for match, _ in every) / len(every)
            written = [turn.transcript for match, _ in every for turn in match.turns if turn.transcript is not None]
            tokens += sum(len(transcript.token_ids) for transcript in written)
        return measured, tokens

    def _matches(self, policy: Policy, name: str, opponent: Opponent, seat: int) -> list[Match]:
        players: dict[str, Player] = {"policy": policy, name: opponent}
        line_up = ["policy" if other == seat else name for other in range(len(self.game.seats))]
        sampling = Sampling(temperature=0.0, max_new_tokens=self.max_new_tokens)
        seed = seed_for(YARDSTICK_SEED, self.game.name, name, seat)
        rules = Rules("forfeit", max_turns=self.max_turns)
        return play(self.game, [line_up] * self.num_matches, players, seed, sampling, rules)


def not_lost(matches: Sequence[Match], seat: int) -> float:
    """Share of the matches in which the seat won at least as much as every other seat."""
    return sum(match.returns[seat] >= max(match.returns) for match in matches) / len(matches)
