"""What can be done to a session, with the keys for it: the same on every screen that shows one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget

from tuner.errors import TunerError
from tuner.session import commands
from tuner.session.continuing import how_to_go_on, is_over
from tuner.session.folder import delete_session
from tuner.session.inbox import send
from tuner.session.status import ALIVE
from tuner.session.view import SessionState, TrialState, TrialView
from tuner.tui.feed import Feed
from tuner.tui.first_steps import hint_lines
from tuner.tui.render.marks import session_text
from tuner.tui.widgets.keybar import KeyBar

if TYPE_CHECKING:
    from tuner.tui.app import TunerApp

RESUMABLE = frozenset({SessionState.PAUSED, SessionState.CRASHED, SessionState.FAILED})


def allowed(action: str, state: SessionState) -> bool:
    """Whether a session in this state can be started, paused and so on; True for other actions."""
    alive = state in ALIVE
    return {
        "start": state is SessionState.DRAFT,
        "edit": not alive,
        "pause": state is SessionState.RUNNING,
        "drain": state is SessionState.RUNNING,
        "prune": state is SessionState.RUNNING,
        "resume": state in RESUMABLE,
        "stop": alive,
        "delete": not alive,
    }.get(action, True)


class SessionScreen(Screen[None]):
    """A screen about one session at a time: `target` says which.

    KEY_ORDER names the bindings that the bar of keys shows first.
    """

    KEY_ORDER: ClassVar[tuple[str, ...]] = ()
    BINDINGS = [
        Binding("s", "start", "Start", id="session.start", tooltip="Start the search"),
        Binding(
            "p",
            "pause",
            "Pause",
            id="session.pause",
            tooltip="Pause now, with a checkpoint",
        ),
        Binding(
            "p", "resume", "Resume", id="session.resume", tooltip="Go on where the session stopped"
        ),
        Binding(
            "P",
            "drain",
            "Drain",
            id="session.drain",
            tooltip="Finish the running trials, then pause",
        ),
        Binding("e", "edit", "Edit", id="session.edit", tooltip="Change what is searched, and how"),
        Binding(
            "E",
            "export",
            "Export",
            id="session.export",
            tooltip="Write the best parameters to a file",
        ),
        Binding("y", "copy", "Copy", show=False, id="session.copy", tooltip="Copy the parameters"),
        Binding(
            "ctrl+k", "stop", "Stop", id="session.stop", tooltip="End the search for good (asks)"
        ),
        Binding(
            "ctrl+d",
            "delete",
            "Delete",
            show=False,
            id="session.delete",
            tooltip="Delete the session's folder (asks)",
        ),
    ]

    _keys_basis: object = None

    @property
    def tuner_app(self) -> TunerApp:
        """The app."""
        return cast("TunerApp", self.app)

    def session_stirred(self) -> None:
        """A worker is being started, or could not be."""

    def hint(self, screen: str) -> Iterable[Widget]:
        """One line of help where this screen is seen for the first time."""
        return hint_lines(self.app, screen)

    def take_size(self) -> None:
        """Set the breakpoints' classes before the first layout, so that no other one flashes up."""
        size, app = self.app.size, self.app
        for extent, breakpoints in (
            (size.width, app.HORIZONTAL_BREAKPOINTS or []),
            (size.height, app.VERTICAL_BREAKPOINTS or []),
        ):
            self.add_class(max(found for found in breakpoints if found[0] <= extent)[1])

    def target(self) -> Feed | None:
        """The session that keys are about, None where there is none."""
        raise NotImplementedError

    def deleted(self, feed: Feed) -> None:
        """A session's folder is gone."""
        raise NotImplementedError

    def copied_trial(self) -> TrialView | None:
        """The trial whose parameters are copied: the best one, unless an heir knows better."""
        feed = self.target()
        return None if feed is None else feed.view.best_trial()

    def marked(self) -> Sequence[int]:
        """The trials that are marked, where any can be."""
        return ()

    def state(self) -> SessionState:
        """The state of the target, starting from the moment that somebody asked for it."""
        feed = self.target()
        return SessionState.DRAFT if feed is None else self.tuner_app.state_of(feed)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Only what makes sense in the target's state."""
        if action not in _ABOUT_SESSIONS:
            return True
        feed = self.target()
        if feed is None:
            return False
        if action == "export":
            return bool(feed.view.trials)
        if action == "copy":
            return self.copied_trial() is not None
        return allowed(action, self.state())

    def on_key(self, event: events.Key) -> None:
        """A key that the session has no use for in its state says so."""
        feed, state = self.target(), self.state()
        bound = self._bindings.key_to_bindings.get(event.key, [])
        refused = [binding for binding in bound if not allowed(binding.action, state)]
        if feed is not None and refused and event.key not in self.active_bindings:
            where = f"{feed.session.name}: {session_text(state)}"
            self.tuner_app.tell(f"{refused[0].description} is not possible now ({where})")

    def ask(self, question: str, yes: object) -> None:
        """Ask in the footer; `yes` is called when the answer is y."""
        if callable(yes):
            self.query_one(KeyBar).ask(question, yes)

    def action_start(self) -> None:
        """Start the worker of a draft."""
        if feed := self.target():
            self.tuner_app.launch(feed.session)

    def action_resume(self) -> None:
        """Start a worker that goes on, unless it would end at once: then say what raises that."""
        feed = self.target()
        if feed is None:
            return
        try:
            over = is_over(feed.session, feed.view, self.state())
            advice = how_to_go_on(feed.session, feed.view) if over else ""
        except (TunerError, OSError) as error:
            advice = str(error)
        if advice:
            self.tuner_app.tell(f"{feed.session.name}: {advice}", failed=True)
        else:
            self.action_start()

    def action_pause(self) -> None:
        """Ask the worker to pause; the screen tells when it has."""
        self._send(commands.Pause(id=""))

    def action_drain(self) -> None:
        """Ask the worker to finish what runs and then pause."""
        self._send(commands.Drain(id=""))

    def action_stop(self) -> None:
        """Ask, then end the search."""
        if feed := self.target():
            name = feed.session.name
            self.ask(f"Stop {name} for good?", lambda: self._send(commands.Stop(id=""), feed))

    def prune(self, trial: TrialView) -> None:
        """Ask, then have a running trial pruned."""
        if (feed := self.target()) and trial.state is TrialState.RUNNING:
            command = commands.Prune(id="", trial=trial.number)
            self.ask(f"Prune trial {trial.number}?", lambda: self._send(command, feed))

    def action_delete(self) -> None:
        """Ask, then delete the folder."""
        if feed := self.target():
            self.ask(f"Delete {feed.session.name} and all its files?", lambda: self._delete(feed))

    def action_edit(self) -> None:
        """Open the recipe; of a session with trials the next start takes over what fits."""
        if feed := self.target():
            self.tuner_app.edit_draft(feed.session)

    def action_export(self) -> None:
        """Ask for format and file."""
        if feed := self.target():
            from tuner.tui.screens.export import ExportScreen

            trial = self.copied_trial()
            number = None if trial is None else trial.number
            self.app.push_screen(ExportScreen(feed, self.marked(), number))

    def action_copy(self) -> None:
        """The parameters as JSON into the clipboard."""
        trial = self.copied_trial()
        if trial is not None:
            values = {**trial.params, **trial.fixed}
            self.app.copy_to_clipboard(json.dumps(values, indent=2))
            self.tuner_app.tell(f"parameters of trial {trial.number} copied as JSON")

    def _send(self, command: commands.Command, feed: Feed | None = None) -> None:
        feed = feed or self.target()
        if feed is None:
            return
        try:
            send(feed.session, command)
        except (OSError, TunerError) as error:
            self.tuner_app.tell(f"the command could not be written: {error}", failed=True)
            return
        feed.look_again()
        self.refresh_bindings()

    def _delete(self, feed: Feed) -> None:
        try:
            delete_session(feed.session)
        except (TunerError, OSError) as error:
            self.tuner_app.tell(str(error), failed=True)
            return
        self.deleted(feed)

    def keys_depend_on(self) -> object:
        """What the keys that apply are made from: as long as it is the same, so are they."""
        feed, trial = self.target(), self.copied_trial()
        return (
            None if feed is None else (feed.session.name, feed.view.best is None),
            self.state(),
            None if trial is None else trial.state,
        )

    def redraw_keys(self) -> None:
        """Show the keys that apply now, where they are no longer those that are shown."""
        basis = self.keys_depend_on()
        if basis != self._keys_basis:
            self._keys_basis = basis
            self.refresh_bindings()


_ABOUT_SESSIONS = frozenset(
    {"start", "edit", "pause", "resume", "drain", "prune", "stop", "delete", "export", "copy"}
)
