"""The README tells the truth: its tree is the tree, its commands exist, and its four extensions run as they stand."""

from __future__ import annotations

import fnmatch
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from scripts.train import main

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROOMS = ("selfplay", "envs", "verifiers", "scripts", "configs", "benchmarks")
CONFIGS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "configs").rglob("*.yaml")
    if path.parent.name != "accelerate"  # those are the launcher's
)


def blocks(language: str, text: str = README) -> list[str]:
    """The fenced code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


# The tree -------------------------------------------------------------------------------------------------------------


def drawn_tree() -> list[str]:
    """Every path that the README's tree names; a folder ends with a slash."""
    (tree,) = [block for block in blocks("text") if block.startswith("selfplay/")]
    paths: list[str] = []
    above: list[str] = []
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        names = re.split(r"\s{2,}", line.strip())[0].split()
        paths += ["".join(above[:depth]) + name for name in names]
        above[depth:] = names
    return paths


def ignored(name: str) -> bool:
    """Whether git ignores a file or folder of this name."""
    patterns = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    return any(fnmatch.fnmatch(name, pattern.strip("/")) for pattern in patterns)


def real_tree() -> Iterator[str]:
    """Top-level entries, and the files of every room: modules, configurations, results."""
    for entry in ROOT.iterdir():
        if not ignored(entry.name) and (not entry.name.startswith(".") or entry.name == ".ci"):
            yield entry.name + ("/" if entry.is_dir() else "")
    for room in ROOMS:
        for path in (ROOT / room).rglob("*"):
            if path.suffix in (".py", ".yaml", ".md") and path.name != "__init__.py" and not ignored(path.parent.name):
                yield path.relative_to(ROOT).as_posix()


def test_every_part_of_the_tree_is_in_the_readme() -> None:
    assert sorted(set(real_tree()) - set(drawn_tree())) == []


def test_every_part_of_the_readmes_tree_is_there_and_drawn_once() -> None:
    drawn = drawn_tree()
    assert [path for path in drawn if not (ROOT / path).exists()] == []
    assert [path for path in drawn if path.endswith("/") != (ROOT / path).is_dir()] == []
    assert len(drawn) == len(set(drawn))


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "PAPERS.md", "docs/design.md"])
def test_every_link_within_the_project_leads_somewhere(document: str) -> None:
    text = re.sub(r"^```.*?^```", "", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert links
    assert [link for link in links if not ((ROOT / document).parent / link).exists()] == []


# The commands ---------------------------------------------------------------------------------------------------------


def commands() -> list[list[str]]:
    """The words of every command line in a bash block."""
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def test_the_two_commands_come_first() -> None:
    assert [words for words in commands() if words[0] == "make"][:2] == [["make", "quickstart"], ["make", "test"]]


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {words[1] for words in commands() if words[0] == "make"}
    named |= {name.removeprefix("make ") for name in re.findall(r"`(make [a-z-]+)`", README)}
    assert len(named) >= 5
    assert named <= targets


def test_every_module_and_configuration_that_a_command_names_exists() -> None:
    modules, files = set(), set()
    for words in commands():
        pairs = list(itertools.pairwise(words))
        modules |= {value for option, value in pairs if option == "-m"}
        files |= {value for option, value in pairs if option in ("--config", "--config_file")}
    assert "scripts.train" in modules
    assert [module for module in modules if find_spec(module) is None] == []
    assert [file for file in files if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize("config", CONFIGS)
def test_every_configuration_passes_a_dry_run(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(ROOT / config), "--dry-run"]) == 0
    assert "# recipe " in capsys.readouterr().out


# The extensions -------------------------------------------------------------------------------------------------------

TABLES = {
    "environment": ("envs/__init__.py", "ENVIRONMENTS", "from envs import sums\n"),
    "verifier": ("verifiers/__init__.py", "VERIFIERS", "from verifiers.choice import ChoiceVerifier\n"),
    "reward": ("selfplay/learnability.py", "FORMULAS", ""),
    "recipe": ("selfplay/recipes/__init__.py", "RECIPES", "from selfplay.recipes import keep_correct\n"),
}
"""By kind: the file with the table, the table, and the import that its new line needs."""

PLAY = """
from pathlib import Path
from tempfile import mkdtemp
from envs import make_environment
from selfplay.recipes.expert_iteration import Config, run
from selfplay.scripted import scripted_lab
from verifiers import make_verifier

env = make_environment("sums")
with make_verifier(env.verifier) as verifier:
    lab = scripted_lab(Path(mkdtemp()) / "run", env, verifier, rounds=2)
    run(lab, Config(num_proposals=32, mutation=0.0, filler=0))
first, last = lab.record.metrics()
assert first["valid"] > 0.5, first
assert sum(last["held_out"]["sums"].values()) > 1.0, last
assert last["verdicts"]["fault"] == last["verdicts"]["undecided"] == 0, last
"""


def section(kind: str) -> str:
    """The README's section about writing one of the four."""
    (text,) = re.findall(rf"^### An? {kind}\n(.*?)(?=^##)", README, re.DOTALL | re.MULTILINE)
    return str(text)


def install(kind: str, folder: Path) -> str:
    """Copy the packages, write the section's files among them and its line into its table; gives the block."""
    for package in ("selfplay", "envs", "verifiers"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (block,) = blocks("python", section(kind))
    parts = re.split(r"^# (\S+\.py)\n", block, flags=re.MULTILINE)
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    file, table, needed = TABLES[kind]
    (line,) = re.findall(r'`("\w+": [^`]+,)`', section(kind))
    path = folder / file
    head, opening, rest = path.read_text(encoding="utf-8").partition(f"{table}: ")
    before, brace, after = rest.partition("= {\n")
    if kind == "reward":  # its function goes into the file of its table
        (needed,) = re.findall(r"^def .*?\n\n", block, re.DOTALL | re.MULTILINE)
    path.write_text(f"{head}{needed}{opening}{before}{brace}    {line}\n{after}", encoding="utf-8")
    return block


def python(folder: Path, *arguments: str) -> str:
    """What Python prints, run in `folder`."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", TABLES)
def test_an_extension_takes_under_forty_lines_of_code(kind: str) -> None:
    (block,) = blocks("python", section(kind))
    assert sum(bool(line.strip()) for line in block.splitlines()) < 40


@pytest.mark.parametrize("kind", ["verifier", "reward", "recipe"])
def test_an_extension_runs_as_the_readme_says(kind: str, tmp_path: Path) -> None:
    block = install(kind, tmp_path)
    (expected,) = re.findall(r"# prints: (.*)", block)
    assert python(tmp_path, "try_it.py") == f"{expected}\n"


def test_the_environment_of_the_readme_plays_the_quickstarts_recipe(tmp_path: Path) -> None:
    install("environment", tmp_path)
    python(tmp_path, "-c", PLAY)


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        ("verifier", "from verifiers import make_verifier; make_verifier('choice').close()"),
        (
            "reward",
            "from selfplay.rewards import Pay; Pay('one_in_four')",
        ),
        ("recipe", "from selfplay.recipes import RECIPES; RECIPES['keep_correct'].Config()"),
    ],
)
def test_its_line_in_the_table_is_enough_to_find_it_by_name(kind: str, check: str, tmp_path: Path) -> None:
    install(kind, tmp_path)
    python(tmp_path, "-c", check)
