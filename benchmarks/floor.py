"""The least that running a program in a child can cost: fork, end at once, wait, in an interpreter as warm as a zygote.

Started as a file, as the sandbox starts its zygotes, and warmed by the zygote's own code; it takes requests as
`benchmarks.peers` does. No layer is put on and nothing is run in the children.
"""

import gc
import importlib
import importlib.util
import json
import os
import sys
import time
from pathlib import Path

ZYGOTE = Path(__file__).parent.parent / "verifiers" / "inside" / "sandbox" / "zygote.py"


def become_warm() -> None:
    """What the zygote's `main` does before it serves, without its layers."""
    spec = importlib.util.spec_from_file_location("zygote", ZYGOTE)
    assert spec is not None
    assert spec.loader is not None
    zygote = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(zygote)
    zygote.install_package()
    for name in ("layers", "supervise"):
        importlib.import_module(f"verifiers.inside.sandbox.{name}")
    for name in zygote.PRELOADED:
        importlib.import_module(name)
    program = importlib.import_module("verifiers.inside.sandbox.program").Program(1 << 20)
    zygote.warm_up(program)
    gc.collect()
    gc.freeze()


def work(seconds: float) -> dict[str, object]:
    latencies = []
    began = now = time.perf_counter()
    while now - began < seconds:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        after = time.perf_counter()
        latencies.append((after - now) * 1e3)
        now = after
    return {"count": len(latencies), "seconds": now - began, "latencies_ms": latencies}


if __name__ == "__main__":
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    become_warm()
    for line in sys.stdin:
        channel.write(json.dumps(work(json.loads(line)["seconds"])) + "\n")
