"""Each way in which a program can end has its own status, whatever the program says."""

from __future__ import annotations

import time
from typing import Any

import pytest

from verifiers.sandbox import Job, Limits, Run, RunStatus, Sandbox

S = RunStatus
F = "def f(x):\n    return 2 * x + 1\n"


def one(sandbox: Sandbox, program: str, *inputs: Any, stdin: str = "", entry: str | None = "f") -> Run:
    (run,) = sandbox.run([Job(program, entry if inputs else None, tuple((value,) for value in inputs), stdin)])
    return run


SCRIPTS = [
    ("pass", S.OK, ""),
    ("import sys; print(1); sys.exit()", S.OK, ""),
    ("import sys; sys.exit(3)", S.ERROR, "raised SystemExit: 3"),
    ("x = 1 +", S.ERROR, "does not compile: SyntaxError"),
    ("x = 1\0", S.ERROR, "does not compile: "),
    ("x = '\ud800", S.ERROR, "does not compile: "),
    ("1 // 0", S.ERROR, "raised ZeroDivisionError"),
    ("raise KeyboardInterrupt", S.ERROR, "raised KeyboardInterrupt"),
    ("class E(Exception):\n def __str__(self): raise self\nraise E", S.ERROR, "raised E"),
    ("import sympy", S.ERROR, "raised ModuleNotFoundError"),
    ("input()", S.ERROR, "raised EOFError"),
    ("import sys; sys.stdout.close()", S.ERROR, "raised ValueError"),
    ("while True: pass", S.TIMEOUT, "no end within 1.5 s"),
    ("import os\nos.closerange(0, 64)\nwhile True: pass", S.TIMEOUT, "no end"),
    ("x = []\nwhile True: x.append(bytearray(10**6))", S.MEMORY, "out of memory"),
    ("while True: print('x' * 1000)", S.OUTPUT_LIMIT, "more than 4096 bytes of output"),
    ("print('x' * 4096, end='')", S.OK, ""),
    ("print('x' * 4096)", S.OUTPUT_LIMIT, "more than 4096"),
    ("import ctypes\nctypes.string_at(0)", S.CRASH, "signal 11"),
    ("import os\nos.abort()", S.CRASH, "signal"),
    ("import os\nos._exit(0)", S.NO_RESULT, "without a report"),
    ("import os\nos._exit(71)", S.NO_RESULT, "exit code 71"),
    ("import os\nos._exit(66)", S.MEMORY, ""),
    ("import os\nos.write(3, b'hello')", S.BAD_FRAME, "something else"),
    ("import os\nfor d in range(64):\n try: os.write(d, b'x' * 20)\n except OSError: pass", S.BAD_FRAME, "something"),
    ("import os\nwhile True: os.write(3, b'0' * 65536)", S.OUTPUT_LIMIT, "bytes of values"),
    ("import os\nos.close(3)", S.NO_RESULT, ""),
]


@pytest.mark.parametrize(("program", "status", "detail"), SCRIPTS, ids=range(len(SCRIPTS)))
def test_a_script_ends_with_its_own_status(sandbox: Sandbox, program: str, status: RunStatus, detail: str) -> None:
    honest = Job(F, "f", ((1,),))
    run, after = sandbox.run([Job(program), honest])
    assert run.status is status
    assert run.detail.startswith(detail) or detail in run.detail
    assert run.calls == ()
    assert after.calls[0].value == 3


CALLS = [
    ("def f(x):\n    return 1 // x", S.ERROR, "raised ZeroDivisionError"),
    ("def f(x):\n    import sys\n    sys.exit(0)", S.ERROR, "raised SystemExit"),
    ("def f(x):\n    raise MemoryError", S.MEMORY, "out of memory"),
    ("def f(x):\n    return bytearray(10**12)", S.MEMORY, "out of memory"),
    ("class N(int): pass\ndef f(x):\n    return N(x)", S.UNSUPPORTED_TYPE, "N"),
    ("class E:\n def __eq__(self, other): return True\ndef f(x):\n    return [E()]", S.UNSUPPORTED_TYPE, "E"),
    ("def f(x):\n    yield x", S.UNSUPPORTED_TYPE, "generator"),
    ("async def f(x):\n    return x", S.UNSUPPORTED_TYPE, "coroutine"),
    ("def f(x):\n    a = []\n    a.append(a)\n    return a", S.ERROR, "nested deeper"),
    ("def f():\n    pass", S.ERROR, "raised TypeError"),
    ("f = 3", S.ERROR, "raised TypeError"),
]


@pytest.mark.parametrize(("program", "status", "detail"), CALLS, ids=range(len(CALLS)))
def test_a_call_ends_with_its_own_status(tier_b: Sandbox, program: str, status: RunStatus, detail: str) -> None:
    run = one(tier_b, program, 0)
    assert (run.status, run.calls[0].status, run.calls[0].value) == (S.OK, status, None)
    assert run.calls[0].detail.startswith(detail)


def test_a_call_that_fails_does_not_stop_the_others(tier_b: Sandbox) -> None:
    run = one(tier_b, "def f(x):\n    return {x: 10 // x}", 1, 0, 2)
    assert [call.status for call in run.calls] == [S.OK, S.ERROR, S.OK]
    assert [call.value for call in run.calls] == [{1: 10}, None, {2: 5}]


def test_a_program_without_the_function_or_that_ends_while_loading_made_no_call(tier_b: Sandbox) -> None:
    assert one(tier_b, "g = 1", 1).detail == "defines no function 'f'"
    for program in ("import sys\nsys.exit(0)\n" + F, "raise ValueError\n" + F, "def f("):
        run = one(tier_b, program, 1)
        assert (run.status, run.calls) == (S.ERROR, ())


def test_the_deadline_covers_all_calls_together(tier_b: Sandbox) -> None:
    program = "import time\ndef f(x):\n    time.sleep(0.25)\n    return x"
    assert one(tier_b, program, 1).status is S.OK
    assert one(tier_b, program, *range(10)).status is S.TIMEOUT


def test_a_value_that_is_changed_later_is_reported_as_it_was_returned(tier_b: Sandbox) -> None:
    run = one(tier_b, "seen = []\ndef f(x):\n    seen.append(x)\n    return seen", 1, 2, 3)
    assert [call.value for call in run.calls] == [[1], [1, 2], [1, 2, 3]]


def test_inputs_of_every_type_arrive_and_values_of_every_type_come_back(sandbox: Sandbox) -> None:
    values = [1, 2**70_000, True, None, 0.1, "é\ud800\0", b"\xff", (1, [2]), {1, 2}, frozenset("a"), {(1,): {"b": 2j}}]
    run = one(sandbox, "def f(x):\n    return x", *values)
    assert [(type(call.value), call.value) for call in run.calls] == [(type(value), value) for value in values]


def test_values_as_deep_as_allowed_go_in_and_come_out(tier_b: Sandbox) -> None:
    plain, mixed = [1], (1,)
    for _ in range(49):
        plain, mixed = [plain], (mixed,)
    run = one(tier_b, "def f(x):\n    return x", plain, mixed)
    assert [call.value for call in run.calls] == [plain, mixed]


def test_values_beyond_the_limit_are_an_output_limit(tier_b: Sandbox) -> None:
    for program in ("def f(x):\n    return 'y' * 100_000", "def f(x):\n    return 'y' * 20_000_000"):
        assert one(tier_b, program, 1).status is S.OUTPUT_LIMIT
    assert one(tier_b, "def f(x):\n    return 'y' * 60_000", 1).status is S.OK


@pytest.mark.parametrize("way", ["input()", "sys.stdin.read()[:2]", "open(0).readline()[:2]", "os.read(0, 2).decode()"])
def test_standard_input_is_found_in_every_usual_way(sandbox: Sandbox, way: str) -> None:
    run = one(sandbox, f"import sys, os\nprint({way})", stdin="é€\nmore\n" if way.startswith("input") else "ab\nmore\n")
    assert (run.status, run.stdout) == (S.OK, "é€\n" if way.startswith("input") else "ab\n")


def test_a_large_text_on_standard_input_arrives_whole(tier_b: Sandbox) -> None:
    run = one(tier_b, "import sys\nprint(len(sys.stdin.read()))", stdin="x" * 3_000_000)
    assert run.stdout == "3000000\n"


def test_a_program_of_ten_megabytes_is_refused_and_one_below_the_limit_is_run(tier_b: Sandbox) -> None:
    assert one(tier_b, "x" * 10_000_000).detail.startswith("does not compile: longer than")
    assert one(tier_b, "#" * 999_000 + "\nprint(1)").stdout == "1\n"


def test_an_input_that_cannot_be_sent_is_ours_and_harms_no_other_job(tier_b: Sandbox) -> None:
    bad, huge, good = tier_b.run(
        [Job(F, "f", ((object(),),)), Job("print(1)", stdin="x" * 17_000_000), Job(F, "f", ((1,),))]
    )
    assert bad.status is huge.status is S.INFRA_ERROR
    assert "object" in bad.detail
    assert good.calls[0].value == 3


def test_replaced_builtins_and_modules_spoil_nothing_but_the_programs_own_work(sandbox: Sandbox) -> None:
    spoil = "import builtins, json, os\nfor n in ('len','type','id','map','set','isinstance','enumerate','range'):\n"
    spoil += " setattr(builtins, n, None)\njson.dumps = json.encoder = os.write = os._exit = None\n"
    run = one(sandbox, spoil + F, 1, 2)
    assert [call.value for call in run.calls] == [3, 5]


def test_main_guards_run_in_scripts_only(tier_b: Sandbox) -> None:
    program = F + "if __name__ == '__main__':\n    print('main')\n"
    assert one(tier_b, program).stdout == "main\n"
    assert one(tier_b, program, 1).stdout == ""


def test_dataclasses_and_annotations_find_their_module(tier_b: Sandbox) -> None:
    program = "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom typing import ClassVar\n"
    program += "@dataclass\nclass P:\n    x: int\n    n: ClassVar[int] = 2\ndef f(x):\n    return P(x).x * P.n\n"
    assert one(tier_b, program, 4).calls[0].value == 8


def test_what_differs_between_two_hash_seeds_is_nondeterministic(tier_b: Sandbox) -> None:
    order = "def f(x):\n    return list({'alpha', 'beta', 'gamma', 'delta', 'epsilon'})"
    runs = tier_b.run_twice(
        [Job(order, "f", ((1,),)), Job("import time\nprint(time.time_ns())"), Job(F, "f", ((1,),)), Job("x = object()")]
    )
    assert [run.status for run in runs] == [S.NONDETERMINISTIC, S.NONDETERMINISTIC, S.OK, S.OK]
    assert runs[0].calls[0].status is S.NONDETERMINISTIC
    assert tier_b.run([Job(order, "f", ((1,),))])[0].calls == tier_b.run([Job(order, "f", ((1,),))])[0].calls


def test_nothing_takes_longer_than_its_deadline_and_a_little(tier_b: Sandbox) -> None:
    programs = ["import time\ntime.sleep(9)", "9**9**9", "import re\nre.match('(a+)+b', 'a' * 50)"]
    began = time.monotonic()
    runs = tier_b.run([Job(program) for program in programs])
    assert [run.status for run in runs] == [S.TIMEOUT] * 3
    assert time.monotonic() - began < 3 * (1.5 + 0.5)


def test_limits_must_be_above_zero() -> None:
    with pytest.raises(ValueError, match="seconds is 0; expected a number above 0"):
        Sandbox(limits=Limits(seconds=0))
