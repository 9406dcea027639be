"""The page of the games' benchmark says what its numbers say."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.games import RESULTS, STUDIES, jobs, main, page
from benchmarks.quickstart import HERE, result
from selfplay.config_file import load_config

ROOT = HERE.parent


def summary(seed: int, value: float, cpu: float = 40.0) -> dict[str, Any]:
    after = {"exploitability_average": value, "exploitability": 0.1, "other_replies": 0.01}
    return {
        "seed": seed, "rounds": 260, "cpu_seconds": cpu, "wall_seconds": 100.0, "yardsticks": {"after": after},
    }  # fmt: skip


def test_what_is_promised_is_counted_seed_by_seed() -> None:
    runs = [summary(0, 0.03), summary(1, 0.0501), summary(2, 0.05, cpu=60.5)]
    text = page({"kuhn": {"self-play": runs, "no baseline": [summary(0, 0.2), summary(1, 0.3)]}})
    assert "| exploitability_average ≤ 0.05 | 2 of 3 |" in text
    assert "| at most 60 CPU seconds | 2 of 3 |" in text
    assert "| 1 | 260 | 40 | 100 | 0.0501 | 0.1000 | 0.0100 |" in text
    assert "| no baseline | `options.advantage=none` | 2 | 0.200, 0.300 | 0.250 |" in text
    assert "Tic-tac-toe, " not in text


@pytest.mark.parametrize("name", STUDIES)
def test_every_variant_is_a_configuration_that_can_be_read(name: str) -> None:
    for variant, planned in jobs(name, STUDIES[name], 1, 1).items():
        (job,) = planned
        plain, changed = load_config(ROOT / job.config), load_config(ROOT / job.config, list(job.overrides))
        assert (plain == changed) == (variant == "self-play")


def test_the_page_was_written_from_the_kept_results(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    written = (HERE / "games.md").read_text(encoding="utf-8")
    found = {
        name: {
            variant: runs
            for variant, planned in jobs(name, study, study.seeds, 5).items()
            if (runs := [one for job in planned if (one := result(job, tmp_path, RESULTS))])
        }
        for name, study in STUDIES.items()
    }
    expected = [line for line in page(found).splitlines() if line.startswith("|")]
    assert [line for line in written.splitlines() if line.startswith("|")] == expected


def test_without_results_nothing_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr("benchmarks.games.RESULTS", tmp_path)
    assert main(["--page-only"]) == 2
