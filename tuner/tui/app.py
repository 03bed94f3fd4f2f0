"""The terminal program: it shows sessions and passes on what is asked; workers live without it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.app import SystemCommand
from textual.binding import Binding
from textual.command import CommandPalette
from textual.screen import Screen

from tuner.errors import TunerError
from tuner.session.folder import Session, find_session
from tuner.session.suggested_command import command_line
from tuner.session.view import ALIVE_STATES
from tuner.tui.screens.session_screen import SessionScreen
from tuner.tui.shell.messages import ExportEnded
from tuner.tui.shell.notifications import FinishDetector, ProblemDetector, notification_codes
from tuner.tui.shell.screenshots import save_screenshot
from tuner.tui.shell.seen_screens import SeenScreens, seen_screens_path
from tuner.tui.shell.session_app import DrawRow, SessionApp
from tuner.tui.shell.terminal_signals import leave_on_signals, watch_terminal
from tuner.tui.state.session_reader import SessionReader

if TYPE_CHECKING:
    from textual.command import Provider

    from tuner.session.replay import Recording
    from tuner.tui.shell.messages import StartRequested


IMPORT_AHEAD_AFTER = 1.5
"""Seconds after the start."""
SWITCH_INTERVAL = 0.001
"""Seconds that a thread may keep the interpreter from the keys while it computes."""


def _actions_provider() -> type[Provider]:
    from tuner.tui.screens.action_palette import ActionsProvider

    return ActionsProvider


class TunerApp(SessionApp):
    """The picker, or one session; other screens come above it."""

    TITLE = "tuner"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny-width"), (60, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-tiny-height"), (16, "-low"), (30, "-high")]
    COMMANDS = SessionApp.COMMANDS | {_actions_provider}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS = [
        Binding("question_mark,f1", "help", "Help", id="app.help", tooltip="Help for this screen"),
        Binding(
            "colon,ctrl+p",
            "command_palette",
            "Palette",
            id="app.palette",
            tooltip="Every action by name",
        ),
        Binding(
            "ctrl+s",
            "picture",
            "Picture",
            show=False,
            id="app.picture",
            tooltip="Save the screen as SVG and as text",
        ),
        Binding(
            "ctrl+z",
            "suspend_process",
            "Suspend",
            show=False,
            id="app.suspend",
            tooltip="Suspend to the shell; fg brings it back",
        ),
        Binding(
            "q",
            "leave",
            "Leave",
            id="app.leave",
            tooltip="Leave the UI; workers keep running",
        ),
    ]

    def __init__(
        self,
        root: Path,
        session: str | None = None,
        *,
        clock: Callable[[], float] = time.time,
        settings: Path | None = None,
        recording: Recording | None = None,
        seen_screens_file: Path | None = None,
        import_ahead: bool = False,
    ) -> None:
        clock = clock if recording is None else recording.playhead.current_moment
        super().__init__(
            root, clock, settings=settings, seen_screens=SeenScreens(seen_screens_file)
        )
        self._recording = recording
        self._wants_import_ahead = import_ahead
        self._finish_detector = FinishDetector()
        self._problem_detector = ProblemDetector()
        self.last_opened: Session | None = None
        self._first = find_session(root, session) if session is not None else None

    def on_mount(self) -> None:
        self.load_user_settings()
        self.set_interval(1.0, self._notify_finished_searches)
        watch_terminal(self)
        if self._wants_import_ahead:
            self.set_timer(IMPORT_AHEAD_AFTER, self._import_screens_ahead)
        if self._first is None:
            self._open_picker()
        elif self._recording is not None:
            self._open_replay(self._first, self._recording)
        else:
            self.open_session_view(self.catalog.reader_for(self._first))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Yield what has no key of its own: the theme, a picture of the screen."""
        yield SystemCommand(
            "Choose a theme", "The colours of all screens", self.action_change_theme
        )
        yield SystemCommand(
            "Save a picture of the screen",
            "As SVG and as text",
            lambda: self.set_timer(0.1, self.action_picture),
        )

    def action_picture(self) -> None:
        """Save the screen as SVG and as text into the folder where tuner was started."""
        name = f"tuner-{self.last_opened.name}" if self.last_opened else "tuner"
        self.save_and_notify(lambda: save_screenshot(self, Path.cwd(), name))

    def _notify_finished_searches(self) -> None:
        """Show searches that have ended, and notify the user as the settings ask for."""
        for problem in self._problem_detector.new_problems(self.catalog.readers.values()):
            self.notify_user(problem.text, failed=problem.failed)
        for notice in self._finish_detector.newly_finished(self.catalog.readers.values()):
            self.notify_user(notice.text, failed=notice.failed)
            if self.notify_by and self._driver is not None:
                self._driver.write(notification_codes(notice.text, self.notify_by))

    @work(thread=True, group="ahead")
    def _import_screens_ahead(self) -> None:
        """Import what is shown later while nobody waits for it."""
        from tuner.tui.preload import import_screens_ahead

        import_screens_ahead()

    # Sessions

    def open_session_view(self, reader: SessionReader) -> None:
        from tuner.tui.screens.study_screen import StudyScreen

        self.last_opened = reader.session
        self.push_screen(StudyScreen(reader))

    def _open_picker(self) -> None:
        from tuner.tui.screens.picker_screen import PickerScreen

        self.push_screen(PickerScreen(self.catalog))

    def _open_replay(self, session: Session, recording: Recording) -> None:
        from tuner.tui.screens.replay_screen import ReplayScreen
        from tuner.tui.state.replay_reader import ReplayReader

        self.push_screen(ReplayScreen(ReplayReader(session, recording)))

    def return_to_picker(self) -> None:
        """Go back to the picker, created now if a session was opened by its name."""
        from tuner.tui.screens.picker_screen import PickerScreen

        if isinstance(self.screen_stack[-2], PickerScreen):
            self.pop_screen()
        else:
            self.switch_screen(PickerScreen(self.catalog))

    def open_setup_screen(
        self, session: Session, proposed: Mapping[str, tuple[float, float]] | None = None
    ) -> None:
        from tuner.tui.screens.setup_screen import SetupScreen
        from tuner.tui.setup.session_history import SessionHistory

        reader = self.catalog.readers.get(session.name)
        is_fully_read = reader is not None and reader.complete
        try:
            history = (
                SessionHistory(reader.view, self.displayed_state(reader))
                if reader is not None and is_fully_read
                else None
            )
            self.push_screen(SetupScreen(session, proposed, history=history))
        except TunerError as error:
            self.notify_user(str(error), failed=True)

    def action_edit_draft(self, name: str) -> None:
        self.open_setup_screen(find_session(self.root, name))

    def open_new_session_screen(self) -> None:
        from tuner.tui.screens.new_session_screen import NewSessionScreen

        self.push_screen(NewSessionScreen(self.root))

    def announce_state_change(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, SessionScreen) and screen.is_mounted:
                screen.session_state_changed()

    def on_start_requested(self, event: StartRequested) -> None:
        """Show the session that a setup screen has started, whatever lies above the setup."""
        from tuner.tui.screens.study_screen import StudyScreen

        while self.screen is not event.screen:
            self.pop_screen()
        self.pop_screen()
        shown_screen = self.screen
        if not (
            isinstance(shown_screen, StudyScreen) and shown_screen.reader.session == event.session
        ):
            self.open_session_view(self.catalog.reader_for(event.session))

    def open_row_screen(
        self, path: Sequence[str], row_names: Sequence[str], row_index: int, draw_row: DrawRow
    ) -> None:
        from tuner.tui.screens.row_screen import RowScreen

        self.push_screen(RowScreen(path, row_names, row_index, draw_row))

    def start_export(self, write: Callable[[], str]) -> None:
        self._export_in_thread(write)

    @work(thread=True, group="export")
    def _export_in_thread(self, write: Callable[[], str]) -> None:
        try:
            self.post_message(ExportEnded(write(), written=True))
        except (TunerError, OSError) as error:
            self.post_message(ExportEnded(str(error), written=False))

    def on_export_ended(self, event: ExportEnded) -> None:
        self.notify_user(event.report, failed=not event.written)

    # Keys

    def action_command_palette(self) -> None:
        """Open the palette unless it is open, be it under a screen that came at the same moment."""
        if not any(isinstance(screen, CommandPalette) for screen in self.screen_stack):
            super().action_command_palette()

    def action_help(self) -> None:
        from tuner.tui.screens.help_screen import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_leave(self) -> None:
        self.exit()

    def farewell_lines(self) -> list[str]:
        """Return what the terminal shows after leaving: what keeps running and how to reattach."""
        running = [
            name for name, reader in self.catalog.readers.items() if reader.state in ALIVE_STATES
        ]
        lines = [f"{name} keeps running in the background." for name in sorted(running)]
        back = self.last_opened.name if self.last_opened else next(iter(sorted(running)), None)
        if back is None:
            return lines
        return [*lines, f"Reattach: {command_line('open', Session(self.root / back))}"]


def pause_own_workers() -> None:
    """Pause the workers started here: after SIGTERM the system may end them too."""
    from tuner.worker.launch import pause_workers_started_here

    for session in pause_workers_started_here():
        print(f"{session.name} is paused; {command_line('resume', session)} continues it")


def run_tuner_app(
    root: Path, session: str | None = None, recording: Recording | None = None
) -> None:
    """Show the screens until the user leaves; raises TunerError if there is no such session.

    A `recording` is played in the session's views.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    app = TunerApp(
        root, session, recording=recording, seen_screens_file=seen_screens_path(), import_ahead=True
    )
    with leave_on_signals(app) as received:
        app.run()
    if received:
        if received[0] == signal.SIGTERM:
            pause_own_workers()
        raise SystemExit(128 + received[0])
    for line in app.farewell_lines():
        print(line)
