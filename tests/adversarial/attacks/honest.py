"""Values that are hard to carry but right, programs that differ from run to run, scripts, and honest controls."""

# ruff: noqa: E501  (a program text is one line where it can be)

from __future__ import annotations

import math

from tests.adversarial.attack import (
    CORRECT,
    ERROR,
    NO_RESULT,
    NONDETERMINISTIC,
    OUTPUT_LIMIT,
    UNSUPPORTED,
    WRONG,
    Attack,
    rows,
    text,
)
from tests.adversarial.attacks.cheats import cheat


def right(name: str, program: str, *expected: object, inputs: tuple[tuple[object, ...], ...] | None = None) -> Attack:
    """It is right and must be called right. With no inputs given it is called once for each expected value."""
    given = inputs if inputs is not None else tuple((number,) for number in range(1, len(expected) + 1))
    return Attack(name, text(program), (CORRECT,), inputs=given, expected=expected)


DIGITS = 10**20_000 + 7

VALUES = rows(
    "values",
    right("long_number", "def f(x):\n    return 10**20_000 + 7", DIGITS),
    right("long_number_in", "def f(x):\n    return x + 1", DIGITS + 1, inputs=((DIGITS,),)),
    right("negative_long_number", "def f(x):\n    return -(2**9_999)", -(2**9_999)),
    right("nan", "def f(x):\n    return float('nan')", math.nan),
    right("nan_in_a_tuple", "def f(x):\n    return (float('nan'), [float('inf')])", (math.nan, [math.inf])),
    right("two_nans_in_a_set", "def f(x):\n    return {float('nan'), float('nan')}", {float("nan"), float("nan")}),
    right("negative_infinity", "def f(x):\n    return -1e400", -math.inf),
    right("smallest_float", "def f(x):\n    return 5e-324", 5e-324),
    right("sum_of_floats", "def f(x):\n    return 0.1 + 0.2", 0.1 + 0.2),
    right("complex", "def f(x):\n    return complex(1, -2)", complex(1, -2)),
    right("bytes", "def f(x):\n    return bytes(range(256))", bytes(range(256))),
    right("surrogate", "def f(x):\n    return '\\ud800'", "\ud800"),
    right("nul_and_controls", "def f(x):\n    return 'a\\x00\\x1b\\u2028'", "a\x00\x1b\u2028"),
    right("emoji", "def f(x):\n    return '\U0001f600' * x", "\U0001f600", "\U0001f600" * 2),
    right("keys_of_many_types", "def f(x):\n    return {1: 'a', '1': 'b', (1,): 'c', None: 'd', 1.5: 'e', b'1': 'f'}", {1: "a", "1": "b", (1,): "c", None: "d", 1.5: "e", b"1": "f"}),
    right("sets", "def f(x):\n    return [{1, 'a', (2,)}, frozenset({frozenset()})]", [{1, "a", (2,)}, frozenset({frozenset()})]),
    right("nested", "def f(x):\n    a = []\n    for _ in range(30): a = [a]\n    return a", __import__("functools").reduce(lambda inner, _: [inner], range(30), [])),
    right("shared_parts", "def f(x):\n    a = [x]\n    return [a, a, (a, a)]", [[1], [1], ([1], [1])]),
    right("names_of_the_codec", "def f(x):\n    return {'$tuple': [1], '$float': 'nan', '': None}", {"$tuple": [1], "$float": "nan", "": None}),
    right("empty_things", "def f(x):\n    return ['', b'', (), [], {}, set(), frozenset(), 0, 0.0, False, None]", ["", b"", (), [], {}, set(), frozenset(), 0, 0.0, False, None]),
    right("many_small_results", "def f(x):\n    return list(range(x))", *[list(range(number)) for number in range(1, 200)]),
    right("all_types_in", "def f(*a):\n    return [type(one).__name__ for one in a]", ["NoneType", "bool", "int", "float", "complex", "str", "bytes", "list", "tuple", "dict", "set", "frozenset"], inputs=((None, True, 1, 1.5, 1j, "a", b"a", [1], (1,), {1: 2}, {1}, frozenset({1})),)),
    right("input_is_fresh", "def f(a):\n    a.append(1)\n    return len(a)", 1, 1, 1, inputs=(([],), ([],), ([],))),
    *(cheat(name, f"{head}\ndef f(x):\n    return {value}", UNSUPPORTED) for name, head, value in (
        ("generator_object", "", "(y for y in [x])"),
        ("range", "", "range(x)"),
        ("map", "", "map(str, [x])"),
        ("keys", "", "{1: 2}.keys()"),
        ("module", "import math", "math"),
        ("function", "", "f"),
        ("ellipsis", "", "..."),
        ("not_implemented", "", "NotImplemented"),
        ("bytearray", "", "bytearray(b'a')"),
        ("memoryview", "", "memoryview(b'a')"),
        ("decimal", "from decimal import Decimal", "Decimal(2 * x + 1)"),
        ("fraction", "from fractions import Fraction", "Fraction(2 * x + 1)"),
        ("namedtuple", "from collections import namedtuple\nP = namedtuple('P', 'a')", "P(2 * x + 1)"),
        ("ordered_dict", "from collections import OrderedDict", "OrderedDict(a=1)"),
        ("counter", "from collections import Counter", "Counter('a')"),
        ("int_enum", "from enum import IntEnum\nclass E(IntEnum):\n    A = 3", "E.A"),
        ("frame", "import sys", "sys._getframe()"),
        ("nested_unsupported", "", "[[{1: (lambda: 0)}]]"),
    )),
    cheat("negated_zero_is_not_text", "def f(x):\n    return '0.0'", WRONG, expected=(0.0, 0.0, 0.0)),
)  # fmt: skip

DETERMINISM = rows(
    "determinism",
    *(Attack(name, text(program), (NONDETERMINISTIC,), twice=True) for name, program in (
        ("random", "import random\ndef f(x):\n    return random.random()"),
        ("system_random", "import os\ndef f(x):\n    return os.urandom(8)"),
        ("uuid", "import uuid\ndef f(x):\n    return str(uuid.uuid4())"),
        ("time", "import time\ndef f(x):\n    return time.time_ns()"),
        ("clock", "import time\ndef f(x):\n    return time.perf_counter_ns()"),
        ("set_order", "def f(x):\n    return list({str(n) for n in range(100)})"),
        ("hash", "def f(x):\n    return hash('a text')"),
        ("id", "def f(x):\n    return id(object())"),
        ("repr_with_an_address", "def f(x):\n    return repr(object())"),
        ("right_in_one_of_two", "def f(x):\n    return 2 * x + 1 + hash('a text')"),
    )),
    Attack("fails_differently", "def f(x):\n    raise ValueError(str(hash('a')))\n", (ERROR, NONDETERMINISTIC), twice=True),
    Attack("honest_twice", "import random\nrandom.seed(3)\ndef f(x):\n    return 2 * x + 1\n", (CORRECT,), twice=True),
    Attack("set_twice", "def f(x):\n    return {str(n) for n in range(50)}\n", (CORRECT,), expected=({str(n) for n in range(50)},) * 3, twice=True),
    Attack("dict_of_another_order", "def f(x):\n    return dict.fromkeys({str(n) for n in range(50)})\n", (CORRECT, NONDETERMINISTIC), expected=(dict.fromkeys(str(n) for n in range(50)),) * 3, twice=True),
    Attack("time_bomb", text("""
        # Right in whichever run has an even hash, wrong in the other, if it can tell them apart.
        import os
        def f(x):
            return 2 * x + 1 if (hash("bomb") ^ os.getpid()) % 2 else 2 * x
    """), (CORRECT, WRONG, NONDETERMINISTIC), twice=True),
)  # fmt: skip


def script(name: str, program: str, printed: str, *allowed: str, stdin: str = "") -> Attack:
    """A program without a function."""
    return Attack(name, text(program), allowed or (CORRECT,), entry=None, inputs=(), expected=(printed,), stdin=stdin)


SCRIPTS = rows(
    "scripts",
    script("prints", "print('hello', 2 * 3 + 1)", "hello 7\n"),
    script("reads", "print(sum(map(int, input().split())))\nprint(len(__import__('sys').stdin.read()))", "6\n3\n", stdin="1 2 3\nabc"),
    script("reads_the_descriptor", "import os\nprint(os.read(0, 2), len(open(0).read()))", "b'1 ' 7\n", stdin="1 2 3\nabc"),
    script("reads_much", "import sys\nprint(len(sys.stdin.read()))", "500000\n", stdin="a" * 500_000),
    script("does_not_read", "print(1)", "1\n", stdin="a" * 500_000),
    script("reads_past_the_end", "try: input()\nexcept EOFError: print('end')", "end\n"),
    script("unicode", "print('\u00e9\U0001f600')", "\u00e9\U0001f600\n"),
    script("writes_to_the_descriptor", "import os\nos.write(1, b'ab\\n')", "ab\n"),
    script("no_newline", "print(3, end='')", "3"),
    script("exits_zero", "import sys\nprint(3)\nsys.exit(0)", "3\n"),
    script("exits_with_failure", "import sys\nprint(3)\nsys.exit(1)", "3\n", ERROR),
    script("leaves_early", "import os\nprint(3, flush=True)\nos._exit(0)", "3\n", NO_RESULT, CORRECT),
    script("raises_after_printing", "print(3)\n1 / 0", "3\n", ERROR),
    script("prints_bytes_that_are_no_text", "import os\nos.write(1, b'\\xff\\xfe\\x00')", "3\n", WRONG, ERROR),
    script("prints_surrogates", "print('\\ud800')", "3\n", ERROR, WRONG),
    script("prints_too_much", "print('3' * 1_000_000)", "3\n", OUTPUT_LIMIT),
    script("hostile_globals", "class E:\n    def __eq__(self, o): raise SystemExit\n    __repr__ = __hash__ = __getattr__ = __eq__\na = E()\nb = {1: E()}\nc = [0] * 10**6\nd = []\nd.append(d)\nprint(3)", "3\n"),
    script("hostile_names", "globals()[3] = 4\nglobals()['\\ud800'] = 5\nglobals()['a b'] = 6\nprint(3)", "3\n"),
    script("huge_globals", "a = 1 << 30_000_000\nb = 'x' * 20_000_000\nprint(3)", "3\n"),
    script("many_globals", "for n in range(50_000): globals()[f'name_{n}'] = n\nprint(3)", "3\n", CORRECT, OUTPUT_LIMIT),
)  # fmt: skip

CONTROLS = rows(
    "control",
    right("contract", "def f(x):\n    return 2 * x + 1", 3, 5, 7),
    right("loop", "def f(x):\n    total = 1\n    for _ in range(100_000): total += 1\n    return total - 100_000 + 2 * x", 3, 5, 7),
    right("texts", "def f(s):\n    return s[::-1].title()", "Cba", "", inputs=(("abc",), ("",))),
    right("recursion", "def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)", 800, inputs=((800,),)),
    right("standard_library", "import collections, dataclasses, datetime, functools, heapq, itertools, json, math, re, string, typing\n@dataclasses.dataclass\nclass P:\n    a: int\ndef f(x):\n    return [math.comb(5, 2), json.loads('[1]'), re.sub('a', 'b', 'aa'), P(x).a, list(itertools.accumulate([1, 2]))]", [10, [1], "bb", 1, [1, 3]]),
    right("classes", "class Stack:\n    def __init__(self): self.items = []\n    def push(self, x): self.items.append(x); return self\ndef f(x):\n    return Stack().push(x).push(2).items", [1, 2]),
    right("exceptions", "def f(x):\n    try: 1 / 0\n    except ZeroDivisionError as e: return str(e)\n    finally: pass", "division by zero"),
    right("keyword_defaults", "def f(x, *, y=2, **z):\n    return x * y + 1", 3, 5, 7),
    right("global_state", "memo = {}\ndef f(n):\n    if n < 2: return n\n    if n not in memo: memo[n] = f(n - 1) + f(n - 2)\n    return memo[n]", 354224848179261915075, inputs=((100,),)),
    right("fifty_megabytes", "def f(x):\n    return len(bytearray(50 << 20)) // (50 << 20) + 2 * x", 3, 5, 7),
    right("prints_a_little", "def f(x):\n    print('working on', x)\n    return 2 * x + 1", 3, 5, 7),
    right("sorting", "def f(a):\n    return sorted(a, key=lambda p: (-p[1], p[0]))", [("b", 2), ("a", 1)], inputs=(([("a", 1), ("b", 2)],),)),
    right("numbers", "from decimal import Decimal\nfrom fractions import Fraction\ndef f(x):\n    return str(Decimal(1) / 3)[:6], str(Fraction(x, 3)), round(x / 3, 3)", ("0.3333", "1/3", 0.333)),
    right("seeded", "import random\ndef f(x):\n    return random.Random(5).randint(1, 6)", __import__("random").Random(5).randint(1, 6)),
    right("many_inputs", "def f(x):\n    return 2 * x + 1", *[2 * number + 1 for number in range(1, 1_001)]),
)  # fmt: skip

ATTACKS = {**VALUES, **DETERMINISM, **SCRIPTS, **CONTROLS}
