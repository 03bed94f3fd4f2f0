"""What the charts of a set of trials are drawn from: the trials, and the axes to place them on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tuner.recipe.ranges import Space
from tuner.recipe.types import Choices, Range
from tuner.results.format import bound, plain, score
from tuner.session.view import SessionView, TrialState, TrialView
from tuner.tui.charts.axes import Scale, scale_of
from tuner.tui.render.columns import short_metric
from tuner.tui.render.names import short_names
from tuner.tui.render.space import scale_for

METRIC = ""
"""The name of the metric's axis: no setting is called so."""
STEPS = 20
"""Steps that a brush takes over an axis of numbers."""
ENDED_WITH_VALUE = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.COLLAPSED)

_NUMBERS = frozenset({int, float})

Places = Sequence[float | None]
Memo = dict["Axis", dict[int, float | None]]
"""Places of trials by their number: an ended trial's settings stay as they are."""


@dataclass(frozen=True)
class Axis:
    """One searched setting, or the metric. A place on it is a share: 0 at the low end, 1 high."""

    name: str
    label: str
    scale: Scale
    choices: tuple[object, ...] = ()
    whole: bool = False

    @property
    def ends(self) -> tuple[str, str]:
        """What is written at the low and at the high end."""
        if self.choices:
            return plain(self.choices[0]), plain(self.choices[-1])
        if self.name == METRIC:
            return score(self.scale.low)[:6], score(self.scale.high)[:6]
        return bound(self.scale.low), bound(self.scale.high)

    @property
    def step(self) -> float:
        """The share of the axis that a brush moves at a time."""
        return 1 / (len(self.choices) or STEPS)

    def places(self, trials: Sequence[TrialView]) -> list[float | None]:
        """Where trials lie; None where one has no value here, or one outside of the range."""
        if self.name == METRIC:
            values: list[Any] = [trial.value for trial in trials]
        else:
            values = [trial.params.get(self.name) for trial in trials]
        if self.choices:
            return [self._choice_place(value) for value in values]
        share, low, high = self.scale.share, self.scale.low, self.scale.high
        return [
            share(value) if type(value) in _NUMBERS and low <= value <= high else None
            for value in values
        ]

    def _choice_place(self, value: object) -> float | None:
        if value not in self.choices:
            return None
        return (self.choices.index(value) + 0.5) / len(self.choices)


@dataclass(frozen=True)
class Sample:
    """The ended trials with a value that pass the filter, by number, and the axes they have.

    `every` are all trials that pass, those that run or failed included. A sample never changes, so
    that what is worked out from it is worked out once.
    """

    trials: tuple[TrialView, ...] = ()
    every: tuple[TrialView, ...] = ()
    axes: tuple[Axis, ...] = ()
    space: Space = field(default_factory=dict)
    metric: str = "accuracy"
    maximize: bool = True
    memo: Memo = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def best(self) -> TrialView | None:
        """The best complete one of them."""
        return None if self.best_at is None else self.trials[self.best_at]

    @cached_property
    def best_at(self) -> int | None:
        """Where the best complete one is in `trials`."""
        found: int | None = None
        for index, trial in sorted(enumerate(self.trials), key=lambda at: at[1].finish_order):
            standing = trial.standing() if trial.state is TrialState.COMPLETE else None
            so_far = None if found is None else self.trials[found].standing()
            if standing is not None and standing.is_above(so_far, self.direction):
                found = index
        return found

    @property
    def direction(self) -> str:
        """As the recipe's metric has it."""
        return "maximize" if self.maximize else "minimize"

    @property
    def settings(self) -> tuple[Axis, ...]:
        """The axes without the metric's."""
        return self.axes[:-1]

    @cached_property
    def places(self) -> Mapping[str, Places]:
        """The trials' places on every axis, by the axis's name."""
        return _PlacesByName(self)

    def places_on(self, axis: Axis) -> Places:
        """The trials' places on one axis, which may be one of these on another scale."""
        if axis.name == METRIC:
            return axis.places(self.trials)
        known = self.memo.setdefault(axis, {})
        new = [trial for trial in self.trials if trial.number not in known]
        known.update(zip([trial.number for trial in new], axis.places(new), strict=True))
        return [known[trial.number] for trial in self.trials]

    @cached_property
    def worst_first(self) -> list[int]:
        """Where the trials are in `trials`, the better the later."""
        return sorted(range(len(self.trials)), key=self._goodness)

    @cached_property
    def fifths(self) -> list[int]:
        """For each trial, in which fifth it is by its value: 4 is the best fifth."""
        found = [0] * len(self.trials)
        for rank, index in enumerate(self.worst_first):
            found[index] = rank * 5 // len(found)
        return found

    def count(self, state: TrialState) -> int:
        """How many of them ended so."""
        return sum(trial.state is state for trial in self.trials)

    def _goodness(self, index: int) -> float:
        value = self.trials[index].value or 0.0
        return value if self.maximize else -value


class _PlacesByName(Mapping[str, Places]):
    """The places on each axis, looked up when an axis is asked for."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self._known: dict[str, Places] = {}

    def __getitem__(self, name: str) -> Places:
        if name not in self._known:
            axis = next((axis for axis in self._sample.axes if axis.name == name), None)
            if axis is None:
                raise KeyError(name)
            self._known[name] = self._sample.places_on(axis)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(axis.name for axis in self._sample.axes)

    def __len__(self) -> int:
        return len(self._sample.axes)


def sample_of(
    view: SessionView, passing: Iterable[TrialView], space: Space, memo: Memo | None = None
) -> Sample:
    """The trials that pass, as charts want them."""
    every = tuple(passing)
    trials = tuple(trial for trial in every if trial.state in ENDED_WITH_VALUE and _has(trial))
    short = short_names(list(space))
    axes = [_axis(name, short[name], setting) for name, setting in space.items()]
    values = [trial.value for trial in trials if trial.value is not None]
    metric = Axis(METRIC, short_metric(view.metric), scale_of(values))
    maximize = view.direction != "minimize"
    return Sample(
        trials, every, (*axes, metric), space, view.metric, maximize, {} if memo is None else memo
    )


def _has(trial: TrialView) -> bool:
    return trial.value is not None and math.isfinite(trial.value)


def _axis(name: str, label: str, setting: Range | Choices) -> Axis:
    if isinstance(setting, Choices):
        return Axis(name, label, Scale(0, 1), choices=setting.values)
    return Axis(name, label, scale_for(setting), whole=setting.integer)
