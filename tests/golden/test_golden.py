"""Formats change only on purpose."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from envs import ENVIRONMENTS
from envs.games import GAMES, find_game, make_game
from scripts.cases import case_of, choices
from scripts.golden import FOLDER, main, names, playthrough
from selfplay.errors import UserError


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    return {name: (FOLDER / f"{name}.txt").read_text(encoding="utf-8") for name in names()}


@pytest.mark.parametrize("name", names())
def test_the_golden_playthrough_is_what_is_said_today(name: str, told: dict[str, str]) -> None:
    assert playthrough(name) == told[name], f"a format changed; if that is meant: python -m scripts.golden {name}"


def test_there_is_a_playthrough_of_everything_and_of_nothing_else() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(names())


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_playthrough_shows_every_kind_of_verdict_in_every_part(name: str, told: dict[str, str]) -> None:
    parts = re.split(r"^== .* ==$", told[name], flags=re.MULTILINE)[1:]
    for part in parts:
        kinds = re.findall(r"^(right|wrong|malformed) .*: (\w+)(?: \(judged by \S+\))?$", part, re.MULTILINE)
        found = dict(kinds)
        assert found["right"] == "correct"
        assert found["wrong"] != "correct"
        assert found["malformed"] == "malformed" or "any text is an answer" in part


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_playthrough_shows_every_role_and_every_value_of_an_option_that_is_one_of_a_few(
    name: str, told: dict[str, str]
) -> None:
    env = case_of(name).make(None)
    for role in env.roles:
        assert re.search(rf"^{role} ", told[name], re.MULTILINE)
    for option, (own, *others) in case_of(name).choices().items():
        for value in others:
            said = value[0] if isinstance(value, list | tuple) else value
            assert re.search(rf"^== level \d+, {option} {said}( ==|, style )", told[name], re.MULTILINE)
        assert option != "style" or f", {own}, " in told[name]


@pytest.mark.parametrize("name", GAMES)
def test_a_playthrough_shows_what_each_seat_sees_to_the_end_in_every_choice(name: str, told: dict[str, str]) -> None:
    parts = re.split(r"^== .* ==$", told[name], flags=re.MULTILINE)[1:]
    game = make_game(name)
    for part in parts:
        assert all(re.search(rf"^{seat} ", part, re.MULTILINE) for seat in game.seats)
        assert len(re.findall("^returns", part, re.MULTILINE)) == 1
        assert re.search("^read .* is None$", part, re.MULTILINE)
    for option, (_, *others) in choices(find_game(name).options()).items():
        for value in others:
            assert f"== {option} {value} ==" in told[name]


def test_the_command_writes_the_playthroughs_that_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], told: dict[str, str]
) -> None:
    monkeypatch.setattr("scripts.golden.FOLDER", tmp_path)
    assert main(["equations"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["equations.txt"]
    assert (tmp_path / "equations.txt").read_text(encoding="utf-8") == told["equations"]
    assert str(tmp_path / "equations.txt") in capsys.readouterr().out


def test_a_playthrough_of_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean equations"):
        main(["equation"])
