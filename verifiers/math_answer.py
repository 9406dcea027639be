"""Whether a completion's answer is the reference, as mathematics: the verifier `math_answer`.

The answer is taken from one place (by default the last balanced \\boxed{}; a text without one is MALFORMED,
`no_answer`), read by an own grammar of LaTeX and plain notation, and compared as an object: number, function, text,
set, tuple, interval, relation, matrix, quantity. The reference says what kind of answer is asked for: a rational number
wants a number literal, so `17 \\cdot 23`, `2^{10}`, a sum, or a chain that ends in the answer are WRONG ("not in final
form"), and so are several answers. What counts as the same is a versioned `MathPolicy`; a problem's payload may
override its fields (`policy` as JSON, or single keys such as `extraction`). A payload with `equation` is judged by
substitution, as `sympy_equal` does.

Numbers are compared exactly, rational functions modulo large primes, all else to 50 and more digits at several points:
agreement there is accepted as equality (see `inside/math/numeric.py`). What that cannot decide goes to sympy and
math-verify, in workers of their own; what they cannot decide is UNDECIDED. A reference that cannot be
read is FAULT. Half of `deadline_s` belongs to either way (the fast one may use it twice instead); no decision within it
is TIMEOUT.

Model text is never evaluated, and read in worker processes only. It does not check reasoning, and knows no notation
beyond its grammar.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from selfplay.types import Problem, Status, Verdict
from verifiers.base import Job, PooledVerifier, import_path, to_verdict
from verifiers.batch import Fate, Outcome
from verifiers.cache import VerdictCache
from verifiers.inside.math.extraction import extract, reference_text
from verifiers.inside.math.policy import FIELDS, MathPolicy
from verifiers.inside.math.text import MAX_CHARACTERS
from verifiers.pool import WorkerPool

__all__ = ["MathPolicy", "MathVerifier"]

MAX_COMPLETION_CHARACTERS = 1_000_000
MATH_VERIFY = ("math_verify", "latex2sympy2_extended", "antlr4")
"""The package math-verify, and what it imports besides sympy."""
VERSION = 2
"""Of the verifier, in every key of a cache: rises with any change that could give another verdict on the same pair."""
_LOG = logging.getLogger(__name__)
_NO_ANSWER = Verdict(Status.MALFORMED, None, "no_answer")
_OVERRIDES = tuple(name for name in FIELDS if name != "version")
_COUNTERS = ("fast", "slow", "cached", "undecided", "disagreements")


@dataclass(frozen=True, slots=True)
class _Item:
    """What decides one verdict."""

    job: Job
    key: tuple[str, ...]


class MathVerifier(PooledVerifier):
    """See the module.

    `audit` is the share of fast verdicts, chosen by content, that the slow path judges again; a disagreement is logged
    and counted, and the fast verdict stays. `cache` replaces the cache in memory; None switches it off.
    """

    name = "math_answer"
    handler = "verifiers.inside.judge_math"

    def __init__(
        self,
        *,
        num_workers: int = 1,
        deadline_s: float = 5.0,
        memory_mb: int = 1024,
        policy: MathPolicy | None = None,
        audit: float = 0.0,
        cache: VerdictCache | Literal["memory"] | None = "memory",
    ) -> None:
        if not 0.0 <= audit <= 1.0:
            raise ValueError(f"audit is {audit}; expected a share from 0 to 1")
        if isinstance(cache, str) and cache != "memory":
            raise ValueError(f"cache is {cache!r}; expected a VerdictCache, None, or 'memory' for one of its own")
        self.policy = policy or MathPolicy()
        self.audit = audit
        self.cache = VerdictCache() if isinstance(cache, str) else cache
        self.counts: Counter[str] = Counter(dict.fromkeys(_COUNTERS, 0))
        """Judgements by way: fast, slow (pairs that only the slow path could decide), cached (items that needed none),
        undecided, disagreements (of the audit)."""
        self.pool = WorkerPool(
            self.handler,
            path=import_path(self.name, "mpmath"),
            num_workers=num_workers,
            deadline_s=deadline_s / 2,
            memory_mb=memory_mb,
        )
        self.slow_pool = WorkerPool(
            "verifiers.inside.judge_math_slow",
            path=import_path(self.name, "sympy", "mpmath", *MATH_VERIFY),
            num_workers=num_workers,
            deadline_s=deadline_s / 2,
            memory_mb=memory_mb,
            warm=True,
            max_chunk=1,
        )

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """One verdict for each (problem, completion), in order. Never raises for what a text says."""
        prepared = [self._prepare(problem, text) for problem, text in answers]
        distinct = list(dict.fromkeys(item for item in prepared if isinstance(item, _Item)))
        known = self.cache.get([item.key for item in distinct]) if self.cache is not None else [None] * len(distinct)
        verdicts = {item: verdict for item, verdict in zip(distinct, known, strict=True) if verdict is not None}
        wanted = [item for item in distinct if item not in verdicts]
        judged = dict(zip(wanted, self._judge([item.job for item in wanted]), strict=True))
        if self.cache is not None:
            self.cache.put((item.key, verdict) for item, verdict in judged.items())
        self.counts["cached"] += sum(isinstance(item, _Item) for item in prepared) - len(wanted)
        verdicts |= judged
        return [verdicts[item] if isinstance(item, _Item) else item for item in prepared]

    def close(self) -> None:
        """End the worker processes and close the cache's file."""
        self.pool.close()
        self.slow_pool.close()
        if self.cache is not None:
            self.cache.close()

    def _prepare(self, problem: Problem, text: str) -> _Item | Verdict:
        """What decides an item, or its verdict where nothing has to be judged."""
        if len(text) > MAX_COMPLETION_CHARACTERS:
            return Verdict(Status.MALFORMED, None, f"a completion of more than {MAX_COMPLETION_CHARACTERS} characters")
        equation = problem.payload.get("equation")
        if equation is not None:
            unknown = problem.payload.get("unknown", "x")
            if len(text) > MAX_CHARACTERS:
                return Verdict(Status.MALFORMED, None, f"the answer is longer than {MAX_CHARACTERS} characters")
            return _Item(("", text, equation, unknown), (*_VERSIONED, "equation", unknown, equation, text))
        try:
            policy = self._policy(problem.payload)
        except ValueError as error:
            return Verdict(Status.FAULT, None, f"the row's policy cannot be used: {error}")
        answer = extract(text, policy.extraction)
        if answer is None:
            return _NO_ANSWER
        if len(answer) > MAX_CHARACTERS:
            return Verdict(Status.MALFORMED, answer[:200], f"the answer is longer than {MAX_CHARACTERS} characters")
        reference = reference_text(problem.reference)
        if len(reference) > MAX_CHARACTERS:
            detail = f"the reference {reference[:80]!r} cannot be read: longer than {MAX_CHARACTERS} characters"
            return Verdict(Status.FAULT, None, detail)
        written = "" if policy == _DEFAULT else policy.to_json()
        key = (*_VERSIONED, written or _DEFAULT_JSON, reference, answer)
        return _Item((reference, answer, written), key)

    def _policy(self, payload: Mapping[str, str]) -> MathPolicy:
        """The policy of one row."""
        policy = self.policy
        if "policy" in payload:
            try:
                values = json.loads(payload["policy"])
            except (ValueError, RecursionError) as error:
                raise ValueError(f"`policy` is no JSON: {error}") from error
            if not isinstance(values, dict):
                raise ValueError(f"`policy` is {payload['policy'][:40]!r}; expected a JSON object")
            policy = policy.override(values)
        values = {name: payload[name] for name in _OVERRIDES if name in payload}
        return policy.override(values) if values else policy

    def _judge(self, jobs: list[Job]) -> list[Verdict]:
        """The fast path for all, the slow one for what it leaves open."""
        outcomes = self.pool.run(jobs)
        stalled = [index for index, outcome in enumerate(outcomes) if outcome.fate is Fate.TIMEOUT]
        # The fast path takes milliseconds whatever the answer: a timeout is rather the machine's, so it is tried again.
        for index, outcome in zip(stalled, self.pool.run([jobs[i] for i in stalled]), strict=True):
            outcomes[index] = outcome
        is_open = [outcome.fate is Fate.DONE and _says_unknown(outcome) for outcome in outcomes]
        verdicts = [
            Verdict(Status.UNDECIDED) if left else to_verdict(outcome)
            for outcome, left in zip(outcomes, is_open, strict=True)
        ]
        slow = [index for index, left in enumerate(is_open) if left]
        for index, outcome in zip(slow, self.slow_pool.run([[*jobs[i], False] for i in slow]), strict=True):
            verdicts[index] = to_verdict(outcome)
        self.counts["slow"] += len(slow)
        self.counts["fast"] += len(jobs) - len(slow)
        self.counts["undecided"] += sum(verdict.status is Status.UNDECIDED for verdict in verdicts)
        if self.audit:
            self._check_again(jobs, verdicts, set(slow))
        return verdicts

    def _check_again(self, jobs: list[Job], verdicts: list[Verdict], slow: set[int]) -> None:
        """Ask the slow path about some fast verdicts; a disagreement is reported, never settled."""
        chosen = [
            index
            for index, (job, verdict) in enumerate(zip(jobs, verdicts, strict=True))
            if index not in slow and len(job) == 3 and _auditable(verdict) and _share(job) < self.audit
        ]
        for index, outcome in zip(chosen, self.slow_pool.run([[*jobs[i], True] for i in chosen]), strict=True):
            second, first = to_verdict(outcome), verdicts[index]
            if second.status in (Status.CORRECT, Status.WRONG) and second.status is not first.status:
                self.counts["disagreements"] += 1
                reference, answer, policy = jobs[index]
                _LOG.warning(
                    "math_answer: fast says %s (%s), slow says %s (%s): reference %r, answer %r, policy %s",
                    *(first.status, first.detail, second.status, second.detail),
                    *(reference, answer, policy or "default"),
                )


_VERSIONED = (MathVerifier.name, str(VERSION))
_DEFAULT = MathPolicy()
_DEFAULT_JSON = _DEFAULT.to_json()


def _says_unknown(outcome: Outcome) -> bool:
    return isinstance(outcome.value, list) and outcome.value[:1] == ["unknown"]


def _auditable(verdict: Verdict) -> bool:
    """Whether two ways can agree on it: form and names are not what sympy and math-verify look at."""
    return verdict.status is Status.CORRECT or (verdict.status is Status.WRONG and verdict.detail == "different")


def _share(job: Job) -> float:
    """A number from 0 to 1 that depends on the job's content alone."""
    digest = hashlib.blake2b(json.dumps(job).encode("ascii"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2.0**64
