"""The table of sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.message import Message

from tuner.render.session_summary import session_dataset_name, short_model_name
from tuner.render.state_marks import ONE_LABEL, session_state_text
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text
from tuner.results import format as fmt
from tuner.results.format import sanitize_text
from tuner.results.state_glyphs import GLYPHS
from tuner.session.view import SessionState
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.widgets.key_bindings import hidden_key, key
from tuner.tui.widgets.line_widgets import theme_styles
from tuner.tui.widgets.row_table import RowTable

SORT_ORDERS = ("updated", "name", "state", "best")
WIDE_LAYOUT = 100
"""From this width on model and data set are shown."""
_STATES_IN_ORDER = list(SessionState)


@dataclass(frozen=True)
class _SessionColumn:
    title: str
    width: int
    draw_cell: Callable[[SessionReader, SessionState, float, Styles], TextRun]
    only_if_wide: bool = False
    is_right_aligned: bool = False


def _draw_trials_cell(
    reader: SessionReader, _state: SessionState, _now: float, styles: Styles
) -> TextRun:
    return fmt.format_out_of(
        reader.trial_counts.ended_count, reader.trial_counts.planned_trials(reader.view), 7
    ), styles.text


def _draw_best_cell(
    reader: SessionReader, _state: SessionState, _now: float, styles: Styles
) -> TextRun:
    best = reader.view.find_best_trial()
    if best is None:
        return fmt.NONE, styles.muted
    if best.one_label:
        return ONE_LABEL, styles.muted
    return fmt.format_score(best.value, 7), styles.best


def _draw_eta_cell(
    reader: SessionReader, _state: SessionState, _now: float, styles: Styles
) -> TextRun:
    return fmt.format_duration(
        reader.remaining_seconds
    ), styles.text if reader.remaining_seconds else styles.muted


def _draw_updated_cell(
    reader: SessionReader, _state: SessionState, now: float, styles: Styles
) -> TextRun:
    last_time = reader.view.last_time
    return (fmt.NONE if last_time is None else fmt.format_time_ago(now - last_time)), styles.muted


def _draw_state_cell(
    reader: SessionReader, state: SessionState, _now: float, styles: Styles
) -> TextRun:
    word = session_state_text(state) + (" ⚠" if reader.is_stalled else "")
    return word, styles.session_style(state)


_COLUMNS = (
    _SessionColumn(
        "MODEL",
        18,
        lambda f, _s, _n, styles: (short_model_name(f.view), styles.muted),
        only_if_wide=True,
    ),
    _SessionColumn(
        "DATASET",
        12,
        lambda f, _s, _n, styles: (session_dataset_name(f.view), styles.muted),
        only_if_wide=True,
    ),
    _SessionColumn(
        "METRIC", 9, lambda f, _s, _n, styles: (sanitize_text(f.view.metric), styles.muted)
    ),
    _SessionColumn("STATE", 12, _draw_state_cell),
    _SessionColumn("TRIALS", 7, _draw_trials_cell, is_right_aligned=True),
    _SessionColumn("BEST", 7, _draw_best_cell, is_right_aligned=True),
    _SessionColumn("ETA", 6, _draw_eta_cell, is_right_aligned=True),
    _SessionColumn("UPDATED", 10, _draw_updated_cell),
)


class SessionTable(RowTable):
    """One row a session, the last touched first."""

    BINDINGS = [
        hidden_key("o", "sort_by", "sessions.sort", "Sort", "Sort by the next column"),
        key("enter", "open", "sessions.open", "Open", "Open the session"),
        hidden_key("space", "mark", "sessions.mark", "Mark", "Mark for comparing, or unmark"),
    ]

    class MarksChanged(Message):
        """A session was marked, or its mark taken off."""

    def __init__(
        self,
        current_readers: Callable[[], Sequence[SessionReader]],
        state_of: Callable[[SessionReader], SessionState],
        now: Callable[[], float],
    ) -> None:
        self._current_readers = current_readers
        self._state_of = state_of
        self._now = now
        self._keys: list[str] = []
        self._readers_by_name: dict[str, SessionReader] = {}
        self._row_order = "updated"
        self._filter_words: tuple[str, ...] = ()
        self.is_all_read = False
        self._marked_names: list[str] = []
        super().__init__("Sessions", id="sessions")

    def marked_sessions(self) -> list[SessionReader]:
        """Return the marked sessions that are still there, in the order of marking."""
        return [
            self._readers_by_name[name]
            for name in self._marked_names
            if name in self._readers_by_name
        ]

    def update_sessions(self) -> None:
        self._readers_by_name = {reader.session.name: reader for reader in self._current_readers()}
        matching_readers = [
            reader for reader in self._readers_by_name.values() if self._matches_filter(reader)
        ]
        self._keys = [
            reader.session.name for reader in sorted(matching_readers, key=self._sort_key)
        ]
        self._cached_strips.clear()
        self.update_rows()
        self.update_border_text()

    def filter_by_words(self, text: str) -> None:
        """Keep sessions in which every word occurs: in name, model, data set, metric or state."""
        self._filter_words = tuple(text.casefold().split())
        self.update_sessions()

    def selected_session(self) -> SessionReader | None:
        return (
            self._readers_by_name.get(self.selected_key) if self.selected_key is not None else None
        )

    def keys_in_order(self) -> Sequence[str]:
        return self._keys

    def header_runs(self, width: int) -> Sequence[TextRun]:
        titles = [fit_text("NAME", self._width_of_names(width))]
        for column in self._visible_columns(width):
            title = fit_text(column.title, column.width)
            titles.append(title.strip().rjust(column.width) if column.is_right_aligned else title)
        return [(" " + self._column_gap(width).join(titles), theme_styles(self).muted)]

    def runs_of_row(self, key: str, width: int) -> Sequence[TextRun]:
        styles, reader = theme_styles(self), self._readers_by_name[key]
        state, now = self._state_of(reader), self._now()
        mark = GLYPHS["marked"] if key in self._marked_names else " "
        runs: list[TextRun] = [
            (mark, styles.accent),
            (fit_text(sanitize_text(key), self._width_of_names(width)), styles.heading),
        ]
        for column in self._visible_columns(width):
            text, style = column.draw_cell(reader, state, now, styles)
            fitted = fit_text(text, column.width)
            if column.is_right_aligned:
                fitted = " " * (len(fitted) - len(fitted.rstrip())) + fitted.rstrip()
            runs.append((self._column_gap(width) + fitted, style))
        return runs

    def empty_state_texts(self) -> Sequence[str]:
        if self._readers_by_name:
            return ("No session matches the filter", "esc clears it")
        if not self.is_all_read:
            return ("Looking for sessions",)
        return (
            "No sessions yet",
            "",
            "n creates one from your data",
            "tuner demo runs one on a small built-in data set",
        )

    def handle_header_click(self, x: int) -> None:
        """Sort by the column that was clicked, where it can sort."""
        right_edge = self._width_of_names(self.content_width - 1) + 1
        titles = {right_edge: "name"}
        for column in self._visible_columns(self.content_width - 1):
            right_edge += len(self._column_gap(self.content_width - 1)) + column.width
            titles[right_edge] = column.title.lower()
        clicked = next((title for right_edge, title in titles.items() if x < right_edge), "")
        if clicked in SORT_ORDERS:
            self._row_order = clicked
            self.update_sessions()

    def update_border_text(self) -> None:
        shown_count, total = len(self._keys), len(self._readers_by_name)
        detail = str(total) if shown_count == total else f"{shown_count} of {total}"
        if marked_count := len(self.marked_sessions()):
            detail += f" · {marked_count} marked"
        self.set_border_text(detail, f"sorted by {self._row_order.upper()} ▾   o order   / filter")

    def _visible_columns(self, width: int) -> list[_SessionColumn]:
        return [column for column in _COLUMNS if width >= WIDE_LAYOUT or not column.only_if_wide]

    def _column_gap(self, width: int) -> str:
        return "  " if width >= WIDE_LAYOUT else " "

    def _width_of_names(self, width: int) -> int:
        columns = self._visible_columns(width)
        gap = len(self._column_gap(width))
        available_width = width - 2 - sum(column.width + gap for column in columns)
        longest = max((len(name) for name in self._readers_by_name), default=10)
        return max(min(available_width, longest + 2), 8)

    def _matches_filter(self, reader: SessionReader) -> bool:
        view = reader.view
        words = (
            reader.session.name,
            short_model_name(view),
            session_dataset_name(view),
            view.metric,
        )
        text = " ".join((*words, self._state_of(reader).value)).casefold()
        return all(word in text for word in self._filter_words)

    def _sort_key(self, reader: SessionReader) -> tuple[object, ...]:
        best = reader.view.find_best_trial()
        value = -1e300 if best is None or best.value is None else best.value
        keys_by_order: dict[str, tuple[object, ...]] = {
            "updated": (-(reader.view.last_time or 0.0),),
            "state": (_STATES_IN_ORDER.index(self._state_of(reader)),),
            "best": (-value,),
            "name": (),
        }
        return (*keys_by_order[self._row_order], reader.session.name)

    def action_mark(self) -> None:
        if (name := self.selected_key) is None:
            return
        if name in self._marked_names:
            self._marked_names.remove(name)
        else:
            self._marked_names.append(name)
        self.redraw_rows([name])
        self.update_border_text()
        self.post_message(self.MarksChanged())

    def action_sort_by(self) -> None:
        index = SORT_ORDERS.index(self._row_order)
        self._row_order = SORT_ORDERS[(index + 1) % len(SORT_ORDERS)]
        self.update_sessions()
