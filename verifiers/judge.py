"""A judge behind the `Verifier` protocol: verdicts on somebody's word, each of which says whose.

CORRECT where the judge's score reaches the threshold, WRONG where it does not, UNDECIDED where the judge abstained,
FAULT where it could not be asked. All of them carry `judged_by`, so no metric takes them for verified
(`selfplay.types.Verdict`); a judge without a name is refused for the same reason, and no option leaves the name out.
The judge is asked in this process: one that needs more than that brings it along.
"""

from __future__ import annotations

from collections.abc import Sequence

from selfplay.judgements import Criterion, Rating
from selfplay.protocols import Judge
from selfplay.types import Problem, Status, Verdict
from verifiers.base import ClosingVerifier
from verifiers.judge_rubric import RubricJudge

MAX_ANSWER_CHARACTERS = 20_000
"""A longer answer is malformed and is not shown to the judge."""
FOLLOWS = (Criterion("follows", "Does the reply do everything that the request asks for?"),)
"""The rubric unless another is given."""


class JudgeVerifier(ClosingVerifier):
    """Asks `judge` (by default the scripted `RubricJudge`, whose threshold of 1 means that every check holds)."""

    name = "judge"

    def __init__(
        self,
        judge: Judge | None = None,
        *,
        rubric: Sequence[Criterion] = FOLLOWS,
        threshold: float = 1.0,
        num_workers: int = 1,
        deadline_s: float = 5.0,
        memory_mb: int = 1024,
    ) -> None:
        """`threshold` is the least score, in (0, 1], of a good answer. What bounds processes is for other verifiers."""
        self.judge = RubricJudge() if judge is None else judge
        if not self.judge_name.strip():
            raise ValueError(
                f"{type(judge).__name__} has no name; give it one: a verdict without a judge counts as verified"
            )
        if not 0.0 < threshold <= 1.0:
            raise ValueError(f"threshold is {threshold}; expected above 0 and at most 1")
        self.rubric = tuple(rubric)
        self.threshold = threshold

    @property
    def judge_name(self) -> str:
        """The judge's name, as every verdict carries it."""
        return self.judge.name

    def judge_of(self, problem: Problem) -> str:
        return self.judge_name

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        """One verdict for each (problem, answer text), in order. Raises ValueError for a judge that loses one."""
        shown = [(problem, answer) for problem, answer in answers if _may_be_shown(answer)]
        ratings = self.judge.rate(shown, self.rubric) if shown else []
        if len(ratings) != len(shown):
            raise ValueError(f"the judge {self.judge_name} gave {len(ratings)} ratings for {len(shown)} answers")
        rest = iter(ratings)
        return [
            self._verdict(answer, next(rest)) if _may_be_shown(answer) else self._malformed(answer)
            for _, answer in answers
        ]

    def _verdict(self, answer: str, rating: Rating) -> Verdict:
        if rating.score is None:
            status = Status.FAULT if rating.fault else Status.UNDECIDED
        else:
            status = Status.CORRECT if rating.score >= self.threshold else Status.WRONG
        scored = "" if rating.score is None else f"score {rating.score:.3f}"
        detail = "; ".join(part for part in (scored, rating.detail[:500]) if part)
        return Verdict(status, answer, detail, judged_by=self.judge_name)

    def _malformed(self, answer: str) -> Verdict:
        detail = f"the answer is longer than {MAX_ANSWER_CHARACTERS} characters" if answer.strip() else "no answer"
        return Verdict(Status.MALFORMED, None, detail, judged_by=self.judge_name)

    def close(self) -> None:
        """Nothing was started."""


def _may_be_shown(answer: str) -> bool:
    return len(answer) <= MAX_ANSWER_CHARACTERS and bool(answer.strip())
