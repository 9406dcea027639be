"""The supervised learner minimises cross-entropy of sampled tokens, shares a model, and resumes exactly."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
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
    weights,
)

from selfplay.config import LoraConfig
from selfplay.errors import RecordError
from selfplay.learners.base import micro_batches
from selfplay.learners.policy_gradient import PolicyGradientLearner
from selfplay.learners.supervised import SupervisedLearner, bucket
from selfplay.models import with_lora
from selfplay.policy import HFPolicy
from selfplay.types import Message, Prompt, Request, Sampling

HERE = Path(__file__).parent
LORA_WARNING = "ignore:.is_gradient_checkpointing.:FutureWarning"
"""peft asks transformers by an old name."""


def learner_of(model: Any, folder: Path, **changes: Any) -> SupervisedLearner:
    return SupervisedLearner(model, TOKENIZER, settings(**changes), folder)


@pytest.mark.parametrize("micro_batch_size", [None, 1, 2, 3])
def test_loss_and_gradient_equal_cross_entropy_written_by_hand(micro_batch_size: int | None, tmp_path: Path) -> None:
    model = model_of()
    rows = demonstrations(7)
    logprobs = torch.cat([logprobs_of(model, row.transcript) for row in rows])
    expected = gradients_of(model, loss := -logprobs.mean())
    learner = learner_of(model, tmp_path, batch_size=7, micro_batch_size=micro_batch_size)
    learner.optimizer = recorder = GradientRecorder(model)
    metrics = learner.update(rows, 0)
    assert distance(recorder.seen, expected) < 1e-5
    assert metrics["loss"] == pytest.approx(loss.item(), abs=1e-5)
    assert metrics["steps"] == recorder.steps == 1
    assert metrics["tokens"] == sum(len(row.transcript.token_ids) for row in rows)


@pytest.mark.parametrize(("count", "batch", "micro"), [(20, 10, 4), (21, 10, 4), (9, 8, 3), (1, 8, 2)])
def test_reported_steps_are_the_steps_taken_and_the_rate_ends_where_it_should(
    count: int, batch: int, micro: int, tmp_path: Path
) -> None:
    learner = learner_of(model_of(), tmp_path, learning_rate=1.0, batch_size=batch, micro_batch_size=micro)
    used: list[float] = []
    learner.optimizer.register_step_pre_hook(lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"]))
    metrics = learner.update(demonstrations(count), 0, (1.0, 0.5))
    assert metrics["steps"] == len(used)
    assert used[0] == 1.0
    assert used[-1] == (0.5 if len(used) > 1 else 1.0)


def test_reset_forgets_the_optimizer_and_from_base_the_weights_too(tmp_path: Path) -> None:
    rows = demonstrations(8)
    results = {}
    for mode in ("carry", "reset", "from_base"):
        model = model_of()
        learner = learner_of(model, tmp_path, between_rounds=mode)
        learner.update(rows, 1)
        between = weights(model)
        learner.update(rows, 2)
        fresh = model_of()
        if mode != "from_base":
            fresh.load_state_dict(between)
        learner_of(fresh, tmp_path).update(rows, 2)
        results[mode] = distance(weights(model), weights(fresh))
    assert results["reset"] == results["from_base"] == 0.0
    assert results["carry"] > 1e-4


@pytest.mark.parametrize("last_built", ["supervised", "policy_gradient"])
def test_two_learners_on_one_model_each_train_as_if_alone(last_built: str, tmp_path: Path) -> None:
    config = settings(trl={"temperature": 0.5})

    def build(model: Any, kind: str) -> Any:
        if kind == "supervised":
            return SupervisedLearner(model, TOKENIZER, settings(), tmp_path)
        return PolicyGradientLearner(model, TOKENIZER, config, tmp_path)

    first_built = "policy_gradient" if last_built == "supervised" else "supervised"
    shared = model_of()
    learners = {kind: build(shared, kind) for kind in (first_built, last_built)}
    batches = {"supervised": demonstrations(8), "policy_gradient": random_rows(8)}
    for order in ((first_built, last_built), (last_built, first_built)):
        for kind in order:
            start = weights(shared)
            learners[kind].optimizer = type(learners[kind].optimizer)(shared.parameters(), lr=1e-3)
            metrics = learners[kind].update(batches[kind], 3)
            alone = model_of()
            alone.load_state_dict(start)
            learner = build(alone, kind)
            learner.optimizer = type(learner.optimizer)(alone.parameters(), lr=1e-3)
            assert learner.update(batches[kind], 3) == metrics
            assert distance(weights(alone), weights(shared)) == 0.0
            assert distance(start, weights(shared)) > 0.0


def test_temperature_of_policy_gradient_is_the_configured_one_also_after_a_supervised_learner(tmp_path: Path) -> None:
    model = model_of()
    learner = PolicyGradientLearner(model, TOKENIZER, settings(trl={"temperature": 0.5}), tmp_path)
    SupervisedLearner(model, TOKENIZER, settings(), tmp_path)
    rows = random_rows(5)
    logprobs = [logprobs_of(model, row.transcript, temperature=0.5) for row in rows]
    total = sum(
        -(values.exp() / values.detach().exp()).sum() * row.advantage
        for values, row in zip(logprobs, rows, strict=True)
    )
    expected = gradients_of(model, total / sum(len(values) for values in logprobs))  # type: ignore[operator]
    learner.optimizer = recorder = GradientRecorder(model)
    learner.update(rows, 0)
    assert distance(recorder.seen, expected) < 1e-5


def test_a_snapshot_made_after_training_runs_its_own_weights(tmp_path: Path) -> None:
    model = model_of()
    policy = HFPolicy(model, TOKENIZER)
    learner = learner_of(model, tmp_path, learning_rate=1e-2)
    PolicyGradientLearner(model, TOKENIZER, settings(), tmp_path)
    learner.update(demonstrations(8), 0)
    requests = [Request("solver", Prompt((Message("user", "ABC"),)), seed) for seed in range(8)]
    sampling = Sampling(max_new_tokens=6)

    def logprobs(of: HFPolicy) -> list[float]:
        return [value for row in of.generate(requests, sampling) for value in row.logprobs]

    before = logprobs(policy)
    snapshot = policy.snapshot()
    learner.update(demonstrations(8), 1)
    assert logprobs(snapshot) == pytest.approx(before, abs=1e-5)
    assert logprobs(policy) != pytest.approx(before, abs=1e-2)


RESUME = """
import sys
from itertools import pairwise
from pathlib import Path
from learner_helpers import *
from selfplay.learners.supervised import SupervisedLearner
folder = Path(sys.argv[1])
model = model_of(seed=5)
learner = SupervisedLearner(model, TOKENIZER, settings(optimizer="muon", muon_learning_rate=1e-2), folder)
learner.load(folder / "checkpoint")
learner.update(demonstrations(19, 2), 2, (1.0, 0.5))
print(digest(model))
"""


def test_resuming_in_a_fresh_process_is_exact_to_the_bit(tmp_path: Path) -> None:
    model = model_of()
    learner = learner_of(model, tmp_path, optimizer="muon", muon_learning_rate=1e-2)
    learner.update(demonstrations(19, 1), 1)
    learner.save(tmp_path / "checkpoint")
    learner.update(demonstrations(19, 2), 2, (1.0, 0.5))
    environment = {**os.environ, "PYTHONPATH": f"{HERE.parents[1]}:{HERE}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", RESUME, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == digest(model)


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt"])
@pytest.mark.parametrize("damage", ["missing", "cut", "foreign"])
def test_a_damaged_checkpoint_is_refused_by_name(name: str, damage: str, tmp_path: Path) -> None:
    learner = learner_of(model_of(), tmp_path)
    learner.update(demonstrations(4), 0)
    learner.save(tmp_path / "checkpoint")
    file = tmp_path / "checkpoint" / name
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:100] if damage == "cut" else b"something else entirely")
    with pytest.raises(RecordError, match="checkpoint"):
        learner.load(tmp_path / "checkpoint")


@pytest.mark.filterwarnings(LORA_WARNING)
def test_lora_trains_only_the_adapter_and_resumes_exactly(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = with_lora(model_of(), LoraConfig(rank=4))
    learner = learner_of(model, tmp_path)
    before = weights(model)
    learner.update(demonstrations(9), 0)
    moved = {name for name, value in weights(model).items() if not torch.equal(value, before[name])}
    assert moved
    assert all("lora" in name for name in moved)
    learner.save(tmp_path / "checkpoint")
    learner.update(demonstrations(9), 1)
    torch.manual_seed(1)
    other = with_lora(model_of(), LoraConfig(rank=4))
    resumed = learner_of(other, tmp_path)
    resumed.load(tmp_path / "checkpoint")
    resumed.update(demonstrations(9), 1)
    assert digest(other) == digest(model)


def test_the_saved_folder_is_a_plain_model_folder(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    learner = learner_of(model_of(), tmp_path)
    learner.update(demonstrations(8), 0)
    learner.save(tmp_path / "checkpoint")
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "checkpoint")
    row = demonstrations(1)[0].transcript
    with torch.no_grad():
        assert torch.equal(logprobs_of(loaded, row), logprobs_of(learner.model, row))
    assert AutoTokenizer.from_pretrained(tmp_path / "checkpoint").get_vocab() == TOKENIZER.get_vocab()


def test_an_empty_batch_is_no_step(tmp_path: Path) -> None:
    model = model_of()
    before = digest(model)
    assert learner_of(model, tmp_path).update([], 0) == {"loss": 0.0, "tokens": 0, "steps": 0}
    assert digest(model) == before


def test_bucket_keeps_every_row_and_puts_like_lengths_together() -> None:
    rows = [row.transcript for row in demonstrations(40)]
    batched = bucket(rows, 8, seed=1)
    assert sorted(row.token_ids for row in batched) == sorted(row.token_ids for row in rows)
    widths = [{len(row.token_ids) for row in batched[start : start + 8]} for start in range(0, 40, 8)]
    runs = sorted((min(width), max(width)) for width in widths)
    assert all(first[1] <= second[0] for first, second in pairwise(runs))
    assert batched != bucket(rows, 8, seed=2)


@pytest.mark.parametrize(
    ("batch", "micro", "world", "expected"),
    [(8, None, 1, (8, 1)), (8, 3, 1, (3, 3)), (10, 4, 2, (3, 2)), (7, 1, 2, (1, 4))],
)
def test_micro_batches_cover_the_batch_within_their_limit(
    batch: int, micro: int | None, world: int, expected: tuple[int, int]
) -> None:
    rows, passes = micro_batches(settings(batch_size=batch, micro_batch_size=micro), world)
    assert (rows, passes) == expected
    assert rows * passes * world >= batch
    assert micro is None or rows <= micro
