"""The small parts of the grammar: literals, letters, words, groups, postfix signs.

`Notation` supplies commands and functions, `Parser` the levels above (`listed`, `sum`, `bracketed`, …).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import NoReturn

from verifiers.inside.math.lexer import Token
from verifiers.inside.math.nodes import Node, Number, UnreadableError, UnsupportedError

MAX_DEPTH = 60
_END = Token("end", "")


class Atoms(ABC):
    """Reading position, depth, and everything that is not a level of precedence."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0
        self.bars_open = True  # whether a bar here opens an absolute value
        self.colons = True  # whether a colon here makes a ratio
        self.brackets_multiply = True  # whether `[` after a factor is a factor
        self.currency = ""

    # Supplied by Notation and Parser

    @abstractmethod
    def command(self, name: str) -> Node: ...

    @abstractmethod
    def function(self, name: str) -> Node: ...

    @abstractmethod
    def fraction(self) -> Node: ...

    @abstractmethod
    def root_argument(self) -> Node: ...

    @abstractmethod
    def listed(self) -> Node: ...

    @abstractmethod
    def item(self) -> Node: ...

    @abstractmethod
    def sum(self) -> Node: ...

    @abstractmethod
    def product(self) -> Node: ...

    @abstractmethod
    def power(self) -> Node: ...

    @abstractmethod
    def unary(self) -> Node: ...

    @abstractmethod
    def exponent(self) -> Node: ...

    @abstractmethod
    def bracketed(self, opening: str) -> Node: ...

    @abstractmethod
    def braces(self, closing: str) -> Node: ...

    @abstractmethod
    def matrix(self, name: str) -> Node: ...

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

    def enter(self, levels: int = 1) -> None:
        self._depth += levels
        if self._depth > 3 * MAX_DEPTH:  # a group passes three counted levels
            raise UnreadableError(f"nested deeper than {MAX_DEPTH}")

    def leave(self, levels: int = 1) -> None:
        self._depth -= levels

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
                return self.function(token.value)
            case "command":
                return self.command(token.value)
            case "open":
                return self._opened(token.value)
            case "word":
                return self._word(token)
            case "huge":
                return Node("huge", (), token.value)
        if token.value == "surd":
            return Node("call", (self.root_argument(),), "sqrt")
        if token.value in ("dollar", "euro", "gbp", "yen"):
            self._money(token.value)
            self.enter()
            amount = self.postfix() if not self.at_operator("-") else self.unary()
            self.leave()
            return amount
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
        return "_" + self.raw() if self._take("_") else ""

    def _take(self, value: str) -> bool:
        if self.at_operator(value):
            self._at += 1
            return True
        return False

    def raw(self) -> str:
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
            base = self.raw()
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
        digits = self.raw()
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
        fraction = self.fraction()
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
