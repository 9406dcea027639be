"""What a proposer is paid for a problem of which k of n attempts succeeded: the papers' formulas, by name.

One signature, `(k, n, context) -> Reward`: k of n decided attempts were right (or, where truth is a vote, k is the size
of the largest class of answers), and `context` is whatever else a formula asks for. A formula is asked only when n > 0,
or when the proposal became no problem (`context.valid` false: then k and n mean nothing). Where a paper and its code
differ, both are here, as `…_paper` and `…_code`. Values recalled and not read are marked *(recalled)*.

Names of terms add up to the reward. Nothing here knows policies, batches or advantages (`rewards.py`, `credit.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from selfplay.types import Reward


@dataclass(frozen=True, slots=True)
class Context:
    """What a formula may know beyond k and n."""

    valid: bool = True
    """Whether the proposal became a problem; false: it could not be read, or was not admitted."""
    repetition: float = 0.0
    """Share of the round's proposals that are near copies of this one, itself included (R-Zero's |C|/B)."""
    guide: float = 1.0
    """A judge's opinion of the problem (SGS's Guide), 0 or more."""
    rate_limit: float = 1.0
    """Solve rates above this earn nothing (SGS: the round's 70th percentile)."""
    measured: Mapping[str, float | None] = field(default_factory=dict, hash=False)
    """What reward functions of the user said about this proposal or attempt, by name; None: nothing."""


Formula = Callable[[int, int, Context], Reward]


def paid(**terms: float) -> Reward:
    """A reward of named terms."""
    return Reward(tuple(terms.items()))


def one_minus_p(k: int, n: int, context: Context) -> Reward:
    """1 - p if p > 0, else 0: harder is better until nobody solves it; invalid 0, for learners that imitate."""
    return paid(learnability=1.0 - k / n if k else 0.0) if context.valid else paid(invalid=0.0)


def azr_paper(k: int, n: int, context: Context) -> Reward:
    """1 - p if 0 < p < 1, else 0; invalid -1 (Absolute Zero 2505.03335, eq. 4 and 6)."""
    return paid(learnability=1.0 - k / n if k else 0.0) if context.valid else paid(invalid=-1.0)


def azr_code(k: int, n: int, context: Context) -> Reward:
    """As the paper, but -0.5 where that is 0: trivial and impossible problems cost (Absolute Zero's code)."""
    if not context.valid:
        return paid(invalid=-1.0)
    return paid(learnability=1.0 - k / n if 0 < k < n else -0.5)


def r_zero_paper(k: int, n: int, context: Context) -> Reward:
    """max(0, 1 - 2|p - 1/2| - repetition); invalid 0 (R-Zero 2508.05004 *(recalled)*)."""
    if not context.valid:
        return paid(invalid=0.0)
    uncertainty = 1.0 - 2.0 * abs(k / n - 0.5)
    return paid(uncertainty=uncertainty, repetition=-min(context.repetition, uncertainty))


def r_zero_code(k: int, n: int, context: Context) -> Reward:
    """min(p, 1 - p) - repetition, which may be negative; invalid -1 - repetition (R-Zero's code)."""
    first = {"uncertainty": min(k, n - k) / n} if context.valid else {"invalid": -1.0}
    return paid(**first, repetition=-context.repetition)


def four_p_one_minus_p(k: int, n: int, context: Context) -> Reward:
    """4p(1-p): peaks at 1 for p = 1/2 (prime-rl's hierarchical GRPO)."""
    return paid(learnability=4.0 * (k / n) * (1.0 - k / n)) if context.valid else paid(invalid=0.0)


def variance(k: int, n: int, context: Context) -> Reward:
    """Unbiased variance of one attempt, p(1-p)·n/(n-1); 0 for a single attempt."""
    if not context.valid:
        return paid(invalid=0.0)
    return paid(learnability=(k / n) * (1.0 - k / n) * n / (n - 1) if n > 1 else 0.0)


def sqlm_paper(k: int, n: int, context: Context) -> Reward:
    """1 if 0 < k < n, else 0: neither trivial nor impossible (Self-Questioning LMs 2508.03682)."""
    return paid(learnability=float(0 < k < n)) if context.valid else paid(invalid=0.0)


def sqlm_code(k: int, n: int, context: Context) -> Reward:
    """1 if 1 < k < n, else 0: a majority of one is no majority (Self-Questioning LMs' code, vote mode)."""
    return paid(learnability=float(1 < k < n)) if context.valid else paid(invalid=0.0)


def dr_zero(k: int, n: int, context: Context) -> Reward:
    """(n-k)/(n-1) if 0 < k < n, else 0: one success suffices for all of it (Dr. Zero). Format gates."""
    return paid(difficulty=_dr_zero(k, n)) if context.valid else paid(invalid=0.0)


def dr_zero_code(k: int, n: int, context: Context) -> Reward:
    """As `dr_zero`, with the 1/2 for its format that its code adds."""
    return paid(format=0.5, difficulty=_dr_zero(k, n)) if context.valid else paid(invalid=0.0)


def _dr_zero(k: int, n: int) -> float:
    return (n - k) / (n - 1) if 0 < k < n else 0.0


def sgs(k: int, n: int, context: Context) -> Reward:
    """guide · (1 - s) if 0 < s <= rate_limit, else 0 (Self-Guided Self-Play 2604.20209), before its min-max.

    The scaling over the round is `rewards.min_max`.
    """
    if not context.valid:
        return paid(invalid=0.0)
    return paid(guided=context.guide * (1.0 - k / n) if 0 < k <= context.rate_limit * n else 0.0)


def spice(k: int, n: int, context: Context) -> Reward:
    """exp(-(p(1-p) - 1/4)² / (2·0.01)); invalid -0.1 (SPICE *(recalled)*)."""
    if not context.valid:
        return paid(invalid=-0.1)
    return paid(learnability=math.exp(-(((k / n) * (1.0 - k / n) - 0.25) ** 2) / (2.0 * 0.01)))


def lsp(k: int, n: int, context: Context) -> Reward:
    """-p: the challenger wants the solver to fail (Language Self-Play; its quality score is a term to be added)."""
    return paid(failure=-k / n) if context.valid else paid(invalid=-1.0)


def serl(k: int, n: int, context: Context) -> Reward:
    """1 if 0.2 <= p <= 0.8, else 0 (SeRL's filter of prompts)."""
    return paid(kept=float(2 * n <= 10 * k <= 8 * n)) if context.valid else paid(invalid=0.0)


def stp(k: int, n: int, context: Context) -> Reward:
    """1 if 0 < p < 1/4, else 0 (STP's filter of conjectures)."""
    return paid(kept=float(0 < 4 * k < n)) if context.valid else paid(invalid=0.0)


FORMULAS: dict[str, Formula] = {
    "one_minus_p": one_minus_p,
    "azr_paper": azr_paper,
    "azr_code": azr_code,
    "r_zero_paper": r_zero_paper,
    "r_zero_code": r_zero_code,
    "four_p_one_minus_p": four_p_one_minus_p,
    "variance": variance,
    "sqlm_paper": sqlm_paper,
    "sqlm_code": sqlm_code,
    "dr_zero": dr_zero,
    "dr_zero_code": dr_zero_code,
    "sgs": sgs,
    "spice": spice,
    "lsp": lsp,
    "serl": serl,
    "stp": stp,
}

SHORT_NAMES = {"azr": "azr_code", "r_zero": "r_zero_code", "sqlm": "sqlm_code"}
"""Where paper and code differ, a paper's bare name is what its recipe pays by default."""
