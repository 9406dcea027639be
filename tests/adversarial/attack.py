"""One hostile program as data, and how what became of it is graded.

A program is written against a contract: `f(x)` is 2x + 1 unless its row says otherwise. What a program tries, it
reports itself: where something forbidden worked, it returns a text that begins with BREACH instead of its answer, so
that a breach shows in the run whatever else happens. Everything that a program may find is planted by `world.py`:
names in @CAPITALS@ in a program text are replaced by the harness. Programs are written so that they do little harm
where they succeed: they signal and trace planted processes only, allocate and fork within bounds.

Nothing here runs a program.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import Any

from verifiers.sandbox.records import Job, Run, RunStatus

BREACH = "BREACHED: "
SECRET = "KEEPOUT-"
"""Every planted secret begins so; 32 hexadecimal digits follow."""

CORRECT = "correct"
WRONG = "wrong"
ERROR = RunStatus.ERROR.value
TIMEOUT = RunStatus.TIMEOUT.value
MEMORY = RunStatus.MEMORY.value
OUTPUT_LIMIT = RunStatus.OUTPUT_LIMIT.value
CRASH = RunStatus.CRASH.value
NO_RESULT = RunStatus.NO_RESULT.value
BAD_FRAME = RunStatus.BAD_FRAME.value
UNSUPPORTED = RunStatus.UNSUPPORTED_TYPE.value
NONDETERMINISTIC = RunStatus.NONDETERMINISTIC.value

NOT_FOOLED = (WRONG, ERROR, UNSUPPORTED, NO_RESULT, BAD_FRAME)
"""What may become of a program that cheats: anything but being right."""
OWN_TROUBLE = (CORRECT, ERROR, NO_RESULT, BAD_FRAME, UNSUPPORTED)
"""What may become of a program that computes the right values and breaks its own interpreter around them."""
STOPPED = (CORRECT, CRASH)
"""What may become of a probe: its calls were refused and it went on, or the system-call filter killed it."""


@dataclass(frozen=True, slots=True)
class Attack:
    """A row of the table."""

    name: str
    program: str
    allowed: tuple[str, ...]
    """The grades that are right."""
    entry: str | None = "f"
    inputs: tuple[tuple[Any, ...], ...] = ((1,), (2,), (3,))
    expected: tuple[Any, ...] = (3, 5, 7)
    """The right values; of a script (entry None) the one text that it should print."""
    stdin: str = ""
    max_seconds: float | None = None
    """Bound of its wall-clock time; None: the sandbox's deadline."""
    twice: bool = False
    """Whether it is run in two processes with different hash seeds."""
    machines: tuple[str, ...] = ("x86_64", "aarch64")
    sequel: str = ""
    """A program that runs after it, several times: it must be correct."""
    fast: bool = True
    """Whether it ends within milliseconds (the soak draws from these)."""

    def job(self, replace: dict[str, str] | None = None) -> Job:
        """The job to run, with the planted names put in."""
        return Job(planted(self.program, {**(replace or {}), "NAME": self.name}), self.entry, self.inputs, self.stdin)


def planted(program: str, replace: dict[str, str]) -> str:
    """The program with @NAME@ of every planted thing replaced."""
    for name, text in replace.items():
        program = program.replace(f"@{name}@", text)
    return program


def grade(run: Run, attack: Attack) -> str:
    """`correct`, `wrong`, or the first status that is not OK: of the run, else of its calls."""
    if run.status is not RunStatus.OK:
        return run.status.value
    if attack.entry is None:
        return CORRECT if run.stdout == attack.expected[0] else WRONG
    if len(run.calls) != len(attack.inputs):
        return WRONG
    for call in run.calls:
        if call.status is not RunStatus.OK:
            return call.status.value
    pairs = zip(attack.expected, run.calls, strict=True)
    return CORRECT if all(same(value, call.value) for value, call in pairs) else WRONG


def same(expected: Any, got: Any) -> bool:
    """Equality of exact types and bits: written apart from the sandbox's own, to check it."""
    return canonical(expected) == canonical(got)


def canonical(value: Any) -> str:
    """A text that two values share only if they have the same types and bits, in any order where there is none."""
    name = type(value).__name__
    if isinstance(value, dict):
        return f"{name}[{', '.join(sorted(canonical(pair) for pair in value.items()))}]"
    if isinstance(value, (set, frozenset)):
        return f"{name}[{', '.join(sorted(map(canonical, value)))}]"
    if isinstance(value, (list, tuple)):
        return f"{name}[{', '.join(map(canonical, value))}]"
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, int):
        return f"{name} {value:x}"
    if isinstance(value, float):
        return f"{name} {value.hex()}"
    if isinstance(value, complex):
        return f"{name} {value.real.hex()} {value.imag.hex()}"
    return f"{name} {value!r}"


PRELUDE = '''
import os, sys
BREACHES = []
REFUSED = (1, 13, 38)  # EPERM, EACCES, ENOSYS

def breach(what):
    BREACHES.append(what)

def attempt(what, action, *arguments):
    """Whatever the action gives is a breach, unless it raises."""
    try:
        result = action(*arguments)
    except BaseException:
        return None
    BREACHES.append(what)
    return result

def f(x):
    if BREACHES:
        return "BREA" + "CHED: " + "; ".join(BREACHES)
    return 2 * x + 1
'''

CALLS = '''
import ctypes
LIBRARY = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"

def call(number, *arguments):
    """A raw system call: its result and errno. `number` is (x86-64, aarch64); None is not there."""
    number = number[0] if X86 else number[1]
    if number is None:
        return -1, 38
    ctypes.set_errno(0)
    plain = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    LIBRARY.syscall.restype = ctypes.c_long
    result = LIBRARY.syscall(ctypes.c_long(number), *plain)
    return result, ctypes.get_errno()

def reached(what, number, *arguments):
    """A breach if the call got through to the kernel's own checks."""
    result, error = call(number, *arguments)
    if result != -1 or error not in REFUSED:
        breach(f"{what}: {result} errno {error}")
    return result

def succeeded(what, number, *arguments):
    """A breach if the call did what it should."""
    result, error = call(number, *arguments)
    if result != -1:
        breach(f"{what}: {result}")
    return result
'''


def text(program: str) -> str:
    """A program written indented in a table."""
    return dedent(program).strip("\n") + "\n"


def probe(name: str, body: str, *, allowed: tuple[str, ...] = STOPPED, **rest: Any) -> Attack:
    """A program that tries things when it is loaded, and answers rightly if all were refused."""
    body = text(body)
    needs_calls = any(word in body for word in ("call(", "reached(", "succeeded(", "ctypes", "LIBRARY"))
    return Attack(name, PRELUDE + (CALLS if needs_calls else "") + body, allowed, **rest)


def honest_around(body: str) -> str:
    """A program that does something and computes the right values."""
    return text(body) + "def f(x):\n    return 2 * x + 1\n"


def rows(kind: str, *attacks: Attack) -> dict[str, Attack]:
    """A class of attacks by name; a name given twice is a mistake in the table."""
    table = {f"{kind}/{attack.name}": attack for attack in attacks}
    if len(table) != len(attacks):
        raise ValueError(f"a name is given twice in the class {kind}")
    return table
