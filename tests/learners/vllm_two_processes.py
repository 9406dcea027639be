"""Run by every process of `accelerate launch` (see test_vllm_sampler): writes over the stand-in, before and after an
update, with a share of the weights' group and a server besides, and prints what each process has."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import pytest
import vllm_stand_in
from accelerate import PartialState
from learner_helpers import TOKENIZER, demonstrations, settings
from test_vllm_sampler import GREEDY, loaded, requests

from selfplay.config import VllmConfig
from selfplay.learners.supervised import SupervisedLearner
from selfplay.policy import HFPolicy
from selfplay.processes import ManyProcesses
from selfplay.vllm_sampler import VllmEngine


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    PartialState(cpu=True)
    processes = ManyProcesses()
    assert processes.world == 2, f"expected two processes, got {processes.world}"
    model = loaded(folder / "model")
    learner = SupervisedLearner(model, TOKENIZER, settings(learning_rate=3e-2), folder / "trainer", processes)
    written = []
    with pytest.MonkeyPatch.context() as patched:
        vllm_stand_in.install(patched)
        engines = [VllmEngine(VllmConfig(tensor_parallel_size=size), processes) for size in (1, 2)]
        for number in range(2):
            for engine in (*engines, None):
                policy = HFPolicy(model, TOKENIZER, processes=processes, engine=engine)
                # one request: one process has no share
                written += [[one.token_ids for one in policy.generate(requests(count), GREEDY)] for count in (5, 1)]
            if number == 0:
                learner.update(demonstrations(24), number)
        calls = [[len(call) for call in llm.calls] for llm in vllm_stand_in.LLM.made]
    (folder / f"written_{processes.rank}").write_text(repr((written, calls)))


if __name__ == "__main__":
    assert os.environ["ACCELERATE_USE_CPU"] == "true"
    main(Path(sys.argv[1]))
