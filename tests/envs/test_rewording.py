"""Given problems in other words: the same row, the same reference, judged as before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envs.dataset import Dataset, Options
from selfplay.seeding import rng_for
from selfplay.types import Problem, Rejection, Status
from verifiers import make_verifier

ROWS = [
    {"question": "Tom has 3 apples and buys 4. How many has he?", "answer": "3 + 4 = 7\n#### 7"},
    {"question": "A train goes 60 km in an hour. How far in 2 hours?", "answer": "60 * 2 = 120\n#### 120"},
]


@pytest.fixture
def problem_and_env(tmp_path: Path) -> tuple[Problem, Dataset]:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    env = Dataset(Options(path=str(path), held_out_share=0.0), None)  # type: ignore[arg-type]
    problem = next(one for one in env.ground([env.draw(1, rng_for(0, "row")) for _ in range(20)]))
    assert isinstance(problem, Problem)
    return problem, env


def test_a_reworded_row_is_shown_in_its_new_words_and_judged_by_the_old_reference(
    problem_and_env: tuple[Problem, Dataset],
) -> None:
    problem, env = problem_and_env
    text = f"Say: {env.prose(problem)}"
    reworded = env.reword(problem, text)
    assert isinstance(reworded, Problem)
    assert reworded.parents == (problem.id,)
    assert reworded.id != problem.id
    assert text in env.solver_prompt(reworded, rng_for(0, "shown"), 0).messages[-1].text
    answer = env.read_answer(reworded, env.solver_reply(reworded))
    with make_verifier(env.verifier) as verifier:
        statuses = [verdict.status for verdict in verifier.verify([(reworded, answer or ""), (reworded, "999")])]
    assert statuses == [Status.CORRECT, Status.WRONG]


def test_the_words_of_another_row_are_refused(problem_and_env: tuple[Problem, Dataset]) -> None:
    problem, env = problem_and_env
    other = next(row["question"] for row in ROWS if row["question"] != problem.prompt)
    outcome = env.reword(problem, other)
    assert isinstance(outcome, Rejection)
    assert outcome.reason == "known_row"


def test_a_row_of_a_file_with_the_same_name_is_not_taken_for_it(tmp_path: Path) -> None:
    for folder, verifier in (("train", "math_answer"), ("test", "numeric")):
        (tmp_path / folder).mkdir()
        row = {"question": f"What is 1 + 1, says {folder}?", "answer": "2", "verifier": verifier}
        (tmp_path / folder / "rows.jsonl").write_text(json.dumps(row) + "\n")
    options = Options(path=str(tmp_path / "train/rows.jsonl"), held_out_path=str(tmp_path / "test/rows.jsonl"))
    env = Dataset(options, None)  # type: ignore[arg-type]
    for draft, ending in ((env.draw(1, rng_for(0, "row")), "\\boxed{2}"), ((env.held_out(1) or ())[0], "Answer: 2")):
        (problem,) = env.ground([draft])
        assert isinstance(problem, Problem)
        reworded = env.reword(problem, f"Say: {problem.prompt}")
        assert isinstance(reworded, Problem)
        assert env.solver_reply(reworded) == ending
