"""Python text as data: literals, arguments and one function, read by the parser and never run.

This module's text is run as a program in a sandbox child, with the texts as data. It must stand alone: standard
library only, and nothing of this package. What cannot be read raises, but for `function`, whose refusals have codes:

    input_not_literal  syntax  not_one_function  statement  import  name  keeps_state
"""

from __future__ import annotations

import ast
from typing import Any

FORBIDDEN_NAMES = frozenset(
    ("__import__", "breakpoint", "compile", "delattr", "eval", "exec", "exit", "globals", "help", "input", "open",
     "quit", "setattr")
)  # fmt: skip
"""What loads code or files, waits for somebody, or changes what is not the function's own."""


class RefusedError(Exception):
    """A function that is refused: a code, and a detail for a reader."""


def value(text: str) -> Any:
    """The value of a literal; several values with commas between are a tuple."""
    return _literal(ast.parse(text.strip(), mode="eval").body)


def arguments(text: str) -> list[Any]:
    """The values of positional arguments as they stand in a call, each a literal."""
    call = ast.parse(f"f({text}\n)", mode="eval").body
    # The whole must be this one call: `0) or 49 == (49` is none.
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.keywords:
        raise ValueError("not plain arguments")
    return [_literal(argument) for argument in call.args]


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):  # its own message shows an address
        raise ValueError(f"{ast.unparse(node)[:60]} is not a literal") from None


def function(program: str, inputs: list[str], name: str, allowed: list[str]) -> dict[str, Any]:
    """{"program": its text without comments and docstring, "inputs": [[argument…]…]} or {"refused": …, "detail": …}.

    A program is imports from `allowed` and the one function `name`, which keeps nothing from one call to the next.
    """
    try:
        return {"program": _function(program, name, allowed), "inputs": [_input(text) for text in inputs]}
    except RefusedError as error:
        return {"refused": str(error.args[0]), "detail": str(error.args[1])[:200]}
    except RecursionError:
        return {"refused": "syntax", "detail": "nested too deeply"}


def _input(text: str) -> list[Any]:
    try:
        return arguments(text)
    except Exception as error:
        raise RefusedError("input_not_literal", f"{text[:80]}: {error}") from None


def _function(program: str, name: str, allowed: list[str]) -> str:
    try:
        tree = ast.parse(program)
    except Exception as error:
        raise RefusedError("syntax", f"{type(error).__name__}: {error}") from None
    defined = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if len(defined) != 1 or defined[0].name != name or defined[0] not in tree.body:
        found = ", ".join(node.name for node in defined[:5]) or "none"
        raise RefusedError("not_one_function", f"functions: {found}; expected {name} alone, at the top")
    for statement in tree.body:
        if statement is not defined[0] and not isinstance(statement, ast.Import | ast.ImportFrom):
            raise RefusedError("statement", f"line {statement.lineno}: expected imports and the function alone")
    for node in ast.walk(tree):
        _check(node, allowed)
    one = defined[0]
    if one.decorator_list or isinstance(one, ast.AsyncFunctionDef):
        raise RefusedError("not_one_function", f"{name} is decorated or a coroutine")
    if ast.get_docstring(one, clean=False) is not None:
        one.body = one.body[1:] or [ast.Pass()]
    return ast.unparse(ast.fix_missing_locations(tree))


def _check(node: ast.AST, allowed: list[str]) -> None:
    if isinstance(node, ast.Import | ast.ImportFrom):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [f"{node.module}"]
        relative = isinstance(node, ast.ImportFrom) and (node.level or any(a.name == "*" for a in node.names))
        for module in modules:
            if relative or module.partition(".")[0] not in allowed:
                raise RefusedError("import", f"{module}; allowed: {', '.join(allowed) or 'none'}")
    for word in (getattr(node, "id", ""), getattr(node, "attr", "")):
        if word in FORBIDDEN_NAMES or word.startswith("__"):
            raise RefusedError("name", f"{word} is not allowed")
    if isinstance(node, ast.Global | ast.Nonlocal | ast.ClassDef):
        raise RefusedError("keeps_state", f"line {node.lineno}: {type(node).__name__.lower()}")
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
        raise RefusedError("keeps_state", f"line {node.lineno}: assigns to .{node.attr}")
    if isinstance(node, ast.arguments):
        for default in [*node.defaults, *filter(None, node.kw_defaults)]:
            if not isinstance(default, ast.Constant):
                raise RefusedError("keeps_state", f"line {default.lineno}: a default that is no constant")
