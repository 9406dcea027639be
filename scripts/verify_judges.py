"""The verifiers of one command: started when first needed, asked in batches, and closed together.

Contract: `Judges.grade` gives one `Graded` for each row, in order, whatever the rows say; each verifier gets all rows
of a batch that are its own in one call. A row that cannot be read is FAULT, and so is one whose own verifier cannot
be had. The verifier that the command itself names is started by `require`, which raises UserError if this machine
cannot run it.

It writes nothing. A defect inside a verifier keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from scripts.verify_rows import POLICY_VERIFIERS, PROGRAM_VERIFIERS, BadRow, Item, Scalar
from selfplay.checking import nearest
from selfplay.errors import UserError
from selfplay.types import Problem, Status, Verdict
from verifiers import JUDGED, VERIFIERS, PooledVerifier, RoutedVerifier, make_verifier
from verifiers.base import import_path
from verifiers.inside.math.policy import MathPolicy
from verifiers.math_answer import MATH_VERIFY, MathVerifier
from verifiers.python_exec import PythonVerifier
from verifiers.sandbox import SandboxError

PEER = "math_verify"
"""A public package that can be named as a verifier where it is installed."""


class OpenVerifier(Protocol):
    """A verifier that holds processes."""

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """What every verifier of the command is made with, where it applies."""

    num_workers: int = 1
    deadline_s: float = 5.0
    memory_mb: int = 1024
    policy: MathPolicy | None = None
    """Of mathematics: what counts as the same answer (None: the default)."""
    allow_unsafe: bool = False
    """Of programs: also run them where the machine isolates less than it should."""
    check_determinism: bool = False
    """Of programs: run each twice."""


@dataclass(frozen=True, slots=True)
class Graded:
    """A row and what became of it."""

    number: int
    """Of its line, from 1."""
    id: Scalar
    verifier: str | None
    """None if the row cannot be read."""
    verdict: Verdict
    other: Verdict | None = None
    """The verdict to compare with, if that was asked for and the row can be read."""


class MathVerifyPeer(PooledVerifier):
    """math_verify in worker processes, with our deadline. Raises ModuleNotFoundError if it is not installed."""

    name = PEER
    handler = "scripts.judge_math_verify"

    def __init__(self, *, num_workers: int = 1, deadline_s: float = 5.0, memory_mb: int = 1024) -> None:
        own = str(Path(__file__).resolve().parent.parent)  # the handler is in this package
        path = (own, *import_path(self.name, "sympy", "mpmath", *MATH_VERIFY))
        super().__init__(num_workers=num_workers, deadline_s=deadline_s, memory_mb=memory_mb, path=path)


def names() -> list[str]:
    """All verifiers that can be named: those that verify. What a judge says is no grade, and rows name theirs here."""
    return [*(name for name in VERIFIERS if name not in {*JUDGED, RoutedVerifier.name}), PEER]


def make_one(name: str, settings: Settings) -> OpenVerifier:
    """The verifier `name` with what of the settings concerns it."""
    common: dict[str, Any] = {
        "num_workers": settings.num_workers,
        "deadline_s": settings.deadline_s,
        "memory_mb": settings.memory_mb,
    }
    if name == PEER:
        return MathVerifyPeer(**common)
    if name in PROGRAM_VERIFIERS:
        common |= {key: True for key in ("allow_unsafe", "check_determinism") if getattr(settings, key)}
    if name in POLICY_VERIFIERS and settings.policy is not None:
        common |= {"policy": settings.policy}
    return make_verifier(name, **common)


class Judges:
    """Verifiers by name, made with the same settings. Close it when done."""

    def __init__(self, settings: Settings, make: Callable[[str, Settings], OpenVerifier] = make_one) -> None:
        self._settings = settings
        self._make = make
        self._open: dict[str, OpenVerifier] = {}
        self._missing: dict[str, str] = {}
        self._isolation = ""

    def require(self, name: str) -> None:
        """Start the verifier `name`. Raises UserError if there is none, or if this machine cannot run it."""
        if name not in names():
            raise UserError(f"no verifier is called {name!r}; {nearest(name, names())}")
        if self._get(name) is None:
            raise UserError(self._missing[name])

    def notes(self) -> Iterator[str]:
        """What a reader of the verdicts should know about the verifiers that gave them, a line each."""
        if self._isolation:
            yield f"isolation of programs: {self._isolation}"
        for name, verifier in self._open.items():
            if isinstance(verifier, MathVerifier):
                policy = asdict(verifier.policy)
                words = " ".join(f"{key}={value}" for key, value in policy.items() if key != "version")
                yield f"policy of {name}, version {policy['version']}: {words}"
                yield f"judged by {name}: {', '.join(f'{count:,} {way}' for way, count in verifier.counts.items())}"

    def grade(self, rows: Sequence[Item | BadRow], compare: str | None = None) -> list[Graded]:
        """What became of each row, in order; `compare` names a second verifier to ask about each."""
        verdicts = self._ask([(row, row.verifier) if isinstance(row, Item) else None for row in rows])
        others = self._ask([(row, compare) if isinstance(row, Item) and compare else None for row in rows])
        return [
            Graded(row.number, row.id, row.verifier, verdict, other)
            if isinstance(row, Item) and verdict is not None
            else Graded(row.number, row.id, None, Verdict(Status.FAULT, None, getattr(row, "detail", "")))
            for row, verdict, other in zip(rows, verdicts, others, strict=True)
        ]

    def close(self) -> None:
        """End all worker processes."""
        while self._open:
            self._open.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, questions: Sequence[tuple[Item, str] | None]) -> list[Verdict | None]:
        """The verdict of the named verifier on each item; None where nothing is asked."""
        verdicts: list[Verdict | None] = [None] * len(questions)
        groups: dict[str, list[tuple[int, Item]]] = {}
        for index, question in enumerate(questions):
            if question is None:
                continue
            item, name = question
            if grades_programs(item.verifier) == grades_programs(name):
                groups.setdefault(name, []).append((index, item))
            else:
                verdicts[index] = _fault(
                    f"{name} grades {_rows_of(name)}; this row is one of {_rows_of(item.verifier)}"
                )
        for name, group in groups.items():
            verifier = self._get(name)
            if verifier is None:
                found = [_fault(self._missing[name])] * len(group)
            else:
                found = verifier.verify([(item.problem, item.text) for _, item in group])
            for (index, _), verdict in zip(group, found, strict=True):
                verdicts[index] = verdict
        return verdicts

    def _get(self, name: str) -> OpenVerifier | None:
        """The verifier, started if needed; None if it cannot be had, and `_missing` then says why."""
        if name not in self._open and name not in self._missing:
            try:
                verifier = self._open[name] = self._make(name, self._settings)
                if isinstance(verifier, PythonVerifier):
                    self._isolation = verifier.isolation().summary()
            except (ModuleNotFoundError, SandboxError) as error:
                self._missing[name] = str(error).replace(
                    "allow_unsafe: true", "allow_unsafe: true (here: --allow-unsafe)"
                )
                if name in self._open:
                    self._open.pop(name).close()
        return self._open.get(name)


def grades_programs(name: str) -> bool:
    return name in PROGRAM_VERIFIERS


def _rows_of(name: str) -> str:
    return "programs" if grades_programs(name) else "answers"


def _fault(detail: str) -> Verdict:
    return Verdict(Status.FAULT, None, detail)
