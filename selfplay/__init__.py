"""Self-play training for language models: nouns, stages, credit, learners, recipes.

Importing this package checks that `envs` and `verifiers` are this project's: a package named `verifiers` is on PyPI
and in use in this field, and picking it up by accident would grade with other rules.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def _guard() -> None:
    home = Path(__file__).resolve().parent.parent
    for name in ("envs", "verifiers"):
        spec = find_spec(name)
        found = Path(spec.origin).resolve().parent if spec is not None and spec.origin else None
        if found != home / name:
            raise ImportError(
                f"the package {name!r} resolves to {found or 'nothing'}, but this project needs its own at "
                f"{home / name}. Start from {home} (python -m scripts.train …), put it first on "
                f"PYTHONPATH, or uninstall the other package of that name."
            )


_guard()
