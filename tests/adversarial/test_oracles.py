"""The oracles bite: each thing that a hostile program could do is seen when it is done, and nothing when it is not."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.adversarial.attack import BREACH, Attack, canonical, grade, same
from tests.adversarial.harness import GRACE_S, LIMITS, Harness, Result
from tests.adversarial.world import World, secret
from verifiers.sandbox import Call, Run, RunStatus, Sandbox

ROOT = Path(__file__).parents[2]
CONTRACT = Attack("contract", "", ("correct",))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "world").mkdir()
    with World(tmp_path / "world") as made:
        yield made


def connect(address: object, family: int = socket.AF_UNIX) -> None:
    with socket.socket(family) as one:
        one.connect(address)  # type: ignore[arg-type]


def send_datagram(world: World) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", world.port))


def leave_a_zombie(world: World) -> None:
    subprocess.Popen([sys.executable, "-I", "-S", "-c", "pass"]).pid  # noqa: B018


def leave_an_orphan(world: World) -> None:
    code = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(4)\n"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def kill_the_victim(world: World) -> None:
    os.kill(world.victim.pid, signal.SIGKILL)
    os.waitid(os.P_PID, world.victim.pid, os.WEXITED | os.WNOWAIT)  # it takes a moment


HARM: dict[str, tuple[Callable[[World], object], str]] = {
    "a file": (lambda world: (world.drop / "attack").write_text("x"), "came or went"),
    "a file in a shared folder": (lambda world: Path("/dev/shm/attack-oracle").touch(), "came or went"),
    "a temporary file": (lambda world: (world.temporary / "x").touch(), "came or went"),
    "a removed file": (lambda world: (world.drop / "precious").unlink(), "came or went"),
    "an overwritten file": (lambda world: (world.drop / "precious").write_text("PRECIOUS"), "was changed"),
    "a mode": (lambda world: (world.drop / "precious").chmod(0o600), "was changed"),
    "a time": (lambda world: os.utime(world.drop / "precious", (1, 1)), "was changed"),
    "a connection": (lambda world: connect(("127.0.0.1", world.port), socket.AF_INET), "a connection"),
    "an abstract socket": (lambda world: connect("\0" + world.abstract), "a connection"),
    "a datagram": (send_datagram, "a datagram"),
    "a zombie": (leave_a_zombie, "(zombie)"),
    "an orphan": (leave_an_orphan, "a process is left"),
    "a descriptor": (lambda world: os.dup(0), "descriptors became"),
    "a killed neighbour": (kill_the_victim, "has ended"),
}


@pytest.mark.filterwarnings("ignore:subprocess")
@pytest.mark.parametrize("name", HARM)
def test_harm_is_seen_once(world: World, name: str) -> None:
    action, word = HARM[name]
    try:
        action(world)
        found = world.changes()
        assert any(word in one for one in found), found
        if name != "a killed neighbour":
            assert world.changes() == []
    finally:
        Path("/dev/shm/attack-oracle").unlink(missing_ok=True)


def test_where_nothing_is_done_nothing_is_seen(world: World) -> None:
    assert world.changes() == []


def test_a_world_is_taken_down_without_a_trace(tmp_path: Path) -> None:
    before, descriptors = dict(os.environ), len(os.listdir("/proc/self/fd"))
    (tmp_path / "world").mkdir()
    with World(tmp_path / "world"):
        assert os.environ["HOME"] != before.get("HOME")
    assert dict(os.environ) == before
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert not (tmp_path / "world").exists()


# Runs


def run_of(*values: object, stdout: str = "", detail: str = "", seconds: float = 0.0) -> Run:
    calls = tuple(Call(RunStatus.OK, value) for value in values)
    return Run(RunStatus.OK, calls, stdout, {}, detail, seconds)


@pytest.mark.parametrize(
    ("run", "word"),
    [
        (run_of(3, 5, 8), "grade wrong"),
        (run_of(3, 5), "grade wrong"),
        (run_of(3, 5, 7.0), "grade wrong"),
        (Run(RunStatus.CRASH), "grade crash"),
        (Run(RunStatus.INFRA_ERROR), "grade infra_error"),
        (Run(RunStatus.OK, (Call(RunStatus.ERROR),) * 3), "grade error"),
        (run_of(3, 5, 7, stdout=f"look: {secret()}"), "breach"),
        (run_of(3, 5, 7, detail=secret()), "breach"),
        (run_of(3, 5, [{"a": (BREACH + "it", 1)}]), "breach"),
        (run_of(3, 5, [secret().encode()]), "breach"),
        (run_of(3, 5, {secret(): 1}), "breach"),
        (run_of(3, 5, 7, detail="x" * 10_000), "a detail of"),
        (run_of(3, 5, 7, seconds=LIMITS.seconds + GRACE_S + 0.1), "it took"),
    ],
)
def test_what_a_run_must_not_hold_is_a_violation(world: World, run: Run, word: str) -> None:
    result = Result()
    Harness(world, Sandbox(limits=LIMITS))._judge(result, CONTRACT, run)
    assert any(word in one for one in result.violations), result.violations


def test_a_right_run_is_no_violation(world: World) -> None:
    result = Result()
    Harness(world, Sandbox(limits=LIMITS))._judge(result, CONTRACT, run_of(3, 5, 7))
    assert (result.grade, result.violations) == ("correct", [])


def test_a_neighbour_that_is_not_right_is_a_violation(world: World) -> None:
    result, harness = Result(), Harness(world, Sandbox(limits=LIMITS))
    neighbours = [harness._neighbour(), harness._neighbour()]
    harness._judge_neighbours(result, "a neighbour", neighbours, [run_of(neighbours[0][1]), run_of(neighbours[0][1])])
    assert len(result.violations) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        ([1], (1,)),
        ({1: 2}, {True: 2}),
        ({1}, frozenset({1})),
        ("a", b"a"),
        (0.0, -0.0),
        ([1], [1, 1]),
    ],
)
def test_values_of_other_types_or_bits_are_not_the_same(one: object, other: object) -> None:
    assert not same(one, other)
    assert same(one, one)
    assert canonical(one) != canonical(other)


def test_a_script_is_graded_by_what_it_prints() -> None:
    script = Attack("script", "", ("correct",), entry=None, inputs=(), expected=("3\n",))
    assert grade(Run(RunStatus.OK, stdout="3\n"), script) == "correct"
    assert grade(Run(RunStatus.OK, stdout="3"), script) == "wrong"
    assert grade(Run(RunStatus.ERROR, stdout="3\n"), script) == "error"


# The soak


def test_a_short_soak_finds_nothing(tmp_path: Path) -> None:
    """Whether memory is flat needs a longer one, so what it says about that is not looked at."""
    page = tmp_path / "soak.md"
    command = [sys.executable, "-m", "benchmarks.soak", "--items", "1500", "--output", str(page)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert page.exists(), done.stderr
    complaints = [line for line in page.read_text().splitlines() if line.startswith("- ")]
    assert [line for line in complaints if "memory of" not in line] == []
