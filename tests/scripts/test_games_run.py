"""A real model that plays a game: the command runs, and resumes to the bit with past selves read back from disk."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from scripts import train as command
from selfplay.record import Record

ROOT = Path(__file__).parents[2]
CHANGES = [
    "rounds=5", "checkpoint_every=1", "keep_checkpoints=9", "evaluation.every=2", "options.num_matches=40",
    "options.warm_up_steps=4", "options.advantage=rae", "options.opponents={self: 1.0, past: 1.0}",
    "options.keep_every=1",
]  # fmt: skip


def train(folder: Path, *arguments: str) -> Record:
    config = ROOT / "configs" / "spiral" / "kuhn_poker.yaml"
    assert command.main(["--config", str(config), *CHANGES, "--run-dir", str(folder), *arguments]) == 0
    return Record.open(folder)


def content(record: Record, number: int) -> tuple[Any, ...]:
    found = record.read(number)
    metrics = {key: value for key, value in found.metrics.items() if key not in ("seconds", "peak_rss_mb")}
    return found.matches, metrics, found.state


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft, on transformers 5
@pytest.mark.parametrize(
    ("changes", "weights"), [((), "model.safetensors"), (("model.lora={rank: 2}",), "adapter_model.safetensors")]
)
def test_a_run_that_plays_resumes_to_the_bit(
    changes: tuple[str, ...], weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = train(tmp_path / "whole", *changes)
    summary = whole.summary()
    assert summary is not None
    assert {"exploitability", "exploitability_average"} <= summary["yardsticks"]["after"].keys()
    assert "exploitability_average" in capsys.readouterr().out
    assert "exploitability_average" in (whole.run_dir / "report.html").read_text()
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    Record.open(tmp_path / "cut").truncate(2)
    for number in (3, 4):
        shutil.rmtree(tmp_path / "cut" / "checkpoints" / f"{number:04d}")
    cut = train(tmp_path / "cut", "--resume", *changes)
    assert [content(cut, number) for number in range(5)] == [content(whole, number) for number in range(5)]
    assert (cut.model / weights).read_bytes() == (whole.model / weights).read_bytes()
    assert any(name.startswith("past-") for match in whole.read(4).matches for name in match.players)
