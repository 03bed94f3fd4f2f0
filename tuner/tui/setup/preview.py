"""recipe.toml as it would be saved, in as many columns as there is room for."""

from __future__ import annotations

import difflib

from rich.cells import cell_len
from textual.geometry import Region

from tuner.render.renderable_lines import Lines
from tuner.render.styles import TextRun
from tuner.render.text_fitting import fit_text
from tuner.render.toml_highlight import highlight_toml
from tuner.tui.widgets.line_widgets import Pane, theme_styles

COLUMN_WIDTH = 38
CHANGE_MARK = "▎"


class RecipePreview(Pane):
    """Lines that differ from the saved file are marked; the last change scrolls into view."""

    def __init__(self, *, number: int) -> None:
        self._recipe_text = ""
        self._changed_lines: set[int] = set()
        self._latest_change = 0
        super().__init__("recipe.toml", number=number, id="recipe")
        self.set_border_text(hint="ctrl+e opens your editor")

    def show_recipe(self, text: str, saved_text: str) -> None:
        """Show `text`; lines that `saved_text` does not have are marked."""
        new_lines = changed_lines(self._recipe_text, text) if self._recipe_text else set()
        self._recipe_text = text
        self._changed_lines = changed_lines(saved_text, text)
        self.redraw_content()
        if new_lines:
            self._latest_change = min(new_lines)
            self._scroll_to_latest_change()

    def on_resize(self) -> None:
        self.call_after_refresh(self._scroll_to_latest_change)

    def _scroll_to_latest_change(self) -> None:
        line = self._latest_change % max(self.line_count(), 1)
        self.scroll_to_region(Region(0, line, 1, 1), animate=False)

    def content_lines(self, width: int, height: int) -> Lines:
        """Draw the columns: all about equally long, none shorter than the pane."""
        cells = highlight_toml(self._recipe_text, theme_styles(self))
        columns = max(1, width // COLUMN_WIDTH)
        depth = max(-(-len(cells) // columns), height, 1)
        return [
            [
                run
                for index in range(row, depth * columns, depth)
                for run in self._draw_cell(cells, index, width // columns)
            ]
            for row in range(depth)
        ]

    def _draw_cell(self, cells: Lines, index: int, width: int) -> list[TextRun]:
        styles = theme_styles(self)
        if index >= len(cells):
            return [(" " * width, styles.text)]
        mark = CHANGE_MARK if index in self._changed_lines else " "
        runs = [(mark, styles.paused)]
        room = width - 2
        for text, style in cells[index]:
            runs.append((fit_text(text, min(cell_len(text), room)), style))
            room -= cell_len(runs[-1][0])
        return [*runs, (" " * (room + 1), styles.text)]


def changed_lines(old_text: str, new_text: str) -> set[int]:
    """Return the indices of the new text's lines that were inserted or changed."""
    matcher = difflib.SequenceMatcher(
        None, old_text.splitlines(), new_text.splitlines(), autojunk=False
    )
    return {
        index
        for tag, _, _, first, last in matcher.get_opcodes()
        if tag in ("replace", "insert")
        for index in range(first, last)
    }
