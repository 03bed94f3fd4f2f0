"""Brushes over axes: which trials stay bright, and which ranges they stand for. No drawing here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tuner.recipe.types import Range
from tuner.tui.charts.sample import METRIC, Axis, Places, Sample

Ranges = dict[str, tuple[float, float]]
_CLOSE = 1e-9


@dataclass(frozen=True)
class Brush:
    """A stretch of an axis, as shares of its length; inverted it is all but the stretch."""

    low: float = 0.0
    high: float = 1.0
    inverted: bool = False

    def holds(self, place: float | None) -> bool:
        """Whether a place is under the brush; a trial without a place never is."""
        if place is None:
            return False
        return (self.low - _CLOSE <= place <= self.high + _CLOSE) != self.inverted

    def low_moved(self, by: float, step: float) -> Brush:
        """The low end moved; it stays a step below the high one."""
        return replace(self, low=min(max(self.low + by, 0.0), self.high - step))

    def high_moved(self, by: float, step: float) -> Brush:
        """The high end moved; it stays a step above the low one."""
        return replace(self, high=max(min(self.high + by, 1.0), self.low + step))


class Brushes:
    """At most one brush an axis. A brush that is being moved is a draft until it is kept."""

    def __init__(self) -> None:
        self.kept: dict[str, Brush] = {}
        self.draft: tuple[str, Brush] | None = None

    @property
    def active(self) -> dict[str, Brush]:
        """All that count now: the kept ones, and the draft in the place of its own."""
        return {**self.kept, **({self.draft[0]: self.draft[1]} if self.draft else {})}

    def on(self, name: str) -> Brush | None:
        """The brush on an axis."""
        return self.active.get(name)

    def move(self, axis: Axis, steps: int, *, high: bool = False) -> None:
        """Move one end; where there is no brush yet, of one over the whole axis."""
        before = self.on(axis.name) or Brush()
        moved = before.high_moved if high else before.low_moved
        self.draft = (axis.name, moved(steps * axis.step, axis.step))

    def put(self, name: str, brush: Brush) -> None:
        """A draft of that shape."""
        self.draft = (name, brush)

    def keep(self) -> bool:
        """Keep the draft; False where there is none."""
        if self.draft is None:
            return False
        name, brush = self.draft
        self.draft = None
        if brush == Brush():
            self.kept.pop(name, None)
        else:
            self.kept[name] = brush
        return True

    def toggle(self, brushes: Mapping[str, Brush]) -> None:
        """Keep all of them; where just these are kept, take them off."""
        self.draft = None
        taken_off = all(self.kept.get(name) == brush for name, brush in brushes.items())
        for name, brush in brushes.items():
            if taken_off:
                del self.kept[name]
            else:
                self.kept[name] = brush

    def drop_draft(self) -> bool:
        """As it was before the draft; False where there is none."""
        found, self.draft = self.draft is not None, None
        return found

    def invert(self, name: str) -> None:
        """All but what was brushed on this axis."""
        brush = self.on(name)
        if brush is None:
            return
        turned = replace(brush, inverted=not brush.inverted)
        if self.draft is not None and self.draft[0] == name:
            self.draft = (name, turned)
        else:
            self.kept[name] = turned

    def clear(self, name: str) -> bool:
        """Take the brush off an axis; False where there is none."""
        found = self.on(name) is not None
        if self.draft is not None and self.draft[0] == name:
            self.draft = None
        self.kept.pop(name, None)
        return found

    def clear_all(self) -> bool:
        """Take all brushes off; False where there are none."""
        found = bool(self.active)
        self.kept, self.draft = {}, None
        return found

    def mask(self, places: Mapping[str, Places], count: int) -> list[bool]:
        """For each of `count` trials, whether it is under every brush."""
        held = [True] * count
        for name, brush in self.active.items():
            column = places.get(name)
            if column is not None:
                held = [
                    so_far and brush.holds(place)
                    for so_far, place in zip(held, column, strict=True)
                ]
        return held


def brushed_ranges(sample: Sample, brushes: Brushes) -> Ranges:
    """The ranges that the brushes stand for, by flat name, each inside of the one searched.

    A brushed setting has its brush's ends. A brush on the metric narrows every other setting to
    where the bright trials lie. What is inverted, or no number, is no range.
    """
    active = brushes.active
    numbers = [axis for axis in sample.settings if isinstance(sample.space[axis.name], Range)]
    found: Ranges = {}
    for axis in numbers:
        brush = active.get(axis.name)
        if brush is not None and not brush.inverted and brush != Brush():
            found[axis.name] = _rounded(axis, brush.low, brush.high)
    if METRIC in active:
        mask = brushes.mask(sample.places, len(sample.trials))
        for axis in numbers:
            if axis.name not in active and (span := _span(sample.places[axis.name], mask)):
                found[axis.name] = _rounded(axis, *span)
    return found


def _span(places: Places, mask: list[bool]) -> tuple[float, float] | None:
    inside = [place for place, held in zip(places, mask, strict=True) if held and place is not None]
    if len(inside) < 2 or min(inside) == max(inside):
        return None
    return min(inside), max(inside)


def _rounded(axis: Axis, low: float, high: float) -> tuple[float, float]:
    """Two digits are enough for a range, rounded outwards and never beyond the one searched."""
    ends = axis.scale.value(low), axis.scale.value(high)
    down, up = (
        _outwards(value, axis, up=up) for value, up in zip(ends, (False, True), strict=True)
    )
    return max(down, axis.scale.low), min(up, axis.scale.high)


def _outwards(value: float, axis: Axis, *, up: bool) -> float:
    if value == 0:
        return 0.0
    # A little off first: what is 3e-6 but for the last bit is to stay 3e-6.
    steady = value * (1 - 1e-9) if up == (value > 0) else value * (1 + 1e-9)
    digits = 0 if axis.whole else 1 - math.floor(math.log10(abs(steady)))
    size = 10.0**-digits
    whole = math.ceil(steady / size) if up else math.floor(steady / size)
    return float(f"{whole * size:.12g}")
