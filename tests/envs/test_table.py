"""Finding and making environments by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from envs import ENVIRONMENTS, equations, find_environment, make_environment, programs
from selfplay.checking import build
from selfplay.errors import ConfigError


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_is_made_from_its_options(name: str) -> None:
    options = build(ENVIRONMENTS[name].options, {"style": "instruct", "max_level": 3}, "env.options")
    made = make_environment(name, options)
    assert (made.name, made.levels, made.options) == (name, range(1, 4), options)
    assert make_environment(name).options == ENVIRONMENTS[name].options()


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("data", [{"style": "loud"}, {"max_level": 0}, {"max_level": 99}, {"levels": 3}])
def test_options_out_of_range_are_refused_with_their_key(name: str, data: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"env.options.{next(iter(data))}"):
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
