"""Tokens of LaTeX and plain mathematics. Linear in the length of the text; decides nothing about structure.

A token is (kind, value, whether whitespace stands before it). Kinds: number (a Number), letter, function, constant,
word (text), command (notation with arguments, such as frac), operator (one sign, named), open and close (brackets).
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from verifiers.inside.math.nodes import Number, UnreadableError, UnsupportedError
from verifiers.inside.math.text import MAX_CHARACTERS

MAX_EXPONENT = 20_000


class Token(NamedTuple):
    kind: str
    value: str
    spaced: bool = False
    number: Number | None = None


FUNCTIONS = {
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "log", "ln", "lg",
    "exp", "sqrt", "cbrt", "abs", "floor", "ceil", "factorial", "binom", "min", "max", "gcd", "lcm", "det", "Re", "Im",
    "arccot", "arcsec", "arccsc",
}  # fmt: skip
_ALIASES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "arctg": "arctan", "tg": "tan", "ctg": "cot",
    "cosec": "csc", "binomial": "binom", "ceiling": "ceil", "comb": "binom",
}  # fmt: skip
GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "varphi", "chi", "psi", "omega", "Gamma",
    "Delta", "Theta", "Lambda", "Xi", "Sigma", "Phi", "Psi", "Omega", "ell",
}  # fmt: skip
_CONSTANTS = {"pi": "pi", "infty": "infinity", "infinity": "infinity", "inf": "infinity", "imath": "i"}
_OPERATORS = {
    "times": "*", "cdot": "*", "ast": "*", "div": "/", "pm": "pm", "mp": "mp", "le": "<=", "leq": "<=",
    "leqslant": "<=",
    "ge": ">=", "geq": ">=", "geqslant": ">=", "lt": "<", "gt": ">", "ne": "!=", "neq": "!=", "in": "in", "cup": "cup",
    "cap": "cap", "setminus": "minus", "backslash": "minus", "smallsetminus": "minus", "lor": "or", "vee": "or",
    "land": "and", "wedge": "and", "mid": "|", "vert": "|", "colon": ":", "circ": "circ", "degree": "degree", "%": "%",
    "$": "dollar", "euro": "euro", "pounds": "gbp", "yen": "yen", "prime": "'", "ldots": "dots", "dots": "dots",
    "cdots": "dots", "dotsc": "dots", "&": "&", "\\": "\\\\", "cr": "\\\\", "surd": "surd", "Vert": "||", "|": "||",
    "approx": "approx", "to": "to", "rightarrow": "to", "quad": " ",
}  # fmt: skip
_OPEN = {"lbrace": "{", "lfloor": "floor", "lceil": "ceil", "langle": "<", "lvert": "|(", "lbrack": "[", "{": r"\{"}
_CLOSE = {"rbrace": "}", "rfloor": "floor", "rceil": "ceil", "rangle": "<", "rvert": "|)", "rbrack": "]", "}": r"\}"}
_TEXT = {"text", "textbf", "textit", "textrm", "textnormal", "mbox", "hbox", "mathrm", "mathbf", "mathit", "mathsf"}
_TEXT |= {"operatorname", "boldsymbol", "bm", "textsf", "texttt", "textsc", "emph", "vec", "hat", "mathcal"}
STANDING = {"int", "iint", "iiint", "oint", "sum", "prod", "lim", "partial", "limsup", "liminf"}
COMMANDS = {
    "angle",
    "triangle",
    "frac",
    "sqrt",
    "binom",
    "overline",
    "bar",
    "begin",
    "end",
    "mathbb",
    "emptyset",
    "boxed",
    "dot",
}
_COMMANDS = {
    "dfrac": "frac",
    "tfrac": "frac",
    "nicefrac": "frac",
    "sfrac": "frac",
    "cfrac": "frac",
    "dbinom": "binom",
    "tbinom": "binom",
}
_COMMANDS |= {"varnothing": "emptyset", "bf": "", "rm": "", "it": "", "overparen": "overline"}
CONNECTIVES = {"or", "and"}
WORDS = CONNECTIVES | {
    "no", "not", "yes", "odd", "even", "is", "the", "if", "for", "all", "per", "none", "cm", "mm", "km", "kg", "mg",
    "ml",
    "mL", "min", "hr", "hrs", "sec", "ft", "yd", "mi", "lb", "lbs", "oz", "mph", "kph", "in", "of", "to", "are", "cup",
    "day", "cents", "days", "cat", "dog", "men", "deg", "rad", "units", "unit", "sq", "cu", "DNE", "kmh", "KB", "MB",
}  # fmt: skip

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:[0-9]{1,3}(?:\{,\}[0-9]{3})+(?![0-9])|[0-9]{1,3}(?:,[0-9]{3})+(?![0-9]|,[0-9])|[0-9]+)"
    r"(?:\.[0-9]+|\.(?=\s*\\(?:overline|bar|dot)))?|\.[0-9]+|\.(?=\s*\\overline))"
    r"|(?P<command>\\(?:[A-Za-z]+|.))"
    r"|(?P<letters>[A-Za-z]+)"
    r"|(?P<sign><=|>=|!=|==|\*\*|\.\.\.|[-+*/^_=<>,;:|!&%$'\[\](){}])"
)
_COMMA_THOUSANDS = re.compile(r"[0-9]{1,3}")
_E_NOTATION = re.compile(r"[eE]([+-]?[0-9]{1,9})(?![0-9A-Za-z.])")
_SIGNS = {"**": "^", "==": "=", "...": "dots", "$": "dollar"}


def tokens(text: str) -> list[Token]:
    """The tokens of a plain spelling; raises UnreadableError or UnsupportedError."""
    if len(text) > MAX_CHARACTERS:
        raise UnreadableError(f"longer than {MAX_CHARACTERS} characters")
    return _Lexer(text).run()


class _Lexer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._found: list[Token] = []
        self._braces: list[bool] = []  # of every open bracket: whether a comma inside it separates
        self._spaced = False

    def run(self) -> list[Token]:
        text = self._text
        while self._position < len(text):
            match = _TOKEN.match(text, self._position)
            if match is None:
                raise UnreadableError(f"unexpected {text[self._position]!r}")
            self._position = match.end()
            kind, piece = str(match.lastgroup), match.group()
            if kind == "space":
                self._spaced = True
                continue
            if kind == "number":
                self._number(piece, match.start())
            elif kind == "command":
                self._command(piece[1:])
            elif kind == "letters":
                self._letters(piece)
            else:
                self._sign(piece)
            self._spaced = False
        return self._found

    def _add(self, kind: str, value: str, number: Number | None = None) -> None:
        self._found.append(Token(kind, value, self._spaced, number))

    def _number(self, piece: str, start: int) -> None:
        if "," in piece and "{" not in piece and any(self._braces):
            piece = (_COMMA_THOUSANDS.match(piece) or re.match("", "")).group()  # type: ignore[union-attr]
            self._position = start + len(piece)
        digits = piece.replace("{,}", "").replace(",", "")
        whole, point, after = digits.partition(".")
        value = Fraction(int(whole + after or "0"), 10 ** len(after))
        places: int | None = len(after) if point else None
        significant = len((whole + after).lstrip("0")) or 1
        exponent = 0
        if match := _E_NOTATION.match(self._text, self._position):
            self._position = match.end()
            exponent = int(match.group(1))
            if abs(exponent) > MAX_EXPONENT:
                self._add("huge", piece + match.group())
                return
            value *= Fraction(10) ** exponent
            places = (places or 0) - exponent
            if value.denominator == 1 and places <= 0:
                places = None
        self._add("number", piece, Number(value, places, significant))

    def _sign(self, piece: str) -> None:
        if piece in "([":
            self._braces.append(True)
            self._add("open", piece)
        elif piece == "{":
            self._braces.append(not self._takes_argument())
            self._add("open", piece)
        elif piece in ")]}":
            if self._braces:
                self._braces.pop()
            self._add("close", piece)
        else:
            self._add("operator", _SIGNS.get(piece, piece))

    def _takes_argument(self) -> bool:
        """Whether a brace here belongs to a command or a script rather than being a set's."""
        if not self._found:
            return False
        last = self._found[-1]
        return last.kind == "command" or last.value in ("^", "_", "}", "]") or last.kind == "function"

    def _command(self, name: str) -> None:
        name = _COMMANDS.get(name, name)
        if name in _TEXT:
            self._text_command(name)
        elif name in _OPERATORS:
            self._add("operator", _OPERATORS[name])
        elif name in COMMANDS or name in STANDING:
            self._add("command", name)
        elif name in FUNCTIONS or name in _ALIASES:
            self._add("function", _ALIASES.get(name, name))
        elif name in _CONSTANTS:
            self._add("constant", _CONSTANTS[name])
        elif name in GREEK:
            self._add("letter", name.removeprefix("var"))
        elif name in _OPEN:
            self._braces.append(True)
            self._add("open", _OPEN[name])
        elif name in _CLOSE:
            if self._braces:
                self._braces.pop()
            self._add("close", _CLOSE[name])
        elif name == "not" and self._text.startswith("=", self._position):
            self._position += 1
            self._add("operator", "!=")
        elif name:
            raise UnsupportedError(f"the notation \\{name[:20]}")

    def _text_command(self, name: str) -> None:
        """A text in braces becomes a word, a letter, or the name of a function."""
        match = re.compile(r"\s*\{([^{}]*)\}").match(self._text, self._position)
        if match is None:
            match = re.compile(r"\s*([A-Za-z0-9])").match(self._text, self._position)
        if match is None:
            raise UnsupportedError(f"the notation inside \\{name}")
        self._position = match.end()
        content = match.group(1).strip()
        bare = content.replace("\\", "")
        if bare in FUNCTIONS or bare in _ALIASES:
            self._add("function", _ALIASES.get(bare, bare))
        elif len(content) == 1 and content.isalpha() and not name.startswith("t") and name != "mbox":
            self._letters(content)
        elif name == "mathrm" and re.fullmatch(r"d[a-z]", content):
            self._letters(content[0])
            self._letters(content[1])
        elif re.fullmatch(r"[0-9]+", content):
            self._add("number", content, Number(Fraction(int(content)), None, len(content)))
        elif content in ("(", ")", "[", "]", ",", ";", "%", "$"):
            self._sign(content)
        elif content:
            self._words(content)

    def _words(self, content: str) -> None:
        content = re.sub(r"\(([A-Z])\)", r"\1", content)
        for word in re.findall(r"[A-Za-z][A-Za-z'.-]*|/|\^|[0-9]+|[^\sA-Za-z0-9]", content):
            if word in ("/", "^"):
                self._add("operator", word)
            elif word.isdigit():
                self._add("number", word, Number(Fraction(int(word)), None, len(word)))
            elif word in (",", ";") or word.lower() in CONNECTIVES:
                self._add("operator", word.lower())
            elif word[0].isalpha():
                self._add("word", word.rstrip("."))
            elif word not in ".:":
                raise UnsupportedError(f"the text {content[:30]!r}")

    def _letters(self, run: str) -> None:
        """A run of letters: a name, a word, or letters that are multiplied."""
        if run in FUNCTIONS or run in _ALIASES:
            if run in ("min", "det", "Re", "Im") and not self._text.startswith("(", self._position):
                self._add("word", run)
            else:
                self._add("function", _ALIASES.get(run, run))
        elif run.lower() in _CONSTANTS:
            self._add("constant", _CONSTANTS[run.lower()])
        elif run in GREEK and len(run) > 1:
            self._add("letter", run)
        elif run.lower() in CONNECTIVES:
            self._add("operator", run.lower())
        elif len(run) == 1:
            self._add("constant" if run in "ei" else "letter", run)
        elif run in WORDS or run.lower() in WORDS or self._counts(run):
            self._add("word", run)
        else:
            self._run(run)

    def _counts(self, run: str) -> bool:
        """Whether it is what a number before it counts: `12 feet`."""
        return len(run) > 2 and self._spaced and bool(self._found) and self._found[-1].kind == "number"

    def _run(self, run: str) -> None:
        """Letters that may contain a function's name, or are multiplied, or make up a word."""
        for name in ("arcsin", "arccos", "arctan", "sqrt", "sin", "cos", "tan", "log", "ln", "exp"):
            at = run.find(name)
            if at >= 0 and at <= 2 and len(run) - len(name) - at <= 2:
                for letter in run[:at]:
                    self._letters(letter)
                self._letters(name)
                for letter in run[at + len(name) :]:
                    self._letters(letter)
                return
        if run.endswith("pi") and len(run) <= 4:
            for letter in run[:-2]:
                self._letters(letter)
            self._letters("pi")
        elif len(run) > 4 or (len(run) > 1 and run.isupper()):
            self._add("word", run)
        else:
            for position, letter in enumerate(run):
                if position:
                    self._spaced = False
                self._letters(letter)
