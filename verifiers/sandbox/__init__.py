"""Running programs that a model wrote, confined by what the machine allows, and proved to be.

Importing this package starts nothing. `Sandbox.run` takes Jobs and gives Runs; see `box` for what holds.
"""

from verifiers.sandbox.box import Sandbox
from verifiers.sandbox.compare import EqualityPolicy, equal
from verifiers.sandbox.isolation import Isolation, SandboxError, Tier
from verifiers.sandbox.records import Call, Job, Limits, Run, RunStatus

__all__ = [
    "Call",
    "EqualityPolicy",
    "Isolation",
    "Job",
    "Limits",
    "Run",
    "RunStatus",
    "Sandbox",
    "SandboxError",
    "Tier",
    "equal",
]
