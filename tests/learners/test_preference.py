"""The preference learner minimises DPO's loss against the previous iterate, shares a model, and resumes exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as functional
from learner_helpers import (
    TOKENIZER,
    GradientRecorder,
    demonstrations,
    digest,
    distance,
    gradients_of,
    logprobs_of,
    model_of,
    random_rows,
    random_transcripts,
    settings,
    weights,
)

from selfplay.learners.policy_gradient import PolicyGradientLearner
from selfplay.learners.preference import PreferenceLearner
from selfplay.learners.supervised import SupervisedLearner
from selfplay.types import Preference

BETA = 0.3


def pairs(count: int, seed: int = 0) -> list[Preference]:
    rows = random_transcripts(2 * count, seed)
    return [Preference(rows[index], rows[count + index]) for index in range(count)]


def learner_of(model: Any, folder: Path, **changes: Any) -> PreferenceLearner:
    return PreferenceLearner(model, TOKENIZER, settings(**{"trl": {"beta": BETA}, **changes}), folder)


def by_hand(model: Any, rows: list[Preference], reference: list[tuple[float, float]]) -> torch.Tensor:
    """-log sigmoid(beta (log ratio of chosen - log ratio of rejected)), averaged over pairs (2305.18290, eq. 7)."""
    losses = []
    for pair, (chosen, rejected) in zip(rows, reference, strict=True):
        gain = (logprobs_of(model, pair.chosen).sum() - chosen) - (logprobs_of(model, pair.rejected).sum() - rejected)
        losses.append(-functional.logsigmoid(BETA * gain))
    return torch.stack(losses).mean()


@pytest.mark.parametrize("micro_batch_size", [None, 1, 3])
def test_loss_and_gradient_equal_dpo_written_by_hand(micro_batch_size: int | None, tmp_path: Path) -> None:
    model, rows = model_of(), pairs(6)
    with torch.no_grad():
        reference = [
            (float(logprobs_of(model, p.chosen).sum()), float(logprobs_of(model, p.rejected).sum())) for p in rows
        ]
    expected = gradients_of(model, loss := by_hand(model, rows, reference))
    learner = learner_of(model, tmp_path, batch_size=6, micro_batch_size=micro_batch_size)
    learner.optimizer = recorder = GradientRecorder(model)
    metrics = learner.update(rows, 0)
    assert distance(recorder.seen, expected) < 1e-5
    assert metrics["loss"] == pytest.approx(loss.item(), abs=1e-5) == pytest.approx(0.6931, abs=1e-3)
    assert metrics["steps"] == recorder.steps == 1
    assert metrics["tokens"] == sum(len(p.chosen.token_ids) + len(p.rejected.token_ids) for p in rows)


def test_log_probabilities_are_those_of_a_plain_pass_in_the_given_order(tmp_path: Path) -> None:
    model, rows = model_of(), random_transcripts(9)
    found = learner_of(model, tmp_path, batch_size=2).log_probabilities(rows)
    assert found == pytest.approx([float(logprobs_of(model, row).sum().detach()) for row in rows], abs=1e-4)


def test_training_makes_the_chosen_ones_likelier_than_the_rejected(tmp_path: Path) -> None:
    model, rows = model_of(), pairs(16)
    learner = learner_of(model, tmp_path, learning_rate=3e-3)
    before = learner.log_probabilities([side for pair in rows for side in (pair.chosen, pair.rejected)])
    accuracy = [learner.update(rows, number).get("accuracy", 0.0) for number in range(4)][-1]
    after = learner.log_probabilities([side for pair in rows for side in (pair.chosen, pair.rejected)])
    gains = [new - old for new, old in zip(after, before, strict=True)]
    margins = [gains[2 * index] - gains[2 * index + 1] for index in range(len(rows))]
    assert sum(margin > 0 for margin in margins) >= 14
    assert sum(margins) / len(margins) > 1.0
    assert 0.0 <= accuracy <= 1.0


def test_the_reference_is_the_model_as_the_update_begins(tmp_path: Path) -> None:
    rows = pairs(8)
    learner = learner_of(model_of(), tmp_path, learning_rate=3e-3)
    first, second = (learner.update(rows, 0)["loss"] for _ in range(2))
    assert first == pytest.approx(0.6931, abs=1e-3)
    assert second == pytest.approx(0.6931, abs=1e-3)  # one step: the loss is taken before it


def test_a_run_that_is_saved_loaded_and_continued_equals_the_uninterrupted_one(tmp_path: Path) -> None:
    whole = learner_of(model_of(), tmp_path)
    whole.update(pairs(13, 1), 1, (1.0, 0.5))
    whole.save(tmp_path / "checkpoint")
    whole.update(pairs(13, 2), 2, (1.0, 0.5))
    again = learner_of(model_of(seed=9), tmp_path)
    again.load(tmp_path / "checkpoint")
    again.update(pairs(13, 2), 2, (1.0, 0.5))
    assert digest(again.model) == digest(whole.model)


def test_three_learners_share_one_model(tmp_path: Path) -> None:
    model = model_of()
    preference = learner_of(model, tmp_path)
    others = (
        SupervisedLearner(model, TOKENIZER, settings(), tmp_path),
        PolicyGradientLearner(model, TOKENIZER, settings(), tmp_path),
    )
    start = digest(model)
    preference.update(pairs(8), 0)
    others[0].update(demonstrations(8), 1)
    others[1].update(random_rows(8), 2)
    preference.update(pairs(8), 3)
    assert digest(model) != start
    assert "forward" not in model.__dict__


def test_from_base_goes_back_to_the_weights_of_the_start(tmp_path: Path) -> None:
    learner = learner_of(model_of(), tmp_path, between_rounds="from_base")
    learner.update(pairs(8), 0)
    once = weights(learner.model)
    learner.update(pairs(8, 1), 1)
    learner.update(pairs(8), 0)
    assert all(torch.equal(once[name], tensor) for name, tensor in weights(learner.model).items())


def test_no_pairs_change_nothing_and_other_rows_are_refused(tmp_path: Path) -> None:
    learner = learner_of(model_of(), tmp_path)
    start = digest(learner.model)
    assert learner.update([], 0) == {"loss": 0.0, "tokens": 0, "steps": 0}
    assert digest(learner.model) == start
    with pytest.raises(TypeError, match="expected pairs of transcripts"):
        learner.update(demonstrations(2), 0)
    with pytest.raises(TypeError, match="expected demonstrations"):
        SupervisedLearner(model_of(), TOKENIZER, settings(), tmp_path).update(pairs(2), 0)


def test_ipo_and_other_losses_of_trl_pass_through(tmp_path: Path) -> None:
    plain = learner_of(model_of(), tmp_path, trl={"beta": BETA, "loss_type": ["ipo"]})
    assert plain.update(pairs(8), 0)["loss"] == pytest.approx((1 / (2 * BETA)) ** 2, rel=1e-3)


def test_a_pair_whose_transcripts_are_equal_has_no_gradient(tmp_path: Path) -> None:
    learner = learner_of(model_of(), tmp_path)
    learner.optimizer = recorder = GradientRecorder(learner.model)
    row = random_transcripts(1)[0]
    learner.update([Preference(row, replace(row))], 0)
    assert max(float(gradient.abs().max()) for gradient in recorder.seen.values()) < 1e-6
