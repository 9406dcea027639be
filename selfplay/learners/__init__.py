"""Learners: batches in, a better policy out, over TRL trainers. Each imports torch and TRL when it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selfplay.protocols import Learner


def make_supervised(*arguments: Any) -> Learner:
    """See `supervised.SupervisedLearner`."""
    from selfplay.learners.supervised import SupervisedLearner

    return SupervisedLearner(*arguments)


def make_policy_gradient(*arguments: Any) -> Learner:
    """See `policy_gradient.PolicyGradientLearner`."""
    from selfplay.learners.policy_gradient import PolicyGradientLearner

    return PolicyGradientLearner(*arguments)


def make_preference(*arguments: Any) -> Learner:
    """See `preference.PreferenceLearner`."""
    from selfplay.learners.preference import PreferenceLearner

    return PreferenceLearner(*arguments)


LEARNERS: dict[str, Callable[..., Learner]] = {
    "supervised": make_supervised,
    "policy_gradient": make_policy_gradient,
    "preference": make_preference,
}
"""Each is called with (model, tokenizer, LearnerConfig, folder, processes)."""
