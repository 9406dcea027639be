"""Zygotes may be killed and parents forked: every job still gets one Run, in order, and nothing is left."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from helpers import descendants, eventually, running

from verifiers.sandbox import Job, Limits, RunStatus, Sandbox, Tier

LIMITS = Limits(seconds=1.0, memory_mb=128)


def job(number: int) -> Job:
    return Job(f"def f(x):\n    return {number} + x\n", "f", ((1,),))


def answers(sandbox: Sandbox, numbers: range) -> list[object]:
    return [run.calls[0].value if run.calls else run for run in sandbox.run([job(number) for number in numbers])]


@pytest.fixture
def fresh() -> Iterator[Sandbox]:
    with Sandbox(num_workers=2, limits=LIMITS, best=Tier.B) as sandbox:
        yield sandbox


def test_answers_come_in_order_whatever_their_neighbours_do(strongest: Sandbox) -> None:
    jobs = [job(number) for number in range(60)]
    jobs[5] = Job("while True: pass")
    jobs[17] = Job("import os\nos._exit(1)")
    runs = strongest.run(jobs)
    assert [number for number, run in enumerate(runs) if not run.calls] == [5, 17]
    assert all(run.calls[0].value == number + 1 for number, run in enumerate(runs) if run.calls)
    assert strongest.run([]) == []


def test_identical_jobs_run_once_and_values_of_other_types_are_other_jobs(tier_b: Sandbox) -> None:
    clock = "import time\ndef f(x):\n    return [repr(x), time.perf_counter_ns()]\n"
    inputs = [1, 1, True, 1.0, 1]
    values = [run.calls[0].value for run in tier_b.run([Job(clock, "f", ((value,),)) for value in inputs])]
    assert values[0] == values[1] == values[4]
    assert [value[0] for value in values] == ["1", "1", "True", "1.0", "1"]
    assert len({value[1] for value in values}) == 3


def test_killed_zygotes_lose_no_job(fresh: Sandbox) -> None:
    fresh.run([job(0)])
    stop = threading.Event()

    def murder() -> None:
        for _ in range(5):
            if not stop.wait(0.3):
                for process_id in fresh.process_ids()[:1]:
                    os.kill(process_id, signal.SIGKILL)

    killer = threading.Thread(target=murder)
    killer.start()
    try:
        got = answers(fresh, range(1500))
    finally:
        stop.set()
        killer.join()
    assert got == list(range(1, 1501))


def test_a_stopped_zygote_is_replaced_and_its_job_run_again(fresh: Sandbox) -> None:
    fresh.run([job(0)])
    os.kill(fresh.process_ids()[0], signal.SIGSTOP)
    assert answers(fresh, range(20)) == list(range(1, 21))


def test_a_job_that_is_lost_again_and_again_is_ours(fresh: Sandbox) -> None:
    fresh.run([job(0)])
    stop = threading.Event()

    def murder() -> None:
        while not stop.wait(0.01):
            for process_id in fresh.process_ids():
                if psutil.Process(process_id).children():  # it is running a program
                    os.kill(process_id, signal.SIGKILL)

    killer = threading.Thread(target=murder)
    killer.start()
    try:
        (run,) = fresh.run([Job("import time\ntime.sleep(0.9)")])
    finally:
        stop.set()
        killer.join()
    assert run.status is RunStatus.INFRA_ERROR
    assert run.detail == "its sandbox process ended, again and again"


def test_a_zygote_that_cannot_start_is_infra_error_for_all_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    with Sandbox(limits=LIMITS) as sandbox:
        runs = sandbox.run([job(1), job(2)])
    assert [run.status for run in runs] == [RunStatus.INFRA_ERROR] * 2
    assert all("/nonexistent/python" in run.detail for run in runs)


@pytest.mark.parametrize("best", [Tier.A, Tier.B])
def test_closing_leaves_no_process_no_descriptor_and_no_warning(best: Tier) -> None:
    before, count = {process.pid for process in descendants()}, len(os.listdir("/proc/self/fd"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sandbox = Sandbox(num_workers=2, limits=LIMITS, best=best)
        assert answers(sandbox, range(4)) == [1, 2, 3, 4]
        sandbox.close()
        assert {process.pid for process in descendants()} == before
        assert answers(sandbox, range(2)) == [1, 2]
        del sandbox
        gc.collect()
    assert eventually(lambda: {process.pid for process in descendants()} == before)
    assert len(os.listdir("/proc/self/fd")) == count


def test_descriptors_and_processes_are_flat_over_many_runs(strongest: Sandbox) -> None:
    strongest.run([job(0)])
    zygote = psutil.Process(strongest.process_ids()[0])
    state = len(os.listdir("/proc/self/fd")), zygote.num_fds(), len(descendants())
    for number in range(200):
        (run,) = strongest.run([job(number)])
        assert run.calls[0].value == number + 1
    assert (len(os.listdir("/proc/self/fd")), zygote.num_fds(), len(descendants())) == state


def test_a_forked_copy_of_the_parent_uses_zygotes_of_its_own(fresh: Sandbox) -> None:
    fresh.run([job(0)])
    mine = fresh.process_ids()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            right = answers(fresh, range(3)) == [1, 2, 3] and not set(fresh.process_ids()) & set(mine)
            fresh.close()
            os._exit(0 if right else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert fresh.process_ids() == mine
    assert answers(fresh, range(3)) == [1, 2, 3]


def test_several_threads_take_turns(fresh: Sandbox) -> None:
    got: dict[int, list[object]] = {}

    def work(number: int) -> None:
        got[number] = answers(fresh, range(number, number + 10))

    threads = [threading.Thread(target=work, args=(number * 100,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {number: list(range(number + 1, number + 11)) for number in (0, 100, 200, 300)}


@pytest.mark.parametrize("best", [Tier.A, Tier.B])
def test_zygotes_and_programs_end_when_the_parent_is_killed(best: Tier, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        parent = os.fork()
    if parent == 0:
        try:
            sandbox = Sandbox(limits=Limits(seconds=30), best=best)
            sandbox.run([job(0)])
            threading.Timer(0.3, lambda: note.write_text(" ".join(str(one.pid) for one in descendants()))).start()
            sandbox.run([Job("while True: pass")])
        finally:
            os._exit(1)
    assert eventually(lambda: note.exists() and bool(note.read_text()), 10)
    pids = [int(text) for text in note.read_text().split()]
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert len(pids) >= 2
    assert eventually(lambda: not any(running(process_id) for process_id in pids), 3)


def test_one_job_finds_nothing_of_another(strongest: Sandbox) -> None:
    secret = "MARKER" + "OFANOTHER" * 3
    spy = (
        "import ctypes, gc, sys\n"
        "def f(x):\n"
        "    wanted = (x[0] + x[1] * 3).encode()\n"
        "    found = []\n"
        "    for o in gc.get_objects():\n"
        "        if type(o) in (dict, list, tuple) and len(o) < 1000 and wanted.decode() in repr(list(o))[:100000]:\n"
        "            found.append(type(o).__name__)\n"
        "    frame = sys._getframe()\n"
        "    while frame:\n"
        "        for value in frame.f_locals.values():\n"
        "            if type(value) is memoryview and not value.readonly:\n"
        "                base = ctypes.addressof(ctypes.c_char.from_buffer(value.obj))\n"
        "                if wanted in ctypes.string_at(base, 1 << 20): found.append('buffer')\n"
        "        frame = frame.f_back\n"
        "    return found\n"
    )
    other = Job(f"x = '{secret}'\nprint(x)", stdin=secret * 10)
    jobs = [other, Job(spy, "f", ((["MARKER", "OFANOTHER"],),)), other]
    for _ in range(3):
        first, run, _ = strongest.run(jobs)
        assert first.stdout.strip() == secret
        assert run.calls[0].value == []
        jobs = [jobs[0], Job(spy + "# again\n", "f", ((["MARKER", "OFANOTHER"],),)), jobs[2]]


def test_a_start_is_quick(fresh: Sandbox) -> None:
    began = time.monotonic()
    fresh.isolation()
    assert time.monotonic() - began < 5
