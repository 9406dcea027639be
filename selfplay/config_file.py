"""Configuration files: YAML that is read, laid over what it extends, overridden from a command line, and written back.

Contract: `load_config` turns a file and `key.path=value` overrides into a checked `RunConfig`; `dump_yaml` and
`read_yaml` write and read the same dialect, so what `resolved` gives comes back equal. A mistake names the file or
override that it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from selfplay.checking import Mistake, expected_text, got, join, nearest, report, section
from selfplay.config import RunConfig
from selfplay.errors import ConfigError


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema: 2e-3 is a number, 010 is ten, and on, yes, 1:30 and 2026-01-01 are text."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  PyYAML's own attribute, filled below


class _Dumper(yaml.SafeDumper):
    """Quotes every text that PyYAML's own rules or `_Loader` would read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, data: str) -> yaml.ScalarNode:
        # Unicode's other line breaks survive only as escapes, which only double quotes have.
        style = '"' if re.search("[\x85\u2028\u2029\ufeff]", data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


_SCALARS: dict[str, tuple[str, str, Callable[[str], Any]]] = {
    # tag: (pattern, possible first characters, reader)
    "null": (r"~|null|Null|NULL|", "~nN", lambda text: None),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF", lambda text: text.lower() == "true"),
    "int": (
        r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
        "-+0123456789",
        lambda text: int(text, 0 if text[:2] in ("0o", "0x") else 10),
    ),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
        lambda text: float(re.sub(r"\.(?=[a-zA-Z])", "", text)),
    ),
}


def _install(tag: str, pattern: str, first: str, read: Callable[[str], Any]) -> None:
    tag = f"tag:yaml.org,2002:{tag}"
    for one in (_Loader, _Dumper):
        one.add_implicit_resolver(tag, re.compile(rf"(?:{pattern})\Z"), [*first, *([""] if "~" in first else [])])

    def construct(loader: _Loader, node: yaml.ScalarNode) -> Any:
        return read(str(loader.construct_scalar(node)))

    _Loader.add_constructor(tag, construct)


for _tag, (_pattern, _first, _read) in _SCALARS.items():
    _install(_tag, _pattern, _first, _read)


def dump_yaml(data: Mapping[str, Any]) -> str:
    """Plain data as YAML text that `load_config` (and any YAML reader) reads back unchanged; keys stay in order."""
    return str(yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def read_yaml(text: str) -> Any:
    """YAML text as plain data, the inverse of `dump_yaml`; raises yaml.YAMLError."""
    return yaml.load(text, Loader=_Loader)


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig:
    """The run that the YAML file at `path` describes, changed by `overrides`.

    A file may name another with `extends: other.yaml`, relative to itself: mappings are merged key by key, anything
    else replaces what it extends. Each override is `key.path=value`, with the value written as in YAML; a later one
    wins, and a mapping given as a value replaces the whole section. Raises `ConfigError` with one line a mistake.
    """
    mistakes: list[Mistake] = []
    origins: dict[str, str] = {}
    data = _read_file(Path(path), (), origins, mistakes)
    for text in overrides:
        _override(data, text, origins, mistakes)
    config = section(RunConfig, data, "", mistakes)
    if mistakes:
        raise report(mistakes, origins, str(path))
    return cast(RunConfig, config)


def _read_file(path: Path, chain: tuple[Path, ...], origins: dict[str, str], mistakes: list[Mistake]) -> dict[str, Any]:
    """A file's data with what it extends merged beneath; `chain` are the files that led here."""
    if path.resolve() in [one.resolve() for one in chain]:
        circle = " extends ".join(map(str, (*chain, path)))
        raise ConfigError(
            f"{chain[-1]}: extends: got a circle ({circle}), expected a file that does not lead back here"
        )
    data = _parse(_read_text(path, chain), str(path), mistakes)
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: {got(data)}, expected {expected_text(RunConfig)}")
    base = data.pop("extends", None)
    beneath: dict[str, Any] = {}
    if isinstance(base, str):
        beneath = _read_file(path.parent / base, (*chain, path), origins, mistakes)
    elif base is not None:
        mistakes.append(Mistake("extends", f"{got(base)}, expected the name of a YAML file", str(path)))
    origins.update(dict.fromkeys(_paths(data), str(path)))
    return _merge(beneath, data)


def _read_text(path: Path, chain: tuple[Path, ...]) -> str:
    at = f"{chain[-1]}: extends: " if chain else ""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        folder = path.parent
        there = sorted(one.name for one in folder.glob("*.y*ml")) if folder.is_dir() else []
        hint = f"; in {folder}: {nearest(path.name, there)}" if there else ""
        raise ConfigError(f"{at}{path}: got no such file, expected a YAML file{hint}") from None
    except IsADirectoryError:
        raise ConfigError(f"{at}{path}: got a directory, expected a YAML file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{at}{path}: got bytes that are not UTF-8 text (at byte {error.start}), expected YAML"
        ) from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise ConfigError(f"{at}{path}: cannot be read ({reason}), expected a YAML file") from None


def _parse(text: str, origin: str, mistakes: list[Mistake], path: str = "") -> Any:
    """YAML text, the value of the key `path`, as plain data.

    Keys given twice go to `mistakes`; what is not YAML raises `ConfigError`.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check_nodes(node, path, origin, (), set(), mistakes)
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"{origin}: {where}not YAML: {what}") from None
    except yaml.reader.ReaderError as error:
        lines = text[: error.position].split("\n")
        where = f"line {len(lines)}, column {len(lines[-1]) + 1}"
        raise ConfigError(f"{origin}: {where}: not YAML: a character that text may not contain") from None
    except RecursionError:
        raise ConfigError(f"{origin}: not usable: lists or mappings are nested too deeply") from None
    except ValueError as error:
        raise ConfigError(f"{origin}: not YAML: {error}") from None


def _check_nodes(
    node: yaml.Node, path: str, origin: str, above: tuple[int, ...], seen: set[int], mistakes: list[Mistake]
) -> None:
    """Find keys given twice (PyYAML would silently keep the last) and values that contain themselves."""
    if id(node) in above:
        raise ConfigError(f"{origin}: {path}: got a value that contains itself, expected plain data")
    if id(node) in seen:
        return
    seen.add(id(node))
    above = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            _check_nodes(item, f"{path}[{i}]", origin, above, seen, mistakes)
    elif isinstance(node, yaml.MappingNode):
        first: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            line, known = key.start_mark.line + 1, first.get((key.tag, name))
            if known is not None and isinstance(key, yaml.ScalarNode):
                text = f"got the key twice (lines {known} and {line}), expected it once"
                mistakes.append(Mistake(join(path, name), text, origin))
            first[key.tag, name] = line
            _check_nodes(value, join(path, name), origin, above, seen, mistakes)


def _override(data: dict[str, Any], text: str, origins: dict[str, str], mistakes: list[Mistake]) -> None:
    """Set one `key.path=value` in `data`."""
    origin = "override " + text.replace("\n", "\\n")
    path, equals, value = text.partition("=")
    path = path.strip()
    keys = path.split(".")
    wanted = "key.path=value, such as learner.learning_rate=1e-3"
    if not equals or not all(keys):
        mistakes.append(Mistake("", f"got {'no = sign' if not equals else 'an empty key'}, expected {wanted}", origin))
        return
    if not value.strip():
        mistakes.append(
            Mistake(path, "got no value after =, expected one (null for nothing, '' for empty text)", origin)
        )
        return
    try:
        parsed = _parse(value, origin, mistakes, path)
    except ConfigError as error:
        mistakes.append(Mistake("", str(error).removeprefix(f"{origin}: "), origin))
        return
    inside: Any = data
    for depth, key in enumerate(keys[:-1], start=1):
        if inside.get(key) is None:
            inside[key] = {}
            origins[".".join(keys[:depth])] = origin
        inside = inside[key]
        if not isinstance(inside, dict):
            through = ".".join(keys[:depth])
            mistakes.append(Mistake(through, f"{got(inside)}, expected a mapping that holds {keys[depth]}", origin))
            return
    inside[keys[-1]] = parsed
    origins[path] = origin


def _paths(data: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The full path of every key in nested mappings."""
    for key, value in data.items():
        yield join(path, str(key))
        if isinstance(value, Mapping):
            yield from _paths(value, join(path, str(key)))


def _merge(beneath: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `beneath`: two mappings are merged key by key, anything else is replaced."""
    merged = dict(beneath)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
