"""The zygote's main program: read a setup, confine itself, warm up, say so, then answer jobs until the channel ends.

Started as a file by `verifiers.sandbox.process` with a constructed environment, in a session of its own. It runs no
thread, imports what programs often want, and runs a small program through the whole path of a child before it freezes
its memory, so that children fork quickly and find the interpreter's lazily made tables ready.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

PACKAGE_DIRECTORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PRELOADED = (
    "bisect", "collections", "functools", "heapq", "itertools", "math", "operator", "random", "re", "string", "typing",
)  # fmt: skip
"""Imported before the fork, because programs often want them and each child would pay for it."""
FIRST_DESCRIPTOR = 20
"""Ours begin here, so that none of them lies where a child puts its own."""
_POOL_BYTES, _POOL_HEADER_BYTES, _ALIGNMENT, _LARGEST, _BYTES_OVERHEAD = 16_384, 48, 16, 512, 33
_MAX_GAPS = 3000
_GAP_BYTES = (16_000, 8000, 4000, 2000, 1000, 800, 700, 600, 540)
SAMPLE = """
from collections import defaultdict
class Sample:
    def __init__(self, values): self.values = {key: str(key) for key in values}
def f(values, *more):
    try:
        return [value * 2 + 1 for value in sorted(values) if value % 3], f"{len(values)!r:>3}", Sample(values).values
    except (ValueError, KeyError) as error:
        raise TypeError("no") from error
print(f([3, 1, 2]))
"""


def install_package() -> None:
    """Make `verifiers.inside` importable without running `verifiers/__init__.py` (which imports the parent's side)."""
    package = ModuleType("verifiers")
    package.__path__ = [PACKAGE_DIRECTORY]
    sys.modules["verifiers"] = package


def main() -> None:
    channel = arrange_descriptors(int(sys.argv[1]))
    setup = receive_setup(channel)
    try:
        supervisor, facts = prepare(channel, setup)
    except Exception as error:  # our own start-up: the parent turns this text into a reason
        send_setup(channel, {"error": f"{type(error).__name__}: {error}"})
        os._exit(1)
    send_setup(channel, facts)
    settle()
    supervisor.serve()
    os._exit(0)


def prepare(channel: int, setup: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Import, confine, warm up and freeze: what serves jobs, and what the parent is told."""
    import importlib

    from verifiers.inside.sandbox.layers import Layers
    from verifiers.inside.sandbox.program import Program, quiet_streams
    from verifiers.inside.sandbox.supervise import Bounds, Supervisor, set_check_interval

    for name in PRELOADED:
        importlib.import_module(name)
    quiet_streams()
    set_check_interval(channel)
    layers = Layers(setup)
    layers.confine_zygote()
    program = Program(setup["max_result_bytes"])
    bounds = Bounds(setup["seconds"], setup["max_output_bytes"], setup["max_result_bytes"])
    supervisor = Supervisor(channel, bounds, layers, program)
    warm_up(program)
    return supervisor, {"active": layers.active, "missing": layers.missing}


def settle() -> None:
    """Leave nothing that a child would have to do again, or has no business with."""
    import gc

    for name in [name for name in sys.modules if name.partition(".")[0] == "verifiers"]:
        del sys.modules[name]
    gc.collect()
    kept.extend(fill_heap_gaps() + begin_fresh_pools())
    gc.freeze()  # what is loaded stays: children then touch (and copy) fewer pages


kept: list[object] = []


def begin_fresh_pools() -> list[object]:
    """Use up the allocator's half-filled pools, so that a child's new objects lie close together.

    CPython serves small objects from pools, one kind for each size; whatever the child makes would otherwise go into
    the gaps of old ones, and copy two pages for each size. Elsewhere this does nothing but use a little memory.
    """
    objects: list[object] = []
    for size in range(_ALIGNMENT, _LARGEST + 1, _ALIGNMENT):
        for number in range(_MAX_GAPS):
            if size > 2 * _ALIGNMENT:
                made: object = bytes(size - _BYTES_OVERHEAD)
            else:
                made = object() if size == _ALIGNMENT else complex(number, 1)
            objects.append(made)
            if id(made) % _POOL_BYTES == _POOL_HEADER_BYTES:
                break  # the first of a new pool
    return objects


def fill_heap_gaps() -> list[object]:
    """Use up the C library's free gaps, for the same reason: larger objects of a child then lie at the heap's end."""
    objects: list[object] = []
    highest = 0
    for size in _GAP_BYTES:
        at_the_end = 0
        while at_the_end < 3 and len(objects) < _MAX_GAPS:
            made = bytes(size)
            objects.append(made)
            at_the_end = at_the_end + 1 if id(made) > highest else 0
            highest = max(highest, id(made))
    return objects


def warm_up(program: Any) -> None:
    """Run a sample as a child would, so that what is made at first use is made before the fork."""
    kept = sys.stdout
    sys.stdout = open(os.dup(2), "w", encoding="utf-8", newline="\n")  # noqa: SIM115
    for _ in range(3):
        program.run(SAMPLE, "f", "[[[1,2,3]],[[]]]")
        program.run(SAMPLE, None, "")
        program.run("x = 1 +", "f", "[[1]]")
    for _ in range(12):  # often enough for the interpreter to settle on its fast instructions
        enter_sample(program)
    sys.stdout.close()
    sys.stdout = kept
    program.renew()


def enter_sample(program: Any) -> None:
    """The whole of a child's work on a small job, without writing and without ending."""
    from verifiers.inside.sandbox import frames
    from verifiers.inside.sandbox.program import enter

    source, entry, inputs = b"def f(x):\n    return 2 * x + 1\n", b"f", b"[[1],[2]]"
    header = (bytes(8), frames.CALLS, len(source), len(entry), 0, len(inputs))
    job = memoryview(source + entry + inputs)
    enter(program, job, header, write=lambda descriptor, data: len(data), leave=lambda status: None)


def arrange_descriptors(channel: int) -> int:
    """Put the channel above all others, and nothing on 0 to 3."""
    import fcntl

    moved = fcntl.fcntl(channel, fcntl.F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR)
    os.close(channel)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(4):
        if descriptor != null:
            os.dup2(null, descriptor)
    if null > 3:
        os.close(null)
    return moved


def receive_setup(channel: int) -> dict[str, Any]:
    import json

    from verifiers.inside.sandbox.frames import SETUP

    (length,) = SETUP.unpack(read_exactly(channel, SETUP.size))
    setup: dict[str, Any] = json.loads(read_exactly(channel, length))
    return setup


def read_exactly(channel: int, length: int) -> bytes:
    """So many bytes; ends the process if the parent is gone."""
    data = b""
    while len(data) < length:
        piece = os.read(channel, length - len(data))
        if not piece:
            os._exit(0)
        data += piece
    return data


def send_setup(channel: int, content: dict[str, Any]) -> None:
    import json

    from verifiers.inside.sandbox.frames import SETUP

    body = json.dumps(content).encode()
    os.write(channel, SETUP.pack(len(body)) + body)


if __name__ == "__main__":
    install_package()
    main()
