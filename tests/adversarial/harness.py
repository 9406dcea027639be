"""Runs hostile programs among honest neighbours and asks every oracle after each.

The oracles: the grade is allowed; it took no longer than allowed; nothing forbidden worked by its own report; no
planted secret is in what it gave; no file, connection, process or descriptor is left or changed; its neighbours, and
the honest programs that run next, are right; two equalities, ours and the sandbox's, agree.

A hostile program is run only where the sandbox's canaries were blocked: `campaign` refuses to start otherwise.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.adversarial.attack import BREACH, CORRECT, NONDETERMINISTIC, SECRET, Attack, grade
from tests.adversarial.world import World, secret
from verifiers.sandbox import Isolation, Sandbox, Tier
from verifiers.sandbox.compare import EqualityPolicy, equal
from verifiers.sandbox.records import Job, Limits, Run, RunStatus

LIMITS = Limits(seconds=1.0, memory_mb=256)
NUM_WORKERS = 2
IMPATIENT = Limits(seconds=0.7, memory_mb=256)
"""For programs that would run until they are stopped."""
GRACE_S = 1.0
"""How much longer than its deadline a program may take on a busy machine."""
MAX_DETAIL_CHARACTERS = 2_000

NEIGHBOUR = """
# {note}
NOTE = "{note}"
def f(x, note):
    total = 0
    for _ in range(10_000): total += 1
    print(NOTE)
    return [2 * x + 1, note]
"""


@dataclass(slots=True)
class Result:
    """What became of one attack. No violations: it broke nothing."""

    grade: str = ""
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)


class Harness:
    """One sandbox of one tier in one world."""

    def __init__(self, world: World, sandbox: Sandbox) -> None:
        self.world, self.sandbox = world, sandbox
        self._numbers = itertools.count(1)

    def warm_up(self) -> None:
        """Both kinds of run once, so that whatever stays has started; from here on nothing may be left."""
        self.sandbox.run([self._neighbour()[0] for _ in range(4 * self.sandbox.num_workers)])
        self.sandbox.run_twice([self._neighbour()[0] for _ in range(2)])
        self.world.forget()

    def single(self, name: str, attack: Attack) -> Result:
        """Run one attack between neighbours, then its sequel and honest programs."""
        result = Result()
        neighbours = [self._neighbour() for _ in range(4)]
        jobs = [job for job, _ in neighbours]
        began = time.monotonic()
        if attack.twice:
            runs = self.sandbox.run_twice([*jobs[:2], attack.job(self.world.replace), *jobs[2:]])
        else:
            runs = self.sandbox.run([*jobs[:2], attack.job(self.world.replace), *jobs[2:]])
        took = time.monotonic() - began
        self._judge(result, attack, runs.pop(2))
        bound = self._bound(attack) + self.sandbox.limits.seconds
        if took > bound:
            result.violations.append(f"the call took {took:.2f} s, more than {bound:g} s")
        self._judge_neighbours(result, "a neighbour", neighbours, runs)
        self._follow(result, attack)
        result.violations += self.world.changes()
        return result

    def together(self, attacks: Mapping[str, Attack]) -> dict[str, Result]:
        """Run many in one call, a neighbour before each. What cannot be laid to one is laid to the last."""
        jobs, neighbours = [], []
        for attack in attacks.values():
            neighbours.append(self._neighbour())
            jobs += [neighbours[-1][0], attack.job(self.world.replace)]
        runs = self.sandbox.run(jobs)
        results = {}
        for index, (name, attack) in enumerate(attacks.items()):
            results[name] = Result()
            self._judge(results[name], attack, runs[2 * index + 1])
            self._judge_neighbours(results[name], "a neighbour", [neighbours[index]], [runs[2 * index]])
        if results:
            self._follow(results[name], attack)
            results[name].violations += [f"(of {len(results)} together) {one}" for one in self.world.changes()]
        return results

    def _neighbour(self) -> tuple[Job, list[object]]:
        """An honest program that holds secrets in its text and input, and what it gives. No two are alike."""
        number, note = next(self._numbers), secret()
        return Job(NEIGHBOUR.format(note=secret()), "f", ((number, note),)), [2 * number + 1, note]

    def _follow(self, result: Result, attack: Attack) -> None:
        """Honest programs run on every worker, and the sequel several times."""
        following = [self._neighbour() for _ in range(self.sandbox.num_workers + 1)]
        runs = self.sandbox.run([job for job, _ in following])
        self._judge_neighbours(result, "an honest program after it", following, runs)
        if attack.sequel:
            sequel = Attack("sequel", attack.sequel, (CORRECT,))
            # A comment makes each text another: identical jobs would run once.
            jobs = [
                Job(f"{attack.sequel}# {number}\n", "f", sequel.inputs)
                for number in range(3 * self.sandbox.num_workers)
            ]
            for run in self.sandbox.run(jobs):
                outcome = Result()
                self._judge(outcome, sequel, run)
                result.violations += [f"its sequel: {one}" for one in outcome.violations]

    def _judge_neighbours(
        self, result: Result, who: str, neighbours: Iterable[tuple[Job, list[object]]], runs: Iterable[Run]
    ) -> None:
        for (_, value), run in zip(neighbours, runs, strict=True):
            if run.status is not RunStatus.OK or [call.value for call in run.calls] != [value]:
                result.violations.append(f"{who} was not right: {run.status} {run.detail} {run.calls}"[:300])

    def _judge(self, result: Result, attack: Attack, run: Run) -> None:
        """Everything that can be said from the run alone."""
        result.grade, result.seconds = grade(run, attack), run.seconds
        if result.grade not in attack.allowed:
            detail = run.detail or "; ".join(dict.fromkeys(call.detail for call in run.calls if call.detail))
            values = [call.value for call in run.calls]
            result.violations.append(
                f"grade {result.grade}, allowed {', '.join(attack.allowed)}: {detail[:200]} {str(values)[:200]}"
            )
        if run.seconds > self._bound(attack):
            result.violations.append(f"it took {run.seconds:.2f} s, more than {self._bound(attack):g} s")
        # Piece by piece: the text of a value may be refused (a surrogate, a number of 20,000 digits).
        for piece in pieces(
            [run.stdout, run.detail, dict(run.values), [(call.value, call.detail) for call in run.calls]]
        ):
            if BREACH in piece or SECRET in piece:
                result.violations.append(f"breach: {piece[:300]!r}")
        for detail in (run.detail, *(call.detail for call in run.calls)):
            if len(detail) > MAX_DETAIL_CHARACTERS:
                result.violations.append(f"a detail of {len(detail)} characters")
        if run.status is RunStatus.OK and attack.entry is not None and result.grade != NONDETERMINISTIC:
            self._compare_equalities(result, attack, run)

    def _compare_equalities(self, result: Result, attack: Attack, run: Run) -> None:
        if len(run.calls) == len(attack.expected) and all(call.status is RunStatus.OK for call in run.calls):
            pairs = zip(attack.expected, run.calls, strict=True)
            theirs = all(equal(value, call.value, EqualityPolicy()) for value, call in pairs)
            if theirs is not (result.grade == CORRECT):
                result.violations.append(f"the sandbox's equality says {theirs}, the harness {result.grade}")

    def _bound(self, attack: Attack) -> float:
        return (attack.max_seconds or self.sandbox.limits.seconds) + GRACE_S


def pieces(value: object, depth: int = 60) -> Iterable[str]:
    """Every text inside a value, bytes read as Latin-1."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif isinstance(value, dict) and depth:
        for pair in value.items():
            yield from pieces(pair, depth - 1)
    elif isinstance(value, (list, tuple, set, frozenset)) and depth:
        for member in value:
            yield from pieces(member, depth - 1)


def make_sandbox(tier: Tier, *, patient: bool = True) -> Sandbox:
    """A sandbox of exactly this tier."""
    workers, limits = (NUM_WORKERS, LIMITS) if patient else (2 * NUM_WORKERS, IMPATIENT)
    return Sandbox(num_workers=workers, limits=limits, best=tier, weakest=tier)


def not_blocked(isolation: Isolation) -> list[str]:
    """The canaries that got through."""
    return sorted(name for name, blocked in isolation.canaries.items() if not blocked)
