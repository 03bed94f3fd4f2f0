"""The pane of events: what happened, newest first, with the reason of every end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.strip import Strip

from tuner.render.event_text import event_line_runs
from tuner.render.styles import TextRun
from tuner.session import events as e
from tuner.session.view import SessionView
from tuner.tui.shell.messages import TrialChosen
from tuner.tui.widgets.cursor_rows import CursorRows
from tuner.tui.widgets.key_bindings import hidden_key
from tuner.tui.widgets.line_widgets import theme_styles
from tuner.tui.widgets.row_table import RowTable

HIDDEN = frozenset({e.DataRead, e.CommandDone, e.Importance})
"""Kinds that the short list leaves out; the log view shows them."""


def is_worth_a_line(event: object) -> bool:
    """Leave out the rung that cut a trial: the pruning that follows says so."""
    kind = type(event)  # Asked of a hundred thousand events when a long log is opened.
    return kind not in HIDDEN and (kind is not e.Rung or bool(getattr(event, "kept", True)))


def trial_of_event(event: object) -> int | None:
    trial = getattr(event, "trial", None)
    return trial if isinstance(trial, int) else None


class EventsPane(RowTable):
    """One row an event, the newest first; its key is the event's position in the history.

    `selected_trial` gives the trial under a cursor elsewhere, whose events a key shows alone.
    """

    BINDINGS = [
        hidden_key("enter", "open", "events.trial", "Trial", "Go to its trial"),
        hidden_key("t", "only", "events.only", "This trial", "The selected trial's events, or all"),
    ]
    HEADER = 0
    LEAD = 0

    def __init__(
        self,
        current_view: Callable[[], SessionView],
        *,
        number: int = 3,
        all_kinds: bool = False,
        id: str = "events",
        selected_trial: Callable[[], int | None] = lambda: None,
    ) -> None:
        super().__init__("Events", number=number, id=id)
        self._current_view = current_view
        self._selected_trial = selected_trial
        self._shows_all_kinds = all_kinds
        self._only_trial: int | None = None
        self._start_history()

    def _start_history(self) -> None:
        self._history: object = self._current_view().history
        self._read_count = 0
        self._shown_indexes: list[int] = []
        self._trial_indexes: list[int] = []
        self._cached_strips.clear()

    def append_new_events(self) -> None:
        """Add what the history grew by; a list that is scrolled back stays where it is."""
        history = self._current_view().history
        if history is not self._history:
            self._start_history()
            self.cursor = 0
        new = range(self._read_count, len(history))
        listed = [i for i in new if self._shows_all_kinds or is_worth_a_line(history[i])][::-1]
        of_trial = [] if self._only_trial is None else self._indexes_of_trial(listed)
        self._shown_indexes[:0], self._trial_indexes[:0] = listed, of_trial
        self._read_count = len(history)
        added = len(listed if self._only_trial is None else of_trial)
        if added and self.is_mounted:
            self._keep_lines_in_place(added)
        self.update_border_text()

    def _indexes_of_trial(self, indexes: Iterable[int]) -> list[int]:
        history = self._current_view().history
        return [index for index in indexes if trial_of_event(history[index]) == self._only_trial]

    def _keep_lines_in_place(self, added: int) -> None:
        self._is_cursor_placed = self.cursor > 0  # On the newest event it stays on the newest.
        if self.cursor:
            self.set_reactive(CursorRows.cursor, self.cursor + added)  # Without scrolling to it.
        scrolled = self.scroll_offset.y
        self.update_rows()
        if scrolled > 0:
            self.scroll_to(y=scrolled + added, animate=False)

    def keys_in_order(self) -> Sequence[int]:
        return self._shown_indexes if self._only_trial is None else self._trial_indexes

    def runs_of_row(self, key: int, width: int) -> Sequence[TextRun]:
        view = self._current_view()
        return event_line_runs(view.history[key], view, width, theme_styles(self))

    def empty_state_texts(self) -> Sequence[str]:
        if self._only_trial is not None:
            return (
                f"Nothing happened to #{self._only_trial} yet",
                "t shows the events of all trials",
            )
        return ("Events will be listed here", "with the reason of every pruning")

    def update_border_text(self) -> None:
        """Say how many there are of what; the keys only while they apply."""
        count = self.row_count()
        detail = str(count) if count else ""
        other_choice = "only its own" if self._only_trial is None else "all"
        hint = f"enter trial   t {other_choice}" if self.has_focus and count else ""
        only = "" if self._only_trial is None else f"#{self._only_trial}  "
        self.set_border_text(f"{only}{detail}", hint)

    @property
    def trial_at_cursor(self) -> int | None:
        """The trial that the event under the cursor is about."""
        key = self.selected_key
        return None if key is None else trial_of_event(self._current_view().history[key])

    def _strip_with_cursor(self, strip: Strip) -> Strip:
        return super()._strip_with_cursor(strip) if self.has_focus else strip

    def on_row_table_row_highlighted(self, event: RowTable.RowHighlighted) -> None:
        """Keep it here: the screens follow the cursor of the trials alone."""
        event.stop()

    def action_open(self) -> None:
        """Go to the trial."""
        if (trial := self.trial_at_cursor) is not None:
            self.post_message(TrialChosen(trial))

    def action_only(self) -> None:
        """Show the events of one trial, or all."""
        selected = self._selected_trial()
        trial = self.trial_at_cursor if selected is None else selected
        self._only_trial = trial if self._only_trial is None else None
        self._trial_indexes = self._indexes_of_trial(self._shown_indexes)
        self._is_cursor_placed, self.cursor = False, 0
        self.scroll_home(animate=False)
        self.update_rows()
        self.update_border_text()

    def watch_has_focus(self, _has_focus: bool) -> None:
        super().watch_has_focus(_has_focus)
        self.update_border_text()
