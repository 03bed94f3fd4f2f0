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
from tuner.recipe.rates import group_setting
from tuner.recipe.types import FROZEN, Choices, GroupSpec, Like, Range, Rate, Setting
from tuner.results.format import count, plain
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run
from tuner.tui.setup.ranges import End, move, pulled, toggled_fixed, toggled_frozen
from tuner.tui.setup.row_list import RowList
from tuner.tui.setup.text import number_text
from tuner.tui.widgets.group_axis import Axis, fit_axis, rates_of
from tuner.tui.widgets.group_bar import ALONE, Around, Bar, Role, draw_bar, draw_density, ruler
from tuner.tui.widgets.group_keys import GROUP_BINDINGS
from tuner.tui.widgets.lines import styles_of

Wish = Literal[
    "rate", "tie", "weight_decay", "parameters",
    "add", "delete", "split", "merge", "rename", "regroup",
]  # fmt: skip
PARAMS_WIDTH, RATE_WIDTH, HINT_WIDTH = 7, 7, 2


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand in a row, in cells from the row's start (the cursor mark left out)."""

    name: int
    bar_start: int
    bar: int


class GroupEditor(RowList):
    """Shows groups and turns keys and the mouse into new rates.

    It changes nothing itself: a new rate is posted as `Rated`, a wish that needs typing or the
    other groups as `Wished`; whoever keeps the recipe answers with `show`.
    """

    BINDINGS = GROUP_BINDINGS

    class Rated(Message):
        """A group was given a rate. `joined` is the same for all of one drag, else empty."""

        def __init__(self, group: str, lr: Rate, joined: str = "") -> None:
            super().__init__()
            self.group, self.lr, self.joined = group, lr, joined

    class Wished(Message):
        """A key was pressed whose work needs more than this row."""

        def __init__(self, wish: Wish, group: GroupSpec) -> None:
            super().__init__()
            self.wish: Wish = wish
            self.group = group

    class Refused(Message):
        """A key could not do what it is for; `reason` is one line."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    class Selected(Message):
        """The cursor is on another group, or the group under it changed."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: tuple[GroupSpec, ...] = ()
        self._sizes: Mapping[str, int] = {}
        self._marked: frozenset[str] = frozenset()
        self._around: Mapping[str, Around] = {}
        self._axis: Axis | None = None
        self._before: dict[str, Rate] = {}
        self._dragged: End | None = None
        self._drags = 0

    def show(
        self,
        groups: Sequence[GroupSpec],
        sizes: Mapping[str, int],
        marked: frozenset[str],
        around: Mapping[str, Around] | None = None,
    ) -> None:
        """Shows these groups. `sizes` are parameter counts by name; `marked` rows get an ⓘ;
        `around` is what is drawn with each bar.

        The axis only grows while the same groups are shown: bars do not jump under the keys.
        """
        for group in self.groups:
            self._before[group.name] = group.lr
        same = [group.name for group in groups] == [group.name for group in self.groups]
        self.groups, self._sizes, self._marked = tuple(groups), sizes, marked
        self._around = around or {}
        fitted = fit_axis([*map(self.setting, groups), *self._around_rates()])
        self._axis = fitted.joined(self._axis) if same and self._axis else fitted
        self.rows_changed()
        self.post_message(self.Selected())

    @property
    def selected(self) -> GroupSpec | None:
        """The group under the cursor."""
        return self.groups[self.cursor] if self.groups else None

    def setting(self, group: GroupSpec) -> Setting:
        """What the group's rate can be, ties followed."""
        return group_setting(self.groups, group)

    def _around_rates(self) -> Iterator[Setting]:
        for around in self._around.values():
            yield from around.good
            yield from () if around.old is None else (around.old,)
            yield from () if around.reach is None else (around.reach,)

    def density(self, rates: Sequence[float], good: Sequence[float]) -> Bar:
        """Where trials lay, on the axis that the bars have."""
        axis = self._axis or fit_axis(())
        return draw_density(rates, good, axis, self.columns(self.room - 2).bar)

    def select(self, name: str) -> None:
        """Puts the cursor on a group."""
        names = [group.name for group in self.groups]
        if name in names:
            self.cursor = names.index(name)

    def watch_cursor(self) -> None:
        """Tells who shows details of the selected group."""
        super().watch_cursor()
        self.post_message(self.Selected())

    def row_count(self) -> int:
        """A row a group."""
        return len(self.groups)

    def columns(self, width: int) -> Columns:
        """The name gets what it needs within limits, the bar what is left."""
        longest = max((cell_len(plain(group.name)) for group in self.groups), default=0)
        name = min(max(longest, 5), 24 if width >= 70 else 14) + 2
        start = name + PARAMS_WIDTH + 2 * RATE_WIDTH + 2 + HINT_WIDTH
        return Columns(name, start, max(width - start - 1, 8))

    def header_runs(self, width: int) -> Sequence[Run]:
        """The column heads and the axis' labels."""
        columns = self.columns(width)
        axis = self._axis or fit_axis(())
        head = fit("GROUP", columns.name) + "PARAMS".rjust(PARAMS_WIDTH)
        head += "LOW".rjust(RATE_WIDTH) + "HIGH".rjust(RATE_WIDTH)
        return [(fit(head, columns.bar_start) + ruler(axis, columns.bar), styles_of(self).muted)]

    def row_runs(self, index: int, width: int) -> Sequence[Run]:
        """Name, parameters, low, high, hint mark, bar."""
        group, columns = self.groups[index], self.columns(width)
        size = self._sizes.get(group.name)
        setting, styles = self.setting(group), styles_of(self)
        low, high = rate_cells(setting)
        lr_style = self._rate_style(setting)
        hint = "ⓘ " if group.name in self._marked else "  "
        return [
            (fit(plain(group.name), columns.name), Style.null()),
            (("—" if size is None else count(size)).rjust(PARAMS_WIDTH), styles.muted),
            (low.rjust(RATE_WIDTH) + high.rjust(RATE_WIDTH) + "  ", lr_style),
            (hint, styles.paused),
            *self._bar_runs(group.name, setting, columns.bar, lr_style),
        ]

    def _bar_runs(self, name: str, lr: Setting, width: int, style: Style) -> list[Run]:
        around, styles = self._around.get(name, ALONE), styles_of(self)
        bar = draw_bar(lr, self._axis or fit_axis(()), width, around)
        looks: dict[Role, Style] = {
            "tick": styles.faint,
            "old": styles.muted,
            "bar": style,
            "good": styles.best,
        }
        return [(text, looks[role]) for text, role in bar.runs()]

    def _rate_style(self, lr: Setting) -> Style:
        styles = styles_of(self)
        if isinstance(lr, Range | Choices):
            return styles.complete
        return styles.muted if lr == FROZEN else styles.accent

    def action_move(self, end: End, direction: int, fine: bool = False) -> None:
        """Moves an end of the selected group's range, or its fixed rate."""
        self._rate(lambda lr: move(lr, end, direction, fine=fine))

    def action_fix(self) -> None:
        """Fixes a searched rate, searches a fixed one again."""
        group = self.selected
        if group is not None:
            before = self._before_of(Range, Choices, Like)
            self._rate(lambda _: toggled_fixed(self.setting(group), before))

    def action_freeze(self) -> None:
        """Freezes the group, or gives its rate back."""
        self._rate(lambda lr: toggled_frozen(lr, self._before_of(Range, Choices, Like, float, int)))

    def action_wish(self, wish: str) -> None:
        """Passes a wish on."""
        assert wish in get_args(Wish), wish
        if self.selected is not None:
            self.post_message(self.Wished(wish, self.selected))  # type: ignore[arg-type]

    def _before_of(self, *kinds: type) -> Rate | None:
        lr = self._before.get(self.selected.name) if self.selected else None
        return lr if isinstance(lr, kinds) else None

    def _rate(self, change: Callable[[Rate], Rate], joined: str = "") -> None:
        group = self.selected
        if group is None:
            return
        try:
            lr = change(group.lr)
        except TunerError as error:
            self.post_message(self.Refused(str(error)))
            return
        if lr != group.lr:
            self.post_message(self.Rated(group.name, lr, joined))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A click on the bar takes hold of the nearer end."""
        super().on_mouse_down(event)
        column = self._bar_column(event)
        if column is None or self.row_at(event) is None or self.selected is None:
            return
        self._dragged = self._nearer_end(self.selected.lr, column)
        self._drags += 1
        self.capture_mouse()
        self._drag_to(column)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The end that is held follows the mouse."""
        if self._dragged is not None:
            self._drag_to(event.x - self._bar_left())

    def on_mouse_up(self) -> None:
        """Lets go."""
        if self._dragged is not None:
            self._dragged = None
            self.release_mouse()

    def _drag_to(self, column: int) -> None:
        group, end, axis = self.selected, self._dragged, self._axis
        if group is None or end is None or axis is None:
            return
        width = self.columns(self.room - 2).bar
        column = min(max(column, 0), width - 1)
        held = _end_rate(group.lr, end)
        if held is not None and axis.column(held, width) == column:
            return
        rate = axis.rate(column, width)
        self._rate(lambda lr: pulled(lr, end, rate), f"drag {self._drags}")

    def _nearer_end(self, lr: Rate, column: int) -> End:
        axis, width = self._axis, self.columns(self.room - 2).bar
        if axis is None or not isinstance(lr, Range):
            return "both"
        low, high = axis.column(lr.low, width), axis.column(lr.high, width)
        return "low" if abs(column - low) <= abs(column - high) else "high"

    def _bar_left(self) -> int:
        return 2 + self.columns(self.room - 2).bar_start

    def _bar_column(self, event: events.MouseEvent) -> int | None:
        offset = event.get_content_offset(self)
        column = offset.x - self._bar_left() if offset is not None else -1
        return column if 0 <= column < self.columns(self.room - 2).bar else None


def _end_rate(lr: Rate, end: End) -> float | None:
    """The rate that is held: an end of a range, or the fixed rate."""
    if isinstance(lr, Choices | Like) or not rates_of(lr):
        return None
    rates = rates_of(lr)
    return rates[-1] if end == "high" else rates[0]


def rate_cells(lr: Setting) -> tuple[str, str]:
    """The texts of the LOW and HIGH columns, at most six cells each."""
    match lr:
        case Range(low, high):
            return _short(low), _short(high)
        case Choices(values):
            return f"{len(values)} of", _short(max(rates_of(lr)))
        case int() | float():
            return _short(float(lr)), "fixed"
        case _:
            return "—", "frozen"


def _short(rate: float) -> str:
    exact = number_text(rate)
    return exact if len(exact) <= 6 else number_text(float(f"{rate:.1e}"))
