"""The small parts of the grammar: literals, letters, functions with their arguments, groups, postfix signs.

`Parser` supplies the levels above (`listed`, `sum`, `bracketed`, …).
"""

from __future__ import annotations

from fractions import Fraction
from typing import NoReturn

from verifiers.inside.math.lexer import STANDING, Token
from verifiers.inside.math.nodes import Node, Number, UnreadableError, UnsupportedError, integer

MAX_DEPTH = 60
_END = Token("end", "")
_MATRICES = ("matrix", "pmatrix", "bmatrix", "vmatrix", "Bmatrix", "Vmatrix", "smallmatrix", "array")
_INVERSES = {"sin": "arcsin", "cos": "arccos", "tan": "arctan", "sinh": "arcsinh", "cosh": "arccosh", "tanh": "arctanh"}
_NUMBER_SETS = {"R": "reals"}
_SEVERAL = ("binom", "min", "max", "gcd", "lcm")


class Atoms:
    """Reading position, depth, and everything that is not a level of precedence."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0
        self.signs = 0
        self.bars_open = True  # whether a bar here opens an absolute value
        self.colons = True  # whether a colon here makes a ratio
        self.brackets_multiply = True  # whether `[` after a factor is a factor
        self.currency = ""

    # Supplied by Parser

    def listed(self) -> Node:
        raise NotImplementedError

    def item(self) -> Node:
        raise NotImplementedError

    def sum(self) -> Node:
        raise NotImplementedError

    def product(self) -> Node:
        raise NotImplementedError

    def power(self) -> Node:
        raise NotImplementedError

    def unary(self) -> Node:
        raise NotImplementedError

    def exponent(self) -> Node:
        raise NotImplementedError

    def bracketed(self, opening: str) -> Node:
        raise NotImplementedError

    def braces(self, closing: str) -> Node:
        raise NotImplementedError

    def matrix(self, name: str) -> Node:
        raise NotImplementedError

    # Moving

    def peek(self, ahead: int = 0) -> Token:
        index = self._at + ahead
        return self._tokens[index] if index < len(self._tokens) else _END

    def previous(self) -> str:
        return self._tokens[self._at - 1].kind if self._at else ""

    def more(self) -> bool:
        return self._at < len(self._tokens)

    def next(self) -> Token:
        if not self.more():
            raise UnreadableError("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def at_operator(self, *values: str) -> bool:
        token = self.peek()
        return token.kind == "operator" and token.value in values

    def refuse(self) -> NoReturn:
        token = self.peek()
        raise UnreadableError(f"unexpected {token.value[:20]!r}" if token.kind != "end" else "it ends too early")

    def close(self, closing: str) -> None:
        token = self.peek()
        if token.kind != "close" or token.value != closing:
            self.refuse()
        self._at += 1

    def enter(self) -> None:
        self._depth += 1
        if self._depth > 3 * MAX_DEPTH:  # a group passes three counted levels
            raise UnreadableError(f"nested deeper than {MAX_DEPTH}")

    def leave(self) -> None:
        self._depth -= 1

    # Postfix signs

    def postfix(self) -> Node:
        return self.postfixed(self.atom())

    def postfixed(self, node: Node) -> Node:
        """With the signs behind it: factorial, percent, degree."""
        while self.more():
            if self.at_operator("!"):
                node = Node("call", (node,), "factorial")
            elif self.at_operator("%"):
                node = Node("percent", (node,))
            elif self.at_operator("dollar", "euro", "gbp", "yen") and self.peek(1).kind != "number":
                self._money(self.peek().value)
            elif self.at_operator("degree"):
                node = Node("degree", (node,))
            elif self.at_operator("dots") and node.kind == "number" and node.value.places:
                pass  # 0.333…
            else:
                return node
            self._at += 1
        return node

    def at_degree(self) -> bool:
        first = 1 if self.peek().value == "{" else 0
        return self.peek(first).kind == "operator" and self.peek(first).value in ("circ", "degree")

    def degree(self, node: Node) -> Node:
        braced = self.peek().value == "{"
        self._at += 2 if braced else 1
        if braced:
            self.close("}")
        return Node("degree", (node,))

    # Atoms

    def atom(self) -> Node:
        token = self.next()
        match token.kind:
            case "number":
                return self._number(token)
            case "letter":
                return self._letter(token)
            case "constant":
                return Node("constant", (), token.value)
            case "function":
                return self._function(token.value)
            case "command":
                return self._command(token.value)
            case "open":
                return self._opened(token.value)
            case "word":
                return self._word(token)
            case "huge":
                return Node("huge", (), token.value)
        if token.value == "surd":
            return Node("call", (self._root_argument(),), "sqrt")
        if token.value in ("dollar", "euro", "gbp", "yen"):
            self._money(token.value)
            return self.postfix() if not self.at_operator("-") else self.unary()
        if token.kind == "operator" and token.value == "|":
            return self._bars("|")
        if token.value == "]" and token.kind == "close":
            return self.bracketed("]")
        if token.value == "dots":
            return Node("text", (), "...")
        self._at -= 1
        return self.refuse()

    def _money(self, name: str) -> None:
        if self.currency not in ("", name):
            raise UnsupportedError("two currencies")
        self.currency = name

    def _word(self, token: Token) -> Node:
        """A name of capitals such as AB is a letter; other words in a row are a text."""
        if token.value.isupper() and self.peek().kind != "word":
            return Node("symbol", (), token.value + self._subscript())
        words = [token.value]
        while self.peek().kind in ("word", "letter", "constant", "number"):
            words.append(self.next().value)
        return Node("text", (), " ".join(words))

    def _letter(self, token: Token) -> Node:
        name = token.value
        while self.at_operator("'"):
            self._at += 1
            name += "'"
        return Node("symbol", (), name + self._subscript())

    def _subscript(self) -> str:
        return "_" + self._raw() if self._take("_") else ""

    def _take(self, value: str) -> bool:
        if self.at_operator(value):
            self._at += 1
            return True
        return False

    def _raw(self) -> str:
        """The values of one group or token, unread."""
        token = self.next()
        if token.kind != "open" or token.value != "{":
            return token.value
        depth, pieces = 1, []
        while depth:
            token = self.next()
            if token.value in ("{", "}"):
                depth += 1 if token.kind == "open" else -1
            pieces.append(token.value)
        return " ".join(pieces[:-1])

    def _number(self, token: Token) -> Node:
        number = token.number
        assert number is not None
        node = Node("number", (), number)
        if self._take("_"):
            base = self._raw()
            if not base.isdigit() or number.places is not None:
                raise UnsupportedError("a number with a subscript that is no base")
            return Node("based", (), (token.value.lstrip("0") or "0", int(base)))
        following = self.peek()
        if following.kind == "command" and following.value in ("overline", "bar", "dot") and number.places is not None:
            return self._repeating(number)
        if number.places is None and following.kind == "command" and following.value == "frac":
            return self._mixed(node)
        return node

    def _repeating(self, number: Number) -> Node:
        self._at += 1
        digits = self._raw()
        if not digits.isdigit():
            raise UnreadableError("a repeating part that is no number")
        places = number.places or 0
        value = number.value + Fraction(int(digits), (10 ** len(digits) - 1) * 10**places)
        return Node("number", (), Number(value, None, number.significant + len(digits)))

    def _mixed(self, whole: Node) -> Node:
        """`1\\frac14` is one and a quarter where the fraction is a proper one of whole numbers."""
        start = self._at
        saved = list(self._tokens[start : start + 4])
        self._at += 1
        fraction = self._fraction()
        if fraction.kind == "div":
            above, below = fraction.args
            plain = above.kind == below.kind == "number" and above.value.places is None and below.value.places is None
            if plain and 0 < above.value.value < below.value.value:
                return Node("mixed", (whole, fraction))
        self._tokens[start : start + 4] = saved
        self._at = start
        return whole

    def _opened(self, opening: str) -> Node:
        if opening in ("(", "["):
            return self.bracketed(opening)
        if opening == "{":
            return self._brace_group()
        if opening == r"\{":
            return self.braces(r"\}")
        if opening in ("floor", "ceil"):
            node = self._inside(opening)
            return Node("call", (node,), opening)
        if opening == "<":
            node = self._inside("<")
            return Node("bracketed", node.args if node.kind == "list" else (node,), ("<", ">"))
        return self._bars("|)")

    def _inside(self, closing: str) -> Node:
        outer = self.bars_open, self.brackets_multiply
        self.bars_open, self.brackets_multiply = True, True
        node = self.listed()
        self.bars_open, self.brackets_multiply = outer
        self.close(closing)
        return node

    def _brace_group(self) -> Node:
        """Plain braces: a set if there is a comma, a bar or nothing inside, else a LaTeX group."""
        node = self.braces("}")
        return node.args[0] if node.kind == "set" and len(node.args) == 1 else node

    def group(self, opening: str, closing: str) -> Node:
        """One expression between brackets that belong to a command."""
        token = self.next()
        if token.kind != "open" or token.value != opening:
            self._at -= 1
            self.refuse()
        outer = self.bars_open, self.brackets_multiply
        self.bars_open, self.brackets_multiply = True, True
        self.enter()
        node = self.sum()
        self.leave()
        self.bars_open, self.brackets_multiply = outer
        self.close(closing)
        return node

    def _bars(self, closing: str) -> Node:
        outer = self.bars_open, self.brackets_multiply
        self.bars_open, self.brackets_multiply = False, True
        self.enter()
        node = self.sum()
        self.leave()
        self.bars_open, self.brackets_multiply = outer
        token = self.next()
        if token.value != closing:
            raise UnreadableError("an absolute value is not closed")
        return Node("call", (node,), "abs")

    # Commands and functions

    def _command(self, name: str) -> Node:
        if name == "frac":
            return self._fraction()
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
            letter = self._raw()
            return Node("reals") if letter == "R" else Node("symbol", (), f"set {letter}")
        if name == "boxed":
            raise UnreadableError("a box inside the answer")
        if name in STANDING:
            return self._standing(name)
        raise UnsupportedError(f"the notation \\{name} here")

    def environment_name(self) -> str:
        return self._raw().replace(" ", "")

    def _standing(self, name: str) -> Node:
        """An integral, a sum, …: its bounds as they are written and what it is applied to."""
        bounds = []
        while self.at_operator("_", "^"):
            bounds.append(self.next().value + self._raw())
        self.enter()
        body = self.product() if self.more() else Node("none")
        self.leave()
        return Node("operator", (body,), (name, *bounds))

    def _fraction(self) -> Node:
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

    def _root(self) -> Node:
        degree = None
        if self.peek().value == "[":
            degree = self.group("[", "]")
        radicand = self._root_argument()
        if degree is None or degree == integer(2):
            return Node("call", (radicand,), "sqrt")
        return Node("call", (radicand, degree), "root")

    def _root_argument(self) -> Node:
        """What a root is drawn of: a group, something in parentheses, or one number or letter."""
        token = self.peek()
        if token.kind == "open" and token.value == "{":
            return self.group("{", "}")
        self.enter()
        node = self.atom()
        self.leave()
        if node.kind not in ("number", "symbol", "constant", "call") and token.value not in ("(", "\\frac", "frac"):
            self.refuse()
        return node

    def _function(self, name: str) -> Node:
        base: Node | None = None
        power: Node | None = None
        while self.at_operator("_", "^"):
            if self.next().value == "_":
                base = self.argument() if self.peek().kind != "number" else self.atom()
            else:
                power = self.exponent()
        arguments = self._arguments(name)
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
            return (self._root_argument(),)
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
