"""The pane of learning curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Literal, TypeVar

from textual import events
from textual.binding import Binding, BindingType

from tuner.results import format as fmt
from tuner.tui.charts.axes import share_across
from tuner.tui.charts.curves import (
    SHOWN,
    Along,
    Drawn,
    draw_curves,
    learning_curves,
    span,
    trial_points,
)
from tuner.tui.charts.series import value_at
from tuner.tui.feed import Feed
from tuner.tui.render.columns import short_metric
from tuner.tui.render.lined import Lines
from tuner.tui.render.marks import trial_glyph
from tuner.tui.render.trial import beside
from tuner.tui.widgets.lines import Pane, centred, styles_of

What = Literal["metric", "loss", "both"]
WHAT: tuple[What, ...] = ("metric", "loss", "both")
ALONG: tuple[Along, ...] = ("share", "epoch", "step")
TALL = 12
"""From this height on metric and loss stand one above the other, else side by side."""
STEP = 1 / 40
"""How far the vertical line moves."""

Choice = TypeVar("Choice")


def _key(key: str, action: str, text: str, name: str, told: str) -> Binding:
    return Binding(key, action, text, show=False, id=f"curves.{name}", tooltip=told)


KEYS: list[BindingType] = [
    _key("t", "what", "Metric, loss", "loss", "Metric, training loss, or both"),
    _key("b", "along", "x axis", "x", "x by share of the schedule, epoch or step"),
    _key("l", "logarithmic", "Log y", "log", "Logarithmic y"),
    _key("left,h", "scrub(-1)", "Scrub", "left", "A line to read values at, further left"),
    _key("right", "scrub(1)", "Scrub", "right", "A line to read values at, further right"),
    _key("0", "reset", "Reset", "reset", "The chart as it comes"),
]


class CurvesPane(Pane):
    """The metric of the trials over their schedules, the interesting ones in front.

    `newest` gives the newest trials to draw, `passes` tells whether one is to be drawn at all.
    """

    FILLS = True
    BINDINGS = KEYS

    def __init__(
        self,
        feed: Feed,
        selected: Callable[[], int | None],
        *,
        newest: Callable[[int], Sequence[int]] | None = None,
        passes: Callable[[int], bool] = lambda _number: True,
        marks: Callable[[], Sequence[int]] = tuple,
    ) -> None:
        self._feed = feed
        self._selected = selected
        self._newest = newest or (lambda count: list(islice(reversed(feed.view.trials), count)))
        self._passes = passes
        self._marks = marks
        self.what: What = "metric"
        self.along: Along = "share"
        self.logarithmic = False
        self._cursor: float | None = None
        super().__init__("Curves", number=2, id="curves")

    def lines(self, width: int, height: int) -> Lines:
        """The chart fills the pane."""
        if self.what != "both":
            return self._chart(width, height, loss=self.what == "loss")
        if height >= TALL:
            above = height // 2
            upper = self._chart(width, above, loss=False)
            return [*upper, *self._chart(width, height - above, loss=True)]
        half = (width - 3) // 2
        left = self._chart(half, height, loss=False)
        return beside(left, self._chart(half, height, loss=True), half)

    def _chart(self, width: int, height: int, *, loss: bool) -> Lines:
        view, styles, drawn = self._feed.view, styles_of(self), self._drawn_trials()
        curves = learning_curves(view, styles, drawn, loss=loss, along=self.along)
        if not curves:
            return centred(self._empty(), width, height, styles)
        end = span(drawn.trials(view), view, self.along)
        return draw_curves(
            curves,
            width,
            height,
            styles,
            log=self.logarithmic,
            end=end,
            ends=self._ends(end),
            cursor=self._cursor,
        )

    def _ends(self, end: float) -> tuple[str, str]:
        return {
            "share": ("0 %", "100 %"),
            "epoch": ("0", fmt.epoch(end)),
            "step": ("0", f"step {end:.0f}"),
        }[self.along]

    def _empty(self) -> Sequence[str]:
        what = "Learning curves will grow here"
        if self._feed.view.lifecycle in ("", "session_created"):
            return (what, "s starts the search")
        if self._feed.view.trials and not self._newest(1):
            return ("No curve passes the filter", "esc takes it off")
        return (what, "the first point comes with the first evaluation")

    def _drawn_trials(self) -> Drawn:
        view, selected = self._feed.view, self._selected()
        front = [view.best, *self._marks(), *sorted(self._feed.tally.running), selected]
        shown = [number for number in front if number is not None and self._passes(number)]
        return Drawn(self._newest(SHOWN), shown, selected if selected in shown else None)

    def stamp(self) -> object:
        """What the curves depend on: another stamp, other curves."""
        view, losses = self._feed.view, self.what != "metric"
        return view.best, [
            (trial.number, trial.state, len(trial.evaluations), losses and trial.loss_count)
            for trial in self._drawn_trials().trials(view)
        ]

    def describe(self) -> None:
        """What is on the axes; the keys, or the values at the line."""
        view = self._feed.view
        metric = short_metric(view.metric)
        what = {"metric": metric, "loss": "Train loss", "both": f"{metric} and loss"}[self.what]
        over = {"share": "over the schedule", "epoch": "by epoch", "step": "by step"}[self.along]
        self.heading = f"{what} {over}"
        detail = f"newest {SHOWN}" if len(view.trials) > SHOWN else ""
        log = "✓" if self.logarithmic else "·"
        hint = f"l log {log}   t {_after(WHAT, self.what)}   b {_after(ALONG, self.along)}"
        self.entitle(detail, hint if self._cursor is None else self._values(self._cursor))

    def _values(self, cursor: float) -> str:
        """What the curves in front say at the vertical line, the selected one first."""
        view, drawn = self._feed.view, self._drawn_trials()
        at = cursor * span(drawn.trials(view), view, self.along)
        place = {
            "share": fmt.percent(at),
            "epoch": fmt.epoch(at),
            "step": f"step {at:.0f}",
        }
        told = [place[self.along]]
        for number in list(dict.fromkeys(reversed(drawn.front)))[:3]:
            trial = view.trials[number]
            points = trial_points(view, trial, self.what == "loss", self.along)
            value = fmt.score(value_at(list(points), at))
            told.append(f"{trial_glyph(trial, best=number == view.best)}#{number} {value}")
        return "  ".join(told)

    def action_what(self) -> None:
        """Metric, loss, both."""
        self.what = _after(WHAT, self.what)
        self.redraw()

    def action_along(self) -> None:
        """By share of the schedule, epoch, step."""
        self.along = _after(ALONG, self.along)
        self.redraw()

    def action_logarithmic(self) -> None:
        """Logarithmic y, or not."""
        self.logarithmic = not self.logarithmic
        self.redraw()

    def action_scrub(self, step: int) -> None:
        """Move the vertical line; the first press puts it at that end."""
        if self._cursor is None:
            self._cursor = 0.0 if step > 0 else 1.0
        else:
            self._cursor = min(max(self._cursor + step * STEP, 0.0), 1.0)
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """A click puts the line there."""
        offset = event.get_content_offset(self)
        if offset is None or not self._feed.view.trials:
            return
        aside = self.what == "both" and self.size.height < TALL
        width = (self.room - 3) // 2 if aside else self.room
        self._cursor = share_across(offset.x % (width + 3), width)
        self.redraw()

    def action_reset(self) -> None:
        """No line, no logarithm, by share of the schedule."""
        self._cursor, self.logarithmic, self.along = None, False, "share"
        self.redraw()


def _after(choices: Sequence[Choice], chosen: Choice) -> Choice:
    return choices[(choices.index(chosen) + 1) % len(choices)]
