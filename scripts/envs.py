"""List environments and games, or show one: `python -m scripts.envs [NAME] [--options key=value …] [--json]`.

The list has the roles, the levels, the verifier (of a game, its yardstick) and an example of each. With NAME it shows
what the thing is, its options with their types, defaults and meanings, and one rendered problem for each role. With
--json it prints the same as data, one object or a list of them.

It draws problems and grounds those that it shows in full (programs run in the sandbox). It changes nothing.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from envs import ENVIRONMENTS
from scripts.cli import run_main
from scripts.instances import find_entry, key_values, level_of, make, opened
from scripts.play_problems import drawn
from scripts.play_view import Screen, aligned, shorten
from selfplay.checking import expected_text, resolved
from selfplay.errors import UserError
from selfplay.protocols import Environment
from selfplay.seeding import rng_for
from selfplay.types import Prompt

EXAMPLE_WIDTH = 60


def main(arguments: Sequence[str], screen: Screen | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.envs",
        description="List environments and games, or show one with its options and a problem for each role.",
        allow_abbrev=False,
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="the environment or game to show (default: list all)")
    parser.add_argument("--level", metavar="N", type=int, help="level of the shown problem (default: the easiest)")
    parser.add_argument("--options", metavar="key=value", nargs="+", default=[], action="extend", help="its options")
    parser.add_argument("--json", action="store_true", help="print data")
    given = parser.parse_args(list(arguments))
    if given.name is None and (given.options or given.level is not None):
        raise UserError("--options and --level belong to one environment: expected its NAME before them")
    screen = screen or Screen()
    if given.name is None:
        rows = [listed(name) for name in ENVIRONMENTS]
        if given.json:
            print(json.dumps(rows, indent=2))
        else:
            show_list(screen, rows)
        return 0
    found = described(given.name, key_values(given.options), given.level)
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        show_one(screen, found)
    return 0


def listed(name: str) -> dict[str, Any]:
    """A row of the list. Nothing is grounded, so it starts no process."""
    row: dict[str, Any] = {"name": name, "kind": "environment"}
    try:
        env = make(name, {}, None)
        draft = env.draw(env.levels[0], rng_for(0, "envs", name))
    except (UserError, ImportError) as error:
        return {**row, "needs": str(error)}
    return {**row, **facts(env), "example": draft.prompt}


def facts(env: Environment) -> dict[str, Any]:
    """What there is to know at a glance."""
    levels = {"first": env.levels[0], "last": env.levels[-1]}
    return {"roles": list(env.roles), "levels": levels, "verifier": env.verifier}


def described(name: str, options: Mapping[str, Any], level: int | None) -> dict[str, Any]:
    """Everything about one environment."""
    entry = find_entry(name)
    found: dict[str, Any] = {"name": name, "kind": "environment", "options": list(option_rows(entry.options))}
    with opened(name, options) as (env, _):
        found |= {"about": about(type(env)), **facts(env)}
        problem = drawn(env, level_of(env, level), 0, 0)
        rng = rng_for(0, "envs", name)
        found["problem"] = {
            "id": problem.id,
            "level": problem.level,
            "reference": problem.reference,
            "origin": problem.origin.value,
        }
        shown = {"solver": (env.solver_prompt(problem, rng, 0), env.solver_reply(problem))}
        if "proposer" in env.roles:
            shown = {"proposer": env.proposer_reply(problem), **shown}
        found["examples"] = {role: {**plain(prompt), "reply": reply} for role, (prompt, reply) in shown.items()}
    return found


def plain(prompt: Prompt) -> dict[str, Any]:
    """A prompt as data."""
    messages = [{"role": message.role, "text": message.text} for message in prompt.messages]
    return {"messages": messages, "prefix": prompt.prefix}


def about(cls: type) -> str:
    """What a class is: the docstring of its module, which says more than its own."""
    module = inspect.getmodule(cls)
    return inspect.cleandoc((module and module.__doc__) or cls.__doc__ or "")


def option_rows(options: type) -> Iterator[dict[str, Any]]:
    """The fields of an options class: name, what it may be, default, and the docstring beneath it."""
    meanings, hints = docstrings(options), get_type_hints(options, include_extras=True)
    for name, default in resolved(options()).items():
        expected = expected_text(hints[name])
        yield {"name": name, "expected": expected, "default": default, "meaning": meanings.get(name, "")}


def docstrings(cls: type) -> dict[str, str]:
    """The text beneath each annotated field of a class of ours, from its source."""
    (node,) = ast.parse(inspect.cleandoc(f"\n{inspect.getsource(cls)}")).body
    assert isinstance(node, ast.ClassDef)
    found = {}
    for field, text in zip(node.body, node.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(meaning))):
                found[name] = " ".join(meaning.split())
    return found


def show_list(screen: Screen, rows: Sequence[Mapping[str, Any]]) -> None:
    """The list as a table."""
    table = [["NAME", "ROLES", "LEVELS", "VERIFIER", "EXAMPLE"]]
    for row in rows:
        if "needs" in row:
            table.append([row["name"], "", "", "", shorten(f"needs options: {row['needs']}", EXAMPLE_WIDTH)])
            continue
        levels = f"{row['levels']['first']}-{row['levels']['last']}"
        example = shorten(row["example"], EXAMPLE_WIDTH)
        table.append([row["name"], " ".join(row["roles"]), levels, row["verifier"], example])
    head, *rest = aligned(table)
    screen.title(head)
    for line in rest:
        screen.plain(line)
    screen.gap()
    screen.note("python -m scripts.envs NAME shows one; python -m scripts.play --env NAME plays it")


def show_one(screen: Screen, found: Mapping[str, Any]) -> None:
    """One environment in full."""
    screen.title(found["name"])
    screen.plain(found["about"])
    screen.gap()
    screen.line("roles", ", ".join(found["roles"]))
    screen.line("levels", f"{found['levels']['first']} to {found['levels']['last']}")
    screen.line("verifier", found["verifier"])
    screen.gap()
    screen.title("options")
    for option in found["options"]:
        default = option["default"] if isinstance(option["default"], str) else json.dumps(option["default"])
        default = default or "empty text"
        screen.plain(f"  {option['name']}: {option['expected']} (default {default})")
        screen.plain(f"      {option['meaning']}")
    problem = found["problem"]
    for role, example in found["examples"].items():
        screen.gap()
        screen.title(f"{role}, level {problem['level']}")
        for message in example["messages"]:
            screen.line(message["role"], message["text"])
        if example["prefix"]:
            screen.line("prefix", example["prefix"])
        screen.line("reply", example["reply"])
    screen.gap()
    screen.line("reference", f"{problem['reference']}")
    screen.line("known by", problem["origin"])


if __name__ == "__main__":
    run_main(main, resumable=False)
