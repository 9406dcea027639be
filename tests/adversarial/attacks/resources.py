"""Programs that take too much: time, memory, output, descriptors, stack. Bounded, so that success does little harm."""

# ruff: noqa: E501  (a program text is one line where it can be)

from __future__ import annotations

from tests.adversarial.attack import (
    CORRECT,
    CRASH,
    ERROR,
    MEMORY,
    NO_RESULT,
    OUTPUT_LIMIT,
    TIMEOUT,
    UNSUPPORTED,
    Attack,
    honest_around,
    probe,
    rows,
    text,
)


def endless(name: str, program: str, *allowed: str) -> Attack:
    """It runs until it is stopped."""
    return Attack(name, text(program), allowed or (TIMEOUT,), fast=False)


TIME = rows(
    "time",
    endless("loop", "def f(x):\n    while True: pass"),
    endless("loop_at_load", "while True: pass"),
    endless("loop_in_c", "def f(x):\n    return sum(iter(int, 1))"),
    endless(
        "swallowed_exceptions",
        """
        def f(x):
            while True:
                try:
                    while True: pass
                except BaseException: pass
        """,
    ),
    endless("sleep", "import time\ndef f(x):\n    time.sleep(1000)"),
    endless("wait_on_an_event", "import select\ndef f(x):\n    select.select([], [], [])", TIMEOUT, ERROR),
    endless("backtracking", "import re\ndef f(x):\n    return re.match('(a+)+$', 'a' * 60 + 'b')"),
    endless("power_tower", "def f(x):\n    return 9 ** 9 ** 9", TIMEOUT, MEMORY),
    endless("power_tower_constant", "Y = (9 ** 9) ** (9 ** 8)\ndef f(x):\n    return 3", TIMEOUT, MEMORY),
    endless("colliding_hashes", "def f(x):\n    return len({i * (2**61 - 1): 0 for i in range(10**6)})"),
    endless(
        "quadratic_int",
        "import sys\nsys.set_int_max_str_digits(0)\ndef f(x):\n    return int('9' * 4_000_000) % 7",
    ),
    endless("quadratic_str", "import sys\nsys.set_int_max_str_digits(0)\ndef f(x):\n    return len(str(7 << 9_000_000))"),
    endless(
        "signals_ignored",
        """
        import signal
        for number in range(1, 65):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        def f(x):
            while True: pass
        """,
    ),
    endless(
        "cpu_limit_handled",
        """
        import signal
        signal.signal(signal.SIGXCPU, lambda *arguments: None)
        def f(x):
            while True: pass
        """,
    ),
    endless(
        "signals_blocked",
        """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        def f(x):
            while True: pass
        """,
        TIMEOUT,
        ERROR,
    ),
    endless(
        "stops_itself",
        """
        import os, signal
        try: os.kill(os.getpid(), signal.SIGSTOP)
        except OSError: pass
        def f(x):
            signal.raise_signal(signal.SIGSTOP)
            return 2 * x + 1
        """,
        CORRECT,  # the signal was refused
        TIMEOUT,
        ERROR,
    ),
    endless("slow_drip", "import os, time\ndef f(x):\n    while True:\n        os.write(1, b'.')\n        time.sleep(0.01)"),
    endless(
        "slow_drip_of_the_result",
        """
        import os, time
        def f(x):
            while True:
                try: os.write(3, b'[')
                except OSError: pass
                time.sleep(0.01)
        """,
    ),
    endless(
        "closes_its_pipes_and_stays",
        """
        import os
        def f(x):
            for number in range(64):
                try: os.close(number)
                except OSError: pass
            while True: pass
        """,
    ),
    endless("trace_without_end", "import sys\ndef trace(*a):\n    while True: pass\nsys.settrace(trace)\ndef f(x):\n    return 2 * x + 1"),
    endless("exponential_result", "def f(x):\n    a = [0]\n    for _ in range(40): a = [a, a]\n    return a", TIMEOUT, OUTPUT_LIMIT, MEMORY, UNSUPPORTED),
    endless("endless_len", "class A(list):\n    def __len__(self):\n        while True: pass\n    __iter__ = __repr__ = __len__\ndef f(x):\n    return A()", UNSUPPORTED),
    endless("import_lock_held", "import _imp\n_imp.acquire_lock()\ndef f(x):\n    import this\n    while True: pass", TIMEOUT),
)  # fmt: skip

BOMB = "blocks = []\nfor _ in range(128):\n    blocks.append({block})\ndef f(x):\n    return 2 * x + 1\n"
"""At most 2 GiB."""

MEMORY_ROWS = rows(
    "memory",
    Attack("blocks", BOMB.format(block="bytearray(1 << 24)"), (MEMORY,), fast=False),
    Attack("one_list", "def f(x):\n    return len([0] * 10**9)\n", (MEMORY,)),
    Attack("one_text", "def f(x):\n    return len('a' * (8 << 30))\n", (MEMORY,)),
    Attack("one_number", "def f(x):\n    return (1 << (1 << 36)) and 3\n", (MEMORY,)),
    Attack(
        "caught_and_tried_again",
        text(
            """
            def f(x):
                for _ in range(200):
                    try: bytearray(4 << 30)
                    except MemoryError: pass
                return 2 * x + 1
            """
        ),
        (CORRECT,),
    ),
    Attack(
        "full_to_the_last_byte",
        text(
            """
            blocks, size = [], 1 << 24
            while size > 16 and len(blocks) < 10**6:
                try: blocks.append(bytes(size))
                except MemoryError: size //= 2
            def f(x):
                return 2 * x + 1
            """
        ),
        (CORRECT, MEMORY, NO_RESULT, ERROR),
        fast=False,
    ),
    probe(
        "huge_mapping",
        """
        import mmap
        attempt("one TiB mapped", mmap.mmap, -1, 1 << 40)
        attempt("64 GiB mapped without reserve", lambda: mmap.mmap(-1, 1 << 36, flags=mmap.MAP_PRIVATE | 0x4000))
        """,
        allowed=(CORRECT,),
    ),
    probe(
        "raised_limits",
        """
        try:
            import resource
        except ImportError:
            resource = None
        if resource:
            for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE):
                attempt(f"limit {kind} raised", resource.setrlimit, kind, (-1, -1))
            attempt("limit of its parent", resource.prlimit, os.getppid(), resource.RLIMIT_NOFILE, (8, 8))
        try:
            block = bytearray(1 << 30)
            breach("a GiB allocated")
        except MemoryError:
            pass
        """,
    ),
    probe(
        "locked",
        """
        block = ctypes.create_string_buffer(32 << 20)
        if LIBRARY.mlock(block, ctypes.c_size_t(32 << 20)) == 0: breach("32 MiB locked")
        if LIBRARY.mlockall(3) == 0: breach("everything locked")
        """,
    ),
    probe(
        "anonymous_file",
        """
        def fill(descriptor):
            for _ in range(64): os.write(descriptor, bytes(1 << 20))
        descriptor = attempt("memfd", lambda: os.memfd_create("@NAME@"))
        if descriptor is not None: attempt("64 MiB in a memfd", fill, descriptor)
        """,
    ),
    Attack("recursion", "import sys\nsys.setrecursionlimit(10**9)\ndef f(x):\n    return f(x) + 1\n", (MEMORY, CRASH, ERROR, TIMEOUT), fast=False),
)  # fmt: skip

FLOOD = "def f(x):\n    for _ in range({times}):\n        {statement}\n    return 2 * x + 1\n"

OUTPUT = rows(
    "output",
    Attack("endless_stdout", "def f(x):\n    while True: print('x' * 1000)\n", (OUTPUT_LIMIT, TIMEOUT), fast=False),
    Attack("endless_stderr", "import sys\ndef f(x):\n    while True: sys.stderr.write('x' * 1000)\n", (OUTPUT_LIMIT, TIMEOUT), fast=False),
    Attack("much_stderr", "import sys\n" + FLOOD.format(times=10_000, statement="sys.stderr.write('x' * 100)"), (CORRECT, OUTPUT_LIMIT), fast=False),
    Attack("many_tiny_writes", "import os\n" + FLOOD.format(times=40_000, statement="os.write(1, b'.')"), (CORRECT, OUTPUT_LIMIT, TIMEOUT), fast=False),
    Attack("many_tiny_writes_of_a_script", "import os\nfor _ in range(100_000): os.write(1, b'.')\n", (OUTPUT_LIMIT,), entry=None, inputs=(), expected=("",), fast=False),
    Attack("flood_of_a_script", "while True: print('x' * 10_000)\n", (OUTPUT_LIMIT,), entry=None, inputs=(), expected=("",)),
    Attack("huge_result", "def f(x):\n    return 'x' * 300_000_000\n", (OUTPUT_LIMIT, MEMORY), fast=False),
    Attack("result_over_the_limit", "def f(x):\n    return 'x' * 2_000_000\n", (OUTPUT_LIMIT,)),
    Attack("million_elements", "def f(x):\n    return [0] * 1_000_000\n", (OUTPUT_LIMIT,), fast=False),
    Attack("millions_of_bits", "def f(x):\n    return 1 << 40_000_000\n", (OUTPUT_LIMIT, MEMORY)),
    Attack("result_over_the_limit_in_sum", "def f(x):\n    return 'x' * 600_000\n", (OUTPUT_LIMIT,)),
    Attack("huge_message", "def f(x):\n    raise ValueError('x' * 50_000_000)\n", (ERROR,)),
    Attack("huge_name", "def f(x):\n    raise type('E' * 10_000_000, (Exception,), {})()\n", (ERROR,)),
    Attack("long_chain_of_exceptions", text(
        """
        def f(x):
            error = None
            for _ in range(100_000):
                fresh = ValueError()
                fresh.__cause__ = error
                error = fresh
            raise error
        """
    ), (ERROR, CRASH)),
)  # fmt: skip

DEPTH = rows(
    "depth",
    Attack("deep_result", "def f(x):\n    a = []\n    for _ in range(100_000): a = [a]\n    return a\n", (UNSUPPORTED, ERROR, OUTPUT_LIMIT)),
    Attack("deep_result_of_tuples", "def f(x):\n    a = ()\n    for _ in range(3_000): a = (a,)\n    return a\n", (UNSUPPORTED, ERROR, OUTPUT_LIMIT)),
    Attack("deep_keys", "def f(x):\n    a = 0\n    for _ in range(300): a = {(a,): 0}.popitem()[0]\n    return {a: 0}\n", (UNSUPPORTED, ERROR)),
    Attack("cyclic_list", "def f(x):\n    a = []\n    a.append(a)\n    return a\n", (UNSUPPORTED, ERROR)),
    Attack("cyclic_dict", "def f(x):\n    a = {}\n    a[1] = [a]\n    return a\n", (UNSUPPORTED, ERROR)),
    Attack("parentheses", "X = " + "(" * 5_000 + ")" * 5_000 + "\ndef f(x):\n    return 2 * x + 1\n", (ERROR, MEMORY)),
    Attack("unary_chain", "X = " + "-" * 50_000 + "1\ndef f(x):\n    return 2 * x + 1\n", (ERROR, MEMORY, CRASH)),
    Attack("sum_of_many", "X = " + "1 + " * 50_000 + "1\ndef f(x):\n    return 2 * x + 1\n", (ERROR, MEMORY, CRASH, CORRECT)),
    Attack("attribute_chain", "def f(x):\n    return x" + ".real" * 20_000 + " and 2 * x + 1\n", (ERROR, MEMORY, CRASH, CORRECT)),
    Attack("nested_blocks", "\n".join(" " * depth + "if 1:" for depth in range(150)) + "\n" + " " * 150 + "pass\n", (ERROR,)),
    Attack("json_recursion", "import json\ndef f(x):\n    return json.loads('[' * 200_000)\n", (ERROR, CRASH)),
    Attack("pickle_recursion", "import pickle\ndef f(x):\n    a = []\n    for _ in range(100_000): a = [a]\n    return pickle.dumps(a)\n", (ERROR, CRASH)),
    Attack("pattern_recursion", "import re\ndef f(x):\n    return re.compile('(' * 50_000 + ')' * 50_000)\n", (ERROR, CRASH, MEMORY, TIMEOUT), fast=False),
    # Built in a second or so on a busy machine, so it may not come to the overflow.
    Attack("stack_overflow", "import itertools\nchain = iter(())\nfor _ in range(500_000): chain = itertools.chain(chain, ())\ndef f(x):\n    return list(chain)\n", (CRASH, ERROR, MEMORY, TIMEOUT), fast=False),
    Attack("repr_recursion", "a = []\nfor _ in range(100_000): a = [a]\ndef f(x):\n    return repr(a)\n", (ERROR, CRASH)),
)  # fmt: skip

DESCRIPTORS = rows(
    "descriptors",
    Attack("exhausted", honest_around(
        """
        import os
        held = []
        try:
            while len(held) < 10_000: held.append(os.dup(1))
        except OSError: pass
        """
    ), (CORRECT, ERROR, NO_RESULT)),
    probe("inherited", """
        for number in range(4, 4096):
            try: os.fstat(number)
            except OSError: continue
            breach(f"descriptor {number} is open")
    """),
    probe("directories", """
        import stat
        for number in range(0, 4):
            try:
                if stat.S_ISDIR(os.fstat(number).st_mode): breach(f"descriptor {number} is a directory")
                if stat.S_ISSOCK(os.fstat(number).st_mode): breach(f"descriptor {number} is a socket")
            except OSError: pass
    """),
)  # fmt: skip

ATTACKS = {**TIME, **MEMORY_ROWS, **OUTPUT, **DEPTH, **DESCRIPTORS}
