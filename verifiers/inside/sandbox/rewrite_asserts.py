"""Assert-style tests as calls with expected values: `assert f(1, 2) == 3` becomes f, (1, 2), "equal", 3.

This module's text is run as a program in a sandbox child, with the tests as data and without the program that they
test: what an expression over literals means (`[1] * 3`, `2 ** 10`, `float("inf")`) is decided there. It must stand
alone: standard library only, and nothing of this package.

Read: `assert` of one comparison with one call of the tested function on one side, of a call, of `not` a call, of
`math.isclose(call, value)`, of `abs(call - value) < bound`, and of several of these joined by `and`; a few functions
around the call (`set(f(x)) == {1}`); simple assignments of such expressions; `def check(candidate): …` with
`check(f)`. Everything else is answered with the reason why it cannot be.
"""

from __future__ import annotations

import ast
import builtins
import math
from typing import Any

WRAPPERS = ("abs", "bool", "float", "frozenset", "int", "len", "list", "max", "min", "round", "set", "sorted", "str",
            "sum", "tuple")  # fmt: skip
CLOSED = (*WRAPPERS, "bytes", "chr", "complex", "dict", "divmod", "enumerate", "ord", "pow", "range", "reversed", "zip",
          "map", "filter", "any", "all", "repr")  # fmt: skip
MAX_CHECKS = 2000
_RELATIONS = {ast.Eq: "equal", ast.NotEq: "not_equal", ast.Is: "is", ast.IsNot: "is_not", ast.In: "in",
              ast.NotIn: "not_in", ast.Lt: "less", ast.LtE: "at_most", ast.Gt: "greater",
              ast.GtE: "at_least"}  # fmt: skip
_MIRRORED = {"less": "greater", "greater": "less", "at_most": "at_least", "at_least": "at_most"}


class CannotError(Exception):
    """These tests are not pairs of calls and values; the message says what stands in the way."""


def rewrite(tests: str) -> dict[str, Any]:
    """{"checks": [[entry, arguments, wrappers, relation, expected]…]}, or {"reason": …}, or {"broken": …}."""
    try:
        tree = ast.parse(tests)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return {"broken": f"{type(error).__name__}: {error}"}
    try:
        reader = Reader()
        reader.block(tree.body, None)
        if not reader.checks:
            raise CannotError("nothing is asserted")
    except CannotError as error:
        return {"reason": str(error)}
    except RecursionError:
        return {"reason": "nested too deeply"}
    return {"checks": reader.checks}


class Reader:
    """Reads statements in order."""

    def __init__(self) -> None:
        self.checks: list[list[Any]] = []
        self._functions: dict[str, ast.FunctionDef] = {}
        self._values: dict[str, Any] = {name: getattr(builtins, name) for name in CLOSED}
        self._values["math"] = math
        self._assigned: set[str] = set()
        self._used: set[str] = set()

    def block(self, body: list[ast.stmt], candidate: tuple[str, str] | None) -> None:
        """Read statements; `candidate` is a parameter's name and the function that it stands for."""
        for statement in body:
            self._statement(statement, candidate)
            if len(self.checks) > MAX_CHECKS:
                raise CannotError(f"more than {MAX_CHECKS} assertions")

    def _statement(self, statement: ast.stmt, candidate: tuple[str, str] | None) -> None:
        if isinstance(statement, ast.Assert):
            self._assertion(statement.test, candidate)
        elif isinstance(statement, ast.FunctionDef) and len(statement.args.args) == 1 and candidate is None:
            self._functions[statement.name] = statement
        elif isinstance(statement, ast.Import) and all(
            alias.name == "math" and alias.asname is None for alias in statement.names
        ):
            return
        elif isinstance(statement, ast.ImportFrom) and statement.module == "math":
            for alias in statement.names:
                self._values[alias.asname or alias.name] = getattr(math, alias.name, None)
        elif isinstance(statement, ast.Assign) and all(isinstance(target, ast.Name) for target in statement.targets):
            value = self._closed(statement.value)
            for target in statement.targets:
                self._values[target.id] = value  # type: ignore[attr-defined]
                self._assigned.add(target.id)  # type: ignore[attr-defined]
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            self._call_of_check(statement.value)
        elif not isinstance(statement, ast.Pass) and not (
            isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        ):
            raise CannotError(f"line {statement.lineno} is more than an assertion ({type(statement).__name__})")

    def _call_of_check(self, call: ast.Call) -> None:
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if (
            name not in self._functions
            or len(call.args) != 1
            or call.keywords
            or not isinstance(call.args[0], ast.Name)
        ):
            raise CannotError(f"line {call.lineno} calls something other than a check of one function")
        function = self._functions[name]
        self.block(function.body, (function.args.args[0].arg, call.args[0].id))

    def _assertion(self, test: ast.expr, candidate: tuple[str, str] | None) -> None:
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
            for part in test.values:
                self._assertion(part, candidate)
            return
        tested = self._tested_names(test, candidate)
        if not tested:
            if not self._closed(test):
                raise CannotError(f"line {test.lineno} asserts something false of its own")
            return
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            self._add(test.operand, "falsy", None, candidate)
        elif isinstance(test, ast.Compare) and len(test.ops) == 1:
            self._comparison(test, candidate)
        elif isinstance(test, ast.Call) and ast.unparse(test.func) in ("math.isclose", "isclose"):
            self._is_close(test, candidate)
        else:
            self._add(test, "truthy", None, candidate)

    def _comparison(self, test: ast.Compare, candidate: tuple[str, str] | None) -> None:
        left, right, relation = test.left, test.comparators[0], _RELATIONS[type(test.ops[0])]
        if self._tested_names(right, candidate):
            if self._tested_names(left, candidate):
                raise CannotError(f"line {test.lineno} compares two calls")
            if relation in ("in", "not_in"):
                raise CannotError(f"line {test.lineno} looks something up in what a call returns")
            left, right, relation = right, left, _MIRRORED.get(relation, relation)
        difference = self._absolute_difference(left, candidate)
        if difference is not None and relation in ("less", "at_most"):
            call, value = difference
            self._add(call, f"near_{relation}", [value, self._closed(right)], candidate)
        else:
            self._add(left, relation, self._closed(right), candidate)

    def _absolute_difference(
        self, node: ast.expr, candidate: tuple[str, str] | None
    ) -> tuple[ast.expr, Any] | None:  # fmt: skip
        """The call and the value of `abs(call - value)`."""
        if not (isinstance(node, ast.Call) and ast.unparse(node.func) in ("abs", "math.fabs") and len(node.args) == 1):
            return None
        inner = node.args[0]
        if not (isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub)):
            return None
        for call, value in ((inner.left, inner.right), (inner.right, inner.left)):
            if self._tested_names(call, candidate) and not self._tested_names(value, candidate):
                return call, self._closed(value)
        return None

    def _is_close(self, test: ast.Call, candidate: tuple[str, str] | None) -> None:
        options = {keyword.arg: self._closed(keyword.value) for keyword in test.keywords}
        if len(test.args) != 2 or not set(options) <= {"rel_tol", "abs_tol"}:
            raise CannotError(f"line {test.lineno} calls isclose in an unusual way")
        first, second = test.args
        if self._tested_names(second, candidate):
            first, second = second, first
        if self._tested_names(second, candidate):
            raise CannotError(f"line {test.lineno} compares two calls")
        bounds = [options.get("rel_tol", 1e-9), options.get("abs_tol", 0.0)]
        self._add(first, "close", [self._closed(second), *bounds], candidate)

    def _add(self, node: ast.expr, relation: str, expected: Any, candidate: tuple[str, str] | None) -> None:
        """A check of a call, perhaps with functions around it."""
        wrappers: list[Any] = []
        while isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WRAPPERS:
            if not node.args or node.keywords:
                break
            wrappers.insert(0, [node.func.id, [self._closed(argument) for argument in node.args[1:]]])
            node = node.args[0]
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)) or node.keywords:
            raise CannotError(f"line {node.lineno} is not a call with plain arguments: {ast.unparse(node)[:60]}")
        name = node.func.id
        entry = candidate[1] if candidate and name == candidate[0] else name
        arguments = [self._closed(argument) for argument in node.args]
        self.checks.append([entry, arguments, wrappers, relation, expected])

    def _tested_names(self, node: ast.AST, candidate: tuple[str, str] | None) -> set[str]:
        """Names that are called and are not ours to know."""
        calls = [inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call)]
        names = {function.id for function in calls if isinstance(function, ast.Name)}
        return {name for name in names if name not in self._values or (candidate and name == candidate[0])}

    def _closed(self, node: ast.expr) -> Any:
        """The value of an expression that depends on nothing but literals."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id in self._assigned:
                if inner.id in self._used and type(self._values[inner.id]) in (list, dict, set):
                    raise CannotError(f"line {node.lineno} uses {inner.id} again, which a call may have changed")
                self._used.add(inner.id)
        code = compile(ast.fix_missing_locations(ast.Expression(node)), "<tests>", "eval", dont_inherit=True)
        try:
            return eval(code, {"__builtins__": {}, **self._values})
        except Exception as error:
            raise CannotError(
                f"line {node.lineno}: {ast.unparse(node)[:60]} has no value of its own: {error}"
            ) from None
