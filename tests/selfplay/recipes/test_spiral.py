"""SPIRAL on tabular parts: it plays, credits, remembers past selves, resumes exactly, and learns."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from builders import StoppedError, metrics_without_clock
from test_every_recipe import StopAt

from envs.games import make_game
from envs.games.exploitability import average_policy, exploitability, information_sets
from envs.games.opponents import make_opponent
from scripts.checks import check
from selfplay.config import EvaluationConfig
from selfplay.config_file import load_config
from selfplay.errors import ConfigError, FieldError
from selfplay.game_lab import GameLab
from selfplay.recipes import spiral
from selfplay.recipes.spiral import Config
from selfplay.tabular import tabular_lab
from selfplay.yardsticks import ExactYardstick

ROOT = Path(__file__).parents[3]
KUHN: Any = make_game("kuhn_poker")
MOVES = ["check", "bet", "fold", "call", "junk"]
SMALL = {"num_matches": 12, "keep_every": 1, "num_past": 2}


def lab_at(folder: Path, **changes: Any) -> GameLab:
    opponents = {name: make_opponent(name, KUHN) for name in ("random", "nash")}
    yardstick = ExactYardstick(KUHN, information_sets(KUHN), exploitability, average_policy)
    return tabular_lab(folder, KUHN, MOVES, opponents, yardstick, **changes)


def play(folder: Path, options: dict[str, Any] | None = None, **changes: Any) -> GameLab:
    lab = lab_at(folder, **changes)
    lab.resume()
    spiral.run(lab, Config(**{**SMALL, **(options or {})}))
    return lab


def rounds(lab: GameLab) -> list[Any]:
    return [(one.matches, metrics_without_clock(one.metrics), one.state) for one in lab.past()]


MIXED = {"opponents": {"self": 1.0, "past": 2.0, "random": 1.0}}


def test_every_round_records_its_matches_returns_and_bad_moves(tmp_path: Path) -> None:
    records = list(play(tmp_path / "run").past())
    assert [len(record.matches) for record in records] == [12, 12, 12]
    for record in records:
        games = record.metrics["games"]
        assert games["num_matches"] == 12
        assert sum(games["readings"].values()) == games["written"] == sum(len(one.turns) for one in record.matches)
        assert games["endings"]["forfeited"] == sum(one.returns in ((-1.5, 0.5), (0.5, -1.5)) for one in record.matches)
        assert record.metrics["tokens"]["play"] > 0
        assert {"exploitability", "exploitability_average"} <= record.metrics["yardsticks"].keys()
        assert record.metrics["held_out"] == {}


def test_a_run_is_the_same_twice_and_another_seed_is_another_run(tmp_path: Path) -> None:
    first = rounds(play(tmp_path / "a", MIXED))
    assert first == rounds(play(tmp_path / "b", MIXED))
    assert first != rounds(play(tmp_path / "c", MIXED, seed=1))


@pytest.mark.parametrize("stop", range(0, 30, 3))
def test_a_run_that_was_stopped_resumes_as_if_it_had_not_been(tmp_path: Path, stop: int) -> None:
    whole = rounds(play(tmp_path / "whole", MIXED, rounds=4))
    with contextlib.suppress(StoppedError):
        play(tmp_path / "run", MIXED, rounds=4, watchers=[StopAt(stop)])
    assert rounds(play(tmp_path / "run", MIXED, rounds=4)) == whole


def test_baselines_are_one_a_seat_and_in_the_state(tmp_path: Path) -> None:
    state = list(play(tmp_path / "run").past())[-1].state
    assert state["baselines"].keys() == {"kuhn_poker/0", "kuhn_poker/1"}
    assert all(value != 0.0 for value in state["baselines"].values())


def test_past_selves_are_kept_forgotten_and_played_against(tmp_path: Path) -> None:
    lab = play(tmp_path / "run", {"opponents": {"past": 1.0}}, rounds=4)
    players = [{name for match in record.matches for name in match.players} for record in lab.past()]
    assert players == [{"self"}, {"self", "past-0"}, {"self", "past-0", "past-1"}, {"self", "past-1", "past-2"}]
    versions = {
        (match.players[turn.seat], turn.transcript.policy_version)
        for match in list(lab.past())[3].matches
        for turn in match.turns
        if turn.transcript is not None
    }
    assert versions == {("self", 3), ("past-1", 1), ("past-2", 2)}


def test_against_another_the_policy_takes_both_seats_and_only_its_turns_are_trained_on(tmp_path: Path) -> None:
    lab = play(tmp_path / "run", {"opponents": {"nash": 1.0}}, rounds=1)
    (record,) = lab.past()
    assert [match.players.index("self") for match in record.matches] == [0, 1] * 6
    trained = sum(
        len(turn.transcript.token_ids)
        for match in record.matches
        for turn in match.turns
        if turn.transcript is not None
    )
    assert record.metrics["tokens"]["train"] == trained


@pytest.mark.parametrize("advantage", ["rae", "observation", "situation", "none"])
def test_every_baseline_runs_merged_or_not(tmp_path: Path, advantage: str) -> None:
    for merge in (False, True):
        options = {"advantage": advantage, "merge": merge, "regularisation": (0.2, 0.1)}
        records = list(play(tmp_path / f"run{merge}", options).past())
        assert [record.metrics["regularisation"] for record in records] == pytest.approx(
            [0.2, 0.2 * 0.5 ** (1 / 3), 0.2 * 0.5 ** (2 / 3)]
        )


def test_merging_turns_changes_what_is_trained_on_and_not_what_is_learned(tmp_path: Path) -> None:
    plain, merged = (play(tmp_path / str(merge), {"merge": merge}, rounds=1) for merge in (False, True))
    tokens = [next(lab.past()).metrics["tokens"]["train"] for lab in (plain, merged)]
    assert tokens[1] < tokens[0]
    learned: list[Any] = [lab.policy for lab in (plain, merged)]
    assert learned[0].preferences.keys() == learned[1].preferences.keys()
    for text, row in learned[0].preferences.items():
        assert learned[1].preferences[text] == pytest.approx(row)


def test_a_warm_up_teaches_legal_replies_and_counts_its_tokens(tmp_path: Path) -> None:
    cold = next(play(tmp_path / "cold", rounds=1, rate=30.0).past()).metrics
    warm = next(play(tmp_path / "warm", {"warm_up_steps": 20}, rounds=1, rate=30.0).past()).metrics
    assert warm["games"]["bad_moves"] < cold["games"]["bad_moves"]
    assert warm["tokens"]["train"] > cold["tokens"]["train"] + 20 * 32


def test_self_play_learns_kuhn_poker_in_a_table(tmp_path: Path) -> None:
    options = {"num_matches": 150, "advantage": "situation", "regularisation": (0.2, 0.1), "warm_up_steps": 20}
    lab = play(tmp_path / "run", options, rounds=40, rate=30.0, evaluation=EvaluationConfig(every=5))
    measured = [record["yardsticks"] for record in lab.record.metrics() if "yardsticks" in record]
    assert measured[-1]["exploitability_average"] < 0.15  # uniform play has 0.458


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"opponents": {"self": 0.0}}, "expected shares of which one is more than 0"),
        ({"regularisation": (0.1, 0.0)}, "expected none or both"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError, match=message):
        Config(**options)


def test_an_opponent_that_the_game_does_not_know_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="got 'minmax', expected an opponent; one of self, past, random, nash"):
        play(tmp_path / "run", {"opponents": {"minmax": 1.0}})


@pytest.mark.parametrize(
    ("game", "named", "said"),
    [
        ("kuhn_poker", "nsh", "got 'nsh', expected opponents in kuhn_poker; did you mean nash?"),
        ("tic_tac_toe", "nash", "one of self, past, random, minimax"),
    ],
)
def test_a_configuration_with_an_opponent_that_does_not_fit_is_refused_before_anything_starts(
    game: str, named: str, said: str
) -> None:
    config = load_config(ROOT / "configs" / "spiral" / f"{game}.yaml", [f"options.opponents={{{named}: 1.0}}"])
    with pytest.raises(ConfigError, match=said):
        check(config)
