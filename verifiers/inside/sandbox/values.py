"""Values as JSON text, exactly: what is decoded has the same types, bits and nesting as what was encoded.

None, bool, int, float (nan and infinities too), str (lone surrogates too), and lists of them are plain JSON. Everything
else is an object with one key: {"tuple": […]}, {"set": […]}, {"frozenset": […]}, {"dict": [[key, value]…]},
{"bytes": "hex"}, {"complex": [re, im]}, {"int": "hex"} for integers of more than 4096 bits. Text is UTF-8 with lone
surrogates passed through, never `\\u` escapes, because two escaped surrogates would be read as one character.

The type of a value must be exactly one of these: a subclass is refused, and no method of the value's own class is
called. The decoder trusts nothing: it checks every shape again, and refuses sets and dicts whose elements were chosen
to have equal hashes. Nothing is evaluated or unpickled.
"""

from __future__ import annotations

import builtins
import json
import json.encoder
import json.scanner
import re
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, Protocol

__builtins__ = dict(vars(builtins))  # type: ignore[assignment]
"""The functions below keep builtins of their own, which a program that replaces builtins does not reach."""

MAX_DEPTH = 50
OUTSIDE = 2
"""Inputs and reports are lists (of lists) of values, so they may be this much deeper."""
MAX_PLAIN_BITS = 4096
"""Larger integers travel in hexadecimal: reading decimals takes quadratic time and Python bounds their length."""
MAX_EQUAL_HASHES = 32
MIN_SUSPICIOUS = 500
"""A smaller set or dict is quick to build whatever its elements."""

_HEX_INTEGER = re.compile(r"-?[0-9a-f]+")
_SCALAR_TYPES = (type(None), bool, int, float, str)
SCALARS = frozenset(map(id, _SCALAR_TYPES))
"""Identities of the types that are plain JSON: comparing identities calls no metaclass's `__eq__` or `__hash__`."""

LISTS = frozenset([id(list)])


class UnsupportedTypeError(ValueError):
    """A value, or something in it, is not exactly of one of the types; the message is the type's name."""


class TooDeepError(ValueError):
    """A value is nested too deeply (or contains itself)."""


class DecodeError(ValueError):
    """A text is not what `encode` writes."""


class Encoder(Protocol):
    """Writes a value, nested at most `depth` deep. Raises UnsupportedTypeError or TooDeepError."""

    def __call__(self, value: Any, depth: int = ...) -> str: ...


def make_encoder() -> Encoder:
    """The encoder as a closure: a program that replaces functions of modules afterwards does not reach what it uses."""

    def refuse(value: Any, kind: Callable[[Any], Any] = type) -> Any:
        raise UnsupportedTypeError(kind(value).__name__)

    dump = _dumper(refuse)
    tag = _tagger()

    def encode(
        value: Any, depth: int = MAX_DEPTH, kind: Any = type, identify: Any = id, every: Any = map, collect: Any = set,
        scalars: Any = SCALARS, lists: Any = LISTS, list: Any = list, flatten: Any = chain.from_iterable,
        join: Any = "".join, no_decimal: Any = ValueError,
    ) -> str:  # fmt: skip
        plain = identify(kind(value)) in scalars
        if kind(value) is list:
            kinds = collect(every(identify, every(kind, value)))
            plain = kinds <= scalars or (
                kinds == lists and collect(every(identify, every(kind, flatten(value)))) <= scalars
            )
        if plain:
            try:
                return join(dump(value, 0))  # type: ignore[no-any-return]
            except no_decimal:  # an integer of more digits than may be written in decimal
                pass
        return join(dump(tag(value, depth), 0))  # type: ignore[no-any-return]

    return encode


def make_plain_encoder() -> Callable[[list[Any]], str]:
    """An encoder for lists whose elements are known to be plain. Raises ValueError for a very large integer."""

    def refuse(value: Any) -> Any:
        raise UnsupportedTypeError("not plain")

    dump, join = _dumper(refuse), "".join
    return lambda value: join(dump(value, 0))


def _dumper(refuse: Callable[[Any], Any]) -> Callable[[Any, int], Iterable[str]]:
    """JSON's encoder in C where there is one, its parts bound now."""
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        whole = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=refuse).encode
        return lambda value, level: (whole(value),)
    quote = json.encoder.encode_basestring
    encoder: Callable[[Any, int], Iterable[str]] = make(None, refuse, quote, None, ":", ",", False, False, True)
    return encoder


def _tagger() -> Callable[[Any, int], Any]:
    """The function that writes a value of any allowed type with JSON's types only."""

    def tag(
        value: Any, depth: int, kind: Any = type, bits: Any = int.bit_length, pairs: Any = dict.items,
        unsupported: Any = UnsupportedTypeError, too_deep: Any = TooDeepError, int: Any = int, float: Any = float,
        str: Any = str, bool: Any = bool, list: Any = list, tuple: Any = tuple, set: Any = set,
        frozenset: Any = frozenset, dict: Any = dict, bytes: Any = bytes, complex: Any = complex,
    ) -> Any:  # fmt: skip
        own = kind(value)
        if value is None or own is str or own is bool or own is float:
            return value
        if own is int:
            return value if bits(value) <= MAX_PLAIN_BITS else {"int": f"{value:x}"}
        if own is bytes:
            return {"bytes": value.hex()}
        if own is complex:
            return {"complex": [value.real, value.imag]}
        if depth == 0:
            raise too_deep(f"nested deeper than {MAX_DEPTH}")
        if own is list:
            return [tag(item, depth - 1) for item in value]
        if own is tuple:
            return {"tuple": [tag(item, depth - 1) for item in value]}
        if own is dict:
            return {"dict": [[tag(key, depth - 1), tag(item, depth - 1)] for key, item in pairs(value)]}
        if own is set:
            return {"set": [tag(item, depth - 1) for item in value]}
        if own is frozenset:
            return {"frozenset": [tag(item, depth - 1) for item in value]}
        raise unsupported(own.__name__ if kind(own) is kind else "a class with a metaclass of its own")

    return tag


encode = make_encoder()
"""A value as JSON text."""


def decode(text: str, depth: int = MAX_DEPTH) -> Any:
    """The value of a text, nested at most `depth` deep. Raises DecodeError for what `encode` does not write."""
    try:
        return untag(parse(text), depth)
    except DecodeError:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise DecodeError(f"not an encoded value: {type(error).__name__}: {str(error)[:100]}") from None


def decode_own(text: str) -> Any:
    """Like `decode`, for a text that the other side of this project wrote: what has no object has nothing to check."""
    return decode(text, MAX_DEPTH + OUTSIDE) if "{" in text else parse(text)


def parse(text: str) -> Any:
    """A JSON text without white space around it. Raises ValueError."""
    try:
        value, end = _SCAN(text, 0)
    except StopIteration:
        raise ValueError("not JSON") from None
    if end != len(text):
        raise ValueError("something follows")
    return value


_SCAN: Callable[[str, int], tuple[Any, int]] = json.scanner.make_scanner(json.JSONDecoder(parse_constant=float))  # type: ignore[arg-type]


def untag(value: Any, depth: int) -> Any:
    """The value that a parsed JSON text means."""
    kind = type(value)
    if kind is list:
        if depth == 0:
            raise DecodeError("nested too deeply")
        kinds = set(map(id, map(type, value)))
        if kinds <= SCALARS:
            return value
        if kinds == LISTS and depth > 1 and set(map(id, map(type, chain.from_iterable(value)))) <= SCALARS:
            return value
        return [untag(item, depth - 1) for item in value]
    if kind is not dict:
        return value
    if len(value) != 1:
        raise DecodeError("an object that is no tag")
    ((tag, content),) = value.items()
    if tag == "int" and type(content) is str and _HEX_INTEGER.fullmatch(content):
        return int(content, 16)
    if tag == "bytes" and type(content) is str and content.isascii() and " " not in content:
        return bytes.fromhex(content)
    if tag == "complex" and _is_two_floats(content):
        return complex(*content)
    if depth == 0:
        raise DecodeError("nested too deeply")
    if type(content) is list:
        return _container(tag, content, depth)
    raise DecodeError(f"no value has the tag {tag[:40]!r}")


def _is_two_floats(content: Any) -> bool:
    return type(content) is list and len(content) == 2 and all(type(part) is float for part in content)


def _container(tag: str, content: list[Any], depth: int) -> Any:
    if tag == "dict":
        if not all(type(pair) is list and len(pair) == 2 for pair in content):
            raise DecodeError("a dict is written as pairs")
        keys = [untag(key, depth - 1) for key, _ in content]
        check_hashes(keys)
        decoded = dict(zip(keys, [untag(item, depth - 1) for _, item in content], strict=True))
        return _complete(decoded, content)
    items = [untag(item, depth - 1) for item in content]
    if tag == "tuple":
        return tuple(items)
    if tag in ("set", "frozenset"):
        check_hashes(items)
        return _complete(set(items) if tag == "set" else frozenset(items), content)
    raise DecodeError(f"no value has the tag {tag[:40]!r}")


def _complete(made: Any, content: list[Any]) -> Any:
    if len(made) != len(content):
        raise DecodeError("two elements of a set or keys of a dict are equal")
    return made


def check_hashes(elements: list[Any]) -> None:
    """Raise DecodeError for many elements with one hash: building a set of them would take quadratic time."""
    if len(elements) < MIN_SUSPICIOUS:
        return
    hashes = sorted(map(hash, elements))
    for low, high in zip(hashes, hashes[MAX_EQUAL_HASHES:], strict=False):
        if low == high:
            raise DecodeError(f"more than {MAX_EQUAL_HASHES} elements of a set or dict have the same hash")
