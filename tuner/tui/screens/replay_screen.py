"""A recorded session in the views of a live one, with the keys of a player."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tuner.render.charts.inline_bars import draw_progress_bar
from tuner.render.event_text import local_time_of_day
from tuner.render.styles import Styles, TextRun
from tuner.results import format as fmt
from tuner.tui.screens.study_screen import StudyScreen
from tuner.tui.state.replay_reader import ReplayReader
from tuner.tui.widgets.drawn_line import DrawnLine
from tuner.tui.widgets.key_bindings import key

JUMP_SHARE = 0.05
"""The share of the recording that < and > jump over."""
_WORKER_ACTIONS = frozenset(
    {"start", "edit", "pause", "resume", "drain", "prune", "stop", "delete", "rerun", "enqueue"}
)


class ReplayScreen(StudyScreen):
    """A recorded session; nothing can be asked of a worker here."""

    KEY_ORDER = ("replay.halt", "replay.faster", "replay.slower", "replay.ahead", "trials.detail")
    BINDINGS = [
        key("p", "toggle_halt", "replay.halt", "Halt", "Stop the replay, or go on"),
        key("+,=", "change_speed(2)", "replay.faster", "Faster", "Twice as fast", display="+"),
        key("-", "change_speed(0.5)", "replay.slower", "Slower", "Half as fast"),
        key(">", "jump(1)", "replay.ahead", "Jump", "Jump ahead by 5 %", display="< >"),
        key("<", "jump(-1)", "replay.back", "Back", "Jump back by 5 %", show=False),
    ]
    reader: ReplayReader

    def __init__(self, reader: ReplayReader, view: str = "Live") -> None:
        super().__init__(reader)
        self._first_view = view

    def on_mount(self) -> None:
        """Show the view that was open before a jump back."""
        if self._first_view != self.view_name:
            self.call_later(self.show_view_named, self._first_view)

    def compose_below_views(self) -> Iterable[Widget]:
        yield DrawnLine(self._playback_runs, id="replay")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse whatever would need a worker."""
        return action not in _WORKER_ACTIONS and super().check_action(action, parameters)

    def leave_screen(self) -> None:
        """Leave the app: there is no other screen below."""
        self.tuner_app.exit()

    def redraw_progress(self) -> None:
        self.query_one("#replay", DrawnLine).redraw_content()

    def _playback_runs(self, width: int, styles: Styles) -> list[TextRun]:
        playhead = self.reader.recording.playhead
        glyph = "■" if self.reader.recording.has_played_all else "‖" if playhead.halted else "▶"
        length = fmt.format_clock(playhead.end - playhead.start)
        played = f"{fmt.format_clock(playhead.current_moment() - playhead.start)} of {length}"
        speed = f"×{fmt.format_amount(playhead.speed)}"
        tail = f"  {speed}  {played}  {local_time_of_day(playhead.current_moment())}"
        room = max(width - len(tail) - 14, 6)
        return [
            (f" {glyph} replay ", styles.accent),
            (draw_progress_bar(playhead.played_share, room), styles.accent),
            (tail, styles.text),
        ]

    def action_toggle_halt(self) -> None:
        playhead = self.reader.recording.playhead
        playhead.set_halted(not playhead.halted)
        self.redraw_progress()

    def action_change_speed(self, factor: float) -> None:
        playhead = self.reader.recording.playhead
        playhead.change_speed(playhead.speed * factor)
        self.redraw_progress()

    def action_jump(self, direction: int) -> None:
        """Jump ahead or back; back takes a new screen, whose panes know nothing of what comes."""
        playhead = self.reader.recording.playhead
        moment = playhead.current_moment() + direction * JUMP_SHARE * (
            playhead.end - playhead.start
        )
        if direction > 0:
            playhead.jump_to_moment(moment)
            self.redraw_progress()
        else:
            self.reader.rewind_to_moment(moment)
            self.app.switch_screen(ReplayScreen(self.reader, self.view_name))
