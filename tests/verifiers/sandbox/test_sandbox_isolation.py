"""Tiers are what attacks prove, a machine that is too weak says so, and the filter decides what its table says."""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from verifiers.inside.sandbox import syscall_filter, syscall_table
from verifiers.sandbox import Job, Limits, Run, RunStatus, Sandbox, SandboxError, Tier, box, canaries
from verifiers.sandbox.process import Zygote, ZygoteError

ROOT = Path(__file__).parents[3]
LIMITS = Limits(seconds=1.0, memory_mb=128)


def test_every_attack_is_blocked_in_the_tiers_that_are_accepted(sandbox: Sandbox) -> None:
    isolation = sandbox.isolation()
    assert len(isolation.canaries) >= 10
    assert all(isolation.canaries.values()), isolation.open
    assert isolation.tier in (Tier.A, Tier.B)
    assert isolation.summary().startswith(f"tier {isolation.tier}: fs=landlock")


OPEN = {
    Tier.C: {"read /etc/passwd"},
    Tier.D: {"read /etc/passwd", "make a socket", "make a process", "make a thread", "execute a program"},
}


@pytest.mark.parametrize(("best", "opens"), OPEN.items())
def test_a_weaker_tier_is_refused_unless_allowed_and_says_what_is_open(best: Tier, opens: set[str]) -> None:
    with Sandbox(best=best, limits=LIMITS) as refusing:
        with pytest.raises(SandboxError) as raised:
            refusing.run([Job("print(1)")])
        assert refusing.process_ids() == []
    message = str(raised.value)
    assert f"tier {best} here, and tier B is required" in message
    assert "allow_unsafe: true" in message
    assert all(name in message for name in opens)
    with Sandbox(best=best, limits=LIMITS, allow_unsafe=True) as unsafe:
        assert unsafe.isolation().tier is best
        assert opens <= set(unsafe.isolation().open)
        assert unsafe.run([Job("print(1)")])[0].stdout == "1\n"
    with Sandbox(best=best, limits=LIMITS, weakest=best) as asked:
        assert asked.run([Job("print(1)")])[0].stdout == "1\n"


SIGNALS_ITS_ZYGOTE_BY_STOPPING = """
import os, signal
me = os.getpid()
if os.fork() == 0:
    while True:
        os.kill(me, signal.SIGSTOP)
        os.kill(me, signal.SIGCONT)
while True:
    pass
"""


@pytest.mark.parametrize(
    ("program", "ends"),
    [
        ("import os\nos.kill(os.getpid(), 9)", {RunStatus.CRASH}),
        # Where this user is held to a number of processes, there is no fork to begin with.
        (SIGNALS_ITS_ZYGOTE_BY_STOPPING, {RunStatus.TIMEOUT, RunStatus.ERROR}),
    ],
)
def test_what_an_unconfined_program_does_to_itself_is_not_held_to_be_ours(program: str, ends: set[RunStatus]) -> None:
    with Sandbox(best=Tier.D, limits=LIMITS, allow_unsafe=True) as unsafe:
        (run,) = unsafe.run([Job(program)])
    assert run.status in ends, run
    assert run.seconds < LIMITS.seconds + 0.5


def test_an_attack_that_succeeds_lowers_the_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer that is on and does not hold is not believed."""
    attacks = dict(canaries.ATTACKS) | {"read /etc/passwd": "def attack(world):\n    return 'root:x:0:0'"}
    monkeypatch.setattr(canaries, "ATTACKS", attacks)
    with Sandbox(best=Tier.B, limits=LIMITS) as sandbox, pytest.raises(SandboxError, match="Not blocked: read /etc/"):
        sandbox.isolation()


def test_a_machine_without_landlock_is_tier_c_whatever_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    layers: Mapping[Tier, Mapping[str, bool]] = {
        tier: {**own, "landlock": False, "namespaces": False} for tier, own in box._LAYERS.items()
    }
    monkeypatch.setattr(box, "_LAYERS", layers)
    with Sandbox(limits=LIMITS, allow_unsafe=True) as sandbox:
        assert sandbox.isolation().tier is Tier.C
        assert sandbox.run([Job("print(1)")])[0].stdout == "1\n"


def test_a_tier_that_cannot_be_set_up_is_left_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    start = Sandbox._start_in

    def failing(self: Sandbox, tier: Tier) -> Zygote:
        if tier is Tier.A:
            raise ZygoteError("no room for namespaces")
        return start(self, tier)

    monkeypatch.setattr(Sandbox, "_start_in", failing)
    with Sandbox(limits=LIMITS) as sandbox:
        isolation = sandbox.isolation()
        assert isolation.tier is Tier.B
        assert isolation.missing["tier A"] == "no room for namespaces"
        assert sandbox.run([Job("print(1)")])[0].stdout == "1\n"


def test_an_honest_program_finds_the_standard_library(sandbox: Sandbox) -> None:
    names = "json ssl sqlite3 decimal datetime zoneinfo statistics random hashlib dataclasses unittest csv asyncio lzma"
    (run,) = sandbox.run(
        [Job(f"import {', '.join(names.split())}\nprint(random.randint(1, 1), ssl.OPENSSL_VERSION[:4])")]
    )
    assert (run.status, run.stdout) == (RunStatus.OK, "1 Open\n")


@pytest.mark.parametrize("tier", ["A", "B"])
def test_an_unprivileged_user_gets_the_same_tiers(tier: str, tmp_path: Path) -> None:
    """As user 65534 without capabilities, with an interpreter that this user can read."""
    if os.getuid() != 0:
        pytest.skip("this test drops root's rights; without root, all others are this test")
    setpriv = shutil.which("setpriv")
    interpreter = next((path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if os.path.exists(path)), None)
    if setpriv is None or interpreter is None:
        pytest.skip("needs setpriv and an interpreter outside of root's home")
    version = subprocess.run([interpreter, "-c", "import sys; print(sys.version_info >= (3, 11))"], capture_output=True,
                             text=True, check=True)  # fmt: skip
    if version.stdout.strip() != "True":
        pytest.skip("the interpreter that others can read is older than 3.11")
    package = tmp_path / "package"
    shutil.copytree(ROOT / "verifiers", package / "verifiers", ignore=shutil.ignore_patterns("__pycache__"))
    (package / "verifiers" / "__init__.py").write_text("")
    num_own = 3 if "PYTEST_XDIST_WORKER" in os.environ else 2  # folders above that pytest made for its user alone
    for folder in (*tmp_path.parents[:num_own], tmp_path, package):
        folder.chmod(0o755)
    code = (
        "from verifiers.sandbox import *\n"
        f"with Sandbox(best=Tier.{tier}, limits=Limits(seconds=2)) as s:\n"
        "    i = s.isolation()\n"
        "    print(i.tier, i.open, s.run([Job('def f(x): return x', 'f', ((7,),))])[0].calls[0].value)\n"
    )
    command = [setpriv, "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all",
               "--bounding-set=-all", interpreter, "-B", "-c", code]  # fmt: skip
    done = subprocess.run(command, cwd=package, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == f"{tier} () 7\n", done.stderr


# The filter


def decide(code: list[tuple[int, int, int, int]], data: bytes) -> int:
    """What a filter answers: the few instructions that ours use, as the kernel runs them."""
    position, accumulator = 0, 0
    while True:
        operation, on_true, on_false, operand = code[position]
        position += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, operand)
        elif operation == 0x06:
            return operand
        else:
            holds = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: bool(accumulator & operand)}
            position += on_true if holds[operation] else on_false


def ask(machine: str, number: int, *arguments: int, architecture: int | None = None, child: bool = True) -> int:
    """The stricter of what both filters say to a call."""
    arch = syscall_filter.ARCHITECTURES[machine] if architecture is None else architecture
    data = struct.pack("=IIQ6Q", number & 0xFFFFFFFF, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    answers = [decide(syscall_filter.zygote_filter(machine), data)]
    if child:
        answers.append(decide(syscall_filter.child_filter(machine), data))
    order = [syscall_filter.KILL, syscall_filter.ERRNO | 1, syscall_filter.ERRNO | 38, syscall_filter.ALLOW]
    return min(answers, key=order.index)


KILL, ALLOW, EPERM, ENOSYS = (syscall_filter.KILL, syscall_filter.ALLOW, syscall_filter.ERRNO | 1,
                              syscall_filter.ERRNO | 38)  # fmt: skip
MACHINES = pytest.mark.parametrize("machine", ["x86_64", "aarch64"])


@MACHINES
def test_a_child_may_make_exactly_the_calls_of_the_table(machine: str) -> None:
    allowed = set(syscall_filter.numbers(syscall_table.PROGRAM, machine))
    checked = set(syscall_filter.numbers(syscall_table.CHECKED, machine))
    unknown = set(syscall_filter.numbers(syscall_table.UNKNOWN, machine))
    for number in range(600):
        if number not in checked:
            expected = ALLOW if number in allowed else ENOSYS if number in unknown else EPERM
            assert ask(machine, number) == expected, number


@MACHINES
def test_calls_are_checked_by_their_arguments(machine: str) -> None:
    number = {name: getattr(call, machine) for name, call in syscall_table.CHECKED.items()}
    assert ask(machine, number["openat"], 0, 0, os.O_RDONLY | os.O_CLOEXEC) == ALLOW
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC, os.O_APPEND, 0o10000000, 0o20000000):
        assert ask(machine, number["openat"], 0, 0, flags) == EPERM
    assert ask(machine, number["prlimit64"], 0, 7, 0, 4096) == ALLOW
    assert ask(machine, number["prlimit64"], 0, 7, 4096, 0) == EPERM
    assert ask(machine, number["prlimit64"], 0, 7, 1 << 32, 0) == EPERM
    assert ask(machine, number["prlimit64"], 5, 7, 0, 0) == EPERM
    assert ask(machine, number["clone"], 17) == EPERM
    assert ask(machine, number["clone"], 17, child=False) == ALLOW
    for flag in (0x100, 0x10000, 0x20000, 0x10000000, 0x40000000):
        assert ask(machine, number["clone"], 17 | flag, child=False) == EPERM
    assert ask(machine, number["fcntl"], 0, 1) == ALLOW
    assert ask(machine, number["fcntl"], 0, 1031) == EPERM
    assert ask(machine, number["ioctl"], 0, 0x5401) == ALLOW
    assert ask(machine, number["ioctl"], 0, 0x5412) == EPERM


def test_another_architecture_or_abi_kills() -> None:
    assert ask("x86_64", 0, architecture=0x40000003) == KILL
    assert ask("x86_64", 0x40000000) == KILL
    assert ask("aarch64", 63, architecture=syscall_filter.ARCHITECTURES["x86_64"]) == KILL


def test_the_numbers_are_those_of_libseccomp() -> None:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("libseccomp is not installed")
    library.seccomp_syscall_resolve_name_arch.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    calls = syscall_table.PROGRAM | syscall_table.CHECKED | syscall_table.ZYGOTE | syscall_table.UNKNOWN
    for name, own in calls.items():
        for machine, architecture in syscall_filter.ARCHITECTURES.items():
            number = library.seccomp_syscall_resolve_name_arch(architecture, name.encode())
            assert getattr(own, machine) == max(number, -1), (name, machine)


def test_an_attack_that_was_not_seen_to_its_end_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = Sandbox._run_canaries, []

    def stalled(self: Sandbox, zygote: Zygote, jobs: list[Job]) -> list[Run]:
        runs = real(self, zygote, jobs)
        asked.append(len(jobs))
        return [Run(RunStatus.TIMEOUT), *runs[1:]] if len(asked) == 1 else runs

    monkeypatch.setattr(Sandbox, "_run_canaries", stalled)
    with Sandbox() as sandbox:
        assert sandbox.isolation().open == ()
    assert asked == [len(canaries.ATTACKS), 1]
