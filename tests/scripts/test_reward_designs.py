"""`python -m scripts.rewards`: tables, pictures, and what it says about mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.rewards import main
from selfplay.errors import UserError
from selfplay.learnability import FORMULAS


def test_the_table_has_a_value_for_every_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "azr_code", "dr_zero", "--n", "5", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values == {
        "azr_code": [-0.5, 0.8, 0.6, 0.4, pytest.approx(0.2), -0.5],
        "dr_zero": [0, 1, 0.75, 0.5, 0.25, 0],
    }


def test_without_names_all_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    main(["table"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(FORMULAS)


def test_a_file_composes_rewards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("reward:\n  gate: [sqlm_paper, spice]\n  otherwise: -1\n")
    main(["table", str(path), "--n", "2", "--json"])
    assert json.loads(capsys.readouterr().out) == {"mine": [-1.0, 1.0, -1.0]}


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "rewards.png"
    assert (
        main(["plot", "azr_code", "spice", "r_zero_paper", "variance", "stp", "--n", "4,16", "--output", str(path)])
        == 0
    )
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["table", "azr_cod"], "did you mean azr_code"),
        (["table", "nowhere.yaml"], "nowhere.yaml cannot be read"),
        (["table", "math:sqrt"], "a function of texts has no value"),
        (["plot", "spice", "--n", "4,x", "--output", "x.png"], "--n: got 'x'"),
        (["plot", "spice", "--output", "missing/x.png"], "cannot be written"),
        (["plot", "spice", "--output", "x.nothing"], "cannot be written"),
        (["replay", "nowhere", "--reward", "spice"], "nowhere is not a run folder"),
    ],
)
def test_mistakes_are_named(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        main(arguments)


def test_a_file_that_is_not_yaml_says_so(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("{a: [")
    with pytest.raises(UserError, match="is not YAML"):
        main(["table", str(path)])
