"""Values in JSON rows: plain JSON means itself, and objects with one `$` key mean what JSON has no form for.

    {"$tuple": […]}  {"$set": […]}  {"$frozenset": […]}  {"$bytes": "hex"}  {"$complex": [re, im]}
    {"$dict": [[key, value]…]}      a dict, also with keys that are not text or that begin with `$`
    {"$float": "nan" | "inf" | "-inf" | "0x1.8p+1"}

An object without such a key is a dict with text keys. Whatever else begins with `$` is a mistake, and the error says
where it is. `1` is an int and `1.0` a float. Nothing is evaluated.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 50
_SPECIAL_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def read(text: str, name: str = "value") -> Any:
    """The value of a JSON text. Raises ValueError that says where in it (as `name`) a mistake is."""
    try:
        parsed = json.loads(text)
    except RecursionError:
        raise ValueError(f"{name}: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{name}: not JSON: {error}") from None
    return from_json(parsed, name)


def write(value: Any) -> str:
    """The JSON text of a value. Raises ValueError for a type that has no form."""
    return json.dumps(to_json(value), allow_nan=False)


def from_json(parsed: Any, where: str = "value", depth: int = MAX_DEPTH) -> Any:
    """The value that a parsed JSON text means. Raises ValueError."""
    kind = type(parsed)
    if kind is float and not math.isfinite(parsed):
        raise ValueError(f'{where}: got {parsed}, which JSON has no form for; write {{"$float": "{parsed}"}}')
    if kind is not list and kind is not dict:
        return parsed
    if depth == 0:
        raise ValueError(f"{where}: nested deeper than {MAX_DEPTH}")
    if kind is list:
        return [from_json(item, f"{where}[{index}]", depth - 1) for index, item in enumerate(parsed)]
    tags = [key for key in parsed if key.startswith("$")]
    if not tags:
        return {key: from_json(item, f"{where}.{key}", depth - 1) for key, item in parsed.items()}
    if len(parsed) != 1 or tags[0] not in _READERS:
        raise ValueError(
            f"{where}: got an object with the keys {', '.join(map(repr, list(parsed)[:4]))}, expected one of "
            f"{', '.join(_READERS)} alone; a dict with such a key is written {{'$dict': [[key, value]…]}}"
        )
    return _READERS[tags[0]](parsed[tags[0]], f"{where}.{tags[0]}", depth - 1)


def _items(content: Any, where: str, depth: int) -> list[Any]:
    if type(content) is not list:
        raise ValueError(f"{where}: got {type(content).__name__}, expected a list")
    return [from_json(item, f"{where}[{index}]", depth) for index, item in enumerate(content)]


def _tuple(content: Any, where: str, depth: int) -> tuple[Any, ...]:
    return tuple(_items(content, where, depth))


def _distinct(items: list[Any], made: Callable[[list[Any]], Any], where: str) -> Any:
    try:
        collected = made(items)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from None
    if len(collected) != len(items):
        raise ValueError(f"{where}: two elements are equal")
    return collected


def _set(content: Any, where: str, depth: int) -> Any:
    return _distinct(_items(content, where, depth), set, where)


def _frozenset(content: Any, where: str, depth: int) -> Any:
    return _distinct(_items(content, where, depth), frozenset, where)


def _dict(content: Any, where: str, depth: int) -> Any:
    if type(content) is not list or not all(type(pair) is list and len(pair) == 2 for pair in content):
        raise ValueError(f"{where}: expected a list of [key, value] pairs")
    return _distinct(_items(content, where, depth), dict, where)


def _bytes(content: Any, where: str, depth: int) -> bytes:
    try:
        return bytes.fromhex(content)
    except (TypeError, ValueError):
        raise ValueError(f"{where}: expected text of hexadecimal digits") from None


def _complex(content: Any, where: str, depth: int) -> complex:
    parts = _items(content, where, depth)
    if len(parts) != 2 or not all(type(part) in (int, float) for part in parts):
        raise ValueError(f"{where}: expected two numbers")
    try:
        return complex(*parts)
    except OverflowError:
        raise ValueError(f"{where}: a part is too large") from None


def _float(content: Any, where: str, depth: int) -> float:
    if type(content) is str:
        if content in _SPECIAL_FLOATS:
            return _SPECIAL_FLOATS[content]
        try:
            return float.fromhex(content)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f'{where}: expected "nan", "inf", "-inf" or a hexadecimal float such as "0x1.8p+1"')


_READERS: dict[str, Callable[[Any, str, int], Any]] = {
    "$tuple": _tuple,
    "$set": _set,
    "$frozenset": _frozenset,
    "$dict": _dict,
    "$bytes": _bytes,
    "$complex": _complex,
    "$float": _float,
}


def to_json(value: Any, depth: int = MAX_DEPTH) -> Any:
    """What `json.dumps` can write, and `from_json` reads back as the same value. Raises ValueError."""
    kind = type(value)
    if value is None or kind is bool or kind is int or kind is str:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": str(value)}
    if kind is bytes:
        return {"$bytes": value.hex()}
    if kind is complex:
        return {"$complex": [to_json(value.real), to_json(value.imag)]}
    if depth == 0:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    if kind is list:
        return [to_json(item, depth - 1) for item in value]
    if kind in (tuple, set, frozenset):
        return {f"${kind.__name__}": [to_json(item, depth - 1) for item in value]}
    if kind is dict:
        if all(type(key) is str and not key.startswith("$") for key in value):
            return {key: to_json(item, depth - 1) for key, item in value.items()}
        return {"$dict": [[to_json(key, depth - 1), to_json(item, depth - 1)] for key, item in value.items()]}
    raise ValueError(f"a value of type {kind.__name__} has no form in JSON rows")
