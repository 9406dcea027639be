"""Who may import whom, and what importing the house needs: the plan of docs/design.md, held by the source itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("selfplay", "envs", "verifiers", "scripts")
HEAVY = {"torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "safetensors", "vllm"}
TORCH_MODULES = {
    "selfplay.policy",
    "selfplay.sampler",
    "selfplay.vllm_sampler",
    "selfplay.models",
    "selfplay.scoring",
    "selfplay.judges.local",
}
LAYERS = [  # a module imports from earlier lines of this list only; what is not named stands with `stages`
    {
        "selfplay.types",
        "selfplay.errors",
        "selfplay.seeding",
        "selfplay.provenance",
        "selfplay.checking",
        "selfplay.disk",
        "selfplay.judgements",
    },
    {
        "selfplay.protocols",
        "selfplay.config",
        "selfplay.config_file",
        "selfplay.processes",
        "selfplay.tables",
        "selfplay.match_tables",
        "selfplay.columns",
        "selfplay.gate",
        "selfplay.pool",
    },
    set(),
    {"selfplay.lab", "selfplay.game_lab"},
    {"selfplay.buffer", "selfplay.proposers", "selfplay.scripted", "selfplay.tabular"},
    {"selfplay.recipes"},
]
OTHERS = 2
MAX_RECIPE_LINES = 200  # 150 is the habit


@dataclass(frozen=True)
class Import:
    """One import statement: which module imports which, and whether only when something is called."""

    importer: str
    imported: str
    lazy: bool


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources() -> dict[str, Path]:
    return {module_name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


SOURCES = sources()


def imports_of(name: str) -> Iterator[Import]:
    tree = ast.parse(SOURCES[name].read_text(encoding="utf-8"))
    checked = {id(inner) for node in ast.walk(tree) if _is_type_checking(node) for inner in ast.walk(node)}
    lazy = {id(inner) for node in ast.walk(tree) if _is_function(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in checked:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, alias.name, id(node) in lazy)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: write imports in full, not relative"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield Import(name, whole if whole in SOURCES else str(node.module), id(node) in lazy)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


IMPORTS = [one for name in SOURCES for one in imports_of(name)]


def top(module: str) -> str:
    return module.partition(".")[0]


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def offenders(importers: object, imported: object, *, lazy: bool = True) -> list[str]:
    """Imports for which both predicates hold; `lazy` says whether imports inside functions count."""
    return [
        f"{one.importer} imports {one.imported}"
        for one in IMPORTS
        if importers(one.importer) and imported(one.imported) and (lazy or not one.lazy)  # type: ignore[operator]
    ]


# Rooms


def test_the_test_reads_the_whole_house() -> None:
    assert {"selfplay.types", "selfplay.learners.supervised", "envs.programs", "verifiers.inside.worker"} <= set(
        SOURCES
    )
    assert Import("scripts.policies", "selfplay.policy", True) in IMPORTS
    assert Import("selfplay.lab", "selfplay.record", False) in IMPORTS


def test_selfplay_knows_no_environment_no_verifier_and_no_script() -> None:
    assert (
        offenders(lambda name: within(name, "selfplay"), lambda name: top(name) in ("envs", "verifiers", "scripts"))
        == []
    )


def test_verifiers_know_the_nouns_only() -> None:
    allowed = {"selfplay.types", "selfplay.errors", "selfplay.protocols", "selfplay.judgements"}
    wrong = offenders(
        lambda name: within(name, "verifiers"),
        lambda name: top(name) in ("selfplay", "envs", "scripts") and name not in allowed,
    )
    assert wrong == []


def test_environments_know_verifiers_and_the_nouns_only() -> None:
    allowed = {"selfplay.types", "selfplay.errors", "selfplay.protocols", "selfplay.seeding"}
    wrong = offenders(
        lambda name: within(name, "envs"), lambda name: top(name) in ("selfplay", "scripts") and name not in allowed
    )
    assert wrong == []


def test_what_runs_inside_a_worker_imports_nothing_of_the_rest() -> None:
    wrong = offenders(
        lambda name: within(name, "verifiers.inside"),
        lambda name: top(name) in PACKAGES and not within(name, "verifiers.inside") and name != "verifiers",
    )
    assert wrong == []


def test_the_nouns_import_the_standard_library_only() -> None:
    for module in ("selfplay.types", "selfplay.errors"):
        assert {top(one.imported) for one in imports_of(module)} <= set(sys.stdlib_module_names) | {"__future__"}


def layer(module: str) -> int:
    for number, members in enumerate(LAYERS):
        if any(module == member or (member == "selfplay.recipes" and within(module, member)) for member in members):
            return number
    return OTHERS


def test_imports_in_selfplay_point_to_earlier_layers() -> None:
    wrong = [
        f"{one.importer} (layer {layer(one.importer)}) imports {one.imported} (layer {layer(one.imported)})"
        for one in IMPORTS
        if within(one.importer, "selfplay") and within(one.imported, "selfplay") and one.imported != "selfplay"
        and layer(one.imported) > layer(one.importer)
    ]  # fmt: skip
    assert wrong == []


def test_no_module_imports_itself_in_a_circle() -> None:
    edges: dict[str, set[str]] = {name: set() for name in SOURCES}
    for one in IMPORTS:
        if not one.lazy and one.imported in SOURCES and one.imported != one.importer:
            edges[one.importer].add(one.imported)
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join([*path, name])
        if name not in done:
            for imported in sorted(edges[name]):
                # A package's table of its own modules is no circle: the modules do not import the package.
                visit(imported, (*path, name))
            done.add(name)

    for name in SOURCES:
        visit(name, ())


def test_recipes_do_not_import_each_other_and_only_the_root_imports_them() -> None:
    def is_recipe(name: str) -> bool:
        return within(name, "selfplay.recipes") and name != "selfplay.recipes"

    assert offenders(is_recipe, lambda name: within(name, "selfplay.recipes")) == []
    assert offenders(lambda name: within(name, "selfplay") and name != "selfplay.recipes", is_recipe) == []


# Torch


def is_light(name: str) -> bool:
    return name not in TORCH_MODULES and not within(name, "selfplay.learners")


def is_heavy(name: str) -> bool:
    return top(name) in HEAVY


def needs_torch(name: str) -> bool:
    return name in TORCH_MODULES or (within(name, "selfplay.learners") and name != "selfplay.learners")


def test_only_policies_models_learners_and_judges_import_torch() -> None:
    assert offenders(is_light, is_heavy, lazy=False) == []
    lazily = {line.split()[0] for line in offenders(is_light, is_heavy)}
    assert {name for name in lazily if top(name) != "scripts"} <= {"selfplay.processes"}


def test_light_modules_import_heavy_ones_only_inside_functions() -> None:
    assert offenders(is_light, needs_torch, lazy=False) == []
    lazily = {line.split()[0] for line in offenders(is_light, needs_torch)}
    assert lazily <= {name for name in SOURCES if top(name) == "scripts"}


BLOCKED = """
import importlib, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} is blocked")
sys.meta_path.insert(0, Block())
for name in {names!r}:
    importlib.import_module(name)
print(len(sys.modules))
"""


def test_everything_but_policies_models_and_learners_imports_without_torch() -> None:
    heavy = {name for name in SOURCES if name in TORCH_MODULES or name.startswith("selfplay.learners.")}
    inside = {name for name in SOURCES if within(name, "verifiers.inside")}  # run in workers, as their own programs
    names = sorted(set(SOURCES) - heavy - inside)
    assert {"selfplay.lab", "selfplay.learners", "selfplay.recipes.expert_iteration", "scripts.train"} <= set(names)
    code = BLOCKED.format(blocked=HEAVY | {"sympy"}, names=names)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# Size and manners


def recipe_lines(name: str) -> int:
    """Lines of code: neither blank, nor comment, nor docstring."""
    text = SOURCES[name].read_text(encoding="utf-8")
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            docstrings |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(text.splitlines(), 1)
    return sum(number not in docstrings and bool(line.strip()) and line.strip()[0] != "#" for number, line in lines)


@pytest.mark.parametrize("name", [name for name in SOURCES if name.startswith("selfplay.recipes.")])
def test_a_recipe_is_one_short_program(name: str, record_property: pytest.FixtureRequest) -> None:
    count = recipe_lines(name)
    record_property("lines", count)  # type: ignore[operator]
    assert count <= MAX_RECIPE_LINES
    assert {"Config", "run"} <= {
        node.name
        for node in ast.parse(SOURCES[name].read_text()).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }


def test_nothing_is_evaluated_outside_the_workers() -> None:
    wrong = []
    for name, path in SOURCES.items():
        if within(name, "verifiers.inside"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("eval", "exec", "compile")
            ):
                wrong.append(f"{name}:{node.lineno}")
    assert wrong == []


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, path in SOURCES.items() if not ast.get_docstring(ast.parse(path.read_text()))] == []


# The names of the packages


@pytest.mark.parametrize("name", ["verifiers", "envs"])
def test_another_package_of_the_same_name_stops_the_import_with_a_message(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; import selfplay"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(
        f"ImportError: the package {name!r} resolves to {tmp_path / name}, but this project needs its own"
    )
    assert "PYTHONPATH" in last


def test_missing_packages_stop_the_import_too(tmp_path: Path) -> None:
    (tmp_path / "selfplay").mkdir()
    (tmp_path / "selfplay" / "__init__.py").write_text((ROOT / "selfplay" / "__init__.py").read_text())
    # Without site-packages (-S): an editable install of this checkout would be found there.
    command = [sys.executable, "-S", "-P", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import selfplay"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "resolves to nothing" in done.stderr
