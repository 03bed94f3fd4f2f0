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
from textual.screen import Screen

from tuner.errors import TunerError
from tuner.recipe.load import read_text
from tuner.session.advice import call
from tuner.session.folder import Session, create_session, list_sessions, open_session
from tuner.session.status import ALIVE
from tuner.session.view import SessionState
from tuner.tui.catalog import Catalog
from tuner.tui.feed import Feed
from tuner.tui.first_steps import FirstSteps, seen_path
from tuner.tui.hangup import leaving_on_signals, watch_terminal
from tuner.tui.machine import Machine
from tuner.tui.messages import ExportEnded, LaunchFailed, WorkerLaunched
from tuner.tui.notices import Ends, sequences
from tuner.tui.picture import save_screen
from tuner.tui.screens.actions import SessionScreen
from tuner.tui.styled_app import StyledApp

if TYPE_CHECKING:
    from textual.command import Provider

    from tuner.session.replay import Recording
    from tuner.tui.setup.starting import StartRequested


AHEAD_AFTER = 1.5
"""Seconds after the start."""
SWITCH = 0.001
"""Seconds that a thread may keep the interpreter from the keys while it computes."""


def _actions_provider() -> type[Provider]:
    from tuner.tui.palette import ActionsProvider

    return ActionsProvider


class TunerApp(StyledApp):
    """The picker, or one session; other screens come above it."""

    TITLE = "tuner"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny-width"), (60, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-tiny-height"), (16, "-low"), (30, "-high")]
    COMMANDS = StyledApp.COMMANDS | {_actions_provider}
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
            tooltip="Back to the shell for a while; fg comes back",
        ),
        Binding(
            "q",
            "leave",
            "Leave",
            id="app.leave",
            tooltip="Leave the screens; workers go on",
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
        seen: Path | None = None,
        ahead: bool = False,
    ) -> None:
        super().__init__(settings)
        self.root = root
        self.clock = clock if recording is None else recording.playhead.now
        self.catalog = Catalog(root, self.clock)
        self.first_steps = FirstSteps(seen)
        self._recording = recording
        self._ahead = ahead
        self._ends = Ends()
        self.machine = Machine()
        self.launching: set[str] = set()
        self.looked_at: Session | None = None
        self._first = open_session(root, session) if session is not None else None

    def on_mount(self) -> None:
        """The user's settings, then the first screen."""
        self.take_settings()
        self.set_interval(1.0, self._look_for_ends)
        watch_terminal(self)
        if self._ahead:
            self.set_timer(AHEAD_AFTER, self._import_ahead)
        if self._first is None:
            self._pick()
        elif self._recording is not None:
            self._play(self._first, self._recording)
        else:
            self.open_feed(self.catalog.feed(self._first))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """What has no key: the theme, a picture of the screen."""
        yield SystemCommand(
            "Choose a theme", "The colours of all screens", self.action_change_theme
        )
        yield SystemCommand(
            "Save a picture of the screen",
            "As SVG and as text",
            lambda: self.set_timer(0.1, self.action_picture),
        )

    def action_picture(self) -> None:
        """The screen as SVG and as text, into the folder where tuner was started."""
        name = f"tuner-{self.looked_at.name}" if self.looked_at else "tuner"
        self.tell_saved(lambda: save_screen(self, Path.cwd(), name))

    def _look_for_ends(self) -> None:
        """Tell of searches that ended, and call the user where the settings ask for it."""
        for notice in self._ends.since(self.catalog.feeds.values()):
            self.tell(notice.text, failed=notice.failed)
            if self.notify_by and self._driver is not None:
                self._driver.write(sequences(notice.text, self.notify_by))

    @work(thread=True, group="ahead")
    def _import_ahead(self) -> None:
        """What is shown later is imported while nobody waits for it."""
        from tuner.tui.ahead import import_all

        import_all()

    # Sessions

    def state_of(self, feed: Feed) -> SessionState:
        """The session's state; starting from the moment that its worker was asked for."""
        asked = feed.session.name in self.launching and feed.state not in ALIVE
        return SessionState.STARTING if asked else feed.state

    def open_feed(self, feed: Feed) -> None:
        """A session's live view over what is there."""
        from tuner.tui.screens.study import StudyScreen

        self.looked_at = feed.session
        self.push_screen(StudyScreen(feed))

    def _pick(self) -> None:
        from tuner.tui.screens.picker import PickerScreen

        self.push_screen(PickerScreen(self.catalog))

    def _play(self, session: Session, recording: Recording) -> None:
        from tuner.tui.replay import ReplayFeed
        from tuner.tui.screens.replay import ReplayScreen

        self.push_screen(ReplayScreen(ReplayFeed(session, recording)))

    def close_study(self) -> None:
        """Back to the picker, which is made now where a session was opened by its name."""
        from tuner.tui.screens.picker import PickerScreen

        if isinstance(self.screen_stack[-2], PickerScreen):
            self.pop_screen()
        else:
            self.switch_screen(PickerScreen(self.catalog))

    def edit_draft(
        self, session: Session, proposed: Mapping[str, tuple[float, float]] | None = None
    ) -> None:
        """The setup screen of a session; `proposed` are narrower ranges by flat name."""
        from tuner.tui.screens.setup import SetupScreen
        from tuner.tui.setup.past import Past

        feed = self.catalog.feeds.get(session.name)
        known = feed is not None and feed.complete
        try:
            past = Past(feed.view, self.state_of(feed)) if feed is not None and known else None
            self.push_screen(SetupScreen(session, proposed, past=past))
        except TunerError as error:
            self.tell(str(error), failed=True)

    def action_edit_draft(self, name: str) -> None:
        """The setup screen of the draft of that name."""
        self.edit_draft(open_session(self.root, name))

    def new_session(self) -> None:
        """The setup of a session that there is not yet."""
        from tuner.tui.screens.setup import NewSessionScreen

        self.push_screen(NewSessionScreen(self.root))

    def clone(self, session: Session) -> None:
        """A new draft with a session's recipe."""
        try:
            text = read_text(session.recipe_path)
            name = free_name(session.name, {found.name for found in list_sessions(self.root)})
            create_session(self.root, name, text)
        except (OSError, UnicodeDecodeError, TunerError) as error:
            self.tell(str(error), failed=True)
            return
        self.tell(f"{name} is a draft with the same recipe")

    def launch(self, session: Session) -> None:
        """Start the session's worker; messages tell how that went."""
        if session.name not in self.launching:
            self.launching.add(session.name)
            self._stirred()
            self._launch(session)

    @work(thread=True, group="launch")
    def _launch(self, session: Session) -> None:
        from tuner.worker.launch import start

        try:
            start(session)
        except (TunerError, OSError) as error:
            self.post_message(LaunchFailed(session, str(error)))
        else:
            self.post_message(WorkerLaunched(session))

    def on_worker_launched(self, event: WorkerLaunched) -> None:
        """The log tells the rest."""
        self._launched(event.session)

    def on_launch_failed(self, event: LaunchFailed) -> None:
        """Say why."""
        self._launched(event.session)
        self.tell(event.reason, failed=True)

    def _launched(self, session: Session) -> None:
        self.launching.discard(session.name)
        self.catalog.feed(session).look_again()
        self._stirred()

    def _stirred(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, SessionScreen) and screen.is_mounted:
                screen.session_stirred()

    def on_start_requested(self, event: StartRequested) -> None:
        """A setup screen has started its session: show it live, whatever lies over the setup."""
        from tuner.tui.screens.study import StudyScreen

        while self.screen is not event.screen:
            self.pop_screen()
        self.pop_screen()
        showing = self.screen
        if not (isinstance(showing, StudyScreen) and showing.feed.session == event.session):
            self.open_feed(self.catalog.feed(event.session))

    @work(thread=True, group="export")
    def export(self, command: Sequence[str], session: Session) -> None:
        """Run an export; a message tells how that went."""
        from tuner.tui.screens.export import run_export

        self.post_message(run_export(command, session))

    def on_export_ended(self, event: ExportEnded) -> None:
        """Say where it is, or why it is not."""
        self.tell(event.told, failed=not event.written)

    # Keys

    def action_help(self) -> None:
        """Help for the screen on top."""
        from tuner.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_leave(self) -> None:
        """Leave; workers go on."""
        self.exit()

    def farewell(self) -> list[str]:
        """What to say on the terminal after leaving: the way back, and what goes on."""
        running = [name for name, feed in self.catalog.feeds.items() if feed.state in ALIVE]
        lines = [f"{name} goes on without the screens." for name in sorted(running)]
        back = self.looked_at.name if self.looked_at else next(iter(sorted(running)), None)
        if back is None:
            return lines
        return [*lines, f"Back to it: {call('open', Session(self.root / back))}"]


def free_name(name: str, taken: set[str]) -> str:
    """NAME-2, or the next number that is free."""
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def pause_what_was_started() -> None:
    """SIGTERM is the system's: it may be about to end the workers, too. Those of others go on."""
    from tuner.worker.launch import pause_started_here

    for session in pause_started_here():
        print(f"{session.name} is paused; {call('resume', session)} goes on")


def run_app(root: Path, session: str | None = None, recording: Recording | None = None) -> None:
    """Show the screens until the user leaves; raises TunerError where there is no such session.

    With a `recording`, it is played in the session's views.
    """
    sys.setswitchinterval(SWITCH)
    app = TunerApp(root, session, recording=recording, seen=seen_path(), ahead=True)
    with leaving_on_signals(app) as received:
        app.run()
    if received:
        if received[0] == signal.SIGTERM:
            pause_what_was_started()
        raise SystemExit(128 + received[0])
    for line in app.farewell():
        print(line)
