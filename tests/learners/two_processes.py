"""Run by every process of `accelerate launch` (see test_policy_gradient): trains, resumes and prints weight hashes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))

from accelerate import PartialState
from learner_helpers import TOKENIZER, demonstrations, digest, model_of, random_rows, settings

from selfplay.learners.policy_gradient import PolicyGradientLearner
from selfplay.learners.supervised import SupervisedLearner
from selfplay.processes import ManyProcesses


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    PartialState(cpu=True)
    processes = ManyProcesses()
    assert processes.world == 2, f"expected two processes, got {processes.world}"
    config = settings(micro_batch_size=3, trl={"loss_type": "dapo"})
    first = policy_gradient(processes, config, folder)
    for number in (1, 2):
        first.update(random_rows(13, number), number, (1.0, 0.5))
        if number == 1:
            first.save(folder / "checkpoint")
    if processes.rank == 0:
        torch.save(first.model.state_dict(), folder / "policy_gradient.pt")
    second = policy_gradient(processes, config, folder)
    second.load(folder / "checkpoint")
    second.update(random_rows(13, 2), 2, (1.0, 0.5))
    row_mean = policy_gradient(processes, settings(micro_batch_size=3, trl={"loss_type": "grpo"}), folder)
    row_mean.update(random_rows(13, 1), 1)
    if processes.rank == 0:
        torch.save(row_mean.model.state_dict(), folder / "row_mean.pt")
    imitator = SupervisedLearner(model_of(), TOKENIZER, settings(), folder, processes)
    imitator.update(demonstrations(13), 3)
    if processes.rank == 0:
        torch.save(imitator.model.state_dict(), folder / "supervised.pt")
    hashes = [digest(learner.model) for learner in (first, second, row_mean, imitator)]
    (folder / f"hashes_{processes.rank}").write_text("\n".join(hashes))


def policy_gradient(processes: ManyProcesses, config: object, folder: Path) -> PolicyGradientLearner:
    return PolicyGradientLearner(model_of(), TOKENIZER, config, folder, processes)  # type: ignore[arg-type]


if __name__ == "__main__":
    assert os.environ["ACCELERATE_USE_CPU"] == "true"
    main(Path(sys.argv[1]))
