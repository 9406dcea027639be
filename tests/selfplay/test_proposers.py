"""The controls that propose: what each draws from, and that all of them write what a proposer would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from builders import play, scripted_run

from envs.programs import Programs
from selfplay.lab import Lab
from selfplay.proposers import PROPOSERS, GeneratorProposer
from selfplay.stages import propose
from selfplay.types import Draft, Problem, Rejection, Sampling
from verifiers import ClosingVerifier

HOT = Sampling(temperature=1.0)


@pytest.fixture
def lab(tmp_path: Path, programs: Programs, exact: ClosingVerifier) -> Lab:
    return scripted_run(tmp_path / "run", programs, exact)


def levels(lab: Lab, name: str, count: int = 400) -> Counter[int]:
    """How often each level is proposed; every proposal must be a problem."""
    drafts = [
        lab.env.read_problem(one.completion) for one in propose(PROPOSERS[name](lab), lab.env, count, 5, HOT, 14.0)
    ]
    assert all(isinstance(draft, Draft) for draft in drafts)
    return Counter(draft.level for draft in drafts if isinstance(draft, Draft))


def test_random_levels_are_uniform_over_levels(lab: Lab) -> None:
    counts = levels(lab, "random_levels")
    assert set(counts) == set(lab.env.levels)
    assert all(25 <= counts[level] <= 80 for level in lab.env.levels)


def test_random_texts_are_nearly_all_as_long_as_they_may_be(lab: Lab) -> None:
    counts = levels(lab, "random_texts")
    longest = lab.env.levels[-1]
    assert counts[longest] / 400 == pytest.approx(11 / 12, abs=0.05)
    assert counts[longest] > counts[longest - 1] > counts[1]


def test_a_generator_proposes_the_same_for_the_same_seed_whatever_is_asked_beside_it(lab: Lab) -> None:
    proposer = PROPOSERS["random_levels"](lab)
    many, few = propose(proposer, lab.env, 20, 5, HOT), propose(proposer, lab.env, 7, 5, HOT)
    assert many[:7] == few
    assert len({one.completion for one in many}) > 15


def test_what_a_generator_writes_was_written_by_no_policy(lab: Lab) -> None:
    (one,) = propose(PROPOSERS["random_levels"](lab), lab.env, 1, 5, HOT)
    assert (one.policy_version, one.role, one.logprobs) == (-1, "proposer", ())


def test_a_generator_says_what_it_could_not_ground(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(drafts: Sequence[Draft]) -> list[Problem | Rejection]:
        return [Rejection("execution_fault", "no workers") for _ in drafts]

    monkeypatch.setattr(lab.env, "ground", broken)
    with pytest.raises(ValueError, match="programs drew a problem that it cannot ground: no workers"):
        propose(GeneratorProposer(lab.env, lab.policy, [1.0] * len(lab.env.levels)), lab.env, 1, 5, HOT)


def test_the_learned_proposer_is_the_policy_and_the_frozen_one_is_as_it_was_at_the_start(lab: Lab) -> None:
    play(lab)
    assert PROPOSERS["learned"](lab) is lab.policy
    assert lab.policy.reach > 3.5  # type: ignore[attr-defined]
    assert max(levels_of_valid(lab, "frozen")) == 3
    assert max(levels_of_valid(lab, "learned")) > 3


def levels_of_valid(lab: Lab, name: str) -> list[int]:
    written = propose(PROPOSERS[name](lab), lab.env, 60, 5, HOT)
    drafts = [lab.env.read_problem(one.completion) for one in written]
    return [draft.level for draft in drafts if isinstance(draft, Draft)]
