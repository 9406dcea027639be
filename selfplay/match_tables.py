"""The matches of one round as Arrow tables, and back. Only rounds that played games have them.

- `matches`: `game`, `players` (names by seat), `ending`, `returns` (by seat), `seed`, `num_turns`.
- `turns`: `seat`, `situation`, `reading`, `move`, `played`, `num_legal`, `written` (whether a policy wrote the
  transcript), and transcript columns, empty where none did; the turns of a match are neighbours, in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from selfplay.columns import (
    integers,
    lists,
    number_lists,
    read_transcripts,
    strings,
    table_columns,
    transcript_columns,
    tuples,
    values,
)
from selfplay.types import Ending, Match, Reading, Transcript, Turn

NAMES = ("matches", "turns")
_NOTHING = Transcript("", (), (), (), (), -1, 0, True)
"""Stands in the columns for the transcript of an opponent that wrote none."""


def to_tables(matches: Sequence[Match]) -> dict[str, pa.Table]:
    """The matches as tables by name (`NAMES`). Raises OverflowError for an integer of more than 64 bits."""
    turns = [turn for match in matches for turn in match.turns]
    return {
        "matches": pa.table(
            {
                "game": strings([match.game for match in matches]),
                "players": lists(
                    [len(match.players) for match in matches], strings([name for m in matches for name in m.players])
                ),
                "ending": strings([str(match.ending) for match in matches]),
                "returns": number_lists([match.returns for match in matches], np.float64),
                "seed": integers([match.seed for match in matches]),
                "num_turns": integers([len(match.turns) for match in matches]),
            }
        ),
        "turns": pa.table(
            {
                "seat": integers([turn.seat for turn in turns]),
                "situation": strings([turn.situation for turn in turns]),
                "reading": strings([str(turn.reading) for turn in turns]),
                "move": strings([turn.move for turn in turns]),
                "played": strings([turn.played for turn in turns]),
                "num_legal": integers([turn.num_legal for turn in turns]),
                "written": pa.array([turn.transcript is not None for turn in turns], pa.bool_()),
                **transcript_columns([turn.transcript or _NOTHING for turn in turns]),
            }
        ),
    }


def from_tables(tables: Mapping[str, pa.Table]) -> tuple[Match, ...]:
    """The matches that `to_tables` was given. Raises ValueError or KeyError where the tables do not fit together."""
    of_matches, of_turns = (table_columns(tables[name]) for name in NAMES)
    names = ("seat", "situation", "reading", "move", "played", "num_legal", "written")
    rows = zip(*(values(of_turns[name]) for name in names), read_transcripts(of_turns), strict=True)
    turns = [
        Turn(seat, situation, transcript if written else None, Reading(reading), move, played, num_legal)
        for seat, situation, reading, move, played, num_legal, written, transcript in rows
    ]
    matches, start = [], 0
    columns = (
        values(of_matches["game"]),
        tuples(of_matches["players"]),
        values(of_matches["ending"]),
        tuples(of_matches["returns"]),
        values(of_matches["seed"]),
        values(of_matches["num_turns"]),
    )
    for game, players, ending, returns, seed, count in zip(*columns, strict=True):
        own = tuple(turns[start : start + count])
        start += count
        matches.append(Match(game, players, own, Ending(ending), returns, seed))
    if start != len(turns):
        raise ValueError(f"the matches have {start} turns, but there are {len(turns)}")
    return tuple(matches)
