"""Programs that read, write or change files, and that use the network or other ways out of the process."""

# ruff: noqa: E501  (a program text is one line where it can be)

from __future__ import annotations

from tests.adversarial.attack import CORRECT, Attack, probe, rows, text

WRITES = rows(
    "file_writes",
    probe("create", """
        for folder in ("@DROP@", "/tmp", "/var/tmp", "/dev/shm", "@HOME@", "/", ".", "/run", "/dev"):
            attempt(f"created in {folder}", lambda: open(f"{folder}/attack-create", "w").close())
    """),
    probe("overwrite", """
        for path in ("@DROP@/precious", "@HOME@/.bashrc"):
            for mode in ("w", "a", "r+", "xb"):
                attempt(f"{path} opened with {mode}", open, path, mode)
            for flags in (os.O_WRONLY | os.O_APPEND, os.O_RDONLY | os.O_TRUNC, os.O_RDWR, os.O_RDONLY | os.O_CREAT):
                attempt(f"{path} opened with {flags:#x}", os.open, path, flags)
        attempt("truncated", os.truncate, "@DROP@/precious", 0)
    """),
    probe("unnamed_file", """
        attempt("O_TMPFILE", os.open, "@DROP@", os.O_TMPFILE | os.O_RDWR)
        attempt("O_TMPFILE in /tmp", os.open, "/tmp", os.O_TMPFILE | os.O_RDWR)
    """),
    probe("temporary_file", """
        def make():
            import tempfile
            tempfile.NamedTemporaryFile(prefix="attack-", delete=False).write(b"x")
        attempt("tempfile", make)
    """),
    probe("names", """
        drop = "@DROP@"
        attempt("mkdir", os.mkdir, f"{drop}/attack-folder")
        attempt("rename", os.rename, f"{drop}/precious", f"{drop}/attack-renamed")
        attempt("link", os.link, f"{drop}/precious", f"{drop}/attack-link")
        attempt("symlink", os.symlink, "/etc/passwd", f"{drop}/attack-symlink")
        attempt("unlink", os.unlink, f"{drop}/precious")
        attempt("rmdir", os.rmdir, f"{drop}/folder")
        attempt("mkfifo", os.mkfifo, f"{drop}/attack-fifo")
        attempt("mknod", os.mknod, f"{drop}/attack-node")
        reached("renameat2", (316, 276), -100, ctypes.c_char_p(b"@DROP@/precious"), -100, ctypes.c_char_p(b"@DROP@/x"), 0)
        reached("linkat", (265, 37), -100, ctypes.c_char_p(b"@DROP@/precious"), -100, ctypes.c_char_p(b"@DROP@/x"), 0)
        reached("unlinkat", (263, 35), -100, ctypes.c_char_p(b"@DROP@/precious"), 0)
    """),
    probe("attributes", """
        path = "@DROP@/precious"
        attempt("chmod", os.chmod, path, 0o777)
        attempt("chmod of its interpreter's file", os.chmod, os.__file__, 0o644)
        attempt("chown", os.chown, path, os.getuid(), os.getgid())
        attempt("utime", os.utime, path, (1, 1))
        attempt("setxattr", os.setxattr, path, "user.attack", b"x")
        attempt("removexattr", os.removexattr, path, "user.planted")
        reached("fchmodat2", (452, 452), -100, ctypes.c_char_p(path.encode()), 0o777, 0)
    """),
    probe("raw_open", """
        path = ctypes.c_char_p(b"@DROP@/attack-raw")
        succeeded("creat", (85, None), path, 0o666)
        succeeded("open", (2, None), path, os.O_CREAT | os.O_WRONLY, 0o666)
        succeeded("openat", (257, 56), -100, path, os.O_CREAT | os.O_WRONLY, 0o666)
        how = (ctypes.c_uint64 * 3)(os.O_CREAT | os.O_WRONLY, 0o666, 0)
        reached("openat2", (437, 437), -100, path, how, 24)
        # High bits of the flags are not looked at by the kernel, but by a careless filter.
        succeeded("openat, high bits", (257, 56), -100, path, (1 << 32) | os.O_CREAT | os.O_WRONLY, 0o666)
    """),
    probe("its_own_interpreter", """
        import json
        for path in (os.__file__, json.__file__, json.__cached__ or json.__file__):
            for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND):
                attempt(f"{path} opened with {flags}", os.open, path, flags)
        folder = os.path.dirname(os.__file__)
        attempt("a module beside the standard library", lambda: open(f"{folder}/attack_module.py", "x").close())
    """),
    probe("libraries_that_write", """
        def database():
            import sqlite3
            sqlite3.connect("@DROP@/attack-database").execute("create table t (a)")
        def log():
            import logging
            logging.FileHandler("@DROP@/attack-log")
        def archive():
            import zipfile
            zipfile.ZipFile("@DROP@/attack-archive", "w").close()
        for action in (database, log, archive): attempt(action.__name__, action)
    """),
    probe("growing_a_file", """
        for number in range(4):
            attempt(f"descriptor {number} grown", os.posix_fallocate, number, 0, 1 << 20)
            attempt(f"descriptor {number} truncated", os.ftruncate, number, 1 << 20)
    """),
    probe("root", """
        attempt("chroot", os.chroot, "@DROP@")
        reached("mount", (165, 40), ctypes.c_char_p(b"none"), ctypes.c_char_p(b"@DROP@"), ctypes.c_char_p(b"tmpfs"), 0, 0)
        reached("umount2", (166, 39), ctypes.c_char_p(b"/proc"), 2)
        reached("pivot_root", (155, 41), ctypes.c_char_p(b"@DROP@"), ctypes.c_char_p(b"@DROP@"))
        reached("open_tree", (428, 428), -100, ctypes.c_char_p(b"/"), 1)
        reached("fsopen", (430, 430), ctypes.c_char_p(b"tmpfs"), 0)
        reached("move_mount", (429, 429), -100, ctypes.c_char_p(b"/"), -100, ctypes.c_char_p(b"/"), 0)
    """),
    probe("watching", """
        reached("inotify_init1", (294, 26), 0)
        reached("fanotify_init", (300, 262), 0, 0)
    """),
)  # fmt: skip

READS = rows(
    "file_reads",
    probe("system_files", """
        for path in ("/etc/passwd", "/etc/shadow", "/etc/hostname", "/etc/ssl", "/proc/version", "/proc/cpuinfo",
                     "/sys/kernel", "/var/log", "/root", "/home", "/boot", "/proc", "/tmp", "/", "/dev/shm"):
            attempt(path, lambda: os.listdir(path) if os.path.isdir(path) else os.open(path, os.O_RDONLY))
    """),
    probe("devices", """
        for path in ("/dev/mem", "/dev/kmem", "/dev/kmsg", "/proc/kcore", "/proc/kallsyms", "/dev/vda", "/dev/sda",
                     "/dev/kvm", "/dev/fuse", "/dev/net/tun", "/dev/vsock", "/dev/userfaultfd"):
            attempt(path, os.open, path, os.O_RDONLY)
    """),
    probe("around_the_corner", """
        for path in ("/proc/self/root@HOME@/.cache/huggingface/token", "/proc/1/root@HOME@/.ssh/id_rsa",
                     "/proc/@TRAINER@/root@HOME@/.ssh/id_rsa", "/proc/self/cwd/../../../..@HOME@/.ssh/id_rsa",
                     "/proc/thread-self/root@HOME@/.ssh/id_rsa", "/../../..@HOME@/.ssh/id_rsa",
                     f"{os.path.dirname(os.__file__)}/../../../../../../../../..@HOME@/.ssh/id_rsa",
                     "/dev/fd/../../..@HOME@/.ssh/id_rsa", "@DROP@/to_home/.ssh/id_rsa", "@DROP@/to_key"):
            attempt(path, lambda: open(path).read())
    """),
    probe("path_descriptors", """
        # O_PATH opens without read access; what matters is that nothing can be read through it.
        for path in ("@HOME@", "/", "/proc/self/root"):
            try: folder = os.open(path, os.O_PATH | os.O_DIRECTORY)
            except OSError: continue
            name = ".ssh/id_rsa" if path == "@HOME@" else "@HOME@/.ssh/id_rsa".lstrip("/")
            attempt(f"beneath O_PATH of {path}", lambda: os.open(name, os.O_RDONLY, dir_fd=folder))
            attempt(f"listing O_PATH of {path}", os.listdir, folder)
            attempt(f"reopening O_PATH of {path}", os.open, f"/proc/self/fd/{folder}/{name}", os.O_RDONLY)
            how = (ctypes.c_uint64 * 3)(0, 0, 0)
            reached("openat2", (437, 437), folder, ctypes.c_char_p(name.encode()), how, 24)
    """),
    probe("file_handles", """
        handle = ctypes.create_string_buffer(136)
        handle[0] = 128
        mount = ctypes.c_int()
        reached("name_to_handle_at", (303, 264), -100, ctypes.c_char_p(b"@HOME@/.ssh/id_rsa"), handle, ctypes.byref(mount), 0)
        reached("open_by_handle_at", (304, 265), 3, handle, 0)
    """),
    probe("what_landlock_does_not_hide", """
        # Landlock governs opening; a link's target and extended attributes are read without opening.
        attempt("a link's target", os.readlink, "@HOME@/link")
        attempt("an attribute", os.getxattr, "@DROP@/precious", "user.planted")
        attempt("the names of attributes", os.listxattr, "@DROP@/precious")
        attempt("where the trainer is", os.readlink, "/proc/@TRAINER@/cwd")
        attempt("what the trainer runs", os.readlink, "/proc/@TRAINER@/exe")
    """),
    probe("executing_code_of_others", """
        def module():
            sys.path.insert(0, "@DROP@")
            import planted_module
        attempt("an import from elsewhere", module)
        attempt("a library from elsewhere", lambda: ctypes.CDLL("@DROP@/planted_library.so"))
    """),
)  # fmt: skip

NETWORK = rows(
    "network",
    probe("tcp", """
        import socket
        attempt("tcp", socket.create_connection, ("127.0.0.1", @PORT@), 0.3)
        attempt("tcp over ipv6", socket.create_connection, ("::1", @PORT@), 0.3)
    """),
    probe("tcp_around_the_rules", """
        import socket
        def fast_open():
            one = socket.socket()
            one.sendto(b"attack", 0x20000000, ("127.0.0.1", @PORT@))
        def multipath():
            one = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
            one.connect(("127.0.0.1", @PORT@))
        attempt("fast open", fast_open)
        attempt("multipath", multipath)
    """),
    probe("udp", """
        import socket
        attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"attack", ("127.0.0.1", @PORT@)))
    """),
    probe("listening", """
        import socket
        def listen():
            one = socket.socket()
            one.bind(("127.0.0.1", 0))
            one.listen()
        attempt("listening", listen)
    """),
    probe("unix_sockets", """
        import socket
        def connect(address):
            one = socket.socket(socket.AF_UNIX)
            one.settimeout(0.3)
            one.connect(address)
        attempt("a socket file", connect, "@SOCKET@")
        attempt("an abstract socket", connect, chr(0) + "@ABSTRACT@")
    """),
    probe("families", """
        import socket
        for family, kind, protocol in ((16, 3, 0), (17, 3, 0x300), (2, 3, 1), (40, 1, 0), (38, 5, 0), (1, 1, 0),
                                       (31, 3, 0), (44, 3, 0), (2, 1, 132), (30, 5, 0), (15, 3, 2), (10, 1, 0)):
            attempt(f"a socket of family {family}", lambda: socket.socket(family, kind, protocol).close())
    """),
    probe("raw_calls", """
        reached("socket", (41, 198), 2, 1, 0)
        reached("socketcall by sendmmsg", (307, 269), 3, 0, 0, 0)
        reached("connect", (42, 203), 3, 0, 0)
        reached("bind", (49, 200), 3, 0, 0)
    """),
    probe("high_level", """
        def fetch():
            import urllib.request
            urllib.request.urlopen("http://127.0.0.1:@PORT@/", timeout=0.3)
        def loop():
            import asyncio
            asyncio.run(asyncio.open_connection("127.0.0.1", @PORT@))
        attempt("urllib", fetch)
        attempt("asyncio", loop)
    """),
    Attack("writes_to_its_input", text("""
        import os
        def f(x):
            for number in (0, 2):
                try: os.write(number, b"x" * 100)
                except OSError: pass
            return 2 * x + 1
    """), (CORRECT,)),
)  # fmt: skip

ATTACKS = {**WRITES, **READS, **NETWORK}
