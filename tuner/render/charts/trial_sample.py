"""What the charts of a set of trials are drawn from: the trials, and the axes to place them on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tuner.recipe.ranges import Space
from tuner.recipe.types import Choices, Range
from tuner.render.charts.axes import Scale, scale_of_values
from tuner.render.range_text import scale_of_range
from tuner.render.text_fitting import short_setting_names
from tuner.render.trial_columns import metric_abbreviation
from tuner.results.format import format_range_end, format_score, sanitize_text
from tuner.session.view import SessionView, TrialState, TrialView

METRIC_AXIS = ""
"""The name of the metric's axis: no setting is called so."""
BRUSH_STEPS = 20
"""Steps that a brush takes over an axis of numbers."""
ENDED_WITH_VALUE = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.COLLAPSED)

_NUMBERS = frozenset({int, float})

Positions = Sequence[float | None]
PositionMemo = dict["Axis", dict[int, float | None]]
"""Places of trials by their number: an ended trial's settings stay as they are."""


@dataclass(frozen=True)
class Axis:
    """One searched setting, or the metric. Positions on it are shares: 0 at the low end, 1 high."""

    name: str
    label: str
    scale: Scale
    choices: tuple[object, ...] = ()
    whole: bool = False

    @property
    def end_labels(self) -> tuple[str, str]:
        """Texts of the low and the high end."""
        if self.choices:
            return sanitize_text(self.choices[0]), sanitize_text(self.choices[-1])
        if self.name == METRIC_AXIS:
            return format_score(self.scale.low)[:6], format_score(self.scale.high)[:6]
        return format_range_end(self.scale.low), format_range_end(self.scale.high)

    @property
    def brush_step(self) -> float:
        """The share of the axis that a brush moves at a time."""
        return 1 / (len(self.choices) or BRUSH_STEPS)

    def positions_of(self, trials: Sequence[TrialView]) -> list[float | None]:
        """Return the trials' positions; None where one has no value here, or one out of range."""
        if self.name == METRIC_AXIS:
            values: list[Any] = [trial.value for trial in trials]
        else:
            values = [trial.params.get(self.name) for trial in trials]
        if self.choices:
            return [self._choice_position(value) for value in values]
        share, low, high = self.scale.share_of_value, self.scale.low, self.scale.high
        return [
            share(value) if type(value) in _NUMBERS and low <= value <= high else None
            for value in values
        ]

    def _choice_position(self, value: object) -> float | None:
        if value not in self.choices:
            return None
        return (self.choices.index(value) + 0.5) / len(self.choices)


@dataclass(frozen=True)
class TrialSample:
    """The ended trials with a value that match the filter, by number, and the axes they have.

    `matching_trials` also has those that run or failed. A sample never changes, so that what is
    derived from it is computed once.
    """

    trials: tuple[TrialView, ...] = ()
    matching_trials: tuple[TrialView, ...] = ()
    axes: tuple[Axis, ...] = ()
    space: Space = field(default_factory=dict)
    metric: str = "accuracy"
    maximize: bool = True
    memo: PositionMemo = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def best_trial(self) -> TrialView | None:
        return None if self.best_index is None else self.trials[self.best_index]

    @cached_property
    def best_index(self) -> int | None:
        """Index of the best complete trial in `trials`."""
        index_so_far: int | None = None
        for index, trial in sorted(
            enumerate(self.trials), key=lambda pair: pair[1].finish_order_key
        ):
            standing = trial.current_standing() if trial.state is TrialState.COMPLETE else None
            so_far = None if index_so_far is None else self.trials[index_so_far].current_standing()
            if standing is not None and standing.ranks_above(so_far, self.direction):
                index_so_far = index
        return index_so_far

    @property
    def direction(self) -> str:
        return "maximize" if self.maximize else "minimize"

    @property
    def setting_axes(self) -> tuple[Axis, ...]:
        return self.axes[:-1]

    @cached_property
    def positions(self) -> Mapping[str, Positions]:
        return _PositionsByAxis(self)

    def positions_on_axis(self, axis: Axis) -> Positions:
        """Return the trials' positions on one axis, which may be on another scale than ours."""
        if axis.name == METRIC_AXIS:
            return axis.positions_of(self.trials)
        remembered = self.memo.setdefault(axis, {})
        new = [trial for trial in self.trials if trial.number not in remembered]
        remembered.update(zip([trial.number for trial in new], axis.positions_of(new), strict=True))
        return [remembered[trial.number] for trial in self.trials]

    @cached_property
    def indices_worst_first(self) -> list[int]:
        """Indices into `trials`, the better the later."""
        return sorted(range(len(self.trials)), key=self._signed_value)

    @cached_property
    def quintiles(self) -> list[int]:
        """The fifth that each trial's value is in: 4 is the best fifth."""
        quintiles = [0] * len(self.trials)
        for rank, index in enumerate(self.indices_worst_first):
            quintiles[index] = rank * 5 // len(quintiles)
        return quintiles

    def count_in_state(self, state: TrialState) -> int:
        return sum(trial.state is state for trial in self.trials)

    def _signed_value(self, index: int) -> float:
        value = self.trials[index].value or 0.0
        return value if self.maximize else -value


class _PositionsByAxis(Mapping[str, Positions]):
    """Positions on each axis, computed when an axis is looked up."""

    def __init__(self, sample: TrialSample) -> None:
        self._sample = sample
        self._positions: dict[str, Positions] = {}

    def __getitem__(self, name: str) -> Positions:
        if name not in self._positions:
            axis = next((axis for axis in self._sample.axes if axis.name == name), None)
            if axis is None:
                raise KeyError(name)
            self._positions[name] = self._sample.positions_on_axis(axis)
        return self._positions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(axis.name for axis in self._sample.axes)

    def __len__(self) -> int:
        return len(self._sample.axes)


def sample_from_trials(
    view: SessionView,
    matching_trials: Iterable[TrialView],
    space: Space,
    memo: PositionMemo | None = None,
) -> TrialSample:
    matched = tuple(matching_trials)
    trials = tuple(
        trial for trial in matched if trial.state in ENDED_WITH_VALUE and _has_finite_value(trial)
    )
    short = short_setting_names(list(space))
    axes = [_setting_axis(name, short[name], setting) for name, setting in space.items()]
    values = [trial.value for trial in trials if trial.value is not None]
    metric = Axis(METRIC_AXIS, metric_abbreviation(view.metric), scale_of_values(values))
    maximize = view.direction != "minimize"
    return TrialSample(
        trials, matched, (*axes, metric), space, view.metric, maximize, {} if memo is None else memo
    )


def _has_finite_value(trial: TrialView) -> bool:
    return trial.value is not None and math.isfinite(trial.value)


def _setting_axis(name: str, label: str, setting: Range | Choices) -> Axis:
    if isinstance(setting, Choices):
        return Axis(name, label, Scale(0, 1), choices=setting.values)
    return Axis(name, label, scale_of_range(setting), whole=setting.integer)
