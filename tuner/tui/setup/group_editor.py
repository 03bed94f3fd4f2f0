"""The table of layer groups: a row a group, its learning rate as a bar on one logarithmic axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.message import Message

from tuner.errors import TunerError
from tuner.recipe.numbers import format_typed_number, round_to_digits
from tuner.recipe.rates import group_rate_setting
from tuner.recipe.types import FROZEN, Choices, GroupSpec, Range, Rate, Setting, TiedRate
from tuner.render.styles import TextRun
from tuner.render.text_fitting import fit_text
from tuner.results.format import format_count, sanitize_text
from tuner.tui.setup.group_axis import RateAxis, axis_for_settings, rates_of_setting
from tuner.tui.setup.group_bar import (
    NO_CONTEXT,
    BarContext,
    CellBar,
    CellRole,
    draw_axis_labels,
    draw_density_bar,
    draw_range_bar,
)
from tuner.tui.setup.group_keys import GROUP_BINDINGS
from tuner.tui.setup.range_steps import (
    RangeEnd,
    drag_range_end,
    step_rate,
    toggle_fixed,
    toggle_frozen,
)
from tuner.tui.setup.row_list import InputRefused, RowList
from tuner.tui.widgets.line_widgets import theme_styles

EditKind = Literal[
    "rate", "tie", "weight_decay", "parameters",
    "add", "delete", "split", "merge", "rename", "regroup",
]  # fmt: skip
PARAMS_WIDTH, RATE_WIDTH, HINT_WIDTH = 7, 7, 2


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """Where things stand in a row, in cells from the row's start (the cursor mark left out)."""

    name_width: int
    bar_start: int
    bar_width: int


class GroupEditor(RowList):
    """A row a group; keys and the mouse give new rates.

    It changes nothing itself. Every change that a key or the mouse asks for is posted as a message;
    whoever keeps the recipe answers by showing the new groups.
    """

    BINDINGS = GROUP_BINDINGS

    class RateChanged(Message):
        """A group was given a rate. `drag_id` is the same for all of one drag, else empty."""

        def __init__(self, group: str, lr: Rate, drag_id: str = "") -> None:
            super().__init__()
            self.group, self.lr, self.drag_id = group, lr, drag_id

    class EditRequested(Message):
        """A key was pressed whose work needs more than this row."""

        def __init__(self, kind: EditKind, group: GroupSpec) -> None:
            super().__init__()
            self.kind: EditKind = kind
            self.group = group

    class SelectionChanged(Message):
        """The cursor is on another group, or the group under it changed."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: tuple[GroupSpec, ...] = ()
        self._parameter_counts: Mapping[str, int] = {}
        self._groups_with_hints: frozenset[str] = frozenset()
        self._bar_contexts: Mapping[str, BarContext] = {}
        self._axis: RateAxis | None = None
        self._previous_rates: dict[str, Rate] = {}
        self._dragged_end: RangeEnd | None = None
        self._drag_count = 0

    def show_groups(
        self,
        groups: Sequence[GroupSpec],
        parameter_counts: Mapping[str, int],
        groups_with_hints: frozenset[str],
        bar_contexts: Mapping[str, BarContext] | None = None,
    ) -> None:
        """Show these groups, with their parameter counts, hints and bars by name.

        The axis only grows while the same groups are shown: bars do not jump under the keys.
        """
        for group in self.groups:
            self._previous_rates[group.name] = group.lr
        same_groups = [group.name for group in groups] == [group.name for group in self.groups]
        self.groups, self._parameter_counts, self._groups_with_hints = (
            tuple(groups),
            parameter_counts,
            groups_with_hints,
        )
        self._bar_contexts = bar_contexts or {}
        axis = axis_for_settings([*map(self.effective_setting, groups), *self._context_settings()])
        self._axis = axis.union_with(self._axis) if same_groups and self._axis else axis
        self.update_rows()
        self.post_message(self.SelectionChanged())

    @property
    def selected_group(self) -> GroupSpec | None:
        return self.groups[self.cursor] if self.groups else None

    def effective_setting(self, group: GroupSpec) -> Setting:
        """Return what the group's rate can be, ties followed."""
        return group_rate_setting(self.groups, group)

    def _context_settings(self) -> Iterator[Setting]:
        for context in self._bar_contexts.values():
            yield from context.good_rates
            yield from () if context.previous_setting is None else (context.previous_setting,)
            yield from () if context.lowest_layer_rate is None else (context.lowest_layer_rate,)

    def density_bar(self, rates: Sequence[float], good_rates: Sequence[float]) -> CellBar:
        """Draw where trials lay, on the axis that the bars have."""
        axis = self._axis or axis_for_settings(())
        return draw_density_bar(
            rates, good_rates, axis, self.column_layout(self.content_width - 2).bar_width
        )

    def select_group(self, name: str) -> None:
        names = [group.name for group in self.groups]
        if name in names:
            self.cursor = names.index(name)

    def watch_cursor(self) -> None:
        super().watch_cursor()
        self.post_message(self.SelectionChanged())

    def row_count(self) -> int:
        return len(self.groups)

    def column_layout(self, width: int) -> ColumnLayout:
        """Give the name what it needs within limits, and the bar what is left."""
        longest = max((cell_len(sanitize_text(group.name)) for group in self.groups), default=0)
        name = min(max(longest, 5), 24 if width >= 70 else 14) + 2
        start = name + PARAMS_WIDTH + 2 * RATE_WIDTH + 2 + HINT_WIDTH
        return ColumnLayout(name, start, max(width - start - 1, 8))

    def header_runs(self, width: int) -> Sequence[TextRun]:
        columns = self.column_layout(width)
        axis = self._axis or axis_for_settings(())
        head = fit_text("GROUP", columns.name_width) + "PARAMS".rjust(PARAMS_WIDTH)
        head += "LOW".rjust(RATE_WIDTH) + "HIGH".rjust(RATE_WIDTH)
        return [
            (
                fit_text(head, columns.bar_start) + draw_axis_labels(axis, columns.bar_width),
                theme_styles(self).muted,
            )
        ]

    def runs_of_row(self, index: int, width: int) -> Sequence[TextRun]:
        group, columns = self.groups[index], self.column_layout(width)
        size = self._parameter_counts.get(group.name)
        setting, styles = self.effective_setting(group), theme_styles(self)
        low, high = rate_column_texts(setting)
        lr_style = self._style_of_rate(setting)
        hint = "ⓘ " if group.name in self._groups_with_hints else "  "
        return [
            (fit_text(sanitize_text(group.name), columns.name_width), Style.null()),
            (("—" if size is None else format_count(size)).rjust(PARAMS_WIDTH), styles.muted),
            (low.rjust(RATE_WIDTH) + high.rjust(RATE_WIDTH) + "  ", lr_style),
            (hint, styles.paused),
            *self._runs_of_bar(group.name, setting, columns.bar_width, lr_style),
        ]

    def _runs_of_bar(self, name: str, lr: Setting, width: int, style: Style) -> list[TextRun]:
        context, styles = self._bar_contexts.get(name, NO_CONTEXT), theme_styles(self)
        bar = draw_range_bar(lr, self._axis or axis_for_settings(()), width, context)
        styles_by_role: dict[CellRole, Style] = {
            "tick": styles.faint,
            "old": styles.muted,
            "bar": style,
            "good": styles.best,
        }
        return [(text, styles_by_role[role]) for text, role in bar.runs_by_role()]

    def _style_of_rate(self, lr: Setting) -> Style:
        styles = theme_styles(self)
        if isinstance(lr, Range | Choices):
            return styles.complete
        return styles.muted if lr == FROZEN else styles.accent

    def action_move(self, end: RangeEnd, direction: int, fine: bool = False) -> None:
        """Move an end of the selected group's range, or its fixed rate."""
        self._change_rate(lambda lr: step_rate(lr, end, direction, fine=fine))

    def action_fix(self) -> None:
        """Fix a searched rate, or search a fixed one again."""
        group = self.selected_group
        if group is not None:
            previous_rate = self._previous_rate(Range, Choices, TiedRate)
            self._change_rate(lambda _: toggle_fixed(self.effective_setting(group), previous_rate))

    def action_freeze(self) -> None:
        """Freeze the group, or give its rate back."""
        self._change_rate(
            lambda lr: toggle_frozen(lr, self._previous_rate(Range, Choices, TiedRate, float, int))
        )

    def action_request_edit(self, kind: str) -> None:
        assert kind in get_args(EditKind), kind
        if self.selected_group is not None:
            self.post_message(self.EditRequested(kind, self.selected_group))  # type: ignore[arg-type]

    def _previous_rate(self, *kinds: type) -> Rate | None:
        lr = self._previous_rates.get(self.selected_group.name) if self.selected_group else None
        return lr if isinstance(lr, kinds) else None

    def _change_rate(self, change: Callable[[Rate], Rate], drag_id: str = "") -> None:
        group = self.selected_group
        if group is None:
            return
        try:
            lr = change(group.lr)
        except TunerError as error:
            self.post_message(InputRefused(str(error)))
            return
        if lr != group.lr:
            self.post_message(self.RateChanged(group.name, lr, drag_id))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the end that is nearer to a click on the bar."""
        super().on_mouse_down(event)
        column = self._bar_column_under_mouse(event)
        if column is None or self.row_under_mouse(event) is None or self.selected_group is None:
            return
        self._dragged_end = self._nearest_end(self.selected_group.lr, column)
        self._drag_count += 1
        self.capture_mouse()
        self._drag_end_to(column)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged_end is not None:
            self._drag_end_to(event.x - self._bar_left_edge())

    def on_mouse_up(self) -> None:
        if self._dragged_end is not None:
            self._dragged_end = None
            self.release_mouse()

    def _drag_end_to(self, column: int) -> None:
        group, end, axis = self.selected_group, self._dragged_end, self._axis
        if group is None or end is None or axis is None:
            return
        width = self.column_layout(self.content_width - 2).bar_width
        column = min(max(column, 0), width - 1)
        current_rate = _rate_of_end(group.lr, end)
        if current_rate is not None and axis.column_of_rate(current_rate, width) == column:
            return
        rate = axis.rate_at_column(column, width)
        self._change_rate(lambda lr: drag_range_end(lr, end, rate), f"drag {self._drag_count}")

    def _nearest_end(self, lr: Rate, column: int) -> RangeEnd:
        axis, width = self._axis, self.column_layout(self.content_width - 2).bar_width
        if axis is None or not isinstance(lr, Range):
            return "both"
        low, high = axis.column_of_rate(lr.low, width), axis.column_of_rate(lr.high, width)
        return "low" if abs(column - low) <= abs(column - high) else "high"

    def _bar_left_edge(self) -> int:
        return 2 + self.column_layout(self.content_width - 2).bar_start

    def _bar_column_under_mouse(self, event: events.MouseEvent) -> int | None:
        offset = event.get_content_offset(self)
        column = offset.x - self._bar_left_edge() if offset is not None else -1
        return (
            column if 0 <= column < self.column_layout(self.content_width - 2).bar_width else None
        )


def _rate_of_end(lr: Rate, end: RangeEnd) -> float | None:
    """Return the rate at an end of a range, or the fixed rate."""
    if isinstance(lr, Choices | TiedRate) or not rates_of_setting(lr):
        return None
    rates = rates_of_setting(lr)
    return rates[-1] if end == "high" else rates[0]


def rate_column_texts(lr: Setting) -> tuple[str, str]:
    """Return the texts of the LOW and HIGH columns, at most six cells each."""
    match lr:
        case Range(low, high):
            return short_rate_text(low), short_rate_text(high)
        case Choices(values):
            return f"{len(values)} of", short_rate_text(max(rates_of_setting(lr)))
        case int() | float():
            return short_rate_text(float(lr)), "fixed"
        case _:
            return "—", "frozen"


def short_rate_text(rate: float) -> str:
    exact_text = format_typed_number(rate)
    return exact_text if len(exact_text) <= 6 else format_typed_number(round_to_digits(rate, 2))
