"""Where the machine gives less than tier B, programs are refused; who insists is told what is not blocked.

The weaker tiers are had by asking for them as the best one (`best=`): the layers above are then not put on, as on a
machine that lacks them. No attack of the table runs here; the canaries are the sandbox's own.
"""

from __future__ import annotations

import pytest

from tests.adversarial.harness import not_blocked
from verifiers.sandbox import Job, Limits, RunStatus, Sandbox, SandboxError, Tier

LIMITS = Limits(seconds=0.5, memory_mb=256)
HONEST = Job("def f(x):\n    return 2 * x + 1\n", "f", ((1,), (2,)))
FILES = {
    "read /etc/passwd",
    "list the home folder",
    "read the trainer's environment",
    "read the parent's memory",
    "read a file of another user",
}


def unsafe(tier: Tier) -> Sandbox:
    return Sandbox(best=tier, limits=LIMITS, allow_unsafe=True)


@pytest.mark.parametrize("tier", [Tier.C, Tier.D])
def test_a_weak_tier_is_refused_with_what_is_open_and_what_to_do(tier: Tier) -> None:
    with Sandbox(best=tier, limits=LIMITS) as sandbox:
        with pytest.raises(SandboxError) as caught:
            sandbox.run([HONEST])
        assert sandbox.process_ids() == []
    message = str(caught.value)
    assert f"tier {tier}" in message
    assert "tier B is required" in message
    assert "read /etc/passwd" in message
    assert "allow_unsafe" in message


@pytest.mark.parametrize("tier", [Tier.C, Tier.D])
def test_a_refusal_is_repeated_and_leaves_the_sandbox_usable_for_nothing(tier: Tier) -> None:
    with Sandbox(best=tier, limits=LIMITS) as sandbox:
        for action in (sandbox.isolation, lambda: sandbox.run([HONEST]), lambda: sandbox.run_twice([HONEST])):
            with pytest.raises(SandboxError):
                action()


@pytest.mark.parametrize("tier", [Tier.C, Tier.D])
def test_who_insists_is_told_what_is_not_blocked(tier: Tier, capsys: pytest.CaptureFixture[str]) -> None:
    with unsafe(tier) as sandbox:
        isolation = sandbox.isolation()
        open_ones = not_blocked(isolation)
        with capsys.disabled():
            print(f"\n{isolation.summary()}")
        assert isolation.tier is tier
        assert {"read /etc/passwd", "list the home folder"} <= set(open_ones)
        assert all(name in isolation.summary() for name in open_ones)
        (run,) = sandbox.run([HONEST])
        assert run.status is RunStatus.OK
        assert [call.value for call in run.calls] == [3, 5]


def test_files_are_all_that_tier_c_leaves_open() -> None:
    with unsafe(Tier.C) as sandbox:
        assert set(not_blocked(sandbox.isolation())) <= FILES


def test_without_a_system_call_filter_processes_and_sockets_are_open() -> None:
    with unsafe(Tier.D) as sandbox:
        assert {"make a socket", "make a thread"} <= set(not_blocked(sandbox.isolation()))


@pytest.mark.parametrize("tier", [Tier.A, Tier.B])
def test_in_the_strong_tiers_every_canary_is_blocked(tier: Tier) -> None:
    with Sandbox(best=tier, weakest=tier, limits=LIMITS) as sandbox:
        try:
            isolation = sandbox.isolation()
        except SandboxError as error:
            pytest.skip(f"this machine does not give tier {tier}: {error}")
        assert len(isolation.canaries) >= 10
        assert not_blocked(isolation) == []
