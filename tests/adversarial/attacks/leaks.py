"""Programs that look for what they must not know: secrets of the trainer, other jobs' texts, expected answers.

Secrets are planted in the trainer's environment and memory, in files of a home directory, in a neighbouring process's
command line, in the texts, inputs and results of the jobs before and after, and in the expected values. All match one
pattern, which no program contains as such; a program that finds a match returns it.
"""

# ruff: noqa: E501  (a program text is one line where it can be)

from __future__ import annotations

from tests.adversarial.attack import CORRECT, CRASH, ERROR, MEMORY, TIMEOUT, Attack, probe, rows, text

LOOK = '''
import re
PATTERN = re.compile((b"KEEP" + b"OUT-[0-9a-f]") + b"{32}")

def look(where, data):
    """A breach for every secret in the data (bytes, or anything with a text)."""
    if isinstance(data, str): data = data.encode("utf-8", "replace")
    if not isinstance(data, (bytes, bytearray, memoryview)): data = repr(data).encode("utf-8", "replace")
    for found in set(PATTERN.findall(bytes(data))):
        breach(where + " " + found.decode())

def read(where, path):
    try:
        with open(path, "rb") as file: data = file.read(1 << 24)
    except (OSError, ValueError): return
    breach("read " + where)
    look(where, data)
'''


SCAN = '''
import ctypes, gc
LIBRARY = ctypes.CDLL(None, use_errno=True)
LIBRARY.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
LIBRARY.write.restype = ctypes.c_ssize_t
PAGE = 4096
try: READING, WRITING = os.pipe()
except OSError: READING = WRITING = None
SEEN = set()

def page(address):
    """The page at an address, or None: write() answers EFAULT where a read would crash."""
    if LIBRARY.write(WRITING, address, PAGE) != PAGE: return None
    return os.read(READING, PAGE)

def scan(where, address, bound=6_000):
    """Every page around an address, as far as memory is contiguous, up to a bound each way."""
    for step in (PAGE, -PAGE):
        at = (address & ~(PAGE - 1)) + (0 if step > 0 else step)
        tail = b""
        for _ in range(bound):
            if at in SEEN or at <= 0: break
            data = page(at)
            if data is None: break
            SEEN.add(at)
            look(where, tail + data if step > 0 else data + tail)
            tail = data[-64:] if step > 0 else data[:64]
            at += step
'''


def leak(name: str, body: str, **rest: object) -> Attack:
    """A probe that can look for secrets."""
    return probe(name, text(LOOK) + (text(SCAN) if "scan(" in body else "") + text(body), **rest)  # type: ignore[arg-type]


SECRETS = rows(
    "secrets",
    leak("environment", """
        look("environ", os.environ)
        look("environb", os.environb)
        try: look("fresh", __import__("posix").environ)
        except ImportError: pass
    """),
    leak("environment_in_c", """
        import ctypes
        pointer = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
        at = 0
        while pointer and pointer[at]:
            look("environ", pointer[at])
            at += 1
    """),
    leak("environment_in_proc", """
        for who in ("self", os.getpid(), os.getppid(), "@TRAINER@", "@VICTIM@", "thread-self"):
            read(f"environ of {who}", f"/proc/{who}/environ")
    """),
    leak("command_lines", """
        for who in ("self", os.getppid(), "@TRAINER@", "@VICTIM@"):
            # Not fd/0: a link to /dev/null, which may be read under either name.
            for name in ("cmdline", "maps", "status", "stat", "task/@TRAINER@/environ", "cwd/README.md"):
                read(f"{name} of {who}", f"/proc/{who}/{name}")
    """),
    leak("home", """
        for home in ("@HOME@", os.path.expanduser("~")):
            for name in (".cache/huggingface/token", ".ssh/id_rsa", ".netrc", ".bash_history"):
                read(name, f"{home}/{name}")
            attempt("listing of the home", os.listdir, "@HOME@")
            attempt("walk of the home", lambda: next(os.scandir("@HOME@")))
    """),
    leak("home_by_raw_calls", """
        for flags in (0, 0o100000, 0o2000000, 0o4000000, 0o1000000, 0o10000):
            descriptor, error = call((257, 56), -100, ctypes.c_char_p(b"@HOME@/.ssh/id_rsa"), flags, 0)
            if descriptor >= 0:
                buffer = ctypes.create_string_buffer(4096)
                if call((0, 63), descriptor, buffer, 4096)[0] > 0: breach(f"read with {flags:o}")
    """),
    leak("memory_of_the_trainer", """
        for who in ("@TRAINER@", os.getppid()):
            attempt(f"maps of {who}", open, f"/proc/{who}/maps")
            attempt(f"mem of {who}", open, f"/proc/{who}/mem", "rb")
            attempt(f"pagemap of {who}", open, f"/proc/{who}/pagemap", "rb")
    """),
)  # fmt: skip

OTHER_JOBS = rows(
    "other_jobs",
    leak("objects", """
        import gc
        seen = set()
        def walk(one, depth=0):
            if id(one) in seen or depth > 3: return
            seen.add(id(one))
            if type(one) in (str, bytes, bytearray): look("an object", one)
            elif type(one) is dict:
                for key, value in list(one.items()): walk(key, depth + 1); walk(value, depth + 1)
            elif type(one) in (list, tuple, set, frozenset):
                for member in list(one): walk(member, depth + 1)
        for one in gc.get_objects(): walk(one)
        for one in gc.get_objects():
            for referent in gc.get_referents(one): walk(referent)
    """, fast=False),
    leak("frames", """
        frame = sys._getframe()
        while frame is not None:
            for scope in (frame.f_locals, frame.f_globals):
                for name, value in list(scope.items()):
                    if name not in ("PATTERN",): look(f"frame {name}", value)
            frame = frame.f_back
        try: raise ValueError
        except ValueError as error:
            trace = error.__traceback__
            look("frame of a traceback", trace.tb_frame.f_back and trace.tb_frame.f_back.f_locals)
    """),
    leak("modules", """
        for name, module in list(sys.modules.items()):
            for key, value in list(getattr(module, "__dict__", {}).items()):
                if type(value) in (str, bytes, bytearray, list, dict, tuple, memoryview): look(f"{name}.{key}", value)
        look("argv", sys.argv)
        look("original argv", getattr(sys, "orig_argv", ()))
    """, fast=False),
    leak("caches", """
        import linecache, functools
        look("linecache", linecache.cache)
        look("interned path", sys.path)
        look("importer cache", sys.path_importer_cache)
        import json.decoder, re
        look("patterns", getattr(re, "_cache", {}))
    """),
    leak("descriptors", """
        for number in range(0, 64):
            if number in (1, 2): continue
            try: os.set_blocking(number, False)
            except OSError: continue
            for action in (lambda: os.read(number, 1 << 20), lambda: os.pread(number, 1 << 20, 0)):
                try: look(f"descriptor {number}", action())
                except OSError: pass
    """),
    leak("mapped_memory", """
        import gc, mmap
        for one in gc.get_objects():
            if type(one) in (mmap.mmap, memoryview, bytearray): look("a buffer", bytes(one))
    """),
    leak("own_memory_by_proc", """
        attempt("maps", lambda: open("/proc/self/maps").read())
        attempt("mem", lambda: open("/proc/self/mem", "rb"))
        attempt("smaps", lambda: open("/proc/self/smaps").read())
    """),
    leak("own_memory_by_address", """
        # Everything near objects, C allocations, the stack and the break: whatever an earlier or later job left there.
        if WRITING is not None:
            LIBRARY.sbrk.restype = LIBRARY.malloc.restype = ctypes.c_void_p
            LIBRARY.malloc.argtypes = [ctypes.c_size_t]
            starts = [LIBRARY.sbrk(0), LIBRARY.malloc(100), LIBRARY.malloc(5_000), LIBRARY.malloc(1 << 21)]
            starts += [id(sys), id(sys.modules), id(sys.path), id("".join(map(str, range(9)))), id([0] * 9)]
            starts += [ctypes.addressof(ctypes.create_string_buffer(8)), ctypes.addressof(ctypes.c_char_p.in_dll(LIBRARY, "environ"))]
            starts += [id(one) for one in gc.get_objects()[::200]]
            for start in starts:
                if start: scan("own memory", start - PAGE); scan("own memory", start)
    """, allowed=(CORRECT, CRASH, TIMEOUT), fast=False),
    leak("fresh_memory", """
        # Freed blocks keep what was in them: look at memory that is handed out without being cleared.
        import ctypes
        LIBRARY = ctypes.CDLL(None)
        LIBRARY.malloc.restype = ctypes.c_void_p
        LIBRARY.malloc.argtypes = [ctypes.c_size_t]
        for size in (24, 64, 120, 250, 500, 1_000, 2_000, 5_000, 20_000, 100_000):
            for _ in range(200):
                address = LIBRARY.malloc(size)
                if not address: break
                look("a fresh block", ctypes.string_at(address, size))
    """, allowed=(CORRECT, MEMORY), fast=False),
    leak("signals_of_life", """
        # What the zygote is called, what it was started with, and where.
        look("executable", sys.executable)
        look("uname", os.uname())
        look("working directory", os.getcwd())
        look("login", [getattr(os, name, lambda: "")() for name in ("getlogin",) if False])
    """),
    Attack("state_for_the_next", text("""
        # Leaves a note wherever a note might stay.
        import builtins, os, sys
        note = "left by an earlier job"
        builtins.left_note = note
        sys.left_note = note
        os.environ["LEFT_NOTE"] = note
        sys.modules["left_note"] = os
        try: os.chdir("/tmp")
        except OSError: pass
        os.umask(0o123)
        def f(x):
            return 2 * x + 1
    """), (CORRECT,), sequel=text("""
        import builtins, os, sys
        found = [where for where in (builtins, sys) if hasattr(where, "left_note")]
        found += [1 for _ in range(1) if "LEFT_NOTE" in os.environ or "left_note" in sys.modules]
        def f(x):
            return 2 * x + 1 if not found else "BREA" + "CHED: a note of an earlier job"
    """)),
)  # fmt: skip

ANSWERS = rows(
    "expected_answers",
    leak("by_stack", """
        import inspect
        for info in inspect.stack(0): look(f"locals of {info.function}", {**info.frame.f_locals, "PATTERN": 0})
    """, allowed=(CORRECT, ERROR)),
    leak("at_call_time", """
        honest = f
        def f(x):
            frame = sys._getframe()
            while frame is not None:
                for name in ("expected", "gold", "reference", "answer", "answers", "solution", "target", "tests"):
                    if name in frame.f_locals or name in frame.f_globals: breach(f"a variable {name}")
                frame = frame.f_back
            return honest(x)
    """),
    leak("other_inputs", """
        # The inputs of later calls are its own; those of other jobs are not.
        honest = f
        def f(x):
            import gc
            for one in gc.get_objects():
                if type(one) in (list, tuple, dict) and len(one) < 1_000: look("an object", repr(one)[:100_000])
            return honest(x)
    """, allowed=(CORRECT, TIMEOUT), fast=False),
)  # fmt: skip

ATTACKS = {**SECRETS, **OTHER_JOBS, **ANSWERS}
