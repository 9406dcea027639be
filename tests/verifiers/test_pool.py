"""The worker pool keeps order, blames the right job, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from ast import literal_eval
from pathlib import Path
from typing import Any

import pytest
from helpers import SLACK_S, at_most, descendants, eventually, running

from verifiers.batch import Fate, Outcome
from verifiers.inside import wire
from verifiers.pool import WorkerPool

HERE = Path(__file__).parent
START_S = 1.0
DEADLINE_S = 0.4


def make_pool(**settings: Any) -> WorkerPool:
    settings.setdefault("deadline_s", DEADLINE_S)
    settings.setdefault("memory_mb", 256)
    return WorkerPool("pool_handler", path=[str(HERE)], **settings)


def echoes(outcomes: list[Outcome]) -> list[str | None]:
    return [outcome.value[1] if outcome.fate is Fate.DONE else None for outcome in outcomes]


@pytest.mark.parametrize("num_workers", [1, 2])
def test_outcomes_come_in_the_order_of_the_jobs(num_workers: int) -> None:
    with make_pool(num_workers=num_workers) as pool:
        assert echoes(pool.run([["echo", i] for i in range(3000)])) == [str(i) for i in range(3000)]
        assert len(pool.process_ids()) == num_workers


def test_no_worker_starts_before_it_is_needed() -> None:
    with make_pool() as pool:
        assert pool.run([]) == []
        assert pool.process_ids() == []


def test_workers_stay_for_the_next_batch() -> None:
    with make_pool() as pool:
        pool.run([["echo", 1]])
        first = pool.process_ids()
        pool.run([["echo", 2]])
        assert pool.process_ids() == first


@pytest.mark.parametrize("command", ["loop", "deaf", "stop"])
def test_a_job_past_its_deadline_is_a_timeout_and_only_that_job(command: str) -> None:
    with make_pool() as pool:
        pool.run([["echo", 0]])
        jobs = [["echo", i] for i in range(100)]
        jobs[40] = [command, None]
        with at_most(DEADLINE_S + SLACK_S):
            outcomes = pool.run(jobs)
        assert outcomes[40].fate is Fate.TIMEOUT
        assert echoes(outcomes) == [str(i) if i != 40 else None for i in range(100)]


def test_a_chunk_may_take_longer_than_one_jobs_deadline() -> None:
    with make_pool() as pool:
        outcomes = pool.run([["sleep", 0.1]] * 8)
        assert [outcome.fate for outcome in outcomes] == [Fate.DONE] * 8


@pytest.mark.parametrize(
    ("command", "argument", "fate", "detail"),
    [
        ("abort", None, Fate.CRASHED, "SIGABRT"),
        ("exit", None, Fate.CRASHED, "exit code 3"),
        ("memory", 1 << 30, Fate.CRASHED, "out of memory"),
        ("kill", None, Fate.LOST, "SIGKILL"),
    ],
)
def test_a_job_that_ends_its_worker_is_blamed_alone(command: str, argument: Any, fate: Fate, detail: str) -> None:
    with make_pool() as pool:
        jobs = [["echo", i] for i in range(100)]
        jobs[17] = [command, argument]
        outcomes = pool.run(jobs)
        assert outcomes[17].fate is fate
        assert detail in outcomes[17].detail
        assert echoes(outcomes) == [str(i) if i != 17 else None for i in range(100)]


def test_a_bug_in_a_judge_and_deep_recursion_stay_with_their_job() -> None:
    with make_pool() as pool:
        outcomes = pool.run([["raise", 0], ["deep", 0], ["echo", 5]])
        assert [outcome.value[0] for outcome in outcomes] == ["fault", "undecided", "ok"]


def test_a_worker_killed_from_outside_loses_nothing_and_keeps_order() -> None:
    with make_pool(num_workers=2, deadline_s=5) as pool:
        pool.run([["echo", 0]] * 200)
        killed: list[int] = []

        def kill_some() -> None:
            while len(killed) < 2:
                time.sleep(0.15)
                if victims := [one for one in pool.process_ids() if one not in killed]:
                    os.kill(victims[0], signal.SIGKILL)
                    killed.append(victims[0])

        killer = threading.Thread(target=kill_some)
        killer.start()
        jobs = [["sleep", 0.005] if i % 2 else ["echo", i] for i in range(400)]
        outcomes = pool.run(jobs)
        killer.join()
        assert len(set(killed)) == 2
        assert echoes(outcomes) == ["slept" if i % 2 else str(i) for i in range(400)]


def test_an_idle_worker_killed_from_outside_is_replaced_silently() -> None:
    with make_pool() as pool:
        pool.run([["echo", 0]])
        (victim,) = pool.process_ids()
        os.kill(victim, signal.SIGKILL)
        assert echoes(pool.run([["echo", 1]])) == ["1"]


def test_noise_in_place_of_an_answer_is_not_believed() -> None:
    with make_pool() as pool:
        outcomes = pool.run([["echo", 1], ["noise", None], ["echo", 3]])
        assert echoes(outcomes) == ["1", None, "3"]
        assert outcomes[1].fate is Fate.LOST


@pytest.mark.parametrize(
    ("options", "start_deadline_s", "detail"),
    [({"broken": True}, 30.0, "RuntimeError: it does not start"), ({"start_s": 30}, 0.3, "not ready within 0.3 s")],
)
def test_a_worker_that_does_not_start_makes_jobs_lost_with_the_reason(
    options: dict[str, Any], start_deadline_s: float, detail: str
) -> None:
    with make_pool(options=options, start_deadline_s=start_deadline_s, num_workers=2) as pool:
        outcomes = pool.run([["echo", 1], ["echo", 2]])
        assert [outcome.fate for outcome in outcomes] == [Fate.LOST] * 2
        assert detail in outcomes[0].detail


def test_a_slow_start_is_not_a_jobs_timeout() -> None:
    with make_pool(options={"start_s": 2 * DEADLINE_S}) as pool:
        assert echoes(pool.run([["echo", 1]])) == ["1"]


def test_a_worker_has_limits_and_no_descriptors_but_its_own() -> None:
    with make_pool(memory_mb=300) as pool:
        limits, descriptors = (outcome.value[1] for outcome in pool.run([["limits", 0], ["descriptors", 0]]))
        assert literal_eval(limits) == [0, 64, 300 << 20]
        assert len(literal_eval(descriptors)) <= 6  # three on /dev/null, channel, page, the listing itself


def test_nothing_of_the_parents_environment_is_visible_in_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "s3cret-value")
    with make_pool() as pool:
        (outcome,) = pool.run([["environment", None]])
        assert "LC_ALL" in outcome.value[1]
        assert "s3cret-value" not in outcome.value[1]


def test_closing_leaves_no_process_and_no_descriptor() -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    others = set(descendants())  # workers that other tests keep for the session
    with make_pool(num_workers=2) as pool:
        pool.run([["echo", i] for i in range(200)] + [["loop", None], ["abort", None]])
        assert set(descendants()) - others
    assert set(descendants()) - others == set()
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_forgotten_pool_ends_its_workers() -> None:
    pool = make_pool()
    pool.run([["echo", 1]])
    (worker,) = pool.process_ids()
    del pool
    assert not running(worker)


def test_a_closed_pool_starts_again_when_used() -> None:
    pool = make_pool()
    pool.run([["echo", 1]])
    pool.close()
    with pool:
        assert echoes(pool.run([["echo", 2]])) == ["2"]


def test_an_interrupted_batch_does_not_answer_the_next_one() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with make_pool(deadline_s=5) as pool:
        pool.run([["echo", 0]])
        previous = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                pool.run([["sleep", 0.3], ["echo", "old"]])
        finally:
            signal.signal(signal.SIGALRM, previous)
        assert echoes(pool.run([["echo", "new"], ["echo", "newer"]])) == ["new", "newer"]


def test_jobs_that_do_not_fit_in_a_frame_are_split_and_a_single_one_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_FRAME_BYTES", 10_000)
    with make_pool() as pool:
        jobs = [["echo", "a" * 3000] for _ in range(10)]
        jobs[4] = ["echo", "b" * 20_000]
        outcomes = pool.run(jobs)
        assert [outcome.fate for outcome in outcomes] == [Fate.LOST if i == 4 else Fate.DONE for i in range(10)]


@pytest.mark.parametrize("command", ["loop", "sleep"])
def test_workers_die_with_their_parent_also_when_busy(command: str) -> None:
    script = f"""
import os, signal, sys, threading, time
sys.path[:0] = [{str(HERE.parents[1])!r}]
from verifiers.pool import WorkerPool
pool = WorkerPool("pool_handler", path=[{str(HERE)!r}], deadline_s=60)
pool.run([["echo", 1]])
print(pool.process_ids()[0], flush=True)
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGKILL)).start()
pool.run([[{command!r}, 50]])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert eventually(lambda: not running(int(done.stdout)))


def test_a_forked_copy_of_the_parent_uses_workers_of_its_own() -> None:
    script = f"""
import os, sys
sys.path[:0] = [{str(HERE.parents[1])!r}]
from verifiers.pool import WorkerPool
pool = WorkerPool("pool_handler", path=[{str(HERE)!r}])
pool.run([["echo", 1]])
ours = pool.process_ids()
if (child := os.fork()) == 0:
    good = pool.run([["echo", 2]])[0].value[1] == "2" and pool.process_ids() != ours
    pool.close()
    os._exit(0 if good else 1)
assert os.waitpid(child, 0)[1] == 0
assert pool.run([["echo", 3]])[0].value[1] == "3" and pool.process_ids() == ours
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


def test_tiny_jobs_cost_microseconds() -> None:
    with make_pool() as pool:
        jobs = [["echo", "17"]] * 2500
        pool.run(jobs)
        times = []
        for _ in range(5):
            began = time.perf_counter()
            pool.run(jobs)
            times.append(time.perf_counter() - began)
        assert min(times) < 0.1  # measured: 0.006 s; a round trip a job would be 0.3 s


@pytest.mark.parametrize("setting", ["num_workers", "deadline_s", "memory_mb"])
def test_settings_that_make_no_sense_are_refused_by_name(setting: str) -> None:
    with pytest.raises(ValueError, match=setting):
        make_pool(**{setting: 0})
