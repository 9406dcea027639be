"""Muon with AdamW takes the right weights, equals its parts, and learning rates are shares of their peak."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from learner_helpers import demonstrations, distance, logprobs_of, model_of, settings, weights

from selfplay.learners.optimizers import MuonWithAdamW, make_optimizer, make_schedule

MUON = {"optimizer": "muon", "muon_learning_rate": 0.02, "learning_rate": 3e-3, "weight_decay": 0.1}


def set_gradients(model: torch.nn.Module, seed: int) -> None:
    model.zero_grad()
    loss = -torch.cat([logprobs_of(model, row.transcript) for row in demonstrations(3, seed)]).mean()
    loss.backward()


def test_muon_takes_the_matrices_inside_and_adamw_the_embedding_and_norms() -> None:
    model = model_of()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    optimizer = make_optimizer(model, settings(**MUON))
    assert isinstance(optimizer, MuonWithAdamW)
    matrices, others = (
        {names[id(p)] for group in part.param_groups for p in group["params"]} for part in optimizer.parts
    )
    assert "model.embed_tokens.weight" in others
    assert all("proj" in name for name in matrices)
    assert all("norm" in name or "embed" in name for name in others)
    assert matrices | others == set(names.values())


def test_a_step_equals_the_steps_of_the_two_parts() -> None:
    model, twin = model_of(), model_of()
    both = make_optimizer(model, settings(**MUON))
    matrices = [p for name, p in twin.named_parameters() if "proj" in name]
    others = [p for name, p in twin.named_parameters() if "proj" not in name]
    parts = [
        torch.optim.Muon(matrices, lr=0.02, momentum=0.95, weight_decay=0.1, ns_steps=4),
        torch.optim.AdamW(others, lr=3e-3, betas=(0.9, 0.98), weight_decay=0.1),
    ]
    for seed in range(3):
        set_gradients(model, seed)
        set_gradients(twin, seed)
        both.step()
        for part in parts:
            part.step()
    assert distance(weights(model), weights(twin)) == 0.0


@pytest.mark.parametrize("changes", [{}, MUON], ids=["adamw", "muon"])
def test_a_saved_state_continues_exactly(changes: dict[str, object], tmp_path: Path) -> None:
    model, twin = model_of(), model_of()
    optimizer = make_optimizer(model, settings(**changes))
    set_gradients(model, 0)
    optimizer.step()
    torch.save(optimizer.state_dict(), tmp_path / "state")
    twin.load_state_dict(model.state_dict())
    resumed = make_optimizer(twin, settings(**changes))
    resumed.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    for each, stepper in ((model, optimizer), (twin, resumed)):
        set_gradients(each, 1)
        stepper.step()
    assert distance(weights(model), weights(twin)) == 0.0


def test_frozen_parameters_are_left_out() -> None:
    model = model_of()
    model.model.layers[0].requires_grad_(False)
    optimizer = make_optimizer(model, settings(**MUON))
    taken = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert taken == {id(p) for p in model.parameters() if p.requires_grad}


@pytest.mark.parametrize("changes", [{}, MUON], ids=["adamw", "muon"])
def test_rates_run_linearly_between_the_given_shares_of_each_peak(changes: dict[str, object]) -> None:
    optimizer = make_optimizer(model_of(), settings(**changes))
    peaks = [group["lr"] for group in optimizer.param_groups]
    schedule = make_schedule(optimizer, 3, (1.0, 0.5))
    for share in (1.0, 0.75, 0.5):
        assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([share * peak for peak in peaks])
        optimizer.step()
        schedule.step()


def test_a_later_schedule_starts_from_the_peak_also_after_loading() -> None:
    optimizer = make_optimizer(model_of(), settings(learning_rate=1.0))
    make_schedule(optimizer, 2, (0.5, 0.1))
    make_schedule(optimizer, 2, (0.5, 0.1))
    assert optimizer.param_groups[0]["lr"] == 0.5
    fresh = make_optimizer(model_of(), settings(learning_rate=1.0))
    fresh.load_state_dict(optimizer.state_dict())
    make_schedule(fresh, 2, (0.25, 0.1))
    assert fresh.param_groups[0]["lr"] == 0.25


def test_a_single_step_has_the_first_share() -> None:
    optimizer = make_optimizer(model_of(), settings(learning_rate=1.0))
    make_schedule(optimizer, 1, (0.7, 0.1))
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.7)
