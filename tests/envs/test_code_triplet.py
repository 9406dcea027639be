"""Absolute Zero's tasks: what is proposed is admitted by running it, and only what works is right."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import get_args

import pytest

from envs.base import Style
from envs.code.code_generator import INPUTS, draw_function, num_bodies, num_functions
from envs.code.code_program import FENCE, TASKS, Triplet
from envs.code.code_terse import Pieces, trace
from envs.code_triplet import CodeTriplet, Options
from selfplay.seeding import rng_for
from selfplay.types import Draft, Origin, Problem, Rejection, Status
from verifiers import ClosingVerifier, PythonExecutor, make_verifier
from verifiers.sandbox import json_values

STYLES = get_args(Style)


@pytest.fixture(scope="module")
def judge() -> Iterator[ClosingVerifier]:
    with make_verifier("python_exec", deadline_s=1.0) as made:
        yield made


@pytest.fixture(scope="module", params=STYLES)
def triplets(request: pytest.FixtureRequest, executor: PythonExecutor) -> CodeTriplet:
    return CodeTriplet(Options(style=request.param), executor)


@pytest.fixture(scope="module")
def words(executor: PythonExecutor) -> CodeTriplet:
    return CodeTriplet(Options(style="instruct", num_inputs=4), executor)


@pytest.fixture(scope="module")
def pieces(executor: PythonExecutor) -> CodeTriplet:
    return CodeTriplet(Options(), executor)


def drawn(env: CodeTriplet, name: str, per_level: int) -> list[Draft]:
    rng = rng_for(0, "code_triplet", name)
    return [env.draw(level, rng) for level in env.levels for _ in range(per_level)]


def grounded(env: CodeTriplet, drafts: list[Draft]) -> list[Problem]:
    found = env.ground(drafts)
    assert [one for one in found if isinstance(one, Rejection)] == []
    return [one for one in found if isinstance(one, Problem)]


def proposal(program: str, *inputs: str, task: str = "deduction", message: str = "hint") -> str:
    blocks = [("python", program), *(("input", text) for text in inputs)]
    if task == "induction":
        blocks.append(("message", message))
    return f"{task}\n" + "\n".join(f"{FENCE}{name}\n{text}\n{FENCE}" for name, text in blocks)


def outcome(env: CodeTriplet, text: str) -> Problem | Rejection:
    read = env.read_problem(text)
    return read if isinstance(read, Rejection) else env.ground([read])[0]


# Drawing


def test_a_drawn_problem_reads_as_itself_and_keeps_its_text_when_grounded(triplets: CodeTriplet) -> None:
    drafts = drawn(triplets, "read", 6)
    assert [triplets.read_problem(draft.prompt) for draft in drafts] == drafts
    marked = [replace(draft, parents=("parent",)) for draft in drafts]
    kept = [(p.prompt, p.level, p.parents, p.origin) for p in grounded(triplets, marked)]
    assert kept == [(draft.prompt, draft.level, ("parent",), Origin.EXECUTED) for draft in drafts]


def test_every_task_is_drawn_and_only_those_that_are_asked_for(executor: PythonExecutor) -> None:
    for tasks in (["abduction"], ["induction", "deduction"], list(TASKS)):
        env = CodeTriplet(Options(tasks=tasks), executor)  # type: ignore[arg-type]
        rng = random.Random(0)
        assert {env.draw(2, rng).prompt.split()[0] for _ in range(60)} == set(tasks)
        assert {env.proposer_prompt(rng).prefix.split()[0] for _ in range(60)} == set(tasks)
    assert outcome(
        CodeTriplet(Options(tasks=["abduction"]), executor), "deduction def f(b):c=b^2;return c,vars() f(3)"
    ) == (Rejection("task", "deduction, expected abduction"))


def test_reference_and_reference_solution_are_right(triplets: CodeTriplet, judge: ClosingVerifier) -> None:
    problems = grounded(triplets, drawn(triplets, "right", 12))
    said = [triplets.read_answer(problem, triplets.solver_reply(problem)) for problem in problems]
    for answers in (said, [problem.reference for problem in problems]):
        verdicts = judge.verify([(p, answer or "") for p, answer in zip(problems, answers, strict=True)])
        assert {verdict.status for verdict in verdicts} == {Status.CORRECT}


def test_terse_problems_are_as_many_as_counted() -> None:
    notation = Pieces()
    for task in TASKS:
        rng = random.Random(0)
        count = notation.num_problems(task, 1)
        assert len({notation.write(notation.draw(task, 1, rng)) for _ in range(15 * count)}) == count


def test_functions_in_words_are_as_many_as_counted() -> None:
    rng = random.Random(0)
    for lines in (1, 2):
        seen = {draw_function(lines, 1, rng)[0] for _ in range(10_000)}
        count = sum(num_bodies(kind, lines) for kind in INPUTS)
        assert len(seen) == count
    assert num_functions(1) == sum(INPUTS.values())
    assert num_functions(2, 10) > num_functions(2)


def test_functions_in_words_have_the_parser_s_own_form(words: CodeTriplet) -> None:
    """So that what is drawn and what is admitted have one text, and one id."""
    drafts = [words.draw(level, rng_for(1, level, index)) for level in words.levels for index in range(40)]
    assert [problem.prompt for problem in grounded(words, drafts)] == [draft.prompt for draft in drafts]


def test_the_first_level_in_words_is_the_identity(words: CodeTriplet) -> None:
    (problem,) = grounded(words, [Draft(proposal("def f(n):\n    return n", "28"), 1)])
    assert problem.reference == "28"
    assert all(words.draw(1, random.Random(seed)).prompt.count("\n    return ") == 1 for seed in range(20))
    rng = random.Random(0)
    for _ in range(30):
        text = words.proposer_prompt(rng).messages[0].text
        assert any(f"def f({name}):\n    return {name}\n" in text for name in ("n", "values", "text"))


# Admission


@pytest.mark.parametrize(
    ("program", "inputs", "reason"),
    [
        ("def f(x):\n    return x +", ["1"], "syntax"),
        ("def g(x):\n    return x", ["1"], "not_one_function"),
        ("def f(x):\n    return g(x)\ndef g(x):\n    return x", ["1"], "not_one_function"),
        ("import os\ndef f(x):\n    return os.getpid()", ["1"], "import"),
        ("def f(x):\n    return __import__('random').random()", ["1"], "name"),
        ("def f(x):\n    return x", ["1 + 1"], "input_not_literal"),
        ("def f(x):\n    return x", ["0) or 49 == (49"], "input_not_literal"),
        ("def f(x):\n    return x", ["1e999"], "input_not_literal"),
        ("def f(x):\n    return 1 // x", ["0"], "execution_error"),
        ("def f(x):\n    return x", ["1, 2"], "execution_error"),
        ("def f(x):\n    while x:\n        pass\n    return x", ["1"], "execution_timeout"),
        ("def f(x):\n    return 'a' * 10 ** 12", ["1"], "execution_memory"),
        ("def f(x):\n    return hash(x)", ["'a'"], "nondeterministic"),
        ("def f(x):\n    return list({'a', 'b', 'c', 'd', 'e', 'f', x})", ["'g'"], "nondeterministic"),
        ("def f(x):\n    return f", ["1"], "output_not_literal"),
        ("def f(x):\n    yield x", ["1"], "output_not_literal"),
        ("def f(x):\n    return x / 2 ** -1000 * 2 ** 100", ["1e300"], "output_not_literal"),
        ("def f(x):\n    return 'a' * x", ["301"], "output_too_large"),
        ("def f(x):\n" + "    x = x + 1\n" * 15 + "    return x", ["1"], "too_long"),
        ("def f(x):\n    " + "x = x + 1; " * 15 + "return x", ["1"], "too_long"),
    ],
)
def test_what_cannot_be_a_problem_is_refused_with_its_reason(program: str, inputs: list[str], reason: str) -> None:
    with PythonExecutor(deadline_s=0.4, memory_mb=256) as quick:
        env = CodeTriplet(Options(style="instruct"), quick)
        found = outcome(env, proposal(program, *inputs))
    assert isinstance(found, Rejection)
    assert found.reason == reason, found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "task"),
        ("poetry\n" + proposal("def f(x):\n    return x", "1"), "task"),
        ("deduction\ndef f(x): return x", "no_program"),
        (proposal("def f(x):\n    return x", "1")[:-3], "no_program"),
        (proposal("def f(x):\n    return x"), "num_inputs"),
        (proposal("def f(x):\n    return x", "1", "2"), "num_inputs"),
        (proposal("def f(x):\n    return x", "1", "2", task="induction"), "num_inputs"),
        (proposal("def f(x):\n    return x", "1", "2", "3", "4", task="induction", message=""), "no_message"),
        (proposal("def f(x):\n    return x", "1" * 400), "too_long"),
        (proposal("def f(x):\n    return x\n" * 500, "1"), "too_long"),
        ("deduction" * 10_000, "too_long"),
        (proposal("def f(x):\n    return '\ud800'", "1"), "characters"),
    ],
)
def test_a_reply_that_is_no_proposal_is_refused_with_its_reason(words: CodeTriplet, text: str, reason: str) -> None:
    found = words.read_problem(text)
    assert isinstance(found, Rejection)
    assert found.reason == reason


def test_inputs_that_are_the_same_value_are_refused(words: CodeTriplet) -> None:
    found = outcome(words, proposal("def f(x):\n    return x", "1", "2", "3", "0x1", task="induction"))
    assert isinstance(found, Rejection)
    assert found.reason == "inputs_repeated"


def test_spelling_comments_and_reasoning_do_not_make_another_problem(words: CodeTriplet) -> None:
    plain = proposal("def f(x):\n    return [x + 1, 'a']", "3")
    other = (
        "deduction\nI think of a list.\n"
        + proposal('def f( x ):\n\n    """Gives [4, "a"]."""\n    return [x+1, "a"]  # so 4', "0x3 ").partition("\n")[2]
        + "\nThat should do."
    )
    first, second = outcome(words, plain), outcome(words, other)
    assert isinstance(first, Problem)
    assert isinstance(second, Problem)
    assert (first.id, first.prompt, first.level) == (second.id, second.prompt, second.level)
    assert "4" not in second.prompt


def test_a_reference_does_not_depend_on_the_order_of_a_set(words: CodeTriplet) -> None:
    found = outcome(words, proposal("def f(x):\n    return {'b', 'a', x}", "'c'"))
    assert isinstance(found, Problem)
    assert found.reference == "{'a', 'b', 'c'}"


# Answers


def test_any_input_that_works_is_right_and_no_other(pieces: CodeTriplet, judge: ClosingVerifier) -> None:
    drafts = [draft for draft in drawn(pieces, "abduction", 9) if draft.prompt.startswith("abduction")]
    pairs = list(product(grounded(pieces, drafts), "0123"))
    statuses = [verdict.status for verdict in judge.verify(pairs)]
    program = [problem.payload["program"] for problem, _ in pairs]
    expected = [json_values.read(problem.payload["expected"]) for problem, _ in pairs]
    works = [int(trace(p, value)[-1][0]) == e for p, (_, value), e in zip(program, pairs, expected, strict=True)]
    assert statuses == [Status.CORRECT if one else Status.WRONG for one in works]
    assert {True, False} == set(works)
    assert len(pairs) < 4 * sum(works)  # more than one input works for some


def test_hidden_pairs_decide_and_are_not_shown(words: CodeTriplet, judge: ClosingVerifier) -> None:
    problem = outcome(words, proposal("def f(x):\n    return x * x", "1", "2", "3", "-40", task="induction"))
    assert isinstance(problem, Problem)
    text = words.solver_prompt(problem, random.Random(0), 0).messages[0].text
    assert "f(1) == 1" in text
    assert "f(2) == 4" in text
    assert "hint" in text
    assert not any(secret in text for secret in ("x * x", "1600", "-40", "9"))
    answers = {
        "def f(x):\n    return x ** 2": Status.CORRECT,
        "def f(n):\n    return abs(n) * abs(n)": Status.CORRECT,
        "def f(x):\n    return {1: 1, 2: 4}[x]": Status.WRONG,
        "def f(x):\n    return 3 * x - 2": Status.WRONG,
        "def f(x):\n    return float(x * x)": Status.WRONG,
        "def g(x):\n    return x * x": Status.MALFORMED,
        "class E:\n    __eq__ = lambda s, o: True\ndef f(x):\n    return E()": Status.WRONG,
    }
    replies = [words.read_answer(problem, f"So:\n{FENCE}python\n{program}\n{FENCE}") for program in answers]
    verdicts = judge.verify([(problem, reply or "") for reply in replies])
    assert [verdict.status for verdict in verdicts] == list(answers.values())


def test_reasoning_comes_before_a_final_answer(words: CodeTriplet) -> None:
    deduction = outcome(words, proposal("def f(x):\n    return [x]", "3"))
    assert isinstance(deduction, Problem)
    assert words.read_answer(deduction, "Answer: 4? No.\nIt is a list.\nAnswer: `[3]`") == "[3]"
    assert words.read_answer(deduction, "It is [3].") is None
    induction = outcome(words, proposal("def f(x):\n    return x", "1", "2", "3", "4", task="induction"))
    assert isinstance(induction, Problem)
    assert (
        words.read_answer(induction, f"{FENCE}python\n1\n{FENCE}\nor\n{FENCE}\n2\n{FENCE}\n{FENCE}python\n3") == "2\n"
    )
    assert words.read_answer(induction, "def f(x): return x") is None


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("b=3b1c1d", "(1, {'b': 3, 'c': 1, 'd': 1})"),
        ("3b1c1d", "(1, {'b': 3, 'c': 1, 'd': 1})"),
        ("b=b=3b1c1d", None),
        ("3b1c", "(1, {'b': 3, 'c': 1})"),
        ("1d3b1c", "(1, {'d': 1, 'b': 3, 'c': 1})"),
        ("3b1c1c", None),
        ("3b1c1", None),
        ("b3c1d1", None),
        ("", None),
        ("3b" * 100_000, None),
    ],
)
def test_a_trace_is_read_as_the_output_that_it_says(pieces: CodeTriplet, reply: str, answer: str | None) -> None:
    problem = outcome(pieces, "deduction def f(b):c=b^2;d=c&1;return d,vars() f(3)")
    assert isinstance(problem, Problem)
    assert pieces.read_answer(problem, reply) == answer


def test_a_trace_back_to_an_input_answers_with_its_last_value(pieces: CodeTriplet) -> None:
    problem = outcome(pieces, "abduction def f(b):c=b^2;d=c&1;return d f(3)")
    assert isinstance(problem, Problem)
    assert pieces.solver_reply(problem) == "1d1c3b"
    assert pieces.read_answer(problem, "1d0c2b") == "2"
    assert pieces.read_answer(problem, "1d0c") is None


def test_terse_programs_are_python_that_does_what_their_trace_says(pieces: CodeTriplet) -> None:
    for problem in grounded(pieces, drawn(pieces, "trace", 9)):
        triplet = Pieces().read(problem.prompt)
        assert isinstance(triplet, Triplet)
        outputs = json_values.read(problem.payload["outputs"])
        for value, output in zip(triplet.inputs, outputs, strict=True):
            pairs = trace(triplet.program, value)
            last = output[0] if triplet.task == "deduction" else output
            assert last == int(pairs[-1][0])
            if triplet.task == "deduction":
                assert output[1] == {pair[1]: int(pair[0]) for pair in pairs}


@pytest.mark.parametrize(
    "text",
    [
        "deduction def f(b):c=b^2;return c f(3)",
        "abduction def f(b):c=b^2;return c,vars() f(3)",
        "deduction def f(b):return b,vars() f(3)",
        "deduction def f(b):c=b^4;return c,vars() f(3)",
        "deduction def f(b):c=b^2;return c,vars() f(3) f(2)",
        "deduction def f(b):c=b^2;return c,vars()",
        "induction def f(b):c=b^2;return c f(3) f(2) f(1) f(0)",
        "induction def f(b):c=b^2;return c f(3) f(2)#^",
        "deduction  def f(b):c=b^2;return c,vars() f(3)",
        "deduction def f(b):c=b^\uff12;return c,vars() f(3)",
    ],
)
def test_terse_text_off_the_grammar_is_refused(pieces: CodeTriplet, text: str) -> None:
    found = pieces.read_problem(text)
    assert isinstance(found, Rejection)
    assert found.reason == "grammar"


def test_statements_that_do_nothing_are_dropped_from_a_proposal(pieces: CodeTriplet) -> None:
    text = "deduction def f(b):pass;c=b^2;pass;pass;return c,vars() f(3)"
    assert pieces.read_problem(text) == Draft(text.replace("pass;", ""), 1)
    problems = grounded(pieces, drawn(pieces, "filler", 4))
    replies = [pieces.proposer_reply(problem)[1] for problem in problems]
    drafts = [Draft(problem.prompt, problem.level) for problem in problems]
    assert [pieces.read_problem(reply) for reply in replies] == drafts
    assert {0, 1, 2, 3} == {reply.count("pass;") for reply in replies}


def test_names_must_follow_each_other(pieces: CodeTriplet) -> None:
    for program in (
        "def f(b):d=b^2;return d",
        "def f(b):c=c^2;return c",
        "def f(b):c=b^2;return b",
        "def f(b):c=b^2;d=b^2;return d",
    ):
        assert pieces.read_problem(f"abduction {program} f(3)") == Rejection("names", f"abduction {program} f(3)")
    assert isinstance(pieces.read_problem("abduction def f(p):a=p^2;return a f(3)"), Draft)


# Variations


def test_renamed_problems_are_what_grounding_gives_and_their_replies_right(
    pieces: CodeTriplet, judge: ClosingVerifier
) -> None:
    problems = grounded(pieces, drawn(pieces, "rename", 9))
    rng = random.Random(0)
    moved = [pieces.augment(problem, pieces.solver_reply(problem), rng) for problem in problems]
    again = pieces.ground([Draft(one.prompt, one.level, one.parents) for one, _ in moved])
    assert [one for one, _ in moved] == again
    assert [dict(one.payload) for one, _ in moved] == [dict(one.payload) for one in again if isinstance(one, Problem)]
    answers = [(one, pieces.read_answer(one, reply) or "") for one, reply in moved]
    assert {verdict.status for verdict in judge.verify(answers)} == {Status.CORRECT}
    assert len({one.id for one, _ in moved} - {problem.id for problem in problems}) > 0.8 * len(problems)


def test_mutants_are_read_as_themselves_at_the_same_level(triplets: CodeTriplet) -> None:
    rng = random.Random(0)
    drafts = drawn(triplets, "mutate", 8)
    mutants = [triplets.mutate(draft, rng, 0.5) for draft in drafts]
    assert [triplets.read_problem(mutant.prompt) for mutant in mutants] == mutants
    assert [mutant.level for mutant in mutants] == [draft.level for draft in drafts]
    assert sum(mutant != draft for mutant, draft in zip(mutants, drafts, strict=True)) > 0.8 * len(drafts)
    assert [triplets.mutate(draft, rng, 0.0) for draft in drafts] == drafts
    assert sum(isinstance(one, Problem) for one in triplets.ground(mutants)) > 0.8 * len(drafts)


def test_two_functions_make_one_that_goes_on_where_the_first_ends(pieces: CodeTriplet) -> None:
    first = outcome(pieces, "deduction def f(b):c=b^2;return c,vars() f(3)")
    second = outcome(pieces, "deduction def f(h):i=h&1;j=i|2;return j,vars() f(0)")
    assert isinstance(first, Problem)
    assert isinstance(second, Problem)
    both = pieces.compose(first, second)
    assert both == Draft("deduction def f(b):c=b^2;d=c&1;e=d|2;return e,vars() f(3)", 3, (first.id, second.id))
    other = outcome(pieces, "abduction def f(h):i=h&1;return i f(0)")
    assert isinstance(other, Problem)
    assert pieces.compose(first, other) == Rejection("not_composable")


def test_filler_leaves_the_program_valid_and_its_meaning_as_it_is(
    pieces: CodeTriplet, executor: PythonExecutor
) -> None:
    (problem,) = grounded(pieces, [Draft("deduction def f(b):c=b^2;d=c&1;return d,vars() f(3)", 2)])
    rng = random.Random(0)
    shown = {pieces.solver_prompt(problem, rng, 4).messages[0].text for _ in range(50)}
    assert len(shown) > 10
    programs = [text.removeprefix("<solve>deduction f(b=3) ") for text in shown]
    runs = executor.run([f"{program}\nresult = str(f(b=3))" for program in programs])
    assert {run.values["result"] for run in runs} == {problem.reference}


# Bounds


HOSTILE = [
    "`" * 1_000_000,
    f"deduction\n{FENCE}python\n" * 60_000,
    "deduction\n" + f"{FENCE}input\n1\n" * 1500,
    "deduction " + "def f(b):" + "c=b^2;" * 200_000,
    "deduction\n" + FENCE + "python\n" + "(" * 19_000,
    "deduction\n" + " \n" * 9_000,
    "induction def f(b):c=b^2;return c" + " f(0)" * 100_000,
    "\ud800" * 1_000_000,
    "9" * 1_000_000,
]


def test_reading_hostile_text_is_quick_and_never_raises(triplets: CodeTriplet) -> None:
    problem = grounded(triplets, drawn(triplets, "hostile", 1))[-1]
    for text in HOSTILE:
        began = time.thread_time()
        found = triplets.read_problem(text)
        assert time.thread_time() - began < 0.01
        assert isinstance(found, Rejection)
        assert len(found.detail) <= 200
        began = time.thread_time()
        triplets.read_answer(problem, text)
        assert time.thread_time() - began < 0.01
