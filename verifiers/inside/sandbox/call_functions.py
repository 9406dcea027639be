"""Calls of functions that their text proves harmless, many in one child: each in a namespace of its own.

This module's text is run as a program in a sandbox child. It must stand alone.
"""

from __future__ import annotations

from typing import Any


def call(program: str, entry: str, arguments: list[Any]) -> Any:
    """What the function `entry` of a program returns."""
    namespace: dict[str, Any] = {}
    exec(compile(program, "<program>", "exec", dont_inherit=True), namespace)
    return namespace[entry](*arguments)
