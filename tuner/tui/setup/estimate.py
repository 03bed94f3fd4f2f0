"""How long the search will take and how much memory it needs, from measured trials only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tuner.recipe.types import Choices, Range, Recipe, Setting
from tuner.results import format as fmt
from tuner.session.budget import count_trials_left
from tuner.session.view import ENDED_STATES, SessionView
from tuner.tui.setup.rungs import halving_rungs, training_share

FEWEST_TRIALS = 3
"""Fewer ended trials than this say nothing about speed."""
UNKNOWN_TIME = "time: not measured yet for this model; the first trials will tell"


@dataclass(frozen=True, slots=True)
class Measurement:
    """The cost of trials of the same model: rows a second, slots, peak memory in bytes."""

    source: str
    rows_a_second: float
    slots: int
    memory: int


def measure_trials(view: SessionView, recipe: Recipe) -> Measurement | None:
    """Measure a session's trials for another search with the same model and text length.

    None where they say nothing: another model, too few trials, or no speed recorded.
    """
    before = view.recipe
    if before is None or before.model.name != recipe.model.name:
        return None
    if before.model.max_length != recipe.model.max_length:
        return None
    timed_trials = [
        t for t in view.trials.values() if t.state in ENDED_STATES and t.examples_per_second > 0
    ]
    if len(timed_trials) < FEWEST_TRIALS:
        return None
    speeds = sorted(trial.examples_per_second for trial in timed_trials)
    most = max(trial.memory for trial in timed_trials)
    return Measurement(view.name, speeds[len(speeds) // 2], max(view.slots, 1), most)


def first_measurement(views: Iterable[SessionView], recipe: Recipe) -> Measurement | None:
    """Return the measurement of the first session that has one."""
    return next(
        (measurement for view in views if (measurement := measure_trials(view, recipe))), None
    )


def estimate_lines(
    recipe: Recipe, view: SessionView, measurement: Measurement | None, rows: int | None
) -> list[str]:
    """Return one line about time and one about memory, as far as they are known."""
    trials_to_go = count_trials_left(view, recipe)
    if measurement is None or not rows:
        return [UNKNOWN_TIME]
    if not trials_to_go:
        return ["time: no trials left to train"]
    trained = (
        trials_to_go
        * rows
        * _mean_of_setting(recipe.training.epochs)
        * _share_after_pruning(recipe)
    )
    seconds = trained / measurement.rows_a_second / measurement.slots
    source = "this session's trials" if measurement.source == view.name else measurement.source
    time = (
        f"≈ {fmt.format_duration_in_words(seconds)} for {fmt.count_in_words(trials_to_go, 'trial')}"
    )
    lines = [f"{time}, at {fmt.format_speed(measurement.rows_a_second)} rows a second in {source}"]
    if measurement.memory:
        lines.append(f"memory: {fmt.format_bytes(measurement.memory)} at most in {source}")
    return lines


def _share_after_pruning(recipe: Recipe) -> float:
    """Return the share of training left by the pruner; 1 where it depends on the scores."""
    if recipe.search.pruner != "halving":
        return 1.0
    return training_share(halving_rungs(recipe.search))


def _mean_of_setting(setting: Setting) -> float:
    if isinstance(setting, Range):
        return (setting.low + setting.high) / 2
    values = setting.values if isinstance(setting, Choices) else (setting,)
    return sum(float(value) for value in values) / len(values)
