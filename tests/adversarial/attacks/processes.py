"""Programs that make processes and threads, and that signal, trace or starve others: planted ones and their zygote.

Signals to the world and to the trainer are signal 0 (would it have been allowed?); the planted victim is killed in
earnest, and so is the zygote.
"""

from __future__ import annotations

from tests.adversarial.attack import CORRECT, CRASH, ERROR, NO_RESULT, Attack, probe, rows, text

NEW = rows(
    "new_processes",
    probe("fork_bomb", """
        import time
        def bomb():
            for _ in range(40):
                if os.fork() == 0:
                    time.sleep(5)
                    os._exit(0)
        attempt("forks", bomb)
    """),
    probe("zombies", """
        def zombies():
            for _ in range(30):
                if os.fork() == 0: os._exit(0)
        attempt("zombies", zombies)
    """),
    probe("orphan", """
        import time
        def orphan():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0: time.sleep(20)
                os._exit(0)
        attempt("a daemon", orphan)
    """),
    probe("memory_of_many_children", """
        import time
        def many():
            for _ in range(6):
                if os.fork() == 0:
                    block = bytearray(100 << 20)
                    time.sleep(3)
                    os._exit(0)
        attempt("more memory through children", many)
    """),
    probe("shell", """
        attempt("system", lambda: None if os.system("true") == 0 else 1 / 0)
        attempt("popen", lambda: os.popen("echo here").read() or 1 / 0)
    """),
    probe("subprocess", """
        def run(*words):
            import subprocess
            subprocess.run(words, timeout=0.5, check=True)
        attempt("subprocess", run, "/bin/true")
        attempt("subprocess of python", run, sys.executable or "/usr/bin/python3", "-c", "pass")
    """),
    probe("multiprocessing", """
        def run():
            import multiprocessing
            process = multiprocessing.get_context("fork").Process(target=print)
            process.start()
        attempt("multiprocessing", run)
    """),
    probe("spawn", 'attempt("posix_spawn", lambda: os.posix_spawn("/bin/true", ["true"], {}))'),
    probe("execute", """
        for path in ("/bin/true", "/bin/sh", "/usr/bin/env"):
            attempt(f"exec {path}", os.execve, path, [path], {})
    """, allowed=(CORRECT, CRASH, NO_RESULT)),
    probe("raw_clone", """
        import signal
        for flags in (signal.SIGCHLD, 0x10000000 | signal.SIGCHLD, 0x00004000 | 0x00000100):
            if flags & 0x100: continue  # sharing memory would only confuse ourselves
            child, error = call((56, 220), flags, 0, 0, 0, 0)
            if child == 0: LIBRARY._exit(0)
            if child > 0: breach(f"clone with {flags:#x}")
        child, error = call((57, None))
        if child == 0: LIBRARY._exit(0)
        if child > 0: breach("fork")
    """),
    probe("raw_clone3", """
        block = (ctypes.c_uint64 * 11)(0, 0, 0, 0, 17)
        child, error = call((435, 435), ctypes.byref(block), 88)
        if child == 0: LIBRARY._exit(0)
        if child > 0: breach("clone3")
    """),
    Attack("threads", text("""
        import _thread, time
        started = 0
        try:
            for _ in range(200):
                _thread.start_new_thread(time.sleep, (5,))
                started += 1
        except RuntimeError: pass
        def f(x):
            return 2 * x + 1 if not started else "BREA" + "CHED: " + str(started) + " threads"
    """), (CORRECT, CRASH)),
    probe("thread_pools", """
        def run():
            import concurrent.futures
            with concurrent.futures.ThreadPoolExecutor(4) as pool: list(pool.map(str, range(4)))
        attempt("threads", run)
    """),
)  # fmt: skip

OTHERS = rows(
    "other_processes",
    probe("kill_zygote", 'attempt("its parent killed", os.kill, os.getppid(), 9)'),
    probe("stop_zygote", 'attempt("its parent stopped", os.kill, os.getppid(), 19)'),
    probe("kill_group", """
        if os.getpgrp() != os.getpid(): attempt("its group", os.killpg, os.getpgrp(), 0)
        attempt("the group of its parent", lambda: os.killpg(os.getpgid(os.getppid()), 0))
    """),
    probe("kill_everybody", 'attempt("everybody", os.kill, -1, 0)'),
    probe("kill_trainer", 'attempt("the trainer", os.kill, @TRAINER@, 0)'),
    probe("kill_victim", """
        import signal
        attempt("a neighbour killed", os.kill, @VICTIM@, 9)
        reached("tkill", (200, 130), @VICTIM@, 9)
        reached("tgkill", (234, 131), @VICTIM@, @VICTIM@, 9)
        block = (ctypes.c_int * 32)(9, 0, -1)
        reached("rt_sigqueueinfo", (129, 138), @VICTIM@, 9, block)
        reached("rt_tgsigqueueinfo", (297, 240), @VICTIM@, @VICTIM@, 9, block)
    """),
    probe("kill_by_descriptor", """
        for who in (@VICTIM@, os.getppid()):
            descriptor, error = call((434, 434), who, 0)
            if descriptor >= 0:
                breach("pidfd_open")
                succeeded("pidfd_send_signal", (424, 424), descriptor, 9, 0, 0)
                succeeded("pidfd_getfd", (438, 438), descriptor, 0, 0)
        reached("pidfd_send_signal", (424, 424), 0, 9, 0, 0)
    """),
    probe("kill_by_owner_of_a_pipe", """
        # A pipe can be told to send a signal of choice to its owner when something arrives: kill() without kill().
        import fcntl, time
        def arm(who):
            reading, writing = os.pipe()
            fcntl.fcntl(reading, fcntl.F_SETOWN, who)
            fcntl.fcntl(reading, 10, 9)  # F_SETSIG, SIGKILL
            fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
            os.write(writing, b"x")
        for who in (@VICTIM@, os.getppid()):
            try: arm(who)
            except OSError: pass  # whether it worked is seen by whether the victim and the zygote live
        time.sleep(0.02)
    """),
    probe("trace", """
        for who in (@VICTIM@, @TRAINER@, os.getppid()):
            reached("ptrace attach", (101, 117), 16, who, 0, 0)
            reached("ptrace seize", (101, 117), 0x4206, who, 0, 0)
        reached("ptrace me", (101, 117), 0, 0, 0, 0)
    """),
    probe("read_memory_of_others", """
        buffer = ctypes.create_string_buffer(4096)
        local = (ctypes.c_uint64 * 2)(ctypes.addressof(buffer), 4096)
        remote = (ctypes.c_uint64 * 2)(id(sys), 4096)
        for who in (@TRAINER@, @VICTIM@, os.getppid()):
            reached("process_vm_readv", (310, 270), who, local, 1, remote, 1, 0)
            reached("process_vm_writev", (311, 271), who, local, 1, remote, 1, 0)
            for mode in (os.O_RDONLY, os.O_RDWR):
                attempt(f"/proc/{who}/mem", os.open, f"/proc/{who}/mem", mode)
    """),
    probe("write_to_proc", """
        for who in (@VICTIM@, @TRAINER@, os.getppid(), "self"):
            for name in ("oom_score_adj", "comm", "clear_refs", "coredump_filter", "timerslack_ns"):
                attempt(f"/proc/{who}/{name}", os.open, f"/proc/{who}/{name}", os.O_WRONLY)
    """),
    probe("starve_neighbours", """
        attempt("priority of the victim", os.setpriority, os.PRIO_PROCESS, @VICTIM@, 19)
        attempt("priority of its parent", os.setpriority, os.PRIO_PROCESS, os.getppid(), 19)
        attempt("priority of the user", os.setpriority, os.PRIO_USER, os.getuid(), 19)
        attempt("its own priority raised", os.setpriority, os.PRIO_PROCESS, 0, -10)
        attempt("affinity of its parent", os.sched_setaffinity, os.getppid(), {0})
        attempt("affinity of the victim", os.sched_setaffinity, @VICTIM@, {0})
        attempt("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10)))
        reached("ioprio_set", (251, 30), 1, os.getppid(), 3 << 13)
        reached("migrate_pages", (256, 238), os.getppid(), 0, 0, 0)
        reached("move_pages", (279, 239), os.getppid(), 0, 0, 0, 0, 0)
        reached("process_madvise", (440, 440), 3, 0, 0, 0, 0)
    """),
    probe("limits_of_others", """
        block = (ctypes.c_uint64 * 2)(4, 4)
        for who in (@VICTIM@, os.getppid()):
            succeeded("prlimit", (302, 261), who, 7, block, 0)
    """),
    probe("survive_its_parent", """
        # Without the death signal or visible memory, a child could outlive its zygote or be read.
        succeeded("death signal cleared", (157, 167), 1, 0, 0, 0, 0)
        succeeded("dumpable", (157, 167), 4, 1, 0, 0, 0)
        succeeded("subreaper", (157, 167), 36, 1, 0, 0, 0)
        succeeded("tracer allowed", (157, 167), 0x59616D61, -1, 0, 0, 0)
    """),
    probe("terminal", """
        import fcntl
        for path in ("/dev/tty", "/dev/console", "/dev/ptmx", "/dev/pts/0"):
            descriptor = attempt(path, os.open, path, os.O_RDWR)
        for number in range(3):
            attempt("TIOCSTI", fcntl.ioctl, number, 0x5412, b"x")
    """),
)  # fmt: skip

BUFFERS = """
import gc, mmap, sys
KINDS = (mmap.mmap, memoryview, bytearray)

def buffers():
    found = [one for one in gc.get_objects() if type(one) in KINDS]
    frame = sys._getframe()
    while frame is not None:
        for scope in (frame.f_locals, frame.f_globals):
            found += [one for one in list(scope.values()) if type(one) in KINDS]
        frame = frame.f_back
    for module in list(sys.modules.values()):
        found += [one for one in list(getattr(module, "__dict__", {}).values()) if type(one) in KINDS]
    found += [one.obj for one in found if type(one) is memoryview]
    return list({id(one): one for one in found if type(one) in KINDS}.values())
"""

SHARED = rows(
    "shared_state",
    probe("system_v_memory", """
        for name, number, arguments in (
            ("shmget", (29, 194), (0x4B455933, 4096, 0o1666)),
            ("semget", (64, 190), (0x4B455933, 1, 0o1666)),
            ("msgget", (68, 186), (0x4B455933, 0o1666)),
        ):
            made = reached(name, number, *arguments)
            removal = {"shmget": (31, 195), "semget": (66, 191), "msgget": (71, 187)}[name]
            if made >= 0: call(removal, made, *((0, 0) if name == "semget" else (0,)), 0)
    """),
    probe("message_queue", """
        reached("mq_open", (240, 180), ctypes.c_char_p(b"@NAME@"), os.O_CREAT | os.O_RDWR, 0o666, 0)
    """),
    probe("shared_memory_file", """
        def make():
            from multiprocessing import shared_memory
            shared_memory.SharedMemory(name="attack-shared", create=True, size=4096)
        attempt("shared memory", make)
        attempt("a semaphore", lambda: __import__("_multiprocessing").SemLock(1, 1, 1, "/attack-lock", False))
    """),
    Attack("flags_of_shared_descriptors", text("""
        # Descriptor flags belong to the open file: one that all children share would carry a mark to the next.
        import fcntl, os
        for number in (0, 1, 2, 3):
            try: fcntl.fcntl(number, fcntl.F_SETFL, fcntl.fcntl(number, fcntl.F_GETFL) | os.O_NONBLOCK | os.O_APPEND)
            except OSError: pass
        def f(x):
            return 2 * x + 1
    """), (CORRECT,), sequel=text("""
        import fcntl, os
        marks = []
        for number in (0, 1, 2, 3):
            try:
                if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_APPEND: marks.append(number)
            except OSError: pass
        def f(x):
            return 2 * x + 1 if not marks else "BREA" + "CHED: a mark of an earlier job on " + repr(marks)
    """)),
    Attack("locks_on_shared_descriptors", text("""
        import fcntl, os
        held = []
        for path in (0, 1, 2, 3, os.__file__):
            try:
                held.append(open(path, closefd=False) if isinstance(path, str) else path)
                fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (OSError, ValueError): pass
        def f(x):
            return 2 * x + 1
    """), (CORRECT,), sequel=text("""
        import fcntl, os
        marks = []
        for path in (0, 1, 2, 3, os.__file__):
            try:
                file = open(path) if isinstance(path, str) else path
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError: marks.append(path)
            except (OSError, ValueError): pass
        def f(x):
            return 2 * x + 1 if not marks else "BREA" + "CHED: a lock of an earlier job on " + repr(marks)
    """)),
    Attack("writes_into_shared_memory", text(BUFFERS) + text("""
        # A buffer that zygote and child share would let a job rewrite the next one, or leave a note for it.
        for one in buffers():
            try: one[:] = (b"left by an earlier job #" * (len(one) // 24 + 1))[:len(one)]
            except Exception: pass
        def f(x):
            return 2 * x + 1
    """), (CORRECT, ERROR, NO_RESULT), sequel=text(BUFFERS) + text("""
        note = b"left by " + b"an earlier job"
        found = [one for one in buffers() if note in bytes(one)]
        def f(x):
            return 2 * x + 1 if not found else "BREA" + "CHED: a note in " + repr(found)
    """)),
    Attack("timers", text("""
        import signal
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        signal.setitimer(signal.ITIMER_VIRTUAL, 5)
        signal.alarm(1)
        def f(x):
            return 2 * x + 1
    """), (CORRECT, ERROR), sequel=text("""
        import signal, time
        time.sleep(0.01)
        def f(x):
            return 2 * x + 1 if signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0) else 0
    """)),
    Attack("module_state", text("""
        import builtins, json, math, random, sys
        math.floor = json.dumps = builtins.sum = builtins.range = lambda *a, **k: 666
        sys.modules["random"] = None
        sys.setrecursionlimit(60)
        def f(x):
            return 2 * x + 1
    """), (CORRECT, ERROR, NO_RESULT), sequel=text("""
        import json, math, random, sys
        def f(x):
            assert math.floor(2.5) == 2 and json.dumps(1) == "1" and sum(range(3)) == 3 and random is not None
            return 2 * x + 1 if sys.getrecursionlimit() >= 500 else 0
    """)),
)  # fmt: skip

ATTACKS = {**NEW, **OTHERS, **SHARED}
