"""A person or a model plays one side of an environment: solves its problems, or proposes them.

Contract: every problem, reply and verdict is made by the same functions as in a run (`Environment`, `Gate`, a
verifier), and drawn from a named seed, so that the same command shows the same problems. A reply that no program could
judge because of us (FAULT) is shown and counted as such.

It trains nothing, records nothing, and knows no games.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from scripts.play_view import HOW_TO_ANSWER, Screen
from selfplay.evaluate import held_out_split
from selfplay.gate import Gate
from selfplay.protocols import Environment, Policy, Verifier
from selfplay.seeding import rng_for, seed_for
from selfplay.stages import validate, verify
from selfplay.types import Message, Problem, Prompt, Rejection, Request, Sampling, Status, Transcript

HELD_OUT_PROBLEMS = 200
"""A level; so many a run holds out unless told otherwise (`EvaluationConfig.num_problems`)."""
MAX_DRAWS = 50


Reads = Callable[[str], bool]


class Player(Protocol):
    """Whoever replies."""

    is_person: bool

    def reply(self, role: str, prompt: Prompt, seed: int, reads: Reads) -> Transcript | None:
        """A reply; None if there will be no more. `reads` says whether something can be read in a text."""
        ...


class Person:
    """Somebody at the other end of a screen, whose replies may have several lines or (`one_line`) never have."""

    is_person = True

    def __init__(self, screen: Screen, one_line: bool = False) -> None:
        self.screen = screen
        self.one_line = one_line

    def reply(self, role: str, prompt: Prompt, seed: int, reads: Reads) -> Transcript | None:
        """What is typed, as it is if something can be read in it, else with the forced beginning before it."""
        text = self.screen.read_line() if self.one_line else self.screen.read_text()
        if text is None:
            return None
        reply = text if reads(text) or text.startswith(prompt.prefix) else prompt.prefix + text
        if not self.screen.is_interactive:
            self.screen.line("reply", reply)
        return typed(role, prompt, reply, seed)


class Model:
    """A policy in the person's place; what it writes is shown."""

    is_person = False

    def __init__(self, policy: Policy, sampling: Sampling, screen: Screen) -> None:
        self.policy = policy
        self.sampling = sampling
        self.screen = screen

    def write(self, role: str, prompt: Prompt, seed: int) -> Transcript:
        """A reply, not shown."""
        (transcript,) = self.policy.generate([Request(role, prompt, seed)], self.sampling)
        return transcript

    def reply(self, role: str, prompt: Prompt, seed: int, reads: Reads) -> Transcript:
        transcript = self.write(role, prompt, seed)
        self.screen.line("reply", transcript.completion)
        ending = "ended by itself" if transcript.stopped else "cut off at the longest reply allowed"
        self.screen.line("", f"({transcript.num_sampled} tokens, {ending})", "dim")
        return transcript


def typed(role: str, prompt: Prompt, reply: str, seed: int = 0) -> Transcript:
    """A person's reply as a transcript: no tokens, `policy_version` -1."""
    return Transcript(role, (*prompt.messages, Message("assistant", reply)), (), (), (), -1, seed, True)


def solve_problems(
    env: Environment, verifier: Verifier, player: Player, screen: Screen, level: int, seed: int, count: int | None
) -> int:
    """Play the solver on `count` problems of a level (None: until the input ends). Returns the exit status."""
    statuses: Counter[str] = Counter()
    index = 0
    while count is None or index < count:
        problem = drawn(env, level, seed, index)
        screen.title(f"{env.name}, level {problem.level}, problem {problem.id}: solver")
        prompt = env.solver_prompt(problem, rng_for(seed, "play", "render", index), 0)
        screen.prompt(prompt)
        ask(screen, player, prompt, first=index == 0)
        reads = partial(has_answer, env, problem)
        transcript = player.reply("solver", prompt, seed_for(seed, "play", "solver", index), reads)
        if transcript is None:
            break
        verdict = verify([problem], [[transcript]], env, verifier)[0].attempts[0].verdict
        screen.verdict(verdict)
        screen.line("reference", problem.reference)
        screen.gap()
        statuses[verdict.status.value] += 1
        index += 1
    return conclude(screen, statuses, index, count)


def propose_problems(env: Environment, player: Player, screen: Screen, seed: int, count: int | None) -> int:
    """Play the proposer `count` times (None: until the input ends). Returns the exit status."""
    gate = Gate(())
    outcomes: Counter[str] = Counter()
    index = 0
    while count is None or index < count:
        screen.title(f"{env.name}: proposer")
        rng = rng_for(seed, "play", "propose", index)
        prompt = env.proposer_prompt(rng)
        screen.prompt(prompt)
        if player.is_person and index == 0:
            example = env.proposer_reply(drawn(env, env.levels[0], seed, 0))[1]
            screen.line("example", example, "dim")
        ask(screen, player, prompt, first=index == 0)
        reads = partial(has_problem, env)
        transcript = player.reply("proposer", prompt, seed_for(seed, "play", "proposer", index), reads)
        if transcript is None:
            break
        outcome = admitted(env, gate, transcript)
        show_outcome(screen, outcome)
        screen.gap()
        outcomes["admitted" if isinstance(outcome, Problem) else outcome.reason] += 1
        index += 1
    return conclude(screen, outcomes, index, count)


def has_answer(env: Environment, problem: Problem, text: str) -> bool:
    """Whether a text has an answer to the problem."""
    return env.read_answer(problem, text) is not None


def has_problem(env: Environment, text: str) -> bool:
    """Whether a text is a problem of the environment."""
    return not isinstance(env.read_problem(text), Rejection)


def drawn(env: Environment, level: int, seed: int, index: int) -> Problem:
    """The problem number `index` of a level. Raises RuntimeError if none of many draws becomes a problem."""
    rng = rng_for(seed, "play", env.name, level, index)
    reasons = []
    for _ in range(MAX_DRAWS):
        (outcome,) = env.ground([env.draw(level, rng)])
        if isinstance(outcome, Problem):
            return outcome
        reasons.append(f"{outcome.reason} {outcome.detail}".strip())
    raise RuntimeError(f"{env.name} draws no problem of level {level}: {reasons[-1]}")


def ask(screen: Screen, player: Player, prompt: Prompt, first: bool) -> None:
    """Tell a person what to type, once."""
    if not player.is_person or not first:
        return
    begins = f"The beginning {prompt.prefix!r} may be left out. " if prompt.prefix else ""
    screen.note(begins + HOW_TO_ANSWER)


def admitted(env: Environment, gate: Gate, transcript: Transcript) -> Problem | Rejection:
    """What becomes of a proposal in a run: read, grounded, and refused if it is held out or was there before."""
    outcome = validate([transcript], env, gate, seed=0)[0].outcome
    if isinstance(outcome, Problem) and outcome.level in env.levels:
        held_out = held_out_split(env, [outcome.level], HELD_OUT_PROBLEMS)[outcome.level]
        return Gate(problem.id for problem in held_out).admit(outcome)
    return outcome


def show_outcome(screen: Screen, outcome: Problem | Rejection) -> None:
    """A problem with its reference and level, or why there is none."""
    if isinstance(outcome, Rejection):
        screen.line("refused", outcome.reason, "bold red")
        if outcome.detail:
            screen.line("detail", outcome.detail)
        return
    screen.line("admitted", f"{outcome.id}, level {outcome.level}", "bold green")
    screen.line("problem", outcome.prompt)
    screen.line("reference", outcome.reference)
    screen.line("known by", outcome.origin.value)


def conclude(screen: Screen, tally: Mapping[str, int], done: int, count: int | None) -> int:
    """Say what was played; 1 if something of ours broke, or if the input ended before `count` replies."""
    if done > 1:
        screen.line("played", f"{done}: " + ", ".join(f"{number} {name}" for name, number in tally.items()))
    if count is not None and done < count:
        screen.note(f"the input ended after {done} of {count} replies")
        return 1
    return 1 if any(name.endswith(Status.FAULT.value) for name in tally) else 0
