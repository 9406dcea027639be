"""Exact equality of mathematical expressions, and checking a number against an equation.

A problem whose payload has `equation` (such as "2*x+3=11"; `unknown` names its letter, x by default) is judged by
substitution: CORRECT iff the answer is one number (integer, a/b or decimal, optionally after `x=`) that satisfies the
equation exactly. The reference is not used then. Any other problem compares the answer with the reference as
expressions (grammar in `inside/expression.py`).

Where the payload has `check`, more than equality is asked for (`inside/judge_checks.py`): `value` wants an answer that
is worked out, `antiderivative` one with the reference's derivative (`unknown` names the letter; any constant may be
added), `expanded` a sum of different monomials, `factored` a product that can be factored no further in whole numbers.
Such answers are read by `math_answer`'s grammar, LaTeX or plain.

Model text is read by own grammars, never by sympify, parse_expr or eval. Without a check, LaTeX and `2x` without an
operator are not read; sets, intervals, matrices and units never are. What cannot be decided is UNDECIDED.
"""

from __future__ import annotations

from selfplay.types import Problem
from verifiers.base import Job, PooledVerifier, import_path


class SympyVerifier(PooledVerifier):
    """See the module. Raises ModuleNotFoundError if sympy is not installed; imports it in workers only.

    `always_sympy` also sends to sympy what exact fractions can decide (slow; for checking).
    """

    name = "sympy_equal"
    handler = "verifiers.inside.judge_sympy"
    max_answer_characters = 2000

    def __init__(
        self, *, num_workers: int = 1, deadline_s: float = 5.0, memory_mb: int = 1024, always_sympy: bool = False
    ) -> None:
        super().__init__(
            num_workers=num_workers,
            deadline_s=deadline_s,
            memory_mb=memory_mb,
            options={"always_sympy": always_sympy},
            path=import_path(self.name, "sympy", "mpmath"),
        )

    def job(self, problem: Problem, answer: str) -> Job:
        equation, check = problem.payload.get("equation"), problem.payload.get("check")
        if check is not None:
            return (problem.reference, answer, None, problem.payload.get("unknown", "x"), check)
        if equation is None:
            return (problem.reference, answer)
        return ("", answer, equation, problem.payload.get("unknown", "x"))
