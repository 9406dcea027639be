"""Recipes: one short program an algorithm. `RECIPES` is the table of names."""

from __future__ import annotations

from types import ModuleType

from selfplay.recipes import (
    azr,
    constitutional,
    distill,
    expert_iteration,
    length_generalization,
    r_zero,
    rest_em,
    seed_data,
    self_rewarding,
    sgs,
    spin,
    spiral,
    sqlm,
    star,
    ttrl,
)

RECIPES: dict[str, ModuleType] = {
    "azr": azr,
    "constitutional": constitutional,
    "distill": distill,
    "expert_iteration": expert_iteration,
    "length_generalization": length_generalization,
    "r_zero": r_zero,
    "rest_em": rest_em,
    "seed_data": seed_data,
    "self_rewarding": self_rewarding,
    "sgs": sgs,
    "spin": spin,
    "spiral": spiral,
    "sqlm": sqlm,
    "star": star,
    "ttrl": ttrl,
}
"""Each module has a frozen dataclass `Config` and `run(lab, config)`."""
