"""One round as Arrow tables, and back: `from_tables(to_tables(record), …)` equals `record`.

Six tables, each a Parquet file of the round's folder (rows refer to rows of other tables by position, from 0):

- `problems`: every distinct problem of the round, from proposals and episodes.
- `proposals`: transcript columns; `problem` (row of `problems`) or `reason` and `detail` of the rejection.
- `episodes`: `problem`, `proposal` (row of `proposals`, or null), `num_attempts`.
- `attempts`: `episode`, `problem_id`, transcript columns; the attempts of an episode are neighbours.
- `verdicts`: one row for each row of `attempts`: `status`, `extracted`, `detail`, `seconds`, `judged_by` ("" if a
  program decided; rounds that were written before there were judges lack the column, and are all verified).
- `rewards`: `of` ("proposal" or "attempt"), `row` in that table, `terms` (null: not rewarded), `total`.

A round that played games also has the tables of `match_tables`. How values cross, `columns` says.

This module touches no file and knows nothing of run folders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa

from selfplay import match_tables
from selfplay.columns import (
    escape,
    integers,
    lists,
    offsets,
    read_transcripts,
    slices,
    strings,
    table_columns,
    transcript_columns,
    tuples,
    unescape,
    values,
)
from selfplay.types import (
    Attempt,
    Episode,
    Match,
    Origin,
    Problem,
    Proposal,
    Rejection,
    Reward,
    Status,
    Verdict,
)

NAMES = ("problems", "proposals", "episodes", "attempts", "verdicts", "rewards")
OPTIONAL = match_tables.NAMES
"""Tables that a round without matches does not have."""

__all__ = ["NAMES", "OPTIONAL", "RoundRecord", "escape", "from_tables", "to_tables", "unescape"]


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """Everything one round leaves behind."""

    number: int
    """Counted from 0."""
    proposals: tuple[Proposal, ...]
    episodes: tuple[Episode, ...]
    """The problems that were attempted. An episode's proposal, if any, is one of `proposals`."""
    proposal_rewards: tuple[Reward | None, ...]
    """Parallel to `proposals`; None where nothing was rewarded (a FAULT)."""
    attempt_rewards: tuple[tuple[Reward | None, ...], ...]
    """Parallel to `episodes` and, within one, to its attempts."""
    metrics: Mapping[str, Any]
    """One line of metrics.jsonl: JSON values with string keys (tuples come back as lists)."""
    state: Mapping[str, Any]
    """The recipe's own small state to resume from: JSON values with string keys (tuples come back as lists)."""
    matches: tuple[Match, ...] = ()
    """The games that were played."""


def to_tables(record: RoundRecord) -> dict[str, pa.Table]:
    """The round as tables by name (`NAMES`, and `OPTIONAL` if it has matches), without its metrics and state.

    Raises ValueError where the rewards are not parallel to what they reward, or where an episode's proposal is not
    among the round's; OverflowError for an integer of more than 64 bits.
    """
    _check_parallel(record)
    problems, problem_rows = _distinct_problems(record)
    attempts = [attempt for episode in record.episodes for attempt in episode.attempts]
    num_attempts = [len(episode.attempts) for episode in record.episodes]
    columns = {
        "problems": _problem_columns(problems),
        "proposals": _proposal_columns(record.proposals, problem_rows),
        "episodes": {
            "problem": integers([problem_rows[id(episode.problem)] for episode in record.episodes]),
            "proposal": integers(_proposal_rows(record)),
            "num_attempts": integers(num_attempts),
        },
        "attempts": {
            "episode": integers(chain.from_iterable([row] * count for row, count in enumerate(num_attempts))),
            "problem_id": strings([attempt.problem_id for attempt in attempts]),
            **transcript_columns([attempt.transcript for attempt in attempts]),
        },
        "verdicts": _verdict_columns([attempt.verdict for attempt in attempts]),
        "rewards": _reward_columns(record.proposal_rewards, list(chain.from_iterable(record.attempt_rewards))),
    }
    tables = {name: pa.table(columns[name]) for name in NAMES}
    return tables | (match_tables.to_tables(record.matches) if record.matches else {})


def from_tables(
    tables: Mapping[str, pa.Table], number: int, metrics: Mapping[str, Any], state: Mapping[str, Any]
) -> RoundRecord:
    """The round that `to_tables` was given. Problems and proposals that were one object are one object again.

    Raises ValueError, KeyError or IndexError where the tables do not fit together.
    """
    column = {name: table_columns(tables[name]) for name in NAMES}
    problems = _read_problems(column["problems"])
    proposals = _read_proposals(column["proposals"], problems)
    verdicts = _read_verdicts(column["verdicts"])
    rewards = _read_rewards(column["rewards"])
    ids, transcripts = values(column["attempts"]["problem_id"]), read_transcripts(column["attempts"])
    if not len(ids) == len(verdicts) == len(rewards) - len(proposals):
        raise ValueError(f"{len(ids)} attempts, {len(verdicts)} verdicts, {len(rewards)} rewards do not fit together")
    attempts = [Attempt(*row) for row in zip(ids, transcripts, verdicts, strict=True)]
    episodes, attempt_rewards, start = [], [], 0
    names = ("problem", "proposal", "num_attempts")
    for problem, proposal, count in zip(*(values(column["episodes"][name]) for name in names), strict=True):
        end = start + count
        source = None if proposal is None else proposals[proposal]
        episodes.append(Episode(problems[problem], tuple(attempts[start:end]), source))
        attempt_rewards.append(tuple(rewards[len(proposals) + start : len(proposals) + end]))
        start = end
    if start != len(attempts):
        raise ValueError(f"the episodes have {start} attempts, but there are {len(attempts)}")
    return RoundRecord(
        number=number,
        proposals=tuple(proposals),
        episodes=tuple(episodes),
        proposal_rewards=tuple(rewards[: len(proposals)]),
        attempt_rewards=tuple(attempt_rewards),
        metrics=metrics,
        state=state,
        matches=match_tables.from_tables(tables) if match_tables.NAMES[0] in tables else (),
    )


def _check_parallel(record: RoundRecord) -> None:
    if len(record.proposal_rewards) != len(record.proposals):
        raise ValueError(
            f"proposal_rewards must have one entry a proposal (None if not rewarded): "
            f"got {len(record.proposal_rewards)} for {len(record.proposals)} proposals"
        )
    counts = [len(rewards) for rewards in record.attempt_rewards]
    expected = [len(episode.attempts) for episode in record.episodes]
    if counts != expected:
        raise ValueError(
            f"attempt_rewards must have one row an episode with one entry an attempt: "
            f"got {sum(counts)} in {len(counts)} rows for {sum(expected)} attempts of {len(expected)} episodes"
        )


def _distinct_problems(record: RoundRecord) -> tuple[list[Problem], dict[int, int]]:
    """Distinct problems in order of appearance, and the row of each problem object by its `id()`."""
    outcomes = (proposal.problem for proposal in record.proposals)
    problems = chain((p for p in outcomes if p is not None), (episode.problem for episode in record.episodes))
    rows: dict[Problem, int] = {}
    row_of_object: dict[int, int] = {}
    distinct: list[Problem] = []
    for problem in problems:
        if id(problem) in row_of_object:
            continue
        if problem not in rows:  # not by problem.id, which is silent about reference, origin, level and payload
            rows[problem] = len(distinct)
            distinct.append(problem)
        row_of_object[id(problem)] = rows[problem]
    return distinct, row_of_object


def _proposal_rows(record: RoundRecord) -> list[int | None]:
    """For each episode, the row of its proposal: the same object, or else the first equal one."""
    by_object = {id(proposal): row for row, proposal in enumerate(record.proposals)}
    rows: list[int | None] = []
    for number, episode in enumerate(record.episodes):
        row = by_object.get(id(episode.proposal))
        if row is None and episode.proposal is not None:
            if episode.proposal not in record.proposals:
                raise ValueError(
                    f"the proposal of episode {number} (problem {episode.problem.id}) is not among the round's "
                    f"proposals: put it there, or leave the episode's proposal None"
                )
            row = record.proposals.index(episode.proposal)
        rows.append(row)
    return rows


def _problem_columns(problems: Sequence[Problem]) -> dict[str, pa.Array]:
    payload_keys = strings([key for problem in problems for key in problem.payload])
    payload_values = strings([value for problem in problems for value in problem.payload.values()])
    parents = strings([parent for problem in problems for parent in problem.parents])
    return {
        "id": strings([problem.id for problem in problems]),
        "env": strings([problem.env for problem in problems]),
        "prompt": strings([problem.prompt for problem in problems]),
        "reference": strings([problem.reference for problem in problems]),
        "origin": strings([str(problem.origin) for problem in problems]),
        "level": integers([problem.level for problem in problems]),
        "parents": lists([len(problem.parents) for problem in problems], parents),
        "payload": pa.MapArray.from_arrays(
            offsets([len(problem.payload) for problem in problems]), payload_keys, payload_values
        ),
    }


def _read_problems(column: Mapping[str, pa.Array]) -> list[Problem]:
    payload = column["payload"]
    pairs = list(zip(values(payload.keys), values(payload.items), strict=True))
    names = ("id", "env", "prompt", "reference", "origin", "level")
    rows = zip(*(values(column[name]) for name in names), tuples(column["parents"]), slices(payload), strict=True)
    problems = []
    for id_, env, prompt, reference, origin, level, parents, (start, end) in rows:
        problem = Problem(env, prompt, reference, Origin(origin), level, parents, dict(pairs[start:end]))
        if problem.id != id_:
            raise ValueError(f"problem {id_} hashes to {problem.id}: its text is not the one that was written")
        problems.append(problem)
    return problems


def _proposal_columns(proposals: Sequence[Proposal], problem_rows: Mapping[int, int]) -> dict[str, pa.Array]:
    outcomes = [proposal.outcome for proposal in proposals]
    return {
        "problem": integers([problem_rows.get(id(outcome)) for outcome in outcomes]),
        "reason": strings([outcome.reason if isinstance(outcome, Rejection) else None for outcome in outcomes]),
        "detail": strings([outcome.detail if isinstance(outcome, Rejection) else None for outcome in outcomes]),
        **transcript_columns([proposal.transcript for proposal in proposals]),
    }


def _read_proposals(column: Mapping[str, pa.Array], problems: Sequence[Problem]) -> list[Proposal]:
    rows = zip(
        read_transcripts(column), *(values(column[name]) for name in ("problem", "reason", "detail")), strict=True
    )
    return [
        Proposal(transcript, Rejection(reason, detail) if problem is None else problems[problem])
        for transcript, problem, reason, detail in rows
    ]


def _verdict_columns(verdicts: Sequence[Verdict]) -> dict[str, pa.Array]:
    return {
        "status": strings([str(verdict.status) for verdict in verdicts]),
        "extracted": strings([verdict.extracted for verdict in verdicts]),
        "detail": strings([verdict.detail for verdict in verdicts]),
        "seconds": pa.array([verdict.seconds for verdict in verdicts], pa.float64()),
        "judged_by": strings([verdict.judged_by for verdict in verdicts]),
    }


def _read_verdicts(column: Mapping[str, pa.Array]) -> list[Verdict]:
    statuses = {str(status): status for status in Status}
    read = [values(column[name]) for name in ("status", "extracted", "detail", "seconds")]
    judges = values(column["judged_by"]) if "judged_by" in column else [""] * len(read[0])
    return [Verdict(statuses[status], *rest) for status, *rest in zip(*read, judges, strict=True)]


def _reward_columns(of_proposals: Sequence[Reward | None], of_attempts: Sequence[Reward | None]) -> dict[str, pa.Array]:
    rewards = [*of_proposals, *of_attempts]
    terms = [() if reward is None else reward.terms for reward in rewards]
    names, values = strings([name for row in terms for name, _ in row]), [value for row in terms for _, value in row]
    fields = pa.StructArray.from_arrays([names, pa.array(values, pa.float64())], names=["name", "value"])
    missing = pa.array([reward is None for reward in rewards], pa.bool_())
    return {
        "of": strings(["proposal"] * len(of_proposals) + ["attempt"] * len(of_attempts)),
        "row": integers([*range(len(of_proposals)), *range(len(of_attempts))]),
        "total": pa.array([None if reward is None else reward.total for reward in rewards], pa.float64()),
        "terms": pa.ListArray.from_arrays(offsets([len(row) for row in terms]), fields, mask=missing),
    }


def _read_rewards(column: Mapping[str, pa.Array]) -> list[Reward | None]:
    terms = column["terms"]
    pairs = list(zip(values(terms.values.field("name")), values(terms.values.field("value")), strict=True))
    rows = zip(slices(terms), values(terms.is_null()), strict=True)
    return [None if missing else Reward(tuple(pairs[start:end])) for (start, end), missing in rows]
