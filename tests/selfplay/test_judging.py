"""The judge of a run: audited on pairs that programs decided, counted, and charged to the budget of the whole run."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from builders import play, problem, scripted_judging, scripted_run
from hypothesis import given
from hypothesis import strategies as st

from envs.arithmetic import Arithmetic
from envs.arithmetic import Options as ArithmeticOptions
from envs.programs import Programs
from selfplay.config import AuditConfig, JudgeConfig
from selfplay.errors import UserError
from selfplay.judge import ADDITIVE
from selfplay.judgements import Choice, Comparison, Opinion
from selfplay.judges.scripted import ScriptedJudge, TruthQuality
from selfplay.judging import Bench, Judging, made_pairs, spoil
from selfplay.metrics import used_tokens
from verifiers import ClosingVerifier


def audited(env: Programs, verifier: ClosingVerifier, **dials: float) -> dict[str, Any]:
    config = JudgeConfig("scripted", threshold=0.5, audit=AuditConfig(num_pairs=60))
    truth = TruthQuality({env.name: (env, verifier)})
    judge = ScriptedJudge(truth, **dials)  # type: ignore[arg-type]
    return Judging(config, Bench(lambda seed: judge), env, verifier).audit(judge)


# Audits


def test_every_pair_has_a_right_and_a_wrong_reply_by_the_verifiers_word(
    programs: Programs, exact: ClosingVerifier
) -> None:
    pairs, truths = made_pairs(programs, exact, 40, 1)
    assert len(pairs) >= 35
    assert {truth.value for truth in truths} == {"first", "second"}
    assert {one.level for one, _, _ in pairs} == set(programs.levels)
    truth = TruthQuality({programs.name: (programs, exact)})
    for (one, *both), choice in zip(pairs, truths, strict=True):
        right, wrong = both if choice is Choice.FIRST else both[::-1]
        assert (truth(one, right), truth(one, wrong)) == (1.0, 0.0)


def test_right_replies_are_neither_always_the_longer_nor_always_the_shorter_ones() -> None:
    from verifiers import make_verifier

    with make_verifier("exact") as exact:
        pairs, truths = made_pairs(Arithmetic(ArithmeticOptions(style="instruct")), exact, 100, 3)
    longer = [
        (len(one) > len(two)) == (truth is Choice.FIRST) for (_, one, two), truth in zip(pairs, truths, strict=True)
    ]
    same = sum(len(one) == len(two) for _, one, two in pairs)
    assert same >= 20
    assert 10 <= sum(longer) <= 90


def test_an_audit_finds_the_faults_that_were_dialled(programs: Programs, exact: ClosingVerifier) -> None:
    good, first, noisy, long = (
        audited(programs, exact, **dials) for dials in ({}, {"order_bias": 3.0}, {"noise": 2.0}, {"length_bias": 4.0})
    )
    assert (good["pairs"]["accuracy"], good["pairs"]["decided"], good["pairs"]["order_bias"]) == (1.0, 1.0, 0.0)
    assert (good["ratings"]["accuracy"], good["ratings"]["false_good"]) == (1.0, 0.0)
    assert first["pairs"]["order_bias"] == 1.0
    assert first["pairs"]["decided"] == 0.0
    assert noisy["pairs"]["accuracy"] < 0.95
    assert noisy["ratings"]["accuracy"] < 0.95
    assert long["pairs"]["length_bias"] > 0.3
    assert good["env"] == "programs"


def test_audits_of_one_judge_are_the_same_at_each_round(programs: Programs, exact: ClosingVerifier) -> None:
    judging = scripted_judging(programs, exact)
    first, again = judging.line(-1), judging.line(7, last=True)
    assert first["audit"] == again["audit"]
    assert first["audit"] == scripted_judging(programs, exact).line(-1)["audit"]


def test_an_audit_comes_before_the_first_round_after_the_last_and_at_the_interval(
    programs: Programs, exact: ClosingVerifier
) -> None:
    judging = scripted_judging(programs, exact)  # every second round
    assert ["audit" in judging.line(number, last=number == 4) for number in range(-1, 5)] == [
        True, False, True, False, True, True,
    ]  # fmt: skip


@given(st.text(max_size=40), st.integers(0, 1000))
def test_spoiling_a_reply_never_fails(text: str, seed: int) -> None:
    assert isinstance(spoil(text, random.Random(seed)), str)


# Counts


class Meter:
    def __init__(self) -> None:
        self.restored: list[Mapping[str, float]] = []

    def take_usage(self) -> dict[str, float]:
        return {"cost": 0.5}

    def restore(self, usage: Mapping[str, float]) -> None:
        self.restored.append(usage)


class Lost(ScriptedJudge):
    def prefer(self, comparisons: Any) -> list[Opinion]:
        return [Opinion(Choice.ABSTAIN, fault=True), Opinion(Choice.ABSTAIN), Opinion(Choice.FIRST)]


def test_what_a_judge_was_asked_is_counted_and_faults_are_no_abstentions(
    programs: Programs, exact: ClosingVerifier
) -> None:
    meter = Meter()
    config = JudgeConfig("scripted", audit=AuditConfig(every=0, num_pairs=3))
    judging = Judging(config, Bench(lambda seed: Lost(), meter), programs, exact)
    judging.judge().prefer([Comparison(problem(), "a", "b")] * 3)
    judging.judge(5).rate([(problem(), "a")], ADDITIVE)
    line = judging.line(0)
    assert {name: line[name] for name in ("name", "asked", "abstained", "faults", "tokens")} == {
        "name": "scripted", "asked": 4, "abstained": 1, "faults": 1, "tokens": 0,
    }  # fmt: skip
    assert line["endpoint"] == {"cost": 0.5}
    assert judging.line(1)["asked"] == 0
    judging.restore({"judge": line})
    judging.restore({})
    assert meter.restored == [{"cost": 0.5}]


def test_what_a_policy_reads_and_writes_as_the_judge_is_part_of_the_compute() -> None:
    tokens = {"propose": 1, "solve": 2, "train": 3, "judge": 50}
    assert used_tokens({"tokens": tokens}) == 62


def test_a_recipe_that_asks_a_judge_says_what_is_missing(
    tmp_path: Path, programs: Programs, exact: ClosingVerifier
) -> None:
    lab = scripted_run(tmp_path / "run", programs, exact, recipe="self_rewarding", learner_name="preference")
    lab.judging = None
    with pytest.raises(UserError, match="judge: got nothing, expected a judge"):
        play(lab)
