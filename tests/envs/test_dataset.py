"""Other people's problems: shapes of files, bad rows, held-out rows, what is asked and how answers are read."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs import make_environment
from envs.code.tested_texts import TaskText, function_of
from envs.dataset import Dataset, Options
from envs.given.dataset_answers import read_reply, reference_in, reply_with, written
from selfplay.checking import build
from selfplay.errors import ConfigError, UserError
from selfplay.evaluate import held_out_split
from selfplay.gate import Gate
from selfplay.seeding import rng_for
from selfplay.stages import pose
from selfplay.types import Draft, Origin, Problem, Rejection, Status
from verifiers import ClosingVerifier, PythonExecutor, make_verifier

GSM8K = [
    {
        "question": f"Natalia sold {n} clips in April, and half as many in May. How many in all?",
        "answer": f"In May she sold {n}/2 = <<{n}/2={n // 2}>>{n // 2} clips.\n"
        f"In all: {n}+{n // 2}.\n#### {3 * n // 2:,}",
    }
    for n in range(10, 4010, 200)
]
MATH = [
    {
        "problem": f"Compute $\\frac{{{n}}}{{7}}+1$.",
        "level": f"Level {1 + n % 5}",
        "type": "Algebra",
        "solution": f"We have $\\frac{{{n}}}{{7}}+1=\\boxed{{\\frac{{{n + 7}}}{{7}}}}$, as $1=\\frac77$.",
    }
    for n in range(1, 21)
]
MBPP = [
    {
        "text": f"Write a function to multiply a number by {n}.",
        "code": f"def times(x):\r\n  return {n} * x",
        "task_id": n,
        "test_setup_code": "",
        "test_list": [f"assert times({x}) == {n * x}" for x in (1, 2, 5)],
        "challenge_test_list": [],
    }
    for n in range(2, 12)
]
HUMAN_EVAL = [
    {
        "task_id": f"HumanEval/{n}",
        "prompt": f'def plus_{n}(x: int) -> int:\n    """ Add {n}.\n    >>> plus_{n}(1)\n    {n + 1}\n    """\n',
        "canonical_solution": f"    return x + {n}\n",
        "test": f"def check(candidate):\n    assert candidate(1) == {n + 1}\n    assert candidate(-4) == {n - 4}\n",
        "entry_point": f"plus_{n}",
    }
    for n in range(4)
]


@pytest.fixture(scope="module")
def executor() -> Iterator[PythonExecutor]:
    with PythonExecutor(deadline_s=1.0) as made:
        yield made


def jsonl(path: Path, rows: Sequence[Any]) -> str:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return str(path)


def problems_of(env: Dataset) -> list[Problem]:
    """Every problem that can be drawn, and every held-out one."""
    drafts = [draft for level in env.levels for draft in [*env._rows[level], *(env.held_out(level) or ())]]
    return [one for one in env.ground(drafts) if isinstance(one, Problem)]


def judged(env: Dataset, verifier: ClosingVerifier, replies: Sequence[tuple[Problem, str]]) -> list[Status]:
    items = [(problem, env.read_answer(problem, reply)) for problem, reply in replies]
    found = iter(verifier.verify([(problem, answer) for problem, answer in items if answer is not None]))
    return [Status.MALFORMED if answer is None else next(found).status for _, answer in items]


# Shapes of files


SHAPES: dict[str, tuple[list[dict[str, Any]], str, dict[str, Any]]] = {
    "gsm8k": (GSM8K, "math_answer", {}),
    "math": (MATH, "math_answer", {}),
    "mbpp": (MBPP, "python_exec", {}),
    "humaneval": (HUMAN_EVAL, "python_exec", {}),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_well_known_shapes_work_as_they_are(tmp_path: Path, executor: PythonExecutor, shape: str, suffix: str) -> None:
    rows, verifier_name, options = SHAPES[shape]
    path = tmp_path / f"{shape}.{suffix}"
    if suffix == "jsonl":
        jsonl(path, rows)
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    env = Dataset(Options(path=str(path), **options), executor)
    problems = problems_of(env)
    assert env.bad_rows == []
    assert len(problems) == len(rows)
    assert env.verifier == verifier_name
    assert {problem.origin for problem in problems} == {Origin.DATASET}
    assert problems[0].payload["place"].startswith(f"{shape}.{suffix}:")
    with make_verifier(env.verifier) as verifier:
        replies = [(problem, env.solver_reply(problem)) for problem in problems]
        assert set(judged(env, verifier, replies)) == {Status.CORRECT}
        shifted = [(one, reply) for (one, _), (_, reply) in zip(replies, replies[1:] + replies[:1], strict=True)]
        assert Status.CORRECT not in judged(env, verifier, shifted)


def test_the_reply_that_is_demonstrated_is_the_worked_solution_with_its_answer_in_place(tmp_path: Path) -> None:
    env = Dataset(Options(path=jsonl(tmp_path / "a.jsonl", GSM8K[1:2])), None)  # type: ignore[arg-type]
    (problem,) = problems_of(env)
    assert (
        env.solver_reply(problem) == "In May she sold 210/2 = <<210/2=105>>105 clips.\nIn all: 210+105.\n\\boxed{315}"
    )
    assert problem.reference == "315"
    env = Dataset(Options(path=jsonl(tmp_path / "b.jsonl", MATH[:1])), None)  # type: ignore[arg-type]
    (problem,) = problems_of(env)
    assert (problem.reference, env.solver_reply(problem)) == ("\\frac{8}{7}", MATH[0]["solution"])


def test_levels_are_as_the_file_says_or_the_places_of_its_words(tmp_path: Path) -> None:
    env = Dataset(Options(path=jsonl(tmp_path / "a.jsonl", MATH)), None)  # type: ignore[arg-type]
    assert env.levels == range(1, 6)
    for problem in problems_of(env):
        row = next(row for row in MATH if row["problem"] == problem.prompt)
        assert row["level"] == f"Level {problem.level}"
    words = [{"problem": f"{word} {n}", "answer": n, "how_hard": word} for n in range(3) for word in ("hard", "easy")]
    options = Options(
        path=jsonl(tmp_path / "b.jsonl", words), level_column="how_hard", level_names=("easy", "medium", "hard")
    )
    env = Dataset(options, None)  # type: ignore[arg-type]
    assert env.levels == range(1, 3)
    assert {(problem.prompt.split()[0], problem.level) for problem in problems_of(env)} == {("easy", 1), ("hard", 2)}


def test_columns_of_any_name_can_be_named(tmp_path: Path, executor: PythonExecutor) -> None:
    rows = [{"q": f"{n}+1?", "a": f"so: {n + 1}", "by": "numeric", "answer": 0, "why": f"{n}, then"} for n in range(3)]
    options = Options(path=jsonl(tmp_path / "a.jsonl", rows), problem_column="q", answer_column="a",
                      verifier_column="by", solution_column="why", answer_format="after:so:")  # fmt: skip
    env = Dataset(options, executor)
    assert sorted((one.reference, env.verifier, env.solver_reply(one)) for one in problems_of(env)) == [
        (str(n + 1), "numeric", f"{n}, then\nAnswer: {n + 1}") for n in range(3)
    ]
    code = [{"ask": row["text"], "program": row["code"], "test_list": row["test_list"]} for row in MBPP]
    options = Options(path=jsonl(tmp_path / "b.jsonl", code), problem_column="ask", answer_column="program")
    assert len(problems_of(Dataset(options, executor))) == len(MBPP)


def test_rows_of_written_seed_problems_can_be_read_back_with_what_their_verifier_needs(tmp_path: Path) -> None:
    rows = [
        {"problem": "x+3=5", "answer": "x=2", "verifier": "math_answer", "payload": {"equation": "x+3=5"}},
        {"problem": "twice", "answer": "def f(x):\n    return 2 * x", "verifier": "python_exec",
         "payload": {"entry": "f", "inputs": "[[1], [3]]", "expected": "[2, 6]"}},
    ]  # fmt: skip
    env = Dataset(Options(path=jsonl(tmp_path / "a.jsonl", rows), held_out_share=0.0), None)  # type: ignore[arg-type]
    first, second = problems_of(env)
    replies = [(first, "\\boxed{2}"), (first, "\\boxed{3}"), (second, "```python\ndef f(x):\n    return x + x\n```")]
    with make_verifier(env.verifier) as verifier:
        assert judged(env, verifier, replies) == [Status.CORRECT, Status.WRONG, Status.CORRECT]


def saved(folder: Path, splits: Mapping[str, list[dict[str, Any]]]) -> str:
    import datasets

    made = {name: datasets.Dataset.from_list(rows) for name, rows in splits.items()}
    if list(splits) == [""]:
        made[""].select(range(len(made[""]))).save_to_disk(str(folder), num_shards=2)
    else:
        datasets.DatasetDict(made).save_to_disk(str(folder))
    return str(folder)


def test_a_folder_that_datasets_saved_is_read_with_its_splits(tmp_path: Path) -> None:
    path = saved(tmp_path / "both", {"train": MATH[:15], "test": MATH[15:]})
    env = Dataset(Options(path=path, held_out_split="test"), None)  # type: ignore[arg-type]
    assert {draft.prompt for level in env.levels for draft in env._rows[level]} == {row["problem"] for row in MATH[:15]}
    held_out = {one.prompt for found in held_out_split(env, list(env.levels), 9).values() for one in found}
    assert held_out == {row["problem"] for row in MATH[15:]}
    folders = {one.payload["place"].partition("/")[0] for one in problems_of(env)}
    assert folders == {"train", "test"}
    assert Dataset(Options(path=path, split="test"), None).num_problems(1) == 1  # type: ignore[arg-type]
    env = Dataset(Options(path=saved(tmp_path / "one", {"": GSM8K})), None)  # type: ignore[arg-type]
    assert len(problems_of(env)) == len(GSM8K)
    assert {one.payload["place"].partition(":")[0] for one in problems_of(env)} == {
        "data-00000-of-00002.arrow",
        "data-00001-of-00002.arrow",
    }


def test_a_folder_as_it_is_downloaded_is_read_with_its_splits(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for shard in range(2):
        table = pa.Table.from_pylist(GSM8K[5 * shard : 5 * shard + 5])
        pq.write_table(table, tmp_path / "data" / f"train-0000{shard}-of-00002.parquet")
    jsonl(tmp_path / "test.jsonl", GSM8K[10:])
    (tmp_path / "README.md").write_text("---\n")
    env = Dataset(Options(path=str(tmp_path), held_out_split="test"), None)  # type: ignore[arg-type]
    assert (env.num_problems(1), len(env.held_out(1) or ())) == (10, 10)


# Mistakes


BAD: list[tuple[Any, str]] = [
    ("{", "not JSON"),
    ("[1]", "got list, expected an object"),
    ({"answer": "1"}, "question: got nothing"),
    ({"question": "q1"}, "answer: got nothing"),
    ({"question": "q2", "answer": ["4"]}, "answer: got list, expected a text"),
    ({"question": "q3", "answer": True}, "answer: got bool"),
    ({"question": "  ", "answer": "4"}, "question: got an empty text"),
    ({"question": GSM8K[0]["question"] + " ", "answer": "4"}, "the same problem as rows.jsonl:1"),
    ({"question": "q4", "answer": "\\frac{1"}, "math_answer cannot read the reference"),
    ({"question": "q5", "answer": "one", "verifier": "numeric"}, "numeric cannot read the reference 'one'"),
    ({"question": "q6", "answer": "1", "verifier": "math_anwser"}, "did you mean math_answer"),
    ({"question": "q7", "answer": "1", "verifier": "by_problem"}, "expected a verifier"),
    ({"question": "q8", "answer": "a\nb", "verifier": "exact"}, "cannot be given in the reply format answer"),
    ('{"question": "q9 \\ud800", "answer": "1"}', "half of a surrogate pair"),
    ({"question": "q10", "answer": "1", "payload": {"units": 1}}, "payload: expected an object of texts"),
    ("[" * 100_000, "not JSON"),
]


def test_bad_rows_are_reported_with_file_and_line_and_counted_and_stop_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = jsonl(tmp_path / "rows.jsonl", [GSM8K[0], *(row for row, _ in BAD), GSM8K[1]])
    with caplog.at_level(logging.WARNING):
        env = Dataset(Options(path=path), None)  # type: ignore[arg-type]
    found = {row.place: row.reason for row in env.bad_rows}
    assert list(found) == sorted(found, key=lambda place: int(place.partition(":")[2])) or set(found)
    for line, (_, message) in enumerate(BAD, 2):
        assert message in found[f"rows.jsonl:{line}"]
    assert len(found) == len(BAD)
    assert len(problems_of(env)) == 2
    (record,) = caplog.records
    assert f"{len(BAD)} rows were left out, 2 are used" in record.message
    assert "rows.jsonl:2: not JSON" in record.message


def test_a_row_without_a_level_is_bad_in_a_file_of_levels(tmp_path: Path) -> None:
    rows = [*MATH[:3], {**MATH[3], "level": "Level ?"}, {**MATH[4], "level": None}, {**MATH[5], "level": 2.0}]
    env = Dataset(Options(path=jsonl(tmp_path / "a.jsonl", rows)), None)  # type: ignore[arg-type]
    assert [row.place for row in env.bad_rows] == ["a.jsonl:4", "a.jsonl:5", "a.jsonl:6"]
    assert all("level: got" in row.reason for row in env.bad_rows)


def test_code_whose_solution_fails_is_a_bad_row_when_it_is_grounded(tmp_path: Path, executor: PythonExecutor) -> None:
    rows = [*MBPP[:2], {**MBPP[2], "code": "def times(x):\n    return 0"}, {**MBPP[3], "code": "def times(x) return"}]
    options = Options(path=jsonl(tmp_path / "a.jsonl", rows), held_out_share=0.0)
    env = Dataset(options, executor)
    drafts = [draft for draft in env._rows[1] for _ in range(2)]
    outcomes = env.ground(drafts)
    assert [one.reason if isinstance(one, Rejection) else "" for one in outcomes[::2]] == [
        "", "", "solution_wrong", "solution_malformed",
    ]  # fmt: skip
    env.ground(drafts)
    assert [row.place for row in env.bad_rows] == ["a.jsonl:3", "a.jsonl:4"]


def test_constants_may_pass_the_tests_of_a_benchmark_that_is_taken_as_it_is(
    tmp_path: Path, executor: PythonExecutor
) -> None:
    row = {**MBPP[0], "code": "def always(x):\n    return True", "test_list": ["assert always(1) == True"]}
    env = Dataset(Options(path=jsonl(tmp_path / "a.jsonl", [row])), executor)
    assert len(problems_of(env)) == 1


FATAL: list[tuple[dict[str, Any], str]] = [
    ({}, r"env\.options\.path: got nothing, expected a \.jsonl"),
    ({"path": "none.jsonl"}, r"env\.options\.path: got .*none\.jsonl, which is no file"),
    ({"path": "rows.csv"}, r"env\.options\.path: got .*rows\.csv, expected a file that ends with \.jsonl"),
    ({"path": "empty"}, r"env\.options\.path: .*empty has no data"),
    ({"path": "rows.jsonl", "split": "test"}, "one file has no splits"),
    ({"path": "splits", "split": "tset"}, r"got split tset of .*, expected did you mean test\? one of dev, test"),
    ({"path": "splits"}, "got no split of .*, expected one of dev, test"),
    ({"path": "bad.jsonl"}, r"expected at least one good row; bad\.jsonl:1: not JSON"),
    ({"path": "hollow.jsonl"}, r"expected at least one good row; hollow\.jsonl:1: question: got an empty"),
    ({"path": "rows.jsonl", "problem_column": "qestion"}, r"problem_column: .* has no column qestion; did you mean qu"),
    ({"path": "rows.jsonl", "answer_column": "x"}, "has no column x; one of question, answer"),
    ({"path": "odd.jsonl"}, r"problem_column: .* has none of the usual columns problem, .*; name one of foo, bar"),
    ({"path": "rows.jsonl", "verifier": "math_anwser"}, "verifier: got math_anwser, .*did you mean math_answer"),
    ({"path": "rows.jsonl", "answer_format": "after:"}, "answer_format: got 'after:', expected auto or whole or boxed"),
    ({"path": "rows.jsonl", "held_out_share": 0.5, "held_out_path": "x"}, "held_out_share: got one beside held-out"),
    ({"path": "rows.jsonl", "held_out_path": "gone.jsonl"}, r"env\.options\.held_out_path: .* which is no file"),
    ({"path": "rows.jsonl", "num_few_shot": 20}, "num_few_shot: got 20, which leaves no row of level 1"),
    ({"path": "rows.jsonl", "few_shot": [{"problem": "2+2?"}]}, r"few_shot\[0\]\.reply: got nothing"),
    ({"path": "torn.parquet"}, r"env\.options\.path: .*torn\.parquet is no readable Parquet file"),
    ({"path": "torn.arrow"}, r"env\.options\.path: .*torn\.arrow is no readable Arrow file"),
]


@pytest.mark.parametrize(("options", "message"), FATAL)
def test_what_cannot_be_used_at_all_says_what_was_got_and_expected(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    jsonl(tmp_path / "rows.jsonl", GSM8K)
    jsonl(tmp_path / "bad.jsonl", ["{"])
    jsonl(tmp_path / "hollow.jsonl", [{"question": "", "answer": "1"}])
    jsonl(tmp_path / "odd.jsonl", [{"foo": 1, "bar": 2}])
    (tmp_path / "empty").mkdir()
    (tmp_path / "splits").mkdir()
    jsonl(tmp_path / "splits" / "test.jsonl", GSM8K)
    jsonl(tmp_path / "splits" / "dev.jsonl", GSM8K)
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    (tmp_path / "torn.arrow").write_bytes(b"\xff\xff\xff\xff\x10")
    placed = {key: str(tmp_path / value) if key.endswith("path") else value for key, value in options.items()}
    with pytest.raises(ConfigError, match=message):
        Dataset(build(Options, placed, "env.options"), None)  # type: ignore[arg-type]


def test_without_a_path_the_error_names_the_option() -> None:
    with pytest.raises(ConfigError, match=r"env\.options\.path"):
        make_environment("dataset")


def test_nobody_proposes_and_the_error_says_what_to_choose(tmp_path: Path) -> None:
    env = Dataset(Options(path=jsonl(tmp_path / "a.jsonl", GSM8K)), None)  # type: ignore[arg-type]
    assert env.roles == ("solver",)
    for ask in (lambda: env.proposer_prompt(random.Random(0)), lambda: env.proposer_reply(problems_of(env)[0])):
        with pytest.raises(UserError, match=r"dataset: .* only solves"):
            ask()


# Held out


@given(share=st.floats(0.0, 0.95), seed=st.integers(0, 3), count=st.integers(1, 9), few=st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_held_out_rows_never_train_and_are_never_examples(
    tmp_path_factory: pytest.TempPathFactory, share: float, seed: int, count: int, few: int
) -> None:
    path = jsonl(tmp_path_factory.mktemp("rows") / "a.jsonl", MATH)
    options = Options(path=path, held_out_share=share, seed=seed, num_few_shot=few)
    env = Dataset(options, None)  # type: ignore[arg-type]
    levels = list(env.levels)
    held_out = {one.id for found in held_out_split(env, levels, count).values() for one in found}
    posed = pose(env, levels, 50, held_out, 0)
    assert held_out.isdisjoint(one.id for one in posed)
    kept = {draft.prompt for level in levels for draft in env.held_out(level) or ()}
    assert kept.isdisjoint(one.prompt for one in posed)
    texts = [turn.text for turn in env.solver_prompt(problems_of(env)[0], random.Random(0), 0).messages[:-1]]
    assert len(texts) == 2 * few
    assert not any(text.startswith(prompt) for text in texts for prompt in {*kept, *(one.prompt for one in posed)})


def test_a_row_that_is_held_out_in_another_file_is_not_trained_on(tmp_path: Path) -> None:
    held_out = jsonl(tmp_path / "test.jsonl", GSM8K[:4])
    path = jsonl(tmp_path / "train.jsonl", GSM8K)
    env = Dataset(Options(path=path, held_out_path=held_out), None)  # type: ignore[arg-type]
    assert env.num_problems(1) == len(GSM8K) - 4
    assert [row.reason for row in env.bad_rows[-4:]] == [f"the same problem as test.jsonl:{n}" for n in range(1, 5)]
    assert len(held_out_split(env, [1], 99)[1]) == 4


def test_a_held_out_row_of_a_level_that_nothing_trains_on_is_a_bad_row(tmp_path: Path) -> None:
    held_out = jsonl(tmp_path / "test.jsonl", MATH[:10])
    path = jsonl(tmp_path / "train.jsonl", [row for row in MATH[10:] if row["level"] != "Level 3"])
    env = Dataset(Options(path=path, held_out_path=held_out), None)  # type: ignore[arg-type]
    assert env.levels == range(1, 5)
    assert [row.place for row in env.bad_rows] == ["test.jsonl:2", "test.jsonl:7"]
    assert all(row.reason.startswith("level 3, which no row of") for row in env.bad_rows)
    assert not any(one.prompt == MATH[1]["problem"] for one in problems_of(env))


def test_the_seed_names_which_rows_are_held_out(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", GSM8K)
    kept = [Dataset(Options(path=path, seed=seed), None).held_out(1) for seed in (0, 0, 1)]  # type: ignore[arg-type]
    assert kept[0] == kept[1] != kept[2]
    again = jsonl(tmp_path / "b.jsonl", GSM8K[::-1])  # the order of the file has no say
    assert Dataset(Options(path=again), None).held_out(1) == kept[0]  # type: ignore[arg-type]


def test_a_share_of_none_leaves_drawing_and_the_gate(tmp_path: Path) -> None:
    options = Options(path=jsonl(tmp_path / "a.jsonl", GSM8K), held_out_share=0.0)
    env = Dataset(options, None)  # type: ignore[arg-type]
    split = held_out_split(env, [1], 5)[1]
    assert len(split) == 5
    gate = Gate(one.id for one in split)
    assert all(isinstance(gate.admit(one), Rejection) for one in split)
    assert env.num_problems(1) == len(GSM8K)


# Asking and reading


def test_the_solver_sees_system_examples_and_a_request_that_fits_the_verifier(tmp_path: Path) -> None:
    options = build(
        Options,
        {
            "path": jsonl(tmp_path / "a.jsonl", GSM8K[:3]),
            "system": "You are careful.",
            "few_shot": [{"problem": "1+1?", "reply": "Two: \\boxed{2}"}],
            "num_few_shot": 1,
        },
        "env.options",
    )
    env = Dataset(options, None)  # type: ignore[arg-type]
    problem = next(one for one in problems_of(env))
    messages = env.solver_prompt(problem, random.Random(0), 0).messages
    assert [message.role for message in messages] == ["system", *["user", "assistant"] * 2, "user"]
    assert [one.text for one in messages[:3]] == ["You are careful.", "1+1?", "Two: \\boxed{2}"]
    request = "\n\nThink step by step, then write your final answer within \\boxed{}."
    assert messages[3].text.endswith(request)
    assert env.read_answer(problem, messages[4].text) not in (None, problem.reference)
    assert messages[5].text == problem.prompt + request


@pytest.mark.parametrize(
    ("form", "request_part", "reply", "answer"),
    [
        ("boxed", "\\boxed{}", "so \\boxed{4}, no \\boxed{5} {", "5"),
        ("hashes", "####", "#### 4\n####  5 \nthat is it", "5"),
        ("answer", "Answer:", "4\nAnswer: 5", "5"),
        ("last_line", "alone on the last line", "4\n 5 \n\n", "5"),
        ("whole", "?", " 5 ", "5"),
    ],
)
def test_each_reply_format_is_asked_for_and_read(
    tmp_path: Path, form: Any, request_part: str, reply: str, answer: str
) -> None:
    rows = [{"question": "2+3?", "answer": "5"}]
    env = Dataset(Options(path=jsonl(tmp_path / "a.jsonl", rows), reply_format=form), None)  # type: ignore[arg-type]
    (problem,) = problems_of(env)
    assert request_part in env.solver_prompt(problem, random.Random(0), 0).messages[-1].text
    assert env.read_answer(problem, reply) == answer
    assert env.read_answer(problem, "") is None
    with make_verifier(env.verifier) as verifier:
        assert judged(env, verifier, [(problem, reply), (problem, env.solver_reply(problem))]) == [Status.CORRECT] * 2


def test_ones_own_request_replaces_the_words_and_an_empty_one_leaves_the_bare_problem(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", GSM8K[:1])
    for request, expected in (("Box it.", GSM8K[0]["question"] + "\n\nBox it."), ("", GSM8K[0]["question"])):
        env = Dataset(Options(path=path, request=request), None)  # type: ignore[arg-type]
        (problem,) = problems_of(env)
        assert env.solver_prompt(problem, random.Random(0), 0).messages[-1].text == expected


def test_code_is_asked_for_with_its_name_and_the_tests_that_may_be_seen(
    tmp_path: Path, executor: PythonExecutor
) -> None:
    path = jsonl(tmp_path / "a.jsonl", MBPP[:1])
    for num_shown in (0, 1, 2, 3):
        env = Dataset(Options(path=path, num_shown_tests=num_shown), executor)
        (problem,) = problems_of(env)
        text = env.solver_prompt(problem, random.Random(0), 0).messages[-1].text
        assert "a Python function called `times`" in text
        assert text.count("assert ") == (num_shown if num_shown < 3 else 0)  # never all of them
        with make_verifier(env.verifier) as verifier:
            special = "```python\ndef times(x):\n    return {1: 2, 2: 4}[x]\n```"
            assert judged(env, verifier, [(problem, special)]) == [Status.WRONG]


@pytest.mark.parametrize(
    ("solution", "tests", "name"),
    [
        ("def f(x):\n    return g(x)\ndef g(x):\n    return x", ("assert f(1) == 1",), "f"),
        (
            "def help(x):\n    return x\n\ndef main_one(x):\n    return help(x)",
            ("assert main_one(1) == 1",),
            "main_one",
        ),
        ("def f(x):\n    return x", ('["f", [1], 1]',), "f"),
        ("def a(x):\n    return x\ndef b(x):\n    return x", ("assert c(1)",), "b"),
        ("f = 1", ("assert f",), ""),
    ],
)
def test_the_function_that_tests_are_about_is_found_without_running_anything(
    solution: str, tests: tuple[str, ...], name: str
) -> None:
    assert function_of(TaskText("words", tests, solution)) == name


def test_a_text_is_read_as_the_row_that_it_is_or_as_none(tmp_path: Path) -> None:
    env = Dataset(Options(path=jsonl(tmp_path / "a.jsonl", MATH)), None)  # type: ignore[arg-type]
    for level in env.levels:
        draft = env.draw(level, rng_for(0, "read"))
        assert env.read_problem(f" {draft.prompt}\n") == draft
    for text in ("", MATH[0]["problem"][:-1], "x" * 10**6):
        outcome = env.read_problem(text)
        assert isinstance(outcome, Rejection)
        assert outcome.reason == "unknown"
    assert isinstance(env.ground([Draft("foreign", 1)])[0], Rejection)


@given(st.text(max_size=40), st.sampled_from(["answer", "boxed", "hashes", "last_line", "whole"]), st.text(max_size=20))
def test_what_a_format_writes_it_reads_wherever_the_reader_admits_the_answer(text: str, form: Any, before: str) -> None:
    answer = text.strip()
    if answer and read_reply(form, written(form, answer)) == answer:
        reply = reply_with(form, "" if form == "whole" else before, answer)
        assert read_reply(form, reply) == answer


@given(st.text(max_size=60), st.sampled_from(["auto", "whole", "boxed", "after:####"]))
def test_a_reference_is_cut_from_any_text_or_refused(text: str, rule: str) -> None:
    try:
        reference, solution = reference_in(text, rule)
    except ValueError:
        return
    assert reference == reference.strip() != ""
    assert reference in text
    assert solution in text


@pytest.mark.parametrize("form", ["answer", "boxed", "hashes", "last_line", "whole", "code"])
@pytest.mark.parametrize("piece", ["\\boxed{", "{", "}", "####", "\n", "Answer:", "```\n", "x", "\\boxed{1} "])
def test_no_reply_takes_long_to_read(form: Any, piece: str) -> None:
    for text in (piece * (1_000_000 // len(piece)), "\\boxed" + piece * (1_000_000 // len(piece))):
        best = 1.0
        for _ in range(3):
            began = time.thread_time()
            read_reply(form, text)
            best = min(best, time.thread_time() - began)
        assert best < 0.01


def test_characters_that_rows_have_are_in_the_vocabulary(tmp_path: Path) -> None:
    rows = [{"question": "Wie groß ist π?", "answer": "3.14"}]
    vocabulary = Dataset(Options(path=jsonl(tmp_path / "a.jsonl", rows)), None).vocabulary()  # type: ignore[arg-type]
    assert {"ß", "π", "W", "\n"} <= set(vocabulary)
    assert len(vocabulary) == len(set(vocabulary))
