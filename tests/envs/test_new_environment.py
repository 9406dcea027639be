"""`docs/new_environment.md` tells the truth: its environment works as it stands there, with one line in a table."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "new_environment.md").read_text(encoding="utf-8")
FILE, LINE, CASE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
MAX_LINES = 60
CHECKS = "sorting and not made_of_the_vocabulary"
"""All but the one that needs torch, whose import takes longer than the rest: the vocabulary is the default one."""
PLAY = """
from pathlib import Path
from tempfile import mkdtemp
from envs import make_environment
from selfplay.gate import Gate
from selfplay.recipes.expert_iteration import Config, run
from selfplay.scripted import ScriptedPolicy, scripted_lab
from selfplay.stages import propose, solve, validate, verify
from selfplay.types import Sampling
from verifiers import make_verifier

env = make_environment("sorting")
with make_verifier(env.verifier) as verifier:
    policy = ScriptedPolicy(env, reach=8, junk=0.0)
    problems = [p.problem for p in validate(propose(policy, env, 20, 0, Sampling()), env, Gate(()), 0) if p.problem]
    episodes = verify(problems, solve(policy, env, problems, 2, 0, Sampling()), env, verifier)
    assert len(episodes) > 10, episodes
    assert all(attempt.correct for episode in episodes for attempt in episode.attempts), episodes
    lab = scripted_lab(Path(mkdtemp()) / "run", env, verifier, rounds=2)
    run(lab, Config(num_proposals=32, mutation=0.0, filler=0))
last = lab.record.metrics()[-1]
assert last["valid"] > 0.5, last
assert sum(last["held_out"]["sorting"].values()) > 1.0, last
"""
COMMANDS = """
from scripts import envs, play, problems

assert envs.main([]) == envs.main(["sorting"]) == 0
assert play.main(["--env", "sorting"]) == 0
assert problems.main("--env sorting --output sorting.jsonl --levels 3-8 --count 5".split()) == 0
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is needed, with the page's two files and its line."""
    folder = tmp_path_factory.mktemp("checkout")
    for part in ("selfplay", "envs", "verifiers", "scripts", "tests/envs", "tests/golden"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for text in (FILE, CASE):
        (name,) = re.findall(r"^# (\S+\.py)\n", text)
        (folder / name).write_text(text, encoding="utf-8")
    table = folder / "envs" / "__init__.py"
    source = table.read_text(encoding="utf-8")
    opening = "ENVIRONMENTS: dict[str, Entry] = {\n"
    assert source.count(opening) == 1
    table.write_text(source.replace(opening, f"from envs import sorting\n\n{opening}{LINE}"), encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str, typed: str = "") -> str:
    """What Python prints, run in the copy."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, input=typed, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_file_is_short_and_the_table_needs_one_line() -> None:
    assert len(FILE.splitlines()) < MAX_LINES
    assert len(LINE.splitlines()) == 1


def test_it_proposes_solves_and_verifies_and_plays_a_recipe(checkout: Path) -> None:
    run(checkout, "-W", "error", "-c", PLAY)


@pytest.mark.parametrize(
    ("files", "count"),
    [
        (["tests/envs/test_environments.py", "tests/golden"], 15),
        pytest.param(["tests/envs/test_variations.py", "tests/envs/test_reading.py", "tests/envs/test_table.py"], 8,
                     marks=pytest.mark.slow),
    ],
    ids=["environments", "others"],
)  # fmt: skip
def test_it_passes_the_tests_of_every_environment_and_of_its_playthrough(
    checkout: Path, files: list[str], count: int
) -> None:
    run(checkout, "-m", "scripts.golden", "sorting")
    said = run(checkout, "-m", "pytest", "-p", "no:cacheprovider", *files, "-k", CHECKS)
    assert int(re.findall(r"(\d+) passed", said)[0]) > count


def test_the_commands_know_it(checkout: Path) -> None:
    said = run(checkout, "-W", "error", "-c", COMMANDS, typed="no idea\n")
    assert "sorting" in said
    assert "Digits to sort" in said
    assert "verdict    malformed" in said or "verdict    wrong" in said
    assert (checkout / "sorting.jsonl").read_text(encoding="utf-8").count("\n") == 30
