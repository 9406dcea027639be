"""The bootstrap: it stops at its criterion, and says what is missing where it cannot reach it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from builders import Classroom

from envs.programs import Programs
from selfplay.bootstrap import Bootstrap, BootstrapError, Readiness
from selfplay.config import BootstrapConfig, CriterionConfig
from selfplay.errors import UserError
from selfplay.scripted import ScriptedLearner, ScriptedPolicy
from selfplay.seeds import SeedData, seed_split
from selfplay.types import Credited, Demonstration
from verifiers import ClosingVerifier

CRITERION = CriterionConfig(accuracy=0.9, valid=0.5, next_level_pass=0.0, attempts=4, problems=8)


class Noting(ScriptedLearner):
    """A scripted learner that keeps what it was given."""

    def __init__(self, policy: ScriptedPolicy, gain: float) -> None:
        super().__init__(policy, gain)
        self.updates: list[tuple[list[Any], int, tuple[float, float]]] = []

    def update(
        self, batch: Sequence[Demonstration] | Sequence[Credited], seed: int, rate: tuple[float, float] = (1.0, 1.0)
    ) -> Mapping[str, float]:
        self.updates.append((list(batch), seed, rate))
        return super().update(batch, seed, rate)


class Warmup:
    """A bootstrap of scripted parts; a step of 10 rows raises the policy's reach by 8 x gain."""

    def __init__(
        self, programs: Programs, exact: ClosingVerifier, *, gain: float = 0.005, reach: float = 0.0, **changes: Any
    ):
        settings = {"warmup_steps": 4, "check_every": 10, "max_steps": 100, "cooldown_steps": 5, **changes}
        config = BootstrapConfig(
            **{"learning_rate": 1.0, "seed_levels": (1, 2), "batch_size": 10, "criterion": CRITERION, **settings}
        )
        env = Classroom(programs)
        self.policy = ScriptedPolicy(env, reach)
        env.pupils.append(self.policy)
        self.learner = Noting(self.policy, gain)
        seeds = SeedData(self.policy, env, seed_split(env, [1, 2], 40, set()))
        self.bootstrap = Bootstrap(self.policy, self.learner, env, exact, seeds, config, 0, 64)
        self.reports: list[tuple[int, dict[str, float]]] = []

    def run(self) -> dict[str, float]:
        return self.bootstrap.run(lambda step, loss, measures: self.reports.append((step, measures)))


def test_it_stops_at_the_first_check_that_meets_the_criterion(programs: Programs, exact: ClosingVerifier) -> None:
    one = Warmup(programs, exact)
    result = one.run()
    # The reach rises by 0.04 a step: the seed levels are solved from 1 on, the one beyond now and then from 2 on.
    assert [step for step, _ in one.reports] == [14, 24, 34, 44, 54, 59]
    assert [measures["accuracy"] >= 0.9 for _, measures in one.reports] == [False, False, True, True, True, True]
    assert [measures["next_level_pass"] > 0.0 for _, measures in one.reports] == [False] * 4 + [True] * 2
    assert result["steps"] == 59
    assert result["next_level_pass"] > 0.0


def test_a_policy_that_is_ready_trains_for_one_check_only(programs: Programs, exact: ClosingVerifier) -> None:
    one = Warmup(programs, exact, reach=2.5, cooldown_steps=0)
    assert one.run()["steps"] == 14


def test_the_rate_rises_stays_and_falls(programs: Programs, exact: ClosingVerifier) -> None:
    one = Warmup(programs, exact, reach=2.5)
    one.run()
    assert [(len(rows), rate) for rows, _, rate in one.learner.updates] == [
        (40, (0.25, 1.0)),
        (100, (1.0, 1.0)),
        (50, (1.0, 0.1)),
    ]


def test_every_stretch_trains_on_its_own_rows_in_both_roles(programs: Programs, exact: ClosingVerifier) -> None:
    one = Warmup(programs, exact, proposer_share=0.3)
    one.run()
    assert len({seed for _, seed, _ in one.learner.updates}) == len(one.learner.updates)
    for rows, _, _ in one.learner.updates:
        assert sum(row.transcript.role == "proposer" for row in rows) == round(0.3 * len(rows))
    first, second = ([row.transcript.completion for row in rows] for rows, _, _ in one.learner.updates[1:3])
    assert first != second


def test_it_counts_the_tokens_it_trained(programs: Programs, exact: ClosingVerifier) -> None:
    one = Warmup(programs, exact, reach=2.5)
    result = one.run()
    lengths = [len(row.transcript.token_ids) for rows, _, _ in one.learner.updates for row in rows]
    assert result["tokens"] == sum(lengths) > 0


def test_it_is_the_same_twice(programs: Programs, exact: ClosingVerifier) -> None:
    first, second = Warmup(programs, exact), Warmup(programs, exact)
    assert first.run() == second.run()
    assert first.reports == second.reports


def test_it_does_not_check_before_it_is_told_to(programs: Programs, exact: ClosingVerifier) -> None:
    criterion = CriterionConfig(accuracy=0.9, valid=0.5, attempts=4, problems=8, min_steps=30)
    one = Warmup(programs, exact, reach=2.5, criterion=criterion, cooldown_steps=0)
    one.run()
    assert [(step, bool(measures)) for step, measures in one.reports] == [(14, False), (24, False), (34, True)]


def test_it_stops_at_its_last_step_and_says_everything_that_is_missing(
    programs: Programs, exact: ClosingVerifier
) -> None:
    criterion = CriterionConfig(accuracy=0.9, valid=1.0, attempts=4, problems=8)
    one = Warmup(programs, exact, gain=0.0, reach=0.01, max_steps=27, criterion=criterion)
    with pytest.raises(BootstrapError) as caught:
        one.run()
    valid = one.reports[-1][1]["valid"]
    assert valid < 1.0
    assert str(caught.value) == (
        f"the bootstrap is not ready after 27 steps: accuracy on the seed levels is 0.50, expected at least 0.9; "
        f"share of valid proposals is {valid:.2f}, expected at least 1.0; "
        f"pass@4 at level 3 is 0.00, expected more than 0.0. Raise bootstrap.max_steps or "
        f"bootstrap.learning_rate, ask for less in bootstrap.criterion, or take another seed"
    )
    assert isinstance(caught.value, UserError)
    assert sum(len(rows) for rows, _, _ in one.learner.updates) == 27 * 10


def test_only_what_is_missing_is_named() -> None:
    config = BootstrapConfig(learning_rate=1.0, max_steps=100, criterion=CRITERION)
    assert Readiness(0.9, 0.5, 0.01).missing(config) == []
    (line,) = Readiness(0.95, 0.5, 0.0).missing(config)
    assert line == "pass@4 at level 5 is 0.00, expected more than 0.0"
    assert len(Readiness(0.0, 0.0, 0.0).missing(config)) == 3


def test_the_measures_are_what_they_say(programs: Programs, exact: ClosingVerifier) -> None:
    one = Warmup(programs, exact, reach=2.0)
    one.policy.junk = 0.0
    ready = one.bootstrap.check(0)
    assert ready.accuracy == 1.0
    assert ready.next_level_pass > 0.5  # chance a half, four tries
    one.policy.reach = 1.0
    halved = one.bootstrap.check(0)
    assert halved.next_level_pass == 0.0


def test_a_check_leaves_the_policy_and_the_learner_alone(programs: Programs, exact: ClosingVerifier) -> None:
    one = Warmup(programs, exact, reach=1.5)
    assert one.bootstrap.check(3) == one.bootstrap.check(3)
    assert (one.policy.reach, one.learner.updates) == (1.5, [])


def test_seed_demonstrations_pass_their_own_verifier(programs: Programs, exact: ClosingVerifier) -> None:
    policy = ScriptedPolicy(programs)
    problems = {one.prompt: one for one in seed_split(programs, [1, 2, 3], 30, set())}
    seeds = SeedData(policy, programs, list(problems.values()))
    for row in seeds.solutions(20, random.Random(0)):
        shown = row.transcript.messages[0].text.removeprefix("<solve>")
        answer = programs.read_answer(problems[shown], row.transcript.completion)
        assert answer is not None
        assert exact.verify([(problems[shown], answer)])[0].status == "correct"
    for row in seeds.proposals(20, random.Random(0)):
        assert row.transcript.completion in problems


def test_a_proposer_may_be_shown_longer_problems_than_a_solver(programs: Programs) -> None:
    """As a pretrained model can ask what it cannot answer; their answers are in no demonstration."""
    policy = ScriptedPolicy(programs)
    solved, posed = seed_split(programs, [1, 2], 20, set()), seed_split(programs, [3, 4], 20, set())
    seeds = SeedData(policy, programs, solved, posed)
    longer = {one.prompt for one in posed}
    assert {row.transcript.completion for row in seeds.proposals(40, random.Random(0))} <= longer
    shown = {row.transcript.messages[0].text.removeprefix("<solve>") for row in seeds.solutions(40, random.Random(0))}
    assert shown <= {one.prompt for one in solved}
    assert seeds.levels == [1, 2]


def test_where_problems_are_given_nobody_is_warmed_up_or_asked_to_propose(
    programs: Programs, exact: ClosingVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Classroom, "roles", ("solver",))
    monkeypatch.delattr(Programs, "proposer_prompt")
    warmup = Warmup(programs, exact, proposer_share=0.5, criterion=replace(CRITERION, valid=1.0))
    assert warmup.run()["valid"] == 1.0
    roles = {row.transcript.role for rows, _, _ in warmup.learner.updates for row in rows}
    assert roles == {"solver"}
