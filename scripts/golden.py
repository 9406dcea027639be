"""Write the golden playthroughs, `tests/golden/<name>.txt`: `python -m scripts.golden [NAME …]`.

A playthrough shows in readable text what an environment says in each of its roles: prompts, replies, the problem, its
variants, and verdicts on a right, a wrong and a malformed answer; at several levels, in every style, and once for every
value of an option that is one of a few. Of a game it shows what each seat sees and may do, and the returns. Tests
compare it, so that a change of a format is seen and meant. It uses no model and shows no timings. The instances are
those of `tests/envs/cases`.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from envs import ENVIRONMENTS
from envs.games import GAMES
from scripts import golden_games
from scripts.cases import Case, case_of
from scripts.cli import run_main
from selfplay.checking import nearest
from selfplay.errors import UserError
from selfplay.protocols import Environment, Verifier
from selfplay.seeding import rng_for
from selfplay.stages import verify
from selfplay.types import Draft, Message, Problem, Prompt, Rejection, Status, Transcript
from verifiers import PythonExecutor

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden"
LEVELS = (1, 2, 4, 7)
FILLER = 2
MAX_DRAWS = 200
SHOWN_CHARACTERS = 200
NONSENSE = ("{reply}?!", "I do not know.", "?!", "")
"""Replies, one of which has no answer in any environment."""


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.golden", description="Write the golden playthroughs.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="environments or games (default: all)")
    given = parser.parse_args(list(arguments))
    known = names()
    for name in given.names:
        if name not in known:
            raise UserError(f"nothing is called {name!r}; {nearest(name, known)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in given.names or known:
        path = FOLDER / f"{name}.txt"
        path.write_text(playthrough(name), encoding="utf-8")
        print(path)
    return 0


def names() -> list[str]:
    """Everything that has a playthrough."""
    return [*ENVIRONMENTS, *GAMES]


def playthrough(name: str) -> str:
    """The playthrough of the environment or game called `name`."""
    return "\n".join(golden_games.playthrough(name) if name in GAMES else _of_environment(case_of(name)))


def _of_environment(case: Case) -> Iterator[str]:
    with PythonExecutor() as executor, contextlib.ExitStack() as stack:
        env = case.make(executor)
        verifier = case.verifier(env)
        if hasattr(verifier, "close"):
            stack.callback(verifier.close)
        yield f"environment {case.name}"
        yield f"roles {', '.join(env.roles)}, verifier {env.verifier}, levels {env.levels[0]} to {env.levels[-1]}"
        yield ""
        options = case.choices()
        style = f", {options['style'][0]}" if "style" in options else ""
        for level in [level for level in LEVELS if level in env.levels] or [env.levels[0]]:
            yield f"== level {level}{style}, {env.num_problems(level)} problems =="
            yield from _play(case, env, verifier, level, is_own=True)
        level = min(2, env.levels[-1])
        for changes in _changes(options):
            yield f"== level {level}, {', '.join(f'{option} {_said(value)}' for option, value in changes.items())} =="
            yield from _play(case, case.with_options(executor, **changes), verifier, level, is_own=False)


def _changes(options: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Every other value of every option that is one of a few, in every style."""
    styles = options.get("style", ())
    yield from ({"style": style} for style in styles[1:])
    for option, (_, *others) in options.items():
        if option != "style":
            for value in others:
                yield {option: value}
                yield from ({option: value, "style": style} for style in styles[1:])


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _play(case: Case, env: Environment, verifier: Verifier, level: int, *, is_own: bool) -> Iterator[str]:
    rng = rng_for(0, "golden", env.name, level)
    draft, problem = _drawn(env, level, rng)
    if "proposer" in env.roles:
        asked, proposal = env.proposer_reply(problem)
        yield from _shown("proposer", asked, proposal)
        for label, text in (("reads as", proposal), ("cut short", proposal[: 2 * len(proposal) // 3])):
            yield from _labelled(label, _read(env.read_problem(text)))
    yield from _labelled("problem", f"{problem.id} {problem.origin}, level {problem.level}")
    yield from _labelled("text", problem.prompt)
    yield from _labelled("reference", problem.reference)
    for key, value in sorted(problem.payload.items()):
        yield from _labelled("payload", f"{key}: {_cut(value)}")
    yield from _variants(env, draft, problem, rng)
    reply = env.solver_reply(problem)
    shown = env.solver_prompt(problem, rng, 0)
    yield from _shown("solver", shown, reply)
    filled = env.solver_prompt(problem, rng, FILLER)
    if filled != shown:
        yield from _shown("solver", filled, None)
    yield from _verdicts(case, env, verifier, problem, rng, is_own)
    yield ""


def _drawn(env: Environment, level: int, rng: random.Random) -> tuple[Draft, Problem]:
    for _ in range(MAX_DRAWS):
        draft = env.draw(level, rng)
        (problem,) = env.ground([draft])
        if isinstance(problem, Problem):
            return draft, problem
    raise RuntimeError(f"{env.name} draws no problem of level {level}: {problem}")


def _variants(env: Environment, draft: Draft, problem: Problem, rng: random.Random) -> Iterator[str]:
    """What can be made of a problem, where anything can."""
    mutant = env.mutate(draft, rng, 0.5)
    if mutant != draft:
        yield from _labelled("mutant", mutant.prompt)
    renamed, reply = env.augment(problem, env.solver_reply(problem), rng)
    if renamed != problem:
        yield from _labelled("augmented", f"{renamed.prompt}\n{reply}")
    reordered = env.reorder(draft, rng)
    if reordered != draft:
        yield from _labelled("reordered", reordered.prompt)
    composed = env.compose(problem, problem)
    if isinstance(composed, Draft):
        yield from _labelled("composed", composed.prompt)
    prose = env.prose(problem)
    if prose is not None:
        yield from _labelled("prose", prose)
        reworded = env.reword(problem, f"In other words: {prose}")
        yield from _labelled("reworded", _read(reworded))


def _verdicts(
    case: Case, env: Environment, verifier: Verifier, problem: Problem, rng: random.Random, is_own: bool
) -> Iterator[str]:
    """A right, a wrong and a malformed reply. A wrong answer is judged as it is, not read from a reply.

    The case knows wrong answers for its own instance only.
    """
    reply = env.solver_reply(problem)
    texts = [text.replace("{reply}", reply) for text in NONSENSE]
    malformed = next((text for text in texts if env.read_answer(problem, text) is None), None)
    for label, text in (("right", reply), ("malformed", malformed)):
        if text is None:
            yield from _labelled(label, "none: any text is an answer")
            continue
        transcript = Transcript("solver", (Message("assistant", text),), (), (), (), -1, 0, True)
        verdict = verify([problem], [[transcript]], env, verifier)[0].attempts[0].verdict
        answer = env.read_answer(problem, text)
        judge = f" (judged by {verdict.judged_by})" if verdict.judged_by else ""
        yield from _labelled(label, f"{_cut(text)!r} answers {_cut(answer)!r}: {verdict.status}{judge}")
        if label == "right":
            wrong = case.wrong(problem, rng) if is_own else _other_answer(env, verifier, problem, rng)
            (verdict,) = verifier.verify([(problem, wrong)])
            yield from _labelled("wrong", f"{_cut(wrong)!r}: {verdict.status}{judge}")


def _other_answer(env: Environment, verifier: Verifier, problem: Problem, rng: random.Random) -> str:
    """The answer to another problem of the level that is not right for this one."""
    for _ in range(MAX_DRAWS):
        _, other = _drawn(env, problem.level, rng)
        answer = env.read_answer(problem, env.solver_reply(other))
        if answer is not None and verifier.verify([(problem, answer)])[0].status is not Status.CORRECT:
            return answer
    raise RuntimeError(f"{env.name}: every answer is right for {problem.prompt!r}")


def _read(outcome: Draft | Problem | Rejection) -> str:
    if isinstance(outcome, Rejection):
        return f"rejected: {outcome.reason}"
    return f"level {outcome.level}: {outcome.prompt}"


def _cut(text: Any) -> Any:
    if not isinstance(text, str) or len(text) <= SHOWN_CHARACTERS:
        return text
    return f"{text[:SHOWN_CHARACTERS]}… ({len(text)} characters)"


def _shown(role: str, prompt: Prompt, reply: str | None) -> Iterator[str]:
    for message in prompt.messages:
        yield from _labelled(role if message.role == "user" else message.role, message.text)
    if prompt.prefix:
        yield from _labelled("  prefix", prompt.prefix)
    if reply is not None:
        yield from _labelled("  reply", reply)


def _labelled(label: str, text: str) -> Iterator[str]:
    """Each line of a text, after a label of eleven characters."""
    for index, line in enumerate(text.split("\n")):
        yield f"{label if index == 0 else '':<11}{line}".rstrip()


if __name__ == "__main__":
    run_main(main, resumable=False)
