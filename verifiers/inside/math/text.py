"""From the characters of an answer to one plain spelling: Unicode forms, LaTeX spacing, dollar signs, wrappers.

It keeps what an answer says and never guesses: what it does not know stays as it is and is refused by the grammar.
"""

# ruff: noqa: RUF001 (the table is of characters that look like others)

from __future__ import annotations

import re
import unicodedata

MAX_CHARACTERS = 2000

_INVISIBLE = dict.fromkeys(
    [
        0xAD,
        0x180E,
        0xFEFF,
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFE00, 0xFE10),
    ]
)
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_FRACTIONS = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5", "⅘": "4/5",
    "⅙": "1/6", "⅚": "5/6", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8",
}  # fmt: skip
_SYMBOLS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "×": r" \times ", "·": r" \cdot ", "⋅": r" \cdot ",
    "∙": r" \cdot ", "•": r" \cdot ", "∗": "*", "÷": r" \div ", "∕": "/", "⁄": "/", "π": r"\pi ", "√": r"\surd ",
    "∛": r"\sqrt[3]", "∜": r"\sqrt[4]", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ",
    "≠": r"\ne ", "∪": r"\cup ", "∩": r"\cap ", "∅": r"\emptyset ", "Ø": r"\emptyset ", "∈": r"\in ", "±": r"\pm ",
    "∓": r"\mp ", "°": r"^\circ ", "º": r"^\circ ", "˚": r"^\circ ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}",
    "ℚ": r"\mathbb{Q}", "ℕ": r"\mathbb{N}", "ℂ": r"\mathbb{C}", "∖": r"\setminus ", "⟨": r"\langle ", "⟩": r"\rangle ",
    "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "∣": "|", "∨": r"\lor ", "∧": r"\land ",
    "∫": r"\int ", "∑": r"\sum ", "∏": r"\prod ", "…": r"\ldots ", "⋯": r"\ldots ", "’": "'", "‘": "'", "′": "'",
    "“": '"', "”": '"', "€": r"\euro ", "£": r"\pounds ", "¥": r"\yen ", "₤": r"\pounds ",
}  # fmt: skip
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "mu", "ν": "nu", "ξ": "xi", "ρ": "rho", "σ": "sigma", "τ": "tau",
    "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Δ": "Delta", "Γ": "Gamma", "Θ": "Theta",
    "Λ": "Lambda", "Σ": "Sigma", "Φ": "Phi", "Ω": "Omega",
}  # fmt: skip

_SPACING = re.compile(
    r"(\\\\)|\\(?:quad|qquad|displaystyle|textstyle|scriptstyle|limits|nolimits|enspace|thinspace|left\s*\.|right\s*\.|left"
    r"|right|[bB]igg?[lrm]?|middle|large|Large|LARGE|huge|Huge|small|normalsize|mathstrut|strut|null|par"
    r"|noindent)(?![A-Za-z])|\\[,;:> ]|~|\\\n"
)
_HIDDEN = re.compile(r"\\(?:hspace|vspace|phantom|hphantom|vphantom|label|tag|mspace|color|textcolor)\*?\{[^{}]*\}")
_THOUSANDS = re.compile(
    r"(?<=[0-9])(?:\\,|\\ |~|\u2009|\u202f|\u00a0|,?\\!\s*,?(?:\\!)?|\{,\}\\!)(?=[0-9]{3}(?![0-9]))"
)
_WRAPPER = re.compile(
    r"\\(?:text|textbf|textit|textrm|textnormal|mathrm|mathbf|mathit|mathsf|mbox|hbox|boldsymbol|bm|boxed|fbox|underline)\s*\{"
)
_DOLLAR = re.compile(r"(?<!\\)\$")
_DELIMITED = (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$"))


def ascii_forms(text: str) -> str:
    """Unicode digits, operators, letters and fractions in the spelling that the grammar reads; invisible ones gone."""
    if text.isascii():
        return text
    text = text.translate(_INVISIBLE)
    text = _scripts(text, _SUPERSCRIPTS, "^")
    text = _scripts(text, _SUBSCRIPTS, "_")
    pieces = []
    for character in text:
        if character in _SYMBOLS:
            pieces.append(_SYMBOLS[character])
        elif character in _GREEK:
            pieces.append(f"\\{_GREEK[character]} ")
        elif character in _FRACTIONS:
            above, below = _FRACTIONS[character].split("/")
            pieces.append(f"\\frac{{{above}}}{{{below}}}")
        elif ord(character) > 127:
            pieces.append(_compatible(character))
        else:
            pieces.append(character)
    return "".join(pieces)


def _compatible(character: str) -> str:
    digit = unicodedata.digit(character, None)
    if digit is not None and unicodedata.category(character) == "Nd":
        return str(digit)
    if character.isspace():
        return character if character in "\u2009\u202f\u00a0" else " "
    form = unicodedata.normalize("NFKC", character)
    if form != character:
        return "".join(_SYMBOLS.get(one, f"\\{_GREEK[one]} " if one in _GREEK else one) for one in form)
    return character


def _scripts(text: str, table: dict[str, str], mark: str) -> str:
    """Runs of small raised or lowered characters as `^{…}` or `_{…}`."""
    if not any(character in table for character in text):
        return text
    pieces: list[str] = []
    inside = False
    for character in text:
        if (character in table) != inside:
            inside = not inside
            pieces.append(mark + "{" if inside else "}")
        pieces.append(table.get(character, character))
    return "".join(pieces) + ("}" if inside else "")


def plain(text: str) -> str:
    """The one spelling of an answer."""
    text = ascii_forms(text).strip()
    text = _without_delimiters(text)
    text = _THOUSANDS.sub("{,}", text)
    text = text.replace("\\!", "").replace("^{}", "").replace("\\\\$", "\\$")
    text = _HIDDEN.sub(" ", text)
    text = _SPACING.sub(lambda match: match.group(1) or " ", text)
    text = text.replace("\u2009", " ").replace("\u202f", " ").replace("\u00a0", " ").strip()
    if text.endswith("\\") and not text.endswith("\\\\"):
        text = text[:-1].rstrip()  # what is left of a cut `\\ `
    while text.endswith((".", ";", "\\\\")) and not text.endswith(("..", "\\.")):
        text = text[:-2].rstrip() if text.endswith("\\\\") else text[:-1].rstrip()
    return unwrap(_without_delimiters(text))


def _without_delimiters(text: str) -> str:
    """Without dollar signs and brackets that only say that this is mathematics. A single $ is money."""
    text = text.strip()
    for begin, end in _DELIMITED[:2]:
        if text.startswith(begin) and text.endswith(end) and text.count(begin) == 1:
            text = text[len(begin) : -len(end)].strip()
    num_dollars = len(_DOLLAR.findall(text))
    if num_dollars and num_dollars % 2 == 0:
        text = _DOLLAR.sub("", text).strip()
    return text


def unwrap(text: str) -> str:
    r"""Without a \text{}, \boxed{} or braces around the whole of it.

    >>> unwrap(r"\text{ (C) }")
    '(C)'
    """
    while True:
        match = _WRAPPER.match(text)
        start = match.end() if match else 0
        if not match or not closes_at_end(text, start - 1):
            return text
        text = text[start:-1].strip()


def closes_at_end(text: str, opening: int) -> bool:
    """Whether the brace at `opening` is closed by the last character."""
    depth = 0
    position = opening
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 2
            continue
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return position == len(text) - 1
        position += 1
    return False


def squeezed(text: str) -> str:
    """A plain spelling with runs of whitespace as one space, for telling identical texts."""
    return " ".join(text.split())
