"""The policy-gradient learner takes the gradient that the formulas say of the rows it is given, and resumes exactly."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
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
    settings,
    transcript,
    weights,
    with_logprobs,
)

from selfplay.config import LoraConfig
from selfplay.errors import ConfigError, RecordError
from selfplay.learners import grpo_rows
from selfplay.learners.grpo_rows import row_tensors, spread
from selfplay.learners.policy_gradient import PolicyGradientLearner
from selfplay.models import with_lora
from selfplay.types import Credited

HERE = Path(__file__).parent
LOSSES = ["dapo", "grpo", "dr_grpo", "bnpo"]


def learner_of(model: Any, folder: Path, **changes: Any) -> PolicyGradientLearner:
    return PolicyGradientLearner(model, TOKENIZER, settings(**changes), folder)


def recorded(model: Any, rows: list[Credited], folder: Path, **changes: Any) -> tuple[dict[str, torch.Tensor], float]:
    """The gradient of one step over all rows, and the loss."""
    learner = learner_of(model, folder, batch_size=len(rows), **changes)
    recorder = GradientRecorder(model)
    learner.optimizer = recorder
    metrics = learner.update(rows, 0)
    assert metrics["steps"] == recorder.steps == 1
    return recorder.seen, metrics["loss"]


def by_hand(model: Any, rows: list[Credited], loss_type: str, epsilon: float = 0.2, limit: int = 512) -> torch.Tensor:
    """Clipped policy gradient with each paper's normalisation, one row at a time, no padding."""
    sums, lengths = [], []
    for row in rows:
        now = logprobs_of(model, row.transcript)
        old = torch.tensor(row.transcript.logprobs) if row.transcript.logprobs else now.detach()
        ratio = torch.exp(now - old)
        clipped = ratio.clamp(1 - epsilon, 1 + epsilon)
        sums.append(-torch.minimum(ratio * row.advantage, clipped * row.advantage).sum())
        lengths.append(row.transcript.num_sampled)
    if loss_type in ("dapo", "bnpo"):  # one pass: the same
        return torch.stack(sums).sum() / sum(lengths)
    if loss_type == "dr_grpo":
        return torch.stack(sums).sum() / (len(rows) * limit)
    return torch.stack([total / length for total, length in zip(sums, lengths, strict=True)]).mean()


@pytest.mark.parametrize("loss_type", LOSSES)
def test_gradient_equals_a_policy_gradient_written_by_hand(loss_type: str, tmp_path: Path) -> None:
    model = model_of()
    rows = random_rows(7)
    expected = gradients_of(model, loss := by_hand(model, rows, loss_type))
    seen, measured = recorded(model, rows, tmp_path, trl={"loss_type": loss_type})
    assert max(float(gradient.abs().max()) for gradient in expected.values()) > 1e-3
    assert distance(seen, expected) < 1e-5
    assert measured == pytest.approx(loss.item(), abs=1e-5)


@pytest.mark.parametrize("loss_type", LOSSES)
def test_recorded_logprobs_are_the_behaviour_policy_of_the_clipped_ratio(loss_type: str, tmp_path: Path) -> None:
    model = model_of()
    shifts = [0.4, -0.4, 0.1, -0.1, 0.4, -0.4]
    rows = [with_logprobs(model, row, shift) for row, shift in zip(random_rows(6), shifts, strict=True)]
    expected = gradients_of(model, loss := by_hand(model, rows, loss_type))
    seen, measured = recorded(model, rows, tmp_path, trl={"loss_type": loss_type})
    assert distance(seen, expected) < 1e-5
    assert measured == pytest.approx(loss.item(), abs=1e-5)
    plain, _ = recorded(model_of(), [replace_logprobs(row) for row in rows], tmp_path, trl={"loss_type": loss_type})
    assert distance(seen, plain) > 1e-4  # the ratios mattered


def replace_logprobs(row: Credited, values: tuple[float, ...] = ()) -> Credited:
    return Credited(replace(row.transcript, logprobs=values), row.advantage)


def test_one_row_without_logprobs_makes_every_ratio_one(tmp_path: Path) -> None:
    rows = [with_logprobs(model_of(), row, 0.4) for row in random_rows(5)]
    rows[2] = replace_logprobs(rows[2])
    seen, _ = recorded(model_of(), rows, tmp_path)
    expected, _ = recorded(model_of(), [replace_logprobs(row) for row in rows], tmp_path)
    assert distance(seen, expected) == 0.0


@pytest.mark.parametrize("loss_type", ["dapo", "grpo", "dr_grpo", "sapo", "cispo"])
@pytest.mark.parametrize("micro_batch_size", [1, 2, 3])
def test_small_passes_with_filling_give_the_gradient_of_one_big_pass(
    loss_type: str, micro_batch_size: int, tmp_path: Path
) -> None:
    rows = random_rows(7)
    whole, whole_loss = recorded(model_of(), rows, tmp_path, trl={"loss_type": loss_type})
    parts, loss = recorded(model_of(), rows, tmp_path, micro_batch_size=micro_batch_size, trl={"loss_type": loss_type})
    assert distance(parts, whole) < 1e-6
    assert loss == pytest.approx(whole_loss, abs=1e-5)


@pytest.mark.parametrize("loss_type", [*LOSSES, "cispo", "sapo", "luspo", "vespo"])
def test_extra_rows_of_filling_change_nothing(loss_type: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"loss_type": loss_type, **({"importance_sampling_level": "sequence"} if loss_type == "luspo" else {})}
    rows = [with_logprobs(model_of(), row, 0.05) for row in random_rows(5)]
    whole, whole_loss = recorded(model_of(), rows, tmp_path, trl=options)

    def filled(trainer: Any, given: Any, height: int, only_stopped: bool) -> Any:
        return original(trainer, given, height + 3, only_stopped)

    original = grpo_rows.RowsTrainer._tensors
    monkeypatch.setattr(grpo_rows.RowsTrainer, "_tensors", filled)
    factor = 8 / 5 if loss_type in grpo_rows.ROW_MEANS else 1.0  # the learner's own scale knows only its own filling
    seen, loss = recorded(model_of(), rows, tmp_path, trl=options)
    assert distance({name: gradient * factor for name, gradient in seen.items()}, whole) < 1e-6
    assert loss * factor == pytest.approx(whole_loss, abs=1e-5)


@pytest.mark.parametrize("loss_type", LOSSES)
def test_a_batch_smaller_than_the_passes_of_a_step_is_trained_as_if_alone(loss_type: str, tmp_path: Path) -> None:
    rows = random_rows(2)
    whole, _ = recorded(model_of(), rows, tmp_path, trl={"loss_type": loss_type})
    model = model_of()
    learner = learner_of(model, tmp_path, batch_size=8, micro_batch_size=2, trl={"loss_type": loss_type})
    learner.optimizer = recorder = GradientRecorder(model)
    metrics = learner.update(rows, 0)
    if loss_type == "bnpo":  # a mean of the passes' means: each row is a pass here
        whole = gradients_of(model, torch.stack([by_hand(model, [row], "bnpo") for row in rows]).mean())
    assert distance(recorder.seen, whole) < 1e-6
    entropies = [entropy_of(model, row) for row in rows]
    assert metrics["entropy"] == pytest.approx(sum(entropies) / 2, rel=0.05)  # empty passes do not dilute it


def entropy_of(model: Any, row: Credited) -> float:
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([row.transcript.token_ids])).logits[0, :-1]
    values = torch.distributions.Categorical(logits=logits).entropy()
    return float(values[torch.tensor(row.transcript.sampled[1:])].mean())


def test_learns_a_bandit(tmp_path: Path) -> None:
    model = model_of()
    learner = learner_of(model, tmp_path, learning_rate=3e-3, batch_size=16)
    good, prompt = 10, (5, 6)

    def probability() -> float:
        with torch.no_grad():
            return float(logprobs_of(model, transcript(prompt, (good,))).exp())

    start = probability()
    generator = torch.Generator().manual_seed(0)
    for number in range(12):
        with torch.no_grad():
            log_all = model(input_ids=torch.tensor([prompt])).logits[0, -1].log_softmax(-1)
        arms = torch.multinomial(log_all.exp(), 64, replacement=True, generator=generator).tolist()
        rewards = [float(arm == good) for arm in arms]
        mean = sum(rewards) / len(rewards)
        rows = [
            Credited(transcript(prompt, (arm,), (float(log_all[arm]),)), reward - mean)
            for arm, reward in zip(arms, rewards, strict=True)
        ]
        learner.update(rows, number)
    assert start < 0.1
    assert probability() > 0.9


def test_zero_advantages_leave_the_weights_as_they_are(tmp_path: Path) -> None:
    model = model_of()
    before = weights(model)
    metrics = learner_of(model, tmp_path).update([Credited(row.transcript, 0.0) for row in random_rows(9)], 0)
    assert distance(before, weights(model)) == 0.0
    assert metrics["steps"] == 2


def test_rows_with_zero_advantage_count_in_the_mean(tmp_path: Path) -> None:
    rows = random_rows(4)
    padded = [*rows, *(Credited(row.transcript, 0.0) for row in random_rows(4))]
    alone, _ = recorded(model_of(), rows, tmp_path, trl={"loss_type": "grpo"})
    mixed, _ = recorded(model_of(), padded, tmp_path, trl={"loss_type": "grpo"})
    assert distance({name: gradient / 2 for name, gradient in alone.items()}, mixed) < 1e-6


def test_an_empty_batch_is_no_step(tmp_path: Path) -> None:
    model = model_of()
    before = digest(model)
    assert learner_of(model, tmp_path).update([], 0) == {"loss": 0.0, "tokens": 0, "steps": 0}
    assert digest(model) == before


def test_every_row_is_trained_once_in_steps_of_even_size(tmp_path: Path) -> None:
    rows = [Credited(row.transcript, float(index + 1)) for index, row in enumerate(random_rows(19))]
    learner = learner_of(model_of(), tmp_path, batch_size=8, micro_batch_size=3)
    seen: list[list[float]] = []
    original = learner.trainer._passes

    def spy(step: Any) -> Any:
        passes = original(step)
        seen.append([value for one in passes for value in one["advantages"].tolist() if value])
        return passes

    learner.trainer._passes = spy
    assert learner.update(rows, 0)["steps"] == 3
    assert sorted(value for step in seen for value in step) == [float(index + 1) for index in range(19)]
    assert [len(step) for step in seen] == [6, 6, 7]


@pytest.mark.parametrize("share", [0.5, 0.0])
def test_learning_rate_follows_the_given_shares(share: float, tmp_path: Path) -> None:
    learner = learner_of(model_of(), tmp_path, learning_rate=1e-3, batch_size=2)
    used: list[float] = []
    learner.optimizer.register_step_pre_hook(lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"]))
    learner.update(random_rows(6), 0, (1.0, share))
    learner.update(random_rows(2), 0, (0.25, 1.0))
    assert used == pytest.approx([1e-3, 1e-3 * (1 + share) / 2, 1e-3 * share, 0.25e-3])


def test_iterations_take_more_steps_over_the_same_rows_with_the_ratio_of_the_first(tmp_path: Path) -> None:
    model = model_of()
    learner = learner_of(model, tmp_path, learning_rate=1e-2, trl={"num_iterations": 2})
    metrics = learner.update(random_rows(8), 0)
    assert metrics["steps"] == 2
    assert metrics["clip_ratio/region_mean"] > 0.0  # in the first iteration every ratio is 1, in the second it is not


def test_kl_is_taken_to_the_weights_the_learner_was_built_on(tmp_path: Path) -> None:
    model = model_of()
    config = {"batch_size": 8, "learning_rate": 1e-2}
    free = learner_of(model_of(), tmp_path, **config)
    held = learner_of(model, tmp_path, **config, trl={"beta": 5.0, "loss_type": "dapo"})
    start = weights(model)
    first = held.update(random_rows(8), 0)
    assert first["kl"] == pytest.approx(0.0, abs=1e-6)
    for number in range(1, 6):
        held.update(random_rows(8), number)
    for number in range(6):
        free.update(random_rows(8), number)
    assert distance(start, held.trainer.ref_model.state_dict()) == 0.0
    rows = [row.transcript for row in random_rows(8)]
    assert kl_to(model_of(), model, rows) < 0.5 * kl_to(model_of(), free.model, rows)
    assert not (tmp_path / "reference").exists()


def kl_to(reference: Any, model: Any, rows: list[Any]) -> float:
    with torch.no_grad():
        differences = torch.cat([logprobs_of(reference, row) - logprobs_of(model, row) for row in rows])
    return float((differences.exp() - differences - 1).mean())


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    hashes = []
    for seed in (1, 1, 2):
        model = model_of()
        learner_of(model, tmp_path).update(random_rows(19), seed)
        hashes.append(digest(model))
    assert hashes[0] == hashes[1] != hashes[2]


CHANGES = [{"trl": {"beta": 0.1}}, {"optimizer": "muon", "muon_learning_rate": 1e-2}]
RESUME = f"""
import sys
from pathlib import Path
from learner_helpers import *
from selfplay.learners.policy_gradient import PolicyGradientLearner
for number, changes in enumerate({CHANGES}):
    folder = Path(sys.argv[1]) / str(number)
    model = model_of(seed=5)
    learner = PolicyGradientLearner(model, TOKENIZER, settings(**changes), folder)
    learner.load(folder / "checkpoint")
    learner.update(random_rows(19, 2), 2, (1.0, 0.5))
    print(digest(model))
"""


def test_resuming_in_a_fresh_process_is_exact_to_the_bit_with_either_optimizer_and_with_kl(tmp_path: Path) -> None:
    expected = []
    for number, changes in enumerate(CHANGES):
        folder = tmp_path / str(number)
        folder.mkdir()
        model = model_of()
        learner = learner_of(model, folder, **changes)
        learner.update(random_rows(9, 1), 1)
        learner.save(folder / "checkpoint")
        learner.update(random_rows(19, 2), 2, (1.0, 0.5))
        expected.append(digest(model))
    environment = {**os.environ, "PYTHONPATH": f"{HERE.parents[1]}:{HERE}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", RESUME, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-2:] == expected


def test_a_checkpoint_without_its_trainer_file_is_refused(tmp_path: Path) -> None:
    learner = learner_of(model_of(), tmp_path)
    learner.save(tmp_path / "checkpoint")
    (tmp_path / "checkpoint" / "trainer.pt").unlink()
    with pytest.raises(RecordError, match=r"trainer\.pt"):
        learner.load(tmp_path / "checkpoint")


def test_reset_forgets_the_optimizer_and_from_base_the_weights_too(tmp_path: Path) -> None:
    rows = random_rows(8)
    results = {}
    for mode in ("carry", "reset", "from_base"):
        model = model_of()
        learner = learner_of(model, tmp_path, between_rounds=mode)
        learner.update(rows, 1)
        between = weights(model)
        learner.update(rows, 2)
        fresh = model_of()
        if mode == "reset":
            fresh.load_state_dict(between)
        learner_of(fresh, tmp_path).update(rows, 2)
        results[mode] = distance(weights(model), weights(fresh))
    assert results["reset"] == results["from_base"] == 0.0
    assert results["carry"] > 1e-4


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")  # peft asks transformers by an old name
@pytest.mark.parametrize("beta", [0.0, 0.1])
def test_lora_trains_the_adapter_and_leaves_the_base_exactly_as_it_was(beta: float, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = with_lora(model_of(), LoraConfig(rank=4))
    learner = learner_of(model, tmp_path, trl={"beta": beta}, between_rounds="reset")
    before = weights(model)
    learner.update(random_rows(9), 0)
    learner.update(random_rows(9), 1)
    moved = {name for name, value in weights(model).items() if not torch.equal(value, before[name])}
    assert moved
    assert all("lora" in name and ".default." in name for name in moved)


def test_demonstrations_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="Credited"):
        learner_of(model_of(), tmp_path).update(demonstrations(2), 0)


def test_options_that_would_do_nothing_are_refused_each_with_its_remedy() -> None:
    with pytest.raises(ConfigError) as caught:
        PolicyGradientLearner(None, None, settings(trl={"scale_rewards": "none", "use_vllm": True}), Path())
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["learner.trl.scale_rewards", "learner.trl.use_vllm"]


def test_rows_are_right_padded_behind_the_shortest_prompt() -> None:
    rows = [
        Credited(transcript((3, 4), (5, 6), (-1.0, -2.0)), 0.5),
        Credited(transcript((7, 8, 9), (10,), (-3.0,), stopped=False), -0.5),
    ]
    tensors = row_tensors(rows, 3, 0, only_stopped=True)
    assert tensors["prompt_ids"].tolist() == [[3, 4], [7, 8], [0, 0]]
    assert tensors["completion_ids"].tolist() == [[5, 6], [9, 10], [0, 0]]
    assert tensors["completion_mask"].tolist() == [[1, 1], [1, 1], [0, 0]]
    assert tensors["tool_mask"].tolist() == [[1, 1], [0, 0], [0, 0]]
    assert tensors["logprobs"].tolist() == [[-1.0, -2.0], [0.0, -3.0], [0.0, 0.0]]
    assert tensors["advantages"].tolist() == [0.5, -0.5, 0.0]


def test_a_row_that_begins_with_a_sampled_token_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one token"):
        row_tensors([Credited(transcript((), (5, 6)), 1.0)], 1, 0)


@pytest.mark.parametrize(("count", "shares"), [(0, 3), (2, 3), (7, 3), (9, 3)])
def test_spread_keeps_order_and_differs_by_one_at_most(count: int, shares: int) -> None:
    rows = random_rows(count)
    parts = spread(rows, shares)
    assert [row for part in parts for row in part] == rows
    assert len(parts) == shares
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


SAME = 0.1
"""Share of what was learned by which one process may differ from two: sums in another order, which AdamW's first steps
amplify; how much depends on the processor (.01 to .04 were seen)."""


@pytest.mark.slow
def test_two_processes_agree_to_the_bit_resume_exactly_and_match_one_process(tmp_path: Path) -> None:
    from selfplay.learners.supervised import SupervisedLearner

    launch = (
        "--multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no --main_process_port 0"
    )
    program = [str(HERE / "two_processes.py"), str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "accelerate.commands.launch", *launch.split(), *program],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1]), "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "find_unused_parameters" not in done.stderr
    first, second = ((tmp_path / f"hashes_{rank}").read_text().split() for rank in (0, 1))
    assert first == second
    assert first[0] == first[1]  # resumed equals uninterrupted
    alone = learner_of(model_of(), tmp_path, micro_batch_size=3, trl={"loss_type": "dapo"})
    for number in (1, 2):
        alone.update(random_rows(13, number), number, (1.0, 0.5))
    start = weights(model_of())
    together = torch.load(tmp_path / "policy_gradient.pt", weights_only=True)
    assert distance(weights(alone.model), together) < SAME * distance(start, together)
    row_mean = learner_of(model_of(), tmp_path, micro_batch_size=3, trl={"loss_type": "grpo"})
    row_mean.update(random_rows(13, 1), 1)
    together = torch.load(tmp_path / "row_mean.pt", weights_only=True)
    assert distance(weights(row_mean.model), together) < SAME * distance(start, together)
    imitator = SupervisedLearner(model_of(), TOKENIZER, settings(), tmp_path)
    imitator.update(demonstrations(13), 3)
    together = torch.load(tmp_path / "supervised.pt", weights_only=True)
    assert distance(weights(imitator.model), together) < SAME * distance(start, together)
