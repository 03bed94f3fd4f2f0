"""What the panes of the analysis share: the trials that match the filter, the brushes, the axis."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.recipe.ranges import Space
from tuner.render.charts.brushes import Brush, Brushes
from tuner.render.charts.trial_sample import (
    METRIC_AXIS,
    Axis,
    PositionMemo,
    TrialSample,
    sample_from_trials,
)
from tuner.render.range_text import searched_settings
from tuner.render.text_fitting import group_of_setting
from tuner.results import format as fmt
from tuner.results.verdict import Verdict
from tuner.session.view import TrialView
from tuner.tui.state.workspace import Workspace

Question = tuple[object, ...]
"""What a verdict is about: the trials that ended, the filter, the brushes."""
REMEMBERED = 32
"""Verdicts that are kept for when somebody comes back to them."""
ALL = "all"
RATES = "rates"
OTHERS = "others"


class Exploration:
    """What the analysis panes share, recomputed only where the trials or the brushes changed."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.brushes = Brushes()
        self.sample = TrialSample()
        self.focused_index = 0
        self.family = ALL
        self.verdicts: dict[Question, Verdict] = {}
        self._sample_for: tuple[object, ...] | None = None
        self._space_for: object = None
        self._space: Space = {}
        self._memo: PositionMemo = {}
        self._mask: list[bool] = []
        self._mask_for: Question | None = None

    # The trials

    def update_sample(self) -> bool:
        """Update the sample of trials; return False if nothing changed for any chart."""
        reader = self.workspace.reader
        basis = (
            reader.trial_counts.ended_count,
            len(reader.view.trials),
            self.workspace.trial_filter,
            id(reader.view.recipe),
        )
        if basis == self._sample_for:
            return False
        if self._space_for is not reader.view.recipe:
            self._space_for, self._space, self._memo = (
                reader.view.recipe,
                searched_settings(reader.view),
                {},
            )
        self.sample = sample_from_trials(
            reader.view, self.workspace.matching_trials(), self._space, self._memo
        )
        self._sample_for = basis
        self.focused_index = min(self.focused_index, len(self.family_axes) - 1)
        return True

    @property
    def current_question(self) -> Question:
        """What a verdict would be about now."""
        return (self._sample_for, tuple(sorted(self.brushes.active_brushes.items())))

    @property
    def brushed_mask(self) -> Sequence[bool]:
        """For each trial of the sample, whether it is under every brush."""
        question = (*self.current_question, id(self.sample))
        if self._mask_for != question:
            sample = self.sample
            self._mask = self.brushes.mask_trials(sample.positions, len(sample.trials))
            self._mask_for = question
        return self._mask

    @property
    def brushed_trials(self) -> list[TrialView]:
        pairs = zip(self.sample.trials, self.brushed_mask, strict=True)
        return [trial for trial, is_brushed in pairs if is_brushed]

    @property
    def is_narrowed(self) -> bool:
        """Whether a filter or a brush leaves trials out."""
        return self.workspace.trial_filter is not None or bool(self.brushes.active_brushes)

    def brushed_count_text(self) -> str:
        """Say how many trials there are, and how many of them are brushed."""
        total = len(self.sample.trials)
        if self.brushes.active_brushes:
            return f"{sum(self.brushed_mask)} of {total} trials brushed"
        return (
            f"{fmt.count_in_words(total, 'trial')} match{'es' if total == 1 else ''}"
            if self.workspace.trial_filter is not None
            else ""
        )

    # The verdict on them

    @property
    def current_verdict(self) -> Verdict | None:
        return self.verdicts.get(self.current_question)

    def remember_verdict(self, question: Question, verdict: Verdict) -> None:
        while len(self.verdicts) >= REMEMBERED:
            del self.verdicts[next(iter(self.verdicts))]
        self.verdicts[question] = verdict

    # The axes

    @property
    def family_axes(self) -> list[Axis]:
        """The axes of the family on screen; the metric's is always the last."""
        all_axes = self.sample.axes
        selected_axes = [axis for axis in all_axes[:-1] if is_in_family(axis.name, self.family)]
        return [*selected_axes, *all_axes[-1:]]

    @property
    def focused_axis(self) -> Axis | None:
        axes = self.family_axes
        return axes[self.focused_index] if 0 <= self.focused_index < len(axes) else None

    def axis_families(self) -> list[str]:
        """Return those of all, the rates, each layer group and the others that have axes."""
        names = [axis.name for axis in self.sample.setting_axes]
        groups = dict.fromkeys(
            group for name in names if (group := group_of_setting(name)) is not None
        )
        candidates = [ALL, RATES, *groups, OTHERS]
        return [
            family for family in candidates if any(is_in_family(name, family) for name in names)
        ]

    def show_next_family(self) -> None:
        families = self.axis_families()
        if families:
            index = families.index(self.family) if self.family in families else -1
            self.family, self.focused_index = families[(index + 1) % len(families)], 0

    def move_axis_focus(self, steps: int) -> None:
        """Move to another axis; an unsaved brush is dropped."""
        if axes := self.family_axes:
            self.brushes.discard_draft()
            self.focused_index = (self.focused_index + steps) % len(axes)

    def focus_axis_named(self, name: str) -> None:
        names = [axis.name for axis in self.family_axes]
        self.move_axis_focus(names.index(name) - self.focused_index)

    def toggle_best_brush(self) -> None:
        """Brush the best fifth of the metric or the upper half of another axis, or clear."""
        axis = self.focused_axis
        if axis is None or self.brushes.clear_axis(axis.name):
            return
        if axis.name == METRIC_AXIS:
            best = Brush(0.8, 1.0) if self.sample.maximize else Brush(0.0, 0.2)
            self.brushes.set_draft(axis.name, best)
        else:
            self.brushes.set_draft(axis.name, Brush(0.5, 1.0))


def is_in_family(name: str, family: str) -> bool:
    if family == ALL:
        return True
    if family == RATES:
        return name.startswith("lr.")
    return group_of_setting(name) == (None if family == OTHERS else family)
