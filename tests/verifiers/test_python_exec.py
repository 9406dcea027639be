"""Programs get their own outcome and no more; whatever they try, the next one is still right."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from helpers import SLACK_S, at_most, problem
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.types import Status
from verifiers import Execution, PythonExecutor, make_verifier, python_exec
from verifiers.inside import straight_line
from verifiers.python_exec import ExecutionStatus, PythonVerifier, rechecked
from verifiers.sandbox import Job, Limits, SandboxError, Tier

DEADLINE_S = 0.6
HONEST = "a = [6, 7]\nb = a[0] * a[1]\nprint(b)\n"
PLAIN = "a = 6\nb = a * 7\nprint(b)\n"


@pytest.fixture(scope="module")
def executor() -> Iterator[PythonExecutor]:
    with PythonExecutor(deadline_s=DEADLINE_S, memory_mb=256) as executor:
        yield executor


@pytest.fixture(scope="module")
def alone() -> Iterator[PythonExecutor]:
    with PythonExecutor(deadline_s=DEADLINE_S, shared_lane=False) as executor:
        yield executor


def outcome(execution: Execution) -> tuple[str, str, dict[str, object], str]:
    return execution.status.value, execution.stdout, dict(execution.values), execution.detail


def test_values_come_back_with_their_exact_types_in_order_of_assignment(executor: PythonExecutor) -> None:
    program = (
        "z = 1\na = True\nt = 'é\\ud800'\nf = 0.1\nn = None\nminus = -0.0\nnan = float('nan')\nbig = 2**4000\n"
        "class I(int): pass\nhidden = I(3)\nlst = [1]\nhuge = 2**5000\nlong = 'x'*5000\nz = 2\n"
    )
    (execution,) = executor.run([program])
    values = dict(execution.values)
    nan = values.pop("nan")
    assert isinstance(nan, float)
    assert math.isnan(nan)
    assert list(values.items()) == [
        ("z", 2),
        ("a", True),
        ("t", "é\ud800"),
        ("f", 0.1),
        ("n", None),
        ("minus", -0.0),
        ("big", 2**4000),
    ]
    assert [type(value) for value in values.values()] == [int, bool, str, float, type(None), float, int]
    assert math.copysign(1, values["minus"]) == -1  # type: ignore[arg-type]


def test_each_program_has_fresh_globals_and_intact_builtins(executor: PythonExecutor) -> None:
    programs = ["print = 3\nlen = 4\nx = 5", "import builtins\nbuiltins.print = builtins.len = None", HONEST, PLAIN]
    programs += ["x = y", "y = 1", "print(x)", "print(len('ab'))"]
    statuses = [execution.status.value for execution in executor.run(programs)]
    assert statuses == ["ok", "ok", "ok", "ok", "error", "ok", "error", "ok"]
    assert executor.run(programs)[2].stdout == "42\n"


@pytest.mark.parametrize(
    ("program", "status", "detail"),
    [
        ("x = 1 +", "error", "does not compile: SyntaxError"),
        ("for", "error", "does not compile: SyntaxError"),
        ("x = 1\0", "error", "does not compile: "),
        ("return 3", "error", "does not compile: SyntaxError"),
        ("x = " + "(" * 5000 + "1" + ")" * 5000, "error", "does not compile: SyntaxError"),
        ("x = 1 // 0", "error", "raised ZeroDivisionError"),
        ("x = missing", "error", "raised NameError"),
        ("import sys; sys.exit(3)", "error", "raised SystemExit"),
        ("import sys; print(1); sys.exit()", "ok", ""),
        ("raise KeyboardInterrupt", "error", "raised KeyboardInterrupt"),
        ("input()", "error", "raised EOFError"),
        ("import sympy", "error", "raised ModuleNotFoundError"),
        ("pass", "ok", ""),
        ("", "ok", ""),
        ("x" * 1_000_001, "error", "does not compile: longer"),
    ],
)
def test_ordinary_endings(executor: PythonExecutor, program: str, status: str, detail: str) -> None:
    (execution,) = executor.run([program])
    assert execution.status.value == status
    assert execution.detail.startswith(detail)
    assert not (status == "error" and execution.values)


def names() -> st.SearchStrategy[str]:
    return st.sampled_from(["a", "b", "c", "n1", "total", "_"])


def operands() -> st.SearchStrategy[str]:
    terms = names() | st.integers(0, 99).map(str) | st.integers(0, 2**300).map(str)
    return st.recursive(
        terms,
        lambda inner: (
            st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%", "&", "|", "^"]), inner).map(
                lambda parts: f"({' '.join(parts)})"
            )
            | inner.map(lambda text: f"-{text}")
        ),
        max_leaves=5,
    )


ODD_STATEMENTS = """pass|print('a, #b')|print(7)|print()|print = 1|x = len|len = 2|print(a, b)|a += 1|a = b = 2
a = 'text'|a = True|a = 07|a ==|'doc'|# note||a = __name__|a, b = 1, 2|a = a * a * a * a|a: int = 3|del a|print(-a)
print(True)|a = 5 / 2|\ta = 1""".replace("\n", "|").split("|")


def statements() -> st.SearchStrategy[str]:
    assignment = st.tuples(names(), operands()).map(" = ".join)
    odd = st.sampled_from(ODD_STATEMENTS)
    return st.one_of(assignment, assignment, assignment, names().map(lambda name: f"print({name})"), odd)


@given(st.lists(st.lists(statements(), max_size=8).map("\n".join), min_size=1, max_size=12))
@settings(max_examples=25, deadline=None)
def test_both_lanes_give_the_same_execution(
    executor: PythonExecutor, alone: PythonExecutor, programs: list[str]
) -> None:
    programs = programs + many(10)  # enough for the shared lane
    assert list(map(outcome, executor.run(programs))) == list(map(outcome, alone.run(programs)))


def test_growing_straight_line_integers_are_not_run_in_the_shared_lane(executor: PythonExecutor) -> None:
    squares = "x = 3\n" + "x = x * x\n" * 60
    with at_most(DEADLINE_S + SLACK_S + 0.3):
        first, bomb, last = executor.run([*many(10), PLAIN, squares, PLAIN])[10:]
    assert bomb.status in (ExecutionStatus.TIMEOUT, ExecutionStatus.MEMORY)
    assert first.stdout == last.stdout == "42\n"


HOSTILE = {
    "infinite loop": ("while True: pass", "timeout"),
    "growing memory": ("x = []\nwhile True: x.append(bytes(10**7))", "memory"),
    "output flood": ("while True: print('x' * 1000)", "output_limit"),
    "leaves at once": ("import os\nprint('42')\nos._exit(0)", "no_result"),
    "frames on all descriptors": (
        'import os\nfor d in range(64):\n try: os.write(d, b\'["ok","",{"x":7}]\')\n except OSError: pass',
        "bad_frame",
    ),
    "huge integer printed": ("print(10**5000)", "error"),
    "deep recursion": ("def f(n): return f(n + 1)\nf(0)", "error"),
    "segfault": ("import ctypes\nctypes.string_at(0)", "crash"),
    "fork": ("import os\nos.fork()", "error"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_programs_end_in_time_with_their_own_status(executor: PythonExecutor, name: str) -> None:
    program, status = HOSTILE[name]
    executor.run([HONEST])
    with at_most(DEADLINE_S + SLACK_S):
        before, hostile, after = executor.run([HONEST, program, HONEST])
    assert hostile.status.value == status
    assert (before.status, before.stdout) == (after.status, after.stdout) == (ExecutionStatus.OK, "42\n")


def many(number: int) -> list[str]:
    """Plain programs, enough for the shared lane."""
    return [f"a = {index}\nb = a * 7\nprint(b)\n" for index in range(number)]


def test_plain_programs_share_a_child_and_a_fiftieth_is_run_alone_too(
    executor: PythonExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Job] = []
    run = executor.sandbox.run
    monkeypatch.setattr(executor.sandbox, "run", lambda jobs: sent.extend(jobs) or run(jobs))
    programs = many(300)
    assert [execution.stdout for execution in executor.run(programs)] == [f"{7 * index}\n" for index in range(300)]
    alone = [job.program for job in sent if job.entry is None]
    assert alone == [program for program in programs if rechecked(program)]
    assert 1 <= len(alone) <= 20


def test_lanes_that_disagree_are_our_fault_and_logged(
    executor: PythonExecutor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(
        python_exec, "from_shared", lambda text: Execution(ExecutionStatus.OK, stdout="something else\n")
    )
    programs = many(300)
    executions = dict(zip(programs, executor.run(programs), strict=True))
    checked = {program for program in programs if rechecked(program)}
    assert {program for program, run in executions.items() if run.status is ExecutionStatus.FAULT} == checked
    assert caplog.text.count("the two lanes disagree") == len(checked) > 0


def test_a_program_sees_no_environment_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "s3cret-value")
    with PythonExecutor() as fresh:
        (execution,) = fresh.run(["import os\nprint(dict(os.environ))"])
    assert execution.status is ExecutionStatus.OK
    assert "LC_ALL" in execution.stdout
    assert "s3cret-value" not in execution.stdout


def test_the_tier_is_told_and_a_weaker_machine_is_refused_unless_allowed() -> None:
    with PythonExecutor(best=Tier.D) as weak, pytest.raises(SandboxError, match="tier D here, and tier B is required"):
        weak.run(["print(1)"])
    with PythonExecutor(best=Tier.D, allow_unsafe=True) as weak:
        assert weak.isolation().tier is Tier.D
        assert weak.run(["print(1)"])[0].stdout == "1\n"
    with make_verifier("python_exec", best=Tier.D) as verifier, pytest.raises(SandboxError):
        verifier.verify([(problem("1\n"), "print(1)")])


def test_output_up_to_the_limit_is_kept_and_beyond_it_is_not() -> None:
    with PythonExecutor(max_output_bytes=100) as small:
        exact, over, plain_over = small.run(
            [
                "import sys\nsys.stdout.write('x' * 100)",
                "import sys\nsys.stdout.write('x' * 101)",
                "print('y')\n" * 51,
                *many(10),
            ]
        )[:3]
    assert (exact.status, exact.stdout) == (ExecutionStatus.OK, "x" * 100)
    assert over.status is plain_over.status is ExecutionStatus.OUTPUT_LIMIT
    assert (over.stdout, plain_over.stdout) == ("x" * 100, "y\n" * 50)


def test_two_runs_of_a_program_with_sets_of_texts_agree() -> None:
    program = "print(list({'alpha', 'beta', 'gamma', 'delta'}), hash('x'))"
    with PythonExecutor() as one, PythonExecutor() as two:
        assert one.run([program])[0].stdout == two.run([program])[0].stdout


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (HONEST, Status.CORRECT),
        (PLAIN, Status.CORRECT),
        ("print('42')", Status.CORRECT),
        ("print(42, end='')", Status.WRONG),
        ("print(43)", Status.WRONG),
        ("print(42)\nraise ValueError", Status.WRONG),
        ("", Status.WRONG),
        ("print(42", Status.MALFORMED),
        ("the answer is 42", Status.MALFORMED),
        ("while True: pass", Status.TIMEOUT),
        ("x = [0] * 10**10", Status.WRONG),
        ("class E:\n def __eq__(self, other): return True\nprint(E)", Status.WRONG),
        ("import builtins\nbuiltins.str.__eq__ = lambda a, b: True\nprint(1)", Status.WRONG),
        ("import gc, os\nprint([o for o in gc.get_objects() if o == '42\\n'])", Status.WRONG),
    ],
)
def test_a_program_is_judged_by_what_it_prints(answer: str, status: Status) -> None:
    with make_verifier("python_exec", deadline_s=DEADLINE_S, memory_mb=256) as verifier:
        first, second = verifier.verify([(problem("42\n"), answer), (problem("42\n"), HONEST)])
    assert first.status is status
    assert second.status is Status.CORRECT


def test_one_program_for_two_problems_runs_once_and_is_judged_twice() -> None:
    with make_verifier("python_exec") as verifier:
        first, second = verifier.verify([(problem("1\n"), "print(1)"), (problem("2\n"), "print(1)")])
    assert (first.status, second.status) == (Status.CORRECT, Status.WRONG)
    assert first.seconds == second.seconds


def test_programs_of_the_environment_share_a_child() -> None:
    source = "b=3;c=b^2;d=c&1;pass;print(d)"
    assert straight_line.plausible(source)
    assert straight_line.run(source, 100) is not None


@pytest.fixture(scope="module")
def verifier() -> Iterator[PythonVerifier]:
    with PythonVerifier(num_workers=2, deadline_s=DEADLINE_S, memory_mb=256) as verifier:
        yield verifier


DOUBLE = "def f(x):\n    return 2 * x + 1\n"
CALLS = {"entry": "f", "inputs": "[[1], [2], [3]]", "expected": "[3, 5, 7]"}
TUPLES = {"entry": '"g"', "inputs": '[[[1, 2]], [{"$set": [3]}]]', "expected": '[{"$tuple": [1, 2]}, {"$tuple": [3]}]'}
STREAMS = {"stdin": '["1 2\\n", "3 4\\n"]', "expected": '["3\\n", "7\\n\\n"]'}
TESTS = {"tests": "assert f(1) == 3\nassert f(2) in (5, 6) and not f(-0.5)"}
LOOP = {"tests": "for i in range(3):\n    assert f(i) == 2 * i + 1"}
JUDGED = [
    (CALLS, DOUBLE, Status.CORRECT, ""),
    (CALLS, "def f(x):\n    return 2.0 * x + 1\n", Status.WRONG, "wrong: call 1 of 3"),
    (CALLS, "def f(x):\n    return 3\n", Status.WRONG, "wrong: call 2 of 3"),
    (
        CALLS,
        "def f(x):\n    return 7 // (x - 2) * 0 + 2 * x + 1",
        Status.WRONG,
        "error: call 2 of 3: raised ZeroDivision",
    ),
    (CALLS, "def f(x)\n", Status.MALFORMED, "error: does not compile"),
    (CALLS, "def g(x): return 1", Status.MALFORMED, "error: defines no function 'f'"),
    (CALLS, "def f(x):\n    while True: pass", Status.TIMEOUT, "timeout: "),
    (CALLS, "def f(x): return [0] * 10**11", Status.WRONG, "memory: "),
    (CALLS, "def f(x): return [0] * 10**6", Status.WRONG, "output_limit: "),
    (CALLS, "import ctypes\ndef f(x): ctypes.string_at(0)", Status.WRONG, "crash: signal 11"),
    (CALLS, "import os\ndef f(x): os._exit(0)", Status.WRONG, "no_result: "),
    (CALLS, "import os\nos.write(3, b'x')\n" + DOUBLE, Status.WRONG, "bad_frame: "),
    (
        CALLS,
        "class A:\n def __eq__(s, o): return True\ndef f(x): return A()",
        Status.WRONG,
        "unsupported_type: call 1 of 3: A",
    ),
    (TUPLES, "def g(x):\n    return tuple(x)", Status.CORRECT, ""),
    (TUPLES, "def g(x):\n    return list(x)", Status.WRONG, "wrong: call 1 of 2"),
    (STREAMS, "print(sum(map(int, input().split())), '  ')", Status.CORRECT, ""),
    (STREAMS, "print(3)", Status.WRONG, "wrong: input 2 of 2"),
    (STREAMS, "print(1 / 0)", Status.WRONG, "error: input 1 of 2: raised ZeroDivisionError"),
    (STREAMS, "print(", Status.MALFORMED, "error: does not compile"),
    (TESTS, DOUBLE, Status.CORRECT, ""),
    (TESTS, "def f(x):\n    return 3", Status.WRONG, "wrong: assertion 2 about f"),
    (TESTS, "class A:\n def __eq__(s, o): return True\ndef f(x): return A()", Status.WRONG, "unsupported_type: "),
    (TESTS, "assert_ = 1", Status.MALFORMED, "error: defines no function"),
    (LOOP, DOUBLE, Status.UNDECIDED, "self_graded: "),
    (LOOP, "def f(x):\n    return 3", Status.WRONG, "self_graded: error: raised AssertionError"),
    (LOOP, "import sys\nsys.exit(0)", Status.WRONG, "self_graded: "),
    ({**CALLS, "inputs": "[[1]"}, DOUBLE, Status.FAULT, "payload: inputs: not JSON"),
    ({**CALLS, "inputs": "[1]"}, DOUBLE, Status.FAULT, "payload: inputs[0] is int"),
    ({**CALLS, "expected": "[3]"}, DOUBLE, Status.FAULT, "payload: 3 inputs and 1 expected"),
    ({**CALLS, "entry": "f()"}, DOUBLE, Status.FAULT, "payload: entry is 'f()'"),
    ({"entry": "f", "inputs": "[]"}, DOUBLE, Status.FAULT, "payload: expected missing"),
    ({**STREAMS, "stdin": "[1, 2]"}, DOUBLE, Status.FAULT, "payload: stdin[0] is int"),
    ({"tests": "assert f(1"}, DOUBLE, Status.FAULT, "payload: tests are not Python"),
]


@pytest.mark.parametrize(("payload", "program", "status", "detail"), JUDGED, ids=range(len(JUDGED)))
def test_a_program_is_judged_by_what_the_payload_asks(
    verifier: PythonVerifier, payload: dict[str, str], program: str, status: Status, detail: str
) -> None:
    (verdict,) = verifier.verify([(problem("", **payload), program)])
    assert (verdict.status, verdict.detail[: len(detail)]) == (status, detail)
    assert bool(verdict.detail) == bool(detail)


def test_a_batch_of_all_kinds_keeps_its_order(verifier: PythonVerifier) -> None:
    rows = [row for row in JUDGED if row[2] is not Status.TIMEOUT]
    verdicts = verifier.verify([(problem("", **payload), program) for payload, program, _, _ in rows])
    assert [verdict.status for verdict in verdicts] == [status for _, _, status, _ in rows]


def test_self_graded_tests_count_only_where_they_are_trusted() -> None:
    with PythonVerifier(trust_self_graded=True) as trusting:
        (verdict,) = trusting.verify([(problem("", **LOOP), DOUBLE)])
    assert (verdict.status, verdict.detail[:12]) == (Status.CORRECT, "self_graded:")


def test_a_program_that_depends_on_the_hash_seed_is_found_out_when_asked() -> None:
    program = "def f(x):\n    return 2 * x + 1 if x < 3 or hash('a') == %d else 0\n"
    with PythonVerifier(check_determinism=True) as checking:
        seed_zero = checking.sandbox.run([Job("x = hash('a')")])[0].values["x"]
        rows = [(problem("", **CALLS), program % seed_zero), (problem("", **CALLS), DOUBLE)]
        lucky, honest = checking.verify(rows)
    assert (lucky.status, lucky.detail[:18]) == (Status.WRONG, "nondeterministic: ")
    assert honest.status is Status.CORRECT


def test_the_expected_answer_is_nowhere_in_the_sandbox(verifier: PythonVerifier) -> None:
    program = (
        "import gc, sys\n"
        "def f(x):\n"
        "    frame, seen = sys._getframe(), []\n"
        "    while frame:\n"
        "        seen += [repr(v)[:100_000] for v in frame.f_locals.values()]\n"
        "        frame = frame.f_back\n"
        "    seen += [repr(o)[:1000] for o in gc.get_objects() if type(o) in (list, tuple) and len(o) < 50]\n"
        "    return ''.join(seen).count(str(x[0] * 100 + x[1]))\n"
    )
    (verdict,) = verifier.verify([(problem("", entry="f", inputs="[[[73, 91]]]", expected="[7391]"), program)])
    assert (verdict.status, verdict.extracted) == (Status.WRONG, "[0]")


def test_limits_are_the_sandboxs() -> None:
    with PythonVerifier(deadline_s=2.0, memory_mb=300) as made:
        assert made.sandbox.limits == Limits(seconds=2.0, memory_mb=300)
