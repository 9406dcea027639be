"""Run by every process of `accelerate launch` (see test_two_processes): scripts.train, with each rank's own hashes.

`one_of_two.py FOLDER ARGUMENTS…` writes FOLDER/hashes_RANK.json: a hash of the weights that this rank ended with.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts import train
from selfplay.lab import Lab


def main(folder: Path, arguments: list[str]) -> int:
    save_final = train.save_final

    def noting(lab: Lab) -> None:
        policy: Any = lab.policy
        hasher = hashlib.sha256()
        for name, tensor in sorted(policy.model.state_dict().items()):
            hasher.update(name.encode() + tensor.detach().contiguous().numpy().tobytes())
        noted = {"world": lab.processes.world, "weights": hasher.hexdigest(), "tokens": lab.tokens_used}
        (folder / f"hashes_{lab.processes.rank}.json").write_text(json.dumps(noted))
        save_final(lab)

    train.save_final = noting
    return train.main(arguments)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
