"""What holds for `tested_code` alone: which tasks are admitted, and that no program is right that only looks it."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from envs.code.code_tasks import STEPS, draw_task, num_tasks, telling_inputs
from envs.code.tested_texts import TaskText, program_in, read_text
from envs.tested_code import Options, TestedCode
from selfplay.errors import ConfigError
from selfplay.seeding import rng_for
from selfplay.types import Draft, Origin, Problem, Rejection, Status
from verifiers import ClosingVerifier, PythonExecutor, make_verifier

SORTED = "def f(x):\n    return sorted(x)"
TESTS = ("assert f([2, 1]) == [1, 2]", "assert f([3, 1, 2]) == [1, 2, 3]", "assert f([5, 4]) == [4, 5]")
TRIPLES = ('["f", [[2, 1]], [1, 2]]', '["f", [[3, 1, 2]], [1, 2, 3]]', '["f", [[5, 4]], [4, 5]]')


@pytest.fixture(scope="module")
def env(executor: PythonExecutor) -> TestedCode:
    return TestedCode(Options(), executor)


@pytest.fixture(scope="module")
def verifier() -> Iterator[ClosingVerifier]:
    with make_verifier("python_exec", deadline_s=1.0) as made:
        yield made


def written(solution: str = SORTED, tests: tuple[str, ...] = TESTS, words: str = "Sort with `f`.") -> str:
    return TaskText(words, tests, solution).text()


def outcome(env: TestedCode, text: str) -> Problem | Rejection:
    draft = env.read_problem(text)
    if isinstance(draft, Rejection):
        return draft
    (made,) = env.ground([draft])
    return made


def problem(env: TestedCode, text: str) -> Problem:
    made = outcome(env, text)
    assert isinstance(made, Problem), made
    return made


# Reading


def test_a_proposal_with_reasoning_and_fences_is_the_problem_that_its_bare_sections_are(env: TestedCode) -> None:
    fenced = "\n".join(
        ["I think of sorting.", "### Task", "", "Sort with `f`.", "### Tests", "```python", "# two items", TESTS[0], "",
         *TESTS[1:], "```", "### Solution", "```python", SORTED, "```", ""]
    )  # fmt: skip
    assert env.read_problem(fenced) == env.read_problem(written()) == Draft(written(), 1)
    assert env.read_problem(fenced.replace("\n", "\r\n")) == Draft(written(), 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "sections"),
        (SORTED, "sections"),
        (written().replace("### Tests", "### Test"), "sections"),
        (written().replace("### Tests\n", ""), "sections"),
        (f"{written()}\n### Tests\n", "sections"),
        (written(words=" "), "no_task"),
        (written(tests=()), "no_tests"),
        (written(tests=("```", "```")), "no_tests"),
        (written(tests=(TRIPLES[0], TESTS[0])), "no_tests"),
        (written(solution="f = sorted"), "no_function"),
        (written(words="\ud800"), "no_text"),
        (written(words="x" * 60_000), "too_long"),
        ("### Task\n" * 200_000, "too_long"),
    ],
)
def test_what_is_no_proposal_is_refused_for_a_reason_at_once(env: TestedCode, text: str, reason: str) -> None:
    began = time.thread_time()
    read = env.read_problem(text)
    assert time.thread_time() - began < 0.01
    assert isinstance(read, Rejection)
    assert read.reason == reason
    assert len(read.detail) <= 200


@pytest.mark.parametrize(
    "text",
    ["### Task\n" * 5000, "### Tests\n" * 5000, "```\n" * 12_000, "[" * 49_000, written(tests=("[" * 40_000,)),
     written(tests=("assert f(" * 5000,)), written(tests=("assert f(1)",) * 3000), "\n" * 50_000, " " * 50_000],
)  # fmt: skip
def test_the_longest_hostile_texts_are_read_at_once_and_give_a_fixed_point(env: TestedCode, text: str) -> None:
    began = time.thread_time()
    read = env.read_problem(text)
    assert time.thread_time() - began < 0.01
    assert isinstance(read, Rejection) or env.read_problem(read.prompt) == read


@pytest.mark.parametrize(
    ("reply", "program"),
    [
        (SORTED, SORTED),
        (f"\n{SORTED}\n\n", SORTED),
        (f"So:\n```python\n{SORTED}\n```\nDone.", SORTED),
        (f"```py\ndef f(x): return x\n```\nNo:\n```python\n{SORTED}\n```\nIt prints\n```\n[1]\n```", SORTED),
        (f"```python\n{SORTED}", SORTED),
        (f"```python\r\n{SORTED}\r\n```".replace("\n", "\r\n"), SORTED),
        ("```\n1 + 1\n```", "1 + 1"),
        ("", None),
        ("\n \n", None),
        ("```\n```", None),
    ],
)
def test_a_program_is_found_in_a_reply(reply: str, program: str | None) -> None:
    assert program_in(reply) == program


@pytest.mark.parametrize("text", ["\n```", "`", "\n", "```python\n", "\r\n```", "def ", "x"])
@pytest.mark.parametrize("length", [200_000, 1_000_000])
def test_a_program_is_looked_for_at_once(text: str, length: int) -> None:
    reply = text * (length // len(text))
    began = time.thread_time()
    program_in(reply)
    assert time.thread_time() - began < 0.01


# Admission


@pytest.mark.parametrize("tests", [TESTS, TRIPLES], ids=["assertions", "triples"])
def test_an_admitted_problem_shows_the_first_test_and_is_judged_by_the_others(
    env: TestedCode, verifier: ClosingVerifier, tests: tuple[str, ...]
) -> None:
    made = problem(env, written(tests=tests))
    assert made.origin is Origin.EXECUTED
    shown = env.solver_prompt(made, random.Random(0), 0).messages[0].text
    assert tests[0] in shown
    assert tests[1] not in shown
    assert SORTED not in shown
    only_shown = "def f(x):\n    return [1, 2] if x == [2, 1] else x"
    only_hidden = "def f(x):\n    return [] if x == [2, 1] else sorted(x)"
    verdicts = verifier.verify([(made, made.reference), (made, only_shown), (made, only_hidden)])
    assert [verdict.status for verdict in verdicts] == [Status.CORRECT, Status.WRONG, Status.CORRECT]


@pytest.mark.parametrize(
    ("solution", "tests", "reason"),
    [
        (SORTED.replace("sorted(x)", "x[::-1]"), TESTS, "solution_wrong"),
        (SORTED.replace("return", "raise"), TESTS, "solution_wrong"),
        (SORTED.replace("f(", "g("), TESTS, "solution_malformed"),
        (SORTED.replace(":", ""), TESTS, "solution_malformed"),
        ("def f(x):\n    while True: pass", TESTS, "solution_timeout"),
        ("import sys\ndef f(x):\n    sys.exit()", TESTS, "solution_wrong"),
        ("def f(x):\n    return [hash(str(x))]", ("assert f(1)", "assert f(2)", "assert f(3)"),
         "solution_nondeterministic"),
        ("class A:\n    __eq__ = lambda *x: True\ndef f(x):\n    return A()", TESTS, "solution_wrong"),
        (SORTED, ("assert f([2, 1]) == [1, 2]", "assert f([3, 1]) == ["), "broken_tests"),
        (SORTED, ("assert f([2, 1]) == [1, 2]", "import os", "assert f([3, 1]) == [1, 3]"), "self_graded_tests"),
        (SORTED, (*TESTS, "assert f([2, 1]) == f([1, 2])"), "self_graded_tests"),
        (SORTED, (*TESTS, "assert g([2, 1]) == [1, 2]"), "several_functions"),
        (SORTED, (*TRIPLES, '["g", [[2, 1]], [1, 2]]'), "unreadable_tests"),
        (SORTED, (*TRIPLES, '["f", [[2, 1]]]'), "unreadable_tests"),
        (SORTED, (*TRIPLES, '["f", [[2, 1]], NaN]'), "unreadable_tests"),
        (SORTED, (*TRIPLES, f'["f", [{"[" * 20_000}'), "unreadable_tests"),
        (SORTED, (*TRIPLES, f'["f", [{"9" * 20_000}], 1]'), "unreadable_tests"),
        (SORTED, TESTS[:2], "few_tests"),
        ("def f():\n    return 3", ("assert f() == 3",) * 4, "few_tests"),
        (SORTED, (TESTS[0], TESTS[0], TESTS[0], TESTS[1]), "few_tests"),
        (SORTED, (TESTS[0], "assert 1 == 1", "assert f([2, 1]) == [1, 2] and f([3, 1]) == [1, 3]"), "few_tests"),
    ],
)  # fmt: skip
def test_a_task_that_cannot_be_trusted_is_refused_for_a_reason(
    env: TestedCode, solution: str, tests: tuple[str, ...], reason: str
) -> None:
    made = outcome(env, written(solution, tests))
    assert isinstance(made, Rejection)
    assert made.reason == reason


@pytest.mark.parametrize(
    ("solution", "tests"),
    [
        ("def f(x):\n    return x", ("assert f(1) == 1", "assert f(2) == 2", "assert f('a') == 'a'")),
        ("def f(x, y):\n    return y", ('["f", [1, 2], 2]', '["f", [1, 3], 3]', '["f", [1, [4]], [4]]')),
        ("def f(x):\n    return None", ("assert f(1) is None", "assert f(2) is None", "assert f(3) is None")),
        ("def f(x):\n    return x > 0", ("assert f(-1) == False", "assert f(2) == True", "assert f(3) == True")),
        ("def f(x):\n    return x > 0", ("assert not f(-1)", "assert f(2)", "assert f(3)")),
        ("def f(x):\n    return x * 0", ("assert f(1) == 0", "assert f(2) == 0", "assert f(3) == 0")),
        ("def f(x):\n    return x[:0]", ("assert f('ab') == ''", "assert f('c') == ''", "assert f('d') == ''")),
        ("def f(x):\n    return {}", ("assert f(1) == {}", "assert f(2) == {}", "assert f(3) == {}")),
        ("def f(x):\n    return (7, 'a')", tuple(f"assert f({x}) == (7, 'a')" for x in range(3))),
        ("def f(x):\n    return 7", ('["f", [1], 7]', '["f", [2], 7]', '["f", [3], 7]')),
        ("def f(x):\n    return 5", ("assert f(1) == 5", "assert f(2) > 0", "assert f(3) == 5", "assert f(4) == 5")),
        ("def f(x):\n    return x + 1", ("assert f(1) == 2", "assert f(2) > 0", "assert f(3) < 9", "assert f(4) != 7")),
        ("def f(x):\n    return x * (x == 1)",
         ("assert f(1) == 1", "assert f(1) == 1", "assert f(2) == 0", "assert f(3) == 0")),
    ],
)  # fmt: skip
def test_tests_that_a_trivial_program_passes_are_refused(
    env: TestedCode, solution: str, tests: tuple[str, ...]
) -> None:
    made = outcome(env, written(solution, tests))
    assert isinstance(made, Rejection)
    assert made.reason == "trivial_tests"


def test_a_batch_is_grounded_as_its_parts_are(env: TestedCode) -> None:
    texts = [written(), "", written(tests=TRIPLES), written(tests=TESTS[:2]), written("def f(x):\n    return x")]
    drafts = [Draft(text, 1, (str(place),)) for place, text in enumerate(texts)]
    assert env.ground(drafts) == [env.ground([draft])[0] for draft in drafts]
    assert [getattr(made, "parents", None) for made in env.ground(drafts)] == [("0",), None, ("2",), None, None]


# Judging


CHEATS = {
    "ends the process": "import sys\ndef f(x):\n    sys.exit(0)",
    "ends the process at once": "import os\nos._exit(0)\ndef f(x): pass",
    "equal to everything": "class A(list):\n    def __eq__(self, other): return True\ndef f(x):\n    return A()",
    "prints": "def f(x):\n    print(sorted(x))",
    "reads tests from its callers": (
        "import sys\ndef f(x):\n    frame = sys._getframe()\n    while frame:\n"
        "        for value in list(frame.f_locals.values()):\n"
        "            if type(value) is list and value == sorted(x): return value\n        frame = frame.f_back"
    ),
    "reads tests from memory": (
        "import gc\ndef f(x):\n    wanted = [1, 2, 3] if len(x) == 3 else [4, 5]\n"
        "    found = [o for o in gc.get_objects() if type(o) is list and o == wanted and o is not wanted]\n"
        "    return found[0]"
    ),
    "changes sorting": "import builtins\nbuiltins.sorted = lambda x: x\ndef f(x):\n    return x",
    "raises an assertion": "def f(x):\n    raise AssertionError",
    "yields": "def f(x):\n    yield from sorted(x)",
    "another type": "def f(x):\n    return tuple(sorted(x))",
    "loops": "def f(x):\n    while True: pass",
    "no function": "f = 3",
    "no program": "I cannot do that.",
}  # fmt: skip


@pytest.mark.parametrize("tests", [TESTS, TRIPLES], ids=["assertions", "triples"])
def test_no_cheating_or_hostile_program_is_right(
    env: TestedCode, verifier: ClosingVerifier, tests: tuple[str, ...]
) -> None:
    made = problem(env, written(tests=tests))
    verdicts = verifier.verify([(made, program) for program in CHEATS.values()])
    statuses = dict(zip(CHEATS, (verdict.status for verdict in verdicts), strict=True))
    assert Status.CORRECT not in statuses.values(), statuses
    assert Status.FAULT not in statuses.values(), statuses
    assert statuses["loops"] is Status.TIMEOUT
    assert statuses["no program"] is Status.MALFORMED


# Drawn tasks


@pytest.mark.parametrize("style", ["terse", "instruct"])
def test_drawn_tasks_are_admitted_and_their_demonstrations_are_right(
    executor: PythonExecutor, verifier: ClosingVerifier, style: Any
) -> None:
    env = TestedCode(Options(style=style, num_shown=2), executor)
    rng = rng_for(0, "drawn")
    made = env.ground([env.draw(level, rng) for level in env.levels for _ in range(5)])
    problems = [one for one in made if isinstance(one, Problem)]
    assert len(problems) == len(made)
    answers = [(one, env.read_answer(one, env.solver_reply(one)) or "") for one in problems]
    assert {verdict.status for verdict in verifier.verify(answers)} == {Status.CORRECT}
    for one in problems:
        assert env.read_problem(env.proposer_reply(one)[1]) == Draft(one.prompt, one.level)


def test_without_any_one_of_its_steps_a_drawn_program_fails(env: TestedCode, verifier: ClosingVerifier) -> None:
    rng = rng_for(0, "steps")
    shorter = []
    for made in env.ground([env.draw(level, rng) for level in (2, 3, 5) for _ in range(6)]):
        assert isinstance(made, Problem)
        first, *steps = made.reference.replace("return ", "x = ").split("\n")
        for place in range(len(steps)):
            program = "\n".join([first, *steps[:place], *steps[place + 1 :], "    return x"])
            shorter.append((made, program))
    assert {verdict.status for verdict in verifier.verify(shorter)} == {Status.WRONG}


def test_every_step_makes_a_task_of_level_one_and_drawing_finds_them_all() -> None:
    assert all(telling_inputs([step]) is not None for step in STEPS)
    rng = rng_for(0, "all")
    drawn = {task.words for task in (draw_task(1, rng) for _ in range(1500))}
    assert len(drawn) == len(STEPS) == num_tasks(1)


def test_a_chain_of_steps_is_one_problem_whatever_the_seed() -> None:
    by_words: dict[str, set[tuple[str, ...]]] = {}
    for seed in range(300):
        task = draw_task(1, random.Random(seed))
        by_words.setdefault(task.words, set()).add(task.tests)
    assert {len(tests) for tests in by_words.values()} == {1}


def test_other_words_keep_tests_and_solution_and_name_their_parent(env: TestedCode) -> None:
    made = problem(env, written())
    assert env.prose(made) == "Sort with `f`."
    reworded = env.reword(made, "Call it `f`; let it order the items.\n")
    assert isinstance(reworded, Problem)
    assert (reworded.reference, reworded.payload, reworded.parents) == (made.reference, made.payload, (made.id,))
    assert reworded.id != made.id
    assert problem(env, reworded.prompt).id == reworded.id
    assert isinstance(env.reword(made, "### Tests\nassert True"), Rejection)
    assert isinstance(env.reword(made, " "), Rejection)


# Files

MBPP = {
    "task_id": 2,
    "text": "Write a function to find the shared elements of two lists.",
    "code": "def shared(a, b):\r\n    return tuple(set(a) & set(b))",
    "test_setup_code": "",
    "test_list": [
        "assert set(shared((3, 4, 5, 6),(5, 7, 4, 10))) == set((4, 5))",
        "assert set(shared((1, 2, 3, 4),(5, 4, 3, 7))) == set((3, 4))",
        "assert set(shared((11, 12, 14, 13),(17, 15, 14, 13))) == set((13, 14))",
    ],
    "challenge_test_list": [],
}
HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": 'def below(numbers, bound):\n    """Whether all numbers are below the bound."""\n',
    "canonical_solution": "    return all(n < bound for n in numbers)\n",
    "test": "\n\nMETADATA = {'author': 'x'}\n\n\ndef check(candidate):\n    assert candidate([1, 2], 3) == True\n"
    "    assert candidate([1, 4], 3) == False\n    assert candidate([], 0)\n",
    "entry_point": "below",
}
OWN = {"problem": "Sort with `f`.", "solution": SORTED, "tests": list(TRIPLES)}
TRIVIAL = {"text": "Nothing.", "code": "def f(x):\n    return 1", "test_list": ["assert f(1) == 1"] * 3}
BAD_LINES = ["{", "[1]", '{"text": "t"}', json.dumps({**MBPP, "test_list": []}), json.dumps({**MBPP, "code": "x = 1"})]


def test_rows_of_known_shapes_are_problems_and_bad_rows_are_told_with_their_lines(
    executor: PythonExecutor, verifier: ClosingVerifier, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rows.jsonl"
    good = [json.dumps(row) for row in (MBPP, HUMANEVAL, OWN)]
    path.write_text("\n".join([*good, "", *BAD_LINES, json.dumps(TRIVIAL), good[0]]) + "\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        env = TestedCode(Options(path=str(path)), executor)
    assert [bad.place for bad in env.bad_rows] == [f"rows.jsonl:{line}" for line in range(5, 10)]
    assert "5 rows were left out, 4 are used" in caplog.text
    assert "rows.jsonl:7: expected a text in code or reference or solution" in caplog.text
    rng = random.Random(0)
    drafts = list({draft.prompt: draft for draft in (env.draw(1, rng) for _ in range(100))}.values())
    assert len(drafts) == env.num_problems(1) == 4
    problems = [made for made in env.ground(drafts) if isinstance(made, Problem)]
    assert {made.payload["function"] for made in problems} == {"shared", "below", "f"}
    assert {made.origin for made in problems} == {Origin.DATASET}
    assert env.bad_rows[-1].place == "rows.jsonl:10"
    assert env.bad_rows[-1].reason.startswith("few_tests")
    env.ground(drafts)
    assert len(env.bad_rows) == 6
    verdicts = verifier.verify([(made, made.reference) for made in problems])
    assert {verdict.status for verdict in verdicts} == {Status.CORRECT}
    for made in problems:
        assert [one.prompt for one in env.ground([Draft(made.prompt, 1)]) if isinstance(one, Problem)] == [made.prompt]


def test_a_parquet_file_is_read_as_its_rows(executor: PythonExecutor, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist([MBPP, {**MBPP, "code": None}]), path)
    env = TestedCode(Options(path=str(path)), executor)
    assert [bad.place for bad in env.bad_rows] == ["rows.parquet:2"]
    (made,) = env.ground([env.draw(1, random.Random(0))])
    assert isinstance(made, Problem)
    assert made.payload["place"] == "rows.parquet:1"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.csv", "", "expected a file that ends with .jsonl or .parquet"),
        ("none.jsonl", None, "which is no file"),
        ("rows.parquet", "no", "no readable Parquet file"),
        ("rows.jsonl", "", "expected a file with at least one problem"),
        ("rows.jsonl", "{\n", "rows.jsonl:1: not JSON"),
    ],
)
def test_a_file_without_a_problem_is_a_mistake_in_the_options(
    tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(ConfigError, match=f"env.options.path: .*{message}"):
        TestedCode(Options(path=str(tmp_path / name)), None)  # type: ignore[arg-type]


def test_a_text_survives_being_read_and_written() -> None:
    for task in (draw_task(level, random.Random(level)) for level in range(1, 7)):
        text = TaskText(task.words, task.tests, task.program)
        assert read_text(text.text()) == text
