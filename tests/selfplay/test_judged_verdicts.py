"""What a judge decided is never added to what a program verified: in no count, metric, reward, credit, file or page."""

from __future__ import annotations

import ast
import io
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import attempt, episode, problem, proposal, solved, transcript
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from envs.programs import Programs
from scripts.modelcard import write_model_card
from scripts.report import write_report
from scripts.view import LiveView
from selfplay.augmentation import refusals, vary
from selfplay.config import EnvConfig, LearnerConfig, ModelConfig, RunConfig
from selfplay.credit import credit_attempts, solver_items, verdict_counts
from selfplay.evaluate import accuracy, judged_metrics, judged_rate, mean_pass_at_k
from selfplay.gate import Gate
from selfplay.learnability import one_minus_p
from selfplay.metrics import describe
from selfplay.mirror import flatten
from selfplay.record import Record, RoundRecord
from selfplay.rewards import reward_attempt, reward_proposals
from selfplay.seeding import rng_for
from selfplay.stages import augment, verify
from selfplay.types import Episode, Problem, Reward, Status, Verdict
from selfplay.voting import label_accuracy, vote
from verifiers.cache import VerdictCache
from verifiers.rewards import reward_of

ROOT = Path(__file__).parents[2]
GOOD, BAD, ABSTAINED, FAULT = Status.CORRECT, Status.WRONG, Status.UNDECIDED, Status.FAULT


def mixed(verified: Sequence[Status], judged: Sequence[Status], of: Problem | None = None) -> Episode:
    """Attempts that a program was asked about, then attempts that a judge was asked about."""
    of = of or problem()
    by_judge = (attempt(status, of, f"j{index}") for index, status in enumerate(judged))
    marked = tuple(replace(one, verdict=replace(one.verdict, judged_by="scripted")) for one in by_judge)
    return replace(episode(verified, of), attempts=episode(verified, of).attempts + marked)


# Verified 1 of 2 decided; judged 3 of 4 decided.
MIXED = mixed([GOOD, BAD, FAULT], [GOOD, GOOD, GOOD, BAD, ABSTAINED])
JUDGED = mixed([], [GOOD, BAD])

STATUSES = st.lists(st.sampled_from(Status), max_size=6)


class Judge:
    """Says GOOD to everything, and that it is a judge."""

    name = "judge"

    def judge_of(self, problem: Problem) -> str:
        return "scripted"

    def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        return [Verdict(GOOD, answer, judged_by="scripted") for _, answer in answers]


# Counts


def test_an_attempt_is_correct_by_a_programs_word_and_good_by_a_judges() -> None:
    verified, judged = Verdict(GOOD), Verdict(GOOD, judged_by="scripted")
    assert (verified.correct, verified.judged_good, verified.verified) == (True, False, True)
    assert (judged.correct, judged.judged_good, judged.verified) == (False, True, False)
    assert not any([Verdict(BAD).correct, Verdict(BAD, judged_by="scripted").judged_good])


def test_the_counts_of_an_episode_are_kept_apart() -> None:
    assert (MIXED.num_correct, MIXED.num_decided, MIXED.solve_rate) == (1, 2, 0.5)
    assert (MIXED.num_judged_good, MIXED.num_judged, MIXED.judged_rate) == (3, 4, 0.75)
    assert (MIXED.counts(), MIXED.counts(judged=True)) == ((1, 2), (4, 6))
    assert (JUDGED.solve_rate, JUDGED.judged_rate, JUDGED.judged_only, MIXED.judged_only) == (None, 0.5, True, False)
    assert not Episode(problem(), ()).judged_only


@given(STATUSES, STATUSES)
def test_no_verified_figure_moves_with_what_a_judge_says(verified: list[Status], judged: list[Status]) -> None:
    one, alone = mixed(verified, judged), episode(verified)
    assert (one.num_correct, one.num_decided, one.solve_rate) == (
        alone.num_correct,
        alone.num_decided,
        alone.solve_rate,
    )
    assert verdict_counts([one]) == verdict_counts([alone])
    assert [item.choices for item in solver_items([one], 0)] == [item.choices for item in solver_items([alone], 0)]
    assert reward_proposals([one.proposal], [one], one_minus_p) == reward_proposals(  # type: ignore[list-item]
        [alone.proposal],  # type: ignore[list-item]
        [alone],
        one_minus_p,
    )
    assert mean_pass_at_k([one], 2) == mean_pass_at_k([alone], 2)
    if verified:
        names = ("solve_rate", "solve_rates", "verdicts")
        lines = [describe(0, [], [each]) for each in (one, alone)]
        none = None if judged and lines[1]["solve_rate"] == 0.0 and not alone.num_decided else lines[1]["solve_rate"]
        assert [lines[0][name] for name in names] == [none, lines[1]["solve_rates"], lines[1]["verdicts"]]
        assert sum(lines[0]["solve_rate_histogram"]) == 1


# Metrics


def test_a_rounds_metrics_name_what_was_judged_apart() -> None:
    line = describe(0, [], [MIXED, mixed([], [GOOD, BAD], problem("q", 3))])
    assert (line["solve_rate"], line["solve_rates"]) == (0.5, {"1": 0.5})
    assert line["solve_rate_histogram"] == [0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert {name: count for name, count in line["verdicts"].items() if count} == {"correct": 1, "wrong": 1, "fault": 1}
    judged = line["judged"]
    assert (judged["by"], judged["rate"], judged["rates"]) == ({"scripted": 7}, 0.625, {"1": 0.75, "3": 0.5})
    assert {name: count for name, count in judged["verdicts"].items() if count} == {
        "correct": 4,
        "wrong": 2,
        "undecided": 1,
    }


def test_a_round_that_was_only_judged_has_no_solve_rate_at_all() -> None:
    line = describe(0, [], [JUDGED])
    assert (line["solve_rate"], line["solve_rates"], sum(line["solve_rate_histogram"])) == (None, {}, 0)
    assert not any(line["verdicts"].values())


def test_a_round_without_judges_says_nothing_of_them() -> None:
    assert "judged" not in describe(0, [], [solved(1, 2)])
    assert judged_metrics([solved(1, 2)]) == {}


def test_judges_that_always_abstain_have_no_rate() -> None:
    found = judged_metrics([mixed([GOOD], [ABSTAINED, ABSTAINED])])
    assert found["by"] == {"scripted": 2}
    assert "rate" not in found


def test_accuracy_and_judged_rate_are_means_over_their_own_verdicts() -> None:
    episodes = [MIXED, JUDGED, solved(1, 1)]
    assert (accuracy(episodes), judged_rate(episodes)) == (0.75, 0.625)
    assert math.isnan(accuracy([JUDGED]))
    assert math.isnan(judged_rate([solved(1, 1)]))


def test_pass_at_k_is_over_attempts_that_were_left_to_a_program() -> None:
    assert mean_pass_at_k([mixed([GOOD, BAD], [GOOD, GOOD])], 1) == 0.5
    assert mean_pass_at_k([mixed([GOOD], [GOOD, GOOD]), solved(0, 2)], 2) == 0.0  # one verified attempt is too few


def test_the_mirror_sends_judged_figures_under_their_own_names() -> None:
    sent = dict(flatten(describe(0, [], [MIXED])))
    assert sent["solve_rate"] == 0.5
    assert sent["judged/rate"] == 0.75
    assert sent["judged/by/scripted"] == 5
    assert "solve_rate" not in dict(flatten(describe(0, [], [JUDGED])))


# Credit


def test_training_takes_a_judges_word_only_where_it_is_told_to() -> None:
    judged = JUDGED.attempts[0]
    assert reward_attempt(judged) is None
    assert reward_attempt(judged, judged=True) == Reward((("judged", 1.0),))
    assert reward_attempt(JUDGED.attempts[1], judged=True) == Reward((("judged", 0.0),))
    assert reward_attempt(mixed([], [ABSTAINED]).attempts[0], judged=True) is None
    assert solver_items([JUDGED], 0) == []
    (item,) = solver_items([JUDGED], 0, judged=True)
    assert item.choices == ((JUDGED.problem, judged.transcript),)
    assert item.weight == pytest.approx(1.2 - 0.5)
    assert credit_attempts([JUDGED], [[reward_attempt(a) for a in JUDGED.attempts]]) == []


def test_a_proposer_is_paid_by_a_judges_word_only_where_told_and_by_name() -> None:
    posed = proposal(JUDGED.problem)
    assert reward_proposals([posed], [JUDGED], one_minus_p) == [None]
    assert reward_proposals([posed], [JUDGED], one_minus_p, judged=True) == [Reward((("judged_learnability", 0.5),))]
    both = reward_proposals([proposal(MIXED.problem)], [MIXED], one_minus_p)
    assert both == [Reward((("learnability", 0.5),))]
    assert reward_proposals([posed], [solved(1, 2)], one_minus_p, judged=True) == [Reward((("learnability", 0.5),))]


def test_a_reward_function_for_trainers_pays_nothing_on_a_judges_word() -> None:
    assert reward_of(Verdict(GOOD, judged_by="scripted")) is None
    assert reward_of(Verdict(GOOD)) == 1.0


def test_a_judge_says_nothing_of_how_often_a_vote_is_right() -> None:
    truths = [problem("a", reference="x"), problem("b", reference="y")]
    votes = vote(truths, [[transcript("x")], [transcript("-")]], lambda problem, text: None if text == "-" else text)
    assert math.isnan(label_accuracy(truths, votes, Judge()))


# Stages


def problems_of(programs: Programs, count: int = 2) -> list[Problem]:
    grounded = programs.ground([programs.draw(4, rng_for(0, index)) for index in range(count)])
    return [one for one in grounded if isinstance(one, Problem)]


def test_a_reply_without_an_answer_is_judged_where_its_neighbours_are(programs: Programs) -> None:
    (one,) = problems_of(programs, 1)
    texts = [transcript(programs.solver_reply(one)), transcript("?"), transcript("?", stopped=False)]
    (found,) = verify([one], [texts], programs, Judge())
    assert [(a.verdict.status, a.verdict.judged_by) for a in found.attempts] == [
        (GOOD, "scripted"),
        (Status.MALFORMED, "scripted"),
        (Status.MALFORMED, "scripted"),
    ]
    assert (found.solve_rate, found.judged_rate) == (None, 1 / 3)


class Policy:
    """Writes down what it is told."""

    def references(self, role: str, replies: Sequence[Any]) -> list[Any]:
        return [transcript("carried over") for _ in replies]


def test_a_judges_word_carries_no_solution_over_and_admits_no_variant(programs: Programs, exact: Any) -> None:
    (one,) = problems_of(programs, 1)
    own = transcript(programs.solver_reply(one))
    assert augment([(one, own)], Policy(), programs, Judge(), Gate(()), 0) == [own]  # type: ignore[arg-type]
    assert augment([(one, own)], Policy(), programs, exact, Gate(()), 0) != [own]  # type: ignore[arg-type]
    variants = vary(problems_of(programs, 4), programs, Judge(), Gate(()), 0, ["new_numbers"])
    assert refusals(variants) == {"new_numbers/reference_undecided": 4}


def test_a_cache_does_not_launder_a_judges_word(tmp_path: Path) -> None:
    cache = VerdictCache(path=tmp_path / "cache.sqlite")
    cache.put([(("a",), Verdict(GOOD, judged_by="scripted")), (("b",), Verdict(GOOD))])
    assert cache.get([("a",), ("b",)]) == [None, Verdict(GOOD)]


# Files and pages


def run_folder(folder: Path, episodes: Sequence[Episode]) -> Record:
    record = Record.create(folder, {"recipe": "expert_iteration", "env": "made", "seed": 0, "rounds": 1}, {})
    line = {**describe(0, [], episodes), "tokens": {}, "seconds": {}}
    none: tuple[Reward | None, ...] = ()
    rewards = tuple((None,) * len(one.attempts) for one in episodes)
    bare = tuple(replace(one, proposal=None) for one in episodes)
    record.commit(RoundRecord(0, (), bare, none, rewards, line, {}))
    return record


def test_a_run_folder_keeps_who_judged(tmp_path: Path) -> None:
    (one,) = run_folder(tmp_path / "run", [MIXED]).read(0).episodes
    assert [a.verdict.judged_by for a in one.attempts] == [""] * 3 + ["scripted"] * 5


def test_a_report_shows_judged_verdicts_in_a_section_of_their_own(tmp_path: Path) -> None:
    run_folder(tmp_path / "run", [MIXED])
    page = write_report(tmp_path / "run").read_text(encoding="utf-8")
    assert "1 of 2 decided attempts correct · 3 of 4 judged good" in page
    assert "JUDGED GOOD by scripted" not in page  # the two attempts shown are the verified one and an abstention
    assert "ABSTAINED by scripted" in page
    section = page[page.index("Judged, not verified") :]
    assert "75.0%" in section
    assert "scripted" in section


def test_a_report_of_a_judged_run_claims_no_accuracy(tmp_path: Path) -> None:
    run_folder(tmp_path / "run", [JUDGED])
    page = write_report(tmp_path / "run").read_text(encoding="utf-8")
    assert "JUDGED GOOD by scripted" in page
    assert "1 of 2 judged good" in page
    for claim in ("CORRECT", "decided attempts correct", "Held-out accuracy", "How many attempts solved"):
        assert claim not in page, claim


def test_a_report_without_judges_has_no_section_about_them(tmp_path: Path) -> None:
    run_folder(tmp_path / "run", [solved(1, 2)])
    assert "Judged" not in write_report(tmp_path / "run").read_text(encoding="utf-8")


def test_the_view_names_judged_figures_apart() -> None:
    file = io.StringIO()
    view = LiveView(Console(file=file, width=60))
    view.start(1, "title")
    view.round({**describe(0, [], [JUDGED]), "judged": {**judged_metrics([JUDGED]), "held_out": {"made": {"1": 0.5}}}})
    line = file.getvalue().splitlines()[-1]
    assert "judged_by=scripted judged_rate=0.500 judged_undecided=0 judged_held_out.made=1:0.50" in line
    assert " solve_rate=" not in line
    assert " held_out." not in line
    panel = Console(file=io.StringIO(), width=120, record=True)
    panel.print(view.render())
    assert "judged by scripted, not verified: 50% good, 0 undecided; held out made 1:0.50" in panel.export_text()


def test_a_model_card_says_who_graded(tmp_path: Path) -> None:
    config = RunConfig("expert_iteration", 1, EnvConfig("made"), ModelConfig(name="m"), LearnerConfig(1.0, 8))
    summary: dict[str, Any] = {"rounds": 1, "tokens": {}, "held_out": {"before": {}, "after": {}, "num_problems": 1}}
    assert "graded by a program" in write_model_card(tmp_path, summary, config).read_text()
    summary["judged"] = {"by": {"scripted": 3}, "held_out": {}}
    summary["judged"]["held_out"] = {"before": {"made": {"1": 0.25}}, "after": {"made": {"1": 0.75}}}
    card = write_model_card(tmp_path, summary, config).read_text()
    assert "graded by a judge (scripted)" in card
    assert "| made 1 | 0.250 | 0.750 |" in card[card.index("Judged good by scripted") :]
    assert "Held-out accuracy" not in card


# The source


def test_only_the_nouns_say_what_a_correct_status_means() -> None:
    """Whoever compares a status with CORRECT itself forgets to ask who decided: `Verdict.correct` does not.

    `rewards.py` may: what a reward pays for a verdict, `reward_attempt` asks for verified ones only, unless told.
    """
    allowed = {"selfplay/types.py", "selfplay/rewards.py", "scripts/golden.py", "scripts/verify_output.py"}
    found = set()
    for path in [*(ROOT / "selfplay").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and "Status.CORRECT" in ast.unparse(node):
                found.add(str(path.relative_to(ROOT)))
    assert found <= allowed
