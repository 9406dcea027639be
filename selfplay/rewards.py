"""Rewards: what a round's proposals and attempts are paid, with named terms. Pure functions of what happened.

A proposal is paid by a formula of how many decided attempts at its problem were right (`learnability`, composed by
`reward_algebra`); attempts that are FAULT or UNDECIDED are not in that count, and a problem with none decided has no
reward at all. An attempt is paid by its verdict, in the same form (`SOLVER_REWARDS`: n is 1, k whether it was right,
and `valid` whether it had an answer). Both compose by the algebra, and both take a user's own functions. Only a
program's verdict is paid, unless the caller says `judged=True`; what rests on a judge's word has terms of its own. The
seats of a match are paid what they won (`reward_match`). Advantages are another matter (`credit.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from selfplay.errors import ConfigError, FieldError
from selfplay.learnability import FORMULAS, Context, Formula, paid
from selfplay.reward_algebra import functions_in, read_reward
from selfplay.reward_functions import RewardFunction, ask, find_function
from selfplay.types import (
    Attempt,
    Episode,
    Match,
    Proposal,
    Reading,
    Rejection,
    Reward,
    Status,
    Transcript,
    Turn,
)

__all__ = [
    "FORMULAS",
    "SOLVER_REWARDS",
    "Pay",
    "SolverPay",
    "check_reward",
    "reward_attempt",
    "reward_match",
    "reward_proposals",
]

WELL_FORMED_REFUSALS = ("duplicate", "held_out")
"""The gate's reasons: the proposal is a problem, but not one to be paid or blamed for."""


def correct(k: int, n: int, context: Context) -> Reward:
    """1 for a right answer, 0 for any other."""
    return paid(correct=float(k))


def azr(k: int, n: int, context: Context) -> Reward:
    """1 right, -0.5 wrong but well formed, -1 malformed (Absolute Zero 2505.03335, eq. 6)."""
    if not context.valid:
        return paid(malformed=-1.0)
    return paid(correct=1.0) if k else paid(wrong=-0.5)


def r_zero(k: int, n: int, context: Context) -> Reward:
    """0.9 · right + 0.1 · well formed (R-Zero 2508.05004, its code)."""
    return paid(correct=0.9 * k, format=0.1 * context.valid)


def well_formed(k: int, n: int, context: Context) -> Reward:
    """1 for a reply with an answer, right or wrong, else 0: a gate, or a part of a sum."""
    return paid(format=float(context.valid))


SOLVER_REWARDS: dict[str, Formula] = {"correct": correct, "azr": azr, "r_zero": r_zero, "well_formed": well_formed}


def reward_attempt(
    attempt: Attempt,
    formula: Formula = correct,
    *,
    judged: bool = False,
    measured: Mapping[str, float | None] | None = None,
) -> Reward | None:
    """What `formula` pays for the verdict; None if it was not decided. `measured`: what the user's functions said.

    An attempt that a judge decided has no reward, unless the recipe takes its word (`judged`): then there is one term,
    called `judged`.
    """
    verdict = attempt.verdict
    if not verdict.status.decided or not (verdict.verified or judged):
        return None
    context = Context(valid=verdict.status is not Status.MALFORMED, measured=measured or {})
    reward = formula(int(verdict.status is Status.CORRECT), 1, context)
    return reward if verdict.verified else Reward((("judged", reward.total),))


class Pay:
    """A reward as a configuration describes it, with the user's own functions in it found.

    It is made of formulas by the names of `known`. Raises ConfigError for a description that is wrong.
    """

    def __init__(
        self, spec: str | Mapping[str, Any], path: str = "options.reward", known: Mapping[str, Formula] = FORMULAS
    ) -> None:
        self.formula: Formula = read_reward(spec, path, known)
        self._functions: dict[str, RewardFunction] = {name: find_function(name, path) for name in functions_in(spec)}

    @property
    def function_names(self) -> list[str]:
        """The user's functions in it."""
        return list(self._functions)

    def measure(
        self, transcripts: Sequence[Transcript], columns: Mapping[str, Sequence[Any]]
    ) -> list[dict[str, float | None]]:
        """What each user's function says about each transcript. Raises RewardFunctionError."""
        answers = {name: ask(name, function, transcripts, columns) for name, function in self._functions.items()}
        return [{name: values[row] for name, values in answers.items()} for row in range(len(transcripts))]

    def proposals(
        self,
        proposals: Sequence[Proposal],
        episodes: Sequence[Episode],
        contexts: Sequence[Context] | None = None,
        *,
        judged: bool = False,
    ) -> list[Reward | None]:
        """`reward_proposals`, with what the user's functions say: their columns are `problem` (its text, or None),
        `level`, `num_correct` and `num_decided` (0 where there was no attempt)."""
        if contexts is None:
            contexts = [Context(valid=proposal.problem is not None) for proposal in proposals]
        if not self._functions:
            return reward_proposals(proposals, episodes, self.formula, contexts, judged=judged)
        counts = _counts(episodes, judged)
        problems = [proposal.problem for proposal in proposals]
        columns: dict[str, list[Any]] = {
            "problem": [None if problem is None else problem.prompt for problem in problems],
            "level": [None if problem is None else problem.level for problem in problems],
            "num_correct": [counts.get(problem.id, (0, 0))[0] if problem else 0 for problem in problems],
            "num_decided": [counts.get(problem.id, (0, 0))[1] if problem else 0 for problem in problems],
        }
        said = self.measure([proposal.transcript for proposal in proposals], columns)
        contexts = [replace(context, measured=one) for context, one in zip(contexts, said, strict=True)]
        return reward_proposals(proposals, episodes, self.formula, contexts, judged=judged)


class SolverPay(Pay):
    """`Pay` for attempts: a name of `SOLVER_REWARDS`, a user's function, or what is composed of them."""

    def __init__(self, spec: str | Mapping[str, Any], path: str = "options.solver_reward") -> None:
        super().__init__(spec, path, SOLVER_REWARDS)

    def attempts(self, episodes: Sequence[Episode], *, judged: bool = False) -> list[list[Reward | None]]:
        """What each attempt is paid, by episode. The user's functions are asked about all attempts that are paid, once;
        their columns are `problem` (its text), `level`, `reference`, `solution` (the same, by TRL's name for it) and
        `correct`."""
        if not self._functions:
            return [[reward_attempt(one, self.formula, judged=judged) for one in each.attempts] for each in episodes]
        rows = [
            (episode.problem, attempt)
            for episode in episodes
            for attempt in episode.attempts
            if reward_attempt(attempt, correct, judged=judged) is not None
        ]
        columns: dict[str, list[Any]] = {
            "problem": [problem.prompt for problem, _ in rows],
            "level": [problem.level for problem, _ in rows],
            "reference": [problem.reference for problem, _ in rows],
            "solution": [problem.reference for problem, _ in rows],
            "correct": [attempt.verdict.status is Status.CORRECT for _, attempt in rows],
        }
        said = iter(self.measure([attempt.transcript for _, attempt in rows], columns))

        def pay(attempt: Attempt) -> Reward | None:
            if reward_attempt(attempt, correct, judged=judged) is None:
                return None
            return reward_attempt(attempt, self.formula, judged=judged, measured=next(said))

        return [[pay(attempt) for attempt in episode.attempts] for episode in episodes]


def check_reward(spec: str | Mapping[str, Any], key: str = "reward") -> None:
    """Raise FieldError for a description of a reward that is wrong: for `__post_init__` of a recipe's Config.

    `key` is `reward`, what proposals are paid, or `solver_reward`, what attempts are.
    """
    try:
        SolverPay(spec, key) if key == "solver_reward" else Pay(spec, key)
    except ConfigError as error:
        raise FieldError(key, str(error).removeprefix(f"{key}: ")) from error


def reward_proposals(
    proposals: Sequence[Proposal],
    episodes: Sequence[Episode],
    formula: Formula,
    contexts: Sequence[Context] | None = None,
    *,
    judged: bool = False,
) -> list[Reward | None]:
    """What `formula` pays for each proposal, in order; `contexts` are parallel to the proposals.

    A proposal refused as duplicate or held-out is well formed and gets 0. None: its problem had no decided attempt.
    Verified attempts only, unless the recipe takes a judge's word too (`judged`): where that counts, terms begin with
    `judged_`.
    """
    if contexts is None:
        contexts = [Context(valid=proposal.problem is not None) for proposal in proposals]
    verified, counts = _counts(episodes, False), _counts(episodes, judged)
    rewards: list[Reward | None] = []
    for proposal, context in zip(proposals, contexts, strict=True):
        problem = proposal.problem
        if problem is None:
            refused = isinstance(proposal.outcome, Rejection) and proposal.outcome.reason in WELL_FORMED_REFUSALS
            rewards.append(Reward((("refused", 0.0),)) if refused else formula(0, 0, context))
            continue
        good, decided = counts.get(problem.id, (0, 0))
        if not decided:
            rewards.append(None)
            continue
        reward = formula(good, decided, context)
        if decided > verified[problem.id][1]:
            reward = Reward(tuple((f"judged_{name}", value) for name, value in reward.terms))
        rewards.append(reward)
    return rewards


def _counts(episodes: Sequence[Episode], judged: bool) -> dict[str, tuple[int, int]]:
    """Right and decided attempts by problem, of episodes that were proposed."""
    return {episode.problem.id: episode.counts(judged=judged) for episode in episodes if episode.proposal is not None}


def reward_match(match: Match, regularisation: float = 0.0) -> list[Reward]:
    """What each seat is paid for a match: its return, and with `regularisation` for playing unpredictably.

    The term `entropy` of seat i is, with eta the regularisation, the sum over turns with a recorded policy of
    -eta log(pi(move) / rho(move)) where i moved and +eta log(...) / (seats - 1) where another did: it sums to zero
    over the seats. rho is uniform over the legal moves. The game that is so paid has one equilibrium, which play
    approaches instead of circling it; the smaller eta, the nearer it is to one of the real game (Perolat et al.
    2002.08456, R-NaD 2206.15378, equation 1). Replies that were no legal move have no such term.
    """
    terms = [0.0] * len(match.returns)
    if regularisation:
        for turn in match.turns:
            surprise = regularisation * _log_ratio(turn)
            for seat in range(len(terms)):
                terms[seat] += -surprise if seat == turn.seat else surprise / (len(terms) - 1)
    return [
        Reward((("return", won), ("entropy", term)) if regularisation else (("return", won),))
        for won, term in zip(match.returns, terms, strict=True)
    ]


def _log_ratio(turn: Turn) -> float:
    """log pi / rho of a turn's move under the policy that wrote it, rho being uniform over legal moves."""
    transcript = turn.transcript
    if transcript is None or not transcript.logprobs or turn.reading is not Reading.LEGAL:
        return 0.0
    return math.fsum(transcript.logprobs) + math.log(turn.num_legal)
