"""The wandb mirror, in wandb's offline mode."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

import pytest

from selfplay.mirror import MirrorError, WandbMirror, flatten


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("WANDB_DIR", raising=False)
    for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def written(run_dir: Path) -> bytes:
    """What wandb's files hold. Its service writes them from another process, so what is in them may come late."""
    due = time.monotonic() + 20.0
    while True:
        content = b"".join(path.read_bytes() for path in sorted(run_dir.glob("wandb/offline-run-*/*.wandb")))
        if len(content) > 1000 or time.monotonic() > due:
            return content
        time.sleep(0.1)


def test_an_offline_run_leaves_its_metrics_config_and_step_metric_under_the_run_folder(offline: Path) -> None:
    mirror = WandbMirror(offline, project="p", group="g", job_type="train", tags=["tag-of-it"], config={"depth": 12})
    mirror.log({"iteration": 0, "verdicts": {"correct": 3}})
    mirror.close()
    mirror.close()
    content = written(offline)
    for text in (b"verdicts/correct", b"iteration", b"tag-of-it", b"depth"):
        assert text in content


def test_a_resumed_run_goes_on_in_the_same_wandb_run(offline: Path) -> None:
    first = WandbMirror(offline, project="p")
    first.close()
    second = WandbMirror(offline, project="p")
    second.close()
    assert first.run_id == second.run_id
    assert {path.stem.removeprefix("run-") for path in offline.glob("wandb/offline-run-*/*.wandb")} == {first.run_id}


def test_a_missing_wandb_is_said_in_one_clear_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MirrorError, match="pip install wandb"):
        WandbMirror(tmp_path, project="p")


def test_flatten_keeps_numbers_under_their_path_and_leaves_texts_out() -> None:
    metrics = {"iteration": 3, "a": {"b": {"1": 0.5}, "note": "hostile"}, "counts": [7, None, 8], "flag": True}
    assert dict(flatten(metrics)) == {"iteration": 3, "a/b/1": 0.5, "counts/0": 7, "counts/2": 8, "flag": True}
