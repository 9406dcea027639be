"""Whether the verifiers stay right, whole and the same size over a long run in which their processes are killed.

`python -m benchmarks.soak --items 200000` sends batches of mixed items, half programs (the sandbox, and `python_exec`
for scripts) and half answers (`math_answer`), 2 % of them hostile, while a thread kills a random process of theirs
every two seconds or so (SIGKILL: zygotes, running programs, workers, templates). Then it writes `benchmarks/soak.md`.
It fails (exit status 1) unless:

- every item has exactly one verdict, in order, and every honest one the verdict known beforehand; none is FAULT;
- a hostile program's verdict is one that the table of attacks allows, and nothing that it gave holds a planted secret;
- nothing is left afterwards: process, descriptor, or file in the planted folders;
- memory is flat: the mean resident size of this process, and of a zygote, in the last quarter is within 5 % of that in
  the second.

Items are made from `--seed`; when processes are killed is not repeatable. The hostile programs are the fast ones of
`tests/adversarial`; they run in the tier that the machine gives, and not at all below tier B.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from selfplay.provenance import cpu_model
from selfplay.types import Origin, Problem, Status, Verdict
from tests.adversarial.attack import BREACH, SECRET, Attack, grade
from tests.adversarial.attacks import ATTACKS
from tests.adversarial.harness import not_blocked, pieces
from tests.adversarial.world import World, descendants
from verifiers import make_verifier
from verifiers.cache import VerdictCache
from verifiers.sandbox import Job, Limits, Run, RunStatus, Sandbox, Tier

PAGE = Path(__file__).with_suffix(".md")
LIMITS = Limits(seconds=2.0, memory_mb=256)
NUM_WORKERS = 2
HOSTILE_SHARE = 0.02
KILL_PAUSES_S = (0.5, 4.0)
"""Longer than a retry takes: the same honest program killed twice would rightly be a fault."""
SAMPLE_PAUSE_S = 0.5
MAX_GROWTH = 0.05
CACHED_ANSWERS = 2_000
"""Fewer than there are, so that the cache's own growth ends early."""
MAX_SHOWN = 20

FAST = {name: attack for name, attack in ATTACKS.items() if attack.fast and not attack.twice and not attack.sequel}
HOSTILE_ANSWERS = (
    r"\boxed{9^{9^{9^{9^9}}}}", r"\boxed{((10^8)!)!}", r"\boxed{\binom{10^9}{5\cdot 10^8}}", r"\boxed{9!!!!!!!}",
    "\\boxed{" + "(" * 900 + ")" * 900 + "}", "\\boxed{" * 500 + "1" + "}" * 500, "\\boxed{" + "9" * 1_900 + "}",
    "\\boxed{" + "1+" * 900 + "1}", "\\boxed{\\begin{pmatrix}" + "1&" * 400 + "1\\end{pmatrix}}", "\\boxed{1e400}",
    "\\boxed{" + "\\sqrt{" * 300 + "2" + "}" * 300 + "}", "\\boxed{\ud800}", "\\boxed{7} or \\boxed{\\infty}",
    "\\boxed{" + "{,}".join(["1"] * 500) + "}", "\\boxed{" + "x^{2}" * 300 + "}", "\\boxed{\\lim_{x\\to0}1/x}",
    "\\boxed{__import__('os')}", "\\boxed{\x00}",
)  # fmt: skip
"""None is the reference, a text of letters."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to judge: by the sandbox (job), by `python_exec` (program and stdout) or by `math_answer` (answer)."""

    kind: str
    job: Job | None = None
    values: tuple[object, ...] = ()
    attack: Attack | None = None
    name: str = ""
    problem: Problem | None = None
    text: str = ""
    allowed: tuple[Status, ...] = ()


@dataclass(slots=True)
class Tally:
    """What has been seen so far."""

    verdicts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    sizes: list[tuple[float, float]] = field(default_factory=list)
    """Resident MiB of this process, and the mean of the zygotes."""


# Items ---------------------------------------------------------------------------------------------------------------


def items(num_items: int, seed: int, replace: dict[str, str]) -> Iterator[Item]:
    """The items in order. Every program and its values are unlike all others, so that a mix-up is seen."""
    choose = random.Random(seed)
    for number in range(num_items):
        hostile, kind = choose.random() < HOSTILE_SHARE, choose.random()
        if kind < 0.4:
            yield hostile_program(choose, replace, number) if hostile else honest_program(choose, number)
        elif kind < 0.5:
            yield script(choose, number)
        elif hostile:
            statuses = (Status.WRONG, Status.MALFORMED, Status.UNDECIDED, Status.TIMEOUT)
            reference = Problem("soak", str(number), "seven", Origin.DATASET, level=0)
            text = f"{choose.choice(HOSTILE_ANSWERS)}"
            yield Item("hostile answer", problem=reference, text=text, allowed=statuses)
        else:
            yield answer(choose, number)


PROGRAMS = (
    "def f(x):\n    return [{n}, {a} * x + {b}]\n",
    "import math\ndef f(x):\n    return [{n}, sum({a} for _ in range(x)) + {b} if x >= 0 else math.nan]\n",
    "class C:\n    def __init__(self, x): self.y = {a} * x\ndef f(x):\n    print(x)\n    return [{n}, C(x).y + {b}]\n",
    "from collections import Counter\nd = Counter()\ndef f(x):\n    d[x] = {a} * x + {b}\n    return [{n}, d[x]]\n",
)


def honest_program(choose: random.Random, number: int) -> Item:
    """A linear function in one of several dresses; some raise for one input."""
    a, b = choose.randrange(100), choose.randrange(10**6)
    inputs = tuple((choose.randrange(50),) for _ in range(choose.randrange(1, 6)))
    program = choose.choice(PROGRAMS).format(a=a, b=b, n=number)
    return Item("program", job=Job(program, "f", inputs), values=tuple([number, a * x + b] for (x,) in inputs))


def hostile_program(choose: random.Random, replace: dict[str, str], number: int) -> Item:
    name = choose.choice(sorted(FAST))
    job = FAST[name].job(replace)
    # A comment makes it another program; a byte order mark or a cookie must stay first, and some texts end oddly.
    program = f"{job.program}# {number}\n" if job.program.endswith("\n") and len(job.program) < 10_000 else job.program
    return Item("hostile program", job=Job(program, job.entry, job.inputs, job.stdin), attack=FAST[name], name=name)


def script(choose: random.Random, number: int) -> Item:
    """A program judged by what it prints."""
    right = choose.random() < 0.6
    program = f"total = 0\nfor i in range({number % 97 + 3}):\n    total += i\nprint(total, {number})\n"
    total = sum(range(number % 97 + 3))
    problem = Problem("soak", str(number), f"{total if right else total + 1} {number}\n", Origin.GENERATED, level=0)
    return Item("script", problem=problem, text=program, allowed=(Status.CORRECT if right else Status.WRONG,))


def answer(choose: random.Random, number: int) -> Item:
    """60 % integers, 20 % fractions, 20 % expressions; some are wrong, some have no box."""
    kind, a, right = choose.random(), choose.randrange(2, 10**6), choose.random() < 0.6
    off = 0 if right else choose.randrange(1, 9)
    if kind < 0.6:
        reference, text = str(a), f"{a + off}"
    elif kind < 0.8:
        reference, text = f"{a}/{a + 1}", rf"\frac{{{2 * a + 2 * off * (a + 1)}}}{{{2 * a + 2}}}"
    else:
        a %= 1000
        reference, text = f"(x+{a})^2", f"x^2+{2 * a}x+{a * a + off}"
    boxed = choose.random() < 0.95
    status = (Status.CORRECT if right else Status.WRONG) if boxed else Status.MALFORMED
    problem = Problem("soak", str(number), reference, Origin.GENERATED, level=0)
    return Item("answer", problem=problem, text=rf"So it is $\boxed{{{text}}}$." if boxed else text, allowed=(status,))


# Judging -------------------------------------------------------------------------------------------------------------


class Judges:
    """The three that are soaked, and the pids of their lasting processes."""

    def __init__(self, stack: ExitStack) -> None:
        self.sandbox = stack.enter_context(Sandbox(num_workers=NUM_WORKERS, limits=LIMITS))
        settings = {"num_workers": NUM_WORKERS, "deadline_s": LIMITS.seconds}
        self.programs = stack.enter_context(make_verifier("python_exec", memory_mb=256, **settings))  # type: ignore[arg-type]
        self.answers = stack.enter_context(
            make_verifier("math_answer", cache=VerdictCache(max_items=CACHED_ANSWERS), **settings)  # type: ignore[arg-type]
        )

    def judge(self, batch: list[Item], tally: Tally) -> None:
        """Judge a batch, and write down everything that is not as it should be."""
        self._judge_jobs([item for item in batch if item.job is not None], tally)
        for verifier, kinds in ((self.programs, ("script",)), (self.answers, ("answer", "hostile answer"))):
            chosen = [item for item in batch if item.kind in kinds]
            verdicts = verifier.verify([(item.problem, item.text) for item in chosen if item.problem is not None])
            expect(len(verdicts) == len(chosen), f"{len(verdicts)} verdicts for {len(chosen)} items", tally)
            for item, verdict in zip(chosen, verdicts, strict=False):
                self._check_verdict(item, verdict, tally)

    def _judge_jobs(self, chosen: list[Item], tally: Tally) -> None:
        runs = self.sandbox.run([item.job for item in chosen if item.job is not None])
        expect(len(runs) == len(chosen), f"{len(runs)} runs for {len(chosen)} jobs", tally)
        for item, run in zip(chosen, runs, strict=False):
            if item.attack is None:
                tally.verdicts[f"{item.kind}: {run.status}"] += 1
                values = [call.value for call in run.calls]
                right = run.status is RunStatus.OK and values == list(item.values)
                expect(right, f"{item.kind} {item.values}: {run.status} {run.detail} {values}", tally)
            else:
                self._check_hostile(item, item.attack, run, tally)

    def _check_hostile(self, item: Item, attack: Attack, run: Run, tally: Tally) -> None:
        outcome = grade(run, attack)
        tally.verdicts[f"{item.kind}: {outcome}"] += 1
        expect(outcome in attack.allowed, f"{item.name}: {outcome} {run.detail}, allowed {attack.allowed}", tally)
        texts = pieces([run.stdout, run.detail, dict(run.values), [(call.value, call.detail) for call in run.calls]])
        expect(not any(BREACH in text or SECRET in text for text in texts), f"{item.name}: a breach", tally)

    def _check_verdict(self, item: Item, verdict: Verdict, tally: Tally) -> None:
        tally.verdicts[f"{item.kind}: {verdict.status}"] += 1
        expect(verdict.status in item.allowed, f"{item.kind} {item.text[:200]!r}: {verdict}", tally)


def expect(right: bool, what: str, tally: Tally) -> None:
    if not right:
        tally.wrong.append(what[:400])


# What happens beside it ----------------------------------------------------------------------------------------------


def kill_at_random(stop: threading.Event, spared: int, tally: Tally) -> None:
    """Kill a random descendant now and then. Not repeatable: it is about moments that nobody has thought of."""
    choose = random.Random()
    while not stop.wait(choose.uniform(*KILL_PAUSES_S)):
        found = sorted((pid, name) for pid, name in descendants() if pid != spared and "zombie" not in name)
        if found:
            pid, _ = choose.choice(found)
            with suppress(ProcessLookupError, OSError, psutil.Error):
                tally.kills["lasting" if psutil.Process(pid).create_time() < time.time() - 0.5 else "short-lived"] += 1
                os.kill(pid, signal.SIGKILL)


def reap_orphans() -> int:
    """How many children of processes that were killed have ended: this process is their reaper, as pid 1 would be."""
    zombies = [pid for pid, name in descendants() if name.endswith("(zombie)")]
    for pid in zombies:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return len(zombies)


def sample_sizes(stop: threading.Event, zygotes: Callable[[], list[int]], tally: Tally) -> None:
    """Resident sizes every half second."""
    me = psutil.Process()
    while not stop.wait(SAMPLE_PAUSE_S):
        sizes = []
        for pid in zygotes():
            with suppress(psutil.Error):
                whole = [psutil.Process(pid), *psutil.Process(pid).children()]
                # In tier A the one that serves is the child of the one that was started.
                sizes.append(max(one.memory_info().rss for one in whole[:2]) / 2**20)
        if sizes:
            tally.sizes.append((me.memory_info().rss / 2**20, statistics.mean(sizes)))


def growth(sizes: list[float]) -> tuple[float, float, float]:
    """Mean of the second quarter, of the last quarter, and the change as a share; NaN for a run of a second or two."""
    if len(sizes) < 4:
        return math.nan, math.nan, math.nan
    quarter = len(sizes) // 4
    second, last = statistics.mean(sizes[quarter : 2 * quarter]), statistics.mean(sizes[-quarter:])
    return second, last, last / second - 1


# The whole -----------------------------------------------------------------------------------------------------------


def soak(num_items: int, batch_size: int, seed: int, folder: Path) -> tuple[Tally, float, str]:
    """The tally, how long it took, and what isolated the programs."""
    tally, stop = Tally(), threading.Event()
    num_descriptors = len(os.listdir("/proc/self/fd"))
    with World(folder) as world:
        with ExitStack() as stack:
            judges = Judges(stack)
            isolation = judges.sandbox.isolation()
            if isolation.tier not in (Tier.A, Tier.B) or not_blocked(isolation):
                raise SystemExit(f"hostile programs are not run here: {isolation.summary()}")
            threads = [
                threading.Thread(target=kill_at_random, args=(stop, world.victim.pid, tally)),
                threading.Thread(target=sample_sizes, args=(stop, judges.sandbox.process_ids, tally)),
            ]
            began = time.monotonic()
            for thread in threads:
                thread.start()
            try:
                play(num_items, batch_size, seed, world.replace, judges, tally)
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
            took = time.monotonic() - began
        num_orphans = reap_orphans()
        expect(num_orphans <= sum(tally.kills.values()), f"left: {num_orphans} zombies", tally)
        left = [one for one in world.changes() if "has gone" not in one and "descriptors became" not in one]
        tally.wrong += [f"left: {one}" for one in left]
    num_left = len(os.listdir("/proc/self/fd")) - num_descriptors
    expect(num_left == 0, f"left: {num_left} descriptors", tally)
    return tally, took, isolation.summary()


def play(num_items: int, batch_size: int, seed: int, replace: dict[str, str], judges: Judges, tally: Tally) -> None:
    batch: list[Item] = []
    shown = time.monotonic()
    for number, item in enumerate(items(num_items, seed, replace), 1):
        batch.append(item)
        if len(batch) == batch_size or number == num_items:
            judges.judge(batch, tally)
            batch = []
            if time.monotonic() - shown > 10 and tally.sizes:
                shown = time.monotonic()
                print(
                    f"{number:,} items, {sum(tally.kills.values())} kills, {len(tally.wrong)} not right, "
                    f"{tally.sizes[-1][0]:.0f} MiB",
                    file=sys.stderr,
                )
    expect(sum(tally.verdicts.values()) == num_items, f"{sum(tally.verdicts.values())} verdicts of {num_items}", tally)


def page(tally: Tally, took: float, isolation: str, num_items: int, batch_size: int, seed: int) -> str:
    """The result as Markdown, and memory judged (adds to `tally.wrong`)."""
    lines = [
        "# Soak",
        "",
        f"Written by `python -m benchmarks.soak --items {num_items} --batch {batch_size} --seed {seed}`: "
        f"{num_items:,} items in {took:.0f} s ({num_items / took:.0f} a second), {NUM_WORKERS} workers each, "
        f"{isolation}. Machine: {cpu_model()}. Killed at random (SIGKILL): {tally.kills['lasting']} lasting processes "
        f"and {tally.kills['short-lived']} short-lived ones.",
        "",
        "| memory, resident MiB | second quarter | last quarter | change |",
        "|---|---|---|---|",
    ]
    for name, column in (("this process", 0), ("a zygote", 1)):
        second, last, change = growth([sizes[column] for sizes in tally.sizes])
        lines.append(f"| {name} | {second:.1f} | {last:.1f} | {change:+.1%} |")
        expect(abs(change) <= MAX_GROWTH, f"memory of {name} changed by {change:+.1%}", tally)
    lines += ["", "| verdicts | items |", "|---|---|"]
    lines += [f"| {name} | {count:,} |" for name, count in sorted(tally.verdicts.items())]
    lines += ["", f"Not as it should be: {len(tally.wrong)}.", ""]
    lines += [f"- `{one}`" for one in tally.wrong[:MAX_SHOWN]]
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        tally, took, isolation = soak(options.items, options.batch, options.seed, Path(folder) / "world")
    text = page(tally, took, isolation, options.items, options.batch, options.seed)
    options.output.write_text(text, encoding="utf-8")
    print(text)
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
