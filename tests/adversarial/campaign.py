"""Runs the table of attacks in one tier as the present user, and writes what became of each as JSON.

`python -m tests.adversarial.campaign --tier B --folder FOLDER --report FILE [--only TEXT]` is a process of its own,
because it plays the trainer: a secret is in its environment from its start, orphans come to it, and FOLDER (empty,
owned by the user) becomes its home. The report has `skipped` with a reason where the machine does not give the tier.

It does not run a hostile program unless every canary of the sandbox was blocked.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.adversarial.attack import CORRECT, TIMEOUT, Attack
from tests.adversarial.attacks import ATTACKS
from tests.adversarial.harness import Harness, Result, make_sandbox, not_blocked
from tests.adversarial.world import World
from verifiers.sandbox import SandboxError, Tier


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tier", type=Tier, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--only", default="", help="rows whose name contains this text")
    options = parser.parse_args()
    report = run(options.tier, options.folder, options.only)
    options.report.write_text(json.dumps(report, indent=1))


def run(tier: Tier, folder: Path, only: str) -> dict[str, Any]:
    """The report."""
    began = time.monotonic()
    num_descriptors = len(os.listdir("/proc/self/fd"))
    with World(folder) as world:
        try:
            with make_sandbox(tier) as sandbox:
                isolation = sandbox.isolation()
                if isolation.tier is not tier or not_blocked(isolation):
                    open_ones = ", ".join(not_blocked(isolation)) or "none"
                    return {"skipped": f"tier {tier} asked, {isolation.summary()}; canaries not blocked: {open_ones}"}
                harness = Harness(world, sandbox)
                harness.warm_up()
                results = attack(harness, tier, only)
                summary = isolation.summary()
        except SandboxError as error:
            return {"skipped": f"this machine does not give tier {tier}: {error}"}
        after = harness.world
        after_closing = [one for one in after.changes() if "has gone" not in one and "descriptors became" not in one]
    left = len(os.listdir("/proc/self/fd")) - num_descriptors
    if left:
        after_closing.append(f"{left} descriptors are left after closing")
    return {
        "isolation": summary,
        "user": os.getuid(),
        "seconds": round(time.monotonic() - began, 1),
        "after_closing": after_closing,
        "rows": {name: asdict(result) for name, result in results.items()},
    }


def attack(harness: Harness, tier: Tier, only: str) -> dict[str, Result]:
    """Every chosen row: one by one, and those that would run until they are stopped in one call."""
    chosen = {name: row for name, row in ATTACKS.items() if only in name}
    together = {name: row for name, row in chosen.items() if runs_until_stopped(row)}
    results = {name: harness.single(name, row) for name, row in chosen.items() if name not in together}
    if together:
        with make_sandbox(tier, patient=False) as sandbox:
            impatient = Harness(harness.world, sandbox)
            impatient.warm_up()
            results |= impatient.together(together)
        harness.world.forget()
    return results


def runs_until_stopped(row: Attack) -> bool:
    return TIMEOUT in row.allowed and not row.fast and not row.twice and CORRECT not in row.allowed


if __name__ == "__main__":
    main()
