"""LocalJudge: log-probabilities checked against reading every text alone, and opinions made of them."""

from __future__ import annotations

import math
import random
import string
from typing import Any

import numpy as np
import pytest
import torch
from builders import problem

from selfplay.config import ScratchConfig
from selfplay.judge import compare
from selfplay.judgements import Choice, Comparison, Criterion
from selfplay.judges import local
from selfplay.judges.local import LocalJudge, choice_logprobs
from selfplay.models import make_model, make_tokenizer
from selfplay.policy import HFPolicy
from selfplay.types import Message, Prompt

RUBRIC = (Criterion("clear", "Is it clear?", top=3), Criterion("true", "Is it true?", top=10, weight=2.0))


def policy(seed: int = 0, pieces: tuple[str, ...] = (), **shape: Any) -> HFPolicy:
    """A tiny model with random weights that reads ASCII, letter by letter but for `pieces`."""
    torch.set_num_threads(1)
    tokenizer = make_tokenizer([*pieces, *string.printable[:95], "\n"])
    scratch = ScratchConfig(**{"max_positions": 2000, "init_std": 0.3, "rope_layers": [1, 0], **shape})
    return HFPolicy(make_model(scratch, tokenizer, seed), tokenizer)


def prompts(count: int) -> list[Prompt]:
    rng = random.Random(count)
    texts = ["".join(rng.choices(string.ascii_lowercase + " ", k=rng.randrange(1, 60))) for _ in range(count)]
    return [Prompt((Message("user", text),), prefix="So:") for text in texts]


def alone(judge: HFPolicy, prompt: Prompt, choice: str) -> float:
    """The log-probability of a choice by one plain forward pass of one text, without padding."""
    written = judge.reference("judge", prompt, prompt.prefix + choice)
    ids = torch.tensor([written.token_ids[:-1]])
    with torch.inference_mode():
        logprobs = judge.model(input_ids=ids).logits[0].double().log_softmax(-1)
    places = [place for place, own in enumerate(written.sampled[:-1]) if own]
    return sum(float(logprobs[place - 1, ids[0, place]]) for place in places)


@pytest.mark.parametrize("choices", [("A", "B"), (" A", " B"), ("A", "no", " neither")])
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_logprobs_are_those_of_reading_each_text_alone_however_batched(
    choices: tuple[str, ...], batch_size: int
) -> None:
    judge, asked = policy(), prompts(10)
    found = choice_logprobs(judge, asked, choices, batch_size)
    expected = [[alone(judge, prompt, choice) for choice in choices] for prompt in asked]
    assert found.shape == (10, len(choices))
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_single_token_choices_add_up_to_their_share_of_everything() -> None:
    judge = policy()
    every = [piece for piece in judge.tokenizer.get_vocab() if len(piece) == 1]
    total = np.exp(choice_logprobs(judge, prompts(4), every)).sum(axis=1)
    assert ((total > 0.9) & (total < 1.0)).all()  # the rest is padding, end and unknown


def test_each_text_is_read_once_for_all_its_single_token_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    judge, rows = policy(), []
    real = judge.model.forward
    monkeypatch.setattr(judge.model, "forward", lambda **given: rows.append(len(given["input_ids"])) or real(**given))
    choice_logprobs(judge, prompts(10), ("A", "B", "C"), batch_size=4)
    assert sorted(rows) == [2, 4, 4]


def test_the_model_stays_in_the_mode_it_was_in() -> None:
    judge = policy()
    for mode in (True, False):
        judge.model.train(mode)
        choice_logprobs(judge, prompts(1), ("A",))
        assert judge.model.training is mode
    assert choice_logprobs(judge, [], ("A", "B")).shape == (0, 2)


def test_a_preference_is_the_share_of_a_against_b() -> None:
    judge = LocalJudge(policy(pieces=(" A", " B")))
    asked = [Comparison(problem(f"Say {index}"), "left", f"right {index}") for index in range(8)]
    found = judge.prefer(asked)
    assert {one.choice for one in found} <= {Choice.FIRST, Choice.SECOND}
    for one in found:
        assert one.probability is not None
        assert (one.choice is Choice.FIRST) is (one.probability > 0.5)
    assert len({one.probability for one in found}) == 8
    (both,) = compare(judge, [(asked[0].problem, "left", "right")], 0)
    assert both.judged_by == "local"


def test_a_model_that_says_a_whatever_it_reads_has_no_choice_in_both_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = LocalJudge(policy())
    monkeypatch.setattr(local, "choice_logprobs", lambda policy, prompts, *rest: np.log([[0.8, 0.1] for _ in prompts]))
    (one,) = compare(judge, [(problem(), "a", "b")], 0)
    assert (one.forward.choice, one.choice) == (Choice.FIRST, Choice.ABSTAIN)
    assert one.probability == pytest.approx(0.5)


def test_a_rating_is_the_mean_mark_of_the_distribution() -> None:
    judge = LocalJudge(policy())
    (found,) = judge.rate([(problem("Say"), "a reply")], RUBRIC)
    assert found.score is not None
    assert 0.0 < found.score < 1.0
    assert [name for name, _ in found.scores] == ["clear", "true"]
    assert all(0 <= mark <= top for (_, mark), top in zip(found.scores, (3, 10), strict=True))
    assert judge.rate([], RUBRIC) == []


def test_means_and_abstentions_are_as_computed_by_hand() -> None:
    judge = LocalJudge(policy(), min_mass=0.5)
    even, sure = np.log([0.25, 0.25, 0.25, 0.25]), np.log([0.5, 0.0, 0.0, 0.25], where=[True, False, False, True],
                                                         out=np.full(4, -math.inf))  # fmt: skip
    rating = judge._rating((Criterion("clear", "?", top=3),), [judge._shares(even)])
    assert rating.score == pytest.approx(1.5 / 3)
    rating = judge._rating((Criterion("clear", "?", top=3),), [judge._shares(sure)])
    assert (rating.score, rating.scores) == (pytest.approx((1 / 3 * 3) / 3), (("clear", 0),))
    assert judge._shares(np.log([0.2, 0.2])) is None
    assert judge._opinion(np.log([0.2, 0.2])).choice is Choice.ABSTAIN
    assert judge._opinion(np.log([0.6, 0.2])).probability == pytest.approx(0.75)
    assert judge._rating(RUBRIC, [judge._shares(even), None]).score is None
    close = LocalJudge(judge.policy, margin=0.1)
    assert close._opinion(np.log([0.3, 0.25])).choice is Choice.ABSTAIN
    assert close._opinion(np.log([0.2, 0.6])).choice is Choice.SECOND


def test_what_is_longer_than_the_model_can_read_is_an_abstention_and_harms_no_neighbour() -> None:
    judge = LocalJudge(policy(max_positions=700))
    short, long = Comparison(problem(), "a", "b"), Comparison(problem(), "a" * 800, "b")
    found = judge.prefer([short, long, short])
    assert found[1].choice is Choice.ABSTAIN
    assert found[1].probability is None
    assert found[0].probability == pytest.approx(found[2].probability)
    assert [one.score is None for one in judge.rate([(problem(), "a" * 800), (problem(), "a")], RUBRIC)] == [
        True,
        False,
    ]
