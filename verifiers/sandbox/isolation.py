"""How well this machine can confine a program: tiers, what is active, and the error when it is not enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Tier(StrEnum):
    """From strongest to weakest. A tier is proved by attacks that are blocked, not by what was switched on."""

    A = "A"  # namespaces with an empty root, landlock, system-call filter, limits
    B = "B"  # landlock, system-call filter, limits: what an unprivileged container allows
    C = "C"  # system-call filter, limits: files that the user can read are open
    D = "D"  # limits only

    @property
    def strength(self) -> int:
        """3 for the strongest, 0 for the weakest."""
        return 3 - list(Tier).index(self)


@dataclass(frozen=True, slots=True)
class Isolation:
    """What holds for the programs of one sandbox."""

    tier: Tier
    layers: tuple[str, ...]
    """What is active, in the order in which it was put on."""
    canaries: Mapping[str, bool] = field(default_factory=dict, hash=False)
    """Attack by name, and whether it was blocked when it was tried at the start."""
    missing: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Layers that could not be put on, and why."""

    @property
    def open(self) -> tuple[str, ...]:
        """The attacks that were not blocked."""
        return tuple(name for name, blocked in self.canaries.items() if not blocked)

    def summary(self) -> str:
        """One line, such as `tier B: fs=landlock net=seccomp proc=seccomp mem=rlimit`."""
        has = set(self.layers)
        parts = {
            "fs": [("landlock", "landlock"), ("namespaces", "pivot_root")],
            "net": [("namespaces", "namespace"), ("seccomp", "seccomp")],
            "proc": [("seccomp", "seccomp"), ("namespaces", "namespace")],
            "mem": [("rlimits", "rlimit")],
        }
        shown = []
        for name, choices in parts.items():
            words = [word for layer, word in choices if layer in has]
            shown.append(f"{name}={'+'.join(words) or 'open'}")
        if self.open:
            shown.append(f"not blocked: {', '.join(self.open)}")
        return f"tier {self.tier}: {' '.join(shown)}"


class SandboxError(Exception):
    """This machine cannot confine programs as required; the message says what is open, why, and what to do."""


def too_weak(isolation: Isolation, weakest: Tier) -> SandboxError:
    """The error for a machine below `weakest`."""
    missing = "; ".join(f"{name}: {why}" for name, why in isolation.missing.items()) or "nothing was refused"
    return SandboxError(
        f"programs would run in tier {isolation.tier} here, and tier {weakest} is required. Not blocked: "
        f"{', '.join(isolation.open) or 'nothing'}. Missing: {missing}. Use Linux 5.13 or later on x86-64 or aarch64 "
        f"with landlock and seccomp (an unprivileged container has both), or set allow_unsafe: true to run programs "
        f"that nobody trusts without that protection"
    )
