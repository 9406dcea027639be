"""Write the golden playthroughs, `tests/golden/<environment>.txt`: `python -m scripts.golden`.

A playthrough shows in readable text what an environment says in both roles: prompts, replies, the problem, and verdicts
on a right, a wrong and a malformed answer. Tests compare it, so that a change of a format is seen and meant. It uses no
model and shows no timings.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from envs import ENVIRONMENTS
from scripts.cli import run_main
from selfplay.protocols import Environment
from selfplay.seeding import rng_for
from selfplay.types import Problem, Prompt, Rejection
from verifiers import ClosingVerifier, PythonExecutor, make_verifier

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden"
LEVELS = (1, 2, 4, 7)
FILLER = 2
NUM_OTHERS = 200


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.golden", description="Write the golden playthroughs.")
    parser.parse_args(list(arguments))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in ENVIRONMENTS:
        path = FOLDER / f"{name}.txt"
        path.write_text(playthrough(name), encoding="utf-8")
        print(path)
    return 0


def playthrough(name: str) -> str:
    """The playthrough of the environment called `name`: every level of `LEVELS` in terse style, one in words."""
    lines = [f"environment {name}", ""]
    with PythonExecutor() as executor:
        options, make = ENVIRONMENTS[name]
        env: Environment = make(options(style="terse"), executor)
        wordy: Environment = make(options(style="instruct"), executor)
        with make_verifier(env.verifier) as verifier:
            lines.insert(1, f"verifier {env.verifier}, levels {env.levels[0]} to {env.levels[-1]}")
            for level in LEVELS:
                lines += [
                    f"== level {level}, terse, {env.num_problems(level)} problems ==",
                    *_play(env, verifier, level),
                ]
            lines += ["== level 2, instruct ==", *_play(wordy, verifier, 2)]
    return "\n".join(lines)


def _play(env: Environment, verifier: ClosingVerifier, level: int) -> Iterator[str]:
    rng = rng_for(0, "golden", env.name, level)
    draft = env.draw(level, rng)
    problem, *others = env.ground([draft, *(env.draw(level, rng) for _ in range(NUM_OTHERS))])
    assert isinstance(problem, Problem), problem
    asked, proposal = env.proposer_reply(problem)
    yield from _shown("proposer", asked, proposal)
    for label, text in (("reads as", proposal), ("cut short", proposal[:-1])):
        read = env.read_problem(text)
        outcome = f"rejected: {read.reason}" if isinstance(read, Rejection) else f"level {read.level}: {read.prompt}"
        yield f"{label:<11}{outcome}"
    yield f"problem    {problem.id} {problem.origin}, reference {problem.reference!r}, payload {dict(problem.payload)}"
    yield f"mutant     {env.mutate(draft, rng, 0.5).prompt}"
    reply = env.solver_reply(problem)
    yield from _shown("solver", env.solver_prompt(problem, rng, 0), reply)
    yield from _shown("solver", env.solver_prompt(problem, rng, FILLER), None)
    for label, text in (("right", reply), ("wrong", _wrong_reply(env, problem, others)), ("malformed", f"{reply}?!")):
        answer = env.read_answer(problem, text)
        verdict = "malformed, no answer read" if answer is None else verifier.verify([(problem, answer)])[0].status
        yield f"{label:<11}{text!r} answers {answer!r}: {verdict}"
    yield ""


def _wrong_reply(env: Environment, problem: Problem, others: Sequence[Problem | Rejection]) -> str:
    """The reply to another problem, read as an answer to this one."""
    replies = [env.solver_reply(other) for other in others if isinstance(other, Problem)]
    return next(reply for reply in replies if env.read_answer(problem, reply) not in (None, problem.reference))


def _shown(role: str, prompt: Prompt, reply: str | None) -> Iterator[str]:
    for message in prompt.messages:
        for line in message.text.split("\n"):
            yield f"{role:<11}{line}".rstrip()
    yield f"  prefix   {prompt.prefix}"
    if reply is not None:
        yield f"  reply    {reply}"


if __name__ == "__main__":
    run_main(main, resumable=False)
