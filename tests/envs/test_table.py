"""Finding and making environments by name."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import pytest

from envs import ENVIRONMENTS, equations, find_environment, make_environment, programs
from scripts.envs import option_rows
from selfplay.checking import build
from selfplay.errors import ConfigError


def options_of(name: str) -> set[str]:
    return {one.name for one in fields(ENVIRONMENTS[name].options)}


@pytest.mark.parametrize("name", [name for name in ENVIRONMENTS if {"style", "max_level"} <= options_of(name)])
def test_an_environment_is_made_from_its_options(name: str) -> None:
    options = build(ENVIRONMENTS[name].options, {"style": "instruct", "max_level": 3}, "env.options")
    made = make_environment(name, options)
    assert (made.name, made.levels[-1], made.options) == (name, 3, options)
    assert make_environment(name).options == ENVIRONMENTS[name].options()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_option_has_a_default_a_meaning_and_a_frozen_place(name: str) -> None:
    options = ENVIRONMENTS[name].options
    rows = list(option_rows(options))
    assert [row["name"] for row in rows if not row["meaning"]] == []
    assert options.__dataclass_params__.frozen
    assert "__slots__" in vars(options)


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("data", [{"style": "loud"}, {"max_level": 0}, {"max_level": 10**6}, {"levls": 3}])
def test_options_out_of_range_are_refused_with_their_key(name: str, data: dict[str, object]) -> None:
    key = next(iter(data))
    if key != "levls" and key not in options_of(name):
        pytest.skip(f"{name} has no {key}")
    with pytest.raises(ConfigError, match=f"env.options.{key}"):
        build(ENVIRONMENTS[name].options, data, "env.options")


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match="did you mean 'equations'"):
        find_environment("equation")


def test_options_of_another_environment_are_refused() -> None:
    with pytest.raises(TypeError, match=r"expected envs\.programs\.Options"):
        make_environment("programs", equations.Options())
    assert isinstance(make_environment("programs", programs.Options()), programs.Programs)


def test_importing_environments_imports_neither_torch_nor_sympy() -> None:
    program = "import envs, sys; print(*sorted({'torch', 'sympy', 'transformers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
