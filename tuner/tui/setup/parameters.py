"""Every parameter of the model with its group and the rates it can have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tuner.recipe.rates import param_group_setting, round_rate_setting, split_into_param_groups
from tuner.recipe.types import GroupSpec, ResolvedGroup, TiedRate
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text
from tuner.results.format import format_count, format_recipe_setting, sanitize_text
from tuner.tui.widgets.key_bindings import key
from tuner.tui.widgets.line_widgets import Pane, empty_state_lines, theme_styles

SHAPE_WIDTH, RATE_WIDTH = 11, 19
ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """One parameter: `text` is what a filter looks through."""

    name: str
    shape: str
    group: str
    rate: str
    size: int

    def contains_words(self, words: Sequence[str]) -> bool:
        text = f"{self.name} {self.shape} {self.group} {self.rate}".lower()
        return all(word in text for word in words)


def parameter_rows(
    groups: Sequence[GroupSpec], resolved: Sequence[ResolvedGroup]
) -> list[ParameterRow]:
    """Return all parameters, group by group from the lowest layer up."""
    return [
        ParameterRow(
            sanitize_text(parameter.name),
            "×".join(map(str, parameter.shape)) or "scalar",
            sanitize_text(level.group.name),
            format_recipe_setting(round_rate_setting(param_group_setting(groups, level)), "log")
            + _tie_suffix(level.group),
            parameter.element_count,
        )
        for level in split_into_param_groups(resolved)
        for parameter in level.parameters
    ]


def _tie_suffix(group: GroupSpec) -> str:
    return " tied" if isinstance(group.lr, TiedRate) else ""


def truncate_left(text: str, width: int) -> str:
    """Fit text into exactly `width` cells; too long a text loses its beginning."""
    return (
        fit_text(text, width)
        if len(text) <= width
        else fit_text(ELLIPSIS + text[1 - width :], width)
    )


def parameter_lines(rows: Sequence[ParameterRow], width: int, styles: Styles) -> Lines:
    """Draw one line per parameter; long names show their end, which tells them apart."""
    group_width = min(max((len(row.group) for row in rows), default=0), 18) + 2
    name_width = max(width - SHAPE_WIDTH - RATE_WIDTH - group_width - 4, 12)
    lines: Lines = []
    last = ""
    for row in rows:
        name: TextRun = (" " + truncate_left(row.name, name_width), styles.text)
        shape: TextRun = (row.shape.rjust(SHAPE_WIDTH) + "  ", styles.muted)
        look = styles.heading if row.group != last else styles.muted
        group: TextRun = (fit_text(row.group, group_width), look)
        lines.append([name, shape, group, (fit_text(row.rate, RATE_WIDTH).rstrip(), styles.accent)])
        last = row.group
    return lines


class ParameterPane(Pane):
    """The list of parameters, with their number in the border."""

    def __init__(self, rows: Sequence[ParameterRow]) -> None:
        self._all = list(rows)
        self._rows = self._all
        super().__init__("Parameters", id="parameters")
        self.show_matching("")

    def show_matching(self, text: str) -> None:
        """Show the parameters that contain every word of a text."""
        words = text.lower().split()
        self._rows = [row for row in self._all if row.contains_words(words)]
        size = format_count(sum(row.size for row in self._rows))
        many = f"{len(self._rows)} of {len(self._all)}" if words else str(len(self._all))
        self.set_border_text(f"{many} tensors, {size}", "/ filter   esc closes")
        self.redraw_content()

    def content_lines(self, width: int, height: int) -> Lines:
        styles = theme_styles(self)
        if not self._rows:
            texts = ["No parameter matches.", "esc clears the filter"]
            return empty_state_lines(texts, width, height, styles)
        return parameter_lines(self._rows, width, styles)


class ParametersScreen(ModalScreen[None]):
    """The list of parameters, over the setup screen."""

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
        key("escape,q,v", "back", "parameters.close", "Close", "Close the list"),
        key("slash", "filter", "parameters.filter", "Filter", "Words in a row"),
    ]

    def __init__(self, groups: Sequence[GroupSpec], resolved: Sequence[ResolvedGroup]) -> None:
        super().__init__()
        self._pane = ParameterPane(parameter_rows(groups, resolved))

    def compose(self) -> ComposeResult:
        with Vertical():
            yield self._pane
            yield Input(compact=True, placeholder="words in a row: layer.11 bias")

    def on_mount(self) -> None:
        self._pane.focus()

    def action_filter(self) -> None:
        """Open a line for words; the list follows what is typed."""
        line = self.query_one(Input)
        line.add_class("-open")
        line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._pane.show_matching(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return to the list; the filter stays."""
        event.stop()
        self._pane.focus()

    def action_back(self) -> None:
        """Close the filter if it is open, else the list."""
        line = self.query_one(Input)
        if line.has_class("-open"):
            line.value = ""
            line.remove_class("-open")
            self._pane.focus()
        else:
            self.dismiss()
