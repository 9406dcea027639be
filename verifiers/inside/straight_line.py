"""Programs so plain that many may share one child: straight-line integer arithmetic, checked against an allowlist.

Allowed: at most 200 statements, each `pass`, an assignment to names of an expression over integer constants, names,
`+ - * // % & | ^` and unary minus, or `print` of one name, integer or text. The number of bits of every value is
bounded before anything runs, so neither time nor memory can grow. Such a program has no way to reach anything but its
own names; whatever is not recognised is somebody else's business (`None`).
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import time
from typing import Any

MAX_STATEMENTS = 200
MAX_CHARACTERS = 10_000
MAX_INTEGER_BITS = 4096
"""Also the largest integer that is reported as a value. Below Python's limit for printing integers (4300 digits)."""

_PLAUSIBLE = re.compile(r"[A-Za-z0-9_ \n;=+\-*/%&|^()#'\"]*")
_BUILTINS = frozenset(dir(builtins))
_WIDER_BY_ONE = (ast.Add, ast.Sub)
_AS_WIDE = (ast.BitAnd, ast.BitOr, ast.BitXor)


class NotStraightError(Exception):
    """The program uses something outside the allowlist."""


def plausible(source: str) -> bool:
    """Whether it is worth checking: a cheap look at length and characters."""
    return len(source) <= MAX_CHARACTERS and "**" not in source and _PLAUSIBLE.fullmatch(source) is not None


def run(source: str, max_output_characters: int) -> list[Any] | None:
    """Status, stdout, values, detail and microseconds of a straight-line program; None if it is not one."""
    began = time.perf_counter()
    values: dict[str, Any] = {}
    lines: list[str] = []
    status, detail = "ok", ""
    try:
        check(ast.parse(source, "<program>"))
        code = compile(source, "<program>", "exec", dont_inherit=True)  # faster than compiling the tree
    except SyntaxError as error:
        status, detail = "error", does_not_compile(error)
    except (NotStraightError, RecursionError, ValueError, MemoryError):
        return None
    else:
        values["__builtins__"] = {"print": lambda value: lines.append(f"{value}\n")}
        try:
            exec(code, values)
        except (NameError, ZeroDivisionError) as error:
            status, detail = "error", raised(error)
        del values["__builtins__"]
    stdout = "".join(lines)
    if len(stdout) > max_output_characters:
        status, stdout, detail = "output_limit", stdout[:max_output_characters], ""
    return [status, stdout, values if status == "ok" else {}, detail, round((time.perf_counter() - began) * 1e6)]


def run_as_text(source: str, max_output_characters: int) -> str | None:
    """What `run` gives, as JSON text."""
    outcome = run(source, max_output_characters)
    return None if outcome is None else json.dumps(outcome, separators=(",", ":"))


def does_not_compile(error: BaseException) -> str:
    return f"does not compile: {type(error).__name__}: {error}"[:300]


def raised(error: BaseException) -> str:
    return f"raised {type(error).__name__}: {error}"[:300]


def check(tree: ast.Module) -> None:
    """Raises NotStraightError for anything outside the allowlist."""
    if len(tree.body) > MAX_STATEMENTS:
        raise NotStraightError
    num_bits: dict[str, int] = {}
    for statement in tree.body:
        kind = type(statement)
        if kind is ast.Assign:
            bits = _bits(statement.value, num_bits)  # type: ignore[attr-defined]
            for target in statement.targets:  # type: ignore[attr-defined]
                if type(target) is not ast.Name or target.id == "print" or target.id.startswith("__"):
                    raise NotStraightError
                num_bits[target.id] = bits
        elif kind is ast.Expr:
            _check_print(statement.value, num_bits)  # type: ignore[attr-defined]
        elif kind is not ast.Pass:
            raise NotStraightError


def _check_print(call: ast.expr, num_bits: dict[str, int]) -> None:
    if type(call) is not ast.Call or type(call.func) is not ast.Name or call.func.id != "print":
        raise NotStraightError
    if call.keywords or len(call.args) != 1:
        raise NotStraightError
    argument = call.args[0]
    if type(argument) is ast.Constant and type(argument.value) is str:
        return
    if type(argument) is not ast.Name and type(argument) is not ast.Constant:
        raise NotStraightError
    _bits(argument, num_bits)


def _bits(node: ast.expr, num_bits: dict[str, int]) -> int:
    """A bound on the bits of a value."""
    kind = type(node)
    if kind is ast.Constant:
        value = node.value  # type: ignore[attr-defined]
        if type(value) is not int:
            raise NotStraightError
        bits = value.bit_length()
    elif kind is ast.Name:
        name = node.id  # type: ignore[attr-defined]
        known = num_bits.get(name)
        if known is None and (name in _BUILTINS or name.startswith("__")):
            raise NotStraightError
        return known or 0  # an unknown name ends the program with a NameError
    elif kind is ast.BinOp:
        left = _bits(node.left, num_bits)  # type: ignore[attr-defined]
        right = _bits(node.right, num_bits)  # type: ignore[attr-defined]
        operator = type(node.op)  # type: ignore[attr-defined]
        if operator in _WIDER_BY_ONE:
            bits = max(left, right) + 1
        elif operator is ast.Mult:
            bits = left + right
        elif operator is ast.FloorDiv:
            bits = left + 1
        elif operator is ast.Mod:
            bits = right
        elif operator in _AS_WIDE:
            bits = max(left, right) + 1
        else:
            raise NotStraightError
    elif kind is ast.UnaryOp and type(node.op) is ast.USub:  # type: ignore[attr-defined]
        bits = _bits(node.operand, num_bits)  # type: ignore[attr-defined]
    else:
        raise NotStraightError
    if bits > MAX_INTEGER_BITS:
        raise NotStraightError
    return bits
