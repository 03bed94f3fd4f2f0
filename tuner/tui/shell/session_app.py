"""An app that holds sessions: their readers, and the workers it starts; no screens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from textual import work

from tuner.errors import TunerError
from tuner.recipe.load import read_recipe_text
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles
from tuner.session.folder import Session, create_session, unused_session_name
from tuner.session.view import ALIVE_STATES, SessionState
from tuner.tui.shell.messages import LaunchFailed, WorkerLaunched
from tuner.tui.shell.seen_screens import SeenScreens
from tuner.tui.shell.styled_app import StyledApp
from tuner.tui.state.machine import MachineMonitor
from tuner.tui.state.session_catalog import SessionCatalog
from tuner.tui.state.session_reader import SessionReader

DrawRow = Callable[[int, int, Styles], Lines]
"""Draws one of some rows, by its index, in a width and styles."""


class SessionApp(StyledApp):
    """What screens and views may ask of their app; `tuner.tui.app` says what is shown for it."""

    def __init__(
        self,
        root: Path,
        clock: Callable[[], float],
        *,
        settings: Path | None,
        seen_screens: SeenScreens,
    ) -> None:
        super().__init__(settings)
        self.root = root
        self.clock = clock
        self.catalog = SessionCatalog(root, clock)
        self.machine = MachineMonitor()
        self.seen_screens = seen_screens
        self.launching: set[str] = set()

    # What is shown

    def open_session_view(self, reader: SessionReader) -> None:
        raise NotImplementedError

    def return_to_picker(self) -> None:
        raise NotImplementedError

    def open_setup_screen(
        self, session: Session, proposed: Mapping[str, tuple[float, float]] | None = None
    ) -> None:
        """Open the setup screen of a session; `proposed` are narrower ranges by flat name."""
        raise NotImplementedError

    def open_new_session_screen(self) -> None:
        raise NotImplementedError

    def open_row_screen(
        self, path: Sequence[str], row_names: Sequence[str], row_index: int, draw_row: DrawRow
    ) -> None:
        """Show one of some rows of the data; `path` names what they belong to."""
        raise NotImplementedError

    def start_export(self, write: Callable[[], str]) -> None:
        """Write an export in a thread; `write` returns what to tell the user about it."""
        raise NotImplementedError

    def announce_state_change(self) -> None:
        """Let the screens show that a worker is being started, or could not be."""
        raise NotImplementedError

    # Sessions

    def displayed_state(self, reader: SessionReader) -> SessionState:
        """Return the session's state; STARTING from the moment that its worker was asked for."""
        is_launching = reader.session.name in self.launching and reader.state not in ALIVE_STATES
        return SessionState.STARTING if is_launching else reader.state

    def clone_session(self, session: Session) -> None:
        """Create a draft with the session's recipe."""
        try:
            text = read_recipe_text(session.recipe_path)
            name = unused_session_name(self.root, session.name)
            create_session(self.root, name, text)
        except (OSError, UnicodeDecodeError, TunerError) as error:
            self.notify_user(str(error), failed=True)
            return
        self.notify_user(f"{name} is a draft with the same recipe")

    def launch_worker(self, session: Session, *, rechoose: bool = False) -> None:
        """Start the session's worker; a message reports the outcome."""
        if session.name not in self.launching:
            self.launching.add(session.name)
            self.announce_state_change()
            self._launch_in_thread(session, rechoose)

    @work(thread=True, group="launch")
    def _launch_in_thread(self, session: Session, rechoose: bool) -> None:
        from tuner.worker.launch import start_worker

        try:
            start_worker(session, rechoose=rechoose)
        except (TunerError, OSError) as error:
            self.post_message(LaunchFailed(session, str(error)))
        else:
            self.post_message(WorkerLaunched(session))

    def on_worker_launched(self, event: WorkerLaunched) -> None:
        self._finish_launch(event.session)

    def on_launch_failed(self, event: LaunchFailed) -> None:
        self._finish_launch(event.session)
        self.notify_user(event.reason, failed=True)

    def _finish_launch(self, session: Session) -> None:
        self.launching.discard(session.name)
        self.catalog.reader_for(session).expire_lock_check()
        self.announce_state_change()
