"""Every parameter of the model with its group and the rates that it can have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tuner.recipe.rates import level_setting, levels, rounded
from tuner.recipe.types import GroupSpec, Like, Range, ResolvedGroup, Setting
from tuner.results.format import bound, count, plain
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run, Styles
from tuner.tui.setup.text import setting_text
from tuner.tui.widgets.lines import Pane, centred, styles_of

SHAPE_WIDTH, RATE_WIDTH = 11, 19
ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter: `text` is what a filter looks through."""

    name: str
    shape: str
    group: str
    rate: str
    size: int

    def has(self, words: Sequence[str]) -> bool:
        """Whether every word is in it."""
        text = f"{self.name} {self.shape} {self.group} {self.rate}".lower()
        return all(word in text for word in words)


def parameter_rows(groups: Sequence[GroupSpec], resolved: Sequence[ResolvedGroup]) -> list[Row]:
    """All parameters, group by group from the lowest layer up."""
    return [
        Row(
            plain(parameter.name),
            "×".join(map(str, parameter.shape)) or "scalar",
            plain(level.group.name),
            rate_text(rounded(level_setting(groups, level))) + _tied(level.group),
            parameter.size,
        )
        for level in levels(resolved)
        for parameter in level.parameters
    ]


def rate_text(setting: Setting) -> str:
    """1e-6…5e-5 log, 4e-5, frozen or {1e-5,2e-5}."""
    if isinstance(setting, Range):
        scale = "" if setting.scale == "log" else " uniform"
        return f"{bound(setting.low)}…{bound(setting.high)}{scale}"
    return bound(float(setting)) if isinstance(setting, int | float) else setting_text(setting)


def _tied(group: GroupSpec) -> str:
    return " tied" if isinstance(group.lr, Like) else ""


def from_left(text: str, width: int) -> str:
    """Text in exactly `width` cells; what is too long loses its beginning."""
    return fit(text, width) if len(text) <= width else fit(ELLIPSIS + text[1 - width :], width)


def parameter_lines(rows: Sequence[Row], width: int, styles: Styles) -> Lines:
    """A line a parameter; of long names the end is shown, which tells them apart."""
    group_width = min(max((len(row.group) for row in rows), default=0), 18) + 2
    name_width = max(width - SHAPE_WIDTH - RATE_WIDTH - group_width - 4, 12)
    lines: Lines = []
    last = ""
    for row in rows:
        name: Run = (" " + from_left(row.name, name_width), styles.text)
        shape: Run = (row.shape.rjust(SHAPE_WIDTH) + "  ", styles.muted)
        look = styles.heading if row.group != last else styles.muted
        group: Run = (fit(row.group, group_width), look)
        lines.append([name, shape, group, (fit(row.rate, RATE_WIDTH).rstrip(), styles.accent)])
        last = row.group
    return lines


class ParameterPane(Pane):
    """The list, and in its border how many there are."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._all = list(rows)
        self._rows = self._all
        super().__init__("Parameters", id="parameters")
        self.show("")

    def show(self, text: str) -> None:
        """Those that have every word of a text."""
        words = text.lower().split()
        self._rows = [row for row in self._all if row.has(words)]
        size = count(sum(row.size for row in self._rows))
        many = f"{len(self._rows)} of {len(self._all)}" if words else str(len(self._all))
        self.entitle(f"{many} tensors, {size}", "/ filter   esc closes")
        self.redraw()

    def lines(self, width: int, height: int) -> Lines:
        """The rows, or that there are none."""
        styles = styles_of(self)
        if not self._rows:
            texts = ["No parameter has that.", "esc takes the filter away"]
            return centred(texts, width, height, styles)
        return parameter_lines(self._rows, width, styles)


class ParametersScreen(ModalScreen[None]):
    """Over the setup screen."""

    DEFAULT_CSS = """
    ParametersScreen {
        align: center middle;
        & > Vertical { width: 96%; height: 92%; background: $surface; }
        & #parameters { height: 1fr; border: round $border; border-title-color: $text; }
        & Input { display: none; }
        & Input.-open { display: block; }
    }
    """
    BINDINGS = [
        Binding("escape,q,v", "back", "Close", id="parameters.close", tooltip="Close the list"),
        Binding("slash", "filter", "Filter", id="parameters.filter", tooltip="Words in a row"),
    ]

    def __init__(self, groups: Sequence[GroupSpec], resolved: Sequence[ResolvedGroup]) -> None:
        super().__init__()
        self._pane = ParameterPane(parameter_rows(groups, resolved))

    def compose(self) -> ComposeResult:
        """The list, and the line for the filter below it."""
        with Vertical():
            yield self._pane
            yield Input(compact=True, placeholder="words that a row has: layer.11 bias")

    def on_mount(self) -> None:
        """The list is what keys are for."""
        self._pane.focus()

    def action_filter(self) -> None:
        """A line to type words into; the list follows."""
        line = self.query_one(Input)
        line.add_class("-open")
        line.focus()

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        """The rows that have what was typed."""
        event.stop()
        self._pane.show(event.value)

    @on(Input.Submitted)
    def keep(self, event: Input.Submitted) -> None:
        """Back to the list, the filter stays."""
        event.stop()
        self._pane.focus()

    def action_back(self) -> None:
        """The filter goes first, then the list."""
        line = self.query_one(Input)
        if line.has_class("-open"):
            line.value = ""
            line.remove_class("-open")
            self._pane.focus()
        else:
            self.dismiss()
