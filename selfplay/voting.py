"""Truth by vote: the answer that most attempts agree on, where no program and no dataset says what is right.

`vote` turns problems into problems whose reference is the solvers' own majority (origin MAJORITY). A majority may be
wrong, all the more where errors agree: `label_accuracy` says how often it was, wherever the truth is known too, and is
a measurement that no recipe may train on. `agree` compares attempts with labels as the vote did, by their texts: an
environment's verifier may look past the reference at what the problem's payload knows, which is the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from selfplay.protocols import Verifier
from selfplay.types import Attempt, Episode, Origin, Problem, Proposal, Rejection, Status, Transcript, Verdict

LABEL = "label"
"""Who judged, where agreement with a label stands for a judge's word."""
Read = Callable[[Problem, str], str | None]
"""`Environment.read_answer`."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What the attempts at one problem agree on."""

    problem: Problem
    """With the majority's answer as reference; an empty reference where no attempt has an answer."""
    majority: int
    """Attempts in the largest class."""
    num_answers: int
    """Attempts with an answer."""
    num_attempts: int

    @property
    def share(self) -> float:
        """Share of all attempts that the largest class has; attempts without an answer agree with nobody."""
        return self.majority / self.num_attempts if self.num_attempts else 0.0


def vote(problems: Sequence[Problem], attempts: Sequence[Sequence[Transcript]], read: Read) -> list[Vote]:
    """One vote a problem. Answers are equal if their texts are; on a tie the one that came first wins.

    (TTRL 2504.16084, section 3; R-Zero 2508.05004; SQLM 2508.03682: all take the mode of the read answers.)
    """
    votes = []
    for problem, transcripts in zip(problems, attempts, strict=True):
        counts: dict[str, int] = {}
        for transcript in transcripts:
            answer = read(problem, transcript.completion) if transcript.stopped else None
            if answer is not None:
                counts[answer] = counts.get(answer, 0) + 1
        winner = max(counts, key=lambda answer: counts[answer], default="")
        labelled = replace(problem, reference=winner, origin=Origin.MAJORITY)
        votes.append(Vote(labelled, counts.get(winner, 0), sum(counts.values()), len(transcripts)))
    return votes


def agree(
    labelled: Sequence[Problem],
    attempts: Sequence[Sequence[Transcript]],
    read: Read,
    verifier: Verifier,
    proposals: Sequence[Proposal | None] | None = None,
) -> list[Episode]:
    """Attempts at labelled problems, CORRECT where their answer is the label's text; the verifier judges none of them.

    It only says where a judge decides (`Verifier.judge_of`): there agreeing with a label is no verified verdict either,
    and is said to be judged by `label`.

    Of the attempts that voted, as many are correct as the majority has (`Vote.majority`). An attempt without an answer
    is MALFORMED. `proposals`, if given, are parallel to `labelled`.
    """
    sources = proposals if proposals is not None else [None] * len(labelled)
    episodes = []
    for problem, transcripts, proposal in zip(labelled, attempts, sources, strict=True):
        judged = []
        judge = LABEL if verifier.judge_of(problem) else ""
        for transcript in transcripts:
            answer = read(problem, transcript.completion) if transcript.stopped else None
            status = Status.CORRECT if answer == problem.reference else Status.WRONG
            verdict = Verdict(Status.MALFORMED if answer is None else status, answer, judged_by=judge)
            judged.append(Attempt(problem.id, transcript, verdict))
        episodes.append(Episode(problem, tuple(judged), proposal))
    return episodes


def labels(votes: Sequence[Vote]) -> list[Problem]:
    """The problems, with the majority's answers as references."""
    return [one.problem for one in votes]


def admit(proposals: Sequence[Proposal], votes: Sequence[Vote], kept: tuple[float, float]) -> list[Proposal]:
    """The proposals with their problems labelled, or refused as `too_hard` or `too_easy` by the majority's share."""
    least, greatest = kept
    by_id = {one.problem.id: one for one in votes}
    admitted = []
    for proposal in proposals:
        if proposal.problem is not None:
            one = by_id[proposal.problem.id]
            if least <= one.share <= greatest:
                proposal = replace(proposal, outcome=one.problem)
            else:
                reason = "too_hard" if one.share < least else "too_easy"
                proposal = replace(proposal, outcome=Rejection(reason, f"a majority of {one.share:.2f}"))
        admitted.append(proposal)
    return admitted


def label_accuracy(truths: Sequence[Problem], votes: Sequence[Vote], verifier: Verifier) -> float:
    """Share of the labels that the verifier accepts against the true references; NaN where none is decided.

    What a judge decided is left out: its word is no accuracy, and where it decides alone there is none.
    `truths` are the same problems with references that are known to be right. No answer at all is a wrong label.
    """
    pairs = [(truth, one.problem.reference) for truth, one in zip(truths, votes, strict=True)]
    asked = [pair for pair in pairs if pair[1]]
    verdicts = verifier.verify(asked)
    if verdicts and not any(verdict.verified for verdict in verdicts):
        return math.nan
    num_undecided = sum(not (verdict.verified and verdict.status.decided) for verdict in verdicts)
    decided = len(pairs) - num_undecided
    return sum(verdict.correct for verdict in verdicts) / decided if decided else math.nan


def vote_measures(truths: Sequence[Problem], votes: Sequence[Vote], verifier: Verifier) -> dict[str, float | None]:
    """What training does not see: how often labels are right, and how large majorities are (None: not known)."""
    accuracy = label_accuracy(truths, votes, verifier)
    shares = [one.share for one in votes]
    return {
        "label_accuracy": None if math.isnan(accuracy) else accuracy,
        "majority_share": sum(shares) / len(shares) if shares else None,
    }
