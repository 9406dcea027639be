"""`python -m scripts.compare`: designs times seeds, what is kept, and what the table says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from real_runs import TINY, write_config

from scripts.compare import Design, designs, figures, main, score, split_values
from selfplay.errors import ConfigError, UserError


def test_values_are_split_at_commas_outside_of_brackets_and_quotes() -> None:
    assert split_values("a, b,c") == ["a", "b", "c"]
    assert split_values("{weighted: [[1, a], [2, b]]},spice,'x,y'") == [
        "{weighted: [[1, a], [2, b]]}", "spice", "'x,y'"
    ]  # fmt: skip


def test_designs_are_all_combinations() -> None:
    assert designs(["options.reward=a,b", "learner.name=x,y"]) == [
        Design("a, x", ("options.reward=a", "learner.name=x")),
        Design("a, y", ("options.reward=a", "learner.name=y")),
        Design("b, x", ("options.reward=b", "learner.name=x")),
        Design("b, y", ("options.reward=b", "learner.name=y")),
    ]


def test_what_is_varied_most_has_short_names() -> None:
    assert designs(["reward.proposer=a,b", "reward.solver=c"])[0].overrides == (
        "options.reward=a",
        "options.solver_reward=c",
    )


@pytest.mark.parametrize("text", ["options.reward", "=a,b", "key=a,,b", "key=a,a", "key="])
def test_what_cannot_be_varied_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="expected KEY=a,b"):
        designs([text])


def test_a_score_is_the_mean_of_the_levels_that_count() -> None:
    held_out = {"programs": {"1": 1.0, "4": 0.5, "7": 0.0}}
    assert score(held_out, None) == 0.5
    assert figures(held_out, ["4", "7"]) == [0.5, 0.0]
    with pytest.raises(UserError, match="level 9 was not measured, expected some of 1, 4, 7"):
        figures(held_out, ["9"])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path / "tiny.yaml", TINY)


def test_a_wrong_design_is_named_before_anything_runs(config: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean spice"):
        main(
            [str(config), "--vary", "options.reward=one_minus_p,spise", "--tokens", "9", "--runs", str(tmp_path / "r")]
        )
    assert not (tmp_path / "r").exists()


def test_without_a_budget_nothing_is_compared(config: Path) -> None:
    with pytest.raises(UserError, match="give --tokens N"):
        main([str(config), "--vary", "options.reward=one_minus_p,spice"])


def fake_run(folder: Path, after: float) -> None:
    """What a finished run leaves, with one measured round."""
    from selfplay.record import Record, RoundRecord

    record = Record.create(folder, {"recipe": "x"}, {})
    metrics: dict[str, Any] = {
        "tokens": {"propose": 0, "solve": 40, "train": 20},
        "held_out": {"programs": {"1": after}},
    }
    record.commit(RoundRecord(0, (), (), (), (), metrics, {}))
    record.write_summary({"held_out": {"before": {"programs": {"1": 0.1}}, "after": metrics["held_out"]}})


def test_finished_runs_are_kept_and_become_table_picture_and_numbers(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    for seed in range(2):
        fake_run(folder / f"one_minus_p-seed{seed}", 0.5)
        fake_run(folder / f"spice-seed{seed}", 0.7 + seed / 10)
    command = [str(config), "--vary", "options.reward=one_minus_p,spice", "--seeds", "2", "--tokens", "100"]
    assert main([*command, "--runs", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "run  " not in printed
    assert "| spice | 2 | 0.750 | 0.700 to 0.800 | +0.250 (2 pairs) | 0.5000 |" in printed
    assert "from 0.100 at the start" in (folder / "compare.md").read_text()
    assert (folder / "compare.png").read_bytes().startswith(b"\x89PNG")
    content = json.loads((folder / "compare.json").read_text())
    assert [row["scores"] for row in content] == [[0.5, 0.5], pytest.approx([0.7, 0.8])]
    main([*command, "--runs", str(folder), "--list"])
    assert capsys.readouterr().out.count("finished  ") == 4


def test_a_run_that_fails_is_named_with_its_log_and_the_others_count(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    fake_run(folder / "spice-seed0", 0.7)
    (folder / "one_minus_p-seed0").mkdir()
    (folder / "one_minus_p-seed0" / "something").write_text("in the way")
    command = [str(config), "--vary", "options.reward=one_minus_p,spice", "--seeds", "1", "--tokens", "100"]
    assert main([*command, "--runs", str(folder)]) == 1
    printed = capsys.readouterr()
    assert "one_minus_p-seed0 ended with status 2; see" in printed.err
    assert "| spice | 1 | 0.700 |" in printed.out


@pytest.mark.slow
def test_two_designs_are_trained_compared_and_not_trained_again(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        str(config), "--vary", "options.reward=one_minus_p,azr_code", "--seeds", "1", "--tokens", "4000",
        "--runs", str(tmp_path / "runs"),
    ]  # fmt: skip
    assert main(command) == 0
    first = capsys.readouterr().out
    assert first.count("run  ") == 2
    assert main(command) == 0
    assert capsys.readouterr().out == "".join(line for line in first.splitlines(True) if not line.startswith("run  "))
