"""One program, in the child that was forked for it: load it, call its function, report values.

A report is JSON text [status, detail, values, failures]; see `frames`. Of a script, the values are [name, value] pairs
of its final global variables of plain type and bounded size; of calls, one value a call, with [index, status, detail]
in `failures` for those that gave none.

A program shares this process with the code that reports it. It may therefore lie about its own values, and about
nothing else: no other program or expected answer is in this memory. What the report needs is bound before the program
runs, so replacing builtins or functions of modules spoils nothing but the program's own work.
"""

from __future__ import annotations

import builtins
import os
import sys
import types
from collections.abc import Callable
from typing import Any, TextIO

from verifiers.inside.sandbox import frames, values

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]
"""The functions below keep builtins of their own, which a program that replaces builtins does not reach."""

MAX_VALUES = 256
MAX_NAME_CHARACTERS = 100
MAX_TEXT_CHARACTERS = 4096
MAX_INTEGER_BITS = 4096
MAX_DETAIL_CHARACTERS = 300


def does_not_compile(error: BaseException) -> str:
    return f"does not compile: {type(error).__name__}: {error}"[:MAX_DETAIL_CHARACTERS]


def raised(error: BaseException, kind: Any = type, text: Any = str, anything: Any = BaseException) -> str:
    """What an exception says; its own `__str__` may do anything, so it may raise here too."""
    name = "an exception without a name"
    try:
        own = kind(error).__name__
        if kind(own) is text:
            name = own[:MAX_NAME_CHARACTERS]
        return f"raised {name}: {text(error)[:MAX_DETAIL_CHARACTERS]}"[:MAX_DETAIL_CHARACTERS]
    except anything:
        return f"raised {name}"


class Program:
    """Runs programs. Made once, in the zygote; used once, in each child."""

    def __init__(self, max_result_bytes: int) -> None:
        self._max_result_bytes = max_result_bytes
        self._encode = values.make_encoder()
        self._encode_plain = values.make_plain_encoder()
        self._script, self._solution = self.new_module("__main__"), self.new_module("solution")
        self._stdout = sys.stdout

    def new_module(self, name: str) -> dict[str, Any]:
        """The namespace of an empty module that can be imported."""
        module = types.ModuleType(name)
        vars(module)["__builtins__"] = builtins  # the shared ones, as every module has
        sys.modules[name] = module
        return vars(module)

    def renew(self) -> None:
        """Forget what was run here."""
        self._script, self._solution = self.new_module("__main__"), self.new_module("solution")

    def run(self, source: str, entry: str | None, inputs: str) -> bytes:
        """The report of a program. Raises MemoryError if there is no memory for it."""
        finish, encode, calls = self._finish, self._encode, self._calls
        namespace = self._script if entry is None else self._solution
        status, detail, payload, failures = "ok", "", "[]", "[]"
        try:
            code = compile(source, "<program>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return _report(encode, "error", does_not_compile(error), payload, failures)
        arguments = values.decode_own(inputs) if entry is not None else []
        status, detail = load(code, namespace, entry is None)
        if status == "ok" and entry is not None:
            function = namespace.get(entry)
            if function is None:
                status, detail = "error", f"defines no function {entry!r}"[:MAX_DETAIL_CHARACTERS]
            else:
                try:
                    payload, failures = calls(function, arguments)
                except MemoryError:
                    status, detail = "output_limit", "its values are too large to report"
        problem = finish()
        if problem is not None and entry is None and status == "ok":
            status, detail = "error", problem
        if status == "ok" and entry is None:
            payload = encode(collect(namespace))
        report = _report(encode, status, detail, payload, failures)
        if len(report) > self._max_result_bytes:
            detail = f"its values take more than {self._max_result_bytes} bytes"
            report = _report(encode, "output_limit", detail, "[]", "[]")
        return report

    def _calls(self, function: Any, inputs: list[list[Any]]) -> tuple[str, str]:
        """Values and failures of all calls, encoded. A mutable value is encoded before the next call can change it.

        Raises MemoryError when the values cannot be reported together.
        """
        encode, outcomes, failures, encoded = self._encode, [], [], {}
        kind, identify, scalars, anything, position = type, id, values.SCALARS, BaseException, 0
        left = self._max_result_bytes
        for arguments in inputs:
            value: Any = None
            try:
                value = function(*arguments)
            except anything as error:
                failures.append([position, *failure(error)])
            if identify(kind(value)) not in scalars:
                # Every element takes a byte at least, so there is no need to encode what cannot fit.
                if kind(value) is list and len(value) > left:
                    raise MemoryError
                try:
                    encoded[position] = encode(value)
                    left -= len(encoded[position])
                except anything as error:
                    failures.append([position, *not_encoded(error)])
                value = None
            outcomes.append(value)
            position += 1
        if not encoded:
            try:
                return self._encode_plain(outcomes), encode(failures) if failures else "[]"
            except ValueError:  # an integer of too many digits
                return encode(outcomes), encode(failures)
        texts = [encoded.get(index) or encode(outcomes[index]) for index in range(position)]
        return f"[{','.join(texts)}]", encode(failures)

    def _finish(self) -> str | None:
        """Write out what a program printed; what went wrong."""
        try:
            if sys.stdout is not self._stdout and sys.stdout is not None:
                sys.stdout.flush()
            self._stdout.flush()
        except BaseException as error:  # the program's own object, or closed by it
            return raised(error)
        return None


def load(code: types.CodeType, namespace: dict[str, Any], script: bool) -> tuple[str, str]:
    """Execute a program's text; status and detail. A script may end itself with success."""
    exit_error, memory_error, anything, describe, execute = SystemExit, MemoryError, BaseException, failure, exec
    none_or_zero = (None, 0)
    try:
        execute(code, namespace)
    except memory_error:
        return "memory", "out of memory"
    except exit_error as error:
        if not script or error.code not in none_or_zero:
            return describe(error)
    except anything as error:  # sandbox boundary: whatever a program raises is its own outcome
        return describe(error)
    return "ok", ""


def failure(
    error: BaseException, describe: Callable[[BaseException], str] = raised, check: Any = isinstance,
    memory_error: Any = MemoryError,
) -> tuple[str, str]:  # fmt: skip
    """Status and detail of an exception that a program raised."""
    if check(error, memory_error):
        return "memory", "out of memory"
    return "error", describe(error)


def not_encoded(
    error: BaseException, check: Any = isinstance, unsupported: Any = values.UnsupportedTypeError,
    too_deep: Any = values.TooDeepError, memory_error: Any = MemoryError, text: Any = str,
) -> tuple[str, str]:  # fmt: skip
    """Status and detail of a value that cannot be reported."""
    if check(error, unsupported):
        return "unsupported_type", text(error)[:MAX_DETAIL_CHARACTERS]
    if check(error, memory_error):
        return "output_limit", "its value is too large to report"
    if check(error, too_deep):
        return "error", text(error)
    return "error", "its value cannot be read"


def collect(namespace: dict[Any, Any]) -> list[list[Any]]:
    """Name and value of variables that are plain and of bounded size, in order of their first assignment."""
    found: list[list[Any]] = []
    for name, value in list(namespace.items()):
        if type(name) is str and not name.startswith("__") and len(name) <= MAX_NAME_CHARACTERS and is_plain(value):
            found.append([name, value])
            if len(found) == MAX_VALUES:
                break
    return found


def is_plain(value: object) -> bool:
    """Exactly an int, bool, str, float or None, and not too big. No method of the value's own class is called."""
    kind = type(value)
    if kind is int:
        return int.bit_length(value) <= MAX_INTEGER_BITS  # type: ignore[arg-type]
    if kind is str:
        return len(value) <= MAX_TEXT_CHARACTERS  # type: ignore[arg-type]
    return kind is bool or kind is float or value is None


def _report(encode: Callable[[Any], str], status: str, detail: str, payload: str, failures: str) -> bytes:
    head = '"ok",""' if status == "ok" and not detail else f"{encode(status)},{encode(detail)}"
    text = f"[{head},{payload},{failures}]"
    return text.encode("utf-8", "surrogatepass")


def enter(
    program: Program, job: memoryview, header: tuple[bytes, int, int, int, int, int], write: Any = os.write,
    leave: Any = os._exit, pack: Any = frames.REPORT.pack, size: Any = len, view: Any = memoryview,
    no_memory: Any = MemoryError, text: Any = str,
) -> None:  # fmt: skip
    """In a confined child: run the job, write its report, and end. Never returns."""
    token, mode, *lengths = header
    try:
        length = lengths[0]
        source = text(job[:length], "utf-8", "surrogatepass")
        if mode == frames.SCRIPT:
            report = program.run(source, None, "")
        else:
            entry = text(job[length : length + lengths[1]], "utf-8", "surrogatepass")
            report = program.run(source, entry, text(job[sum(lengths[:3]) :], "utf-8", "surrogatepass"))
        left = view(pack(token, size(report)) + report)
        while left:
            left = left[write(frames.RESULT, left) :]
    except no_memory:
        leave(frames.MEMORY_EXIT)
    leave(0)


def quiet_streams() -> tuple[TextIO, TextIO]:
    """stdin and stdout as programs get them, over descriptors 0 and 1. Made in the zygote, which never uses them."""
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="surrogateescape", newline="\n", closefd=False)  # noqa: SIM115
    return sys.stdin, sys.stdout
