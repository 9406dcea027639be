"""What holds for every environment in the table."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from envs import ENVIRONMENTS
from selfplay.evaluate import held_out_split
from selfplay.protocols import Environment
from selfplay.seeding import rng_for
from selfplay.types import Draft, Origin, Problem, Rejection, Status, problem_id
from verifiers import ClosingVerifier

READ_LIMIT_S = 0.01


def drawn(env: Environment, name: str, per_level: int) -> list[Draft]:
    rng = rng_for(0, "test", name)
    return [env.draw(level, rng) for level in env.levels for _ in range(per_level)]


def grounded(env: Environment, name: str, per_level: int) -> list[Problem]:
    problems = env.ground(drawn(env, name, per_level))
    assert all(isinstance(problem, Problem) for problem in problems)
    return [problem for problem in problems if isinstance(problem, Problem)]


def num_tokens(env: Environment, text: str) -> int:
    pieces = sorted(env.vocabulary(), key=len, reverse=True)
    return len(re.findall("|".join([*map(re.escape, pieces), "."]), text))


def test_a_drawn_problem_has_the_level_that_was_asked_for_and_reads_as_itself(env: Environment) -> None:
    rng = rng_for(0, "level")
    for level in env.levels:
        for _ in range(20):
            draft = env.draw(level, rng)
            assert draft.level == level
            assert env.read_problem(draft.prompt) == draft


def test_grounding_keeps_text_level_and_parents(env: Environment) -> None:
    drafts = [Draft(draft.prompt, draft.level, ("parent",)) for draft in drawn(env, "keep", 3)]
    kept = [(p.env, p.prompt, p.level, p.parents) for p in env.ground(drafts) if isinstance(p, Problem)]
    assert kept == [(env.name, draft.prompt, draft.level, draft.parents) for draft in drafts]


def test_the_reference_solution_is_right(env: Environment, verifier: ClosingVerifier) -> None:
    problems = grounded(env, "right", 10)
    for answers in ([p.reference for p in problems], [env.read_answer(p, env.solver_reply(p)) for p in problems]):
        verdicts = verifier.verify([(p, answer or "") for p, answer in zip(problems, answers, strict=True)])
        assert {verdict.status for verdict in verdicts} == {Status.CORRECT}


def test_a_reference_with_one_other_digit_is_wrong(env: Environment, verifier: ClosingVerifier) -> None:
    rng = rng_for(0, "perturb")
    items = []
    for problem in grounded(env, "wrong", 10):
        place = rng.choice([match.start() for match in re.finditer("[0-9]", problem.reference)])
        other = rng.choice("0123".replace(problem.reference[place], ""))
        items.append((problem, problem.reference[:place] + other + problem.reference[place + 1 :]))
    assert {verdict.status for verdict in verifier.verify(items)} == {Status.WRONG}


def test_ids_are_the_same_in_another_process_with_other_hashes(env: Environment) -> None:
    program = (
        "from envs import make_environment\n"
        "from selfplay.seeding import rng_for\n"
        "from selfplay.types import problem_id\n"
        f"env, rng = make_environment({env.name!r}), rng_for(0, 'test', 'ids')\n"
        "print(*(problem_id(env.name, env.draw(level, rng).prompt) for level in env.levels for _ in range(3)))"
    )
    expected = [problem_id(env.name, draft.prompt) for draft in drawn(env, "ids", 3)]
    for seed in ("1", "2"):
        variables = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == expected


def test_two_seeds_do_not_give_the_same_problems(env: Environment) -> None:
    first, second = ([env.draw(2, rng) for _ in range(10)] for rng in (rng_for(0, "draw"), rng_for(1, "draw")))
    assert first != second


def test_a_proposal_as_demonstrated_reads_as_its_problem(env: Environment) -> None:
    for problem in grounded(env, "proposal", 10):
        prompt, reply = env.proposer_reply(problem)
        assert reply.startswith(prompt.prefix)
        assert env.read_problem(reply) == Draft(problem.prompt, problem.level)


def test_proposer_prompts_vary_and_demonstrations_use_the_same_ones(env: Environment) -> None:
    rng = rng_for(0, "prompts")
    asked = {env.proposer_prompt(rng) for _ in range(500)}
    assert len(asked) > 1
    assert {env.proposer_reply(problem)[0] for problem in grounded(env, "prompts", 40)} == asked


def test_a_proposal_holds_its_stop_text_once(env: Environment) -> None:
    stop = env.stop_text()
    assert stop in env.vocabulary()
    assert {draft.prompt.count(stop or "") for draft in drawn(env, "stop", 3)} == {1}


def damaged(text: str, pieces: list[str], rng: random.Random) -> str:
    place, kind = rng.randrange(len(text) + 1), rng.randrange(6)
    return {
        0: text[:place],
        1: text[place:],
        2: text[:place] + rng.choice(pieces) + text[place:],
        3: text[:place] + text[place + 1 :],
        4: text[:place] + chr(rng.randrange(0x3000)) + text[place + 1 :],
        5: "".join(rng.choices(pieces, k=rng.randrange(30))),
    }[kind]


HOSTILE = [
    "",
    "=",
    "\0",
    "x=\n",
    "x+٣=4",
    "x+1=²",
    "a=\uff13;b=a^1;print(b)",
    "x+1=4\n\n",
    "x" * 1_000_000,
    " " * 1_000_000 + "x+1=4",
    "x" + "+1" * 500_000 + "=4",
    "x" + "+1-1" * 30 + "=4",
    "x+1=" + "9" * 100_000,
    "a=1;" + "b=a^1;" * 200_000 + "print(b)",
    "a=1;b=a^1;print(b)" * 10_000,
    "__import__('os').system('true')",
    "\ud800",
]


def test_reading_hostile_text_is_quick_and_never_raises(env: Environment) -> None:
    rng = rng_for(0, "hostile")
    pieces = env.vocabulary()
    texts = [damaged(draft.prompt, pieces, rng) for draft in drawn(env, "hostile", 3) for _ in range(80)]
    slowest, num_read = 0.0, 0
    for text in [*HOSTILE, *texts]:
        began = time.thread_time()
        outcome = env.read_problem(text)
        slowest = max(slowest, time.thread_time() - began)
        if isinstance(outcome, Draft):
            num_read += 1
            assert env.read_problem(outcome.prompt) == outcome
        else:
            assert outcome.reason
            assert len(outcome.detail) <= 200
    assert len(texts) > 3000
    assert 0 < num_read < len(texts) / 2
    assert slowest < READ_LIMIT_S


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_rejected_and_any_reply_has_an_answer_or_none(text: str) -> None:
    for name, (options, make) in ENVIRONMENTS.items():
        env: Environment = make(options(), None)
        problem = PROBLEMS[name]
        assert isinstance(env.read_problem(text), Draft | Rejection)
        answer = env.read_answer(problem, f"{problem.prompt[0]}={text}")
        assert answer is None or answer


PROBLEMS = {
    name: Problem(name, prompt, reference, Origin.GENERATED, level=1)
    for name, prompt, reference in (("programs", "a=1;b=a^2;print(b)", "1a3b"), ("equations", "x+3=4", "x=1"))
}


def test_a_mutant_keeps_its_level_and_is_a_problem(env: Environment) -> None:
    rng = rng_for(0, "mutate")
    drafts = drawn(env, "mutate", 20)
    mutants = [env.mutate(draft, rng, 0.5) for draft in drafts]
    assert [env.read_problem(mutant.prompt) for mutant in mutants] == [Draft(m.prompt, m.level) for m in mutants]
    assert [mutant.level for mutant in mutants] == [draft.level for draft in drafts]
    num_changed = sum(mutant.prompt != draft.prompt for mutant, draft in zip(mutants, drafts, strict=True))
    assert num_changed > 0.8 * len(drafts)


def test_a_share_of_nothing_changes_nothing(env: Environment) -> None:
    drafts = drawn(env, "mutate", 5)
    assert [env.mutate(draft, rng_for(0, "mutate"), 0.0) for draft in drafts] == drafts


def test_prompts_and_replies_are_made_of_the_vocabulary(env: Environment) -> None:
    from selfplay.models import make_tokenizer

    tokenizer = make_tokenizer(env.vocabulary())
    rng = rng_for(0, "vocabulary")
    for problem in grounded(env, "vocabulary", 20):
        asked, proposal = env.proposer_reply(problem)
        shown = env.solver_prompt(problem, rng, 4)
        for prompt, reply in ((asked, proposal), (shown, env.solver_reply(problem))):
            rest = reply.removeprefix(prompt.prefix)
            parts = [*(message.text for message in prompt.messages), prompt.prefix, rest]
            apart = [token for part in parts for token in tokenizer(part).input_ids]
            assert tokenizer.unk_token_id not in apart
            assert tokenizer.decode(apart) == "".join(parts)
            assert tokenizer("".join(parts)).input_ids == apart, "a forced prefix must end where a piece ends"


def test_every_piece_of_the_vocabulary_is_used_once_it_is_listed(env: Environment) -> None:
    pieces = sorted(env.vocabulary(), key=len, reverse=True)
    assert len(set(pieces)) == len(pieces)
    pattern = re.compile("|".join(map(re.escape, pieces)))
    rng = rng_for(0, "pieces")
    used: set[str] = set()
    for problem in grounded(env, "pieces", 40):
        asked, proposal = env.proposer_reply(problem)
        shown = env.solver_prompt(problem, rng, 4)
        for text in (asked.messages[0].text, proposal, shown.messages[0].text, env.solver_reply(problem)):
            used.update(pattern.findall(text))
    assert used == set(pieces)


def test_the_reply_grows_with_the_level(env: Environment) -> None:
    lengths = []
    for level in env.levels:
        rng = rng_for(0, "length", level)
        problems = [p for p in env.ground([env.draw(level, rng) for _ in range(10)]) if isinstance(p, Problem)]
        found = {num_tokens(env, env.solver_reply(problem)) for problem in problems}
        assert len(found) == 1
        lengths += found
    assert lengths == sorted(set(lengths))


def test_the_number_of_problems_of_a_level_is_what_drawing_finds(env: Environment) -> None:
    rng = rng_for(0, "count")
    count = env.num_problems(1)
    assert len({env.draw(1, rng).prompt for _ in range(25 * count)}) == count


def test_a_larger_held_out_split_extends_a_smaller_one_and_has_no_twins(env: Environment) -> None:
    levels = [1, 3, 5]
    small, large = held_out_split(env, levels, 20), held_out_split(env, levels, 50)
    assert held_out_split(env, levels, 20) == small
    for level in levels:
        assert large[level][:20] == small[level]
        assert len({problem.id for problem in large[level]}) == 50


def test_the_solver_is_given_the_beginning_of_the_reference_solution(env: Environment) -> None:
    rng = rng_for(0, "prefix")
    for problem in grounded(env, "prefix", 5):
        assert env.solver_reply(problem).startswith(env.solver_prompt(problem, rng, 2).prefix)


def test_an_augmented_problem_has_the_reference_that_grounding_it_gives_and_its_reply_is_right(
    env: Environment,
) -> None:
    problems = grounded(env, "augment", 5)
    rng = random.Random(0)
    moved = [env.augment(problem, env.solver_reply(problem), rng) for problem in problems]
    again = [p for p in env.ground([Draft(one.prompt, one.level) for one, _ in moved]) if isinstance(p, Problem)]
    assert [problem.reference for problem, _ in moved] == [problem.reference for problem in again]
    assert [reply for _, reply in moved] == [env.solver_reply(problem) for problem in again]
    assert len({problem.id for problem, _ in moved} - {problem.id for problem in problems}) > len(problems) / 2


def test_a_reply_in_free_words_is_not_augmented(env: Environment) -> None:
    problem = grounded(env, "free words", 1)[-1]
    reply = f"I think about it. {env.solver_reply(problem)}"
    assert env.augment(problem, reply, random.Random(1)) == (problem, reply)
