"""The pane of what the search found, trial by trial; or of when each trial ran."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.reactive import reactive

from tuner.render.charts.scatter import HISTORY_ORDERS, draw_trial_history, history_trial_at
from tuner.render.charts.timeline import draw_timeline, timeline_trial_at
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles
from tuner.session.view import TrialView
from tuner.tui.state.exploration import Exploration
from tuner.tui.widgets.analysis.analysis_pane import AnalysisPane
from tuner.tui.widgets.key_bindings import hidden_key, key

_NEXT_ORDER = {"number": "time", "time": "rank", "rank": "number"}


class HistoryPane(AnalysisPane):
    """Values by number, time or rank with the best one so far; `v` turns it into the timeline."""

    EMPTY_STATE = "Every trial's value, and the best so far, will be here"
    BINDINGS: ClassVar[list[BindingType]] = [
        hidden_key(
            "b", "switch('best_line')", "history.best_line", "Best line", "The best value so far"
        ),
        hidden_key(
            "u", "switch('pruned')", "history.pruned", "Pruned", "Pruned and collapsed ones, too"
        ),
        hidden_key("t", "order", "history.order", "Order", "By number, by time, by rank"),
        key(
            "v",
            "switch('timeline')",
            "history.timeline",
            "Timeline",
            "When each trial ran, or values",
        ),
    ]
    best_line: reactive[bool] = reactive(True)
    pruned: reactive[bool] = reactive(True)
    timeline: reactive[bool] = reactive(False)
    order: reactive[int] = reactive(0)

    def __init__(self, exploration: Exploration) -> None:
        super().__init__("History", exploration, number=1, id="history")

    @property
    def has_enough_trials(self) -> bool:
        """Whether there is anything to draw; the timeline shows also what failed or runs."""
        all_trials = self.exploration.sample.matching_trials
        return (
            any(trial.started for trial in all_trials)
            if self.timeline
            else super().has_enough_trials
        )

    def draw_chart(self, width: int, height: int, styles: Styles) -> Lines:
        exploration = self.exploration
        if self.timeline:
            return self._draw_timeline(width, height, styles)
        return draw_trial_history(
            exploration.sample,
            exploration.brushed_mask,
            width,
            height,
            styles,
            order=HISTORY_ORDERS[self.order],
            best_line=self.best_line,
            pruned=self.pruned,
        )

    def _draw_timeline(self, width: int, height: int, styles: Styles) -> Lines:
        exploration = self.exploration
        bright = {trial.number for trial in exploration.brushed_trials}
        return draw_timeline(
            exploration.sample.matching_trials,
            bright,
            exploration.sample.best_trial,
            self._end_of_timeline,
            width,
            height,
            styles,
        )

    @property
    def _end_of_timeline(self) -> float:
        """The time up to which running trials are drawn."""
        return self.exploration.workspace.reader.view.last_time or 0.0

    def update_border_text(self) -> None:
        self.heading = "Timeline" if self.timeline else "History"
        details = ", ".join(
            filter(None, (self.exploration.brushed_count_text(), self.pointed_trial_text()))
        )
        if self.timeline:
            self.set_border_text(details, "v values")
            return
        ticks = {True: "✓", False: "·"}
        keys = (
            f"b best line {ticks[self.best_line]}  u pruned {ticks[self.pruned]}  "
            f"t by {_NEXT_ORDER[HISTORY_ORDERS[self.order]]}  v timeline"
        )
        self.set_border_text(details, keys if self.has_enough_trials else "")

    def trial_under_mouse(self, cell: tuple[int, int]) -> TrialView | None:
        sample, size = self.exploration.sample, (self.content_width, self.size.height)
        if self.timeline:
            return timeline_trial_at(sample.matching_trials, self._end_of_timeline, cell, *size)
        return history_trial_at(
            sample,
            cell,
            *size,
            order=HISTORY_ORDERS[self.order],
            pruned=self.pruned,
        )

    def action_switch(self, name: str) -> None:
        setattr(self, name, not getattr(self, name))
        self.redraw_content()

    def action_order(self) -> None:
        self.order = (self.order + 1) % len(HISTORY_ORDERS)
        self.redraw_content()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self.timeline and (action == "order" or parameters in (("best_line",), ("pruned",))):
            return False
        return super().check_action(action, parameters)
