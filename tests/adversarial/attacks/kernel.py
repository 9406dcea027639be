"""Programs that go for the kernel: other ABIs, dangerous system calls, privileges. Refused calls answer EPERM or ENOSYS.

Left out because success would harm the machine, whatever the sandbox: reboot, kexec, modules, swap, clock.
"""

# ruff: noqa: E501  (a program text is one line where it can be)

from __future__ import annotations

from tests.adversarial.attack import CORRECT, CRASH, ERROR, probe, rows

X86 = ("x86_64",)

ATTACKS = rows(
    "kernel",
    probe("int_0x80", """
        # getpid through the 32-bit gate, which a filter for one ABI does not see.
        import mmap
        code = bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3])
        page = None
        try:
            page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        except OSError: pass
        if page is not None:
            page.write(code)
            address = ctypes.addressof(ctypes.c_char.from_buffer(page))
            result = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
            if result > 0: breach(f"32-bit getpid gave {result}")
    """, allowed=(CORRECT, CRASH), machines=X86),
    probe("x32", """
        for number in (39, 41, 56, 57, 59, 62, 101):
            result, error = call((0x40000000 | number, None), 0, 0, 0, 0, 0)
            if result != -1: breach(f"x32 call {number} gave {result}")
    """, machines=X86),
    probe("high_half_of_the_number", """
        # The kernel cuts the number to 32 bits; a filter sees the same.
        result, error = call(((1 << 32) | 41, (1 << 32) | 198), 2, 1, 0)
        if result != -1: breach("a socket by a long number")
    """),
    probe("io_uring", """
        parameters = ctypes.create_string_buffer(120)
        reached("io_uring_setup", (425, 425), 4, parameters)
        reached("io_uring_enter", (426, 426), 3, 0, 0, 0, 0, 0)
        reached("io_uring_register", (427, 427), 3, 0, 0, 0)
        context = ctypes.c_uint64()
        reached("io_setup", (206, 0), 4, ctypes.byref(context))
    """),
    probe("bpf", """
        block = ctypes.create_string_buffer(128)
        for command in (0, 5, 14): reached(f"bpf {command}", (321, 280), command, block, 128)
    """),
    probe("userfaultfd", 'reached("userfaultfd", (323, 282), 0)\nreached("user only", (323, 282), 1)'),
    probe("perf", """
        block = ctypes.create_string_buffer(128)
        reached("perf_event_open", (298, 241), block, 0, -1, -1, 0)
    """),
    probe("keys", """
        reached("keyctl", (250, 219), 0, -3, 0)
        reached("add_key", (248, 217), ctypes.c_char_p(b"user"), ctypes.c_char_p(b"@NAME@"), ctypes.c_char_p(b"x"), 1, -4)
        reached("request_key", (249, 218), ctypes.c_char_p(b"user"), ctypes.c_char_p(b"x"), 0, -4)
    """),
    probe("namespaces", """
        for flag in (0x10000000, 0x00020000, 0x20000000, 0x40000000, 0x08000000, 0x04000000, 0x02000000, 0x80, 0x10020000):
            reached(f"unshare {flag:#x}", (272, 97), flag)
        reached("setns", (308, 268), 3, 0)
    """),
    probe(
        "memory_advice",
        """
        # Merging equal pages makes other processes' memory observable by timing; poisoning pages is left out.
        block = ctypes.create_string_buffer(1 << 20)
        page = (ctypes.addressof(block) + 4095) & ~4095
        for name, advice in (("mergeable", 12), ("do fork", 11), ("dump", 17), ("keep on fork", 19), ("collapse", 25)):
            reached(f"madvise {name}", (28, 233), page, 4096, advice)
        reached("mlock2", (325, 284), page, 4096, 1)
        reached("mbind", (237, 235), page, 4096, 0, 0, 0, 0)
        reached("set_mempolicy", (238, 237), 0, 0, 0)
        reached("remap_file_pages", (216, 234), page, 4096, 0, 0, 0)
        """,
    ),
    probe("personality", """
        reached("no address randomization", (135, 92), 0x0040000)
        reached("read implies exec", (135, 92), 0x0400000)
    """),
    probe("anonymous_programs", """
        reached("memfd_create", (319, 279), ctypes.c_char_p(b"@NAME@"), 0)
        reached("memfd_secret", (447, 447), 0)
        arguments = (ctypes.c_char_p * 2)(b"true", None)
        for path in (b"/bin/true", b"/proc/self/exe"):
            reached(f"execve {path}", (59, 221), ctypes.c_char_p(path), arguments, 0)
            reached(f"execveat {path}", (322, 281), -100, ctypes.c_char_p(path), arguments, 0, 0)
    """),
    probe("privileges", """
        before = os.getresuid(), os.getresgid()
        for action, arguments in ((os.setuid, (0,)), (os.setgid, (0,)), (os.setresuid, (0, 0, 0)), (os.setgroups, ([0],)),
                                  (os.seteuid, (0,)), (os.setuid, (1,)), (os.setresgid, (1, 1, 1)), (os.setfsuid, (0,)) if
                                  hasattr(os, "setfsuid") else (os.setegid, (0,))):
            try: action(*arguments)
            except OSError: pass
        if (os.getresuid(), os.getresgid()) != before: breach(f"other ids: {os.getresuid()}")
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        everything = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
        succeeded("capset", (126, 91), header, everything)
        reached("secure bits", (157, 167), 28, 0, 0, 0, 0)
    """),
    probe("capabilities", """
        # Whatever id it has, none of these must be in force: the calls that need them are tried with harmless arguments.
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        held = (ctypes.c_uint32 * 6)()
        result, error = call((125, 90), header, held)
        if result == 0 and any((held[0], held[1], held[3], held[4])): breach("capabilities " + str(list(held)))
    """),
    probe("hardware", """
        reached("ioperm", (173, None), 0x80, 1, 1)
        reached("iopl", (172, None), 3)
        reached("modify_ldt", (154, None), 0, 0, 0)
        reached("vmsplice", (278, 75), 3, 0, 0, 0)
    """),
    probe("names_and_logs", """
        reached("sethostname", (170, 161), ctypes.c_char_p(b"@NAME@"), 6)
        reached("syslog", (103, 116), 3, 0, 0)
        reached("quotactl", (179, 60), 0, 0, 0, 0)
        reached("lookup_dcookie", (212, 18), 0, 0, 0)
        reached("kcmp", (312, 272), os.getpid(), os.getppid(), 0, 0, 1)
        reached("vhangup", (153, 58))
    """),
    probe("undoing_the_sandbox", """
        # More filters can only tighten; what must not work is turning the present ones off.
        succeeded("seccomp off", (157, 167), 22, 0, 0, 0, 0)
        succeeded("privileges back", (157, 167), 38, 0, 0, 0, 0)
        reached("seccomp listener", (317, 277), 1, 8, 0)
        reached("landlock", (446, 446), -1, 0)
    """),
    probe("system_timers", """
        call((283, 85), 0, 0)
        call((289, 74), -1, 0, 8, 0)
        reached("splice", (275, 76), 3, 0, 3, 0, 1, 0)
        timer = ctypes.c_int()
        event = (ctypes.c_int * 16)(0, 0, 9, 0)
        call((222, 107), 1, event, ctypes.byref(timer))  # a timer of its own that sends SIGKILL dies with it
    """, allowed=(CORRECT, CRASH, ERROR)),
    probe("every_number", """
        # Whatever is let through must neither hang nor kill the zygote. Calls that end or block the caller are left out.
        skipped = {13, 14, 15, 34, 60, 61, 127, 128, 130, 231, 247} if X86 else {93, 94, 95, 133, 134, 136, 137, 139, 260}
        waiting = {0, 7, 19, 23, 35, 45, 202, 230, 232, 270, 271, 281, 441, 449, 455} if X86 else {22, 63, 72, 73, 98, 101, 115, 441, 449, 455}
        harmful = {162, 163, 164, 167, 168, 169, 175, 176, 227, 246, 305, 313, 320} if X86 else {81, 89, 104, 105, 106, 112, 142, 170, 224, 225, 266, 273, 294}
        own = {1, 3, 9, 10, 11, 12, 20, 25, 32, 33, 56, 57, 58, 218, 334, 435, 436} if X86 else {23, 24, 57, 64, 66, 214, 215, 216, 222, 226, 293, 435, 436}
        for number in range(470):
            if number not in skipped | waiting | harmful | own: call((number, number), -1, 0, 0, 0, 0, 0)
    """, allowed=(CORRECT, CRASH, ERROR)),
)  # fmt: skip
