"""Programs that want to be called right without being right, or that break the judge around a right function."""

# ruff: noqa: E501  (a program text is one line where it can be)

from __future__ import annotations

from tests.adversarial.attack import (
    BAD_FRAME,
    CORRECT,
    CRASH,
    ERROR,
    MEMORY,
    NO_RESULT,
    NOT_FOOLED,
    OUTPUT_LIMIT,
    OWN_TROUBLE,
    TIMEOUT,
    UNSUPPORTED,
    WRONG,
    Attack,
    honest_around,
    rows,
    text,
)


def cheat(name: str, program: str, *allowed: str, **rest: object) -> Attack:
    """It must not be correct."""
    return Attack(name, text(program), allowed or NOT_FOOLED, **rest)  # type: ignore[arg-type]


def trouble(name: str, body: str, *allowed: str) -> Attack:
    """It computes the right values, and breaks what it can reach when it is loaded."""
    return Attack(name, honest_around(body), allowed or OWN_TROUBLE)


ALWAYS_EQUAL = (
    "__eq__ = lambda self, other: True\n    __ne__ = lambda self, other: False\n    __hash__ = lambda self: 0"
)

EQUALITY = rows(
    "equality",
    cheat("object", f"class E:\n    {ALWAYS_EQUAL}\ndef f(x):\n    return E()", UNSUPPORTED),
    cheat("int_subclass", f"class E(int):\n    {ALWAYS_EQUAL}\ndef f(x):\n    return E(0)", UNSUPPORTED),
    cheat("right_int_subclass", "class E(int): pass\ndef f(x):\n    return E(2 * x + 1)", UNSUPPORTED),
    cheat("str_subclass", f"class E(str):\n    {ALWAYS_EQUAL}\ndef f(x):\n    return E('3')", UNSUPPORTED),
    cheat("list_subclass", f"class E(list):\n    {ALWAYS_EQUAL}\ndef f(x):\n    return [E([3])]", UNSUPPORTED),
    cheat("class_itself", "class M(type):\n    __eq__ = lambda *a: True\n    __hash__ = lambda s: 0\nclass E(metaclass=M): pass\ndef f(x):\n    return E", UNSUPPORTED),
    cheat("type_by_name", "def f(x):\n    return type('E', (), {'__eq__': lambda s, o: True})()", UNSUPPORTED),
    cheat("pretends_to_be_int", "class E:\n    __class__ = int\n    __int__ = __index__ = lambda s: 3\n    __eq__ = lambda s, o: True\ndef f(x):\n    return E()", UNSUPPORTED),
    cheat("class_changed_later", "class E(list): pass\ndef f(x):\n    one = E()\n    return [one, one]", UNSUPPORTED),
    cheat("hostile_key", "class E(str):\n    __hash__ = lambda s: hash('a')\n    __eq__ = lambda s, o: True\ndef f(x):\n    return {E(): 3}", UNSUPPORTED),
    cheat("hostile_member", "class E(int):\n    __hash__ = lambda s: 3\n    __eq__ = lambda s, o: True\ndef f(x):\n    return {E()}", UNSUPPORTED),
    cheat("nan_for_a_number", "def f(x):\n    return float('nan')", WRONG),
    cheat("true_for_one", "def f(x):\n    return True", WRONG, expected=(1, 1, 1)),
    cheat("one_for_true", "def f(x):\n    return 1", WRONG, expected=(True, True, True)),
    cheat("float_for_int", "def f(x):\n    return 2.0 * x + 1", WRONG),
    cheat("text_for_int", "def f(x):\n    return str(2 * x + 1)", WRONG),
    cheat("tuple_for_list", "def f(x):\n    return (x,)", WRONG, expected=([1], [2], [3])),
    cheat("list_for_tuple", "def f(x):\n    return [x]", WRONG, expected=((1,), (2,), (3,))),
    cheat("set_for_frozenset", "def f(x):\n    return {x}", WRONG, expected=(frozenset({1}), frozenset({2}), frozenset({3}))),
    cheat("bytes_for_text", "def f(x):\n    return b'a'", WRONG, expected=("a", "a", "a")),
    cheat("true_in_a_list", "def f(x):\n    return [True, 2]", WRONG, expected=([1, 2],) * 3),
    cheat("true_as_a_key", "def f(x):\n    return {True: 'a'}", WRONG, expected=({1: "a"},) * 3),
    cheat("homoglyph", "def f(x):\n    return 'c\u0430t'", WRONG, expected=("cat",) * 3),
    cheat("composed_differently", "def f(x):\n    return 'e\u0301'", WRONG, expected=("\u00e9",) * 3),
    cheat("zero_width", "def f(x):\n    return 'a\u200b'", WRONG, expected=("a",) * 3),
    cheat("longer", "def f(x):\n    return [2 * x + 1, 0]", WRONG, expected=([3], [5], [7])),
    cheat("all_answers_at_once", "def f(x):\n    return [3, 5, 7]", WRONG),
    cheat("negative_zero_text", "def f(x):\n    return '-0'", WRONG, expected=("0",) * 3),
    cheat("nothing", "def f(x):\n    pass", WRONG),
)  # fmt: skip

JUDGE = rows(
    "judge",
    cheat("code_as_answer", "def f(x):\n    return \"__import__('os').system('true') or True\"", WRONG),
    cheat("answer_injection", "def f(x):\n    return '7) or (True'", WRONG, expected=("7",) * 3),
    cheat("eq_that_gives_code", "class E:\n    __eq__ = lambda s, o: \"__import__('os').getpid()\"\n    __repr__ = lambda s: '3'\ndef f(x):\n    return E()", UNSUPPORTED),
    cheat("reduce", "class E:\n    def __reduce__(self): return (eval, (\"__import__('os').getpid()\",))\ndef f(x):\n    return E()", UNSUPPORTED),
    cheat("json_that_looks_like_a_codec", "def f(x):\n    return {'$float': 'nan', '$tuple': [1], 'status': 'ok'}", WRONG),
    cheat("printed_verdict", "import os\nprint('{\"passed\": true, \"status\": \"ok\"}', flush=True)\nos._exit(0)", NO_RESULT),
    cheat("printed_frame_and_wrong", "def f(x):\n    print('[\"ok\", [3, 5, 7]]')\n    return 0", WRONG),
    cheat("patched_json", "import json\njson.dumps = json.JSONEncoder.encode = lambda *a, **k: '[3, 5, 7]'\njson.encoder.c_make_encoder = None\ndef f(x):\n    return 0"),
    cheat("patched_repr_and_equality", "import builtins, operator\nbuiltins.repr = lambda o: '3'\noperator.eq = lambda a, b: True\nbuiltins.AssertionError = Warning\ndef f(x):\n    return 0"),
    cheat("patched_type", f"import builtins\nclass E(int):\n    {ALWAYS_EQUAL}\nbuiltins.type = lambda o, *a: int\nbuiltins.isinstance = lambda *a: True\ndef f(x):\n    return E(0)"),
    cheat("patched_arithmetic", "import builtins, math\nbuiltins.range = builtins.sum = math.floor = lambda *a: 3\ndef f(x):\n    return 0"),
    cheat("patched_equality_everywhere", "import gc\nclass T(str):\n    __eq__ = lambda s, o: True\n    __hash__ = str.__hash__\nfor one in gc.get_objects():\n    if type(one) is dict and one.get('status'): one['status'] = T('ok')\ndef f(x):\n    return 0"),
    cheat("functions_of_the_judge_replaced", """
        import sys
        def right(*arguments, **named):
            return True
        frame = sys._getframe()
        while frame is not None:
            scope = frame.f_globals
            for name in list(scope):
                if any(word in name.lower() for word in ("equal", "compare", "check", "judge", "verify", "grade")):
                    scope[name] = right
            frame = frame.f_back
        def f(x):
            return 0
    """),
    cheat("code_of_the_judge_replaced", """
        import gc, types
        def anything(*arguments, **named):
            return 3
        for one in gc.get_objects():
            if isinstance(one, types.FunctionType) and one.__module__ not in ("f", __name__) and not one.__closure__:
                try: one.__code__ = anything.__code__
                except (ValueError, TypeError, AttributeError): pass
        def f(x):
            return 0
    """, *NOT_FOOLED, CRASH, TIMEOUT),
    cheat("locals_of_the_judge_changed", """
        import sys
        def trace(frame, event, argument):
            for name in frame.f_locals:
                if isinstance(frame.f_locals[name], bool): frame.f_locals[name] = True
            return trace
        sys.settrace(trace)
        frame = sys._getframe()
        while frame is not None:
            frame.f_trace = trace
            frame = frame.f_back
        def f(x):
            return 0
    """),
    cheat("expected_from_frames", """
        import sys
        def f(x):
            frame = sys._getframe(1)
            while frame is not None:
                for name in ("expected", "gold", "reference", "output", "answer"):
                    if name in frame.f_locals: return frame.f_locals[name]
                frame = frame.f_back
            return 0
    """, WRONG),
    cheat("expected_from_objects", """
        import gc
        def f(x):
            for one in gc.get_objects():
                if type(one) in (list, tuple) and list(one)[:3] == [3, 5] + [6 + 1] and len(one) == 3: return one[x - 1]
            return 0
    """, WRONG),
    cheat("answers_by_number_of_calls", "calls = []\ndef f(x):\n    calls.append(x)\n    return 3 if len(calls) == 1 else 0", WRONG),
    cheat("right_until_the_last", "left = [3, 5]\ndef f(x):\n    return left.pop(0) if left else None", WRONG),
    cheat("input_changed", "def f(x):\n    x.append(0)\n    return x", WRONG, inputs=(([1],), ([2],)), expected=([1], [2])),
    cheat("generator", "def f(x):\n    while True: yield 2 * x + 1", UNSUPPORTED),
    cheat("coroutine", "async def f(x):\n    return 2 * x + 1", UNSUPPORTED, ERROR),
    cheat("endless_repr", "class E:\n    def __repr__(self):\n        while True: pass\n    __str__ = __len__ = __iter__ = __hash__ = __repr__\ndef f(x):\n    return E()", UNSUPPORTED),
    cheat("exit_zero", "import os\ndef f(x):\n    os._exit(0)", NO_RESULT),
    cheat("exit_zero_at_load", "import os\nos._exit(0)", NO_RESULT),
    cheat("sys_exit", "import sys\ndef f(x):\n    sys.exit(0)", ERROR),
    cheat("sys_exit_at_load", "import sys\nsys.exit(0)", ERROR, NO_RESULT),
    cheat("killed_itself", "import os\ntry: os.kill(os.getpid(), 9)\nexcept OSError: pass\ndef f(x):\n    return 0", CRASH, WRONG),
    cheat("aborted", "import os\ndef f(x):\n    os.abort()", CRASH),
    cheat("segmentation_fault", "import ctypes\ndef f(x):\n    return ctypes.string_at(8)", CRASH, ERROR),
    # It sends itself the signal, which may be refused: then it goes on and gives None.
    cheat("faulthandler", "import faulthandler\ndef f(x):\n    faulthandler._sigsegv()", CRASH, WRONG),
    # Exit statuses mean something between child and zygote; a program may end with any of them.
    *(
        cheat(f"exit_with_{status}", f"import os\ndef f(x):\n    os._exit({status})", NO_RESULT, ERROR, MEMORY)
        for status in (1, 2, 64, 66, 70, 71, 72, 99, 126, 127, 128, 137, 255)
    ),
)  # fmt: skip

FRAMES = rows(
    "frames",
    cheat("garbage", "import os\nos.write(3, b'garbage' * 100)\nos._exit(0)", BAD_FRAME),
    cheat("garbage_on_every_descriptor", "import os\nfor n in range(64):\n    try: os.write(n, b'{\"status\": \"ok\", \"calls\": [3, 5, 7]}')\n    except OSError: pass\ndef f(x):\n    return 0", BAD_FRAME, WRONG, NO_RESULT, OUTPUT_LIMIT),
    cheat("huge_length", "import os\nos.write(3, b'\\xff' * 64)\nos._exit(0)", BAD_FRAME, OUTPUT_LIMIT),
    cheat("zeros", "import os\nos.write(3, bytes(64))\nos._exit(0)", BAD_FRAME),
    cheat("nested_json", "import os\nos.write(3, b'[' * 60_000)\nos._exit(0)", BAD_FRAME),
    cheat("flood", "import os\nwhile True: os.write(3, bytes(60_000))", BAD_FRAME, OUTPUT_LIMIT, TIMEOUT),
    cheat("big_numbers", "import os\nos.write(3, b'1' * 60_000)\nos._exit(0)", BAD_FRAME),
    cheat("constants_of_json", "import os\nos.write(3, b'[NaN, Infinity, -Infinity]')\nos._exit(0)", BAD_FRAME),
    cheat("garbage_before_the_report", "import os\nos.write(3, b'[3]')\ndef f(x):\n    return 2 * x + 1", BAD_FRAME),
    cheat("garbage_after_the_report", """
        # Runs when the report has been written, if the interpreter still runs anything then.
        import atexit, os, sys
        real = os._exit
        def leave(*a):
            os.write(3, b'[3, 5, 7]')
            real(0)
        os._exit = leave
        try: __import__("posix")._exit = leave
        except ImportError: pass
        atexit.register(leave)
        def f(x):
            return 0
    """),
    cheat("report_twice", """
        import os, posix
        real = os.write
        def twice(descriptor, data):
            real(descriptor, data)
            return real(descriptor, data)
        os.write = posix.write = twice
        def f(x):
            return 0
    """),
    cheat("report_then_crash", """
        import os, posix
        real = os.write
        def once(descriptor, data):
            real(descriptor, data)
            if descriptor == 3: os.abort()
        os.write = posix.write = once
        def f(x):
            return 0
    """, *NOT_FOOLED, CRASH),
    cheat("report_of_another_length", """
        import os, posix
        real = os.write
        os.write = posix.write = lambda descriptor, data: real(descriptor, data[:-1]) + 1
        def f(x):
            return 0
    """),
    trouble("closed", "import os\nos.close(3)", NO_RESULT, BAD_FRAME, ERROR, CRASH),
    trouble("closed_and_opened", "import os\nos.close(3)\nos.open('/dev/null', os.O_RDONLY)", NO_RESULT, BAD_FRAME, ERROR, CRASH),
    trouble("stdout_on_the_result", "import os\nos.dup2(3, 1)\nprint('hello', flush=True)", BAD_FRAME, CORRECT),
    trouble("result_on_stdout", "import os\nos.dup2(1, 3)", NO_RESULT, BAD_FRAME, CRASH),
    trouble("nonblocking", "import os\nos.set_blocking(3, False)"),
    trouble("tiny_pipe", "import fcntl\ntry: fcntl.fcntl(3, 1031, 4096)\nexcept OSError: pass"),
    trouble("all_closed", "import os\nos.closerange(0, 1024)", NO_RESULT, BAD_FRAME, ERROR, CRASH),
)  # fmt: skip

FORGERY = """
# The token that makes a report a report is in this memory: a program can forge its own, and lie about its own values.
import os, struct, sys
token, frame = bytes(8), sys._getframe()
while frame is not None:
    token = frame.f_locals.get("token", token)
    frame = frame.f_back

def report(body, after=b""):
    data = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    data = token + struct.pack("<I", len(data)) + data + after
    while data: data = data[os.write(3, data):]

def forge(body, after=b""):
    report(body, after)
    os._exit(0)
"""


def forged(name: str, body: str, *allowed: str, **rest: object) -> Attack:
    """A report of its own making; anything but a wrong value must be seen."""
    return Attack(name, FORGERY + text(body), allowed or (BAD_FRAME,), **rest)  # type: ignore[arg-type]


FORGED = rows(
    "forged",
    forged("wrong_values", "forge('[\"ok\",\"\",[0,0,0],[]]')", WRONG, BAD_FRAME),
    *(
        forged(f"status_{word}", f"forge('[\"{word}\",\"\",[3,5,7],[]]')")
        for word in ("infra_error", "timeout", "crash", "no_result", "nondeterministic", "correct", "")
    ),
    forged("status_of_a_call", "forge('[\"ok\",\"\",[3,5,7],[[0,\"infra_error\",\"\"]]]')"),
    forged("failure_of_no_call", "forge('[\"ok\",\"\",[3,5,7],[[3,\"error\",\"\"]]]')"),
    forged("negative_call", "forge('[\"ok\",\"\",[3,5,7],[[-1,\"error\",\"\"]]]')"),
    forged("true_as_a_number", "forge('[\"ok\",\"\",[3,5,7],[[true,\"error\",\"\"]]]')"),
    forged("too_few", "forge('[\"ok\",\"\",[3,5],[]]')"),
    forged("too_many", "forge('[\"ok\",\"\",[3,5,7,9],[]]')"),
    forged("no_list", "forge('{\"tuple\": [\"ok\",\"\",[3,5,7],[]]}')"),
    forged("status_as_a_list", "forge('[[\"ok\"],\"\",[3,5,7],[]]')"),
    forged("values_as_a_tuple", "forge('[\"ok\",\"\",{\"tuple\":[3,5,7]},[]]')"),
    forged("detail_as_a_number", "forge('[\"ok\",5,[3,5,7],[]]')"),
    forged("then_garbage", "forge('[\"ok\",\"\",[3,5,7],[]]', b'x')"),
    forged("twice", "report('[\"ok\",\"\",[3,5,7],[]]')\nforge('[\"ok\",\"\",[3,5,7],[]]')"),
    forged("then_aborts", "report('[\"ok\",\"\",[3,5,7],[]]')\nos.abort()", CRASH),
    forged("then_fails", "report('[\"ok\",\"\",[3,5,7],[]]')\nos._exit(1)", NO_RESULT, BAD_FRAME),
    forged("then_exits_as_we_do", "report('[\"ok\",\"\",[3,5,7],[]]')\nos._exit(71)", NO_RESULT, BAD_FRAME),
    forged("then_stays", "report('[\"ok\",\"\",[3,5,7],[]]')\nwhile True: pass", TIMEOUT, fast=False),
    forged("then_reports_truly", "report('[\"ok\",\"\",[3,5,7],[]]')\ndef f(x):\n    return 0"),
    forged("no_text", "forge(b'\\xff\\xfe[3]')"),
    forged("huge_detail", "forge('[\"error\",\"' + 'x' * 900_000 + '\",[],[]]')", ERROR, BAD_FRAME),
    forged("unknown_tag", "forge('[\"ok\",\"\",[{\"object\":[]},5,7],[]]')"),
    forged("unhashable_key", "forge('[\"ok\",\"\",[{\"dict\":[[[],1]]},5,7],[]]')"),
    forged("equal_keys", "forge('[\"ok\",\"\",[{\"dict\":[[1,1],[true,2]]},5,7],[]]')"),
    forged("deep", "forge('[\"ok\",\"\",[' + '[' * 5_000 + ']' * 5_000 + ',5,7],[]]')"),
    forged("very_deep", "forge('[' * 500_000)"),
    forged("long_number", "forge('[\"ok\",\"\",[' + '1' * 900_000 + ',5,7],[]]')", BAD_FRAME, WRONG),
    forged("long_hexadecimal", "forge('[\"ok\",\"\",[{\"int\":\"' + 'f' * 900_000 + '\"},5,7],[]]')", WRONG, BAD_FRAME),
    forged("colliding_set", "M = 2**61 - 1\nforge('[\"ok\",\"\",[{\"set\":[' + ','.join(str(n * M) for n in range(40_000)) + ']},5,7],[]]')", BAD_FRAME, WRONG),
    forged("many_colliding_sets", "M = 2**61 - 1\none = '{\"set\":[' + ','.join(str(n * M) for n in range(499)) + ']}'\nforge('[\"ok\",\"\",[[' + ','.join([one] * 90) + '],5,7],[]]')", BAD_FRAME, WRONG),
    forged("colliding_tuples", "M = 2**61 - 1\none = ','.join('{\"tuple\":[%d]}' % (n * M) for n in range(499))\nforge('[\"ok\",\"\",[[' + ','.join(['{\"set\":[' + one + ']}'] * 40) + '],5,7],[]]')", BAD_FRAME, WRONG),
    forged("surrogates_in_two_halves", "forge('[\"ok\",\"\",[\"\\\\ud83d\\\\ude00\",5,7],[]]')", WRONG, BAD_FRAME),
    forged("list_as_a_variable", "forge('[\"ok\",\"\",[[\"a\",[1]]],[]]')", BAD_FRAME, entry=None, inputs=(), expected=("",)),
    forged("many_variables", "forge('[\"ok\",\"\",[' + ','.join(['[\"a\",1]'] * 300) + '],[]]')", BAD_FRAME, WRONG, entry=None, inputs=(), expected=("x",)),
)  # fmt: skip

ATTACKS = {**EQUALITY, **JUDGE, **FRAMES, **FORGED}
