"""Checking plain data against frozen dataclasses, with messages for people.

Contract: `build` makes an instance of any frozen dataclass from plain data, so a run's configuration, an environment's
options and a recipe's options are held to the same rules; `resolved` is its inverse. Every mistake is one line with the
full path of its key, what was got and what was expected; all mistakes come together in one `ConfigError`. Nothing is
coerced: "3" and true are not numbers, 3.0 is not a whole number; a whole number is accepted where a number is wanted.

It reads no files and knows no configuration.
"""

from __future__ import annotations

import difflib
import functools
import json
import math
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from selfplay.errors import ConfigError, FieldError

T = TypeVar("T")


def nearest(name: str, choices: Iterable[str]) -> str:
    """The end of a message about an unknown name: the most similar choice, if one is similar, and all choices.

    >>> nearest("adam", ["adamw", "muon"])
    'did you mean adamw? one of adamw, muon'
    """
    names = [str(choice) for choice in choices]
    if not names:
        return "there is none to choose from"
    return f"{_did_you_mean(name, names)} one of {', '.join(names)}".lstrip()


def _did_you_mean(name: str, choices: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, choices, n=1)
    return f"did you mean {close[0]}?" if close else ""


@dataclass(frozen=True, slots=True)
class Mistake:
    path: str
    text: str
    origin: str = ""
    """File or override; "" where the path tells it (see `report`)."""


def report(mistakes: Sequence[Mistake], origins: Mapping[str, str], default: str) -> ConfigError:
    """One line a mistake: origin, path, text. The origin of a path is that of its longest known prefix."""
    lines = []
    for mistake in mistakes:
        path = mistake.path
        while path and path not in origins:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        origin = mistake.origin or origins.get(path, default)
        lines.append(": ".join(part for part in (origin, mistake.path, mistake.text) if part))
    return ConfigError("\n".join(lines))


def got(value: object) -> str:
    """`got "3" (text)`: a value as YAML would show it, shortened, and what kind of value it is."""
    shown = json.dumps(value, ensure_ascii=False, default=str, skipkeys=True)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if value is None or isinstance(value, bool):
        return f"got {shown}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"got {shown} (not a finite number)"
    kinds = (
        (Mapping, "a mapping"),
        (list | tuple, "a list"),
        (int, "a whole number"),
        (float, "a number"),
        (str, "text"),
    )
    return f"got {shown} ({next((kind for cls, kind in kinds if isinstance(value, cls)), type(value).__name__)})"


def _metadata(annotation: Any) -> tuple[Any, list[Any]]:
    """An annotation without `Annotated`, and its constraints and description as flat objects."""
    if get_origin(annotation) is not Annotated:
        return annotation, []
    base, *extra = get_args(annotation)
    return base, [item for one in extra for item in (one, *getattr(one, "metadata", ()))]


def _bounds(metadata: Sequence[Any]) -> str:
    """` >= 1 and < 2`: constraints in words; "" if there are none."""
    texts = [
        f"{sign} {getattr(item, key)}"
        for item in metadata
        for key, sign in (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))
        if getattr(item, key, None) is not None
    ]
    sizes = [getattr(item, "min_length", None) for item in metadata]
    texts += [f"of length at least {size}" for size in sizes if size]
    return " " + " and ".join(texts) if texts else ""


def expected_text(annotation: Any) -> str:
    """What a type accepts, in words."""
    base, metadata = _metadata(annotation)
    described = [item.description for item in metadata if getattr(item, "description", None)]
    if described:
        return str(described[0])
    origin, arguments = get_origin(base), get_args(base)
    if origin in (Union, types.UnionType):
        return " or ".join(expected_text(argument) for argument in arguments)
    if origin is Literal:
        return ("one of " if len(arguments) > 1 else "") + ", ".join(map(str, arguments))
    if origin is tuple and Ellipsis not in arguments:
        return f"a list of {len(arguments)}: [{', '.join(map(expected_text, arguments))}]"
    if origin in (list, tuple, Sequence, set, frozenset):
        return f"a list{_bounds(metadata)}" + (f" (each item {expected_text(arguments[0])})" if arguments else "")
    if is_dataclass(base):
        required = [one.name for one in fields(base) if _is_required(one)]
        return "a mapping" + (f" with {', '.join(required)}" if required else "")
    if isinstance(base, type) and issubclass(base, Enum):
        return "one of " + ", ".join(str(member.value) for member in base)
    words = {
        int: "a whole number",
        float: "a number",
        str: "text",
        bool: "true or false",
        type(None): "null",
        Any: "plain data",
    }
    if (origin or base) in (dict, Mapping):
        return "a mapping"
    return words.get(base, getattr(base, "__name__", str(base))) + _bounds(metadata)


_STRICT = ConfigDict(strict=True, allow_inf_nan=False)
_LISTS = (list, tuple, Sequence)


def build(cls: type[T], data: object, path: str = "") -> T:
    """An instance of the frozen dataclass `cls` from plain data (mappings, lists, text, numbers, true/false, null).

    `cls` must be defined at the top level of a module; unknown keys are refused, nested dataclasses are built the same
    way, and a `ValueError` (or `FieldError`) from `__post_init__` is reported like any other mistake. `path` is put in
    front of every key in the messages. Raises `ConfigError` with one line for each mistake.
    """
    mistakes: list[Mistake] = []
    instance = section(cls, data, path, mistakes)
    if mistakes:
        raise report(mistakes, {}, "")
    return cast(T, instance)


def _is_required(one: Any) -> bool:
    return bool(one.init and one.default is MISSING and one.default_factory is MISSING)


def join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


def section(cls: Any, data: object, path: str, mistakes: list[Mistake]) -> Any:
    """A dataclass from a mapping; None after a mistake."""
    if not isinstance(data, Mapping):
        mistakes.append(Mistake(path, f"{got(data)}, expected {expected_text(cls)}"))
        return None
    known = [one for one in fields(cls) if one.init]
    names = [one.name for one in known]
    before, meant, values = len(mistakes), set(), {}
    for key in data:
        if key not in names:
            mistakes.append(Mistake(join(path, str(key)), _unknown(str(key), names)))
            meant.update(difflib.get_close_matches(str(key), names, n=1))
    for one in known:
        where, hint = join(path, one.name), _hints(cls)[one.name]
        if one.name in data:
            values[one.name] = _value(hint, data[one.name], where, mistakes)
        elif _is_required(one) and one.name not in meant:  # a misspelt required key is one mistake, not two
            mistakes.append(Mistake(where, f"got nothing (the key is missing), expected {expected_text(hint)}"))
    if len(mistakes) > before:
        return None
    try:
        return cls(**values)
    except FieldError as error:
        mistakes.append(Mistake(join(path, error.key) if error.key else path, str(error)))
    except ValueError as error:
        mistakes.append(Mistake(path, str(error)))
    return None


def _unknown(key: str, names: Sequence[str]) -> str:
    expected = f"one of {', '.join(names)}" if names else "no keys here"
    return "; ".join(part for part in (f"got an unknown key, expected {expected}", _did_you_mean(key, names)) if part)


def _value(hint: Any, value: object, path: str, mistakes: list[Mistake], expected: str = "") -> Any:
    """A value of the annotated type; sections, lists and mappings are walked so that a mistake has its exact path."""
    base, metadata = _metadata(hint)
    expected = expected or expected_text(hint)
    origin, arguments = get_origin(base), get_args(base)
    if origin in (Union, types.UnionType):
        others = [argument for argument in arguments if argument is not type(None)]
        if value is None and len(others) < len(arguments):
            return None
        if len(others) == 1:
            return _value(others[0], value, path, mistakes, expected)
    elif is_dataclass(base):
        return section(base, value, path, mistakes)
    elif base is Any:
        return _plain(value, path, mistakes)
    elif (origin or base) in (dict, Mapping):
        return _mapping(arguments[1] if arguments else Any, value, path, mistakes, expected)
    elif (origin or base) in _LISTS:
        return _list(base, metadata, value, path, mistakes, expected)
    return _leaf(hint, value, path, mistakes, expected)


def _mapping(item: Any, value: object, path: str, mistakes: list[Mistake], expected: str) -> Any:
    if not isinstance(value, Mapping):
        mistakes.append(Mistake(path, f"{got(value)}, expected {expected}"))
        return None
    for key in value:
        if not isinstance(key, str):
            mistakes.append(Mistake(join(path, str(key)), f"{got(key)} as a key, expected text: put it in quotes"))
    return {key: _value(item, one, join(path, str(key)), mistakes) for key, one in value.items()}


def _list(base: Any, metadata: list[Any], value: object, path: str, mistakes: list[Mistake], expected: str) -> Any:
    arguments = get_args(base)
    is_fixed = (get_origin(base) or base) is tuple and arguments and Ellipsis not in arguments
    if not isinstance(value, (list, tuple)) or (is_fixed and len(value) != len(arguments)):
        mistakes.append(Mistake(path, f"{got(value)}, expected {expected}"))
        return None
    hints = arguments if is_fixed else [arguments[0] if arguments else Any] * len(value)
    before = len(mistakes)
    items = [
        _value(hint, one, f"{path}[{i}]", mistakes) for i, (hint, one) in enumerate(zip(hints, value, strict=True))
    ]
    made = tuple(items) if (get_origin(base) or base) is tuple else items
    if metadata and len(mistakes) == before:
        try:
            TypeAdapter(Annotated[(type(made), *metadata)]).validate_python(made)  # type: ignore[arg-type, misc, valid-type, unused-ignore]
        except ValidationError:
            mistakes.append(Mistake(path, f"{got(value)}, expected {expected}"))
    return made


def _plain(value: object, path: str, mistakes: list[Mistake]) -> Any:
    """Data for somebody else's check: anything YAML can say, with text keys."""
    if isinstance(value, Mapping):
        return _mapping(Any, value, path, mistakes, "")
    if isinstance(value, (list, tuple)):
        return [_plain(one, f"{path}[{i}]", mistakes) for i, one in enumerate(value)]
    if not isinstance(value, (str, int, float, bool, types.NoneType)):
        mistakes.append(Mistake(path, f"{got(value)}, expected plain data (text, numbers, lists, mappings)"))
    return value


def _leaf(hint: Any, value: object, path: str, mistakes: list[Mistake], expected: str) -> Any:
    base, _ = _metadata(hint)
    if get_origin(base) is Literal:
        for choice in get_args(base):  # by type too: in Python True == 1
            if choice == value and type(choice) is type(value):
                return choice
        meant = _did_you_mean(str(value), [str(choice) for choice in get_args(base)])
        mistakes.append(Mistake(path, f"{got(value)}, expected {expected}" + (f"; {meant}" if meant else "")))
        return None
    try:
        # Through JSON, because there pydantic's strict mode takes exactly what YAML can say for a type (text for an
        # enumeration member, a list for a set), and still coerces nothing.
        return TypeAdapter(hint, config=_STRICT).validate_json(json.dumps(value))
    except (ValidationError, TypeError, ValueError):
        mistakes.append(Mistake(path, f"{got(value)}, expected {expected}"))
        return None


def resolved(config: object) -> dict[str, Any]:
    """A configuration dataclass as plain data, every default written out; `build(type(config), …)` gives it back."""
    if not is_dataclass(config) or isinstance(config, type):
        raise TypeError(f"expected an instance of a configuration dataclass, got {type(config).__name__}")
    return {one.name: _plain_data(getattr(config, one.name)) for one in fields(config) if one.init}


def _plain_data(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return resolved(value)
    if isinstance(value, Mapping):
        return {key: _plain_data(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain_data(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, PurePath) else value
