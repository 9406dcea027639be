"""`python -m scripts.problems`: seed problems and verified variants as a dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envs import make_environment
from scripts.problems import main
from selfplay.errors import UserError
from selfplay.evaluate import held_out_split
from selfplay.types import Origin, Problem, Status
from verifiers import make_verifier

BASIC = ["--env", "equations", "--levels", "1-2", "--count", "20"]


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_row_is_a_problem_whose_answer_is_right_and_which_is_not_held_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert main([*BASIC, "--vary", "all", "--output", str(path)]) == 0
    rows = read(path)
    kinds = {row["kind"] for row in rows}
    assert kinds >= {"seed", "rename", "new_numbers"}
    problems = [
        Problem(
            row["env"], row["problem"], row["answer"], Origin(row["origin"]), row["level"],
            tuple(row["parents"]), row["payload"],
        )
        for row in rows
    ]  # fmt: skip
    assert [one.id for one in problems] == [row["id"] for row in rows]
    assert len({row["id"] for row in rows}) == len(rows)
    with make_verifier(rows[0]["verifier"]) as verifier:
        verdicts = verifier.verify([(one, one.reference) for one in problems])
    assert {verdict.status for verdict in verdicts} == {Status.CORRECT}
    env = make_environment("equations")
    held_out = {one.id for level in held_out_split(env, [1, 2], 200).values() for one in level}
    assert held_out.isdisjoint(row["id"] for row in rows)
    seeds = {row["id"] for row in rows if row["kind"] == "seed"}
    assert all(row["parents"] and seeds.issuperset(row["parents"]) for row in rows if row["kind"] != "seed")


def test_the_same_seed_writes_the_same_file_and_another_seed_another(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.jsonl" for name in "abc"]
    for path, seed in zip(paths, ("1", "1", "2"), strict=True):
        main([*BASIC, "--seed", seed, "--output", str(path)])
    first, second, third = (path.read_bytes() for path in paths)
    assert first == second != third


def test_options_of_the_environment_reach_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    main([*BASIC, "--output", str(path), "style=instruct"])
    assert "Solve this equation" in read(path)[0]["prompt"]


def test_a_level_with_too_few_problems_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--env", "programs", "--levels", "1", "--count", "2000"]
    main([*small, "--output", str(tmp_path / "rows.jsonl")])
    assert "of the 2,000 asked for" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--env", "equation"], "did you mean equations"),
        (["--env", "kuhn_poker"], "kuhn_poker is a game, expected an environment"),
        (["--env", "equations", "--levels", "0-3"], "expected levels 1 to 16"),
        (["--env", "equations", "--levels", "x"], "expected levels 1 to 16"),
        (["--env", "equations", "--vary", "renam"], "did you mean rename"),
        (["--env", "equations", "--paraphrase"], "go together"),
        (["--env", "equations", "stile=terse"], "did you mean style"),
        (["--env", "equations", "stile"], "expected key=value"),
        (["--env", "equations", "style={"], "which is no YAML"),
        (["--env", "equations", "--paraphrase", "--model", "nowhere"], "there is no folder nowhere"),
    ],
)
def test_mistakes_are_named_and_leave_an_existing_file_alone(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("kept")
    with pytest.raises(UserError, match=message):
        main([*arguments, "--output", str(path)])
    assert path.read_text() == "kept"


def test_an_output_that_cannot_be_written_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        main([*BASIC, "--output", str(tmp_path / "missing" / "rows.jsonl")])
