"""Write problems of an environment as a dataset: `python -m scripts.problems --env NAME --output FILE.jsonl …`.

Draws distinct seed problems of the levels asked for, then varies them: `--vary` renames, redraws numbers, reorders and
composes (`selfplay.augmentation`), `--paraphrase` has the model of `--model` put them in other words and quarantines a
wording whose solve rate differs. Everything is grounded again and verified; what is refused is counted by reason and
shown. Problems of the environment's held-out split are never written.

Rows out, one JSON object a line: `{"id", "env", "kind", "level", "origin", "parents", "problem", "prompt", "answer",
"reply", "verifier", "payload"}`; `prompt` is what a solver sees, `reply` a demonstration. The environment `dataset`
reads such a file. It trains nothing. Exit status 2 for a mistake, after which the output file is as it was.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.cli import run_main
from scripts.instances import find_model, key_values, load_policy, opened
from selfplay.augmentation import VARIATIONS, Variant, paraphrase, refusals, screen, vary
from selfplay.checking import nearest
from selfplay.disk import flush
from selfplay.errors import RecordError, UserError
from selfplay.evaluate import held_out_split
from selfplay.gate import Gate
from selfplay.protocols import Environment, Policy, Verifier
from selfplay.seeding import rng_for, seed_for
from selfplay.types import Problem, Sampling

MAX_DRAWS_FACTOR = 20
"""So many draws a wanted problem, before a level is taken to have no more."""


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    given = read_arguments(arguments)
    policy = load_policy(find_model(given.model).weights) if given.paraphrase else None
    with opened(given.env, key_values(given.options)) as (env, verifier):
        levels = _levels(given.levels, env)
        held_out = held_out_split(env, list(env.levels), given.held_out)  # a composition may reach any level
        gate = Gate(problem.id for problems in held_out.values() for problem in problems)
        seeds = draw(env, levels, given.count, gate, given.seed)
        variants = vary(seeds, env, verifier, gate, given.seed, given.vary)
        if policy is not None:
            variants += reworded(given, seeds, policy, env, verifier, gate)
        write(given.output, rows(env, seeds, variants, given.seed))
    for line in report(seeds, variants, levels, given.count):
        print(line)
    print(f"problems   {given.output}")
    return 0


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. A mistake ends the process with status 2, as argparse does, or raises UserError."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.problems",
        description="Write seed problems of an environment, and verified variants of them.",
        allow_abbrev=False,
    )
    parser.add_argument("--env", metavar="NAME", required=True, help="the environment (scripts.envs lists them)")
    parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="JSONL file to write")
    parser.add_argument("--levels", metavar="LOW-HIGH", help="levels to draw from, such as 1-4 or 3; default: all")
    parser.add_argument("--count", metavar="N", type=_count, default=100, help="seed problems a level (default 100)")
    parser.add_argument("--held-out", metavar="N", type=_count, default=200, help="problems a level that are held out")
    parser.add_argument("--vary", metavar="KIND,…", default="", help=f"any of {', '.join(VARIATIONS)}, or all")
    parser.add_argument("--paraphrase", action="store_true", help="have a model put problems in other words")
    parser.add_argument("--model", metavar="DIR", type=Path, help="the folder of the model that writes and solves them")
    parser.add_argument("--attempts", metavar="N", type=_count, default=16, help="attempts a wording, to compare rates")
    parser.add_argument("--max-new-tokens", metavar="N", type=_count, default=256, help="longest reply of the model")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="names the draw (default 0)")
    parser.add_argument("options", metavar="key=value", nargs="*", help="options of the environment, as in YAML")
    given = parser.parse_intermixed_args(list(arguments))
    given.vary = _kinds(given.vary)
    if given.paraphrase != (given.model is not None):
        raise UserError("--paraphrase and --model go together: a model puts the problems in other words")
    if given.output.is_dir() or not given.output.parent.is_dir():
        raise RecordError(f"--output: {given.output} cannot be written, expected a file in a folder that exists")
    return given


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 10**6:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number from 1 to 1000000")
    return int(text)


def _kinds(text: str) -> list[str]:
    kinds = list(VARIATIONS) if text == "all" else [kind for kind in text.split(",") if kind]
    for kind in kinds:
        if kind not in VARIATIONS:
            raise UserError(f"--vary: no kind is called {kind!r}; {nearest(kind, VARIATIONS)}")
    return kinds


def _levels(text: str | None, env: Environment) -> list[int]:
    """The levels that `LOW-HIGH` (or one number) names; all, for None."""
    if text is None:
        return list(env.levels)
    match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", text)
    levels = list(range(int(match[1]), int(match[2] or match[1]) + 1)) if match else []
    if not levels or not set(levels) <= set(env.levels):
        first, last = env.levels[0], env.levels[-1]
        raise UserError(
            f"--levels: got {text!r}, expected levels {first} to {last} of {env.name}, such as {first}-{last}"
        )
    return levels


def draw(env: Environment, levels: Sequence[int], count: int, gate: Gate, seed: int) -> list[Problem]:
    """Up to `count` distinct problems of each level that the gate admits; fewer where a level has fewer."""
    problems: list[Problem] = []
    for level in levels:
        rng = rng_for(seed, "problems", env.name, level)
        found: list[Problem] = []
        for _ in range(MAX_DRAWS_FACTOR):
            grounded = env.ground([env.draw(level, rng) for _ in range(count)])
            admitted = [gate.admit(one) for one in grounded if isinstance(one, Problem)]
            found += [one for one in admitted if isinstance(one, Problem)]
            if len(found) >= count:
                break
        problems += found[:count]
    return problems


def reworded(
    given: argparse.Namespace,
    seeds: Sequence[Problem],
    policy: Policy,
    env: Environment,
    verifier: Verifier,
    gate: Gate,
) -> list[Variant]:
    """Paraphrases of the seed problems, screened by solve rate."""
    sampling = Sampling(temperature=1.0, max_new_tokens=given.max_new_tokens)
    written = paraphrase(policy, env, seeds, gate, given.seed, sampling)
    seed = seed_for(given.seed, "problems")
    return screen(written, seeds, policy, env, verifier, given.attempts, seed, sampling)


def rows(
    env: Environment, seeds: Sequence[Problem], variants: Sequence[Variant], seed: int
) -> Iterator[dict[str, Any]]:
    """What is written, a problem a row: seeds first."""
    kept = [("seed", problem) for problem in seeds]
    kept += [(variant.kind, variant.problem) for variant in variants if variant.problem is not None]
    for kind, problem in kept:
        prompt = env.solver_prompt(problem, rng_for(seed, "render", problem.id), 0)
        yield {
            "id": problem.id,
            "env": problem.env,
            "kind": kind,
            "level": problem.level,
            "origin": problem.origin.value,
            "parents": list(problem.parents),
            "problem": problem.prompt,
            "prompt": "\n\n".join(message.text for message in prompt.messages),
            "answer": problem.reference,
            "reply": env.solver_reply(problem),
            "verifier": env.verifier,
            "payload": dict(problem.payload),
        }


def write(path: Path, content: Iterator[dict[str, Any]]) -> None:
    """Write all rows beside the file, then rename: a failure leaves an existing file as it was."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            for row in content:
                file.write(json.dumps(row, ensure_ascii=True) + "\n")
        flush(partial)
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise RecordError(f"--output: {path} cannot be written: {error.strerror}") from error


def report(seeds: Sequence[Problem], variants: Sequence[Variant], levels: Sequence[int], count: int) -> Iterator[str]:
    """What was made and what was refused, a line each."""
    yield f"seed       {len(seeds):,} problems of levels {levels[0]} to {levels[-1]}"
    for level in levels:
        if (found := sum(problem.level == level for problem in seeds)) < count:
            yield f"           level {level} has {found:,} of the {count:,} asked for"
    for kind in dict.fromkeys(variant.kind for variant in variants):
        own = [variant for variant in variants if variant.kind == kind]
        reasons = ", ".join(f"{name.split('/')[1]} {number:,}" for name, number in sorted(refusals(own).items()))
        made = sum(variant.problem is not None for variant in own)
        yield f"{kind:<10} {made:,} problems of {len(own):,} tried" + (f"; refused: {reasons}" if reasons else "")


if __name__ == "__main__":
    run_main(main, resumable=False)
