"""The stages of one iteration: propose, validate, solve, verify. Lists in, lists out, in order.

A policy is touched by `propose` and `solve` only, worker processes by `validate` (grounding) and `verify` only. Nothing
here rewards, stores or trains, and nothing is dropped silently: what did not become a problem carries its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from selfplay.gate import Gate
from selfplay.protocols import Environment, Policy, Verifier
from selfplay.seeding import rng_for, seed_for
from selfplay.types import (
    Attempt,
    Draft,
    Episode,
    Problem,
    Prompt,
    Proposal,
    Rejection,
    Request,
    Sampling,
    Status,
    Transcript,
    Verdict,
    problem_id,
)

MAX_DRAWS = 20
"""So often a level is drawn from, before it is taken to have no more."""


def pose(env: Environment, levels: Sequence[int], count: int, held_out: Set[str], seed: int) -> list[Problem]:
    """About `count` distinct problems in equal parts from `levels`, none of them held out; fewer where there are fewer.

    For recipes without a proposer: the same seed poses the same problems.
    """
    problems: dict[str, Problem] = {}
    share = -(-count // len(levels))
    for level in levels:
        rng = rng_for(seed, "pose", level)
        found: dict[str, Problem] = {}
        for _ in range(MAX_DRAWS):
            for result in env.ground([env.draw(level, rng) for _ in range(share)]):
                if isinstance(result, Problem) and result.id not in held_out and len(found) < share:
                    found[result.id] = result
            if len(found) == share:
                break
        problems |= found
    return list(problems.values())[:count]


def propose(
    policy: Policy, env: Environment, count: int, seed: int, sampling: Sampling, exploration: float = 0.0
) -> list[Transcript]:
    """Ask `policy` for `count` problems.

    `exploration` (nats) presses proposals to go on: half of them get a bias of 0 to -exploration, uniformly, on the
    token that ends a problem (`Environment.stop_text`).
    """
    stop = env.stop_text()
    requests = []
    for index in range(count):
        rng = rng_for(seed, "proposal", index)
        prompt = env.proposer_prompt(rng)
        pressure = exploration * max(0.0, rng.uniform(-1.0, 1.0))
        bias = ((stop, -pressure),) if stop is not None and pressure > 0.0 else ()
        requests.append(Request("proposer", prompt, seed_for(seed, "sample", index), bias))
    return policy.generate(requests, sampling)


def propose_to(policy: Policy, prompts: Sequence[Prompt], seed: int, sampling: Sampling) -> list[Transcript]:
    """Ask `policy` for one problem a prompt: for recipes that choose what a proposer is asked for."""
    requests = [Request("proposer", prompt, seed_for(seed, "sample", index)) for index, prompt in enumerate(prompts)]
    return policy.generate(requests, sampling)


def validate(
    transcripts: Sequence[Transcript], env: Environment, gate: Gate, seed: int, mutation: float = 0.0
) -> list[Proposal]:
    """Read, mutate, ground and admit proposals: one Proposal each, with its Problem or the reason there is none.

    `mutation` is the share of each problem's content that is redrawn (`Environment.mutate`): the proposer chooses how
    hard a problem is, chance keeps its content from collapsing onto favourites.
    """
    outcomes: list[Draft | Problem | Rejection] = []
    for index, transcript in enumerate(transcripts):
        read = _read(transcript, env)
        if isinstance(read, Draft) and mutation > 0.0:
            mutant = env.mutate(read, rng_for(seed, "mutate", index), mutation)
            read = Draft(mutant.prompt, mutant.level, (problem_id(env.name, read.prompt),))
        outcomes.append(read)
    drafts = [(index, outcome) for index, outcome in enumerate(outcomes) if isinstance(outcome, Draft)]
    grounded = env.ground([draft for _, draft in drafts])
    for (index, _), result in zip(drafts, grounded, strict=True):
        outcomes[index] = result
    proposals = []
    for transcript, outcome in zip(transcripts, outcomes, strict=True):
        assert not isinstance(outcome, Draft)
        proposals.append(Proposal(transcript, gate.admit(outcome) if isinstance(outcome, Problem) else outcome))
    return proposals


def _read(transcript: Transcript, env: Environment) -> Draft | Rejection:
    return env.read_problem(transcript.completion) if transcript.stopped else Rejection("unfinished")


def posed(proposals: Iterable[Proposal]) -> tuple[list[Proposal], list[Problem]]:
    """The proposals that became problems, and these problems, in order."""
    kept = [(proposal, proposal.problem) for proposal in proposals if proposal.problem is not None]
    return [proposal for proposal, _ in kept], [problem for _, problem in kept]


def solve(
    policy: Policy,
    env: Environment,
    problems: Sequence[Problem],
    num_attempts: int,
    seed: int,
    sampling: Sampling,
    filler: int = 0,
) -> list[list[Transcript]]:
    """`num_attempts` transcripts for each problem; each attempt sees its own rendering of the problem (`filler`)."""
    requests = [
        Request("solver", rendered(env, problem, attempt, seed, filler), seed_for(seed, "sample", problem.id, attempt))
        for problem in problems
        for attempt in range(num_attempts)
    ]
    flat = policy.generate(requests, sampling)
    return [flat[row * num_attempts : (row + 1) * num_attempts] for row in range(len(problems))]


def rendered(env: Environment, problem: Problem, attempt: int, seed: int, filler: int = 0) -> Prompt:
    """The prompt that `solve` with this seed shows at one attempt."""
    return env.solver_prompt(problem, rng_for(seed, "render", problem.id, attempt), filler)


def augment(
    solved: Sequence[tuple[Problem, Transcript]],
    policy: Policy,
    env: Environment,
    verifier: Verifier,
    gate: Gate,
    seed: int,
    filler: int = 0,
) -> list[Transcript]:
    """Each solved problem as an equivalent one (`Environment.augment`), its solution carried over and judged again.

    Where the new problem is held out, or its solution is not verified to be right, the original transcript stays.
    """
    moved = []
    for index, (problem, transcript) in enumerate(solved):
        rng = rng_for(seed, "augment", index)
        equivalent, reply = env.augment(problem, transcript.completion, rng)
        moved.append((equivalent, env.solver_prompt(equivalent, rng, filler), reply))
    answers = [(problem, env.read_answer(problem, reply)) for problem, _, reply in moved]
    judged = iter(verifier.verify([(problem, answer) for problem, answer in answers if answer is not None]))
    right = [
        answer is not None and next(judged).correct and problem.id not in gate.held_out for problem, answer in answers
    ]
    written = iter(
        policy.references(
            "solver", [(prompt, reply) for (_, prompt, reply), kept in zip(moved, right, strict=True) if kept]
        )
    )
    return [next(written) if kept else transcript for (_, transcript), kept in zip(solved, right, strict=True)]


def verify(
    problems: Sequence[Problem],
    attempts: Sequence[Sequence[Transcript]],
    env: Environment,
    verifier: Verifier,
    proposals: Sequence[Proposal | None] | None = None,
) -> list[Episode]:
    """Judge every attempt once. `proposals`, if given, are parallel to `problems`.

    An attempt without an answer is MALFORMED by the verifier's word, judged or verified as its others are
    (`Verifier.judge_of`): else a judged problem would have verified failures, and so a verified solve rate of 0.
    """
    verdicts: dict[tuple[int, int], Verdict] = {}
    pending: list[tuple[tuple[int, int], Problem, str]] = []
    for row, (problem, transcripts) in enumerate(zip(problems, attempts, strict=True)):
        for column, transcript in enumerate(transcripts):
            answer = env.read_answer(problem, transcript.completion) if transcript.stopped else None
            if answer is None:
                detail = "no answer in the reply" if transcript.stopped else "the reply did not end"
                judge = verifier.judge_of(problem)
                verdicts[row, column] = Verdict(Status.MALFORMED, None, detail, judged_by=judge)
            else:
                pending.append(((row, column), problem, answer))
    judged = verifier.verify([(problem, answer) for _, problem, answer in pending])
    for (place, _, _), verdict in zip(pending, judged, strict=True):
        verdicts[place] = verdict
    return [
        Episode(
            problem,
            tuple(
                Attempt(problem.id, transcript, verdicts[row, column]) for column, transcript in enumerate(transcripts)
            ),
            None if proposals is None else proposals[row],
        )
        for row, (problem, transcripts) in enumerate(zip(problems, attempts, strict=True))
    ]
