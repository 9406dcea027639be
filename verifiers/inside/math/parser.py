"""From tokens to a tree: lists, relations, set operations, sums, products, powers. Smaller parts: `atoms`, `notation`.

    list     = item ((","|";"|"or"|"and") item)*
    item     = relation sign chain of `sets`, each with an optional unit
    sets     = sum (("cup"|"cap"|"minus") sum)*
    sum      = product (("+"|"-"|"pm"|"mp") product)*
    product  = unary (("*"|"/"|nothing) unary)*       nothing: a number never follows without a sign
    unary    = ("+"|"-"|"pm"|"mp") unary | power
    power    = postfix ("^" exponent)?

Depth is bounded; nothing is computed.
"""

from __future__ import annotations

from verifiers.inside.math.lexer import CONNECTIVES, Token, tokens
from verifiers.inside.math.nodes import Node, UnreadableError, UnsupportedError, deeper_than, integer
from verifiers.inside.math.notation import Notation

_RELATIONS = ("=", "<", ">", "<=", ">=", "!=", "in")
_SEPARATORS = (",", ";", "or", "and")
_SET_OPERATIONS = ("cup", "cap", "minus")
_CURRENCIES = ("dollar", "euro", "gbp", "yen")
_CLOSED_PAIRS = (("[", "]"), ("[", ")"), ("(", "]"), ("[", "["), ("]", "]"), ("]", "["))
MAX_TREE_DEPTH = 120

_SCALES = {"hundred": 2, "hundreds": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_NO_UNITS = {
    "is", "are", "was", "not", "no", "isn't", "if", "when", "but", "nor", "than", "more", "less", "least", "most",
    "fewer", "only", "minus", "plus", "times", "divided", "over", "dozen", "dozens", "squared", "cubed", "half",
    "halves",
    "third", "thirds", "fourth", "fourths", "quarter", "quarters", "fifth", "fifths", "tenth", "tenths", "hundredth",
    "hundredths", "thousandth", "thousandths", "millionth", "factorial", "mod", "modulo", "remainder", "maybe",
    "either", "neither", "except", "without", "instead", "wrong", "correct", "answer", "answers", "because", "since",
    "choose", "double", "twice", "triple", "power", "root", "negative", "positive", "as", "to", "with", "for",
    "where", "million",
    "thousand", "billion", "percent", "point", "somewhere", "between", "through", "up", "down", "reference", "solution",
}  # fmt: skip
"""Words behind a number that say something about it, so that it is not the quantity it looks like."""


def parse(text: str) -> Node:
    """The tree of a plain spelling. Raises UnreadableError or UnsupportedError."""
    found = tokens(text)
    if not found:
        raise UnreadableError("it is empty")
    node = Parser(found).whole()
    if deeper_than(node, MAX_TREE_DEPTH):
        raise UnreadableError(f"nested deeper than {MAX_TREE_DEPTH}")
    return node


def _power_of_ten(node: Node) -> bool:
    return node.kind == "pow" and node.args[0].kind == "number" and node.args[0].value.value == 10


class Parser(Notation):
    """A recursive-descent parser over a list of tokens."""

    def whole(self) -> Node:
        node = self.listed()
        if self.more():
            self.refuse()
        return node

    def listed(self) -> Node:
        """Items between separators; a single one stands for itself."""
        self.enter()
        items = [self.item()]
        connective = ""
        while self.at_operator(*_SEPARATORS):
            word = self.next().value
            if self.at_operator(*CONNECTIVES):  # "1, 2, and 3"
                word = self.next().value
            if not (connective in ("", word) or (connective in (",", ";") and word in CONNECTIVES)):
                raise UnsupportedError("a list with several connectives")
            connective = word
            items.append(self.item())
        self.leave()
        return items[0] if len(items) == 1 else Node("list", tuple(items), "," if connective == ";" else connective)

    def item(self) -> Node:
        """A chain of relations, or what stands for itself."""
        operands = [self.operand()]
        signs = []
        while self.at_operator(*_RELATIONS):
            signs.append(self.next().value)
            operands.append(self.operand())
        return operands[0] if not signs else Node("relation", tuple(operands), tuple(signs))

    def operand(self) -> Node:
        """Something that a relation or a list may hold: with a unit or a currency, if it has one."""
        outer, self.currency = self.currency, ""
        node = self.sets()
        if self.at_operator(":") and self.colons:
            node = self._ratio(node)
        node = self._scaled(node)
        unit = self._unit()
        if self.currency and unit:
            raise UnsupportedError("two units")
        unit, self.currency = unit or self.currency, outer
        return Node("quantity", (node,), unit) if unit else node

    def _scaled(self, node: Node) -> Node:
        """With a number word behind it: `1.5 million`, `50 percent`."""
        word = self.peek().value.lower()
        if self.peek().kind == "word" and (word in _SCALES or word == "percent"):
            self.next()
            if word == "percent":
                return Node("percent", (node,))
            return Node("mul", (node, Node("pow", (integer(10), integer(_SCALES[word])))))
        return node

    def _ratio(self, first: Node) -> Node:
        parts = [first]
        while self.at_operator(":"):
            self.next()
            parts.append(self.sum())
        return Node("ratio", tuple(parts))

    def _unit(self) -> str:
        """The words behind a number, such as `square cm`, `m/s^2` or `apples`, in one spelling."""
        pieces: list[str] = []
        if self.peek().kind != "word":
            return ""
        while self.more():
            token = self.peek()
            if (
                token.kind == "word"
                or (pieces and token.kind in ("letter", "number") and pieces[-1] in "/^")
                or (token.kind == "operator" and token.value in ("/", "^", "*"))
            ):
                pieces.append(token.value)
            elif token.value == "{" and pieces[-1] == "^":
                self.next()
                sign = self.next().value if self.at_operator("-") else ""
                pieces.append(sign + self.next().value)
                if self.peek().value != "}":
                    self.refuse()
            else:
                break
            self.next()
        if pieces[-1] in "/^*":
            self.refuse()
        if no_units := {piece.lower() for piece in pieces} & _NO_UNITS:
            raise UnsupportedError(f"the word {min(no_units)!r} behind a number")
        return " ".join(pieces)

    def sets(self) -> Node:
        node = self.sum()
        while self.at_operator(*_SET_OPERATIONS) or self._at_plain_union(node):
            token = self.next()
            name = "cup" if token.value == "U" else token.value
            node = Node("setop", (node, self.sum()), name)
        return node

    def _at_plain_union(self, node: Node) -> bool:
        return self.peek().value == "U" and node.kind in ("bracketed", "set", "setop") and self.peek(1).kind == "open"

    def sum(self) -> Node:
        self.enter()
        terms = [self.product()]
        while self.at_operator("+", "-", "pm", "mp"):
            sign = self.next().value
            term = self.product()
            if sign in ("pm", "mp"):
                base = terms[0] if len(terms) == 1 else Node("add", tuple(terms))
                terms = [Node("plusminus", (base, term), sign)]
            else:
                terms.append(Node("neg", (term,)) if sign == "-" else term)
        self.leave()
        return terms[0] if len(terms) == 1 else Node("add", tuple(terms))

    def product(self) -> Node:
        node = self.unary()
        factors = [node]
        while True:
            if self.at_operator("*"):
                self.next()
                factor = self.unary()
                if _power_of_ten(factor) and factors[-1].kind == "number":
                    factor = Node("mul", (factors.pop(), factor))
                factors.append(factor)
            elif self.at_operator("/"):
                self.next()
                left = factors[0] if len(factors) == 1 else Node("mul", tuple(factors))
                factors = [Node("div", (left, self.unary()))]
            elif self._at_factor():
                if self.peek().kind == "number":
                    raise UnreadableError("two numbers without a sign between them")
                factors.append(self.power())
            else:
                return factors[0] if len(factors) == 1 else Node("mul", tuple(factors))

    def _at_factor(self) -> bool:
        """Whether what follows is multiplied without a sign."""
        token = self.peek()
        if token.kind in ("number", "huge", "letter", "constant", "function"):
            return not (token.value == "U" and self.peek(1).kind == "open" and self.previous() == "close")
        if token.kind == "command":
            return token.value not in ("end", "emptyset")
        if token.kind == "open":
            return token.value in ("(", "{", "|(", "floor", "ceil") or (token.value == "[" and self.brackets_multiply)
        return token.value in ("surd", *_CURRENCIES) or (token.value == "|" and self.bars_open)

    def unary(self) -> Node:
        num_minus = 0
        while self.at_operator("+", "-"):
            num_minus += self.next().value == "-"
            if num_minus > 5:
                raise UnreadableError("too many signs")
        if self.at_operator("pm", "mp"):
            name = self.next().value
            self.enter()
            node = Node("plusminus", (Node("none"), self.unary()), name)
            self.leave()
        else:
            node = self.power()
        for _ in range(num_minus):
            node = Node("neg", (node,))
        return node

    def power(self) -> Node:
        self.enter()
        base = self.postfix()
        if self.at_operator("^"):
            self.next()
            if self.at_degree():
                base = self.degree(base)
            else:
                base = self.postfixed(Node("pow", (base, self.exponent())))
        self.leave()
        return base

    def exponent(self) -> Node:
        """What stands raised: a group, a number, a letter, with a sign in plain text."""
        if self.peek().value == "{" and self.peek().kind == "open":
            return self.group("{", "}")
        sign = 1
        while self.at_operator("-", "+"):
            sign = -sign if self.next().value == "-" else sign
        node = self.script()
        if self.at_operator("^"):
            self.next()
            self.enter()
            node = Node("pow", (node, self.exponent()))
            self.leave()
        return Node("neg", (node,)) if sign < 0 else node

    def bracketed(self, opening: str) -> Node:
        """What a bracket opened: a tuple, an interval, or one thing in parentheses."""
        outer = self.bars_open, self.colons, self.brackets_multiply
        self.bars_open, self.colons, self.brackets_multiply = True, False, False
        node = self.listed() if not self._closes(opening) else Node("none")
        self.bars_open, self.colons, self.brackets_multiply = outer
        closing = self.next().value
        if closing not in ("]", ")", "["):
            raise UnreadableError(f"{opening!r} is not closed")
        items = node.args if node.kind == "list" and node.value == "," else (node,)
        pair = (opening, closing)
        if len(items) == 1 and pair in (("(", ")"), ("[", "]")):
            if node.kind == "none":
                raise UnreadableError("empty brackets")
            return node if node.kind != "list" else Node("grouped", (node,))
        if len(items) != 2 and pair not in (("(", ")"), ("[", "]")):
            raise UnreadableError("an interval needs two ends")
        if pair not in (("(", ")"), *_CLOSED_PAIRS):
            raise UnreadableError(f"{opening!r} is closed by {closing!r}")
        return Node("bracketed", items, pair)

    def _closes(self, opening: str) -> bool:
        return self.peek().kind == "close" and opening in "(["

    def braces(self, closing: str) -> Node:
        """What a set's brace opened: a set, or a set-builder."""
        if self.peek().kind == "close" and self.peek().value == closing:
            self.next()
            return Node("empty")
        outer = self.bars_open, self.colons, self.brackets_multiply
        self.bars_open, self.colons, self.brackets_multiply = False, False, False
        node = self.listed()
        if self.at_operator("|", ":"):
            self.next()
            self.bars_open = True
            node = Node("builder", (node, self.listed()))
        self.bars_open, self.colons, self.brackets_multiply = outer
        self.close(closing)
        if node.kind == "builder":
            return node
        items = node.args if node.kind == "list" and node.value == "," else (node,)
        return Node("set", items)

    def matrix(self, name: str) -> Node:
        """The cells of an environment up to its end."""
        if name == "array" and self.peek().value == "{":
            while self.next().value != "}":
                pass
        rows: list[list[Node]] = [[]]
        while not (self.peek().kind == "command" and self.peek().value == "end"):
            rows[-1].append(self.item())
            if self.at_operator("&"):
                self.next()
            elif self.at_operator("\\\\"):
                self.next()
                if not (self.peek().kind == "command" and self.peek().value == "end"):
                    rows.append([])
        self.next()
        self.environment_name()
        if len({len(row) for row in rows}) != 1 or not rows[0]:
            raise UnreadableError("a matrix whose rows differ in length")
        return Node("matrix", tuple(cell for row in rows for cell in row), (name, len(rows[0])))


__all__ = ["Parser", "Token", "parse"]
