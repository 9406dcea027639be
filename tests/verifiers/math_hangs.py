r"""Inputs made to hang, explode or crash a grader of mathematical answers: (name, reference, completion, equal).

`equal` is True where the completion repeats a reference that nobody can compute: to call it wrong would be a guess, and
to call it right is fine; everywhere else the answer is not the reference. Some completions have no box at all: those
aim at the extraction. Nothing here is evaluated; the largest text has about 2 MB.
"""

from __future__ import annotations

from typing import NamedTuple


class Hang(NamedTuple):
    """One hostile item."""

    name: str
    reference: str
    text: str
    equal: bool = False


def box(answer: str) -> str:
    return rf"The computation is left to the reader: \boxed{{{answer}}}."


def tower(base: str, height: int) -> str:
    return "^{".join([base] * height) + "}" * (height - 1)


def wrapped(left: str, middle: str, right: str, depth: int) -> str:
    return left * depth + middle + right * depth


def elements(count: int, first: int = 1) -> str:
    return ",".join(str(number) for number in range(first, first + count))


def matrix(size: int, power: str) -> str:
    rows = r" \\ ".join(" & ".join(str(row * size + column) for column in range(size)) for row in range(size))
    return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}^{{{power}}}"


LETTERS = [*"abcdfghjklmnpqrstuvwxyz", *"ABCDFGHJKLMNPQRSTUVWXYZ", *(rf"\{name}" for name in ("alpha", "beta", "mu"))]

POWERS = (
    Hang("power tower of nines", "7", box(tower("9", 9))),
    Hang("power tower of a hundred tens", "7", box(tower("10", 100))),
    Hang("power tower of letters", "x", box(tower("x", 50))),
    Hang("tower on both sides", tower("9", 6), box(tower("9", 6)), True),
    Hang("tower against a smaller one", tower("9", 6), box(tower("9", 5))),
    Hang("negative tower", "0", box("2^{-" + tower("9", 5) + "}")),
    Hang("exponent of a billion", "7", box("3^{1000000000}")),
    Hang("exponent of a billion, twice", "3^{1000000000}", box("3^{1000000001}")),
    Hang("exponent of 40 digits", "7", box("2^{" + "9" * 40 + "}")),
    Hang("fractional base to a large power", "1", box(r"\left(\frac{123456789}{123456788}\right)^{987654321}")),
    Hang("decimal to a large power", "1", box("1.0000001^{9999999999}")),
    Hang("large power of a complex number", "1", box("(3+4i)^{123456789}")),
    Hang("sum raised to a thousand", "x", box("(x+1)^{1000}")),
    Hang("three letters raised to five hundred", "(a+b+c)^{500}", box("(a+b+c)^{499}(a+b-c)")),
    Hang("expanding against a power", "(x+1)^{1000}", box("(x+1)^{999}(x-1)")),
    Hang("cyclotomic factors", "x^{30030}-1", box("(x^{15015}-1)(x^{15015}-1)")),
    Hang("quotient of cyclotomics", "x+1", box(r"\frac{x^{1000001}-1}{x^{999983}-1}")),
    Hang("power of a sum of radicals", "7", box(r"(\sqrt{2}+\sqrt{3}+\sqrt{5}+\sqrt{7}+\sqrt{11})^{200}")),
)

FACTORIALS = (
    Hang("factorial of a hundred million", "7", box(r"(10^8)!")),
    Hang("the same written out", "7", box("100000000!")),
    Hang("nine, five times over", "7", box("9!!!!!")),
    Hang("nested factorials", "7", box("(((9!)!)!)!")),
    Hang("hundreds of factorials", "7", box("3" + "!" * 500)),
    Hang("factorials in a quotient", "7", box(r"\frac{(10^7)!}{(10^7-1)! \cdot 10^6}")),
    Hang("a large binomial", "7", box(r"\binom{1000000000}{500000000}")),
    Hang("binomial of factorials", "7", box(r"\binom{20!}{10!}")),
    Hang("reference made of factorials", r"(10^8)!", box(r"(10^8)!"), True),
    Hang("factorial against its neighbour", r"\frac{1}{(10^6)!}", box(r"\frac{1}{(10^6+1)!}")),
)

NESTED = (
    Hang("parentheses", "7", box(wrapped("(", "8", ")", 2000))),
    Hang("scaled parentheses", "7", box(wrapped(r"\left(", "8", r"\right)", 2000))),
    Hang("fractions in denominators", "7", box(wrapped(r"\frac{1}{1+", "x", "}", 2000))),
    Hang("fractions in both places", "7", box(wrapped(r"\frac{\frac{1}{2}}{", "3", "}", 1000))),
    Hang("radicals", "7", box(wrapped(r"\sqrt{1+", "x", "}", 2000))),
    Hang("short radicals", "2", box(wrapped(r"\sqrt{2+", "3", "}", 40))),
    Hang("braces", "7", box(wrapped("{", "8", "}", 20_000))),
    Hang("exponents", "7", box(wrapped("2^{", "8", "}", 2000))),
    Hang("sets of sets", "7", box(wrapped(r"\{", "8", r"\}", 2000))),
    Hang("minus signs", "7", box("-" * 10_000 + "8")),
    Hang("absolute values", "7", box("|" * 4001 + "8" + "|" * 4001)),
    Hang("sine of sine", "7", box(wrapped(r"\sin(", "x", ")", 500))),
    Hang("sine of sine on both sides", wrapped(r"\sin(", "x", ")", 25), box(wrapped(r"\sin(", "x", ")", 24))),
    Hang("exponential of exponential", "7", box(wrapped("e^{", "5", "}", 12))),
    Hang("logarithm of a tower", "7", box(r"\ln(" + tower("9", 5) + ")")),
    Hang("boxes", "7", wrapped(r"\boxed{", "8", "}", 20_000)),
    Hang("matrices", "7", box(wrapped(r"\begin{pmatrix}", "8", r"\end{pmatrix}", 300))),
)

LONG = (
    Hang("set of twenty thousand", r"\{" + elements(20_000) + r"\}", box(r"\{" + elements(20_000, 2) + r"\}")),
    Hang("list of twenty thousand", "7", box(elements(20_000))),
    Hang("set of a thousand powers", "7", box(r"\{" + ",".join(f"9^{{9^{{{n}}}}}" for n in range(1000)) + r"\}")),
    Hang("nested tuples by the thousand", "(1,2)", box("(" + "(1,2)," * 10_000 + "3)")),
    Hang("hundred thousand digits", "7", box("8" * 100_000)),
    Hang("hundred thousand digits on both sides", "8" * 100_000, box("8" * 99_999 + "9")),
    Hang("hundred thousand decimals", r"\frac{1}{3}", box("0." + "4" * 100_000)),
    Hang("exponent of a hundred thousand digits", "7", box("1e" + "9" * 100_000)),
    Hang("scientific with a large exponent", "7", box(r"1.5 \times 10^{999999999}")),
    Hang("scientific against its neighbour", "1e999999999", box("1e999999998")),
    Hang("five thousand factors", "x", box("".join(f"(x+{number})" for number in range(5000)))),
    Hang("two hundred factors", "x^{200}", box("".join(f"(x+{number})" for number in range(1, 201)))),
    Hang("ten thousand terms", "x", box("+".join(f"x^{{{number}}}" for number in range(10_000)))),
    Hang("ten thousand inequalities", "x<3", box("<".join(["x"] * 10_000))),
    Hang("ten thousand equalities", "7", box("=".join(["7"] * 9_999 + ["8"]))),
    Hang("union of five thousand intervals", "(0,1)", box(r"\cup".join(f"({n},{n + 1})" for n in range(5000)))),
    Hang("a megabyte without a box", "7", "The sum of 3 and 4 is $7$, so we go on. " * 27_000),
    Hang("two megabytes of an unfinished box", "7", r"\boxed{" + "7 + {0} " * 260_000),
    Hang("boxes by the thousand", "7", r"So \boxed{8}. " * 50_000),
    Hang("unfinished boxes by the thousand", "7", r"\boxed{7" * 50_000),
    Hang("opening braces by the hundred thousand", "7", r"\boxed{" + "{" * 300_000),
    Hang("closing braces by the hundred thousand", "7", r"\boxed{8" + "}" * 300_000),
    Hang("backslashes by the hundred thousand", "7", r"\boxed{" + "\\" * 300_000 + "}"),
    Hang("spaces by the hundred thousand", "7", r"\boxed{8" + " " * 300_000 + "x}"),
    Hang("dollars by the hundred thousand", "7", "$" * 300_000 + r"\boxed{8}"),
    Hang("zero-width characters by the hundred thousand", "7", r"\boxed{8" + "\u200b" * 300_000 + "}"),
    Hang("combining marks by the hundred thousand", "7", r"\boxed{8" + "\u0301" * 100_000 + "}"),
)

REGULAR_EXPRESSIONS = (
    Hang("repeated groups of digits", "1", box("1," * 5000 + "x")),
    Hang("thousands that do not end", "1", box("1" + ",111" * 5000 + ",11")),
    Hang("digits with a late letter", "1", box("1" * 30_000 + "a")),
    Hang("spaces between minus signs", "1", box("- " * 5000 + "x")),
    Hang("text commands", "west", box(r"\text{ " * 1000 + "east" + " }" * 1000)),
    Hang("text of one letter", "east", box(r"\text{" + "a" * 50_000 + "!}")),
    Hang("units by the thousand", "5 cm", box("5 " + r"\text{ cm}" * 3000)),
    Hang("alternatives by the thousand", "5", box(r"4 \text{ or } " * 3000 + "6")),
    Hang("half-open environments", "5", box(r"\begin{pmatrix}" * 2000 + "1")),
)

COSTLY = (
    Hang("power of a matrix", "7", box(matrix(3, "100000000"))),
    Hang("power of a large matrix", "7", box(matrix(40, "1000000"))),
    Hang("power of a matrix of letters", "7", box(r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}^{10000}")),
    Hang("sum to a billion", "7", box(r"\sum_{k=1}^{1000000000} \frac{1}{k^2}")),
    Hang("sum to a billion as the reference", r"\sum_{k=1}^{1000000000} \frac{1}{k}", box("21.3")),
    Hang("product to a billion", "7", box(r"\prod_{k=1}^{1000000000} k")),
    Hang("double sum", "7", box(r"\sum_{i=1}^{100000} \sum_{j=1}^{100000} \frac{1}{i+j}")),
    Hang("an integral nobody can do", "7", box(r"\int_0^1 \sin(\cos(e^{x^x}))\,dx")),
    Hang("root of degree a million", "7", box(r"\sqrt[1000000]{" + "7" * 1000 + "}")),
    Hang("root of degree a billion", "1", box(r"\sqrt[1000000000]{2}")),
    Hang("fifty letters", "7", box("+".join(f"{letter}^{{3}}" for letter in LETTERS[:49]))),
    Hang("product over fifty letters", "7", box("".join(f"({a}+1)" for a in LETTERS[:49]))),
    Hang(
        "power of a sum of fifty letters",
        "(" + "+".join(LETTERS[:49]) + ")^{20}",
        box("(" + "+".join(LETTERS[:48]) + ")^{20}"),
    ),
    Hang("trigonometry of a large number", "0", box(r"\sin(10^{100000})")),
    Hang("trigonometry of a tower", "0", box(r"\cos(" + tower("7", 5) + r"\pi)")),
    Hang("product of many sines", "x", box("".join(rf"\sin({number}x)" for number in range(1, 200)))),
    Hang("nearly zero", "0", box(r"\sqrt{10^{4000}+1}-10^{2000}")),
    Hang("sum of square roots", r"\sqrt{2}+\sqrt{3}", box("+".join(rf"\sqrt{{{n}}}" for n in range(2, 150)))),
    Hang("golden power", "7", box(r"\left(\frac{1+\sqrt{5}}{2}\right)^{1000000}")),
    Hang("modulus of a tower", "7", box(tower("7", 7) + r" \bmod 10")),
    Hang("floor of a tower", "7", box(r"\left\lfloor " + tower("1.5", 9) + r" \right\rfloor")),
    Hang("prime of many digits", "1", box(f"{10**400 + 69}" + "/" + f"{10**401 + 1}")),
    Hang("repeating decimal with a long period", "1", box(r"0.\overline{" + "123456789" * 2000 + "}")),
    Hang("number in a large base", "1", box("1" * 5000 + "_{36}")),
    Hang("continued fraction of letters", "1", box(wrapped(r"x+\cfrac{1}{", "x", "}", 55))),
    Hang("logarithm to a huge base", "1", box(r"\log_{10^{1000000}} (3^{10000000})")),
    Hang("plus or minus by the dozen", "1", box(r" \pm ".join(str(number) for number in range(1, 40)))),
)

HANGS: tuple[Hang, ...] = (*POWERS, *FACTORIALS, *NESTED, *LONG, *REGULAR_EXPRESSIONS, *COSTLY)
