"""The reward laboratory: `python -m scripts.rewards table|plot|replay …`; it generates nothing and trains nothing.

- `table NAME… [--n 4] [--json]`: what each reward pays for k = 0 to n right attempts, and for no problem.
- `plot NAME… [--n 4,8,64] --output FILE.png`: rewards over the solve rate p, side by side, a curve for each n.
- `replay RUN --reward NAME|FILE [--role solver] [--json]`: every recorded round of a run paid again by another reward,
  the proposer's or the solver's: share of rollouts whose advantage changes sign, rank correlation, and which problems
  would have been kept, by level.

A reward is a name (`selfplay.learnability.FORMULAS`; for the solver `selfplay.rewards.SOLVER_REWARDS`), a user's
`module:function`, or a YAML file that composes them (`selfplay.reward_algebra`). Exit status 2 for a mistake.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from yaml import YAMLError

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.cli import run_main
from selfplay.config_file import read_yaml
from selfplay.errors import ConfigError, RecordError, UserError
from selfplay.learnability import FORMULAS, Context, Formula
from selfplay.recipes import RECIPES
from selfplay.record import Record
from selfplay.replay import Change, replay, together
from selfplay.rewards import Pay, SolverPay

MAX_ATTEMPTS = 1024
COLOURS = ("#e08a3c", "#4f9d69", "#2f5d8a", "#7b5ea7")


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    given = read_arguments(arguments)
    lines: Iterator[str] = given.command(given)
    for line in lines:
        print(line)
    return 0


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. A mistake ends the process with status 2, as argparse does."""
    parser = argparse.ArgumentParser(prog="python -m scripts.rewards", description="Look at reward designs.")
    commands = parser.add_subparsers(required=True, metavar="table|plot|replay")
    table = commands.add_parser("table", help="what rewards pay for k = 0 to n right attempts")
    table.add_argument("names", metavar="NAME", nargs="*", help="rewards; none: all that have a name")
    table.add_argument("--n", type=_attempts, default=4, help="attempts a problem (default 4)")
    table.add_argument("--json", action="store_true", help="print an object: name to list of values for k = 0 to n")
    table.set_defaults(command=show_table)
    plot = commands.add_parser("plot", help="draw rewards over the solve rate")
    plot.add_argument("names", metavar="NAME", nargs="*", help="rewards; none: all that have a name")
    plot.add_argument("--n", default="4,8,64", help="attempts a problem, several with commas (default 4,8,64)")
    plot.add_argument("--output", type=Path, metavar="FILE.png", required=True, help="the picture to write")
    plot.set_defaults(command=draw_plot)
    again = commands.add_parser("replay", help="pay a recorded run again by another reward")
    again.add_argument("run", type=Path, metavar="RUN", help="the folder of a run")
    again.add_argument("--reward", required=True, metavar="NAME|FILE", help="a reward, or a YAML file with one")
    again.add_argument("--role", choices=("proposer", "solver"), default="proposer", help="whose (default proposer)")
    again.add_argument("--json", action="store_true", help="print one object")
    again.set_defaults(command=show_replay)
    return parser.parse_args(list(arguments))


def _attempts(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_ATTEMPTS:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number of attempts from 1 to {MAX_ATTEMPTS}")
    return int(text)


def find(names: Sequence[str]) -> dict[str, Formula]:
    """The formulas by name; a name may be a YAML file. Raises ConfigError for one that says something about no (k, n).

    A user's function is about texts, not counts, so it can be replayed and not drawn.
    """
    found: dict[str, Formula] = {}
    for name in names or FORMULAS:
        pay = Pay(read_spec(name), name)
        if pay.function_names:
            raise ConfigError(
                f"{name}: a function of texts has no value for k of n; use replay, which asks it about recorded texts"
            )
        found[Path(name).stem if name.endswith((".yaml", ".yml")) else name] = pay.formula
    return found


def read_spec(text: str) -> Any:
    """The description of a reward: a name, or what a YAML file says (the whole of it, or its key `reward`)."""
    if not text.endswith((".yaml", ".yml")):
        return text
    try:
        content = read_yaml(Path(text).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{text} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except YAMLError as error:
        raise ConfigError(f"{text} is not YAML: {error}") from error
    return content["reward"] if isinstance(content, Mapping) and set(content) == {"reward"} else content


# table ---------------------------------------------------------------------------------------------------------------


def show_table(given: argparse.Namespace) -> Iterator[str]:
    """The lines of `table`."""
    n, formulas = given.n, find(given.names)
    values = {name: [formula(k, n, Context()).total for k in range(n + 1)] for name, formula in formulas.items()}
    if given.json:
        yield json.dumps(values)
        return
    width = max(map(len, formulas))
    yield " ".join([f"{'reward':<{width}}", *(f"{f'k={k}':>7}" for k in range(n + 1)), f"{'invalid':>8}"])
    for name, row in values.items():
        invalid = formulas[name](0, 0, Context(valid=False)).total
        yield " ".join([f"{name:<{width}}", *(f"{value:7.3f}" for value in row), f"{invalid:8.3f}"])


# plot ----------------------------------------------------------------------------------------------------------------


def draw_plot(given: argparse.Namespace) -> Iterator[str]:
    """Write the picture of `plot`; the line that says where it is."""
    counts = [_count(text) for text in given.n.split(",")]
    formulas = find(given.names)
    figure = _figure(formulas, counts)
    try:
        figure.savefig(given.output, dpi=130)
    except (OSError, ValueError) as error:
        raise RecordError(f"--output: {given.output} cannot be written: {error}") from error
    yield f"plot       {given.output}"


def _count(text: str) -> int:
    try:
        return _attempts(text.strip())
    except argparse.ArgumentTypeError as error:
        raise UserError(f"--n: {error}") from None


def _figure(formulas: Mapping[str, Formula], counts: Sequence[int]) -> Any:
    """One panel for each reward, one curve for each number of attempts; all panels share their axes."""
    from matplotlib.figure import Figure

    columns = min(4, len(formulas))
    rows = math.ceil(len(formulas) / columns)
    figure = Figure(figsize=(3.1 * columns, 2.5 * rows + 0.5), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
    for panel, (name, formula) in zip(panels, formulas.items(), strict=False):
        for n, colour in zip(counts, COLOURS * len(counts), strict=False):
            rates = [k / n for k in range(n + 1)]
            rewards = [formula(k, n, Context()).total for k in range(n + 1)]
            mark = "o-" if n <= 16 else "-"
            panel.plot(rates, rewards, mark, markersize=3, linewidth=1.4, color=colour, label=f"n = {n}")
        panel.axhline(0.0, color="#c5cad3", linewidth=0.8, zorder=0)
        panel.set_title(name, fontsize=9.5)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in list(panels)[len(formulas) :]:
        panel.set_visible(False)
    for panel in figure.axes:
        place = panel.get_subplotspec()
        if place is not None and place.is_last_row():
            panel.set_xlabel("solve rate p")
        if place is not None and place.is_first_col():
            panel.set_ylabel("reward")
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=len(counts), frameon=False
    )
    return figure


# replay --------------------------------------------------------------------------------------------------------------


def show_replay(given: argparse.Namespace) -> Iterator[str]:
    """The lines of `replay`."""
    record = Record.open(given.run)
    numbers = record.whole_rounds()
    if not numbers:
        raise RecordError(f"{given.run} has no whole round yet, expected at least one")
    spec = read_spec(given.reward)
    pay = SolverPay(spec, given.reward) if given.role == "solver" else Pay(spec, given.reward)
    options = record.config().get("options", {})
    judged = bool(options.get("accept_judged"))  # as the run was paid: by a judge's word only where it said so
    changes = replay((record.read(number) for number in numbers), pay, judged=judged)
    total = together(change for _, change in changes)
    if not total.num_paid:
        what = "proposals" if given.role == "proposer" else "attempts"
        raise RecordError(f"{given.run} has no {what} that were paid: expected a run whose {given.role} is rewarded")
    recorded = _recorded(record.config(), "reward" if given.role == "proposer" else "solver_reward")
    if given.json:
        yield json.dumps(_as_data(given.reward, recorded, changes, total))
        return
    yield f"{given.run}: {len(numbers)} rounds, recorded with {recorded}, paid again by {given.reward}"
    yield f"{'round':>5} {'rollouts':>9} {'turned':>7} {'rank':>7}"
    for number, change in changes:
        yield f"{number:>5} {change.num_paid:>9,} {_shown(change.turned)} {_shown(change.rank_correlation)}"
    yield f"{'all':>5} {total.num_paid:>9,} {_shown(total.turned)} {_shown(total.rank_correlation)}"
    yield "turned: share of rollouts whose advantage changes sign; rank: Spearman's correlation of the rewards"
    yield f"{'level':>5} {'kept':>9} {'would be':>9} {'both':>7}   problems with a reward above 0"
    for level, (old, new, both) in sorted(total.kept.items()):
        yield f"{level:>5} {old:>9,} {new:>9,} {both:>7,}"


def _recorded(config: Mapping[str, Any], key: str) -> object:
    """The reward that a run was paid by."""
    recipe = RECIPES.get(str(config.get("recipe")))
    field = recipe.Config.__dataclass_fields__.get(key) if recipe else None
    return config.get("options", {}).get(key, field.default if field else "its own")


def _shown(value: float) -> str:
    return f"{'-':>7}" if math.isnan(value) else f"{value:7.3f}"


def _as_data(reward: str, recorded: object, changes: Sequence[tuple[int, Change]], total: Change) -> dict[str, Any]:
    def data(change: Change) -> dict[str, Any]:
        return {
            "rollouts": change.num_paid,
            "turned": None if math.isnan(change.turned) else change.turned,
            "rank_correlation": None if math.isnan(change.rank_correlation) else change.rank_correlation,
            "kept": {
                level: {"recorded": old, "replayed": new, "both": both}
                for level, (old, new, both) in sorted(change.kept.items())
            },
        }

    rounds = {number: data(change) for number, change in changes}
    return {"reward": reward, "recorded": recorded, "rounds": rounds, "all": data(total)}


if __name__ == "__main__":
    run_main(main, resumable=False)
