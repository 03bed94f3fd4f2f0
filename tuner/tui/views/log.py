"""Everything that was logged, and what the worker printed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from textual.widget import Widget

from tuner.recipe.plain_file import open_plain
from tuner.results.format import plain
from tuner.tui.feed import Feed, Reading
from tuner.tui.render.lined import Lines
from tuner.tui.views.base import View
from tuner.tui.widgets.events import EventsPane
from tuner.tui.widgets.lines import Pane, centred, styles_of

TAIL = 64 * 1024
"""Bytes of worker.log that are shown, from its end."""


class LogView(View):
    """All events with their reasons, and what the worker printed."""

    PANES = ("all-events", "worker-log")

    def __init__(self, feed: Feed) -> None:
        super().__init__(id="log")
        self._feed = feed

    def panes(self) -> Iterable[Widget]:
        """Two."""
        yield EventsPane(lambda: self._feed.view, number=1, everything=True, id="all-events")
        yield TailPane(self._feed.session.log_path, id="worker-log")

    def on_mount(self) -> None:
        """The worker's output grows without an event."""
        self.set_interval(0.5, self._look)

    def show_everything(self) -> None:
        """Both from the start."""
        self.query_one(EventsPane).events_came()
        self.query_one(TailPane).look()

    def session_read(self, reading: Reading) -> None:  # noqa: ARG002
        """More events."""
        self.query_one(EventsPane).events_came()

    def _look(self) -> None:
        if self.display:
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
        with open_plain(path) as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(end - size, 0))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return text.split("\n", 1)[-1] if end > size else text
