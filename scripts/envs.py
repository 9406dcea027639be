"""List environments and games, or show one: `python -m scripts.envs [NAME] [--options key=value …] [--json]`.

The list has the roles, the levels, the verifier (of a game, its yardstick) and an example of each. With NAME it shows
what the thing is, its options with their types, defaults and meanings, and one rendered problem for each role. With
--json it prints the same as data, one object or a list of them.

It draws problems and grounds those that it shows in full (programs run in the sandbox). It changes nothing.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from envs import ENVIRONMENTS
from envs.games import GAMES
from envs.games.minimax import MAX_EXACT_MOVES
from scripts.cli import run_main
from scripts.instances import find_entry, key_values, level_of, make, opened
from scripts.play_games import opponents
from scripts.play_problems import drawn
from scripts.play_view import Screen, aligned, shorten
from selfplay.checking import expected_text, resolved
from selfplay.errors import UserError
from selfplay.protocols import Environment, Game
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
        rows = [*(listed(name) for name in ENVIRONMENTS), *(listed_game(name) for name in GAMES)]
        if given.json:
            print(json.dumps(rows, indent=2))
        else:
            show_list(screen, rows)
        return 0
    options = key_values(given.options)
    if given.name in GAMES and given.level is not None:
        raise UserError(f"--level: {given.name} is a game and has no levels; leave it out")
    is_game = given.name in GAMES
    found = described_game(given.name, options) if is_game else described(given.name, options, given.level)
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
        return {**row, "needs": str(error).removeprefix(f"options of {name}: ").removeprefix("env.options.")}
    return {**row, **facts(env), "example": draft.prompt}


def facts(env: Environment) -> dict[str, Any]:
    """What there is to know at a glance."""
    levels = {"first": env.levels[0], "last": env.levels[-1]}
    return {"roles": list(env.roles), "levels": levels, "verifier": env.verifier}


def listed_game(name: str) -> dict[str, Any]:
    """A row of the list."""
    game: Game[Any] = make(name, {})
    return {"name": name, "kind": "game", **game_facts(game), "example": observed(game)[-1].messages[-1].text}


def game_facts(game: Game[Any]) -> dict[str, Any]:
    """What there is to know of a game at a glance."""
    return {"roles": list(game.seats), "yardstick": yardstick(game), "opponents": opponents(game)}


def yardstick(game: Any) -> str:
    """What says exactly how well somebody plays; "" for a game that is not known to have such a thing."""
    if not getattr(game, "zero_sum", False):
        return ""
    if not game.perfect_information:
        return "exploitability"
    return "minimax" if game.max_moves <= MAX_EXACT_MOVES else "minimax to a depth"


def observed(game: Game[Any]) -> list[Prompt]:
    """What each seat in turn sees when it is first to move, in a random game with a named seed."""
    rng = rng_for(0, "envs", game.name)
    state = game.reset(rng)
    seen: dict[int, Prompt] = {}
    while (seat := game.to_move(state)) is not None:
        seen.setdefault(seat, game.observation(state, seat))
        state = game.step(state, rng.choice(game.legal(state)))
    return [seen[seat] for seat in sorted(seen)]


def described_game(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Everything about one game."""
    game: Game[Any] = make(name, options)
    found = {"name": name, "kind": "game", "options": list(option_rows(find_entry(name).options))}
    examples = {seat: plain(prompt) for seat, prompt in zip(game.seats, observed(game), strict=False)}
    return {**found, "about": about(f"envs.games.{name}"), **game_facts(game), "examples": examples}


def described(name: str, options: Mapping[str, Any], level: int | None) -> dict[str, Any]:
    """Everything about one environment; without a problem, if it needs options that were not given."""
    rows = list(option_rows(find_entry(name).options))
    found: dict[str, Any] = {"name": name, "kind": "environment", "options": rows, "about": about(f"envs.{name}")}
    if not options and "needs" in (row := listed(name)):
        return {**found, "needs": row["needs"]}
    with opened(name, options) as (env, _):
        found |= facts(env)
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


def about(module: str) -> str:
    """What a module says of itself."""
    return inspect.cleandoc(importlib.import_module(module).__doc__ or "")


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
    """The list as two tables."""
    tables: dict[str, list[list[str]]] = {
        "environment": [["ENVIRONMENT", "ROLES", "LEVELS", "VERIFIER", "EXAMPLE"]],
        "game": [["GAME", "SEATS", "OPPONENTS", "YARDSTICK", "EXAMPLE"]],
    }
    for row in rows:
        if "needs" in row:
            cells = ["", "", "", shorten(f"needs options: {row['needs']}", 2 * EXAMPLE_WIDTH)]
        elif row["kind"] == "game":
            cells = [" ".join(row["opponents"]), row["yardstick"] or "none", shorten(row["example"], EXAMPLE_WIDTH)]
            cells.insert(0, " ".join(row["roles"]))
        else:
            levels = f"{row['levels']['first']}-{row['levels']['last']}"
            cells = [" ".join(row["roles"]), levels, row["verifier"], shorten(row["example"], EXAMPLE_WIDTH)]
        tables[row["kind"]].append([row["name"], *cells])
    for table in tables.values():
        head, *rest = aligned(table)
        screen.title(head)
        for line in rest:
            screen.plain(line)
        screen.gap()
    screen.note("python -m scripts.envs NAME shows one; python -m scripts.play --env NAME plays it")


def show_one(screen: Screen, found: Mapping[str, Any]) -> None:
    """One environment or game in full."""
    screen.title(found["name"])
    screen.plain(found["about"])
    screen.gap()
    if found["kind"] == "game":
        screen.line("seats", ", ".join(found["roles"]))
        screen.line("opponents", ", ".join(found["opponents"]))
        screen.line("yardstick", found["yardstick"] or "none that is exact")
    elif "needs" in found:
        screen.line("needs", f"options: {found['needs']}", "yellow")
    else:
        screen.line("roles", ", ".join(found["roles"]))
        screen.line("levels", f"{found['levels']['first']} to {found['levels']['last']}")
        screen.line("verifier", found["verifier"])
    screen.gap()
    show_options(screen, found["options"])
    problem = found.get("problem")
    for role, example in found.get("examples", {}).items():
        screen.gap()
        screen.title(role if problem is None else f"{role}, level {problem['level']}")
        for message in example["messages"]:
            screen.line(message["role"], message["text"])
        if example["prefix"]:
            screen.line("prefix", example["prefix"])
        if "reply" in example:
            screen.line("reply", example["reply"])
    if problem is not None:
        screen.gap()
        screen.line("reference", problem["reference"])
        screen.line("known by", problem["origin"])


def show_options(screen: Screen, options: Sequence[Mapping[str, Any]]) -> None:
    """Name, what it may be, default, and meaning of each option."""
    screen.title("options" if options else "options: none")
    for option in options:
        default = option["default"] if isinstance(option["default"], str) else json.dumps(option["default"])
        screen.plain(f"  {option['name']}: {option['expected']} (default {default or 'empty text'})")
        screen.plain(f"      {option['meaning']}")


if __name__ == "__main__":
    run_main(main, resumable=False)
