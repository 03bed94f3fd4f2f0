"""recipe.toml as it would be saved, in as many columns as there is room for."""

from __future__ import annotations

import difflib

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuner.render.text_fitting import fit_text
from tuner.results.format import sanitize_text

COLUMN_WIDTH = 38
CHANGED = "▎"


class RecipePreview(ScrollView, can_focus=True):
    """Lines that differ from the saved file are marked; the last change scrolls into view."""

    DEFAULT_CSS = """
    RecipePreview {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .toml--table { color: $text-primary; text-style: bold; }
        & > .toml--comment { color: $text-muted; text-style: italic; }
        & > .toml--key { color: $foreground; }
        & > .toml--value { color: $text-accent; }
        & > .toml--changed { color: $text-warning; }
    }
    """
    COMPONENT_CLASSES = {
        "toml--table",
        "toml--comment",
        "toml--key",
        "toml--value",
        "toml--changed",
    }

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._changed: set[int] = set()
        self._latest = 0

    def show_recipe(self, text: str, saved: str) -> None:
        """Show `text`; lines that `saved` does not have are marked."""
        before, self._lines = self._lines, [sanitize_text(line) for line in text.splitlines()]
        self._changed = _changed_line_indices(
            [sanitize_text(line) for line in saved.splitlines()], self._lines
        )
        self._measure()
        fresh = _changed_line_indices(before, self._lines)
        if before and fresh:
            self._latest = min(fresh)
            self._scroll_to_latest()

    def on_resize(self) -> None:
        self._measure()
        self._scroll_to_latest()

    def _scroll_to_latest(self) -> None:
        line = self._latest % self._column_depth()
        self.scroll_to_region(Region(0, line, 1, 1), animate=False)

    def _measure(self) -> None:
        self.virtual_size = Size(self.size.width, self._column_depth())
        self.refresh()

    def _column_count(self) -> int:
        return max(1, self.size.width // COLUMN_WIDTH)

    def _column_depth(self) -> int:
        """Return the lines per column: all about equally long, none shorter than the pane."""
        return max(-(-len(self._lines) // self._column_count()), self.size.height, 1)

    def render_line(self, y: int) -> Strip:
        row, depth, count = y + self.scroll_offset.y, self._column_depth(), self._column_count()
        width = self.size.width // count
        segments: list[Segment] = []
        for column in range(count):
            segments += self._cell(row + column * depth, width)
        strip = Strip(segments).adjust_cell_length(self.size.width)
        return strip.apply_style(self.rich_style)

    def _cell(self, index: int, width: int) -> list[Segment]:
        if index >= len(self._lines):
            return [Segment(" " * width)]
        mark = CHANGED if index in self._changed else " "
        segments = [Segment(mark, self._look("changed"))]
        room = width - 2
        for text, style in self._styled(self._lines[index]):
            shown = fit_text(text, min(cell_len(text), room))
            segments.append(Segment(shown, style))
            room -= cell_len(shown)
        return [*segments, Segment(" " * (room + 1))]

    def _styled(self, line: str) -> list[tuple[str, Style]]:
        if line.lstrip().startswith("#"):
            return [(line, self._look("comment"))]
        if line.lstrip().startswith("["):
            return [(line, self._look("table"))]
        key, equals, value = line.partition("=")
        return [(key + equals, self._look("key")), (value, self._look("value"))]

    def _look(self, name: str) -> Style:
        return self.get_component_rich_style(f"toml--{name}", partial=True)


def _changed_line_indices(old: list[str], new: list[str]) -> set[int]:
    """Return the indices of lines that were inserted or changed."""
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return {
        index
        for tag, _, _, first, last in matcher.get_opcodes()
        if tag in ("replace", "insert")
        for index in range(first, last)
    }
