"""How fast problems are made and read: `python -m benchmarks.environments` writes `benchmarks/environments.md`.

For each environment, as its case in `tests/envs/cases` makes it, on one core: problems drawn, grounded and given an id
a second (programs run in the sandbox, with one worker), and texts read a second, half of them well written and half
damaged. For each game, random games played to their returns a second, each seat's observation included. Every figure
is the median of repeats of at least `--seconds` each. It measures no model and no verifier.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from envs import ENVIRONMENTS
from envs.games import GAMES, make_game
from scripts.cases import case_of
from selfplay.protocols import Environment, Game
from selfplay.provenance import cpu_model
from selfplay.seeding import rng_for
from selfplay.types import Problem
from verifiers import PythonExecutor

HERE = Path(__file__).parent
BATCH = 128
"""Problems grounded at once, over the levels in turn: a round of training grounds a few hundred."""
GAMES_AT_ONCE = 20


def rates(work: Callable[[int], int], seconds: float, repeats: int) -> list[float]:
    """Items a second in each repeat; `work(n)` does batch number n and says how many items it had."""
    work(0)
    found, number = [], 0
    for _ in range(repeats):
        done, began = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - began) < seconds:
            number += 1
            done += work(number)
        found.append(done / elapsed)
    return found


def make_problems(env: Environment, number: int) -> int:
    """Draw a batch over all levels, ground it; making a Problem computes its id."""
    rng = rng_for(0, "benchmark", env.name, number)
    levels = list(env.levels)
    problems = env.ground([env.draw(levels[index % len(levels)], rng) for index in range(BATCH)])
    assert all(isinstance(problem, Problem) and problem.id for problem in problems)
    return len(problems)


def texts_to_read(env: Environment) -> list[str]:
    """Proposals as a proposer would write them, and each of them once cut short."""
    rng = rng_for(0, "benchmark", "read", env.name)
    grounded = env.ground([env.draw(level, rng) for level in env.levels for _ in range(8)])
    replies = [env.proposer_reply(one)[1] for one in grounded if isinstance(one, Problem)]
    return [text for reply in replies for text in (reply, reply[: rng.randrange(len(reply))])]


def read_problems(env: Environment, texts: Sequence[str], number: int) -> int:
    """Read every text, whichever repeat it is."""
    for text in texts:
        env.read_problem(text)
    return len(texts)


def play_games(game: Game[Any], number: int) -> int:
    """Random games to their returns, with the observation of whoever moves."""
    rng = rng_for(0, "benchmark", game.name, number)
    for _ in range(GAMES_AT_ONCE):
        state = game.reset(rng)
        while (seat := game.to_move(state)) is not None:
            game.observation(state, seat)
            state = game.step(state, rng.choice(game.legal(state)))
        game.returns(state)
    return GAMES_AT_ONCE


def rows_of_environments(seconds: float, repeats: int) -> Iterator[str]:
    """A line of the table for each environment."""
    yield "| environment | problems made, /s | range | proposals read, /s | range |"
    yield "|---|---|---|---|---|"
    for name in ENVIRONMENTS:
        with PythonExecutor() as executor:
            env = case_of(name).make(executor)
            made = rates(partial(make_problems, env), seconds, repeats)
            read: list[float] = []
            if "proposer" in env.roles:
                read = rates(partial(read_problems, env, texts_to_read(env)), seconds, repeats)
        line = f"| {name} | {shown(made)} | {shown(read)} |"
        print(line, flush=True)
        yield line


def rows_of_games(seconds: float, repeats: int) -> Iterator[str]:
    """A line of the table for each game."""
    yield "| game | random games, /s | range |"
    yield "|---|---|---|"
    for name in GAMES:
        line = f"| {name} | {shown(rates(partial(play_games, make_game(name)), seconds, repeats))} |"
        print(line, flush=True)
        yield line


def shown(found: Sequence[float]) -> str:
    """Median and range, as two cells."""
    if not found:
        return "· | ·"
    return f"{statistics.median(found):,.0f} | {min(found):,.0f} to {max(found):,.0f}"


def page(seconds: float, repeats: int) -> str:
    """The Markdown page."""
    text = (
        f"Written by `make benchmark-environments` (medians of {repeats} repeats of {seconds:g} s). Machine: "
        f"{cpu_model()}; one core for this process and its workers"
    )
    return "\n".join(
        [
            "# How fast problems are made and read",
            "",
            f"{text}.",
            "",
            *rows_of_environments(seconds, repeats),
            "",
            f"Made: drawn over all levels in turn, grounded in batches of {BATCH}, with an id. Where a reference is "
            "found by running a program (programs, code_triplet, tested_code), that is the sandbox with one worker; "
            "dataset reads its file and tests its programs once. "
            "Read: proposals in the environment's own form, half of them cut short. Instances are those of "
            "`tests/envs/cases`. An environment whose problems are given has nothing to read.",
            "",
            *rows_of_games(seconds, repeats),
            "",
            "Games are random, with the short observation of whoever moves, to their returns.",
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.environments", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each repeat (default 1)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, default=HERE / "environments.md")
    given = parser.parse_args(arguments)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    given.output.write_text(page(given.seconds, given.repeats), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
