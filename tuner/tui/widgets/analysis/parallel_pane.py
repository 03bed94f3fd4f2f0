"""The pane of parallel coordinates, where trials are brushed."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType

from tuner.render.charts.brushes import Brush
from tuner.render.charts.parallel_coordinates import (
    MAX_LINES,
    draw_parallel_axes,
    lay_out_axes,
    shares_between_rows,
)
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles
from tuner.results.format import sanitize_text
from tuner.tui.state.exploration import ALL, Exploration
from tuner.tui.widgets.analysis.analysis_pane import AnalysisPane
from tuner.tui.widgets.key_bindings import hidden_key, key


class ParallelPane(AnalysisPane):
    """One line a trial over all settings; brushes on the axes leave the others dim."""

    MIN_TRIALS = 2
    EMPTY_STATE = "Two trials that ended, as lines over all settings, will be here"
    BINDINGS: ClassVar[list[BindingType]] = [
        hidden_key("right", "axis(1)", "parallel.axis_next", "Next axis"),
        hidden_key("left", "axis(-1)", "parallel.axis_previous", "Previous axis"),
        hidden_key("up,k", "brush(1)", "parallel.brush_low_up", "Brush: its low end up"),
        hidden_key("down,j", "brush(-1)", "parallel.brush_low_down", "Brush: its low end down"),
        hidden_key(
            "shift+up,K", "brush(1, True)", "parallel.brush_high_up", "Brush: its high end up"
        ),
        hidden_key(
            "shift+down,J",
            "brush(-1, True)",
            "parallel.brush_high_down",
            "Brush: its high end down",
        ),
        key("space", "brush_best", "parallel.brush", "Brush", "Brush the best part, or unbrush"),
        key("enter", "keep", "parallel.keep", "Keep brush", "Keep the brush"),
        key("i", "invert", "parallel.invert", "Invert", "All but the brushed ones"),
        hidden_key(
            "backspace", "clear", "parallel.clear", "Clear", "Remove the brush of this axis"
        ),
        key("a", "family", "parallel.axes", "Axes", "All axes, rates, one group, others"),
    ]

    def __init__(self, exploration: Exploration) -> None:
        self._brush_start: int | None = None
        super().__init__("Parallel coordinates", exploration, number=3, id="parallel")

    def draw_chart(self, width: int, height: int, styles: Styles) -> Lines:
        exploration = self.exploration
        return draw_parallel_axes(
            exploration.sample,
            exploration.family_axes,
            exploration.brushed_mask,
            exploration.brushes,
            exploration.focused_index,
            width,
            max(height, 4),
            styles,
        )

    def update_border_text(self) -> None:
        exploration = self.exploration
        family = "" if exploration.family == ALL else sanitize_text(exploration.family)
        details = [
            family,
            self._axis_count_text(),
            exploration.brushed_count_text(),
            self._line_count_text(),
        ]
        self.set_border_text(", ".join(detail for detail in details if detail), self._key_hints())

    def _axis_count_text(self) -> str:
        axes = self.exploration.family_axes
        if not self.is_mounted or not axes:
            return ""
        shown_count = len(
            lay_out_axes(axes, self.exploration.focused_index, self.content_width).axes
        )
        return f"{shown_count} of {len(axes)} axes" if shown_count < len(axes) else ""

    def _line_count_text(self) -> str:
        total = len(self.exploration.sample.trials)
        return f"{MAX_LINES} drawn" if total > MAX_LINES else ""

    def _key_hints(self) -> str:
        if not self.has_enough_trials:
            return ""
        brushes = self.exploration.brushes
        if brushes.draft is not None:
            return "↑/↓ low  ⇧↑/⇧↓ high  enter keep  i invert  esc drop"
        if brushes.kept_brushes:
            return "←/→ axis  ↑/↓ brush  i invert  ⌫ clear  Z search here"
        return "←/→ axis  ↑/↓ brush  space best  a axes"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        exploration = self.exploration
        axis = exploration.focused_axis
        if action == "keep":
            return exploration.brushes.draft is not None
        if action in ("invert", "clear"):
            return axis is not None and exploration.brushes.brush_on_axis(axis.name) is not None
        if action in ("axis", "brush", "brush_best", "family"):
            return self.has_enough_trials
        return super().check_action(action, parameters)

    # The mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Choose the axis nearest to a click, and begin a brush there."""
        offset, exploration = event.get_content_offset(self), self.exploration
        if offset is None or not self.has_enough_trials:
            return
        visible_axes = lay_out_axes(
            exploration.family_axes, exploration.focused_index, self.content_width
        )
        distances = [abs(column - offset.x) for column in visible_axes.columns]
        exploration.focus_axis_named(visible_axes.axes[distances.index(min(distances))].name)
        self._brush_start = offset.y
        self.capture_mouse()
        self.announce_exploration()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Brush from where the button went down to where the mouse is."""
        axis = self.exploration.focused_axis
        if (
            self._brush_start is None
            or axis is None
            or self._brush_start == event.y - self.gutter.top
        ):
            return
        low, high = shares_between_rows(
            self._brush_start, event.y - self.gutter.top, self.size.height
        )
        self.exploration.brushes.set_draft(axis.name, Brush(low, high))
        self.announce_exploration()

    def on_mouse_up(self) -> None:
        if self._brush_start is not None:
            self._brush_start = None
            self.release_mouse()
            if self.exploration.brushes.keep_draft():
                self.announce_exploration()

    # Keys

    def action_axis(self, steps: int) -> None:
        self.exploration.move_axis_focus(steps)
        self.announce_exploration()

    def action_brush(self, steps: int, high: bool = False) -> None:
        """Move an end of the brush."""
        if axis := self.exploration.focused_axis:
            self.exploration.brushes.move_end(axis, steps, high=high)
            self.announce_exploration()

    def action_brush_best(self) -> None:
        self.exploration.toggle_best_brush()
        self.announce_exploration()

    def action_keep(self) -> None:
        """Turn a draft into a brush that stays."""
        self.exploration.brushes.keep_draft()
        self.announce_exploration()

    def action_invert(self) -> None:
        if axis := self.exploration.focused_axis:
            self.exploration.brushes.invert_axis(axis.name)
            self.announce_exploration()

    def action_clear(self) -> None:
        if axis := self.exploration.focused_axis:
            self.exploration.brushes.clear_axis(axis.name)
            self.announce_exploration()

    def action_family(self) -> None:
        self.exploration.show_next_family()
        self.announce_exploration()
