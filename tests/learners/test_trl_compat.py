"""Canaries: what the learners lean on inside TRL and transformers still is as it was when they were written."""

from __future__ import annotations

import copy
import inspect
from pathlib import Path

import pytest
import torch
import trl
from learner_helpers import TOKENIZER, demonstrations, model_of, random_rows, settings
from trl import GRPOTrainer, SFTConfig, SFTTrainer

from selfplay.errors import UserError
from selfplay.learners import trl_compat
from selfplay.learners.policy_gradient import PolicyGradientLearner
from selfplay.learners.supervised import SupervisedLearner


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("_prepare_inputs", ["self", "generation_batch"]),
        ("_compute_loss", ["self", "model", "inputs"]),
        ("_get_train_sampler", ["self", "dataset"]),
        ("_get_per_token_logps_and_entropies", ["self", "model", "input_ids", "attention_mask", "logits_to_keep"]),
    ],
)
def test_private_methods_have_the_parameters_we_call_them_with(name: str, parameters: list[str]) -> None:
    function = inspect.unwrap(getattr(GRPOTrainer, name))
    assert list(inspect.signature(function).parameters)[: len(parameters)] == parameters


def test_the_loss_reads_the_keys_that_rows_provide() -> None:
    source = inspect.getsource(inspect.unwrap(GRPOTrainer._compute_loss))
    for key in ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask", "tool_mask", "advantages"):
        assert f'"{key}"' in source
    for key in ("num_items_in_batch", "old_per_token_logps", "ref_per_token_logps"):
        assert f'"{key}"' in source


def test_private_attributes_that_we_set_exist(tmp_path: Path) -> None:
    trainer = PolicyGradientLearner(model_of(), TOKENIZER, settings(), tmp_path).trainer
    for name in (
        "_step",
        "_buffered_inputs",
        "_metrics",
        "_last_world_entropy",
        "entropy_coef",
        "ref_model",
        "_tokenizer",
    ):
        assert name in vars(trainer), name


def test_a_bare_trl_trainer_patches_forward_on_the_instance_and_a_deep_copy_runs_the_original(tmp_path: Path) -> None:
    """The behaviour that `detach` is for: when this fails, `detach` may have become unnecessary."""
    from datasets import Dataset

    model = model_of()
    SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=str(tmp_path),
            dataset_kwargs={"skip_prepare_dataset": True},
            **trl_compat.common_arguments(model.device, 1, 1, 1.0),
        ),
        train_dataset=Dataset.from_dict({"input_ids": [[0]], "labels": [[0]]}),
        processing_class=TOKENIZER,
    )
    assert "forward" in vars(model)
    ids = torch.tensor([[3, 4, 5]])
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.zero_()
        assert torch.equal(copied(input_ids=ids).logits, model(input_ids=ids).logits)
        trl_compat.unpatch(copied)
        assert not copied(input_ids=ids).logits.any()


def test_a_model_is_patched_only_while_one_of_its_trainers_trains(tmp_path: Path) -> None:
    model = model_of()
    first = SupervisedLearner(model, TOKENIZER, settings(), tmp_path)
    second = PolicyGradientLearner(model, TOKENIZER, settings(), tmp_path)
    assert "forward" not in vars(model)
    seen = []
    inside = second.trainer._compute_loss
    second.trainer._compute_loss = lambda *given: (seen.append(vars(model)["forward"]), inside(*given))[1]
    first.update(demonstrations(3), 0)
    second.update(random_rows(3), 0)
    assert seen == [second.trainer.own_forward]
    assert first.trainer.own_forward is not second.trainer.own_forward
    assert "forward" not in vars(model)


def test_the_patch_is_taken_off_when_training_fails(tmp_path: Path) -> None:
    model = model_of()
    learner = SupervisedLearner(model, TOKENIZER, settings(), tmp_path)

    def fail(*_: object) -> None:
        raise ArithmeticError

    learner.optimizer.register_step_pre_hook(fail)
    with pytest.raises(ArithmeticError):
        learner.update(demonstrations(3), 0)
    assert "forward" not in vars(model)


def test_training_many_times_writes_no_files_and_prints_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    learners = (
        SupervisedLearner(model_of(), TOKENIZER, settings(), tmp_path),
        PolicyGradientLearner(model_of(), TOKENIZER, settings(trl={"beta": 0.1}), tmp_path),
    )
    for seed in range(2):
        learners[0].update(demonstrations(5), seed)
        learners[1].update(random_rows(5), seed)
    assert list(tmp_path.iterdir()) == []
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


@pytest.mark.parametrize("version", ["1.15.9", "1.17.0", "2.0"])
def test_another_series_of_trl_is_refused(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trl_compat.check_version()
    monkeypatch.setattr(trl, "__version__", version)
    with pytest.raises(UserError, match=version):
        trl_compat.check_version()
