"""`python -m scripts.envs`: what there is to play and to train on."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from envs import ENVIRONMENTS
from envs.games import GAMES
from scripts import envs as command
from scripts.envs import docstrings, main
from scripts.play_view import Screen
from selfplay.errors import UserError

ROOT = Path(__file__).parents[2]
NAMES = [name for name in ENVIRONMENTS if "needs" not in command.listed(name)]
"""Those that can be shown without any option."""


def shown(*arguments: str) -> str:
    console = Console(file=io.StringIO(), width=100, highlight=False)
    assert main(arguments, Screen(console, io.StringIO())) == 0
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def data(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"], Screen(Console(file=io.StringIO()), io.StringIO())) == 0
    return json.loads(capsys.readouterr().out)


def test_the_list_names_everything_with_roles_levels_verifier_and_an_example(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = {row["name"]: row for row in data(capsys)}
    assert list(rows) == [*ENVIRONMENTS, *GAMES]
    text = shown()
    for name, row in rows.items():
        assert name in text
        if "needs" in row:
            assert row["needs"]
        elif row["kind"] == "game":
            assert row["roles"]
            assert "random" in row["opponents"]
            assert row["example"]
        else:
            assert set(row["roles"]) <= {"proposer", "solver"}
            assert row["levels"]["first"] <= row["levels"]["last"]
            assert row["verifier"]
            assert row["example"]


def test_games_have_the_yardsticks_that_fit_them(capsys: pytest.CaptureFixture[str]) -> None:
    found = {row["name"]: row for row in data(capsys)}
    assert (found["kuhn_poker"]["yardstick"], found["kuhn_poker"]["opponents"]) == (
        "exploitability",
        ["random", "nash"],
    )
    assert found["tic_tac_toe"]["yardstick"] == "minimax"
    assert found["connect_four"]["yardstick"] == "minimax to a depth"
    assert found["connect_four"]["opponents"] == ["random", "minimax"]


@pytest.mark.parametrize("name", NAMES)
def test_one_environment_is_shown_with_its_options_and_a_problem_for_each_role(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = data(capsys, name)
    assert list(found["examples"]) == found["roles"]
    for example in found["examples"].values():
        assert example["messages"][-1]["text"]
        assert example["reply"].startswith(example["prefix"])
    assert found["problem"]["reference"]
    assert [option["name"] for option in found["options"] if not option["meaning"]] == []
    text = shown(name)
    assert found["about"].splitlines()[0] in text
    for option in found["options"]:
        assert f"  {option['name']}: " in text


@pytest.mark.parametrize("name", GAMES)
def test_one_game_is_shown_with_its_options_and_what_each_seat_sees(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = data(capsys, name, "--options", "style=instruct")
    assert list(found["examples"]) == found["roles"]
    texts = [example["messages"][-1]["text"] for example in found["examples"].values()]
    assert all("It is your turn" in text for text in texts)
    assert found["about"].splitlines()[0] in shown(name)


def test_options_and_level_reach_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = data(capsys, "arithmetic", "--level", "3", "--options", "operation=multiply", "style=instruct")
    assert found["problem"]["level"] == 3
    assert "Compute this product" in found["examples"]["solver"]["messages"][-1]["text"]


def test_an_environment_that_needs_an_option_is_listed_with_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    def needs_path(options: object, executor: object) -> None:
        raise UserError("path: got nothing, expected a file")

    entry = ENVIRONMENTS["programs"]._replace(make=needs_path)
    monkeypatch.setitem(ENVIRONMENTS, "programs", entry)
    assert command.listed("programs")["needs"] == "path: got nothing, expected a file"
    assert "needs options: path: got nothing" in shown()
    text = shown("programs")
    assert "needs      options: path: got nothing, expected a file" in text
    assert "  num_names: " in text, "its options are what one wants to read then"
    with pytest.raises(UserError, match="expected a file"):
        shown("programs", "--options", "style=instruct")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["kuhn_pokr"], "did you mean kuhn_poker"),
        (["equations", "--level", "77"], "expected 1 to"),
        (["kuhn_poker", "--level", "1"], "no levels"),
        (["equations", "--options", "stile=terse"], "did you mean style"),
        (["--options", "style=terse"], "expected its NAME"),
    ],
)
def test_a_mistake_is_one_message_that_says_what_was_expected(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        shown(*arguments)


@dataclass(frozen=True)
class Sample:
    """An options class."""

    first: int = 1
    """One
    and a half."""
    second: str = "x"
    third: bool = True
    """Three."""


def test_the_text_beneath_a_field_is_its_meaning() -> None:
    assert docstrings(Sample) == {"first": "One and a half.", "third": "Three."}


def test_the_list_needs_no_torch_and_starts_no_process() -> None:
    code = (
        "import psutil, sys; from scripts.envs import main; main([]); "
        "print('torch' in sys.modules, len(psutil.Process().children()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False 0"
