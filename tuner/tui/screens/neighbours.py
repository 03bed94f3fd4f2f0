"""The views next to the live one: the recipe, and everything that was logged."""

from __future__ import annotations

import os
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Container

from tuner.results.format import plain
from tuner.session.folder import Session
from tuner.tui.feed import Feed
from tuner.tui.render.lined import Lines
from tuner.tui.render.toml import toml_lines
from tuner.tui.widgets.events import EventsPane
from tuner.tui.widgets.lines import Pane, centred, styles_of

TAIL = 64 * 1024
"""Bytes of worker.log that are shown, from its end."""


class ConfigView(Container):
    """recipe.toml as it is."""

    def __init__(self, feed: Feed) -> None:
        super().__init__(id="config")
        self._feed = feed

    def compose(self) -> ComposeResult:
        """One pane."""
        yield RecipePane(self._feed.session)


class RecipePane(Pane):
    """The text of the recipe."""

    def __init__(self, session: Session) -> None:
        self._path = session.recipe_path
        super().__init__("recipe.toml", id="recipe")

    def lines(self, width: int, height: int) -> Lines:
        """The file, or why it cannot be shown."""
        try:
            text = self._path.read_text("utf-8", "replace")
        except OSError as error:
            reason = plain(error.strerror or error)
            return centred(("recipe.toml cannot be read", reason), width, height, styles_of(self))
        return toml_lines(text, styles_of(self))


class LogView(Container):
    """All events with their reasons, and what the worker printed."""

    def __init__(self, feed: Feed) -> None:
        super().__init__(id="log")
        self._feed = feed

    def compose(self) -> ComposeResult:
        """Two panes."""
        yield EventsPane(lambda: self._feed.view, number=1, everything=True, id="all-events")
        yield TailPane(self._feed.session.log_path, id="worker-log")

    def on_mount(self) -> None:
        """Follow both."""
        self._look()
        self.set_interval(0.5, self._look)

    def _look(self) -> None:
        if self.display:
            self.query_one(EventsPane).events_came()
            self.query_one(TailPane).look()


class TailPane(Pane):
    """The end of a text file that somebody else writes."""

    def __init__(self, path: Path, *, id: str) -> None:
        self._path = path
        self._seen: tuple[int, float] | None = None
        super().__init__("worker.log", number=2, id=id)

    def look(self) -> None:
        """Read again where the file changed, and stay at the end where the end was seen."""
        stamp = _stamp(self._path)
        if stamp == self._seen:
            return
        self._seen = stamp
        at_end = self.scroll_offset.y >= self.max_scroll_y
        self.redraw()
        if at_end:
            self.call_after_refresh(self.scroll_end, animate=False)

    def lines(self, width: int, height: int) -> Lines:
        """The last lines."""
        styles = styles_of(self)
        text = tail_text(self._path)
        if not text:
            texts = ("What the worker and its trainers print", "will be here once they run")
            return centred(texts, width, height, styles)
        return [[(plain(line.expandtabs(4)), styles.text)] for line in text.splitlines()]


def _stamp(path: Path) -> tuple[int, float] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime


def tail_text(path: Path, size: int = TAIL) -> str:
    """The last `size` bytes of a file from a line's start on; "" where there is none."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(end - size, 0))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return text.split("\n", 1)[-1] if end > size else text
