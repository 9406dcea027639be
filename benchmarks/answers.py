"""How many answers `math_answer` judges in a second and how many rightly, against math-verify.

The mix is made by a seeded generator: 60 % integers, 20 % fractions, 20 % expressions, half of them right, hardly any
twice; the labels come from how each row was made. The verdict cache is off. Accuracy is measured on the labelled pairs
of the tests. math-verify runs in processes of its own that are killed when they take longer than an item may.
"""

from __future__ import annotations

import contextlib
import importlib
import random
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers import Peer, PeerError, missing
from benchmarks.programs import Figures, percentile, ratios, spread, take_turns
from selfplay.types import Origin, Problem, Status, Verdict
from verifiers import ClosingVerifier, make_verifier

TESTS = Path(__file__).parent.parent / "tests" / "verifiers"
ITEM_S = 5.0
"""What one item may take: the verifier's default deadline, and when math-verify is killed."""
TURN_ITEMS = 2000
PEER_TURN_ITEMS = 120
POLICY = (
    "percent",
    "not in final form",
    "no box",
    "empty box",
    "unbalanced boxes",
    "two boxes",
    "units",
    "tuples",
    "sets",
)
"""Categories whose labels follow from the house's policy more than from mathematics."""


class Row(NamedTuple):
    """One item to judge."""

    reference: str
    text: str
    equal: bool


def boxed(answer: object) -> str:
    return rf"Putting the pieces together, we find that the answer is $\boxed{{{answer}}}$."


def integer(random_: random.Random, right: bool) -> Row:
    value = random_.randint(-(10**4), 10**6)
    shown = value if right else value + random_.choice((-10, -1, 1, 2, 100))
    return Row(str(value), boxed(f"{shown:,}" if random_.random() < 0.2 else shown), right)


def fraction(random_: random.Random, right: bool) -> Row:
    denominator = random_.choice((3, 7, 9, 11, 13, 16, 17, 19, 25, 40, 64))
    numerator = random_.randint(1, 5000) * denominator + random_.randint(1, 2)  # coprime unless 2 divides both
    factor = random_.choice((1, 1, 2, 3))
    shown = numerator if right else numerator + random_.choice((-1, 1, denominator))
    form = random_.choice((r"\frac{%d}{%d}", r"\dfrac{%d}{%d}", "%d/%d"))
    return Row(rf"\frac{{{numerator}}}{{{denominator}}}", boxed(form % (shown * factor, denominator * factor)), right)


def expression(random_: random.Random, right: bool) -> Row:
    a, b, k = (random_.randint(2, 400) for _ in range(3))
    off = 0 if right else random_.choice((1, 2, 5))
    x = random_.choice("xynt")
    forms: Sequence[tuple[str, str]] = (
        (f"{x}^2+{a + b}{x}+{a * b}", f"({x}+{a})({x}+{b + off})"),
        (rf"\frac{{{a}}}{{{x}-{b}}}", rf"\frac{{-{a}}}{{{b + off}-{x}}}"),
        (rf"{a}\sqrt{{2}}", rf"\sqrt{{{2 * a * a + off}}}"),
        (rf"{a}\ln {b}+{k}", rf"{k + off}+{a}\ln({b})"),
        (rf"{a}\sin {x}\cos {x}", rf"\frac{{{a + off}}}{{2}}\sin(2{x})"),
        (rf"{a}{x}^3-{b}{x}", rf"{x}({a}{x}^2-{b + off})"),
        (rf"\frac{{\pi}}{{{a}}}+{b}", rf"{b + off}+\frac{{1}}{{{a}}}\pi"),
    )
    reference, answer = random_.choice(forms)
    return Row(reference, boxed(answer), right)


def mix(count: int, seed: int) -> list[Row]:
    """`count` rows of the realistic mix."""
    random_ = random.Random(f"answers {seed}")
    kinds = (integer, integer, integer, fraction, expression)
    return [kinds[index % 5](random_, random_.random() < 0.5) for index in range(count)]


def items(rows: Sequence[tuple[str, str]]) -> list[tuple[Problem, str]]:
    return [(Problem("benchmark", row[0], row[0], Origin.DATASET, 0), row[1]) for row in rows]


def verifier(num_workers: int, deadline_s: float = ITEM_S) -> ClosingVerifier:
    """`math_answer` that judges every item anew."""
    return make_verifier("math_answer", num_workers=num_workers, deadline_s=deadline_s, cache=None)


def judged(verdict: Verdict, row: Row) -> bool:
    """Whether a verdict is a decision, and the right one."""
    return verdict.status is (Status.CORRECT if row.equal else Status.WRONG)


class Mix:
    """Gives every turn rows that no other turn had."""

    def __init__(self) -> None:
        self.seed = 0

    def rows(self, count: int) -> list[Row]:
        self.seed += 1
        return mix(count, self.seed)


def rate_of(
    judge: ClosingVerifier, source: Mix, log: list[bool], size: int = TURN_ITEMS, total: int = TURN_ITEMS
) -> Callable[[], float]:
    """A turn: answers a second in batches of `size`. Whether each verdict was right is added to `log`."""

    def turn() -> float:
        took = 0.0
        for _ in range(max(1, total // size)):
            rows = source.rows(size)
            batch = items([row[:2] for row in rows])
            began = time.perf_counter()
            verdicts = judge.verify(batch)
            took += time.perf_counter() - began
            log.extend(judged(verdict, row) for row, verdict in zip(rows, verdicts, strict=True))
        return max(1, total // size) * size / took

    return turn


def rate_of_peers(peers: Sequence[Peer], source: Mix, log: dict[str, list[float]]) -> Callable[[], float]:
    """A turn of math-verify; how long each item took and whether it was right are added to `log`."""

    def turn() -> float:
        batches = [source.rows(PEER_TURN_ITEMS) for _ in peers]
        for peer, rows in zip(peers, batches, strict=True):
            peer.send({"pairs": [row[:2] for row in rows]})
        rate = 0.0
        for peer, rows in zip(peers, batches, strict=True):
            answer = peer.receive(120)
            rate += len(rows) / answer["seconds"]
            log["latencies_ms"] += answer["latencies_ms"]
            log["right"] += [bool(a) == row.equal for a, row in zip(answer["accepted"], rows, strict=True)]
        return rate

    return turn


def against_peer(repeats: int) -> Figures:
    """Answers a second of both, with one and two processes, and the time of one answer."""
    source, right, log = Mix(), list[bool](), {"latencies_ms": list[float](), "right": list[float]()}
    with contextlib.ExitStack() as stack:
        ours = {n: stack.enter_context(verifier(n)) for n in (1, 2)}
        contenders = {f"math_answer x{n}": rate_of(judge, source, right) for n, judge in ours.items()}
        if not missing("math_verify"):
            for n in (1, 2):
                peers = [stack.enter_context(Peer("math_verify")) for _ in range(n)]
                contenders[f"math-verify x{n}"] = rate_of_peers(peers, source, log)
        samples = take_turns(contenders, repeats)
        single = rate_of(ours[1], source, right, size=1, total=1)
        latencies = [1e3 / single() for _ in range(600)]
    rows = {
        name: {"rate": spread(rates), "ours_over_theirs": ratios(samples[f"math_answer x{name[-1]}"], rates)}
        for name, rates in samples.items()
    }
    figures: Figures = {"rows": rows, "latency": {"p50": percentile(latencies, 50), "p99": percentile(latencies, 99)}}
    figures["right"] = sum(right) / len(right)
    if log["right"]:
        taken = log["latencies_ms"]
        figures["peer_latency"] = {"p50": percentile(taken, 50), "p99": percentile(taken, 99)}
        figures["peer_right"] = sum(log["right"]) / len(log["right"])
    return figures


def scaling(repeats: int) -> Figures:
    """Answers a second at 1, 10, 100 and 1000 rows a batch, and with 1, 2 and 4 workers."""
    source = Mix()
    with contextlib.ExitStack() as stack:
        judges = {n: stack.enter_context(verifier(n)) for n in (1, 2, 4)}
        found = {
            "batches": {str(n): rate_of(judges[2], source, [], n, max(n, 200)) for n in (1, 10, 100, 1000)},
            "workers": {str(n): rate_of(judge, source, []) for n, judge in judges.items()},
        }
        return {
            name: {size: spread(rates) for size, rates in take_turns(contenders, repeats).items()}
            for name, contenders in found.items()
        }


# Accuracy


def of_tests(module: str, name: str) -> list[Any]:
    """What a data module of the verifiers' tests holds."""
    if str(TESTS) not in sys.path:
        sys.path.append(str(TESTS))
    return list(getattr(importlib.import_module(module), name))


def labelled() -> list[Any]:
    """The pairs of the tests: (category, reference, text, equal)."""
    return of_tests("math_pairs", "PAIRS")


def our_outcomes(pairs: Sequence[Any]) -> list[str]:
    """accepted, rejected or undecided (also: out of time, fault), for each pair."""
    with verifier(2) as judge:
        verdicts = judge.verify(items([(pair.reference, pair.text) for pair in pairs]))
    names = {Status.CORRECT: "accepted", Status.WRONG: "rejected", Status.MALFORMED: "rejected"}
    return [names.get(verdict.status, "undecided") for verdict in verdicts]


def peer_outcomes(pairs: Sequence[Any]) -> list[str]:
    """The same of math-verify; an item that it does not finish in time, or raises on, is undecided."""
    outcomes = []
    peer = Peer("math_verify")
    try:
        peer.ask({"pairs": [["1", r"\boxed{1}"]]}, 60)
        for pair in pairs:
            try:
                accepted = peer.ask({"pairs": [[pair.reference, pair.text]]}, ITEM_S)["accepted"][0]
                outcomes.append({True: "accepted", False: "rejected", None: "undecided"}[accepted])
            except PeerError:
                peer.close()
                peer = Peer("math_verify")
                outcomes.append("undecided")
    finally:
        peer.close()
    return outcomes


def tally(pairs: Sequence[Any], outcomes: Sequence[str]) -> Figures:
    """Counts over all, without the categories of POLICY, and by category."""

    def counts(chosen: Collection[str]) -> Figures:
        rows = [(pair, outcome) for pair, outcome in zip(pairs, outcomes, strict=True) if pair.category in chosen]
        right = {True: "accepted", False: "rejected"}
        return {
            "pairs": len(rows),
            "right": sum(outcome == right[pair.equal] for pair, outcome in rows),
            "false_accepts": sum(outcome == "accepted" and not pair.equal for pair, outcome in rows),
            "false_rejects": sum(outcome == "rejected" and pair.equal for pair, outcome in rows),
            "undecided": sum(outcome == "undecided" for _, outcome in rows),
        }

    categories = list(dict.fromkeys(pair.category for pair in pairs))
    return {
        "all": counts(categories),
        "mathematics": counts([name for name in categories if name not in POLICY]),
        "categories": {name: counts([name]) for name in categories},
    }


def accuracy() -> Figures:
    """Both on the labelled pairs, and on the traps, none of which is equal."""
    pairs, traps = labelled(), of_tests("math_pairs", "TRAPS")
    judges = {"math_answer": our_outcomes}
    if not missing("math_verify"):
        judges["math-verify"] = peer_outcomes
    return {
        name: {**tally(pairs, judge(pairs)), "traps": tally(traps, judge(traps))["all"]}
        for name, judge in judges.items()
    }


def hostile(repeats: int, count: int = 1000, deadline_s: float = 0.5) -> Figures:
    """Answers a second where one of fifty is made to hang, against none: the same workers, in turn. `spoilt`: rows of
    the mix that were not judged as labelled."""
    hangs = of_tests("math_hangs", "HANGS")
    source, spoilt = Mix(), 0
    with verifier(2, deadline_s) as judge:

        def turn(every: int) -> float:
            nonlocal spoilt
            rows = source.rows(count)
            bad = {index for index in range(count) if every and index % every == every // 2}
            offset = source.seed * 7
            mixed = [
                hangs[(offset + index // every) % len(hangs)][1:3] if index in bad else row[:2]
                for index, row in enumerate(rows)
            ]
            batch = items(mixed)
            began = time.perf_counter()
            verdicts = judge.verify(batch)
            took = time.perf_counter() - began
            spoilt += sum(
                index not in bad and not judged(verdict, row)
                for index, (row, verdict) in enumerate(zip(rows, verdicts, strict=True))
            )
            return count / took

        samples = take_turns({"none": lambda: turn(0), "one in fifty": lambda: turn(50)}, repeats)
    return {
        "deadline_s": deadline_s,
        "spoilt": spoilt,
        **{name: spread(rates) for name, rates in samples.items()},
        "kept": ratios(samples["one in fifty"], samples["none"]),
    }


def measure(repeats: int) -> Mapping[str, Any]:
    """Everything about answers."""
    return {
        "against": against_peer(repeats),
        "scaling": scaling(max(2, repeats // 2)),
        "accuracy": accuracy(),
        "hostile": hostile(max(2, repeats // 2)),
        "missing": missing("math_verify"),
    }
