"""A handler for the pool's tests: jobs are [command, argument]. Imported in workers, through the pool's `path`."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from verifiers.inside.worker import Handler, each


def judge(command: str, argument: Any) -> tuple[str, str | None, str]:
    match command:
        case "echo":
            return "ok", str(argument), ""
        case "sleep":
            time.sleep(argument)
            return "ok", "slept", ""
        case "loop":
            sum(iter(int, 1))  # in C: no signal handler of Python's would run
        case "deaf":
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            time.sleep(60)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "abort":
            os.abort()
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(3)
        case "memory":
            return "ok", str(len(bytearray(argument))), ""
        case "raise":
            raise KeyError("a bug")
        case "deep":
            return judge("deep", argument)
        case "environment":
            with open("/proc/self/environ", encoding="utf-8") as file:
                return "ok", repr(sorted(os.environ.items())) + file.read(), ""
        case "limits":
            names = ("RLIMIT_CORE", "RLIMIT_NOFILE", "RLIMIT_AS")
            return "ok", repr([resource.getrlimit(getattr(resource, name))[0] for name in names]), ""
        case "descriptors":
            return "ok", repr(sorted(map(int, os.listdir("/proc/self/fd")))), ""
        case "noise":
            os.write(int(sys.argv[1]), b"\xff" * 4096)
            time.sleep(60)
    return "ok", None, ""


def open_handler(options: Mapping[str, Any]) -> tuple[Handler, list[str]]:
    time.sleep(options.get("start_s", 0))
    if options.get("broken"):
        raise RuntimeError("it does not start")
    return each(judge), ["tested"]
