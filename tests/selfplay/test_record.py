"""The run folder: what is committed is read back equal, and a round is there whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfplay import provenance
from selfplay.record import Record, RecordError, RoundRecord, write_atomically
from selfplay.tables import NAMES, escape, from_tables, to_tables, unescape
from selfplay.types import (
    Attempt,
    Episode,
    Message,
    Origin,
    Problem,
    Proposal,
    Rejection,
    Reward,
    Status,
    Transcript,
    Verdict,
)

# Any string Python can hold: lone surrogates, NUL, and the code point that marks an escape.
TEXTS = st.text(st.characters(), max_size=8) | st.sampled_from(
    ["", "\ud83d\ude00", "\udfff", "\U0010ffff00d800", "\U0010ffff", "a\x00b\r\n\u2028", "😀"]
)
FLOATS = st.floats(allow_nan=False)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
JSON = st.dictionaries(
    TEXTS,
    st.recursive(
        st.none() | st.booleans() | INTEGERS | FLOATS | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=3,
)


def tuples(values: st.SearchStrategy[Any], max_size: int = 4) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=max_size).map(tuple)


TRANSCRIPTS = st.builds(
    Transcript,
    role=TEXTS,
    messages=tuples(st.builds(Message, TEXTS, TEXTS)),
    token_ids=tuples(INTEGERS),
    sampled=tuples(st.booleans()),
    logprobs=tuples(FLOATS),
    policy_version=INTEGERS,
    seed=INTEGERS,
    stopped=st.booleans(),
)
PROBLEMS = st.builds(
    Problem,
    env=TEXTS,
    prompt=TEXTS,
    reference=TEXTS,
    origin=st.sampled_from(Origin),
    level=INTEGERS,
    parents=tuples(TEXTS),
    payload=st.dictionaries(TEXTS, TEXTS, max_size=2),
)
VERDICTS = st.builds(Verdict, st.sampled_from(Status), st.none() | TEXTS, TEXTS, FLOATS, TEXTS)
REWARDS = st.none() | st.builds(Reward, tuples(st.tuples(TEXTS, FLOATS), 3))


@st.composite
def records(draw: st.DrawFn) -> RoundRecord:
    rejections = st.builds(Rejection, TEXTS, TEXTS)
    proposals = draw(tuples(st.builds(Proposal, TRANSCRIPTS, PROBLEMS | rejections)))
    made = [proposal for proposal in proposals if proposal.problem is not None]
    episodes = []
    for _ in range(draw(st.integers(0, 3))):
        source = draw(st.sampled_from(made)) if made and draw(st.booleans()) else None
        problem = source.problem if source is not None and source.problem is not None else draw(PROBLEMS)
        episodes.append(Episode(problem, draw(tuples(st.builds(Attempt, TEXTS, TRANSCRIPTS, VERDICTS), 3)), source))
    return RoundRecord(
        number=draw(st.integers(0, 20000)),
        proposals=proposals,
        episodes=tuple(episodes),
        proposal_rewards=tuple(draw(REWARDS) for _ in proposals),
        attempt_rewards=tuple(tuple(draw(REWARDS) for _ in episode.attempts) for episode in episodes),
        metrics=draw(JSON),
        state=draw(JSON),
    )


def transcript(num_tokens: int = 3, text: str = "the answer is 7") -> Transcript:
    return Transcript(
        role="solver",
        messages=(Message("user", "what is 3 + 4?"), Message("assistant", text)),
        token_ids=tuple(range(num_tokens)),
        sampled=(False,) + (True,) * (num_tokens - 1),
        logprobs=tuple(-0.1 * token for token in range(num_tokens - 1)),
        policy_version=3,
        seed=2**62 + 1,
        stopped=True,
    )


def a_round(number: int, num_proposals: int = 4, attempts_each: int = 2, num_tokens: int = 3) -> RoundRecord:
    """Half of the proposals are problems; each was attempted."""
    proposals = tuple(
        Proposal(
            transcript(num_tokens),
            Rejection("grammar", "no program")
            if index % 2
            else Problem("programs", f"push {number} {index}", "7", Origin.EXECUTED, 2, ("ab",), {"key": "value"}),
        )
        for index in range(num_proposals)
    )
    episodes = tuple(
        Episode(
            proposal.problem,
            tuple(
                Attempt(proposal.problem.id, transcript(num_tokens), Verdict(Status.CORRECT, "7", "", 0.01))
                for _ in range(attempts_each)
            ),
            proposal,
        )
        for proposal in proposals
        if proposal.problem is not None
    )
    return RoundRecord(
        number=number,
        proposals=proposals,
        episodes=episodes,
        proposal_rewards=(None, *(Reward((("valid", 1.0),)) for _ in proposals[1:])),
        attempt_rewards=tuple(tuple(Reward((("correct", 1.0),)) for _ in episode.attempts) for episode in episodes),
        metrics={"iteration": number, "valid": 0.5},
        state={"pool": [episode.problem.id for episode in episodes]},
    )


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record.create(tmp_path / "run", {"recipe": "expert", "seed": 0}, {"seed": 0})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines(record: Record) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (record.run_dir / "metrics.jsonl").read_text().splitlines()]


@given(records())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_tables_give_back_an_equal_record(original: RoundRecord) -> None:
    back = from_tables(to_tables(original), original.number, original.metrics, original.state)
    assert back == original
    assert repr(back) == repr(original)  # also -0.0, True against 1, and the order of a payload


@given(records())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_committed_round_is_read_back_equal(tmp_path_factory: pytest.TempPathFactory, original: RoundRecord) -> None:
    record = Record.create(tmp_path_factory.mktemp("runs") / "run", {}, {})
    record.commit(original)
    assert record.read(original.number) == original
    assert record.metrics() == [original.metrics]


@given(TEXTS)
def test_an_escaped_text_is_utf_8_and_comes_back(text: str) -> None:
    assert unescape(escape(text).encode().decode()) == text


def test_a_round_from_before_there_were_judges_is_read_as_verified(record: Record) -> None:
    original = a_round(0)
    record.commit(original)
    path = record.rounds / "0000" / "verdicts.parquet"
    table = pq.read_table(path)
    assert table.column("judged_by").to_pylist() == [""] * table.num_rows
    pq.write_table(table.drop_columns(["judged_by"]), path)
    assert record.read(0) == original


def test_an_episode_shares_its_proposal_and_problem_with_the_list_also_if_given_equal_copies(record: Record) -> None:
    original, copy = a_round(0), a_round(0)
    record.commit(RoundRecord(**{name: getattr(original, name) for name in FIELDS} | {"episodes": copy.episodes}))
    back = record.read(0)
    assert back == original
    for episode in back.episodes:
        assert any(episode.proposal is proposal for proposal in back.proposals)
        assert episode.proposal is not None
        assert episode.problem is episode.proposal.problem


FIELDS = tuple(RoundRecord.__dataclass_fields__)


def test_problems_of_one_id_that_differ_elsewhere_stay_apart(record: Record) -> None:
    problems = [
        Problem("e", "same text", reference, Origin.CLAIMED, level, (), payload)
        for reference, level, payload in [("1", 1, {}), ("2", 1, {}), ("1", 2, {}), ("1", 1, {"k": "v"})]
    ]
    original = RoundRecord(0, (), tuple(Episode(problem, ()) for problem in problems), (), ((),) * 4, {}, {})
    record.commit(original)
    assert [episode.problem for episode in record.read(0).episodes] == problems


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"proposal_rewards": ()}, "proposal_rewards must have one entry a proposal"),
        ({"attempt_rewards": ()}, "attempt_rewards must have one row an episode"),
        ({"proposals": (), "proposal_rewards": ()}, "not among the round's proposals"),
        ({"metrics": {1: "x"}}, "keys must be strings, got 1"),
        ({"state": {"pool": {1: 2}}}, "keys must be strings, got 1 in state of round 0: pool"),
        ({"state": {"pool": {"a", "b"}}}, "cannot be written as JSON"),
        ({"number": -1}, "counted from 0"),
    ],
)
def test_a_round_that_cannot_be_stored_is_refused_and_leaves_nothing(
    record: Record, changes: dict[str, Any], message: str
) -> None:
    before = contents(record.run_dir)
    good = a_round(0)
    bad = RoundRecord(**{name: getattr(good, name) for name in FIELDS} | changes)
    with pytest.raises(RecordError, match=message):
        record.commit(bad)
    assert contents(record.run_dir) == before


def test_an_integer_beyond_64_bits_is_refused_and_not_cut(record: Record) -> None:
    original = a_round(0)
    huge = Proposal(Transcript("p", (), (2**63,), (), (), 0, 0, True), Rejection("grammar"))
    with pytest.raises(RecordError, match="round 0 cannot be recorded"):
        record.commit(RoundRecord(0, (huge,), (), (None,), (), {}, original.state))


def test_a_round_is_committed_once(record: Record) -> None:
    record.commit(a_round(0))
    before = contents(record.run_dir)
    with pytest.raises(RecordError, match="already there"):
        record.commit(a_round(0))
    assert contents(record.run_dir) == before


def test_create_refuses_a_folder_with_something_in_it_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RecordError, match=r"not an empty folder.*--resume.*another --run-dir"):
        Record.create(tmp_path, {}, {})
    assert contents(tmp_path) == {"notes.txt": b"mine"}


def test_create_refuses_a_path_that_is_a_file_or_beneath_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match="not an empty folder"):
        Record.create(tmp_path / "file", {}, {})
    with pytest.raises(RecordError, match="cannot create the run folder"):
        Record.create(tmp_path / "file" / "run", {}, {})


def test_create_that_fails_can_be_tried_again_in_the_same_folder(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="environment cannot be written as JSON"):
        Record.create(tmp_path / "run", {}, {"seed": object()})
    with pytest.raises(RecordError, match="configuration cannot be written as YAML"):
        Record.create(tmp_path / "run", {"seed": object()}, {})
    with limited_file_size(0), pytest.raises(RecordError, match="cannot write"):
        Record.create(tmp_path / "run", {"seed": 1}, {})
    assert Record.create(tmp_path / "run", {"seed": 1}, {"seed": 1}).config() == {"seed": 1}


@pytest.mark.parametrize("left", [["rounds"], ["rounds", "checkpoints", ".tmp-environment.json"],
                                  ["rounds", "checkpoints", "environment.json", ".tmp-config.yaml"]])  # fmt: skip
def test_create_takes_over_what_a_killed_create_left_behind(tmp_path: Path, left: list[str]) -> None:
    for name in left:
        (tmp_path / name).write_text("{") if "." in name else (tmp_path / name).mkdir()
    record = Record.create(tmp_path, {"seed": 1}, {"seed": 1})
    assert (record.config(), record.environment(), record.whole_rounds()) == ({"seed": 1}, {"seed": 1}, [])


@pytest.mark.parametrize("left", ["config.yaml", "rounds/0000", "checkpoints/0000", "notes.txt", "model"])
def test_create_takes_over_nothing_that_a_run_made(tmp_path: Path, left: str) -> None:
    (tmp_path / left).mkdir(parents=True)
    with pytest.raises(RecordError, match="is not an empty folder"):
        Record.create(tmp_path, {}, {})
    assert (tmp_path / left).exists()


def test_open_refuses_what_is_no_run_folder_and_finds_what_create_wrote(tmp_path: Path, record: Record) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(RecordError, match=r"not a run folder \(no config.yaml and no rounds\)"):
            Record.open(folder)
    again = Record.open(record.run_dir)
    assert again.config() == {"recipe": "expert", "seed": 0}
    assert again.environment() == {"seed": 0}
    assert again.summary() is None
    assert again.whole_rounds() == []
    assert yaml.safe_load((record.run_dir / "config.yaml").read_text()) == again.config()


def test_opening_and_reading_changes_nothing_so_a_report_can_look_at_a_live_run(record: Record) -> None:
    record.commit(a_round(0))
    (record.rounds / ".tmp-0001").mkdir()
    before = contents(record.run_dir)
    again = Record.open(record.run_dir)
    again.read(0)
    again.metrics()
    assert contents(record.run_dir) == before
    assert (record.rounds / ".tmp-0001").is_dir()


def test_rounds_are_listed_by_number_and_temporary_folders_are_not_rounds(record: Record) -> None:
    for number in (0, 10000, 9999, 1):
        record.commit(a_round(number))
    (record.rounds / ".tmp-0002").mkdir()
    assert record.whole_rounds() == [0, 1, 9999, 10000]
    assert [metrics["iteration"] for metrics in record.metrics()] == [0, 1, 9999, 10000]


@contextmanager
def limited_file_size(num_bytes: int) -> Iterator[None]:
    """The system refuses to write more into any file, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("num_bytes", [0, 2000])
def test_a_disk_that_refuses_a_write_leaves_the_run_as_it_was(record: Record, num_bytes: int) -> None:
    record.commit(a_round(0))
    before = contents(record.run_dir)
    with limited_file_size(num_bytes), pytest.raises(RecordError, match=r"cannot write round 1 to .*File too large"):
        record.commit(a_round(1, num_tokens=3000))
    assert contents(record.run_dir) == before
    assert os.listdir(record.rounds) == ["0000"]
    record.commit(a_round(1))
    assert record.whole_rounds() == [0, 1]


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.ENOSPC, "free some space"), (errno.EACCES, "permissions"), (errno.EIO, "--resume")]
)
@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_every_step_that_can_fail_is_explained_and_undone(
    record: Record, monkeypatch: pytest.MonkeyPatch, call: str, number: int, advice: str
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    before = contents(record.run_dir)
    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(RecordError, match=advice):
        record.commit(a_round(0))
    assert contents(record.run_dir) == before
    assert os.listdir(record.rounds) == []


def test_a_metrics_line_that_cannot_be_written_is_taken_back_and_made_again_on_resume(record: Record) -> None:
    record.commit(a_round(0))
    path = record.run_dir / "metrics.jsonl"
    path.unlink()
    path.mkdir()  # nothing can be appended to a folder
    with pytest.raises(RecordError, match=r"cannot write .*metrics.jsonl"):
        record.commit(a_round(1))
    path.rmdir()
    again = Record.open(record.run_dir)
    again.truncate(1)
    assert lines(again) == again.metrics() == [{"iteration": n, "valid": 0.5} for n in (0, 1)]


def test_truncate_forgets_later_rounds_and_half_written_ones_and_remakes_the_metrics_file(record: Record) -> None:
    for number in range(4):
        record.commit(a_round(number))
    (record.rounds / ".tmp-0004").mkdir()
    (record.rounds / ".tmp-0004" / "problems.parquet").write_bytes(b"half")
    with (record.run_dir / "metrics.jsonl").open("a") as file:
        file.write('{"iterat')
    kept = contents(record.rounds / "0001")
    record.truncate(1)
    assert sorted(os.listdir(record.rounds)) == ["0000", "0001"]
    assert contents(record.rounds / "0001") == kept
    assert [line["iteration"] for line in lines(record)] == [0, 1]
    record.commit(a_round(2))
    assert [line["iteration"] for line in lines(record)] == [0, 1, 2]
    record.truncate(-1)
    assert record.whole_rounds() == lines(record) == []


@pytest.mark.parametrize("name", [f"{name}.parquet" for name in NAMES] + ["metrics.json", "state.json"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "absent", "empty"])
def test_a_damaged_file_is_named_with_what_to_do(record: Record, name: str, damage: str) -> None:
    record.commit(a_round(0, num_proposals=40))
    path = record.rounds / "0000" / name
    content = bytearray(path.read_bytes())
    if damage == "absent":
        path.unlink()
    elif damage == "flipped":
        content[len(content) // 4] ^= 0xFF
        path.write_bytes(content)
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    with pytest.raises(RecordError, match=rf"{name} cannot be read: .*--resume"):
        record.read(0)


def test_tables_of_two_rounds_mixed_are_refused(record: Record) -> None:
    record.commit(a_round(0))
    record.commit(a_round(1, num_proposals=8))
    for name in NAMES:
        record.truncate(1)
        source, target = record.rounds / "0001" / f"{name}.parquet", record.rounds / "0000" / f"{name}.parquet"
        kept = target.read_bytes()
        target.write_bytes(source.read_bytes())
        if name == "problems":  # more problems than are referred to: nothing to see
            record.read(0)
        else:
            with pytest.raises(RecordError, match="do not fit together"):
                record.read(0)
        target.write_bytes(kept)


def test_a_problem_text_changed_behind_our_back_is_noticed(record: Record) -> None:
    record.commit(a_round(0))
    path = record.rounds / "0000" / "problems.parquet"
    table = pq.ParquetFile(path).read()
    index = table.column_names.index("prompt")
    pq.write_table(table.set_column(index, "prompt", [["other"] * table.num_rows]), path)
    with pytest.raises(RecordError, match="hashes to"):
        record.read(0)


def test_a_round_that_is_not_there_is_said_so(record: Record) -> None:
    record.commit(a_round(0))
    with pytest.raises(RecordError, match=r"no round 3 .*1 rounds, the last is 0"):
        record.read(3)


def test_a_summary_is_replaced_whole_or_not_at_all(record: Record) -> None:
    record.write_summary({"rounds": 1})
    record.write_summary({"rounds": 2})
    assert record.summary() == {"rounds": 2}
    with pytest.raises(RecordError, match="summary cannot be written as JSON"):
        record.write_summary({"rounds": object()})
    with limited_file_size(10), pytest.raises(RecordError, match=r"cannot write .*summary.json"):
        record.write_summary({"rounds": list(range(100))})
    assert record.summary() == {"rounds": 2}
    assert not list(record.run_dir.glob(".tmp-*"))


def test_write_atomically_leaves_the_old_file_when_the_rename_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomically(tmp_path / "file", "old")

    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(RecordError, match="permissions"):
        write_atomically(tmp_path / "file", "new")
    assert contents(tmp_path) == {"file": b"old"}


def test_a_round_of_full_size_commits_and_reads_quickly(record: Record) -> None:
    """Bounds several times above what it takes, so that they tell a loop over tokens from a slow machine."""
    record.commit(a_round(0))
    big = a_round(1, num_proposals=500, attempts_each=10, num_tokens=50)
    start = time.process_time()
    record.commit(big)
    committed = time.process_time()
    back = record.read(1)
    done = time.process_time()
    assert back == big
    assert committed - start < 0.5
    assert done - committed < 0.5


def test_the_environment_names_what_is_needed_to_repeat_a_run_and_fits_in_json() -> None:
    described = provenance.describe(7, num_processes=2, accelerators=["card", "card"])
    assert json.loads(json.dumps(described)) == described
    assert (described["seed"], described["num_processes"]) == (7, 2)
    assert described["packages"]["numpy"]
    assert described["hardware"]["accelerators"] == ["card", "card"]
    assert described["hardware"]["num_cores"] > 0
    assert described["hardware"]["memory_mb"] > 0
    assert described["hardware"]["cpu"]


def test_git_state_is_none_outside_a_checkout_and_sees_an_uncommitted_file(tmp_path: Path) -> None:
    assert provenance.git_state(tmp_path) is None
    author = ("-c", "user.name=n", "-c", "user.email=e@example.org")
    for arguments in (("init", "-q"), (*author, "commit", "-q", "--allow-empty", "-m", "first")):
        assert provenance._git(tmp_path, *arguments) is not None
    clean = provenance.git_state(tmp_path)
    assert clean is not None
    assert len(clean["commit"]) == 40
    assert clean["dirty"] is False
    (tmp_path / "new").write_text("")
    assert provenance.git_state(tmp_path) == {**clean, "dirty": True}
