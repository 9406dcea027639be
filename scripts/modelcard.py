"""The model card of a run's final model: what it was trained on, how it was measured, and what it is not for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfplay.config import RunConfig


def write_model_card(folder: Path, summary: Mapping[str, Any], config: RunConfig) -> Path:
    """Write README.md into the model folder."""
    held_out = summary["held_out"]
    base = config.model.name or "random weights, warmed up on seed problems"
    tokens = ", ".join(f"{name} {count:,}" for name, count in summary["tokens"].items())
    judged, problems = summary.get("judged"), held_out["num_problems"]
    graders, names, opinions = "a program, not by people", "", {}
    if judged:
        names, opinions = ", ".join(judged["by"]) or "a judge", judged["held_out"]
        graders = f"a judge ({names}) where no program could; what it found good is not counted as accuracy"
    text = "\n".join(
        [
            "---",
            "library_name: transformers",
            "tags: [self-play, reinforcement-learning, synthetic-data, trl]",
            "---",
            f"# {config.recipe} on {config.env.name}, seed {config.seed}",
            "",
            f"Trained by self-play for {summary['rounds']} rounds from {base}. All training problems after the seeds "
            f"were proposed by the run itself, and its attempts were graded by {graders}.",
            "",
            *_table(f"Held-out accuracy (greedy, {problems} problems a level that no round could train on):", held_out),
            *_table(f"Judged good by {names}, on as many held-out problems; an opinion, no accuracy:", opinions),
            f"Tokens: {tokens}.",
            "",
            "Intended for research on self-improvement. It knows its environment's narrow language and nothing else"
            if config.model.scratch
            else "Intended for research on self-improvement; limits and biases of the base model remain",
            "",
        ]
    )
    path = folder / "README.md"
    path.write_text(text, encoding="utf-8")
    return path


def _table(title: str, rates: Mapping[str, Any]) -> list[str]:
    """Rates before and after as lines of Markdown; nothing if none was measured."""
    before, after = rates.get("before", {}), rates.get("after", {})
    rows = [
        f"| {env} {level} | {value:.3f} | {after.get(env, {}).get(level, float('nan')):.3f} |"
        for env, levels in before.items()
        for level, value in levels.items()
    ]
    return [title, "", "| environment and level | before | after |", "|---|---|---|", *rows, ""] if rows else []
