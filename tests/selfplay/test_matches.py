"""Matches: batched, each as if it were played alone; what bad moves cost, when a match is cut off, what is recorded."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from games import HigherNumber, State

from selfplay.match_tables import from_tables, to_tables
from selfplay.play import Player, Rules, describe_matches, play, random_turns
from selfplay.tabular import TabularPolicy
from selfplay.types import Ending, Match, Reading, Request, Sampling, Transcript

GAME = HigherNumber()
SAMPLING = Sampling(1.0, 1.0, 4)
SPIRALS = Rules()


def always(reply: str) -> TabularPolicy:
    return TabularPolicy([reply])


def highest(game: HigherNumber, state: State, rng: random.Random) -> str:
    return "3"


def play_one(first: str, second: str, rules: Rules = SPIRALS) -> Match:
    return play(GAME, [["a", "b"]], {"a": always(first), "b": always(second)}, 0, SAMPLING, rules)[0]


def test_a_match_ends_by_the_rules_and_pays_what_the_game_says() -> None:
    played = play_one("2", "1")
    assert (played.ending, played.returns) == (Ending.FINISHED, (1.0, -1.0))
    assert [(turn.seat, turn.move, turn.played, turn.reading, turn.num_legal) for turn in played.turns] == [
        (0, "2", "2", Reading.LEGAL, 3),
        (1, "1", "1", Reading.LEGAL, 3),
    ]


def test_each_turn_is_a_transcript_of_its_seat_from_its_own_observation() -> None:
    first, second = (turn.transcript for turn in play_one("2", "1").turns)
    assert first is not None
    assert second is not None
    assert (first.role, first.messages[0].text, first.completion) == ("first", "first turn 0:", "2")
    assert (second.role, len(second.messages), second.messages[0].text) == ("second", 2, "second turn 1:")


@pytest.mark.parametrize(("reply", "reading"), [("pass", Reading.ILLEGAL), ("what?", Reading.UNREADABLE)])
def test_a_bad_move_forfeits_the_match_as_in_spiral(reply: str, reading: Reading) -> None:
    by_first = play_one(reply, "1")
    assert (by_first.ending, by_first.returns, len(by_first.turns)) == (Ending.FORFEITED, (-1.5, 0.5), 1)
    assert (by_first.turns[0].reading, by_first.turns[0].played) == (reading, None)
    assert play_one("1", reply).returns == (0.5, -1.5)


def test_what_a_bad_move_costs_can_be_said() -> None:
    assert play_one("pass", "1", Rules(mover_return=-2.0, other_return=0.0)).returns == (-2.0, 0.0)


def test_under_the_other_rule_a_random_legal_move_is_made_in_its_place() -> None:
    matches = play(
        GAME, [["a", "b"]] * 60, {"a": always("pass"), "b": always("2")}, 0, SAMPLING, Rules(bad_move="random")
    )
    assert {match.turns[0].played for match in matches} == {"1", "2", "3"}
    assert all(match.turns[0].move == "pass" and match.ending is Ending.FINISHED for match in matches)
    assert describe_matches(GAME, matches)["readings"] == {"legal": 60, "illegal": 60, "unreadable": 0}


class Unfinished:
    """A policy whose replies never end."""

    version = 0

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Transcript]:
        return [replace(one, stopped=False) for one in always("2").generate(requests, sampling)]


def test_a_reply_that_did_not_end_is_unreadable_whatever_it_says() -> None:
    played = play(GAME, [["a", "a"]], {"a": Unfinished()}, 0, SAMPLING)[0]  # type: ignore[dict-item]
    assert (played.turns[0].reading, played.turns[0].move, played.ending) == (
        Reading.UNREADABLE, None, Ending.FORFEITED,
    )  # fmt: skip


def test_a_match_that_reaches_the_limit_of_turns_is_a_draw() -> None:
    long = HigherNumber(num_calls=50)
    played = play(long, [["a", "b"]], {"a": always("3"), "b": always("1")}, 0, SAMPLING, Rules(max_turns=7))[0]
    assert (played.ending, played.returns, len(played.turns)) == (Ending.TRUNCATED, (0.0, 0.0), 7)


def test_an_opponent_that_is_no_policy_writes_no_transcript() -> None:
    played = play(GAME, [["a", "top"]], {"a": always("2"), "top": highest}, 0, SAMPLING)[0]
    assert (played.returns, played.players) == ((-1.0, 1.0), ("a", "top"))
    assert (played.turns[1].transcript, played.turns[1].played) == (None, "3")


def test_a_match_does_not_depend_on_what_it_is_batched_with() -> None:
    policy = TabularPolicy(["1", "2", "3", "pass", "?"])
    players: dict[str, Player] = {"a": policy, "top": highest}
    line_ups = [["a", "a"], ["a", "top"], ["top", "a"]] * 5
    together = play(GAME, line_ups, players, 3, SAMPLING)
    assert together == play(GAME, line_ups, players, 3, SAMPLING)
    assert together[:4] == play(GAME, line_ups[:4], players, 3, SAMPLING)
    assert together != play(GAME, line_ups, players, 4, SAMPLING)


def test_a_line_up_that_does_not_fit_is_refused_before_anything_is_played() -> None:
    for line_up in (["a"], ["a", "nobody"]):
        with pytest.raises(ValueError, match="names a player for each of first, second"):
            play(GAME, [line_up], {"a": always("1")}, 0, SAMPLING)


def test_matches_survive_their_tables_exactly() -> None:
    policy = TabularPolicy(["1", "2", "pass", "?"])
    matches = play(GAME, [["a", "a"], ["top", "a"]] * 20, {"a": policy, "top": highest}, 0, SAMPLING)
    assert {match.ending for match in matches} == {Ending.FINISHED, Ending.FORFEITED}
    assert from_tables(to_tables(matches)) == tuple(matches)


def test_turns_that_belong_to_no_match_are_refused() -> None:
    tables = to_tables([play_one("1", "2")])
    with pytest.raises(ValueError, match="the matches have 2 turns, but there are 1"):
        from_tables({**tables, "turns": tables["turns"].slice(0, 1)})


def test_counts_of_a_round_name_every_way_to_end() -> None:
    found = describe_matches(GAME, [play_one("2", "1"), play_one("pass", "1"), play_one("1", "1")])
    assert found["num_matches"] == 3
    assert found["endings"] == {"finished": 2, "forfeited": 1, "truncated": 0}
    assert found["returns"] == {"first": pytest.approx(-1 / 6), "second": pytest.approx(-1 / 6)}
    assert (found["turns"], found["written"], found["bad_moves"]) == (5, 5, pytest.approx(0.2))


def test_random_turns_are_legal_and_as_many_as_asked() -> None:
    turns = random_turns(GAME, 31, 0)
    assert len(turns) == 31
    assert {reply for _, _, reply in turns} == {"1", "2", "3"}
    assert [seat for seat, _, _ in turns[:4]] == ["first", "second", "first", "second"]
    assert turns[:10] == random_turns(GAME, 10, 0)
