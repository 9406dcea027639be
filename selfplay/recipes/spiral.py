"""SPIRAL: self-play on games, both seats one policy, each seat with a baseline of its own (arXiv 2506.24119).

Every round plays many matches, pays each seat what it won, and takes one policy-gradient pass over all turns. The
advantage of a turn is its seat's return less a moving mean of that seat's returns in that game (RAE), whose state is
in the round's record. Opponents are the policy itself, past selves, or fixed ones, in any mixture.

Claim: two seats of one policy have different values, so one baseline a seat stabilises learning where none does not;
and self-play gives an opponent that is always at one's own level, where a fixed one is learned by heart. Measured in
`benchmarks/games.md` by exploitability (Kuhn poker) and by matches not lost against minimax (tic-tac-toe).

Deviations:
1. Tiny models from random weights. A warm-up imitates random legal play (`warm_up_steps`), which holds no strategy:
   SPIRAL's models can read from the start. 0 leaves it out.
2. `regularisation` (off by default) pays seats for unpredictable play (R-NaD, 2206.15378): self-play policy gradient
   otherwise circles equilibria of games with hidden information. It is annealed geometrically over the run.
3. Other baselines than RAE by name: the mean over turns with the same observation, or with the same situation.
4. Turns of the same tokens can be trained on as one row (`merge`), which is the same gradient for less.
5. One game a run, no thinking before the move in the terse style, no role prompts beyond the game's own observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from selfplay.about import About
from selfplay.advantages import RoleBaselines
from selfplay.checking import nearest
from selfplay.credit import credit_turns, credit_turns_by_group, merged
from selfplay.errors import ConfigError, FieldError
from selfplay.game_lab import GameLab
from selfplay.play import Player, Rules, describe_matches, play, random_turns
from selfplay.rewards import reward_match
from selfplay.seeding import rng_for, seed_for
from selfplay.types import Credited, Demonstration, Sampling

Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]
NonNegative = Annotated[float, Field(ge=0.0)]
ABOUT = About("SPIRAL", ("2506.24119",), ("policy_gradient",), ("first", "second"), ("verified",))
PLAYS_GAMES = True
SELF, PAST = "self", "past"
GROUPS = {
    "observation": lambda match, turn: (turn.seat, turn.transcript.messages[:-1]),
    "situation": lambda match, turn: turn.situation,
    "none": None,
}
"""Baselines besides `rae`: which turns are compared."""


@dataclass(frozen=True, slots=True)
class Config:
    """Defaults are SPIRAL's where it has them."""

    num_matches: Count = 128
    """Matches a round."""
    opponents: dict[str, NonNegative] = field(default_factory=lambda: {SELF: 1.0})
    """Shares of the matches by opponent: `self`, `past` (a past self, uniformly), or a fixed one by its name."""
    keep_every: Count = 10
    """Rounds from one past self to the next."""
    num_past: Count = 5
    """Newest past selves that are played against."""
    advantage: Literal["rae", "observation", "situation", "none"] = "rae"
    """What a turn's reward is compared with."""
    decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.95
    """Of the moving mean of RAE."""
    regularisation: tuple[NonNegative, NonNegative] = (0.0, 0.0)
    """Weight of unpredictable play in the reward, at the first round and at the last."""
    merge: bool = False
    """Train on turns of the same tokens as one row."""
    warm_up_steps: Whole = 0
    """Optimizer steps that imitate random legal play before the first round."""
    warm_up_rate: Annotated[float, Field(gt=0.0)] = 3e-3
    """Their learning rate."""
    bad_move: Literal["forfeit", "random"] = "forfeit"
    """What an illegal or unreadable move does (`play.Rules`)."""
    mover_return: float = -1.5
    """What its mover gets where it ends the match."""
    other_return: float = 0.5
    """What the other seat gets then."""
    max_turns: Count = 100
    """Turns after which a match is a draw."""
    max_new_tokens: Count = 64
    """Longest reply, in tokens."""

    def __post_init__(self) -> None:
        if not sum(self.opponents.values()) > 0.0:
            raise FieldError("opponents", f"got {self.opponents}, expected shares of which one is more than 0")
        if (self.regularisation[0] > 0.0) != (self.regularisation[1] > 0.0):
            raise FieldError("regularisation", "got one 0, expected none or both: it shrinks by a factor each round")


def run(lab: GameLab, config: Config) -> None:
    """Play the rounds that are left."""
    known = [SELF, PAST, *lab.opponents]
    if unknown := [name for name in config.opponents if name not in known]:
        raise ConfigError(f"options.opponents: got {unknown[0]!r}, expected an opponent; {nearest(unknown[0], known)}")
    baselines = RoleBaselines(config.decay)
    baselines.restore(lab.state.get("baselines", {}))
    past: list[int] = list(lab.state.get("past", []))
    rules = Rules(config.bad_move, config.mover_return, config.other_return, config.max_turns)
    sampling = Sampling(1.0, 1.0, config.max_new_tokens)
    for round in lab.rounds():
        warm_up = imitate_random_play(lab, config, round.seed) if round.number == 0 else 0
        with round.phase("play"):
            line_ups = choose(lab, config, past, seed_for(round.seed, "line-ups"))
            players: dict[str, Player] = {SELF: lab.policy, **lab.opponents}
            players |= {f"{PAST}-{number}": lab.past_self(number) for number in past}
            matches = play(lab.game, line_ups, players, seed_for(round.seed, "play"), sampling, rules)
        with round.phase("credit"):
            start, end = config.regularisation
            strength = start * (end / start) ** round.progress if start else 0.0
            rewards = [reward_match(match, strength) for match in matches]
            if config.advantage == "rae":
                rows = credit_turns(matches, rewards, [SELF], baselines)
            else:
                rows = credit_turns_by_group(matches, rewards, [SELF], GROUPS[config.advantage])
            batch: Sequence[Credited] = merged(rows) if config.merge else rows
        with round.phase("train"):
            learned = dict(lab.learner.update(batch, seed_for(round.seed, "learn"), lab.learning_rate(round)))
            learned["tokens"] += warm_up
        if (round.number + 1) % config.keep_every == 0 and PAST in config.opponents:
            lab.keep_self(round.number)
            past = [*past, round.number][-config.num_past :]
            lab.forget_selves(past)
        lab.finish_matches(
            round,
            matches,
            learned,
            {"baselines": baselines.state(), "past": past},
            {"games": describe_matches(lab.game, matches), "regularisation": strength},
        )


def imitate_random_play(lab: GameLab, config: Config, seed: int) -> int:
    """Warm the policy up, and give the number of tokens that it took."""
    if not config.warm_up_steps:
        return 0
    turns = random_turns(lab.game, config.warm_up_steps * lab.config.learner.batch_size, seed_for(seed, "warm-up"))
    written = lab.policy.references("seat", [(prompt, reply) for _, prompt, reply in turns])
    learner = lab.imitator(config.warm_up_rate)
    learned = learner.update([*map(Demonstration, written)], seed_for(seed, "imitate"), (1.0, 0.0))
    return int(learned["tokens"])


def choose(lab: GameLab, config: Config, past: Sequence[int], seed: int) -> list[list[str]]:
    """Who plays which seat in each match; against another, the policy takes the seats in turn."""
    names, shares = list(config.opponents), list(config.opponents.values())
    num_seats = len(lab.game.seats)
    line_ups = []
    for number in range(config.num_matches):
        rng = rng_for(seed, "opponent", number)
        name = rng.choices(names, shares)[0]
        if name == PAST:
            name = f"{PAST}-{rng.choice(past)}" if past else SELF  # until there is one
        line_ups.append([SELF if seat == number % num_seats else name for seat in range(num_seats)])
    return line_ups
