"""The pane of learning curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Literal, TypeVar

from textual import events

from tuner.render.charts.axes import share_at_column
from tuner.render.charts.learning_curves import (
    LEGEND_MIN_HEIGHT,
    MAX_SHOWN_TRIALS,
    CurveUnit,
    DrawnTrials,
    build_learning_curves,
    curve_points,
    x_axis_end,
)
from tuner.render.charts.line_chart import draw_lines
from tuner.render.renderable_lines import Lines, join_side_by_side
from tuner.render.state_marks import trial_state_glyph
from tuner.render.trial_columns import metric_abbreviation
from tuner.render.trial_curves import last_value_until
from tuner.results import format as fmt
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.widgets.key_bindings import hidden_key
from tuner.tui.widgets.line_widgets import Pane, empty_state_lines, theme_styles

CurveKind = Literal["metric", "loss", "both"]
CURVE_KINDS: tuple[CurveKind, ...] = ("metric", "loss", "both")
X_AXES: tuple[CurveUnit, ...] = ("share", "epoch", "step")
STACKED_HEIGHT = 12
"""From this height on metric and loss stand one above the other, else side by side."""
CURSOR_STEP = 1 / 40
"""How far the vertical line moves."""

Choice = TypeVar("Choice")


class CurvesPane(Pane):
    """The metric of the trials over their schedules, the interesting ones in front.

    `newest_trials` gives the newest ones; what does not match the filter is not drawn at all.
    """

    FILLS = True
    BINDINGS = [
        hidden_key("t", "what", "curves.loss", "Metric, loss", "Metric, training loss, or both"),
        hidden_key("b", "along", "curves.x", "x axis", "x by share of the schedule, epoch or step"),
        hidden_key("l", "logarithmic", "curves.log", "Log y", "Logarithmic y"),
        hidden_key(
            "left,h", "scrub(-1)", "curves.left", "Scrub", "A line to read values at, further left"
        ),
        hidden_key(
            "right", "scrub(1)", "curves.right", "Scrub", "A line to read values at, further right"
        ),
        hidden_key("0", "reset", "curves.reset", "Reset", "Back to the chart's defaults"),
    ]

    def __init__(
        self,
        reader: SessionReader,
        selected_trial: Callable[[], int | None],
        *,
        newest_trials: Callable[[int], Sequence[int]] | None = None,
        matches_filter: Callable[[int], bool] = lambda _number: True,
        marked_trials: Callable[[], Sequence[int]] = tuple,
    ) -> None:
        self._reader = reader
        self._selected_trial = selected_trial
        self._newest_trials = newest_trials or (
            lambda count: list(islice(reversed(reader.view.trials), count))
        )
        self._matches_filter = matches_filter
        self._marked_trials = marked_trials
        self.curve_kind: CurveKind = "metric"
        self.x_axis: CurveUnit = "share"
        self.logarithmic = False
        self._cursor: float | None = None
        super().__init__("Curves", number=2, id="curves")

    def content_lines(self, width: int, height: int) -> Lines:
        if self.curve_kind != "both":
            return self._chart_lines(width, height, loss=self.curve_kind == "loss")
        if height >= STACKED_HEIGHT:
            upper_height = height // 2
            upper = self._chart_lines(width, upper_height, loss=False)
            return [*upper, *self._chart_lines(width, height - upper_height, loss=True)]
        half = (width - 3) // 2
        left_chart = self._chart_lines(half, height, loss=False)
        return join_side_by_side(left_chart, self._chart_lines(half, height, loss=True), half)

    def _chart_lines(self, width: int, height: int, *, loss: bool) -> Lines:
        view, styles, drawn_trials = self._reader.view, theme_styles(self), self._trials_to_draw()
        curves = build_learning_curves(view, styles, drawn_trials, loss=loss, along=self.x_axis)
        if not curves:
            return empty_state_lines(self._empty_state_texts(), width, height, styles)
        end = x_axis_end(drawn_trials.trials_in_order(view), view, self.x_axis)
        return draw_lines(
            curves,
            width,
            height,
            styles,
            log=self.logarithmic,
            x_end=end,
            end_labels=self._axis_end_labels(end),
            cursor=self._cursor,
            max_legend=1 if height >= LEGEND_MIN_HEIGHT else 0,
        )

    def _axis_end_labels(self, end: float) -> tuple[str, str]:
        return {
            "share": ("0 %", "100 %"),
            "epoch": ("0", fmt.format_epoch(end)),
            "step": ("0", f"step {round(end)}"),
        }[self.x_axis]

    def _empty_state_texts(self) -> Sequence[str]:
        heading = "Learning curves will grow here"
        if self._reader.view.lifecycle in ("", "session_created"):
            return (heading, "s starts the search")
        if self._reader.view.trials and not self._newest_trials(1):
            return ("No curve matches the filter", "esc clears it")
        return (heading, "the first point comes with the first evaluation")

    def _trials_to_draw(self) -> DrawnTrials:
        view, selected = self._reader.view, self._selected_trial()
        foreground = [
            view.best,
            *self._marked_trials(),
            *sorted(self._reader.trial_counts.running),
            selected,
        ]
        matching = [
            number for number in foreground if number is not None and self._matches_filter(number)
        ]
        return DrawnTrials(
            self._newest_trials(MAX_SHOWN_TRIALS),
            matching,
            selected if selected in matching else None,
        )

    def content_stamp(self) -> object:
        """Return what the curves depend on: as long as it is equal, so are they."""
        view, with_losses = self._reader.view, self.curve_kind != "metric"
        return view.best, [
            (trial.number, trial.state, len(trial.evaluations), with_losses and trial.loss_count)
            for trial in self._trials_to_draw().trials_in_order(view)
        ]

    def update_border_text(self) -> None:
        view = self._reader.view
        metric = metric_abbreviation(view.metric)
        kind_name = {"metric": metric, "loss": "Train loss", "both": f"{metric} and loss"}[
            self.curve_kind
        ]
        x_axis_name = {"share": "over the schedule", "epoch": "by epoch", "step": "by step"}[
            self.x_axis
        ]
        self.heading = f"{kind_name} {x_axis_name}"
        detail = f"newest {MAX_SHOWN_TRIALS}" if len(view.trials) > MAX_SHOWN_TRIALS else ""
        log = "✓" if self.logarithmic else "·"
        next_kind, next_x = (
            next_choice(CURVE_KINDS, self.curve_kind),
            next_choice(X_AXES, self.x_axis),
        )
        hint = f"l log {log}   t {next_kind}   b {next_x}"
        self.set_border_text(
            detail, hint if self._cursor is None else self._values_at_cursor(self._cursor)
        )

    def _values_at_cursor(self, cursor: float) -> str:
        """Write the values of the front curves at the vertical line, the selected one first."""
        view, drawn_trials = self._reader.view, self._trials_to_draw()
        position = cursor * x_axis_end(drawn_trials.trials_in_order(view), view, self.x_axis)
        position_text = {
            "share": fmt.format_percent(position),
            "epoch": fmt.format_epoch(position),
            "step": f"step {round(position)}",
        }
        parts = [position_text[self.x_axis]]
        for number in list(dict.fromkeys(reversed(drawn_trials.front)))[:3]:
            trial = view.trials[number]
            points = curve_points(view, trial, self.curve_kind == "loss", self.x_axis)
            value = fmt.format_score(last_value_until(list(points), position))
            parts.append(f"{trial_state_glyph(trial, best=number == view.best)}#{number} {value}")
        return "  ".join(parts)

    def action_what(self) -> None:
        self.curve_kind = next_choice(CURVE_KINDS, self.curve_kind)
        self.redraw_content()

    def action_along(self) -> None:
        self.x_axis = next_choice(X_AXES, self.x_axis)
        self.redraw_content()

    def action_logarithmic(self) -> None:
        self.logarithmic = not self.logarithmic
        self.redraw_content()

    def action_scrub(self, step: int) -> None:
        """Move the vertical line; the first press puts it at that end."""
        if self._cursor is None:
            self._cursor = 0.0 if step > 0 else 1.0
        else:
            self._cursor = min(max(self._cursor + step * CURSOR_STEP, 0.0), 1.0)
        self.redraw_content()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or not self._reader.view.trials:
            return
        is_side_by_side = self.curve_kind == "both" and self.size.height < STACKED_HEIGHT
        width = (self.content_width - 3) // 2 if is_side_by_side else self.content_width
        self._cursor = share_at_column(offset.x % (width + 3), width)
        self.redraw_content()

    def action_reset(self) -> None:
        self._cursor, self.logarithmic, self.x_axis = None, False, "share"
        self.redraw_content()


def next_choice(choices: Sequence[Choice], current: Choice) -> Choice:
    return choices[(choices.index(current) + 1) % len(choices)]
