"""The nouns: identity of problems, and what an episode counts."""

from __future__ import annotations

import dataclasses

import pytest
from builders import episode, problem, transcript
from hypothesis import given
from hypothesis import strategies as st

from selfplay import types
from selfplay.types import Origin, Problem, Reward, Status, problem_id


def test_the_id_of_a_problem_is_the_same_on_every_machine_and_in_every_version() -> None:
    assert problem_id("programs", "b=3;c=b^2;print(c)") == "b4198684828a8696"


def test_an_id_depends_on_environment_and_text_and_on_nothing_else() -> None:
    first = Problem("programs", "a", "1", Origin.DATASET, 1)
    same = Problem("programs", "a", "2", Origin.CLAIMED, 9, ("parent",), {"key": "value"})
    assert first.id == same.id
    assert len({first.id, problem_id("program", "sa"), problem_id("programs", "b"), problem_id("other", "a")}) == 4


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_two_problems_share_an_id_only_if_they_are_the_same(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (problem_id(*one) == problem_id(*other)) == (one == other)


def test_records_cannot_be_changed_and_take_no_further_fields() -> None:
    for noun in (problem(), transcript(), episode([Status.CORRECT]), Reward((("a", 1.0),))):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(noun, dataclasses.fields(noun)[0].name, "changed")
        assert not hasattr(noun, "__dict__")


def test_every_public_record_of_the_module_is_frozen_and_slotted() -> None:
    records = [one for one in vars(types).values() if dataclasses.is_dataclass(one)]
    assert len(records) > 10
    for record in records:
        assert record.__dataclass_params__.frozen  # type: ignore[union-attr]
        assert hasattr(record, "__slots__")


def test_our_faults_and_undecided_attempts_are_the_only_ones_that_say_nothing_about_an_attempt() -> None:
    assert {status for status in Status if not status.decided} == {Status.FAULT, Status.UNDECIDED}


def test_a_solve_rate_leaves_out_what_was_not_decided() -> None:
    one = episode([Status.CORRECT, Status.WRONG, Status.MALFORMED, Status.TIMEOUT, Status.FAULT, Status.UNDECIDED])
    assert (one.num_correct, one.num_decided, one.solve_rate) == (1, 4, 0.25)


def test_a_solve_rate_is_none_where_nothing_was_decided() -> None:
    assert episode([Status.FAULT, Status.UNDECIDED]).solve_rate is None
    assert episode([]).solve_rate is None


def test_a_transcript_counts_the_tokens_that_the_policy_chose() -> None:
    one = transcript("abc")
    assert (one.num_sampled, len(one.token_ids), one.completion) == (3, 5, "abc")


def test_a_reward_is_the_sum_of_its_terms() -> None:
    assert Reward((("a", 0.5), ("b", -0.25))).total == 0.25
    assert Reward(()).total == 0.0
