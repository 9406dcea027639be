"""Statements that do nothing leave what a program does as it is."""

from __future__ import annotations

from envs.programs import Options, Programs
from selfplay.seeding import rng_for
from selfplay.types import Problem
from verifiers import PythonExecutor


def test_a_program_with_filler_still_runs_to_its_reference(executor: PythonExecutor) -> None:
    env = Programs(Options(), executor)
    rng = rng_for(0, "filler")
    drafts = [env.draw(level, rng) for level in env.levels for _ in range(10)]
    problems = [problem for problem in env.ground(drafts) if isinstance(problem, Problem)]
    shown = [env.solver_prompt(problem, rng, 6).messages[0].text.removeprefix("<solve>") for problem in problems]
    assert sum("pass;" in source for source in shown) > len(shown) / 2
    traces = ["".join(f"{value}{name}" for name, value in e.values.items()) for e in executor.run(shown)]
    assert len(problems) == len(drafts)
    assert traces == [problem.reference for problem in problems]
