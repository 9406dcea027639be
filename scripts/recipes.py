"""List the recipes, or show one: `python -m scripts.recipes [NAME] [--json]`.

The list has the paper, the learners that fit, the roles, and who says what is right: a program (verified), a majority
of attempts (voted), a judge (judged), a teacher, the data, or one's own first answer (claimed); the default first, then
what its options offer. With NAME it shows the claim, the deviations, the options and the configurations. With --json
it prints the same as data, one object or a list of them.

It reads the recipes' own constants (`ABOUT`), their docstrings and the folder of configurations. It runs nothing.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_type_hints

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.cli import run_main
from scripts.envs import docstrings, show_options
from scripts.play_view import Screen, aligned
from selfplay.about import About
from selfplay.checking import expected_text, nearest
from selfplay.errors import UserError
from selfplay.recipes import RECIPES

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "configs"
_RECIPE = re.compile(r"^recipe:\s*([a-z_]+)", re.MULTILINE)
_EXTENDS = re.compile(r"^extends:\s*(\S+)", re.MULTILINE)


def main(arguments: Sequence[str], screen: Screen | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.recipes", description="List the recipes, or show one.", allow_abbrev=False
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="the recipe to show (default: list all)")
    parser.add_argument("--json", action="store_true", help="print data")
    given = parser.parse_args(list(arguments))
    screen = screen or Screen()
    if given.name is None:
        rows = [listed(name) for name in RECIPES]
        if given.json:
            print(json.dumps(rows, indent=2))
        else:
            show_list(screen, rows)
        return 0
    if given.name not in RECIPES:
        raise UserError(f"got {given.name!r}, expected a recipe; {nearest(given.name, RECIPES)}")
    found = described(given.name)
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        show_one(screen, found)
    return 0


def listed(name: str) -> dict[str, Any]:
    """A row of the list."""
    about: About = RECIPES[name].ABOUT
    return {
        "name": name,
        "title": about.title,
        "papers": list(about.papers),
        "learners": list(about.learners),
        "roles": list(about.roles),
        "models": list(about.policies),
        "truth": list(about.truth),
    }


def described(name: str) -> dict[str, Any]:
    """Everything about one recipe."""
    recipe = RECIPES[name]
    text = inspect.cleandoc(recipe.__doc__ or "")
    return {**listed(name), "about": text, "options": list(option_rows(recipe.Config)), "configs": configs_of(name)}


def option_rows(options: type) -> Iterator[dict[str, Any]]:
    """The fields of a recipe's Config: name, what it may be, default (null: none), and its meaning."""
    meanings, hints = docstrings(options), get_type_hints(options, include_extras=True)
    for field in fields(options):
        default: Any = None if field.default is MISSING else field.default
        if field.default_factory is not MISSING:
            default = field.default_factory()
        expected = expected_text(hints[field.name])
        yield {
            "name": field.name, "expected": expected, "default": default, "meaning": meanings.get(field.name, "")
        }  # fmt: skip


def configs_of(name: str) -> list[str]:
    """The configurations that play the recipe, as paths in the checkout."""
    found = [path for path in sorted(CONFIGS.rglob("*.yaml")) if _recipe_of(path) == name]
    return [path.relative_to(ROOT).as_posix() for path in found]


def _recipe_of(path: Path) -> str | None:
    """What `recipe:` says in a configuration, or else in the one that it extends."""
    text = path.read_text(encoding="utf-8")
    if match := _RECIPE.search(text):
        return match[1]
    extended = _EXTENDS.search(text)
    return _recipe_of(path.parent / extended[1]) if extended else None


def show_list(screen: Screen, rows: Sequence[Mapping[str, Any]]) -> None:
    """The list as a table."""
    table = [["RECIPE", "PAPER", "LEARNER", "ROLES", "MODELS", "TRUTH"]]
    for row in rows:
        paper = row["papers"][0] if row["papers"] else "none (control)"
        cells = [" ".join(row[key]) for key in ("learners", "roles")]
        table.append([row["name"], paper, *cells, str(len(row["models"])), " ".join(row["truth"])])
    head, *rest = aligned(table)
    screen.title(head)
    for line in rest:
        screen.plain(line)
    screen.gap()
    screen.note("python -m scripts.recipes NAME shows one; python -m scripts.train --config FILE runs it")


def show_one(screen: Screen, found: Mapping[str, Any]) -> None:
    """One recipe in full."""
    screen.title(found["name"])
    screen.plain(found["about"])
    screen.gap()
    screen.line("papers", ", ".join(f"arXiv {paper}" for paper in found["papers"]) or "none: a control")
    screen.line("learner", " or ".join(found["learners"]))
    screen.line("roles", ", ".join(found["roles"]))
    screen.line("models", ", ".join(found["models"]))
    screen.line("truth", ", ".join(found["truth"]))
    screen.gap()
    show_options(screen, found["options"])
    screen.gap()
    screen.title("configurations" if found["configs"] else "configurations: none")
    for path in found["configs"]:
        screen.plain(f"  {path}")


if __name__ == "__main__":
    run_main(main, resumable=False)
