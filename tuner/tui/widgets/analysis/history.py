"""The pane of what the search found, trial by trial; or of when each trial ran."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.reactive import reactive

from tuner.session.view import TrialView
from tuner.tui.charts.scatter import ORDERS, draw_history, history_trial
from tuner.tui.charts.timeline import draw_timeline, timeline_trial
from tuner.tui.exploration import Exploration
from tuner.tui.render.lined import Lines
from tuner.tui.render.styles import Styles
from tuner.tui.widgets.analysis.chart import ChartPane

_NEXT = {"number": "time", "time": "rank", "rank": "number"}


class HistoryPane(ChartPane):
    """Values by number, time or rank with the best one so far; `v` turns it into the timeline."""

    WAITING = "Every trial's value, and the best so far, will be here"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "b",
            "switch('best_line')",
            "Best line",
            show=False,
            id="history.best_line",
            tooltip="The best value so far, as a line",
        ),
        Binding(
            "u",
            "switch('pruned')",
            "Pruned",
            show=False,
            id="history.pruned",
            tooltip="Pruned and collapsed trials, too",
        ),
        Binding(
            "t",
            "order",
            "Order",
            show=False,
            id="history.order",
            tooltip="By number, by time, by rank",
        ),
        Binding(
            "v",
            "switch('timeline')",
            "Timeline",
            id="history.timeline",
            tooltip="When each trial ran, or the values",
        ),
    ]
    best_line: reactive[bool] = reactive(True)
    pruned: reactive[bool] = reactive(True)
    timeline: reactive[bool] = reactive(False)
    order: reactive[int] = reactive(0)

    def __init__(self, exploration: Exploration) -> None:
        super().__init__("History", exploration, number=1, id="history")

    @property
    def ready(self) -> bool:
        """The timeline shows also what failed or runs."""
        every = self.exploration.sample.every
        return any(trial.started for trial in every) if self.timeline else super().ready

    def draw(self, width: int, height: int, styles: Styles) -> Lines:
        """One of the two."""
        here = self.exploration
        if self.timeline:
            return self._draw_timeline(width, height, styles)
        return draw_history(
            here.sample,
            here.bright,
            width,
            height,
            styles,
            order=ORDERS[self.order],
            best_line=self.best_line,
            pruned=self.pruned,
        )

    def _draw_timeline(self, width: int, height: int, styles: Styles) -> Lines:
        here = self.exploration
        bright = {trial.number for trial in here.bright_trials}
        return draw_timeline(
            here.sample.every, bright, here.sample.best, self._now, width, height, styles
        )

    @property
    def _now(self) -> float:
        """Until when what runs is drawn."""
        return self.exploration.workspace.feed.view.last_time or 0.0

    def describe(self) -> None:
        """Which switches are on."""
        self.heading = "Timeline" if self.timeline else "History"
        details = ", ".join(filter(None, (self.exploration.count_text(), self.pointed_text())))
        if self.timeline:
            self.entitle(details, "v values")
            return
        ticks = {True: "✓", False: "·"}
        keys = (
            f"b best line {ticks[self.best_line]}  u pruned {ticks[self.pruned]}  "
            f"t by {_NEXT[ORDERS[self.order]]}  v timeline"
        )
        self.entitle(details, keys if self.ready else "")

    def trial_at(self, cell: tuple[int, int]) -> TrialView | None:
        """The nearest point, or the bar there."""
        sample, size = self.exploration.sample, (self.room, self.size.height)
        if self.timeline:
            return timeline_trial(sample.every, self._now, cell, *size)
        return history_trial(
            sample,
            cell,
            *size,
            order=ORDERS[self.order],
            pruned=self.pruned,
        )

    def action_switch(self, name: str) -> None:
        """One of the switches."""
        setattr(self, name, not getattr(self, name))
        self.redraw()

    def action_order(self) -> None:
        """The next order."""
        self.order = (self.order + 1) % len(ORDERS)
        self.redraw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The timeline has no line of the best, and one order."""
        if self.timeline and (action == "order" or parameters in (("best_line",), ("pruned",))):
            return False
        return super().check_action(action, parameters)
