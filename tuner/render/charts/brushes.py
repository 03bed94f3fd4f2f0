"""Brushes over axes: which trials stay bright, and which ranges they stand for. No drawing here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tuner.recipe.numbers import round_to_digits
from tuner.recipe.types import Range
from tuner.render.charts.trial_sample import METRIC_AXIS, Axis, Positions, TrialSample

BrushedRanges = dict[str, tuple[float, float]]
_CLOSE = 1e-9


@dataclass(frozen=True)
class Brush:
    """A selected stretch of an axis, as shares of its length; inverted, all but the stretch."""

    low: float = 0.0
    high: float = 1.0
    inverted: bool = False

    def covers_position(self, position: float | None) -> bool:
        """Whether a position is selected; a trial without a position never is."""
        if position is None:
            return False
        return (self.low - _CLOSE <= position <= self.high + _CLOSE) != self.inverted

    def with_low_moved(self, distance: float, step: float) -> Brush:
        """Move the low end; it stays a step below the high one."""
        return replace(self, low=min(max(self.low + distance, 0.0), self.high - step))

    def with_high_moved(self, distance: float, step: float) -> Brush:
        """Move the high end; it stays a step above the low one."""
        return replace(self, high=max(min(self.high + distance, 1.0), self.low + step))


class Brushes:
    """At most one brush an axis. A brush that is being moved is a draft until it is kept."""

    def __init__(self) -> None:
        self.kept_brushes: dict[str, Brush] = {}
        self.draft: tuple[str, Brush] | None = None

    @property
    def active_brushes(self) -> dict[str, Brush]:
        """The kept brushes, the draft in place of the kept one of its axis."""
        return {**self.kept_brushes, **({self.draft[0]: self.draft[1]} if self.draft else {})}

    def brush_on_axis(self, name: str) -> Brush | None:
        return self.active_brushes.get(name)

    def move_end(self, axis: Axis, steps: int, *, high: bool = False) -> None:
        """Move one end; where there is no brush yet, of one over the whole axis."""
        before = self.brush_on_axis(axis.name) or Brush()
        moved = before.with_high_moved if high else before.with_low_moved
        self.draft = (axis.name, moved(steps * axis.brush_step, axis.brush_step))

    def set_draft(self, name: str, brush: Brush) -> None:
        self.draft = (name, brush)

    def keep_draft(self) -> bool:
        """Keep the draft; return False where there is none."""
        if self.draft is None:
            return False
        name, brush = self.draft
        self.draft = None
        if brush == Brush():
            self.kept_brushes.pop(name, None)
        else:
            self.kept_brushes[name] = brush
        return True

    def toggle_brushes(self, brushes: Mapping[str, Brush]) -> None:
        """Keep all of them; where exactly these are kept, remove them."""
        self.draft = None
        taken_off = all(self.kept_brushes.get(name) == brush for name, brush in brushes.items())
        for name, brush in brushes.items():
            if taken_off:
                del self.kept_brushes[name]
            else:
                self.kept_brushes[name] = brush

    def discard_draft(self) -> bool:
        """Forget the draft; return False where there is none."""
        had_draft, self.draft = self.draft is not None, None
        return had_draft

    def invert_axis(self, name: str) -> None:
        brush = self.brush_on_axis(name)
        if brush is None:
            return
        turned = replace(brush, inverted=not brush.inverted)
        if self.draft is not None and self.draft[0] == name:
            self.draft = (name, turned)
        else:
            self.kept_brushes[name] = turned

    def clear_axis(self, name: str) -> bool:
        """Remove the brush of an axis; return False where there is none."""
        had_brush = self.brush_on_axis(name) is not None
        if self.draft is not None and self.draft[0] == name:
            self.draft = None
        self.kept_brushes.pop(name, None)
        return had_brush

    def clear_all_axes(self) -> bool:
        """Remove all brushes; return False where there are none."""
        had_brushes = bool(self.active_brushes)
        self.kept_brushes, self.draft = {}, None
        return had_brushes

    def mask_trials(self, positions: Mapping[str, Positions], count: int) -> list[bool]:
        """Return for each of `count` trials whether every brush covers it."""
        inside = [True] * count
        for name, brush in self.active_brushes.items():
            column = positions.get(name)
            if column is not None:
                inside = [
                    so_far and brush.covers_position(position)
                    for so_far, position in zip(inside, column, strict=True)
                ]
        return inside


def brushed_ranges(sample: TrialSample, brushes: Brushes) -> BrushedRanges:
    """Return the ranges that the brushes stand for, by flat name, each inside the searched one.

    A brushed setting has its brush's ends. A brush on the metric narrows every other setting to
    where the bright trials lie. An inverted brush and one on choices give no range.
    """
    active = brushes.active_brushes
    numbers = [axis for axis in sample.setting_axes if isinstance(sample.space[axis.name], Range)]
    ranges: BrushedRanges = {}
    for axis in numbers:
        brush = active.get(axis.name)
        if brush is not None and not brush.inverted and brush != Brush():
            ranges[axis.name] = _range_between(axis, brush.low, brush.high)
    if METRIC_AXIS in active:
        mask = brushes.mask_trials(sample.positions, len(sample.trials))
        for axis in numbers:
            if axis.name not in active and (
                span := _span_of_bright(sample.positions[axis.name], mask)
            ):
                ranges[axis.name] = _range_between(axis, *span)
    return ranges


def _span_of_bright(positions: Positions, mask: list[bool]) -> tuple[float, float] | None:
    inside = [
        position
        for position, is_bright in zip(positions, mask, strict=True)
        if is_bright and position is not None
    ]
    if len(inside) < 2 or min(inside) == max(inside):
        return None
    return min(inside), max(inside)


def _range_between(axis: Axis, low: float, high: float) -> tuple[float, float]:
    """Round to two digits, outwards, and never beyond the searched range."""
    ends = axis.scale.value_at_share(low), axis.scale.value_at_share(high)
    down, up = (
        _round_outwards(value, axis, up=up) for value, up in zip(ends, (False, True), strict=True)
    )
    return max(down, axis.scale.low), min(up, axis.scale.high)


def _round_outwards(value: float, axis: Axis, *, up: bool) -> float:
    if value == 0:
        return 0.0
    # 3e-6 with an error in its last bit is to stay 3e-6: step inwards first, then round outwards.
    steady = value * (1 - 1e-9) if up == (value > 0) else value * (1 + 1e-9)
    digits = 0 if axis.whole else 1 - math.floor(math.log10(abs(steady)))
    size = 10.0**-digits
    whole = math.ceil(steady / size) if up else math.floor(steady / size)
    return round_to_digits(whole * size, 12)
