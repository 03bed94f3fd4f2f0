"""The table of sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.binding import Binding
from textual.message import Message

from tuner.results import format as fmt
from tuner.results.format import GLYPHS, plain
from tuner.session.view import SessionState
from tuner.tui.feed import Feed
from tuner.tui.render.marks import ONE_LABEL, session_text
from tuner.tui.render.names import fit
from tuner.tui.render.sessions import dataset_name, short_model_name
from tuner.tui.render.styles import Run, Styles
from tuner.tui.widgets.lines import styles_of
from tuner.tui.widgets.rows import RowTable

ORDERS = ("updated", "name", "state", "best")
ROOMY = 100
"""From this width on model and data set are shown."""
_STATES = list(SessionState)


@dataclass(frozen=True)
class _Column:
    title: str
    width: int
    cell: Callable[[Feed, SessionState, float, Styles], Run]
    roomy: bool = False
    right: bool = False


def _trials(feed: Feed, _state: SessionState, _now: float, styles: Styles) -> Run:
    return fmt.out_of(feed.tally.ended, feed.tally.planned(feed.view), 7), styles.text


def _best(feed: Feed, _state: SessionState, _now: float, styles: Styles) -> Run:
    best = feed.view.best_trial()
    if best is None:
        return fmt.NONE, styles.muted
    if best.one_label:
        return ONE_LABEL, styles.muted
    return fmt.score(best.value, 7), styles.best


def _eta(feed: Feed, _state: SessionState, _now: float, styles: Styles) -> Run:
    return fmt.duration(feed.eta), styles.text if feed.eta else styles.muted


def _updated(feed: Feed, _state: SessionState, now: float, styles: Styles) -> Run:
    last = feed.view.last_time
    return (fmt.NONE if last is None else fmt.ago(now - last)), styles.muted


def _state(feed: Feed, state: SessionState, _now: float, styles: Styles) -> Run:
    word = session_text(state) + (" ⚠" if feed.stalled else "")
    return word, styles.session(state)


_COLUMNS = (
    _Column(
        "MODEL", 18, lambda f, _s, _n, styles: (short_model_name(f.view), styles.muted), roomy=True
    ),
    _Column(
        "DATASET", 12, lambda f, _s, _n, styles: (dataset_name(f.view), styles.muted), roomy=True
    ),
    _Column("METRIC", 9, lambda f, _s, _n, styles: (plain(f.view.metric), styles.muted)),
    _Column("STATE", 12, _state),
    _Column("TRIALS", 7, _trials, right=True),
    _Column("BEST", 7, _best, right=True),
    _Column("ETA", 6, _eta, right=True),
    _Column("UPDATED", 10, _updated),
)


class SessionTable(RowTable):
    """One row a session, the last touched first."""

    BINDINGS = [
        Binding("o", "sort_by", "Sort", show=False, id="sessions.sort", tooltip="Sort otherwise"),
        Binding("enter", "open", "Open", id="sessions.open", tooltip="Open the session"),
        Binding(
            "space",
            "mark",
            "Mark",
            show=False,
            id="sessions.mark",
            tooltip="Mark the session for a comparison, or take its mark off",
        ),
    ]

    class MarksChanged(Message):
        """A session was marked, or its mark taken off."""

    def __init__(
        self,
        feeds: Callable[[], Sequence[Feed]],
        state_of: Callable[[Feed], SessionState],
        now: Callable[[], float],
    ) -> None:
        self._feeds = feeds
        self._state_of = state_of
        self._now = now
        self._keys: list[str] = []
        self._by_name: dict[str, Feed] = {}
        self._order = "updated"
        self._words: tuple[str, ...] = ()
        self.all_read = False
        self._marks: list[str] = []
        super().__init__("Sessions", id="sessions")

    def marked(self) -> list[Feed]:
        """The marked sessions that are still there, in the order of marking."""
        return [self._by_name[name] for name in self._marks if name in self._by_name]

    def sessions_changed(self) -> None:
        """Rows came, went or changed."""
        self._by_name = {feed.session.name: feed for feed in self._feeds()}
        passing = [feed for feed in self._by_name.values() if self._passes(feed)]
        self._keys = [feed.session.name for feed in sorted(passing, key=self._place)]
        self._strips.clear()
        self.rows_changed()
        self.describe()

    def filter_by(self, text: str) -> None:
        """Only sessions in which every word occurs: in name, model, data set, metric or state."""
        self._words = tuple(text.casefold().split())
        self.sessions_changed()

    def feed(self) -> Feed | None:
        """The session under the cursor."""
        return self._by_name.get(self.selected) if self.selected is not None else None

    def keys_in_order(self) -> Sequence[str]:
        """The names."""
        return self._keys

    def header_runs(self, width: int) -> Sequence[Run]:
        """The titles."""
        titles = [fit("NAME", self._name_width(width))]
        for column in self._columns(width):
            title = fit(column.title, column.width)
            titles.append(title.strip().rjust(column.width) if column.right else title)
        return [(" " + self._gap(width).join(titles), styles_of(self).muted)]

    def row_runs(self, key: str, width: int) -> Sequence[Run]:
        """One session."""
        styles, feed = styles_of(self), self._by_name[key]
        state, now = self._state_of(feed), self._now()
        mark = GLYPHS["marked"] if key in self._marks else " "
        runs: list[Run] = [
            (mark, styles.accent),
            (fit(plain(key), self._name_width(width)), styles.heading),
        ]
        for column in self._columns(width):
            text, style = column.cell(feed, state, now, styles)
            fitted = fit(text, column.width)
            if column.right:
                fitted = " " * (len(fitted) - len(fitted.rstrip())) + fitted.rstrip()
            runs.append((self._gap(width) + fitted, style))
        return runs

    def empty_lines(self) -> Sequence[str]:
        """The first run."""
        if self._by_name:
            return ("No session passes the filter", "esc takes it off")
        if not self.all_read:
            return ("Looking for sessions",)
        return (
            "No sessions yet",
            "",
            "n makes one from your data",
            "tuner demo shows one on a small data set of its own",
        )

    def header_clicked(self, x: int) -> None:
        """Sort by the column that was clicked, where it can sort."""
        right = self._name_width(self.room - 1) + 1
        titles = {right: "name"}
        for column in self._columns(self.room - 1):
            right += len(self._gap(self.room - 1)) + column.width
            titles[right] = column.title.lower()
        clicked = next((title for right, title in titles.items() if x < right), "")
        if clicked in ORDERS:
            self._order = clicked
            self.sessions_changed()

    def describe(self) -> None:
        """Counts above, order below."""
        shown, total = len(self._keys), len(self._by_name)
        detail = str(total) if shown == total else f"{shown} of {total}"
        if marked := len(self.marked()):
            detail += f" · {marked} marked"
        self.entitle(detail, f"sorted by {self._order.upper()} ▾   o order   / filter")

    def _columns(self, width: int) -> list[_Column]:
        return [column for column in _COLUMNS if width >= ROOMY or not column.roomy]

    def _gap(self, width: int) -> str:
        return "  " if width >= ROOMY else " "

    def _name_width(self, width: int) -> int:
        columns = self._columns(width)
        gap = len(self._gap(width))
        room = width - 2 - sum(column.width + gap for column in columns)
        longest = max((len(name) for name in self._by_name), default=10)
        return max(min(room, longest + 2), 8)

    def _passes(self, feed: Feed) -> bool:
        view = feed.view
        words = (feed.session.name, short_model_name(view), dataset_name(view), view.metric)
        text = " ".join((*words, self._state_of(feed).value)).casefold()
        return all(word in text for word in self._words)

    def _place(self, feed: Feed) -> tuple[object, ...]:
        best = feed.view.best_trial()
        value = -1e300 if best is None or best.value is None else best.value
        places: dict[str, tuple[object, ...]] = {
            "updated": (-(feed.view.last_time or 0.0),),
            "state": (_STATES.index(self._state_of(feed)),),
            "best": (-value,),
            "name": (),
        }
        return (*places[self._order], feed.session.name)

    def action_mark(self) -> None:
        """Mark the session under the cursor, or take its mark off."""
        if (name := self.selected) is None:
            return
        if name in self._marks:
            self._marks.remove(name)
        else:
            self._marks.append(name)
        self.forget([name])
        self.describe()
        self.post_message(self.MarksChanged())

    def action_sort_by(self) -> None:
        """The next order."""
        at = ORDERS.index(self._order)
        self._order = ORDERS[(at + 1) % len(ORDERS)]
        self.sessions_changed()
