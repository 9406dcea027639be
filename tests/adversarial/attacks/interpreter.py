"""Programs that break their own interpreter around a right function, and texts that are hard to read as programs."""

# ruff: noqa: E501  (a program text is one line where it can be)

from __future__ import annotations

from tests.adversarial.attack import (
    BAD_FRAME,
    CORRECT,
    CRASH,
    ERROR,
    MEMORY,
    NO_RESULT,
    TIMEOUT,
    UNSUPPORTED,
    WRONG,
    Attack,
    honest_around,
    rows,
    text,
)
from tests.adversarial.attacks.cheats import cheat, trouble

HONEST = "def f(x):\n    return 2 * x + 1\n"

BROKEN = rows(
    "interpreter",
    trouble("builtins_deleted", "import builtins\nfor name in list(vars(builtins)):\n    if name not in ('vars', 'list'): delattr(builtins, name)"),
    trouble("builtins_cleared", "__builtins__.clear() if isinstance(__builtins__, dict) else __builtins__.__dict__.clear()"),
    trouble("builtins_replaced", "import builtins\nfor name in ('len', 'type', 'isinstance', 'str', 'int', 'list', 'dict', 'repr', 'tuple', 'zip', 'map', 'min', 'max'):\n    setattr(builtins, name, None)"),
    trouble("modules_cleared", "import sys\nsys.modules.clear()"),
    trouble("modules_poisoned", "import sys\nclass Poison(dict):\n    def __getattr__(self, name): raise MemoryError(name)\nfor name in list(sys.modules): sys.modules[name] = Poison()"),
    trouble("modules_emptied", "import sys\nfor name, module in list(sys.modules.items()):\n    if name not in ('sys', 'builtins', __name__):\n        try: vars(module).clear()\n        except Exception: pass", *(CORRECT, ERROR, NO_RESULT, BAD_FRAME, UNSUPPORTED, CRASH)),
    trouble("os_replaced", "import os, sys\nfor name in dir(os):\n    if not name.startswith('__'): setattr(os, name, None)"),
    trouble("path_poisoned", "import sys\nsys.path[:] = ['/nowhere', 3, None]\nsys.meta_path.clear()\nsys.path_hooks.clear()"),
    trouble("imports_patched", "import builtins\ndef refuse(*a, **k): raise SystemExit(0)\nbuiltins.__import__ = refuse\nbuiltins.__build_class__ = refuse"),
    trouble("modules_reloaded", "import importlib, json, os, signal\nfor module in (os, json, json.encoder, signal):\n    importlib.reload(module)"),
    trouble("stdout_gone", "import sys\nsys.stdout = sys.stderr = sys.stdin = sys.__stdout__ = None"),
    trouble("stdout_closed", "import os, sys\nsys.stdout.close()\nos.close(1)"),
    trouble("stdout_hostile", "import sys\nclass Out:\n    def __getattr__(self, name): raise KeyboardInterrupt\nsys.stdout = sys.stderr = Out()"),
    trouble("exit_hooks", "import atexit, os, threading, weakref\nfor _ in range(3): atexit.register(lambda: os.write(3, b'[0]'))\nclass D:\n    def __del__(self):\n        while True: pass\nkept = D()\nkept.me = kept\nweakref.finalize(kept, print, 'late')"),
    trouble("excepthooks", "import sys, threading\ndef hook(*a):\n    while True: pass\nsys.excepthook = sys.unraisablehook = threading.excepthook = sys.displayhook = hook"),
    trouble("trace_that_raises", "import sys\ndef trace(*a): raise SystemExit(3)\nsys.setprofile(trace)\nsys.settrace(trace)", CORRECT, ERROR, NO_RESULT, CRASH),
    trouble("audit_that_raises", "import sys\ndef hook(*a): raise SystemExit(3)\nsys.addaudithook(hook)", CORRECT, ERROR, NO_RESULT, CRASH),
    trouble("collector_callbacks", "import gc\ndef hook(*a): raise SystemExit(3)\ngc.callbacks.append(hook)\ngc.enable()\ngc.set_threshold(1, 1, 1)"),
    trouble("thawed", "import gc\ngc.unfreeze()\ngc.enable()\ngc.collect()"),
    trouble("timer_that_raises", "import signal\ndef raise_it(*a): raise KeyboardInterrupt\nsignal.signal(signal.SIGALRM, raise_it)\nsignal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)", CORRECT, ERROR, NO_RESULT, BAD_FRAME, CRASH),
    trouble("little_recursion", "import sys\nsys.setrecursionlimit(12)"),
    trouble("settings", "import decimal, locale, sys\nsys.setswitchinterval(1e-9)\nsys.set_int_max_str_digits(640)\ndecimal.getcontext().prec = 1\nsys.dont_write_bytecode = False"),
    trouble("codecs_poisoned", "import codecs, encodings\nencodings._cache.clear()\ncodecs.register(lambda name: None)\ncodecs.register_error('strict', lambda error: ('', 0))"),
    trouble("globals_replaced", "import sys\nframe = sys._getframe().f_back\nwhile frame is not None:\n    for name in list(frame.f_globals):\n        if frame.f_globals is not globals() and name != '__builtins__': frame.f_globals[name] = None\n    frame = frame.f_back"),
    trouble("globals_cleared", "import sys\nframe = sys._getframe().f_back\nwhile frame is not None:\n    if frame.f_globals is not globals(): frame.f_globals.clear()\n    frame = frame.f_back"),
    trouble("small_numbers_changed", "import ctypes\nctypes.c_int.from_address(id(3) + 24).value = 4", CORRECT, WRONG, ERROR, NO_RESULT, BAD_FRAME, CRASH),
    trouble("reference_counts", "import ctypes, sys\nfor one in (None, True, 3, sys):\n    ctypes.c_ssize_t.from_address(id(one)).value = 1", *(CORRECT, ERROR, NO_RESULT, BAD_FRAME, CRASH, WRONG)),
    trouble("type_slots", "import ctypes\nctypes.memset(id(dict), 0, 64)", CRASH, ERROR, NO_RESULT),
    cheat("breakpoint", "def f(x):\n    breakpoint()\n    return 2 * x + 1", ERROR, CORRECT),
    cheat("input", "def f(x):\n    return input()", ERROR),
    trouble("reads_stdin", "import sys\nsys.stdin and sys.stdin.read()", CORRECT),
    trouble("many_imports", "for name in ('socket', 'subprocess', 'ctypes', 'multiprocessing', 'threading', 'asyncio', 'pty', 'pdb', 'code', 'antigravity_', 'tkinter', 'sqlite3', 'resource', 'mmap', 'fcntl', 'signal', 'faulthandler', 'tracemalloc', 'runpy', 'site', 'ensurepip'):\n    try: __import__(name)\n    except Exception: pass", CORRECT),
    trouble("tracemalloc", "import tracemalloc\ntracemalloc.start(25)", CORRECT),
)  # fmt: skip

FAILURES = rows(
    "failures",
    cheat("interrupt", "def f(x):\n    raise KeyboardInterrupt", ERROR),
    cheat("generator_exit", "def f(x):\n    raise GeneratorExit", ERROR),
    cheat("stop_iteration", "def f(x):\n    raise StopIteration(3)", ERROR),
    cheat("exit_with_an_object", "def f(x):\n    raise SystemExit(f)", ERROR),
    cheat("hostile_text", "class E(BaseException):\n    def __str__(self): raise E()\n    __repr__ = __str__\ndef f(x):\n    raise E()", ERROR),
    cheat("endless_text", "class E(Exception):\n    def __str__(self):\n        while True: pass\ndef f(x):\n    raise E()", ERROR, TIMEOUT, fast=False),
    cheat("text_that_is_no_text", "class E(Exception):\n    def __str__(self): return 3\ndef f(x):\n    raise E()", ERROR),
    cheat("hostile_name", "class M(type):\n    __name__ = property(lambda c: 1 / 0)\nclass E(Exception, metaclass=M): pass\ndef f(x):\n    raise E()", ERROR),
    cheat("unprintable_message", "def f(x):\n    raise ValueError('\\ud800\\x00\\n\\x1b[2J' * 10)", ERROR),
    cheat("group", "def f(x):\n    raise BaseExceptionGroup('g', [KeyboardInterrupt() for _ in range(10_000)])", ERROR),
    cheat("recursion", "def f(x):\n    return f(x)", ERROR),
    cheat("memory_error", "def f(x):\n    raise MemoryError", MEMORY, ERROR),
    cheat("exception_as_a_class_with_eq", "class E(Exception):\n    __eq__ = lambda *a: True\n    __hash__ = None\ndef f(x):\n    raise E", ERROR),
)  # fmt: skip

ENTRIES = rows(
    "entries",
    cheat("missing", "def g(x):\n    return 2 * x + 1", ERROR),
    cheat("no_function", "f = 3", ERROR),
    cheat("wrong_arity", "def f(x, y):\n    return 2 * x + 1", ERROR),
    cheat("no_arguments", "def f():\n    return 3", ERROR),
    cheat("of_a_module", "import math\ndef g(x): pass", ERROR, entry="math.floor"),
    cheat("builtin_name", "x = 1", ERROR, entry="print"),
    cheat("injected_name", "def f(x):\n    return 0", ERROR, entry="f or (lambda x: 2 * x + 1)"),
    cheat("class", "class f:\n    def __init__(self, x): self.x = 2 * x + 1", UNSUPPORTED),
    cheat("deleted", "def f(x):\n    return 0\ndel f", ERROR),
    Attack("lambda", "f = lambda x: 2 * x + 1\n", (CORRECT,)),
    Attack("partial", "import functools\ndef g(a, x):\n    return a * x + 1\nf = functools.partial(g, 2)\n", (CORRECT,)),
    Attack("object", "class F:\n    def __call__(self, x): return 2 * x + 1\nf = F()\n", (CORRECT,)),
    Attack("replaces_itself", "def f(x):\n    globals()['f'] = lambda x: 0\n    return 2 * x + 1\n", (CORRECT, WRONG)),
    cheat("hostile_globals", "class G:\n    def __call__(self, *a): raise SystemExit\n    def __eq__(self, o): raise SystemExit\n    def __getattr__(self, name): raise SystemExit\nf = G()", ERROR),
)  # fmt: skip

SOURCE = rows(
    "source",
    Attack("nul", HONEST + "#\x00\n", (ERROR,)),
    Attack("surrogate", HONEST + "# \ud800\n", (ERROR, CORRECT)),
    Attack("surrogate_in_text", "x = '\ud800'\n" + HONEST, (ERROR, CORRECT)),
    Attack("byte_order_mark", "\ufeff" + HONEST, (ERROR, CORRECT)),
    Attack("cookie_latin", "# -*- coding: latin-1 -*-\n" + HONEST, (CORRECT,)),
    Attack("cookie_utf7", "# -*- coding: utf-7 -*-\n" + HONEST + "# +AAoAZg-\n", (CORRECT, ERROR)),
    Attack("cookie_unknown", "# -*- coding: nothing-of-this-name -*-\n" + HONEST, (CORRECT, ERROR)),
    Attack("future", "from __future__ import annotations, division\n" + HONEST, (CORRECT,)),
    Attack("future_too_late", HONEST + "from __future__ import annotations\n", (ERROR,)),
    Attack("future_is_not_inherited", "def g(a: undefined_name): pass\n" + HONEST, (ERROR,)),
    Attack("line_ends", HONEST.replace("\n", "\r\n"), (CORRECT,)),
    Attack("form_feeds", "\x0c\n" + HONEST + "\x0c", (CORRECT,)),
    Attack("long_line", "y = '" + "a" * 300_000 + "'\n" + HONEST, (CORRECT, ERROR)),
    Attack("many_lines", "y = 1\n" * 100_000 + HONEST, (CORRECT, ERROR, TIMEOUT, MEMORY), fast=False),
    Attack("one_megabyte", "# " + "a" * (1 << 20) + "\n" + HONEST, (CORRECT, ERROR), fast=False),
    Attack("ten_megabytes", "# " + "a" * (10 << 20) + "\n" + HONEST, (CORRECT, ERROR), fast=False),
    Attack("ten_megabytes_of_code", "x = 1\n" * (10 * (1 << 20) // 6), (ERROR, TIMEOUT, MEMORY), fast=False),
    Attack("many_constants", "x = [" + "'a', " * 100_000 + "]\n" + HONEST, (CORRECT, ERROR, TIMEOUT), fast=False),
    Attack("many_arguments", "def g(" + ", ".join(f"a{n}" for n in range(5_000)) + "): pass\n" + HONEST, (CORRECT, ERROR)),
    Attack("bidirectional", HONEST + "# \u202e\u2066 return 0 \u2069\n", (CORRECT,)),
    Attack("fullwidth", "def \uff46(x):\n    return 2 * x + 1\n", (CORRECT,)),
    Attack("empty", "", (ERROR,)),
    Attack("only_a_comment", "#", (ERROR,)),
    Attack("no_python", "The answer is 2x + 1.\n\n```python\n", (ERROR,)),
    Attack("return_outside", "return 3\n", (ERROR,)),
    Attack("warnings", "x = '\\d'\nassert (x, 'always')\nif x is 'a': pass\n" + HONEST, (CORRECT,)),
    Attack("main_guard", "if __name__ == '__main__':\n    pass\n" + HONEST, (CORRECT,)),
    Attack("own_source", "import inspect\ndef f(x):\n    try: inspect.getsource(f)\n    except (OSError, TypeError): pass\n    return 2 * x + 1\n", (CORRECT,)),
    Attack("compiles_more", honest_around("exec(compile('def g(x): return 2 * x + 1', 'name', 'exec'))"), (CORRECT,)),
    Attack("nested_program", text("""
        program = "y = 1"
        for _ in range(12): program = "exec(" + repr(program) + ")"
        exec(program)
    """) + HONEST, (CORRECT, MEMORY, ERROR)),
)  # fmt: skip

ATTACKS = {**BROKEN, **FAILURES, **ENTRIES, **SOURCE}
