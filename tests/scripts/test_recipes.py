"""`python -m scripts.recipes`: what there is to train by."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from rich.console import Console

from scripts.play_view import Screen
from scripts.recipes import main
from selfplay.about import About, Truth
from selfplay.config_file import load_config
from selfplay.errors import UserError
from selfplay.learners import LEARNERS
from selfplay.recipes import RECIPES

ROOT = Path(__file__).parents[2]


def shown(*arguments: str) -> str:
    console = Console(file=io.StringIO(), width=160, highlight=False)
    assert main(arguments, Screen(console, io.StringIO())) == 0
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def data(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_says_what_it_is_in_terms_that_there_are(name: str) -> None:
    about = RECIPES[name].ABOUT
    assert isinstance(about, About)
    assert about.title
    assert about.roles
    assert about.truth
    assert about.policies
    assert set(about.learners) <= set(LEARNERS)
    assert set(about.truth) <= set(get_args(Truth))
    for paper in about.papers:
        assert paper in (RECIPES[name].__doc__ or ""), "the docstring names the papers"


def test_the_list_names_every_recipe_with_paper_learner_roles_and_truth(capsys: pytest.CaptureFixture[str]) -> None:
    rows = data(capsys)
    assert [row["name"] for row in rows] == list(RECIPES)
    lines = shown().splitlines()
    for row in rows:
        (line,) = [line for line in lines if line.split() and line.split()[0] == row["name"]]
        for part in (*row["papers"][:1], *row["learners"], *row["roles"], *row["truth"]):
            assert part in line


@pytest.mark.parametrize("name", RECIPES)
def test_one_recipe_is_shown_with_its_options_and_the_configurations_that_play_it(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    found = data(capsys, name)
    assert [option["name"] for option in found["options"]] == [one.name for one in fields(RECIPES[name].Config)]
    assert all(option["meaning"] and option["expected"] for option in found["options"])
    assert found["configs"]
    assert {load_config(ROOT / path, []).recipe for path in found["configs"]} == {name}
    text = shown(name)
    assert "Claim" in text
    assert all(option["name"] in text for option in found["options"])


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(UserError, match="expected a recipe; did you mean star"):
        main(["satr"])


def test_the_command_needs_no_torch() -> None:
    code = "import sys\nfrom scripts.recipes import main\nmain(['--json'])\nassert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {row["name"] for row in json.loads(done.stdout)} == set(RECIPES)
