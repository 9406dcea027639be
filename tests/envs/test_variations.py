"""What every environment promises about variants of its problems, and about the texts that it shows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from test_environments import drafts_of, good, grounded, overrides, replies_are_right, spread

from envs.base import PRINTABLE
from selfplay.protocols import Environment, Verifier
from selfplay.seeding import rng_for
from selfplay.types import Draft, Problem, Rejection

FILLER = 4
BATCHES = 40


def test_a_mutant_keeps_its_level_and_parents_and_is_a_problem(env: Environment, verifier: Verifier) -> None:
    rng = rng_for(0, "mutate")
    drafts = [replace(draft, parents=("parent",)) for draft in drafts_of(env, "mutate", max(1, 30 // len(env.levels)))]
    mutants = [env.mutate(draft, rng, 0.5) for draft in drafts]
    assert [(one.level, one.parents) for one in mutants] == [(one.level, one.parents) for one in drafts]
    found = grounded(env, mutants)
    assert all(good(verdict) for verdict in verifier.verify([(one, one.reference) for one in found]))
    if overrides(env, "mutate"):
        num_changed = sum(mutant.prompt != draft.prompt for mutant, draft in zip(mutants, drafts, strict=True))
        assert num_changed > len(drafts) / 2


def test_a_share_of_nothing_changes_nothing(env: Environment) -> None:
    drafts = drafts_of(env, "mutate")
    assert [env.mutate(draft, rng_for(0, "mutate"), 0.0) for draft in drafts] == drafts


def test_an_augmented_problem_is_one_and_its_reply_is_right(
    env: Environment, verifier: Verifier, problems: list[Problem]
) -> None:
    rng = rng_for(0, "augment")
    some = spread(problems, 24)
    moved = [env.augment(problem, env.solver_reply(problem), rng) for problem in some]
    replies_are_right(env, verifier, moved)
    changed = [(after, before) for (after, _), before in zip(moved, some, strict=True) if after.id != before.id]
    assert [after.parents for after, _ in changed] == [(before.id,) for _, before in changed]
    assert [after.level for after, _ in moved] == [before.level for before in some]
    if "proposer" in env.roles:
        drafts = [env.read_problem(env.proposer_reply(after)[1]) for after, _ in moved]
        again = grounded(env, [one for one in drafts if isinstance(one, Draft)])
        assert [one.id for one in again] == [after.id for after, _ in moved]
        same = verifier.verify([(one, after.reference) for one, (after, _) in zip(again, moved, strict=True)])
        assert all(map(good, same))
    if overrides(env, "augment"):
        assert len(changed) > len(some) / 4


def test_a_reply_in_free_words_is_as_right_after_augmentation_as_before(
    env: Environment, verifier: Verifier, problems: list[Problem]
) -> None:
    rng = rng_for(1, "augment")
    written = [(one, f"I think about it.\n{env.solver_reply(one)}") for one in spread(problems, 20)]
    read = [(one, reply, env.read_answer(one, reply)) for one, reply in written]
    verdicts = verifier.verify([(one, answer) for one, _, answer in read if answer is not None])
    right = [(one, reply) for (one, reply, answer) in read if answer is not None]
    right = [pair for pair, verdict in zip(right, verdicts, strict=True) if good(verdict)]
    replies_are_right(env, verifier, [env.augment(one, reply, rng) for one, reply in right])


def test_a_reordered_problem_has_a_right_reference_and_the_same_level(env: Environment, verifier: Verifier) -> None:
    rng = rng_for(0, "reorder")
    drafts = drafts_of(env, "reorder", 1)
    moved = [env.reorder(draft, rng) for draft in drafts]
    found = grounded(env, moved)
    assert all(good(verdict) for verdict in verifier.verify([(one, one.reference) for one in found]))
    assert [one.level for one in found] == [draft.level for draft in drafts]
    assert [one for one in env.ground([env.reorder(one, rng) for one in drafts]) if isinstance(one, Rejection)] == []


def test_a_composition_has_both_parents_and_a_right_reference(
    env: Environment, verifier: Verifier, problems: list[Problem]
) -> None:
    some = spread(problems, 16)
    made = [env.compose(one, other) for one, other in zip(some, some[1:] + some[:1], strict=True)]
    assert all(isinstance(one, Draft | Rejection) for one in made)
    pairs = [(one.id, other.id) for one, other in zip(some, some[1:] + some[:1], strict=True)]
    whole = [(one, pair) for one, pair in zip(made, pairs, strict=True) if isinstance(one, Draft)]
    assert [one.parents for one, _ in whole] == [pair for _, pair in whole]
    found = [one for one in env.ground([one for one, _ in whole]) if isinstance(one, Problem)]
    assert all(good(verdict) for verdict in verifier.verify([(one, one.reference) for one in found]))
    if overrides(env, "compose"):
        assert found


def test_a_reworded_problem_keeps_its_reference_and_names_its_parent(env: Environment, problems: list[Problem]) -> None:
    for problem in spread(problems, 20):
        prose = env.prose(problem)
        reworded = env.reword(problem, f"In other words: {prose}")
        if prose is None:
            assert isinstance(reworded, Rejection)
            continue
        assert isinstance(reworded, Problem), reworded
        assert (reworded.reference, reworded.parents) == (problem.reference, (problem.id,))
        assert reworded.id != problem.id
        for text in ("", "\0", "\ud800", "(" * 10_000, "9" * 10_000):
            assert isinstance(env.reword(problem, text), Problem | Rejection)


# Texts


def test_the_solver_is_given_the_beginning_of_the_reference_solution_and_not_its_answer(
    env: Environment, verifier: Verifier, problems: list[Problem]
) -> None:
    rng = rng_for(0, "prefix")
    for problem in problems:
        assert env.solver_reply(problem).startswith(env.solver_prompt(problem, rng, FILLER).prefix)
    given = [(problem, env.read_answer(problem, env.solver_prompt(problem, rng, 0).prefix)) for problem in problems]
    verdicts = verifier.verify([(problem, answer) for problem, answer in given if answer is not None])
    assert not any(map(good, verdicts))


def is_terse(env: Environment) -> bool:
    """Whether its prompts are for models made from scratch."""
    return getattr(getattr(env, "options", None), "style", "") == "terse"


def test_prompts_and_replies_in_terse_style_are_made_of_the_vocabulary(
    env: Environment, problems: list[Problem]
) -> None:
    if not is_terse(env):
        pytest.skip(f"{env.name} has words only")
    from selfplay.models import make_tokenizer

    tokenizer = make_tokenizer(env.vocabulary())
    rng = rng_for(0, "vocabulary")
    for problem in problems:
        pairs = [(env.solver_prompt(problem, rng, FILLER), env.solver_reply(problem))]
        if "proposer" in env.roles:
            pairs.append(env.proposer_reply(problem))
        for prompt, reply in pairs:
            rest = reply.removeprefix(prompt.prefix)
            parts = [*(message.text for message in prompt.messages), prompt.prefix, rest]
            apart = [token for part in parts for token in tokenizer(part).input_ids]
            assert tokenizer.unk_token_id not in apart
            assert tokenizer.decode(apart) == "".join(parts)
            assert tokenizer("".join(parts)).input_ids == apart, "a forced prefix must end where a piece ends"


def test_every_piece_of_a_vocabulary_of_its_own_is_listed_once_and_used(env: Environment) -> None:
    pieces = sorted(env.vocabulary(), key=len, reverse=True)
    assert len(set(pieces)) == len(pieces)
    if not is_terse(env) or set(PRINTABLE) <= set(pieces):
        return
    pattern = re.compile("|".join(map(re.escape, pieces)))
    used: set[str] = set()
    for batch in range(BATCHES):
        rng = rng_for(0, "pieces", batch)
        for problem in grounded(env, [env.draw(level, rng) for level in env.levels]):
            asked, proposal = env.proposer_reply(problem) if "proposer" in env.roles else (None, "")
            shown = env.solver_prompt(problem, rng, FILLER)
            texts = [message.text for prompt in (asked, shown) if prompt is not None for message in prompt.messages]
            for text in (*texts, proposal, env.solver_reply(problem)):
                used.update(pattern.findall(text))
        if used == set(pieces):
            return
    assert used == set(pieces)
