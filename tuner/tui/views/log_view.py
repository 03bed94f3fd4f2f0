"""Everything that was logged, and what the worker printed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual.widget import Widget

from tuner.render.renderable_lines import Lines
from tuner.results.format import sanitize_text
from tuner.session.existing_file import UnreadableFile
from tuner.session.worker_log import read_log_tail
from tuner.tui.state.session_reader import SessionDelta, SessionReader
from tuner.tui.views.base_view import View
from tuner.tui.widgets.events_pane import EventsPane
from tuner.tui.widgets.line_widgets import Pane, empty_state_lines, theme_styles


class LogView(View):
    """All events with their reasons, and what the worker printed."""

    PANES = ("all-events", "worker-log")

    def __init__(self, reader: SessionReader) -> None:
        super().__init__(id="log")
        self._reader = reader

    def compose_panes(self) -> Iterable[Widget]:
        yield EventsPane(lambda: self._reader.view, number=1, all_kinds=True, id="all-events")
        yield WorkerLogPane(self._reader.session.log_path, id="worker-log")

    def on_mount(self) -> None:
        """Follow worker.log, which grows without an event."""
        self.set_interval(0.5, self._poll_worker_log)

    def show_everything(self) -> None:
        self.query_one(EventsPane).append_new_events()
        self.query_one(WorkerLogPane).reload_if_changed()

    def redraw_changes(self, delta: SessionDelta) -> None:  # noqa: ARG002
        self.query_one(EventsPane).append_new_events()

    def _poll_worker_log(self) -> None:
        if self.display:
            self.query_one(WorkerLogPane).reload_if_changed()


class WorkerLogPane(Pane):
    """The end of a text file that another process writes."""

    def __init__(self, path: Path, *, id: str) -> None:
        self._path = path
        self._shown_stamp: tuple[int, float] | None = None
        super().__init__("worker.log", number=2, id=id)

    def reload_if_changed(self) -> None:
        """Read again if the file changed; stay at the end where the end was seen."""
        file_stamp = _size_and_mtime(self._path)
        if file_stamp == self._shown_stamp:
            return
        self._shown_stamp = file_stamp
        at_end = self.scroll_offset.y >= self.max_scroll_y
        self.redraw_content()
        if at_end:
            self.call_after_refresh(self.scroll_end, animate=False)

    def content_lines(self, width: int, height: int) -> Lines:
        styles = theme_styles(self)
        try:
            text = read_log_tail(self._path)
        except UnreadableFile as error:
            text = str(error)
        if not text:
            texts = ("The output of the worker and its trainers", "appears here once they run")
            return empty_state_lines(texts, width, height, styles)
        return [[(sanitize_text(line.expandtabs(4)), styles.text)] for line in text.splitlines()]


def _size_and_mtime(path: Path) -> tuple[int, float] | None:
    try:
        file_stat = path.stat()
    except OSError:
        return None
    return file_stat.st_size, file_stat.st_mtime
