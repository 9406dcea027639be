"""What all verifiers here share: a pool of workers, one judgement for identical items, and statuses from outcomes.

A subclass says which job (a tuple of texts) decides an item; items with the same job are judged once and share the
verdict. It decides nothing itself and holds no reference back to problems.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from selfplay.types import Problem, Status, Verdict
from verifiers.batch import Fate, Outcome
from verifiers.owned import Closing
from verifiers.pool import WorkerPool

Job = tuple[Any, ...]

_FATES = {
    Fate.TIMEOUT: Status.TIMEOUT,
    Fate.CRASHED: Status.UNDECIDED,  # judging it needs more than we allow: neither right nor wrong
    Fate.LOST: Status.FAULT,
}
_STATUSES = {status.value: status for status in Status}


class ClosingVerifier(Closing):
    """A Verifier (`selfplay.protocols`) that holds processes. Close it when done."""

    name: ClassVar[str]

    def judge_of(self, problem: Problem) -> str:
        """ "": a program decides. Verifiers that ask a judge say which one."""
        return ""

    @abstractmethod
    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """One verdict for each (problem, answer text), in order. Never raises for what an answer says."""


class PooledVerifier(ClosingVerifier):
    """A verifier whose judgements are made by a handler module in worker processes."""

    handler: ClassVar[str]
    max_answer_characters: ClassVar[int] = 20_000
    """A longer answer is malformed and is not sent to a worker."""

    def __init__(
        self,
        *,
        num_workers: int = 1,
        deadline_s: float = 5.0,
        memory_mb: int = 1024,
        options: Mapping[str, Any] | None = None,
        path: Sequence[str] = (),
    ) -> None:
        self.pool = WorkerPool(
            self.handler,
            options=options,
            path=path,
            num_workers=num_workers,
            deadline_s=deadline_s,
            memory_mb=memory_mb,
        )

    def job(self, problem: Problem, answer: str) -> Job:
        """What decides this item."""
        return (problem.reference, answer)

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """One verdict for each (problem, answer text), in order. Never raises for what an answer says."""
        limit = self.max_answer_characters
        jobs = [self.job(problem, answer if len(answer) <= limit else "") for problem, answer in answers]
        distinct = list(dict.fromkeys(jobs))
        verdicts = dict(zip(distinct, map(to_verdict, self.pool.run(distinct)), strict=True))
        return [
            verdicts[job]
            if len(answer) <= limit
            else Verdict(Status.MALFORMED, None, f"the answer is longer than {limit} characters")
            for job, (_, answer) in zip(jobs, answers, strict=True)
        ]

    def close(self) -> None:
        """End the worker processes."""
        self.pool.close()


def to_verdict(outcome: Outcome) -> Verdict:
    """The verdict of a job whose handler answers [status, extracted, detail, microseconds]."""
    if outcome.fate is not Fate.DONE:
        return Verdict(_FATES[outcome.fate], None, outcome.detail)
    try:
        status, extracted, detail, microseconds = outcome.value
        return Verdict(_STATUSES[status], extracted, detail, microseconds / 1e6)
    except (TypeError, ValueError, KeyError):
        return Verdict(Status.FAULT, None, f"a worker's answer cannot be read: {str(outcome.value)[:80]}")


def import_path(name: str, *packages: str) -> tuple[str, ...]:
    """The directories that the workers of verifier `name` must import `packages` from; imports nothing itself.

    Raises ModuleNotFoundError for a package that is not installed.
    """
    directories = []
    for package in packages:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(
                f"the verifier {name} needs the package {package}, which is not installed: `make install` installs it"
            )
        directories.append(str(Path(spec.origin).parent.parent))
    return tuple(dict.fromkeys(directories))
