"""The pane of events: what happened, newest first, with the reason of every end."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual import events
from textual.binding import Binding
from textual.geometry import Region
from textual.strip import Strip

from tuner.render.event_text import event_line_runs
from tuner.render.renderable_lines import Lines
from tuner.session import events as e
from tuner.session.view import SessionView
from tuner.tui.shell.messages import TrialChosen
from tuner.tui.widgets.line_widgets import (
    Pane,
    empty_state_lines,
    overlay_style,
    strip_from_runs,
    theme_styles,
)

HIDDEN = frozenset({e.DataRead, e.CommandDone, e.Importance})
"""Kinds that the short list leaves out; the log view shows them."""
CACHED_STRIPS = 2000


def is_worth_a_line(event: object) -> bool:
    """Leave out the rung that cut a trial: the pruning that follows says so."""
    kind = type(event)  # Asked of a hundred thousand events when a long log is opened.
    return kind not in HIDDEN and (kind is not e.Rung or bool(getattr(event, "kept", True)))


def trial_of_event(event: object) -> int | None:
    trial = getattr(event, "trial", None)
    return trial if isinstance(trial, int) else None


class EventsPane(Pane):
    """The newest event first; only the lines that are visible are put into words.

    `selected_trial` gives the trial under a cursor elsewhere, whose events a key shows alone.
    """

    COMPONENT_CLASSES = {"events--cursor"}
    BINDINGS = [
        Binding(
            "enter", "choose", "Trial", show=False, id="events.trial", tooltip="Go to its trial"
        ),
        Binding(
            "t",
            "only",
            "This trial",
            show=False,
            id="events.only",
            tooltip="Events of the selected trial alone, or all",
        ),
    ]

    def __init__(
        self,
        current_view: Callable[[], SessionView],
        *,
        number: int = 3,
        all_kinds: bool = False,
        id: str = "events",
        selected_trial: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._current_view = current_view
        self._selected_trial = selected_trial
        self._shows_all_kinds = all_kinds
        self._only_trial: int | None = None
        self._cursor = 0
        self._strips: dict[tuple[int, int], Strip] = {}
        self._start_history()
        super().__init__("Events", number=number, id=id)

    def _start_history(self) -> None:
        self._history: object = self._current_view().history
        self._read_count = 0
        self._shown_indexes: list[int] = []
        self._trial_indexes: list[int] = []
        self._strips.clear()

    def append_new_events(self) -> None:
        """Add what the history grew by; a list that is scrolled back stays where it is."""
        history = self._current_view().history
        if history is not self._history:
            self._start_history()
        before = len(self._visible_indexes)
        new = range(self._read_count, len(history))
        listed = [
            index for index in new if self._shows_all_kinds or is_worth_a_line(history[index])
        ]
        self._shown_indexes += listed
        if self._only_trial is not None:
            self._trial_indexes += self._indexes_of_trial(listed)
        self._read_count = len(history)
        self._keep_lines_in_place(len(self._visible_indexes) - before)

    def _indexes_of_trial(self, indexes: Iterable[int]) -> list[int]:
        history = self._current_view().history
        return [index for index in indexes if trial_of_event(history[index]) == self._only_trial]

    def _keep_lines_in_place(self, added: int) -> None:
        if added <= 0:
            return
        if self._cursor:
            self._cursor += added
        super().redraw_content()
        if self.scroll_offset.y > 0:
            self.scroll_to(y=self.scroll_offset.y + added, animate=False)

    @property
    def _visible_indexes(self) -> list[int]:
        """Positions in the history of what is shown, the oldest first."""
        return self._shown_indexes if self._only_trial is None else self._trial_indexes

    def update_border_text(self) -> None:
        count = len(self._visible_indexes)
        detail = str(count) if count else ""
        other_choice = "only its own" if self._only_trial is None else "all"
        hint = f"enter trial   t {other_choice}" if self.has_focus and count else ""
        self.set_border_text(
            detail if self._only_trial is None else f"#{self._only_trial}  {detail}", hint
        )

    def redraw_content(self) -> None:
        self._strips.clear()
        super().redraw_content()

    def line_count(self) -> int:
        return len(self._visible_indexes) or self.size.height

    def content_strip(self, index: int, width: int) -> Strip:
        indexes = self._visible_indexes
        if not indexes:
            return super().content_strip(index, width)
        history_index = indexes[len(indexes) - 1 - index]
        cached = self._strips.get((history_index, width))
        if cached is None:
            if len(self._strips) > CACHED_STRIPS:
                self._strips.clear()
            view = self._current_view()
            runs = event_line_runs(view.history[history_index], view, width, theme_styles(self))
            cached = self._strips[history_index, width] = strip_from_runs(runs, width)
        if index == self._cursor and self.has_focus:
            return overlay_style(
                cached, self.get_component_rich_style("events--cursor", partial=True)
            )
        return cached

    def content_lines(self, width: int, height: int) -> Lines:
        texts = ("Events will be listed here", "with the reason of every pruning")
        if self._only_trial is not None:
            texts = (
                f"Nothing happened to #{self._only_trial} yet",
                "t shows the events of all trials",
            )
        return empty_state_lines(texts, width, height, theme_styles(self))

    # The cursor

    @property
    def trial_at_cursor(self) -> int | None:
        indexes = self._visible_indexes
        if not 0 <= self._cursor < len(indexes):
            return None
        return trial_of_event(self._current_view().history[indexes[-1 - self._cursor]])

    def _move_cursor_to(self, index: int) -> None:
        self._cursor = max(0, min(index, len(self._visible_indexes) - 1))
        self.scroll_to_region(Region(0, self._cursor, 1, 1), animate=False, force=True)
        self.refresh()

    def action_scroll_down(self) -> None:
        self._move_cursor_to(self._cursor + 1)

    def action_scroll_up(self) -> None:
        self._move_cursor_to(self._cursor - 1)

    def action_page_down(self) -> None:
        self._move_cursor_to(self._cursor + max(self.size.height - 1, 1))

    def action_page_up(self) -> None:
        self._move_cursor_to(self._cursor - max(self.size.height - 1, 1))

    def action_scroll_home(self) -> None:
        self._move_cursor_to(0)

    def action_scroll_end(self) -> None:
        self._move_cursor_to(len(self._visible_indexes) - 1)

    def action_choose(self) -> None:
        if (trial := self.trial_at_cursor) is not None:
            self.post_message(TrialChosen(trial))

    def action_only(self) -> None:
        trial = self.trial_at_cursor if self._selected_trial() is None else self._selected_trial()
        self._only_trial = trial if self._only_trial is None else None
        self._trial_indexes = (
            [] if self._only_trial is None else self._indexes_of_trial(self._shown_indexes)
        )
        self._cursor = 0
        self.scroll_home(animate=False)
        super().redraw_content()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        self._move_cursor_to(offset.y + self.scroll_offset.y)
        if event.chain >= 2:
            self.action_choose()

    def on_focus(self) -> None:
        self.update_border_text()
        self.refresh()

    def on_blur(self) -> None:
        self.update_border_text()
        self.refresh()
