"""How long the search will take and what memory it needs: from what was measured, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tuner.recipe.types import Choices, Range, Recipe, Setting
from tuner.results import format as fmt
from tuner.session.budget import trials_left
from tuner.session.fold import ENDED
from tuner.session.view import SessionView
from tuner.tui.setup.rungs import halving_rungs, training_share

FEWEST = 3
"""Ended trials from which on their mean time says something."""
UNKNOWN = "time: not measured yet for this model; the first trials tell"


@dataclass(frozen=True, slots=True)
class Measured:
    """What trials of the same model took: rows trained a second, slots, the most memory."""

    source: str
    rows_a_second: float
    slots: int
    memory: int


def measured(view: SessionView, recipe: Recipe) -> Measured | None:
    """What a session's trials say about another search with the same model and text length.

    None where they say nothing: another model, too few trials, or no speed told.
    """
    model = view.recipe.get("model", {})
    if not isinstance(model, dict) or model.get("name") != recipe.model.name:
        return None
    if model.get("max_length", 256) != recipe.model.max_length:
        return None
    told = [t for t in view.trials.values() if t.state in ENDED and t.examples_per_second > 0]
    if len(told) < FEWEST:
        return None
    speeds = sorted(trial.examples_per_second for trial in told)
    most = max(trial.memory for trial in told)
    return Measured(view.name, speeds[len(speeds) // 2], max(view.slots, 1), most)


def first_measured(views: Iterable[SessionView], recipe: Recipe) -> Measured | None:
    """The first session that says something."""
    return next((found for view in views if (found := measured(view, recipe))), None)


def estimate_lines(
    recipe: Recipe, view: SessionView, found: Measured | None, rows: int | None
) -> list[str]:
    """One line about time and one about memory, as far as they are known."""
    left = trials_left(view, recipe)
    if found is None or not rows:
        return [UNKNOWN]
    if not left:
        return ["time: no trial is left to train"]
    trained = left * rows * _middle(recipe.training.epochs) * _share(recipe)
    seconds = trained / found.rows_a_second / found.slots
    source = "this session's trials" if found.source == view.name else found.source
    time = f"≈ {fmt.duration_words(seconds)} for {fmt.counted(left, 'trial')}"
    lines = [f"{time}, at {fmt.speed(found.rows_a_second)} rows a second in {source}"]
    if found.memory:
        lines.append(f"memory: {fmt.bytes(found.memory)} at most in {source}")
    return lines


def _share(recipe: Recipe) -> float:
    """What the pruner is expected to leave of the training; 1 where that cannot be told before."""
    if recipe.search.pruner != "halving":
        return 1.0
    return training_share(halving_rungs(recipe.search))


def _middle(setting: Setting) -> float:
    if isinstance(setting, Range):
        return (setting.low + setting.high) / 2
    values = setting.values if isinstance(setting, Choices) else (setting,)
    return sum(float(value) for value in values) / len(values)
