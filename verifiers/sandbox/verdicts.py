"""What the endings of runs and calls mean for an answer, and how they are shown. Nothing here runs or compares."""

from __future__ import annotations

from collections.abc import Sequence

from selfplay.types import Status, Verdict
from verifiers.sandbox import json_values
from verifiers.sandbox.records import Call, RunStatus

MAX_SHOWN_CALLS = 20
MAX_SHOWN_CHARACTERS = 200

_VERDICTS = {
    RunStatus.TIMEOUT: Status.TIMEOUT,
    RunStatus.INFRA_ERROR: Status.FAULT,
}
"""Everything else that is not OK is the program's own failure: WRONG."""


def failure(status: RunStatus, detail: str, seconds: float, prefix: str = "") -> Verdict:
    """The verdict of a run or call that did not end well."""
    verdict = _VERDICTS.get(status, Status.WRONG)
    if status is RunStatus.ERROR and detail.startswith(("does not compile", "defines no function")):
        verdict = Status.MALFORMED
    return Verdict(verdict, None, f"{prefix}{status}: {detail}", seconds)


def show(calls: Sequence[Call]) -> str:
    """What calls returned, for a reader: JSON, shortened."""
    shown = []
    for call in calls[:MAX_SHOWN_CALLS]:
        if call.status is not RunStatus.OK:
            shown.append(str(call.status))
            continue
        try:
            text = json_values.write(call.value)
        except ValueError:
            text = type(call.value).__name__
        shown.append(text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}…")
    more = f", … {len(calls)} in all" if len(calls) > MAX_SHOWN_CALLS else ""
    return f"[{', '.join(shown)}{more}]"
