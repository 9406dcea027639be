"""Recipes: one short program an algorithm. `RECIPES` is the table of names."""

from __future__ import annotations

from types import ModuleType

from selfplay.recipes import expert_iteration, seed_data

RECIPES: dict[str, ModuleType] = {
    "expert_iteration": expert_iteration,
    "seed_data": seed_data,
}
"""Each module has a frozen dataclass `Config` and `run(lab, config)`."""
