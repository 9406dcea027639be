"""The report, made from a run folder that was made up."""

from __future__ import annotations

import random
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy.stats import binomtest

from scripts import report_figures
from scripts.cli import run_main
from scripts.report import main, wilson, write_report
from scripts.report_html import MAX_SHOWN, escaped, shown
from selfplay.record import Record, RecordError, RoundRecord
from selfplay.types import Attempt, Episode, Message, Origin, Problem, Proposal, Reward, Status, Transcript, Verdict

HOSTILE = "</pre><script>alert(1)</script><img src=https://example.org/x onerror=y>&\ud83d\x00\u202eabc" + "long " * 500


def fake_run(run_dir: Path, num_rounds: int = 24, *, finished: bool = True, hostile: bool = False) -> Record:
    """A run of an instruction-program game whose solver climbs through the levels."""
    rng = random.Random(num_rounds)
    config = {"recipe": "expert_iteration", "env": "programs", "seed": 7, "rounds": num_rounds, "solver": {"k": 8}}
    record = Record.create(run_dir, config, {"seed": 7, "python": "3.11", "hardware": {"cpu": "a processor"}})
    for number in range(num_rounds):
        record.commit(fake_round(number, num_rounds, rng, hostile))
    if finished:
        record.write_summary(
            {
                "seed": 7,
                "recipe": "expert_iteration",
                "env": "programs",
                "rounds": num_rounds,
                "held_out": {
                    "before": {"programs": accuracies(0.0, rng)},
                    "after": {"programs": accuracies(1.0, rng)},
                    "num_problems": 200,
                },
                "seconds": {
                    "propose": 31.2,
                    "solve": 88.4,
                    "verify": 6.1,
                    "train": 120.9,
                    "evaluate": 22.0,
                    "rest": 1.2,
                },
                "tokens": {"propose": 210_000, "solve": 1_900_000, "train": 1_200_000, "evaluate": 400_000},
                "peak_rss_mb": 911,
                "wall_seconds": 269.8,
            }
        )
    return record


def accuracies(progress: float, rng: random.Random) -> dict[str, float]:
    return {
        str(level): round(min(1.0, max(0.0, 1.25 - level / (2.2 + 6 * progress) + rng.uniform(-0.04, 0.04))) * 200)
        / 200
        for level in range(1, 11)
    }


def fake_round(number: int, num_rounds: int, rng: random.Random, hostile: bool) -> RoundRecord:
    progress = (number + 1) / num_rounds
    levels = [max(1, min(10, round(rng.gauss(2 + 5 * progress, 1.3)))) for _ in range(200)]
    proposals, episodes = [], []
    for index in range(6):
        level = levels[index]
        text = HOSTILE if hostile else " ; ".join(f"push {rng.randrange(10)} ; add" for _ in range(level))
        problem = Problem("programs", f"{text} # {number}.{index}", str(rng.randrange(100)), Origin.EXECUTED, level)
        proposals.append(Proposal(transcript(text), problem))
        attempts = [
            Attempt(problem.id, transcript(HOSTILE if hostile else f"step by step\nanswer {n}"), Verdict(status))
            for n, status in enumerate(rng.choices([Status.CORRECT, Status.WRONG], k=4))
        ]
        episodes.append(Episode(problem, tuple(attempts), proposals[-1]))
    metrics: dict[str, Any] = {
        "iteration": number,
        "proposals": 384,
        "valid": 0.4 + 0.5 * progress,
        "rejections": {"grammar": 90 - 3 * number % 80, "held_out": 3, "duplicate": 20 + number},
        "mean_level_proposed": sum(levels) / len(levels),
        "levels_proposed": {str(level): levels.count(level) for level in sorted(set(levels))},
        "solve_rate_histogram": [rng.randrange(10, 60) + (40 if n in (0, 8) else 0) for n in range(9)],
        "verdicts": {"correct": 600 + 20 * number, "wrong": 500 - 10 * number, "malformed": 40, "timeout": 9},
        "seconds": {"propose": 1.0, "solve": 3.0, "train": 5.0},
        "tokens": {"propose": 1000, "solve": 2000},
        "peak_rss_mb": 900,
    }
    if number % 4 == 3:
        metrics["held_out"] = {"programs": accuracies(progress, rng)}
    return RoundRecord(
        number=number,
        proposals=tuple(proposals),
        episodes=tuple(episodes),
        proposal_rewards=tuple(Reward((("valid", 1.0),)) for _ in proposals),
        attempt_rewards=tuple(tuple(Reward((("correct", 1.0),)) for _ in episode.attempts) for episode in episodes),
        metrics=metrics,
        state={},
    )


def transcript(text: str) -> Transcript:
    return Transcript("solver", (Message("user", "q"), Message("assistant", text)), (1,), (True,), (0.0,), 0, 0, True)


class Reader(HTMLParser):
    """Collects what a browser would find: elements with their attributes, and text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def test_a_finished_run_has_every_section_and_figure(tmp_path: Path) -> None:
    record = fake_run(tmp_path / "run", 6)
    path = write_report(record.run_dir)
    assert path == record.run_dir / "report.html"
    page = Reader(path)
    for title in (
        "expert_iteration on programs",
        "Held-out accuracy, before → after",
        "Held-out accuracy over rounds",
        "Level of the proposed problems",
        "Verdicts",
        "Where the time went",
        "Sample problems",
        "resolved configuration",
        "0:04:30",
        "3,710,000",
        "911 MB",
    ):
        assert title in page.text
    assert [attributes["aria-label"] for tag, attributes in page.elements if tag == "svg"] == [
        "Held-out accuracy by level over rounds",
        "Level of the proposed problems over rounds",
        "Histograms of solve rates",
        "Verdicts over rounds",
        "Seconds by phase",
    ]
    assert "step by step" in page.text
    assert "recipe: expert_iteration" in page.text


def test_undecided_and_fault_are_named_also_when_there_were_none(tmp_path: Path) -> None:
    text = Reader(write_report(fake_run(tmp_path / "run", 3).run_dir)).text
    assert re.search(r"UNDECIDED\s+0\b", text)
    assert re.search(r"FAULT\s+0\b", text)


def test_the_page_loads_nothing_and_runs_nothing_even_with_hostile_texts(tmp_path: Path) -> None:
    path = write_report(fake_run(tmp_path / "run", 3, hostile=True).run_dir)
    page = Reader(path)
    assert {tag for tag, _ in page.elements} & {"script", "link", "iframe", "object", "embed", "base"} == set()
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "data"):
            value = attributes.get(name) or ""
            assert value == "" or value.startswith(("#", "data:image/png;base64,")), (tag, name, value)
    assert "url(http" not in path.read_text(encoding="utf-8")
    assert "</pre><script>alert(1)</script>" in page.text  # there, as text
    assert "⟨U+D83D⟩⟨U+0000⟩⟨U+202E⟩abc" in page.text


def test_the_change_is_coloured_where_the_intervals_are_apart_only(tmp_path: Path) -> None:
    record = fake_run(tmp_path / "run", 1, finished=False)
    before, after = {"1": 0.5, "2": 0.5, "3": 0.9}, {"1": 0.52, "2": 0.9, "3": 0.1, "4": 0.3}
    held_out = {"before": {"programs": before}, "after": {"programs": after}, "num_problems": 200}
    record.write_summary({"held_out": held_out})
    source = write_report(record.run_dir).read_text(encoding="utf-8")
    assert "<span class=''>+2.0 pp</span>" in source
    assert "<span class='up'>+40.0 pp</span>" in source
    assert "<span class='down'>-80.0 pp</span>" in source
    assert "43.1 – 56.9" in source  # noqa: RUF001


@given(st.integers(1, 500).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_the_interval_is_wilsons(case: tuple[int, int]) -> None:
    correct, count = case
    expected = binomtest(correct, count).proportion_ci(0.95, method="wilson")
    assert wilson(correct / count, count) == pytest.approx((expected.low, expected.high), abs=1e-9)


KEYS = tuple(fake_round(3, 4, random.Random(0), False).metrics)


@pytest.mark.parametrize("absent", [*KEYS, "all"])
@pytest.mark.parametrize("instead", ["missing", None, "text"])
def test_any_metric_may_be_missing_or_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: str, instead: str | None
) -> None:
    if instead != "missing" and absent != "all":  # figures are made then too, and not drawn: that takes the most time
        monkeypatch.setattr(Figure, "savefig", lambda figure, buffer, **options: buffer.write("<svg></svg>"))
    record = Record.create(tmp_path / "run", {}, {})
    for number in (3, 7):
        good = fake_round(number, 8, random.Random(number), False)
        gone = KEYS if absent == "all" else (absent,)
        kept = {name: value for name, value in good.metrics.items() if name not in gone}
        metrics = kept if instead == "missing" else {**kept, **dict.fromkeys(gone, instead)}
        record.commit(
            RoundRecord(number, good.proposals, good.episodes, good.proposal_rewards, good.attempt_rewards, metrics, {})
        )
    page = Reader(write_report(record.run_dir))
    assert page.count("article") == 4
    assert "nan" not in page.text


def test_a_run_without_rounds_or_summary_still_has_a_report_that_says_so(tmp_path: Path) -> None:
    page = Reader(write_report(fake_run(tmp_path / "run", 0, finished=False).run_dir))
    assert "No summary.json" in page.text
    assert page.count("svg") == 0


def test_an_unfinished_run_shows_its_last_held_out_accuracy(tmp_path: Path) -> None:
    record = fake_run(tmp_path / "run", 6, finished=False)
    page = Reader(write_report(record.run_dir))
    assert "before → after" in page.text
    last = record.metrics()[3]["held_out"]["programs"]["5"]
    assert f"{last:.1%}" in page.text


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    record = fake_run(tmp_path / "run", 4)
    assert write_report(record.run_dir).read_bytes() == write_report(record.run_dir).read_bytes()


def test_a_long_run_has_a_report_of_bounded_size_and_time(tmp_path: Path) -> None:
    record = fake_run(tmp_path / "run", 60)
    start = time.process_time()
    path = write_report(record.run_dir)
    assert time.process_time() - start < 3
    assert path.stat().st_size < 1_500_000


def test_a_long_text_is_cut_and_says_how_much_is_missing() -> None:
    assert shown("x" * (MAX_SHOWN + 7)).startswith("x" * MAX_SHOWN + "<span")
    assert "7 more characters" in shown("x" * (MAX_SHOWN + 7))
    assert shown("x" * MAX_SHOWN) == "x" * MAX_SHOWN
    assert "(empty)" in shown("")


@given(st.text(st.characters()))
def test_escaped_text_is_utf_8_without_markup_or_invisible_characters(text: str) -> None:
    safe = escaped(text)
    safe.encode()
    assert not set(safe) & set("<>\"'")
    assert not set(safe) & {"\x00", "\u202e", "\u200b", "\x1b"}


def test_figures_of_a_single_round_or_empty_counts_do_not_fail() -> None:
    assert "<svg" in report_figures.proposed_levels([0], [2.0], {2: [5.0]})
    assert "<svg" in report_figures.proposed_levels([0], [float("nan")], {})
    assert "<svg" in report_figures.verdict_counts([0], {"correct": [0.0]})
    assert "<svg" in report_figures.phase_bars({"rest": 0.0})
    assert "<svg" in report_figures.heat_map(np.array([[np.nan]]), ["1"], ["0"])


def test_the_command_prints_where_the_report_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = fake_run(tmp_path / "run", 1)
    assert main([str(record.run_dir)]) == 0
    assert capsys.readouterr().out == f"{record.run_dir / 'report.html'}\n"


def exit_code(run_dir: Path) -> object:
    with pytest.raises(SystemExit) as ended:
        run_main(main, [str(run_dir)], resumable=False)
    return ended.value.code


def test_a_missing_or_damaged_folder_is_one_message_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(tmp_path / "absent") == 2
    assert "not a run folder" in capsys.readouterr().err
    record = fake_run(tmp_path / "run", 2)
    (record.rounds / "0001" / "attempts.parquet").write_bytes(b"PAR1 not really")
    assert exit_code(record.run_dir) == 2
    message = capsys.readouterr().err
    assert "attempts.parquet cannot be read" in message
    assert message.count("\n") == 1
    assert not (record.run_dir / "report.html").exists()
    (record.run_dir / "summary.json").write_text("[]")
    with pytest.raises(RecordError, match=r"summary\.json must hold a JSON object"):
        write_report(record.run_dir)
