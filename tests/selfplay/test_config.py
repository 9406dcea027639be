"""The configuration: what is read, what is refused, and with which message."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from selfplay.checking import build, nearest, resolved
from selfplay.config import RunConfig
from selfplay.config_file import dump_yaml, load_config
from selfplay.errors import ConfigError, FieldError, UserError

GOOD = """\
recipe: star
rounds: 3
env: {name: programs}
model:
  scratch: {}
bootstrap: {learning_rate: 4e-3, max_steps: 400}
learner:
  learning_rate: 2e-3
  batch_size: 128
"""


def write(folder: Path, text: str, name: str = "run.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(path: Path, *overrides: str) -> list[str]:
    """The lines of the error that loading raises."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    return str(caught.value).splitlines()


# What is read


def test_a_minimal_file_takes_every_default(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    assert (config.seed, config.evaluation.every, config.learner.betas, config.verifier.deadline_s) == (
        0,
        5,
        (0.9, 0.98),
        5,
    )
    assert config.model.scratch is not None
    assert config.model.scratch.hidden_size == 64


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-3", 0.002), ("1E5", 1e5), ("+.5", 0.5), ("1.", 1.0), ("010", 10), ("0x1f", 31), ("-7", -7), ("true", True),
        ("~", None), ("yes", "yes"), ("on", "on"), ("1:30", "1:30"), ("2026-01-01", "2026-01-01"), ("1_000", "1_000"),
        ("'2e-3'", "2e-3"), ("-.inf", float("-inf")), ("e3", "e3"), (".", "."), ("<<", "<<"),
    ],
)  # fmt: skip
def test_plain_scalars_follow_the_core_schema_of_yaml_1_2(tmp_path: Path, text: str, value: object) -> None:
    read = load_config(write(tmp_path, GOOD), [f"options.x={text}"]).options["x"]
    assert (read, type(read)) == (value, type(value))


def test_a_whole_number_is_accepted_as_a_number(tmp_path: Path) -> None:
    rate = load_config(write(tmp_path, GOOD), ["learner.learning_rate=1"]).learner.learning_rate
    assert (rate, type(rate)) == (1.0, float)


def test_overrides_win_over_the_file_and_later_ones_over_earlier(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD), ["rounds=4", "learner.trl.beta=0.1", "rounds=5", "options={a: {b: 1}}"])
    assert (config.rounds, config.learner.trl, config.options) == (5, {"beta": 0.1}, {"a": {"b": 1}})


def test_an_override_may_hold_an_equals_sign_and_open_a_null_section(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD + "wandb: null\n"), ["wandb.group=a=b"])
    assert config.wandb.group == "a=b"


def test_a_named_model_needs_no_bootstrap_and_may_have_one(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    assert load_config(path, ["model={name: some/model}", "bootstrap=null"]).bootstrap is None
    assert load_config(path, ["model={name: some/model}"]).bootstrap is not None


def test_extends_merges_mappings_key_by_key_and_replaces_the_rest(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    write(tmp_path / "base", GOOD + "evaluation: {levels: [1, 2], every: 7}\n", "base.yaml")
    child = write(tmp_path, "extends: base/base.yaml\nrounds: 9\nevaluation: {levels: [3]}\n")
    config = load_config(child)
    assert (config.rounds, config.evaluation.levels, config.evaluation.every) == (9, [3], 7)


# What is refused: one line a mistake


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("learner.learning_rate='3'", 'learner.learning_rate: got "3" (text), expected a number > 0'),
        ("learner.learning_rate=0", "learner.learning_rate: got 0 (a whole number), expected a number > 0"),
        ("learner.learning_rate=.nan", "learner.learning_rate: got NaN (not a finite number), expected a number > 0"),
        ("learner.max_grad_norm=.inf", "learner.max_grad_norm: got Infinity (not a finite number), "
         "expected a number > 0"),
        ("rounds='3'", 'rounds: got "3" (text), expected a whole number >= 1'),
        ("rounds=true", "rounds: got true, expected a whole number >= 1"),
        ("rounds=3.0", "rounds: got 3.0 (a number), expected a whole number >= 1"),
        ("rounds=null", "rounds: got null, expected a whole number >= 1"),
        ("seed=-1", "seed: got -1 (a whole number), expected a whole number >= 0"),
        ("recipe=3", "recipe: got 3 (a whole number), expected text of length at least 1"),
        ("evaluation=[1]", "evaluation: got [1] (a list), expected a mapping"),
        ("learner.trl=3", "learner.trl: got 3 (a whole number), expected a mapping"),
        ("learner.betas=[0.9]", "learner.betas: got [0.9] (a list), expected a list of 2: "
         "[a number >= 0 and < 1, a number >= 0 and < 1]"),
        ("learner.betas=[0.9, 1]", "learner.betas[1]: got 1 (a whole number), expected a number >= 0 and < 1"),
        ("evaluation.levels=[1, a]", 'evaluation.levels[1]: got "a" (text), expected a whole number >= 0'),
        ("evaluation.levels=[]", "evaluation.levels: got [] (a list), expected a list of length at least 1 "
         "(each item a whole number >= 0) or null"),
        ("model.dtype=float23", 'model.dtype: got "float23" (text), expected one of float32, bfloat16, float16; '
         "did you mean float32?"),
        ("model.device=gpu", 'model.device: got "gpu" (text), expected auto, cpu, mps, cuda or cuda:N '
         "(a device number)"),
        ("model.scratch.rope_layers=[1, 2]", "model.scratch.rope_layers[1]: got 2 (a whole number), "
         "expected true, false, 1 or 0"),
        ("model.scratch.rope_layers=[1]", "model.scratch.rope_layers: got 1 entries, expected 2: one for each layer"),
        ("model.scratch.hidden_size=65", "model.scratch.hidden_size: got 65, expected a multiple of 4 (2 * num_heads: "
         "rotary positions pair up the entries of a head)"),
        ("model.lora={target_modules: all}", 'model.lora.target_modules: got "all" (text), expected a list (each item '
         "text of length at least 1) or all-linear"),
        ("model.name=x", "model: got both of name and scratch, expected exactly one: name for a trained model, scratch "
         "({} takes its defaults) for one made from random weights"),
        ("bootstrap.proposer_levels=[4, 1]", "bootstrap.proposer_levels: got [4, 1], expected [easiest, hardest] with "
         "easiest <= hardest"),
        ("bootstrap.seed_levels=[4, 1]", "bootstrap.seed_levels: got [4, 1], expected [easiest, hardest] with "
         "easiest <= hardest"),
        ("bootstrap.criterion.min_steps=401", "bootstrap.criterion.min_steps: got 401, expected at most "
         "max_steps (400)"),
        ("bootstrap.proposer_share=1.5", "bootstrap.proposer_share: got 1.5 (a number), expected "
         "a number >= 0 and <= 1"),
        ("learner.optimizer=muon", "learner.muon_learning_rate: got null, expected a number > 0, because "
         "optimizer is muon"),
        ("learner.micro_batch_size=129", "learner.micro_batch_size: got 129, expected at most batch_size (128)"),
        ("report_to=[wandbb]", 'report_to[0]: got "wandbb" (text), expected wandb; did you mean wandb?'),
        ("sed=3", "sed: got an unknown key, expected one of recipe, rounds, env, model, learner, seed, "
         "token_budget, bootstrap, evaluation, options, report_to, wandb, checkpoint_every, keep_checkpoints, "
         "verifier, judge; did you mean seed?"),
        ("options={1: 2}", "options.1: got 1 (a whole number) as a key, expected text: put it in quotes"),
        ("env.options.deep=[{1: 2}]", "env.options.deep[0].1: got 1 (a whole number) as a key, expected text: "
         "put it in quotes"),
        ("learner.trl={a: 1, a: 2}", "learner.trl.a: got the key twice (lines 1 and 1), expected it once"),
    ],
)  # fmt: skip
def test_a_wrong_value_gives_one_line_with_path_got_and_expected(tmp_path: Path, override: str, line: str) -> None:
    lines = refused(write(tmp_path, GOOD), override)
    assert len(lines) == 1
    assert lines[0].endswith(f": {line}")


def test_neither_a_name_nor_a_shape_for_the_model_says_that_one_is_needed(tmp_path: Path) -> None:
    (line,) = refused(write(tmp_path, GOOD), "model={}")
    assert "model: got neither of name and scratch, expected exactly one" in line


def test_the_origin_of_a_mistake_is_the_file_or_override_that_wrote_it(tmp_path: Path) -> None:
    base = write(tmp_path, GOOD + "keep_checkpoints: none\n", "base.yaml")
    child = write(tmp_path, "extends: base.yaml\nseed: x\n")
    assert refused(child, "verifier.num_workers=0") == [
        f'{child}: seed: got "x" (text), expected a whole number >= 0',
        f'{base}: keep_checkpoints: got "none" (text), expected a whole number >= 1',
        "override verifier.num_workers=0: verifier.num_workers: got 0 (a whole number), expected a whole number >= 1",
    ]


def test_a_missing_key_is_named_with_what_belongs_there(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("  batch_size: 128\n", "").replace("rounds: 3\n", ""))
    assert refused(path) == [
        f"{path}: rounds: got nothing (the key is missing), expected a whole number >= 1",
        f"{path}: learner.batch_size: got nothing (the key is missing), expected a whole number >= 1",
    ]


def test_a_misspelt_required_key_is_one_mistake_not_two(tmp_path: Path) -> None:
    (line,) = refused(write(tmp_path, GOOD.replace("  learning_rate: 2e-3", "  lerning_rate: 2e-3")))
    assert "learner.lerning_rate: got an unknown key, expected one of learning_rate, " in line
    assert line.endswith("; did you mean learning_rate?")


def test_a_key_given_twice_is_refused_together_with_the_other_mistakes(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + "seed: 1\nseed: x\n")
    assert refused(path) == [
        f"{path}: seed: got the key twice (lines 10 and 11), expected it once",
        f'{path}: seed: got "x" (text), expected a whole number >= 0',
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\nb: 2", "line 2, column 2: not YAML: while parsing a flow sequence expected ',' or ']', but got ':'"),
        ("a: 'b", "line 1, column 6: not YAML: while scanning a quoted scalar found unexpected end of stream"),
        ("a: \x01", "line 1, column 4: not YAML: a character that text may not contain"),
        ("a: !!python/object:os.system x", "line 1, column 4: not YAML: could not determine a constructor for the tag "
         "'tag:yaml.org,2002:python/object:os.system'"),
        ("a: &x [*x]", "a[0]: got a value that contains itself, expected plain data"),
        ("", "got null, expected a mapping with recipe, rounds, env, model, learner"),
        ("- 1", "got [1] (a list), expected a mapping with recipe, rounds, env, model, learner"),
        ("[" * 3000, "not usable: lists or mappings are nested too deeply"),
        ("a: " + "9" * 5000, "not YAML: Exceeds the limit"),
    ],
)  # fmt: skip
def test_what_is_not_yaml_is_one_line_with_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    (line,) = refused(path)
    assert line.startswith(f"{path}: {message}")


def test_a_missing_file_names_the_nearest_one_beside_it(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    missing = tmp_path / "runn.yaml"
    (line,) = refused(missing)
    expected = (
        f"{missing}: got no such file, expected a YAML file; in {tmp_path}: did you mean run.yaml? one of run.yaml"
    )
    assert line == expected


def test_a_directory_and_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path) == [f"{tmp_path}: got a directory, expected a YAML file"]
    binary = tmp_path / "x.yaml"
    binary.write_bytes(b"a: \xff")
    assert refused(binary) == [f"{binary}: got bytes that are not UTF-8 text (at byte 3), expected YAML"]


def test_a_circle_of_extends_is_shown(tmp_path: Path) -> None:
    a, b = write(tmp_path, "extends: b.yaml", "a.yaml"), write(tmp_path, "extends: a.yaml", "b.yaml")
    (line,) = refused(a)
    assert line.startswith(f"{b}: extends: got a circle ({a} extends {b} extends {a})")


def test_an_extended_file_that_is_missing_or_no_name_is_refused_at_the_file_that_extends(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + "extends: gone/base.yaml\n")
    assert refused(path) == [
        f"{path}: extends: {tmp_path / 'gone' / 'base.yaml'}: got no such file, expected a YAML file"
    ]
    path = write(tmp_path, GOOD + "extends: [base.yaml]\n")
    assert refused(path) == [f'{path}: extends: got ["base.yaml"] (a list), expected the name of a YAML file']


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("rounds", "override rounds: got no = sign, expected key.path=value, such as learner.learning_rate=1e-3"),
        ("=3", "override =3: got an empty key, expected key.path=value, such as learner.learning_rate=1e-3"),
        ("env..name=x", "override env..name=x: got an empty key, expected key.path=value, such as "
         "learner.learning_rate=1e-3"),
        ("seed=", "override seed=: seed: got no value after =, expected one (null for nothing, '' for empty text)"),
        ("rounds.x=1", "override rounds.x=1: rounds: got 3 (a whole number), expected a mapping that holds x"),
        ("rounds=[1", "override rounds=[1: line 1, column 3: not YAML: while parsing a flow sequence expected ',' or "
         "']', but got '<stream end>'"),
    ],
)  # fmt: skip
def test_a_malformed_override_is_one_line(tmp_path: Path, override: str, line: str) -> None:
    assert refused(write(tmp_path, GOOD), override) == [line]


# build: any frozen dataclass


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Inner:
    size: Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Options:
    colour: Colour = Colour.RED
    inner: Inner | None = None
    several: tuple[Inner, ...] = ()
    shares: dict[str, float] = field(default_factory=dict)
    mode: Literal[0, 1] = 0
    anything: Any = None
    made: int = field(init=False, default=7)

    def __post_init__(self) -> None:
        if self.mode == 1 and self.inner is None:
            raise FieldError("inner", "got nothing, expected a mapping, because mode is 1")
        if len(self.several) > 2:
            raise ValueError("several may hold two at most")


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


def test_build_makes_nested_dataclasses_enumerations_and_tuples() -> None:
    options = build(
        Options, {"colour": "blue", "several": [{"size": 2}], "shares": {"a": 1}, "anything": [None, {"b": ()}]}
    )
    assert options == Options(Colour.BLUE, None, (Inner(2),), {"a": 1.0}, 0, [None, {"b": []}])


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"colour": "reed"}, 'options.colour: got "reed" (text), expected one of red, blue'),
        ({"inner": {"size": 0}}, "options.inner.size: got 0 (a whole number), expected a whole number >= 1"),
        ({"several": [{"size": 1}, {}]}, "options.several[1].size: got nothing (the key is missing), "
         "expected a whole number >= 1"),
        ({"shares": {"a": True}}, "options.shares.a: got true, expected a number"),
        ({"mode": True}, "options.mode: got true, expected one of 0, 1"),
        ({"mode": 1}, "options.inner: got nothing, expected a mapping, because mode is 1"),
        ({"several": [{"size": 1}] * 3}, "options: several may hold two at most"),
        ({"made": 3}, "options.made: got an unknown key, expected one of colour, inner, several, shares, mode, "
         "anything; did you mean mode?"),
        ({"anything": object}, "options.anything: got \"<class 'object'>\" (type), expected plain data (text, numbers, "
         "lists, mappings)"),
        (3, "options: got 3 (a whole number), expected a mapping"),
    ],
)  # fmt: skip
def test_build_reports_a_mistake_under_the_given_path(data: object, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(Options, data, "options")
    assert str(caught.value) == line


def test_a_section_without_keys_says_so() -> None:
    with pytest.raises(ConfigError, match=r"^x: got an unknown key, expected no keys here$"):
        build(Nothing, {"x": 1})


def test_config_error_is_a_user_error() -> None:
    assert issubclass(ConfigError, UserError)


def test_nearest_names_the_similar_choice_and_all_choices() -> None:
    assert nearest("adam", ["adamw", "muon"]) == "did you mean adamw? one of adamw, muon"
    assert nearest("zzz", {"adamw": 1}) == "one of adamw"
    assert nearest("x", []) == "there is none to choose from"


# Round trips

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8"))
    | st.sampled_from(["2e-3", "1e5", "yes", "010", "1:30", "~", "", "null", "2026-01-01", "<<", ".inf", "0o7", "="]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
CONFIGS = st.fixed_dictionaries(
    {
        "recipe": st.text(min_size=1, max_size=5),
        "rounds": st.integers(1, 10**6),
        "env": st.fixed_dictionaries(
            {"name": st.just("programs"), "options": st.dictionaries(st.text(), PLAIN, max_size=3)}
        ),
        "model": st.sampled_from(
            [
                {"scratch": {}},
                {"scratch": {"rope_layers": [True, 0]}, "lora": {"rank": 3}},
                {"name": "a", "lora": {"target_modules": ["q_proj"]}},
            ]
        ),
        "bootstrap": st.just({"learning_rate": 1, "max_steps": 5}),
        "learner": st.fixed_dictionaries(
            {"learning_rate": st.floats(1e-300, 1e300), "batch_size": st.integers(1, 9)},
            optional={
                "betas": st.sampled_from([[0, 0.5], [0.1, 0.2]]),
                "trl": st.dictionaries(st.text(), PLAIN, max_size=2),
            },
        ),
    },
    optional={"seed": st.integers(0, 2**63), "options": st.dictionaries(st.text(), PLAIN, max_size=3)},
)


@settings(max_examples=40, deadline=None)
@given(CONFIGS)
def test_a_resolved_configuration_builds_the_same_run(data: dict[str, Any]) -> None:
    config = build(RunConfig, data)
    assert build(RunConfig, resolved(config)) == config


@settings(max_examples=40, deadline=None)
@given(data=CONFIGS)
def test_a_dumped_configuration_loads_as_the_same_run(
    data: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = build(RunConfig, data)
    path = tmp_path_factory.mktemp("dumped") / "config.yaml"
    path.write_text(dump_yaml(resolved(config)), encoding="utf-8")
    assert load_config(path) == config


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(), PLAIN, max_size=3))
def test_dumped_text_means_the_same_to_an_ordinary_yaml_reader(data: dict[str, Any]) -> None:
    assert yaml.safe_load(dump_yaml(data)) == data


def test_importing_the_configuration_does_not_import_torch() -> None:
    code = "import sys, selfplay.config; sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
