"""What the panes of the analysis share: the trials that pass the filter, the brushes, the axis."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.recipe.ranges import Space
from tuner.results import format as fmt
from tuner.results.verdict import Verdict
from tuner.session.view import TrialView
from tuner.tui.charts.brushes import Brush, Brushes
from tuner.tui.charts.sample import METRIC, Axis, Memo, Sample, sample_of
from tuner.tui.render.names import group_of
from tuner.tui.render.space import searched
from tuner.tui.workspace import Workspace

Question = tuple[object, ...]
"""What a verdict is about: the trials that ended, the filter, the brushes."""
REMEMBERED = 32
"""Verdicts that are kept for when somebody comes back to them."""
ALL = "all"
RATES = "rates"
OTHERS = "others"


class Exploration:
    """Changed by keys and readings; what follows from it is worked out only where that changed."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.brushes = Brushes()
        self.sample = Sample()
        self.focus = 0
        self.family = ALL
        self.verdicts: dict[Question, Verdict] = {}
        self._sample_for: tuple[object, ...] | None = None
        self._space_for: object = None
        self._space: Space = {}
        self._memo: Memo = {}
        self._mask: list[bool] = []
        self._mask_for: Question | None = None

    # The trials

    def take(self) -> bool:
        """Look at the trials anew; False where nothing changed for any chart."""
        feed = self.workspace.feed
        basis = (feed.tally.ended, len(feed.view.trials), self.workspace.test, id(feed.view.recipe))
        if basis == self._sample_for:
            return False
        if self._space_for is not feed.view.recipe:
            self._space_for, self._space, self._memo = feed.view.recipe, searched(feed.view), {}
        self.sample = sample_of(feed.view, self.workspace.passing(), self._space, self._memo)
        self._sample_for = basis
        self.focus = min(self.focus, len(self.axes) - 1)
        return True

    @property
    def question(self) -> Question:
        """What is asked now."""
        return (self._sample_for, tuple(sorted(self.brushes.active.items())))

    @property
    def bright(self) -> Sequence[bool]:
        """For each trial of the sample, whether it is under every brush."""
        question = (*self.question, id(self.sample))
        if self._mask_for != question:
            sample = self.sample
            self._mask = self.brushes.mask(sample.places, len(sample.trials))
            self._mask_for = question
        return self._mask

    @property
    def bright_trials(self) -> list[TrialView]:
        """The trials under every brush."""
        pairs = zip(self.sample.trials, self.bright, strict=True)
        return [trial for trial, lit in pairs if lit]

    @property
    def narrowed(self) -> bool:
        """Whether a filter or a brush leaves trials out."""
        return self.workspace.test is not None or bool(self.brushes.active)

    def count_text(self) -> str:
        """How many trials there are, and how many of them are brushed."""
        total = len(self.sample.trials)
        if self.brushes.active:
            return f"{sum(self.bright)} of {total} trials brushed"
        return (
            f"{fmt.counted(total, 'trial')} pass{'es' if total == 1 else ''}"
            if self.workspace.test is not None
            else ""
        )

    # The verdict on them

    @property
    def verdict(self) -> Verdict | None:
        """What is known to the present question."""
        return self.verdicts.get(self.question)

    def remember(self, question: Question, verdict: Verdict) -> None:
        """Take in an answer."""
        while len(self.verdicts) >= REMEMBERED:
            del self.verdicts[next(iter(self.verdicts))]
        self.verdicts[question] = verdict

    # The axes

    @property
    def axes(self) -> list[Axis]:
        """The axes of the family that shows, the metric's always the last."""
        every = self.sample.axes
        chosen = [axis for axis in every[:-1] if in_family(axis.name, self.family)]
        return [*chosen, *every[-1:]]

    @property
    def axis(self) -> Axis | None:
        """The axis that keys are about."""
        axes = self.axes
        return axes[self.focus] if 0 <= self.focus < len(axes) else None

    def families(self) -> list[str]:
        """All, the rates, each layer group, the others: those that have axes."""
        names = [axis.name for axis in self.sample.settings]
        groups = dict.fromkeys(group for name in names if (group := group_of(name)) is not None)
        found = [ALL, RATES, *groups, OTHERS]
        return [family for family in found if any(in_family(name, family) for name in names)]

    def next_family(self) -> None:
        """Show the next family of axes, the focus on its first."""
        families = self.families()
        if families:
            at = families.index(self.family) if self.family in families else -1
            self.family, self.focus = families[(at + 1) % len(families)], 0

    def move_focus(self, steps: int) -> None:
        """Another axis; a brush that was not kept is dropped."""
        if axes := self.axes:
            self.brushes.drop_draft()
            self.focus = (self.focus + steps) % len(axes)

    def focus_on(self, name: str) -> None:
        """The axis of that name."""
        names = [axis.name for axis in self.axes]
        self.move_focus(names.index(name) - self.focus)

    def brush_best(self) -> None:
        """A brush over the best fifth of the metric, over the upper half of another axis."""
        axis = self.axis
        if axis is None or self.brushes.clear(axis.name):
            return
        if axis.name == METRIC:
            best = Brush(0.8, 1.0) if self.sample.maximize else Brush(0.0, 0.2)
            self.brushes.put(axis.name, best)
        else:
            self.brushes.put(axis.name, Brush(0.5, 1.0))


def in_family(name: str, family: str) -> bool:
    """Whether a setting belongs to a family of axes."""
    if family == ALL:
        return True
    if family == RATES:
        return name.startswith("lr.")
    return group_of(name) == (None if family == OTHERS else family)
