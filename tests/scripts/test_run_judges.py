"""Judges by configuration: names and options are checked, every run with a judge audits it, and the report shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from builders import problem
from endpoint_server import computes, running
from real_runs import TINY, metrics_of, sha256, train, weights_of, with_model, write_config

from scripts.checks import check
from scripts.judging import JUDGES, LateJudge, Parts
from scripts.runs import _check_same
from selfplay.checking import build
from selfplay.config import RunConfig
from selfplay.errors import ConfigError
from selfplay.judge import ADDITIVE
from selfplay.judgements import Choice, Comparison, Criterion, Opinion, Rating
from selfplay.record import Record
from selfplay.types import Problem

ENDPOINT = {"base_url": "http://127.0.0.1:1/v1", "model": "m", "cache": ""}
OPEN = {"name": "open_ended"}


def config(**changes: Any) -> RunConfig:
    judged = {
        "recipe": "self_rewarding",
        "learner": {**TINY["learner"], "name": "preference", "optimizer": "adamw"},
        "options": {"num_proposals": 8},
        "judge": {"name": "scripted"},
    }
    return build(RunConfig, {**TINY, **judged, **changes})


# What a configuration may say


@pytest.mark.parametrize(("judge", "said"), [
    ({"name": "scriptd"}, "judge.name: got 'scriptd', expected a judge; did you mean scripted?"),
    ({"name": "scripted", "options": {"nois": 1}}, "judge.options.nois: got an unknown key"),
    ({"name": "endpoint"}, "judge.options.base_url"), ({"name": "local"}, "judge.options.path"),
    ({"name": "local", "options": {"path": "x", "how": "likelihood"}}, "judge.options.how"),
    ({"name": "policy", "options": {"weights": "old"}}, "judge.options.weights"),
    ({"name": "scripted", "audit": {"env": {"name": "open_ended"}}}, "expected an environment whose answers programs"),
    ({"name": "scripted", "audit": {"env": {"name": "program"}}}, "did you mean programs?"),
    ({"name": "scripted", "audit": {"env": {"name": "programs", "options": {"max_levl": 1}}}}, "audit.env.options"),
    (None, "judge: got nothing, expected a judge, which the recipe self_rewarding asks"),
])  # fmt: skip
def test_a_wrong_judge_is_refused_before_anything_starts(judge: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(config(judge=judge))
    assert said in str(caught.value)


def test_a_judge_that_goes_by_the_truth_is_refused_where_there_is_none() -> None:
    model = {"name": "a-model"}
    given = {"env": OPEN, "model": model, "bootstrap": None, "evaluation": {"num_problems": 2}}
    with pytest.raises(ConfigError, match="no program knows it of open_ended"):
        check(config(**given, judge={"name": "scripted", "options": {"quality": "truth"}}))
    check(config(**given, judge={"name": "scripted"}))


@pytest.mark.parametrize(("name", "options"), [
    ("scripted", {"noise": 0.1}), ("rubric", {}), ("endpoint", ENDPOINT), ("policy", {"how": "write"}),
    ("policy", {"how": "likelihood"}),
])  # fmt: skip
def test_every_kind_of_judge_is_made_from_its_options(name: str, options: dict[str, Any]) -> None:
    from selfplay.scripted import ScriptedPolicy

    entry = JUDGES[name]
    parts = Parts(policy=lambda: ScriptedPolicy(None), environments={})  # type: ignore[arg-type]
    bench = entry.make(build(entry.options, options), parts)
    assert bench.judge(1).name
    assert (bench.meter is not None) == (name == "endpoint")


def test_a_run_may_resume_with_other_limits_but_not_with_another_judge(tmp_path: Path) -> None:
    before = {"judge": {"name": "endpoint", "options": {**ENDPOINT, "budget": 1.0, "temperature": 0.0}}}
    more = {"judge": {"name": "endpoint", "options": {**ENDPOINT, "budget": 9.0, "temperature": 0.0}}}
    other = {"judge": {"name": "endpoint", "options": {**ENDPOINT, "budget": 1.0, "temperature": 0.5}}}
    _check_same(before, more, tmp_path)
    for changed in (other, {"judge": None}):
        with pytest.raises(ConfigError, match="judge: the run in"):
            _check_same(before, changed, tmp_path)


def test_a_judge_that_comes_late_has_its_own_name_then() -> None:
    class Known:
        name = "known"

        def prefer(self, asked: Sequence[Comparison]) -> list[Opinion]:
            return [Opinion(Choice.FIRST) for _ in asked]

        def rate(self, asked: Sequence[tuple[Problem, str]], rubric: Sequence[Criterion]) -> list[Rating]:
            return [Rating(1.0) for _ in asked]

    late = LateJudge()
    with pytest.raises(RuntimeError, match="before it was made"):
        late.rate([(problem(), "a")], ADDITIVE)
    late.judge = Known()
    assert late.name == "known"
    assert late.rate([(problem(), "a")], ADDITIVE)[0].score == 1.0


# Runs with a real model


def judged_run(folder: Path, base: dict[str, Any], **changes: Any) -> Path:
    given = {
        **base,
        "learner": {"name": "preference", "learning_rate": 1e-3, "batch_size": 8, "trl": {"beta": 0.1}},
        "recipe": "self_rewarding",
        "rounds": 2,
        "options": {
            "num_proposals": 12, "num_shots": 0, "num_attempts": 3, "max_new_tokens": 16, "proposer_max_new_tokens": 28,
            "num_ratings": 1, "temperature": 1.0, "proposer_temperature": 1.0,
        },
        **changes,
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    assert train(write_config(folder / "run.yaml", given), folder / "run") == 0
    return folder / "run"


def audits(run: Path) -> list[dict[str, Any]]:
    start = json.loads((run / "start.json").read_text())
    lines = [start["judge"], *(line["judge"] for line in metrics_of(run))]
    return [line["audit"] for line in lines if "audit" in line]


@pytest.mark.parametrize("options", [{"how": "likelihood"}, {"how": "choose", "weights": "start"}])
def test_a_model_from_scratch_can_be_its_own_judge(tmp_path: Path, warm_model: Path, options: dict[str, Any]) -> None:
    run = judged_run(
        tmp_path, with_model(warm_model), judge={"name": "policy", "options": options, "audit": {"num_pairs": 6}}
    )
    found = audits(run)
    assert len(found) == 2
    assert all(one["pairs"]["num_pairs"] == 6 for one in found)
    summary = Record.open(run).summary()
    assert summary is not None
    assert summary["judge"]["asked"] > 0
    assert summary["judge"]["audit"]["before"] == found[0]
    page = (run / "report.html").read_text()
    assert "The judge" in page
    assert "Audit on programs" in page


def test_an_endpoint_judges_a_run_its_evaluation_and_its_audit(
    tmp_path: Path, warm_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("A_KEY", "sk-very-secret")

    def answer(body: dict[str, Any]) -> str:
        asked = body["messages"][-1]["content"]
        if "reply A" in asked:
            return '{"reason": "", "choice": "A"}'
        return json.dumps({"reason": "", "points": len(asked) % 6})

    with running(computes(answer)) as server:
        options = {"base_url": server.url, "model": "m", "cache": str(tmp_path / "cache"), "api_key_env": "A_KEY",
                   "price_prompt": 1.0}  # fmt: skip
        base = {**with_model(warm_model), "env": OPEN, "evaluation": {"num_problems": 2, "levels": [1]}}
        judge = {"name": "endpoint", "options": options, "audit": {"num_pairs": 4, "every": 1}, "threshold": 0.8}
        run = judged_run(tmp_path, base, judge=judge)
        assert server.received
    lines = metrics_of(run)
    assert [one["env"] for one in audits(run)] == ["arithmetic"] * 3
    assert all(one["pairs"]["order_bias"] == 1.0 for one in audits(run))
    summary = Record.open(run).summary()
    assert summary is not None
    assert summary["judge"]["endpoint_requests"] == len(server.received)
    assert summary["judge"]["endpoint_cost"] == pytest.approx(100 * len(server.received) / 1e6)
    assert all(set(line["judged"]["by"]) == {"endpoint:m"} for line in lines if line.get("judged", {}).get("by"))
    assert "requests to the endpoint" in (run / "report.html").read_text()
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"sk-very-secret" in path.read_bytes() for path in kept)


PHASES = {
    "recipe": "constitutional",
    "options": {"num_problems": 8, "levels": [1, 2], "revision_rounds": 1, "num_revisions": 2, "num_attempts": 3,
                "max_new_tokens": 12, "learning_rate": 1e-3},
    "judge": {"name": "scripted", "options": {"quality": "truth", "noise": 0.3}, "audit": {"num_pairs": 4}},
    "evaluation": {"every": 0, "num_problems": 2, "levels": [1], "max_new_tokens": 12},
}  # fmt: skip


@pytest.mark.parametrize("learner", ["preference", "policy_gradient"])
def test_a_supervised_phase_goes_before_another_learners_and_resumes_exactly(
    tmp_path: Path, warm_model: Path, learner: str
) -> None:
    trl = {"beta": 0.1 if learner == "preference" else 0.0}
    given = {**with_model(warm_model), **PHASES,
             "learner": {"name": learner, "learning_rate": 1e-3, "batch_size": 8, "trl": trl}}  # fmt: skip
    config_file = write_config(tmp_path / "run.yaml", given)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(config_file, whole, "rounds=3") == 0
    assert train(config_file, parts, "rounds=1") == 0
    after_first = weights_of(parts)
    assert train(config_file, parts, "rounds=3", "--resume") == 0
    assert weights_of(whole) == weights_of(parts) != after_first
    assert after_first != {"model/model.safetensors": sha256(warm_model / "model.safetensors")}
    lines = metrics_of(whole)
    assert [line["constitutional"]["phase"] for line in lines] == ["revision", "feedback", "feedback"]
    assert lines[0]["constitutional"]["kept"] > 0
    assert lines[0]["learner"]["steps"] > 0
