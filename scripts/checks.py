"""Whether what a configuration names exists and fits together: recipe, learner, environment, options, levels, judge.

Everything is refused here, before a model is made or a folder is. Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from envs import ENVIRONMENTS
from scripts.games import check_game, plays_games
from scripts.judging import check_judge
from selfplay.checking import build, nearest
from selfplay.config import RunConfig
from selfplay.errors import ConfigError
from selfplay.recipes import RECIPES
from verifiers import JUDGED


@dataclass(frozen=True, slots=True)
class Checked:
    """A configuration whose names and options are all known to be right."""

    config: RunConfig
    recipe: Any
    """The recipe's module."""
    options: Any
    """The recipe's Config."""
    env_options: Any
    """The environment's Options."""
    levels: range
    """The environment's levels; none for a game."""

    @property
    def plays_games(self) -> bool:
        """Whether `env` is a game."""
        return plays_games(self.recipe)


def check(config: RunConfig) -> Checked:
    """Look up every name and check every option. Raises ConfigError with key, got, expected and the nearest name."""
    if config.recipe not in RECIPES:
        raise ConfigError(f"recipe: got {config.recipe!r}, expected a recipe; {nearest(config.recipe, RECIPES)}")
    recipe = RECIPES[config.recipe]
    check_learner(config, recipe)
    if plays_games(recipe):
        return Checked(config, recipe, build(recipe.Config, config.options, "options"), check_game(config), range(0))
    if config.model.scratch is not None and config.bootstrap is None:
        raise ConfigError(
            "bootstrap: got nothing, expected a mapping with learning_rate and max_steps, because model.scratch has "
            "random weights that must be warmed up"
        )
    if config.env.name not in ENVIRONMENTS:
        raise ConfigError(
            f"env.name: got {config.env.name!r}, expected an environment; {nearest(config.env.name, ENVIRONMENTS)}"
        )
    options_class, factory = ENVIRONMENTS[config.env.name]
    options = build(recipe.Config, config.options, "options")
    env_options = build(options_class, config.env.options, "env.options")
    environment = factory(env_options, None)
    levels = environment.levels
    wanted = [("evaluation.levels", config.evaluation.levels or [])]
    if config.bootstrap is not None:
        low, high = config.bootstrap.seed_levels
        wanted.append(("bootstrap.seed_levels", [low, high + 1]))
        wanted.append(("bootstrap.proposer_levels", list(config.bootstrap.proposer_levels or ())))
    for key, named in wanted:
        if outside := [level for level in named if level not in levels]:
            raise ConfigError(
                f"{key}: got or needs level {outside[0]}, expected levels {levels[0]} to {levels[-1]} of "
                f"{config.env.name} (the bootstrap also tests one level beyond its seeds)"
            )
    check_judge(config, recipe, environment)
    if config.judge is None and getattr(options, "needs_judge", False):
        raise ConfigError("judge: got nothing, expected a judge, which these options ask; such as {name: policy}")
    if config.bootstrap is not None and environment.verifier in JUDGED:
        raise ConfigError(
            f"bootstrap: got one for {config.env.name}, expected none: no program verifies its answers, so there is no "
            f"accuracy to reach. Warm the model up in another environment, then name its folder in model.name"
        )
    if config.model.lora is not None and config.bootstrap is not None:
        raise ConfigError(
            "model.lora: got adapters together with a bootstrap, expected one of them: a run folder keeps adapters, "
            "not the weights beneath. Warm the model up first (scripts.bootstrap), then name its folder in model.name"
        )
    return Checked(config, recipe, options, env_options, levels)


def check_learner(config: RunConfig, recipe: Any) -> None:
    """Raise ConfigError for a learner that would misread what the recipe trains on."""
    fitting = recipe.ABOUT.learners
    if config.learner.name not in fitting:
        raise ConfigError(
            f"learner.name: got {config.learner.name}, expected {' or '.join(fitting)}: the rows of {config.recipe} "
            f"are for it"
        )
