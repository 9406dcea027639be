"""Commands and functions with their arguments: fractions, roots, logarithms, matrices, what is left standing.

`Atoms` has the reading position; `Parser` supplies the levels above.
"""

from __future__ import annotations

from fractions import Fraction

from verifiers.inside.math.atoms import Atoms
from verifiers.inside.math.lexer import STANDING, Token
from verifiers.inside.math.nodes import Node, Number, UnreadableError, UnsupportedError, integer

_MATRICES = ("matrix", "pmatrix", "bmatrix", "vmatrix", "Bmatrix", "Vmatrix", "smallmatrix", "array")
_INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan", "sinh": "arcsinh", "cosh": "arccosh", "tanh": "arctanh"}
_SEVERAL = ("binom", "min", "max", "gcd", "lcm")


class Notation(Atoms):
    """What a backslash or a function's name begins."""

    def command(self, name: str) -> Node:
        if name == "frac":
            return self.fraction()
        if name == "sqrt":
            return self._root()
        if name == "binom":
            return Node("call", (self.argument(), self.argument()), "binom")
        if name == "emptyset":
            return Node("empty")
        if name == "begin":
            environment = self.environment_name()
            if environment not in _MATRICES:
                raise UnsupportedError(f"the environment {environment[:20]}")
            return self.matrix(environment)
        if name == "mathbb":
            letter = self.raw()
            return Node("reals") if letter == "R" else Node("symbol", (), f"set {letter}")
        if name in ("overline", "bar", "dot", "angle", "triangle"):
            return Node("symbol", (), f"{name} {self._named_by_letters()}")
        if name == "boxed":
            raise UnreadableError("a box inside the answer")
        if name in STANDING:
            return self._standing(name)
        raise UnsupportedError(f"the notation \\{name} here")

    def _named_by_letters(self) -> str:
        """The letters that a bar, an angle or a triangle is named by."""
        token = self.peek()
        if token.value != "{" and token.kind not in ("letter", "word", "constant"):
            self.refuse()
        return self.raw()

    def environment_name(self) -> str:
        return self.raw().replace(" ", "")

    def _standing(self, name: str) -> Node:
        """An integral, a sum, …: its bounds as they are written and what it is applied to."""
        bounds = []
        while self.at_operator("_", "^"):
            bounds.append(self.next().value + self.raw())
        self.enter()
        body = self.product() if self.more() else Node("none")
        self.leave()
        return Node("operator", (body,), (name, *bounds))

    def fraction(self) -> Node:
        above, below = self.argument(), self.argument()
        if _differential(above) and _differential(below):
            return Node("operator", (above, below), ("derivative",))
        return Node("div", (above, below))

    def argument(self) -> Node:
        """A command's argument: a group, a letter, another command, or one digit of a number."""
        token = self.peek()
        if token.kind == "open" and token.value == "{":
            return self.group("{", "}")
        if token.kind == "number":
            if not token.value.isdigit():
                raise UnreadableError("an argument that needs braces")
            self._at += 1
            if rest := token.value[1:]:
                number = Number(Fraction(int(rest)), None, len(rest))
                self._at -= 1
                self._tokens[self._at] = Token("number", rest, False, number)
            return integer(int(token.value[0]))
        if token.kind in ("letter", "constant", "command", "function", "word"):
            self.enter()
            node = self.atom()
            self.leave()
            return node
        return self.refuse()

    def script(self) -> Node:
        """A script without braces: a whole number as it is written in plain text, a letter, a command."""
        if self.peek().kind == "number":
            return Node("number", (), self.next().number)
        return self.atom()

    def _root(self) -> Node:
        degree = None
        if self.peek().value == "[":
            degree = self.group("[", "]")
        radicand = self.root_argument()
        if degree is None or degree == integer(2):
            return Node("call", (radicand,), "sqrt")
        return Node("call", (radicand, degree), "root")

    def root_argument(self) -> Node:
        """What a root is drawn of: a group, something in parentheses, or one number or letter."""
        token = self.peek()
        if token.kind == "open" and token.value == "{":
            return self.group("{", "}")
        self.enter()
        node = self.script()
        self.leave()
        if node.kind not in ("number", "symbol", "constant", "call") and token.value not in ("(", "\\frac", "frac"):
            self.refuse()
        return node

    def function(self, name: str) -> Node:
        base: Node | None = None
        power: Node | None = None
        while self.at_operator("_", "^"):
            if self.next().value == "_":
                base = self.argument() if self.peek().kind != "number" else self.script()
            else:
                power = self.exponent()
        self.enter(3)
        arguments = self._arguments(name)
        self.leave(3)
        if name in ("lg",):
            name, base = "log", integer(10)
        if power is not None and power in (Node("neg", (integer(1),)),):
            name, power = _INVERSES.get(name, ""), None
            if not name:
                raise UnsupportedError("an inverse function")
        if base is not None and name in ("log", "ln"):
            arguments = (*arguments, base)
        node = Node("call", arguments, name)
        return Node("pow", (node, power)) if power is not None else node

    def _arguments(self, name: str) -> tuple[Node, ...]:
        """In brackets, or what follows up to a sign: `\\sin 2x` is sin(2x)."""
        token = self.peek()
        if token.kind == "open" and token.value in ("(", "{", "["):
            self.next()
            closing = {"(": ")", "{": "}", "[": "]"}[token.value]
            node = self._inside(closing)
            items = node.args if node.kind == "list" else (node,)
            if len(items) != (2 if name == "binom" else 1) and name not in _SEVERAL:
                raise UnreadableError(f"{name} with {len(items)} arguments")
            return items
        if name in ("exp", "abs", "floor", "ceil", "factorial", *_SEVERAL):
            raise UnreadableError(f"{name} needs parentheses")
        if name in ("sqrt", "cbrt"):
            return (self.root_argument(),)
        return (self._bare_argument(),)

    def _bare_argument(self) -> Node:
        if self.at_operator("-"):
            self.next()
            return Node("neg", (self._bare_argument(),))
        factors = [self.power()]
        while self.peek().kind in ("letter", "constant") or (
            self.peek().kind == "command" and self.peek().value in ("frac", "sqrt")
        ):
            factors.append(self.power())
        if self.at_operator("/") and self.peek(1).kind == "number" and not self.peek(1).spaced:
            self.next()
            whole = factors[0] if len(factors) == 1 else Node("mul", tuple(factors))
            return Node("div", (whole, self.postfix()))
        return factors[0] if len(factors) == 1 else Node("mul", tuple(factors))


def _differential(node: Node) -> bool:
    """Whether it is d, dx, d^2y, …: part of a derivative."""
    if node.kind == "mul":
        node = node.args[0]
    if node.kind == "pow":
        node = node.args[0]
    return (node.kind == "symbol" and node.value == "d") or (node.kind == "operator" and node.value[0] == "partial")
