"""PAPERS.md has a row for every recipe, and every recipe says what it claims and where it deviates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from selfplay.config_file import load_config
from selfplay.learnability import FORMULAS, Context
from selfplay.recipes import RECIPES

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = ["recipe", "claim", "config", "command", "measured here", "deviations"]


def table() -> list[list[str]]:
    """The cells of PAPERS.md's table: the heading, then a row a recipe."""
    text = (ROOT / "PAPERS.md").read_text(encoding="utf-8").split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [rows[0], *rows[2:]]


def test_the_table_has_a_row_for_every_recipe_and_no_other() -> None:
    heading, *rows = table()
    assert heading == COLUMNS
    assert sorted(row[0].strip("`") for row in rows) == sorted(RECIPES)
    assert all(len(row) == len(COLUMNS) and all(row) for row in rows)


@pytest.mark.parametrize("row", table()[1:], ids=lambda row: row[0])
def test_a_rows_configurations_run_its_recipe_and_its_command_names_one(row: list[str]) -> None:
    configs = re.findall(r"\]\(([^)]+\.yaml)\)", row[2])
    assert configs
    assert {load_config(ROOT / config).recipe for config in configs} == {row[0].strip("`")}
    assert re.fullmatch(r"`python -m scripts\.train --config (\S+)( \S+=\S+)*`|`make [a-z-]+`", row[3])
    assert all(config in configs for config in re.findall(r"--config (\S+)`?", row[3].strip("`")))


@pytest.mark.parametrize(
    "row", [row for row in table()[1:] if RECIPES[row[0].strip("`")].ABOUT.papers], ids=lambda row: row[0]
)
def test_a_papers_recipe_has_a_configuration_with_a_tiny_model_and_one_with_a_large_one(row: list[str]) -> None:
    models = [load_config(ROOT / config).model for config in re.findall(r"\]\(([^)]+\.yaml)\)", row[2])]
    tiny = [model.scratch is not None and model.scratch.hidden_size <= 128 for model in models]
    assert any(tiny)
    assert not all(tiny)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_states_its_claim_and_its_deviations(name: str) -> None:
    text = RECIPES[name].__doc__ or ""
    for part in ("Claim", "Deviations"):  # "Claim:", or a few words before the colon
        assert re.search(rf"\b{part}\b[^:]{{0,60}}:\s*\S", text), part


def test_the_reward_table_of_the_design_is_what_the_rewards_give() -> None:
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    stated = dict(re.findall(r"^\| `(\w+)` \|(.*)\|$", text, re.MULTILINE))
    given = {
        name: "|".join(
            f" {value:.2f} "
            for value in [
                *(formula(k, 4, Context()).total for k in range(5)),
                formula(0, 0, Context(valid=False)).total,
            ]
        )
        for name, formula in FORMULAS.items()
    }
    assert stated == given
