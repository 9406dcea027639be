"""The stages: lists in, lists out, in order, and nothing dropped silently."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from builders import Classroom, transcript

from envs.programs import Programs
from selfplay.gate import Gate
from selfplay.protocols import Policy
from selfplay.scripted import ScriptedPolicy
from selfplay.stages import augment, pose, propose, solve, validate, verify
from selfplay.types import Problem, Prompt, Rejection, Request, Sampling, Status, Transcript, Verdict, problem_id
from verifiers import ClosingVerifier

HOT = Sampling(temperature=1.0)


class Echo:
    """Replies with the prompt's prefix and text, and keeps what it was asked."""

    version = 0

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.calls = 0

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Transcript]:
        self.calls += 1
        self.requests += requests
        return [
            transcript(one.prompt.prefix + one.prompt.messages[-1].text, one.role, seed=one.seed) for one in requests
        ]

    def reference(self, role: str, prompt: Prompt, completion: str) -> Transcript:
        return transcript(completion, role)

    def references(self, role: str, replies: Sequence[tuple[Prompt, str]]) -> list[Transcript]:
        return [self.reference(role, prompt, completion) for prompt, completion in replies]

    def snapshot(self) -> Policy:
        return self


def program(programs: Programs, level: int = 1, seed: int = 0) -> str:
    return programs.draw(level, random.Random(seed)).prompt


def written(*texts: str) -> list[Transcript]:
    return [transcript(text, "proposer") for text in texts]


@pytest.fixture
def problems(programs: Programs) -> list[Problem]:
    rng = random.Random(3)
    grounded = programs.ground([programs.draw(level, rng) for level in (1, 2, 3)])
    return [one for one in grounded if isinstance(one, Problem)]


# propose


def test_every_proposal_has_a_seed_of_its_own_and_the_same_one_next_time(programs: Programs) -> None:
    seeds: list[list[int]] = []
    for count in (50, 20):
        policy = Echo()
        propose(policy, programs, count, 7, HOT)
        seeds.append([request.seed for request in policy.requests])
    assert len(set(seeds[0])) == 50
    assert seeds[1] == seeds[0][:20]


def test_a_stage_generates_in_one_batch(programs: Programs, problems: list[Problem]) -> None:
    policy = Echo()
    propose(policy, programs, 20, 7, HOT)
    solve(policy, programs, problems, 4, 7, HOT)
    assert policy.calls == 2


def test_exploration_presses_half_of_the_proposals_to_go_on(programs: Programs) -> None:
    policy = Echo()
    propose(policy, programs, 1000, 7, HOT, exploration=10.0)
    pressed = [request.bias for request in policy.requests if request.bias]
    values = [value for ((text, value),) in pressed if text == programs.stop_text()]
    assert len(values) == len(pressed)
    assert 430 <= len(pressed) <= 570
    assert -10.0 <= min(values) < -9.0
    assert -1.0 < max(values) < 0.0


def test_without_exploration_nothing_is_pressed(programs: Programs) -> None:
    policy = Echo()
    propose(policy, programs, 50, 7, HOT)
    assert all(request.bias == () for request in policy.requests)


def test_an_environment_without_a_stop_text_cannot_be_pressed(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Programs, "stop_text", lambda self: None)
    policy = Echo()
    propose(policy, programs, 50, 7, HOT, exploration=10.0)
    assert all(request.bias == () for request in policy.requests)


# validate


def test_every_transcript_becomes_one_proposal_with_its_problem_or_its_reason(programs: Programs) -> None:
    good = program(programs)
    wrong_name = good[:-2] + ("a" if good[-2] != "a" else "b") + ")"
    unfinished = transcript(program(programs, 2), "proposer", stopped=False)
    texts = [*written(good, "nonsense", wrong_name, good), unfinished]
    proposals = validate(texts, programs, Gate(()), 0)
    assert [one.transcript for one in proposals] == texts
    reasons = [one.outcome.reason if isinstance(one.outcome, Rejection) else "problem" for one in proposals]
    assert reasons == ["problem", "grammar", "names", "duplicate", "unfinished"]
    assert proposals[0].problem is not None
    assert proposals[0].problem.prompt == good


def test_a_held_out_problem_is_refused(programs: Programs) -> None:
    text = program(programs)
    gate = Gate([problem_id("programs", text)])
    (one,) = validate(written(text), programs, gate, 0)
    assert isinstance(one.outcome, Rejection)
    assert one.outcome.reason == "held_out"


def test_a_mutant_keeps_its_level_and_names_its_parent(programs: Programs) -> None:
    text = program(programs, 3)
    (one,) = validate(written(text), programs, Gate(()), 5, mutation=1.0)
    assert one.problem is not None
    assert one.problem.prompt != text
    assert (one.problem.level, one.problem.parents) == (3, (problem_id("programs", text),))
    assert one.transcript.completion == text


def test_mutants_depend_on_the_seed_and_the_place_only(programs: Programs) -> None:
    text = program(programs, 3)
    runs = [validate(written("junk", text, text), programs, Gate(()), seed, mutation=1.0) for seed in (5, 5, 6)]
    prompts = [[one.problem.prompt for one in run if one.problem] for run in runs]
    assert prompts[0] == prompts[1] != prompts[2]
    assert prompts[0][0] != prompts[0][1]


def test_no_proposals_ground_nothing(programs: Programs) -> None:
    assert validate([], programs, Gate(()), 0) == []


# solve


@pytest.mark.parametrize("num_attempts", [0, 1, 3])
def test_every_problem_gets_its_attempts_in_order(
    programs: Programs, problems: list[Problem], num_attempts: int
) -> None:
    attempts = solve(Echo(), programs, problems, num_attempts, 7, HOT)
    assert [len(group) for group in attempts] == [num_attempts] * 3
    for problem, group in zip(problems, attempts, strict=True):
        assert all(problem.prompt in one.completion for one in group)


def test_an_attempt_depends_on_its_problem_and_number_and_not_on_what_else_is_solved(
    programs: Programs, problems: list[Problem]
) -> None:
    together = solve(Echo(), programs, problems, 3, 7, HOT, filler=4)
    alone = solve(Echo(), programs, problems[1:2], 3, 7, HOT, filler=4)
    assert together[1] == alone[0]
    assert len({one.seed for group in together for one in group}) == 9


def test_each_attempt_sees_its_own_rendering_of_the_problem(programs: Programs, problems: list[Problem]) -> None:
    (group,) = solve(Echo(), programs, problems[2:], 20, 7, HOT, filler=4)
    texts = {one.completion for one in group}
    assert len(texts) > 5
    assert max(text.count("pass;") for text in texts) <= 4


def test_there_is_nothing_to_solve_in_no_problems(programs: Programs) -> None:
    assert solve(Echo(), programs, [], 3, 7, HOT) == []


# verify


def test_attempts_are_judged_once_in_order_and_only_where_there_is_an_answer(
    programs: Programs, exact: ClosingVerifier, problems: list[Problem]
) -> None:
    asked: list[list[str]] = []

    class Counting:
        name = "exact"

        def judge_of(self, problem: Problem) -> str:
            return ""

        def verify(self, answers: Sequence[tuple[Problem, str]]) -> list[Verdict]:
            asked.append([answer for _, answer in answers])
            return exact.verify(answers)

    def attempts(problem: Problem) -> list[Transcript]:
        right = programs.solver_reply(problem)
        wrong = right[:2] + "".join(
            "1" if letter == "0" else "0" if letter.isdigit() else letter for letter in right[2:]
        )
        return [transcript(right), transcript("?"), transcript(right, stopped=False), transcript(wrong)]

    episodes = verify(problems, [attempts(problem) for problem in problems], programs, Counting())
    expected = [Status.CORRECT, Status.MALFORMED, Status.MALFORMED, Status.WRONG]
    assert [[a.verdict.status for a in one.attempts] for one in episodes] == [expected] * 3
    assert [one.problem for one in episodes] == problems
    assert [len(batch) for batch in asked] == [6]


def test_an_episode_knows_the_proposal_it_came_from(programs: Programs, exact: ClosingVerifier) -> None:
    proposals = validate(written(program(programs), program(programs, 2)), programs, Gate(()), 0)
    problems = [one.problem for one in proposals if one.problem]
    attempts: list[list[Transcript]] = [[] for _ in problems]
    assert [one.proposal for one in verify(problems, attempts, programs, exact, proposals)] == proposals
    assert [one.proposal for one in verify(problems, attempts, programs, exact)] == [None, None]


def test_problems_and_attempts_must_be_parallel(
    programs: Programs, exact: ClosingVerifier, problems: list[Problem]
) -> None:
    with pytest.raises(ValueError, match="zip"):
        verify(problems, [[]], programs, exact)


def test_a_fault_of_the_verifier_is_recorded_as_ours(programs: Programs, problems: list[Problem]) -> None:
    class Broken:
        name = "broken"
        verify: Callable[..., list[Verdict]] = staticmethod(lambda answers: [Verdict(Status.FAULT) for _ in answers])

    (one,) = verify(problems[:1], [[transcript(programs.solver_reply(problems[0]))]], programs, Broken())
    assert one.solve_rate is None


def test_the_four_stages_fit_together(programs: Programs, exact: ClosingVerifier) -> None:
    env = Classroom(programs)
    policy = ScriptedPolicy(env, reach=9.0, junk=0.0)
    env.pupils.append(policy)
    proposals = validate(propose(policy, env, 12, 1, HOT), env, Gate(()), 2, mutation=0.5)
    problems = [one.problem for one in proposals if one.problem]
    episodes = verify(problems, solve(policy, env, problems, 2, 3, HOT), env, exact)
    assert len(episodes) >= 10
    assert {one.solve_rate for one in episodes} == {1.0}


# augment


def test_augmented_solutions_are_right_in_problems_that_are_not_held_out(
    programs: Programs, exact: ClosingVerifier, problems: list[Problem]
) -> None:
    policy = ScriptedPolicy(programs)
    solved = [
        (one, policy.reference("solver", programs.solver_prompt(one, random.Random(0), 0), programs.solver_reply(one)))
        for one in problems * 20
    ]
    free = augment(solved, policy, programs, exact, Gate(()), seed=0)
    assert len(free) == len(solved)
    texts = {transcript.messages[0].text for transcript in free}
    assert len(texts) > 20
    banned = {problem_id("programs", text.removeprefix("<solve>")) for text in texts} - {one.id for one in problems}
    kept = augment(solved, policy, programs, exact, Gate(banned), seed=0)
    assert {transcript.messages[0].text for transcript in kept} == {
        transcript.messages[0].text for _, transcript in solved
    }


def test_a_solution_that_is_wrong_after_augmentation_is_left_as_it_was(
    programs: Programs, exact: ClosingVerifier, problems: list[Problem]
) -> None:
    policy = ScriptedPolicy(programs)
    prompt = programs.solver_prompt(problems[0], random.Random(0), 0)
    answer = programs.solver_reply(problems[0])
    wrong = policy.reference("solver", prompt, answer[:2] + str((int(answer[2]) + 1) % 4) + answer[3:])
    assert augment([(problems[0], wrong)], policy, programs, exact, Gate(()), seed=0) == [wrong]


def test_posed_problems_are_distinct_not_held_out_in_equal_parts_and_the_same_for_a_seed(programs: Programs) -> None:
    first = pose(programs, [1, 2, 3], 30, frozenset(), 5)
    assert [one.level for one in first] == [1] * 10 + [2] * 10 + [3] * 10
    assert len({one.id for one in first}) == 30
    held_out = {one.id for one in first}
    again, other = pose(programs, [1, 2, 3], 30, frozenset(), 5), pose(programs, [1, 2, 3], 30, held_out, 5)
    assert again == first
    assert len(other) == 30
    assert held_out.isdisjoint(one.id for one in other)


def test_a_level_with_too_few_problems_poses_those_it_has(programs: Programs) -> None:
    assert programs.num_problems(1) == 768
    found = pose(programs, [1], 1000, frozenset(), 0)
    assert 700 < len(found) <= 768
