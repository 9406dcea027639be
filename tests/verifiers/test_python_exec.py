"""Programs get their own outcome and no more; whatever they try, the next one is still right."""

from __future__ import annotations

import math
from collections.abc import Iterator

import psutil
import pytest
from helpers import SLACK_S, at_most, descendants, problem
from hypothesis import given, settings
from hypothesis import strategies as st

from selfplay.types import Status
from verifiers import Execution, PythonExecutor, make_verifier
from verifiers.inside import straight_line
from verifiers.python_exec import ExecutionStatus

DEADLINE_S = 0.6
HONEST = "a = [6, 7]\nb = a[0] * a[1]\nprint(b)\n"
PLAIN = "a = 6\nb = a * 7\nprint(b)\n"


@pytest.fixture(scope="module")
def executor() -> Iterator[PythonExecutor]:
    with PythonExecutor(deadline_s=DEADLINE_S, memory_mb=256) as executor:
        yield executor


@pytest.fixture(scope="module")
def unfiltered() -> Iterator[PythonExecutor]:
    """Without the system-call filter: the layers beneath must hold by themselves."""
    with PythonExecutor(deadline_s=DEADLINE_S, memory_mb=256, syscall_filter=False) as executor:
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
        ("x" * 100_001, "error", "does not compile: longer"),
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
    assert list(map(outcome, executor.run(programs))) == list(map(outcome, alone.run(programs)))


def test_growing_straight_line_integers_are_not_run_in_the_shared_lane(executor: PythonExecutor) -> None:
    squares = "x = 3\n" + "x = x * x\n" * 60
    with at_most(DEADLINE_S + SLACK_S + 0.3):
        first, bomb, last = executor.run([PLAIN, squares, PLAIN])
    assert bomb.status in (ExecutionStatus.TIMEOUT, ExecutionStatus.MEMORY)
    assert first.stdout == last.stdout == "42\n"


TIMEOUT, ERROR, MEMORY = "timeout", "error", "memory"
FORK_AND_LEAVE = """
import os, time
pid = os.fork()
if pid == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(60)
    time.sleep(60)
"""
HOSTILE = {
    "infinite loop": ("while True: pass", {TIMEOUT}),
    "loop in C": ("sum(iter(int, 1))", {TIMEOUT}),
    "power in C": ("x = 9**9**9", {TIMEOUT, MEMORY}),
    "swallows everything": ("while True:\n try:\n  while True: pass\n except BaseException: pass", {TIMEOUT}),
    "ignores signals": (
        "import signal\nfor n in (1, 2, 14, 15):\n signal.signal(n, signal.SIG_IGN)\nwhile True: pass",
        {TIMEOUT},
    ),
    "stops itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", {TIMEOUT, ERROR}),
    "sleeps": ("import time\ntime.sleep(100)", {TIMEOUT}),
    "closes its pipes and stays": ("import os, time\nos.closerange(0, 50)\ntime.sleep(100)", {TIMEOUT}),
    "memory bomb": ("x = [0] * 10**10", {MEMORY}),
    "growing memory": ("x = []\nwhile True: x.append(bytearray(10**6))", {MEMORY, TIMEOUT}),
    "output flood": ("while True: print('x' * 1000)", {"output_limit"}),
    "drip": ("import time\nwhile True:\n print('x', flush=True)\n time.sleep(0.001)", {TIMEOUT}),
    "leaves at once": ("import os\nprint('42')\nos._exit(0)", {ERROR}),
    "leaves with our code": ("import os\nos._exit(66)", {MEMORY}),
    "frames on all descriptors": (
        'import os\nfor d in range(64):\n try: os.write(d, b\'["ok","",{"x":7}]\')\n except OSError: pass\nos._exit(0)',
        {ERROR},
    ),
    "frames before its own": ("import os\nos.write(3, b'0' * 16 + b'[\"ok\", \"\", {}]')", {ERROR}),
    "result flood": ("import os\nwhile True: os.write(3, b'0' * 65536)", {"output_limit"}),
    "huge integer printed": ("print(10**5000)", {ERROR}),
    "deep recursion": ("def f(n): return f(n + 1)\nf(0)", {ERROR}),
    "deep recursion in C": (
        "import sys\nsys.setrecursionlimit(10**9)\nx = ()\nfor _ in range(10**6): x = (x,)\nrepr(x)",
        {ERROR, MEMORY, TIMEOUT},
    ),
    "segfault": ("import ctypes\nctypes.string_at(0)", {ERROR}),
    "hostile exception text": ("class E(Exception):\n def __str__(self):\n  while True: pass\nraise E", {TIMEOUT}),
    "leaves processes": (FORK_AND_LEAVE, {ERROR, "ok"}),
    "fork and hold the pipes": (
        "import os, time\nif os.fork() == 0:\n time.sleep(60)\nelse:\n os._exit(0)",
        {ERROR},
    ),
    "thread that stays": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()",
        {ERROR, "ok"},
    ),
    "parser bomb": ("x = " + "-" * 90_000 + "1", {ERROR, MEMORY, TIMEOUT}),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("filtered", [True, False], ids=["filtered", "unfiltered"])
def test_hostile_programs_end_in_time_and_leave_nothing(
    executor: PythonExecutor, unfiltered: PythonExecutor, name: str, filtered: bool
) -> None:
    program, expected = HOSTILE[name]
    runner = executor if filtered else unfiltered
    runner.run([HONEST])
    with at_most(DEADLINE_S + SLACK_S):
        before, hostile, after = runner.run([HONEST, program, HONEST])
    assert hostile.status.value in expected
    assert (before.status, before.stdout) == (after.status, after.stdout) == (ExecutionStatus.OK, "42\n")
    workers = set(runner.pool.process_ids())
    assert not [child for worker in workers for child in psutil.Process(worker).children(recursive=True)]
    assert {process.pid for process in descendants()} >= workers


def test_processes_that_left_their_group_are_killed_too(unfiltered: PythonExecutor) -> None:
    program = "import os, time\npid = os.fork()\nif pid == 0:\n os.setsid()\n time.sleep(60)\ntime.sleep(0.1)\n"
    (execution,) = unfiltered.run([program])
    assert execution.status is ExecutionStatus.OK
    assert not psutil.pid_exists(int(execution.values["pid"]))  # type: ignore[arg-type]


def test_a_program_that_kills_the_worker_costs_nobody_else_anything(unfiltered: PythonExecutor) -> None:
    murder = "import os\nos.kill(os.getppid(), 9)\nimport time\ntime.sleep(5)"
    before, hostile, after = unfiltered.run([HONEST, murder, HONEST])
    assert hostile.status is ExecutionStatus.FAULT
    assert before.stdout == after.stdout == "42\n"


REFUSED = {
    "kill the worker": "import os\nos.kill(os.getppid(), 9)",
    "kill everything": "import os\nos.kill(-1, 0)",
    "kill the group": "import os\nos.killpg(0, 0)",
    "fork": "import os\nos.fork()",
    "run a shell": "import os\nos.execv('/bin/sh', ['sh', '-c', 'true'])",
    "subprocess": "import subprocess\nsubprocess.run(['/bin/true'], check=True)",
    "socket": "import socket\nsocket.socket()",
    "write a file": "open('/tmp/selfplay_escape', 'w')",
    "append to a file": "open(__import__('os').__file__, 'a')",
    "truncate on opening": "import os\nos.open(os.__file__, os.O_RDONLY | os.O_TRUNC)",
    "remove a file": "import os\nos.unlink('/tmp/selfplay_no_such_file')",
    "make a directory": "import os\nos.mkdir('/tmp/selfplay_escape')",
    "rename": "import os\nos.rename('/tmp/selfplay_no_such_file', '/tmp/selfplay_other')",
    "change a mode": "import os\nos.chmod('/tmp/selfplay_no_such_file', 0o777)",
    "change another's limits": "import os, resource\nresource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
    "write the worker's memory": "import os\nopen(f'/proc/{os.getppid()}/mem', 'r+b')",
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_filter_refuses_what_reaches_outside(executor: PythonExecutor, name: str) -> None:
    if "syscall_filter" not in executor.isolation():
        pytest.skip("no system-call filter on this platform")
    hostile, honest = executor.run([REFUSED[name], HONEST])
    assert hostile.status is ExecutionStatus.ERROR
    assert "Errno 1]" in hostile.detail or "not allowed to raise maximum limit" in hostile.detail, hostile.detail
    assert honest.stdout == "42\n"


def test_a_program_sees_no_environment_of_ours(executor: PythonExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "s3cret-value")
    program = "import os\nprint(dict(os.environ))\nprint(open('/proc/self/environ').read())"
    with PythonExecutor() as fresh:
        (execution,) = fresh.run([program])
    assert execution.status is ExecutionStatus.OK
    assert "LC_ALL" in execution.stdout
    assert "s3cret-value" not in execution.stdout


def test_output_up_to_the_limit_is_kept_and_beyond_it_is_not() -> None:
    with PythonExecutor(max_output_bytes=100) as small:
        exact, over, plain_over = small.run(
            ["import sys\nsys.stdout.write('x' * 100)", "import sys\nsys.stdout.write('x' * 101)", "print('y')\n" * 51]
        )
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
