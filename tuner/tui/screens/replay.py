"""A recorded session in the views of a live one, with the keys of a player."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding
from textual.widget import Widget

from tuner.results import format as fmt
from tuner.tui.charts.bars import progress_bar
from tuner.tui.render.events import time_of_day
from tuner.tui.render.styles import Run, Styles
from tuner.tui.replay import ReplayFeed
from tuner.tui.screens.study import StudyScreen
from tuner.tui.widgets.bars import DrawnLine

JUMP = 0.05
"""The share of the recording that < and > jump over."""
_OF_WORKERS = frozenset(
    {"start", "edit", "pause", "resume", "drain", "prune", "stop", "delete", "rerun", "enqueue"}
)


class ReplayScreen(StudyScreen):
    """Nothing can be asked of a worker here."""

    KEY_ORDER = ("replay.halt", "replay.faster", "replay.slower", "replay.ahead", "trials.detail")
    BINDINGS = [
        Binding("p", "halt", "Halt", id="replay.halt", tooltip="Stop the replay, or go on"),
        Binding(
            "plus,equals_sign",
            "speed(2)",
            "Faster",
            key_display="+",
            id="replay.faster",
            tooltip="Twice as fast",
        ),
        Binding(
            "minus",
            "speed(0.5)",
            "Slower",
            key_display="-",
            id="replay.slower",
            tooltip="Half as fast",
        ),
        Binding(
            "greater_than_sign",
            "jump(1)",
            "Jump",
            key_display="< >",
            id="replay.ahead",
            tooltip="Jump ahead by 5 %",
        ),
        Binding(
            "less_than_sign",
            "jump(-1)",
            "Back",
            show=False,
            id="replay.back",
            tooltip="Jump back by 5 %",
        ),
    ]
    feed: ReplayFeed

    def __init__(self, feed: ReplayFeed, view: str = "Live") -> None:
        super().__init__(feed)
        self._first_view = view

    def on_mount(self) -> None:
        """The view that was looked at before a jump back."""
        if self._first_view != self.view_name:
            self.call_later(self.open_view, self._first_view)

    def lines_below(self) -> Iterable[Widget]:
        """How far the replay is."""
        yield DrawnLine(self._playing, id="replay")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What was recorded cannot be changed."""
        return action not in _OF_WORKERS and super().check_action(action, parameters)

    def leave(self) -> None:
        """There is nothing but the recording."""
        self.tuner_app.exit()

    def tell_progress(self) -> None:
        """Every look moves the bar."""
        self.query_one("#replay", DrawnLine).redraw()

    def _playing(self, width: int, styles: Styles) -> list[Run]:
        head = self.feed.recording.playhead
        glyph = "■" if self.feed.recording.ended else "‖" if head.halted else "▶"
        played = f"{fmt.clock(head.now() - head.start)} of {fmt.clock(head.end - head.start)}"
        speed = f"×{fmt.amount(head.speed)}"
        tail = f"  {speed}  {played}  {time_of_day(head.now())}"
        room = max(width - len(tail) - 14, 6)
        return [
            (f" {glyph} replay ", styles.accent),
            (progress_bar(head.share, room), styles.accent),
            (tail, styles.text),
        ]

    def action_halt(self) -> None:
        """Stand still, or go on."""
        head = self.feed.recording.playhead
        head.halt(not head.halted)
        self.tell_progress()

    def action_speed(self, times: float) -> None:
        """Faster or slower."""
        head = self.feed.recording.playhead
        head.set_speed(head.speed * times)
        self.tell_progress()

    def action_jump(self, direction: int) -> None:
        """Ahead, or back: then all is folded again up to there, for panes that know nothing yet."""
        head = self.feed.recording.playhead
        moment = head.now() + direction * JUMP * (head.end - head.start)
        if direction > 0:
            head.move_to(moment)
            self.tell_progress()
        else:
            self.feed.go_back(moment)
            self.app.switch_screen(ReplayScreen(self.feed, self.view_name))
