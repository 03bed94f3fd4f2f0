"""The pane of learning curves."""

from __future__ import annotations

from collections.abc import Callable

from textual.binding import Binding
from textual.reactive import reactive

from tuner.tui.charts.curves import SHOWN, draw_curves, learning_curves
from tuner.tui.feed import Feed
from tuner.tui.render.columns import short_metric
from tuner.tui.render.lined import Lines
from tuner.tui.widgets.lines import Pane, centred, styles_of


class CurvesPane(Pane):
    """The metric of every trial by share of its schedule, the interesting ones in front."""

    BINDINGS = [
        Binding(
            "l",
            "switch('logarithmic')",
            "Log y",
            show=False,
            id="curves.log",
            tooltip="Logarithmic y",
        ),
        Binding(
            "t",
            "switch('loss')",
            "Train loss",
            show=False,
            id="curves.loss",
            tooltip="Training loss, or the metric",
        ),
    ]
    logarithmic: reactive[bool] = reactive(False)
    loss: reactive[bool] = reactive(False)

    def __init__(self, feed: Feed, selected: Callable[[], int | None]) -> None:
        self._feed = feed
        self._selected = selected
        super().__init__("Curves", number=2, id="curves")

    def lines(self, width: int, height: int) -> Lines:
        """The chart fills the pane."""
        view, styles = self._feed.view, styles_of(self)
        marked = (*self._feed.tally.running, self._selected())
        curves = learning_curves(view, styles, marked, loss=self.loss)
        if not curves:
            waiting = (
                "Learning curves will grow here",
                "the first point comes with the first evaluation",
            )
            if view.lifecycle in ("", "session_created"):
                waiting = ("Learning curves will grow here", "s starts the search")
            return centred(waiting, width, height, styles)
        return draw_curves(curves, width, height, styles, log=self.logarithmic)

    def redraw(self) -> None:
        """The title names what is drawn."""
        self.describe()
        super().redraw()

    def describe(self) -> None:
        """What is on the axes, and the keys."""
        view = self._feed.view
        what = "Train loss" if self.loss else short_metric(view.metric)
        self.heading = f"{what} over the schedule"
        other = "metric" if self.loss else "train loss"
        hint = f"l log {'✓' if self.logarithmic else '·'}   t {other}"
        total = len(view.trials)
        detail = f"newest {SHOWN}" if total > SHOWN else ""
        self.entitle(detail, hint)

    def action_switch(self, name: str) -> None:
        """One of the switches."""
        setattr(self, name, not getattr(self, name))
        self.redraw()
