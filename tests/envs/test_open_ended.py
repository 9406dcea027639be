"""Open instructions: generated, read from a file, or written by a model; and that none of it is ever verified."""

from __future__ import annotations

import dataclasses
import itertools
import json
import logging
import random
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs import ENVIRONMENTS
from envs.open_ended import OpenEnded, Options
from envs.words import instructions
from envs.words.free_text import overlapping, rouge_l, unfit
from scripts.cases import case_of
from scripts.checks import check
from scripts.report import write_report
from scripts.runs import summarize
from scripts.workers import SharedVerifier
from selfplay.checking import resolved
from selfplay.config import BootstrapConfig, EnvConfig, EvaluationConfig, LearnerConfig, ModelConfig, RunConfig
from selfplay.errors import ConfigError
from selfplay.evaluate import held_out_split
from selfplay.lab import Lab
from selfplay.mirror import flatten
from selfplay.processes import OneProcess
from selfplay.record import Record
from selfplay.scripted import ScriptedLearner, ScriptedPolicy
from selfplay.seeding import rng_for
from selfplay.seeds import SeedData, seed_split
from selfplay.types import Draft, Origin, Problem, Rejection, Status, problem_id
from verifiers import JUDGED, make_verifier

EVERY = OpenEnded(Options(max_level=instructions.MAX_LEVEL))
FREE = OpenEnded(Options(style="instruct"))
PINNED = (
    "Write a news report about a lost glove. Mention the word winter. Use the words once more. "
    "Do not use the word thing.",
    "f8620171f3c55ab9",
)
WISH = "Tell a neighbour why the bins should be moved. Be kind about it."


def problems(env: OpenEnded, level: int, count: int, name: str = "p") -> list[Problem]:
    rng = rng_for(0, name, level)
    return [p for p in env.ground([env.draw(level, rng) for _ in range(count)]) if isinstance(p, Problem)]


# Generated


def test_a_generated_instruction_has_as_many_constraints_as_its_level_and_reads_as_itself() -> None:
    rng = rng_for(0, "read")
    for level in EVERY.levels:
        for _ in range(50):
            draft = EVERY.draw(level, rng)
            instruction = instructions.parse(draft.prompt)
            assert instruction is not None
            assert len(instruction.constraints) == draft.level == level
            assert EVERY.read_problem(draft.prompt) == draft


def test_an_instruction_reads_the_same_with_its_constraints_in_any_order() -> None:
    (one,) = problems(EVERY, 5, 1)
    head, *rest = one.prompt.removesuffix(".").split(". ")
    for order in itertools.permutations(rest):
        read = EVERY.read_problem(". ".join([head, *order]) + ".")
        assert isinstance(read, Draft)
        assert read.prompt == one.prompt


def test_the_sample_reply_meets_every_check_of_its_rubric_and_one_thing_amiss_fails_it() -> None:
    rng, case = random.Random(0), case_of("open_ended")
    with make_verifier("judge") as verifier:
        for level in EVERY.levels:
            found = problems(EVERY, level, 150)
            right = verifier.verify([(p, EVERY.read_answer(p, EVERY.solver_reply(p)) or "") for p in found])
            assert [one.detail for one in right if not one.judged_good] == []
            assert [one for one in verifier.verify([(p, case.wrong(p, rng)) for p in found]) if one.judged_good] == []


def test_every_kind_and_argument_is_drawn_and_equally_often() -> None:
    rng = rng_for(0, "even")
    counts: dict[tuple[str, str], int] = {}
    for _ in range(12_000):
        for constraint in instructions.draw(3, rng).constraints:
            counts[constraint] = counts.get(constraint, 0) + 1
    assert len(counts) == sum(len(arguments) for _, arguments in instructions.KINDS.values()) == 72
    assert 400 < min(counts.values()) < 500 < max(counts.values()) < 600


def test_the_number_of_instructions_is_counted_right() -> None:
    assert instructions.num_instructions(1) == 12 * 24 * 72
    kinds = list(instructions.KINDS)
    texts = {
        instructions.Instruction("a letter", "a cold lake", tuple(zip(pair, arguments, strict=True))).text
        for pair in itertools.combinations(kinds, 2)
        for arguments in itertools.product(*(instructions.KINDS[kind][1] for kind in pair))
    }
    assert instructions.num_instructions(2) == 12 * 24 * len(texts)


def test_a_mutant_keeps_its_level_and_its_kinds() -> None:
    rng = rng_for(0, "mutate")
    for level in EVERY.levels:
        draft = EVERY.draw(level, rng)
        mutant = EVERY.mutate(draft, rng, 1.0)
        assert EVERY.read_problem(mutant.prompt) == Draft(mutant.prompt, level)
        assert EVERY.mutate(draft, rng, 0.0) == draft
    assert FREE.mutate(Draft(WISH, 1), rng, 1.0) == Draft(WISH, 1)


def test_ids_are_what_they_were() -> None:
    draft = EVERY.draw(3, rng_for(0, "id"))
    assert (draft.prompt, problem_id(EVERY.name, draft.prompt)) == PINNED


# Written by a model


def test_a_terse_proposer_writes_the_generators_language_or_is_refused() -> None:
    terse = OpenEnded(Options(max_level=3))
    assert terse.read_problem(WISH) == Rejection("grammar", WISH)
    (four,) = problems(EVERY, 4, 1)
    refused = terse.read_problem(four.prompt)
    assert isinstance(refused, Rejection)
    assert refused.reason == "too_long"
    twice = "Write a letter about a cold lake. Use at most 60 words. Use at most 70 words."
    assert terse.read_problem(twice) == Rejection("grammar", twice[:80])


def test_a_free_instruction_is_a_claim_without_reference_or_rubric() -> None:
    draft = FREE.read_problem(f"<think>bins… neighbours…</think>\n- {WISH}")
    assert draft == Draft(WISH, 1)
    (found,) = FREE.ground([draft])
    assert isinstance(found, Problem)
    assert (found.origin, found.reference, dict(found.payload)) == (Origin.CLAIMED, "", {})
    (generated,) = problems(FREE, 2, 1)
    assert generated.origin is Origin.GENERATED


@pytest.mark.parametrize(("text", "reason"), [
    ("", "length"), ("Write it", "length"), ("word " * 200, "length"), ("a" * 3000 + " b c d", "length"),
    ("Write one thing.\nWrite another thing.", "lines"), ("Write about\x07 a bell.", "characters"),
    ("Write about \ud800 something.", "characters"), ("... write about a bell", "characters"),
    ("Describe the attached picture in words.", "not_text"), ("Summarise the following text for me.", "not_text"),
    ("Write a poem and write a poem and write a poem and write a poem", "repetitive"),
])  # fmt: skip
def test_an_unfit_instruction_is_refused_with_its_reason(text: str, reason: str) -> None:
    outcome = FREE.read_problem(text)
    assert isinstance(outcome, Rejection)
    assert outcome.reason == reason


@pytest.mark.parametrize(
    "text", [WISH, "Explain to a child why the sky is blue.", "What makes a good friend?", "Écris un poème court."]
)
def test_a_fit_instruction_is_not_refused(text: str) -> None:
    assert unfit(text) == ""


def test_a_free_instruction_too_like_an_earlier_one_is_refused() -> None:
    near = "Tell a neighbour why the bins should be moved. Be firm about it."
    other = "Explain to a child why the sky is blue."
    drafts = [Draft(text, 1) for text in (WISH, near, other, WISH)]
    kinds = [one.reason if isinstance(one, Rejection) else "problem" for one in FREE.ground(drafts)]
    assert kinds == ["problem", "not_novel", "problem", "not_novel"]
    loose = OpenEnded(Options(style="instruct", max_overlap=1.0))
    assert isinstance(loose.ground(drafts)[1], Problem)


@pytest.mark.parametrize(("first", "second", "value"), [
    ("a b c d", "a b c d", 1.0), ("a b c d", "a x c y", 0.5), ("a b c", "c b a", 1 / 3), ("a b", "", 0.0),
    ("", "", 0.0), ("a b c d e f", "a c e", 2 * 3 / 9), ("a b", "c d", 0.0),
])  # fmt: skip
def test_rouge_l_has_its_values_computed_by_hand(first: str, second: str, value: float) -> None:
    assert rouge_l(first.split(), second.split()) == pytest.approx(value)


WORDS = st.lists(st.sampled_from("abcd"), max_size=8)


@given(WORDS, st.lists(WORDS, max_size=4), st.floats(0.05, 1.0))
def test_the_first_overlapping_text_is_found_as_by_asking_for_each(
    text: list[str], known: list[list[str]], least: float
) -> None:
    expected = next((other for other in known if rouge_l(text, other) >= least), None)
    assert overlapping(text, known, least) == expected


def test_proposers_are_shown_a_form_or_examples_and_demonstrations_use_the_same_kind_of_prompt() -> None:
    terse = OpenEnded(Options())
    prefixes = {terse.proposer_prompt(random.Random(seed)).prefix for seed in range(400)}
    assert prefixes == {f"Write {form} about " for form in instructions.FORMS}
    for env in (terse, FREE):
        for one in problems(env, 3, 5):
            prompt, reply = env.proposer_reply(one)
            assert reply.startswith(prompt.prefix)
            assert env.read_problem(reply) == Draft(one.prompt, 3)
            assert env.proposer_reply(one) == (prompt, reply)
    text = FREE.proposer_prompt(random.Random(0)).messages[0].text
    examples = [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ")]
    assert len(examples) == 4
    assert all(instructions.parse(example) for example in examples)


@given(st.text(st.characters(), max_size=80))
@settings(deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    for env in (EVERY, FREE):
        outcome = env.read_problem(text)
        assert isinstance(outcome, Draft) or outcome.reason
        answer = env.read_answer(Problem("open_ended", "p", "", Origin.CLAIMED, 1), text)
        assert answer is None or answer.strip() == answer != ""


@pytest.mark.parametrize("text", [
    "x" * 1_000_000, " " * 1_000_000, "Write a letter about a cold lake." + " Use at most 60 words." * 50_000,
    "a " * 500_000, "</think>" * 100_000, "\ud800" * 1_000_000, ". " * 500_000, "." * 1_190 + "a b c d", "a! " * 399,
])  # fmt: skip
def test_reading_takes_milliseconds_whatever_the_text(text: str) -> None:
    for env in (EVERY, FREE):
        began = time.thread_time()
        env.read_problem(text)
        env.read_answer(Problem("open_ended", "p", "", Origin.CLAIMED, 1), text)
        assert time.thread_time() - began < 0.01


# From a file


ROWS: list[dict[str, Any]] = [
    {"instruction": WISH},
    {"prompt": "Describe  a\nquiet street.", "answer": "It is quiet.", "level": 3},
    {"instruction": "Say hello. Say goodbye. Be brief."},
]


@pytest.fixture(params=["jsonl", "parquet"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"wishes.{request.param}"
    if request.param == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    else:
        names = ("instruction", "prompt", "answer", "level")
        pq.write_table(pa.table({name: [row.get(name) for row in ROWS] for name in names}), path)
    return path


def test_rows_of_a_file_are_problems_with_its_answers(file: Path) -> None:
    env = OpenEnded(Options(path=str(file)))
    found = [problems(env, level, 1)[0] for level in (1, 3)]
    assert [(one.prompt, one.reference, one.origin, one.level) for one in found] == [
        (WISH, "", Origin.DATASET, 1),
        ("Describe a quiet street.", "It is quiet.", Origin.DATASET, 3),
    ]
    assert [env.read_problem(one.prompt) for one in found] == [Draft(one.prompt, one.level) for one in found]
    assert [env.num_problems(level) for level in (1, 2, 3, 4)] == [1, 1, 1, instructions.num_instructions(4)]


def test_a_file_and_the_generator_can_be_mixed(file: Path) -> None:
    env = OpenEnded(Options(path=str(file), file_share=0.3))
    origins = [one.origin for one in problems(env, 1, 1000)]
    assert 0.25 < origins.count(Origin.DATASET) / 1000 < 0.35
    assert env.num_problems(1) == 1 + instructions.num_instructions(1)


def test_a_free_instruction_must_differ_from_those_of_the_file(file: Path) -> None:
    env = OpenEnded(Options(style="instruct", path=str(file)))
    (refused,) = env.ground([Draft("Tell a neighbour why the bins should be moved. Be firm about it.", 1)])
    assert isinstance(refused, Rejection)
    assert refused.reason == "not_novel"


def test_bad_rows_are_counted_and_named_with_their_place(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "wishes.jsonl"
    say = '{"instruction": "Say it well.", '
    lines = [json.dumps(ROWS[0]), "{", '{"text": "x"}', '{"instruction": " "}', "[]"]
    lines += [f'{say}"level": 99}}', f'{say}"answer": 7}}', f'{say}"level": true}}']
    path.write_text("\n".join(lines))
    with caplog.at_level(logging.WARNING):
        env = OpenEnded(Options(path=str(path)))
    assert [row.place for row in env.bad_rows] == [f"wishes.jsonl:{number}" for number in range(2, 9)]
    assert "7 rows were left out, 1 are used" in caplog.text
    assert "level is 99, expected 1 to 8" in caplog.text


def test_a_file_without_any_usable_row_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "wishes.jsonl"
    path.write_text('{"text": "x"}\n')
    with pytest.raises(ConfigError, match=r"env\.options\.path.*no usable row.*wishes\.jsonl:1"):
        OpenEnded(Options(path=str(path)))
    with pytest.raises(ConfigError, match="which is no file"):
        OpenEnded(Options(path=str(tmp_path / "none.jsonl")))


# Never verified


class Taught(OpenEnded):
    """`open_ended`, where a scripted policy is told the reply to every problem that is posed."""

    pupils: tuple[ScriptedPolicy, ...] = ()

    def ground(self, drafts: Any) -> list[Problem | Rejection]:
        grounded = super().ground(drafts)
        for pupil in self.pupils:
            pupil.teach([one for one in grounded if isinstance(one, Problem)])
        return grounded


def run(folder: Path, style: str, recipe: str, learner: str, **options: Any) -> Lab:
    """A whole run of scripted parts on `open_ended`, through the verifier that its own configuration makes."""
    config = RunConfig(
        recipe, 2, EnvConfig("open_ended", {"style": style, "max_level": 4}), ModelConfig(name="scripted"),
        LearnerConfig(learning_rate=1.0, batch_size=8, name=learner),  # type: ignore[arg-type]
        evaluation=EvaluationConfig(every=1, num_problems=3), options=options,
    )  # fmt: skip
    checked = check(config)
    env = Taught(checked.env_options)
    policy = ScriptedPolicy(env)
    env.pupils = (policy,)
    held_out = held_out_split(env, list(env.levels), 3)
    ids = {one.id for level in held_out.values() for one in level}
    seeds = SeedData(policy, env, seed_split(env, [1, 2], 6, ids))
    record = Record.create(folder, resolved(config), {})
    with make_verifier(env.verifier) as verifier:
        shared = SharedVerifier(verifier, OneProcess())
        lab = Lab(config, env, shared, policy, ScriptedLearner(policy), record, held_out, seeds, policy.snapshot)
        start = lab.measure()
        checked.recipe.run(lab, checked.options)
    summary = summarize(
        lab,
        {"held_out": start.held_out, "judged": start.judged, "seconds": {}, "tokens": {}},
        1.0,
    )
    record.write_summary(summary)
    return lab


EXPERT = {"num_proposals": 8, "num_attempts": 3, "steps": 2, "mutation": 0.0}
RUNS: list[tuple[str, str, str, dict[str, Any]]] = [
    (style, "expert_iteration", learner, {**EXPERT, "accept_judged": accept, "truth": truth})
    for style in ("terse", "instruct")
    for learner in ("supervised", "policy_gradient")
    for accept in (False, True)
    for truth in ("reference", "first_answer")
] + [
    ("terse", "seed_data", "supervised", {"steps": 2}),
    ("terse", "ttrl", "policy_gradient", {"num_problems": 4, "num_votes": 4, "num_trained": 2}),
    ("terse", "rest_em", "supervised", {"num_problems": 6, "num_attempts": 2, "steps": 2, "seed_share": 0.5}),
    ("terse", "star", "supervised", {"num_problems": 6, "steps": 2, "seed_share": 0.5}),
]


@pytest.fixture(scope="module", params=RUNS, ids=lambda run: "-".join(map(str, (*run[:3], *run[3].values()))))
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    style, recipe, learner, options = request.param
    return run(tmp_path_factory.mktemp("open") / "run", style, recipe, learner, **options)


def test_no_run_however_configured_reports_a_judged_verdict_as_verified(lab: Lab) -> None:
    rounds = list(lab.past())
    assert len(rounds) == 2
    attempts = [a for one in rounds for episode in one.episodes for a in episode.attempts]
    assert not any(a.verdict.verified or a.correct for a in attempts)
    for line in lab.record.metrics():
        assert line["held_out"] == {}
        assert not any(line["verdicts"].values())
        assert line["solve_rates"] == {}
        assert not sum(line["solve_rate_histogram"])
        assert line["judged"]["held_out"]["open_ended"].keys() == {"1", "2", "3", "4"}
        sent = dict(flatten(line))
        assert not any(name.startswith(("held_out", "solve_rates/")) or "accuracy" in name for name in sent)
        assert not any(value for name, value in sent.items() if name.startswith("verdicts/"))
    summary = lab.record.summary() or {}
    assert (summary["held_out"]["before"], summary["held_out"]["after"]) == ({}, {})
    assert summary["judged"]["held_out"]["after"]["open_ended"]["1"] > 0.0


def test_a_run_with_a_judge_counts_what_it_said_and_pays_it_only_if_told(lab: Lab) -> None:
    if lab.config.recipe != "expert_iteration":
        return
    accept = lab.config.options["accept_judged"]
    rounds = list(lab.past())
    attempts = [a for one in rounds for episode in one.episodes for a in episode.attempts]
    judge = "label" if lab.config.options["truth"] == "first_answer" else "scripted_rubric"
    assert {a.verdict.judged_by for a in attempts} == {judge}
    assert {a.verdict.status for a in attempts} >= {Status.CORRECT, Status.WRONG}
    paid = [reward for one in rounds for group in one.attempt_rewards for reward in group if reward is not None]
    assert bool(paid) is accept
    assert {name for reward in paid for name, _ in reward.terms} <= {"judged"}
    proposals = [reward for one in rounds for reward in one.proposal_rewards if reward is not None]
    assert "learnability" not in {name for reward in proposals for name, _ in reward.terms}
    counted = sum(line["judged"]["by"][judge] for line in lab.record.metrics())
    assert counted == len(attempts)


def test_the_report_of_such_a_run_claims_no_accuracy(lab: Lab) -> None:
    page = write_report(lab.record.run_dir).read_text(encoding="utf-8")
    assert "Judged, not verified" in page
    for claim in ("Held-out accuracy", "decided attempts correct", "CORRECT", "How many attempts solved"):
        assert claim not in page, claim


def test_no_option_of_the_environment_changes_who_judges() -> None:
    options, make = ENVIRONMENTS["open_ended"]
    assert {one.name for one in dataclasses.fields(options)}.isdisjoint({"verifier", "judged_by"})
    for style in ("terse", "instruct"):
        assert make(options(style=style), None).verifier in JUDGED


def test_a_bootstrap_which_needs_an_accuracy_is_refused() -> None:
    config = RunConfig(
        "seed_data", 1, EnvConfig("open_ended"), ModelConfig(name="m"), LearnerConfig(learning_rate=1.0, batch_size=8),
        bootstrap=BootstrapConfig(**_required(BootstrapConfig)),
    )  # fmt: skip
    with pytest.raises(ConfigError, match="bootstrap: got one for open_ended"):
        check(config)


def _required(cls: Any) -> dict[str, Any]:
    known = {"learning_rate": 1e-3, "batch_size": 8, "max_steps": 10, "seed_levels": (1, 2)}
    return {one.name: known[one.name] for one in dataclasses.fields(cls) if one.name in known}
