"""R-Zero on scripted parts: two models in turns, labels by vote, a band of difficulty, and a price on near copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import StoppedError, play, problem, proposal, rounds_of, scripted_run

from envs.programs import Programs
from selfplay.errors import FieldError
from selfplay.lab import Lab
from selfplay.learnability import Context, r_zero_code
from selfplay.recipes.r_zero import Config, part
from selfplay.types import Origin, Problem, Rejection, Status, Verdict
from selfplay.voting import Vote, admit
from verifiers import ClosingVerifier

SMALL: dict[str, Any] = {
    "challenger_rounds": 2, "solver_rounds": 3, "num_prompts": 4, "num_candidates": 40, "num_problems": 6
}  # fmt: skip
Make = Callable[..., Lab]


@pytest.fixture
def make(tmp_path: Path, programs: Programs, exact: ClosingVerifier) -> Make:
    def made(name: str = "run", verifier: Any = exact, **changes: Any) -> Lab:
        return scripted_run(
            tmp_path / name, programs, verifier, recipe="r_zero", learner_name="policy_gradient",
            **{"rounds": 7, **changes},
        )  # fmt: skip

    return made


def reaches(lab: Lab) -> tuple[float, float]:
    return lab.policy.reach, lab.others["challenger"].policy.reach  # type: ignore[attr-defined]


class Reaches:
    """Notes how far both models reach after each round."""

    def __init__(self) -> None:
        self.lab: Lab | None = None
        self.seen: list[tuple[float, float]] = []

    def phase(self, name: str) -> None:
        pass

    def round(self, metrics: Any) -> None:
        assert self.lab is not None
        self.seen.append(reaches(self.lab))


def test_they_take_turns_and_one_stands_still_while_the_other_learns(make: Make) -> None:
    watcher = Reaches()
    watcher.lab = lab = make(watchers=[watcher])
    before = reaches(lab)
    play(lab, **SMALL)
    turns = [line["r_zero"]["turn"] for line in lab.record.metrics()]
    assert turns == ["challenger"] * 2 + ["solver"] * 3 + ["challenger"] * 2
    for turn, old, new in zip(turns, [before, *watcher.seen], watcher.seen, strict=False):
        still, moved = (0, 1) if turn == "challenger" else (1, 0)
        assert new[still] == old[still]
        assert new[moved] >= old[moved]
    assert watcher.seen[1][1] > before[1]
    assert watcher.seen[4][0] > before[0]


def test_both_models_resume_exactly_wherever_the_run_was_stopped(make: Make) -> None:
    class StopAfter(Reaches):
        def __init__(self, rounds: int) -> None:
            super().__init__()
            self.left = rounds

        def round(self, metrics: Any) -> None:
            self.left -= 1
            if self.left == 0:
                raise StoppedError

    whole = play(make("whole"), **SMALL)
    for rounds in range(1, 7):
        with pytest.raises(StoppedError):
            play(make(f"stopped{rounds}", watchers=[StopAfter(rounds)]), **SMALL)
        again = play(make(f"stopped{rounds}"), **SMALL)
        assert rounds_of(again) == rounds_of(whole)
        assert reaches(again) == reaches(whole)
    newest = max(whole.record.checkpoints.iterdir())
    assert (newest / "scripted.json").is_file()
    assert (newest / "challenger" / "scripted.json").is_file()


def test_the_challenger_is_paid_for_disagreement_less_its_near_copies(make: Make) -> None:
    lab = play(make(rounds=2), **SMALL)
    for record in lab.past():
        shares = {one.problem.id: one.num_correct for one in record.episodes}
        for one, reward in zip(record.proposals, record.proposal_rewards, strict=True):
            assert reward is not None
            terms = dict(reward.terms)
            assert 1 / 16 <= -terms["repetition"] <= 1.0
            if one.problem is None:
                assert terms["invalid"] == -1.0
            else:
                assert terms["uncertainty"] == r_zero_code(shares[one.problem.id], 10, Context()).total
        assert 0.0 < record.metrics["r_zero"]["repetition"] <= 1.0


def test_the_solver_s_set_is_labelled_by_votes_and_holds_what_is_neither_easy_nor_hard(make: Make) -> None:
    lab = play(make(rounds=5), **SMALL)
    records = list(lab.past())
    first = records[2]
    assert {"too_easy", "too_hard"} <= set(first.metrics["rejections"])
    kept = {one.problem.id: one.problem for one in first.proposals if one.problem is not None}
    assert first.metrics["r_zero"]["set"] == len(kept) > 0
    assert {one.origin for one in kept.values()} == {Origin.MAJORITY}
    for record in records[2:]:
        assert record.episodes
        assert all(kept[episode.problem.id] == episode.problem for episode in record.episodes)
    assert all(not record.proposals for record in records[3:])
    assert 0.0 < first.metrics["r_zero"]["label_accuracy"] <= 1.0


def test_votes_count_toward_the_budget_of_tokens(make: Make) -> None:
    first, *_, later = [record.metrics["tokens"] for record in play(make(rounds=4), **SMALL).past()][2:]
    assert first["vote"] > 0
    assert "vote" not in later


def test_the_truth_is_measured_and_changes_nothing_that_is_trained_on(make: Make, exact: ClosingVerifier) -> None:
    class Liar:
        name = "exact"

        def judge_of(self, problem: Any) -> str:
            return ""

        def verify(self, answers: Any) -> list[Verdict]:
            return [Verdict(Status.WRONG, answer) for _, answer in answers]

    runs = [play(make(name, verifier), **SMALL) for name, verifier in (("true", exact), ("false", Liar()))]
    assert reaches(runs[0]) == reaches(runs[1])
    paid = [[(r.proposals, r.proposal_rewards, r.attempt_rewards) for r in rounds_of(lab)] for lab in runs]
    assert paid[0] == paid[1]


# Parts


def voted(name: str, share: float) -> Vote:
    return Vote(problem(name, reference=f"voted {name}"), round(10 * share), 10, 10)


def test_the_bounds_of_the_band_are_in_it() -> None:
    names = {"a": 0.2, "b": 0.3, "c": 0.8, "d": 0.9}
    proposals = [*(proposal(problem(name)) for name in names), proposal(Rejection("grammar"))]
    admitted = admit(proposals, [voted(name, share) for name, share in names.items()], (0.3, 0.8))
    outcomes = [one.outcome for one in admitted]
    assert [one.reason if isinstance(one, Rejection) else one.reference for one in outcomes] == [
        "too_hard", "voted b", "voted c", "too_easy", "grammar"
    ]  # fmt: skip


def test_the_set_is_gone_through_evenly_and_no_step_has_a_problem_twice() -> None:
    labelled = [problem(str(n)) for n in range(10)]
    seen: list[Problem] = []
    for step in range(5):
        chosen = part(labelled, 4, step, seed=1)
        assert len({one.id for one in chosen}) == 4
        seen += chosen
    assert {seen.count(one) for one in labelled} == {2}
    assert len(part(labelled, 99, 3, seed=1)) == 10
    assert part([], 4, 0, seed=1) == []


def test_wrong_options_are_refused_with_what_there_is() -> None:
    for key, value, text in (
        ("reward", "r_zeroo", "r_zeroo"), ("solver_reward", "r_zero_code", "r_zero_code"), ("kept", (0.8, 0.3), "0.8")
    ):  # fmt: skip
        with pytest.raises(FieldError, match=text):
            Config(**{key: value})  # type: ignore[arg-type]
